"""Where two outputs differ, value by value: research against live, a run against its repetition."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sabot import _native
from sabot.errors import OptionError, SabotError
from sabot.stream import Stream
from sabot.tables import ArrowData

__all__ = ["ColumnDiff", "Diff", "diff", "diff_states"]


@dataclass(frozen=True, slots=True)
class ColumnDiff:
    """What differs in a column that both sides have."""

    column: str
    values: int  # How many differ.
    first_row: int
    key: str  # Of that row; "" where there is no such column.
    left: str
    right: str
    max_difference: float | None  # Absolute; of times in their unit.

    def __str__(self) -> str:
        return f"row {self.first_row:,}{f' ({self.key})' if self.key else ''}: {self.left} in A, {self.right} in B"


@dataclass(frozen=True, slots=True)
class Diff:
    """What differs between A, the first, and B, the second. Prints as a report."""

    schema: tuple[str, ...]  # A sentence a difference.
    rows: tuple[int, int]
    columns_compared: int
    columns: tuple[ColumnDiff, ...]  # Those that differ.
    first: ColumnDiff | None  # The one that differs in the earliest row.

    @property
    def equal(self) -> bool:
        """Nothing differs."""
        return not self.schema and not self.columns and self.rows[0] == self.rows[1]

    def __str__(self) -> str:
        if self.equal:
            return f"Equal: {self.rows[0]:,} rows, {self.columns_compared:,} columns."
        lines = ["Different."]
        lines += [f"Schema: {sentence}." for sentence in self.schema]
        if self.rows[0] != self.rows[1]:
            longer = "A" if self.rows[0] > self.rows[1] else "B"
            extra = abs(self.rows[0] - self.rows[1])
            lines += [f"Rows: {self.rows[0]:,} in A, {self.rows[1]:,} in B: {extra:,} more at the end of {longer}."]
        if self.first:
            lines += [f"First: column '{self.first.column}', {self.first}."]
        if self.columns:
            lines += [f"{len(self.columns):,} of {self.columns_compared:,} columns differ:", *self._table()]
        elif self.columns_compared:
            lines += [
                f"The values that both have are equal: {min(self.rows):,} rows, {self.columns_compared:,} columns."
            ]
        return "\n".join(lines)

    def _table(self) -> list[str]:
        rows = [("column", "values", "max difference", "first")]
        for entry in self.columns:
            difference = "" if entry.max_difference is None else f"{entry.max_difference:.3g}"
            rows.append((entry.column, f"{entry.values:,}", difference, str(entry)))
        widths = [max(len(row[cell]) for row in rows) for cell in range(3)]
        return [
            f"  {name:<{widths[0]}}  {values:>{widths[1]}}  {difference:>{widths[2]}}  {first}"
            for name, values, difference, first in rows
        ]


def diff(
    a: ArrowData | str | os.PathLike[str],
    b: ArrowData | str | os.PathLike[str],
    *,
    by: str = "symbol",
    bits: str = "values",
) -> Diff:
    """Compare two outputs row by row, bit by bit.

    Input:   tables, data frames, readers, streams, or the paths of Parquet, CSV or Arrow IPC files. Columns are matched
             by name, rows by number, however either side is cut into batches.
    by:      the column that says whose a row is, for the report. Only the default one may be missing.
    bits:    "values": a NaN equals any other NaN. "exact": only a NaN of the same bits.
    Equal:   values of the same bits: -0.0 is not 0.0, null is not NaN. A dictionary equals the values it stands for.
    Returns: what differs in the schemas; the number of rows; by column how many values differ, the largest absolute
             difference and the first row that has one, with its key and both values.
    Memory:  of a batch a side.
    Raises:  DataError, if a row of a file cannot be used. SchemaError, if a side has two columns of one name or the
             column by is missing. What reading raises.
    """
    if bits not in ("values", "exact"):
        raise OptionError(f"diff: bits must be 'values' or 'exact', found {bits!r}.")
    left, right = _Side(a), _Side(b)
    try:
        found = _native.diff(left.reader(), right.reader(), by, bits == "exact")
    except (SabotError, OSError):
        error = left.error or right.error
        if error is None:
            raise
        raise error from None
    columns = tuple(ColumnDiff(**entry) for entry in found["columns"])
    first = None if found["first"] is None else columns[found["first"]]
    return Diff(tuple(found["schema"]), tuple(found["rows"]), found["columns_compared"], columns, first)


def diff_states(a: pa.Table, b: pa.Table, key_by: Iterable[str]) -> list[str]:
    """What differs between two states of one operator, a paragraph each: keys first, then the values of common ones."""
    keys = [name for name in key_by if name in a.column_names and name in b.column_names]
    if not keys:
        found = diff(a, b)
        return [] if found.equal else [str(found)]
    rows = {side: _keys_of(table, keys, side) for side, table in (("A", a), ("B", b))}
    both = rows["A"].join(rows["B"], keys, join_type="full outer").sort_by([(name, "ascending") for name in keys])
    sentences = []
    for side, other in (("A", "B"), ("B", "A")):
        alone = both.filter(pc.is_null(both[other]))
        if alone.num_rows:
            first = ", ".join(str(alone[name][0]) for name in keys)
            count = "1 key is" if alone.num_rows == 1 else f"{alone.num_rows:,} keys are"
            sentences.append(f"{count} only in {side}, the first: {first}.")
    common = both.filter(pc.and_(pc.is_valid(both["A"]), pc.is_valid(both["B"])))
    found = diff(a.take(common["A"]), b.take(common["B"]), by=keys[0])
    return sentences if found.equal else [*sentences, str(found)]


def _keys_of(table: pa.Table, keys: list[str], number: str) -> pa.Table:
    """The keys of a state's rows, and the number of each."""
    plain = [
        column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
        for column in (table[name] for name in keys)
    ]
    return pa.table([*plain, pa.array(range(table.num_rows), pa.int64())], names=[*keys, number])


class _Side:
    """Gives a side's batches to the engine, and keeps what was raised on the way: through Arrow comes only its text."""

    def __init__(self, data: Any) -> None:
        self._is_file = isinstance(data, (str, os.PathLike))
        if self._is_file:
            from sabot.formats import open_stream

            data = open_stream(data)
        self.stream = data if isinstance(data, Stream) else Stream.from_arrow(data)
        self.error: BaseException | None = None

    def reader(self) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.stream.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        try:
            # A file's rows that cannot be used are an error: what is left out cannot be compared.
            stream: Any = self.stream
            yield from stream.to_arrow(strict=True) if self._is_file else stream
        except GeneratorExit:
            raise
        except BaseException as error:
            self.error = error
            raise
