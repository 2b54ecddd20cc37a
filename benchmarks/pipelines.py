"""Pipelines over files and frames: Sabot, polars and Arrow alone, taking turns in one run.

    python benchmarks/pipelines.py                                 10 M rows; minutes
    python benchmarks/pipelines.py --quick                         few rows: shows that it runs, not how fast
    python benchmarks/pipelines.py --write docs/benchmarks-pipelines.md

Everybody has all cores. What is written is compared before anything is timed; the best of all rounds counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from kernels import polars_expressions, sabot_calls
from kernels.cases import CASES

import sabot

ROWS, CSV_ROWS, SYMBOLS = 10_000_000, 2_000_000, 1_000
ROW_GROUP = 131_072
SABOT = "Sabot"

TIMES = "\u00d7"

# Why a figure falls short, by its key: what profiling showed.
WHY: dict[str, str] = {}


@dataclass(frozen=True)
class Figure:
    """A promise, and what came of it."""

    key: str
    what: str
    target: float
    measured: float
    unit: str
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether it was kept."""
        return self.measured <= self.target if self.at_most else self.measured >= self.target


class Race:
    """Contenders that do the same, taking turns."""

    def __init__(self, title: str, contenders: dict[str, Callable[[], object]], rounds: int) -> None:
        self.title = title
        self.seconds = dict.fromkeys(contenders, float("inf"))
        for _ in range(rounds):
            for name, run in contenders.items():
                started = time.perf_counter()
                held = run()
                self.seconds[name] = min(self.seconds[name], time.perf_counter() - started)
                del held
        for name, seconds in self.seconds.items():
            print(f"{title:45} {name:30} {seconds:8.3f} s", file=sys.stderr, flush=True)

    def ratio(self, other: str) -> float:
        """How many times as fast as the other Sabot is."""
        return self.seconds[other] / self.seconds[SABOT]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="few rows and rounds: no figures")
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the page of figures")
    parser.add_argument("--scratch", type=Path, help="folder for temporary files, 4 GB (default: the system's)")
    arguments = parser.parse_args()
    rows, csv_rows, rounds = (200_000, 50_000, 1) if arguments.quick else (ROWS, CSV_ROWS, 4)
    with tempfile.TemporaryDirectory(prefix="sabot-pipelines-", dir=arguments.scratch) as scratch:
        races, figures = measure(Path(scratch), rows, csv_rows, rounds)
    text = page(rows, csv_rows, rounds, races, figures)
    print(f"\n{text}")
    if arguments.write and not arguments.quick:
        arguments.write.write_text(text)


def measure(scratch: Path, rows: int, csv_rows: int, rounds: int) -> tuple[list[Race], list[Figure]]:
    """All races."""
    source = scratch / "ticks.parquet"
    sabot.Stream.from_generator(rows=rows, symbols=SYMBOLS).to_parquet(source)
    parquet = parquet_race(scratch, source, rounds)
    columns = columns_race(source, rounds)
    csv = csv_race(scratch, source, csv_rows, rounds)
    start = start_times(scratch, rounds)
    return [parquet, columns, csv], [
        Figure("parquet/polars", "Parquet, ten kernels, Parquet: against polars", 2, parquet.ratio("polars"), TIMES),
        Figure("parquet/arrow", "the same against Arrow reading and writing alone", 0.7, parquet.ratio("Arrow"), TIMES),
        Figure("columns/polars", "filter and with_columns: against polars", 0.7, columns.ratio("polars"), TIMES),
        Figure("csv/arrow", "CSV to Parquet: against pyarrow", 0.9, csv.ratio("pyarrow"), TIMES),
        Figure(
            "memory", "Parquet, ten kernels, Parquet: peak memory", 512, memory(scratch, source), "MB", at_most=True
        ),
        Figure("start/help", "`sabot --help`, whole process", 0.3, start["help"], "s", at_most=True),
        Figure("start/run", "`sabot run` of a one-row pipeline, whole process", 0.6, start["run"], "s", at_most=True),
    ]


def parquet_race(scratch: Path, source: Path, rounds: int) -> Race:
    """Parquet through ten kernels into Parquet."""
    chain = sabot_calls.chain_of(CASES["chain_of_ten"])
    target = {name: scratch / f"{name}.parquet" for name in ("sabot", "polars", "arrow")}

    def run_sabot() -> object:
        stream = sabot.Stream.from_parquet(source)
        for kernel in chain:
            stream = stream.kernel(kernel)
        return stream.to_parquet(target["sabot"], row_group_rows=ROW_GROUP)

    def run_polars() -> None:
        frame = pl.read_parquet(source).with_columns(pl.col("symbol").cast(pl.Categorical))
        made = polars_expressions._chain(frame).with_columns(pl.col("symbol").cast(pl.String))
        made.write_parquet(target["polars"], compression="zstd", row_group_size=ROW_GROUP)

    run_sabot()
    features = pq.read_table(target["sabot"])

    def run_arrow() -> object:
        table = pq.read_table(source)
        pq.write_table(features, target["arrow"], compression="zstd", row_group_size=ROW_GROUP)
        return table

    run_polars()
    compare(features, pl.read_parquet(target["polars"]))
    return Race("Parquet, ten kernels, Parquet", {SABOT: run_sabot, "polars": run_polars, "Arrow": run_arrow}, rounds)


def compare(features: pa.Table, other: pl.DataFrame) -> None:
    """The columns that both computed, to a tolerance."""
    mine = pl.DataFrame(features.select(["symbol", "midprice", "ewma", "ofi"]))
    theirs = other.select(["symbol", "midprice", "ewma", "ofi"])
    assert mine["symbol"].equals(theirs["symbol"])
    for name in ("midprice", "ewma", "ofi"):
        difference = (mine[name].fill_null(0) - theirs[name].fill_null(0)).abs().max()
        assert difference is not None
        assert difference < 1e-6, f"{name} differs by {difference}"


def columns_race(source: Path, rounds: int) -> Race:
    """A filter and two columns over a frame in memory."""
    table = pq.read_table(source).combine_chunks()
    frame = pl.DataFrame(table)
    stream = (
        sabot.Stream.from_arrow(table)
        .filter("price * volume > 2e5 and side == 1")
        .with_columns(notional="price * volume", spread="ask - bid")
    )
    keep = (pl.col("price") * pl.col("volume") > 2e5) & (pl.col("side") == 1)

    def run_polars() -> pl.DataFrame:
        return (
            frame.lazy()
            .filter(keep)
            .with_columns(notional=pl.col("price") * pl.col("volume"), spread=pl.col("ask") - pl.col("bid"))
            .collect()
        )

    assert stream.collect()["notional"].to_pylist()[:10_000] == run_polars()["notional"].to_list()[:10_000]
    return Race("filter and with_columns, in memory", {SABOT: stream.collect, "polars": run_polars}, rounds)


def csv_race(scratch: Path, source: Path, rows: int, rounds: int) -> Race:
    """CSV into Parquet."""
    csv, target = scratch / "ticks.csv", scratch / "from_csv.parquet"
    pacsv.write_csv(pq.read_table(source).slice(0, rows), csv)

    def run_pyarrow() -> None:
        pq.write_table(pacsv.read_csv(csv), target, compression="zstd", row_group_size=ROW_GROUP)

    def run_stream() -> None:
        with pacsv.open_csv(csv) as reader, pq.ParquetWriter(target, reader.schema, compression="zstd") as writer:
            for batch in reader:
                writer.write_batch(batch, row_group_size=ROW_GROUP)

    def run_sabot() -> object:
        return sabot.Stream.from_csv(csv).to_parquet(target, row_group_rows=ROW_GROUP)

    run_sabot()
    assert pq.read_table(target, columns=["price"]).equals(pacsv.read_csv(csv).select(["price"]))
    contenders = {SABOT: run_sabot, "pyarrow": run_pyarrow, "pyarrow, batch by batch": run_stream}
    return Race("CSV to Parquet", contenders, rounds)


def memory(scratch: Path, source: Path) -> float:
    """Of a process of its own, in MB."""
    script = Path(__file__).resolve().parent / "engine/fresh_process.py"
    command = [sys.executable, str(script), "pipeline", str(source), str(scratch / "memory.parquet")]
    return float(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)["peak_mb"])


def start_times(scratch: Path, rounds: int) -> dict[str, float]:
    """Seconds of whole processes."""
    one_row = scratch / "one.csv"
    one_row.write_text("symbol,price\nA,1.5\n")
    pipeline = scratch / "one.yaml"
    pipeline.write_text(
        f"source: {{csv: {one_row}}}\n"
        "steps:\n  - {kernel: ewma, alpha: 0.1}\n"
        f"sink: {{csv: {scratch / 'one_out.csv'}}}\n"
    )
    command = str(Path(sys.executable).with_name("sabot"))
    best = {}
    for name, words in (("help", ["--help"]), ("run", ["run", "-q", str(pipeline)])):
        seconds = []
        for _ in range(rounds * 3):
            started = time.perf_counter()
            subprocess.run(
                [command, *words], check=True, stdout=subprocess.DEVNULL, env={**os.environ, "COLUMNS": "100"}
            )
            seconds.append(time.perf_counter() - started)
        best[name] = min(seconds)
        print(f"{'sabot ' + words[0]:45} {'whole process':30} {best[name]:8.3f} s", file=sys.stderr, flush=True)
    return best


def page(rows: int, csv_rows: int, rounds: int, races: list[Race], figures: list[Figure]) -> str:
    """As docs/benchmarks-pipelines.md."""
    lines = [
        "# Benchmarks of pipelines",
        "",
        "Written by `python benchmarks/pipelines.py --write docs/benchmarks-pipelines.md`; `make bench` prints it.",
        f"{rows:,} ticks of {SYMBOLS:,} symbols as `Stream.from_generator` makes them (CSV: {csv_rows:,}),",
        f"files with zstd and row groups of {ROW_GROUP:,} rows. Contenders take turns for {rounds} rounds on",
        f"{os.cpu_count()} cores; the best run of each counts. *Arrow* reads the source and writes the finished table,",
        "and computes nothing.",
        f"Versions: sabot {sabot.__version__}, pyarrow {pa.__version__}, polars {pl.__version__}.",
        "",
        "| what | target | measured |  |",
        "| --- | --: | --: | --: |",
    ]
    for figure in figures:
        bound = "at most" if figure.at_most else "at least"
        short = "met" if figure.met else f"short by {abs(1 - figure.measured / figure.target):.1%}"
        lines.append(
            f"| {figure.what} | {bound} {figure.target} {figure.unit} | {figure.measured:.3g} {figure.unit} | {short} |"
        )
    reasons = [f"- {figure.what}: {WHY[figure.key]}." for figure in figures if not figure.met and figure.key in WHY]
    if reasons:
        lines += ["", "Why some fall short:", "", *reasons]
    lines += ["", "| pipeline | contender | seconds |", "| --- | --- | --: |"]
    for race in races:
        lines += [f"| {race.title} | {name} | {seconds:.3f} |" for name, seconds in race.seconds.items()]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
