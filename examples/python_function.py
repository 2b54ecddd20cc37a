"""A Python function as a step of a stream, with kernels in it that keep their state from batch to batch."""

import pyarrow as pa
import pyarrow.compute as pc
from sabot.fintech import ewma, rolling_std
from sabot.testing import check_function

import sabot

ticks = sabot.Stream.from_generator(rows=50_000, symbols=10, batch_rows=4_000)


def bands(batch: pa.RecordBatch) -> pa.RecordBatch:
    """How far the price is from its average, in deviations, and whether that is far."""
    smooth = ewma(batch, alpha=0.06)
    wide = rolling_std(smooth, window=50)
    distance = pc.divide(pc.subtract(wide["price"], wide["ewma"]), wide["rolling_std"])
    known = pc.if_else(pc.is_finite(distance), distance, None)
    return wide.append_column("distance", known).append_column("is_far", pc.greater(pc.abs(known), 2.0))


def alarms(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The rows that are far away: another number of rows, so a function for flat_map."""
    return batch.filter(pc.fill_null(batch["is_far"], False)).select(["symbol", "timestamp", "price", "distance"])


# Batches may be cut anywhere; a function must not depend on where.
check_function(bands, ticks.collect().slice(0, 3_000), cuts=(1, 7, 500))

stream = ticks.map(bands).flat_map(alarms)
print(stream.explain())
found = stream.collect()
print(f"{found.num_rows:,} alarms; the first: {found.slice(0, 1).to_pylist()}")

# A function that only calls kernels is replaced by them: nothing of it is left in the plan.
print(ticks.map(lambda batch: rolling_std(ewma(batch, alpha=0.06), window=50)).explain())
