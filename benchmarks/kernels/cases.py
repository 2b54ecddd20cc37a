"""What is computed: kernels with their options, as Sabot names them, and the table each reads."""

from dataclasses import dataclass, field
from typing import Any

ALPHA = 0.06
WINDOW = 100
VARIANCE_WINDOW = 20

# Name and options. Each contender computes the same columns in the same order.
CHAIN: list[tuple[str, dict[str, Any]]] = [
    ("midprice", {}),
    ("quoted_spread", {}),
    ("l1_imbalance", {}),
    ("signed_volume", {}),
    ("ofi", {}),
    ("log_returns", {}),
    ("ewma", {"alpha": ALPHA}),
    ("realized_var", {"window": VARIANCE_WINDOW}),
    ("rolling_zscore", {"window": WINDOW}),
    ("vwap", {}),
]


@dataclass(frozen=True)
class Case:
    """One row of the tables."""

    name: str
    title: str
    kernels: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    table: str = "ticks"


CASES = {
    case.name: case
    for case in [
        Case("midprice", "`midprice`", [("midprice", {})]),
        Case("midprice_nulls", "`midprice`, 10 % nulls", [("midprice", {})], "nulls"),
        Case("ewma", "`ewma`", [("ewma", {"alpha": ALPHA})]),
        Case("ewma_strings", "`ewma`, plain string symbols", [("ewma", {"alpha": ALPHA})], "strings"),
        Case("diff", "`diff`", [("diff", {})]),
        Case("ofi", "`ofi`", [("ofi", {})]),
        Case("log_returns", "`log_returns`", [("log_returns", {})]),
        Case("vwap", "`vwap`", [("vwap", {})]),
        Case("rolling_std", "`rolling_std`, window 100", [("rolling_std", {"window": WINDOW})]),
        Case("rolling_zscore", "`rolling_zscore`, window 100", [("rolling_zscore", {"window": WINDOW})]),
        Case("bollinger_bands", "`bollinger_bands`, window 100", [("bollinger_bands", {"window": WINDOW})]),
        Case("rsi", "`rsi`", [("rsi", {})]),
        Case("macd", "`macd`", [("macd", {})]),
        Case("chain_of_ten", "chain of ten kernels", CHAIN),
    ]
}
