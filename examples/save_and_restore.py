"""A kernel stops, is written to a file, and goes on elsewhere with the same bits."""

import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sabot.fintech import EWMAKernel

import sabot

batches = list(sabot.Stream.from_generator(rows=100_000, symbols=30, batch_rows=10_000))

# Never stopped.
kernel = EWMAKernel(span=50)
expected = [kernel(batch) for batch in batches]

# Stopped after four batches.
kernel = EWMAKernel(span=50)
for batch in batches[:4]:
    kernel(batch)

with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "ewma.parquet"
    pq.write_table(kernel.snapshot(), path)
    snapshot = pq.read_table(path)
print(snapshot.schema.names, f"{len(snapshot)} symbols")

resumed = EWMAKernel.restore(snapshot)
print(resumed)
assert [resumed(batch) for batch in batches[4:]] == expected[4:]

# A snapshot is a table with a row a symbol: two workers may share its symbols, and one may take them together again.
in_first = pc.less(snapshot["symbol"], "S0015")
first, second = snapshot.filter(in_first), snapshot.filter(pc.invert(in_first))
merged = EWMAKernel.restore(pa.concat_tables([second, first]))
assert [merged(batch) for batch in batches[4:]] == expected[4:]
print("the same bits as without a stop")
