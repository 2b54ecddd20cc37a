"""What callers of a Stream may write, as the engine takes it, with messages where it cannot."""

import json
import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError
from sabot.kernels import make_by

__all__ = [
    "chosen",
    "delimiter_of",
    "json_of",
    "keys",
    "kind",
    "nanoseconds",
    "partitions_of",
    "rows_of_file",
    "type_of",
]


def keys(partitioned_by: str | Sequence[str] | None) -> list[str]:
    if partitioned_by is not None and not partitioned_by:
        raise OptionError("partitioned_by names no column. Leave it out, and files continue one another.")
    return [] if partitioned_by is None else make_by(partitioned_by)


def delimiter_of(delimiter: str) -> str:
    if len(delimiter) != 1 or not delimiter.isascii():
        raise OptionError(f"delimiter is {delimiter!r}. Use one ASCII letter, such as ',', ';' or a tab.")
    return delimiter


def chosen(verb: str, columns: Sequence[str] | None) -> list[str]:
    if isinstance(columns, str):
        raise TypeError(f"{verb}: columns= must be a list of names, found {columns!r}. Write columns=[{columns!r}].")
    if columns is not None and not columns:
        raise OptionError(f"{verb}: columns=[] names no column. Leave it out for all.")
    return list(columns or ())


def type_of(column: str, name: pa.DataType | str) -> pa.DataType:
    if isinstance(name, pa.DataType):
        return name
    zoned = re.fullmatch(r"timestamp\[(s|ms|us|ns), *tz=([^\]]+)\]", name)
    decimal = re.fullmatch(r"decimal128\((\d+), *(\d+)\)", name)
    try:
        if zoned:
            return pa.timestamp(zoned[1], tz=zoned[2])
        return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else pa.type_for_alias(name)
    except ValueError:
        raise OptionError(
            f"types: column '{column}': '{name}' is no type. Use a pyarrow type, or a name such as 'float64', "
            f"'int64', 'string', 'timestamp[ns]', 'timestamp[ns, tz=UTC]', 'decimal128(10, 2)'."
        ) from None


def json_of(column: str, bounds: Any) -> str:
    """Bounds of ranges as the engine takes them."""
    if isinstance(bounds, str | bytes):
        raise TypeError(f"partition_by_range: bounds must be a list, found {bounds!r}.")
    values = bounds.to_pylist() if hasattr(bounds, "to_pylist") else list(bounds)
    try:
        return json.dumps([_bound_of(each) for each in values], allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError):
        raise OptionError(
            f"partition_by_range: bounds of column '{column}' must be numbers, text, dates or times, found {values!r}."
        ) from None


def _bound_of(bound: Any) -> Any:
    if hasattr(bound, "isoformat"):
        return bound.isoformat()
    return bound.item() if hasattr(bound, "item") else bound


def nanoseconds(name: str, duration: timedelta | str) -> int:
    if isinstance(duration, timedelta):
        return (duration // timedelta(microseconds=1)) * 1000
    if not isinstance(duration, str):
        raise TypeError(f"{name}= must be a timedelta, or text such as '1s' or '500ms', found {duration!r}.")
    return _native.parse_duration(name, duration)


def rows_of_file(rows: int | None) -> int:
    if rows is not None and rows < 1:
        raise OptionError(f"rows_per_file must be >= 1, found {rows}. Leave it out for one file.")
    return rows or 0


def partitions_of(partitions: int | None, rows_per_file: int | None) -> int:
    if partitions is not None and partitions < 1:
        raise OptionError(f"partitions must be >= 1, found {partitions}. Leave it out for one file.")
    if partitions is not None and rows_per_file is not None:
        raise OptionError(
            "partitions= puts rows into files by their key, rows_per_file= by their number. Give one of them."
        )
    return partitions or 0


def kind(data: object) -> str:
    return f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}".removeprefix("builtins.")
