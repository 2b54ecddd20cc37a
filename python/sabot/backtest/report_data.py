"""The results of a backtest as its report shows them: headline figures, a table, and series of a bounded size."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sabot.backtest.activity import why_no_trades
from sabot.backtest.report_files import SecurityFiles, read_activity, read_security
from sabot.backtest.report_series import (
    TotalEquity,
    drawdown,
    grouped_fills,
    milliseconds,
    rounded,
    series,
    sessions,
)

__all__ = ["backtest_data"]

# What bounds the page: points of all series together, securities with charts, and rows of the table.
_POINTS = 110_000
_CHARTED_MAX = 250
_ROWS_MAX = 4_000
_TOTAL_BUCKETS = 600
_DAYS_MAX = 400
_DAY_NS = 86_400_000_000_000


def backtest_data(summary: pa.Table, folder: Path) -> dict[str, Any]:
    """What the page needs of a backtest. Raises: what reading a security's files raises."""
    failed = pc.is_valid(summary["error"]) if "error" in summary.column_names else pc.is_null(summary["security"])
    errors = summary.filter(failed)
    succeeded = summary.filter(pc.invert(failed))
    charted = _charted(succeeded)
    buckets = max(8, min(500, _POINTS // (20 * max(1, len(charted)))))
    total = TotalEquity()
    charts, notes = {}, []
    for security, trades in zip(succeeded["security"].to_pylist(), succeeded["trades"].to_pylist(), strict=True):
        files = read_security(folder, security, trades or 0)
        notes += [{"security": security, "note": note} for note in files.notes]
        times, equity = _equity_of(files)
        total.add(times, equity)
        if security in charted:
            charts[security] = _charts(files, times, equity, buckets)
    whole = total.table()
    times, equity = whole["time"].combine_chunks(), whole["equity"].combine_chunks()
    shown = summary.take(_rows_shown(summary, failed))
    return {
        "totals": _totals(succeeded, errors.num_rows, times, equity),
        "errors": [list(row) for row in zip(*_lists(errors, "security", "error"), strict=True)][:_ROWS_MAX],
        "notes": notes[:_ROWS_MAX],
        "columns": _columns(shown),
        "securitiesInFile": summary.num_rows,
        "sessions": sessions(times),
        "equity": series(times, equity, _TOTAL_BUCKETS),
        "drawdown": series(times, drawdown(equity), _TOTAL_BUCKETS),
        "periods": _periods(times, equity),
        "charts": charts,
        "activity": _activity(folder, succeeded, charted),
    }


def _lists(table: pa.Table, *names: str) -> list[list[Any]]:
    return [table[name].to_pylist() if name in table.column_names else [] for name in names]


def _charted(summary: pa.Table) -> set[str]:
    """The securities that have charts: those of the largest profits and losses, where there are too many."""
    size = pc.abs(pc.subtract(summary["realized_pnl"], summary["fees"]))
    order = pc.sort_indices(pa.table({"size": size}), sort_keys=[("size", "descending")]).slice(0, _CHARTED_MAX)
    return set(summary["security"].take(order).to_pylist())


def _rows_shown(summary: pa.Table, failed: pa.ChunkedArray) -> pa.Array:
    """Rows of the table, in the order of the file: those that failed, then those of the most trades, if too many."""
    if summary.num_rows <= _ROWS_MAX:
        return pa.arange(0, summary.num_rows)
    keys = pa.table({"failed": failed.cast(pa.int8()), "trades": summary["trades"]})
    order = pc.sort_indices(keys, sort_keys=[("failed", "descending"), ("trades", "descending")]).slice(0, _ROWS_MAX)
    return order.take(pc.sort_indices(order))


def _equity_of(files: SecurityFiles) -> tuple[pa.Array, pa.Array]:
    """Of the file of equity, or where there is none, the PnL after each fill."""
    table, column = (files.equity, "equity") if files.equity is not None else (files.trades, "pnl")
    if table is None:
        return pa.array([], pa.int64()), pa.array([], pa.float64())
    return table["timestamp"].combine_chunks().cast(pa.int64()), table[column].combine_chunks()


def _charts(files: SecurityFiles, times: pa.Array, equity: pa.Array, buckets: int) -> dict[str, Any]:
    charts: dict[str, Any] = {
        "equity": series(times, equity, buckets),
        "drawdown": series(times, drawdown(equity), buckets),
    }
    if files.equity is not None:
        charts["mid"] = series(times, files.equity["mid"].combine_chunks(), buckets)
    if files.trades is not None:
        at = files.trades["timestamp"].combine_chunks().cast(pa.int64())
        for name in ("position", "pnl"):
            charts[name] = series(at, files.trades[name].combine_chunks(), buckets)
        charts["fills"] = grouped_fills(files.trades, 2 * buckets)
        charts["counts"] = _counts(files.trades)
    return charts


def _activity(folder: Path, succeeded: pa.Table, charted: set[str]) -> dict[str, dict[str, Any]]:
    """By security, of those with charts and then those without trades: what there was to do, counts that are not 0."""
    found = read_activity(folder)
    shown: dict[str, dict[str, Any]] = {}
    rows = zip(*_lists(succeeded, "security", "trades"), strict=True)
    for security, trades in sorted(rows, key=lambda row: row[0] not in charted):
        activity = found.get(security)
        if activity is None or (trades and security not in charted):
            continue
        why = None if trades else why_no_trades(activity)
        counts = dict(activity)
        told = {"session": counts.pop("session"), "interval": counts.pop("equity_interval_ns") / 1e9, "why": why}
        shown[security] = told | {"counts": {name: count for name, count in counts.items() if count}}
        if len(shown) == _ROWS_MAX:
            break
    return shown


def _counts(trades: pa.Table) -> list[list[Any]]:
    """[side, kind, fills, quantity]: how many fills there were of each."""
    keys = pa.table(
        {
            "side": trades["side"].fill_null(""),
            "kind": trades["kind"].fill_null(""),
            "quantity": trades["fill_qty"],
        }
    )
    found = keys.group_by(["side", "kind"], use_threads=False).aggregate([([], "count_all"), ("quantity", "sum")])
    found = found.sort_by([("kind", "ascending"), ("side", "ascending")])
    rows = zip(*_lists(found, "side", "kind", "count_all", "quantity_sum"), strict=True)
    return [[side, kind, fills, rounded(quantity)] for side, kind, fills, quantity in rows]


def _totals(succeeded: pa.Table, failed: int, times: pa.Array, equity: pa.Array) -> dict[str, Any]:
    def total(name: str, how: Any = pc.sum) -> float | int | None:
        return rounded(how(succeeded[name]).as_py()) if name in succeeded.column_names else None

    realized, fees = pc.sum(succeeded["realized_pnl"]).as_py(), pc.sum(succeeded["fees"]).as_py()
    return {
        "net_pnl": None if realized is None else rounded(realized - (fees or 0.0)),
        "realized_pnl": rounded(realized),
        "fees": rounded(fees),
        "equity": rounded(equity[-1].as_py()) if len(equity) else None,
        "max_drawdown": rounded(pc.max(drawdown(equity)).as_py()) if len(equity) else None,
        "trades": total("trades"),
        "volume": total("volume"),
        "securities": succeeded.num_rows,
        "failed": failed,
        "market_dates": total("market_dates", pc.max),
        "rows": total("rows"),
        "rejected": total("rejected"),
        "first": milliseconds(times.slice(0, 1))[0] if len(times) else None,
        "last": milliseconds(times.slice(len(times) - 1))[0] if len(times) else None,
    }


def _columns(summary: pa.Table) -> list[dict[str, Any]]:
    """The columns of the table as the file has them, behind `net_pnl`, PnL after fees."""
    net = pc.subtract(summary["realized_pnl"], summary["fees"])
    found = []
    for name, column in [("net_pnl", net), *zip(summary.column_names, summary.columns, strict=True)]:
        number = pa.types.is_integer(column.type) or pa.types.is_floating(column.type)
        values = column.to_pylist() if number else column.cast(pa.string()).to_pylist()
        found.append({"name": name, "number": number, "values": [rounded(v) for v in values] if number else values})
    return found


def _periods(times: pa.Array, equity: pa.Array) -> dict[str, Any]:
    """What equity changed by on each date with samples; in each month, where there are too many dates."""
    if not len(times):
        return {"unit": "day", "t": [], "v": []}
    dates = pc.multiply(pc.divide(times, _DAY_NS), _DAY_NS)
    unit = "day"
    if pc.count_distinct(dates).as_py() > _DAYS_MAX:
        unit = "month"
        dates = pc.floor_temporal(dates.cast(pa.timestamp("ns")), unit="month").cast(pa.int64())
    ends = pa.table({"date": dates, "row": pa.arange(0, len(times))}).group_by("date", use_threads=False)
    ends = ends.aggregate([("row", "max")])
    last = equity.take(ends["row_max"].combine_chunks()).to_pylist()
    changes = [rounded(value - before) for before, value in zip([0.0, *last[:-1]], last, strict=True)]
    return {"unit": unit, "t": milliseconds(ends["date"].combine_chunks()), "v": changes}
