"""Two feeds with names of their own, merged by event time into one stream of features."""

import tempfile
from pathlib import Path

import sabot

with tempfile.TemporaryDirectory() as directory:
    ours, theirs = Path(directory) / "ours.parquet", Path(directory) / "theirs.csv"
    sabot.Stream.from_generator(rows=20_000, symbols=5, seed=1, kind="trades").to_parquet(ours)
    sabot.Stream.from_generator(rows=20_000, symbols=5, seed=2, kind="trades", late=0.01).rename(
        {"price": "px", "volume": "qty"}
    ).to_csv(theirs)

    # Make them alike: the same columns, of the same types, in the same order.
    names = ["symbol", "timestamp", "price", "volume"]
    first = sabot.Stream.from_parquet(ours).select(*names, venue="'X'")
    second = (
        sabot.Stream.from_csv(theirs, types={"timestamp": "timestamp[ns]", "px": "float64", "qty": "float64"})
        .rename({"px": "price", "qty": "volume"})
        .select(*names, venue="'Y'")
    )

    # One average over both venues, and one for each.
    merged = (
        first.union(second)
        .kernel("vwap", window=100)
        .kernel("vwap", window=100, by=["symbol", "venue"], outputs={"vwap": "venue_vwap"})
    )
    summary = merged.data_quality(gap="10ms").to_parquet(Path(directory) / "merged.parquet")
    print(summary)
    print(summary.quality.select(["symbol", "rows", "backwards", "gaps"]).to_pylist())

    # Which feed is read faster changes nothing: the file is the merged stream, run once more.
    assert sabot.diff(Path(directory) / "merged.parquet", merged).equal
    print(merged.collect().slice(1_000, 3).to_pylist())
