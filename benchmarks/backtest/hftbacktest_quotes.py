"""hftbacktest: quotes at the best prices, placed anew every refill interval. backtests.py starts it with a Python of
its own, since it needs an older numpy: hftbacktest_quotes.py TICKS.npz ROUNDS. Prints the seconds of each way as JSON.
"""

import json
import sys
import time

import numpy as np
from hftbacktest import (
    BUY_EVENT,
    DEPTH_EVENT,
    EXCH_EVENT,
    GTC,
    LIMIT,
    LOCAL_EVENT,
    SELL_EVENT,
    TRADE_EVENT,
    BacktestAsset,
    ROIVectorMarketDepthBacktest,
)
from hftbacktest.types import event_dtype
from numba import njit

TICK, LOT, QUOTE = 0.01, 1.0, 5_000.0
REFILL_NS = 180_000_000_000
FOREVER = 10**18


def events(ticks: dict[str, np.ndarray]) -> np.ndarray:
    """A best price that moves is a level that goes and one that comes; a trade's aggressor is that of the tick."""
    rows: list[tuple[int, int, float, float]] = []
    best = [0.0, 0.0]
    columns = zip(*(ticks[name].tolist() for name in ("timestamp", "type", "price", "volume", "side")), strict=True)
    for timestamp, kind, price, volume, side in columns:
        if kind == 2:
            rows.append((timestamp, TRADE_EVENT | (BUY_EVENT if side > 0 else SELL_EVENT), price, volume))
            continue
        flag = DEPTH_EVENT | (BUY_EVENT if kind == 0 else SELL_EVENT)
        if best[kind] not in (0.0, price):
            rows.append((timestamp, flag, best[kind], 0.0))
        best[kind] = price
        rows.append((timestamp, flag, price, volume))
    made = np.zeros(len(rows), event_dtype)
    for column, values in zip(("exch_ts", "ev", "px", "qty"), zip(*rows, strict=True), strict=True):
        made[column] = values
    made["ev"] |= EXCH_EVENT | LOCAL_EVENT
    made["local_ts"] = made["exch_ts"]
    return made


@njit
def cancel(hbt: ROIVectorMarketDepthBacktest, order_id: int) -> None:
    """Where there is something left of it."""
    if order_id in hbt.orders(0):
        order = hbt.orders(0).get(order_id)
        if order.cancellable:
            hbt.cancel(0, order_id, False)


@njit
def requote(hbt: ROIVectorMarketDepthBacktest, now: int, due: np.ndarray, ids: np.ndarray) -> None:
    """Both sides, where they are due."""
    depth = hbt.depth(0)
    if now >= due[0] and depth.best_bid_tick > 0:
        hbt.clear_inactive_orders(0)
        cancel(hbt, ids[0])
        ids[0] += 2
        hbt.submit_buy_order(0, ids[0], depth.best_bid, QUOTE, GTC, LIMIT, False)
        due[0] = now + REFILL_NS
    if now >= due[1] and depth.best_ask_tick < 1_000_000:
        hbt.clear_inactive_orders(0)
        cancel(hbt, ids[1])
        ids[1] += 2
        hbt.submit_sell_order(0, ids[1], depth.best_ask, QUOTE, GTC, LIMIT, False)
        due[1] = now + REFILL_NS


@njit
def at_each_tick(hbt: ROIVectorMarketDepthBacktest) -> int:
    """Looks after every event."""
    due, ids, calls = np.zeros(2, np.int64), np.array([0, 1]), 0
    while hbt.wait_next_feed(False, FOREVER) == 2:
        requote(hbt, hbt.current_timestamp, due, ids)
        calls += 1
    return calls


@njit
def each_100_ms(hbt: ROIVectorMarketDepthBacktest) -> int:
    """Looks ten times a second."""
    due, ids, calls = np.zeros(2, np.int64), np.array([0, 1]), 0
    while hbt.elapse(100_000_000) == 0:
        requote(hbt, hbt.current_timestamp, due, ids)
        calls += 1
    return calls


def main() -> None:
    """Time both ways."""
    ticks = dict(np.load(sys.argv[1]))
    data = events(ticks)
    low, high = float(ticks["price"].min()) - 1, float(ticks["price"].max()) + 1
    best = {"at each tick": float("inf"), "each 100 ms": float("inf")}
    for _ in range(int(sys.argv[2]) + 1):  # The first compiles.
        for name, loop in (("at each tick", at_each_tick), ("each 100 ms", each_100_ms)):
            asset = (
                BacktestAsset()
                .data(data)
                .linear_asset(1.0)
                .constant_order_latency(0, 0)
                .risk_adverse_queue_model()
                .no_partial_fill_exchange()
                .trading_value_fee_model(0.0, 0.0)
                .tick_size(TICK)
                .lot_size(LOT)
                .roi_lb(low)
                .roi_ub(high)
            )
            hbt = ROIVectorMarketDepthBacktest([asset])
            started = time.perf_counter()
            calls = loop(hbt)
            seconds = time.perf_counter() - started
            if calls:
                best[name] = min(best[name], seconds)
            trades = int(hbt.state_values(0).num_trades)
            hbt.close()
            print(name, calls, trades, seconds, file=sys.stderr)
    print(json.dumps({"events": len(data), "seconds": best}))


if __name__ == "__main__":
    main()
