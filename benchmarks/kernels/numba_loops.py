"""numba: the loops one writes in Python, compiled before they are timed. NaN is null. Rolling sums add the
newest value and subtract the oldest, as is usual, which drifts; Sabot's do not."""

from typing import Any

import numba
import numpy as np
from contest import Calls
from kernels.cases import ALPHA, CASES, WINDOW
from ticks import SYMBOLS, Ticks

_loop = numba.njit(nogil=True, error_model="numpy")


@_loop
def _midprice(out: Any, bid: Any, ask: Any) -> None:
    for row in range(len(bid)):
        out[row] = 0.5 * (bid[row] + ask[row])


@_loop
def _ewma(out: Any, symbol: Any, x: Any, alpha: float) -> None:
    average = np.full(SYMBOLS, np.nan)
    for row in range(len(x)):
        if not np.isfinite(x[row]):
            out[row] = np.nan
            continue
        at = symbol[row]
        average[at] = x[row] if np.isnan(average[at]) else average[at] + alpha * (x[row] - average[at])
        out[row] = average[at]


@_loop
def _diff(out: Any, symbol: Any, x: Any) -> None:
    last = np.full(SYMBOLS, np.nan)
    for row in range(len(x)):
        at = symbol[row]
        out[row] = x[row] - last[at]
        last[at] = x[row]


@_loop
def _log_returns(out: Any, symbol: Any, price: Any) -> None:
    last = np.full(SYMBOLS, np.nan)
    for row in range(len(price)):
        if not (np.isfinite(price[row]) and price[row] > 0):
            out[row] = np.nan
            continue
        at = symbol[row]
        out[row] = np.log(price[row] / last[at])
        last[at] = price[row]


@_loop
def _ofi(out: Any, symbol: Any, bid: Any, ask: Any, bid_size: Any, ask_size: Any) -> None:
    last = np.full((SYMBOLS, 4), np.nan)
    for row in range(len(bid)):
        at = last[symbol[row]]
        event = 0.0
        event += bid_size[row] if bid[row] >= at[0] else 0.0
        event -= at[2] if bid[row] <= at[0] else 0.0
        event -= ask_size[row] if ask[row] <= at[1] else 0.0
        event += at[3] if ask[row] >= at[1] else 0.0
        out[row] = np.nan if np.isnan(at[0]) else event
        at[0], at[1], at[2], at[3] = bid[row], ask[row], bid_size[row], ask_size[row]


@_loop
def _vwap(out: Any, symbol: Any, price: Any, volume: Any) -> None:
    turnover = np.zeros(SYMBOLS)
    traded = np.zeros(SYMBOLS)
    for row in range(len(price)):
        at = symbol[row]
        turnover[at] += price[row] * volume[row]
        traded[at] += volume[row]
        out[row] = turnover[at] / traded[at]


@_loop
def _rolling(out: Any, symbol: Any, x: Any, window: int, what: int) -> None:
    ring = np.empty((SYMBOLS, window))
    seen = np.zeros(SYMBOLS, np.int64)
    first = np.zeros(SYMBOLS)
    sums = np.zeros(SYMBOLS)
    squares = np.zeros(SYMBOLS)
    for row in range(len(x)):
        at = symbol[row]
        if seen[at] == 0:
            first[at] = x[row]
        value = x[row] - first[at]
        cell = seen[at] % window
        if seen[at] >= window:
            old = ring[at, cell]
            sums[at] -= old
            squares[at] -= old * old
        ring[at, cell] = value
        sums[at] += value
        squares[at] += value * value
        seen[at] += 1
        if seen[at] < window:
            out[:, row] = np.nan
            continue
        deviations = max(squares[at] - sums[at] * (sums[at] / window), 0.0)
        if what == 0:
            out[0, row] = np.sqrt(deviations / (window - 1))
        elif what == 1:
            out[0, row] = (value - sums[at] / window) / np.sqrt(deviations / (window - 1))
        else:
            mid = first[at] + sums[at] / window
            half = 2 * np.sqrt(deviations / window)
            out[0, row], out[1, row], out[2, row] = mid, mid + half, mid - half


@_loop
def _rsi(out: Any, symbol: Any, x: Any, period: int) -> None:
    last = np.full(SYMBOLS, np.nan)
    changes = np.zeros(SYMBOLS, np.int64)
    gain = np.zeros(SYMBOLS)
    loss = np.zeros(SYMBOLS)
    for row in range(len(x)):
        at = symbol[row]
        change = x[row] - last[at]
        last[at] = x[row]
        out[row] = np.nan
        if np.isnan(change):
            continue
        changes[at] += 1
        up, down = max(change, 0.0), max(-change, 0.0)
        if changes[at] <= period:
            gain[at] += up / period
            loss[at] += down / period
        else:
            gain[at] = (gain[at] * (period - 1) + up) / period
            loss[at] = (loss[at] * (period - 1) + down) / period
        if changes[at] >= period:
            out[row] = 100 * gain[at] / (gain[at] + loss[at])


@_loop
def _macd(out: Any, symbol: Any, x: Any, fast: int, slow: int, signal: int) -> None:
    rows = np.zeros(SYMBOLS, np.int64)
    averages = np.zeros((SYMBOLS, 3))
    for row in range(len(x)):
        at = symbol[row]
        rows[at] += 1
        n = rows[at]
        a = averages[at]
        out[:, row] = np.nan
        if n <= slow:
            a[1] += x[row] / slow
            if n > slow - fast:
                a[0] += x[row] / fast
        else:
            a[0] += 2.0 / (fast + 1) * (x[row] - a[0])
            a[1] += 2.0 / (slow + 1) * (x[row] - a[1])
        if n < slow:
            continue
        line = a[0] - a[1]
        if n < slow + signal:
            a[2] += line / signal
        else:
            a[2] += 2.0 / (signal + 1) * (line - a[2])
        if n >= slow + signal - 1:
            out[0, row], out[1, row], out[2, row] = line, a[2], line - a[2]


def contender(ticks: Ticks) -> Calls:
    """The loops, on one thread."""
    table = ticks["ticks"]
    symbol = table.column("symbol").chunk(0).indices.to_numpy()
    names = ("price", "volume", "bid", "ask", "bid_size", "ask_size")
    price, volume, bid, ask, bid_size, ask_size = (table.column(name).chunk(0).to_numpy() for name in names)
    rows = len(price)

    # numpy allocates the output: it takes huge pages, numba does not.
    def one(loop: Any, *inputs: Any) -> list[np.ndarray]:
        out = np.empty(rows)
        loop(out, *inputs)
        return [out]

    def several(outputs: int, loop: Any, *inputs: Any) -> list[np.ndarray]:
        out = np.empty((outputs, rows))
        loop(out, *inputs)
        return list(out)

    calls = {
        "midprice": lambda: one(_midprice, bid, ask),
        "ewma": lambda: one(_ewma, symbol, price, ALPHA),
        "diff": lambda: one(_diff, symbol, price),
        "ofi": lambda: one(_ofi, symbol, bid, ask, bid_size, ask_size),
        "log_returns": lambda: one(_log_returns, symbol, price),
        "vwap": lambda: one(_vwap, symbol, price, volume),
        "rolling_std": lambda: several(1, _rolling, symbol, price, WINDOW, 0),
        "rolling_zscore": lambda: several(1, _rolling, symbol, price, WINDOW, 1),
        "bollinger_bands": lambda: several(3, _rolling, symbol, price, WINDOW, 2),
        "rsi": lambda: one(_rsi, symbol, price, 14),
        "macd": lambda: several(3, _macd, symbol, price, 12, 26, 9),
    }
    calls = {case: call for case, call in calls.items() if case in CASES}
    return Calls("numba, 1 thread", 1, calls, lambda _, result: result)
