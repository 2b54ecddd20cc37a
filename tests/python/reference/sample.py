"""Random markets for the tests: every column that a kernel reads, with all that goes wrong in them."""

import numpy as np
import pyarrow as pa

OUTLIER = 1e12
SYMBOLS = ["BTC", "ETH", "", "a longer symbol's name", "日経225"]


def market(rows: int, *, seed: int, missing: float = 0.0, outliers: float = 0.0, symbols: int = 5) -> pa.Table:
    """Rows of a few symbols, in disorder.

    missing:   share of null, NaN and infinite values in each column, and of null symbols and times.
    outliers:  share of values of 1e12, and of prices that are no prices.
    """
    random = np.random.default_rng(seed)
    # A walk over ticks, with ties and quiet stretches: windows of equal values.
    steps = random.integers(-3, 4, rows) * (random.random(rows) < 0.6) * (np.arange(rows) // 60 % 3 > 0)
    mid = 100 + 0.01 * np.cumsum(steps)
    widths = 0.01 * random.integers(-1, 5, rows)  # Crossed, locked, open.
    whole = random.random(rows) < 0.5
    moving = np.arange(rows) // 60 % 3 > 0  # Bars without a range where the price stands still.
    spread_up, spread_down = (0.01 * random.integers(0, 4, rows) * moving for _ in range(2))
    numbers = {
        "price": mid + 0.01 * random.integers(-1, 2, rows) * (random.random(rows) < 0.3),
        "volume": _sizes(random, rows, whole),
        "side": random.choice([1.0, -1.0], rows),
        "bid": mid - widths / 2,
        "ask": mid + widths / 2,
        "bid_size": _sizes(random, rows, whole),
        "ask_size": _sizes(random, rows, ~whole),
        "high": mid + spread_up,
        "low": mid - spread_down,
        "close": mid + 0.01 * random.integers(-1, 2, rows),  # Outside of the bar now and then.
        "log_return": 1e-3 * random.standard_normal(rows),
        "signed_volume": _sizes(random, rows, whole) * random.choice([1.0, -1.0], rows),
        "spot_ab": 1.1 + 1e-3 * random.standard_normal(rows),
        "spot_bc": 150 + 0.2 * random.standard_normal(rows),
        "spot_ac": 165 + 0.2 * random.standard_normal(rows),
        "ref_price": mid + 0.01 * random.integers(-6, 7, rows),
        "order_price": mid + 0.01 * random.integers(-12, 13, rows),
        "order_size": _sizes(random, rows, whole) * random.choice([1.0, -1.0], rows),
        "fees_bps": random.choice([0.0, 0.5, 12.0], rows),
        "x": 1e-2 * random.standard_normal(rows),
        "y": 5.0 + random.integers(-3, 4, rows),
        "exec_price": mid + 0.01 * random.integers(-2, 3, rows),
        "midprice": mid,
        "spot": 1.1 + 1e-3 * random.standard_normal(rows),
        "forward": 1.1 + 1e-2 * random.standard_normal(rows),
        "r_dom": 0.03 + 0.02 * random.standard_normal(rows),
        "r_for": 0.03 + 0.02 * random.standard_normal(rows),
        "volatility": np.abs(0.1 * random.standard_normal(rows)),
        "funding_rate": 1e-4 * random.standard_normal(rows),
        "position": 0.25 * random.integers(-40, 41, rows),
        "futures_price": mid + random.integers(0, 3, rows),
        "spot_price": mid,
        "perp_price": mid + 0.02 * random.standard_normal(rows),
        "index_price": mid,
        "hours_to_funding": random.uniform(0, 8, rows),
        "open_interest": _sizes(random, rows, whole),
        "arrival_price": mid,
        "arrival_mid": mid,
        "filled_qty": np.where(whole, 0.0, random.integers(0, 8, rows)),
        "order_qty": 1.0 * random.integers(0, 9, rows),
        "close_price": mid + 0.01 * random.integers(-9, 10, rows),
        "fees": random.choice([0.0, 0.25, -0.1], rows),
        "mean": 1e-3 * random.standard_normal(rows),
        "stddev": np.abs(1e-2 * random.standard_normal(rows)),
        "skew": random.standard_normal(rows),
        "kurt": 3 * random.standard_normal(rows),
        "price_a": 1.5 * mid + 20 + 0.03 * random.standard_normal(rows),
        "price_b": mid + 0.01 * random.integers(-1, 2, rows),
        "hedge_ratio": 1.5 + 0.01 * random.standard_normal(rows),
        "pnl": np.round(1_000 * random.standard_normal(rows), -1),  # Ties.
    }
    columns = {name: _spoiled(random, values, missing, outliers, name) for name, values in numbers.items()}
    late = random.integers(0, 5_000, rows) * (random.random(rows) < 0.1)
    times = 1_700_000_000_000_000_000 + np.cumsum(random.integers(0, 3, rows) * 1_000) - late
    updates = times - random.integers(-100, 3_000, rows) * 1_000
    names = np.array(SYMBOLS[:symbols], object)[random.integers(0, symbols, rows)]
    return pa.table(
        {
            "symbol": pa.array(names, pa.string(), mask=random.random(rows) < missing),
            "timestamp": pa.array(times, pa.int64(), mask=random.random(rows) < missing),
            "last_update": pa.array(updates, pa.int64(), mask=random.random(rows) < missing),
            **columns,
        }
    )


def _sizes(random: np.random.Generator, rows: int, whole: np.ndarray) -> np.ndarray:
    """Sizes of lots and of fractions, one in ten of them 0, and stretches of one size."""
    sizes = np.where(whole, random.integers(0, 500, rows), random.gamma(1.0, 100.0, rows))
    sizes[(random.random(rows) < 0.1) | (np.arange(rows) // 90 % 4 == 3)] = 0.0
    return sizes


def _spoiled(random: np.random.Generator, values: np.ndarray, missing: float, outliers: float, name: str) -> pa.Array:
    values = values.astype(float)
    for share, what in (
        (outliers, [OUTLIER, -OUTLIER, 0.0, -1.0] if name != "side" else [0.0, -0.0, 2.0, 0.5]),
        (missing / 2, [np.nan, np.inf, -np.inf]),
    ):
        hit = random.random(len(values)) < share
        values[hit] = random.choice(what, hit.sum())
    null = random.random(len(values)) < missing / 2
    return pa.array(values, pa.float64(), mask=null) if null.any() else pa.array(values, pa.float64())
