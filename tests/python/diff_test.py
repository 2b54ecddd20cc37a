"""sabot.diff: any two outputs, and a report that a person can act on. What counts as equal is tested in C++."""

from collections.abc import Iterator
from decimal import Decimal
from math import isnan
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sabot.comparison import Diff
from sabot.errors import DataError, OptionError, SchemaError

import sabot
from sabot import fintech


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return sabot.Stream.from_generator(rows=20_000, symbols=30, nulls=0.01).collect()


def with_value(table: pa.Table, name: str, row: int, value: float) -> pa.Table:
    values = table[name].to_pylist()
    values[row] = value
    return table.set_column(table.column_names.index(name), name, pa.array(values, table.schema.field(name).type))


# --- wrong use ---


def test_bits_is_one_of_two(ticks: pa.Table) -> None:
    with pytest.raises(OptionError, match=r"^diff: bits must be 'values' or 'exact', found 'all'"):
        sabot.diff(ticks, ticks, bits="all")


def test_a_key_that_is_nowhere(ticks: pa.Table) -> None:
    with pytest.raises(
        SchemaError, match=r"column 'symbl', which by= names, is missing on both sides\. Nearest names: 's"
    ):
        sabot.diff(ticks, ticks, by="symbl")


def test_something_that_is_no_table(ticks: pa.Table) -> None:
    with pytest.raises(TypeError, match="expected a table that Arrow can read"):
        sabot.diff(ticks, 5)  # type: ignore[arg-type]
    with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
        sabot.diff(ticks, "none.parquet")
    with pytest.raises(OptionError, match=r"ticks\.dat: the name does not say which format the file has"):
        sabot.diff(ticks, "ticks.dat")


def test_what_a_side_raises_arrives(ticks: pa.Table) -> None:
    class DisconnectedError(Exception):
        pass

    def batches() -> Iterator[pa.RecordBatch]:
        yield ticks.to_batches()[0]
        raise DisconnectedError("feed")

    for side in (0, 1):
        sides = [ticks, sabot.Stream.from_iter(batches(), schema=ticks.schema)]
        with pytest.raises(DisconnectedError, match="feed"):
            sabot.diff(sides[side], sides[1 - side])


def test_a_row_of_a_file_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("symbol,price\nA,1.5\n")
    bad.write_text("symbol,price\nA,1.5\nB\n")
    assert sabot.diff(good, good).equal
    for a, b in ((good, bad), (bad, good)):
        with pytest.raises(DataError):
            sabot.diff(a, b)


# --- equal ---


def test_everything_arrow_is_taken(ticks: pa.Table, tmp_path: Path) -> None:
    path = tmp_path / "ticks.parquet"
    sabot.Stream.from_arrow(ticks).to_parquet(path, row_group_rows=3_000)
    others = [
        ticks,
        ticks.combine_chunks().to_batches()[0],
        ticks.to_reader(max_chunksize=777),
        pl.DataFrame(ticks),
        sabot.Stream.from_arrow(ticks),
        path,
        str(path),
    ]
    for other in others:
        found = sabot.diff(ticks, other)
        assert found.equal
        assert str(found) == f"Equal: 20,000 rows, {ticks.num_columns} columns."


def test_a_stream_and_the_functions_have_the_same_bits(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_iter(ticks.to_batches(max_chunksize=999)).kernel("ofi", window=10).kernel("ewma")
    assert sabot.diff(stream, fintech.ewma(fintech.ofi(ticks, window=10))).equal


def test_pandas_has_nan_for_null() -> None:
    table = pa.table({"x": [1.0, None]})
    found = sabot.diff(table, pd.DataFrame({"x": [1.0, float("nan")]}))
    assert found.equal, "pyarrow reads a frame's NaN as null"


# --- any tables ---

FLOATS = st.sampled_from([None, 0.0, -0.0, 1.0, float("nan"), float("inf"), 5e-324])
COLUMNS = {
    "float64": (pa.float64(), FLOATS),
    "float32": (pa.float32(), st.sampled_from([None, 0.0, -0.0, 1.5, float("nan")])),
    "int64": (pa.int64(), st.sampled_from([None, 0, 1, -(2**63), 2**63 - 1])),
    "bool": (pa.bool_(), st.sampled_from([None, True, False])),
    "string": (pa.string(), st.sampled_from([None, "", "a", "b", "a long string that no view can hold"])),
    "dictionary": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from([None, "", "a", "b"])),
    "timestamp": (pa.timestamp("ns"), st.sampled_from([None, 0, 1])),
    "decimal": (pa.decimal128(5, 2), st.sampled_from([None, Decimal("1.00"), Decimal("1.01")])),
    "list": (pa.list_(pa.float64()), st.sampled_from([None, [], [1.0], [1.0, None], [-0.0], [0.0]])),
    "struct": (pa.struct({"x": pa.int8()}), st.sampled_from([None, {"x": None}, {"x": 1}])),
}


def same(left: Any, right: Any) -> bool:
    """By the definition: the same bits, where every NaN is one value."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, float) and isinstance(right, float):
        return (isnan(left) and isnan(right)) or left.hex() == right.hex()
    return bool(type(left) is type(right) and left == right)


@settings(max_examples=150, deadline=None)
@given(data=st.data(), rows=st.integers(0, 12), cut=st.integers(1, 5), other_cut=st.integers(1, 5))
def test_it_counts_what_differs_in_any_table(data: st.DataObject, rows: int, cut: int, other_cut: int) -> None:
    left, right = {}, {}
    for name, (kind, values) in COLUMNS.items():
        first = data.draw(st.lists(values, min_size=rows, max_size=rows))
        second = [data.draw(values) if data.draw(st.booleans()) else value for value in first]
        left[name], right[name] = pa.array(first, kind), pa.array(second, kind)
    a, b = pa.table(left), pa.table(right)
    found = sabot.diff(a.to_reader(max_chunksize=cut), b.slice(0).to_reader(max_chunksize=other_cut))
    expected = {}
    for name in COLUMNS:
        pairs = zip(plain(left[name]), plain(right[name]), strict=True)
        rows_of = [row for row, (one, other) in enumerate(pairs) if not same(one, other)]
        if rows_of:
            expected[name] = (len(rows_of), rows_of[0])
    assert {entry.column: (entry.values, entry.first_row) for entry in found.columns} == expected
    assert found.equal == (not expected)


def plain(array: pa.Array) -> list[Any]:
    """Times as numbers: Python's have no nanoseconds."""
    return list((array.cast(pa.int64()) if pa.types.is_timestamp(array.type) else array).to_pylist())


# --- different ---


def test_the_report(ticks: pa.Table) -> None:
    other = with_value(with_value(ticks, "price", 12_345, 1.0), "price", 19_999, 1.0)
    found = sabot.diff(ticks.slice(0, 19_000), other)
    assert isinstance(found, Diff)
    assert not found.equal
    price, symbol = ticks["price"][12_345].as_py(), ticks["symbol"][12_345].as_py()
    assert str(found) == (
        "Different.\n"
        "Rows: 19,000 in A, 20,000 in B: 1,000 more at the end of B.\n"
        f"First: column 'price', row 12,345 ('{symbol}'): {price!r} in A, 1 in B.\n"
        f"1 of {ticks.num_columns} columns differ:\n"
        "  column  values  max difference  first\n"
        f"  price        1  {price - 1:>14.3g}  row 12,345 ('{symbol}'): {price!r} in A, 1 in B"
    )
    assert (found.rows, found.columns[0].values) == ((19_000, 20_000), 1)
    assert found.columns[0].max_difference == price - 1
    assert found.first == found.columns[0]


def test_only_the_schema_differs(ticks: pa.Table) -> None:
    found = sabot.diff(ticks, ticks.drop_columns(["side"]))
    assert str(found) == (
        "Different.\n"
        "Schema: column 'side' is in A only.\n"
        f"The values that both have are equal: 20,000 rows, {ticks.num_columns - 1} columns."
    )


def test_another_key(ticks: pa.Table) -> None:
    table = pa.table({"venue": ["a", "b"], "x": [1, 2]})
    other = pa.table({"venue": ["a", "b"], "x": [1, 3]})
    found = sabot.diff(table, other, by="venue")
    assert found.first is not None
    assert (found.first.key, found.first.first_row) == ("'b'", 1)


def test_nans_of_other_bits() -> None:
    nans = [pa.Array.from_buffers(pa.float64(), 1, [None, pa.py_buffer(bits)]) for bits in (NAN, OTHER_NAN)]
    left, right = (pa.table({"x": nan}) for nan in nans)
    assert sabot.diff(left, right).equal
    found = sabot.diff(left, right, bits="exact")
    assert [(entry.left, entry.right) for entry in found.columns] == [
        ("nan (0x7ff8000000000000)", "nan (0x7ff8000000000001)")
    ]


NAN = (0x7FF8000000000000).to_bytes(8, "little")
OTHER_NAN = (0x7FF8000000000001).to_bytes(8, "little")


def test_memory_is_that_of_a_batch(tmp_path: Path) -> None:
    """Two files of 2 M rows, compared while the batches that are alive at once stay few."""
    path = tmp_path / "ticks.parquet"
    sabot.Stream.from_generator(rows=2_000_000, symbols=10).to_parquet(path, compression="none")
    whole = pq.read_metadata(path).num_rows * 9 * 8
    before = pa.total_allocated_bytes()
    peaks = []

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in sabot.Stream.from_parquet(path):
            peaks.append(pa.total_allocated_bytes() - before)
            yield batch

    schema = sabot.Stream.from_parquet(path).schema
    assert sabot.diff(sabot.Stream.from_iter(batches(), schema=schema), path).equal
    assert max(peaks) < whole / 2
