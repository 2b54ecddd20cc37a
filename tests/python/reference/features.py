"""Earlier values, changes, rolling extremes and moments."""

import math

import numpy as np

from reference.exact import correlations, counts, deviations, from_row, integers, last, standardized_moments
from reference.rules import Floats, Values, reference


@reference(rows="all", inputs={"x": "price"}, outputs={"lag": float}, exact=True)
def lag(x: Floats, *, k=1) -> Values:
    """The value k rows before."""
    return {"lag": np.concatenate([np.full(k, np.nan), x])[: len(x)]}


@reference(rows="all", inputs={"x": "price"}, outputs={"diff": float}, exact=True)
def diff(x: Floats, *, k=1) -> Values:
    """The change since k rows before."""
    return {"diff": x - lag(x, k=k)["lag"]}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_min": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
    exact=True,
)
def rolling_min(x: Floats, *, window=20, min_periods=None) -> Values:
    """Least of the last values."""
    return {"rolling_min": from_row(min_periods or window, [min(values) for values in last(x.tolist(), window)])}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_max": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
    exact=True,
)
def rolling_max(x: Floats, *, window=20, min_periods=None) -> Values:
    """Greatest of the last values."""
    return {"rolling_max": from_row(min_periods or window, [max(values) for values in last(x.tolist(), window)])}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_std": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def rolling_std(x: Floats, *, window=20, min_periods=None, ddof=1) -> Values:
    """Standard deviation of the last values."""
    return {"rolling_std": from_row(min_periods or window, deviations(x, window, ddof))}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_skew": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def rolling_skew(x: Floats, *, window=20, min_periods=None, bias=False) -> Values:
    """Third standardized moment of the last values."""
    found = [
        g * (1 if bias else math.sqrt(n * (n - 1)) / (n - 2)) if n > 2 else math.nan
        for g, n in zip(standardized_moments(x, window, 3), counts(len(x), window), strict=True)
    ]
    return {"rolling_skew": from_row(min_periods or window, found)}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_kurt": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def rolling_kurt(x: Floats, *, window=20, min_periods=None, bias=False) -> Values:
    """Fourth standardized moment of the last values, less that of a normal distribution."""
    found = []
    for b, n in zip(standardized_moments(x, window, 4), counts(len(x), window), strict=True):
        if n < 4:
            found.append(math.nan)
        elif bias:
            found.append(b - 3)
        else:
            found.append((n - 1) * ((n + 1) * b - 3 * (n - 1)) / ((n - 2) * (n - 3)))
    return {"rolling_kurt": from_row(min_periods or window, found)}


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"autocorr": float},
    items_from=lambda options: options.get("lag", 1),
    window=lambda options: options.get("window", 100) + options.get("lag", 1),
)
def autocorr(x: Floats, *, lag=1, window=100, min_periods=None) -> Values:
    """Correlation of the last values with those before them."""
    values, _ = integers(x)
    found = correlations(values[lag:], values[: max(len(values) - lag, 0)], window)
    return {"autocorr": [*[math.nan] * lag, *from_row(min_periods or window, found)][: len(values)]}
