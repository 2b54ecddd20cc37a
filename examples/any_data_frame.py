"""pyarrow, polars, pandas and duckdb: whatever goes in comes out, with new columns."""

from importlib.util import find_spec

import sabot
from sabot import fintech

ticks = sabot.Stream.from_generator(rows=10_000, symbols=20).collect()

table = fintech.ewma(ticks, alpha=0.06)
print("pyarrow:", type(table), table["ewma"][-1])

if find_spec("polars"):
    import polars as pl

    # As an expression would: only the new column crosses over, and it isn't copied.
    frame = fintech.ewma(pl.DataFrame(ticks), alpha=0.06)
    print("polars: ", type(frame), frame["ewma"][-1])

if find_spec("pandas"):
    frame = fintech.ewma(ticks.to_pandas(), alpha=0.06)
    print("pandas: ", type(frame), frame["ewma"].iloc[-1])

if find_spec("duckdb"):
    import duckdb

    relation = fintech.ewma(duckdb.from_arrow(ticks), alpha=0.06)
    print("duckdb: ", type(relation), relation.fetchall()[-1][-1])

# A reader stays a reader: a batch is computed when it is asked for.
reader = fintech.ewma(ticks.to_reader(max_chunksize=1_000), alpha=0.06)
print("reader: ", type(reader), list(reader)[-1]["ewma"][-1])

# Several kernels in one pass over the keys; the second reads what the first wrote.
chained = fintech.chain(
    ticks, ["log_returns", fintech.RollingZScoreKernel(column="log_return", window=50), fintech.VWAPKernel(window=20)]
)
print(chained.column_names)
