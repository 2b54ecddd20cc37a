"""What Python gives a stream to read: tables of any library, readers, iterables of batches."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import Any

import pyarrow as pa

from sabot.errors import SabotError, SchemaError
from sabot.tables import check_kind, names_of

__all__ = ["PythonSource", "source_of", "source_of_batches"]


@dataclass(frozen=True)
class PythonSource:
    """Arrow data, anew for each run."""

    schema: pa.Schema
    open: Callable[[], Iterator[Any]]
    at_rest: bool = False  # All rows are there already: taking some batches at once delays nobody.


def source_of(data: Any) -> PythonSource:
    """A table or a reader of any library."""
    check_kind(type(data))
    if isinstance(data, pa.RecordBatchReader):
        return PythonSource(data.schema, _once("The reader", lambda: iter([data])))
    if isinstance(data, pa.Table | pa.RecordBatch):
        return PythonSource(data.schema, lambda: iter([data]), at_rest=True)
    if not hasattr(data, "__arrow_c_stream__"):
        return source_of(pa.record_batch(data))
    read = pa.RecordBatchReader.from_stream
    kinds = names_of(type(data))
    if ("pandas", "DataFrame") in kinds:  # Converted at each export, so only once.
        return source_of(read(data).read_all())
    if any(name == "DuckDBPyRelation" for _, name in kinds):  # A connection has one query under way: leave none open.
        return PythonSource(read(data.limit(0)).schema, lambda: iter([data]))
    return PythonSource(read(data).schema, lambda: iter([data]))


def source_of_batches(batches: Iterable[Any], schema: pa.Schema | None) -> PythonSource:
    """Batches of one schema, as an iterable gives them."""
    read_once = iter(batches) is batches
    if schema is None:
        iterator = iter(batches)
        first = next(iterator, None)
        if first is None:
            raise SchemaError("from_iter: there are no batches to learn the schema from. Give it with schema=.")
        schema = _schema_of(first, 0)
        if read_once:
            batches = chain([first], iterator)
    wanted, given = schema, batches

    def checked() -> Iterator[Any]:
        for number, data in enumerate(given):
            found = _schema_of(data, number)
            if not found.equals(wanted):
                raise SchemaError(
                    f"from_iter: batch {number} has another schema: {_difference(wanted, found)}. "
                    f"Give all batches one schema."
                )
            yield data

    return PythonSource(wanted, _once("The iterator", checked) if read_once else checked)


def _once(what: str, start: Callable[[], Iterator[Any]]) -> Callable[[], Iterator[Any]]:
    """Start once; what cannot start over says so."""
    used = False

    def open_once() -> Iterator[Any]:
        nonlocal used
        if used:
            raise SabotError(
                f"{what} was read by an earlier run and cannot start over. To run a stream more than once, make it of "
                f"a table, a list of batches or a file."
            )
        used = True
        return start()

    return open_once


def _schema_of(data: Any, number: int) -> pa.Schema:
    if isinstance(data, pa.RecordBatch | pa.Table):
        return data.schema
    try:
        return source_of(data).schema
    except TypeError as error:
        raise TypeError(f"from_iter: batch {number}: {error}") from None


def _difference(wanted: pa.Schema, found: pa.Schema) -> str:
    """The first one, in words."""
    for index, (before, now) in enumerate(zip(wanted, found, strict=False)):
        if not before.equals(now):
            return f"column {index} is '{now.name}' {now.type}, expected '{before.name}' {before.type}"
    return f"{len(found)} columns ({', '.join(found.names)}), expected {len(wanted)} ({', '.join(wanted.names)})"
