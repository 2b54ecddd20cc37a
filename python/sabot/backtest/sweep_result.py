"""What a sweep came to: tables, the best set, and how much of it is luck."""

import difflib
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sabot.errors import OptionError

if TYPE_CHECKING:
    import pyarrow as pa

    from sabot import _native

__all__ = ["MultipleTestingWarning", "SweepResult", "SweptSet"]

# What `by_set` has behind the parameters.
METRICS = (
    "securities",
    "failed",
    "trades",
    "realized_pnl",
    "fees",
    "pnl",
    "volume",
    "market_dates",
    "strategy_dates",
    "rows",
    "max_drawdown",
    "sharpe",
    "deflated_sharpe",
)
# Where less is better.
_COSTS = frozenset({"max_drawdown", "fees", "failed"})
# A deflated Sharpe ratio below it is what luck explains well enough.
CONFIDENCE = 0.95


class MultipleTestingWarning(UserWarning):
    """The best of many sets may be the luckiest."""


@dataclass(frozen=True, slots=True)
class SweptSet:
    """One set, over all securities."""

    number: int
    parameters: dict[str, Any]
    metrics: dict[str, Any]


@dataclass(frozen=True)
class SweepResult:
    """What the sets of a sweep came to."""

    tables: "_native.SweepTables" = field(repr=False)
    parameters: tuple[str, ...]
    metric: str
    seconds: float
    output_dir: str | None = None  # Where the files are.

    @cached_property
    def table(self) -> "pa.Table":
        """A row a set and security: set, security, the parameters, and the columns of a backtest's summary."""
        from sabot.tables import table_of

        return table_of(self.tables.table)

    @cached_property
    def by_set(self) -> "pa.Table":
        """A row a set, over the securities that did not fail.

        securities, failed; sums: trades, realized_pnl, fees, pnl, volume, strategy_dates, rows; market_dates, of any
        security; of the daily pnl of all securities together: max_drawdown, day by day, sharpe, and deflated_sharpe.
        """
        from sabot.tables import table_of

        return table_of(self.tables.by_set)

    @property
    def trials(self) -> int:
        """Sets that have a Sharpe ratio."""
        return self.tables.trials

    @property
    def sharpe_expected(self) -> float:
        """What the best of so many sets without skill is expected to show, annualised."""
        return self.tables.sharpe_expected

    @property
    def failed(self) -> int:
        """Simulations that failed; their errors are in `table`."""
        return self.tables.simulations_failed

    @property
    def resumed(self) -> int:
        """Simulations that an earlier run had done."""
        return self.tables.simulations_resumed

    def ranked(self, metric: str | None = None) -> "pa.Table":
        """`by_set`, the best first: the largest, of max_drawdown and fees the smallest. Sets that failed are left out.

        Raises:  OptionError, if there is no such metric.
        """
        import pyarrow.compute as pc

        metric = checked_metric(metric or self.metric)
        whole = self.by_set.filter(pc.equal(self.by_set["failed"], 0))
        whole = whole.filter(pc.is_valid(whole[metric]))
        order = "ascending" if metric in _COSTS else "descending"
        return whole.sort_by([(metric, order), ("set", "ascending")])

    def best(self, metric: str | None = None) -> SweptSet:
        """The set with the best value of a metric, of the sweep's own unless given.

        Warns:   MultipleTestingWarning, unless its deflated Sharpe ratio is above 0.95.
        Raises:  OptionError, if there is no such metric, or no set has a value of it.
        """
        metric = checked_metric(metric or self.metric)
        ranked = self.ranked(metric)
        if ranked.num_rows == 0:
            raise OptionError(f"sweep: no set has a value of {metric}: {self._why_none()}")
        row: dict[str, Any] = ranked.slice(0, 1).to_pylist()[0]
        deflated = row["deflated_sharpe"]
        if self.trials > 1 and (deflated is None or deflated < CONFIDENCE):
            warnings.warn(self._warning(row), MultipleTestingWarning, stacklevel=2)
        parameters = {name: row[name] for name in self.parameters}
        return SweptSet(row["set"], parameters, {name: row[name] for name in METRICS})

    @property
    def warning(self) -> str | None:
        """What the number of sets means for the best one's Sharpe ratio; None of fewer than two."""
        ranked = self.ranked(self.metric)
        if self.trials < 2 or ranked.num_rows == 0:
            return None
        return self._warning(ranked.slice(0, 1).to_pylist()[0])

    def heatmap(self, x: str, y: str, metric: str | None = None) -> "pa.Table":
        """A metric by two parameters: a row a value of y, behind it a column a value of x.

        Where other parameters vary too, a cell is the mean over its sets. Sets that failed are left out; a cell without
        any is null.
        Raises:  OptionError, if there is no such parameter or metric.
        """
        import pyarrow as pa

        metric = checked_metric(metric or self.metric)
        for name in (x, y):
            _known(name, self.parameters, "parameter")
        if x == y:
            raise OptionError(f"sweep: x and y of a heat map must differ, found '{x}' twice.")
        whole = self.ranked(metric)
        cells = whole.group_by([x, y], use_threads=False).aggregate([(metric, "mean")])
        values = dict(
            zip(
                zip(cells[x].to_pylist(), cells[y].to_pylist(), strict=True),
                cells[f"{metric}_mean"].to_pylist(),
                strict=True,
            )
        )
        columns, rows = (_sorted({key[axis] for key in values}) for axis in (0, 1))
        table = {y: pa.array(rows, self.by_set[y].type)}
        for column in columns:
            table[f"{x}={_shown(column)}"] = pa.array([values.get((column, row)) for row in rows], pa.float64())
        return pa.table(table)

    def _why_none(self) -> str:
        if self.failed:
            return "each of them failed for a security; the column `error` of the table says why."
        return "a Sharpe ratio needs two days with trades of the market, and a pnl that is not always the same."

    def _warning(self, best: dict[str, Any]) -> str:
        sharpe, deflated = best["sharpe"], best["deflated_sharpe"]
        text = f"{self.trials:,} sets were tried: the best of so many without any skill would show a Sharpe ratio of "
        text += f"{self.sharpe_expected:.2f}; set {best['set']} shows "
        text += f"{sharpe:.2f}." if sharpe is not None else "none."
        if deflated is None:
            return f"{text} Its deflated Sharpe ratio cannot be computed: there are too few days."
        text += (
            f" Its deflated Sharpe ratio is {deflated:.3f}: the probability that its true Sharpe ratio is above that"
        )
        text += " of luck, given the number of days, and the skewness and the tails of their pnl."
        if deflated < CONFIDENCE:
            return f"{text} Below {CONFIDENCE} it may well be luck: test it on days that the sweep has not seen."
        return text

    def __str__(self) -> str:
        failed = f", {self.failed:,} failed" if self.failed else ""
        resumed = f", {self.resumed:,} of an earlier run" if self.resumed else ""
        return f"{self.table.num_rows:,} simulations{failed}{resumed} in {self.seconds:.3f} s"


def checked_metric(name: str) -> str:
    """Raises: OptionError, if `by_set` has no such metric."""
    return _known(name, METRICS, "metric")


def _known(name: str, names: Sequence[str], what: str) -> str:
    if name in names:
        return name
    near = difflib.get_close_matches(name, names, n=3) or names
    raise OptionError(f"sweep: there is no {what} '{name}'. Nearest names: {', '.join(map(repr, near))}.")


def _sorted(values: set[Any]) -> list[Any]:
    """None first."""
    return sorted(values, key=lambda value: (value is not None, value))


def _shown(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)
