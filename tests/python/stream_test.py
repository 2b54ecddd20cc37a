"""sabot.Stream: every source gives the same bits, every sink takes them, and nothing runs before it is asked for."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.api import RunSummary
from sabot.errors import OptionError, SabotError, SchemaError
from sabot.fintech import EWMAKernel, OFIKernel

import sabot
from sabot import fintech

ROWS = 20_000


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return sabot.Stream.from_generator(rows=ROWS, symbols=30, nulls=0.01, batch_rows=3_000).collect()


@pytest.fixture(scope="module")
def parquet(ticks: pa.Table, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ticks") / "ticks.parquet"
    sabot.Stream.from_arrow(ticks).to_parquet(path, row_group_rows=4_000)
    return path


def features(stream: sabot.Stream) -> sabot.Stream:
    return stream.kernel("midprice").kernel(EWMAKernel, column="midprice", alpha=0.1).kernel(OFIKernel(window=10))


def bits(table: pa.Table) -> list[tuple[Any, ...]]:
    """The columns that the kernels wrote, row by row, floats as hexadecimals."""
    columns = [table[name].to_pylist() for name in ("midprice", "ewma", "ofi")]
    return [tuple(None if value is None else value.hex() for value in row) for row in zip(*columns, strict=True)]


@pytest.fixture(scope="module")
def expected(ticks: pa.Table) -> list[tuple[Any, ...]]:
    kernels = ["midprice", EWMAKernel(column="midprice", alpha=0.1), OFIKernel(window=10)]
    return bits(fintech.chain(ticks, kernels))


# --- sources ---


@pytest.mark.parametrize("batch_rows", [1_000, 65_536])
def test_from_parquet(batch_rows: int, parquet: Path, expected: list[tuple[Any, ...]]) -> None:
    assert bits(features(sabot.Stream.from_parquet(parquet, batch_rows=batch_rows)).collect()) == expected
    assert bits(features(sabot.Stream.from_parquet(str(parquet), batch_rows=batch_rows)).collect()) == expected


def test_from_parquet_with_some_columns(parquet: Path, ticks: pa.Table) -> None:
    stream = sabot.Stream.from_parquet(parquet, columns=["price", "symbol"])
    assert stream.schema.names == ["symbol", "price"]
    assert stream.collect()["price"].to_pylist() == ticks["price"].to_pylist()


@pytest.mark.parametrize("kind", ["Table", "RecordBatch", "polars", "pandas", "duckdb"])
def test_from_arrow_runs_any_number_of_times(kind: str, ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    make = {
        "Table": lambda: ticks,
        "RecordBatch": lambda: ticks.combine_chunks().to_batches()[0],
        "polars": lambda: pl.DataFrame(ticks),
        "pandas": lambda: ticks.to_pandas(),
        "duckdb": lambda: duckdb.connect().from_arrow(ticks),
    }[kind]
    stream = features(sabot.Stream.from_arrow(make()))
    assert bits(stream.collect()) == expected
    assert bits(stream.collect()) == expected


def test_from_arrow_of_a_stream(ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    stream = sabot.Stream.from_arrow(sabot.Stream.from_arrow(ticks).kernel("midprice"))
    stream = stream.kernel("ewma", column="midprice", alpha=0.1).kernel("ofi", window=10)
    assert bits(stream.collect()) == expected


def test_a_reader_runs_once(ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    stream = features(sabot.Stream.from_arrow(ticks.to_reader()))
    assert bits(stream.collect()) == expected
    with pytest.raises(SabotError) as caught:
        stream.collect()
    assert str(caught.value) == (
        "The reader was read by an earlier run and cannot start over. To run a stream more than once, make it of a "
        "table, a list of batches or a file."
    )


def test_from_iter_of_a_list(ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    stream = features(sabot.Stream.from_iter(ticks.to_batches(max_chunksize=700)))
    assert bits(stream.collect()) == expected
    assert bits(stream.collect()) == expected


def test_from_iter_of_an_iterator_takes_one_batch_to_learn_the_schema(
    ticks: pa.Table, expected: list[tuple[Any, ...]]
) -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in ticks.to_batches():
            taken.append(batch)
            yield batch

    stream = features(sabot.Stream.from_iter(batches()))
    assert len(taken) == 1
    assert bits(stream.collect()) == expected
    with pytest.raises(SabotError, match=r"^The iterator was read by an earlier run"):
        stream.collect()


def test_from_iter_with_a_schema_takes_nothing_before_it_runs(ticks: pa.Table) -> None:
    def batches() -> Iterator[pa.RecordBatch]:
        raise AssertionError
        yield

    stream = features(sabot.Stream.from_iter(batches(), schema=ticks.schema))
    with pytest.raises(AssertionError):
        stream.collect()
    assert len(sabot.Stream.from_iter([], schema=ticks.schema).collect()) == 0


def test_from_iter_of_other_tables(ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    halves = [ticks.slice(0, 9_999), ticks.slice(9_999)]
    assert bits(features(sabot.Stream.from_iter(halves)).collect()) == expected
    assert bits(features(sabot.Stream.from_iter(pl.DataFrame(half) for half in halves)).collect()) == expected


def test_from_iter_without_batches_or_schema() -> None:
    with pytest.raises(
        SchemaError, match=r"^from_iter: there are no batches to learn the schema from\. Give it with schema="
    ):
        sabot.Stream.from_iter([])


def test_from_generator_gives_the_same_rows_however_they_are_cut() -> None:
    options: dict[str, Any] = {"rows": 5_000, "symbols": 9, "seed": 4, "late": 0.01, "gaps": 0.01, "nulls": 0.1}
    expected = sabot.Stream.from_generator(**options).collect()
    other = sabot.Stream.from_generator(**options, batch_rows=123).collect()
    assert other.combine_chunks().equals(expected.combine_chunks())
    assert len(expected) == 5_000
    assert not sabot.Stream.from_generator(**(options | {"seed": 5})).collect().equals(expected)
    plain = sabot.Stream.from_generator(**options, dictionary_symbols=False)
    assert plain.schema.field("symbol").type == pa.string()
    trades = sabot.Stream.from_generator(kind="trades").schema.names
    quotes = sabot.Stream.from_generator(kind="quotes").schema.names
    assert ("price" in trades, "bid" in trades) == (True, False)
    assert ("price" in quotes, "bid" in quotes) == (False, True)


# --- kernels ---


def test_a_kernel_by_name_class_and_object(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    by_name = stream.kernel("ewma", span=9, column="volume", outputs={"ewma": "smooth"})
    by_class = stream.kernel(EWMAKernel, span=9, column="volume", outputs={"ewma": "smooth"})
    kernel = EWMAKernel(span=9, column="volume", outputs={"ewma": "smooth"})
    kernel(ticks)
    by_object = stream.kernel(kernel)
    assert by_name.collect().equals(by_class.collect())
    assert by_name.collect().equals(by_object.collect()), "the object's state is not read"
    with pytest.raises(OptionError, match="brings its key, columns, outputs and options; give none beside it"):
        stream.kernel(kernel, alpha=0.5)
    with pytest.raises(TypeError, match="expected a kernel's name, class or object, found <class 'int'>"):
        stream.kernel(int)  # type: ignore[arg-type]


def test_streams_are_immutable(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    left, right = stream.kernel("midprice"), stream.kernel("ofi")
    assert stream.schema.names == ticks.column_names
    assert left.schema.names == [*ticks.column_names, "midprice"]
    assert right.schema.names == [*ticks.column_names, "ofi"]


def test_each_run_starts_from_fresh_state(ticks: pa.Table) -> None:
    stream = features(sabot.Stream.from_arrow(ticks))
    assert stream.collect().equals(stream.collect())


def test_keys_may_differ_along_the_way(ticks: pa.Table) -> None:
    sides = ticks.append_column("venue", pa.array(["a", "b"] * (ROWS // 2)))
    stream = (
        sabot.Stream.from_arrow(sides).kernel("ewma").kernel("ewma", by=["symbol", "venue"], outputs={"ewma": "own"})
    )
    both = stream.collect()
    assert both["ewma"].equals(fintech.ewma(sides)["ewma"])
    assert both["own"].equals(fintech.ewma(sides, by=["symbol", "venue"])["ewma"])


def test_it_prints_as_its_plan(parquet: Path, ticks: pa.Table) -> None:
    stream = sabot.Stream.from_parquet(parquet).filter("price > 0").kernel("midprice").kernel("ewma", alpha=0.1)
    assert repr(stream) == stream.explain()
    lines = stream.explain().splitlines()
    assert lines[:4] == [
        f"source 0: parquet {parquet}",
        "filter price > 0",
        "kernels, one pass by symbol:",
        "  midprice()",
    ]
    assert lines[4].startswith("  ewma(alpha=0.1")
    assert lines[-1].startswith("columns: symbol ")
    assert repr(sabot.Stream.from_arrow(ticks)).startswith("source 0: pyarrow.Table")


# --- sinks ---


def test_the_bytes_of_a_file_follow_from_the_rows(tmp_path: Path, ticks: pa.Table) -> None:
    whole, cut = tmp_path / "whole.parquet", tmp_path / "cut.parquet"
    summary = features(sabot.Stream.from_arrow(ticks.combine_chunks())).to_parquet(whole, row_group_rows=6_000)
    features(sabot.Stream.from_iter(ticks.to_batches(max_chunksize=333))).to_parquet(cut, row_group_rows=6_000)
    assert whole.read_bytes() == cut.read_bytes()
    assert isinstance(summary, RunSummary)
    assert (summary.rows_read, summary.rows_written) == (ROWS, ROWS)
    assert summary.seconds > 0
    assert str(summary).startswith("20,000 rows read, 20,000 written in ")
    assert pq.ParquetFile(whole).num_row_groups == 4


@pytest.mark.parametrize("compression", ["zstd", "snappy", "lz4", "none"])
def test_compression(compression: str, tmp_path: Path, ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    path = tmp_path / "features.parquet"
    features(sabot.Stream.from_arrow(ticks)).to_parquet(path, compression=compression)
    assert bits(pq.read_table(path)) == expected


def test_iterating_runs_batch_by_batch(ticks: pa.Table, expected: list[tuple[Any, ...]]) -> None:
    taken = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in ticks.to_batches(max_chunksize=1_000):
            taken.append(batch)
            yield batch

    stream = features(sabot.Stream.from_iter(batches(), schema=ticks.schema))
    out = []
    for batch in stream:
        out.append(batch)
        assert len(taken) == len(out), "a batch is read when it is asked for"
    assert bits(pa.Table.from_batches(out)) == expected


def test_leaving_early_closes_the_source(ticks: pa.Table) -> None:
    closed = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            yield from ticks.to_batches()
        finally:
            closed.append(True)

    for _ in sabot.Stream.from_iter(batches(), schema=ticks.schema):
        break
    gc.collect()
    assert closed == [True]


def test_to_arrow_is_lazy_and_complete(parquet: Path, expected: list[tuple[Any, ...]]) -> None:
    reader = features(sabot.Stream.from_parquet(parquet)).to_arrow()
    assert isinstance(reader, pa.RecordBatchReader)
    assert bits(reader.read_all()) == expected


def test_other_libraries_take_a_stream(parquet: Path, expected: list[tuple[Any, ...]]) -> None:
    stream = features(sabot.Stream.from_parquet(parquet))
    assert bits(pa.table(stream)) == expected
    assert bits(pl.DataFrame(stream).to_arrow()) == expected
    assert bits(duckdb.connect().from_arrow(stream.to_arrow()).to_arrow_table()) == expected


def test_what_a_source_raises_arrives(tmp_path: Path, ticks: pa.Table) -> None:
    class DisconnectedError(Exception):
        pass

    def batches() -> Iterator[pa.RecordBatch]:
        yield ticks.to_batches()[0]
        raise DisconnectedError("feed")

    target = tmp_path / "out.parquet"
    for run in (
        sabot.Stream.collect,
        list,
        lambda stream: stream.to_parquet(target),
        lambda stream: stream.to_arrow().read_all(),
    ):
        with pytest.raises(DisconnectedError, match="feed"):
            run(features(sabot.Stream.from_iter(batches())))
    assert list(tmp_path.iterdir()) == [], "an incomplete file is taken away"


def test_an_empty_source(tmp_path: Path, ticks: pa.Table) -> None:
    stream = features(sabot.Stream.from_arrow(ticks.slice(0, 0)))
    assert stream.collect().schema.names == stream.schema.names
    assert stream.to_parquet(tmp_path / "empty.parquet").rows_written == 0
    assert sabot.Stream.from_parquet(tmp_path / "empty.parquet").collect().num_rows == 0
