"""What the backtester computes on best bids, asks and trades, written a second time: tick by tick, in plain Python.

`replay` follows the order of work of one tick to the letter: date change, end of the session, arrivals, matching,
flatten, book and queues, strategy. The money is in `backtest_ledger`, the strategies are in `backtest_strategies`.

Floats of the matching, which another implementation must compute alike:
size at the decision     min(quote_size, limit - position), of an ask min(quote_size, limit + position)
limit                    max_position, or min(max_position, floor(max_notional / price))
cut on arrival           min(size, (limit - position) - others), of an ask min(size, (limit + position) - others), where
                         others is the sum of what remains of own resting orders on that side, in the order of arrival;
                         one that takes to close: min(size, |position|, displayed - consumed)
cut after taking         newest first, min(remaining, (limit - position) - others), mirrored
a trade at our price     others = max(0, ahead - eaten); used = min(others, left); left -= used; eaten += used;
                         fill = min(remaining, left); left -= fill; order by order,
                         and after the last, for each, ahead = max(0, ahead - eaten)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from reference.backtest_ledger import (
    DAY_NS,
    EQUITY_COLUMNS,
    SUMMARY_COLUMNS,
    TRADE_COLUMNS,
    Ledger,
    Row,
    csv,
    summarize,
)
from reference.backtest_settings import Market, nanoseconds

BUY, SELL = 1, -1
SIDES = (BUY, SELL)
SECOND_NS = 10**9
MINUTE_NS = 60 * SECOND_NS
HOUR_NS = 60 * MINUTE_NS


class Tick(NamedTuple):
    timestamp: int  # Nanoseconds since 1970 of the venue's clock.
    type: str  # bid, ask or trade.
    price: float
    volume: float
    side: int | None = None  # Of a trade: who took, 1 a buyer, -1 a seller.


class Best(NamedTuple):
    price: float
    size: float


@dataclass(eq=False)
class Order:
    side: int
    price: float
    size: float
    replaces: bool = True  # Own orders of its side go when it arrives.
    taking: bool = False  # Closes a position at the opposite best, no more than is there.
    alive: bool = True  # From its sending until it is filled, rejected or gone.
    remaining: float = 0.0
    ahead: float = 0.0
    filled: float = 0.0


class Cancel(NamedTuple):
    side: int


Message = Order | Cancel


class Strategy(Protocol):
    def reset(self) -> None:
        """Forget what happened: another date begins."""

    def filled(self, order: Order, time: int) -> None:
        """One of its orders had a fill."""

    def tick(self, backtest: "Backtest") -> list[Message]:
        """What to send, at a tick of the continuous session."""


@dataclass
class Result:
    trades: list[Row]
    equity: list[Row]
    summary: Row
    fill_ticks: list[int]  # For each trade, the index of the tick whose work gave it; at the end, of one more.
    rejected_orders: int
    rejected_cancels: int

    def files(self) -> dict[str, bytes]:
        """What is written for one security, and a summary of it alone."""
        name = self.summary["security"].lower()
        return {
            f"{name}_trades_timeseries.csv": csv(TRADE_COLUMNS, self.trades),
            f"{name}_equity.csv": csv(EQUITY_COLUMNS, self.equity),
            "backtest_summary.csv": csv(SUMMARY_COLUMNS, [self.summary]),
        }


@dataclass
class Backtest:
    settings: dict[str, Any]
    strategy: Strategy
    has_side: bool
    interval: int  # Nanoseconds between samples of the equity.
    time: int = 0
    index: int = -1
    date: int | None = None
    best: dict[int, Best | None] = field(
        default_factory=lambda: {BUY: None, SELL: None}
    )  # By the side that rests there.
    consumed: dict[int, float] = field(
        default_factory=lambda: {BUY: 0.0, SELL: 0.0}
    )  # Of the best, since its last quote.
    resting: list[Order] = field(default_factory=list)  # In the order of arrival.
    on_the_way: list[tuple[int, Message]] = field(default_factory=list)
    last_trade: Tick | None = None  # Of this date, where dates are closed.
    flattened: bool = False
    market_dates: set[int] = field(default_factory=set)
    equity: list[Row] = field(default_factory=list)
    fill_ticks: list[int] = field(default_factory=list)
    rejected_orders: int = 0
    rejected_cancels: int = 0

    session: int | None = None  # The one this tick belongs to.

    def __post_init__(self) -> None:
        self.market = Market.of(self.settings["market"])
        self.latency = nanoseconds(self.settings["order_latency_ms"], 1e6)
        inverse = self.settings["contract"] == "inverse"
        self.ledger = Ledger(inverse=inverse, contract_size=float(self.settings["contract_size"]))

    @property
    def position(self) -> float:
        return self.ledger.position

    def limit(self, price: float) -> float:
        largest = float(self.settings["max_position"])
        notional = self.settings["max_notional"]
        return largest if notional is None else min(largest, float(math.floor(notional / price)))

    def available(self, side: int) -> float:
        """What an order of this side could take at once."""
        best = self.best[-side]
        return best.size - self.consumed[-side] if best else 0.0

    def mid(self) -> float | None:
        bid, ask = self.best[BUY], self.best[SELL]
        if bid and ask:
            return (bid.price + ask.price) / 2
        return self.last_trade.price if self.last_trade else None

    # One tick.

    def work(self, index: int, tick: Tick) -> None:
        self.index = index
        interval_before = self.time // self.interval if index else None
        date = tick.timestamp // DAY_NS
        if self.date is not None and date != self.date:
            self.end_date()
        self.time, self.date = tick.timestamp, date
        session = self.market.session_at(self.time) if self.market else 0
        if session != self.session:
            self.drop_orders()
        self.session = session
        self.arrive()
        if tick.type == "trade":
            self.market_dates.add(date)
            self.match(tick)
            self.last_trade = tick
            self.flatten(tick)
        else:
            self.quote(tick)
        if self.session is not None and not self.flattened:
            self.on_the_way += [(self.time + self.latency, message) for message in self.strategy.tick(self)]
        if self.time // self.interval != interval_before:
            self.sample(self.mid())

    def end_date(self) -> None:
        if self.market is None:
            return
        self.drop_orders()
        if self.position:
            side = SELL if self.position > 0 else BUY
            time, price = self.time, self.ledger.average
            if self.last_trade:
                time, price = self.last_trade.timestamp, self.last_trade.price
            elif best := self.best[-side]:
                price = best.price
            self.fill(time, side, price, abs(self.position), "taker", "flatten")
        self.best = {BUY: None, SELL: None}
        self.consumed = {BUY: 0.0, SELL: 0.0}
        self.last_trade = None
        self.flattened = False
        self.strategy.reset()

    def drop_orders(self) -> None:
        for order in self.resting + [message for _, message in self.on_the_way if isinstance(message, Order)]:
            order.alive = False
        self.resting, self.on_the_way = [], []

    # Orders and cancels arrive.

    def arrive(self) -> None:
        arrived = [message for due, message in self.on_the_way if due <= self.time]
        self.on_the_way = [(due, message) for due, message in self.on_the_way if due > self.time]
        for message in arrived:
            if isinstance(message, Cancel):
                self.rejected_cancels += not self.remove(message.side)
            elif message.taking:
                self.take(message)
            else:
                self.rest(message)

    def remove(self, side: int) -> bool:
        gone = [order for order in self.resting if order.side == side]
        for order in gone:
            order.alive = False
        self.resting = [order for order in self.resting if order.side != side]
        return bool(gone)

    def room(self, side: int, price: float, among: list[Order]) -> float:
        """What may still rest on a side, beside its orders among these."""
        others = 0.0
        for other in among:
            if other.side == side:
                others += other.remaining
        return (self.limit(price) - side * self.position) - others

    def rest(self, order: Order) -> None:
        if order.replaces:
            self.remove(order.side)
        order.remaining = min(order.size, self.room(order.side, order.price, self.resting))
        if order.remaining <= 0:
            self.reject(order)
            return
        best = self.best[order.side]
        if best is None or order.side * order.price > order.side * best.price:
            order.ahead = 0.0
        else:  # Behind the best nobody knows, until a quote shows that price.
            order.ahead = best.size if order.price == best.price else math.inf
        self.resting.append(order)

    def take(self, order: Order) -> None:
        best = self.best[-order.side]
        closes = max(0.0, -order.side * self.position)
        if best is None:
            self.reject(order)
            return
        quantity = min(order.size, closes, self.available(order.side))
        if quantity <= 0:
            self.reject(order)
            return
        order.alive = False
        self.consumed[-order.side] += quantity
        self.fill(self.time, order.side, best.price, quantity, "taker", "stop")
        self.strategy.filled(order, self.time)
        for resting in reversed(self.resting):
            older = [other for other in self.resting[: self.resting.index(resting)] if other.alive]
            resting.remaining = min(resting.remaining, max(0.0, self.room(resting.side, resting.price, older)))
            resting.alive = resting.remaining > 0
        self.resting = [resting for resting in self.resting if resting.alive]

    def reject(self, order: Order) -> None:
        order.alive = False
        self.rejected_orders += 1

    # A trade meets resting orders.

    def match(self, trade: Tick) -> None:
        for side in self.sides_it_fills(trade):
            left = trade.volume
            for order in self.best_first(side):
                if side * order.price > side * trade.price:
                    left = self.pass_through(order, left, trade.volume)
            self.meet(side, trade.price, left)
        self.resting = [order for order in self.resting if order.remaining > 0]

    def sides_it_fills(self, trade: Tick) -> Sequence[int]:
        if not self.has_side:
            return SIDES
        taker = trade.side if trade.side is not None else self.side_by_quotes(trade.price)
        return [-taker] if taker else []

    def side_by_quotes(self, price: float) -> int | None:
        bid, ask = self.best[BUY], self.best[SELL]
        middle = (bid.price + ask.price) / 2 if bid and ask else None
        if (ask and price >= ask.price) or (middle is not None and price > middle):
            return BUY
        if (bid and price <= bid.price) or (middle is not None and price < middle):
            return SELL
        return None

    def best_first(self, side: int) -> list[Order]:
        return sorted((order for order in self.resting if order.side == side), key=lambda order: -side * order.price)

    def pass_through(self, order: Order, left: float, most: float) -> float:
        """Fills an order whose price was traded or quoted through; what is left of the size that came."""
        if self.settings["through_fill"] == "capped":
            quantity = min(order.remaining, left)
            left -= quantity
        else:
            quantity = order.remaining
        self.fill_resting(order, quantity)
        return left

    def meet(self, side: int, price: float, left: float) -> None:
        queue = [order for order in self.resting if order.side == side and order.price == price]
        eaten = 0.0
        for order in queue:
            others = max(0.0, order.ahead - eaten)
            used = min(others, left)
            left -= used
            eaten += used
            quantity = min(order.remaining, left)
            left -= quantity
            self.fill_resting(order, quantity)
        for order in queue:
            order.ahead = max(0.0, order.ahead - eaten)

    def fill_resting(self, order: Order, quantity: float) -> None:
        if quantity <= 0:
            return
        order.remaining -= quantity
        order.filled += quantity
        order.alive = order.remaining > 0
        self.fill(self.time, order.side, order.price, quantity, "maker", "fill")
        self.strategy.filled(order, self.time)

    def fill(self, time: int, side: int, price: float, quantity: float, fee: str, kind: str) -> None:
        self.ledger.fill(time, side, price, quantity, float(self.settings[f"{fee}_fee_bps"]), kind)
        self.fill_ticks.append(self.index)

    # The rest of the tick.

    def flatten(self, trade: Tick) -> None:
        if not self.market or self.market.flatten is None or self.flattened:
            return
        if self.time % DAY_NS < self.market.flatten:
            return
        if self.position:
            side = SELL if self.position > 0 else BUY
            self.fill(self.time, side, trade.price, abs(self.position), "taker", "flatten")
        self.drop_orders()
        self.flattened = True

    def quote(self, tick: Tick) -> None:
        side = BUY if tick.type == "bid" else SELL
        self.best[side] = Best(tick.price, tick.volume)
        self.consumed[side] = 0.0
        for order in self.resting:
            careful = self.settings["queue"] == "risk_averse" or order.ahead == math.inf
            if order.side == side and order.price == tick.price and careful:
                order.ahead = min(order.ahead, tick.volume)
        if self.settings["quote_cross"]:
            left = tick.volume
            for order in self.best_first(-side):
                if -side * order.price >= -side * tick.price:
                    left = self.pass_through(order, left, tick.volume)
            self.resting = [order for order in self.resting if order.remaining > 0]

    def sample(self, mid: float | None) -> None:
        row = [self.time, self.position, mid, self.ledger.pnl, self.ledger.equity(mid)]
        self.equity.append(dict(zip(EQUITY_COLUMNS, row, strict=True)))


def replay(
    ticks: Iterable[tuple[Any, ...]], settings: dict[str, Any], strategy: Strategy, has_side: bool, security: str = "X"
) -> Result:
    """Every tick in the order of time, then the end of the data as one more date change."""
    ordered = sorted((Tick(*tick) for tick in ticks), key=lambda tick: tick.timestamp)
    span = ordered[-1].timestamp - ordered[0].timestamp if ordered else 0
    interval = SECOND_NS if span < HOUR_NS else MINUTE_NS
    if settings["equity_interval_sec"] is not None:
        interval = nanoseconds(settings["equity_interval_sec"], 1e9)
    backtest = Backtest(settings, strategy, has_side, interval)
    for index, tick in enumerate(ordered):
        backtest.work(index, tick)
    if ordered:
        mid = backtest.mid()
        backtest.index += 1
        backtest.end_date()
        backtest.sample(mid)
    ledger = backtest.ledger
    return Result(
        trades=ledger.rows,
        equity=backtest.equity,
        summary=summarize(security, ledger, backtest.market_dates, len(ordered)),
        fill_ticks=backtest.fill_ticks,
        rejected_orders=backtest.rejected_orders,
        rejected_cancels=backtest.rejected_cancels,
    )
