"""Statistics that follow a series as it comes."""

import math
import re

import numpy as np

from reference.exact import deviations, distances_from_mean, from_row
from reference.rules import Floats, Values, reference

_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3_600 * 10**9,
    "d": 86_400 * 10**9,
}


@reference(
    rows="valid", inputs={"price": "price"}, outputs={"log_return": float}, valid=lambda price: price > 0, window=2
)
def log_returns(price: Floats) -> Values:
    """Logarithm of the price over the one before."""
    ratios = [math.nan, *(price[1:] / price[:-1]).tolist()][: len(price)]
    return {"log_return": [math.log(ratio) if ratio > 0 else math.nan for ratio in ratios]}


@reference(rows="valid", inputs={"x": "price"}, outputs={"mean": float, "variance": float, "stddev": float}, exact=True)
def welford_mean_var(x: Floats, *, ddof=1) -> Values:
    """Welford's recurrence."""
    result: Values = {"mean": [], "variance": [], "stddev": []}
    mean = squares = 0.0
    for n, value in enumerate(x.tolist(), start=1):
        deviation = value - mean
        mean += deviation / n
        squares += deviation * (value - mean)
        variance = squares / (n - ddof) if n > ddof else math.nan
        for output, number in (("mean", mean), ("variance", variance), ("stddev", math.sqrt(variance))):
            result[output].append(number)
    return result


def _is_duration(halflife: float | str | None) -> bool:
    return isinstance(halflife, str)


@reference(
    rows="valid",
    inputs={"x": "price", "timestamp": "timestamp"},
    outputs={"ewma": float},
    needs=lambda options: ["x", *(["timestamp"] if _is_duration(options.get("halflife")) else [])],
    exact=lambda options: "halflife" not in options,  # An exponential function comes in.
)
def ewma(
    x: Floats, timestamp: np.ndarray | None, *, alpha=0.06, lambda_=None, span=None, com=None, halflife=None
) -> Values:
    """Exponential average seeded with the first value. With a half-life in time, a late row is missing."""
    if lambda_ is not None:
        alpha = 1 - lambda_
    elif span is not None:
        alpha = 2 / (span + 1)
    elif com is not None:
        alpha = 1 / (1 + com)
    elif halflife is not None and not _is_duration(halflife):
        alpha = -math.expm1(-math.log(2) / halflife)
    values = x.tolist()
    result = values[:1]
    average = values[0] if values else math.nan
    if _is_duration(halflife):
        number, unit = re.fullmatch(r"(\d+)([a-z]+)", halflife).groups()
        length = int(number) * _NANOSECONDS[unit]
        times = timestamp.tolist()
        newest = times[0] if times else 0
        for value, time in zip(values[1:], times[1:], strict=True):
            if time >= newest:
                average += -math.expm1(-math.log(2) * ((time - newest) / length)) * (value - average)
            result.append(average if time >= newest else math.nan)
            newest = max(newest, time)
    else:
        for value in values[1:]:
            average += alpha * (value - average)
            result.append(average)
    return {"ewma": result}


@reference(
    rows="valid", inputs={"x": "price"}, outputs={"zscore": float}, window=lambda options: options.get("window", 100)
)
def rolling_zscore(x: Floats, *, window=100, min_periods=None, ddof=1) -> Values:
    """Distance from the mean of the last values, in their standard deviations."""
    distance = np.array(distances_from_mean(x, window))
    return {"zscore": from_row(min_periods or window, (distance / np.array(deviations(x, window, ddof))).tolist())}
