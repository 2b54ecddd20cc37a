"""Features per symbol over a made-up tick stream, and what it takes: `python -m sabot.demo`.

Ticks are written to a Parquet file, streamed from there through ten kernels, and computed once more batch by batch with
the same kernels as functions of `sabot.fintech`. Every figure is measured in the run that prints it.
"""

import argparse
import hashlib
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pyarrow as pa

import sabot
from sabot import _native, fintech

# Name and options, in the words of `Stream.kernel`.
KERNELS: list[tuple[str, dict[str, Any]]] = [
    ("midprice", {}),
    ("quoted_spread", {}),
    ("l1_imbalance", {}),
    ("ofi", {"window": 20}),
    ("signed_volume", {}),
    ("log_returns", {}),
    ("ewma", {"alpha": 0.06}),
    ("realized_var", {"window": 50}),
    ("rolling_zscore", {"window": 100}),
    ("vwap", {"window": 50}),
]
BLOCK_ROWS = 250_000
COMPARED_ROWS = 1_000_000
SHOWN_ROWS = 5
SHOWN = ["symbol", "price", "midprice", "ofi", "log_return", "ewma", "zscore", "vwap"]


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(prog="python -m sabot.demo", description="Features per symbol over a tick stream.")
    parser.add_argument("--rows", type=int, default=4_000_000, help="ticks to make up (default: 4,000,000)")
    parser.add_argument("--symbols", type=int, default=1_000, help="symbols they belong to (default: 1,000)")
    arguments = parser.parse_args()
    if arguments.rows < 1 or arguments.symbols < 1:
        parser.error("--rows and --symbols must be at least 1")
    with tempfile.TemporaryDirectory(prefix="sabot-demo-") as directory:
        run(arguments.rows, arguments.symbols, Path(directory))


def run(rows: int, symbols: int, directory: Path) -> None:
    """Print the demo's five steps."""
    cores = _native.max_threads()
    print(f"Sabot {sabot.__version__}, {_native.isa()} vector maths, {threads_text(cores)}")

    ticks = sabot.Stream.from_generator(rows=rows, symbols=symbols)
    source = directory / "ticks.parquet"
    made = ticks.to_parquet(source)
    megabytes = source.stat().st_size / 1e6
    print(f"\n1. Made up {rows:,} ticks (trade and quote) of {symbols:,} symbols.")
    print(f"   {megabytes:.0f} MB of Parquet, written in {made.seconds:.1f} s.")

    print(f"\n2. {len(KERNELS)} kernels per symbol: {', '.join(name for name, _ in KERNELS)}.")
    features = sabot.Stream.from_parquet(source)
    for name, options in KERNELS:
        features = features.kernel(name, **options)

    digests = []
    print("\n   Stream, out of that file and batch by batch into Python:")
    for threads in sorted({1, cores}):
        sabot.set_max_threads(threads)
        digest, seconds = pull(features)
        report(threads, rows, seconds)
        digests.append(digest)

    print(f"\n   The same kernels as one chain over tables of {BLOCK_ROWS:,} rows in memory:")
    for threads in sorted({1, cores}):
        sabot.set_max_threads(threads)
        chain = fintech.Chain([kernel_object(name, options) for name, options in KERNELS])
        digest, seconds = compute(blocks(ticks), chain)
        report(threads, rows, seconds)
        digests.append(digest)

    print("\n   Stream, from file to file:")
    target = directory / "features.parquet"
    report(cores, rows, features.to_parquet(target).seconds)
    digests.append(pull(sabot.Stream.from_parquet(target, columns=output_names()))[0])
    sabot.set_max_threads(0)

    print(f"\n3. Digests of all output columns: {', '.join(digests)}.")
    if len(set(digests)) != 1:
        sys.exit("   They differ: that is a bug in Sabot.")
    print(f"   {len(digests)} runs, the same bits.")

    last = list(sabot.Stream.from_parquet(target, columns=SHOWN))[-1]
    print(f"\n4. The last rows:\n\n{table_text(last.slice(max(0, len(last) - SHOWN_ROWS)).select(SHOWN))}")
    compare_with_polars(min(rows, COMPARED_ROWS), symbols)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nPeak memory of this process: {peak:,.0f} MB.")


def kernel_object(name: str, options: dict[str, Any]) -> fintech.Kernel:
    """A kernel by its name."""
    kinds: dict[str, type[fintech.Kernel]] = {
        info.name: getattr(fintech, info.class_name) for info in fintech.kernels()
    }
    return kinds[name](**options)


def output_names() -> list[str]:
    """The columns that the kernels append, in order."""
    outputs = {info.name: [output.name for output in info.outputs] for info in fintech.kernels()}
    return [output for name, _ in KERNELS for output in outputs[name]]


def blocks(ticks: sabot.Stream) -> Iterator[pa.Table]:
    """The stream's rows as tables of one chunk a column."""
    held: list[pa.RecordBatch] = []
    for batch in ticks:
        held.append(batch)
        if sum(map(len, held)) >= BLOCK_ROWS:
            yield pa.Table.from_batches(held).combine_chunks()
            held = []
    if held:
        yield pa.Table.from_batches(held).combine_chunks()


def pull(batches: Iterable[pa.RecordBatch]) -> tuple[str, float]:
    """The digest of what comes out, and the seconds it took to come."""
    digest, seconds = Digest(), 0.0
    started = time.perf_counter()
    for batch in batches:
        seconds += time.perf_counter() - started
        digest.update(batch)
        started = time.perf_counter()
    return digest.text(), seconds


def compute(tables: Iterable[pa.Table], chain: fintech.Chain) -> tuple[str, float]:
    """The digest of what the chain makes of the tables, and the seconds it took the chain."""
    digest, seconds = Digest(), 0.0
    for table in tables:
        started = time.perf_counter()
        computed = chain(table)
        seconds += time.perf_counter() - started
        digest.update(computed)
    return digest.text(), seconds


class Digest:
    """A hash of every bit of the kernels' columns, however their rows are cut."""

    def __init__(self) -> None:
        self._parts = {(name, part): hashlib.blake2b() for name in output_names() for part in ("valid", "value")}

    def update(self, rows: pa.RecordBatch | pa.Table) -> None:
        """Take the next rows."""
        for name, column in zip(rows.schema.names, rows.columns, strict=True):
            if (name, "value") not in self._parts:
                continue
            for chunk in getattr(column, "chunks", [column]):
                self._parts[name, "valid"].update(values_of(chunk.is_valid().cast(pa.uint8())))
                self._parts[name, "value"].update(values_of(chunk.fill_null(0)))

    def text(self) -> str:
        """What runs with the same outputs have in common."""
        together = hashlib.blake2b(digest_size=6)
        for part in self._parts.values():
            together.update(part.digest())
        return together.hexdigest()


def values_of(array: pa.Array) -> memoryview:
    """The bytes of an array without nulls."""
    width = array.type.bit_width // 8
    return memoryview(array.buffers()[1])[array.offset * width :][: len(array) * width]


def compare_with_polars(rows: int, symbols: int) -> None:
    """ewma by Sabot and by polars on the same polars frame."""
    if find_spec("polars") is None:
        print("\n5. polars is not installed, so there is nothing to compare with.")
        return
    import polars as pl

    frame = pl.DataFrame(sabot.Stream.from_generator(rows=rows, symbols=symbols).collect().combine_chunks())
    average = pl.col("price").ewm_mean(alpha=0.06, adjust=False, ignore_nulls=True).over("symbol").alias("polars_ewma")
    ours = best_of(3, lambda: fintech.ewma(frame, alpha=0.06))
    theirs = best_of(3, lambda: frame.with_columns(average))
    print(f"\n5. ewma on a polars frame of {len(frame):,} rows, best of three, each with its own number of threads:")
    print(f"   Sabot  {ours * 1e3:8.1f} ms\n   polars {theirs * 1e3:8.1f} ms   ({theirs / ours:.1f} times as long)")


def best_of(times: int, call: Callable[[], object]) -> float:
    """The shortest of several runs, in seconds."""
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return min(seconds)


def report(threads: int, rows: int, seconds: float) -> None:
    """One line of figures."""
    rate, values = rows / seconds / 1e6, rows * len(output_names()) / seconds / 1e6
    print(f"   {threads_text(threads):10} {rate:7.1f} M rows/s  {values:8.1f} M values/s  {seconds:6.2f} s")


def threads_text(threads: int) -> str:
    """In words."""
    return f"{threads} thread" + ("s" if threads > 1 else "")


def table_text(table: pa.Table) -> str:
    """A small table, aligned."""
    rows = [table.column_names, *([cell_text(value) for value in row.values()] for row in table.to_pylist())]
    return "\n".join("   " + "".join(f"{cell:>14}" for cell in row) for row in rows)


def cell_text(value: object) -> str:
    """A value in up to six digits."""
    return f"{value:.6g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
