"""Where the price is and how the book stands, one quote at a time."""

import numpy as np

from reference.rules import Floats, Values, reference

_QUOTE = {"bid": "bid", "ask": "ask"}


@reference(rows="alone", inputs=_QUOTE, outputs={"midprice": float}, exact=True)
def midprice(bid: Floats, ask: Floats) -> Values:
    """The middle, whatever the book looks like."""
    return {"midprice": 0.5 * (bid + ask)}


@reference(
    rows="alone",
    inputs={**_QUOTE, "bid_size": "bid_size", "ask_size": "ask_size"},
    outputs={"microprice": float},
    valid=lambda bid_size, ask_size, **_: (bid_size >= 0) & (ask_size >= 0),
    exact=True,
)
def microprice(bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats) -> Values:
    """Mean of the two prices, each weighted by the other's size."""
    total = bid_size + ask_size
    return {"microprice": np.where(np.isfinite(total), (bid * ask_size + ask * bid_size) / total, np.nan)}


@reference(rows="alone", inputs=_QUOTE, outputs={"quoted_spread": float, "quoted_spread_bps": float}, exact=True)
def quoted_spread(bid: Floats, ask: Floats) -> Values:
    """Ask less bid, and in basis points of a positive middle."""
    mid = 0.5 * (bid + ask)
    known = (mid > 0) & np.isfinite(mid)
    return {"quoted_spread": ask - bid, "quoted_spread_bps": np.where(known, 1e4 * (ask - bid) / mid, np.nan)}


@reference(
    rows="alone",
    inputs={"exec_price": "exec_price", "midprice": "midprice"},
    outputs={"effective_spread": float, "effective_spread_bps": float},
    exact=True,
)
def effective_spread(exec_price: Floats, midprice: Floats) -> Values:
    """Twice the distance from the middle, and in basis points of a positive middle."""
    spread = 2 * np.where(exec_price >= midprice, exec_price - midprice, midprice - exec_price)
    return {"effective_spread": spread, "effective_spread_bps": np.where(midprice > 0, 1e4 * spread / midprice, np.nan)}


@reference(
    rows="alone",
    inputs={"bid_size": "bid_size", "ask_size": "ask_size"},
    outputs={"l1_imbalance": float},
    valid=lambda bid_size, ask_size: (bid_size >= 0) & (ask_size >= 0),
    exact=True,
)
def l1_imbalance(bid_size: Floats, ask_size: Floats) -> Values:
    """Difference of the sizes over their sum."""
    total = bid_size + ask_size
    return {"l1_imbalance": np.where(np.isfinite(total), (bid_size - ask_size) / total, np.nan)}
