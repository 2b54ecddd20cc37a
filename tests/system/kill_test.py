"""Runs that are killed outright and go on: what they leave is what an undisturbed run leaves, byte by byte.

SABOT_KILL_ROUNDS sets how often processes are killed at random.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sabot import _native

ROUNDS = int(os.environ.get("SABOT_KILL_ROUNDS", "3"))

# Small batches, so that checkpoints are many.
PIPELINE = """\
sources:
  a: {generator: ticks, rows: 600000, symbols: 15, seed: 1, batch_rows: 200}
  b: {generator: ticks, rows: 300000, symbols: 20, seed: 2, batch_rows: 300}
steps:
  - union: b
  - filter: volume > 2
  - {kernel: ewma, alpha: 0.06, uid: fast}
  - {kernel: sma, window: 20, uid: slow}
  - {with_columns: {edge: price - sma}, uid: edge}
"""
# What the output is: its sink, and whether a file of it has its name before the end.
SINKS = {
    "parts": "sink: {parquet: out/rows, rows_per_file: 30000}\n",
    "one file": "sink: {ipc: out/rows.arrow, batch_rows: 20000}\n",
    "partitions": "sink: {csv: out/rows, partitions: 4}\n",
}
KILLED = -signal.SIGKILL


class Job:
    """A pipeline in a folder of its own, run by processes."""

    def __init__(self, folder: Path, sink: str) -> None:
        folder.mkdir(exist_ok=True)
        (folder / "out").mkdir()
        (folder / "job.yaml").write_text(PIPELINE + SINKS[sink])
        self.folder = folder

    def start(self, *options: str, fault: str | None = None) -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if name != "SABOT_FAULT_POINT"}
        if fault is not None:
            environment["SABOT_FAULT_POINT"] = fault
        return subprocess.Popen(
            [sys.executable, "-m", "sabot", "run", "job.yaml", *options],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *options: str, fault: str | None = None) -> tuple[int, str]:
        """The exit code, and what was told."""
        process = self.start("--checkpoint-dir", "checkpoints", "--checkpoint-interval", "0", *options, fault=fault)
        _, told = process.communicate(timeout=300)
        return process.returncode, told

    def output(self) -> dict[str, bytes]:
        folder = self.folder / "out"
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, bytes]]:
    outputs = {}
    for sink in SINKS:
        job = Job(tmp_path_factory.mktemp("undisturbed"), sink)
        process = job.start("-q", "--parallelism", "1")
        _, told = process.communicate(timeout=300)
        assert process.returncode == 0, told
        outputs[sink] = job.output()
    assert [len(files) for files in outputs.values()] == [30, 1, 4]
    return outputs


# --- wrong use ---


def test_a_fault_point_that_is_none(tmp_path: Path) -> None:
    code, told = Job(tmp_path, "parts").run(fault="sink-clsed")
    assert code == -signal.SIGABRT
    assert "SABOT_FAULT_POINT is 'sink-clsed', which is no fault point." in told


# --- killed at each point ---


def points(sink: str) -> list[str]:
    """Those that runs into this sink come to."""
    if sink == "parts":
        return [name for name in _native.fault_points() if name != "restored"]  # To which all of them come besides.
    return ["tail-written", "after-manifest", "sinks-finished", "sink-closed"]


@pytest.mark.parametrize(("sink", "point"), [(sink, point) for sink in SINKS for point in points(sink)])
def test_killed_and_resumed(sink: str, point: str, undisturbed: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    job = Job(tmp_path, sink)
    code, told = job.run(fault="after-manifest")
    assert code == KILLED, told
    for fault in (point, "restored"):
        code, told = job.run("--resume", fault=fault)
        assert code == KILLED, f"{fault}: {told}"
    code, told = job.run("--resume")
    assert code == 0, told
    assert "esumed from checkpoint " in told  # Before the first progress, or in the summary alone.
    assert job.output() == undisturbed[sink]


@pytest.mark.parametrize("sink", SINKS)
def test_killed_before_there_is_a_checkpoint(
    sink: str, undisturbed: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    job = Job(tmp_path, sink)
    assert job.run(fault="before-manifest")[0] == KILLED
    code, told = job.run("--resume")
    assert code == 0, told
    assert "resumed" not in told
    assert job.output() == undisturbed[sink]


def test_killed_with_other_copies_each_time(undisturbed: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    job = Job(tmp_path, "parts")
    assert job.run("--parallelism", "2", fault="after-manifest")[0] == KILLED
    code, told = job.run("--resume", "--parallelism", "5", fault="after-manifest")
    assert code == KILLED, told
    code, told = job.run("--resume", "--parallelism", "3")
    assert code == 0, told
    assert "esumed from checkpoint 2-1 in checkpoints" in told
    assert job.output() == undisturbed["parts"]


def test_killed_with_state_in_rocksdb_and_then_in_memory(
    undisturbed: dict[str, dict[str, bytes]], tmp_path: Path
) -> None:
    job = Job(tmp_path, "parts")
    assert job.run("--state-cache-mb", "1", "--parallelism", "2", fault="after-manifest")[0] == KILLED
    for options in (["--state-cache-mb", "1", "--parallelism", "3"], ["--parallelism", "2"]):
        code, told = job.run("--resume", *options, fault="after-manifest")
        assert code == KILLED, told
    code, told = job.run("--resume", "--state-cache-mb", "1")
    assert code == 0, told
    assert "esumed from checkpoint 3-1 in checkpoints" in told
    assert job.output() == undisturbed["parts"]


# --- killed at random ---


@pytest.mark.parametrize("round_", range(ROUNDS))
def test_killed_at_random(round_: int, undisturbed: dict[str, dict[str, bytes]], tmp_path: Path) -> None:
    chance = random.Random(round_)
    sink = chance.choice(list(SINKS))
    job = Job(tmp_path, sink)
    for attempt in range(4):
        options = ["--parallelism", str(chance.randint(1, 5)), "--checkpoint-dir", "checkpoints"]
        options += ["--checkpoint-interval", chance.choice(["0", "0.01", "0.1"]), "--resume", "-q"]
        process = job.start(*options)
        kill_when_seen(process, job.folder, names=chance.randint(1, 40))
        _, told = process.communicate(timeout=300)
        assert process.returncode in (0, KILLED), f"attempt {attempt}: {told}"
    code, told = job.run("--resume")
    assert code == 0, told
    assert job.output() == undisturbed[sink]


def kill_when_seen(process: subprocess.Popen[str], folder: Path, names: int) -> None:
    """Kills it when so many names were seen that were not there when it began, unless it ends before."""
    before = set(folder.rglob("*"))
    seen: set[Path] = set()
    while process.poll() is None:
        for root, _, files in os.walk(folder):
            seen.update(Path(root, file) for file in files)
        if len(seen - before) >= names:
            process.kill()
            return
