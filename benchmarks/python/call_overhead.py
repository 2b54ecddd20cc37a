"""Microseconds of one call from Python on a batch of 1,000 ticks, where the call itself is most of the work:
`python benchmarks/python/call_overhead.py`. Prints JSON."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import duckdb
import polars as pl
from ticks import generate

from sabot import fintech

ROWS = 1_000
SERIES = 10
CALLS = {
    "pyarrow": 200,
    "pyarrow_object": 200,
    "polars": 200,
    "polars_object": 200,
    "polars_own": 20,
    "pandas": 20,
    "duckdb": 20,
}


def main() -> None:
    """Measure: the median call of the best series, all taking turns."""
    batch = generate(100_000, "ticks").slice(0, ROWS).combine_chunks().to_batches()[0]
    frame, pandas = pl.DataFrame(batch), batch.to_pandas()
    relation = duckdb.from_arrow(batch)
    kernel, frame_kernel = fintech.EWMAKernel(), fintech.EWMAKernel()
    own = pl.col("price").ewm_mean(alpha=0.06, adjust=False, ignore_nulls=True).over("symbol").alias("ewma")
    calls: dict[str, Callable[[], Any]] = {
        "pyarrow": lambda: fintech.ewma(batch),
        "pyarrow_object": lambda: kernel(batch),
        "polars": lambda: fintech.ewma(frame),
        "polars_object": lambda: frame_kernel(frame),
        "polars_own": lambda: frame.with_columns(own),
        "pandas": lambda: fintech.ewma(pandas),
        "duckdb": lambda: fintech.ewma(relation),
    }
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(SERIES):
        for name, call in calls.items():
            call()
            best[name] = min(best[name], statistics.median(_seconds(call) for _ in range(CALLS[name])))
    print(json.dumps({name: seconds * 1e6 for name, seconds in best.items()}))


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
