"""Ticks and settings from a seed, with all that real ones hold: crossed books, zero sizes, equal times, odd hours."""

import random
from datetime import date
from typing import Any

from reference.backtest_ledger import DAY_NS

TickRow = tuple[int, str, float, float, int | None]

FIRST_DATE = (date(2024, 8, 5) - date(1970, 1, 1)).days


def ticks(seed: int, rows: int = 600, dates: int = 3, *, whole: bool = True) -> list[TickRow]:
    """A price that wanders over some dates, from before the opening auction until after the close.

    Sizes are whole numbers, or decimals whose sums are rounded. Sides are drawn for trades, now and then missing.
    """
    draw = random.Random(seed)
    step = draw.choice([0.01, 0.05, 1.0])
    mid = draw.choice([2.5, 40.0, 1000.0]) / 0.01 * step
    far = draw.choice([0.02, 0.1, 0.3])  # How often the price moves.
    given: list[TickRow] = []
    for day in range(dates):
        start, end = (hour * 3600 * 10**9 for hour in (9.4, 15.1))
        time = (FIRST_DATE + day) * DAY_NS + int(start)
        for _ in range(rows // dates):
            time += draw.choice([0, 0, 1, int(draw.expovariate(1) * 2 * (end - start) / (rows / dates))])
            if draw.random() < far:
                mid = max(10 * step, mid + step * draw.choice([-2, -1, -1, 1, 1, 2]))
            kind = draw.choice(["bid", "ask", "trade", "trade"])
            spread = draw.choice([1, 1, 1, 2, 3, 0, -1])
            away = {"bid": -spread, "ask": spread, "trade": draw.choice([-2, -1, -1, -1, 0, 1, 1, 1, 2])}[kind]
            size = draw.choice([0, 1, 10, 50, 100, 100, 200, 500, draw.randint(1, 1000)])
            side = draw.choice([1, -1, 1, -1, None]) if kind == "trade" else None
            given.append((time, kind, round(mid / step + away) * step, float(size if whole else size / 7), side))
    return given


def config(seed: int) -> dict[str, Any]:
    """Settings of every kind; those of one strategy are not left out for another, which takes what it knows."""
    draw = random.Random(seed)
    two = {"continuous": [["10:00", "11:30"], ["11:35", "15:00"]], "flatten": draw.choice(["14:59:30", "11:32"])}
    own = {"continuous": ["10:00", draw.choice(["15:00", "15:00:30"])], "flatten": draw.choice(["14:30", None])}
    drawn = {
        "market": draw.choice(["adx", "adx", "continuous", own, two]),
        "queue": draw.choice(["fifo", "risk_averse"]),
        "through_fill": draw.choice(["whole", "capped"]),
        "quote_cross": draw.choice([False, False, True]),
        "order_latency_ms": draw.choice([0, 0, 0, 0.0005, 250, 30_000, 400_000]),
        "maker_fee_bps": draw.choice([0, -0.5, 1.25]),
        "taker_fee_bps": draw.choice([0, 3]),
        "contract": draw.choice(["linear", "linear", "linear", "inverse"]),
        "contract_size": draw.choice([1, 1, 100]),
        "max_position": draw.choice([2_000_000, 500, 90]),
        "max_notional": draw.choice([None, None, 20_000]),
        "quote_size": draw.choice([50_000, 100, 40.5]),
        "quote_size_bid": draw.choice([None, None, 60]),
        "quote_size_ask": draw.choice([None, None, 300]),
        "refill_interval_sec": draw.choice([180, 20, 0.5, 0]),
        "min_local_currency_before_quote": draw.choice([0, 0, 500, 25_000]),
        "equity_interval_sec": draw.choice([None, None, 60, 0.5, 7200]),
    }
    return {key: value for key, value in drawn.items() if value is not None}


def stop_threshold(seed: int) -> float:
    return random.Random(seed).choice([2.0, 0.5, 0.01, 0.1])
