"""Rows a second of every kernel of the registry with default options: `python benchmarks/kernels/every_kernel.py`."""

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pyarrow as pa
from ticks import generate

import sabot
from sabot import fintech


def measure(ticks: pa.Table, threads: list[int], rounds: int) -> dict[str, list[float]]:
    """Kernel -> best rows a second on each number of threads."""
    table = with_inputs(ticks)
    rates = {}
    for info in fintech.kernels():
        needed = {entry.column for entry in info.inputs} | {"symbol"}
        data = table.select([name for name in table.column_names if name in needed])
        kernel = getattr(fintech, info.name)
        best = [float("inf")] * len(threads)
        kernel(data)
        for _ in range(rounds):
            for index, count in enumerate(threads):
                sabot.set_max_threads(count)
                started = time.perf_counter()
                result = kernel(data)
                best[index] = min(best[index], time.perf_counter() - started)
                del result
        rates[info.name] = [len(data) / seconds for seconds in best]
    sabot.set_max_threads(0)
    return rates


def with_inputs(ticks: pa.Table) -> pa.Table:
    """The ticks with every column that a kernel reads: what other kernels compute, and around 1 what no feed has."""
    random = np.random.default_rng(1)
    written = {output.name: info for info in fintech.kernels() for output in info.outputs}
    table = ticks
    for info in fintech.kernels():
        for entry in info.inputs:
            if entry.column in table.column_names:
                continue
            if entry.column in written:
                result = getattr(fintech, written[entry.column].name)(ticks)
                column = result.column(entry.column)
            elif entry.type == "float64":
                column = pa.array(np.exp(0.01 * random.standard_normal(len(ticks))))
            else:
                column = ticks.column("timestamp")
            table = table.append_column(entry.column, column)
    return table


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="Rows a second of every kernel.")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    threads = [1, 2]
    print(f"{'kernel':24}" + "".join(f"{f'{count} thread(s)':>16}" for count in threads) + "   M rows/s")
    for kernel, rates in measure(generate(arguments.rows, "ticks"), threads, arguments.rounds).items():
        print(f"{kernel:24}" + "".join(f"{rate / 1e6:16.1f}" for rate in rates))


if __name__ == "__main__":
    main()
