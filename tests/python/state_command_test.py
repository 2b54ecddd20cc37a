"""Checkpoints on the command line: `sabot run --checkpoint-dir`, `sabot state`, and signals."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.cli import progress, report
from sabot.cli.application import app
from sabot.runs import Progress, RunSummary
from sabot.stores import RocksDBBackend
from typer.testing import CliRunner, Result

from sabot import Stream, _native, fintech
from sabot.checkpoint import CheckpointCoordinator, CheckpointSummary

PIPELINE = """\
source: {generator: ticks, rows: 400000, symbols: 10, batch_rows: 500}
steps:
  - {kernel: ewma, alpha: 0.06, uid: fast}
  - {kernel: sma, window: 20}
  - {kernel: ofi, window: 5}
sink: {parquet: out, rows_per_file: 50000}
"""
TOLD = CheckpointSummary("", "", (), (), False, 0, 0, "", "", 0, 0.0, False)


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="sabot")
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "features.yaml").write_text(PIPELINE)
    return tmp_path


@pytest.fixture
def stopped(folder: Path) -> Path:
    """With the checkpoints 1-1 and 2-1 of a run that was stopped twice."""
    from sabot import pipeline

    coordinator = CheckpointCoordinator("checkpoints", resume=True)
    for _ in range(2):
        coordinator.stop()
        # It would have so many rows that it is not done before the checkpoint is.
        pipeline.load("features.yaml", overrides=["source.rows=1000000000"]).run(checkpoints=coordinator)
    return folder


# --- wrong use ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "features.yaml", "--resume"], "need --checkpoint-dir"),
        (["run", "features.yaml", "--checkpoint-keep", "2"], "need --checkpoint-dir"),
        (["run", "features.yaml", "--state-cache-mb", "2"], "need --checkpoint-dir"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--state-cache-mb", "0"], "cache_mb must be from 1"),
        (["run", "features.yaml", "--drop-state", "fast"], "need --checkpoint-dir"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--drop-state", "fast"], "is for a run that goes on"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--checkpoint-interval", "-1"], "must be from 0 to"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--checkpoint-keep", "0"], "keep must be from 1"),
        (["run", "features.yaml", "--checkpoint-dir", ""], "path is empty"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--savepoint", "nowhere"], "there is none in 'nowhere'"),
        (["run", "features.yaml", "--checkpoint-dir", "c", "--rejects", "r.csv"], "do not go together"),
        (["state", "list", "nowhere"], "sabot: nowhere: no such folder\n"),
        (["state", "show", "."], "there is no checkpoint in ."),
        (["state", "export", ".", "-o", "a"], "there is no checkpoint in ."),
    ],
)
def test_arguments_that_are_wrong(arguments: list[str], message: str, folder: Path) -> None:
    result = call(*arguments, code=2)
    assert message in result.stderr
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "features.yaml", "--checkpoint-dir", "checkpoints"], "has those of an earlier run, the newest 2-1"),
        (["state", "show", "checkpoints", "1-2"], "no checkpoint '1-2' in checkpoints. There are 2-1, 1-1."),
        (["state", "export", "checkpoints", "--uid", "fats", "-o", "a.csv"], "Did you mean 'fast'?"),
        (["state", "export", "checkpoints", "--uid", "fast", "-o", "a.txt"], "does not say which format"),
        (["state", "diff", "checkpoints", "1-1", "2-1", "--uid", "fats"], "Did you mean 'fast'?"),
        (["state", "copy", "checkpoints", "--to", "checkpoints"], "has checkpoints already, the newest 2-1"),
    ],
)
def test_what_is_not_there(arguments: list[str], message: str, stopped: Path) -> None:
    assert message in call(*arguments, code=2).stderr


# --- looking ---


def test_list(stopped: Path) -> None:
    lines = call("state", "list", "checkpoints").stdout.splitlines()
    assert lines[0].split() == ["checkpoint", "age", "rows", "bytes", "state"]
    assert [line.split()[0] for line in lines[1:]] == ["2-1", "1-1"]
    assert all(line.endswith("valid") for line in lines[1:])
    manifest = json.loads((stopped / "checkpoints" / "2-1.json").read_text())
    newest = json.loads(call("state", "list", "checkpoints", "--json").stdout)[0]
    assert newest["id"] == "2-1"
    assert newest["valid"]
    assert newest["job"] == "features"
    assert newest["bytes"] == sum(
        file["bytes"] for state in manifest["operators"] + manifest["sinks"] for file in state["files"]
    )
    assert [each["uid"] for each in newest["operators"]] == ["fast", "kernel_1"]


def test_list_says_what_is_damaged(stopped: Path) -> None:
    (stopped / "checkpoints" / "2-1" / "fast.0.0.arrow").unlink()
    (stopped / "checkpoints" / "3-1.json").write_text("{")
    lines = call("state", "list", "checkpoints").stdout.splitlines()[1:]
    assert lines[0].startswith("3-1 ")
    assert "manifest 'checkpoints/3-1.json'" in lines[0]
    assert "'checkpoints/2-1/fast.0.0.arrow' is missing" in lines[1]
    assert lines[2].endswith("valid")
    assert "checkpoint 1-1 of job features" in call("state", "show", "checkpoints").stdout
    assert "is missing" in call("state", "show", "checkpoints", "2-1", code=2).stderr
    done = call("run", "features.yaml", "--checkpoint-dir", "checkpoints", "--resume")
    assert "esumed from checkpoint 1-1" in done.stderr
    assert "a newer checkpoint cannot be used: manifest 'checkpoints/2-1.json'" in done.stderr
    assert "newer checkpoint cannot be used: manifest 'checkpoints/3-1.json'" in done.stderr


def test_show(stopped: Path) -> None:
    text = call("state", "show", "checkpoints", "1-1").stdout
    found = json.loads(call("state", "show", "checkpoints", "1-1", "--json").stdout)
    offset = found["sources"][0]["offset"]
    assert offset > 0
    assert f"  source_0          0  {offset:>6,}\n" in text
    assert "fast      kernel  symbol       1    10" in text
    assert found["sinks"][0]["rows"] == offset


def test_export(stopped: Path) -> None:
    call("state", "export", "checkpoints", "--uid", "fast", "--checkpoint", "1-1", "-o", "fast.parquet")
    table = pq.read_table("fast.parquet")
    assert table.equals(CheckpointCoordinator("checkpoints").state("fast", "1-1"))
    assert isinstance(fintech.EWMAKernel.restore(table), fintech.EWMAKernel)
    call("state", "export", "checkpoints", "-o", "state", "--to", "csv")
    names = {path.name for path in (stopped / "state").iterdir()}
    assert names == {"fast.csv", "kernel_1.0.csv", "kernel_1.1.csv"}
    assert (
        Stream.from_csv("state/fast.csv").collect()["symbol"].to_pylist()
        == CheckpointCoordinator("checkpoints").state("fast")["symbol"].to_pylist()
    )
    call("state", "export", "checkpoints", "--uid", "kernel_1", "-o", "slow.arrow")
    assert {path.name for path in stopped.glob("slow*")} == {"slow.0.arrow", "slow.1.arrow"}
    assert "ring" in Stream.from_ipc("slow.0.arrow").schema.names


def test_diff(stopped: Path) -> None:
    assert call("state", "diff", "checkpoints", "1-1", "1-1").stdout == "fast: equal\nkernel_1: equal\n"
    call("state", "copy", "checkpoints", "1-1", "--to", "savepoint")
    assert call("state", "diff", "savepoint", "savepoint").stdout == "fast: equal\nkernel_1: equal\n"
    text = call("state", "diff", "checkpoints", "1-1", "2-1", "--uid", "fast", code=1).stdout
    assert text.startswith("fast: different\n")
    assert "column 'value', row 0 ('S0000'): " in text
    assert call("state", "diff", "savepoint", "checkpoints", code=1).stdout.startswith("fast: different\n")


def test_diff_matches_keys() -> None:
    from sabot.comparison import diff_states

    a = pa.table({"symbol": ["B", "A", "C"], "value": [2.0, 1.0, 3.0]})
    assert diff_states(a, a.take([2, 0, 1]), ["symbol"]) == []
    b = pa.table({"symbol": pa.array(["A", "D", "B"]).dictionary_encode(), "value": [1.0, 4.0, 2.5]})
    only_a, only_b, values = diff_states(a, b, ["symbol"])
    assert only_a == "1 key is only in A, the first: C."
    assert only_b == "1 key is only in B, the first: D."
    assert "First: column 'value', row 1 ('B'): 2 in A, 2.5 in B" in values
    assert diff_states(a, a.slice(1), []) != []


def test_copy_begins_another_job(stopped: Path) -> None:
    call("state", "copy", "checkpoints", "--to", "savepoint")
    told = call("run", "features.yaml", "--checkpoint-dir", "new", "--savepoint", "savepoint").stderr
    assert "esumed from checkpoint 2-1 in savepoint" in told
    assert call("run", "features.yaml", "--set", "sink.parquet=undisturbed", "-q").stderr == ""
    for path in (stopped / "undisturbed").iterdir():
        assert path.read_bytes() == (stopped / "out" / path.name).read_bytes()


# --- what is told ---


def test_what_is_told_of_checkpoints(capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    restored = replace(TOLD, restored="1-17", restored_from="d", skipped=("1-18 is torn.",), dropped=("fast",))
    lines = progress.ProgressLines("job", sys.stderr, clock=lambda: 0.0)
    lines(Progress(1, 0, 0, None, restored))
    lines(Progress(2, 0, 0, None, replace(restored, failed=1, last_error="the disk is full")))
    lines(Progress(3, 0, 0, None, replace(restored, failed=1, last_error="the disk is full")))
    assert capsys.readouterr().err.splitlines() == [
        "job: a newer checkpoint cannot be used: 1-18 is torn.",
        "job: resumed from checkpoint 1-17 in d",
        "job: without the state of fast",
        "job: a checkpoint failed: the disk is full",
    ]
    summary = RunSummary(10, 10, 0, 2.0, checkpoints=replace(restored, completed=2, newest="2-2", bytes=9, seconds=0.5))
    assert report.summary_text("job", summary, "out").splitlines()[1] == (
        "A newer checkpoint cannot be used: 1-18 is torn.; resumed from checkpoint 1-17 in d; without the state of "
        "fast; 2 checkpoints, the newest 2-2 (9 bytes in 0.50 s)."
    )
    failed = RunSummary(10, 10, 0, 2.0, checkpoints=replace(TOLD, failed=3, last_error="the disk is full."))
    assert report.summary_text("job", failed, "out").splitlines()[1] == (
        "0 checkpoints (3 failed); the last error: the disk is full."
    )


# --- signals ---


def start(folder: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "sabot", "run", "features.yaml", "--checkpoint-dir", "checkpoints", *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def send(process: subprocess.Popen[str], number: int, folder: Path, pattern: str) -> str:
    """The signal, once there is a file of this kind; what the process told."""
    try:
        while process.poll() is None and next(folder.glob(pattern), None) is None:
            pass
        os.kill(process.pid, number)
        return process.communicate(timeout=60)[1]
    finally:
        process.kill()
        process.wait()


def test_sigterm_ends_at_a_checkpoint(folder: Path) -> None:
    (folder / "features.yaml").write_text(PIPELINE.replace("400000", "3000000"))
    call("run", "features.yaml", "--set", "sink.parquet=undisturbed", "-q")
    process = start(folder)
    told = send(process, signal.SIGTERM, folder, "out/part-00000*")
    assert process.returncode == 143, told
    assert "sabot: stopped at checkpoint 1-1. Go on with: sabot run features.yaml --checkpoint-dir checkpoints" in told
    call("run", "features.yaml", "--checkpoint-dir", "checkpoints", "--resume", "-q")
    outputs = [{path.name: path.read_bytes() for path in (folder / name).iterdir()} for name in ("out", "undisturbed")]
    assert outputs[0] == outputs[1]


def test_ctrl_c_says_what_is_there(folder: Path) -> None:
    (folder / "features.yaml").write_text(PIPELINE.replace("400000", "1000000000000"))
    told = send(process := start(folder, "--checkpoint-interval", "0"), signal.SIGINT, folder, "checkpoints/1-2.json")
    assert process.returncode == 130, told
    complete = [
        path for path in (folder / "out").iterdir() if path.suffix == ".parquet"
    ]  # Where there was time for one.
    left = "The files that were complete are kept in out." if complete else "Nothing was written: no file was complete."
    assert f"interrupted. {left} Checkpoint 1-" in told
    assert "is there: go on from it with --resume." in told


# --- state in RocksDB ---


@pytest.mark.skipif(not _native.has_rocksdb(), reason="this build has no RocksDB")
def test_state_in_rocksdb_is_looked_at_as_any_other(folder: Path) -> None:
    from sabot import pipeline

    backend = RocksDBBackend(path="stored", working_folder="working")
    for coordinator in (CheckpointCoordinator(backend), CheckpointCoordinator("stored", resume=True)):
        coordinator.stop()
        pipeline.load("features.yaml", overrides=["source.rows=1000000000"]).run(checkpoints=coordinator)
    assert list((folder / "working").iterdir()) == []
    lines = call("state", "list", "stored").stdout.splitlines()[1:]
    assert [line.split()[0] for line in lines] == ["2-1", "1-1"]
    assert " - " in lines[1]  # Its rows are not counted.
    assert " - " in call("state", "show", "stored", "1-1").stdout
    call("state", "export", "stored", "--uid", "fast", "--checkpoint", "1-1", "-o", "fast.parquet")
    assert pq.read_table("fast.parquet").num_rows == 10
    assert "fast: equal" in call("state", "diff", "stored", "1-1", "1-1").stdout
    assert "fast: different" in call("state", "diff", "stored", "1-1", "2-1", code=1).stdout
