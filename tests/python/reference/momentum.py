"""Moving averages, oscillators and bands, with the conventions of TA-Lib."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from reference.exact import deviations, from_row, last, means
from reference.rules import Floats, Values, reference


def _seeded_average(values: Sequence[float], period: int) -> list[float]:
    """Exponential average that starts with the mean of the first values."""
    if len(values) < period:
        return [math.nan] * len(values)
    average = 0.0
    for value in values[:period]:
        average += value
    average /= period
    result = [math.nan] * (period - 1) + [average]
    for value in values[period:]:
        average += 2 / (period + 1) * (value - average)
        result.append(average)
    return result


@reference(rows="valid", inputs={"x": "price"}, outputs={"ema": float}, exact=True)
def ema(x: Floats, *, period=20) -> Values:
    """Exponential average seeded with a mean."""
    return {"ema": _seeded_average(x.tolist(), period)}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"sma": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def sma(x: Floats, *, window=20, min_periods=None) -> Values:
    """Mean of the last values."""
    return {"sma": from_row(min_periods or window, means(x, window))}


@reference(
    rows="valid", inputs={"x": "price"}, outputs={"macd": float, "macd_signal": float, "macd_hist": float}, exact=True
)
def macd(x: Floats, *, fast=12, slow=26, signal=9) -> Values:
    """Fast less slow average, and the average of that. The fast one starts with the slow one, on its latest values."""
    values = x.tolist()
    slow_average = np.array(_seeded_average(values, slow))
    fast_average = np.array([math.nan] * min(slow - fast, len(values)) + _seeded_average(values[slow - fast :], fast))
    line = fast_average - slow_average
    signal_average = np.array(
        [math.nan] * min(slow - 1, len(values)) + _seeded_average(line[slow - 1 :].tolist(), signal)
    )
    line = np.where(np.isnan(signal_average), np.nan, line)
    return {"macd": line, "macd_signal": signal_average, "macd_hist": line - signal_average}


@reference(rows="valid", inputs={"x": "price"}, outputs={"rsi": float}, exact=True)
def rsi(x: Floats, *, period=14) -> Values:
    """Share of the gains in the average change, Wilder's average."""
    result = [math.nan] * len(x)
    gain = loss = 0.0
    for row, change in enumerate(np.diff(x).tolist(), start=1):
        up, down = max(change, 0.0), max(-change, 0.0)
        if row <= period:
            gain, loss = gain + up, loss + down
            if row == period:
                gain, loss = gain / period, loss / period
        else:
            gain = (gain * (period - 1) + up) / period
            loss = (loss * (period - 1) + down) / period
        if row >= period and gain + loss > 0:
            result[row] = min(100 * gain / (gain + loss), 100.0)
    return {"rsi": result}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"bb_mid": float, "bb_upper": float, "bb_lower": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def bollinger_bands(x: Floats, *, window=20, min_periods=None, k=2.0, ddof=0) -> Values:
    """Mean and bands a number of standard deviations away."""
    minimum = min_periods or window
    mid = np.array(from_row(minimum, means(x, window)))
    width = k * np.array(from_row(minimum, deviations(x, window, ddof)))
    return {"bb_mid": mid, "bb_upper": mid + width, "bb_lower": mid - width}


@reference(rows="valid", inputs={"x": "price"}, outputs={"kalman_level": float, "kalman_var": float}, exact=True)
def kalman_1d(x: Floats, *, q=0.001, r=0.1) -> Values:
    """Level of a random walk behind noise."""
    result: Values = {"kalman_level": [], "kalman_var": []}
    level = variance = 0.0
    for row, value in enumerate(x.tolist()):
        if row == 0:
            level, variance = value, r
        else:
            variance = variance + q
            gain = variance / (variance + r)
            level, variance = level + gain * (value - level), (1 - gain) * variance
        result["kalman_level"].append(level)
        result["kalman_var"].append(variance)
    return result


@reference(
    rows="valid",
    inputs={"high": "high", "low": "low"},
    outputs={"donchian_high": float, "donchian_low": float, "donchian_mid": float},
    valid=lambda high, low, **_: high >= low,
    items_from=0,
    window=lambda options: options.get("window", 20),
    exact=True,
)
def donchian_channel(high: Floats, low: Floats, *, window=20, min_periods=None) -> Values:
    """Highest high and lowest low of the last bars, and their middle."""
    minimum = min_periods or window
    top = np.array(from_row(minimum, [max(values) for values in last(high.tolist(), window)]))
    bottom = np.array(from_row(minimum, [min(values) for values in last(low.tolist(), window)]))
    return {"donchian_high": top, "donchian_low": bottom, "donchian_mid": 0.5 * (top + bottom)}


@reference(
    rows="valid",
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs={"stoch_k": float, "stoch_d": float},
    valid=lambda high, low, **_: high >= low,
    window=lambda options: options.get("k_period", 14) + options.get("slowing", 1) + options.get("d_period", 3) - 2,
)
def stochastic_osc(high: Floats, low: Floats, close: Floats, *, k_period=14, slowing=1, d_period=3) -> Values:
    """Where the close stands between the extremes of the last bars, averaged twice. No range, no place."""
    places, averages = [], []
    result: Values = {"stoch_k": [math.nan] * len(close), "stoch_d": [math.nan] * len(close)}
    bars = zip(last(high.tolist(), k_period), last(low.tolist(), k_period), close.tolist(), strict=True)
    for row, (highs, lows, price) in enumerate(bars):
        top, bottom = Fraction(max(highs)), Fraction(min(lows))
        if len(highs) < k_period or top == bottom:
            continue
        places.append(100 * (Fraction(price) - bottom) / (top - bottom))
        if len(places) < slowing:
            continue
        averages.append(sum(places[-slowing:]) / slowing)
        result["stoch_k"][row] = float(averages[-1])
        if len(averages) >= d_period:
            result["stoch_d"][row] = float(sum(averages[-d_period:]) / d_period)
    return result
