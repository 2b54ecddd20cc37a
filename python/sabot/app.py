"""App: a program of streams under one name."""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from sabot import _native
from sabot.checkpoint import Backend, CheckpointCoordinator
from sabot.errors import OptionError
from sabot.fintech_operator import FintechKernelOperator
from sabot.formats import open_stream
from sabot.runs import Path
from sabot.stream import Stream
from sabot.tables import ArrowData

__all__ = ["App"]

Source = Path | Sequence[Path] | ArrowData | Iterable[ArrowData] | Stream | FintechKernelOperator


class App:
    """A program that reads streams: what its jobs are called, and how many copies their steps have.

    name:   of its jobs: letters, digits, '_', '-' and '.'.
    Raises: OptionError, if the name has others.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"App: the name must be text, found {name!r}.")
        _native.JobGraph(name, 256)  # Knows which names may be.
        self._name = name

    @property
    def name(self) -> str:
        """Of its jobs."""
        return self._name

    def stream(
        self,
        source: Source,
        *,
        parallelism: int | None = None,
        checkpoints: CheckpointCoordinator | Backend | Path | None = None,
        **options: Any,
    ) -> Stream:
        """Read a source.

        source:      the path of Parquet, CSV or Arrow files, by their suffix, a glob or a list of paths; anything
                     Arrow can read; an iterable of batches; a Stream, or what create_fintech_operator made.
        parallelism: copies of each step that follows and names no other number, as Stream.parallel.
        checkpoints: of runs of it into files, as in Stream.options.
        options:     those of Stream.from_parquet, from_csv, from_ipc, from_arrow or from_iter, whichever reads it.
        Returns:     its rows as a Stream, whose job has the app's name.
        Raises:      TypeError, if it is none of these. OptionError, if a suffix does not say the format. What reading
                     raises.
        """
        stream = _opened(source, options)._in_job(self._name)
        if checkpoints is not None:
            stream = stream.options(checkpoints=checkpoints)
        return stream if parallelism is None else stream.parallel(parallelism)

    def __repr__(self) -> str:
        return f"App({self._name!r})"


def _opened(source: Any, options: dict[str, Any]) -> Stream:
    if isinstance(source, Stream | FintechKernelOperator):
        if options:
            raise OptionError(f"App.stream: the stream is open already: {', '.join(options)} came too late.")
        return source if isinstance(source, Stream) else source.stream
    if _is_path(source) or _are_paths(source):
        stream: Stream = open_stream(source, **options)
        return stream
    is_table = hasattr(source, "__arrow_c_stream__") or hasattr(source, "__arrow_c_array__")
    if isinstance(source, Iterable) and not is_table and not isinstance(source, bytes | dict):
        return Stream.from_iter(source, **options)
    return Stream.from_arrow(source, **options)


def _is_path(source: object) -> bool:
    return isinstance(source, str | os.PathLike)


def _are_paths(source: object) -> bool:
    return isinstance(source, list | tuple) and bool(source) and all(map(_is_path, source))
