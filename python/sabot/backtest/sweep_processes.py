"""Sweeps of strategies in Python: set by set, in the processes that run their backtests."""

import hashlib
import inspect
import pickle
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sabot.backtest.config import ConfigText
from sabot.backtest.plan import Output
from sabot.backtest.processes import Job, Task, packed, run_in_processes
from sabot.backtest.strategy import engine_form

if TYPE_CHECKING:
    from sabot import _native
    from sabot.backtest.inputs import SecurityTicks
    from sabot.backtest.result import SecurityRun
    from sabot.backtest.running import Progress

__all__ = ["code_of", "sweep_in_processes", "sweep_job"]

_CHUNK_ROWS = 100_000  # Of a batch of ticks; no number changes a bit.

# simulations, simulations_all, simulations_resumed, ticks, fraction: as sabot.backtest.SweepProgress has them.
ShowSweep = Callable[[int, int, int, int, float], object]


def sweep_job(strategy: Any, config: ConfigText, overrides: dict[str, Any]) -> Job:
    """Raises:  OptionError, if the strategy cannot be sent to a worker process."""
    return Job(packed(strategy), config, overrides, _CHUNK_ROWS, Output(), tables=False)


def sweep_in_processes(
    job: Job,
    strategy: Any,
    securities: "Sequence[SecurityTicks]",
    sets: "_native.ParameterSets",
    *,
    workers: int,
    folder: str,
    restart: bool,
    show: ShowSweep | None,
) -> "_native.SweepTables":
    """Run what the folder does not hold; each simulation is kept in it as soon as it is done.

    Raises:  OptionError, if a set cannot be, or the folder holds another sweep.
    """
    from sabot import _native

    opened = _native.OpenSweep(
        engine_form(strategy), code_of(strategy), job.config.json, job.overrides, securities, sets, folder, restart
    )
    missing = opened.missing()
    parameters = [sets[number] for number in range(len(sets))]
    tasks = [Task(securities[security], parameters[number]) for security, number in missing]

    def keep(index: int, run: "SecurityRun") -> None:
        security, number = missing[index]
        passing = run.died or run.result.read_failed  # Another run may fare better.
        opened.put(security, number, run.result, passing)

    progress = None if show is None else _shown(opened, securities, len(sets), show)
    run_in_processes(job, tasks, workers, keep, progress)
    return opened.finish()


def code_of(strategy: Any) -> str:
    """SHA-256 of the files that a strategy and the classes it derives from are in, and of what a partial gives it.

    Of a function they are its own, and those of the object that it makes with its defaults; one that makes none with
    them is known by its own file alone. Results of other code are known by it; of Sabot's own code by its version.
    Other modules that these import are not looked at.
    """
    digest = hashlib.sha256()
    code = getattr(strategy, "func", strategy)  # Of functools.partial.
    if not inspect.isclass(strategy) and not inspect.isfunction(strategy):
        digest.update(pickle.dumps(strategy, protocol=4))
    homes = {
        each.__module__ for each in (inspect.getmro(code) if inspect.isclass(code) else [code, *_made_by(strategy)])
    }
    for home in sorted(home for home in homes if home.partition(".")[0] != "sabot"):
        path = getattr(sys.modules.get(home), "__file__", None)
        if path is not None:
            digest.update(hashlib.sha256(Path(path).read_bytes()).digest())
    return digest.hexdigest()


def _made_by(function: Callable[[], Any]) -> tuple[type, ...]:
    """The classes of what it makes with its defaults."""
    try:
        return inspect.getmro(type(function()))
    except Exception:  # A parameter that is always set may have a default that cannot be.
        return ()


def _shown(
    opened: "_native.OpenSweep", securities: "Sequence[SecurityTicks]", sets: int, show: ShowSweep
) -> "Callable[[Progress], None]":
    """What is called with how far the missing simulations are."""
    done = [opened.done(security) for security in range(len(securities))]
    resumed, simulations_all = sum(done), len(securities) * sets
    resumed_rows = sum(count * ticks[2] for count, ticks in zip(done, securities, strict=True))
    rows_all = sum(ticks[2] for ticks in securities) * sets

    def told(now: "Progress") -> None:
        fraction = (resumed_rows + now.rows) / rows_all if rows_all else 1.0
        show(resumed + now.securities, simulations_all, resumed, now.rows, min(fraction, 1.0))

    return told
