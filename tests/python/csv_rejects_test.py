"""Rows of CSV files that cannot be used: counted, kept with file, line and reason, and nothing else is lost."""

import csv
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from sabot.errors import DataError, OptionError

import sabot

HEADER = b"symbol,price,volume\n"
# Each line, and what is wrong with it (a part of the reason); None: nothing.
LINES: list[tuple[bytes, str | None]] = [
    (b"a,1.5,10", None),
    (b"a,2.5", "2 fields"),
    (b"b,3.5,10,extra", "4 fields"),
    (b"b,cheap,10", "'cheap'"),
    (b"b,4.5,many", "'many'"),
    (b"c,,", None),
    (b"c\xff,5.5,10", "UTF-8"),
    (b'"c,6.5,10', "quote"),
    (b'"c, d",7.5,10', None),
    (b"e,8.5,99999999999999999999", "'99999999999999999999'"),
    (b"e,9.5,10", None),
]
ROWS = [("a", 1.5, 10), ("c", None, None), ("c, d", 7.5, 10), ("e", 9.5, 10)]
TYPES = {"price": "float64", "volume": "int64"}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.csv"
    path.write_bytes(HEADER + b"\n".join(line for line, _ in LINES) + b"\n")
    return path


def rejected(rejects: Path) -> list[dict[str, str]]:
    with rejects.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


def rows_of(table: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in table.to_pylist()]


def check_rejects(rejects: Path, path: Path) -> None:
    found = rejected(rejects)
    expected = [(number, line, what) for number, (line, what) in enumerate(LINES, 2) if what is not None]
    assert [row["where"] for row in found] == [f"csv source '{path}' line {number}" for number, _, _ in expected]
    assert [row["row"].encode("utf-8", "surrogateescape") for row in found] == [line for _, line, _ in expected]
    for row, (_, _, what) in zip(found, expected, strict=True):
        assert what in row["reason"], row


@pytest.mark.parametrize("batch_rows", [1, 2, 65_536])
def test_rows_that_cannot_be_used(batch_rows: int, path: Path, tmp_path: Path) -> None:
    rejects = tmp_path / "rejects.csv"
    stream = sabot.Stream.from_csv(path, types=TYPES, batch_rows=batch_rows)
    summary = stream.to_parquet(tmp_path / "out.parquet", rejects=rejects)
    assert (summary.rows_read, summary.rows_written, summary.rows_rejected) == (11, 4, 7)
    assert rows_of(sabot.Stream.from_parquet(tmp_path / "out.parquet").collect()) == ROWS
    check_rejects(rejects, path)


def test_every_way_to_run(path: Path, tmp_path: Path) -> None:
    stream = sabot.Stream.from_csv(path, types=TYPES)
    for name, run in {
        "collect": lambda rejects: stream.collect(rejects=rejects),
        "to_arrow": lambda rejects: stream.to_arrow(rejects=rejects).read_all(),
        "to_csv": lambda rejects: stream.to_csv(tmp_path / "out.csv", rejects=rejects),
        "to_ipc": lambda rejects: stream.to_ipc(tmp_path / "out.arrow", rejects=rejects),
    }.items():
        run(tmp_path / name)
        check_rejects(tmp_path / name, path)
    assert rows_of(stream.collect()) == ROWS


def test_strict_stops_at_the_first(path: Path, tmp_path: Path) -> None:
    stream = sabot.Stream.from_csv(path, types=TYPES)
    for run in (
        lambda: stream.collect(strict=True),
        lambda: stream.to_parquet(tmp_path / "out", strict=True),
        lambda: stream.to_csv(tmp_path / "out", strict=True),
    ):
        with pytest.raises(DataError, match=rf"^csv source '{path}' line 3: .*2 fields") as caught:
            run()
        assert "a,2.5" in str(caught.value)
    assert [each.name for each in tmp_path.iterdir()] == ["ticks.csv"]
    with pytest.raises(OptionError, match=r"strict=True stops at the first rejected row"):
        stream.collect(strict=True, rejects=tmp_path / "rejects")


def test_the_command_says_how_many(path: Path, tmp_path: Path) -> None:
    pipeline = tmp_path / "ticks.yaml"
    pipeline.write_text(
        "source: {csv: ticks.csv, types: {price: float64, volume: int64}}\nsink: {parquet: out.parquet}\n"
    )
    arguments = [sys.executable, "-m", "sabot", "run", str(pipeline)]
    rejects = tmp_path / "rejects.csv"
    done = subprocess.run([*arguments, "--rejects", str(rejects)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "11 rows read, 4 written, 7 rejected" in done.stderr
    assert f"The rejected rows are in {rejects}." in done.stderr
    check_rejects(rejects, path)
    (tmp_path / "out.parquet").unlink()
    done = subprocess.run([*arguments, "--strict"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert "line 3: " in done.stderr
    assert not (tmp_path / "out.parquet").exists()


def test_a_file_that_ends_in_the_middle_of_a_row(tmp_path: Path) -> None:
    path = tmp_path / "ticks.csv"
    path.write_bytes(HEADER + b"a,1.5,10\nb,2.5")
    summary = sabot.Stream.from_csv(path).to_parquet(tmp_path / "out.parquet", rejects=tmp_path / "rejects.csv")
    assert (summary.rows_written, summary.rows_rejected) == (1, 1)
    [row] = rejected(tmp_path / "rejects.csv")
    assert (row["where"], row["row"]) == (f"csv source '{path}' line 3", "b,2.5")


# Bad rows in several blocks of a file, and in several files.
def test_rows_and_rejects_do_not_depend_on_batches(tmp_path: Path) -> None:
    good = [f"s{row % 7},{row},{row * 3}" for row in range(150_000)]
    lines = [(f"s{row},none,{row}" if row % 10_007 == 5 else line) for row, line in enumerate(good)]
    (tmp_path / "a.csv").write_text("symbol,price,volume\n" + "\n".join(lines) + "\n")
    (tmp_path / "b.csv").write_text("symbol,price,volume\r\n" + "\r\n".join(lines[:20_000]))
    bad = [row for row in range(150_000) if row % 10_007 == 5]
    where = [f"csv source '{tmp_path / 'a.csv'}' line {row + 2}" for row in bad]
    where += [f"csv source '{tmp_path / 'b.csv'}' line {row + 2}" for row in bad if row < 20_000]
    assert (tmp_path / "a.csv").stat().st_size > 2 << 20
    seen = set()
    for batch_rows in (999, 65_536, 1_000_000):
        out, rejects = tmp_path / f"{batch_rows}.parquet", tmp_path / f"{batch_rows}.rejects"
        stream = sabot.Stream.from_csv([tmp_path / "a.csv", tmp_path / "b.csv"], types=TYPES, batch_rows=batch_rows)
        summary = stream.to_parquet(out, rejects=rejects)
        assert summary.rows_rejected == len(where)
        assert summary.rows_written == 170_000 - len(where)
        assert [row["where"] for row in rejected(rejects)] == where
        seen.add((out.read_bytes(), rejects.read_bytes()))
    assert len(seen) == 1


@pytest.mark.parametrize("delimiter", ["", ";;", "é", "\n", '"'])
def test_a_delimiter_that_is_none(delimiter: str, path: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="delimiter"):
        sabot.Stream.from_csv(path, delimiter=delimiter)
    with pytest.raises(OptionError, match="delimiter"):
        sabot.Stream.from_csv(path).to_csv(tmp_path / "out.csv", delimiter=delimiter)
    assert not (tmp_path / "out.csv").exists()
