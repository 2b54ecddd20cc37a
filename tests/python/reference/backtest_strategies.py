"""The strategies of the backtester a second time, each from its description."""

from collections.abc import Iterable
from typing import Any, ClassVar

from reference.backtest import BUY, SELL, SIDES, Backtest, Cancel, Message, Order, Result, replay
from reference.backtest_settings import nanoseconds, settings


class Quoting:
    """What the strategies share: sizes, limits, and at most one order a side."""

    defaults: ClassVar[dict[str, Any]] = {
        "quote_size": 50_000,
        "quote_size_bid": None,
        "quote_size_ask": None,
        "refill_interval_sec": 180,
        "min_local_currency_before_quote": 25_000,
    }

    def __init__(self, settings: dict[str, Any]) -> None:
        self.sizes = {BUY: settings["quote_size_bid"], SELL: settings["quote_size_ask"]}
        for side in SIDES:
            self.sizes[side] = float(settings["quote_size"] if self.sizes[side] is None else self.sizes[side])
        self.refill = nanoseconds(settings["refill_interval_sec"], 1e9)
        self.least_notional = float(settings["min_local_currency_before_quote"])
        self.reset()

    def reset(self) -> None:
        self.orders: dict[int, Order | None] = {BUY: None, SELL: None}

    def filled(self, order: Order, time: int) -> None:
        pass

    def tick(self, backtest: Backtest) -> list[Message]:
        raise NotImplementedError

    def alive(self, side: int) -> Order | None:
        """The order sent last on this side, unless it is gone or a cancel was sent after it."""
        order = self.orders[side]
        return order if order and order.alive else None

    def whole_size(self, backtest: Backtest, side: int, price: float) -> float:
        quote_size: float = self.sizes[side]
        return min(quote_size, backtest.limit(price) - side * backtest.position)

    def enough(self, backtest: Backtest, side: int, size: float) -> bool:
        best = backtest.best[side]
        return size > 0 and best is not None and best.price * best.size >= self.least_notional

    def send(self, backtest: Backtest, side: int, size: float) -> list[Message]:
        best = backtest.best[side]
        assert best
        order = Order(side, best.price, size)
        self.orders[side] = order
        return [order]

    def cancel(self, side: int) -> list[Message]:
        if not self.alive(side):
            return []
        self.orders[side] = None
        return [Cancel(side)]


class Baseline(Quoting):
    """Joins the best of each side once a refill interval."""

    def reset(self) -> None:
        super().reset()
        self.placed: dict[int, int | None] = {BUY: None, SELL: None}

    def tick(self, backtest: Backtest) -> list[Message]:
        messages = []
        for side in SIDES:
            best, placed = backtest.best[side], self.placed[side]
            if best is None or (placed is not None and backtest.time - placed < self.refill):
                continue
            size = self.whole_size(backtest, side, best.price)
            if self.enough(backtest, side, size):
                messages += self.send(backtest, side, size)
                self.placed[side] = backtest.time
            else:
                messages += self.cancel(side)
        return messages


class PriceFollow(Quoting):
    """Moves with the best of each side; what was filled comes back after the refill interval."""

    def reset(self) -> None:
        super().reset()
        self.last_fill: dict[int, int | None] = {BUY: None, SELL: None}
        self.left = {BUY: 0.0, SELL: 0.0}  # Of the order that was filled last.
        self.lacks = {BUY: False, SELL: False}  # A fill that no order of the whole size made up for.

    def filled(self, order: Order, time: int) -> None:
        if not order.taking:
            self.last_fill[order.side] = time
            self.left[order.side] = order.remaining
            self.lacks[order.side] = True

    def tick(self, backtest: Backtest) -> list[Message]:
        return [message for side in SIDES for message in self.follow(backtest, side)]

    def follow(self, backtest: Backtest, side: int) -> list[Message]:
        best, filled = backtest.best[side], self.last_fill[side]
        if best is None:
            return []
        blocked = filled is not None and backtest.time - filled < self.refill
        desired = self.left[side] if blocked else self.whole_size(backtest, side, best.price)
        order = self.alive(side)
        if order and order.price == best.price:
            # Before its arrival an order has its whole size.
            remaining = order.remaining if order in backtest.resting else order.size
            enough = remaining <= desired if blocked else remaining >= desired or not self.lacks[side]
            if enough:
                return []
        if not self.enough(backtest, side, desired):
            return self.cancel(side)
        self.lacks[side] = self.lacks[side] and blocked
        return self.send(backtest, side, desired)


class StopLoss(PriceFollow):
    """Follows the price, and closes a position whose loss has become too large."""

    defaults: ClassVar[dict[str, Any]] = PriceFollow.defaults | {"stop_loss_threshold_pct": 2.0}

    def __init__(self, settings: dict[str, Any]) -> None:
        self.threshold = float(settings["stop_loss_threshold_pct"])
        super().__init__(settings)

    def reset(self) -> None:
        super().reset()
        self.stopping: int | None = None  # The side that opened what is being closed.
        self.last_stop: dict[int, int | None] = {BUY: None, SELL: None}  # By the side that opened.
        self.stop_order: Order | None = None

    def filled(self, order: Order, time: int) -> None:
        super().filled(order, time)
        if order.taking:
            self.last_stop[-order.side] = time

    def tick(self, backtest: Backtest) -> list[Message]:
        opening = (BUY if backtest.position > 0 else SELL) if backtest.position else None
        if self.stopping != opening:
            self.stopping = None
        if opening and not self.stopping and self.loss_pct(backtest, opening) >= self.threshold:
            self.stopping = opening
        messages = self.cancel(self.stopping) if self.stopping else []
        in_flight = self.stop_order is not None and self.stop_order.alive
        if self.stopping and not in_flight:
            quantity = min(abs(backtest.position), backtest.available(-self.stopping))
            if quantity > 0:
                self.stop_order = Order(-self.stopping, 0.0, quantity, taking=True)
                messages.append(self.stop_order)
        for side in SIDES:
            stopped = self.last_stop[side]
            silent = stopped is not None and backtest.time - stopped < self.refill
            if side != self.stopping and not silent:
                messages += self.follow(backtest, side)
        return messages

    def loss_pct(self, backtest: Backtest, opening: int) -> float:
        best, average = backtest.best[opening], backtest.ledger.average
        if best is None:
            return 0.0
        if opening == BUY:
            return ((average - best.price) / average) * 100
        return ((best.price - average) / average) * 100


STRATEGIES: dict[str, type[Quoting]] = {
    "v1_baseline": Baseline,
    "v2_price_follow": PriceFollow,
    "v2_1_stop_loss": StopLoss,
}


def run(
    ticks: Iterable[tuple[Any, ...]], config: dict[str, Any], strategy: str, has_side: bool, security: str = "X"
) -> Result:
    """A strategy by its name, with what a configuration says about one security."""
    made = STRATEGIES[strategy]
    merged = settings(config, security, made.defaults)
    return replay(ticks, merged, made(merged), has_side, security)
