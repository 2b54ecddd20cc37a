"""Which rows go to which task: partitioners by hash, by range, in turn and to all, and the hash of a key.

The rows of a key go to the same partition from every process, in every encoding and however batches are cut. The hash
is MurmurHash3 of bytes that docs/reference/key-hash.md defines, with test vectors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError
from sabot.tables import ArrowData, check_kind, table_of

__all__ = [
    "BroadcastPartitioner",
    "HashPartitioner",
    "HotKey",
    "Partitioner",
    "RangePartitioner",
    "RoundRobinPartitioner",
    "ShuffleEdgeType",
    "create_partitioner",
    "key_group",
    "key_hash",
]

KEY_GROUPS = 256


class ShuffleEdgeType(IntEnum):
    """How rows pass from the tasks of one operator to those of the next."""

    FORWARD = 0  # Task i to task i.
    HASH = 1  # By key.
    BROADCAST = 2  # Every row to every task.
    REBALANCE = 3  # In turn.
    RANGE = 4  # By ranges of a column.


@dataclass(frozen=True, slots=True)
class HotKey:
    """A key that many rows have."""

    key: str  # The values of its columns, for people.
    rows_at_least: int  # Of the rows looked at: about one batch of sixteen.
    rows_at_most: int
    share_at_least: float  # Of these rows.


class Partitioner:
    """What all partitioners share. Make one of the classes below, or call create_partitioner."""

    _name = ""

    def __init__(self, num_partitions: int, schema: Any = None, **spec: Any) -> None:
        _native.check_partitions(num_partitions)
        self._num_partitions = num_partitions
        self._spec = {"keys": [], "key_groups": KEY_GROUPS, "column": "", "bounds": None, "block_rows": 131_072, **spec}
        self._made = None if schema is None else self._make(schema)

    def _make(self, schema: Any) -> "_native.Partitioner":
        return _native.make_partitioner(schema, self._num_partitions, self._name, **self._spec)

    @property
    def num_partitions(self) -> int:
        """How many there are."""
        return self._num_partitions

    def partition(self, batch: ArrowData) -> list[pa.RecordBatch | None]:
        """Divide rows among the partitions.

        Input:   a batch, or a table or data frame, whose rows count as one batch.
        Returns: for each partition its rows in the order they had, or None where it has none. A partition that gets all
                 rows gets the batch itself, uncopied.
        Raises:  SchemaError, if the batch has other columns than the schema given, or than the first batch.
                 DataError, if a dictionary index lies outside its dictionary.
        """
        check_kind(type(batch))
        if self._made is None:
            rows = batch if isinstance(batch, pa.RecordBatch | pa.Table) else _table(batch)
            batch, self._made = rows, self._make(rows.schema)
        return [None if part is None else pa.record_batch(part) for part in self._made.partition(batch)]


class HashPartitioner(Partitioner):
    """Rows by their key: hash -> key group -> partition. Rows of equal keys go to one partition; null is a key.

    Input:   num_partitions: at least 1, at most as many as key groups; keys: a column, or a list of them, of text,
             binary, numbers, decimals, booleans, dates, times, or a dictionary of these.
    schema:      that of the batches; unless given, of the first one.
    key_groups:  1 to 32,768; unless given 256, or num_partitions where that is more. As many as partitions make the
                 partition hash % num_partitions.
    Raises:  OptionError, if a number is out of its range. SchemaError, if a key column is missing or of another type;
             at the first batch, where no schema was given.
    """

    _name = "hash"

    def __init__(
        self, num_partitions: int, keys: str | Sequence[str], schema: Any = None, *, key_groups: int | None = None
    ) -> None:
        groups = max(KEY_GROUPS, num_partitions) if key_groups is None else key_groups
        super().__init__(num_partitions, schema, keys=_names(keys), key_groups=groups)

    def hot_keys(self, count: int = 10) -> list[HotKey]:
        """The keys with the most rows so far, hottest first. Among 64 is each with 2 % of the rows looked at."""
        return [] if self._made is None else [HotKey(*entry) for entry in self._made.hot_keys(count)]

    def rows_by_group(self) -> list[int]:
        """How many rows each key group had so far."""
        return [0] * self._spec["key_groups"] if self._made is None else list(self._made.rows_by_group())


class RangePartitioner(Partitioner):
    """Rows by ranges of one column: partition p has the values from boundary p - 1 on and below boundary p.

    Input:   num_partitions; column: of integers, floats, dates, times, durations, text or binary, or a dictionary of
             these; boundaries: ascending, one fewer than partitions, as a list or an Arrow array.
    schema:  that of the batches; unless given, of the first one.
    Order:   numbers and times by value, text by its bytes. Null and NaN go to the last partition; -0.0 is 0.0.
    Raises:  OptionError, if the boundaries do not ascend, do not fit the column's type, or are of another number.
             SchemaError, if the column is missing or of another type. At the first batch, where no schema was given.
    """

    _name = "range"

    def __init__(self, num_partitions: int, column: str, boundaries: Any, schema: Any = None) -> None:
        values = boundaries if hasattr(boundaries, "__arrow_c_array__") else pa.array(boundaries)
        bounds = pa.record_batch({"bound": pa.array(values)})
        super().__init__(num_partitions, schema, column=column, bounds=bounds)


class RoundRobinPartitioner(Partitioner):
    """Rows in turn, by blocks: partition = number of the row / block_rows mod num_partitions.

    Rows are numbered in the order in which they are given, so that the split does not depend on how they are cut into
    batches.

    Input:       num_partitions.
    block_rows:  rows of a block. Small ones spread few rows evenly, large ones leave most batches whole.
    schema:      that of the batches; unless given, of the first one.
    Raises:      OptionError, if a number is out of its range; for block_rows at the first batch, where no schema was
                 given.
    """

    _name = "round_robin"

    def __init__(self, num_partitions: int, schema: Any = None, *, block_rows: int = 131_072) -> None:
        super().__init__(num_partitions, schema, block_rows=block_rows)


class BroadcastPartitioner(Partitioner):
    """Every row to every partition, uncopied.

    Input:   num_partitions.
    schema:  that of the batches; unless given, of the first one.
    Raises:  OptionError, if num_partitions is out of its range.
    """

    _name = "broadcast"

    def __init__(self, num_partitions: int, schema: Any = None) -> None:
        super().__init__(num_partitions, schema)


def create_partitioner(
    edge_type: ShuffleEdgeType | int | str,
    num_partitions: int,
    *,
    keys: str | Sequence[str] | None = None,
    column: str | None = None,
    boundaries: Any = None,
    schema: Any = None,
) -> Partitioner:
    """The partitioner of an edge.

    Input:   edge_type: a ShuffleEdgeType, its name or its number; num_partitions.
    keys:                of HASH.
    column, boundaries:  of RANGE.
    schema:              that of the batches; unless given, of the first one.
    Returns: a HashPartitioner, RangePartitioner, RoundRobinPartitioner (of REBALANCE) or BroadcastPartitioner.
    Raises:  OptionError, if there is no such type, it is FORWARD, whose rows stay where they are, or an option is
             missing or of another type. What the partitioner raises.
    """
    kind = _edge_type(edge_type)
    given = {"keys": keys, "column": column, "boundaries": boundaries}
    needed = {ShuffleEdgeType.HASH: ["keys"], ShuffleEdgeType.RANGE: ["column", "boundaries"]}.get(kind, [])
    for name, value in given.items():
        if (value is None) == (name in needed):
            what = "needs" if name in needed else "does not take"
            raise OptionError(f"create_partitioner: an edge of type {kind.name} {what} {name}.")
    if kind is ShuffleEdgeType.HASH:
        assert keys is not None
        return HashPartitioner(num_partitions, keys, schema)
    if kind is ShuffleEdgeType.RANGE:
        assert column is not None
        return RangePartitioner(num_partitions, column, boundaries, schema)
    if kind is ShuffleEdgeType.REBALANCE:
        return RoundRobinPartitioner(num_partitions, schema)
    if kind is ShuffleEdgeType.BROADCAST:
        return BroadcastPartitioner(num_partitions, schema)
    raise OptionError("create_partitioner: rows of a FORWARD edge stay where they are. It has no partitioner.")


def key_hash(table: ArrowData, keys: str | Sequence[str]) -> pa.UInt32Array:
    """The hash of each row's key.

    Input:   any Arrow data; keys: a column, or a list of them, as HashPartitioner takes them.
    Returns: n hashes, in the order of the rows. Null is a key, too.
    Raises:  SchemaError, if a key column is missing or of another type.
    Source:  MurmurHash3_x86_32, seed 0, of the bytes in docs/reference/key-hash.md.
    """
    check_kind(type(table))
    return _only_column(_native.key_hash(table, _names(keys)))


def key_group(table: ArrowData, keys: str | Sequence[str], *, key_groups: int = KEY_GROUPS) -> pa.UInt16Array:
    """The key group of each row: key_hash mod key_groups.

    Input:   as key_hash.
    key_groups:  1 to 32,768.
    Returns: n numbers of groups, in the order of the rows.
    Raises:  OptionError, if key_groups is out of its range. What key_hash raises.
    """
    check_kind(type(table))
    return _only_column(_native.key_group(table, _names(keys), key_groups))


def _edge_type(edge_type: ShuffleEdgeType | int | str) -> ShuffleEdgeType:
    try:
        return ShuffleEdgeType[edge_type.upper()] if isinstance(edge_type, str) else ShuffleEdgeType(edge_type)
    except (KeyError, ValueError):
        names = ", ".join(f"{kind.name} ({kind.value})" for kind in ShuffleEdgeType)
        raise OptionError(f"create_partitioner: there is no edge type {edge_type!r}. There are {names}.") from None


def _names(keys: str | Sequence[str]) -> list[str]:
    return [keys] if isinstance(keys, str) else list(keys)


def _table(data: Any) -> pa.Table:
    if hasattr(data, "__arrow_c_stream__"):
        return table_of(data)
    return pa.Table.from_batches([pa.record_batch(data)])


def _only_column(result: Any) -> Any:
    return table_of(result).column(0).combine_chunks()
