"""docs/benchmarks.md: what was measured, as Markdown."""

import os
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib import metadata
from pathlib import Path

from contest import Timings, on_threads
from figures import THREADS, Figure, Measured, figures
from kernels.cases import CASES, Case
from ticks import SYMBOLS

PACKAGES = ("sabot", "pyarrow", "numpy", "polars", "duckdb", "pandas", "numba", "TA-Lib")
COMMAND = "python benchmarks/run.py --write docs/benchmarks.md"

INTRODUCTION = """\
Written by `{command}`; `make bench` prints the same.
{rows:,} ticks of {symbols:,} symbols as `Stream.from_generator` makes them (Zipf, exponent 1), through the public
Python API: an Arrow table in memory goes in, the same table with new columns comes out. All contenders compute the same
columns, which are compared before anything is timed. Then they take turns, two runs each, for {rounds} rounds, and the
best run of each counts (a slow one gets fewer turns). Freeing results is not timed.

The *hand loop* is C++ written for one kernel, `benchmarks/kernels/hand_loops.cc`. It is compiled with the engine's
flags, allocates its output (from `malloc`, or in huge pages as the engine does), treats missing values as the engine
does and uses the engine's logarithm; but it knows no options, no keys other than dictionary indices, and no second
batch. polars and duckdb get as many threads as Sabot; pandas, numba and TA-Lib have one.
"""

RATES = """\
M rows/s. `—`: the library has no such function, or defines it otherwise. numba and TA-Lib write NaN for null; duckdb's
rows come in any order; TA-Lib's time includes sorting the rows by symbol and back; numba's rolling sums drift.
"""

KEPT = """\
M rows/s where the columns of every run stay in memory, so that no run finds pages which an earlier one gave back.
"""

CALLS = """\
A median call in µs on ten columns; `python benchmarks/python/call_overhead.py`.
"""

MEMORY = """\
Processes that do one thing; `python benchmarks/run.py --only memory,stream`. The peak is of resident memory, as
Linux counts it. It contains Python, pyarrow and Sabot, which hold what the first column says before the first row.
"""

EVERY = """\
M rows/s with default options; `python benchmarks/kernels/every_kernel.py`.
"""

CALL_TITLES = {
    "pyarrow": "`fintech.ewma(batch)`, pyarrow",
    "pyarrow_object": "`kernel(batch)` of an `EWMAKernel`, pyarrow",
    "polars": "`fintech.ewma(frame)`, polars",
    "polars_object": "`kernel(frame)` of an `EWMAKernel`, polars",
    "polars_own": "polars' own `ewm_mean().over()`",
    "pandas": "`fintech.ewma(frame)`, pandas",
    "duckdb": "`fintech.ewma(relation)`, duckdb",
}


def page(measured: Measured, why: Mapping[str, str], *, quick: bool) -> str:
    """All of it."""
    return "\n".join(_parts(measured, why, quick)) + "\n"


def _parts(measured: Measured, why: Mapping[str, str], quick: bool) -> Iterator[str]:
    yield "# Benchmarks\n"
    if quick:
        yield "**A quick run: it shows that everything runs, not how fast.**\n"
    yield INTRODUCTION.format(command=COMMAND, rows=measured.rows, symbols=SYMBOLS, rounds=measured.rounds)
    yield from machine(measured.isa, PACKAGES)
    found = [figure for figure in figures(measured) if figure.measured is not None]
    if found:
        yield f"\n## Figures\n\n{how_many(found)}\n"
        yield figure_table(found)
        if not quick:
            yield from reasons(found, why)
    if measured.timings.seconds:
        yield f"\n## Rows a second\n\n{RATES}"
        yield rates(measured.timings, measured.contenders, CASES.values())
    if measured.kept.seconds:
        yield f"\n## Results kept\n\n{KEPT}"
        yield rates(measured.kept, measured.contenders, CASES.values())
    if measured.calls:
        yield f"\n## One batch of 1,000 rows\n\n{CALLS}"
        yield table(["call", "µs"], [[CALL_TITLES[name], f"{took:.1f}"] for name, took in measured.calls.items()])
    if measured.memory or measured.streams:
        yield f"\n## Memory\n\n{MEMORY}"
    if measured.memory:
        keys = ("before_mb", "input_mb", "output_mb", "peak_mb")
        rows = [[CASES[case].title, *(f"{at[key]:.0f}" for key in keys)] for case, at in measured.memory.items()]
        yield table(["MB", "before the first row", "input", "outputs", "peak"], rows) + "\n"
    if measured.streams:
        rows = [
            [f"{at['source_mb']:.0f} MB", f"{at['rows']:,}", f"{at['seconds']:.1f}", f"{at['peak_mb']:.0f}"]
            for at in measured.streams
        ]
        yield table(["Parquet file", "rows", "seconds", "peak, MB"], rows)
    if measured.rates:
        yield f"\n## Every kernel\n\n{EVERY}"
        header = ["kernel", *(on_threads("", threads).removeprefix(", ") for threads in THREADS)]
        yield table(header, [[f"`{name}`", *map(_millions, each)] for name, each in measured.rates.items()])


def how_many(found: Sequence[Figure]) -> str:
    """Of the figures that were measured are met."""
    return f"{sum(figure.met for figure in found)} of {len(found)} are met."


def figure_table(found: Sequence[Figure]) -> str:
    """Figures that were measured."""
    return table(["what", "target", "measured", ""], [figure_row(figure) for figure in found])


def reasons(found: Sequence[Figure], why: Mapping[str, str]) -> Iterator[str]:
    """For those that are not met."""
    short = [figure for figure in found if not figure.met]
    if short:
        yield "\nWhy some fall short:\n"
        for figure in short:
            yield f"- {figure.what}: {_reason(figure.key, why)}"


def figure_row(figure: Figure) -> list[str]:
    """Of the table of figures."""
    value = figure.measured or 0.0
    digits = 2 if value < 10 else 1 if value < 100 else 0
    verdict = "met" if figure.met else f"short by {figure.short_by:.1%}"
    bound = "at most" if figure.at_most else "at least"
    return [figure.what, f"{bound} {figure.target:g}{figure.unit}", f"{value:.{digits}f}{figure.unit}", verdict]


def rates(timings: Timings, contenders: Sequence[str], cases: Iterable[Case]) -> str:
    """Of the cases and contenders that ran."""
    cases = [case for case in cases if any((case.name, name) in timings.seconds for name in contenders)]
    names = [name for name in contenders if any((case.name, name) in timings.seconds for case in cases)]
    rows = [[case.title, *(_millions(timings.rate(case.name, name)) for name in names)] for case in cases]
    return table(["", *names], rows)


def _millions(rows_a_second: float | None) -> str:
    if rows_a_second is None:
        return "—"
    millions = rows_a_second / 1e6
    return f"{millions:.{0 if millions >= 100 else 1 if millions >= 10 else 2}f}"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, the others to the right."""
    lines = [header, ["---"] + ["--:"] * (len(header) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(isa: str, packages: Sequence[str]) -> Iterator[str]:
    """What it was measured on, and with which versions."""
    cpu = re.search(r"^model name\s*:\s*(.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    yield (
        f"- Machine: {cpu[1] if cpu else platform.machine()}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB; "
        f"Sabot's vector maths: {isa}."
    )
    yield (
        f"- System: {platform.freedesktop_os_release().get('PRETTY_NAME', 'Linux')}, {' '.join(platform.libc_ver())}, "
        f"Python {platform.python_version()}."
    )
    yield f"- Versions: {', '.join(f'{package} {metadata.version(package)}' for package in packages)}."


def _reason(key: str, why: Mapping[str, str]) -> str:
    """Of a figure, or of those whose keys begin like it: "polars/2" is that of all of them."""
    while key and key not in why:
        key = key.rpartition("/")[0]
    return why.get(key, "not explained yet.")
