"""What trading costs."""

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np

from reference.exact import codeviations, counts, divide, from_row, integers, means, slopes
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"price": "price", "signed_volume": "signed_volume"},
    outputs={"kyle_lambda": float},
    items_from=1,
    window=lambda options: options.get("window", 20) + 1,
)
def kyle_lambda(price: Floats, signed_volume: Floats, *, window=20, min_periods=None) -> Values:
    """Slope of price changes on signed volume."""
    return {"kyle_lambda": from_row(1 + (min_periods or window), slopes(price, signed_volume, window))}


@reference(
    rows="valid",
    inputs={"price": "price", "volume": "volume"},
    outputs={"amihud_illiquidity": float},
    valid=lambda price, volume, **_: (price > 0) & (volume > 0),
    items_from=1,
    window=lambda options: options.get("window", 20) + 1,
)
def amihud_illiquidity(price: Floats, volume: Floats, *, window=20, min_periods=None, scale=1.0) -> Values:
    """Mean of absolute returns over turnover."""
    prices = [Fraction(value) for value in price.tolist()]
    terms = [
        float(abs(after - before) / (before * after * Fraction(units)))
        for (before, after), units in zip(pairwise(prices), volume.tolist()[1:], strict=True)
    ]
    found = [scale * mean for mean in from_row(min_periods or window, means(np.array(terms), window))]
    return {"amihud_illiquidity": [math.nan, *found][: len(prices)]}


@reference(
    rows="valid",
    inputs={"price": "price"},
    outputs={"roll_spread": float},
    items_from=2,
    window=lambda options: options.get("window", 20) + 2,
)
def roll_spread(price: Floats, *, window=20, min_periods=None) -> Values:
    """From the covariance of successive price changes."""
    levels, power = integers(price)
    changes = [after - before for before, after in pairwise(levels)]
    pairs = zip(codeviations(changes[1:], changes[:-1], window), counts(len(changes[1:]), window), strict=True)
    found = [2 * math.sqrt(divide(max(-c, 0), n * (n - 1) * power**2)) if n > 1 else math.nan for c, n in pairs]
    return {"roll_spread": [math.nan, math.nan, *from_row(min_periods or window, found)][: len(levels)]}


def _estimate(first: tuple[Fraction, Fraction], second: tuple[Fraction, Fraction]) -> float:
    """Spread from the highs and lows of two bars."""
    ranges = [math.log(high / low) for high, low in (first, second)]
    both = math.log(max(first[0], second[0]) / min(first[1], second[1]))
    k = 3 - math.sqrt(8)
    return 2 * math.tanh(((math.sqrt(2) - 1) * math.hypot(*ranges) / k - both / math.sqrt(k)) / 2)


@reference(
    rows="valid",
    inputs={"high": "high", "low": "low", "close": "close"},
    outputs={"corwin_schultz_spread": float},
    valid=lambda high, low, close=1.0, **_: (low > 0) & (high >= low) & (close > 0),
    needs=lambda options: [
        "high",
        "low",
        *(["close"] if options.get("overnight_adjust") else []),
        *(["timestamp"] if isinstance(options.get("window"), str) else []),
    ],
    items_from=1,
    window=lambda options: options.get("window", 1) + 1,
)
def corwin_schultz_spread(
    high: Floats,
    low: Floats,
    close: Floats | None,
    *,
    window=1,
    min_periods=None,
    overnight_adjust=False,
    negative="zero",
) -> Values:
    """Mean of the estimates of two bars each, the later one moved to the close before."""
    bars = [(Fraction(top), Fraction(bottom)) for top, bottom in zip(high.tolist(), low.tolist(), strict=True)]
    estimates = []
    for row, (first, second) in enumerate(pairwise(bars)):
        shift = Fraction(0)
        if overnight_adjust:
            before = Fraction(float(close[row]))
            shift = before - min(max(before, second[1]), second[0])
        estimate = _estimate(first, (second[0] + shift, second[1] + shift))
        estimates.append(estimate if negative == "keep" else max(estimate, 0.0))
    found = from_row(min_periods or window, means(np.array(estimates), window))
    return {"corwin_schultz_spread": [math.nan, *found][: len(bars)]}
