"""Runs that do not come to their end: nothing half-written has the name of a file, and nobody waits for nothing."""

import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pyarrow as pa
import pytest

import sabot

FORMATS = ["parquet", "csv", "ipc"]
ENDLESS = "sabot.Stream.from_generator(rows=10**12, symbols=50)"


def start(program: str, *arguments: object) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", "import sabot, sys\n" + textwrap.dedent(program), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupt(process: subprocess.Popen[str]) -> tuple[str, str]:
    """Sends Ctrl-C, and waits for the process: for what it waits shall not come."""
    try:
        os.kill(process.pid, signal.SIGINT)
        return process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()


# --- Ctrl-C ---


@pytest.mark.parametrize("format", FORMATS)
def test_ctrl_c_keeps_the_files_that_are_complete(format: str, tmp_path: Path) -> None:
    folder = tmp_path / "days"
    process = start(
        f"""
        import pathlib, threading
        folder = pathlib.Path(sys.argv[1])
        def tell():
            while len(list(folder.glob("part-0000[0-9].*[a-z]"))) < 3:
                pass
            print("at work", flush=True)
        threading.Thread(target=tell, daemon=True).start()
        try:
            {ENDLESS}.to_{format}(folder, rows_per_file=100_000)
        except KeyboardInterrupt:
            print("stopped")
        """,
        folder,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    output, errors = interrupt(process)
    assert output == "stopped\n", errors
    files = sorted(folder.iterdir())
    assert len(files) >= 2
    expected = iter(sabot.Stream.from_generator(rows=100_000 * len(files), symbols=50, batch_rows=100_000))
    held = pa.Table.from_batches(list(expected))
    for number, file in enumerate(files):
        assert file.name.startswith(f"part-{number:05d}."), files
        prices = getattr(sabot.Stream, f"from_{format}")(file).collect()["price"]
        assert prices.equals(held["price"].slice(100_000 * number, 100_000)), file


@pytest.mark.parametrize("format", FORMATS)
def test_ctrl_c_while_a_pipe_is_full(format: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(
        f"""
        try:
            {ENDLESS}.to_{format}(sys.argv[1])
        except KeyboardInterrupt:
            print("stopped")
        """,
        pipe,
    )
    with pipe.open("rb") as reader:
        assert reader.read(1)  # It writes; from here on nobody reads.
        output, errors = interrupt(process)
    assert output == "stopped\n", errors


def test_ctrl_c_while_a_pipe_has_no_reader(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(
        f"""
        print("at work", flush=True)
        try:
            {ENDLESS}.to_csv(sys.argv[1])
        except KeyboardInterrupt:
            print("stopped")
        """,
        pipe,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "at work\n"
    output, errors = interrupt(process)
    assert "stopped\n" in output or "KeyboardInterrupt" in errors


@pytest.mark.parametrize("rows", [1, 60_000])  # While the columns are looked for, and while rows are waited for.
def test_ctrl_c_while_a_pipe_is_silent(rows: int, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(
        """
        try:
            for batch in sabot.Stream.from_csv(sys.argv[1]):
                pass
        except KeyboardInterrupt:
            print("stopped")
        """,
        pipe,
    )
    with pipe.open("wb", buffering=0) as writer:
        writer.write(b"symbol,price\n")
        for _ in range(0, rows, 1_000):
            writer.write(b"a,1\n" * min(rows, 1_000))
        output, errors = interrupt(process)
    assert output == "stopped\n", errors


# --- disks that are full ---


@pytest.mark.parametrize("rows", [10, 300_000])  # It is noticed at the end, and in the middle.
@pytest.mark.parametrize("format", FORMATS)
def test_a_device_that_is_full(format: str, rows: int) -> None:
    stream = sabot.Stream.from_generator(rows=rows)
    with pytest.raises(OSError, match="cannot be written") as caught:
        getattr(stream, f"to_{format}")("/dev/full")
    assert caught.value.errno == errno.ENOSPC
    assert str(caught.value).endswith(
        f"{format} sink '/dev/full': '/dev/full' cannot be written: No space left on device. Make room, or name "
        "another disk."
    )


def test_rejects_on_a_device_that_is_full(tmp_path: Path) -> None:
    stream = sabot.Stream.from_generator(rows=10).require("price < 0")
    with pytest.raises(
        OSError, match=r"^\[Errno 28\] rejects '/dev/full': '/dev/full' cannot be written: No space left"
    ):
        stream.collect(rejects="/dev/full")


def can_mount() -> bool:
    tried = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "true"], capture_output=True)
    return tried.returncode == 0


@pytest.mark.parametrize("rows_per_file", [None, 20_000])
@pytest.mark.parametrize("format", FORMATS)
def test_a_disk_that_is_full(format: str, rows_per_file: int | None, tmp_path: Path) -> None:
    if not can_mount():
        pytest.skip("a small disk cannot be mounted here: `unshare --user --map-root-user --mount` is not permitted")
    program = f"""
import os, pathlib, sys
import sabot
disk = pathlib.Path(sys.argv[1])
target = disk / "days" if {rows_per_file} else disk / "out"
try:
    sabot.Stream.from_generator(rows=2_000_000).to_{format}(target, rows_per_file={rows_per_file})
except OSError as error:
    print(error.errno, error)
files = sorted(target.iterdir()) if target.is_dir() else []
print(sorted(path.name for path in disk.rglob("*") if path.is_file() and path not in files))
print(len(files), [sabot.Stream.from_{format}(file).collect().num_rows for file in files])
"""
    script = 'mount -t tmpfs -o size=6m none "$1" && exec "$2" -c "$3" "$1"'
    done = subprocess.run(
        [
            "unshare",
            "--user",
            "--map-root-user",
            "--mount",
            "sh",
            "-c",
            script,
            "sh",
            tmp_path,
            sys.executable,
            program,
        ],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    error, others, files = done.stdout.splitlines()
    assert error.startswith(f"{errno.ENOSPC} [Errno {errno.ENOSPC}] {format} sink '")
    assert error.endswith("No space left on device. Make room, or name another disk.")
    assert others == "[]"
    if rows_per_file is None:
        assert files == "0 []"
    else:
        count, rows = files.split(" ", 1)
        assert int(count) > 0
        assert rows == str([rows_per_file] * int(count))


# --- pipes that close ---


@pytest.mark.parametrize("format", FORMATS)
def test_a_pipe_that_closes(format: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: pipe.open("rb").close())
    reader.start()
    with pytest.raises(BrokenPipeError, match="Broken pipe") as caught:
        getattr(sabot.Stream.from_generator(rows=10**12), f"to_{format}")(pipe)
    reader.join()
    assert f"{format} sink '{pipe}': '{pipe}' cannot be written: Broken pipe" in str(caught.value)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_signal_of_a_pipe_is_nobodys(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = start(
        f"""
        import signal
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        try:
            {ENDLESS}.to_csv(sys.argv[1])
        except BrokenPipeError:
            print("told")
        """,
        pipe,
    )
    pipe.open("rb").close()
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (0, "told\n"), errors


def test_a_command_whose_reader_has_seen_enough(tmp_path: Path) -> None:
    ticks = tmp_path / "ticks.parquet"
    sabot.Stream.from_generator(rows=300_000).to_parquet(ticks)
    command = '"$1" -m sabot convert -q "$2" /dev/stdout --to csv | head -n 1; echo "${PIPESTATUS[0]}"'
    done = subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, str(ticks)], capture_output=True, text=True, timeout=60
    )
    assert done.stdout == "symbol,timestamp,local_timestamp,price,volume,side,bid,ask,bid_size,ask_size\n0\n"
    assert done.stderr == ""
