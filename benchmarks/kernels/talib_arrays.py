"""TA-Lib on what it knows best: numpy arrays of one symbol."""

from typing import Any

import numpy as np
import talib
from contest import Calls
from kernels.cases import WINDOW
from kernels.library_cases import ONE, ONE_SYMBOL
from ticks import Ticks

# Case -> the function, for the table of figures.
FUNCTIONS = {
    "log_returns_one": "LN(ROCR)",
    "diff_one": "MOM",
    "ema_one": "EMA",
    "macd_one": "MACD",
    "rsi_one": "RSI",
    "stochastic_osc_3_one": "STOCH",
    "sma_100_one": "SMA",
    "realized_var_100_one": "SUM",
    "bollinger_bands_100_one": "BBANDS",
    "autocorr_100_one": "CORREL",
    "rolling_std_100_0_one": "STDDEV",
    "rolling_min_100_one": "MIN",
    "rolling_max_100_one": "MAX",
    "donchian_channel_100_one": "DONCHIAN",
}


def contender(ticks: Ticks) -> Calls:
    """TA-Lib, which has one thread."""
    table = ticks[ONE]
    x, high, low, close = (table.column(name).chunk(0).to_numpy() for name in ("price", "high", "low", "close"))
    returns = table.column("log_return").chunk(0).to_numpy(zero_copy_only=False)[1:]  # Its first one is null.

    def behind(rows: int, values: np.ndarray) -> np.ndarray:
        return np.concatenate([np.full(rows, np.nan), values])

    def stochastic() -> list[np.ndarray]:
        return list(talib.STOCH(high, low, close, 14, 3, 0, 3, 0))

    def bands() -> list[np.ndarray]:
        upper, mid, lower = talib.BBANDS(x, WINDOW, 2, 2)
        return [mid, upper, lower]

    def channel() -> list[np.ndarray]:
        top, mid, bottom = talib.DONCHIAN(high, low, WINDOW)
        return [top, bottom, mid]

    calls: dict[str, Any] = {
        "log_returns_one": lambda: [talib.LN(talib.ROCR(x, 1))],
        "diff_one": lambda: [talib.MOM(x, 1)],
        "ema_one": lambda: [talib.EMA(x, 20)],
        "macd_one": lambda: list(talib.MACD(x)),
        "rsi_one": lambda: [talib.RSI(x)],
        "stochastic_osc_3_one": stochastic,
        "sma_100_one": lambda: [talib.SMA(x, WINDOW)],
        "realized_var_100_one": lambda: [behind(1, talib.SUM(returns * returns, WINDOW))],
        "bollinger_bands_100_one": bands,
        "autocorr_100_one": lambda: [behind(2, talib.CORREL(returns[1:], returns[:-1], WINDOW))],
        "rolling_std_100_0_one": lambda: [talib.STDDEV(x, WINDOW)],
        "rolling_min_100_one": lambda: [talib.MIN(x, WINDOW)],
        "rolling_max_100_one": lambda: [talib.MAX(x, WINDOW)],
        "donchian_channel_100_one": channel,
    }

    def columns(case: str, result: list[np.ndarray]) -> list[np.ndarray]:
        if case != "stochastic_osc_3_one":
            return result
        k, d = result  # TA-Lib keeps k back until there is a d.
        alone, _ = talib.STOCH(high, low, close, 14, 3, 0, 1, 0)
        return [np.where(np.isnan(k), alone, k), d]

    return Calls("TA-Lib, 1 thread", 1, {case: calls[case] for case in ONE_SYMBOL}, columns)
