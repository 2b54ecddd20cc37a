"""Chains as strategies run them: 20 factors of 4,000 symbols, a row each, and the state of ten kernels on 10,000."""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from kernels import inputs
from kernels.cases import CHAIN, Case
from kernels.library_cases import FACTORS
from kernels.sabot_calls import chain_of
from sabot.fintech import Chain
from ticks import generate

import sabot

FACTOR_SYMBOLS, STATE_SYMBOLS = 4_000, 10_000
COLUMNS = ("price", "volume", "side", "bid", "ask", "bid_size", "ask_size")
WARM_ROUNDS = 110  # More rows of a symbol than any window is long.


def factors(calls: int) -> float:
    """Seconds of the median call: a batch with one row of each symbol, on one thread, the windows full."""
    sabot.set_max_threads(1)
    batches = rounds(FACTOR_SYMBOLS, WARM_ROUNDS)
    chain = Chain(chain_of(Case("factors", "", FACTORS)))
    for batch in batches:
        chain(batch)
    took = []
    for call in range(calls):
        batch = batches[call % len(batches)]
        started = time.perf_counter()
        result = chain(batch)
        took.append(time.perf_counter() - started)
        del result
    return statistics.median(took)


def state(repetitions: int) -> tuple[float, float]:
    """Seconds of a snapshot and of a restore, on one thread: the best of some."""
    sabot.set_max_threads(1)
    chain = Chain(chain_of(Case("state", "", CHAIN)))
    last = None
    for batch in rounds(STATE_SYMBOLS, WARM_ROUNDS):
        last = chain(batch)
    saved, restored = [], []
    for _ in range(repetitions):
        saved.append(_seconds(chain.snapshot))
        snapshots = chain.snapshot()
        restored.append(_seconds(lambda snapshots=snapshots: Chain.restore(snapshots)))
    _goes_on(chain, last)
    return min(saved), min(restored)


def rounds(symbols: int, count: int) -> list[pa.RecordBatch]:
    """Batches with one row of each symbol."""
    ticks = generate(symbols * count, "ticks", symbols=symbols)
    names = pa.array([f"S{symbol:05}" for symbol in range(symbols)])
    codes = pa.array(np.tile(np.arange(symbols, dtype=np.int32), count))
    symbol = pa.DictionaryArray.from_arrays(codes, names)
    table = inputs.table_of(ticks, COLUMNS)
    table = table.set_column(0, "symbol", symbol)
    return [batch for start in range(0, len(table), symbols) for batch in table.slice(start, symbols).to_batches()]


def _seconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    result = call()
    took = time.perf_counter() - started
    del result
    return took


def _goes_on(chain: Chain, batch: Any) -> None:
    """What was timed is a copy: it computes what the chain does."""
    given = batch.select(["symbol", *COLUMNS])
    copy = Chain.restore(chain.snapshot())
    if not copy(given).equals(chain(given)):
        raise SystemExit("The chain that was restored computes something else than the one that was saved.")
