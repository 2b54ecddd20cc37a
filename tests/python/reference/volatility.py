"""How much a price moves."""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from reference.exact import counts, divide, from_row, integers, sums
from reference.online_statistics import alphas, has_no_halflife, needs_time
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"realized_var": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def realized_var(x: Floats, *, window=20, min_periods=None) -> Values:
    """Sum of the last squares."""
    terms, power = integers(x)
    totals = [divide(total, power * power) for total in sums([term * term for term in terms], window)]
    return {"realized_var": from_row(min_periods or window, totals)}


@reference(
    rows="valid",
    inputs={"x": "log_return", "timestamp": "timestamp"},
    outputs={"riskmetrics_vol": float},
    needs=needs_time("x"),
    exact=has_no_halflife,
)
def riskmetrics_vol(
    x: Floats, timestamp: np.ndarray | None, *, alpha=None, lambda_=None, span=None, com=None, halflife=None
) -> Values:
    """Root of the exponential average of the squares."""
    if alpha is lambda_ is span is com is halflife is None:
        lambda_ = 0.94
    weights = alphas(timestamp, len(x), alpha=alpha, lambda_=lambda_, span=span, com=com, halflife=halflife)
    result: list[float] = []
    variance = 0.0
    for row, (value, weight) in enumerate(zip(x.tolist(), weights, strict=True)):
        if row == 0:
            variance = value * value
        elif not math.isnan(weight):
            past = lambda_ if lambda_ is not None else 1 - weight
            variance = past * variance + (1 - past) * value * value
        result.append(math.nan if math.isnan(weight) else math.sqrt(variance))
    return {"riskmetrics_vol": result}


def _scaled_sums(terms: Sequence[int], power: int, legs: int, window: int, finite_sample: bool) -> list[float]:
    """Row by row the sum of the terms whose legs are all in the window, if wanted scaled as if each row ended one.

    A term stands at the row of its last leg, with 0 at the first rows, which end none.
    """
    total = [0]
    for term in terms:
        total.append(total[-1] + term)
    found = []
    for row, n in enumerate(counts(len(terms), window), start=1):
        whole = n - legs + 1
        inside = total[row] - total[row - whole] if whole > 0 else 0
        scale = n if finite_sample else whole
        found.append(divide(scale * inside, whole * power * power) if whole > 0 else math.nan)
    return found


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"bipower_var": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def bipower_var(x: Floats, *, window=20, min_periods=None, finite_sample=True) -> Values:
    """Products of neighbours."""
    sizes, power = integers(abs(x))
    terms = [0, *(left * right for left, right in pairwise(sizes))][: len(sizes)]
    found = [math.pi / 2 * total for total in _scaled_sums(terms, power, 2, window, finite_sample)]
    return {"bipower_var": from_row(min_periods or window, found)}


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"medrv": float},
    items_from=0,
    window=lambda options: options.get("window", 20),
)
def medrv(x: Floats, *, window=20, min_periods=None, finite_sample=True) -> Values:
    """Squares of medians of three neighbours."""
    sizes, power = integers(abs(x))
    medians = [sorted(sizes[row - 2 : row + 1])[1] if row >= 2 else 0 for row in range(len(sizes))]
    scale = math.pi / (6 - math.sqrt(48) + math.pi)
    totals = _scaled_sums([median**2 for median in medians], power, 3, window, finite_sample)
    return {"medrv": from_row(min_periods or window, [scale * total for total in totals])}
