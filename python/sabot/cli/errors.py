"""Errors as a person at a prompt wants them: one message on stderr, no traceback, an exit code that says which kind."""

import functools
import os
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
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
        try:
            command(*arguments, **options)
            sys.stdout.flush()
        except BrokenPipeError:  # Whoever reads has seen enough: `sabot head FILE | head -1`.
            _forget_stdout()
        except KeyboardInterrupt:
            _leave("interrupted.", EXIT_INTERRUPTED)
        except InterruptedRunError as interrupted:
            _leave(f"interrupted. {interrupted}", EXIT_INTERRUPTED)
        except (SabotError, OSError, ImportError) as error:
            _leave(_text(error), EXIT_ERROR)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            name = type(error).__name__
            _leave(f"an error that Sabot did not foresee: {name}: {error}. --traceback shows where.", EXIT_ERROR)

    return run


@contextmanager
def kept_if_interrupted(
    path: str | os.PathLike[str], *, several: bool = False, checkpoints: "CheckpointCoordinator | None" = None
) -> Iterator[None]:
    """Let Ctrl-C say what a run into the path leaves behind."""
    existed = "://" not in os.fspath(path) and Path(path).exists()
    try:
        yield
    except KeyboardInterrupt:
        if several:
            text = f"The files that were complete are kept in {path}."
        elif existed:
            text = f"{path} is the file from before the run."
        else:
            text = f"{path} was not written: a file takes its name when it is complete."
        if checkpoints is not None:
            text += _what_is_there(checkpoints)
        raise InterruptedRunError(text) from None


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
