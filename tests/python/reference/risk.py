"""Losses and change."""

import math
from fractions import Fraction
from statistics import NormalDist

from reference.exact import from_row, last
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"cusum_pos": float, "cusum_neg": float, "cusum_alarm": int},
    exact=True,
)
def cusum(x: Floats, *, mean=0.0, std=1.0, k=0.5, h=5.0, reset=True) -> Values:
    """Sums of what exceeds the target by more than the slack, on either side."""
    result: Values = {"cusum_pos": [], "cusum_neg": [], "cusum_alarm": []}
    above = below = 0.0
    for value in x.tolist():
        z = (value - mean) / std
        above, below = max(0.0, above + z - k), max(0.0, below - z - k)
        alarm = 0 if max(above, below) <= h else (1 if above >= below else -1)
        for output, number in (("cusum_pos", above), ("cusum_neg", below), ("cusum_alarm", alarm)):
            result[output].append(number)
        if alarm and reset:
            above = below = 0.0
    return result


@reference(
    rows="valid",
    inputs={"x": "pnl"},
    outputs={"historical_var": float},
    items_from=0,
    window=lambda options: options.get("window", 250),
)
def historical_var(x: Floats, *, window=250, min_periods=None, alpha=0.05) -> Values:
    """The loss that all but a share of the last values stay below, between the two nearest of them."""
    result = []
    for values in last(x.tolist(), window):
        ordered = [Fraction(value) for value in sorted(values)]
        place = (len(ordered) - 1) * Fraction(alpha)
        below = math.floor(place)
        quantile = ordered[below]
        if place > below:
            quantile += (place - below) * (ordered[below + 1] - ordered[below])
        result.append(float(-quantile))
    return {"historical_var": from_row(min_periods or window, result)}


@reference(
    rows="valid",
    inputs={"x": "pnl"},
    outputs={"historical_cvar": float},
    items_from=0,
    window=lambda options: options.get("window", 250),
)
def historical_cvar(x: Floats, *, window=250, min_periods=None, alpha=0.05) -> Values:
    """The mean of the lowest share of the last values: each counts with the part of it that is in the share."""
    result = []
    for values in last(x.tolist(), window):
        tail = len(values) * Fraction(alpha)
        total = sum(
            (min(tail - place, 1) * Fraction(value) for place, value in enumerate(sorted(values)) if place < tail),
            Fraction(0),
        )
        result.append(float(-total / tail))
    return {"historical_cvar": from_row(min_periods or window, result)}


@reference(
    rows="alone",
    inputs={"mean": "mean", "stddev": "stddev", "skew": "skew", "kurt": "kurt"},
    outputs={"cornish_fisher_var": float},
    valid=lambda stddev, **_: stddev >= 0,
)
def cornish_fisher_var(mean: Floats, stddev: Floats, skew: Floats, kurt: Floats, *, alpha=0.05) -> Values:
    """Quantile of a distribution with these moments, by the expansion."""
    z = NormalDist().inv_cdf(alpha)
    of_skew = (z**2 - 1) * skew / 6 - (2 * z**3 - 5 * z) * (skew * skew) / 36
    return {"cornish_fisher_var": -(mean + (z + of_skew + (z**3 - 3 * z) * kurt / 24) * stddev)}
