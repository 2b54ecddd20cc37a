"""Kernels as operators on a source: made by name, chained, and subclassed."""

from typing import Any

import polars as pl
import pyarrow as pa
from sabot.fintech import EWMAKernel, FintechKernelOperator, create_fintech_operator

import sabot

ticks = sabot.Stream.from_generator(rows=30_000, symbols=10)

# An operator takes a stream, any table, or another operator, and is iterated batch by batch.
smooth = create_fintech_operator(EWMAKernel, ticks, symbol_column="symbol", symbol_keyed=True, alpha=0.06)
print(sum(batch.num_rows for batch in smooth), "rows;", smooth.get_partition_keys(), smooth.requires_shuffle())


class FastAverage(FintechKernelOperator):
    """A kernel with the options that a desk has agreed on."""

    def __init__(self, source: Any, *, column: str = "price") -> None:
        """Read the column of the source."""
        super().__init__(source, "ewma", column=column, halflife="250ms", outputs={"ewma": f"fast_{column}"})


fast = FastAverage(create_fintech_operator("midprice", smooth, symbol_keyed=False), column="midprice")
print(fast.stream.explain())

# What reads Arrow streams takes an operator as it is.
frame = pl.DataFrame(fast)
assert isinstance(fast.schema, pa.Schema)
print(frame.select("symbol", "price", "ewma", "midprice", "fast_midprice").tail(3))
