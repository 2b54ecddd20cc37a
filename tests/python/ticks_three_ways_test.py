"""One pipeline over real trades and quotes, as YAML, in Python and in C++: the same rows, and the same bytes.

The files are not part of the tree: the environment variable SABOT_REAL_DATA names their folder. The C++ program is
examples/cpp/crypto_ticks.cc, taken from the newest build that has it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import sabot
from sabot import col

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(os.environ.get("SABOT_REAL_DATA", ROOT.parent / "shared" / "data"))
SPOT = ["BTCUSDT.SPOT", "ETHUSDT.SPOT"]
WHOLE = 1_000_000  # Rows of a batch: more than the files have.


def path_of(name: str) -> str:
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing; SABOT_REAL_DATA names its folder")
    return str(path.resolve())


@pytest.fixture(scope="module")
def trades() -> str:
    return path_of("crypto_trades.parquet")


@pytest.fixture(scope="module")
def quotes() -> str:
    return path_of("crypto_quotes.parquet")


def run(arguments: list[str], threads: int) -> str:
    environment = os.environ | {"SABOT_MAX_THREADS": str(threads)}
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout


def by_yaml(trades: str, quotes: str, out: Path, batch_rows: int, threads: int) -> None:
    pipeline = str(Path(__file__).with_name("crypto_ticks.yaml"))
    assignments = [f"sink.parquet={out}"]
    for source, path in {"spot": trades, "futures": trades, "quotes": quotes}.items():
        assignments += [f"sources.{source}.parquet={path}", f"sources.{source}.batch_rows={batch_rows}"]
    settings = [argument for assignment in assignments for argument in ("--set", assignment)]
    run([sys.executable, "-m", "sabot", "run", pipeline, "-q", *settings], threads)


def in_python(trades: str, quotes: str, out: Path, batch_rows: int, threads: int) -> None:
    sabot.set_max_threads(threads)
    bought = sabot.Stream.from_parquet(trades, batch_rows=batch_rows, event_time="local_ts")
    quoted = sabot.Stream.from_parquet(quotes, batch_rows=batch_rows, event_time="local_ts")
    trade = {"timestamp": "local_ts", "price": "price", "volume": "size", "kind": "'trade'"}
    futures = bought.filter(~col("symbol").is_in(SPOT)).select("symbol", **trade)
    books = quoted.filter(col("ask_px") > col("bid_px")).select(
        "symbol",
        timestamp="local_ts",
        price=(col("bid_px") + col("ask_px")) / 2,
        volume=col("bid_sz") + col("ask_sz"),
        kind="'quote'",
    )
    (
        bought.filter(col("symbol").is_in(SPOT))
        .select("symbol", **trade)
        .union(futures, books)
        .filter((col("price") > 0) & (col("volume") > 0))
        .with_columns(
            notional=col("price") * col("volume"),
            hour='hour(cast(timestamp, type="timestamp[ns]"))',
            fast=col("price").ewma(alpha=0.1),
        )
        .kernel("log_returns")
        .kernel("rolling_std", column="log_return", window=64)
        .kernel("vwap", window=100)
        .kernel("ewma", column="notional", halflife="2s", outputs={"ewma": "activity"})
        .filter("log_return is not null")
        .to_parquet(out)
    )


def in_cpp(trades: str, quotes: str, out: Path, batch_rows: int, threads: int) -> None:
    built = sorted(ROOT.glob("build/*/examples/cpp/crypto_ticks"), key=lambda path: path.stat().st_mtime)
    if not built:
        pytest.skip("the C++ example is not built: build/*/examples/cpp/crypto_ticks is missing; `make cpp` builds it")
    run([str(built[-1]), trades, quotes, str(out), str(batch_rows)], threads)


WAYS = {"yaml": by_yaml, "python": in_python, "cpp": in_cpp}


@pytest.fixture(scope="module")
def expected(trades: str, quotes: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("expected") / "out.parquet"
    by_yaml(trades, quotes, out, WHOLE, 1)
    return out


def test_the_pipeline_does_what_it_says(expected: Path, trades: str, quotes: str) -> None:
    rows = pq.read_table(expected)
    ticks, books = pq.read_table(trades), pq.read_table(quotes)
    valid = pc.and_(
        pc.greater(books["ask_px"], books["bid_px"]), pc.greater(pc.add(books["bid_sz"], books["ask_sz"]), 0)
    )
    symbols = len(set(ticks["symbol"].to_pylist()) | set(books["symbol"].to_pylist()))
    assert len(rows) == len(ticks) + pc.sum(valid).as_py() - symbols  # The first row of a symbol has no return.
    assert pc.multiply(rows["price"], rows["volume"]).equals(rows["notional"])
    assert pc.hour(rows["timestamp"].cast(pa.timestamp("ns"))).equals(rows["hour"])
    traded = rows.filter(pc.equal(rows["kind"], "trade"))
    assert len(ticks) - symbols <= len(traded) <= len(ticks)
    assert set(traded["price"].to_pylist()) <= set(ticks["price"].to_pylist())


@pytest.mark.parametrize("way", ["python", "cpp"])
@pytest.mark.usefixtures("threads_restored")
def test_diff_finds_no_difference(way: str, expected: Path, trades: str, quotes: str, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    WAYS[way](trades, quotes, out, 65_536, 2)
    assert "Equal: " in run([sys.executable, "-m", "sabot", "diff", "--bits", "exact", str(expected), str(out)], 2)


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("batch_rows", [1_000, 7_777, WHOLE])
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.usefixtures("threads_restored")
def test_the_bytes_are_the_same(
    way: str, batch_rows: int, threads: int, expected: Path, trades: str, quotes: str, tmp_path: Path
) -> None:
    out = tmp_path / "out.parquet"
    WAYS[way](trades, quotes, out, batch_rows, threads)
    assert out.read_bytes() == expected.read_bytes()
