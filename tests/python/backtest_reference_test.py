"""The backtester's reference on what can be worked by hand: matching, latency, money, session, strategies."""

import math
from fractions import Fraction
from typing import Any

import pytest
from reference import backtest_sample as sample
from reference.backtest import BUY, SELL, Backtest, Cancel, Message, Order, Result, replay
from reference.backtest_ledger import DAY_NS, Ledger, drawdown, mean_and_deviation, sharpe
from reference.backtest_settings import VENUE, nanoseconds
from reference.backtest_settings import settings as settings_of
from reference.backtest_strategies import run

MS = 10**6
SECOND = 10**9
MONDAY = sample.FIRST_DATE * DAY_NS
AT_ONCE = {"refill_interval_sec": 0, "min_local_currency_before_quote": 0}

Row = tuple[Any, ...]


class Script:
    """Sends what it is told to at the ticks it is told."""

    def __init__(self, messages: dict[int, list[Message]]) -> None:
        self.messages = messages

    def reset(self) -> None:
        pass

    def filled(self, order: Order, time: int) -> None:
        pass

    def tick(self, backtest: Backtest) -> list[Message]:
        return self.messages.get(backtest.index, [])


def play(ticks: list[Row], messages: dict[int, list[Message]], *, has_side: bool = False, **asked: Any) -> Result:
    return replay(ticks, settings_of({"X": asked}, "X", VENUE), Script(messages), has_side)


def fills(result: Result) -> list[Row]:
    return [(row["side"], row["fill_price"], row["fill_qty"], row["kind"]) for row in result.trades]


def bid(time: int, price: float, size: float) -> Row:
    return (time, "bid", price, size)


def ask(time: int, price: float, size: float) -> Row:
    return (time, "ask", price, size)


def trade(time: int, price: float, size: float, side: int | None = None) -> Row:
    return (time, "trade", price, size, side)


def at(clock: str, day: int = 0) -> int:
    hours, minutes, seconds = (int(part) for part in clock.split(":"))
    return MONDAY + day * DAY_NS + (hours * 3600 + minutes * 60 + seconds) * SECOND


# Matching.


def join_behind_80(*trades: Row, **asked: Any) -> Result:
    """A bid of 20 at 100.00, where 80 stand before it."""
    return play([bid(0, 100.0, 80), *trades], {0: [Order(BUY, 100.0, 20)]}, **asked)


def test_a_queue_is_served_in_order() -> None:
    result = join_behind_80(trade(1, 100.0, 50), trade(2, 100.0, 40), trade(3, 100.0, 10))
    assert fills(result) == [("buy", 100.0, 10, "fill"), ("buy", 100.0, 10, "fill")]
    assert [row["timestamp"] for row in result.trades] == [2, 3]


def test_a_trade_below_fills_what_remains() -> None:
    result = join_behind_80(trade(1, 100.0, 50), trade(2, 100.0, 40), trade(3, 99.99, 1))
    assert fills(result)[1:] == [("buy", 100.0, 10, "fill")]
    capped = join_behind_80(trade(1, 100.0, 50), trade(2, 100.0, 40), trade(3, 99.99, 1), through_fill="capped")
    assert fills(capped)[1:] == [("buy", 100.0, 1, "fill")]


def test_a_trade_above_a_bid_does_nothing() -> None:
    assert join_behind_80(trade(1, 100.01, 1000)).trades == []


def test_the_ask_side_mirrors_the_bid_side() -> None:
    ticks = [ask(0, 100.0, 80), trade(1, 100.0, 50), trade(2, 100.0, 40), trade(3, 99.99, 99), trade(4, 100.01, 1)]
    result = play(ticks, {0: [Order(SELL, 100.0, 20)]})
    assert fills(result) == [("sell", 100.0, 10, "fill"), ("sell", 100.0, 10, "fill")]


def test_an_order_is_not_matched_by_the_tick_it_was_decided_on() -> None:
    ticks = [bid(0, 100.0, 0), trade(0, 99.0, 5), trade(0, 99.0, 7)]
    assert [row["fill_qty"] for row in play(ticks, {1: [Order(BUY, 100.0, 20)]}, through_fill="capped").trades] == [7]


@pytest.mark.parametrize(("side", "filled"), [(1, 0), (-1, 20), (None, 20)])
def test_a_buyer_never_fills_a_bid(side: int | None, filled: float) -> None:
    result = join_behind_80(trade(1, 100.0, 500, side), has_side=True)
    assert result.summary["volume"] == filled


def test_a_trade_of_unknown_side_fills_neither() -> None:
    ticks = [bid(0, 100.0, 0), ask(0, 102.0, 0), trade(1, 101.0, 500)]
    orders: list[Message] = [Order(BUY, 101.5, 20), Order(SELL, 100.5, 20)]
    assert play(ticks, {1: orders}, has_side=True).trades == []
    assert len(play(ticks, {1: orders}, has_side=False).trades) == 2
    assert fills(play([*ticks[:2], trade(1, 101.01, 500)], {1: orders}, has_side=True))[0][0] == "sell"
    assert fills(play([*ticks[:2], trade(1, 100.99, 500)], {1: orders}, has_side=True))[0][0] == "buy"


def test_own_orders_at_one_price_share_one_queue() -> None:
    ticks = [bid(0, 100.0, 0), trade(1, 100.0, 12)]
    orders: list[Message] = [Order(BUY, 100.0, 10), Order(BUY, 100.0, 10, replaces=False)]
    assert [row["fill_qty"] for row in play(ticks, {0: orders}).trades] == [10, 2]


def test_what_a_trade_ate_before_one_order_is_gone_before_the_next() -> None:
    ticks = [bid(0, 100.0, 30), trade(1, 100.0, 35), bid(2, 100.0, 50), trade(3, 100.0, 26)]
    orders: list[Message] = [Order(BUY, 100.0, 10), Order(BUY, 100.0, 10, replaces=False)]
    assert [row["fill_qty"] for row in play(ticks, {0: orders}).trades] == [5, 5, 10]
    ticks[1] = trade(1, 100.0, 45)
    assert [row["fill_qty"] for row in play(ticks, {0: orders}).trades] == [10, 5, 5]
    ticks[1] = trade(1, 100.0, 35)
    later: dict[int, list[Message]] = {0: [Order(BUY, 100.0, 10)], 2: [Order(BUY, 100.0, 10, replaces=False)]}
    # 30 before the first, all eaten with 5 of it; 50 displayed when the second comes, 45 or more of it behind nobody.
    assert [row["fill_qty"] for row in play(ticks, later).trades] == [5, 5]


def test_better_prices_first_and_what_they_took_is_missing() -> None:
    ticks = [bid(0, 97.0, 0), trade(1, 98.0, 25)]
    orders: list[Message] = [Order(BUY, price, 10, replaces=False) for price in (98.0, 99.0, 100.0)]
    assert [row["fill_price"] for row in play(ticks, {0: orders}).trades] == [100.0, 99.0, 98.0]
    capped = play(ticks, {0: orders}, through_fill="capped")
    assert [row["fill_qty"] for row in capped.trades] == [10, 10, 5]


@pytest.mark.parametrize(("queue", "filled"), [("risk_averse", 15), ("fifo", 0)])
def test_a_smaller_quote_brings_a_careful_order_forward(queue: str, filled: float) -> None:
    result = join_behind_80(bid(1, 100.0, 5), bid(2, 100.0, 90), trade(3, 100.0, 20), queue=queue)
    assert result.summary["volume"] == filled


def test_a_quote_through_an_order_fills_it_only_where_asked() -> None:
    ticks = [bid(0, 100.0, 80), ask(1, 99.0, 5), trade(2, 101.0, 1)]
    orders: dict[int, list[Message]] = {0: [Order(BUY, 100.0, 20)]}
    assert play(ticks, orders).trades == []
    assert fills(play(ticks, orders, quote_cross=True)) == [("buy", 100.0, 20, "fill")]
    assert fills(play(ticks, orders, quote_cross=True, through_fill="capped")) == [("buy", 100.0, 5, "fill")]


def test_where_an_order_stands_on_arrival() -> None:
    ticks = [bid(0, 100.0, 80), trade(1, 101.0, 1)]
    for price, ahead in ((100.0, 80), (101.0, 0), (99.0, math.inf)):
        order = Order(BUY, price, 20)
        play(ticks, {0: [order]})
        assert order.ahead == ahead


@pytest.mark.parametrize("queue", ["risk_averse", "fifo"])
def test_behind_the_best_only_a_trade_through_fills_until_the_price_is_shown(queue: str) -> None:
    ticks = [bid(0, 100.0, 80), trade(1, 99.0, 500), bid(2, 99.0, 30), trade(3, 99.0, 35), trade(4, 98.0, 1)]
    order: dict[int, list[Message]] = {0: [Order(BUY, 99.0, 20)]}
    assert [row["fill_qty"] for row in play(ticks, order, queue=queue).trades] == [5, 15]
    assert [row["fill_qty"] for row in play(ticks[:2] + ticks[4:], order, queue=queue).trades] == [20]


# Latency.


def test_an_order_counts_once_it_has_arrived() -> None:
    ticks = [bid(0, 100.0, 0), trade(4 * MS, 100.0, 3), trade(6 * MS, 100.0, 4)]
    result = play(ticks, {0: [Order(BUY, 100.0, 10)]}, order_latency_ms=5)
    assert [row["fill_qty"] for row in result.trades] == [4]
    on_time = play(ticks, {0: [Order(BUY, 100.0, 10)]}, order_latency_ms=4)
    assert [row["fill_qty"] for row in on_time.trades] == [3, 4]


def test_a_cancel_on_its_way_does_not_stop_a_fill() -> None:
    ticks = [bid(0, 100.0, 0), bid(10 * MS, 100.0, 0), trade(12 * MS, 100.0, 10), trade(15 * MS, 100.0, 1)]
    result = play(ticks, {0: [Order(BUY, 100.0, 10)], 1: [Cancel(BUY)]}, order_latency_ms=5)
    assert [row["timestamp"] for row in result.trades] == [12 * MS]
    assert result.rejected_cancels == 1


def test_limits_hold_on_arrival() -> None:
    ticks = [bid(0, 100.0, 0), trade(1, 99.5, 1)]
    first, second, third = (Order(BUY, 100.0 - index, 60, replaces=False) for index in range(3))
    result = play(ticks, {0: [first, second, third]}, max_position=100)
    assert [(row["fill_price"], row["fill_qty"]) for row in result.trades] == [(100.0, 60)]
    assert (second.remaining, result.rejected_orders) == (40, 1)
    assert play(ticks, {0: [Order(BUY, 100.0, 60)]}, max_notional=3_050).summary["volume"] == 30


def test_latency_in_fractions() -> None:
    assert [nanoseconds(value, 1e6) for value in (5, 0.0005, 0.0000005, 0.25)] == [5_000_000, 500, 1, 250_000]


# Money.


def test_a_round_trip() -> None:
    ledger = Ledger()
    ledger.fill(0, BUY, 100.0, 10, 0, "fill")
    ledger.fill(1, SELL, 100.02, 10, 0, "fill")
    assert ledger.pnl == pytest.approx(0.20, abs=1e-12)
    assert (ledger.position, ledger.average) == (0, 0)


def test_a_rebate_is_a_negative_fee() -> None:
    ledger = Ledger()
    ledger.fill(0, BUY, 100.0, 10, -0.5, "fill")
    ledger.fill(1, SELL, 100.02, 10, -0.5, "fill")
    assert sum(row["fill_price"] * row["fill_qty"] for row in ledger.rows) == pytest.approx(2000.20, abs=1e-9)
    assert ledger.pnl == pytest.approx(0.300010, abs=1e-9)
    assert ledger.fees == pytest.approx(-0.100010, abs=1e-9)


def test_average_cost() -> None:
    ledger = Ledger()
    ledger.fill(0, BUY, 100.0, 10, 0, "fill")
    ledger.fill(0, BUY, 102.0, 30, 0, "fill")
    ledger.fill(0, SELL, 103.0, 20, 0, "fill")
    assert (ledger.average, ledger.rows[-1]["realized_pnl"], ledger.position) == (101.5, 30, 20)
    assert ledger.equity(101.0) == 30 - 10


def test_a_fill_across_zero_does_both() -> None:
    ledger = Ledger()
    ledger.fill(0, SELL, 101.0, 10, 0, "fill")
    ledger.fill(0, BUY, 100.0, 25, 0, "fill")
    assert (ledger.rows[-1]["realized_pnl"], ledger.position, ledger.average) == (10, 15, 100)


def test_an_inverse_contract_pays_in_coin() -> None:
    ledger = Ledger(inverse=True, contract_size=100)
    ledger.fill(0, BUY, 50_000.0, 100, 0, "fill")
    assert ledger.equity(51_000.0) == pytest.approx(0.003921568627, abs=1e-12)
    ledger.fill(1, SELL, 51_000.0, 100, 0, "fill")
    assert ledger.pnl == pytest.approx(0.003921568627, abs=1e-12)


def test_an_inverse_average_keeps_the_coin() -> None:
    ledger = Ledger(inverse=True, contract_size=100)
    ledger.fill(0, BUY, 50_000.0, 100, 2, "fill")
    ledger.fill(0, BUY, 40_000.0, 300, 2, "fill")
    ledger.fill(1, SELL, 45_000.0, 400, 2, "fill")
    coin = Fraction(100 * 100, 50_000) + Fraction(300 * 100, 40_000) - Fraction(400 * 100, 45_000)
    fee = (Fraction(100 * 100, 50_000) + Fraction(300 * 100, 40_000) + Fraction(400 * 100, 45_000)) * Fraction(
        2, 10_000
    )
    assert ledger.pnl == pytest.approx(float(coin - fee), abs=1e-12)


def test_a_realized_zero_has_no_sign() -> None:
    ledger = Ledger()
    ledger.fill(0, SELL, 100.0, 10, 0, "fill")
    ledger.fill(0, BUY, 100.0, 10, 0, "fill")
    assert str(ledger.rows[-1]["realized_pnl"]) == str(ledger.pnl) == "0.0"


def test_drawdown_mean_and_deviation() -> None:
    assert drawdown([10, 4, 12, 3]) == 9
    assert drawdown([-3, 5]) == 3
    mean, deviation = mean_and_deviation([10, -6, 8, -9])
    assert (mean, deviation) == (0.75, pytest.approx(9.639329, abs=5e-7))


def test_sharpe_needs_two_dates_that_differ() -> None:
    assert sharpe([1.0]) is None
    assert sharpe([1.0, 1.0]) is None
    assert sharpe([10.0, -6.0, 8.0, -9.0]) == pytest.approx(0.75 / 9.639329 * 252**0.5, rel=1e-6)


# Session.

ADX = {"market": "adx", **AT_ONCE, "quote_size": 10}


def test_nothing_rests_outside_the_session() -> None:
    ticks = [
        bid(at("9:59:59"), 100.0, 0),
        trade(at("10:04:59"), 99.0, 5),
        bid(at("10:05:00"), 100.0, 0),  # The first tick that may be quoted on.
        trade(at("10:05:00"), 99.0, 5),
        bid(at("14:44:59"), 100.0, 0),
        trade(at("14:45:00"), 99.0, 5),  # The session has ended.
    ]
    result = run(ticks, {"X": ADX}, "v1_baseline", False)
    assert [(row["timestamp"], row["kind"]) for row in result.trades] == [
        (at("10:05:00"), "fill"),
        (at("14:45:00"), "flatten"),  # The date's last trade, when the data ended.
    ]


def test_flatten_at_the_first_trade() -> None:
    ticks = [
        bid(at("10:05:00"), 100.0, 0),
        trade(at("10:06:00"), 99.0, 5),
        trade(at("14:54:59"), 98.0, 5),
        bid(at("14:55:00"), 97.0, 5),
        trade(at("15:30:00"), 96.0, 5),
        trade(at("15:31:00"), 95.0, 5),
    ]
    result = run(ticks, {"X": ADX | {"taker_fee_bps": 10, "maker_fee_bps": -1}}, "v1_baseline", False)
    assert fills(result) == [("buy", 100.0, 10, "fill"), ("sell", 96.0, 10, "flatten")]
    assert result.summary["fees"] == pytest.approx(-0.1 + 0.96, abs=1e-12)
    assert result.summary["realized_pnl"] == -40
    assert result.summary["max_drawdown"] == pytest.approx(40 + 0.96, abs=1e-12)


def test_nothing_is_quoted_after_the_flatten() -> None:
    market = {"continuous": ["10:00", "16:00"], "flatten": "12:00"}
    ticks = [
        bid(at("11:59:00"), 100.0, 0),
        trade(at("11:59:30"), 99.0, 5),
        trade(at("12:00:00"), 98.0, 5),  # Fills what was quoted before, and closes.
        trade(at("12:01:00"), 97.0, 5),
        bid(at("11:00:00", day=1), 50.0, 0),
        trade(at("11:01:00", day=1), 49.0, 5),
    ]
    result = run(ticks, {"X": ADX | {"market": market}}, "v1_baseline", False)
    assert [(row["fill_price"], row["fill_qty"], row["kind"]) for row in result.trades] == [
        (100.0, 10, "fill"),
        (100.0, 10, "fill"),
        (98.0, 20, "flatten"),
        (50.0, 10, "fill"),
        (49.0, 10, "flatten"),
    ]
    named = run(ticks, {"X": ADX | {"market": "gulf"}, "MARKETS": {"gulf": market}}, "v1_baseline", False)
    assert named.trades == result.trades


def test_a_date_change_closes_at_the_last_trade_of_the_old_date() -> None:
    ticks = [
        bid(at("10:05:00"), 100.0, 0),
        trade(at("10:06:00"), 99.0, 5),
        trade(at("10:07:00"), 101.0, 5),
        bid(at("10:08:00"), 90.0, 5),
        trade(at("10:05:00", day=1), 80.0, 5),  # No book and no order is left.
        trade(at("10:06:00", day=1), 70.0, 5),
    ]
    result = run(ticks, {"X": ADX}, "v1_baseline", False)
    assert [(row["timestamp"], row["fill_price"], row["kind"]) for row in result.trades] == [
        (at("10:06:00"), 100.0, "fill"),
        (at("10:07:00"), 101.0, "flatten"),
    ]
    assert (result.summary["market_dates"], result.summary["strategy_dates"]) == (2, 1)
    through = run(ticks, {"X": ADX | {"market": "continuous"}}, "v1_baseline", False)
    assert [(row["fill_price"], row["kind"]) for row in through.trades] == [(100.0, "fill")] + [(90.0, "fill")] * 2
    assert through.summary["final_position"] == 30


@pytest.mark.parametrize("name", ["v1_baseline", "v2_price_follow"])
def test_timers_begin_anew_with_a_date(name: str) -> None:
    ticks = [row for day in (0, 1) for row in (bid(at("10:05:00", day), 9.0, 0), trade(at("10:06:00", day), 8.0, 5))]
    config = ADX | {"refill_interval_sec": 10**6}
    assert run(ticks, {"X": config}, name, False).summary["strategy_dates"] == 2
    assert run(ticks, {"X": config | {"market": "continuous"}}, name, False).summary["strategy_dates"] == 1


def test_orders_do_not_outlive_their_session_without_a_tick_between() -> None:
    market = {"continuous": [["10:00", "12:00"], ["13:00", "16:00"]]}
    ticks = [bid(at("11:00:00"), 100.0, 0), trade(at("13:00:00"), 99.0, 5), trade(at("13:01:00"), 99.0, 5)]
    result = run(ticks, {"X": ADX | {"market": market}}, "v1_baseline", False)
    assert [row["timestamp"] for row in result.trades[:1]] == [at("13:01:00")]


# Strategies.

V1 = {"quote_size": 10, "refill_interval_sec": 180, "min_local_currency_before_quote": 500}


def test_v1_waits_for_its_refill() -> None:
    ticks = [
        bid(0, 100.0, 5),  # Placed behind 5.
        trade(1 * SECOND, 99.0, 1),  # Filled.
        bid(179 * SECOND, 100.0, 5),  # Not due.
        trade(179 * SECOND, 99.0, 1),
        bid(180 * SECOND, 98.0, 6),  # Due.
        bid(200 * SECOND, 99.0, 6),  # A better price is not followed.
        trade(201 * SECOND, 98.0, 15),
    ]
    result = run(ticks, {"X": V1}, "v1_baseline", False)
    assert [(row["fill_price"], row["fill_qty"]) for row in result.trades] == [(100.0, 10), (98.0, 9)]


def test_v1_cancels_where_too_little_is_shown() -> None:
    ticks = [bid(0, 100.0, 5), bid(180 * SECOND, 100.0, 4), trade(181 * SECOND, 99.0, 1)]
    assert run(ticks, {"X": V1}, "v1_baseline", False).trades == []
    ticks = [bid(0, 100.0, 5), bid(180 * SECOND, 100.0, 4), bid(181 * SECOND, 100.0, 5), trade(182 * SECOND, 99.0, 1)]
    assert len(run(ticks, {"X": V1}, "v1_baseline", False).trades) == 1  # The placement time stayed.


def test_v1_keeps_its_limit() -> None:
    ticks = [bid(0, 100.0, 5), trade(1, 99.0, 1), bid(180 * SECOND, 100.0, 5), trade(181 * SECOND, 99.0, 1)]
    config = {"default": V1, "x": {"quote_size_bid": 8, "max_position": 12}}
    assert [row["position"] for row in run(ticks, config, "v1_baseline", False).trades] == [8, 12]
    config["x"] = {"quote_size_bid": 8, "max_notional": 1_099}
    assert [row["position"] for row in run(ticks, config, "v1_baseline", False).trades] == [8, 10]


def test_v2_follows_the_price_and_loses_its_place() -> None:
    ticks = [
        bid(0, 100.0, 50),
        trade(1, 100.0, 45),
        bid(2, 99.0, 50),
        bid(3, 100.0, 50),  # Back, behind 50 again.
        trade(4, 100.0, 55),
    ]
    assert [row["fill_qty"] for row in run(ticks, {"X": V1}, "v2_price_follow", False).trades] == [5]


def test_v2_quotes_only_what_remained_until_the_refill() -> None:
    ticks = [
        bid(0, 100.0, 50),
        trade(1, 100.0, 54),  # 4 of 10.
        bid(2 * SECOND, 99.0, 50),  # Moves with 6.
        trade(3 * SECOND, 98.0, 1),  # All 6.
        bid(4 * SECOND, 98.0, 50),  # Nothing remained.
        trade(5 * SECOND, 97.0, 1),
        bid(183 * SECOND, 98.0, 50),  # A refill interval after the last fill.
        trade(184 * SECOND, 97.0, 1),
    ]
    result = run(ticks, {"X": V1}, "v2_price_follow", False)
    assert [(row["fill_price"], row["fill_qty"]) for row in result.trades] == [(100.0, 4), (99.0, 6), (98.0, 10)]


def test_v2_refills_at_an_unchanged_price() -> None:
    ticks = [
        bid(0, 100.0, 50),
        trade(1, 100.0, 54),
        bid(180 * SECOND, 100.0, 50),  # One nanosecond too early.
        bid(181 * SECOND, 100.0, 50),  # A new order of 10, behind 50.
        trade(182 * SECOND, 100.0, 70),
    ]
    result = run(ticks, {"X": V1}, "v2_price_follow", False)
    assert [row["fill_qty"] for row in result.trades] == [4, 10]


V2_1 = V1 | {"stop_loss_threshold_pct": 2.0}


def test_v2_1_stops_at_the_opposite_best() -> None:
    start = 200 * SECOND  # Long after the fill.
    ticks = [
        bid(0, 100.0, 50),
        trade(1, 99.0, 1),  # Long 10 at 100.
        bid(start + 2, 98.01, 4),  # A loss of 1.99 %: the bid of the next refill moves here.
        bid(start + 3, 98.0, 4),  # 2 %: decided here,
        trade(start + 4, 105.0, 1),  # sold here: 4, all there is.
        trade(start + 5, 97.0, 1),  # Nothing new was quoted.
        bid(start + 6, 97.0, 100),
        ask(start + 7, 110.0, 100),  # The rest.
        bid(start + 8, 97.0, 100),
        trade(start + 9, 96.0, 1),  # The side that opened waits.
    ]
    result = run(ticks, {"X": V2_1 | {"min_local_currency_before_quote": 0}}, "v2_1_stop_loss", False)
    assert [(row["timestamp"], *fill) for row, fill in zip(result.trades, fills(result), strict=True)] == [
        (1, "buy", 100.0, 10, "fill"),
        (start + 4, "sell", 98.0, 4, "stop"),
        (start + 7, "sell", 97.0, 6, "stop"),
    ]
    later = [bid(start + 7 + 180 * SECOND, 97.0, 100), trade(start + 8 + 180 * SECOND, 96.0, 1)]
    assert fills(run(ticks + later, {"X": V2_1}, "v2_1_stop_loss", False))[3:] == [("buy", 97.0, 10, "fill")]


def test_a_stop_is_not_cut_by_the_limits_and_what_rests_is() -> None:
    ticks = [
        bid(0, 100.0, 50),
        trade(1, 99.0, 1),  # Long 50 at 100.
        ask(2, 101.0, 50),  # Quoted with 150: the limit and the position.
        bid(3, 90.0, 500),  # The stop,
        trade(4, 100.5, 1),  # which leaves room for 100.
        trade(5, 102.0, 1),
    ]
    config = V2_1 | {"quote_size_bid": 50, "quote_size_ask": 1_000, "max_position": 100}
    result = run(ticks, {"X": config}, "v2_1_stop_loss", False)
    assert fills(result) == [
        ("buy", 100.0, 50, "fill"),
        ("sell", 90.0, 50, "stop"),
        ("sell", 101.0, 100, "fill"),
    ]


def test_v2_1_stops_a_short_position_too() -> None:
    ticks = [ask(0, 100.0, 50), trade(1, 101.0, 1), ask(2, 102.0, 50), trade(3, 95.0, 1)]
    result = run(ticks, {"X": V2_1 | {"taker_fee_bps": 1}}, "v2_1_stop_loss", False)
    assert fills(result)[1:] == [("buy", 102.0, 10, "stop")]
    assert result.summary["fees"] == pytest.approx(1020 * 1e-4, abs=1e-12)
