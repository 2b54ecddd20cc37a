"""Series of a backtest cut down to what a picture can show, in a bounded number of points, without losing a spike."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

__all__ = ["TotalEquity", "drawdown", "grouped_fills", "milliseconds", "series", "sessions", "thinned"]

_MINUTE_NS = 60_000_000_000
# A pause of all securities that is at least so long is drawn as a narrow gap: nights and weekends.
_PAUSE_NS = 30 * _MINUTE_NS
_SESSIONS_MAX = 260


def thinned(times: pa.Array, values: pa.Array, buckets: int) -> tuple[pa.Array, pa.Array]:
    """At most 4 rows of each bucket of consecutive rows: the first, the lowest, the highest and the last.

    A line or a staircase through them covers the same pixels as one through all rows, where a bucket is no wider than
    a pixel. Rows whose value is null, NaN or infinite are left out first.
    """
    known = pc.fill_null(pc.is_finite(values), False)
    times, values = times.filter(known), values.filter(known)
    rows = len(values)
    if rows <= 4 * buckets:
        return times, values
    row = pa.arange(0, rows)
    bucket = pc.divide(pc.multiply(row, buckets), rows)
    groups = pa.table({"bucket": bucket, "row": row, "value": values}).group_by("bucket", use_threads=False)
    ends = groups.aggregate([("row", "min"), ("row", "max"), ("value", "min"), ("value", "max")])
    kept = [ends["row_min"], ends["row_max"]]
    for extreme in ("value_min", "value_max"):
        at_extreme = pc.equal(values, ends[extreme].combine_chunks().take(bucket))
        hits = pa.table({"bucket": bucket.filter(at_extreme), "row": row.filter(at_extreme)})
        kept.append(hits.group_by("bucket", use_threads=False).aggregate([("row", "min")])["row_min"])
    chosen = pc.unique(pa.chunked_array([chunk for column in kept for chunk in column.chunks]))
    chosen = chosen.take(pc.sort_indices(chosen))
    return times.take(chosen), values.take(chosen)


def drawdown(equity: pa.Array) -> pa.Array:
    """How far each value is below the highest so far, or below 0 where none was above; nulls stay nulls."""
    equity = pc.if_else(pc.is_finite(equity), equity, None)
    peak = pc.cumulative_max(pc.fill_null(equity, 0.0))
    return pc.subtract(pc.max_element_wise(peak, 0.0), equity)


def series(times: pa.Array, values: pa.Array, buckets: int) -> dict[str, list[Any]]:
    """A series as the page reads it: `t`, milliseconds, each but the first as the distance to the one before; `v`."""
    times, values = thinned(times, values, buckets)
    return {"t": _distances(milliseconds(times)), "v": [rounded(value) for value in values.to_pylist()]}


def grouped_fills(trades: pa.Table, groups_max: int) -> list[list[Any]]:
    """Fills as [milliseconds, side, kind, fills, quantity, lowest price, highest price], in order of time.

    Each stands for one fill where there are at most `groups_max`; else for those of one side and kind in a span of time
    that is doubled until there are few enough.
    """
    trades = trades.filter(pc.is_finite(trades["fill_price"]))
    times = trades["timestamp"].combine_chunks().cast(pa.int64())
    if not len(times):
        return []
    columns = {
        "time": times,
        "side": trades["side"].fill_null(""),
        "kind": trades["kind"].fill_null(""),
        "price": trades["fill_price"],
        "quantity": trades["fill_qty"],
    }
    if len(times) <= groups_max:
        groups = pa.table(columns | {"span": pa.arange(0, len(times))})
    else:
        extent = pc.min_max(times).as_py()
        span = max(1, (extent["max"] - extent["min"]) // (groups_max * 16))
        groups = pa.table(columns | {"span": pc.divide(times, span)})
        while groups.group_by(_KEYS).aggregate([]).num_rows > groups_max and span <= extent["max"] - extent["min"]:
            span *= 2
            groups = pa.table(columns | {"span": pc.divide(times, span)})
    found = groups.group_by(_KEYS, use_threads=False).aggregate(
        [("time", "min"), ("price", "count"), ("quantity", "sum"), ("price", "min"), ("price", "max")]
    )
    found = found.sort_by([("time_min", "ascending"), ("side", "ascending"), ("kind", "ascending")])
    rows = zip(
        milliseconds(found["time_min"].combine_chunks()),
        found["side"].to_pylist(),
        found["kind"].to_pylist(),
        found["price_count"].to_pylist(),
        *([rounded(value) for value in found[name].to_pylist()] for name in ("quantity_sum", "price_min", "price_max")),
        strict=True,
    )
    return [list(row) for row in rows]


_KEYS = ["span", "side", "kind"]


class TotalEquity:
    """The sum of the securities' equities over time, each from its first sample on, in bounded memory.

    Held as steps: by how much the sum changes when. Beyond `rows_max` of them, the steps of a minute become one.
    """

    def __init__(self, rows_max: int = 2_000_000) -> None:
        self._rows_max = rows_max
        self._steps: list[pa.Table] = []
        self._rows = 0

    def add(self, times: pa.Array, equity: pa.Array) -> None:
        """One more security: nanoseconds that do not go back, and its equity; null is unknown, and changes nothing."""
        known = pc.fill_null(pc.is_finite(equity), False)
        times, equity = times.filter(known), equity.filter(known)
        before = pa.concat_arrays([pa.array([0.0]), equity.slice(0, max(0, len(equity) - 1))]).slice(0, len(equity))
        self._steps.append(pa.table({"time": times, "step": pc.subtract(equity, before)}))
        self._rows += len(times)
        if self._rows > self._rows_max:
            self._rows_max *= 2  # Where even the minutes are so many, another pass pays only after as many more.
            steps = pa.concat_tables(self._steps)
            minutes = pc.multiply(pc.divide(steps["time"], _MINUTE_NS), _MINUTE_NS)
            self._steps = [_summed(steps.set_column(0, "time", minutes))]
            self._rows = self._steps[0].num_rows

    def table(self) -> pa.Table:
        """`time`, in nanoseconds, each once and in order, and `equity`."""
        empty = pa.table({"time": pa.array([], pa.int64()), "step": pa.array([], pa.float64())})
        steps = _summed(pa.concat_tables([empty, *self._steps]))
        return pa.table({"time": steps["time"], "equity": pc.cumulative_sum(steps["step"])}).combine_chunks()


def sessions(times: pa.Array) -> list[list[int]]:
    """Spans between long pauses, as [first, last] in milliseconds; the times are in order."""
    if not len(times):
        return []
    if len(times) == 1:
        return [milliseconds(times) * 2]
    pauses = pc.subtract(times.slice(1), times.slice(0, len(times) - 1))
    long = pc.indices_nonzero(pc.greater_equal(pauses, _PAUSE_NS))
    if len(long) >= _SESSIONS_MAX:
        longest = pc.sort_indices(pauses.take(long), sort_keys=[("", "descending")]).slice(0, _SESSIONS_MAX - 1)
        long = long.take(longest)
        long = long.take(pc.sort_indices(long))
    ends = [*long.to_pylist(), len(times) - 1]
    starts = [0, *(end + 1 for end in ends[:-1])]
    return [milliseconds(times.take(pa.array([start, end]))) for start, end in zip(starts, ends, strict=True)]


def milliseconds(times: pa.Array) -> list[int]:
    """Nanoseconds as whole milliseconds, rounded down."""
    return [time // 1_000_000 for time in times.to_pylist()]


def rounded(value: float | None) -> float | int | None:
    """With as many digits as anybody reads, and none of a double's noise; what is no number is None."""
    if value is None or value != value or value in (float("inf"), float("-inf")):
        return None
    short = float(f"{value:.9g}")
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def _distances(times: Sequence[int]) -> list[int]:
    return [time - before for before, time in zip([0, *times], times, strict=False)]


def _summed(steps: pa.Table) -> pa.Table:
    """One step a time, in order of time; the sums are in the order in which the securities came."""
    summed = steps.group_by("time", use_threads=False).aggregate([("step", "sum")])
    return summed.rename_columns(["time", "step"]).sort_by("time")
