"""Ticks and strategies for the tests of backtests. A module of its own, since worker processes import it."""

import os
import random
import signal
from pathlib import Path
from typing import Any, ClassVar, Literal

import pyarrow as pa
import pyarrow.parquet as pq
from sabot.fintech import EWMAKernel, RollingStdKernel

from sabot.backtest import Strategy

MORNING = 1_723_104_000_000_000_000  # 2024-08-08T08:00:00
NAMES = ("AAA", "BBB", "CCC", "DDD")


def ticks(seed: int, rows: int = 3_000, *, side: bool = False) -> pa.Table:
    """A random walk of quotes and trades over about three days."""
    draw = random.Random(seed)
    time, mid = MORNING, 1_000
    columns: dict[str, list[Any]] = {"timestamp": [], "type": [], "price": [], "volume": [], "side": []}
    for _ in range(rows):
        time += draw.randrange(0, 2 * 3 * 86_400_000_000_000 // rows)
        kind = draw.choice(("bid", "ask", "trade"))
        mid += draw.choice((-1, 0, 0, 1))
        price = mid + {"bid": -1, "ask": 1, "trade": draw.choice((-1, 1))}[kind]
        values = (time, kind, price / 64, float(draw.randrange(1, 100_000)), draw.choice((1, -1, None)))
        for column, value in zip(columns.values(), values, strict=True):
            column.append(value)
    types = (pa.timestamp("ns"), pa.string(), pa.float64(), pa.float64(), pa.int8())
    arrays = [pa.array(values, kind) for values, kind in zip(columns.values(), types, strict=True)]
    codes = pa.array([("bid", "ask", "trade").index(each) for each in columns["type"]], pa.int8())
    arrays[1] = pa.DictionaryArray.from_arrays(codes, pa.array(["bid", "ask", "trade"]))
    table = pa.table(dict(zip(columns, arrays, strict=True)))
    return table if side else table.drop_columns("side")


def write_ticks(path: Path, security: str, table: pa.Table, market: str = "adx") -> None:
    """As the converter writes them."""
    known = {
        "ticks": "1",
        "security": security,
        "source": "a test",
        "source_digest": "0",
        "market": market,
        "rows": str(table.num_rows),
        "rejected": "2",
        "reordered": "0",
        "securities": "1",
    }
    pq.write_table(table.replace_schema_metadata({f"sabot.{name}": value for name, value in known.items()}), path)


def write_folder(folder: Path, names: tuple[str, ...] = NAMES, rows: int = 3_000) -> Path:
    """A tick file a name."""
    folder.mkdir()
    for seed, name in enumerate(names):
        write_ticks(folder / f"{name.lower()}.parquet", name, ticks(seed, rows))
    return folder


def files_of(folder: Path) -> dict[str, bytes]:
    """The bytes of each file."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


class Joins(Strategy):
    """Quotes `size` at both best prices where nothing of it is open on that side."""

    size: float = 100.0
    SIDES: ClassVar = ("buy", "sell")

    def on_tick(self, moment: Any, orders: Any) -> None:
        sides = {order.side for order in orders.open}
        if moment.bid is not None and "buy" not in sides and moment.position < moment.limit(moment.bid):
            orders.buy(moment.bid, self.size)
        if moment.ask is not None and "sell" not in sides and -moment.position < moment.limit(moment.ask):
            orders.sell(moment.ask, self.size)


class Baseline(Strategy):
    """v1_baseline, written from its description."""

    quote_size: float = 50_000.0
    refill_interval_sec: float = 180.0
    max_position: float = 2_000_000.0
    min_local_currency_before_quote: float = 25_000.0

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.order: dict[str, int | None] = {"buy": None, "sell": None}
        self.placed: dict[str, int | None] = {"buy": None, "sell": None}

    def on_date(self) -> None:
        self.order = {"buy": None, "sell": None}
        self.placed = {"buy": None, "sell": None}

    def on_tick(self, moment: Any, orders: Any) -> None:
        self._quote("buy", moment.bid, moment.bid_size, moment.position, moment, orders)
        self._quote("sell", moment.ask, moment.ask_size, -moment.position, moment, orders)

    def _quote(self, side: str, price: float | None, ahead: float, held: float, moment: Any, orders: Any) -> None:
        placed = self.placed[side]
        if price is None or (placed is not None and moment.timestamp - placed < self.refill_interval_sec * 1e9):
            return
        size = min(self.quote_size, moment.limit(price) - held)
        if size > 0 and price * ahead >= self.min_local_currency_before_quote:
            send = orders.buy if side == "buy" else orders.sell
            self.order[side] = send(price, size, replaces=self.order[side])
            self.placed[side] = moment.timestamp
        else:
            orders.cancel(self.order[side])
            self.order[side] = None


class Parameters(Joins):
    """One parameter of each kind."""

    ticks: int = 3
    often: bool = False
    mode: Literal["calm", "wild"] = "calm"
    note: str | None = None


class Features(Joins):
    """Joins where a kernel says that it is calm."""

    def features(self) -> dict[str, Any]:
        return {"vol": RollingStdKernel(column="mid", window=20), "slow": EWMAKernel(column="vol", alpha=0.1)}

    def on_tick(self, moment: Any, orders: Any) -> None:
        if moment.vol is not None and moment.slow is not None and moment.vol <= moment.slow:
            super().on_tick(moment, orders)


class Fails(Joins):
    """Does one of the things that a strategy must not do, at a tick of a security that its configuration picks."""

    how: Literal["not", "raise", "fill", "date", "exit", "kill", "parameters"] = "not"
    at: int = 50

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**parameters)
        self.count = 0
        if self.how == "parameters":
            raise ValueError("size is not to its taste")

    def on_tick(self, moment: Any, orders: Any) -> None:
        self.count += 1
        if self.count == self.at:
            if self.how == "raise":
                raise ZeroDivisionError("a\nb")
            if self.how == "exit":
                os._exit(3)
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
        super().on_tick(moment, orders)

    def on_fill(self, fill: Any) -> None:
        if self.how == "fill":
            raise RuntimeError(f"no {fill.side} of {fill.quantity:g}")

    def on_date(self) -> None:
        if self.how == "date":
            raise RuntimeError("no more dates")


class WaitsForever(Joins):
    """Says that it has begun, and goes on until it is ended."""

    marker: str = ""

    def on_tick(self, moment: Any, orders: Any) -> None:
        super().on_tick(moment, orders)
        if moment.position and self.marker:
            (Path(self.marker) / str(os.getpid())).touch()
            while True:
                pass


def wide(size: float = 10.0) -> Joins:
    """A function that makes a strategy."""
    return Joins(size=2 * size)
