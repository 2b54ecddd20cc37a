"""polars: expressions with .over("symbol"), each in the fastest of the forms that were tried. run.py starts it as a
worker, since polars fixes its threads when it is imported: polars_expressions.py FOLDER THREADS."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import polars as pl
from contest import Calls, on_threads, serve
from kernels.cases import ALPHA, CASES, VARIANCE_WINDOW, WINDOW
from ticks import Ticks

PRICE, VOLUME, SIDE = pl.col("price"), pl.col("volume"), pl.col("side")
BID, ASK, BID_SIZE, ASK_SIZE = pl.col("bid"), pl.col("ask"), pl.col("bid_size"), pl.col("ask_size")


def each(expression: pl.Expr) -> pl.Expr:
    """By symbol."""
    return expression.over("symbol")


def where(condition: pl.Expr, value: pl.Expr) -> pl.Expr:
    """The value, or 0."""
    return pl.when(condition).then(value).otherwise(0.0)


MIDPRICE = 0.5 * (BID + ASK)
SPREAD = ASK - BID
IMBALANCE = (BID_SIZE - ASK_SIZE) / (BID_SIZE + ASK_SIZE)
SIGNED_VOLUME = SIDE * VOLUME
EWMA = each(PRICE.ewm_mean(alpha=ALPHA, adjust=False, ignore_nulls=True))
DIFF = each(PRICE.diff())
OFI = each(
    (BID.shift() <= BID).cast(pl.Float64) * BID_SIZE  # A product, so that the first row is null.
    - where(BID.shift() >= BID, BID_SIZE.shift())
    - where(ASK.shift() >= ASK, ASK_SIZE)
    + where(ASK.shift() <= ASK, ASK_SIZE.shift())
)
LOG_RETURN = (PRICE / each(PRICE.shift())).log()
VWAP = each((PRICE * VOLUME).cum_sum() / VOLUME.cum_sum())
STD = each(PRICE.rolling_std(WINDOW))
ZSCORE = each((PRICE - PRICE.rolling_mean(WINDOW)) / PRICE.rolling_std(WINDOW))


def _bands(frame: pl.DataFrame) -> pl.DataFrame:
    mid, half = pl.col("mid"), pl.col("half")
    staged = frame.lazy().with_columns(
        mid=each(PRICE.rolling_mean(WINDOW)), half=2 * each(PRICE.rolling_std(WINDOW, ddof=0))
    )
    return staged.with_columns(upper=mid + half, lower=mid - half).collect()


def _chain(frame: pl.DataFrame) -> pl.DataFrame:
    staged = frame.lazy().with_columns(
        midprice=MIDPRICE,
        quoted_spread=SPREAD,
        quoted_spread_bps=1e4 * SPREAD / MIDPRICE,
        l1_imbalance=IMBALANCE,
        signed_volume=SIGNED_VOLUME,
        ofi=OFI,
        log_return=LOG_RETURN,
        ewma=EWMA,
        zscore=ZSCORE,
        vwap=VWAP,
    )
    return staged.with_columns(realized_var=each((pl.col("log_return") ** 2).rolling_sum(VARIANCE_WINDOW))).collect()


SINGLE = {
    "midprice": MIDPRICE,
    "midprice_nulls": MIDPRICE,
    "ewma": EWMA,
    "ewma_strings": EWMA,
    "diff": DIFF,
    "ofi": OFI,
    "log_returns": LOG_RETURN,
    "vwap": VWAP,
    "rolling_std": STD,
    "rolling_zscore": ZSCORE,
}
CHAIN_COLUMNS = (
    *("midprice", "quoted_spread", "quoted_spread_bps", "l1_imbalance", "signed_volume", "ofi", "log_return"),
    *("ewma", "realized_var", "zscore", "vwap"),
)


def contender(ticks: Ticks, threads: int) -> Calls:
    """polars on the threads it was imported with."""
    if pl.thread_pool_size() != threads:
        raise RuntimeError(f"polars has {pl.thread_pool_size()} threads, not {threads}")
    frames: dict[str, pl.DataFrame] = {name: pl.DataFrame(ticks[name]) for name in ("ticks", "strings", "nulls")}

    def single(case: str) -> pl.DataFrame:
        return frames[CASES[case].table].with_columns(result=SINGLE[case])

    calls: dict[str, Any] = {case: (lambda case=case: single(case)) for case in SINGLE}
    calls["bollinger_bands"] = lambda: _bands(frames["ticks"])
    calls["chain_of_ten"] = lambda: _chain(frames["ticks"])
    names = {"bollinger_bands": ("mid", "upper", "lower"), "chain_of_ten": CHAIN_COLUMNS}

    def columns(case: str, result: pl.DataFrame) -> list[Any]:
        return [result[name].to_arrow() for name in names.get(case, ("result",))]

    return Calls(on_threads("polars", threads), threads, calls, columns)


if __name__ == "__main__":
    serve(contender(Ticks(Path(sys.argv[1])), int(sys.argv[2])), list(CASES))
