"""Rows from task to task: partitions, edges, merges, copies of steps, and Flink on the same keys.

    python benchmarks/dataflow.py                                  two minutes
    python benchmarks/dataflow.py --quick                          few rows: shows that it runs, not how fast
    python benchmarks/dataflow.py --write docs/benchmarks-dataflow.md
    make bench-flink                                               installs and builds what Flink needs, then all

The C++ programs of benchmarks/shuffle and benchmarks/engine measure, benchmark after benchmark in turns; the best of
all runs counts.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from figures import Figure
from ticks import SYMBOLS, generate

import sabot

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ROOT / "build/release/benchmarks"
FLINK = ROOT / "build/flink"

CHAIN_ROWS, ROWS = 4_000_000, 10_000_000
FLINK_ROWS_IN_MEMORY = 1 << 20
FLINK_TASKS = 2
MILLIONS = " M rows/s"

# Why a figure falls short, by its key: what profiling showed.
WHY: dict[str, str] = {
    "copies": "a sixth of the work of two copies is dividing rows, copying each to its task and putting them together "
    "again, and kernels whose outputs go to another core take a tenth longer, so that two cores are 1.6 times as fast "
    "as one at best",
    "flink": "finding the slots of plain strings is more than half of the work, and batches of 8,192 rows too small "
    "to share; feeds have their symbols in a dictionary, the row above",
}

INTRODUCTION = """\
Written by `python benchmarks/dataflow.py --write docs/benchmarks-dataflow.md`; `make bench` prints it. Everything is
measured by the programs named below, whose benchmarks take turns; the best of {rounds} rounds counts. Partitions, edges
and merges run on one thread and are held against its CPU time, streams against the wall clock, on {cores} cores.
Versions: sabot {sabot}, pyarrow {pyarrow}{flink}.

Symbols are {symbols:,}, Zipf-distributed (exponent 1). Partitions and edges have a key and six columns of eight bytes
in batches of 8,192 rows; the *hand-written* scatter is for exactly that batch, knows the partition of each symbol
beforehand and allocates nothing. Streams read ticks in memory and drop what comes out; the ten kernels are
`rolling_std`, `rolling_zscore`, `bollinger_bands` and `sma` over 100 and over 20 rows, `vwap` over 100, `ofi` over 20.
"""

FLINK_TEXT = """\
Flink runs `benchmarks/flink` as its local cluster does, with two tasks a step, state on the heap, no checkpoints and
objects reused: rows that lie in memory, `keyBy` a string, a `KeyedProcessFunction` with a `ValueState<Double>`, a sink
that discards. Its clock runs from the first task that is ready to the last row, and the first of its runs in the
virtual machine is not counted. Its two sources say nothing of the order of a symbol's rows; Sabot keeps it.
"""


@dataclass(frozen=True)
class Program:
    """A google-benchmark program, and those of its benchmarks that count."""

    path: str
    only: str
    rows: int = 0  # Of a stream; 0: it decides itself.


PROGRAMS_RUN = (
    Program("shuffle/partition_benchmark", "ForTheWire|HandWritten"),
    Program("shuffle/merge_benchmark", "OneSource/4|EightSources/8192|HandWritten"),
    Program("engine/hash_edge_benchmark", "."),
    Program("engine/stream_benchmark", "RollingTen", CHAIN_ROWS),
    Program("engine/stream_benchmark", "Ewma|Filter", ROWS),
)

TITLES = {
    "partition_benchmark ForTheWire/Dictionary": "hash partition for the wire, 16 partitions, dictionary keys",
    "partition_benchmark ForTheWire/Utf8": "the same, plain string keys",
    "partition_benchmark ForTheWire/Int64": "the same, integer keys",
    "partition_benchmark HandWritten": "a hand-written scatter, dictionary keys",
    "merge_benchmark OneSource/4": "ordered merge of 8 channels, six columns: one source that a hash divided",
    "merge_benchmark EightSources/8192": "the same: eight sources",
    "merge_benchmark HandWritten/8192": "a hand-written merge of eight sources",
    "hash_edge_benchmark Selections/2": "hash edge within a process, 2 receivers",
    "hash_edge_benchmark Selections/4": "the same, 4 receivers",
    "hash_edge_benchmark Selections/16": "the same, 16 receivers",
    "hash_edge_benchmark ThroughGates/2": "the same with the receivers' gates, which copy rows once, 2 receivers",
    "hash_edge_benchmark ThroughGates/16": "the same, 16 receivers",
    "stream_benchmark RollingTenBare": "ten rolling kernels without the engine, batches of 8,192 rows",
    "stream_benchmark RollingTenInBatches/OneThread": "the same in a stream, one thread",
    "stream_benchmark RollingTenInBatches/Copies": "the same, `parallelism=2` on two threads",
    "stream_benchmark RollingTenOfTable/OneThread": "ten rolling kernels over a table, one thread",
    "stream_benchmark RollingTenOfTable/Morsels": "the same, `parallelism=1` on two threads, which share each batch",
    "stream_benchmark RollingTenOfTable/Copies": "the same, `parallelism=2` on two threads",
    "stream_benchmark Ewma/OneThread": "ewma of plain string keys, batches of 8,192 rows, one thread",
    "stream_benchmark Ewma/Morsels": "the same, `parallelism=1` on two threads",
    "stream_benchmark Ewma/Copies": "the same, `parallelism=2` on two threads",
    "stream_benchmark EwmaOfDictionary/OneThread": "ewma of string keys in a dictionary, one thread",
    "stream_benchmark FilterWithColumns/OneThread": "filter and with_columns over a table, one thread",
    "stream_benchmark FilterWithColumns/Copies": "the same, `parallelism=2` on two threads",
    "flink": "ewma of plain string keys in Flink, two tasks a step",
}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows and rounds: no figures")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--programs", type=Path, default=PROGRAMS, help="folder of the built C++ benchmarks")
    parser.add_argument("--flink", action="store_true", help="fail where Flink is not there, instead of leaving it out")
    arguments = parser.parse_args()
    if arguments.flink and not flink_is_there():
        raise SystemExit("Flink is not there: `make bench-flink` installs and builds what is missing.")
    rounds = 1 if arguments.quick else 6
    rates: dict[str, float] = defaultdict(float)
    flink = ""
    for program in PROGRAMS_RUN:
        run(arguments.programs, program, rounds, arguments.quick, rates)
    if flink_is_there():
        flink = run_flink(arguments.quick, rates)
        run(arguments.programs, PROGRAMS_RUN[-1], rounds, arguments.quick, rates)  # Once more, on the other side of it.
    text = "\n".join(page(rates, figures(rates), flink, rounds)) + "\n"
    if arguments.quick:
        text += "\n**A quick run: it shows that everything runs, not how fast.**\n"
    print(f"\n{text}")
    if arguments.write and not arguments.quick:
        arguments.write.write_text(text)


def run(folder: Path, program: Program, rounds: int, quick: bool, rates: dict[str, float]) -> None:
    """Run a program's benchmarks, and keep the best rows a second of each."""
    path = folder / program.path
    if not path.exists():
        raise SystemExit(f"{path} is missing: `make cpp` builds it, where libbenchmark-dev is installed.")
    command = [
        str(path),
        f"--benchmark_filter={program.only}",
        "--benchmark_format=json",
        f"--benchmark_min_time={0.001 if quick else 0.1}",
        f"--benchmark_repetitions={rounds}",
        "--benchmark_enable_random_interleaving=true",
    ]
    environment = dict(os.environ)
    if program.rows:
        environment["SABOT_BENCHMARK_ROWS"] = str(min(program.rows, 200_000) if quick else program.rows)
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for entry in json.loads(done.stdout)["benchmarks"]:
        if entry["run_type"] != "iteration":
            continue
        key = f"{path.name} {entry['run_name'].removesuffix('/real_time')}"
        rates[key] = max(rates[key], entry["items_per_second"])
    print(f"{program.path} {program.only}", file=sys.stderr, flush=True)


def flink_is_there() -> bool:
    """Whether it was built, and Java is there to run it."""
    return (FLINK / "keyed-ewma-1.jar").exists() and shutil.which("java") is not None


def run_flink(quick: bool, rates: dict[str, float]) -> str:
    """Run Flink on keys as Sabot's generator draws them, keep its best rows a second, and return its version."""
    rows, runs = (200_000, 2) if quick else (ROWS, 6)
    ticks = generate(FLINK_ROWS_IN_MEMORY, "trades").combine_chunks()
    symbols = ticks.column("symbol").chunk(0)
    with tempfile.TemporaryDirectory(prefix="sabot-flink-") as scratch:
        folder = Path(scratch)
        (folder / "symbols.txt").write_text("".join(f"{name}\n" for name in symbols.dictionary.to_pylist()))
        (folder / "keys.i32").write_bytes(symbols.indices.to_numpy().astype("<i4").tobytes())
        (folder / "prices.f64").write_bytes(np.asarray(ticks.column("price"), dtype="<f8").tobytes())
        classes = f"{FLINK / 'keyed-ewma-1.jar'}:{FLINK / 'jars'}/*"
        arguments = [str(folder), str(rows), str(runs), str(FLINK_TASKS)]
        command = ["java", "-Xmx4g", "-cp", classes, "sabot.KeyedEwma", *arguments]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    found = json.loads(done.stdout)
    rates["flink"] = rows / min(found["seconds"][1:])
    print(f"flink {found['version']}", file=sys.stderr, flush=True)
    return str(found["version"])


def figures(rates: Mapping[str, float]) -> list[Figure]:
    """What is promised, against what was measured."""

    def rate(*names: str) -> float:
        """The slowest of them, in millions."""
        return min(rates[name] for name in names) / 1e6

    def ratio(name: str, other: str) -> float | None:
        return rates[name] / rates[other] if rates.get(other) else None

    wire, stream = "partition_benchmark ForTheWire", "stream_benchmark "
    one_thread = f"{stream}RollingTenInBatches/OneThread"
    edges = [f"hash_edge_benchmark Selections/{receivers}" for receivers in (2, 4, 16)]
    merges = ["merge_benchmark OneSource/4", "merge_benchmark EightSources/8192"]
    return [
        Figure(
            "wire", "hash partition for the wire, a core, dictionary keys", 50, rate(f"{wire}/Dictionary"), MILLIONS
        ),
        Figure(
            "wire/hand",
            "the same against a hand-written scatter",
            0.5,
            ratio(f"{wire}/Dictionary", "partition_benchmark HandWritten"),
        ),
        Figure("wire/utf8", "the same, plain string keys", 25, rate(f"{wire}/Utf8"), MILLIONS),
        Figure("edge", "hash edge within a process, a core, no column copied", 100, rate(*edges), MILLIONS),
        Figure("merge", "ordered merge of 8 channels, a core", 50, rate(*merges), MILLIONS),
        Figure(
            "copies",
            "ten rolling kernels in a stream of small batches, `parallelism=2` on two threads against one thread",
            1.5,
            ratio(f"{stream}RollingTenInBatches/Copies", one_thread),
        ),
        Figure(
            "engine",
            "the same on one thread against the kernels alone",
            0.85,
            ratio(one_thread, f"{stream}RollingTenBare"),
        ),
        Figure(
            "filter",
            "filter and with_columns on two threads against one",
            1.4,
            ratio(f"{stream}FilterWithColumns/Copies", f"{stream}FilterWithColumns/OneThread"),
        ),
        Figure(
            "dictionary",
            "streaming `ewma` of string keys in a dictionary, one thread, against Flink",
            20,
            ratio(f"{stream}EwmaOfDictionary/OneThread", "flink"),
        ),
        Figure("flink", "the same of plain strings", 20, ratio(f"{stream}Ewma/Morsels", "flink")),
    ]


def page(rates: Mapping[str, float], found: Sequence[Figure], flink: str, rounds: int) -> Iterator[str]:
    """As docs/benchmarks-dataflow.md."""
    yield "# Benchmarks of dataflow\n"
    yield INTRODUCTION.format(
        rounds=rounds,
        cores=os.cpu_count(),
        sabot=sabot.__version__,
        pyarrow=pa.__version__,
        flink=f", Flink {flink}" if flink else "",
        symbols=SYMBOLS,
    )
    yield from table(["what", "target", "measured", ""], map(figure_row, found))
    reasons = [f"- {figure.what}: {WHY[figure.key]}." for figure in found if not figure.met and figure.key in WHY]
    if reasons:
        yield from ["\nWhy some fall short:\n", *reasons]
    yield f"\n## Flink\n\n{FLINK_TEXT}"
    yield "## Rows a second\n\nM rows/s, by the program that measures it.\n"
    rows = [(key, title, rates[key]) for key, title in TITLES.items() if key in rates]
    named = ((title, f"`{PLACE[key.partition(' ')[0]]}`", millions(rate)) for key, title, rate in rows)
    yield from table(["what", "program", "M rows/s"], named)


PLACE = {Path(program.path).name: program.path for program in PROGRAMS_RUN} | {"flink": "flink"}


def figure_row(figure: Figure) -> list[str]:
    """Of the table of figures."""
    bound = f"at least {figure.target:g}{figure.unit}"
    if figure.measured is None:
        return [figure.what, bound, "\u2014", "not measured: `make bench-flink` does"]
    verdict = "met" if figure.met else f"short by {figure.short_by:.1%}"
    return [figure.what, bound, f"{figure.measured:.3g}{figure.unit}", verdict]


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """The first column to the left, the others to the right."""
    ruler = ["---"] + ["--:"] * (len(header) - 1)
    return (f"| {' | '.join(row)} |" for row in itertools.chain([header, ruler], rows))


def millions(rows_a_second: float) -> str:
    """Three digits."""
    value = rows_a_second / 1e6
    return f"{value:.{0 if value >= 100 else 1 if value >= 10 else 2}f}"


if __name__ == "__main__":
    main()
