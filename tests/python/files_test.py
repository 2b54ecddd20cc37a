"""Files that cannot be read, or written where they were meant to: each mistake names the file and what to do."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sabot.errors import DataError, OptionError, SchemaError

import sabot

TICKS = sabot.Stream.from_generator(rows=1_000, symbols=5).collect()
SUFFIXES = {"parquet": ".parquet", "csv": ".csv", "ipc": ".arrow"}
LISTED = {"parquet": ".parquet, .pq", "csv": ".csv, .tsv", "ipc": ".arrow, .arrows, .ipc, .feather"}


@pytest.fixture(params=SUFFIXES)
def format(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def read(format: str) -> Callable[..., sabot.Stream]:
    return getattr(sabot.Stream, f"from_{format}")  # type: ignore[no-any-return]


def write(format: str, path: Path | str, table: pa.Table = TICKS, **options: Any) -> Any:
    return getattr(sabot.Stream.from_arrow(table), f"to_{format}")(path, **options)


# --- names ---


def test_paths_that_are_none(format: str) -> None:
    for path, message in (
        ([], f"{format} source: no file is named. Name at least one."),
        ("", f"{format} source: a path is empty. Name a file."),
        ("a\0b", f"{format} source: 'a' is followed by a zero byte, which no path holds. Remove it."),
        (
            "gs://a/b",
            f"{format} source: 'gs://a/b': 'gs' is no scheme that can be read or written. Use a path, file://",
        ),
    ):
        with pytest.raises(OptionError) as caught:
            read(format)(path)
        assert str(caught.value).startswith(message)
    for wrong in (3, b"ticks", None):
        with pytest.raises(TypeError, match=r"^expected a path or a list of paths, found "):
            read(format)(wrong)


def test_a_target_that_is_no_path(format: str, tmp_path: Path) -> None:
    target = str(tmp_path / "out")
    with pytest.raises(OptionError, match=rf"^{format} sink '': a path is empty\. Name a file\.$"):
        write(format, "")
    with pytest.raises(OptionError, match=r"' is followed by a zero byte, which no path holds\. Remove it\.$"):
        write(format, target + "\0.partial")
    assert list(tmp_path.iterdir()) == [], "not under the name before the zero byte either"


def test_no_such_file(format: str, tmp_path: Path) -> None:
    suffix = SUFFIXES[format]
    write(format, tmp_path / f"ticks{suffix}")
    with pytest.raises(FileNotFoundError) as caught:
        read(format)(tmp_path / f"tick{suffix}")
    assert f"{format} source '{tmp_path}/tick{suffix}': no such file. Nearest names: 'ticks{suffix}'." in str(
        caught.value
    )
    with pytest.raises(FileNotFoundError) as caught:
        read(format)(tmp_path / "day" / "ticks")
    assert f"no such file: its folder '{tmp_path}/day' does not exist." in str(caught.value)
    with pytest.raises(NotADirectoryError) as missing:
        read(format)(tmp_path / f"ticks{suffix}" / "a")
    assert f"'{tmp_path}/ticks{suffix}' is a file, not a folder." in str(missing.value)


def test_an_empty_folder(format: str, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("symbol\n")
    (tmp_path / f".hidden{SUFFIXES[format]}").write_text("symbol\n")
    with pytest.raises(FileNotFoundError) as caught:
        read(format)(tmp_path)
    assert str(caught.value).endswith(
        f"{format} source '{tmp_path}': the folder holds no file that ends in {LISTED[format]}. Name the files "
        "themselves, or another folder."
    )


def test_a_glob_that_matches_nothing(format: str, tmp_path: Path) -> None:
    write(format, tmp_path / f"a{SUFFIXES[format]}")
    with pytest.raises(FileNotFoundError) as caught:
        read(format)(tmp_path / "b*")
    assert f"no file matches. In '{tmp_path}', * stands for any part of a name and ** for any fold" in str(caught.value)
    with pytest.raises(FileNotFoundError) as caught:
        read(format)(tmp_path / "day" / "*")
    assert f"no file matches, because '{tmp_path}/day' is no folder. Name one that is there." in str(caught.value)


# Root may read everything, so it becomes somebody else first.
def test_a_file_that_may_not_be_read(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"ticks{SUFFIXES[format]}"
    write(format, path)
    path.chmod(0o200)
    program = f"""
import os, sys
import sabot
sabot.Stream.from_generator(rows=1).collect()  # Loads what may be out of reach later.
if os.getuid() == 0:
    os.setuid(65_534)
try:
    os.stat(sys.argv[1])
except PermissionError:
    print("the folder is closed, too")
    raise SystemExit
try:
    sabot.Stream.from_{format}(sys.argv[1])
except PermissionError as error:
    print(error)
"""
    for folder in (tmp_path, *tmp_path.parents[:3]):  # Those that pytest made are for their owner only.
        if folder.owner() == tmp_path.owner() and "pytest" in folder.name:
            folder.chmod(0o755)
    path.parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", program, str(path)], capture_output=True, text=True, timeout=60)
    if "the folder is closed" in done.stdout or "Permission denied: '/root" in done.stderr:
        pytest.skip("another user cannot reach the folder of temporary files")
    assert done.stdout == (
        f"[Errno 13] {format} source '{path}': it may not be read: permission denied. Ask its owner, or name another "
        "file.\n"
    ), done.stderr


# --- what is there is something else ---


def test_an_empty_file(format: str, tmp_path: Path) -> None:
    path = tmp_path / f"ticks{SUFFIXES[format]}"
    path.touch()
    with pytest.raises(DataError) as caught:
        read(format)(path)
    assert str(caught.value) == f"{format} source '{path}': the file is empty (0 bytes). Fetch or write it again."


@pytest.mark.parametrize("format", ["parquet", "ipc"])
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, -1])
def test_a_truncated_file(format: str, kept: float, tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    write(format, path)
    whole = path.read_bytes()
    left = len(whole) - 1 if kept < 0 else int(kept * len(whole))
    path.write_bytes(whole[:left])
    kind = {"parquet": "a Parquet", "ipc": "an Arrow IPC"}[format]
    with pytest.raises(DataError) as caught:
        read(format)(path)
    assert str(caught.value) == (
        f"{format} source '{path}': the file is truncated: its {left} bytes begin as {kind} file, but the end with its "
        "table of contents is missing. Fetch it again, or write it again and wait until its writer is done."
    )


@pytest.mark.parametrize("other", SUFFIXES)
def test_a_file_of_another_format(format: str, other: str, tmp_path: Path) -> None:
    if other == format:
        pytest.skip("the same")
    path = tmp_path / "ticks"
    write(other, path)
    with pytest.raises(DataError, match=rf"^{format} source '{path}': this is no (Parquet|CSV|Arrow IPC) file"):
        read(format)(path)


CHANGES: dict[str, tuple[Callable[[pa.Table], pa.Table], str]] = {
    "one less": (lambda ticks: ticks.drop(["bid"]), "column 7 is 'ask: double', but 'bid: double'"),
    "one more": (
        lambda ticks: ticks.append_column("venue", ticks["symbol"]),
        "column 11 is 'venue: ",
    ),
    "none at the end": (lambda ticks: ticks.drop(["ask_size"]), "column 10 is missing, but 'ask_size: "),
    "another name": (
        lambda ticks: ticks.rename_columns(["px" if name == "price" else name for name in ticks.column_names]),
        "column 4 is 'px: ",
    ),
    "another type": (
        lambda ticks: ticks.set_column(3, "price", ticks["price"].cast(pa.float32())),
        "column 4 is 'price: float', but 'price: double'",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_columns_that_change_between_files(format: str, change: str, tmp_path: Path) -> None:
    if format == "csv" and change == "another type":
        pytest.skip("a CSV file has the types of the first one; values that are none are rejected")
    changed, difference = CHANGES[change]
    first, second = (tmp_path / f"{name}{SUFFIXES[format]}" for name in "ab")
    write(format, first)
    write(format, second, changed(TICKS))
    out = tmp_path / "out"
    for run in (sabot.Stream.collect, list, lambda stream: stream.to_parquet(out)):
        with pytest.raises(SchemaError) as caught:
            run(read(format)(tmp_path / f"*{SUFFIXES[format]}"))
        message = str(caught.value)
        assert message.startswith(f"{format} source '{second}': {difference}")
        assert message.endswith(
            f" in '{first}'. Files of one source have the same columns: write it anew, or read it on its own."
        )
    assert not out.exists()


# --- where rows go ---


def test_a_folder_where_a_file_should_be(format: str, tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        write(format, tmp_path)
    assert str(caught.value).endswith(
        f"{format} sink '{tmp_path}': '{tmp_path}' cannot be created: Is a directory. Name a file in it."
    )
    with pytest.raises(
        FileNotFoundError, match=r"cannot be created: No such file or directory\. Make its folder first\."
    ):
        write(format, tmp_path / "none" / "out")


def test_a_file_where_a_folder_should_be(format: str, tmp_path: Path) -> None:
    path = tmp_path / "ticks"
    path.write_text("kept")
    with pytest.raises(NotADirectoryError) as caught:
        write(format, path, rows_per_file=100)
    assert str(caught.value).endswith(
        f"{format} sink '{path}': with rows_per_file it is a folder of files, but a file is in the way. Name a "
        "folder, or leave rows_per_file out."
    )
    assert path.read_text() == "kept"


def test_a_folder_with_the_files_of_an_earlier_run(format: str, tmp_path: Path) -> None:
    write(format, tmp_path / "days", rows_per_file=600)
    before = {path: path.read_bytes() for path in (tmp_path / "days").iterdir()}
    with pytest.raises(FileExistsError, match=r"already\. Name an empty folder, or remove what is in this one\.$"):
        write(format, tmp_path / "days", rows_per_file=600)
    assert {path: path.read_bytes() for path in (tmp_path / "days").iterdir()} == before
    with pytest.raises(OptionError, match=r"^rows_per_file must be >= 1, found 0\. Leave it out for one file\.$"):
        write(format, tmp_path / "more", rows_per_file=0)


def test_rejects_that_would_replace_the_rows(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path)
    for rejects in (tmp_path / "out", Path("out"), Path("link/out")):
        with pytest.raises(OptionError, match=r"^rejects= names the file that the rows go to, '.*/out'\. Name another"):
            write(format, tmp_path / "out", rejects=rejects)
    assert [path.name for path in tmp_path.iterdir()] == ["link"]
