"""Tables of numpy in, the same kind out: dicts of arrays, and structured arrays. Imported when there is one.

Of the outputs floats are float64 with NaN for null; int64 and bool are masked arrays, whether or not a value is null,
so that their type does not depend on the data; strings are objects, with None for null. A structured array with a
masked output is a masked one. Arrays that go in are those that come out; what is new may be written to.
"""

from collections.abc import Mapping
from copy import copy
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import pyarrow as pa

from sabot.errors import DataError, SchemaError

if TYPE_CHECKING:
    from sabot import _native

__all__ = ["run_columns", "run_structured"]

Array = np.ndarray[Any, Any]


def run_columns(data: dict[str, Any], chain: "_native.Chain", read: set[str]) -> dict[str, Any]:
    """A dict of arrays: a dict with the same arrays, and the new ones."""
    for name, values in data.items():
        if not isinstance(name, str):
            raise TypeError(f"expected a dict of names to numpy arrays, found the key {name!r}.")
        if not isinstance(values, np.ndarray):
            raise TypeError(
                f"expected a dict of numpy arrays, found {type(values).__name__} as column {name!r}. Make it an array, "
                f"or a pyarrow.table(...) of a dict of columns."
            )
        if values.ndim == 0:
            raise SchemaError(f"column {name!r} is a numpy array of no dimension. Give it one value a row.")
    lengths = {name: len(values) for name, values in data.items()}
    rows = next(iter(lengths.values()), 0)
    for name, length in lengths.items():
        if length != rows:
            raise DataError(
                f"column {name!r} has {length} rows, column {next(iter(lengths))!r} has {rows}. Give all arrays one "
                f"length."
            )
    result = copy(data)
    result.update(_computed(data, rows, chain, read))
    return result


def run_structured(data: Array, chain: "_native.Chain", read: set[str]) -> Array:
    """A structured array: one with more fields, whose rows are copied."""
    fields = data.dtype.fields
    if fields is None or data.dtype.names is None:
        raise TypeError(
            "a numpy.ndarray without named fields is no table. Give a dict of arrays, {'name': array}, or a structured "
            "array."
        )
    if data.ndim != 1:
        raise TypeError(f"expected a structured array of one dimension, found {data.ndim}. Give its rows: .ravel()")
    new = _computed({name: data[name] for name in data.dtype.names}, len(data), chain, read)
    kinds = [(name, fields[name][0]) for name in data.dtype.names] + [(name, each.dtype) for name, each in new.items()]
    masked = any(isinstance(each, np.ma.MaskedArray) for each in (data, *new.values()))
    result: Array = np.empty(len(data), np.dtype(kinds, align=data.dtype.isalignedstruct))
    if not isinstance(data, np.ma.MaskedArray):
        result = result.view(type(data))
    for name in data.dtype.names:
        result[name] = np.ma.getdata(data[name])
    for name, values in new.items():
        result[name] = np.ma.getdata(values)
    if not masked:
        return result
    mask: Any = np.zeros(len(data), np.ma.make_mask_descr(result.dtype))
    for name in data.dtype.names:
        mask[name] = np.ma.getmaskarray(data[name])
    for name, values in new.items():
        mask[name] = np.ma.getmaskarray(values)
    return np.ma.MaskedArray(result, mask)


def _computed(columns: Mapping[str, Array], rows: int, chain: "_native.Chain", read: set[str]) -> dict[str, Array]:
    """The outputs. Columns that the chain cannot read take part by their name alone."""
    arrays = [_to_arrow(name, values) if name in read else pa.nulls(rows) for name, values in columns.items()]
    result = chain.process(pa.record_batch(arrays, names=list(columns)), True)
    table = pa.RecordBatchReader.from_stream(result).read_all()
    return {name: _to_numpy(table[name]) for name in table.column_names}


def _to_arrow(name: str, values: Array) -> pa.Array:
    """Uncopied, where the values lie side by side as Arrow has them."""
    if values.ndim != 1:
        raise SchemaError(f"column {name!r} has {values.ndim} dimensions, expected one. Give it one value a row.")
    kind = values.dtype
    if not kind.isnative:
        kind = kind.newbyteorder("=")
    if kind.kind == "M" and np.datetime_data(kind)[0] not in ("ns", "us", "ms", "s"):
        kind = np.dtype("datetime64[s]")  # Arrow's timestamps have no longer unit.
    elif kind.kind == "f" and kind.itemsize not in (4, 8):
        kind = np.dtype("float64")
    values = values.astype(kind, copy=False)
    try:
        array = pa.array(values)
        without_values = kind.kind == "O" and pa.types.is_null(array.type)  # Objects are most often strings.
        return array.cast(pa.string()) if kind.kind == "S" or without_values else array
    except (pa.ArrowException, UnicodeError, TypeError) as error:
        _refuse(name, values, error)


def _refuse(name: str, values: Array, error: Exception) -> NoReturn:
    if values.dtype.kind == "S":
        raise DataError(f"column {name!r} of {values.dtype} holds bytes that are no UTF-8: {error}.") from error
    raise SchemaError(
        f"column {name!r} of {values.dtype} cannot be read ({error}). Give it numbers, datetime64 or strings."
    ) from error


def _to_numpy(column: pa.ChunkedArray) -> Array:
    array = column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
    if pa.types.is_integer(array.type) or pa.types.is_boolean(array.type):
        mask = array.is_null().to_numpy(zero_copy_only=False, writable=True)
        values = array.fill_null(False if pa.types.is_boolean(array.type) else 0)
        return np.ma.MaskedArray(values.to_numpy(zero_copy_only=False, writable=True), mask)
    found: Array = array.to_numpy(zero_copy_only=False, writable=True)
    return found
