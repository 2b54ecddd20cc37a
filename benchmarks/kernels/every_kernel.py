"""Rows a second of every kernel of the registry with default options: `python benchmarks/kernels/every_kernel.py`."""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa
from kernels import inputs
from sabot.kernel_info import KernelInfo
from ticks import generate

import sabot
from sabot import fintech


def measure(ticks: pa.Table, threads: list[int], rounds: int) -> dict[str, list[float]]:
    """Kernel -> best rows a second on each number of threads."""
    rates = {}
    for info in fintech.kernels():
        data = inputs.table_of(ticks, sorted(inputs.needed(info, {})))
        kernel, options = getattr(fintech, info.name), required(info)
        best = [float("inf")] * len(threads)
        kernel(data, **options)
        for _ in range(rounds):
            for index, count in enumerate(threads):
                sabot.set_max_threads(count)
                started = time.perf_counter()
                result = kernel(data, **options)
                best[index] = min(best[index], time.perf_counter() - started)
                del result
        rates[info.name] = [len(data) / seconds for seconds in best]
    sabot.set_max_threads(0)
    return rates


def required(info: KernelInfo) -> dict[str, Any]:
    """The options that have no default: the two symbols of a pair, which are those with the most ticks."""
    return {"symbol_a": "S0000", "symbol_b": "S0001"} if "symbol_a" in {option.name for option in info.options} else {}


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
