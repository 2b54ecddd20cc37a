"""Paper trading: a strategy on the ticks of a stream, with the fills that a backtest of them has."""

from typing import Any

import pyarrow as pa

from sabot import _native
from sabot.backtest.config import Config
from sabot.backtest.plan import make_plan
from sabot.tables import ArrowData, table_of

__all__ = ["PaperTrading", "paper_trading"]


class PaperTrading:
    """A function for `Stream.flat_map`: ticks of many symbols in, fills out. See paper_trading."""

    def __init__(self, strategy: Any, config: Config = None, *, by: str = "symbol", market: str | None = None) -> None:
        self._plan = make_plan(strategy, config, {"market": market})
        self._paper = _native.PaperTrading(self._plan, by)

    def __call__(self, ticks: ArrowData) -> pa.RecordBatch:
        """The fills of these ticks, in the order of the ticks that they happened at."""
        return pa.record_batch(self._paper.push(ticks))

    def finish(self) -> pa.Table:
        """The fills where no more ticks come: a market with sessions closes positions at the end of the last date."""
        return table_of(self._paper.finish())


def paper_trading(
    strategy: Any, config: Config = None, *, by: str = "symbol", market: str | None = None
) -> PaperTrading:
    """A strategy that trades on a live stream, on paper: `stream.flat_map(paper_trading("v1_baseline", config))`.

    Input:   ticks of many symbols, in the order of their times: the column `by`, timestamp, type, price, volume, and
             `side` where it is known; of the types that MarketMakingBacktest.run_ticks takes. Other columns are
             ignored.
    Output:  a row a fill: the symbol, timestamp, side, fill_price, fill_qty, realized_pnl, position, pnl, kind. They
             are those of a backtest of the same ticks, however the stream is cut into batches.
    State:   a simulation a symbol, as long as the function lives; it is in no checkpoint. One function is for one run.
    Raises:  in a run: DataError, if a tick has no symbol or cannot be used; what the strategy raised.
    """
    return PaperTrading(strategy, config, by=by, market=market)
