"""A dirty CSV to a Parquet file of features: types, names, rejected rows, expressions, kernels."""

import tempfile
from pathlib import Path

import sabot
from sabot import col, when

DIRTY = """\
sym,time,side,px,qty
A,2024-01-02T09:30:00.000001Z,buy,10.50,100
A,2024-01-02T09:30:00.000002Z,sell,n/a,100
B,2024-01-02T09:30:00.250000Z,buy,7.25,50
B,2024-01-02T09:30:00.500000Z,sell,seven,50
A,2024-01-02T09:30:00.750000Z,sell,10.40,200
B,2024-01-02T09:30:01
B,2024-01-02T09:30:01.250000Z,buy,7.30,75
A,2024-01-02T09:30:01.500000Z,buy,0,100
A,2024-01-02T09:30:02.000000Z,buy,10.55,300
"""

with tempfile.TemporaryDirectory() as directory:
    folder = Path(directory)
    (folder / "trades.csv").write_text(DIRTY)

    trades = (
        sabot.Stream.from_csv(
            folder / "trades.csv",
            types={"time": "timestamp[ns, tz=UTC]", "px": "float64", "qty": "float64"},
            null_values=["n/a"],
        )
        .rename({"sym": "symbol", "time": "timestamp", "px": "price", "qty": "volume"})
        .require("price > 0 and volume > 0", reason="no price or no volume")
    )
    features = (
        trades.with_columns(
            notional=col("price") * col("volume"),
            flow=when(col("side") == "buy").then(col("volume")).otherwise(-col("volume")),
        )
        .with_columns(
            smooth=col("price").ewma(halflife="1s").over("symbol"),
            pressure=col("flow").sma(window=2, min_periods=1).over("symbol"),
        )
        .kernel("log_returns")
        .select("symbol", "timestamp", "price", "smooth", "pressure", "log_return")
    )
    print(features.explain())

    summary = features.to_parquet(folder / "features.parquet", rejects=folder / "rejects.csv")
    print(summary)
    print((folder / "rejects.csv").read_text())
    for row in sabot.Stream.from_parquet(folder / "features.parquet").collect().to_pylist():
        print(row)
