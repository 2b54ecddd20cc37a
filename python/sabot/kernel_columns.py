"""Columns as numpy arrays and back, for kernels written in Python."""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sabot.errors import DataError, FunctionError

__all__ = ["Array", "bytes_of", "column_of", "described", "read_only", "to_arrow", "values_of"]

Array = np.ndarray[Any, Any]
_KINDS = {pa.float64(): "fiu", pa.int64(): "iu", pa.bool_(): "b", pa.string(): "UOT"}  # Of arrays that become one.


def values_of(column: pa.Array, is_time: bool, kernel: str) -> tuple[Array, Array | None]:
    """A column as float64, or int64 for times, and which values are there; None: all."""
    if is_time:
        if pa.types.is_null(column.type):
            return np.zeros(len(column), np.int64), np.zeros(len(column), np.bool_)
        if pa.types.is_timestamp(column.type):
            try:
                column = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64())
            except pa.ArrowInvalid as error:
                raise DataError(
                    f"{kernel}: a time does not fit int64 nanoseconds since the epoch ({error}). Remove or correct "
                    f"that row."
                ) from None
        there = column.is_valid().to_numpy(zero_copy_only=False) if column.null_count else None
        return read_only(column.fill_null(0).to_numpy()), there
    if column.type != pa.float64():
        column = pc.cast(column, pa.float64(), safe=False)  # Integers above 2^53 are rounded.
    values = column.to_numpy(zero_copy_only=False)  # Null becomes NaN.
    return read_only(values), np.isfinite(values)


def read_only(values: Array) -> Array:
    view = values.view()
    view.flags.writeable = False
    return view


def column_of(where: str, result: Any, kind: pa.DataType, rows: int) -> pa.Array:
    mask = np.ma.getmaskarray(result) if np.ma.isMaskedArray(result) else None
    values = np.ma.getdata(result) if mask is not None else np.asarray(result)
    if values.shape != (rows,) or (values.dtype.kind not in _KINDS[kind]):
        raise FunctionError(f"{where} is {described(values)}, expected an array of {rows} values for {kind}.")
    if kind == pa.float64():
        values = values.astype(np.float64)  # A copy: what was returned may be an array of the state.
        undefined = ~np.isfinite(values)
        mask = undefined if mask is None else mask | undefined
        values[mask] = 0.0
    elif kind == pa.string():
        try:
            return pa.array(values.tolist(), kind, mask=mask)
        except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
            raise FunctionError(f"{where} must be strings: {error}") from None
    elif kind == pa.int64():
        if values.dtype == np.uint64 and (values > np.iinfo(np.int64).max).any():
            raise FunctionError(f"{where} holds {values.max()}, which does not fit int64.")
        values = values.astype(np.int64)
    else:
        values = values.copy()
    return pa.array(values, kind, mask=mask if mask is not None and mask.any() else None)


def bytes_of(values: Array) -> Array:
    """Those of each entry, as they lie in memory."""
    return np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)


def to_arrow(values: Array) -> pa.Array:
    """One value a row, or one list of a fixed length."""
    if values.ndim == 1:
        return pa.array(values)
    items = pa.array(values.reshape(-1))
    kind = pa.list_(pa.field("item", items.type, nullable=False), values.shape[1])
    return pa.FixedSizeListArray.from_arrays(items, type=kind)


def described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype} of shape {value.shape}"
    return "None (does it lack a return?)" if value is None else f"{type(value).__qualname__} {value!r:.40}"
