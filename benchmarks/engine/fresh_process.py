"""Peak memory of a process that does one thing, as JSON. Run by run.py and pipelines.py.

fresh_process.py kernel FOLDER CASE [SABOT_THREADS]   a table in memory, and the new columns
fresh_process.py stream SOURCE TARGET                 Parquet to Parquet through two kernels
fresh_process.py pipeline SOURCE TARGET               the same through ten
"""

import json
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import pyarrow as pa
from kernels import sabot_calls
from kernels.cases import CASES
from ticks import read

import sabot

MEGABYTE = 1e6


def memory(what: str) -> float:
    """VmRSS, what the process holds, or VmHWM, the most it has held, in MB. (getrusage may tell of its parent's.)"""
    found = re.search(rf"^{what}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    if found is None:
        raise RuntimeError(f"/proc/self/status has no {what}")
    return int(found[1]) * 1024 / MEGABYTE


def kernel(folder: str, name: str, threads: str = "0") -> dict[str, float]:
    """A case over a table that was read into memory."""
    sabot.set_max_threads(int(threads))
    case = CASES[name]
    before = memory("VmRSS")
    table = read(Path(folder) / case.table, into_memory=True)
    result = sabot_calls.compute(table, case)
    outputs = sabot_calls.new_columns(case, result)
    return {
        "before_mb": before,
        "input_mb": _bytes(table.columns) / MEGABYTE,
        "output_mb": _bytes(outputs) / MEGABYTE,
        "peak_mb": memory("VmHWM"),
    }


def _bytes(columns: list[pa.ChunkedArray]) -> int:
    return sum(column.nbytes for column in columns)


def stream(source: str, target: str) -> dict[str, float]:
    """A file through two kernels to another file."""
    return _run(sabot.Stream.from_parquet(source).kernel("ewma").kernel("rolling_zscore"), source, target)


def pipeline(source: str, target: str) -> dict[str, float]:
    """A file through ten kernels to another file."""
    rows = sabot.Stream.from_parquet(source)
    for each in sabot_calls.chain_of(CASES["chain_of_ten"]):
        rows = rows.kernel(each)
    return _run(rows, source, target)


def _run(rows: sabot.Stream, source: str, target: str) -> dict[str, float]:
    before = memory("VmRSS")
    summary = rows.to_parquet(target)
    return {
        "before_mb": before,
        "source_mb": Path(source).stat().st_size / MEGABYTE,
        "rows": summary.rows_written,
        "seconds": summary.seconds,
        "peak_mb": memory("VmHWM"),
    }


if __name__ == "__main__":
    print(json.dumps({"kernel": kernel, "stream": stream, "pipeline": pipeline}[sys.argv[1]](*sys.argv[2:])))
