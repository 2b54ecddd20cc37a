"""Pressure at the best quotes, and which side trades come from."""

import math
from collections import deque

import numpy as np

from reference.exact import divide, from_row, integers, sums
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"bid": "bid", "ask": "ask", "bid_size": "bid_size", "ask_size": "ask_size"},
    outputs={"ofi": float},
    valid=lambda bid_size, ask_size, **_: (bid_size >= 0) & (ask_size >= 0),
    items_from=1,
    window=lambda options: options.get("window", 1) + 1,
)
def ofi(bid: Floats, ask: Floats, bid_size: Floats, ask_size: Floats, *, window=1, min_periods=None) -> Values:
    """Sum of the last changes: a better quote adds its size, a worse one takes the old size away."""
    events = (
        np.where(bid[1:] >= bid[:-1], bid_size[1:], 0.0)
        - np.where(bid[1:] <= bid[:-1], bid_size[:-1], 0.0)
        - np.where(ask[1:] <= ask[:-1], ask_size[1:], 0.0)
        + np.where(ask[1:] >= ask[:-1], ask_size[:-1], 0.0)
    )
    terms, power = integers(events)
    flows = [math.nan, *(divide(total, power) for total in sums(terms, window))]
    return {"ofi": from_row(1 + (min_periods or window), flows[: len(bid)])}


@reference(
    rows="valid",
    inputs={"price": "price", "volume": "volume", "side": "side"},
    outputs={"vpin": float, "vpin_bucket": int},
    valid=lambda volume, side=1, **_: (volume >= 0) & (np.abs(side) == 1),
    needs=lambda options: ["side" if options.get("classify") == "side" else "price", "volume"],
)
def vpin(price, volume, side, *, bucket_volume=100000.0, n_buckets=50, classify="bvc") -> Values:
    """Mean imbalance of the last full buckets."""
    shares = [0.5 * (1 + sign) for sign in side.tolist()] if classify == "side" else _bought_shares(price)
    imbalances: deque[float] = deque(maxlen=n_buckets)
    level, buckets, filled, bought = math.nan, 0, 0.0, 0.0
    result: Values = {"vpin": [], "vpin_bucket": []}
    for left, share in zip(volume.tolist(), shares, strict=True):
        room = bucket_volume - filled
        if math.isnan(share) or left == 0:  # The first row sets a price only.
            pass
        elif left < room:
            filled, bought = filled + left, bought + left * share
        else:
            imbalances.append(abs(2 * (bought + room * share) - bucket_volume))
            more, filled = divmod(left - room, bucket_volume)
            bought = filled * share
            imbalances.extend([abs(2 * bucket_volume * share - bucket_volume)] * min(int(more), n_buckets))
            buckets += 1 + int(more)
            if buckets >= n_buckets:
                level = min(sum(imbalances) / (n_buckets * bucket_volume), 1.0)
        result["vpin"].append(level)
        result["vpin_bucket"].append(buckets)
    return result


def _bought_shares(price: Floats) -> list[float]:
    """Normal probability of each price change, in standard deviations of all changes so far; NaN for the first row."""
    shares = [math.nan] * min(1, len(price))
    mean = squares = 0.0
    for n, change in enumerate(np.diff(price).tolist(), start=1):
        deviation = change - mean
        mean += deviation / n
        squares += deviation * (change - mean)
        sigma = math.sqrt(squares / (n - 1)) if n > 1 else 0.0
        if 0 < sigma < math.inf:
            shares.append(0.5 * math.erfc(-change / sigma / math.sqrt(2)))
        else:
            shares.append(0.5 * (1 + np.sign(change)))
    return shares


@reference(
    rows="alone",
    inputs={"side": "side", "volume": "volume"},
    outputs={"signed_volume": float},
    valid=lambda side, volume: np.isin(side, [-1, 0, 1]) & (volume >= 0),
    exact=True,
)
def signed_volume(side: Floats, volume: Floats) -> Values:
    """Volume with the sign of its side."""
    return {"signed_volume": side * volume}
