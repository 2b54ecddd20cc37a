"""Contenders computing the same cases, taking turns, so that a machine that slows down slows all of them alike."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

# A column in four numbers: how many values are finite, their sum, that of their magnitudes, one that knows their order.
Fingerprint = tuple[int, float, float, float]

# Seconds that a contender gets for one case: those that figures are about, and those that show where one stands.
PATIENCE = 16.0
LITTLE_PATIENCE = 3.0
RUNS_A_TURN = 2


def on_threads(library: str, threads: int) -> str:
    """A contender's name."""
    return f"{library}, {threads} thread" + ("s" if threads > 1 else "")


class Contender(Protocol):
    """What can compute cases."""

    name: str
    threads: int
    patience: float

    def has(self, case: str) -> bool:
        """Whether it can compute the case."""

    def run(self, case: str) -> tuple[float, Any]:
        """Seconds from tables to new columns, and whatever keeps these in memory."""

    def fingerprints(self, case: str, result: Any) -> list[Fingerprint]:
        """Of the new columns, in the order of the case."""


class Calls:
    """A contender in this process: for each case a call that returns a result, and how to get columns out of one."""

    def __init__(
        self,
        name: str,
        threads: int,
        calls: dict[str, Callable[[], Any]],
        columns: Callable[[str, Any], Iterable[Any]],
        before: Callable[[], Any] = lambda: None,
        patience: float = PATIENCE,
    ) -> None:
        self.name = name
        self.patience = patience
        self.threads = threads
        self._calls = calls
        self._columns = columns
        self._before = before

    def has(self, case: str) -> bool:
        """Whether it can compute the case."""
        return case in self._calls

    def run(self, case: str) -> tuple[float, Any]:
        """Seconds, and the result."""
        self._before()
        started = time.perf_counter()
        result = self._calls[case]()
        return time.perf_counter() - started, result

    def fingerprints(self, case: str, result: Any) -> list[Fingerprint]:
        """Of the new columns."""
        return [fingerprint(column) for column in self._columns(case, result)]


class Worker:
    """A contender in a process of its own, for libraries that fix their threads when they are imported. See serve()."""

    def __init__(
        self,
        script: Path,
        name: str,
        threads: int,
        folder: Path,
        environment: dict[str, str],
        python: str = sys.executable,
    ) -> None:
        self.name = name
        self.threads = threads
        self.patience = PATIENCE
        self._process = subprocess.Popen(
            [python, str(script), str(folder), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **environment},
        )
        self._cases = set(self._ask("cases"))

    def has(self, case: str) -> bool:
        """Whether it can compute the case."""
        return case in self._cases

    def run(self, case: str) -> tuple[float, Any]:
        """Seconds, and what keeps the result in the worker's memory."""
        seconds, number = self._ask("run", case)
        return seconds, _Held(self, number)

    def fingerprints(self, case: str, result: Any) -> list[Fingerprint]:
        """Of the new columns."""
        return [tuple(entry) for entry in self._ask("fingerprints", case, result.number)]

    def drop(self, number: int) -> None:
        """Let go of a result."""
        if self._process.poll() is None:
            self._ask("drop", number)

    def close(self) -> None:
        """End the process."""
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        self._process.wait()

    def _ask(self, *request: Any) -> Any:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError(f"{self.name}: no pipes")
        print(json.dumps(request), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self.name}: the worker ended with status {self._process.wait()}.")
        return json.loads(answer)


class _Held:
    def __init__(self, worker: Worker, number: int) -> None:
        self.worker, self.number = worker, number

    def __del__(self) -> None:
        self.worker.drop(self.number)


def serve(contender: Contender, cases: Sequence[str]) -> None:
    """A worker's main loop: one request a line."""
    results: dict[int, Any] = {}
    for number, line in enumerate(sys.stdin):
        answer: Any = None
        match json.loads(line):
            case ["cases"]:
                answer = [case for case in cases if contender.has(case)]
            case ["run", case]:
                seconds, results[number] = contender.run(case)
                answer = [seconds, number]
            case ["fingerprints", case, held]:
                answer = contender.fingerprints(case, results[held])
            case ["drop", held]:
                del results[held]
        print(json.dumps(answer), flush=True)


def fingerprint(column: Any) -> Fingerprint:
    """Of an Arrow array, or of a numpy array in which NaN is null."""
    values = np.asarray(column, dtype=np.float64)
    finite = np.isfinite(values)
    values = values if finite.all() else np.where(finite, values, 0.0)
    weights = _weights(len(values))
    return int(finite.sum()), float(values.sum()), float(np.abs(values).sum()), float(np.dot(values, weights))


_weights_held: list[np.ndarray] = []


def _weights(rows: int) -> np.ndarray:
    if not _weights_held or len(_weights_held[0]) != rows:
        _weights_held[:] = [np.arange(rows) * 7919 % 10007 / 10007]
    return _weights_held[0]


def difference(wanted: list[Fingerprint], found: list[Fingerprint], *, ordered: bool) -> str:
    """In what a contender's columns differ from the wanted ones; empty if in nothing."""
    if len(wanted) != len(found):
        return f"{len(found)} columns, expected {len(wanted)}"
    for index, (want, got) in enumerate(zip(wanted, found, strict=True)):
        if want[0] != got[0]:
            return f"column {index}: {got[0]} values, expected {want[0]}"
        tolerance = 1e-6 * max(want[2], 1e-300)
        for what, at in (("sum", 1), ("magnitudes", 2), *([("sum by row", 3)] if ordered else [])):
            if not abs(want[at] - got[at]) <= tolerance:
                return f"column {index}: {what} {got[at]!r}, expected {want[at]!r}"
    return ""


@dataclass
class Timings:
    """Seconds by case and contender."""

    rows: int
    seconds: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, case: str, name: str, seconds: float) -> None:
        """One more run."""
        self.seconds.setdefault((case, name), []).append(seconds)

    def best(self, case: str, name: str) -> float | None:
        """The shortest run."""
        return min(self.seconds.get((case, name), []), default=None)

    def ratio(self, case: str, name: str, other: str) -> float | None:
        """How many times as fast as the other."""
        ours, theirs = self.best(case, name), self.best(case, other)
        return theirs / ours if ours and theirs else None

    def rate(self, case: str, name: str) -> float | None:
        """Rows a second."""
        best = self.best(case, name)
        return self.rows / best if best else None


def check(case: str, contenders: Sequence[Contender], timings: Timings, unordered: Sequence[str]) -> None:
    """Let each compute the case once, and compare. This run meets cold memory, so it counts only for who is slow."""
    wanted: list[Fingerprint] | None = None
    for contender in contenders:
        seconds, result = contender.run(case)
        found = contender.fingerprints(case, result)
        if wanted is None:
            wanted = found
        elif differs := difference(wanted, found, ordered=contender.name not in unordered):
            raise SystemExit(f"{case}: {contender.name} computes something else than {contenders[0].name}: {differs}.")
        if seconds > contender.patience:
            timings.add(case, contender.name, seconds)


def take_turns(case: str, contenders: Sequence[Contender], timings: Timings, rounds: int) -> None:
    """Time the case, round by round.

    A turn is two runs: a virtual machine gives free memory back to its host, so the first run after those of others may
    wait for the host and not for the contender.
    """
    for _ in range(rounds):
        for contender in contenders:
            for _ in range(RUNS_A_TURN):
                if sum(timings.seconds.get((case, contender.name), [])) > contender.patience:
                    break
                seconds, result = contender.run(case)
                timings.add(case, contender.name, seconds)
                del result


def keep_results(case: str, contenders: Sequence[Contender], timings: Timings, rounds: int) -> None:
    """The same with the single column of every result kept in memory, as a program does that still needs them."""
    np.ones(timings.rows * len(contenders) * rounds)  # Touched here, so that nobody waits for the machine's host.
    kept = []
    for _ in range(rounds):
        for contender in contenders:
            seconds, result = contender.run(case)
            timings.add(case, contender.name, seconds)
            kept.append(result)
