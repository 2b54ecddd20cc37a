"""Two assets against each other."""

import decimal
import math
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import numpy as np

from reference.exact import correlations, integers
from reference.rules import Floats, Values, nanoseconds, reference


def _hayashi_yoshida(
    legs: np.ndarray, price: Floats, timestamp: np.ndarray, window: int | str
) -> list[tuple[Fraction, ...] | None]:
    """Row by row the sums of products, of squares of a and of b; None where there is no value.

    By the definition: all pairs of intervals, one of each symbol, are looked at, and those that overlap have a product,
    which belongs to the row that completes the later of the two.
    """
    rows = list(zip(legs.tolist(), timestamp.tolist(), price.tolist(), strict=True))
    accepted: list[int] = []
    for at, (leg, time, _) in enumerate(rows):
        late = any(time < rows[other][1] or (time == rows[other][1] and leg == rows[other][0]) for other in accepted)
        if not late:
            accepted.append(at)
    intervals: list[list[tuple[int, int, int, Fraction]]] = [[], []]  # Begin, end, row, return.
    terms = {at: [Fraction(0)] * 3 for at in accepted}
    for leg in (0, 1):
        own = [at for at in accepted if rows[at][0] == leg]
        for before, at in pairwise(own):
            change = Fraction(math.log(rows[at][2] / rows[before][2]))
            intervals[leg].append((rows[before][1], rows[at][1], at, change))
            terms[at][1 + leg] = change * change
    for begin_a, end_a, row_a, change_a in intervals[0]:
        for begin_b, end_b, row_b, change_b in intervals[1]:
            if max(begin_a, begin_b) < min(end_a, end_b):
                terms[max(row_a, row_b)][0] += change_a * change_b
    starts = max((legs_intervals[0][2] for legs_intervals in intervals if legs_intervals), default=0)
    result: list[tuple[Fraction, ...] | None] = [None] * len(rows)
    if not all(intervals):
        return result
    for count, at in enumerate(accepted, start=1):
        if at >= starts:
            if isinstance(window, str):
                last = [row for row in accepted[:count] if rows[row][1] > rows[at][1] - nanoseconds(window)]
            else:
                last = accepted[max(0, count - window) if window else 0 : count]
            result[at] = tuple(sum(column, Fraction(0)) for column in zip(*(terms[row] for row in last), strict=True))
    return result


_HAYASHI_YOSHIDA: Values = {
    "rows": "pair",
    "inputs": {"price": "price", "timestamp": "timestamp"},
    "valid": lambda price, **_: price > 0,
    "window": lambda options: None if isinstance(options.get("window"), str) else options.get("window") or None,
}


@reference(outputs={"hy_cov": float}, **_HAYASHI_YOSHIDA)
def hayashi_yoshida_cov(
    legs: np.ndarray, price: Floats, timestamp: np.ndarray, *, symbol_a, symbol_b, window=0, max_rows=None
) -> Values:
    """The sum of the products."""
    del symbol_a, symbol_b, max_rows
    sums = _hayashi_yoshida(legs, price, timestamp, window)
    return {"hy_cov": [math.nan if row is None else float(row[0]) for row in sums]}


@reference(outputs={"hy_corr": float}, **_HAYASHI_YOSHIDA)
def hayashi_yoshida_corr(
    legs: np.ndarray, price: Floats, timestamp: np.ndarray, *, symbol_a, symbol_b, window=0, max_rows=None
) -> Values:
    """The sum of the products over the root of the sums of squares."""
    del symbol_a, symbol_b, max_rows
    sums = _hayashi_yoshida(legs, price, timestamp, window)
    return {
        "hy_corr": [
            float(row[0]) / math.sqrt(row[1] * row[2]) if row is not None and row[1] and row[2] else math.nan
            for row in sums
        ]
    }


@reference(
    rows="valid",
    inputs={"x": "x", "y": "y"},
    outputs={"leadlag": int, "leadlag_corr": float},
    items_from=lambda options: options.get("max_lag", 10),
    window=lambda options: options.get("window", 100) + options.get("max_lag", 10),
)
def xcorr_leadlag(x: Floats, y: Floats, *, max_lag=10, window=100, min_periods=None) -> Values:
    """Of the correlations at each lag the one farthest from 0; of equal ones that nearest to lag 0, x first."""
    first, second = integers(x)[0], integers(y)[0]
    rows = len(first)
    leadlag, found = [None] * rows, [math.nan] * rows
    for lag in sorted(range(-max_lag, max_lag + 1), key=lambda lag: (abs(lag), -lag)):
        back_x, back_y = max(lag, 0), max(-lag, 0)
        pairs = [row for row in range(rows) if row >= max_lag]
        left, right = [first[row - back_x] for row in pairs], [second[row - back_y] for row in pairs]
        for row, correlation in zip(pairs, correlations(left, right, window), strict=True):
            if row + 1 < max_lag + (min_periods or window) or math.isnan(correlation):
                continue
            if leadlag[row] is None or abs(correlation) > abs(found[row]) + 1e-12:
                leadlag[row], found[row] = lag, correlation
    return {"leadlag": leadlag, "leadlag_corr": found}


@reference(
    rows="alone",
    inputs={"price_a": "price_a", "price_b": "price_b", "hedge_ratio": "hedge_ratio"},
    outputs={"pairs_spread": float},
    needs=lambda options: ["price_a", "price_b", *(["hedge_ratio"] if options.get("use_hedge_column") else [])],
    exact=lambda options: not options.get("log"),
)
def pairs_spread(
    price_a: Floats,
    price_b: Floats,
    ratio_in_column: Floats,
    *,
    hedge_ratio=1.0,
    intercept=0.0,
    use_hedge_column=False,
    log=False,
) -> Values:
    """A less its hedge."""
    if log:
        price_a, price_b = (np.log(np.where(price > 0, price, np.nan)) for price in (price_a, price_b))
    return {"pairs_spread": price_a - (ratio_in_column if use_hedge_column else hedge_ratio) * price_b - intercept}


@reference(
    rows="valid",
    inputs={"price_a": "price_a", "price_b": "price_b"},
    outputs={"hedge_ratio": float, "intercept": float, "spread": float, "spread_std": float},
    exact=True,
)
def kalman_hedge_ratio(price_a: Floats, price_b: Floats, *, q=1e-5, r=1e-3, p0=1.0, intercept=True) -> Values:
    """The recurrence, its matrices in plain lists."""
    result: Values = {"hedge_ratio": [], "intercept": [], "spread": [], "spread_std": []}
    states = range(2 if intercept else 1)
    theta = [0.0, 0.0]
    covariance = [[p0 if row == column else 0.0 for column in states] for row in states]
    for a, b in zip(price_a.tolist(), price_b.tolist(), strict=True):
        observed = [b, 1.0][: len(states)]
        for state in states:
            covariance[state][state] += q
        s = [sum(p * x for p, x in zip(row, observed, strict=True)) for row in covariance]
        variance = sum(x * y for x, y in zip(observed, s, strict=True)) + r
        error = a - (theta[0] * b + theta[1])
        gain = [x / variance for x in s]
        for state in states:
            theta[state] += gain[state] * error
        kept = [[(row == column) - gain[row] * observed[column] for column in states] for row in states]
        half = [[sum(kept[i][k] * covariance[k][j] for k in states) for j in states] for i in states]
        covariance = [
            [sum(half[i][k] * kept[j][k] for k in states) + r * gain[i] * gain[j] for j in states] for i in states
        ]
        if intercept:
            covariance[1][0] = covariance[0][1]
        for output, value in zip(result, (*theta, error, math.sqrt(variance)), strict=True):
            result[output].append(value)
    return result


def kalman_in_decimals(price_a: Floats, price_b: Floats, *, q=1e-5, r=1e-3, p0=1.0, intercept=True) -> Values:
    """The same with P less K s' at the end of a row, and more digits than that can lose."""
    result: Values = {"hedge_ratio": [], "intercept": [], "spread": [], "spread_std": []}
    with decimal.localcontext(decimal.Context(prec=120)):
        noise, step, other = Decimal(r), Decimal(q), Decimal(int(intercept))
        ratio = level = p01 = Decimal(0)
        p00, p11 = Decimal(p0), other * Decimal(p0)
        for a, b in zip(map(Decimal, price_a.tolist()), map(Decimal, price_b.tolist()), strict=True):
            p00, p11 = p00 + step, p11 + other * step
            s0, s1 = p00 * b + p01, p01 * b + p11
            variance = b * s0 + s1 + noise
            error = a - (ratio * b + level)
            ratio, level = ratio + s0 / variance * error, level + s1 / variance * error
            p00, p01, p11 = p00 - s0 * s0 / variance, p01 - s0 * s1 / variance, p11 - s1 * s1 / variance
            for output, value in zip(result, (ratio, level, error, variance.sqrt()), strict=True):
                result[output].append(float(value))
    return result
