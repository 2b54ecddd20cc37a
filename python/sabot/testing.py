"""For tests of pipelines, of the functions in them and of kernels."""

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa

from sabot.comparison import diff
from sabot.kernel_laws import check_kernel
from sabot.stream import Stream
from sabot.tables import ArrowData

__all__ = ["check_function", "check_kernel"]


def check_function(
    function: Callable[[pa.RecordBatch], Any],
    data: ArrowData,
    *,
    cuts: Sequence[int] = (1, 7, 1000),
    flat: bool = False,
) -> pa.Table:
    """Check that a function of Stream.map gives the same bits however its input is cut into batches.

    Input:   the function, Arrow data to try it on (a few thousand rows), batch sizes to cut it into; flat for a
             function of flat_map.
    Returns: what the function makes of the data as one batch.
    Raises:  AssertionError, which names the cut, and the first row and column that differ. What the function raises.
    """
    table = Stream.from_arrow(data).collect().combine_chunks()

    def run(batches: list[pa.RecordBatch]) -> pa.Table:
        stream = Stream.from_iter(batches, schema=table.schema)
        return (stream.flat_map(function) if flat else stream.map(function)).collect()

    whole = run(table.to_batches())
    for rows in cuts:
        found = diff(whole, run(table.to_batches(max_chunksize=rows)))
        if not found.equal:
            raise AssertionError(f"in batches of {rows} rows the function gives other rows than in one batch: {found}")
    return whole
