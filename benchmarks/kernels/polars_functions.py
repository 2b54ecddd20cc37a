"""polars: its own functions with .over("symbol") for the kernels that it has too. kernel_library.py starts it as a
worker, since polars fixes its threads when it is imported: polars_functions.py FOLDER THREADS."""

import math
import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl
from contest import Calls, on_threads, serve
from kernels.cases import ALPHA, WINDOW
from kernels.library_cases import CASES, MANY, TIME
from kernels.polars_expressions import DIFF, EWMA, LOG_RETURN, OFI, PRICE, STD, VOLUME, VWAP, ZSCORE, each
from ticks import Ticks

RETURN, PNL, X, Y = pl.col("log_return"), pl.col("pnl"), pl.col("x"), pl.col("y")
HIGH, LOW, CLOSE = pl.col("high"), pl.col("low"), pl.col("close")
CHANGE, FLOW = PRICE.diff(), pl.col("signed_volume")


@dataclass(frozen=True)
class Function:
    """Columns that follow from columns, stage by stage, and which of them are the result."""

    calls: str  # What it is of polars.
    stages: list[dict[str, pl.Expr]]
    results: tuple[str, ...] = ("result",)


def one(calls: str, expression: pl.Expr) -> Function:
    """By symbol, a column."""
    return Function(calls, [{"result": each(expression)}])


_MEAN, _DEVIATION = PRICE.rolling_mean(WINDOW), PRICE.rolling_std(WINDOW, ddof=0)
_BEFORE = RETURN.shift()
_SPREAD_COV = pl.rolling_cov(CHANGE, CHANGE.shift(), window_size=WINDOW)
_IMPACT = (PRICE / PRICE.shift() - 1).abs() / (PRICE * VOLUME)

FUNCTIONS = {
    "log_returns": Function("shift", [{"result": LOG_RETURN}]),
    "lag": one("shift", PRICE.shift()),
    "diff": Function("diff", [{"result": DIFF}]),
    "open_interest_delta": one("diff", pl.col("open_interest").diff()),
    f"ewma_{ALPHA}": Function("ewm_mean", [{"result": EWMA}]),
    f"ewcov_{ALPHA}_price_price": one(
        "ewm_var", PRICE.ewm_var(alpha=ALPHA, adjust=False, bias=True, ignore_nulls=True)
    ),
    "riskmetrics_vol": one("ewm_mean", (RETURN**2).ewm_mean(alpha=0.06, adjust=False, ignore_nulls=True).sqrt()),
    "vwap": Function("cum_sum", [{"result": VWAP}]),
    "ofi": Function("shift", [{"result": OFI}]),
    "sma_100": one("rolling_mean", _MEAN),
    "realized_var_100": one("rolling_sum", (RETURN**2).rolling_sum(WINDOW)),
    "bipower_var_100": one(
        "rolling_sum",
        (math.pi / 2) * WINDOW / (WINDOW - 1) * (RETURN * _BEFORE).abs().rolling_sum(WINDOW - 1),
    ),
    "amihud_illiquidity_100": one("rolling_mean", _IMPACT.rolling_mean(WINDOW)),
    "rolling_std_100": Function("rolling_std", [{"result": STD}]),
    "rolling_zscore_100": Function("rolling_mean, rolling_std", [{"result": ZSCORE}]),
    "bollinger_bands_100": Function(
        "rolling_mean, rolling_std",
        [
            {"mid": each(_MEAN), "half": 2 * each(_DEVIATION)},
            {"upper": pl.col("mid") + pl.col("half"), "lower": pl.col("mid") - pl.col("half")},
        ],
        ("mid", "upper", "lower"),
    ),
    "rolling_skew_100": one("rolling_skew", PRICE.rolling_skew(WINDOW, bias=False)),
    "rolling_kurt_100": one("rolling_kurtosis", PRICE.rolling_kurtosis(WINDOW, bias=False)),
    "rolling_min_100": one("rolling_min", PRICE.rolling_min(WINDOW)),
    "rolling_max_100": one("rolling_max", PRICE.rolling_max(WINDOW)),
    "donchian_channel_100": Function(
        "rolling_max, rolling_min",
        [
            {"top": each(HIGH.rolling_max(WINDOW)), "bottom": each(LOW.rolling_min(WINDOW))},
            {"mid": 0.5 * (pl.col("top") + pl.col("bottom"))},
        ],
        ("top", "bottom", "mid"),
    ),
    "stochastic_osc": Function(
        "rolling_max, rolling_min, rolling_mean",
        [
            {"top": each(HIGH.rolling_max(14)), "bottom": each(LOW.rolling_min(14))},
            {"stoch_k": 100 * (CLOSE - pl.col("bottom")) / (pl.col("top") - pl.col("bottom"))},
            {"stoch_d": each(pl.col("stoch_k").rolling_mean(3))},
        ],
        ("stoch_k", "stoch_d"),
    ),
    "historical_var_100": one("rolling_quantile", -PNL.rolling_quantile(0.05, "linear", window_size=WINDOW)),
    "kyle_lambda_100": one(
        "rolling_cov, rolling_var",
        pl.rolling_cov(CHANGE, FLOW, window_size=WINDOW) / pl.when(CHANGE.is_not_null()).then(FLOW).rolling_var(WINDOW),
    ),
    "roll_spread_100": one("rolling_cov", 2 * (-_SPREAD_COV).clip(lower_bound=0.0).sqrt()),
    "autocorr_100": one("rolling_corr", pl.rolling_corr(RETURN, RETURN.shift(), window_size=WINDOW)),
    f"sma_{TIME}": one("rolling_mean_by", PRICE.rolling_mean_by("timestamp", TIME)),
    f"rolling_std_{TIME}": one("rolling_std_by", PRICE.rolling_std_by("timestamp", TIME)),
    f"rolling_max_{TIME}": one("rolling_max_by", PRICE.rolling_max_by("timestamp", TIME)),
}


def contender(ticks: Ticks, threads: int) -> Calls:
    """polars on the threads it was imported with."""
    if pl.thread_pool_size() != threads:
        raise RuntimeError(f"polars has {pl.thread_pool_size()} threads, not {threads}")
    frame = pl.DataFrame(ticks[MANY])

    def compute(function: Function) -> pl.DataFrame:
        staged = frame.lazy()
        for stage in function.stages:
            staged = staged.with_columns(**stage)
        return staged.collect()

    calls = {name: (lambda function=function: compute(function)) for name, function in FUNCTIONS.items()}
    return Calls(
        on_threads("polars", threads),
        threads,
        calls,
        lambda name, result: [result[column].to_arrow() for column in FUNCTIONS[name].results],
    )


if __name__ == "__main__":
    serve(contender(Ticks(Path(sys.argv[1])), int(sys.argv[2])), list(CASES))
