"""What docs/how-to/use-other-libraries.md says is copied: each cell of its table against the addresses of buffers."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import sabot
from sabot import _native, tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "use-other-libraries.md"
CELLS = ("numbers in", "strings in", "your columns in the result", "new columns")


def documented() -> dict[str, dict[str, str]]:
    """The page's table: row -> column -> what it says."""
    lines = PAGE.read_text().partition("### What is copied")[2].splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert tuple(rows[0][1:]) == CELLS
    return {re.sub("`", "", row[0]): dict(zip(CELLS, row[1:], strict=True)) for row in rows[2:]}


ROWS = documented()


class Watched:
    """A chain that keeps the Arrow data that goes into the engine and comes out of it."""

    def __init__(self) -> None:
        self._chain = _native.Chain([("midprice", {}, {}, {}), ("ewma", {}, {}, {})], ["symbol"])

    def __getattr__(self, name: str) -> Any:
        return getattr(self._chain, name)

    def process(self, data: Any, new_columns_only: bool) -> Any:
        exported = data if hasattr(data, "__arrow_c_stream__") else pa.table(pa.record_batch(data))
        self.given = pa.RecordBatchReader.from_stream(exported).read_all()
        result = self._chain.process(self.given, new_columns_only)
        self.made = pa.RecordBatchReader.from_stream(result).read_all()
        return result


def address(column: pa.Array | pa.ChunkedArray | np.ndarray[Any, Any]) -> int:
    """Where the first value lies; of strings, what says where they begin."""
    if isinstance(column, np.ndarray):
        return int(column.__array_interface__["data"][0])
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    array = array.indices if pa.types.is_dictionary(array.type) else array
    return int(array.buffers()[1].address) + array.offset * (array.type.bit_width // 8 if array.offset else 0)


class OnlyAStream:
    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class OnlyAnArray:
    def __init__(self, table: pa.Table) -> None:
        self.batch = table.to_batches()[0]

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def numpy_columns(table: pa.Table) -> dict[str, Any]:
    return {name: table[name].to_numpy() for name in table.column_names}


def structured(table: pa.Table) -> Any:
    columns = numpy_columns(table)
    rows = np.empty(len(table), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return rows


def of_arrow(data: Any, name: str) -> Any:
    return data[name]


def of_polars(data: Any, name: str) -> Any:
    return pa.RecordBatchReader.from_stream(data.select(name)).read_all()[name]


def of_pandas(data: Any, name: str) -> Any:
    values = data[name].array
    return data[name].to_numpy() if isinstance(values.dtype, np.dtype) else pa.array(values)


def of_object(data: Any, name: str) -> Any:
    if isinstance(data, OnlyAStream):
        return data.table[name]
    return data.batch[name] if isinstance(data, OnlyAnArray) else data[name]


# Row of the page -> what makes the kind of a table, and what finds the memory of its columns.
KINDS: dict[str, tuple[Callable[[pa.Table], Any], Callable[[Any, str], Any]]] = {
    "pyarrow Table": (lambda table: table, of_arrow),
    "pyarrow RecordBatch": (lambda table: table.to_batches()[0], of_arrow),
    "pyarrow RecordBatchReader": (lambda table: table.to_reader(), of_arrow),
    "polars DataFrame": (pl.DataFrame, of_polars),
    "polars DataFrame, symbols categorical": (
        lambda table: pl.DataFrame(table).with_columns(pl.col("symbol").cast(pl.Categorical)),
        of_polars,
    ),
    "pandas DataFrame": (lambda table: table.to_pandas(), of_pandas),
    "pandas DataFrame, strings as objects": (
        lambda table: table.to_pandas().astype({"symbol": object}),
        of_pandas,
    ),
    "pandas DataFrame of pyarrow columns": (lambda table: table.to_pandas(types_mapper=pd.ArrowDtype), of_pandas),
    "dict of numpy arrays": (numpy_columns, of_arrow),
    "structured array of numpy": (structured, of_arrow),
    "duckdb relation": (
        lambda table: duckdb.connect().from_arrow(table),
        lambda data, name: data.to_arrow_table()[name],
    ),
    "object with __arrow_c_stream__": (OnlyAStream, of_object),
    "object with __arrow_c_array__": (OnlyAnArray, of_object),
}


def test_the_page_has_every_kind() -> None:
    assert list(ROWS) == list(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_the_page_says_what_is_copied(kind: str) -> None:
    table = sabot.Stream.from_generator(rows=3_000, symbols=7, batch_rows=3_000, dictionary_symbols=False).collect()
    make, column = KINDS[kind]
    given, chain = make(table), Watched()
    result = tables.run(given, chain)  # type: ignore[arg-type]
    source = given
    if isinstance(given, pa.RecordBatchReader):  # Its batches are the table's.
        source, result = table, result.read_all()
    pairs = {  # All held until they are compared: what is freed may leave its address to the next.
        "numbers in": (column(source, "bid"), chain.given["bid"]),
        "strings in": (column(source, "symbol"), chain.given["symbol"]),
        "your columns in the result": (column(source, "bid"), column(result, "bid")),
        "new columns": (column(result, "midprice"), chain.made["midprice"]),
    }
    found = {cell: address(one) == address(other) for cell, (one, other) in pairs.items()}
    assert {cell: "shared" if same else "copied" for cell, same in found.items()} == ROWS[kind]


def test_numbers_that_do_not_lie_side_by_side_are_copied() -> None:
    gaps = np.arange(20.0)[::2]
    chain = Watched()
    tables.run(
        {"symbol": np.array(["A"] * 10), "bid": gaps, "ask": gaps + 1, "price": gaps},
        chain,  # type: ignore[arg-type]
    )
    assert address(chain.given["bid"]) != address(gaps)
    assert chain.given["bid"].to_pylist() == gaps.tolist()


def test_only_what_is_read_goes_in() -> None:
    table = sabot.Stream.from_generator(rows=100, symbols=2, dictionary_symbols=False).collect()
    for given in (table.to_pandas(), numpy_columns(table)):
        chain = Watched()
        tables.run(given, chain)  # type: ignore[arg-type]
        read = {field.name for field in chain.given.schema if field.type != pa.null()}
        assert read - {"timestamp"} == {"symbol", "bid", "ask", "price"}  # A halflife in time would read it.
