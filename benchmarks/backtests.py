"""Backtests: workbooks to Parquet, whole commands, ticks a second, sweeps, memory.

    python benchmarks/backtests.py                               five minutes, with hftbacktest in build/hftbacktest
    python benchmarks/backtests.py --quick                       few ticks: shows that it runs, not how fast
    python benchmarks/backtests.py --write docs/benchmarks-backtests.md

Contenders take turns, and the best of all rounds counts.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from dataflow import PROGRAMS
from figures import Figure
from page import figure_table, how_many, machine, reasons, table
from sabot.backtest.workbooks import generate_tick_workbook

import sabot.backtest
from sabot import _native

HFTBACKTEST = Path(__file__).parents[1] / "build" / "hftbacktest" / "bin" / "python"
PACKAGES = ("sabot", "pyarrow", "polars", "fastexcel", "pandas", "openpyxl")
SHEETS, TICKS, SETS, SEPARATE = 16, 42_000, 1_000, 10
CONFIG = {"DEFAULT": {"quote_size": 5_000, "min_local_currency_before_quote": 1_000}}

# Why a figure falls short, by its key: what profiling showed.
WHY = {
    "convert/polars": "a large part of the command is the start of Python and pyarrow, which only holds the table of "
    "results",
}

INTRODUCTION = """\
Written by `python benchmarks/backtests.py --write docs/benchmarks-backtests.md`; `make bench` prints it. The best of
{rounds} rounds counts.
"""

WORKBOOK = """\
{sheets} sheets of {ticks:,} ticks, {megabytes:.1f} MB, as `sabot.backtest.workbooks` generates it, to a Parquet file a
sheet: whole processes. polars reads with its calamine engine (fastexcel). pandas reads with openpyxl, once.
"""

COMMANDS = """\
`sabot backtest --strategy v1_baseline` on the {sheets} Parquet files of these, {rows:,} ticks, to all its output files,
and what of it is the start of Python.
"""

EVENTS = """\
`benchmarks/backtest/simulation_benchmark`: columns to fills on one core, for one security. hftbacktest {version} quotes
at the best prices of the first sheet's ticks with the same refill interval, in numba, looking after each tick or ten
times a second; Sabot's `v1_baseline` runs on the same ticks, from its Parquet file to the result in Python.
"""

SWEEP = """\
{sets:,} parameter sets of `v1_baseline` on {rows:,} ticks of {sheets} securities. Separate runs are whole commands, of
which {separate} were timed.
"""

MEMORY = """\
Peak resident memory of `sabot backtest` on one security.
"""


@dataclass
class Measured:
    """Everything that was found out, in seconds."""

    rounds: int
    ticks: int
    sets: int
    megabytes: float = 0
    rows: int = 0
    seconds: dict[str, float] = field(default_factory=dict)  # The best of each.
    rates: dict[str, float] = field(default_factory=dict)  # Ticks a second.
    peaks: dict[int, float] = field(default_factory=dict)  # MB by ticks.

    def keep(self, name: str, seconds: float) -> None:
        """The best one."""
        print(f"{name}: {seconds:.3f} s", file=sys.stderr, flush=True)
        self.seconds[name] = min(seconds, self.seconds.get(name, float("inf")))


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few ticks and rounds: no figures")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--programs", type=Path, default=PROGRAMS, help="folder of the built C++ benchmarks")
    arguments = parser.parse_args()
    quick = arguments.quick
    measured = Measured(rounds=1 if quick else 3, ticks=2_000 if quick else TICKS, sets=50 if quick else SETS)
    with tempfile.TemporaryDirectory(prefix="sabot-backtests-") as scratch:
        folder = Path(scratch)
        (folder / "config.json").write_text(json.dumps(CONFIG))
        measure_workbook(folder, measured)
        measure_command(folder, measured)
        measure_events(folder, arguments.programs, measured)
        measure_sweep(folder, measured)
        measure_memory(folder, measured)
    text = "\n".join(page(measured)) + "\n"
    if quick:
        text += "\n**A quick run: it shows that everything runs, not how fast.**\n"
    print(f"\n{text}")
    if arguments.write and not quick:
        arguments.write.write_text(text)


def timed(*command: str | Path) -> float:
    """Seconds of a whole process that must succeed."""
    started = time.perf_counter()
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure_workbook(folder: Path, measured: Measured) -> None:
    """Sheets to Parquet files."""
    workbook = folder / "ticks.xlsx"
    generate_tick_workbook(workbook, securities=SHEETS, ticks=measured.ticks)
    measured.megabytes = workbook.stat().st_size / 1e6
    ours = [sys.executable, "-m", "sabot", "convert", "-q", workbook, folder / "ticks"]
    own = {"polars": POLARS, "pandas": PANDAS}
    for round_number in range(measured.rounds):
        shutil.rmtree(folder / "ticks", ignore_errors=True)
        measured.keep("convert", timed(*ours))
        for name, program in own.items():
            if name == "pandas" and round_number:
                continue
            (folder / name).mkdir(exist_ok=True)
            measured.keep(f"convert/{name}", timed(sys.executable, "-c", program, workbook, folder / name))
    files = sorted((folder / "ticks").glob("*.parquet"))
    measured.rows = sum(pq.read_metadata(file).num_rows for file in files)
    theirs = sum(pl.scan_parquet(file).select(pl.len()).collect().item() for file in (folder / "polars").iterdir())
    if measured.rows != theirs:
        raise SystemExit(f"Sabot read {measured.rows:,} ticks and polars {theirs:,}.")


POLARS = """
import sys
from pathlib import Path
import polars as pl
sheets = pl.read_excel(sys.argv[1], sheet_id=0, engine="calamine", read_options={"header_row": 2})
for name, frame in sheets.items():
    frame.write_parquet(Path(sys.argv[2]) / f"{name}.parquet")
"""

PANDAS = """
import sys
from pathlib import Path
import pandas as pd
for name, frame in pd.read_excel(sys.argv[1], sheet_name=None, header=2, engine="openpyxl").items():
    frame.to_parquet(Path(sys.argv[2]) / f"{name}.parquet")
"""


def measure_command(folder: Path, measured: Measured) -> None:
    """Everything between the shell and the files."""
    words = ["--strategy", "v1_baseline", "--config", folder / "config.json", "--data", folder / "ticks", "--parallel"]
    for _ in range(measured.rounds * 2):
        shutil.rmtree(folder / "out", ignore_errors=True)
        command = [sys.executable, "-m", "sabot", "backtest", "-q", *words, "--output", folder / "out"]
        measured.keep("backtest", timed(*command))
        measured.keep("python", timed(sys.executable, "-c", "import sabot"))


def measure_events(folder: Path, programs: Path, measured: Measured) -> None:
    """Ticks a second, and hftbacktest on the same ticks."""
    program = programs / "backtest" / "simulation_benchmark"
    if not program.exists():
        raise SystemExit(f"{program} is missing: `make cpp` builds it, where libbenchmark-dev is installed.")
    command = [str(program), "--benchmark_format=json", f"--benchmark_repetitions={measured.rounds}"]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry["run_type"] == "iteration":
            name = entry["run_name"]
            measured.rates[name] = max(measured.rates.get(name, 0), entry["items_per_second"])
    if not HFTBACKTEST.exists():
        print(f"{HFTBACKTEST} is missing, so hftbacktest is left out: `make bench` makes it.", file=sys.stderr)
        return
    file = sorted((folder / "ticks").glob("*.parquet"))[0]
    ticks = pq.read_table(file)
    repeated = repeat(ticks, 1 if measured.rounds == 1 else 12)
    side = np.where(np.arange(len(repeated)) % 2 == 0, 1, -1)
    kinds = pc.index_in(repeated["type"].cast(pa.string()), pa.array(["bid", "ask", "trade"])).to_numpy()
    names = ("timestamp", "price", "volume")
    columns = {name: repeated[name].cast(pa.int64() if name == "timestamp" else pa.float64()) for name in names}
    np.savez(folder / "ticks.npz", type=kinds, side=side, **{name: of.to_numpy() for name, of in columns.items()})
    script = Path(__file__).parent / "backtest" / "hftbacktest_quotes.py"
    done = subprocess.run(
        [HFTBACKTEST, script, folder / "ticks.npz", str(measured.rounds)], check=True, stdout=subprocess.PIPE
    )
    for name, seconds in json.loads(done.stdout)["seconds"].items():
        measured.rates[f"hftbacktest, {name}"] = len(repeated) / seconds
    pq.write_table(repeated, folder / "one.parquet", row_group_size=65_536)
    runner = sabot.backtest.MarketMakingBacktest({"DEFAULT": {**CONFIG["DEFAULT"], "market": "continuous"}})
    best = float("inf")
    for _ in range(measured.rounds * 2):
        started = time.perf_counter()
        runner.run_ticks(repeated, security="ONE")
        best = min(best, time.perf_counter() - started)
    measured.rates["Sabot, at each tick"] = len(repeated) / best


def repeat(ticks: pa.Table, times: int) -> pa.Table:
    """The same ticks on later dates."""
    stamps = ticks["timestamp"].cast(pa.int64())
    span = -(-(stamps[-1].as_py() - stamps[0].as_py()) // 86_400_000_000_000) * 86_400_000_000_000
    later = [
        ticks.set_column(
            ticks.schema.get_field_index("timestamp"), "timestamp", pc.add(stamps, i * span).cast(pa.timestamp("ns"))
        )
        for i in range(times)
    ]
    return pa.concat_tables(later).combine_chunks()


def measure_sweep(folder: Path, measured: Measured) -> None:
    """All sets at once with one and two workers, and a few of them by themselves."""
    sizes = [1_000 + 250 * i for i in range(measured.sets // 10)]
    grid = {"quote_size": sizes, "refill_interval_sec": [30 * (i + 1) for i in range(10)]}
    options: dict[str, Any] = {"strategy": "v1_baseline", "config": CONFIG, "grid": grid}
    for _ in range(measured.rounds):
        for workers in (1, 2):
            started = time.perf_counter()
            sabot.backtest.sweep(folder / "ticks", max_workers=workers, **options)
            measured.keep(f"sweep/{workers}", time.perf_counter() - started)
    words = ["--strategy", "v1_baseline", "--config", folder / "one.json", "--data", folder / "ticks", "--parallel"]
    total = 0.0
    for i in range(SEPARATE):
        own = {**CONFIG["DEFAULT"], "quote_size": sizes[i % len(sizes)], "refill_interval_sec": 30 * (i + 1)}
        (folder / "one.json").write_text(json.dumps({"DEFAULT": own}))
        total += timed(sys.executable, "-m", "sabot", "backtest", "-q", *words, "--output", folder / f"out{i}")
    measured.seconds["separate"] = total / SEPARATE * measured.sets


def measure_memory(folder: Path, measured: Measured) -> None:
    """The peak with ten times as many ticks."""
    first = pq.read_table(sorted((folder / "ticks").glob("*.parquet"))[0])
    for times in (1, 10, 100):
        target = folder / f"memory{times}"
        target.mkdir()
        pq.write_table(repeat(first, times), target / "one.parquet", row_group_size=65_536)
        command = [sys.executable, "-m", "sabot", "backtest", "-q", "--strategy", "v1_baseline"]
        command += ["--config", str(folder / "config.json"), "--data", str(target), "--output", str(target / "out")]
        peak = subprocess.run(
            [sys.executable, "-c", PEAK, *command], check=True, stdout=subprocess.PIPE, text=True
        ).stdout
        measured.peaks[len(first) * times] = int(peak.split()[-1]) / 1e3


PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def figures(measured: Measured) -> Iterator[Figure]:
    """What is promised, against what was measured."""
    seconds, rates = measured.seconds, measured.rates
    for name, target in (("pandas", 20), ("polars", 2)):
        reader = "pandas with openpyxl" if name == "pandas" else "polars"
        ratio = seconds[f"convert/{name}"] / seconds["convert"]
        yield Figure(f"convert/{name}", f"workbook to Parquet, whole command, against {reader}", target, ratio)
    what = f"`v1_baseline` on {measured.rows:,} ticks from Parquet, whole command"
    yield Figure("backtest", what, 1.5, seconds["backtest"], " s", at_most=True)
    rate = rates["Simulates/v1_baseline"] / 1e6
    yield Figure("events", "ticks a second and core, `v1_baseline`", 20, rate, " M")
    theirs = [value for name, value in rates.items() if name.startswith("hftbacktest")]
    if theirs:
        ratio = rates["Sabot, at each tick"] / max(theirs)
        yield Figure("hftbacktest", "against hftbacktest on the same ticks, its faster way", 1.2, ratio)
    what = f"a sweep of {measured.sets:,} parameter sets against as many separate runs"
    yield Figure("sweep", what, 20, seconds["separate"] / min(seconds["sweep/1"], seconds["sweep/2"]))
    yield Figure("sweep/workers", "a sweep with two workers against one", 1.8, seconds["sweep/1"] / seconds["sweep/2"])
    small, *_, large = measured.peaks.values()
    more = "peak memory with a hundred times as many ticks, more than with one"
    yield Figure("memory", more, 64, large - small, " MB", at_most=True)


def page(measured: Measured) -> Iterator[str]:
    """As docs/benchmarks-backtests.md."""
    found = list(figures(measured))
    yield "# Benchmarks of backtests\n"
    yield INTRODUCTION.format(rounds=measured.rounds)
    yield from machine(_native.isa(), PACKAGES)
    yield f"\n{how_many(found)}\n"
    yield figure_table(found)
    yield from reasons(found, WHY)
    yield f"\n## Workbooks\n\n{WORKBOOK.format(sheets=SHEETS, ticks=measured.ticks, megabytes=measured.megabytes)}"
    names = {"convert": "`sabot convert`", "convert/polars": "polars", "convert/pandas": "pandas with openpyxl"}
    yield table(["", "seconds"], [[title, f"{measured.seconds[name]:.2f}"] for name, title in names.items()])
    yield f"\n## Whole commands\n\n{COMMANDS.format(sheets=SHEETS, rows=measured.rows)}"
    names = {"backtest": "`sabot backtest`", "python": '`python -c "import sabot"`'}
    yield table(["", "seconds"], [[title, f"{measured.seconds[name]:.2f}"] for name, title in names.items()])
    yield f"\n## Ticks a second\n\n{EVENTS.format(version='2.4.4')}"
    yield table(["", "M ticks/s"], [[name, f"{rate / 1e6:.1f}"] for name, rate in measured.rates.items()])
    sweep = SWEEP.format(sets=measured.sets, rows=measured.rows, sheets=SHEETS, separate=SEPARATE)
    yield f"\n## Sweeps\n\n{sweep}"
    names = {"sweep/1": "one worker", "sweep/2": "two workers", "separate": "separate runs"}
    yield table(["", "seconds"], [[title, f"{measured.seconds[name]:.1f}"] for name, title in names.items()])
    yield f"\n## Memory\n\n{MEMORY}"
    yield table(["ticks", "MB"], [[f"{ticks:,}", f"{peak:.0f}"] for ticks, peak in measured.peaks.items()])


if __name__ == "__main__":
    main()
