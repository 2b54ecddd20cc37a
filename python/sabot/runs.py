"""Runs of a stream: what they are told, how far they are, what they did."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa

from sabot import _native, checkpoint
from sabot.checkpoint import CheckpointCoordinator, CheckpointSummary
from sabot.errors import OptionError
from sabot.formats import FORMATS
from sabot.key_groups import KeyGroupMoves
from sabot.metrics import Metric, metrics_of
from sabot.tables import table_of

__all__ = ["Path", "Progress", "RunOptions", "RunSummary", "check_number"]

Path = str | os.PathLike[str]

KEY_GROUPS_MAX = 32_768
THREADS_MAX = 1024
ROWS_MAX = 2**62
_ORDERINGS = ("place", "arrival")


@dataclass(frozen=True, slots=True)
class Progress:
    """What a run has done so far."""

    rows_read: int
    rows_written: int
    rows_rejected: int
    fraction: float | None  # Of what there is to read, where that is known.
    checkpoints: CheckpointSummary | None = None  # So far, of a run that takes some.


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did."""

    rows_read: int
    rows_written: int
    rows_rejected: int
    seconds: float
    quality: pa.Table | None = field(default=None, repr=False)  # See Stream.data_quality.
    metrics: list[Metric] = field(default_factory=list, repr=False)  # See docs/reference/metrics.md.
    key_groups_moved: int = 0  # From copies that had more rows than others: see Stream.options.
    checkpoints: CheckpointSummary | None = None  # Of a run that was to take some: see Stream.options.
    _prometheus: str = field(default="", repr=False)

    def prometheus(self) -> str:
        """The metrics in Prometheus' text format, for a file that its node exporter reads, or a push gateway."""
        return self._prometheus

    def __str__(self) -> str:
        rejected = f", {self.rows_rejected:,} rejected" if self.rows_rejected else ""
        checkpoints = f", {self.checkpoints}" if self.checkpoints else ""
        counts = f"{self.rows_read:,} rows read, {self.rows_written:,} written{rejected}"
        return f"{counts} in {self.seconds:.3f} s{checkpoints}"


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How a stream's runs go, whoever starts them. See Stream.options."""

    parallelism: int = 0  # 0: as the engine finds best.
    ordering: str = "place"
    key_groups: int = 256
    threads: int | None = None  # Those of set_max_threads.
    spill_folder: str = ""  # Where rows go that may go to disk.
    job: str = "stream"
    for_all: bool = False  # parallelism replaces every number above 1 that a step names, too.
    cut_seed: int | None = None  # Cuts batches of sources at random rows, drawn from it.
    checkpoints: CheckpointCoordinator | None = None
    balance_rows: int | None = None  # After so many rows key groups move from copies that have more than others.
    moves: KeyGroupMoves | None = None  # Who moves them by hand.

    def changed(self, **given: Any) -> "RunOptions":
        """With the values that are given, which are checked."""
        given = {name: value for name, value in given.items() if value is not None}
        for name, most in (("parallelism", KEY_GROUPS_MAX), ("key_groups", KEY_GROUPS_MAX), ("threads", THREADS_MAX)):
            if name in given:
                check_number(f"options: {name}", given[name], most)
        if "balance_rows" in given:
            check_number("options: balance_rows", given["balance_rows"], ROWS_MAX, otherwise="no moves")
        ordering = given.get("ordering", self.ordering)
        if ordering not in _ORDERINGS:
            raise OptionError(f"options: ordering must be 'place' or 'arrival', found {ordering!r}.")
        return replace(self, **given)

    def native(self, rejects: Path | None = None, strict: bool = False, **more: Any) -> "_native.RunOptions":
        """The engine's form, with what one run is told beside."""
        return _native.RunOptions(
            rejects=_rejects(rejects, strict),
            strict=strict,
            parallelism=self.parallelism,
            for_all=self.for_all,
            ordering=self.ordering,
            key_groups=self.key_groups,
            threads=self.threads,
            cut_seed=self.cut_seed,
            spill_folder=self.spill_folder,
            balance_rows=self.balance_rows,
            moves=None if self.moves is None else self.moves._moves,
            **more,
        )

    def reading(self, rejects: Path | None, strict: bool) -> "_native.RunOptions":
        """The same for a run whose rows are taken by whoever iterates it."""
        if self.checkpoints is not None:
            raise OptionError(
                "checkpoints are of runs into files: to_parquet, to_csv and to_ipc. Rows that are iterated or "
                "collected are gone when the process dies, so a run that went on behind them would lose them. Write "
                "them, or leave checkpoints= out."
            )
        return self.native(rejects, strict)

    def into(
        self,
        path: Path,
        rejects: Path | None,
        strict: bool,
        progress: Callable[[Progress], object] | None,
        run: Callable[["_native.RunOptions"], dict[str, Any]],
    ) -> RunSummary:
        """A run into files, and what it did."""
        if rejects is not None and _is_same(rejects, path):
            raise OptionError(f"rejects= names the file that the rows go to, {os.fspath(path)!r}. Name another one.")
        tell = None if progress is None else lambda *counts: progress(_progress_of(*counts))
        if self.checkpoints is None:
            return _summary_of(run(self.native(rejects, strict, progress=tell)))
        if rejects is not None:
            raise OptionError(
                "rejects= and checkpoints= do not go together: a file of rejected rows has one run's alone, so those "
                "from before the checkpoint would be missing. Leave one of them out; rejected rows are counted still."
            )
        with self.checkpoints._running(self.job) as options:
            return _summary_of(
                run(
                    self.native(
                        None, strict, progress=tell, checkpoint=options, state=self.checkpoints.backend._state()
                    )
                )
            )


def check_number(what: str, value: object, most: int = KEY_GROUPS_MAX, *, otherwise: str = "the default") -> int:
    """A whole number from 1 on.

    Raises: TypeError, if it is none. OptionError, if it is out of its range.
    """
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{what} must be a whole number, found {value!r}.")
    if not 1 <= value <= most:
        raise OptionError(f"{what} must be from 1 to {most:,}, found {value}. Leave it out for {otherwise}.")
    return value


def _summary_of(counts: dict[str, Any]) -> RunSummary:
    """What the engine tells at the end of a run."""
    quality, metrics, text, checkpoints = (
        counts.pop(name) for name in ("quality", "metrics", "prometheus", "checkpoints")
    )
    return RunSummary(
        **counts,
        quality=None if quality is None else table_of(quality),
        metrics=metrics_of(metrics),
        checkpoints=checkpoint.summary_of(checkpoints),
        _prometheus=text,
    )


def _progress_of(
    read: int, written: int, rejected: int, fraction: float | None, checkpoints: dict[str, Any] | None
) -> Progress:
    return Progress(read, written, rejected, fraction, checkpoint.summary_of(checkpoints))


def _rejects(rejects: Path | None, strict: bool) -> str | None:
    if rejects is None:
        return None
    if strict:
        raise OptionError(
            "strict=True stops at the first rejected row, so there is nothing to keep: leave rejects= out."
        )
    path = os.fspath(rejects)
    if path.lower().endswith((*FORMATS["parquet"], *FORMATS["ipc"])):
        raise OptionError(f"rejects={path!r}: rejected rows are written as CSV. Give the file a name that says so.")
    return path


def _is_same(a: Path, b: Path) -> bool:
    if "://" in os.fspath(a) or "://" in os.fspath(b):
        return os.fspath(a) == os.fspath(b)
    return os.path.realpath(a) == os.path.realpath(b) and not os.fspath(a).startswith("/dev/")
