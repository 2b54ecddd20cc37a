"""Sweeps: a strategy with many parameter sets over the securities of a source."""

import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sabot.backtest.config import Config, text_of
from sabot.backtest.inputs import TickProgress, TickSource, opened_ticks
from sabot.backtest.plan import make_plan, resolved_strategy
from sabot.backtest.sweep_result import SweepResult, checked_metric
from sabot.backtest.sweep_sets import parameter_sets
from sabot.errors import OptionError

__all__ = ["SweepProgress", "sweep"]

Path = str | os.PathLike[str]


@dataclass(frozen=True, slots=True)
class SweepProgress:
    """How far a sweep is: first its ticks are converted, where they must be, then simulations run."""

    simulations: int  # Done, those of earlier runs included.
    simulations_all: int
    simulations_resumed: int  # Of earlier runs.
    ticks: int  # That simulations of this run have seen; or that were converted.
    fraction: float | None
    converting: bool = False


def _converting(show: Callable[[SweepProgress], None] | None) -> Callable[[TickProgress], None] | None:
    return show and (lambda now: show(SweepProgress(0, 0, 0, now.rows, now.fraction, converting=True)))


def sweep(
    file_path: Path | Sequence[Path],
    strategy: Any,
    config: Config = None,
    *,
    grid: Mapping[str, Iterable[Any]] | None = None,
    random: Mapping[str, Any] | None = None,
    sets: Iterable[Mapping[str, Any]] | Path | None = None,
    samples: int | None = None,
    seed: int = 0,
    max_workers: int | None = None,
    output_dir: Path | None = None,
    metric: str = "sharpe",
    restart: bool = False,
    sets_per_scan: int = 4_096,
    max_sheets: int | None = None,
    sheet_names_filter: Sequence[str] | None = None,
    header_row: int = 3,
    market: str | None = None,
    ticks_dir: Path | None = None,
    progress: Callable[[SweepProgress], None] | None = None,
) -> SweepResult:
    """Run a strategy with many parameter sets over all securities of a source.

    Input:    as for run_parallel_backtest.
    Strategy: as for run_parallel_backtest. One by its name takes each security's ticks through many sets at once, in
              threads; one in Python runs set by set, in processes.
    Sets:     grid: lists of values by parameter, each with each; random: by parameter (low, high), (low, high, "log"),
              (low, high, "int") or a list of choices, `samples` times, the same on every machine for a seed; sets: a
              list of dicts, or a JSON or CSV file of them. They win over the configuration, also that of a security.
    Returns:  the tables, the best set and heat maps. A simulation that fails has its error in the table.
    Writes:   sweep_results.csv and sweep_summary.csv in output_dir, of the same bytes for every max_workers; before
              that what is done, by security: a sweep that was ended, however, goes on when it is called again.
    Memory:   of a strategy by its name two batches of ticks, and what a simulation remembers, for each of sets_per_scan
              sets; of one in Python, which sets_per_scan is not for, a batch a process.
    Raises:   OptionError, if a set or an option cannot be, or output_dir holds another sweep, unless `restart`;
              FileNotFoundError or DataError, if there are no ticks.
    """
    started = time.monotonic()
    strategy = resolved_strategy(strategy)
    checked_metric(metric)
    overrides = {} if market is None else {"market": market}
    read = text_of(config)  # Once, for all processes and for what the folder says of the sweep.
    make_plan(strategy, read, overrides)  # Its mistakes are told with the configuration's file.
    if max_workers is not None and max_workers < 1:
        raise OptionError(f"max_workers must be >= 1, or None for one a core, found {max_workers}.")
    if sets_per_scan < 1:
        raise OptionError(f"sets_per_scan must be >= 1, found {sets_per_scan}.")
    if restart and output_dir is None:
        raise OptionError("sweep: restart forgets what output_dir holds. Give output_dir, or leave restart out.")
    if not isinstance(strategy, str):
        from sabot.backtest.sweep_processes import sweep_in_processes, sweep_job

        job = sweep_job(strategy, read, overrides)
    chosen = parameter_sets(grid, random, sets, samples, seed)
    source = TickSource(file_path, sheet_names_filter, max_sheets, header_row, ticks_dir, max_workers)
    folder = "" if output_dir is None else os.fspath(output_dir)
    show: Callable[..., None] | None = progress and (lambda *now: progress(SweepProgress(*now)))
    with opened_ticks(source, _converting(progress)) as (securities, _):
        if isinstance(strategy, str):
            from sabot import _native

            tables = _native.run_sweep(
                strategy,
                read.json,
                overrides,
                securities,
                chosen,
                workers=max_workers or 0,
                sets_per_scan=sets_per_scan,
                folder=folder,
                restart=restart,
                progress=show,
            )
        else:
            tables = sweep_in_processes(
                job,
                strategy,
                securities,
                chosen,
                workers=max_workers or 0,
                folder=folder,
                restart=restart,
                show=show,
            )
    return SweepResult(tables, tuple(chosen.names), metric, time.monotonic() - started, folder or None)
