"""What all kernels share: which values are missing, which rows belong together, how far an answer may be off."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

Floats = np.ndarray
Values = dict[str, Any]  # By role, or by output.


@dataclass(frozen=True)
class Reference:
    """A kernel's definition.

    Given its inputs in their order, each the values of one key's rows, `function` gives its outputs for the same rows:
    NaN or None where there is no value.
    """

    function: Callable[..., Values]
    rows: str  # "valid": a key's rows with no missing input; "all": all of them, missing is NaN; "alone": of all keys.
    inputs: Mapping[str, str]  # Role -> column. Role timestamp is integers, all others are floats.
    outputs: Mapping[str, type]  # Name -> float, int or str.
    valid: Callable[..., Any] | None  # Given the inputs: which rows hold values that the kernel accepts.
    needs: Callable[[Values], Iterable[str]]  # Given the options: the roles that are read.
    window: Callable[[Values], int | None]  # Given the options: how many of the last rows count; None: all.
    exact: Callable[[Values], bool]  # Given the options: whether the definition says which roundings there are.


REFERENCES: dict[str, Reference] = {}


def reference(
    *,
    rows: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, type],
    valid: Callable[..., Any] | None = None,
    needs: Callable[[Values], Iterable[str]] | None = None,
    window: Callable[[Values], int | None] | int | None = None,
    exact: Callable[[Values], bool] | bool = False,
) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """Make a function the reference of the kernel that has its name."""

    def register(function: Callable[..., Values]) -> Callable[..., Values]:
        REFERENCES[function.__name__] = Reference(
            function=function,
            rows=rows,
            inputs=inputs,
            outputs=outputs,
            valid=valid,
            needs=needs if needs is not None else lambda _options: inputs,
            window=window if callable(window) else lambda _options: window,
            exact=exact if callable(exact) else lambda _options: exact,
        )
        return function

    return register


@dataclass(frozen=True)
class Expected:
    """One output: floats with NaN for null, or objects with None."""

    values: np.ndarray
    tolerance: Floats  # By row; 0: the very same number.


def compute(
    table: pa.Table,
    name: str,
    *,
    by: str | Sequence[str] = "symbol",
    columns: Mapping[str, str] | None = None,
    **options: Any,
) -> dict[str, Expected]:
    """What the kernel of that name gives for the table, output by output."""
    definition = REFERENCES[name]
    count = len(table)
    roles = list(definition.needs(options))
    inputs, missing = {}, np.zeros(count, bool)
    for role in roles:
        column = (columns or {}).get(role, definition.inputs[role])
        inputs[role], absent = read(table[column], is_time=role == "timestamp")
        missing |= absent
    if definition.valid is not None:
        missing |= ~definition.valid(**{role: np.where(missing, 0, values) for role, values in inputs.items()})

    made = {
        output: np.full(count, np.nan) if kind is float else np.full(count, None, object)
        for output, kind in definition.outputs.items()
    }
    tolerance = np.zeros(count)
    for group in groups_of(table, [by] if isinstance(by, str) else by, definition.rows):
        rows = group if definition.rows == "all" else group[~missing[group]]
        given = {role: inputs[role][rows] if role in inputs else None for role in definition.inputs}
        with np.errstate(all="ignore"):  # What overflows or is undefined becomes null below.
            for output, values in definition.function(*given.values(), **options).items():
                made[output][rows] = np.asarray(values, made[output].dtype)
        sizes = [np.abs(values) for role, values in given.items() if values is not None and role != "timestamp"]
        largest = largest_of_last(np.maximum.reduce([*sizes, np.ones(len(rows))]), definition.window(options))
        tolerance[rows] = 1e-12 * largest

    for values in made.values():
        if values.dtype == float:
            values[~np.isfinite(values)] = np.nan
    exact = definition.exact(options)
    return {
        output: Expected(
            values, np.zeros(count) if exact or values.dtype != float else 1e-9 * np.abs(values) + tolerance
        )
        for output, values in made.items()
    }


def read(column: pa.ChunkedArray, *, is_time: bool) -> tuple[np.ndarray, np.ndarray]:
    """The values, and which of them are missing: null, NaN, infinite."""
    absent = column.is_null().to_numpy()
    if is_time:
        return column.cast(pa.int64()).fill_null(0).to_numpy(), absent
    values = column.cast(pa.float64()).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values, np.isnan(values)


def groups_of(table: pa.Table, by: Sequence[str], rows: str) -> list[np.ndarray]:
    """The rows of each key, in their order. A row with a null in its key belongs to none."""
    if rows == "alone":
        return [np.arange(len(table))]
    codes = np.zeros(len(table), np.int64)
    keyed = np.ones(len(table), bool)
    for column in by:
        values = pc.unique(table[column].cast(pa.string()))
        keyed &= table[column].is_valid().to_numpy()
        codes = codes * len(values) + pc.index_in(table[column].cast(pa.string()), values).to_numpy()
    return [np.flatnonzero(keyed & (codes == code)) for code in np.unique(codes[keyed])]


def largest_of_last(values: Floats, window: int | None) -> Floats:
    """Row by row the maximum of the last rows, or of all so far; of those that are no NaN."""
    values = np.nan_to_num(values)
    if window is None or window >= len(values):
        return np.maximum.accumulate(values)
    padded = np.concatenate([np.zeros(window - 1), values])
    return np.lib.stride_tricks.sliding_window_view(padded, window).max(axis=1)


def is_null(column: pa.ChunkedArray) -> np.ndarray:
    """Which rows of a result are null."""
    return pc.is_null(column).to_numpy()
