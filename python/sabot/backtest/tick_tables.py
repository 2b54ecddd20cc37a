"""Ticks that are in memory, from the types that libraries give their columns to those that a backtest reads."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

__all__ = ["tick_batches"]

_TYPES = {"timestamp": pa.timestamp("ns"), "type": pa.string(), "price": pa.float64(), "volume": pa.float64()}
_INDICES = (pa.int8(), pa.int16(), pa.int32())


def tick_batches(ticks: Any) -> Any:
    """The same ticks; a column whose type is close to the one expected is cast, batch by batch.

    Timestamps of another unit become nanoseconds, integers float64, and text of any kind utf8. Other types stay, and
    the engine says what it expected.
    """
    if not hasattr(ticks, "__arrow_c_stream__"):
        return ticks
    reader = pa.RecordBatchReader.from_stream(ticks)
    fields = [pa.field(field.name, _target(field)) for field in reader.schema]
    if [field.type for field in fields] == reader.schema.types:
        return reader
    schema = pa.schema(fields)

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in reader:
            columns = [_cast(column, field.type) for column, field in zip(batch.columns, fields, strict=True)]
            yield pa.RecordBatch.from_arrays(columns, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _target(field: pa.Field) -> pa.DataType:
    wanted, found = _TYPES.get(field.name), field.type
    if field.name == "timestamp":
        return wanted if pa.types.is_timestamp(found) and found.tz is None else found
    if field.name in ("price", "volume"):
        return wanted if pa.types.is_integer(found) or pa.types.is_floating(found) else found
    if field.name == "type":
        if pa.types.is_dictionary(found):
            good = found.value_type == wanted and found.index_type in _INDICES
            return found if good or not _is_text(found.value_type) else pa.dictionary(pa.int32(), pa.string())
        return wanted if _is_text(found) else found
    return found


def _is_text(found: pa.DataType) -> bool:
    return bool(pa.types.is_string(found) or pa.types.is_large_string(found) or pa.types.is_string_view(found))


def _cast(column: pa.Array, wanted: pa.DataType) -> pa.Array:
    if column.type == wanted:
        return column
    if pa.types.is_dictionary(wanted):
        return pa.DictionaryArray.from_arrays(column.indices.cast(pa.int32()), column.dictionary.cast(pa.string()))
    return column.cast(wanted)
