"""Runs of a strategy over the securities of a source, side by side or one after the other."""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sabot.backtest.config import Config, text_of
from sabot.backtest.inputs import SecurityTicks, TickProgress, TickSource, opened_ticks
from sabot.backtest.plan import Output, make_plan, overrides_of, resolved_strategy
from sabot.backtest.result import BacktestResult, SecurityRun
from sabot.errors import OptionError

if TYPE_CHECKING:
    from sabot.tables import ArrowData

__all__ = ["MarketMakingBacktest", "Progress", "run_parallel_backtest"]

Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a backtest is: first its ticks are converted, where they must be, then the strategy runs."""

    rows: int
    rows_all: int  # 0: not known.
    securities: int = 0
    securities_all: int = 0
    converting: bool = False

    @property
    def fraction(self) -> float | None:
        """Of what there is to do."""
        return min(self.rows / self.rows_all, 1.0) if self.rows_all else None


def converting(show: "ShowProgress | None") -> Any:
    """What is called while ticks are converted."""
    if show is None:
        return None

    def told(now: TickProgress) -> None:
        rows_all = round(now.rows / now.fraction) if now.fraction else 0
        show(Progress(now.rows, rows_all, converting=True))

    return told


ShowProgress = Callable[[Progress], None]


def run_parallel_backtest(
    file_path: Path | Sequence[Path],
    strategy: Any,
    config: Config = None,
    max_workers: int | None = None,
    max_sheets: int | None = None,
    chunk_size: int = 100_000,
    output_dir: Path | None = None,
    *,
    parquet: bool = False,
    sheet_names_filter: Sequence[str] | None = None,
    header_row: int = 3,
    market: str | None = None,
    equity_interval: timedelta | str | None = None,
    ticks_dir: Path | None = None,
    tables: bool = True,
    progress: ShowProgress | None = None,
) -> BacktestResult:
    """Run a strategy over all securities of a source, several at a time, each on its own.

    Input:    a workbook with a sheet a security, a CSV file, a Parquet file, a folder of them, a glob, or a list of
              these. What several files have of one security is joined by time. What is no file of ticks yet is
              converted first, into `ticks_dir`, which keeps it for the next run, or a folder that goes. Files of a
              folder that hold no ticks, and rows that name no security, are passed over with a NoTicksWarning.
    Strategy: a name (see strategies()) runs in threads. A class derived from Strategy, or a function that returns
              objects of one, runs in processes: it must be importable, and a script must start the run under
              `if __name__ == "__main__":`.
    Config:   a dict, or the path of a JSON file; see load_strategy_config. `market` and `equity_interval` go over it
              for all securities: session times, and the ticks' time between samples of the equity, such as "1s".
    Returns:  summary, trades and equity. A security that fails has its error there, and the others are whole.
    Writes:   in output_dir `{security}_trades_timeseries.csv`, `{security}_equity.csv`, and `backtest_summary.csv` when
              all others are there; with `parquet` the same as Parquet, too. The bytes are the same for every
              max_workers and chunk_size. What an earlier run left there goes first, and no other file; a run that did
              not end leaves `backtest_unfinished.csv`, which names its securities and whether it wrote Parquet.
    Memory:   a batch of chunk_size ticks a worker, and, unless `tables=False`, the trades and the equity.
    Raises:   OptionError, if the strategy, its configuration or an option cannot be, or output_dir is a folder of the
              ticks, or has a file of ticks under the name of one of the results; DataError, if there are no ticks.
              Interrupted, it ends its workers; files that were complete stay.
    """
    started = time.monotonic()
    strategy = resolved_strategy(strategy)
    if not isinstance(strategy, str):
        from sabot.backtest.processes import packed

        pickled = packed(strategy)
    overrides = overrides_of(market, equity_interval)
    read = text_of(config)  # Once, for all processes.
    plan = make_plan(strategy, read, overrides)
    workers = _workers(max_workers)
    source = TickSource(file_path, sheet_names_filter, max_sheets, header_row, ticks_dir, max_workers)
    _check_apart(output_dir, source)
    with opened_ticks(source, converting(progress)) as (securities, files):
        output = _prepared(output_dir, parquet, [ticks[0] for ticks in securities], files)
        if isinstance(strategy, str):
            show = progress and (lambda *now: progress(Progress(*now)))
            runs = [SecurityRun.of(each) for each in plan.run(securities, workers, chunk_size, *output, tables, show)]
        else:
            from sabot.backtest.processes import Job, Task, run_in_processes

            job = Job(pickled, read, overrides, chunk_size, output, tables)
            done: dict[int, SecurityRun] = {}
            run_in_processes(job, [Task(each) for each in securities], workers, done.__setitem__, progress)
            runs = [done[index] for index in range(len(securities))]
        return _finished(runs, output, started)


class MarketMakingBacktest:
    """A strategy with its configuration, run in this process, one security after the other.

    Strategies of any kind may be run so, also ones that are no part of a module.
    """

    def __init__(
        self,
        config: Config = None,
        strategy: Any = "v1_baseline",
        *,
        market: str | None = None,
        equity_interval: timedelta | str | None = None,
    ) -> None:
        self._plan = make_plan(strategy, config, overrides_of(market, equity_interval))

    def run_streaming(
        self,
        file_path: Path | Sequence[Path],
        sheet_names_filter: Sequence[str] | None = None,
        chunk_size: int = 100_000,
        header_row: int = 3,
        output_dir: Path | None = None,
        *,
        parquet: bool = False,
        max_sheets: int | None = None,
        ticks_dir: Path | None = None,
        tables: bool = True,
        progress: ShowProgress | None = None,
    ) -> BacktestResult:
        """Run over all securities of a source, or those of the filter. The rest is as in run_parallel_backtest."""
        started = time.monotonic()
        source = TickSource(file_path, sheet_names_filter, max_sheets, header_row, ticks_dir)
        _check_apart(output_dir, source)
        with opened_ticks(source, converting(progress)) as (securities, files):
            output = _prepared(output_dir, parquet, [ticks[0] for ticks in securities], files)
            rows = _Rows(securities, progress)
            runs = []
            for ticks in securities:
                result = self._plan.run_one(ticks, chunk_size, *output, tables, rows.add)
                runs.append(SecurityRun.of(result))
                rows.next()
            return _finished(runs, output, started)

    def run_ticks(
        self,
        ticks: "ArrowData",
        *,
        security: str = "TICKS",
        chunk_size: int = 100_000,
        output_dir: Path | None = None,
        parquet: bool = False,
    ) -> BacktestResult:
        """Run over the ticks of one security that are there already: a table, a frame, a record batch reader.

        Input:   timestamp, type: bid, ask or trade, price and volume, `side` (+1, -1 or null) where it is known.
                 Timestamps of any unit, without a zone or in UTC, text and numbers of any width are cast, batch by
                 batch; a value that would be another one is a DataError, another zone a SchemaError.
        Raises:  SchemaError or DataError, if the ticks cannot be used; what the strategy raised, as it was raised.
        """
        started = time.monotonic()
        output = _prepared(output_dir, parquet, [security], [])
        result = self._plan.run_table(ticks, security, chunk_size, *output)
        return _finished([SecurityRun.of(result)], output, started)


class _Rows:
    """Counts what was done, for who wants to know."""

    def __init__(self, securities: Sequence[SecurityTicks], show: ShowProgress | None) -> None:
        self._show = show
        self._rows_all = sum(rows for _, _, rows, _ in securities)
        self._securities_all = len(securities)
        self._rows = self._securities = 0

    def add(self, rows: int) -> None:
        self._rows += rows
        self._tell()

    def next(self) -> None:
        self._securities += 1
        self._tell()

    def _tell(self) -> None:
        if self._show is not None:
            self._show(Progress(self._rows, self._rows_all, self._securities, self._securities_all))


def _workers(max_workers: int | None) -> int:
    if max_workers is not None and max_workers < 1:
        raise OptionError(f"max_workers must be >= 1, or None for one a core, found {max_workers}.")
    return max_workers or 0


def _check_apart(output_dir: Path | None, source: TickSource) -> None:
    """Results among ticks would be looked at as ticks by the next run."""
    if output_dir is None:
        return
    folders = [("ticks_dir", source.ticks_dir), *(("the folder of the ticks", path) for path in source.named())]
    for what, folder in folders:
        if folder and os.path.realpath(folder) == os.path.realpath(output_dir):
            raise OptionError(
                f"output_dir '{os.fspath(output_dir)}' is {what}, '{os.fspath(folder)}'. Name another folder for the "
                f"results, which would lie among the ticks."
            )


def _prepared(output_dir: Path | None, parquet: bool, securities: list[str], files: list[str]) -> Output:
    if output_dir is None:
        if parquet:
            raise OptionError("parquet=True is for the files of output_dir. Name a folder, or leave parquet out.")
        return Output()
    from sabot import _native

    folder = os.fspath(output_dir)
    _native.prepare_backtest_folder(folder, securities, parquet, files)
    return Output(folder, parquet)


def _finished(runs: list[SecurityRun], output: Output, started: float) -> BacktestResult:
    if output.folder:
        from sabot import _native

        _native.write_backtest_summary(output.folder, [run.result for run in runs], output.parquet)
    return BacktestResult(runs, time.monotonic() - started, output.folder or None)
