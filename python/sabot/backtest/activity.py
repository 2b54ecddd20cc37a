"""What strategies had to work with, and what became of their orders; why there were no trades."""

from collections.abc import Mapping
from typing import Any

__all__ = ["COLUMNS", "why_no_trades"]

# Why orders were refused, by the column that counts them.
_REFUSED = {
    "refused_size": "their size is not positive",
    "refused_price": "their price is not positive",
    "refused_lot_size": "their size is no multiple of lot_size",
    "refused_tick_size": "their price is no multiple of tick_size",
    "refused_orders_max": "too many were open",
    "refused_limits": "max_position or max_notional leaves nothing",
    "refused_nothing_to_reduce": "there was no position to reduce",
    "refused_post_only": "post-only, they would have crossed",
    "refused_self_trade": "they would have taken own orders",
    "refused_nothing_to_take": "too little was shown at their price",
}

# What is told of a security.
COLUMNS = (
    *("session", "ticks", "outside_session", "book_missing", "book_crossed", "market_trades"),
    *("orders", "orders_cut", "equity_interval_ns", *_REFUSED),
)


def why_no_trades(activity: Mapping[str, Any]) -> str:
    """The likeliest reason, in words.

    Input:   a row of BacktestResult.activity of a security without trades.
    Returns: such as "all 42,000 ticks are outside the session 09:30-16:00".
    """
    session, ticks, outside = activity["session"], activity["ticks"], activity["outside_session"]
    if ticks == 0:
        return "there are no ticks"
    if outside == ticks:
        return f"all {ticks:,} ticks are outside the session {session}"
    inside = ticks - outside
    where = f"{inside:,} ticks"
    if session:
        where = f"{inside:,} of {ticks:,} ticks that are in the session {session}"
    orders = activity["orders"]
    if orders == 0:
        if activity["book_missing"] == inside:
            return f"a best bid or a best ask is missing at all {where}"
        why = "its own conditions were not met, or its sizes, the limits and lot_size leave nothing"
        return f"the strategy sent no order at the {where}: {why}"
    refused = {name: activity[name] for name in _REFUSED if activity[name]}
    if sum(refused.values()) >= orders:
        reasons = sorted(refused, key=lambda name: -refused[name])
        if len(reasons) == 1:
            return f"all {orders:,} orders were refused: {_REFUSED[reasons[0]]}"
        listed = "; ".join(f"{refused[name]:,} because {_REFUSED[name]}" for name in reasons[:3])
        return f"all {orders:,} orders were refused: {listed}"
    if activity["market_trades"] == 0:
        return f"{orders:,} orders were sent, but none of the {where} is a trade"
    return f"{orders:,} orders were sent, but none of {activity['market_trades']:,} trades at the {where} reached one"
