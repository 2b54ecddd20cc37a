"""Features per symbol over a stream, from a source to a Parquet file, in bounded memory."""

import tempfile
from pathlib import Path

from sabot.fintech import EWMAKernel

import sabot

# A made-up market: 200,000 ticks of 50 symbols; a few rows are late, a few values are missing.
ticks = sabot.Stream.from_generator(rows=200_000, symbols=50, seed=7, late=0.001, nulls=0.01)

# Each line appends columns. A mistake in a column or an option is reported here, before a row is read.
features = (
    ticks.kernel("midprice")
    .kernel("ofi", window=20)
    .kernel("log_returns")
    .kernel("rolling_std", window=100, column="log_return", outputs={"rolling_std": "volatility"})
    .kernel(EWMAKernel, halflife="250ms", column="midprice", outputs={"ewma": "smooth_mid"})
)
print(features)
print(features.schema.names)

with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "features.parquet"
    print(features.to_parquet(path))

    # The file is a source in its turn; iterating reads a batch at a time.
    rows = 0
    for batch in sabot.Stream.from_parquet(path, columns=["symbol", "volatility"]):
        rows += len(batch)
    print(f"{rows:,} rows in the file")

print(features.collect().select(["symbol", "midprice", "ofi", "volatility", "smooth_mid"]).slice(199_995).to_pylist())
