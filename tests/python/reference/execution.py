"""Average prices of what traded."""

import numpy as np

from reference.exact import divide, integers, sums
from reference.rules import Floats, Values, reference


def _needs(options: Values) -> list[str]:
    return ["price", "volume", *(["timestamp"] if options.get("session_ns", 0) > 0 else [])]


@reference(
    rows="valid",
    inputs={"price": "price", "volume": "volume", "timestamp": "timestamp"},
    outputs={"vwap": float},
    valid=lambda volume, **_: volume >= 0,
    needs=_needs,
    window=lambda options: options.get("window") or None,
)
def vwap(
    price: Floats, volume: Floats, timestamp: np.ndarray | None, *, window=0, min_periods=1, session_ns=0
) -> Values:
    """Turnover over volume, of a session or of the last rows of it. A row of a session that has ended is missing."""
    result = np.full(len(price), np.nan)
    if session_ns == 0:
        sessions = np.zeros(len(price), np.int64)
        newest = sessions
    else:
        sessions = timestamp // session_ns
        newest = np.maximum.accumulate(sessions)
    for session in np.unique(newest):
        rows = np.flatnonzero((newest == session) & (sessions == session))
        prices, power = integers(price[rows])
        volumes, _ = integers(volume[rows])
        turnover = sums([p * v for p, v in zip(prices, volumes, strict=True)], window)
        traded = sums(volumes, window)
        averages = [
            divide(numerator, denominator * power) for numerator, denominator in zip(turnover, traded, strict=True)
        ]
        averages[: min_periods - 1] = [np.nan] * len(averages[: min_periods - 1])
        result[rows] = averages
    return {"vwap": result}
