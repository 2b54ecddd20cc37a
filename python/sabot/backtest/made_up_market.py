"""A market that was made up: quotes and trades of a security in the sessions of Abu Dhabi and Dubai.

The same options give the same ticks, whatever the version of Python.
"""

import datetime as dt
import itertools
import random
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sabot.errors import OptionError

__all__ = ["MadeUpTick", "made_up_ticks", "trading_days"]

_FIRST_DATE = dt.date(2024, 8, 5)  # A Monday.
_MINUTE_MS = 60_000
_OPEN_MS = (9 * 60 + 30) * _MINUTE_MS
_CONTINUOUS_MS = (10 * 60 + 5) * _MINUTE_MS
_CLOSING_MS = (14 * 60 + 45) * _MINUTE_MS
_AT_LAST_MS = (14 * 60 + 55) * _MINUTE_MS
_CLOSE_MS = 15 * 60 * _MINUTE_MS


class MadeUpTick(NamedTuple):
    """A row of a sheet: the venue's wall time, what changed, and how."""

    time: dt.datetime
    type: str  # BID, ASK or TRADE.
    price: float
    size: int


def trading_days(dates: int | Sequence[dt.date]) -> list[dt.date]:
    """The first so many from 5 August 2024, without weekends; or those given, in their order."""
    if not isinstance(dates, int):
        days = list(dates)
    else:
        days = []
        day = _FIRST_DATE
        while len(days) < dates:
            if day.weekday() < 5:
                days.append(day)
            day += dt.timedelta(days=1)
    if not days or any(later <= earlier for earlier, later in itertools.pairwise(days)):
        raise OptionError(f"made-up ticks: dates must be at least one, in their order, found {dates!r}.")
    return days


def made_up_ticks(
    security: str, *, ticks: int = 42_000, seed: int = 1, dates: int | Sequence[dt.date] = 5
) -> Iterator[MadeUpTick]:
    """The ticks of one sheet. Times are whole milliseconds from 09:30 to 15:00.

    In the auctions (before 10:05, after 14:45) there are quotes only; from 14:55 on trades are at the last price.
    """
    chance = random.Random(f"{seed} {security.lower()}").random  # The one method that never changes.
    days = trading_days(dates)
    book = _Book(chance)
    for number, day in enumerate(days):
        midnight = dt.datetime.combine(day, dt.time())
        count = ticks * (number + 1) // len(days) - ticks * number // len(days)
        gaps = [0.02 + chance() ** 4 for _ in range(count + 1)]
        scale = (_CLOSE_MS - _OPEN_MS) / sum(gaps)
        elapsed = 0.0
        for gap in gaps[:-1]:
            elapsed += gap
            time_ms = _OPEN_MS + int(elapsed * scale)
            kind, ticks_of_price, size = book.next(time_ms)
            yield MadeUpTick(
                midnight + dt.timedelta(milliseconds=time_ms), kind, round(ticks_of_price * book.tick_size, 3), size
            )
        book.forget()


class _Book:
    """A best bid and ask that trades eat and quotes fill up again; prices in ticks."""

    def __init__(self, chance: Callable[[], float]) -> None:
        self._chance = chance
        price: float = 0.7 * 60 ** chance()
        # As these venues have it: a finer grid where prices are small.
        self.tick_size = next(size for below, size in ((1, 0.001), (10, 0.01), (50, 0.02)) if price < below)
        self._unit = max(1, round(2_000 / price))  # Shares; a quote is worth 10,000 to 800,000.
        self._bid = round(price / self.tick_size)
        self._ask = self._bid + 1
        self._usual = self._bid
        self._last = self._bid
        self._bid_size = self._displayed()
        self._ask_size = self._displayed()
        self._pressure = 0.0  # From -1 to 1: where trades and quotes go to.
        self._pending: list[tuple[str, int, int]] = []

    def forget(self) -> None:
        """A new day."""
        self._pending.clear()

    def next(self, time_ms: int) -> tuple[str, int, int]:
        """The next row: its type, price and size."""
        if self._pending:
            return self._pending.pop(0)
        chance = self._chance
        draw = chance()
        if time_ms >= _AT_LAST_MS and draw < 0.4:
            return "TRADE", self._last, self._traded()
        if _CONTINUOUS_MS <= time_ms < _CLOSING_MS and draw < 0.4:
            return self._trade()
        return self._quote_bid() if chance() < 0.5 else self._quote_ask()

    def _displayed(self) -> int:
        return self._unit * (5 + int(400 * self._chance() ** 2))

    def _traded(self) -> int:
        return self._unit * (1 + int(60 * self._chance() ** 3))

    def _resized(self, size: int) -> int:
        """Another size of a quote that stays where it is."""
        if self._chance() < 0.02:
            return self._displayed()
        return max(self._unit, int(size * (0.8 + 0.4 * self._chance())))

    def _moves(self, pressure: float) -> int:
        """Ticks towards the other side, where there is room, or away from it; by the pressure behind the quote."""
        spread = self._ask - self._bid
        if spread > 1:
            return int(self._chance() < 0.3 * (spread - 1) * (1 + pressure))
        return -int(self._chance() < 0.06 * (1 - pressure))

    def _quote_bid(self) -> tuple[str, int, int]:
        ticks = self._moves(self._pressure)
        self._bid_size = self._displayed() if ticks else self._resized(self._bid_size)
        self._bid = max(self._bid + ticks, 2)
        return "BID", self._bid, self._bid_size

    def _quote_ask(self) -> tuple[str, int, int]:
        ticks = self._moves(-self._pressure)
        self._ask_size = self._displayed() if ticks else self._resized(self._ask_size)
        self._ask -= ticks
        return "ASK", self._ask, self._ask_size

    def _trade(self) -> tuple[str, int, int]:
        """One at the best price, and the quote that it leaves; now and then it takes all that is there, and more."""
        chance = self._chance
        home = (self._usual - self._bid) / self._usual
        self._pressure = min(max(0.97 * self._pressure + 0.25 * (chance() - 0.5) + 0.3 * home, -0.9), 0.9)
        buys = chance() < 0.5 + 0.4 * self._pressure
        there = self._ask_size if buys else self._bid_size
        sweeps = chance() < 0.03
        size = there if sweeps else min(self._traded(), there)
        step = 1 if buys else -1
        price = self._ask if buys else self._bid
        if sweeps and chance() < 0.4 and price + step > 1:  # The price behind it traded, too.
            self._pending.append(("TRADE", price + step, self._traded()))
        self._last = price
        if size < there:
            if buys:
                self._ask_size -= size
            else:
                self._bid_size -= size
        elif buys:
            self._ask, self._ask_size = self._ask + 1, self._displayed()
        else:
            self._bid, self._bid_size = max(self._bid - 1, 2), self._displayed()
        self._pending.append(("ASK", self._ask, self._ask_size) if buys else ("BID", self._bid, self._bid_size))
        return "TRADE", price, size
