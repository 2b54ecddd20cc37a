"""Average prices of what traded."""

import numpy as np

from reference.exact import divide, integers, sums
from reference.rules import Floats, Values, reference


def _needs(options: Values) -> list[str]:
    timed = options.get("session_ns", 0) > 0 or isinstance(options.get("window"), str)
    return ["price", "volume", *(["timestamp"] if timed else [])]


@reference(
    rows="valid",
    inputs={"price": "price", "volume": "volume", "timestamp": "timestamp"},
    outputs={"vwap": float},
    valid=lambda volume, **_: volume >= 0,
    needs=_needs,
    items_from=0,
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


def _reads_of(options: Values) -> list[str]:
    of_orders = ["filled_qty", "order_qty", "close_price", "fees"] if options.get("mode") == "order" else []
    return ["side", "exec_price", "arrival_price", *of_orders]


@reference(
    rows="all alone",
    inputs={
        "side": "side",
        "exec_price": "exec_price",
        "arrival_price": "arrival_price",
        "filled_qty": "filled_qty",
        "order_qty": "order_qty",
        "close_price": "close_price",
        "fees": "fees",
    },
    outputs={"implementation_shortfall_bps": float},
    needs=_reads_of,
    exact=True,
)
def implementation_shortfall(
    side, exec_price, arrival_price, filled_qty, order_qty, close_price, fees, *, mode="fills"
) -> Values:
    """Cost of a fill, or of an order with what it left; row by row."""
    result = np.full(len(side), np.nan)
    columns = [side, exec_price, arrival_price, filled_qty, order_qty, close_price, fees]
    for row in range(len(side)):
        way, price, arrival, filled, order, close, fee = [None if c is None else c[row] for c in columns]
        if way not in (1, -1) or not arrival > 0:
            continue
        if mode == "fills":
            result[row] = 1e4 * way * (price - arrival) / arrival
        elif 0 <= filled <= order and order > 0 and np.isfinite(order * arrival):
            traded = 0.0 if filled == 0 else filled * (price - arrival)
            result[row] = 1e4 * (way * (traded + (order - filled) * (close - arrival)) + fee) / (order * arrival)
    return {"implementation_shortfall_bps": result}


@reference(
    rows="alone",
    inputs={"side": "side", "exec_price": "exec_price", "arrival_mid": "arrival_mid"},
    outputs={"arrival_impact_bps": float},
    valid=lambda side, arrival_mid, **_: np.isin(side, [1, -1]) & (arrival_mid > 0),
    exact=True,
)
def arrival_price_impact(side: Floats, exec_price: Floats, arrival_mid: Floats) -> Values:
    """How far on the wrong side of the middle."""
    return {"arrival_impact_bps": 1e4 * side * (exec_price - arrival_mid) / arrival_mid}
