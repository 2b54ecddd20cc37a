"""Partitioners and the hash of a key: against a second definition of the hash, and by laws on random tables."""

import struct
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sabot.errors import DataError, OptionError, SchemaError

import sabot
from sabot import shuffle

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "key-hash.md"


def murmur3(data: bytes) -> int:
    """MurmurHash3_x86_32, seed 0, from its definition."""
    mask, state = 0xFFFFFFFF, 0
    for at in range(0, len(data), 4):
        block = int.from_bytes(data[at : at + 4], "little") * 0xCC9E2D51 & mask
        state ^= (block << 15 | block >> 17) * 0x1B873593 & mask
        if at + 4 <= len(data):
            state = ((state << 13 | state >> 19) * 5 + 0xE6546B64) & mask
    state ^= len(data)
    state = (state ^ state >> 16) * 0x85EBCA6B & mask
    state = (state ^ state >> 13) * 0xC2B2AE35 & mask
    return state ^ state >> 16


def bytes_of(*values: str | int | float | None) -> bytes:
    """The canonical bytes of a key."""

    def alone(value: str | int | float | None) -> bytes:
        if value is None:
            return b"\xff\xff\xff\xff"
        if isinstance(value, str):
            return value.encode()
        return struct.pack("<d", value + 0.0) if isinstance(value, float) else struct.pack("<q", value)

    if len(values) == 1:
        return alone(values[0])
    parts = []
    for value in values:
        data = alone(value)
        parts.append(data if value is None else struct.pack("<I", len(data)) + data + bytes(-len(data) % 4))
    return b"".join(parts)


def hashes(*columns: pa.Array) -> list[int]:
    table = pa.table({f"key{at}": column for at, column in enumerate(columns)})
    return shuffle.key_hash(table, table.column_names).to_pylist()


# --- Wrong use. ---


def test_keys_must_be_keys() -> None:
    table = pa.table({"symbol": ["A"], "book": [[1.0]]})
    with pytest.raises(SchemaError, match="key column 'book' has type list<"):
        shuffle.key_hash(table, "book")
    with pytest.raises(SchemaError, match="key column 'symbl' is missing"):
        shuffle.HashPartitioner(2, ["symbl"], table.schema)
    with pytest.raises(OptionError, match="no key column is given"):
        shuffle.HashPartitioner(2, [], table.schema)
    with pytest.raises(SchemaError, match="key column 'symbl' is missing"):
        shuffle.HashPartitioner(2, "symbl").partition(table)
    with pytest.raises(TypeError, match="expected a table that Arrow can read"):
        shuffle.key_hash({"symbol": ["A"]}, "symbol")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="is no table"):
        shuffle.HashPartitioner(2, "symbol").partition(pa.array(["A"]))


def test_numbers_must_be_in_range() -> None:
    schema = pa.schema({"symbol": pa.string()})
    for partitioner in (shuffle.RoundRobinPartitioner, shuffle.BroadcastPartitioner):
        with pytest.raises(OptionError, match=r"partitions must be in \[1, 32768\], found 0"):
            partitioner(0)
    with pytest.raises(OptionError, match="8 groups cannot be shared by 9 tasks"):
        shuffle.HashPartitioner(9, "symbol", schema, key_groups=8)
    with pytest.raises(OptionError, match="block_rows must be >= 1, found 0"):
        shuffle.RoundRobinPartitioner(2, schema, block_rows=0)
    with pytest.raises(OptionError, match="there must be 1 to 32768, found 0"):
        shuffle.key_group(pa.table({"symbol": ["A"]}), "symbol", key_groups=0)


def test_boundaries_must_fit() -> None:
    schema = pa.schema({"price": pa.float64(), "book": pa.list_(pa.float64())})
    with pytest.raises(OptionError, match="3 partitions have 2 bounds between them, found 1"):
        shuffle.RangePartitioner(3, "price", [1.0], schema)
    with pytest.raises(OptionError, match="bound 1, 1, is not above the one before it, 2"):
        shuffle.RangePartitioner(3, "price", [2.0, 1.0], schema)
    with pytest.raises(OptionError, match="do not fit column 'price' of type double"):
        shuffle.RangePartitioner(2, "price", ["x"], schema)
    with pytest.raises(SchemaError, match="column 'book' has type list<"):
        shuffle.RangePartitioner(2, "book", [1.0], schema)


def test_a_batch_must_have_the_columns_of_the_first() -> None:
    partitioner = shuffle.HashPartitioner(2, "symbol")
    partitioner.partition(pa.table({"symbol": ["A"]}))
    with pytest.raises(SchemaError, match="another schema than the stream"):
        partitioner.partition(pa.table({"symbol": [1]}))
    bad = pa.DictionaryArray.from_arrays(pa.array([0, 7]), pa.array(["A"]), safe=False)
    with pytest.raises(DataError, match="row 1: dictionary index 7 lies outside its dictionary of 1 entries"):
        shuffle.key_hash(pa.table({"symbol": bad}), "symbol")


def test_create_partitioner_says_what_an_edge_needs() -> None:
    with pytest.raises(OptionError, match=r"no edge type 'HSH'. There are FORWARD \(0\), HASH \(1\)"):
        shuffle.create_partitioner("HSH", 2)
    with pytest.raises(OptionError, match="no edge type 9"):
        shuffle.create_partitioner(9, 2)
    with pytest.raises(OptionError, match="of type HASH needs keys"):
        shuffle.create_partitioner("HASH", 2)
    with pytest.raises(OptionError, match="of type BROADCAST does not take keys"):
        shuffle.create_partitioner("BROADCAST", 2, keys="symbol")
    with pytest.raises(OptionError, match="rows of a FORWARD edge stay where they are"):
        shuffle.create_partitioner("FORWARD", 2)


# --- Edges and values. ---


def test_create_partitioner_makes_each_kind() -> None:
    kinds = shuffle.ShuffleEdgeType
    assert isinstance(shuffle.create_partitioner(kinds.HASH, 3, keys="symbol"), shuffle.HashPartitioner)
    ranges = shuffle.create_partitioner("range", 3, column="price", boundaries=[1, 2])
    assert isinstance(ranges, shuffle.RangePartitioner)
    assert isinstance(shuffle.create_partitioner(3, 3), shuffle.RoundRobinPartitioner)
    assert isinstance(shuffle.create_partitioner(kinds.BROADCAST, 3), shuffle.BroadcastPartitioner)
    assert ranges.num_partitions == 3
    assert sabot.shuffle is shuffle


def test_nothing_is_divided_into_nothing() -> None:
    empty = pa.table({"symbol": pa.array([], pa.string())})
    assert shuffle.HashPartitioner(3, "symbol").partition(empty) == [None, None, None]
    assert shuffle.key_hash(empty, "symbol").equals(pa.array([], pa.uint32()))
    assert shuffle.HashPartitioner(3, "symbol").hot_keys() == []
    assert shuffle.HashPartitioner(300, "symbol").rows_by_group() == [0] * 300


def test_the_reference_page_has_the_hashes() -> None:
    second = timedelta(seconds=1)
    arrays: dict[str, list[pa.Array]] = {
        "`'A'`, any text or binary type": [pa.array(["A"], pa.large_string()), pa.array([b"A"], pa.binary(1))],
        "null": [pa.nulls(1), pa.nulls(1, pa.string()), pa.nulls(1, pa.decimal128(4, 2))],
        "`5`, any integer type": [pa.array([5], kind) for kind in (pa.int8(), pa.uint32(), pa.int64())],
        "`-1`": [pa.array([-1])],
        "`18446744073709551615`, uint64": [pa.array([2**64 - 1], pa.uint64())],
        "`true`": [pa.array([True])],
        "`1.5`, any float type": [pa.array([1.5], kind) for kind in (pa.float16(), pa.float32(), pa.float64())],
        "`0.0` and `-0.0`": [pa.array([0.0]), pa.array([-0.0])],
        "NaN, any": [pa.array([float("nan")]), pa.array([-float("nan")], pa.float32())],
        "`2024-01-02`, date32 or date64": [pa.array([date(2024, 1, 2)], kind) for kind in (pa.date32(), pa.date64())],
        "`2024-01-02T00:00:01Z`, timestamp of any unit": [
            pa.array([datetime(2024, 1, 2, tzinfo=UTC) + second], pa.timestamp(unit, "UTC")) for unit in ("s", "ns")
        ],
        "`09:30:00`, time of any unit": [pa.array([time(9, 30)], pa.time32("s")), pa.array([time(9, 30)])],
        "`1 ms`, duration of any unit": [pa.array([second / 1000], pa.duration("ms")), pa.array([second / 1000])],
        "`1.50`, decimal of any width and scale": [
            pa.array([Decimal("1.50")], kind)
            for kind in (pa.decimal32(5, 3), pa.decimal128(9, 1), pa.decimal256(60, 9))
        ],
        "`-1200`, decimal": [pa.array([Decimal(-1200)])],
    }
    keys: dict[str, list[pa.Array]] = {
        "(`'A'`, `5`)": [pa.array(["A"]), pa.array([5])],
        "(`'ESZ5'`, null, `'X'`)": [pa.array(["ESZ5"]), pa.nulls(1), pa.array(["X"]).dictionary_encode()],
        "(`''`, `''`)": [pa.array([""]), pa.array([""])],
    }
    rows = [
        line.strip("| \n").split(" | ") for line in PAGE.read_text().partition("## Test vectors")[2].splitlines()[4:]
    ]
    assert len(rows) == 23
    for row in rows:
        label, data, expected, group = row if len(row) == 4 else (row[0], "", *row[-2:])
        columns = [[array] for array in arrays.pop(label, [])] or [keys.pop(label, [])]
        if not columns[0]:
            columns = [[pa.array([label.strip("`'")])]]  # A text.
        assert murmur3(bytes.fromhex(data.strip("`| "))) == int(expected), label
        assert int(group) == int(expected) % 256
        for each in columns:
            assert hashes(*each) == [int(expected)], (label, [column.type for column in each])
    assert not arrays
    assert not keys


def test_ranges_and_where_null_goes() -> None:
    table = pa.table({"price": [5.0, 1.0, None, 2.0, float("nan"), -1.0], "row": range(6)})
    parts = shuffle.RangePartitioner(3, "price", [1, 5]).partition(table)
    assert [part and part["row"].to_pylist() for part in parts] == [[5], [1, 3], [0, 2, 4]]


def test_turns_are_counted_over_batches() -> None:
    table = pa.table({"row": range(10)})
    partitioner = shuffle.RoundRobinPartitioner(2, block_rows=3)
    first, second = partitioner.partition(table.slice(0, 4)), partitioner.partition(table.slice(4))
    assert [part and part["row"].to_pylist() for part in first] == [[0, 1, 2], [3]]
    assert [part and part["row"].to_pylist() for part in second] == [[6, 7, 8], [4, 5, 9]]


def test_a_whole_batch_is_passed_on_uncopied() -> None:
    batch = pa.record_batch({"price": pa.array([1.0, 2.0])})
    for part in shuffle.BroadcastPartitioner(2).partition(batch):
        assert part is not None
        assert part["price"].buffers()[1].address == batch["price"].buffers()[1].address


def test_hot_keys_are_named_with_their_share() -> None:
    partitioner = shuffle.HashPartitioner(4, ["symbol", "venue"])
    partitioner.partition(pa.table({"symbol": ["A", "B", "A", "A"], "venue": ["X", "X", "X", None]}))
    hottest = partitioner.hot_keys(1)
    assert hottest == [shuffle.HotKey("A, X", 2, 2, 0.5)]
    assert sum(partitioner.rows_by_group()) == 4


# --- Laws. ---

TEXT = st.one_of(st.none(), st.text(max_size=25), st.sampled_from(["A", "B", "ESZ5", "BTC-USD"]))
NUMBER = st.one_of(st.none(), st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1))
ROWS = st.lists(st.tuples(TEXT, NUMBER), max_size=60)


def encodings(values: list[Any]) -> list[pa.Array]:
    """The same texts, as Arrow can hold them."""
    texts = pa.array(values, pa.string())
    return [
        texts,
        texts.cast(pa.large_string()),
        texts.cast(pa.string_view()),
        texts.cast(pa.binary()),
        texts.dictionary_encode(),
        pc.dictionary_encode(texts, null_encoding="encode"),
        pa.concat_arrays([pa.array(["unused", None]), texts]).slice(2),
    ]


@given(ROWS)
@settings(deadline=None)
def test_the_hash_is_that_of_the_definition(rows: list[tuple[str | None, int | None]]) -> None:
    numbers = pa.array([number for _, number in rows], pa.int64())
    for texts in encodings([text for text, _ in rows]):
        assert hashes(texts) == [murmur3(bytes_of(text)) for text, _ in rows]
        assert hashes(texts, numbers) == [murmur3(bytes_of(*row)) for row in rows]
    assert hashes(numbers) == [murmur3(bytes_of(number)) for _, number in rows]
    doubles = pa.array([None if number is None else float(number) for _, number in rows], pa.float64())
    expected = [murmur3(bytes_of(None if number is None else float(number))) for _, number in rows]
    assert hashes(doubles) == expected


@given(
    ROWS, st.integers(1, 9), st.lists(st.integers(0, 60), max_size=4), st.booleans(), st.sampled_from([None, 9, 300])
)
@settings(deadline=None)
def test_a_key_goes_to_one_partition_however_it_comes(
    rows: list[tuple[str | None, int | None]], partitions: int, cuts: list[int], both: bool, groups: int | None
) -> None:
    keys = ["symbol", "leg"] if both else ["symbol"]
    legs = pa.array([number for _, number in rows], pa.int64())
    table_groups = groups or 256
    task_of_key = {
        row[: len(keys)]: murmur3(bytes_of(*row[: len(keys)])) % table_groups * partitions // table_groups
        for row in rows
    }
    expected = [
        [at for at, row in enumerate(rows) if task_of_key[row[: len(keys)]] == task] for task in range(partitions)
    ]
    for texts in encodings([text for text, _ in rows]):
        table = pa.table({"symbol": texts, "leg": legs, "row": pa.array(range(len(rows)), pa.int32())})
        whole = table.to_pylist()
        partitioner = shuffle.HashPartitioner(partitions, keys, table.schema, key_groups=groups)
        found: list[list[int]] = [[] for _ in range(partitions)]
        edges = sorted({0, len(rows), *(min(cut, len(rows)) for cut in cuts)})
        for begin, end in pairwise(edges):
            for task, part in enumerate(partitioner.partition(table.slice(begin, end - begin))):
                if part is not None:
                    part.validate(full=True)
                    assert part.schema == table.schema
                    assert part.to_pylist() == [whole[row] for row in part["row"].to_pylist()]
                    found[task] += part["row"].to_pylist()
        assert found == expected
        by_group = Counter(hash_ % table_groups for hash_ in hashes(*(table[key].combine_chunks() for key in keys)))
        assert partitioner.rows_by_group() == [by_group[group] for group in range(table_groups)]


@given(st.lists(NUMBER, max_size=60), st.sets(st.integers(-5, 5), max_size=5))
@settings(deadline=None)
def test_ranges_hold_what_lies_between_their_boundaries(values: list[int | None], boundaries: set[int]) -> None:
    bounds = sorted(boundaries)
    table = pa.table({"value": pa.array(values, pa.int64()), "row": pa.array(range(len(values)), pa.int64())})
    parts = shuffle.RangePartitioner(len(bounds) + 1, "value", bounds).partition(table)
    expected = [
        [
            at
            for at, value in enumerate(values)
            if (len(bounds) if value is None else sum(bound <= value for bound in bounds)) == partition
        ]
        for partition in range(len(bounds) + 1)
    ]
    assert [part["row"].to_pylist() if part is not None else [] for part in parts] == expected


@pytest.mark.parametrize("library", ["polars", "pandas", "duckdb"])
def test_tables_of_other_libraries_hash_alike(library: str) -> None:
    table = pa.table({"symbol": ["A", "ESZ5", "A"], "leg": [1, 2, 3]})
    expected = shuffle.key_hash(table, ["symbol", "leg"])
    module = pytest.importorskip(library)
    data = {
        "polars": lambda: module.from_arrow(table),
        "pandas": table.to_pandas,
        "duckdb": lambda: module.from_arrow(table),
    }[library]()
    assert shuffle.key_hash(data, ["symbol", "leg"]).equals(expected)
    parts = shuffle.HashPartitioner(2, "symbol").partition(data)
    assert sum(part.num_rows for part in parts if part is not None) == 3
