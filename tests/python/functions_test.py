"""Python functions in a stream: what they may return, how kernels in them keep their state, how their errors look."""

import threading
import traceback
from collections.abc import Iterator
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sabot.errors import DataError, FunctionError, SchemaError
from sabot.fintech import chain, ewma, log_returns, midprice
from sabot.testing import check_function

import sabot


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return sabot.Stream.from_generator(rows=2_000, symbols=20, nulls=0.01).collect()


def cut(table: pa.Table, rows: int) -> sabot.Stream:
    return sabot.Stream.from_iter(table.to_batches(max_chunksize=rows))


# --- wrong use ---


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda batch: None, r"returned None for an empty batch, expected a batch\. Does it lack a return\?"),
        (lambda batch: 5, r"returned int for an empty batch, expected a batch\."),
        (lambda batch: [batch], r"returned list for an empty batch, expected a batch\."),
        (lambda batch: batch.column(0)[0].as_py(), r"failed on an empty batch.*IndexError.*give the columns.*schema="),
    ],
)
def test_what_an_empty_batch_tells(function: Any, message: str, ticks: pa.Table) -> None:
    with pytest.raises(FunctionError, match=message):
        sabot.Stream.from_arrow(ticks).map(function)


def test_something_that_is_no_function(ticks: pa.Table) -> None:
    with pytest.raises(TypeError, match="map: expected a function from batch to batch, found 'ewma'"):
        sabot.Stream.from_arrow(ticks).map("ewma")  # type: ignore[arg-type]


def test_a_missing_column_names_the_function(ticks: pa.Table) -> None:
    with pytest.raises(SchemaError, match=r"column 'prise', which is missing.*'price'") as caught:
        sabot.Stream.from_arrow(ticks).map(lambda batch: ewma(batch, column="prise", alpha=0.1))
    assert any("<lambda>" in note for note in caught.value.__notes__)


def test_another_row_count(ticks: pa.Table) -> None:
    stream = cut(ticks, 1_000).map(lambda batch: batch.slice(0, 3))
    with pytest.raises(
        DataError,
        match=r"map .*<lambda>: the function returned 3 rows for the batch of 1000 rows from "
        r"offset 0 of source 0 to offset 999 of source 0\. Return one row for each, or use flat_map",
    ):
        stream.collect()


def test_another_schema(ticks: pa.Table) -> None:
    def sometimes(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if batch.num_rows == 0 else batch.select(["symbol"])

    with pytest.raises(
        SchemaError, match=r"(?s)map .*sometimes: the function returned columns \(symbol.*for the batch of"
    ):
        sabot.Stream.from_arrow(ticks).map(sometimes).collect()


def test_none_in_the_middle(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).map(lambda batch: batch if batch.num_rows == 0 else None)
    with pytest.raises(FunctionError, match="returned None for the batch of 2000 rows"):
        stream.collect()


def test_an_exception_names_operator_place_and_batch_and_keeps_its_traceback(ticks: pa.Table) -> None:
    def divide(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if batch.num_rows == 0 else 1 // 0  # type: ignore[return-value]

    stream = cut(ticks, 1_000).filter("price > 0 or price is null").map(divide)
    for run in (sabot.Stream.collect, list):
        with pytest.raises(
            FunctionError,
            match=r"map .*divide: the function failed for the batch of 1000 rows from "
            r"offset 0 of source 0 to .*: ZeroDivisionError",
        ) as caught:
            run(stream)
        cause = caught.value.__cause__
        assert isinstance(cause, ZeroDivisionError)
        assert "divide" in "".join(traceback.format_tb(cause.__traceback__))


def test_a_changed_sequence_of_kernel_calls(ticks: pa.Table) -> None:
    def changing(batch: pa.RecordBatch) -> pa.RecordBatch:
        return ewma(batch, alpha=0.1 if batch.num_rows == 0 else 0.2)

    def fewer(batch: pa.RecordBatch) -> pa.RecordBatch:
        return ewma(batch, alpha=0.1).select(batch.schema.names) if batch.num_rows == 0 else batch

    def more(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch if batch.num_rows == 0 else ewma(batch, alpha=0.1).select(batch.schema.names)

    source = sabot.Stream.from_arrow(ticks)
    with pytest.raises(FunctionError, match=r"kernel call 1 is ewma\(alpha=0.2\).*planned was ewma\(alpha=0.1\)"):
        source.map(lambda batch: changing(batch).select(batch.schema.names)).collect()
    with pytest.raises(FunctionError, match=r"0 kernel calls for the batch of 2000 rows.*planned were 1"):
        source.map(fewer).collect()
    with pytest.raises(FunctionError, match=r"kernel call 1 is ewma.*none was planned"):
        source.map(more).collect()


# --- values ---


@pytest.mark.parametrize("rows", [1, 7, 1000, 2000])
def test_kernels_inside_keep_their_state(rows: int, ticks: pa.Table) -> None:
    def returns(batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = midprice(batch)
        batch = log_returns(batch, columns={"price": "midprice"})
        doubled = pc.multiply(batch["log_return"], 2)
        return ewma(batch.append_column("doubled", doubled), column="doubled", alpha=0.1)

    expected = midprice(ticks)
    expected = log_returns(expected, columns={"price": "midprice"})
    expected = expected.append_column("doubled", pc.multiply(expected["log_return"], 2))
    expected = ewma(expected, column="doubled", alpha=0.1)
    stream = cut(ticks, rows).map(returns)
    assert stream.collect().equals(expected)
    assert stream.schema.names == expected.schema.names
    assert "map" in stream.explain()
    assert check_function(returns, ticks).equals(expected)


def test_the_same_kernel_twice_has_two_states(ticks: pa.Table) -> None:
    def both(batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = ewma(batch, alpha=0.1, outputs={"ewma": "slow"})
        return ewma(batch, alpha=0.1, column="slow", outputs={"ewma": "slower"})

    expected = both(ticks)
    assert (
        cut(ticks, 100)
        .map(lambda batch: both(batch).select([*ticks.schema.names, "slow", "slower"]))
        .collect()
        .equals(expected)
    )


def test_a_function_that_only_calls_kernels_is_replaced_by_them(ticks: pa.Table) -> None:
    calls = []

    def features(batch: pa.RecordBatch) -> pa.RecordBatch:
        calls.append(batch.num_rows)
        return chain(ewma(batch, alpha=0.06), ["midprice", "ofi"])

    stream = cut(ticks, 100).map(features)
    assert stream.collect().equals(chain(ticks, [sabot.fintech.EWMAKernel(alpha=0.06), "midprice", "ofi"]))
    assert calls == [0], "it is called for its columns only"
    assert "map" not in stream.explain()
    assert stream.explain() == cut(ticks, 100).kernel("ewma", alpha=0.06).kernel("midprice").kernel("ofi").explain()


def test_each_run_starts_from_fresh_state(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).map(lambda batch: ewma(batch, alpha=0.1).select(["symbol", "ewma"]))
    assert stream.collect().equals(stream.collect())


def test_flat_map_returns_any_number_of_rows(ticks: pa.Table) -> None:
    def buys_twice(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
        buys = batch.filter(pc.equal(batch["side"], 1.0))
        yield buys
        yield buys

    stream = sabot.Stream.from_arrow(ticks).flat_map(buys_twice)
    buys = ticks.filter(pc.equal(ticks["side"], 1.0))
    assert stream.collect().equals(pa.concat_tables([buys, buys]))


def test_flat_map_with_a_schema_is_not_tried(ticks: pa.Table) -> None:
    seen = []

    def first_price(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
        seen.append(batch.num_rows)
        return [pa.record_batch({"price": [batch["price"][0].as_py()]})]

    stream = cut(ticks, 1_000).flat_map(first_price, schema=pa.schema({"price": pa.float64()}))
    assert seen == []
    assert stream.collect()["price"].to_pylist() == [ticks["price"][row].as_py() for row in range(0, 2_000, 1_000)]


def test_without_a_batch_there_is_no_schema(ticks: pa.Table) -> None:
    with pytest.raises(SchemaError, match=r"no batch for an empty one.*schema="):
        sabot.Stream.from_arrow(ticks).flat_map(lambda batch: [])


def test_polars_inside(ticks: pa.Table) -> None:
    def spread(batch: pa.RecordBatch) -> pl.DataFrame:
        return pl.DataFrame(batch).with_columns(spread=pl.col("ask") - pl.col("bid")).select("timestamp", "spread")

    made = cut(ticks, 1_000).map(spread).collect()
    assert made["spread"].to_pylist() == pc.subtract(ticks["ask"], ticks["bid"]).to_pylist()


def test_functions_run_on_the_thread_that_runs_the_stream(ticks: pa.Table) -> None:
    threads = set()

    def where(batch: pa.RecordBatch) -> pa.RecordBatch:
        threads.add(threading.get_ident())
        return batch

    cut(ticks, 100).filter("volume > 1000").map(where).kernel("ewma", alpha=0.1).collect()
    assert threads == {threading.get_ident()}


def test_check_function_finds_a_function_that_depends_on_the_cuts(ticks: pa.Table) -> None:
    def centred(batch: pa.RecordBatch) -> pa.RecordBatch:
        mean = pc.mean(batch["price"]) if batch.num_rows else pa.scalar(0.0)
        return batch.set_column(batch.schema.get_field_index("price"), "price", pc.subtract(batch["price"], mean))

    with pytest.raises(AssertionError, match=r"(?s)in batches of 1 rows.*price"):
        check_function(centred, ticks)
