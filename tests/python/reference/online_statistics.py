"""Statistics that follow a series as it comes."""

import math
import re
from collections.abc import Callable

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


def needs_time(*roles: str) -> Callable[[Values], list[str]]:
    """What a kernel with a decay reads: these, and times if its half-life is one."""
    return lambda options: [*roles, *(["timestamp"] if _is_duration(options.get("halflife")) else [])]


def has_no_halflife(options: Values) -> bool:
    """With one, an exponential function comes in: the definition doesn't say how it is rounded."""
    return "halflife" not in options


def alphas(timestamp: np.ndarray | None, rows: int, *, alpha, lambda_, span, com, halflife) -> list[float]:
    """Row by row the weight of the newest value, however it is spelled; NaN where the row is late. The first is 1."""
    if _is_duration(halflife):
        number, unit = re.fullmatch(r"(\d+)([a-z]+)", halflife).groups()
        length = int(number) * _NANOSECONDS[unit]
        found, newest = [], None
        for time in timestamp.tolist():
            if newest is None:
                found.append(1.0)
            elif time < newest:
                found.append(math.nan)
            else:
                found.append(-math.expm1(-math.log(2) * ((time - newest) / length)))
            newest = time if newest is None else max(newest, time)
        return found
    if lambda_ is not None:
        alpha = 1 - lambda_
    elif span is not None:
        alpha = 2 / (span + 1)
    elif com is not None:
        alpha = 1 / (1 + com)
    elif halflife is not None:
        alpha = -math.expm1(-math.log(2) / halflife)
    return [1.0, *[alpha] * (rows - 1)][:rows]


@reference(
    rows="valid",
    inputs={"x": "price", "timestamp": "timestamp"},
    outputs={"ewma": float},
    needs=needs_time("x"),
    exact=has_no_halflife,
)
def ewma(
    x: Floats, timestamp: np.ndarray | None, *, alpha=0.06, lambda_=None, span=None, com=None, halflife=None
) -> Values:
    """Exponential average seeded with the first value. With a half-life in time, a late row is missing."""
    weights = alphas(timestamp, len(x), alpha=alpha, lambda_=lambda_, span=span, com=com, halflife=halflife)
    result: list[float] = []
    average = float(x[0]) if len(x) else math.nan
    for value, weight in zip(x.tolist(), weights, strict=True):
        if not math.isnan(weight):
            average += weight * (value - average)
        result.append(math.nan if math.isnan(weight) else average)
    return {"ewma": result}


@reference(
    rows="valid",
    inputs={"x": "x", "y": "y", "timestamp": "timestamp"},
    outputs={"ewcov": float},
    needs=needs_time("x", "y"),
    exact=has_no_halflife,
)
def ewcov(
    x: Floats, y: Floats, timestamp: np.ndarray | None, *, alpha=0.06, lambda_=None, span=None, com=None, halflife=None
) -> Values:
    """Exponential covariance, by the recurrence that its entry fixes."""
    weights = alphas(timestamp, len(x), alpha=alpha, lambda_=lambda_, span=span, com=com, halflife=halflife)
    result: list[float] = []
    mean_x = mean_y = covariance = 0.0
    for row, (left, right, weight) in enumerate(zip(x.tolist(), y.tolist(), weights, strict=True)):
        if row == 0:
            mean_x, mean_y = left, right
        elif not math.isnan(weight):
            dx, dy = left - mean_x, right - mean_y
            mean_x, mean_y = mean_x + weight * dx, mean_y + weight * dy
            covariance = (1 - weight) * (covariance + weight * dx * dy)
        result.append(math.nan if math.isnan(weight) else covariance)
    return {"ewcov": result}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"zscore": float},
    items_from=0,
    window=lambda options: options.get("window", 100),
)
def rolling_zscore(x: Floats, *, window=100, min_periods=None, ddof=1) -> Values:
    """Distance from the mean of the last values, in their standard deviations."""
    distance = np.array(distances_from_mean(x, window))
    return {"zscore": from_row(min_periods or window, (distance / np.array(deviations(x, window, ddof))).tolist())}
