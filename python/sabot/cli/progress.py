"""How far a run is: a bar on a terminal, a line now and then anywhere else, all on stderr."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

from sabot.counts import counted, rows_text

__all__ = ["ProgressLines", "checkpoints_text", "restored_lines", "seconds_text", "showing_progress"]

LINE_SECONDS = 5.0


@contextmanager
def showing_progress(name: str, *, quiet: bool) -> Iterator[Callable[[Any], None] | None]:
    """What a run calls with its sabot.stream.Progress; None, if nobody wants to know."""
    if quiet:
        yield None
    elif sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar(name) as show:
            yield show
    else:
        yield ProgressLines(name, sys.stderr)


@contextmanager
def _bar(name: str) -> Iterator[Callable[[Any], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[state]}"))
    started = time.monotonic()
    # The run reports often enough, so no thread refreshes the bar. It goes when the summary comes.
    with Progress(*columns, console=Console(stderr=True), auto_refresh=False, transient=True) as progress:
        task = progress.add_task(name, total=None, state="")
        news = CheckpointNews(name)

        def show(state: Any) -> None:
            for line in news.lines(state):
                progress.console.print(line, markup=False, highlight=False, soft_wrap=True)
            total = None if state.fraction is None else 1.0
            text = _state_text(state, time.monotonic() - started)
            progress.update(task, total=total, completed=state.fraction or 0.0, state=text)
            progress.refresh()

        yield show


class ProgressLines:
    """Writes a line every few seconds."""

    def __init__(self, name: str, out: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._name = name
        self._out = out
        self._clock = clock
        self._started = self._last = clock()
        self._news = CheckpointNews(name)

    def __call__(self, state: Any) -> None:
        for line in self._news.lines(state):
            print(line, file=self._out, flush=True)
        now = self._clock()
        if now - self._last < LINE_SECONDS:
            return
        self._last = now
        share = "" if state.fraction is None else f"{state.fraction:.0%}, "
        print(f"{self._name}: {share}{_state_text(state, now - self._started)}", file=self._out, flush=True)


class CheckpointNews:
    """What is to be said of checkpoints at once: where the run goes on, and that one failed."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begun = False
        self._failed = 0

    def lines(self, state: Any) -> list[str]:
        """Those that were not said before."""
        checkpoints = getattr(state, "checkpoints", None)
        if checkpoints is None:
            return []
        lines = [] if self._begun else restored_lines(checkpoints)
        self._begun = True
        if checkpoints.failed > self._failed:
            lines.append(f"a checkpoint failed: {checkpoints.last_error}")
        self._failed = checkpoints.failed
        return [f"{self._name}: {line}" for line in lines]


def restored_lines(checkpoints: Any) -> list[str]:
    """From which checkpoint a run goes on, and what is to be known of that."""
    lines = [f"a newer checkpoint cannot be used: {message}" for message in checkpoints.skipped]
    if checkpoints.restored:
        changed = ", which is of another pipeline" if checkpoints.changed else ""
        lines.append(f"resumed from checkpoint {checkpoints.restored} in {checkpoints.restored_from}{changed}")
    if checkpoints.dropped:
        lines.append(f"without the state of {', '.join(checkpoints.dropped)}")
    return lines


def _state_text(state: Any, seconds: float) -> str:
    parts = [rows_text(state.rows_read)]
    if state.rows_rejected:
        parts.append(f"{state.rows_rejected:,} rejected")
    if getattr(state, "checkpoints", None) is not None:
        parts.append(checkpoints_text(state.checkpoints))
    if seconds > 0:
        parts.append(f"{state.rows_read / seconds:,.0f} rows/s")
    if state.fraction and state.fraction < 1:
        parts.append(f"{seconds_text(seconds * (1 - state.fraction) / state.fraction)} left")
    return ", ".join(parts)


def checkpoints_text(checkpoints: Any) -> str:
    """1 checkpoint, 12 checkpoints (2 failed)."""
    failed = f" ({checkpoints.failed:,} failed)" if checkpoints.failed else ""
    return f"{counted(checkpoints.completed, 'checkpoint', 'checkpoints')}{failed}"


def seconds_text(seconds: float) -> str:
    """Such as 0.25 s, 12 s, 3 min 5 s, 2 h 1 min."""
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
