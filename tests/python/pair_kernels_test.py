"""Kernels that read two symbols of one stream, wherever a kernel can stand: whose rows they see, and in which order."""

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import reference
from sabot.errors import DataError, FunctionError, OptionError, SchemaError, SnapshotError
from sabot.execution import JobGraph
from sabot.expressions import col
from sabot.pipeline import PipelineError, parse, schema
from sabot.stores import MemoryBackend, RocksDBBackend

import sabot
from sabot import Stream, _native, fintech
from sabot.checkpoint import CheckpointCoordinator

PAIR = {"symbol_a": "S0000", "symbol_b": "S0001"}
TICKS = Stream.from_generator(rows=60_000, symbols=7, seed=5, nulls=0.01, late=0.02).collect()


def ticks() -> Stream:
    return Stream.from_arrow(TICKS)


def bits(column: Any) -> Any:
    return reference.bits(column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column]))


EXPECTED = bits(fintech.hayashi_yoshida_cov(TICKS, **PAIR)["hy_cov"])


def test_the_sample_has_values_and_nulls() -> None:
    found = fintech.hayashi_yoshida_cov(TICKS, **PAIR)["hy_cov"]
    of_pair = pc.is_in(TICKS["symbol"], pa.array(list(PAIR.values())))
    assert 2_000 < len(found) - found.null_count < pc.sum(of_pair).as_py()
    assert found.filter(pc.invert(of_pair)).null_count == len(found) - pc.sum(of_pair).as_py()


# --- wrong use ---


def test_a_pair_must_be_said() -> None:
    for missing in PAIR:
        given = {option: symbol for option, symbol in PAIR.items() if option != missing}
        with pytest.raises(OptionError, match=f"^hayashi_yoshida_cov: option '{missing}' must be given"):
            fintech.hayashi_yoshida_cov(TICKS, **given)
        with pytest.raises(OptionError, match=f"^hayashi_yoshida_corr: option '{missing}' must be given"):
            ticks().kernel("hayashi_yoshida_corr", **given)
        with pytest.raises(OptionError, match=f"option '{missing}' must be given"):
            fintech.HayashiYoshidaCovKernel(**given)
    with pytest.raises(OptionError, match=r"'symbol_a' and 'symbol_b' are both 'A'. Give two symbols"):
        fintech.hayashi_yoshida_cov(TICKS, symbol_a="A", symbol_b="A")
    with pytest.raises(OptionError, match=r"option 'symbol_b' must be a symbol .*, found 1.5"):
        fintech.hayashi_yoshida_cov(TICKS, symbol_a="A", symbol_b=1.5)
    with pytest.raises(OptionError, match="'window' must be in"):
        fintech.hayashi_yoshida_cov(TICKS, **PAIR, window=-1)


def test_a_pass_has_one_pair_or_none() -> None:
    pair = fintech.HayashiYoshidaCovKernel(**PAIR)
    message = r"hayashi_yoshida_cov reads the pair 'S0000', 'S0001'.* ewma reads no pair: kernels of one pass have one"
    for make in (fintech.Chain, lambda kernels: fintech.chain(TICKS, kernels)):
        with pytest.raises(OptionError, match=message):
            make([pair, "ewma"])
    both = fintech.chain(TICKS, [pair, fintech.HayashiYoshidaCorrKernel(**PAIR)])
    assert both.column_names[-2:] == ["hy_cov", "hy_corr"]
    assert bits(both["hy_cov"]) == EXPECTED


def test_symbols_are_of_one_column() -> None:
    with pytest.raises(OptionError, match="by= names 2 key columns, but the pair's symbols are values of one"):
        fintech.hayashi_yoshida_cov(TICKS, by=["symbol", "side"], **PAIR)
    with pytest.raises(SchemaError, match="'smybol' is missing"):
        fintech.hayashi_yoshida_cov(TICKS, by="smybol", **PAIR)
    with pytest.raises(SchemaError, match="column 'timestamp', which is missing"):
        fintech.hayashi_yoshida_cov(TICKS.drop("timestamp"), **PAIR)
    numbered = TICKS.append_column("id", TICKS["timestamp"].cast(pa.int64()))
    with pytest.raises(OptionError, match="'symbol_a' is 'S0000', but key column 'id' holds int64"):
        fintech.hayashi_yoshida_cov(numbered, by="id", **PAIR)


def test_a_pair_has_one_copy() -> None:
    for copies in (2, 16):
        with pytest.raises(OptionError, match=f"kernel: parallelism is {copies}, but it sees all rows in one place"):
            ticks().kernel("hayashi_yoshida_cov", **PAIR, parallelism=copies)
    job = JobGraph("one")
    job.add_source("ticks", {"parquet": "ticks.parquet"})
    with pytest.raises(OptionError, match="operator 'pair': parallelism is 2, but its kernel reads two symbols"):
        job.add_operator("pair", {"kernel": "hayashi_yoshida_cov", **PAIR}, parallelism=2)


def test_a_function_that_calls_one_has_one_copy() -> None:
    def with_covariance(batch: pa.RecordBatch) -> pa.RecordBatch:
        return fintech.hayashi_yoshida_cov(batch, **PAIR)

    def and_more(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = with_covariance(batch)
        return made.append_column("scaled", pc.multiply(made["hy_cov"], 1e4))

    for function in (with_covariance, and_more):
        assert bits(ticks().map(function).collect()["hy_cov"]) == EXPECTED
        with pytest.raises(OptionError, match=r"calls hayashi_yoshida_cov.* reads two symbols: their rows come"):
            ticks().map(function, parallelism=2)
    unknown = ticks().map(with_covariance, schema=ticks().map(with_covariance).schema, parallelism=2)
    with pytest.raises(FunctionError, match=r"calls hayashi_yoshida_cov.*, which was not known before"):
        unknown.collect()


# --- values ---

EXAMPLE = pa.table(
    {
        "symbol": ["A", "B", "B", "A", "B", "A", "B"],
        "timestamp": [0, 0, 2, 4, 6, 8, 8],
        "price": [math.exp(x) for x in (0, 0, 1, 2, 4, 5, 9)],
    }
)


def test_as_worked_in_its_entry() -> None:
    found = fintech.hayashi_yoshida_cov(EXAMPLE, symbol_a="A", symbol_b="B")["hy_cov"].to_pylist()
    assert found == [None, None, None, *(pytest.approx(x, rel=1e-14) for x in (2, 8, 17, 32))]
    windowed = fintech.hayashi_yoshida_cov(EXAMPLE, symbol_a="A", symbol_b="B", window="3ns")["hy_cov"].to_pylist()
    assert windowed == [None, None, None, *(pytest.approx(x, rel=1e-14) for x in (2, 8, 15, 30))]
    found = fintech.hayashi_yoshida_corr(EXAMPLE, symbol_a="A", symbol_b="B")["hy_corr"].to_pylist()
    assert found[:3] == [None] * 3
    assert found[3:] == pytest.approx([1, 8 / math.sqrt(40), 17 / math.sqrt(130), 32 / math.sqrt(455)], rel=1e-14)


def test_integers_are_symbols_too() -> None:
    codes = pc.index_in(EXAMPLE["symbol"], pa.array(["B", "A"]))
    for kind in (pa.int8(), pa.uint64(), pa.int32()):
        numbered = EXAMPLE.set_column(0, "symbol", codes.cast(kind))
        for a, b in ((1, 0), ("1", "0"), (np.int64(1), np.uint8(0))):
            found = fintech.hayashi_yoshida_cov(numbered, symbol_a=a, symbol_b=b)["hy_cov"]
            assert found.to_pylist()[-1] == pytest.approx(32)


def test_synchronous_returns_have_their_usual_covariance() -> None:
    """The same times for both: the sum of the products of the returns, row by row."""
    random = np.random.default_rng(3)
    returns = 1e-3 * random.standard_normal((2, 500))
    prices = np.exp(np.cumsum(returns, axis=1)).T.ravel()
    table = pa.table({"symbol": ["A", "B"] * 500, "timestamp": np.repeat(np.arange(500), 2), "price": prices})
    found = fintech.hayashi_yoshida_cov(table, symbol_a="A", symbol_b="B")["hy_cov"].to_pylist()[-1]
    assert found == pytest.approx(float(np.sum(returns[0, 1:] * returns[1, 1:])), rel=1e-9)
    found = fintech.hayashi_yoshida_corr(table, symbol_a="A", symbol_b="B", window=200)["hy_corr"].to_pylist()[-1]
    last = returns[:, -100:]
    assert found == pytest.approx(
        float(np.sum(last[0] * last[1]) / math.sqrt(np.prod(np.sum(last**2, axis=1)))), rel=1e-9
    )


def test_an_outlier_is_forgotten_when_it_leaves_the_window() -> None:
    random = np.random.default_rng(4)
    rows, window = 1_200, 64
    prices = random.uniform(1, 2, rows)
    prices[300::389] = 1e12
    prices[450] = 1.6e308
    table = pa.table({"symbol": random.choice(["A", "B"], rows), "timestamp": np.arange(rows), "price": prices})
    for name in ("hayashi_yoshida_cov", "hayashi_yoshida_corr"):
        options = {"symbol_a": "A", "symbol_b": "B", "window": window}
        found = getattr(fintech, name)(table, **options)
        reference.assert_agree(found, reference.compute(table, name, **options))


def test_too_many_rows_of_the_pair_are_an_error_of_the_run() -> None:
    options = {"symbol_a": "A", "symbol_b": "B", "window": "6ns"}
    assert fintech.hayashi_yoshida_cov(EXAMPLE, **options, max_rows=4)["hy_cov"].null_count == 3
    with pytest.raises(
        DataError, match=r"hayashi_yoshida_cov: the window '6ns' .*timestamp 4 holds more than max_rows = 3"
    ):
        fintech.hayashi_yoshida_cov(EXAMPLE.slice(0, 5), **options, max_rows=3)


# --- state ---


def test_a_kernel_goes_on_from_its_snapshot() -> None:
    for options in ({}, {"window": 20}, {"window": "5s"}):
        kernel = fintech.HayashiYoshidaCorrKernel(**PAIR, **options)
        whole = fintech.hayashi_yoshida_corr(TICKS, **PAIR, **options)["hy_corr"]
        first = kernel(TICKS.slice(0, 20_000))["hy_corr"]
        snapshot = kernel.snapshot()
        assert snapshot.select(["symbol_a", "symbol_b"]).to_pylist() == [PAIR]
        second = fintech.HayashiYoshidaCorrKernel.restore(snapshot)(TICKS.slice(20_000))["hy_corr"]
        assert bits(pa.chunked_array([*first.chunks, *second.chunks])) == bits(whole)
        assert repr(sabot.fintech.Kernel.restore(snapshot)) == repr(kernel)
        with pytest.raises(SnapshotError):
            fintech.HayashiYoshidaCovKernel.restore(snapshot)


# --- streams ---


def test_other_kernels_before_and_behind_run_as_passes_of_their_own() -> None:
    stream = (
        ticks()
        .kernel("ewma", alpha=0.1)
        .kernel("hayashi_yoshida_cov", **PAIR)
        .kernel("hayashi_yoshida_corr", **PAIR)
        .kernel("hayashi_yoshida_cov", symbol_a="S0002", symbol_b="S0001", outputs={"hy_cov": "other"})
        .kernel("midprice")
        .kernel("log_returns")
    )
    plan = stream.explain()
    assert [line.partition("(")[0] for line in plan.splitlines()[1:]][:6] == [
        "kernel by symbol: ewma",
        "kernels, one pass:",
        "  hayashi_yoshida_cov",
        "  hayashi_yoshida_corr",
        "kernel: hayashi_yoshida_cov",
        "kernels, one pass by symbol:",
    ], plan
    found = stream.collect()
    assert bits(found["hy_cov"]) == EXPECTED
    assert bits(found["hy_corr"]) == bits(fintech.hayashi_yoshida_corr(TICKS, **PAIR)["hy_corr"])
    other = fintech.hayashi_yoshida_cov(TICKS, symbol_a="S0001", symbol_b="S0002")["hy_cov"]
    assert bits(found["other"]) == bits(other)
    assert bits(found["log_return"]) == bits(fintech.log_returns(TICKS)["log_return"])


STREAMS: dict[str, Callable[[Stream], Stream]] = {
    "kernel": lambda stream: stream.kernel("hayashi_yoshida_cov", **PAIR),
    "between others": lambda stream: (
        stream.kernel("ewma", alpha=0.1).kernel("hayashi_yoshida_cov", **PAIR).kernel("sma", window=3)
    ),
    "by a column of another name": lambda stream: (
        stream.rename({"symbol": "asset"}).key_by("asset").kernel("hayashi_yoshida_cov", **PAIR)
    ),
    "object": lambda stream: stream.kernel(fintech.HayashiYoshidaCovKernel(**PAIR)),
    "operator": lambda stream: fintech.create_fintech_operator("hayashi_yoshida_cov", stream, **PAIR).stream,
    "expression": lambda stream: stream.with_columns(
        sma=col("price").sma(window=3),
        hy_cov=col("price").hayashi_yoshida_cov(**PAIR),
        corr=col("price").hayashi_yoshida_corr(**PAIR) * 2,
        other=col("price").hayashi_yoshida_cov(symbol_a="S0004", symbol_b="S0001"),
        slow=col("price").ewma(alpha=0.01),
    ),
    "text": lambda stream: stream.with_columns(hy_cov="hayashi_yoshida_cov(price, symbol_a='S0000', symbol_b='S0001')"),
}


@pytest.mark.parametrize("case", STREAMS)
def test_copies_change_nothing(case: str) -> None:
    whole = STREAMS[case](ticks()).collect()
    assert bits(whole["hy_cov"]) == EXPECTED
    for copies in (1, 2, 4):
        for stream in (STREAMS[case](ticks()).options(parallelism=copies), STREAMS[case](ticks().parallel(copies))):
            assert sabot.diff(stream, Stream.from_arrow(whole)).equal


def test_partitions_of_a_source_come_together(tmp_path: Path) -> None:
    for symbol in pc.unique(TICKS["symbol"]).drop_null().to_pylist():
        mine = TICKS.filter(pc.equal(TICKS["symbol"], symbol)).sort_by("timestamp")
        Stream.from_arrow(mine).to_parquet(tmp_path / f"{symbol}.parquet")
    files = str(tmp_path / "*.parquet")

    def stream() -> Stream:
        source = Stream.from_parquet(files, partitioned_by="symbol").kernel("ewma", alpha=0.1)
        return source.kernel("hayashi_yoshida_cov", **PAIR).kernel("sma", window=3)

    rows = Stream.from_parquet(files, partitioned_by="symbol").collect()
    expected = fintech.hayashi_yoshida_cov(rows, **PAIR)["hy_cov"]
    assert len(expected) - expected.null_count > 2_000
    for options in ({}, {"parallelism": 1}, {"parallelism": 2}, {"parallelism": 4, "threads": 2}):
        found = stream().options(**options).collect()
        assert bits(found["timestamp"]) == bits(rows["timestamp"])
        assert bits(found["hy_cov"]) == bits(expected)


def test_as_an_operator_of_a_job() -> None:
    operator = fintech.create_fintech_operator("hayashi_yoshida_cov", TICKS, **PAIR)
    assert operator.requires_shuffle()
    assert operator.get_partition_keys() == []
    assert bits(pa.table(operator)["hy_cov"]) == EXPECTED
    assert operator.step == {"kernel": "hayashi_yoshida_cov", "by": ["symbol"], **PAIR}


def test_in_a_job_graph(tmp_path: Path) -> None:
    Stream.from_arrow(TICKS).to_parquet(tmp_path / "ticks.parquet")
    job = JobGraph("pairs")
    job.add_source("ticks", {"parquet": str(tmp_path / "ticks.parquet")})
    job.add_operator("fast", {"kernel": "ewma", "alpha": 0.06}, parallelism=3)
    job.add_operator("pair", {"kernel": "hayashi_yoshida_cov", **PAIR})
    job.add_operator("slow", {"kernel": "sma"}, parallelism=2)
    for sender, receiver in (("ticks", "fast"), ("fast", "pair"), ("pair", "slow")):
        job.connect(sender, receiver)
    assert job.to_execution_graph() is not None
    assert bits(job.to_stream().collect()["hy_cov"]) == EXPECTED
    again = ticks().kernel("ewma", alpha=0.1, parallelism=3).kernel("hayashi_yoshida_cov", **PAIR).job_graph()
    assert [(each.parallelism, each.keys()) for each in again.operators.values()][2] == (1, [])


PIPELINE = """
source: {{generator: ticks, rows: 20000, symbols: 4, seed: 2}}
steps:
  - {{kernel: ewma, alpha: 0.1}}
  - {{kernel: hayashi_yoshida_cov{pair}}}
"""


def test_in_a_pipeline() -> None:
    found = parse(PIPELINE.format(pair=", symbol_a: S0000, symbol_b: S0001, window: 5s")).stream.collect()
    rows = Stream.from_generator(rows=20_000, symbols=4, seed=2).collect()
    assert bits(found["hy_cov"]) == bits(fintech.hayashi_yoshida_cov(rows, **PAIR, window="5s")["hy_cov"])
    with pytest.raises(PipelineError, match="option 'symbol_b' must be given"):
        parse(PIPELINE.format(pair=", symbol_a: S0000"))
    with pytest.raises(PipelineError, match="parallelism is 2, but it sees all rows in one place"):
        parse(PIPELINE.format(pair=", symbol_a: S0000, symbol_b: S0001, parallelism: 2"))
    step = json.dumps(schema())
    assert '"required": ["symbol_a", "symbol_b"]' in step


# --- checkpoints ---

STORES = ["memory", pytest.param("rocksdb", marks=pytest.mark.skipif(not _native.has_rocksdb(), reason="no RocksDB"))]


@pytest.mark.parametrize("backend", STORES)
@pytest.mark.parametrize("window", [0, 30, "5s"])
def test_a_run_goes_on_where_it_stopped(tmp_path: Path, backend: str, window: int | str) -> None:
    rows = 200_000
    slow: list[CheckpointCoordinator] = []  # As long as this one has no checkpoint, rows come slowly.

    def held(batch: pa.RecordBatch) -> pa.RecordBatch:
        if slow and not slow[0]._store().list():
            threading.Event().wait(0.01)
        return batch

    def stream() -> Stream:
        source = Stream.from_generator(rows=rows, symbols=5, batch_rows=500)
        return source.kernel("hayashi_yoshida_cov", **PAIR, window=window).kernel("ewma", alpha=0.1).map(held)

    def coordinator() -> CheckpointCoordinator:
        path = tmp_path / "checkpoints"
        return CheckpointCoordinator(
            MemoryBackend(path) if backend == "memory" else RocksDBBackend(path=path, cache_mb=1), resume=True
        )

    first = coordinator()
    slow.append(first)
    first.stop()
    summary = stream().options(checkpoints=first).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert summary.checkpoints.stopped
    state = first.state("kernel_0")
    assert state.select(["symbol_a", "symbol_b"]).to_pylist() == [PAIR]
    slow.clear()
    stream().options(checkpoints=coordinator(), parallelism=3).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert sabot.diff(stream(), Stream.from_parquet(str(tmp_path / "out" / "*.parquet"))).equal
