"""What a configuration asks of a backtest: one security's settings, and its market's hours.

Seconds and milliseconds become nanoseconds as value * 1e9 and value * 1e6, to the nearest, halves away from zero.
"""

import math
from dataclasses import dataclass
from typing import Any

from reference.backtest_ledger import DAY_NS

VENUE: dict[str, Any] = {
    "market": "continuous",
    "queue": "risk_averse",
    "through_fill": "whole",
    "quote_cross": False,
    "order_latency_ms": 0,
    "maker_fee_bps": 0,
    "taker_fee_bps": 0,
    "contract": "linear",
    "contract_size": 1,
    "max_position": 2_000_000,
    "max_notional": None,
    "equity_interval_sec": None,
}
MARKETS: dict[str, dict[str, Any]] = {"adx": {"continuous": ["10:05", "14:45"], "flatten": "14:55"}}


def nanoseconds(value: float, unit: float) -> int:
    return math.floor(value * unit + 0.5)


def time_of_day(text: str) -> int:
    parts = [int(part) for part in text.split(":")]
    return sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False)) * 10**9


def settings(config: dict[str, Any], security: str, defaults: dict[str, Any]) -> dict[str, Any]:
    """A security's own keys before those of DEFAULT, key by key; names without regard to case."""
    objects = {name.upper(): values for name, values in config.items()}
    merged: dict[str, Any] = VENUE | defaults | objects.get("DEFAULT", {}) | objects.get(security.upper(), {})
    if isinstance(merged["market"], str):
        presets = MARKETS | config.get("MARKETS", {})
        merged["market"] = None if merged["market"] == "continuous" else presets[merged["market"]]
    return merged


@dataclass
class Market:
    """When orders may rest, and from when a position is closed; a market that is always open has none."""

    sessions: list[tuple[int, int]]
    flatten: int | None

    @classmethod
    def of(cls, market: dict[str, Any] | None) -> "Market | None":
        if market is None:
            return None
        given = market["continuous"]
        sessions = [given] if isinstance(given[0], str) else given
        hours = [(time_of_day(start), time_of_day(end)) for start, end in sessions]
        return cls(hours, time_of_day(market["flatten"]) if market.get("flatten") else None)

    def session_at(self, time: int) -> int | None:
        for index, (start, end) in enumerate(self.sessions):
            if start <= time % DAY_NS < end:
                return index
        return None
