"""Sums, means and variances without rounding: every float is an integer over a power of two."""

import math
from collections.abc import Sequence
from itertools import accumulate, pairwise

import numpy as np


def integers(values: np.ndarray) -> tuple[list[int], int]:
    """Integers and one power of two: value = integer / power."""
    ratios = [value.as_integer_ratio() for value in values.tolist()]
    power = max((denominator for _, denominator in ratios), default=1)
    return [numerator * (power // denominator) for numerator, denominator in ratios], power


def sums(terms: Sequence[int], window: int | None = None) -> list[int]:
    """Row by row the sum of the last terms, or of all so far."""
    total = [0, *accumulate(terms)]
    return [total[end] - (total[end - window] if window and end > window else 0) for end in range(1, len(total))]


def counts(rows: int, window: int | None = None) -> list[int]:
    """Row by row how many rows the window holds."""
    return [min(row, window) if window else row for row in range(1, rows + 1)]


def last(values: Sequence[float], window: int) -> list[Sequence[float]]:
    """Row by row the last values, oldest first."""
    return [values[max(row - window, 0) : row] for row in range(1, len(values) + 1)]


def divide(numerator: int, denominator: int) -> float:
    """The nearest float; NaN where there is none."""
    try:
        return numerator / denominator
    except (ZeroDivisionError, OverflowError):
        return math.nan


def root_of_ratio(numerator: int, denominator: int, *, negative: bool) -> float:
    """The square root, or less than 0 by as much; NaN where there is none."""
    root = math.sqrt(divide(numerator, denominator))
    return -root if negative else root


def means(values: np.ndarray, window: int | None = None) -> list[float]:
    """Row by row the mean of the last values."""
    terms, power = integers(values)
    windows = zip(sums(terms, window), counts(len(terms), window), strict=True)
    return [divide(total, count * power) for total, count in windows]


def deviations(values: np.ndarray, window: int | None, ddof: int) -> list[float]:
    """Row by row the standard deviation of the last values; NaN while there are too few."""
    terms, power = integers(values)
    windows = zip(sums(terms, window), sums([x * x for x in terms], window), counts(len(terms), window), strict=True)
    return [
        math.sqrt(divide(n * squares - total * total, n * (n - ddof) * power * power)) if n > ddof else math.nan
        for total, squares, n in windows
    ]


def distances_from_mean(values: np.ndarray, window: int | None = None) -> list[float]:
    """Row by row the newest value less the mean of the last values, itself included."""
    terms, power = integers(values)
    windows = zip(terms, sums(terms, window), counts(len(terms), window), strict=True)
    return [divide(n * term - total, n * power) for term, total, n in windows]


def slopes(x: np.ndarray, y: np.ndarray, window: int) -> list[float]:
    """Row by row the least-squares slope, with an intercept, of the changes of x on y over the last pairs.

    NaN for the first row, which makes no pair, and for windows whose y are all equal.
    """
    levels, x_power = integers(x)
    ys, y_power = integers(y)
    xs = [after - before for before, after in pairwise(levels)]
    del ys[:1]
    n = counts(len(xs), window)
    x_sums, y_sums = sums(xs, window), sums(ys, window)
    squares = sums([term * term for term in ys], window)
    products = sums([left * right for left, right in zip(xs, ys, strict=True)], window)
    pairs = zip(n, x_sums, y_sums, products, squares, strict=True)
    found = [
        divide((n * product - sum_x * sum_y) * y_power, (n * square - sum_y * sum_y) * x_power)
        for n, sum_x, sum_y, product, square in pairs
    ]
    return [math.nan, *found][: len(levels)]


def standardized_moments(values: np.ndarray, window: int, order: int) -> list[float]:
    """Row by row the third or fourth moment of the last values over their standard deviation to that power.

    NaN where all values in the window are equal.
    """
    terms, _ = integers(values)  # The power of two cancels.
    powers = [sums([term**exponent for term in terms], window) for exponent in range(1, order + 1)]
    found = []
    for n, *s in zip(counts(len(terms), window), *powers, strict=True):
        second = n * s[1] - s[0] ** 2  # n^2 times the moment; below, n^order times it.
        if order == 3:
            third = n**2 * s[2] - 3 * n * s[0] * s[1] + 2 * s[0] ** 3
            found.append(root_of_ratio(third**2, second**3, negative=third < 0))
        else:
            fourth = n**3 * s[3] - 4 * n**2 * s[0] * s[2] + 6 * n * s[0] ** 2 * s[1] - 3 * s[0] ** 4
            found.append(divide(fourth, second**2))
    return found


def codeviations(x: Sequence[int], y: Sequence[int], window: int) -> list[int]:
    """Row by row n^2 times the covariance of the last n pairs."""
    products = sums([left * right for left, right in zip(x, y, strict=True)], window)
    of_sums = zip(counts(len(x), window), products, sums(x, window), sums(y, window), strict=True)
    return [n * product - sum_x * sum_y for n, product, sum_x, sum_y in of_sums]


def correlations(x: Sequence[int], y: Sequence[int], window: int) -> list[float]:
    """Row by row the correlation of the last pairs; NaN where either side is constant."""
    windows = zip(codeviations(x, y, window), codeviations(x, x, window), codeviations(y, y, window), strict=True)
    return [root_of_ratio(both**2, of_x * of_y, negative=both < 0) for both, of_x, of_y in windows]


def from_row(minimum: int, values: Sequence[float]) -> list[float]:
    """The values from that row on (rows count from 1), NaN before."""
    return [value if row >= minimum else math.nan for row, value in enumerate(values, start=1)]
