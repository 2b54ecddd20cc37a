"""All figures in one run: Sabot, hand-written C++ loops, polars, duckdb, pandas, numba and TA-Lib on the same ticks.

    python benchmarks/run.py                            10 M rows; minutes
    python benchmarks/run.py --quick                    the same on few rows: shows that it runs, not how fast
    python benchmarks/run.py --only ewma,memory         some cases (see kernels/cases.py) or sections
    python benchmarks/run.py --write docs/benchmarks.md

Each case is computed by everybody once and compared, then timed in rounds, everybody taking turns; the best run counts.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from contest import Contender, Timings, Worker, check, keep_results, on_threads, take_turns
from figures import THREADS, Measured
from kernels import every_kernel, hand_loops, sabot_calls
from kernels.cases import CASES
from page import page
from ticks import SYMBOLS, Ticks

import sabot
from sabot import _native

HERE = Path(__file__).resolve().parent
LIBRARY = HERE.parent / "build/release/benchmarks/kernels/libsabot_hand_loops.so"

SECTIONS = ("calls", "stream", "memory", "kept", "every")

# Why a figure falls short, by its key in figures.py, such as "ewma/hand" or "memory/stream": what profiling showed, in
# a sentence for docs/benchmarks.md. An entry for a figure that is met is not printed.
WHY: dict[str, str] = {
    "chain_of_ten/polars/2": "two threads share the memory that eleven new columns of 80 MB are written to, and the "
    "longest kernel, `rolling_zscore`, is worked on by one of them at a time",
    "memory/ewma": "64 MB are Python, pyarrow and Sabot before the first row; the run itself adds 8 MB",
    "memory/chain_of_ten": "64 MB are Python, pyarrow and Sabot before the first row; the run itself adds 20 MB, of "
    "which 14 MB are validity bitmaps that are dropped at the end where an output has no nulls",
}


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="sabot-benchmarks-", dir=arguments.scratch) as scratch:
        run = Run(arguments.rows, arguments.rounds, Path(scratch), arguments.hand_loops)
        try:
            run.everything(arguments.only, arguments.stream_rows)
        finally:
            run.close()
    text = page(run.measured, WHY, quick=arguments.quick)
    print(f"\n{text}")
    if arguments.write:
        arguments.write.write_text(text)
        print(f"Written to {arguments.write}.")
    print(f"Took {time.monotonic() - started:.0f} s.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows and rounds: under a minute, and no figures")
    parser.add_argument("--only", help="comma-separated cases and sections")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--rows", type=int, help="ticks (default: 10,000,000)")
    parser.add_argument("--rounds", type=int, help="turns of each contender in each case (default: 4)")
    parser.add_argument("--stream-rows", type=int, help="rows of the Parquet file (default: 32,000,000, 0.5 GB)")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files, 4 GB (default: the system's)")
    parser.add_argument("--hand-loops", type=Path, default=LIBRARY, help="the library made of kernels/hand_loops.cc")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or (200_000 if arguments.quick else 10_000_000)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 4)
    arguments.stream_rows = arguments.stream_rows or (400_000 if arguments.quick else 32_000_000)
    known = [*CASES, *SECTIONS]
    arguments.only = set(arguments.only.split(",") if arguments.only else known)
    if unknown := arguments.only - set(known):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    if not arguments.hand_loops.exists():
        parser.error(f"{arguments.hand_loops} is missing. Run 'make cpp', or name the library with --hand-loops.")
    return arguments


class Run:
    """The contenders, and what they measured."""

    def __init__(self, rows: int, rounds: int, scratch: Path, library: Path) -> None:
        self.measured = Measured(rows, rounds, _native.isa(), Timings(rows), Timings(rows))
        self._scratch = scratch
        self._library = library
        self._ticks: Ticks | None = None
        self._contenders: list[Contender] = []

    def everything(self, only: set[str], stream_rows: int) -> None:
        """The cases and sections named."""
        measured = self.measured
        if "calls" in only:
            say("calls on small batches")
            measured.calls = self._script("python/call_overhead.py")
        if "stream" in only:
            self._stream(stream_rows)
        if "memory" in only:
            for case in ("ewma", "chain_of_ten"):
                say(f"memory of a fresh process: {case}")
                measured.memory[case] = self._script("engine/fresh_process.py", "kernel", self._data().folder, case)
        for case in CASES:
            if case in only:
                self._case(case)
        if "kept" in only:
            self._kept("midprice", "ewma")
        if "every" in only:
            say("every kernel")
            measured.rates = every_kernel.measure(self._data()["ticks"], list(THREADS), min(measured.rounds, 3))
        sabot.set_max_threads(0)

    def close(self) -> None:
        """End the processes that were started."""
        for contender in self._contenders:
            if isinstance(contender, Worker):
                contender.close()

    def _case(self, case: str) -> None:
        say(case)
        able = [contender for contender in self._everybody() if contender.has(case)]
        check(case, able, self.measured.timings, unordered=[c.name for c in able if c.name.startswith("duckdb")])
        take_turns(case, able, self.measured.timings, self.measured.rounds)
        for contender in able:
            say(f"  {contender.name:24}{(self.measured.timings.rate(case, contender.name) or 0) / 1e6:10.2f} M rows/s")

    def _kept(self, *cases: str) -> None:
        for case in cases:
            say(f"results kept: {case}")
            fast = ("Sabot", "hand", "polars", "numba")
            able = [c for c in self._everybody() if c.has(case) and c.name.startswith(fast)]
            keep_results(case, able, self.measured.kept, self.measured.rounds)

    def _stream(self, rows: int) -> None:
        """A large file, and one an eighth as large."""
        source, target = self._scratch / "source.parquet", self._scratch / "target.parquet"
        for part in (rows // 8, rows):
            say(f"Parquet file of {part:,} rows")
            sabot.Stream.from_generator(rows=part, symbols=SYMBOLS).to_parquet(source, compression="none")
            self.measured.streams.append(self._script("engine/fresh_process.py", "stream", source, target))
            source.unlink()
            target.unlink()

    def _script(self, script: str, *words: Any) -> Any:
        command = [sys.executable, str(HERE / script), *map(str, words)]
        return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)

    def _data(self) -> Ticks:
        if self._ticks is None:
            say(f"making {self.measured.rows:,} ticks of {SYMBOLS:,} symbols")
            self._ticks = Ticks.make(self._scratch, self.measured.rows)
        return self._ticks

    def _everybody(self) -> list[Contender]:
        """The first one's results are those that the others' must equal."""
        if not self._contenders:
            from kernels import duckdb_queries, numba_loops, pandas_frames, talib_calls

            ticks = self._data()
            script = HERE / "kernels/polars_expressions.py"
            self._contenders += [sabot_calls.contender(lambda case: ticks[case.table], threads) for threads in THREADS]
            self._contenders += [hand_loops.contender(ticks, self._library, memory) for memory in hand_loops.NAMES]
            for threads in THREADS:
                environment = {"POLARS_MAX_THREADS": str(threads)}
                worker = Worker(script, on_threads("polars", threads), threads, ticks.folder, environment)
                self._contenders.append(worker)
            self._contenders += [duckdb_queries.contender(ticks, threads) for threads in THREADS]
            self._contenders += [module.contender(ticks) for module in (numba_loops, talib_calls, pandas_frames)]
            self.measured.contenders = [contender.name for contender in self._contenders]
        return self._contenders


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
