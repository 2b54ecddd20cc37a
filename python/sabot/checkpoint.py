"""Checkpoints: what a run needs to go on after it died, was stopped, or shall have other copies or other steps.

    checkpoints = CheckpointCoordinator("./checkpoints", interval_seconds=60, resume=True)
    stream.options(checkpoints=checkpoints).to_parquet("features", rows_per_file=1_000_000)

docs/concepts/checkpoints.md says what they hold, and what they promise.
"""

import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import pyarrow as pa

from sabot import _native
from sabot.errors import DataError, OptionError
from sabot.stores import MemoryBackend, RocksDBBackend
from sabot.tables import table_of

__all__ = ["Checkpoint", "CheckpointCoordinator", "CheckpointSummary", "OperatorState", "SinkState", "SourceState"]

Backend = MemoryBackend | RocksDBBackend

KEEP_MAX = 1_000_000
INTERVAL_SECONDS_MAX = 1_000_000_000


@dataclass(frozen=True, slots=True)
class CheckpointSummary:
    """What became of a run's checkpoints."""

    restored: str  # The one it went on from, such as "1-17"; empty: it began from nothing.
    restored_from: str  # The folder of that one.
    skipped: tuple[str, ...]  # What is wrong with newer ones.
    dropped: tuple[str, ...]  # Operators whose state was not taken over, as was asked.
    changed: bool  # The pipeline is not the one that it was taken of.
    completed: int
    failed: int
    last_error: str
    newest: str  # The last one completed,
    bytes: int  # its files, those of earlier ones that it uses too,
    seconds: float  # and how long it took.
    stopped: bool  # The run ended at it, as was asked, and is not complete.

    def __str__(self) -> str:
        parts = []
        if self.restored:
            parts.append(f"resumed from checkpoint {self.restored}")
        if self.stopped:
            parts.append(f"stopped at checkpoint {self.newest}")
        parts.append(f"{self.completed:,} checkpoint{'' if self.completed == 1 else 's'}")
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class OperatorState:
    """What a checkpoint holds of one operator, all copies together."""

    uid: str
    type: str
    key_by: tuple[str, ...]  # Empty: its state is not by key.
    copies: int
    tables: int | None  # A kernel is one; kernels that run as one pass are several. None, as of rows:
    rows: int | None  # of state in files of RocksDB, which are counted only when they are read as tables.
    bytes: int


@dataclass(frozen=True, slots=True)
class SourceState:
    """Where one partition of a source stands."""

    uid: str
    partition: int
    offset: int  # Of the next row.
    time: int  # The highest event time so far, in ns.
    ended: bool


@dataclass(frozen=True, slots=True)
class SinkState:
    """Where one partition of a sink stands."""

    uid: str
    partition: int
    rows: int  # Given to it.
    durable: int  # Of these, so many are in files of rows that are complete.
    bytes: int  # Of the others, which are in the checkpoint.


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One checkpoint. Where it cannot be used, `problem` says why, and the rest is empty."""

    id: str
    problem: str = ""
    created: datetime | None = None
    job: str = ""
    key_groups: int = 0
    rows: int | None = 0  # Of state, where that is known of all operators.
    bytes: int = 0  # All files.
    operators: tuple[OperatorState, ...] = ()
    sources: tuple[SourceState, ...] = ()
    sinks: tuple[SinkState, ...] = ()
    _manifest: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def valid(self) -> bool:
        """All of its files are there as they were written."""
        return not self.problem

    def operator(self, uid: str) -> OperatorState:
        """The operator of this uid.

        Raises: OptionError, with the nearest one, if there is none. DataError, if the checkpoint cannot be used.
        """
        if self.problem:
            raise DataError(self.problem)
        for each in self.operators:
            if each.uid == uid:
                return each
        known = [each.uid for each in self.operators]
        near = get_close_matches(uid, known, 1)
        text = f" Did you mean '{near[0]}'?" if near else f" It has: {', '.join(known) or 'none'}."
        raise OptionError(f"checkpoint {self.id} has no state of an operator '{uid}'.{text}")


class CheckpointCoordinator:
    """The checkpoints of a job: when they are taken, where they go, and the one to go on from.

    backend:          a folder or an S3 URI; or one of sabot.stores.
    interval_seconds: from the beginning of one checkpoint to that of the next; 0: one after another.
    keep:             how many stay.
    resume:           go on from the newest one that is whole. Where there is none the run begins from nothing (or from
                      the savepoint). Without it, a folder that has checkpoints is an error of the run.
    savepoint:        a folder with a checkpoint of another run, to begin from where this one's folder has none.
    drop_state:       uids of operators whose state is not taken over.
    new_output:       where a run goes on, its output is one of its own, which begins with the rows behind the
                      checkpoint; otherwise it goes on with the files that are there.
    Raises:           OptionError, if an option is out of its range.

    A run uses it by `stream.options(checkpoints=coordinator)`, one run at a time. Any thread may call its methods.
    """

    def __init__(
        self,
        backend: str | os.PathLike[str] | Backend = "./checkpoints",
        interval_seconds: float = 60,
        *,
        keep: int = 3,
        resume: bool = False,
        savepoint: str | os.PathLike[str] | None = None,
        drop_state: Iterable[str] = (),
        new_output: bool = False,
    ) -> None:
        if isinstance(drop_state, str):
            raise TypeError(f"CheckpointCoordinator: drop_state must be a list, found {drop_state!r}.")
        self.backend = backend if isinstance(backend, Backend) else MemoryBackend(backend)
        self.interval_seconds = _interval(interval_seconds)
        self.keep = _keep(keep)
        self.resume = bool(resume)
        self.savepoint = None if savepoint is None else MemoryBackend(savepoint).path
        self.drop_state = tuple(drop_state)
        self.new_output = bool(new_output)
        self._requests = _native.CheckpointRequests()
        if not self.resume and self.savepoint is None:
            for name, given in (("drop_state", self.drop_state), ("new_output", self.new_output)):
                if given:
                    raise OptionError(
                        f"CheckpointCoordinator: {name} is for a run that goes on. Give resume=True (--resume), too."
                    )

    @property
    def path(self) -> str:
        """Where the checkpoints are."""
        return os.fspath(self.backend.path)

    def checkpoint(self) -> None:
        """Have the run take one now, or as soon as the one under way is done. Without a run it is for the next one."""
        self._requests.checkpoint()

    def stop(self) -> None:
        """Have the run take one and end there; its summary says `stopped`. Without a run it is for the next one.

        A run that comes to its end before is complete, and not stopped.
        """
        self._requests.stop()

    def checkpoints(self) -> list[Checkpoint]:
        """All that are there, the newest first. Their files are read, to see that they are whole.

        Raises: OSError, if the folder cannot be read.
        """
        store = self._store()
        return [_open(store, each) for each in store.list()]

    def state(self, uid: str, checkpoint: str | None = None, *, table: int | None = None) -> pa.Table:
        """What an operator remembered, a row a key: the rows of all its copies, in the order of these.

        uid:        of the operator: see Stream.uid.
        checkpoint: its id; unless given, the newest one that is whole.
        table:      where the operator has several, as kernels that run as one pass do: which one, from 0.
        Returns:    a table. That of a kernel is what Kernel.restore takes.
        Raises:     OptionError, if there is no such operator, checkpoint or table. DataError, if it is damaged.
        """
        store = self._store()
        found = self._chosen(store, checkpoint)
        operator = found.operator(uid)
        tables = _state(store, found, uid) if operator.tables is None else None
        count = operator.tables or len(tables or ())
        if table is None and count > 1:
            raise OptionError(
                f"checkpoint {found.id}: operator '{uid}' has {count} tables, one a kernel. "
                f"Name one of them, from 0: table=0."
            )
        if not 0 <= (table or 0) < count:
            raise OptionError(
                f"checkpoint {found.id}: operator '{uid}' has {count} table{'s' * (count != 1)}, "
                f"there is no number {table or 0}."
            )
        return tables[table or 0] if tables else _state_table(store, found, uid, table or 0)

    def __repr__(self) -> str:
        return f"CheckpointCoordinator({self.path!r}, interval_seconds={self.interval_seconds:g}, keep={self.keep})"

    # --- for runs and commands ---

    def _tables(self, found: Checkpoint, uid: str) -> list[pa.Table]:
        """All tables of an operator."""
        return _state(self._store(), found, uid)

    def _store(self) -> "_native.CheckpointStore":
        return _native.CheckpointStore(self.path)

    def _chosen(self, store: "_native.CheckpointStore", checkpoint: str | None) -> Checkpoint:
        ids = store.list()
        if checkpoint is not None:
            if checkpoint in ids:
                return _open(store, checkpoint)
            raise OptionError(f"there is no checkpoint '{checkpoint}' in {self.path}. {_those(ids)}")
        problems = []
        for each in ids:
            found = _open(store, each)
            if found.valid:
                return found
            problems.append(found.problem)
        if problems:
            raise DataError(f"none of the checkpoints in {self.path} can be used:\n  " + "\n  ".join(problems))
        raise OptionError(f"there is no checkpoint in {self.path}.")

    @contextmanager
    def _running(self, job: str) -> Iterator["_native.CheckpointOptions"]:
        """The engine's form, for one run."""
        resume = self.resume
        if self.savepoint is not None and not resume:
            ids = self._store().list()
            if ids:
                raise OptionError(
                    f"checkpoints: '{self.path}' has those of an earlier run, the newest {ids[0]}, so it does not "
                    f"begin from a savepoint. Resume from it, or name another folder."
                )
            resume = True
        try:
            yield _native.CheckpointOptions(
                folder=self.path,
                interval_ms=round(self.interval_seconds * 1000),
                keep=self.keep,
                resume=resume,
                savepoint="" if self.savepoint is None else os.fspath(self.savepoint),
                new_output=self.new_output,
                drop=list(self.drop_state),
                job=job,
                requests=self._requests,
            )
        finally:
            self._requests.clear()


def coordinator_of(checkpoints: "CheckpointCoordinator | Backend | str | os.PathLike[str]") -> CheckpointCoordinator:
    """What Stream.options takes."""
    if isinstance(checkpoints, CheckpointCoordinator):
        return checkpoints
    if isinstance(checkpoints, str | os.PathLike | Backend):
        return CheckpointCoordinator(checkpoints)
    raise TypeError(f"options: checkpoints must be a CheckpointCoordinator or a folder, found {checkpoints!r}.")


def summary_of(told: dict[str, Any] | None) -> CheckpointSummary | None:
    """What the engine tells of a run's checkpoints."""
    if told is None:
        return None
    lists = {name: tuple(told[name]) for name in ("skipped", "dropped")}
    return CheckpointSummary(**(told | lists))


def _open(store: "_native.CheckpointStore", checkpoint: str) -> Checkpoint:
    try:
        manifest = json.loads(store.open(checkpoint))
    except DataError as error:
        return Checkpoint(checkpoint, problem=str(error))
    operators = tuple(_operators(manifest["operators"]))
    sinks = tuple(
        SinkState(each["uid"], each["partition"], each["rows"], each["durable"], _sum(each["files"], "bytes"))
        for each in manifest["sinks"]
    )
    return Checkpoint(
        checkpoint,
        created=datetime.fromtimestamp(manifest["created_ms"] / 1000, UTC),
        job=manifest["job_id"],
        key_groups=manifest["key_groups"],
        rows=_all(each.rows for each in operators),
        bytes=sum(each.bytes for each in operators) + sum(each.bytes for each in sinks),
        operators=operators,
        sources=tuple(SourceState(**each) for each in manifest["sources"]),
        sinks=sinks,
        _manifest=manifest,
    )


def _operators(states: list[dict[str, Any]]) -> Iterator[OperatorState]:
    """One an operator, of those that have a state."""
    copies: dict[str, list[dict[str, Any]]] = {}
    for state in states:
        if state["files"]:
            copies.setdefault(state["uid"], []).append(state)
    for uid, found in copies.items():
        files = [file for state in found for file in state["files"]]
        in_files = any(state["form"] == "files" for state in found)
        yield OperatorState(
            uid,
            found[0]["type"],
            tuple(found[0]["key_by"]),
            len(found),
            None if in_files else max(len(state["files"]) for state in found),
            None if in_files else _sum(files, "rows"),
            _sum(files, "bytes"),
        )


def _state(store: "_native.CheckpointStore", checkpoint: Checkpoint, uid: str) -> list[pa.Table]:
    """All tables of an operator, each with the rows of all its copies."""
    copies = [
        [table_of(each) for each in store.read_operator(**_fields(state))]
        for state in checkpoint._manifest["operators"]
        if state["uid"] == uid and state["files"]
    ]
    count = max(len(tables) for tables in copies)
    return [
        pa.concat_tables([tables[table] for tables in copies if len(tables) > table]).unify_dictionaries()
        for table in range(count)
    ]


def _fields(state: dict[str, Any]) -> dict[str, Any]:
    files = [(file["name"], file["bytes"], file["sha256"], file["rows"]) for file in state["files"]]
    return {"uid": state["uid"], "copy": state["copy"], "form": state["form"], "files": files}


def _state_table(store: "_native.CheckpointStore", checkpoint: Checkpoint, uid: str, table: int) -> pa.Table:
    copies = [
        table_of(store.read(**state["files"][table]))
        for state in checkpoint._manifest["operators"]
        if state["uid"] == uid and len(state["files"]) > table
    ]
    return pa.concat_tables(copies).unify_dictionaries()


def _sum(files: list[dict[str, Any]], name: str) -> int:
    return sum(int(file[name]) for file in files)


def _all(counts: Iterable[int | None]) -> int | None:
    """Their sum, where each is known."""
    total = 0
    for count in counts:
        if count is None:
            return None
        total += count
    return total


def _those(ids: list[str]) -> str:
    return f"There are {', '.join(ids)}." if ids else "There is none."


def _interval(seconds: object) -> float:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise TypeError(f"CheckpointCoordinator: interval_seconds must be a number, found {seconds!r}.")
    if not (math.isfinite(seconds) and 0 <= seconds <= INTERVAL_SECONDS_MAX):
        raise OptionError(
            f"CheckpointCoordinator: interval_seconds must be from 0 to {INTERVAL_SECONDS_MAX:,}, found {seconds}. "
            f"0 takes one checkpoint after another."
        )
    return float(seconds)


def _keep(keep: object) -> int:
    if isinstance(keep, bool) or not isinstance(keep, int):
        raise TypeError(f"CheckpointCoordinator: keep must be a whole number, found {keep!r}.")
    if not 1 <= keep <= KEEP_MAX:
        raise OptionError(f"CheckpointCoordinator: keep must be from 1 to {KEEP_MAX:,}, found {keep}.")
    return keep
