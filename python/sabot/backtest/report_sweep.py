"""The results of a sweep as a report shows them: by set of parameters, for each security and over all of them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sabot.backtest.report_files import METRICS, SWEEP, SWEEP_SUMMARY
from sabot.backtest.report_series import rounded
from sabot.errors import DataError

__all__ = ["sweep_data"]

_SETS_MAX = 8_000
_CELLS_MAX = 260_000
_ERRORS_MAX = 50
_SUMS = ("net_pnl", "realized_pnl", "fees", "trades", "volume", "final_position", "rows", "rejected")
_COUNTS = ("securities", "failed")  # Of a set, in its summary.


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns of a sweep are what: a set's parameters stand before `trades`, metrics from there on."""

    parameters: tuple[str, ...]
    metrics: tuple[str, ...]


def sweep_data(table: pa.Table, summary: pa.Table | None, folder: Path) -> dict[str, Any]:
    """What the page needs of a sweep: parameters as codes into their values, and metrics by column.

    Figures over all securities are those of the summary, or else computed. The sets of the highest net PnL where there
    are too many for a page; no single securities where these are.
    Raises: DataError, if a set has two rows for a security, or differing values of a parameter.
    """
    columns = _columns(table)
    table = _with_net_pnl(table)
    path = folder / SWEEP
    _check_unique(table, ["set", "security"], path)
    of_set = table.group_by("set", use_threads=False)
    firsts = of_set.aggregate([(name, "first") for name in columns.parameters])
    _check_parameters(of_set, columns.parameters, path)
    metrics = ("net_pnl", *columns.metrics)
    if summary is None:
        total = _over_securities(table, metrics)
    else:
        _check_unique(summary, ["set"], folder / SWEEP_SUMMARY)
        total = _with_net_pnl(summary)
        own = _columns(summary).metrics
        metrics += tuple(name for name in own if name not in (*metrics, "pnl", *_COUNTS))
    incomplete = _incomplete(table)
    total = _blanked(total, incomplete)
    names = firsts["set"].to_pylist()
    chosen = _best(names, total)
    place = {name: index for index, name in enumerate(chosen)}
    views = [{"security": None, "computed": summary is None, "metrics": _metric_columns(total, metrics, place)}]
    securities = pc.unique(table["security"].drop_null()).to_pylist()
    room = len(chosen) * len(metrics) * (len(securities) + 1) <= _CELLS_MAX
    if room and len(securities) > 1:
        for security in securities:
            rows = table.filter(pc.equal(table["security"], security))
            views.append({"security": security, "computed": False, "metrics": _metric_columns(rows, metrics, place)})
    parameters = firsts.filter(pc.is_in(firsts["set"], pa.array(chosen, pa.string())))
    return {
        "sets": chosen,
        "setsInFile": len(names),
        "securities": securities,
        "bySecurity": room,
        "incomplete": len(incomplete),
        "parameters": [_parameter(name, parameters[f"{name}_first"]) for name in columns.parameters],
        "metrics": list(metrics),
        "views": views,
        "errors": _errors(table),
        "errorsInFile": table.num_rows - table["error"].null_count if "error" in table.column_names else 0,
    }


def _columns(table: pa.Table) -> _Columns:
    names = table.column_names
    first = names.index("trades")
    parameters = tuple(name for name in names[:first] if name not in ("set", "security"))
    numbers = [
        name
        for name in names[first:]
        if pa.types.is_integer(table[name].type) or pa.types.is_floating(table[name].type)
    ]
    return _Columns(
        parameters,
        tuple(name for name in METRICS if name in numbers) + tuple(name for name in numbers if name not in METRICS),
    )


def _with_net_pnl(table: pa.Table) -> pa.Table:
    if "net_pnl" in table.column_names:
        return table
    fees = table["fees"] if "fees" in table.column_names else pa.scalar(0.0)
    return table.append_column("net_pnl", pc.subtract(table["realized_pnl"], fees))


def _check_unique(table: pa.Table, keys: list[str], path: Path) -> None:
    counts = table.group_by(keys, use_threads=False).aggregate([([], "count_all")])
    twice = counts.filter(pc.greater(counts["count_all"], 1))
    if twice.num_rows:
        row = twice.slice(0, 1).to_pylist()[0]
        of_security = f" for security '{row['security']}'" if "security" in keys else ""
        raise DataError(
            f"{path}: set {row['set']} has {row['count_all']} rows{of_security}, expected one. Run the sweep again, "
            f"into a folder of its own."
        )


def _check_parameters(of_set: Any, parameters: tuple[str, ...], path: Path) -> None:
    counts = of_set.aggregate([(name, "count_distinct", pc.CountOptions(mode="all")) for name in parameters])
    for name in parameters:
        differing = counts.filter(pc.greater(counts[f"{name}_count_distinct"], 1))
        if differing.num_rows:
            raise DataError(
                f"{path}: set {differing['set'][0]} has more than one value of '{name}', expected one. Columns before "
                f"'trades' are parameters, and a set has one value of each."
            )


def _over_securities(table: pa.Table, metrics: tuple[str, ...]) -> pa.Table:
    """One row a set: sums of amounts, the largest of drawdowns and dates, means of ratios and of what is unknown."""
    largest = ("max_drawdown", "market_dates", "strategy_dates")
    how = {name: "sum" if name in _SUMS else "max" if name in largest else "mean" for name in metrics}
    found = table.group_by("set", use_threads=False).aggregate(
        [(name, kind, pc.ScalarAggregateOptions(min_count=1)) for name, kind in how.items()]
    )
    return found.rename_columns({f"{name}_{kind}": name for name, kind in how.items()})


def _best(names: list[str], of_all: pa.Table) -> list[str]:
    """The sets to show, in the order of the file."""
    if len(names) <= _SETS_MAX:
        return names
    order = pc.sort_indices(of_all, sort_keys=[("net_pnl", "descending")]).slice(0, _SETS_MAX)
    kept = set(of_all["set"].take(order).to_pylist())
    return [name for name in names if name in kept]


def _metric_columns(table: pa.Table, metrics: tuple[str, ...], place: dict[str, int]) -> list[Any]:
    """A list of values in the order of the sets, or the one value that all sets share, a metric."""
    places = [place.get(name, -1) for name in table["set"].to_pylist()]
    found = []
    for metric in metrics:
        column: list[Any] = [None] * len(place)
        values = table[metric].to_pylist() if metric in table.column_names else []
        for index, value in zip(places, values, strict=False):  # Not every table has every metric.
            if index >= 0:
                column[index] = rounded(value)
        found.append(column[0] if column and all(value == column[0] for value in column) else column)
    return found


def _parameter(name: str, values: pa.ChunkedArray) -> dict[str, Any]:
    """Its distinct values in order, of which null is the first, and of each set which one it has."""
    kind = values.type
    number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    if not number:
        values = values.cast(pa.string())
    distinct = pc.unique(values.drop_null())
    distinct = distinct.take(pc.sort_indices(distinct))
    first = 1 if values.null_count else 0
    codes = pc.fill_null(pc.add(pc.index_in(values, distinct), first), 0).to_pylist()
    shown = [None] * first + [rounded(value) if number else value for value in distinct.to_pylist()]
    return {"name": name, "number": number, "values": shown, "codes": codes}


def _incomplete(table: pa.Table) -> list[str]:
    """The sets with results of fewer securities than others, whose totals cannot be compared with those."""
    failed = pc.is_valid(table["error"]) if "error" in table.column_names else pc.is_null(table["security"])
    counts = table.append_column("succeeded", pc.cast(pc.invert(failed), pa.int64())).group_by("set", use_threads=False)
    counts = counts.aggregate([("succeeded", "sum")])
    most = pc.count_distinct(table["security"]).as_py()
    sets: list[str] = counts.filter(pc.less(counts["succeeded_sum"], most))["set"].to_pylist()
    return sets


def _blanked(total: pa.Table, sets: list[str]) -> pa.Table:
    """Without the figures of these sets."""
    if not sets:
        return total
    blank = pc.is_in(total["set"], pa.array(sets, pa.string()))
    columns = [
        column if name == "set" else pc.if_else(blank, pa.scalar(None, column.type), column)
        for name, column in zip(total.column_names, total.columns, strict=True)
    ]
    return pa.table(columns, total.column_names)


def _errors(single: pa.Table) -> list[list[str]]:
    """[set, security, error] of the first runs that failed."""
    if "error" not in single.column_names:
        return []
    failed = single.filter(pc.is_valid(single["error"])).slice(0, _ERRORS_MAX)
    rows = zip(*(failed[name].to_pylist() for name in ("set", "security", "error")), strict=True)
    return [[name, security or "", error] for name, security, error in rows]
