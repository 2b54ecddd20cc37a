"""What checkpoints cost a run, what a restart takes, and state that lies on a disk.

    python benchmarks/checkpoints.py                               three minutes
    python benchmarks/checkpoints.py --quick                       few rows: shows that it runs, not how fast
    python benchmarks/checkpoints.py --write docs/benchmarks-checkpoints.md

Runs with and without checkpoints take turns, and the best of all rounds counts. Restarts are processes that are killed.
What a task does is measured by the C++ programs of benchmarks/operators.
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
from dataflow import PROGRAMS, millions
from figures import Figure
from page import figure_row, table

import sabot
from sabot.checkpoint import CheckpointCoordinator, CheckpointSummary

ROWS, RESTART_ROWS = 15_000_000, 10_000_000
KEYS = {1_000: 0.95, 1_000_000: 0.8}  # And the share of the speed that checkpoints leave.
ROWS_PER_FILE = 250_000
RESTART_KEYS, RESTART_WINDOW, RESTART_ROWS_PER_FILE = 105_000, 115, 25_000  # 100 MB: a row of a key is 956 bytes.
# Rows a second of Flink with its state in RocksDB: text keys, an ewma and a window, two tasks, 2 cores.
FLINK_ROCKSDB = 393_000

IN_CACHE, BEYOND = "Ewma/keys:100000/cached:200000/batch:65536", "Ewma/keys:1000000/cached:100000/batch:65536"

# Why a figure falls short, by its key: what profiling showed.
WHY = {
    "beyond": "nine of ten rows read a key from RocksDB and write another, 2 to 3 us of work; a larger batch has "
    "several rows of a key ([decision 9](decisions/0009-rocksdb.md))",
}

INTRODUCTION = """\
Written by `python benchmarks/checkpoints.py --write docs/benchmarks-checkpoints.md`; `make bench` prints it. The best
of {rounds} rounds counts, on {cores} cores. Versions: sabot {sabot}, pyarrow {pyarrow}.
"""

RUNS_TEXT = """\
{rows:,} ticks of ten columns from Parquet through `ewma`, keyed by symbol, into Parquet files of {rows_per_file:,}
rows: with a checkpoint a second, and with none. Of 1,000 symbols (Zipf, exponent 1), and of 1,000,000 that are all
alike, so that nearly every row changes a state which was not changed since the barrier. Megabytes are those that the
last checkpoint names: its state, and the rows behind the last complete file.
"""

RESTART_TEXT = """\
`python -m sabot run` with `sma` over {window} rows of {keys:,} symbols, killed as `kill -9` does at its first
checkpoint, of {megabytes:.0f} MB of state. Then the same with `--resume`: from the start of the process to the file
that has the first new row, one of {rows_per_file:,} rows. A run of one row, whole process, takes {python:.2f} s, nearly
all of it Python and what it imports.
"""

STATE_TEXT = """\
`operators/kernel_freeze_benchmark`: a task goes on with batches of 8,192 rows while {megabytes:.0f} MB of its state are
written by another thread. The longest step is the barrier or a batch, whichever takes longer; alone, the longest batch
takes {alone:.1f} ms and the middle one {middle:.2f} ms; meanwhile the middle one takes {disturbed:.2f} ms.
Both writes end when the disk has the bytes: the state with its digest takes {writing:.2f} s, as many bytes from memory
and nothing beside take {plain:.2f} s.
"""

STORED_TEXT = """\
`operators/stored_state_benchmark`: `ewma` of text keys that are drawn evenly. *all* is without RocksDB. Time is
that of the CPU, of all threads, compactions among them. Flink's {flink:,} rows a second are its wall time with two
tasks for an `ewma` and a window, measured on another day.
"""


@dataclass
class Run:
    """The best of the runs of one kind."""

    seconds: float = float("inf")
    cpu_seconds: float = float("inf")
    checkpoints: CheckpointSummary | None = None


@dataclass
class Measured:
    """Everything that was found out."""

    rounds: int
    rows: int
    runs: dict[tuple[int, bool], Run] = field(default_factory=dict)  # By keys, and whether checkpoints are taken.
    restart: float = float("inf")  # Seconds
    restart_megabytes: float = 0  # of this much state,
    python: float = float("inf")  # and of a process that has next to nothing to do.
    programs: dict[str, dict[str, float]] = field(default_factory=dict)  # Counters by benchmark, the least of each.


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows and rounds: no figures")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files, 4 GB (default: the system's)")
    parser.add_argument("--programs", type=Path, default=PROGRAMS, help="folder of the built C++ benchmarks")
    arguments = parser.parse_args()
    quick = arguments.quick
    measured = Measured(rounds=1 if quick else 3, rows=200_000 if quick else ROWS)
    for keys in KEYS:
        with tempfile.TemporaryDirectory(prefix="sabot-checkpoints-", dir=arguments.scratch) as scratch:
            measure_runs(Path(scratch), keys, measured)
    with tempfile.TemporaryDirectory(prefix="sabot-checkpoints-", dir=arguments.scratch) as scratch:
        measure_restart(Path(scratch), 400_000 if quick else RESTART_ROWS, measured)
    run_program(arguments.programs, "kernel_freeze_benchmark", "OfTenThousandSymbols", measured, measured.rounds)
    if not quick:
        run_program(arguments.programs, "kernel_freeze_benchmark", "OneGigabyte", measured, 1)  # It has rounds itself.
        run_program(arguments.programs, "stored_state_benchmark", ".", measured, measured.rounds)
    text = "\n".join(page(measured)) + "\n"
    if quick:
        text += "\n**A quick run: it shows that everything runs, not how fast.**\n"
    print(f"\n{text}")
    if arguments.write and not quick:
        arguments.write.write_text(text)


def measure_runs(scratch: Path, keys: int, measured: Measured) -> None:
    """With and without checkpoints, in turns."""
    source, target, folder = scratch / "ticks.parquet", scratch / "out", scratch / "checkpoints"
    ticks = sabot.Stream.from_generator(rows=measured.rows, symbols=keys, skew=0.0 if keys > 1_000 else 1.0)
    ticks.to_parquet(source)
    stream = sabot.Stream.from_parquet(source).kernel("ewma", alpha=0.06).uid("average")
    for _ in range(measured.rounds):
        for taken in (False, True):
            shutil.rmtree(target, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
            os.sync()  # Or this run waits for what another one left to be written.
            run = stream.options(checkpoints=CheckpointCoordinator(folder, interval_seconds=1)) if taken else stream
            started, cpu_started = time.perf_counter(), time.process_time()
            summary = run.to_parquet(target, rows_per_file=ROWS_PER_FILE)
            seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
            print(f"{keys:,} keys, checkpoints: {taken}: {seconds:.2f} s", file=sys.stderr, flush=True)
            best = measured.runs.setdefault((keys, taken), Run())
            if seconds < best.seconds:
                measured.runs[keys, taken] = Run(seconds, cpu_seconds, summary.checkpoints)


def measure_restart(scratch: Path, rows: int, measured: Measured) -> None:
    """Kill a process behind its first checkpoint, and resume it."""
    ticks = sabot.Stream.from_generator(rows=rows, symbols=RESTART_KEYS, skew=0.0)
    ticks.to_parquet(scratch / "ticks.parquet")
    (scratch / "job.yaml").write_text(
        f"source: {{parquet: ticks.parquet}}\n"
        f"steps:\n  - {{kernel: sma, window: {RESTART_WINDOW}, uid: average}}\n"
        f"sink: {{parquet: out, rows_per_file: {RESTART_ROWS_PER_FILE}}}\n"
    )
    (scratch / "row.csv").write_text("symbol,price\nA,1.5\n")
    (scratch / "row.yaml").write_text("source: {csv: row.csv}\nsteps:\n  - {kernel: sma}\nsink: {csv: row_out.csv}\n")
    interval = "0.1" if rows < RESTART_ROWS else "1"
    options = ["--checkpoint-dir", "checkpoints", "--checkpoint-interval"]
    killed = start(scratch, "job.yaml", *options, interval, fault="after-manifest").wait()
    if killed != -signal.SIGKILL:
        raise SystemExit(f"The run ended with {killed} before its first checkpoint: it needs more rows.")
    manifest = json.loads(min((scratch / "checkpoints").glob("*.json")).read_text())
    measured.restart_megabytes = sum(file["bytes"] for state in manifest["operators"] for file in state["files"]) / 1e6
    first_new = scratch / "out" / f"part-{manifest['sinks'][0]['rows'] // RESTART_ROWS_PER_FILE:05}.parquet"
    for _ in range(measured.rounds):
        first_new.unlink(missing_ok=True)  # The run that was killed was further than its checkpoint.
        started = time.perf_counter()
        process = start(scratch, "job.yaml", *options, "600", "--resume")
        while not first_new.exists() and process.poll() is None:
            time.sleep(0.001)
        measured.restart = min(measured.restart, time.perf_counter() - started)
        process.kill()
        process.wait()
        if not first_new.exists():
            raise SystemExit(f"The run that resumed ended with {process.returncode}, and no new row.")
        started = time.perf_counter()
        start(scratch, "row.yaml").wait()
        measured.python = min(measured.python, time.perf_counter() - started)
    print(f"restart: {measured.restart:.2f} s, python: {measured.python:.2f} s", file=sys.stderr, flush=True)


def start(folder: Path, *words: str, fault: str = "") -> "subprocess.Popen[bytes]":
    """`sabot run` in a process of its own, which dies at the fault point."""
    environment = {name: value for name, value in os.environ.items() if name != "SABOT_FAULT_POINT"}
    if fault:
        environment["SABOT_FAULT_POINT"] = fault
    return subprocess.Popen([sys.executable, "-m", "sabot", "run", "-q", *words], cwd=folder, env=environment)


def run_program(folder: Path, name: str, only: str, measured: Measured, rounds: int) -> None:
    """Run benchmarks of benchmarks/operators, and keep the least of each counter, of rows a second the most."""
    path = folder / "operators" / name
    if not path.exists():
        raise SystemExit(f"{path} is missing: `make cpp` builds it, where libbenchmark-dev is installed.")
    command = [str(path), f"--benchmark_filter={only}", "--benchmark_format=json", "--benchmark_min_time=0.1"]
    command.append(f"--benchmark_repetitions={rounds}")
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry["run_type"] != "iteration":
            continue
        title = entry["run_name"].removesuffix("/process_time").partition("/iterations")[0]
        least = measured.programs.setdefault(title, {})
        for counter, value in entry.items():
            if isinstance(value, int | float):
                choose = max if counter == "items_per_second" else min
                least[counter] = choose(least.get(counter, value), value)
    print(f"operators/{name} {only}", file=sys.stderr, flush=True)


def figures(measured: Measured) -> Iterator[Figure]:
    """What is promised, against what was measured."""
    for keys, target in KEYS.items():
        what = f"keyed `ewma`, Parquet to Parquet, {keys:,} keys: a checkpoint a second against none"
        ratio = measured.runs[keys, False].seconds / measured.runs[keys, True].seconds
        yield Figure(f"runs/{keys}", what, target, ratio)
    megabytes = f"{measured.restart_megabytes:.0f} MB"
    what = f"restart after `kill -9` with {megabytes} of state: start of the process to the first new row"
    yield Figure("restart", what, 1, measured.restart, " s", at_most=True)
    counters = measured.programs
    if one := counters.get("OneGigabyte"):
        longest = max(one["freeze_ms"], one["frozen_batch_most_ms"])
        yield Figure("stall", "longest step while 1 GB of state is written", 20, longest, " ms", at_most=True)
        ratio = one["write_ms"] / one["plain_write_ms"]
        yield Figure("write", "the time of that against writing the same bytes", 1.5, ratio, at_most=True)
    for verb, name in (("saved", "SnapshotOfTenThousandSymbols"), ("restored", "RestoreOfTenThousandSymbols")):
        what = f"ten kernels of 10,000 symbols are {verb}"
        yield Figure(name, what, 50, counters[name]["real_time"], " ms", at_most=True)
    if stored := counters.get(IN_CACHE):
        yield Figure("cache", "state in RocksDB that the cache holds", 20, rate(stored) / 1e6, " M rows/s")
    if stored := counters.get(BEYOND):
        what = "ten times as much as the cache holds: against Flink with RocksDB"
        yield Figure("beyond", what, 10, rate(stored) / FLINK_ROCKSDB)


def rate(counters: dict[str, float]) -> float:
    """Rows a second."""
    return counters["items_per_second"]


def page(measured: Measured) -> Iterator[str]:
    """As docs/benchmarks-checkpoints.md."""
    found = list(figures(measured))
    yield "# Benchmarks of checkpoints\n"
    versions = {"sabot": sabot.__version__, "pyarrow": pa.__version__}
    yield INTRODUCTION.format(rounds=measured.rounds, cores=os.cpu_count(), **versions)
    yield table(["what", "target", "measured", ""], [figure_row(figure) for figure in found])
    reasons = [f"- {figure.what}: {WHY[figure.key]}." for figure in found if not figure.met and figure.key in WHY]
    if reasons:
        yield from ["\nWhy some fall short:\n", *reasons]
    yield f"\n## Runs\n\n{RUNS_TEXT.format(rows=measured.rows, rows_per_file=ROWS_PER_FILE)}"
    yield table(["keys", "checkpoints", "seconds", "CPU seconds", "taken", "MB"], list(run_rows(measured)))
    yield "\n## Restart\n"
    yield RESTART_TEXT.format(
        window=RESTART_WINDOW,
        keys=RESTART_KEYS,
        megabytes=measured.restart_megabytes,
        rows_per_file=RESTART_ROWS_PER_FILE,
        python=measured.python,
    )
    if one := measured.programs.get("OneGigabyte"):
        yield "## A gigabyte of state\n"
        yield STATE_TEXT.format(
            megabytes=one["mb"],
            alone=one["batch_most_ms"],
            middle=one["batch_ms"],
            disturbed=one["frozen_batch_ms"],
            plain=one["plain_write_ms"] / 1e3,
            writing=one["write_ms"] / 1e3,
        )
    if IN_CACHE in measured.programs:
        yield f"## State in RocksDB\n\n{STORED_TEXT.format(flink=FLINK_ROCKSDB)}"
        yield table(["keys", "in memory", "rows of a batch", "M rows/s"], list(stored_rows(measured)))


def run_rows(measured: Measured) -> Iterator[Sequence[str]]:
    """With and without checkpoints."""
    for (keys, taken), run in measured.runs.items():
        told = run.checkpoints
        last = [str(told.completed), f"{told.bytes / 1e6:.0f}"] if told else ["", ""]
        kind = "each second" if taken else "none"
        yield [f"{keys:,}", kind, f"{run.seconds:.2f}", f"{run.cpu_seconds:.2f}", *last]


def stored_rows(measured: Measured) -> Iterator[Sequence[str]]:
    """By the names of the benchmarks: Ewma/keys:100000/cached:0/batch:65536."""
    for name, counters in measured.programs.items():
        if name.startswith("Ewma/"):
            keys, cached, batch = (int(part.partition(":")[2]) for part in name.split("/")[1:])
            yield [f"{keys:,}", f"{cached:,}" if cached else "all", f"{batch:,}", millions(rate(counters))]


if __name__ == "__main__":
    main()
