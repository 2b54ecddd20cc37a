"""The kernel library: each kernel with state on one core, and against polars, TA-Lib and CSP where these have it too.

    python benchmarks/kernel_library.py                            10 M rows; minutes
    python benchmarks/kernel_library.py --quick                    few rows: shows that it runs, not how fast
    python benchmarks/kernel_library.py --only sma_100,chains      some cases (kernels/library_cases.py) or sections
    python benchmarks/kernel_library.py --write docs/benchmarks-kernels.md

Each case is computed by everybody once and compared, then timed in rounds, everybody taking turns; the best run counts.
"""

import argparse
import subprocess
import tempfile
import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from contest import Contender, Timings, Worker, check, on_threads, take_turns
from figures import THREADS, Figure
from kernels import inputs, library_chains, sabot_calls
from kernels.cases import ALPHA, Case
from kernels.library_cases import CASES, FACTORS, GROUPS, MANY, ONE, ONE_SYMBOL, TIME, columns_of
from page import figure_table, how_many, machine, rates, reasons, table
from run import say
from ticks import SYMBOLS, Ticks, generate, write

import sabot
from sabot import _native

HERE = Path(__file__).resolve().parent
CSP_PYTHON = HERE.parent / "build/csp/bin/python"  # `make build/csp/pyvenv.cfg` makes it.
CSP, CSP_CASE = "CSP, 1 thread", f"ewma_{ALPHA}"
SECTIONS = ("csp", "chains")
PACKAGES = ("sabot", "pyarrow", "numpy", "polars", "TA-Lib")

# Why a figure falls short, by its key or the beginning of it: what profiling showed.
WHY: dict[str, str] = {
    "scalars/vpin": "`erfc` with the same bits on every CPU takes 8 ns a value, eight of them at a time.",
    "scalars/corwin_schultz_spread": "a row takes two logarithms, an exponential, three roots and five quotients.",
    "polars/2": "two threads share the symbols, but not the rows evenly, and each fetches from the other core what "
    "that one wrote; what holds for one thread each holds here, too.",
    "polars/1/rolling_kurt_100": "fourth moments are merged here, never subtracted, so that nothing drifts.",
    "polars/1/historical_var_100": "each row moves a part of a sorted window of 100 values in memory.",
    "polars/1/roll_spread_100": "sums in twice the digits of a float64, which its square root needs next to zero.",
    "talib/diff": "to resolve the key of a row takes half a nanosecond; TA-Lib subtracts arrays in the cache in less.",
    "talib": "rows of one symbol depend on one another, so what counts is most likely how long a step takes: one that "
    "merges aggregates is longer than TA-Lib's running sum, which drifts, and a table has a key to resolve.",
}

INTRODUCTION = """\
Written by `python benchmarks/kernel_library.py --write docs/benchmarks-kernels.md`; `make bench` prints the same.
{rows:,} ticks of {symbols:,} symbols as `Stream.from_generator` makes them (Zipf, exponent 1), and what other columns a
kernel reads made from these (`benchmarks/kernels/inputs.py`): an Arrow table in memory goes in, the same table with new
columns comes out. All contenders compute the same columns, which are compared before anything is timed. Then they take
turns, two runs each, for {rounds} rounds, and the best run of each counts. Freeing results is not timed. What is said
without a number of threads has one. What kernels without state do is in [benchmarks.md](benchmarks.md).
"""

POLARS_TEXT = """\
Its own functions with `.over("symbol")`, in an expression where the kernel is more than one function; as many threads
as Sabot. `benchmarks/kernels/polars_functions.py` has them.
"""

TALIB_TEXT = """\
{rows:,} rows of one symbol: TA-Lib gets numpy arrays, Sabot a table with a column of symbols.
"""

CSP_TEXT = """\
CSP {version} in an environment of its own, since it needs an older pyarrow: a curve and `csp.stats.ema` for each
symbol, every row a tick of its own; splitting rows by symbol and putting results back is timed, as it is for Sabot.
"""

CHAINS_TEXT = """\
On one thread. The factors are computed by one chain: a median call on a batch with a row of each symbol, when all
windows are full. The state is that of the chain of ten in [benchmarks.md](benchmarks.md), after {warm} rows of each
symbol. The factors:
{factors}.
"""

TIME_TEXT = """\
M rows/s with a window of 100 rows, and with one of {window}, which holds 100 rows of a symbol in the mean over all
rows, and the more of a symbol the more it trades. Nothing is promised of these.
"""

RATES_TEXT = """\
M rows/s. `—`: the library has no such function.
"""


@dataclass
class Measured:
    """Everything a run found out. What was left out is empty."""

    rows: int
    one_rows: int
    rounds: int
    many: Timings = field(init=False)
    one: Timings = field(init=False)
    milliseconds: dict[str, float] = field(default_factory=dict)  # Of chains.
    csp_version: str = ""

    def __post_init__(self) -> None:
        self.many, self.one = Timings(self.rows), Timings(self.one_rows)


def main() -> None:
    """Measure, print, write."""
    arguments = _arguments()
    started = time.monotonic()
    measured = Measured(arguments.rows, arguments.one_rows, arguments.rounds)
    with tempfile.TemporaryDirectory(prefix="sabot-benchmarks-", dir=arguments.scratch) as scratch:
        measure(measured, Path(scratch), arguments.only, arguments.csp_python)
    if "chains" in arguments.only:
        say("chains")
        quick = arguments.quick
        measured.milliseconds["factors"] = 1e3 * library_chains.factors(20 if quick else 500)
        saved, restored = library_chains.state(2 if quick else 10)
        measured.milliseconds |= {"snapshot": 1e3 * saved, "restore": 1e3 * restored}
    sabot.set_max_threads(0)
    text = "\n".join(page(measured, quick=arguments.quick)) + "\n"
    print(f"\n{text}")
    if arguments.write:
        arguments.write.write_text(text)
        print(f"Written to {arguments.write}.")
    print(f"Took {time.monotonic() - started:.0f} s.")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument(
        "--quick", action="store_true", help="few rows and one round: under two minutes, and no figures"
    )
    parser.add_argument("--only", help="comma-separated cases and sections")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--rows", type=int, help="ticks of 1,000 symbols (default: 10,000,000)")
    parser.add_argument("--one-rows", type=int, help="ticks of one symbol, for TA-Lib (default: 1,000,000)")
    parser.add_argument("--rounds", type=int, help="turns of each contender in each case (default: 4)")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files, 3 GB (default: the system's)")
    parser.add_argument("--csp-python", type=Path, default=CSP_PYTHON, help="the interpreter that has CSP")
    arguments = parser.parse_args()
    arguments.rows = arguments.rows or (200_000 if arguments.quick else 10_000_000)
    arguments.one_rows = arguments.one_rows or (50_000 if arguments.quick else 1_000_000)
    arguments.rounds = arguments.rounds or (1 if arguments.quick else 4)
    known = [*CASES, *ONE_SYMBOL, *SECTIONS]
    arguments.only = set(arguments.only.split(",") if arguments.only else known)
    if unknown := arguments.only - set(known):
        parser.error(f"--only: unknown {', '.join(sorted(unknown))}. Known: {', '.join(known)}.")
    if "csp" in arguments.only and not arguments.csp_python.exists():
        parser.error(f"{arguments.csp_python} is missing. Run 'make build/csp/pyvenv.cfg'.")
    return arguments


def measure(measured: Measured, scratch: Path, only: set[str], csp_python: Path) -> None:
    """The cases, by everybody."""
    many = [case for case in CASES.values() if case.name in only or (case.name == CSP_CASE and "csp" in only)]
    one = [case for case in ONE_SYMBOL.values() if case.name in only]
    ticks = Ticks(scratch)
    workers: list[Worker] = []
    try:
        if many:
            make_table(scratch, MANY, measured.rows, SYMBOLS, many)
            contenders: list[Contender] = sabots(ticks, CASES)
            for threads in THREADS:
                environment = {"POLARS_MAX_THREADS": str(threads)}
                script, name = HERE / "kernels/polars_functions.py", on_threads("polars", threads)
                workers.append(Worker(script, name, threads, scratch, environment))
            if "csp" in only:
                measured.csp_version = version_of("csp", csp_python)
                workers.append(Worker(HERE / "kernels/csp_graphs.py", CSP, 1, scratch, {}, str(csp_python)))
            contest(many, [*contenders, *workers], measured.many, measured.rounds)
        if one:
            from kernels import talib_arrays

            make_table(scratch, ONE, measured.one_rows, 1, list(ONE_SYMBOL.values()))
            contest(one, [sabots(ticks, ONE_SYMBOL)[0], talib_arrays.contender(ticks)], measured.one, measured.rounds)
    finally:
        for worker in workers:
            worker.close()


def make_table(scratch: Path, name: str, rows: int, symbols: int, cases: Sequence[Case]) -> None:
    """Ticks with every column that the cases read, in files that all processes map."""
    say(f"making {rows:,} ticks, {'of one symbol' if symbols == 1 else f'{symbols:,} symbols'}")
    write(inputs.table_of(generate(rows, "ticks", symbols=symbols), columns_of(cases)), scratch / name)


def sabots(ticks: Ticks, cases: Mapping[str, Case]) -> list[Contender]:
    """Sabot on each number of threads. Its tables hold what the case reads: outputs may have the names of inputs."""

    def table_of(case: Case) -> object:
        return ticks[case.table].select(columns_of([case]))

    return [sabot_calls.contender(table_of, threads, cases) for threads in THREADS]


def contest(cases: Sequence[Case], contenders: Sequence[Contender], timings: Timings, rounds: int) -> None:
    """Compare, then time."""
    for case in cases:
        able = [contender for contender in contenders if contender.has(case.name)]
        check(case.name, able, timings, unordered=[])
        take_turns(case.name, able, timings, rounds)
        speeds = [f"{each.name} {(timings.rate(case.name, each.name) or 0) / 1e6:.2f}" for each in able]
        say(f"{case.name}: {'; '.join(speeds)} M rows/s")


def version_of(package: str, python: Path) -> str:
    """Of a package that another interpreter has."""
    program = f"from importlib.metadata import version; print(version({package!r}))"
    return subprocess.run([python, "-c", program], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def speeds(measured: Measured) -> list[Figure]:
    """Kernels on one core."""
    found = []
    for group in GROUPS:
        for case in group.cases:
            rate = measured.many.rate(case.name, on_threads("Sabot", 1))
            if group.target is not None and rate is not None:
                found.append(Figure(f"{group.key}/{case.name}", case.title, group.target, rate / 1e6, " M rows/s"))
    return found


def against_polars(measured: Measured) -> list[Figure]:
    """What polars has too, but for windows of time."""
    from kernels.polars_functions import FUNCTIONS

    found = []
    for case in CASES.values():
        for threads in THREADS if case.name in FUNCTIONS and not case.name.endswith(TIME) else ():
            ratio = measured.many.ratio(case.name, on_threads("Sabot", threads), on_threads("polars", threads))
            each = "one thread each" if threads == 1 else "two threads each"
            what = f"{case.title}, against `{FUNCTIONS[case.name].calls}`, {each}"
            found.append(Figure(f"polars/{threads}/{case.name}", what, 2.5, ratio))
    return [figure for figure in found if figure.measured is not None]


def against_talib(measured: Measured) -> list[Figure]:
    """What TA-Lib has too."""
    from kernels.talib_arrays import FUNCTIONS

    found = []
    for case in ONE_SYMBOL.values():
        ratio = measured.one.ratio(case.name, on_threads("Sabot", 1), on_threads("TA-Lib", 1))
        what = f"{case.title}, against `{FUNCTIONS[case.name]}`"
        found.append(Figure(f"talib/{case.name}", what, 0.5, ratio))
    return [figure for figure in found if figure.measured is not None]


def against_csp(measured: Measured) -> list[Figure]:
    """The exponential average of 1,000 symbols."""
    ratio = measured.many.ratio(CSP_CASE, on_threads("Sabot", 1), CSP)
    return [Figure("csp", f"{CASES[CSP_CASE].title}, against `ema`", 30, ratio)] if ratio else []


def of_chains(measured: Measured) -> list[Figure]:
    """Factors and states."""
    whats = {
        "factors": (f"{len(FACTORS)} factors of {library_chains.FACTOR_SYMBOLS:,} symbols, a row each", 3),
        "snapshot": (f"ten kernels of {library_chains.STATE_SYMBOLS:,} symbols are saved", 50),
        "restore": (f"ten kernels of {library_chains.STATE_SYMBOLS:,} symbols are restored", 50),
    }
    return [
        Figure(key, *whats[key], milliseconds, " ms", at_most=True)
        for key, milliseconds in measured.milliseconds.items()
    ]


def page(measured: Measured, *, quick: bool) -> Iterator[str]:
    """docs/benchmarks-kernels.md."""
    sections = {
        "One core": (speeds(measured), ""),
        "polars": (against_polars(measured), POLARS_TEXT),
        "TA-Lib": (against_talib(measured), TALIB_TEXT.format(rows=measured.one_rows)),
        "CSP": (against_csp(measured), CSP_TEXT.format(version=measured.csp_version)),
        "Chains": (
            of_chains(measured),
            CHAINS_TEXT.format(factors=factor_list(), warm=library_chains.WARM_ROUNDS),
        ),
    }
    yield "# Benchmarks of the kernel library\n"
    if quick:
        yield "**A quick run: it shows that everything runs, not how fast.**\n"
    yield INTRODUCTION.format(rows=measured.rows, symbols=SYMBOLS, rounds=measured.rounds)
    yield from machine(_native.isa(), PACKAGES)
    everything = [figure for found, _ in sections.values() for figure in found]
    yield f"\n{how_many(everything)}"
    if not quick:
        yield from reasons(everything, WHY)
    for title, (found, text) in sections.items():
        if found:
            yield f"\n## {title}\n\n{text}" if text else f"\n## {title}\n"
            yield figure_table(found)
    if any(name.endswith(TIME) for name, _ in measured.many.seconds):
        yield f"\n## Windows of time\n\n{TIME_TEXT.format(window=TIME)}"
        yield windows_of_time(measured.many)
    names = [on_threads(library, threads) for library in ("Sabot", "polars") for threads in THREADS]
    if measured.many.seconds:
        yield f"\n## Rows a second\n\n{RATES_TEXT}"
        yield rates(measured.many, [*names, CSP], CASES.values())
    if measured.one.seconds:
        yield f"\nOf one symbol, {measured.one_rows:,} rows:\n"
        yield rates(measured.one, [on_threads("Sabot", 1), on_threads("TA-Lib", 1)], ONE_SYMBOL.values())


def factor_list() -> str:
    """Wrapped as the rest of the page is."""
    return textwrap.fill(", ".join(f"`{name}`" for name, _ in FACTORS), 119)


def windows_of_time(timings: Timings) -> str:
    """Beside windows of as many rows."""
    rows = []
    for kernel in ("sma", "rolling_std", "rolling_max"):
        pairs = [
            (name, on_threads(library, 1))
            for library in ("Sabot", "polars")
            for name in (f"{kernel}_100", f"{kernel}_{TIME}")
        ]
        found = [timings.rate(name, contender) for name, contender in pairs]
        rows.append([f"`{kernel}`", *("—" if rate is None else f"{rate / 1e6:.1f}" for rate in found)])
    return table(["one thread", "Sabot, rows", "Sabot, time", "polars, rows", "polars, time"], rows)


if __name__ == "__main__":
    main()
