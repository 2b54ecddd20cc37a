"""A market maker's strategy over ticks of three securities: a named one, one in Python, and the latter on a stream."""

from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from sabot.backtest.workbooks import made_up_ticks
from sabot.fintech import EWMAKernel

import sabot
from sabot.backtest import MarketMakingBacktest, Moment, Orders, Strategy, paper_trading, run_parallel_backtest


def ticks_of(security: str) -> pa.Table:
    """Bids, asks and trades, as a workbook of them is read."""
    rows = list(islice(made_up_ticks(f"{security} UH Equity", ticks=20_000), 20_000))
    return pa.table(
        {
            "timestamp": pa.array([row.time for row in rows], pa.timestamp("ns")),
            "type": [row.type.lower() for row in rows],
            "price": [row.price for row in rows],
            "volume": pa.array([row.size for row in rows], pa.float64()),
        }
    )


class FollowsTheTrend(Strategy):
    """Joins the best bid while the mid is above its average, the best ask while it is below."""

    size: float = 10_000.0
    alpha: float = 0.02

    def features(self) -> dict[str, EWMAKernel]:
        return {"average_mid": EWMAKernel(column="mid", alpha=self.alpha)}

    def on_tick(self, moment: Moment, orders: Orders) -> None:
        if moment.mid is None or orders.open:
            return
        if moment.mid > moment.average_mid and moment.position < moment.limit(moment.bid):
            orders.buy(moment.bid, self.size)
        elif moment.mid < moment.average_mid and -moment.position < moment.limit(moment.ask):
            orders.sell(moment.ask, self.size)


market = {name: ticks_of(name) for name in ("FAB", "ALDAR", "TAQA")}
config = {"DEFAULT": {"market": "adx", "maker_fee_bps": 0.5}, "FAB": {"max_position": 50_000}}

with TemporaryDirectory() as folder:
    ticks = Path(folder) / "ticks"
    ticks.mkdir()
    for name, table in market.items():
        pq.write_table(table, ticks / f"{name.lower()}.parquet")
    result = run_parallel_backtest(ticks, "v1_baseline", config, max_workers=2, output_dir=Path(folder) / "out")
    print("v1_baseline:", result)
    print("files:", ", ".join(sorted(path.name for path in (Path(folder) / "out").iterdir())))
for row in result.summary.select(["security", "trades", "realized_pnl", "fees", "max_drawdown"]).to_pylist():
    print("  {security:6} {trades:5,} fills  pnl {realized_pnl:10.2f}  fees {fees:8.2f}".format(**row))

own = MarketMakingBacktest(config, FollowsTheTrend)
fills = {name: own.run_ticks(table, security=name).trades[name] for name, table in market.items()}
print("FollowsTheTrend:", {name: table.num_rows for name, table in fills.items()})

# The same strategy on a stream of all three, as it would trade live on paper: the same fills.
stream = pa.concat_tables(
    [table.append_column("symbol", pa.array([name] * table.num_rows)) for name, table in market.items()]
).sort_by("timestamp")
paper = paper_trading(FollowsTheTrend, config)
on_paper = pa.concat_tables([sabot.Stream.from_arrow(stream).flat_map(paper).collect(), paper.finish()])
for name, table in fills.items():
    same = on_paper.filter(pc.equal(on_paper["symbol"], name)).drop_columns("symbol")
    assert same.combine_chunks().equals(table.combine_chunks())
print(f"on paper: the same {on_paper.num_rows:,} fills")
