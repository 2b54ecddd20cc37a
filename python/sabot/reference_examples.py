"""An example for each kernel of the reference, with what it gives: computed from one small table when it is asked for.

No kernel is named here. A kernel's example has the columns that it reads of the table below, its first input missing in
one row, and options small enough for a window to fill within these rows.
"""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from sabot import fintech
from sabot.errors import SabotError
from sabot.kernel_info import KernelInfo

__all__ = ["example", "schedule_example"]

_SYMBOLS = ["A", "A", "B", "A", "A", "A", "B", "A", "A", "A"]
_ROWS = len(_SYMBOLS)
_MISSING_ROW = 4
_SECOND = 1_000_000_000

# By the names that columns have by default, or that many of them end in. A column of another name counts its rows.
_COLUMNS: dict[str, list[float]] = {
    "price": [100, 101, 100.5, 100.5, 102, 101.5, 101.25, 103, 102.5, 104],
    "volume": [5, 8, 4, 6, 3, 9, 7, 6, 4, 8],
    "side": [1, 1, -1, -1, 1, -1, 1, 1, -1, 1],
    "bid": [99.5, 100.5, 100, 100, 101.5, 101, 101, 102.5, 102, 103.5],
    "ask": [100.5, 101, 101, 101, 102, 102, 101.5, 103.5, 103, 104],
    "bid_size": [5, 8, 4, 2, 6, 9, 3, 7, 5, 8],
    "ask_size": [7, 4, 4, 6, 3, 5, 8, 2, 6, 3],
    "exec_price": [100.25, 100.5, 100.75, 100.25, 102, 101.25, 101.5, 103.25, 102.25, 104],
    "arrival_price": [100, 100.75, 100.5, 100.5, 101.75, 101.5, 101.25, 103, 102.5, 103.75],
    "log_return": [0.01, -0.005, 0.004, 0.015, 0.003, -0.02, -0.006, 0.012, -0.004, 0.008],
    "signed_volume": [5, 8, -4, -6, 3, -9, 7, 6, -4, 8],
    "high": [101, 102, 101, 102, 103, 103, 102, 104, 104, 105],
    "low": [99, 100, 100, 100, 101, 100, 101, 101, 102, 102],
    "close": [100, 101, 100.5, 100.5, 102, 101.5, 101.25, 103, 102.5, 104],
    "spot_ab": [1.1, 1.101, 1.1, 1.1, 1.1, 1.102, 1.1, 1.1, 1.1, 1.1],
    "spot_bc": [150, 150, 150, 150.2, 150, 150, 150, 149.8, 150, 150],
    "spot_ac": [165, 165, 165.2, 165, 165, 165, 164.8, 165, 165, 165.1],
    "r_dom": [0.05, 0.05, 0.05, 0.0475, 0.0475, 0.0475, 0.0475, 0.045, 0.045, 0.045],
    "r_for": [0.03, 0.03, 0.03, 0.03, 0.03, 0.0325, 0.0325, 0.0325, 0.0325, 0.035],
    "volatility": [0.1, 0.1, 0.11, 0.12, 0.12, 0.11, 0.11, 0.1, 0.1, 0.1],
    "funding_rate": [1e-4, 1e-4, 2e-4, -1e-4, 3e-4, 1e-4, 1e-4, 0, 2e-4, 1e-4],
    "hours_to_funding": [8, 7, 7, 6, 5, 4, 4, 3, 2, 1],
    "position": [2, 2, -1, 2, -3, -3, -1, 1, 1, 1],
    "forward": [100.5, 101.5, 101, 101, 102.5, 102, 101.75, 103.5, 103, 104.5],
    "futures_price": [101, 102, 101.5, 101, 103, 102, 101.75, 104, 103, 104.5],
    "perp_price": [100.25, 101, 100.5, 100.25, 102.5, 101.5, 101, 103.25, 102.75, 104.25],
    "arrival_mid": [100, 100.75, 100.5, 100.5, 101.75, 101.5, 101.25, 103, 102.5, 103.75],
    "open_interest": [1000, 1010, 500, 1005, 1020, 1015, 510, 1030, 1025, 1040],
    "fees": [1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    "fees_bps": [1, 1, 2, 1, 1, 1, 2, 1, 1, 1],
    "filled_qty": [10, 8, 5, 10, 4, 10, 5, 0, 10, 10],
    "order_qty": [10, 10, 5, 10, 10, 10, 5, 10, 10, 10],
    "order_price": [100, 101, 100.5, 108, 102, 101.5, 90, 103, 114, 104],
    "order_size": [5, -8, 4, 6, 3, 0, 7, 6, 4, -20_000],
    "ref_price": [100, 100, 100, 100, 101, 101, 101, 102, 102, 103],
    "pnl": [120, -80, 40, -150, 60, -30, -20, 90, -60, 110],
    "mean": [0.001, 0.001, 0.002, 0.001, 0, 0, 0.002, -0.001, 0, 0.001],
    "stddev": [0.02, 0.021, 0.03, 0.022, 0.02, 0.024, 0.03, 0.025, 0.022, 0.02],
    "skew": [-0.4, -0.5, 0.1, -0.6, -0.5, -0.3, 0.1, -0.2, -0.4, -0.5],
    "kurt": [1, 1.2, 0.5, 1.5, 1.4, 1.1, 0.5, 0.9, 1, 1.2],
    "midprice": [100, 100.75, 100.5, 100.5, 101.75, 101.5, 101.25, 103, 102.5, 103.75],
    "x": [1, 3, 2, 2, 5, 4, 3, 7, 6, 8],
    "y": [2, 1, 5, 3, 2, 5, 4, 4, 7, 6],
    "price_a": [50, 50.5, 30, 50.25, 51, 50.75, 30.5, 51.5, 51.25, 52],
    "price_b": [25, 25.25, 15, 25, 25.5, 25.25, 15.25, 25.75, 25.5, 26],
    "hedge_ratio": [2, 2, 2, 2, 2, 2, 2, 2, 2, 2],
}


def _small(rows: int) -> dict[str, Any]:
    """Options by name, for kernels whose own are larger: windows of so many rows, and limits that a row can pass."""
    return {
        **dict.fromkeys(("window", "period", "k_period"), rows),
        "fast": 2,
        "slow": 3,
        "signal": 2,
        "d_period": 2,
        "max_lag": 1,
        "bucket_volume": 10,
        "n_buckets": 2,
        "std": 0.01,
        "h": 1,
        "pct": 0.015,
        "halt_ns": 2 * _SECOND,
        "rate_per_s": 0.5,
        "burst": 1,
    }


# Tried in this order: the first is taken under which every output has a value and they are not all the same.
_OPTIONS: list[dict[str, Any]] = [{}, {"symbol_a": "A", "symbol_b": "B"}, *map(_small, (3, 4, 2))]


def example(info: KernelInfo) -> str:
    """A call of the kernel's function on a table `rows`, and the columns it read and appended."""
    best: tuple[str, pa.Table] | None = None
    for options in _options_of(info):
        table, result = _smallest(info, options)
        call = f"fintech.{info.name}({', '.join(['rows', *(f'{name}={value!r}' for name, value in options.items())])})"
        shown = [name for name in table.column_names if info.stateful or name != "symbol"]
        best = call, result.select([*shown, *(output.name for output in info.outputs)])
        if _says_something([result[output.name] for output in info.outputs]):
            break
    assert best is not None, f"{info.name}: no example can be computed"
    return f">>> {best[0]}\n{as_text(best[1])}"


def _says_something(outputs: list[pa.ChunkedArray]) -> bool:
    different = [set(column.drop_null().to_pylist()) for column in outputs]
    return all(different) and any(len(values) > 1 for values in different)


def schedule_example() -> str:
    """That of the schedule, which has no input."""
    table = fintech.optimal_ac_schedule(1_000_000, 5, 5, sigma=0.95, eta=2.5e-6, gamma=2.5e-7, risk_aversion=1e-6)
    call = "optimal_ac_schedule(1_000_000, 5, 5, sigma=0.95, eta=2.5e-6, gamma=2.5e-7, risk_aversion=1e-6)"
    return f">>> fintech.{call}\n{as_text(table)}"


def rows_of(info: KernelInfo) -> pa.Table:
    """The key and every column that the kernel may read, its first one missing in one row."""
    columns: dict[str, list[Any]] = {"symbol": list(_SYMBOLS)}
    for number, entry in enumerate(info.inputs):
        if entry.column != "symbol":
            values = _values_of(entry.column, is_time=entry.type != "float64")
            columns[entry.column] = [
                None if number == 0 and row == _MISSING_ROW else value for row, value in enumerate(values)
            ]
    return pa.table(columns)


def _values_of(column: str, *, is_time: bool) -> list[Any]:
    if is_time:  # What was last updated is older by what the row's number says.
        return [(row + 1 if column == "timestamp" else row // 2 + 1) * _SECOND for row in range(_ROWS)]
    endings = (name for name in ("price", "spot", "volume") if column.endswith(name))
    known = _COLUMNS.get(column) or next((_COLUMNS.get(name, _COLUMNS["price"]) for name in endings), None)
    return [float(value) for value in known or range(1, _ROWS + 1)]


def _options_of(info: KernelInfo) -> Iterator[dict[str, Any]]:
    """The kernel's own defaults first, where it has them for all."""
    tried = []
    for options in _OPTIONS:
        chosen = {
            each.name: options[each.name]
            for each in info.options
            if each.name in options and _is_better(options[each.name], each.default)
        }
        if chosen not in tried and _accepts(info, chosen):
            tried.append(chosen)
            yield chosen


def _is_better(value: float | str, default: Any) -> bool:
    return not isinstance(value, int | float) or not isinstance(default, int | float) or value < default


def _accepts(info: KernelInfo, options: dict[str, Any]) -> bool:
    try:
        getattr(fintech, info.class_name)(**options)
    except SabotError:
        return False
    return True


def _smallest(info: KernelInfo, options: dict[str, Any]) -> tuple[pa.Table, pa.Table]:
    """What is read under these options, and what follows from it."""
    function = getattr(fintech, info.name)
    table = rows_of(info)
    for entry in info.inputs:
        if entry.optional and entry.column in table.column_names:
            without = table.drop_columns([entry.column])
            try:
                function(without, **options)
            except SabotError:
                continue
            table = without
    return table, function(table, **options)


def as_text(table: pa.Table) -> str:
    """Columns side by side, numbers to six digits."""
    columns = [[name, *map(_cell, table[name].to_pylist())] for name in table.column_names]
    widths = [max(map(len, column)) for column in columns]
    lines = zip(*columns, strict=True)
    return "\n".join("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)) for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)
