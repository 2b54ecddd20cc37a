"""Real trades and quotes of six crypto instruments: a feed's own column names are bound with `columns=`.

SABOT_REAL_DATA names the folder that holds crypto_trades.parquet and crypto_quotes.parquet.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from sabot.fintech import KyleLambdaKernel, OFIKernel, SignedVolumeKernel, VWAPKernel

import sabot

folder = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[1] / "../shared/data"))
if not (folder / "crypto_trades.parquet").exists():
    print("skipped: no crypto_trades.parquet here. Name its folder with SABOT_REAL_DATA.")
    sys.exit(0)


def with_side(batches: sabot.Stream) -> Iterator[pa.RecordBatch]:
    """The feed writes the aggressor as BUY or SELL; kernels read the side as +1 or -1."""
    for batch in batches:
        is_buy = pc.equal(batch["aggressor"], "BUY")
        yield batch.append_column("side", pc.if_else(is_buy, 1.0, -1.0))


# symbol, exch_ts, local_ts, price, size, aggressor, trade_id
trades = (
    sabot.Stream.from_iter(with_side(sabot.Stream.from_parquet(folder / "crypto_trades.parquet")))
    .kernel("log_returns")
    .kernel("realized_var", window=200)
    .kernel(VWAPKernel, window=100, columns={"volume": "size"})
    .kernel(SignedVolumeKernel, columns={"volume": "size"})
    .kernel(KyleLambdaKernel, window=500)
)
table = trades.collect()
print(f"{len(table):,} trades; the last ones:")
for row in table.slice(len(table) - 3).select(["symbol", "price", "vwap", "realized_var", "kyle_lambda"]).to_pylist():
    print(row)

# symbol, exch_ts, local_ts, bid_px, bid_sz, ask_px, ask_sz, update_id
prices = {"bid": "bid_px", "ask": "ask_px"}
sizes = {"bid_size": "bid_sz", "ask_size": "ask_sz"}
quotes = (
    sabot.Stream.from_parquet(folder / "crypto_quotes.parquet")
    .kernel("midprice", columns=prices)
    .kernel("l1_imbalance", columns=sizes)
    .kernel(OFIKernel, window=100, columns=prices | sizes)
    .kernel("ewma", halflife="1s", columns={"x": "midprice", "timestamp": "local_ts"})
)
rows = sum(len(batch) for batch in quotes)
print(f"{rows:,} quotes through {quotes!r}")
