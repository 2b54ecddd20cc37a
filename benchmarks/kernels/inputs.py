"""The columns that kernels read, made from ticks: bars around the price, two legs of a pair, orders, rates."""

import zlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from sabot.kernel_info import KernelInfo

from sabot import fintech

Random = np.random.Generator

# Columns that a kernel writes, and which one.
WRITTEN = {
    "midprice": fintech.midprice,
    "log_return": fintech.log_returns,
    "signed_volume": fintech.signed_volume,
    "mean": fintech.welford_mean_var,
    "stddev": fintech.welford_mean_var,
}

PRICES = ("ref_price", "exec_price", "arrival_price", "arrival_mid", "order_price", "close_price")
VENUES = ("spot_price", "futures_price", "perp_price", "index_price")


def needed(info: KernelInfo, options: Mapping[str, Any]) -> set[str]:
    """The columns that a kernel reads, or may read, with these arguments."""
    bound = options.get("columns", {})
    return {"symbol", *(bound.get(entry.role, entry.column) for entry in info.inputs)}


def table_of(ticks: pa.Table, columns: Iterable[str]) -> pa.Table:
    """The ticks' symbols, and these columns in their order."""
    names = ["symbol", *(name for name in columns if name != "symbol")]
    return pa.table({name: _column(ticks, name) for name in names})


def _column(ticks: pa.Table, name: str) -> Any:
    if name in ticks.column_names:
        return ticks.column(name)
    if name in WRITTEN:
        return WRITTEN[name](ticks).column(name)
    random = np.random.default_rng(zlib.crc32(name.encode()))  # So that a column is the same beside any others.
    if name == "last_update":
        times = ticks.column("timestamp").cast(pa.int64()).to_numpy()
        return pa.array(times - random.integers(0, 2_000_000_000, len(ticks)))
    return pa.array(_numbers(name, random, ticks.column("price").to_numpy()))


def _numbers(name: str, random: Random, price: np.ndarray) -> np.ndarray:
    """Around the price where the name is that of a price; what is not known is near 1."""
    rows = len(price)

    def near(scale: float) -> np.ndarray:
        return np.exp(scale * random.standard_normal(rows))

    makers: dict[str, Callable[[], np.ndarray]] = {
        "high": lambda: price * (1 + 1e-3 * random.random(rows)),
        "low": lambda: price * (1 - 1e-3 * random.random(rows)),
        "close": lambda: price * (1 + 1e-4 * random.random(rows)),
        "price_a": lambda: 1.5 * price + 0.3 + 0.05 * random.standard_normal(rows),
        "price_b": lambda: price,
        "x": lambda: np.random.default_rng(1).standard_normal(rows),
        "y": lambda: 0.5 * np.random.default_rng(1).standard_normal(rows) + random.standard_normal(rows),
        "pnl": lambda: 1e4 * random.standard_normal(rows),
        "skew": lambda: random.standard_normal(rows),
        "kurt": lambda: random.standard_normal(rows),
        "funding_rate": lambda: 1e-4 * random.standard_normal(rows),
        "position": lambda: 100 * random.standard_normal(rows),
        "open_interest": lambda: 1e6 * near(0.01),
        "hours_to_funding": lambda: 8 * random.random(rows),
        "order_size": lambda: 100 * random.standard_normal(rows),
        "order_qty": lambda: np.full(rows, 1_000.0),
        "filled_qty": lambda: 1_000 * random.random(rows),
        "r_dom": lambda: 0.04 * near(0.01),
        "r_for": lambda: 0.02 * near(0.01),
        **{column: lambda: price * near(1e-3) for column in (*PRICES, *VENUES)},
    }
    return makers.get(name, lambda: near(0.01))()
