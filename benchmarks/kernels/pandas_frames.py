"""pandas: groupby on a categorical symbol."""

from typing import Any

import numpy as np
from contest import LITTLE_PATIENCE, Calls
from kernels.cases import ALPHA, CASES, WINDOW
from ticks import Ticks


def contender(ticks: Ticks) -> Calls:
    """pandas, which has one thread."""
    frames = {name: ticks[name].to_pandas() for name in ("ticks", "strings", "nulls")}
    frame = frames["ticks"]
    price = frame["price"]

    def by_symbol(columns: Any, table: str = "ticks") -> Any:
        return frames[table].groupby("symbol", observed=True, sort=False)[columns]

    def in_row_order(grouped: Any) -> Any:
        return grouped.droplevel(0).reindex(frame.index)

    def ewma(table: str) -> Any:
        return in_row_order(by_symbol("price", table).ewm(alpha=ALPHA, adjust=False, ignore_na=True).mean())

    def ofi() -> Any:
        last = by_symbol(["bid", "ask", "bid_size", "ask_size"]).shift()
        bid, ask, bid_size, ask_size = frame["bid"], frame["ask"], frame["bid_size"], frame["ask_size"]
        events = (
            np.where(bid >= last["bid"], bid_size, 0.0)
            - np.where(bid <= last["bid"], last["bid_size"], 0.0)
            - np.where(ask <= last["ask"], ask_size, 0.0)
            + np.where(ask >= last["ask"], last["ask_size"], 0.0)
        )
        return np.where(last["bid"].isna(), np.nan, events)

    def vwap() -> Any:
        turnover = (price * frame["volume"]).groupby(frame["symbol"], observed=True, sort=False).cumsum()
        return turnover / by_symbol("volume").cumsum()

    def roll() -> Any:
        return by_symbol("price").rolling(WINDOW)

    def bands() -> list[Any]:
        rolling = roll()
        mid, half = in_row_order(rolling.mean()), 2 * in_row_order(rolling.std(ddof=0))
        return [mid, mid + half, mid - half]

    calls: dict[str, Any] = {
        "midprice": lambda: 0.5 * (frame["bid"] + frame["ask"]),
        "midprice_nulls": lambda: 0.5 * (frames["nulls"]["bid"] + frames["nulls"]["ask"]),
        "ewma": lambda: ewma("ticks"),
        "ewma_strings": lambda: ewma("strings"),
        "diff": lambda: by_symbol("price").diff(),
        "ofi": ofi,
        "log_returns": lambda: np.log(price / by_symbol("price").shift()),
        "vwap": vwap,
        "rolling_std": lambda: in_row_order(roll().std()),
        "rolling_zscore": lambda: (price - in_row_order((rolling := roll()).mean())) / in_row_order(rolling.std()),
        "bollinger_bands": bands,
    }
    calls = {case: call for case, call in calls.items() if case in CASES}
    return Calls(
        "pandas, 1 thread",
        1,
        calls,
        lambda _, result: result if isinstance(result, list) else [result],
        patience=LITTLE_PATIENCE,
    )
