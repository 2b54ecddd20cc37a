"""Checkpoints as Python has them: options, what a coordinator tells, stopping and going on, state as tables."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sabot.errors import DataError, OptionError, SabotError, SnapshotError
from sabot.runs import Progress
from sabot.stores import MemoryBackend, RocksDBBackend

import sabot
from sabot import Stream, _native, fintech
from sabot.checkpoint import CheckpointCoordinator

ROWS = 400_000


# Of a run that shall be stopped: whether its checkpoint is there. Until it is, rows come slowly.
is_there: Callable[[], bool] = lambda: True  # noqa: E731


def held(batch: pa.RecordBatch) -> pa.RecordBatch:
    if not is_there():
        threading.Event().wait(0.01)
    return batch


def ticks() -> Stream:
    """In small batches, so that a checkpoint comes soon."""
    return Stream.from_generator(rows=ROWS, symbols=10, batch_rows=500).map(held)


def features() -> Stream:
    return ticks().kernel("ewma", alpha=0.06).uid("fast").kernel("sma", window=20).uid("slow")


@contextmanager
def stopping(coordinator: CheckpointCoordinator) -> Iterator[None]:
    """Runs in here are stopped at their first checkpoint."""
    global is_there
    before = [each.id for each in coordinator.checkpoints()]
    is_there = lambda: coordinator._store().list() != before  # noqa: E731
    coordinator.stop()
    try:
        yield
    finally:
        is_there = lambda: True  # noqa: E731


def stopped(folder: Path, stream: Stream | None = None, **options: Any) -> CheckpointCoordinator:
    """After a run into folder/out that was stopped at its first checkpoint."""
    coordinator = CheckpointCoordinator(folder / "checkpoints", **options)
    stream = features() if stream is None else stream
    with stopping(coordinator):
        summary = stream.options(checkpoints=coordinator).to_parquet(folder / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert summary.checkpoints.stopped
    return coordinator


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- wrong use ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"backend": ""}, OptionError, "MemoryBackend: path is empty"),
        ({"backend": 7}, TypeError, "MemoryBackend: path must be a path, found 7"),
        ({"interval_seconds": -1}, OptionError, "interval_seconds must be from 0 to 1,000,000,000, found -1"),
        ({"interval_seconds": float("nan")}, OptionError, "interval_seconds must be from 0"),
        ({"interval_seconds": "60"}, TypeError, "interval_seconds must be a number, found '60'"),
        ({"interval_seconds": True}, TypeError, "interval_seconds must be a number"),
        ({"keep": 0}, OptionError, "keep must be from 1 to 1,000,000, found 0"),
        ({"keep": 1.5}, TypeError, "keep must be a whole number, found 1.5"),
        ({"savepoint": ""}, OptionError, "path is empty"),
        ({"drop_state": "fast", "resume": True}, TypeError, "drop_state must be a list, found 'fast'"),
        ({"drop_state": ["fast"]}, OptionError, "drop_state is for a run that goes on"),
        ({"new_output": True}, OptionError, "new_output is for a run that goes on"),
    ],
)
def test_coordinators_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        CheckpointCoordinator(**options)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"path": ""}, OptionError, "RocksDBBackend: path is empty"),
        ({"path": "a", "cache_mb": 0}, OptionError, "cache_mb must be from 1 to"),
        ({"path": "a", "cache_mb": 1.0}, TypeError, "cache_mb must be a whole number"),
        ({"path": "a", "working_folder": ""}, OptionError, "working_folder is empty"),
        ({"path": "a", "working_folder": "s3://a/b"}, OptionError, "working_folder must be on a local disk"),
    ],
)
def test_stores_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        RocksDBBackend(**options)


def test_what_is_no_coordinator() -> None:
    with pytest.raises(TypeError, match="checkpoints must be a CheckpointCoordinator or a folder, found 60"):
        ticks().options(checkpoints=60)  # type: ignore[arg-type]


def test_rows_that_are_iterated_have_no_checkpoints(tmp_path: Path) -> None:
    stream = features().options(checkpoints=tmp_path / "checkpoints")
    for run in (stream.collect, lambda: next(iter(stream)), lambda: stream.to_arrow().read_all()):
        with pytest.raises(SabotError, match="checkpoints are of runs into files: to_parquet, to_csv and to_ipc"):
            run()
    assert stream.explain(tasks=True)  # Which is no run.
    assert not (tmp_path / "checkpoints").exists()


def test_rejects_have_no_checkpoints(tmp_path: Path) -> None:
    stream = features().options(checkpoints=tmp_path / "checkpoints")
    with pytest.raises(OptionError, match="rejects= and checkpoints= do not go together"):
        stream.to_csv(tmp_path / "out.csv", rejects=tmp_path / "rejects.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_has_checkpoints(tmp_path: Path) -> None:
    stopped(tmp_path)
    again = features().options(checkpoints=CheckpointCoordinator(tmp_path / "checkpoints"))
    with pytest.raises(OptionError, match=r"has those of an earlier run, the newest 1-1. Resume from it, or name"):
        again.to_parquet(tmp_path / "other", rows_per_file=50_000)
    begun = CheckpointCoordinator(tmp_path / "checkpoints", savepoint=tmp_path / "checkpoints")
    with pytest.raises(OptionError, match="so it does not begin from a savepoint"):
        features().options(checkpoints=begun).to_parquet(tmp_path / "other", rows_per_file=50_000)


def test_another_pipeline(tmp_path: Path) -> None:
    stopped(tmp_path)
    resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True)
    without = ticks().kernel("ewma", alpha=0.06).uid("fsat").options(checkpoints=resumed)
    with pytest.raises(SnapshotError, match=r"operator 'fast', which the job has not. Nearest names: 'fsat'"):
        without.to_parquet(tmp_path / "out", rows_per_file=50_000)
    other = ticks().kernel("ewma", alpha=0.5).uid("fast").kernel("sma", window=20).uid("slow")
    with pytest.raises(SnapshotError, match="operator 'fast': the snapshot is of ewma version 1"):
        other.options(checkpoints=resumed).to_parquet(tmp_path / "out", rows_per_file=50_000)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda run: run.state("fats"), "no state of an operator 'fats'. Did you mean 'fast'"),
        (lambda run: run.state("fast", "1-2"), "there is no checkpoint '1-2' in .*There are 1-1"),
        (lambda run: run.state("fast", "newest"), "there is no checkpoint 'newest'"),
        (lambda run: run.state("fast", table=1), "operator 'fast' has 1 table, there is no number 1"),
        (lambda run: run.state("fast", table=-1), "there is no number -1"),
    ],
)
def test_state_that_is_not_there(call: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=message):
        call(stopped(tmp_path))


def test_a_folder_without_checkpoints(tmp_path: Path) -> None:
    coordinator = CheckpointCoordinator(tmp_path / "nothing")
    assert coordinator.checkpoints() == []
    with pytest.raises(OptionError, match="there is no checkpoint in"):
        coordinator.state("fast")


def test_a_checkpoint_that_is_damaged(tmp_path: Path) -> None:
    coordinator = stopped(tmp_path)
    file = next((tmp_path / "checkpoints" / "1-1").glob("fast*"))
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    (found,) = coordinator.checkpoints()
    assert not found.valid
    assert f"'{file}': sha256: found " in found.problem
    assert found.operators == ()
    with pytest.raises(DataError, match=r"none of the checkpoints in .* can be used"):
        coordinator.state("fast")
    with pytest.raises(DataError, match="sha256: found"):
        coordinator.state("fast", "1-1")
    with pytest.raises(DataError, match="none of the 1 checkpoints"):
        stopped(tmp_path, resume=True)


# --- names of steps ---


def test_names_of_steps() -> None:
    with pytest.raises(TypeError, match="uid: the name must be text, found 7"):
        ticks().uid(7)  # type: ignore[arg-type]
    with pytest.raises(OptionError, match="uid: the name is empty"):
        ticks().uid("")
    with pytest.raises(OptionError, match="is called 'fast' already"):
        ticks().kernel("ewma", alpha=0.06).uid("fast").uid("slow")
    for names in (("a b", "c"), ("same", "same")):
        stream = ticks().kernel("ewma", alpha=0.06).uid(names[0]).kernel("sma", window=20).uid(names[1])
        with pytest.raises(OptionError, match=names[0]):
            stream.collect()
    assert "kernel by symbol: ewma(alpha=0.06) [uid fast]\n" in features().explain()
    assert "fast " in features().explain(tasks=True)
    assert list(features().job_graph().operators) == ["source_0", "map_0", "fast", "slow", "sink"]


def test_names_of_steps_in_yaml() -> None:
    text = "source: {generator: ticks, rows: 10}\nsteps:\n  - {kernel: ewma, alpha: 0.06, uid: fast}\n"
    text += "  - {filter: volume > 0, uid: large}\n"
    explained = sabot.pipeline.parse(text).stream.explain()
    assert "ewma(alpha=0.06) [uid fast]\n" in explained
    assert "filter volume > 0 [uid large]\n" in explained
    with pytest.raises(sabot.pipeline.PipelineError, match=r"steps\[1\]\.uid.*found nothing|steps\[1\]\.uid"):
        sabot.pipeline.parse(text.replace("large", ""))
    with pytest.raises(sabot.pipeline.PipelineError, match="has no key 'uid'"):
        sabot.pipeline.parse(text + "  - {key_by: symbol, uid: keys}\n")


# --- stopping and going on ---


def test_a_run_that_is_stopped_goes_on(tmp_path: Path) -> None:
    features().to_parquet(tmp_path / "undisturbed", rows_per_file=50_000)
    coordinator = stopped(tmp_path)
    (found,) = coordinator.checkpoints()
    assert found.id == "1-1"
    assert found.valid
    assert 0 < found.sources[0].offset < ROWS
    resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True)
    summary = features().options(checkpoints=resumed).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert summary.checkpoints.restored == "1-1"
    assert summary.checkpoints.restored_from == str(tmp_path / "checkpoints")
    assert not summary.checkpoints.stopped
    assert not summary.checkpoints.changed
    assert summary.rows_read == ROWS - found.sources[0].offset
    assert "resumed from checkpoint 1-1, " in str(summary)
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")


@pytest.mark.parametrize("format", ["parquet", "csv", "ipc"])
def test_one_file(format: str, tmp_path: Path) -> None:
    def write(path: Path, **options: Any) -> sabot.api.RunSummary:
        summary: sabot.api.RunSummary = getattr(features().options(**options), f"to_{format}")(path)
        return summary

    write(tmp_path / "undisturbed")
    coordinator = CheckpointCoordinator(tmp_path / "checkpoints", interval_seconds=0, resume=True)
    for attempt in range(1, 4):
        with stopping(coordinator):
            summary = write(tmp_path / "out", checkpoints=coordinator, parallelism=attempt)
        assert f"stopped at checkpoint {attempt}-1" in str(summary)
        assert not (tmp_path / "out").exists()
    write(tmp_path / "out", checkpoints=coordinator, parallelism=5)
    assert (tmp_path / "out").read_bytes() == (tmp_path / "undisturbed").read_bytes()


def test_a_run_without_stop_is_not_touched_by_an_earlier_one(tmp_path: Path) -> None:
    coordinator = stopped(tmp_path, resume=True)
    summary = features().options(checkpoints=coordinator).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert not summary.checkpoints.stopped


def test_a_checkpoint_on_request_of_another_thread(tmp_path: Path) -> None:
    coordinator = CheckpointCoordinator(tmp_path / "checkpoints", interval_seconds=1_000)
    seen: list[Progress] = []
    thread = threading.Thread(target=coordinator.checkpoint)
    thread.start()
    thread.join()
    stream = features().options(checkpoints=coordinator)
    summary = stream.to_csv(tmp_path / "out.csv", progress=seen.append)
    assert summary.checkpoints is not None
    assert summary.checkpoints.completed == 1
    assert summary.checkpoints.newest == "1-1"
    assert summary.checkpoints.bytes == coordinator.checkpoints()[0].bytes
    assert all(each.checkpoints is not None for each in seen)


def test_without_checkpoints_nothing_is_said_of_them(tmp_path: Path) -> None:
    seen: list[Progress] = []
    summary = features().to_csv(tmp_path / "out.csv", progress=seen.append)
    assert summary.checkpoints is None
    assert "checkpoint" not in str(summary)
    assert all(each.checkpoints is None for each in seen)


def test_a_changed_pipeline(tmp_path: Path) -> None:
    stopped(tmp_path)
    changed = ticks().kernel("sma", window=20).uid("slow").kernel("ewma", alpha=0.5)
    for drop, message in ((["fats"], "'fats' shall be dropped"), ([], "'fast', which the job has not")):
        resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True, drop_state=drop)
        with pytest.raises(SabotError, match=message):
            changed.options(checkpoints=resumed).to_parquet(tmp_path / "out", rows_per_file=50_000)
    (before,) = resumed.checkpoints()
    resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True, drop_state=["fast"], new_output=True, keep=1)
    summary = changed.options(checkpoints=resumed).to_parquet(tmp_path / "new.parquet")
    assert summary.checkpoints is not None
    assert summary.checkpoints.dropped == ("fast",)
    assert summary.checkpoints.changed
    rows = Stream.from_parquet(tmp_path / "new.parquet").collect()
    expected = ticks().kernel("sma", window=20).collect().slice(before.sources[0].offset)
    assert rows["sma"].equals(expected["sma"])


def test_a_savepoint(tmp_path: Path) -> None:
    features().to_parquet(tmp_path / "undisturbed", rows_per_file=50_000)
    stopped(tmp_path)
    begun = CheckpointCoordinator(MemoryBackend(tmp_path / "new"), savepoint=tmp_path / "checkpoints")
    summary = features().options(checkpoints=begun).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert summary.checkpoints.restored_from == str(tmp_path / "checkpoints")
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")
    nowhere = CheckpointCoordinator(tmp_path / "new2", savepoint=tmp_path / "nowhere")
    with pytest.raises(OptionError, match=r"there is none in .*nowhere"):
        features().options(checkpoints=nowhere).to_parquet(tmp_path / "out2", rows_per_file=50_000)


def test_an_app_passes_them_on(tmp_path: Path) -> None:
    app = sabot.App("prices")
    stream = app.stream(ticks(), checkpoints=tmp_path / "checkpoints").kernel("ewma", alpha=0.06)
    with pytest.raises(OptionError, match="checkpoints are of runs into files"):
        stream.collect()
    coordinator = stopped(tmp_path, app.stream(ticks()).kernel("ewma", alpha=0.06))
    assert coordinator.checkpoints()[0].job == "prices"


# --- Python functions, data quality ---


def smoothed(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Calls kernels, and is not replaced by them."""
    batch = fintech.sma(fintech.ewma(batch, alpha=0.06), window=20)
    return batch.append_column("edge", pc.subtract(batch["ewma"], batch["sma"]))


def test_a_function_that_calls_other_kernels(tmp_path: Path) -> None:
    stopped(tmp_path, ticks().map(smoothed).uid("smooth"))

    def less(batch: pa.RecordBatch) -> pa.RecordBatch:
        return fintech.ewma(batch, alpha=0.06).append_column("one", pa.array([1] * len(batch), pa.int64()))

    def other(batch: pa.RecordBatch) -> pa.RecordBatch:
        return fintech.ewma(fintech.sma(batch, window=20), alpha=0.06).append_column("one", batch["price"])

    resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True)
    for function, message in (
        (less, r"map .*less: the checkpoint has the state of more kernel calls than the 1"),
        (other, r"the snapshot is of ewma version 1 .*, the kernel is sma"),
    ):
        stream = ticks().map(function).uid("smooth").options(checkpoints=resumed)
        with pytest.raises(SnapshotError, match=message):
            stream.to_parquet(tmp_path / "out", rows_per_file=50_000)


@pytest.mark.parametrize("verb", ["map", "flat_map"])
def test_functions_keep_what_their_kernels_remember(verb: str, tmp_path: Path) -> None:
    def stream(copies: int = 1) -> Stream:
        return getattr(ticks(), verb)(smoothed, parallelism=copies if verb == "map" else 1).data_quality()

    undisturbed = stream().to_parquet(tmp_path / "undisturbed", rows_per_file=50_000)
    for copies in (2, 3):
        stopped(tmp_path, stream(copies), resume=True)
    resumed = CheckpointCoordinator(tmp_path / "checkpoints", resume=True)
    summary = stream(4).options(checkpoints=resumed).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")
    assert summary.quality is not None
    assert summary.quality.equals(undisturbed.quality)


# --- state ---


def test_state_is_what_a_kernel_takes(tmp_path: Path) -> None:
    coordinator = stopped(tmp_path, features().options(parallelism=3))
    (found,) = coordinator.checkpoints()
    rows = found.sources[0].offset
    table = ticks().collect()
    kernel = fintech.EWMAKernel(alpha=0.06)
    kernel(table.slice(0, rows))
    state = coordinator.state("fast")
    assert found.operator("fast").copies == 3
    assert found.operator("fast").key_by == ("symbol",)
    assert found.operator("fast").rows == len(state)
    assert state.sort_by("symbol").equals(kernel.snapshot().sort_by("symbol"))
    assert fintech.EWMAKernel.restore(state)(table.slice(rows)).equals(kernel(table.slice(rows)))


def test_state_of_kernels_in_one_pass(tmp_path: Path) -> None:
    coordinator = stopped(tmp_path, ticks().kernel("ewma", alpha=0.06).kernel("sma", window=20).uid("both"))
    assert coordinator.checkpoints()[0].operator("both").tables == 2
    with pytest.raises(OptionError, match="operator 'both' has 2 tables, one a kernel"):
        coordinator.state("both")
    for table, kernel in enumerate((fintech.EWMAKernel, fintech.SMAKernel)):
        assert isinstance(kernel.restore(coordinator.state("both", table=table)), kernel)


def test_what_is_kept(tmp_path: Path) -> None:
    coordinator = CheckpointCoordinator(tmp_path / "checkpoints", resume=True, keep=2)
    for _ in range(4):
        with stopping(coordinator):
            features().options(checkpoints=coordinator).to_csv(tmp_path / "out.csv")
    assert [each.id for each in coordinator.checkpoints()] == ["4-1", "3-1"]
    offsets = [each.sources[0].offset for each in coordinator.checkpoints()]
    assert offsets == sorted(offsets, reverse=True)
    assert pc.sum(pa.array(offsets)).as_py() > 0


# --- state in RocksDB ---

with_rocksdb = pytest.mark.skipif(not _native.has_rocksdb(), reason="this build has no RocksDB")


@pytest.mark.skipif(_native.has_rocksdb(), reason="this build has RocksDB")
def test_a_store_that_the_engine_has_not(tmp_path: Path) -> None:
    stream = features().options(checkpoints=RocksDBBackend(path=tmp_path / "checkpoints"))
    with pytest.raises(OptionError, match="this build has no backend rocksdb"):
        stream.to_parquet(tmp_path / "out.parquet")


@with_rocksdb
def test_state_in_rocksdb(tmp_path: Path) -> None:
    features().to_parquet(tmp_path / "undisturbed", rows_per_file=50_000)
    working = tmp_path / "working"
    rocksdb = RocksDBBackend(path=tmp_path / "checkpoints", cache_mb=1, working_folder=working)
    for attempt, backend in enumerate((rocksdb, MemoryBackend(rocksdb.path), rocksdb), start=1):
        coordinator = CheckpointCoordinator(backend, resume=True)
        stream = features().options(checkpoints=coordinator, parallelism=attempt)
        with stopping(coordinator):
            summary = stream.to_parquet(tmp_path / "out", rows_per_file=50_000)
        assert summary.checkpoints is not None
        assert summary.checkpoints.newest == f"{attempt}-1"
        assert list(working.iterdir()) == []
        found = coordinator.checkpoints()[0]
        in_files = backend is rocksdb
        assert (found.rows is None) == in_files
        assert found.operator("fast").tables == (None if in_files else 1)
        state = coordinator.state("fast")
        assert sorted(state["symbol"].to_pylist()) == sorted(set(state["symbol"].to_pylist()))
        assert state.num_rows == 10
        with pytest.raises(OptionError, match="operator 'fast' has 1 table, there is no number 1"):
            coordinator.state("fast", table=1)
    coordinator = CheckpointCoordinator(rocksdb, resume=True)
    summary = features().options(checkpoints=coordinator).to_parquet(tmp_path / "out", rows_per_file=50_000)
    assert files(tmp_path / "out") == files(tmp_path / "undisturbed")


@with_rocksdb
def test_state_in_rocksdb_is_what_a_kernel_takes(tmp_path: Path) -> None:
    coordinator = CheckpointCoordinator(RocksDBBackend(path=tmp_path / "checkpoints"))
    both = ticks().kernel("ewma", alpha=0.06).kernel("sma", window=20).uid("both").options(parallelism=3)
    with stopping(coordinator):
        both.options(checkpoints=coordinator).to_parquet(tmp_path / "out", rows_per_file=50_000)
    (found,) = coordinator.checkpoints()
    assert found.operator("both").copies == 3
    rows = found.sources[0].offset
    table = ticks().collect()
    kernel = fintech.EWMAKernel(alpha=0.06)
    kernel(table.slice(0, rows))
    with pytest.raises(OptionError, match="operator 'both' has 2 tables, one a kernel"):
        coordinator.state("both")
    state = coordinator.state("both", table=0)
    assert state.sort_by("symbol").equals(kernel.snapshot().sort_by("symbol"))
    assert fintech.EWMAKernel.restore(state)(table.slice(rows)).equals(kernel(table.slice(rows)))
    assert isinstance(fintech.SMAKernel.restore(coordinator.state("both", table=1)), fintech.SMAKernel)
