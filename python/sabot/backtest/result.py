"""What a backtest came to."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sabot.counts import counted, securities_text

if TYPE_CHECKING:
    import pyarrow as pa

    from sabot import _native

__all__ = ["BacktestResult"]


class Tables(dict[str, "pa.Table"]):
    """Tables by security."""

    def __init__(self, tables: "dict[str, pa.Table]", errors: dict[str, str]) -> None:
        super().__init__(tables)
        self._errors = errors

    def __missing__(self, security: str) -> "pa.Table":
        if security in self._errors:
            raise KeyError(f"{security} failed: {self._errors[security]}")
        near = difflib.get_close_matches(security, self, n=3) or sorted(self)[:8]
        raise KeyError(f"there is no table of {security!r}. Nearest names: {', '.join(map(repr, near))}.")


@dataclass(frozen=True)
class SecurityRun:
    """A security's result, with its rows where they were kept."""

    result: "_native.SecurityResult"
    trades: Any = None  # Arrow data.
    equity: Any = None
    died: bool = False  # With the process that ran it: another run may fare better.

    @classmethod
    def of(cls, result: "_native.SecurityResult") -> "SecurityRun":
        """Of this process."""
        return cls(result, result.trade_table, result.equity_table)


@dataclass(frozen=True)
class BacktestResult:
    """What a backtest came to: a row a security, and the trades and the equity of each."""

    runs: Sequence[SecurityRun] = field(repr=False)
    seconds: float
    output_dir: str | None = None  # Where the files are.

    @cached_property
    def summary(self) -> "pa.Table":
        """A row a security, with the columns of `backtest_summary.csv`; of one that failed all are null but `error`."""
        from sabot import _native
        from sabot.tables import table_of

        return table_of(_native.backtest_summary([run.result for run in self.runs]))

    @cached_property
    def activity(self) -> "pa.Table":
        """A row a security: what its strategy had to work with, and what became of its orders.

        Columns: `security`; `session`, such as "10:05-14:45", null without sessions; counts of `ticks`, those
                 `outside_session`, where nothing is decided, and of the others those with `book_missing`, a best bid or
                 ask, and the `market_trades`; of quotes that left the `book_crossed`; of `orders`, those that were
                 `orders_cut`, and those `refused_*`, a column a reason; and `equity_interval_ns`. All null of one that
                 failed.
        """
        from sabot import _native
        from sabot.tables import table_of

        return table_of(_native.backtest_activity([run.result for run in self.runs]))

    @cached_property
    def trades(self) -> "dict[str, pa.Table]":
        """The fills of each security that did not fail: timestamp, side, fill_price, fill_qty, realized_pnl, ..."""
        return self._tables("trades")

    @cached_property
    def equity(self) -> "dict[str, pa.Table]":
        """The equity of each security that did not fail, sampled: timestamp, position, mid, pnl, equity.

        There is a row at the first tick, at the first one of each `equity_interval`, and at the last. Unless given, the
        interval is a second where the ticks cover less than an hour, else a minute.
        """
        return self._tables("equity")

    @property
    def errors(self) -> dict[str, str]:
        """Why securities failed."""
        return {run.result.security: run.result.error for run in self.runs if run.result.error}

    @property
    def failed(self) -> bool:
        """Whether a security failed."""
        return bool(self.errors)

    @property
    def rows(self) -> int:
        """Ticks of all securities that did not fail."""
        return sum(run.result.rows or 0 for run in self.runs)

    def _tables(self, name: str) -> Tables:
        import pyarrow as pa

        kept = {run.result.security: getattr(run, name) for run in self.runs}
        return Tables({security: pa.table(rows) for security, rows in kept.items() if rows is not None}, self.errors)

    def __str__(self) -> str:
        failed = f", {len(self.errors)} failed" if self.failed else ""
        ticks = counted(self.rows, "tick", "ticks")
        return f"{securities_text(len(self.runs))}{failed}, {ticks} in {self.seconds:.3f} s"
