"""Guards that fail closed, row by row, with integers of any size; and values that do not fit to those before them."""

from fractions import Fraction
from statistics import median

import numpy as np

from reference.rules import Floats, Values, nanoseconds, reference


@reference(
    rows="all alone",
    inputs={"timestamp": "timestamp", "last_update": "last_update"},
    outputs={"quote_age_ns": int, "is_stale": bool},
)
def stale_quote_detector(timestamp: np.ndarray, last_update: np.ndarray, *, max_age_ns: int = 10**9) -> Values:
    """The age, and whether it is too high. Unknown, or beyond int64, is too high."""
    ages = [None if None in times else times[0] - times[1] for times in zip(timestamp, last_update, strict=True)]
    ages = [age if age is not None and -(2**63) <= age < 2**63 else None for age in ages]
    return {"quote_age_ns": ages, "is_stale": [age is None or age > max_age_ns for age in ages]}


def _in_band(price: float, reference_price: float, pct: float) -> bool:
    if not reference_price > 0:
        return False
    lowest, highest = reference_price * (1 - pct), reference_price * (1 + pct)
    return bool(lowest <= price) and bool(price <= highest)


@reference(
    rows="all alone", inputs={"order_price": "order_price", "ref_price": "ref_price"}, outputs={"price_ok": bool}
)
def price_band_guard(order_price: Floats, ref_price: Floats, *, pct: float = 0.05) -> Values:
    """Whether the price lies in the band."""
    return {"price_ok": [_in_band(*row, pct) for row in zip(order_price, ref_price, strict=True)]}


@reference(
    rows="all alone",
    inputs={"order_price": "order_price", "order_size": "order_size", "ref_price": "ref_price"},
    outputs={"fat_finger_ok": bool},
)
def fat_finger_guard(
    order_price: Floats,
    order_size: Floats,
    ref_price: Floats,
    *,
    pct: float = 0.10,
    notional_max: float = 1e6,
    size_max: float = np.inf,
) -> Values:
    """Whether price, size and notional all are within their limits."""
    flags = []
    for price, size, level in zip(order_price, order_size, ref_price, strict=True):
        failures = [
            not _in_band(price, level, pct),
            bool(np.isnan(size)) or size == 0,
            abs(size) > size_max,
            abs(price * size) > notional_max,
        ]
        flags.append(not any(failures))
    return {"fat_finger_ok": flags}


@reference(
    rows="all",
    inputs={"timestamp": "timestamp", "price": "price", "ref_price": "ref_price"},
    outputs={"circuit_triggered": bool, "halted": bool},
    without_key={"circuit_triggered": False, "halted": True},
)
def circuit_breaker(
    timestamp: np.ndarray, price: Floats, ref_price: Floats, *, pct: float = 0.05, halt_ns: int = 3 * 10**11
) -> Values:
    """Every row judged at the newest time so far. A halt is a pair of times."""
    halts: list[tuple[int, int]] = []
    triggered, halted = [], []
    for row, (found, level) in enumerate(zip(price, ref_price, strict=True)):
        clock = max((time for time in timestamp[: row + 1] if time is not None), default=None)
        running = clock is not None and any(start <= clock < end for start, end in halts)
        trigger = not running and clock is not None and bool(level > 0) and bool(np.abs(found - level) > pct * level)
        if trigger:
            halts = [(clock, clock + halt_ns)]
        triggered.append(trigger)
        halted.append(running or trigger)
    return {"circuit_triggered": triggered, "halted": halted}


@reference(
    rows="all",
    inputs={"timestamp": "timestamp"},
    outputs={"throttle_pass": bool},
    without_key={"throttle_pass": False},
)
def throttle_check(timestamp: np.ndarray, *, rate_per_s: float = 100.0, burst: int = 100) -> Values:
    """A bucket of tokens, counted without rounding: full at first, one token more each interval."""
    interval = int(Fraction(1e9 / rate_per_s) + Fraction(1, 2))
    tokens, clock = Fraction(burst), None
    passes = []
    for time in timestamp:
        if time is None:
            passes.append(False)
            continue
        now = time if clock is None else max(clock, time)
        if clock is not None:
            tokens = min(Fraction(burst), tokens + Fraction(now - clock, interval))
        clock = now
        passes.append(tokens >= 1)
        tokens -= passes[-1]
    return {"throttle_pass": passes}


@reference(
    rows="valid",
    inputs={"x": "price", "timestamp": "timestamp"},
    outputs={"outlier_flag": bool, "outlier_score": float},
    needs=lambda options: ["x", *(["timestamp"] if isinstance(options.get("window"), str) else [])],
    exact=True,
)
def outlier_flag_mad(
    x: Floats,
    timestamp: np.ndarray | None,
    *,
    window: int | str = 100,
    min_periods: int | None = None,
    k: float = 3.0,
    min_scale: float = 0.0,
    max_rows: int | None = None,
) -> Values:
    """Whether a value is far from the median of the rows before it, in median distances from that."""
    values = x.tolist()
    result: Values = {"outlier_flag": [None] * len(values), "outlier_score": [None] * len(values)}
    least = min_periods or (1 if isinstance(window, str) else window)
    for row, value in enumerate(values):
        if isinstance(window, str):
            begin = timestamp.tolist()[row] - nanoseconds(window)
            earlier = [values[before] for before in range(row) if timestamp[before] > begin]
        else:
            earlier = values[max(row - window, 0) : row]
        if len(earlier) < least:
            continue
        middle = median(earlier)
        scale = max(1.4826 * median([abs(entry - middle) for entry in earlier]), min_scale)
        result["outlier_flag"][row] = abs(value - middle) > k * scale
        if scale > 0:
            result["outlier_score"][row] = abs(value - middle) / scale
    return result
