"""CSP: a graph of a curve and an `ema` for each symbol, every row a tick of its own. kernel_library.py starts it as a
worker in an environment of its own, since CSP needs an older pyarrow: csp_graphs.py FOLDER THREADS."""

import sys
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import csp
import csp.stats
import numpy as np
from contest import Calls, serve
from kernels.cases import ALPHA
from ticks import SYMBOLS, Ticks

NAME = "CSP, 1 thread"
CASE = f"ewma_{ALPHA}"
START = datetime(2000, 1, 1)


def contender(ticks: Ticks, threads: int) -> Calls:
    """CSP, which has one thread."""
    table = ticks["library"]
    indices = table.column("symbol").chunk(0).indices.to_numpy()
    price = table.column("price").chunk(0).to_numpy()

    def ewma() -> Any:
        order = np.argsort(indices.astype(np.int16), kind="stable")  # A radix sort.
        bounds = np.concatenate([[0], np.cumsum(np.bincount(indices, minlength=SYMBOLS))])
        rows = [slice(begin, end) for begin, end in pairwise(bounds) if begin < end]
        times, prices = np.datetime64(START, "ns") + order, price[order]

        @csp.graph
        def graph() -> None:
            for symbol, of in enumerate(rows):
                curve = csp.curve(float, (times[of], prices[of]))
                csp.add_graph_output(symbol, csp.stats.ema(curve, alpha=ALPHA, adjust=False, ignore_na=True))

        outputs = csp.run(graph, starttime=START, endtime=timedelta(seconds=len(price)), output_numpy=True)
        result = np.empty(len(price))
        for symbol, of in enumerate(rows):
            result[order[of]] = outputs[symbol][1]
        return result

    return Calls(NAME, threads, {CASE: ewma}, lambda _, result: [result])


if __name__ == "__main__":
    serve(contender(Ticks(Path(sys.argv[1])), int(sys.argv[2])), [CASE])
