"""Files in an object store: what is written is what a disk would get, and what fails leaves nothing there."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pytest
from sabot.errors import DataError, OptionError

import sabot
from sabot.checkpoint import CheckpointCoordinator

SERVER = Path(__file__).resolve().parents[1] / "system" / "services" / "s3" / "server.py"
TICKS = sabot.Stream.from_generator(rows=3_000, symbols=5)
BUCKET = "ticks"


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    process = subprocess.Popen(
        [sys.executable, SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()


class Store:
    """A bucket, as another client sees it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=f"http://127.0.0.1:{port}",
            region_name="us-east-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )
        self._client.create_bucket(Bucket=BUCKET)
        for key in self.keys():
            self._client.delete_object(Bucket=BUCKET, Key=key)

    def uri(self, key: str) -> str:
        return uri(self.port, key)

    def keys(self) -> list[str]:
        return [entry["Key"] for entry in self._client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]

    def read(self, key: str) -> bytes:
        content: bytes = self._client.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return content

    def put(self, key: str, content: bytes) -> None:
        self._client.put_object(Bucket=BUCKET, Key=key, Body=content)

    def uploads_pending(self) -> int:
        return len(self._client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))


@pytest.fixture
def store(port: int) -> Store:
    return Store(port)


def uri(port: int, key: str) -> str:
    return f"s3://{BUCKET}/{key}?endpoint_override=127.0.0.1:{port}&scheme=http"


# --- wrong use ---


def test_an_object_that_is_not_there(store: Store) -> None:
    TICKS.to_parquet(store.uri("day/a.parquet"))
    with pytest.raises(FileNotFoundError, match=r"no such file\. Nearest names: 'a\.parquet'\."):
        sabot.Stream.from_parquet(store.uri("day/aa.parquet"))
    with pytest.raises(FileNotFoundError, match=r"no file matches\. In 'ticks/day', \* stands for any part of a name"):
        sabot.Stream.from_parquet(store.uri("day/*.pq"))
    with pytest.raises(OptionError, match=r"names no bucket\. Write s3://bucket/key\."):
        sabot.Stream.from_parquet("s3://")


def test_a_damaged_object(store: Store) -> None:
    store.put("cut.parquet", b"PAR1 and no more")
    with pytest.raises(
        DataError, match=r"^parquet source 's3://ticks/cut\.parquet': the file is truncated: its 16 byt"
    ):
        sabot.Stream.from_parquet(store.uri("cut.parquet"))


def test_a_bucket_that_is_not_there(port: int) -> None:
    place = uri(port, "a.parquet").replace(BUCKET, "nowhere")
    for run in (sabot.Stream.from_parquet, TICKS.to_parquet):
        with pytest.raises(OSError, match="nowhere"):
            run(place)


@pytest.mark.parametrize("variable", ["soon", "0", "1e9"])
def test_a_time_limit_that_is_none(variable: str, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABOT_S3_TIMEOUT_S", variable)
    with pytest.raises(OptionError, match=f"SABOT_S3_TIMEOUT_S is '{variable}'. Set a number of seconds from 0.1 to"):
        sabot.Stream.from_parquet(uri(port, "a.parquet"))


# --- endpoints that do not answer ---


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def test_an_endpoint_that_refuses() -> None:
    port = closed_port()
    for run in (sabot.Stream.from_parquet, sabot.Stream.from_csv, TICKS.to_parquet, TICKS.to_csv):
        with pytest.raises(OSError, match="cannot be reached") as caught:
            run(uri(port, "a.parquet"))
        assert (
            f"endpoint http://127.0.0.1:{port}: it cannot be reached. See that it runs and that its address is"
            in str(caught.value)
        )


def test_an_endpoint_that_stalls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABOT_S3_TIMEOUT_S", "1")
    with socket.create_server(("127.0.0.1", 0)) as listener:  # Takes connections, and says nothing.
        port = listener.getsockname()[1]
        for run in (sabot.Stream.from_parquet, TICKS.to_parquet):
            with pytest.raises(OSError, match="did not answer in time") as caught:
                run(uri(port, "a.parquet"))
            assert (
                f"endpoint http://127.0.0.1:{port}: it did not answer in time. See that it runs, or set "
                "SABOT_S3_TIMEOUT_S higher: " in str(caught.value)
            )


@pytest.mark.parametrize("run", ["sabot.Stream.from_parquet(place)", "ticks.to_parquet(place)"])
def test_ctrl_c_while_an_endpoint_stalls(run: str) -> None:
    program = f"""
import sys
import sabot

place = sys.argv[1]
ticks = sabot.Stream.from_generator(rows=10)
try:
    {run}
except KeyboardInterrupt:
    print("stopped")
"""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(
            [sys.executable, "-c", program, uri(listener.getsockname()[1], "a.parquet")],
            env=os.environ | {"SABOT_S3_TIMEOUT_S": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            connection, _ = listener.accept()  # The engine is waiting for an answer.
            with connection:
                connection.recv(1)
                os.kill(process.pid, signal.SIGINT)
                output, errors = process.communicate(timeout=60)
        finally:
            process.kill()
            process.wait()
    assert output == "stopped\n", errors


# --- what is written ---


@pytest.mark.parametrize("format", ["parquet", "csv", "ipc"])
def test_an_object_has_the_bytes_of_a_file(format: str, store: Store, tmp_path: Path) -> None:
    getattr(TICKS, f"to_{format}")(tmp_path / "file")
    summary = getattr(TICKS, f"to_{format}")(store.uri("a/file"))
    assert summary.rows_written == 3_000
    assert store.read("a/file") == (tmp_path / "file").read_bytes()
    read = getattr(sabot.Stream, f"from_{format}")
    assert read(store.uri("a/file")).collect().equals(read(tmp_path / "file").collect())


def test_an_object_of_several_parts(store: Store, tmp_path: Path) -> None:
    ticks = sabot.Stream.from_generator(rows=400_000)
    ticks.to_csv(tmp_path / "large")
    ticks.to_csv(store.uri("large"))
    assert (tmp_path / "large").stat().st_size > 20 << 20
    assert store.read("large") == (tmp_path / "large").read_bytes()


def test_prefixes_and_globs(store: Store, tmp_path: Path) -> None:
    TICKS.to_parquet(store.uri("days"), rows_per_file=1_000)
    TICKS.to_parquet(tmp_path / "days", rows_per_file=1_000)
    store.put("days/notes.txt", b"no Parquet")
    assert store.keys() == ["days/notes.txt", *(f"days/part-0000{part}.parquet" for part in range(3))]
    for part in range(3):
        name = f"days/part-0000{part}.parquet"
        assert store.read(name) == (tmp_path / name).read_bytes()
    whole = sabot.Stream.from_parquet(tmp_path / "days").collect()
    assert len(whole) == 3_000
    for named in ("days", "days/", "days/*.parquet", "d*/part-*", "**/*.parquet"):
        assert sabot.Stream.from_parquet(store.uri(named)).collect().equals(whole), named
    assert sabot.Stream.from_parquet(store.uri("days/part-0000[12].parquet")).collect().equals(whole.slice(1_000))
    with pytest.raises(FileExistsError, match=r"the folder holds 'part-0000\d\.parquet' already"):
        TICKS.to_parquet(store.uri("days"), rows_per_file=1_000)


def test_the_command_takes_addresses(store: Store, tmp_path: Path) -> None:
    TICKS.to_parquet(store.uri("a.parquet"))
    for arguments in (
        ["convert", "-q", store.uri("a.parquet"), store.uri("b.csv")],
        ["convert", "-q", store.uri("b.csv"), str(tmp_path / "b.arrow")],
        ["head", store.uri("b.csv"), "-n", "3"],
        ["diff", store.uri("a.parquet"), store.uri("a.parquet")],
        ["generate", "-q", store.uri("c.parquet"), "--rows", "100"],
    ):
        done = subprocess.run([sys.executable, "-m", "sabot", *arguments], capture_output=True, text=True)
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
    assert store.keys() == ["a.parquet", "b.csv", "c.parquet"]


# --- runs that fail ---


def failing(batches: int) -> sabot.Stream:
    def give() -> Iterator[pa.Table]:
        table = TICKS.collect()
        for _ in range(batches):
            yield table
        raise RuntimeError("the feed broke")

    return sabot.Stream.from_iter(give())


@pytest.mark.parametrize("format", ["parquet", "csv", "ipc"])
def test_a_run_that_fails_leaves_nothing(format: str, store: Store) -> None:
    with pytest.raises(RuntimeError, match="the feed broke"):
        getattr(failing(10), f"to_{format}")(store.uri("a/file"))
    assert store.keys() == []
    assert store.uploads_pending() == 0


def test_a_run_that_fails_after_parts_were_sent(store: Store) -> None:
    with pytest.raises(RuntimeError, match="the feed broke"):
        failing(200).to_csv(store.uri("a/file"))  # Some 50 MB.
    assert store.keys() == []
    assert store.uploads_pending() == 0


def test_a_run_that_fails_keeps_the_object_from_before(store: Store) -> None:
    TICKS.to_parquet(store.uri("a.parquet"))
    before = store.read("a.parquet")
    with pytest.raises(RuntimeError, match="the feed broke"):
        failing(10).to_parquet(store.uri("a.parquet"))
    assert store.read("a.parquet") == before
    assert store.uploads_pending() == 0


def test_a_run_that_fails_keeps_the_files_that_were_complete(store: Store) -> None:
    with pytest.raises(RuntimeError, match="the feed broke"):
        failing(200).to_parquet(store.uri("days"), rows_per_file=150_000)
    assert store.keys()[:1] == ["days/part-00000.parquet"]
    for key in store.keys():  # noqa: SIM118
        assert len(sabot.Stream.from_parquet(store.uri(key)).collect()) == 150_000
    assert store.uploads_pending() == 0


# --- checkpoints ---


def test_checkpoints_in_an_object_store(store: Store, tmp_path: Path) -> None:
    stream = (
        sabot.Stream.from_generator(rows=1_000_000, symbols=5, batch_rows=500).kernel("ewma", alpha=0.06).uid("fast")
    )
    stream.to_parquet(tmp_path / "out", rows_per_file=50_000)
    coordinator = CheckpointCoordinator(store.uri("job/checkpoints"), resume=True, keep=1)
    for attempt in range(1, 3):
        coordinator.stop()
        summary = stream.options(checkpoints=coordinator).to_parquet(store.uri("job/out"), rows_per_file=50_000)
        assert f"stopped at checkpoint {attempt}-1" in str(summary)
    assert [each.id for each in coordinator.checkpoints()] == ["2-1"]
    assert "job/checkpoints/1-1.json" not in store.keys()  # noqa: SIM118
    assert len(coordinator.state("fast")) == 5
    copied = subprocess.run(
        [sys.executable, "-m", "sabot", "state", "copy", store.uri("job/checkpoints"), "--to", store.uri("savepoint")],
        capture_output=True,
        text=True,
    )
    assert copied.returncode == 0, copied.stderr
    stream.options(checkpoints=coordinator).to_parquet(store.uri("job/out"), rows_per_file=50_000)
    begun = CheckpointCoordinator(tmp_path / "checkpoints", savepoint=store.uri("savepoint"))
    stream.options(checkpoints=begun, parallelism=3).to_parquet(store.uri("job/out"), rows_per_file=50_000)
    parts = [key for key in store.keys() if "/out/part-" in key]  # noqa: SIM118
    written = {key.removeprefix("job/out/"): store.read(key) for key in parts}
    assert written == {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert store.uploads_pending() == 0


def test_checkpoints_where_nobody_answers(tmp_path: Path) -> None:
    stream = TICKS.options(checkpoints=uri(closed_port(), "checkpoints"))
    with pytest.raises(OSError, match="cannot be reached"):
        stream.to_parquet(tmp_path / "out.parquet")
    assert list(tmp_path.iterdir()) == []
