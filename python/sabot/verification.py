"""Proof that a stream gives the same bits however it runs: cuts of batches, threads, copies of its steps, a stop."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from sabot import _native
from sabot.checkpoint import CheckpointCoordinator
from sabot.comparison import Diff, diff
from sabot.errors import OptionError
from sabot.runs import Progress, RunOptions, check_number
from sabot.stream import Stream

__all__ = ["Verification", "VerifiedRun", "verify"]

SEED_MAX = 2**63 - 1
RUNS_MAX = 100_000
FILE_ROWS = 1_000_000  # Of the run that is stopped.


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """One run of a stream, and what came of it."""

    parallelism: int
    threads: int
    cut_seed: int | None  # Of the cuts of the sources' batches; None: as they come.
    rows: int
    digest: str  # Of the rows in their order.
    # It ended at, or failed behind, each of these checkpoints, and went on. When that is, no seed says.
    resumed: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        cuts = "batches as they come" if self.cut_seed is None else f"batches cut from seed {self.cut_seed}"
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        resumed = f", resumed from {' and '.join(self.resumed)}" if self.resumed else ""
        return f"{self.digest}  {self.rows:,} rows, parallelism {self.parallelism}, {threads}, {cuts}{resumed}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What runs of one stream gave. Prints as a report."""

    runs: tuple[VerifiedRun, ...]  # The first one is sequential: one thread, one copy of each step.
    difference: Diff | None  # Between the first run, A, and the last one, B, if that gave other rows.

    @property
    def equal(self) -> bool:
        """All runs gave the same rows, bit by bit."""
        return len({(run.rows, run.digest) for run in self.runs}) == 1

    def __str__(self) -> str:
        if self.equal:
            return f"one digest: {self.runs[0].digest}, {self.runs[0].rows:,} rows, {len(self.runs):,} runs"
        lines = [
            "The rows depend on how the stream runs.",
            f"A: {self.runs[0]}",
            f"B: {self.runs[-1]}",
        ]
        if self.difference is None or self.difference.equal:
            lines += ["Run once more, both give the same rows: they depend on something else, such as time or chance."]
        else:
            lines += [str(self.difference)]
        return "\n".join(lines)


def verify(
    stream: Stream,
    *,
    rows: int | None = None,
    runs: int | None = None,
    seed: int = 1,
    parallelism: Sequence[int] = (1, 2, 3, 4, 5, 6, 7),
    threads: int | None = None,
    by: str = "symbol",
    stop: bool | None = None,
    tell: Callable[[VerifiedRun], object] | None = None,
) -> Verification:
    """Run a stream in many ways and compare what comes out, row by row, bit by bit.

    The first run is sequential: one thread, one copy of each step, batches as they come. The others cut the batches of
    the sources at random rows, on one to several threads, with so many copies of each step that may have copies. The
    last one is stopped at a checkpoint, fails behind another, and goes on, with other copies each time: it writes its
    rows and its checkpoints into a folder beside the system's temporary files, which is removed.

    rows:        of each run only so many, the first ones; unless given, all.
    runs:        how many, beside the first; unless given, one for each parallelism.
    seed:        of the cuts and the numbers of threads. The same seed gives the same runs.
    parallelism: which numbers of copies to try, in turn.
    threads:     up to so many; unless given, as many as runs may use.
    by:          the column that says whose a row is, for the report. Only the default one may be missing.
    stop:        whether there is that last run; unless given, if all rows are wanted.
    tell:        called after each run.
    Returns:     all runs with their digests. It stops at the first run that differs, with the first row, column and
                 both values that do.
    Memory:      of two runs; rows are not kept.
    Raises:      OptionError, if an option is out of its range. What the sources and functions raise. A reader or an
                 iterator can be run once, so that its stream cannot be verified.
    """
    if isinstance(parallelism, int | str) or not parallelism:
        raise OptionError(f"verify: parallelism must be a list of numbers, such as [1, 2, 4], found {parallelism!r}.")
    for copies in parallelism:
        check_number("verify: parallelism", copies)
    for name, value, most in (("rows", rows, SEED_MAX), ("runs", runs, RUNS_MAX), ("threads", threads, 1024)):
        if value is not None:
            check_number(f"verify: {name}", value, most)
    if stop and rows is not None:
        raise OptionError("verify: a run that is stopped has all rows. Leave rows= out, or stop=.")
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed <= SEED_MAX:
        raise OptionError(f"verify: seed must be a whole number from 0 to {SEED_MAX}, found {seed!r}.")
    threads_max = _native.max_threads() if threads is None else threads
    count = len(parallelism) if runs is None else runs

    first = replace(stream._options, parallelism=1, for_all=True, threads=1, cut_seed=None, checkpoints=None)
    done = [_run(stream, first, rows)]
    if tell is not None:
        tell(done[0])
    for number in range(count):
        options = replace(
            first,
            parallelism=parallelism[number % len(parallelism)],
            threads=threads_max - (number + seed) % threads_max,
            cut_seed=(seed + number * 0x9E3779B97F4A7C15) & SEED_MAX,  # Far apart, whatever the seed.
        )
        done.append(_run(stream, options, rows))
        if tell is not None:
            tell(done[-1])
        if (done[-1].rows, done[-1].digest) != (done[0].rows, done[0].digest):
            a, b = (_first_rows(stream, each, rows) for each in (first, options))
            return Verification(tuple(done), diff(a, b, by=by))
    difference = None
    if stop or (stop is None and rows is None):
        run, difference = _stopped(stream, first, parallelism, threads_max, done[0], by)
        done.append(run)
        if tell is not None:
            tell(run)
    return Verification(tuple(done), difference)


def _run(stream: Stream, options: RunOptions, rows: int | None) -> VerifiedRun:
    digest = _native.RowDigest(stream.schema)
    for batch in _first_rows(stream, options, rows):
        digest.add(batch)
    return VerifiedRun(options.parallelism, options.threads or 1, options.cut_seed, digest.rows, digest.hex)


def _stopped(
    stream: Stream, first: RunOptions, parallelism: Sequence[int], threads: int, expected: VerifiedRun, by: str
) -> tuple[VerifiedRun, Diff | None]:
    """A run that is stopped as soon as it has begun, fails behind a checkpoint, and goes on; and what differs."""
    with TemporaryDirectory(prefix="sabot-verify-") as folder:
        coordinator = CheckpointCoordinator(Path(folder, "checkpoints"), interval_seconds=3600, resume=True)
        coordinator.stop()
        resumed = []
        for attempt in range(3):
            copies = parallelism[(attempt + 1) % len(parallelism)]
            options = replace(first, parallelism=copies, threads=threads, checkpoints=coordinator)
            fails = _FailsBehindACheckpoint(coordinator) if attempt == 1 else None
            if (
                attempt > 0
            ):  # What functions remember by themselves is of another run, as it would be in another process.
                _run(stream, first, None)
            try:
                summary = stream._with(stream._engine, options).to_ipc(
                    Path(folder, "rows"), rows_per_file=FILE_ROWS, progress=fails
                )
            except _EndedError as failed:
                resumed.append(str(failed))
                continue
            assert summary.checkpoints is not None
            if not summary.checkpoints.stopped:
                break
            resumed.append(summary.checkpoints.newest)
        written = Stream.from_ipc(Path(folder, "rows"))
        digest = _native.RowDigest(written.schema)  # Of values: it is the same for a dictionary.
        for batch in written:
            digest.add(batch)
        begun_with = parallelism[1 % len(parallelism)]
        run = VerifiedRun(begun_with, threads, None, digest.rows, digest.hex, tuple(resumed))
        if (run.rows, run.digest) == (expected.rows, expected.digest):
            return run, None
        return run, diff(_first_rows(stream, first, None), written, by=by)


class _EndedError(Exception):
    """Ends a run."""


class _FailsBehindACheckpoint:
    """Asks for a checkpoint as soon as it is told how far a run is, and fails when that is there."""

    def __init__(self, coordinator: CheckpointCoordinator) -> None:
        self._coordinator = coordinator
        self._asked = False

    def __call__(self, now: Progress) -> None:
        if now.checkpoints is not None and now.checkpoints.completed > 0:
            raise _EndedError(now.checkpoints.newest)
        if not self._asked:
            self._coordinator.checkpoint()
        self._asked = True


def _first_rows(stream: Stream, options: RunOptions, rows: int | None) -> "Stream | _Head":
    stream = stream._with(stream._engine, options)
    return stream if rows is None else _Head(stream, rows)


class _Head:
    """The first rows of a stream."""

    def __init__(self, stream: Stream, rows: int) -> None:
        self._stream = stream
        self._rows = rows

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        missing = self._rows
        for batch in self._stream:
            yield batch.slice(0, missing)
            missing -= batch.num_rows
            if missing <= 0:
                return

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        reader = pa.RecordBatchReader.from_batches(self._stream.schema, iter(self))
        return reader.__arrow_c_stream__(requested_schema)
