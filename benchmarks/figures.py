"""What Sabot promises of its speed and memory, held against what was measured."""

from dataclasses import dataclass, field

from contest import Timings, on_threads
from kernels.cases import CASES

THREADS = (1, 2)


@dataclass
class Measured:
    """Everything a run found out. What was left out is empty."""

    rows: int
    rounds: int
    isa: str
    timings: Timings
    kept: Timings
    contenders: list[str] = field(default_factory=list)  # In the order of the tables.
    calls: dict[str, float] = field(default_factory=dict)  # Microseconds.
    memory: dict[str, dict[str, float]] = field(default_factory=dict)
    streams: list[dict[str, float]] = field(default_factory=list)
    rates: dict[str, list[float]] = field(default_factory=dict)  # Rows a second by threads, of every kernel.


@dataclass(frozen=True)
class Figure:
    """A promise, and what came of it."""

    key: str
    what: str
    target: float
    measured: float | None
    unit: str = " \u00d7"
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it was kept."""
        if self.measured is None:
            return False
        return self.measured <= self.target if self.at_most else self.measured >= self.target

    @property
    def short_by(self) -> float:
        """Which share of the target is missing, or too much."""
        return abs(1 - (self.measured or 0) / self.target)


def figures(measured: Measured) -> list[Figure]:
    """All of them; those left out have no measured value."""
    timings = measured.timings
    found = [_hand(timings, "midprice", 0.8), _hand(timings, "midprice_nulls", 0.5)]
    for case in ("ewma", "diff", "ofi"):
        found += [_hand(timings, case, 0.4), *_polars(timings, case, 8, 8)]
    logarithm = 8 if measured.isa == "avx512f" else 5
    found += [_hand(timings, "log_returns", 0.5), *_polars(timings, "log_returns", logarithm, logarithm)]
    found += _polars(timings, "ewma_strings", 5, 5)
    for case in ("rolling_std", "rolling_zscore", "bollinger_bands"):
        found += _polars(timings, case, 2.5, 2.5)
    found += _polars(timings, "chain_of_ten", 4, 6)
    more_threads = timings.ratio("chain_of_ten", on_threads("Sabot", 2), on_threads("Sabot", 1))
    found.append(Figure("chain_of_ten/threads", "chain of ten, two threads against one", 1.5, more_threads))
    for kind in ("pyarrow", "polars"):
        what = f"`ewma` on one batch of 1,000 rows, {kind}"
        found.append(Figure(f"call/{kind}", what, 60, measured.calls.get(kind), " µs", at_most=True))
    for case in ("ewma", "chain_of_ten"):
        what = f"{CASES[case].title}, peak memory of a fresh process beyond input and outputs"
        found.append(Figure(f"memory/{case}", what, 64, _beyond(measured.memory.get(case)), " MB", at_most=True))
    peak = max((stream["peak_mb"] for stream in measured.streams), default=None)
    what = "Parquet to Parquet through two kernels, peak memory"
    found.append(Figure("memory/stream", what, 512, peak, " MB", at_most=True))
    return found


def _hand(timings: Timings, case: str, target: float) -> Figure:
    ratios = [timings.ratio(case, on_threads("Sabot", 1), f"hand loop, {kind}") for kind in ("huge pages", "malloc")]
    slower = min((ratio for ratio in ratios if ratio is not None), default=None)
    return Figure(f"{case}/hand", f"{CASES[case].title} against the faster hand loop", target, slower)


def _polars(timings: Timings, case: str, *targets: float) -> list[Figure]:
    found = []
    for threads, target in zip(THREADS, targets, strict=True):
        ratio = timings.ratio(case, on_threads("Sabot", threads), on_threads("polars", threads))
        each = "one thread each" if threads == 1 else "two threads each"
        found.append(Figure(f"{case}/polars/{threads}", f"{CASES[case].title} against polars, {each}", target, ratio))
    return found


def _beyond(memory: dict[str, float] | None) -> float | None:
    return memory["peak_mb"] - memory["input_mb"] - memory["output_mb"] if memory else None
