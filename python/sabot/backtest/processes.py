"""Python strategies in processes of their own, one simulation at a time each: one that dies takes no other along."""

import ctypes
import os
import pickle
import signal
import sys
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import connection, get_context, process
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sabot.backtest.config import ConfigText
from sabot.backtest.plan import Output, make_plan
from sabot.backtest.result import SecurityRun
from sabot.backtest.strategy import check_strategy, name_of
from sabot.errors import OptionError, SabotError

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

    from sabot.backtest.inputs import SecurityTicks

__all__ = ["Job", "Task", "packed", "run_in_processes"]

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_END_SECONDS = 5.0  # That a worker gets to remove what it has begun to write.


@dataclass(frozen=True)
class Job:
    """What every worker is told."""

    strategy: bytes  # Pickled.
    config: ConfigText
    overrides: dict[str, Any]
    chunk_size: int
    output: Output
    tables: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A simulation: of what ticks, and with what over the configuration."""

    ticks: "SecurityTicks"
    parameters: dict[str, Any] | None = None


def packed(strategy: Any) -> bytes:
    """The strategy for another process.

    Raises:  TypeError, if it is no strategy; OptionError, if another process could not import it.
    """
    check_strategy(strategy)
    name = name_of(strategy)
    home = getattr(strategy, "__module__", None)
    if "<lambda>" in name or "<locals>" in name:
        raise OptionError(
            f"strategy: {name} cannot be sent to a worker process, which imports it by its name. Define it at the top "
            f"level of a module; give parameters with functools.partial or the configuration."
        )
    if home == "__main__" and not hasattr(sys.modules["__main__"], "__file__"):
        raise OptionError(
            f"strategy: {name} is defined in an interactive session, which a worker process cannot import. Put it into "
            f"a module, or run it in this process: MarketMakingBacktest(config, {name}).run_streaming(...)."
        )
    try:
        return pickle.dumps(strategy)
    except Exception as error:
        raise OptionError(
            f"strategy: {name} cannot be sent to a worker process: {error}. Define it at the top level of a module."
        ) from error


def run_in_processes(
    job: Job,
    tasks: Sequence[Task],
    workers: int,
    keep: Callable[[int, SecurityRun], object],
    progress: Callable[[Any], None] | None,
) -> None:
    """Each task in one of so many processes (0: one a core).

    keep:    gets the number of a task and what it came to, as soon as it is done.
    Raises:  OptionError, if the workers cannot begin.
    """
    if getattr(process.current_process(), "_inheriting", False):
        raise OptionError(
            "a worker process imports the script that started it, and that would start workers again. Start the run "
            'under `if __name__ == "__main__":`.'
        )
    from sabot import _native

    pool = _Pool(job, tasks, min(workers or _native.max_threads(), len(tasks)), keep)
    pool.run(progress)


class _Worker:
    """A process, and the task that it has."""

    def __init__(self, job: Job) -> None:
        context = get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process: SpawnProcess = context.Process(target=_work, args=(theirs, job), daemon=True)
        with _interrupts_blocked():  # Ctrl-C reaches the whole group; who started the workers ends them.
            self.process.start()
        theirs.close()
        self.index: int | None = None
        self.rows = 0
        self.ready = False  # It has loaded the strategy.

    def give(self, index: int, task: Task) -> None:
        self.index, self.rows = index, 0
        with suppress(OSError):  # One that has just died is seen where its messages are read.
            self.connection.send(task)

    def death(self) -> str:
        """How it ended: it is known to have closed its pipe."""
        self.process.join(_END_SECONDS)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
            return "worker process closed its connection"
        return f"worker process died ({f'signal {-code}' if code < 0 else f'exit status {code}'})"

    def end(self) -> None:
        self.connection.close()  # One that waits for work goes.
        self.process.join(_END_SECONDS)
        if self.process.is_alive():
            self.process.kill()
            self.process.join()


class _Pool:
    """Workers, and what is left to do."""

    def __init__(self, job: Job, tasks: Sequence[Task], size: int, keep: Callable[[int, SecurityRun], object]) -> None:
        self._job = job
        self._tasks = tasks
        self._size = size
        self._keep = keep
        self._left = deque(sorted(range(len(tasks)), key=lambda index: -tasks[index].ticks[2]))  # The longest first.
        self._workers: list[_Worker] = []
        self._done = self._done_rows = 0
        self._rows_all = sum(task.ticks[2] for task in tasks)

    def run(self, progress: Callable[[Any], None] | None) -> None:
        at_once = True
        try:
            while self._done < len(self._tasks):
                idle = sum(worker.index is None for worker in self._workers)
                while len(self._workers) < self._size and idle < len(self._left):
                    self._workers.append(_Worker(self._job))
                    idle += 1
                self._hear()
                if progress is not None:
                    progress(self._progress())
            at_once = False
        finally:
            for worker in self._workers:
                if at_once:
                    worker.process.terminate()
            for worker in self._workers:
                worker.end()
                self._remove_unfinished(worker)

    def _hear(self) -> None:
        by_connection = {worker.connection: worker for worker in self._workers}
        for each in connection.wait(list(by_connection)):
            worker = by_connection[each]  # type: ignore[index]
            try:
                kind, *values = worker.connection.recv()
            except (EOFError, OSError):
                self._bury(worker)
                continue
            worker.ready = True
            if kind == "rows":
                worker.rows += values[0]
                continue
            if kind == "failed":
                raise values[0]
            done, worker.index = worker.index, None
            if self._left:  # First: it goes on while its results are kept.
                index = self._left.popleft()
                worker.give(index, self._tasks[index])
            if done is not None:
                self._complete(done, SecurityRun(*values))

    def _complete(self, index: int, run: SecurityRun) -> None:
        self._keep(index, run)
        self._done += 1
        self._done_rows += self._tasks[index].ticks[2]

    def _bury(self, worker: _Worker) -> None:
        from sabot import _native

        death = worker.death()
        self._workers.remove(worker)
        self._remove_unfinished(worker)
        if worker.index is None and worker.ready:  # It has given its results; another one takes what is left.
            return
        if worker.index is None:
            raise SabotError(
                f"backtest: a {death} before it had anything to do; what it said of that is on stderr. A script starts "
                f'a backtest of a Python strategy under `if __name__ == "__main__":`.'
            )
        result = _native.SecurityResult(self._tasks[worker.index].ticks[0], death)
        self._complete(worker.index, SecurityRun(result, died=True))

    def _remove_unfinished(self, worker: _Worker) -> None:
        """What one that was killed has begun to write: see src/sabot/env/storage.h."""
        if self._job.output.folder:
            for path in Path(self._job.output.folder).glob(f"*.{worker.process.pid}-*.partial"):
                path.unlink(missing_ok=True)

    def _progress(self) -> Any:
        from sabot.backtest.running import Progress

        rows = self._done_rows + sum(worker.rows for worker in self._workers if worker.index is not None)
        return Progress(rows, self._rows_all, self._done, len(self._tasks))


@contextmanager
def _interrupts_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: connection.Connection, job: Job) -> None:
    """What a worker process runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _stop)
    with suppress(KeyboardInterrupt, EOFError, ConnectionError):
        _end_with_parent()
        try:
            strategy = pickle.loads(job.strategy)
            plan = make_plan(strategy, job.config, job.overrides)
        except Exception as error:
            pipe.send(("failed", OptionError(f"strategy: a worker process cannot load it: {_told(error)}")))
            return
        pipe.send(("ready",))
        while True:
            task: Task = pipe.recv()
            own = plan if task.parameters is None else plan.with_parameters(task.parameters)
            result = own.run_one(
                task.ticks, job.chunk_size, *job.output, job.tables, lambda rows: pipe.send(("rows", rows))
            )
            pipe.send(("done", result, _sent(result.trade_table), _sent(result.equity_table)))


def _end_with_parent() -> None:
    """SIGTERM for this process when the one that started it is killed: nobody would end a strategy that computes."""
    parent = process.parent_process()
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if parent is not None and os.getppid() != parent.pid:  # It died before that.
        raise KeyboardInterrupt


def _stop(_signal: int, _frame: Any) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # Another one would end what the first one has this process remove.
    raise KeyboardInterrupt


def _sent(rows: Any) -> Any:
    if rows is None:
        return None
    import pyarrow as pa

    return pa.record_batch(rows)


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".rstrip(".") + f" (process {os.getpid()})."
