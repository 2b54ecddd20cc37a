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
    NaN or None where there is no value. What is missing in the rows that it is given is NaN, in times None.
    """

    function: Callable[..., Values]
    # "valid": a key's rows with no missing input; "all": all of them; "alone", "all alone": of all keys; "pair": those
    # of the symbols that the options symbol_a and symbol_b name; the first argument is then 0 or 1 for each row.
    rows: str
    inputs: Mapping[str, str]  # Role -> column. Times are integers, all others are floats.
    given: list[str]  # The roles that the function takes.
    outputs: Mapping[str, type]  # Name -> float, int, bool or str.
    without_key: Mapping[str, Any]  # Outputs of a row whose key is null, where that is not null.
    valid: Callable[..., Any] | None  # Given the inputs: which rows hold values that the kernel accepts.
    needs: Callable[[Values], Iterable[str]]  # Given the options: the roles that are read.
    window: Callable[[Values], int | None]  # Given the options: how many of the last rows count; None: all.
    items_from: Callable[[Values], int] | None  # Of a rolling kernel, given the options: the row of the first item.
    exact: Callable[[Values], bool]  # Given the options: whether the definition says which roundings there are.


WITH_MISSING = ("all", "all alone")
KEYLESS = ("alone", "all alone")

REFERENCES: dict[str, Reference] = {}


def reference(
    *,
    rows: str,
    inputs: Mapping[str, str],
    outputs: Mapping[str, type],
    without_key: Mapping[str, Any] | None = None,
    valid: Callable[..., Any] | None = None,
    needs: Callable[[Values], Iterable[str]] | None = None,
    window: Callable[[Values], int | None] | int | None = None,
    items_from: Callable[[Values], int] | int | None = None,
    exact: Callable[[Values], bool] | bool = False,
) -> Callable[[Callable[..., Values]], Callable[..., Values]]:
    """Make a function the reference of the kernel that has its name.

    items_from is given for a kernel with a window, which then also takes a duration: the row, counted from 0, that
    completes the first of what the window counts (a row, a change, a pair). The function is that of a window of rows;
    it is given timestamp only if that stands among the inputs here. Without items_from it sees a duration itself.
    """

    def register(function: Callable[..., Values]) -> Callable[..., Values]:
        REFERENCES[function.__name__] = Reference(
            function=function,
            rows=rows,
            inputs=inputs if items_from is None else {**inputs, "timestamp": "timestamp"},
            given=list(inputs),
            outputs=outputs,
            without_key=without_key or {},
            valid=valid,
            needs=needs
            if needs is not None
            else lambda options: [*inputs, *(["timestamp"] if _timed(options) else [])],
            window=window if callable(window) else lambda _options: window,
            items_from=items_from if callable(items_from) or items_from is None else lambda _options: items_from,
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
        inputs[role], absent = read(table[column], time=is_time(role))
        missing |= absent
        if definition.rows in WITH_MISSING and is_time(role):
            inputs[role] = np.where(absent, None, inputs[role].astype(object))
    if definition.valid is not None:
        missing |= ~definition.valid(**{role: np.where(missing, 0, values) for role, values in inputs.items()})

    made = {
        output: np.full(count, np.nan) if kind is float else np.full(count, definition.without_key.get(output), object)
        for output, kind in definition.outputs.items()
    }
    tolerance = np.zeros(count)
    key = [by] if isinstance(by, str) else by
    legs = legs_of(table, key, options) if definition.rows == "pair" else None
    groups = groups_of(table, key, definition.rows) if legs is None else [np.flatnonzero(legs >= 0)]
    for group in groups:
        rows = group if definition.rows in WITH_MISSING else group[~missing[group]]
        if _timed(options) and definition.rows != "pair":  # A late row is missing.
            times = inputs["timestamp"][rows]
            rows = rows[times == np.maximum.accumulate(times)]
        given = {role: inputs[role][rows] if role in inputs else None for role in definition.given}
        counts = None
        if _timed(options) and definition.items_from is not None:
            counts = items_in_time(inputs["timestamp"][rows], definition, options)
        with np.errstate(all="ignore"):  # What overflows or is undefined becomes null below.
            arguments = [*([] if legs is None else [legs[rows]]), *given.values()]
            for output, values in _outputs(definition, arguments, counts, options).items():
                made[output][rows] = np.asarray(values, made[output].dtype)
        sizes = [np.abs(values) for role, values in given.items() if values is not None and not is_time(role)]
        sizes_of_rows = np.maximum.reduce([*sizes, np.ones(len(rows))])
        if counts is None:
            largest = largest_of_last(sizes_of_rows, definition.window(options))
        else:
            first = definition.items_from(options)
            reach = [slice(max(row + 1 - count - first, 0), row + 1) for row, count in enumerate(counts.tolist())]
            largest = np.array([sizes_of_rows[of].max(initial=1) for of in reach])
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


def is_time(role: str) -> bool:
    """Whether it holds integers: nanoseconds since the epoch."""
    return role in ("timestamp", "last_update") or role.endswith("_time")


def _timed(options: Values) -> bool:
    return isinstance(options.get("window"), str)


UNITS = {"ns": 1, "us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9, "d": 86400 * 10**9}


def nanoseconds(duration: str) -> int:
    """Of a duration such as "5s"."""
    digits = duration.rstrip("abcdefghijklmnopqrstuvwxyz")
    return int(digits) * UNITS[duration.removeprefix(digits)]


def items_in_time(times: np.ndarray, definition: Reference, options: Values) -> np.ndarray:
    """Row by row how many items the window of time holds: those completed in (t - window, t]."""
    length = nanoseconds(options["window"])
    first = definition.items_from(options)
    begins = np.array([np.count_nonzero(times <= time - length) for time in times.tolist()], int)
    return np.maximum(np.arange(1, len(times) + 1) - np.maximum(begins, first), 0)


def _outputs(definition: Reference, given: list[Any], counts: np.ndarray | None, options: Values) -> Values:
    """The definition's outputs. A window of time is, at each row, a window of as many rows as it holds."""
    if counts is None:
        return definition.function(*given, **options)
    others = {name: value for name, value in options.items() if name not in ("window", "min_periods", "max_rows")}
    result: Values = {
        output: np.full(len(counts), np.nan if kind is float else None, float if kind is float else object)
        for output, kind in definition.outputs.items()
    }
    for count in np.unique(counts[counts >= max(options.get("min_periods") or 1, 1)]).tolist():
        end = int(np.flatnonzero(counts == count).max()) + 1
        part = [None if values is None else values[:end] for values in given]
        found = definition.function(*part, window=count, min_periods=1, **others)
        for output, values in found.items():
            chosen = np.flatnonzero(counts[:end] == count)
            result[output][chosen] = np.asarray(values, result[output].dtype)[chosen]
    return result


def read(column: pa.ChunkedArray, *, time: bool) -> tuple[np.ndarray, np.ndarray]:
    """The values, and which of them are missing: null, NaN, infinite."""
    absent = column.is_null().to_numpy()
    if time:
        return column.cast(pa.int64()).fill_null(0).to_numpy(), absent
    values = column.cast(pa.float64()).fill_null(np.nan).to_numpy().copy()
    values[~np.isfinite(values)] = np.nan
    return values, np.isnan(values)


def groups_of(table: pa.Table, by: Sequence[str], rows: str) -> list[np.ndarray]:
    """The rows of each key, in their order. A row with a null in its key belongs to none."""
    if rows in KEYLESS:
        return [np.arange(len(table))]
    codes = np.zeros(len(table), np.int64)
    keyed = np.ones(len(table), bool)
    for column in by:
        values = pc.unique(table[column].cast(pa.string()))
        keyed &= table[column].is_valid().to_numpy()
        codes = codes * len(values) + pc.index_in(table[column].cast(pa.string()), values).to_numpy()
    return [np.flatnonzero(keyed & (codes == code)) for code in np.unique(codes[keyed])]


def legs_of(table: pa.Table, by: Sequence[str], options: Mapping[str, Any]) -> np.ndarray:
    """0 on rows of symbol_a, 1 on rows of symbol_b, -1 on others."""
    numbers = {str(options["symbol_a"]): 0, str(options["symbol_b"]): 1}
    symbols = table[by[0]].cast(pa.string()).to_pylist()
    return np.array([-1 if symbol is None else numbers.get(symbol, -1) for symbol in symbols], int)


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
