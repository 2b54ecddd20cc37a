"""What is computed of the whole library: kernels with their options, grouped by what a row costs them, with the rows a
second that each group is to reach on one core."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kernels import inputs
from kernels.cases import ALPHA, WINDOW, Case

from sabot import fintech

MANY, ONE = "library", "one"  # Tables: of 1,000 symbols; of one, which is what TA-Lib knows.
TIME = "3400ms"  # A hundred ticks of a symbol, in the mean over all rows.
LAGS = (1, 10)


def case(kernel: str, table: str = MANY, **options: Any) -> Case:
    """One kernel; its name and title are those of the kernel, its numbers and the columns that it is bound to."""
    shown = {name: value for name, value in options.items() if name not in ("columns", "symbol_a", "symbol_b")}
    bound = list(options.get("columns", {}).values())
    words = [kernel, *map(str, shown.values()), *bound, *(["one"] if table == ONE else [])]
    title = [f"`{kernel}`", *(f"{name} {value}" for name, value in shown.items()), *(f"`{column}`" for column in bound)]
    return Case("_".join(words), ", ".join(title), [(kernel, options)], table)


def windows(*kernels: str) -> list[Case]:
    """Each with a window of 100 rows."""
    return [case(kernel, window=WINDOW) for kernel in kernels]


@dataclass(frozen=True)
class Group:
    """Kernels of which the same is expected."""

    key: str
    title: str
    target: float | None  # M rows/s; None: nothing is promised.
    cases: list[Case]


PAIR = {"symbol_a": "S0000", "symbol_b": "S0001"}  # Those with the most ticks.

GROUPS = [
    Group(
        "scalars",
        "a few numbers a symbol",
        100,
        [
            *(case(kernel) for kernel in ("log_returns", "welford_mean_var")),
            case("ewma", alpha=ALPHA),
            case("ewcov", alpha=ALPHA),
            *(case(kernel) for kernel in ("ofi", "vpin", "riskmetrics_vol", "corwin_schultz_spread", "funding_cost")),
            *(case(kernel) for kernel in ("open_interest_delta", "vwap", "cusum", "ema", "macd", "rsi", "kalman_1d")),
            *(case(kernel) for kernel in ("circuit_breaker", "throttle_check")),
            case("hayashi_yoshida_cov", **PAIR),
            case("hayashi_yoshida_corr", **PAIR),
            case("kalman_hedge_ratio"),
        ],
    ),
    Group(
        "sums",
        "windows of sums, of means and variances",
        60,
        [
            *windows("sma", "realized_var", "bipower_var", "medrv", "amihud_illiquidity", "ofi", "vwap"),
            *windows("corwin_schultz_spread", "rolling_std", "rolling_zscore", "bollinger_bands"),
        ],
    ),
    Group("moments", "windows of third and fourth moments", 12, windows("rolling_skew", "rolling_kurt")),
    Group("extremes", "windows of extremes", 40, windows("rolling_min", "rolling_max", "donchian_channel")),
    Group("ranks", "windows in order", 3, windows("historical_var", "historical_cvar", "outlier_flag_mad")),
    *(
        Group(f"lags_{lags}", "leads and lags", 30 / (2 * lags + 1), [case("xcorr_leadlag", max_lag=lags)])
        for lags in LAGS
    ),
    Group(
        "others",
        "no figure of their own",
        None,
        [
            case("lag"),
            case("diff"),
            *windows("kyle_lambda", "roll_spread", "autocorr"),
            case("stochastic_osc"),
            case("ewcov", alpha=ALPHA, columns={"x": "price", "y": "price"}),
            *(case(kernel, window=TIME) for kernel in ("sma", "rolling_std", "rolling_max")),
        ],
    ),
]
CASES = {each.name: each for group in GROUPS for each in group.cases}

ONE_SYMBOL = {
    each.name: each
    for each in [
        *(case(kernel, ONE) for kernel in ("log_returns", "diff", "ema", "macd", "rsi")),
        case("stochastic_osc", ONE, slowing=3),
        *(case(kernel, ONE, window=WINDOW) for kernel in ("sma", "realized_var", "bollinger_bands", "autocorr")),
        case("rolling_std", ONE, window=WINDOW, ddof=0),
        *(case(kernel, ONE, window=WINDOW) for kernel in ("rolling_min", "rolling_max", "donchian_channel")),
    ]
}

# A row each of 4,000 symbols: what a strategy computes of a market before it decides.
FACTORS: list[tuple[str, dict[str, Any]]] = [
    *((kernel, {}) for kernel in ("midprice", "microprice", "quoted_spread", "l1_imbalance", "signed_volume", "ofi")),
    *((kernel, {}) for kernel in ("log_returns", "ewma", "riskmetrics_vol", "rsi", "macd", "vwap", "kalman_1d")),
    *((kernel, {}) for kernel in ("rolling_zscore", "bollinger_bands", "realized_var", "bipower_var", "kyle_lambda")),
    *((kernel, {}) for kernel in ("amihud_illiquidity", "rolling_skew")),
]


def columns_of(cases: Iterable[Case]) -> list[str]:
    """The columns that these cases read."""
    infos = {info.name: info for info in fintech.kernels()}
    found = {
        column for each in cases for name, options in each.kernels for column in inputs.needed(infos[name], options)
    }
    return sorted(found)
