"""Position, PnL, fees and the files of a backtest: the money side of `reference.backtest`.

Floats are Python's, so that another implementation can agree bit by bit; these are the expressions, bracket by bracket,
with q the quantity (positive), p the fill price, m the contract size and position signed:

value(q, x, y)   linear ((y - x) * q) * m;  inverse (q * m) * (1 / x - 1 / y)
realized_pnl     closing q of a long value(q, average, p), of a short value(q, p, average); an opening fill 0
average          from flat p; extended, linear (average * |position| + p * q) / (|position| + q),
                 inverse (|position| + q) / (|position| / average + q / p); reduced, as it was; flat 0
crossing zero    closes |position|, and the rest q - |position| opens at p
fee              linear (((q * p) * m) * bps) / 1e4;  inverse (((q * m) / p) * bps) / 1e4
pnl              pnl + (realized_pnl - fee), and the same sum by the date of the fill
drawdown         peak = max(peak, pnl) from 0, worst = max(worst, peak - pnl), fill by fill
sharpe           (mean / sqrt(sum of (x - mean) * (x - mean) / (n - 1))) * sqrt(252), sums in the order of the dates
equity           flat pnl; linear pnl + (position * (mid - average)) * m;
                 inverse pnl + (position * m) * (1 / average - 1 / mid)
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

DAY_NS = 86_400 * 10**9

TRADE_COLUMNS = ["timestamp", "side", "fill_price", "fill_qty", "realized_pnl", "position", "pnl", "kind"]
EQUITY_COLUMNS = ["timestamp", "position", "mid", "pnl", "equity"]
SUMMARY_COLUMNS = [
    *("security", "trades", "realized_pnl", "market_dates", "strategy_dates", "final_position", "volume", "fees"),
    *("max_drawdown", "sharpe", "win_rate", "rows", "rejected", "error"),
]

Row = dict[str, Any]


@dataclass
class Ledger:
    """What fills make of cash and inventory."""

    inverse: bool = False
    contract_size: float = 1.0
    position: float = 0.0
    average: float = 0.0
    pnl: float = 0.0
    fees: float = 0.0
    rows: list[Row] = field(default_factory=list)
    daily: dict[int, float] = field(default_factory=dict)  # By date, after fees.
    reductions: int = 0
    wins: int = 0

    def fill(self, time: int, side: int, price: float, quantity: float, bps: float, kind: str) -> None:
        held = abs(self.position)
        realized = 0.0
        if self.position * side >= 0:
            self.average = self.extended(held, price, quantity) if held else price
            self.position += side * quantity
        else:
            closed = min(held, quantity)
            long = self.position > 0
            realized = self.value(closed, self.average, price) if long else self.value(closed, price, self.average)
            self.reductions += 1
            self.wins += realized > 0
            self.position += side * quantity
            if quantity > held:
                self.average = price
            elif quantity == held:
                self.average = 0.0
        fee = self.fee(price, quantity, bps)
        self.fees += fee
        self.pnl += realized - fee
        date = time // DAY_NS
        self.daily[date] = self.daily.get(date, 0.0) + (realized - fee)
        side_name = "buy" if side > 0 else "sell"
        row = [time, side_name, price, quantity, realized, self.position, self.pnl, kind]
        self.rows.append(dict(zip(TRADE_COLUMNS, row, strict=True)))

    def extended(self, held: float, price: float, quantity: float) -> float:
        if self.inverse:
            return (held + quantity) / (held / self.average + quantity / price)
        return (self.average * held + price * quantity) / (held + quantity)

    def value(self, quantity: float, bought: float, sold: float) -> float:
        if self.inverse:
            return (quantity * self.contract_size) * (1 / bought - 1 / sold)
        return ((sold - bought) * quantity) * self.contract_size

    def fee(self, price: float, quantity: float, bps: float) -> float:
        if self.inverse:
            return (((quantity * self.contract_size) / price) * bps) / 1e4
        return (((quantity * price) * self.contract_size) * bps) / 1e4

    def equity(self, mid: float | None) -> float | None:
        if self.position == 0:
            return self.pnl
        if mid is None:
            return None
        if self.inverse:
            return self.pnl + (self.position * self.contract_size) * (1 / self.average - 1 / mid)
        return self.pnl + (self.position * (mid - self.average)) * self.contract_size


def drawdown(values: Iterable[float]) -> float:
    """The largest fall from a maximum, where the values began at 0."""
    peak = worst = 0.0
    for value in values:
        peak = max(peak, value)
        worst = max(worst, peak - value)
    return worst


def mean_and_deviation(values: Sequence[float]) -> tuple[float, float]:
    total = squares = 0.0
    for value in values:
        total += value
    mean = total / len(values)
    for value in values:
        squares += (value - mean) * (value - mean)
    return mean, math.sqrt(squares / (len(values) - 1))


def sharpe(daily: Sequence[float]) -> float | None:
    if len(daily) < 2:
        return None
    mean, deviation = mean_and_deviation(daily)
    return (mean / deviation) * math.sqrt(252.0) if deviation > 0 else None


def summarize(security: str, ledger: Ledger, market_dates: Iterable[int], ticks: int) -> Row:
    realized = volume = 0.0
    for row in ledger.rows:
        realized += row["realized_pnl"]
        volume += row["fill_qty"]
    dates = sorted(market_dates)
    values = [
        *(security, len(ledger.rows), realized, len(dates), len(ledger.daily)),
        *(ledger.position, volume, ledger.fees, drawdown(row["pnl"] for row in ledger.rows)),
        sharpe([ledger.daily.get(date, 0.0) for date in dates]),
        ledger.wins / ledger.reductions if ledger.reductions else None,
        *(ticks, 0, None),
    ]
    return dict(zip(SUMMARY_COLUMNS, values, strict=True))


def shortest(value: float) -> str:
    """The shortest digits that read back equal; with an exponent where that is shorter, as std::to_chars does."""
    if value == 0 or not math.isfinite(value):
        return {0.0: "-0" if math.copysign(1, value) < 0 else "0"}.get(value) or str(value)
    sign, digits, exponent = "-" if value < 0 else "", *digits_of(abs(value))
    power = exponent + len(digits) - 1
    scientific = (
        digits[0] + ("." + digits[1:] if len(digits) > 1 else "") + f"e{'-' if power < 0 else '+'}{abs(power):02}"
    )
    if exponent >= 0:
        fixed = str(int(abs(value)))
    elif -exponent < len(digits):
        fixed = digits[:exponent] + "." + digits[exponent:]
    else:
        fixed = "0." + "0" * (-exponent - len(digits)) + digits
    return sign + (fixed if len(fixed) <= len(scientific) else scientific)


def digits_of(value: float) -> tuple[str, int]:
    """The shortest decimal: its digits, without zeros at either end, and the power of ten they count."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = whole + fraction
    kept = digits.rstrip("0")
    return kept.lstrip("0"), int(exponent or 0) - len(fraction) + len(digits) - len(kept)


def iso(time: int) -> str:
    days, rest = divmod(time, DAY_NS)
    seconds, nanoseconds = divmod(rest, 10**9)
    return f"{date_of(days)}T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{nanoseconds:09}"


def date_of(days: int) -> str:
    """Counted forward or back from 1970-01-01, a year at a time."""
    year = 1970
    while not 0 <= days < days_in(year):
        if days < 0:
            year -= 1
            days += days_in(year)
        else:
            days -= days_in(year)
            year += 1
    month = 1
    for length in (31, days_in(year) - 337, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31):
        if days < length:
            break
        days -= length
        month += 1
    return f"{year:04}-{month:02}-{days + 1:02}"


def days_in(year: int) -> int:
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def cell(column: str, value: Any) -> str:
    if value is None:
        return ""
    if column == "timestamp":
        return iso(value)
    if isinstance(value, float):
        return shortest(value)
    text = str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n\r') else text


def csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The bytes of a file: a header, then one line a row."""
    lines = [",".join(columns)] + [",".join(cell(column, row[column]) for column in columns) for row in rows]
    return "".join(line + "\n" for line in lines).encode()
