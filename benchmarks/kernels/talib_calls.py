"""TA-Lib, which knows no symbols: rows are sorted by symbol, computed symbol by symbol, and put back."""

from collections.abc import Callable
from typing import Any

import numpy as np
import talib
from contest import LITTLE_PATIENCE, Calls
from kernels.cases import CASES, WINDOW
from ticks import SYMBOLS, Ticks


def contender(ticks: Ticks) -> Calls:
    """TA-Lib, which has one thread."""
    table = ticks["ticks"]
    indices = table.column("symbol").chunk(0).indices.to_numpy()
    price, bid, ask = (table.column(name).chunk(0).to_numpy() for name in ("price", "bid", "ask"))
    sample = np.sqrt(WINDOW / (WINDOW - 1))  # TA-Lib's deviation is that of a population.

    def each_symbol(compute: Callable[[np.ndarray], Any], outputs: int = 1) -> list[np.ndarray]:
        order = np.argsort(indices.astype(np.int16), kind="stable")  # A radix sort.
        ends = np.cumsum(np.bincount(indices, minlength=SYMBOLS))
        grouped = price[order]
        computed = np.empty((outputs, len(price)))
        for begin, end in zip(np.concatenate([[0], ends[:-1]]), ends, strict=True):
            if begin < end:
                computed[:, begin:end] = compute(grouped[begin:end])
        results = np.empty_like(computed)
        results[:, order] = computed
        return list(results)

    def zscore(x: np.ndarray) -> np.ndarray:
        return (x - talib.SMA(x, WINDOW)) / (talib.STDDEV(x, WINDOW) * sample)

    def bands(x: np.ndarray) -> tuple[np.ndarray, ...]:
        upper, mid, lower = talib.BBANDS(x, WINDOW, 2, 2)
        return mid, upper, lower

    calls: dict[str, Any] = {
        "midprice": lambda: [talib.MEDPRICE(ask, bid)],
        "diff": lambda: each_symbol(lambda x: talib.MOM(x, 1)),
        "log_returns": lambda: each_symbol(lambda x: talib.LN(talib.ROCR(x, 1))),
        "rolling_std": lambda: each_symbol(lambda x: talib.STDDEV(x, WINDOW) * sample),
        "rolling_zscore": lambda: each_symbol(zscore),
        "bollinger_bands": lambda: each_symbol(bands, 3),
        "rsi": lambda: each_symbol(talib.RSI),
        "macd": lambda: each_symbol(talib.MACD, 3),
    }
    calls = {case: call for case, call in calls.items() if case in CASES}
    return Calls("TA-Lib, 1 thread", 1, calls, lambda _, result: result, patience=LITTLE_PATIENCE)
