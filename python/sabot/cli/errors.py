"""Errors as a person at a prompt wants them: one message on stderr, no traceback, an exit code that says which kind."""

import functools
import glob
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, ParamSpec

import typer

from sabot.errors import SabotError

if TYPE_CHECKING:
    from sabot.checkpoint import CheckpointCoordinator

__all__ = [
    "EXIT_DIFFERENT",
    "EXIT_ERROR",
    "EXIT_INTERRUPTED",
    "EXIT_TERMINATED",
    "InterruptedRunError",
    "files_at",
    "guarded",
    "kept_if_interrupted",
    "settings",
]

EXIT_DIFFERENT = 1
EXIT_ERROR = 2
EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143


@dataclass
class Settings:
    """What was said before the command's name."""

    traceback: bool = False


settings = Settings()


class InterruptedRunError(Exception):
    """Ctrl-C, and what is left behind."""


P = ParamSpec("P")


def guarded(command: Callable[P, None]) -> Callable[P, None]:
    """The command, whose errors end it with a message and an exit code."""

    @functools.wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        ended = _Ended()
        try:
            with ended.by_sigterm():
                command(*arguments, **options)
                sys.stdout.flush()
        except BrokenPipeError:  # Whoever reads has seen enough: `sabot head FILE | head -1`.
            _forget_stdout()
        except KeyboardInterrupt:
            _leave(ended.told, ended.code)
        except InterruptedRunError as interrupted:
            _leave(f"{ended.told} {interrupted}", ended.code)
        except (SabotError, OSError, ImportError) as error:
            _leave(_text(error), EXIT_ERROR)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            name = type(error).__name__
            _leave(f"an error that Sabot did not foresee: {name}: {error}. --traceback shows where.", EXIT_ERROR)

    return run


class _Ended:
    """What ended a command early: Ctrl-C, or SIGTERM, which does what Ctrl-C does."""

    told = "interrupted."
    code = EXIT_INTERRUPTED

    @contextmanager
    def by_sigterm(self) -> Iterator[None]:
        """Let the first SIGTERM be an interrupt, and more of them nothing: the command is removing what it began.

        One that whoever started the command lets it ignore stays ignored, and a handler that is not of Python stays.
        """
        is_main = threading.current_thread() is threading.main_thread()
        if not is_main or signal.getsignal(signal.SIGTERM) in (signal.SIG_IGN, None):
            yield
            return

        def interrupt(_signal: int, _frame: FrameType | None) -> None:
            if self.code != EXIT_TERMINATED:
                self.told, self.code = "ended by SIGTERM.", EXIT_TERMINATED
                raise KeyboardInterrupt

        before = signal.signal(signal.SIGTERM, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)


@contextmanager
def kept_if_interrupted(
    path: str | os.PathLike[str], *, several: bool = False, checkpoints: "CheckpointCoordinator | None" = None
) -> Iterator[None]:
    """Let Ctrl-C say what a run into the path leaves behind."""
    is_remote = "://" in os.fspath(path)
    existed = not is_remote and Path(path).exists()
    before = files_at(Path(path)) if several and not is_remote else set()
    try:
        yield
    except KeyboardInterrupt:
        if several and (is_remote or files_at(Path(path)) - before):
            text = f"The files that were complete are kept in {path}."
        elif several:
            text = "Nothing was written: no file was complete."
        elif existed:
            text = f"{path} is the file from before the run."
        else:
            text = f"{path} was not written: a file takes its name when it is complete."
        if checkpoints is not None:
            text += _what_is_there(checkpoints)
        raise InterruptedRunError(text) from None


def files_at(path: Path) -> set[tuple[str, int, int]]:
    """The files in a folder, or those whose names begin as that of a file does; files that were replaced are others."""
    found = set()
    for file in path.iterdir() if path.is_dir() else path.parent.glob(f"{glob.escape(path.stem)}*"):
        with suppress(FileNotFoundError):  # Somebody else removes it just now.
            state = file.lstat()
            if file.suffix != ".partial":
                found.add((file.name, state.st_ino, state.st_mtime_ns))
    return found


def _what_is_there(checkpoints: "CheckpointCoordinator") -> str:
    try:
        newest = next(iter(checkpoints._store().list()), None)
    except (SabotError, OSError):  # What cannot be read is said by who goes on.
        return ""
    if newest is None:
        return " No checkpoint was taken yet."
    return f" Checkpoint {newest} is there: go on from it with --resume."


def _leave(message: str, code: int) -> None:
    if settings.traceback:
        traceback.print_exc()
    typer.echo(f"sabot: {message}", err=True)
    raise typer.Exit(code)


def _text(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error).removeprefix("sabot: ")


def _forget_stdout() -> None:
    """Let nothing more be written, so that the interpreter does not complain at its end."""
    with suppress(OSError, ValueError):  # In tests it is no file.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
