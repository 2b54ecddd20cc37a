"""Chains over trades and quotes of a crypto exchange, as received: every output of every row against the reference.

The files are not part of the tree: the environment variable SABOT_REAL_DATA names their folder.
"""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import reference

import sabot
from sabot import fintech

FOLDER = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
DAY_NS = 86_400 * 10**9

Step = tuple[str, dict[str, Any]]  # A kernel, and what it is called with.

TIME = {"timestamp": "exch_ts"}  # Runs backwards now and then; the trades cross midnight.
VOLUME = {"volume": "size"}
BEST = {"bid": "bid_px", "ask": "ask_px"}
SIZES = {"bid_size": "bid_sz", "ask_size": "ask_sz"}

TRADES: list[Step] = [
    ("log_returns", {}),
    ("welford_mean_var", {}),
    ("ewma", {"span": 50.0}),
    ("ewma", {"halflife": "500ms", "columns": TIME, "outputs": {"ewma": "ewma_500ms"}}),
    ("rolling_zscore", {}),
    ("vwap", {"columns": VOLUME}),
    ("vwap", {"columns": VOLUME | TIME, "session_ns": DAY_NS, "outputs": {"vwap": "vwap_today"}}),
    ("vwap", {"columns": VOLUME, "window": 200, "outputs": {"vwap": "vwap_200"}}),
    ("vpin", {"columns": VOLUME, "bucket_volume": 5.0, "n_buckets": 20}),
    ("realized_var", {"window": 50}),
    ("cusum", {"std": 2e-5}),
    ("ema", {}),
    ("sma", {}),
    ("macd", {}),
    ("rsi", {}),
    ("bollinger_bands", {}),
    ("lag", {}),
    ("diff", {"k": 5}),
    ("rolling_std", {"column": "log_return", "window": 64}),
]
SIDED_TRADES: list[Step] = [
    ("signed_volume", {"columns": VOLUME}),
    ("kyle_lambda", {"window": 100}),
    ("vpin", {"columns": VOLUME, "bucket_volume": 3.0, "n_buckets": 10, "classify": "side"}),
    ("ewma", {"column": "signed_volume", "alpha": 0.01}),
]
QUOTES: list[Step] = [
    ("midprice", {"columns": BEST}),
    ("quoted_spread", {"columns": BEST}),
    ("l1_imbalance", {"columns": SIZES}),
    ("ofi", {"columns": BEST | SIZES}),
    ("ofi", {"columns": BEST | SIZES, "window": 50, "min_periods": 10, "outputs": {"ofi": "ofi_50"}}),
    ("log_returns", {"columns": {"price": "midprice"}}),
    ("realized_var", {"window": 100}),
    ("ewma", {"column": "l1_imbalance", "columns": TIME, "halflife": "1s"}),  # Spot quotes have no exchange time.
    ("diff", {"column": "midprice", "k": 10}),
    ("rolling_std", {"column": "midprice", "window": 100}),
    ("rolling_zscore", {"column": "quoted_spread", "window": 50}),
]


def path_of(name: str) -> Path:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing; SABOT_REAL_DATA names its folder")
    return path


def check(path: Path, steps: list[Step]) -> None:
    stream = sabot.Stream.from_parquet(path, batch_rows=10_000)
    for kernel, arguments in steps:
        stream = stream.kernel(kernel, **arguments)
    streamed = stream.collect()

    given = pq.read_table(path)
    classes = {info.name: getattr(fintech, info.class_name) for info in fintech.kernels()}
    result = fintech.chain(given, [classes[kernel](**arguments) for kernel, arguments in steps])
    assert len(result) == len(given) > 70_000
    assert streamed.column_names == result.column_names
    for column in result.column_names:
        if result[column].type == given.schema.field("symbol").type:
            assert streamed[column].to_pylist() == result[column].to_pylist()
        else:
            assert reference.bits(streamed[column]) == reference.bits(result[column]), column

    for kernel, arguments in steps:  # Each from what the chain gave it to read.
        names = arguments.get("outputs", {})
        columns = arguments.get("columns", {}) | ({"x": arguments["column"]} if "column" in arguments else {})
        options = {name: value for name, value in arguments.items() if name not in ("outputs", "columns", "column")}
        reference.assert_agree(result, reference.compute(result, kernel, columns=columns, **options), names)
        for output in reference.REFERENCES[kernel].outputs:
            assert result[names.get(output, output)].null_count < len(result) // 2, f"{kernel}: {output} is mostly null"


def test_trades() -> None:
    check(path_of("crypto_trades.parquet"), TRADES)


def test_trades_by_side(tmp_path: Path) -> None:
    trades = pq.read_table(path_of("crypto_trades.parquet"))
    sides = pc.if_else(pc.equal(trades["aggressor"], "BUY"), pa.scalar(1, pa.int8()), pa.scalar(-1, pa.int8()))
    pq.write_table(trades.append_column("side", sides), tmp_path / "trades.parquet")
    check(tmp_path / "trades.parquet", SIDED_TRADES)


def test_quotes() -> None:
    check(path_of("crypto_quotes.parquet"), QUOTES)
