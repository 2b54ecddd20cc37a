"""Sources of ticks to tick files: what is read against other readers, what is rejected, what is done again."""

import csv
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from sabot.backtest.ticks import convert_ticks
from sabot.cli.application import app
from sabot.errors import DataError, OptionError, SchemaError
from sabot.runs import Progress
from typer.testing import CliRunner

REAL = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
HEADER = ("Dates", "Type", "Price", "Size")
START = datetime(2024, 8, 8, 9, 30)

Row = tuple[Any, ...]


def write_workbook(path: Path, sheets: dict[str, list[Row]], header: Row = HEADER, header_row: int = 3) -> Path:
    """With openpyxl, which writes dates as serial numbers with all their digits."""
    book = openpyxl.Workbook(write_only=True)
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for number in range(1, header_row):
            sheet.append([f"title {number}"])
        sheet.append(list(header))
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def some_rows(count: int, seed: int = 1) -> list[Row]:
    """Ticks a few milliseconds apart."""
    draw = random.Random(seed)
    now = START
    rows: list[Row] = []
    for _ in range(count):
        now += timedelta(milliseconds=draw.randrange(3_000))
        kind = draw.choice(["BID", "ASK", "TRADE"])
        rows.append((now, kind, round(draw.uniform(3, 4), 3), draw.randrange(0, 50_000)))
    return rows


def nanoseconds(moment: datetime) -> int:
    return int((moment - datetime(1970, 1, 1)) / timedelta(microseconds=1)) * 1_000


def expected(rows: list[Row]) -> dict[str, list[Any]]:
    """The columns of a tick file."""
    return {
        "timestamp": [nanoseconds(row[0]) for row in rows],
        "type": [row[1].strip().lower() for row in rows],
        "price": [float(row[2]) for row in rows],
        "volume": [float(row[3]) for row in rows],
    }


def read(path: Path | str) -> dict[str, list[Any]]:
    """The columns of a tick file, whose schema is checked."""
    table = pq.read_table(path)
    assert table.schema.field("timestamp").type == pa.timestamp("ns")
    assert pa.types.is_dictionary(table.schema.field("type").type)
    columns = {name: table[name].to_pylist() for name in table.column_names if name != "timestamp"}
    return {"timestamp": table["timestamp"].cast(pa.int64()).to_pylist(), **columns}


def metadata(path: Path | str) -> dict[str, str]:
    found = pq.read_metadata(path).metadata or {}
    return {key.decode(): value.decode() for key, value in found.items() if key.startswith(b"sabot.")}


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def stamps(folder: Path) -> dict[str, tuple[int, int]]:
    """By which a file is seen to be another one."""
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in folder.iterdir()}


def rejects_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


# --- Wrong use. ---


def test_options_that_cannot_be_used(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A UH Equity": []})
    wrong: list[dict[str, Any]] = [{"header_row": 0}, {"max_sheets": 0}, {"max_workers": -1}, {"max_workers": 100_000}]
    for options in wrong:
        with pytest.raises(OptionError, match=next(iter(options))):
            convert_ticks(path, tmp_path / "out", **options)
    with pytest.raises(OptionError, match="no source"):
        convert_ticks([], tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        convert_ticks(tmp_path / "none.xlsx", tmp_path / "out")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(OptionError, match="no workbook, CSV or Parquet file by its suffix"):
        convert_ticks(tmp_path / "a.txt", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_single_source_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a.xlsx").write_bytes(b"PK no workbook")
    with pytest.raises(DataError, match=r"a\.xlsx"):
        convert_ticks(tmp_path / "a.xlsx", tmp_path / "out")
    pq.write_table(pa.table({"a": [1]}), tmp_path / "a.parquet")
    with pytest.raises(SchemaError, match=r"there is no Dates and no Type and no Price and no Size among 'a'"):
        convert_ticks(tmp_path / "a.parquet", tmp_path / "out")


def test_a_sheet_without_the_header_is_an_error_for_that_sheet(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    good = book.active
    assert good is not None
    good.title = "GOOD UH Equity"
    high = book.create_sheet("HIGH UH Equity")
    other = book.create_sheet("OTHER UH Equity")
    book.create_sheet("EMPTY UH Equity")
    blank = book.create_sheet("BLANK UH Equity")
    for sheet, row in ((good, 3), (high, 5), (blank, 4)):
        for column, name in enumerate(HEADER, 1):
            sheet.cell(row, column, name)
        for column, value in enumerate((START, "BID", 1.5, 10), 1):
            sheet.cell(row + 1, column, value)
    other.append(["Notes"])
    other.append([])
    other.append(["Date", "Kind", "Price"])
    other.append([START, "BID", 1.5])
    book.save(tmp_path / "a.xlsx")
    table = convert_ticks(tmp_path / "a.xlsx", tmp_path / "out")
    errors = dict(zip(table["security"].to_pylist(), table["error"].to_pylist(), strict=True))
    assert list(errors) == ["GOOD", "HIGH", "OTHER", "EMPTY", "BLANK"]
    assert errors["GOOD"] is None
    expected_in = "expected Dates (or Date and Time), Type, Price and Size (or Volume)"
    assert errors["HIGH"] == (
        "a.xlsx sheet 'HIGH UH Equity': row 3 is no header of ticks: it is blank. "
        "Row 5 looks like it: set header_row to 5."
    )
    assert errors["OTHER"] == (
        "a.xlsx sheet 'OTHER UH Equity': row 3 is no header of ticks: there is no Time beside Date and no Type and no "
        f"Size among 'Date', 'Kind', 'Price'; {expected_in}. Name the columns in that row, or say with header_row "
        "where they are named."
    )
    assert "the sheet ends before it" in errors["EMPTY"]
    assert "Row 4 looks like it" in errors["BLANK"]
    assert names_in(tmp_path / "out") == ["good.parquet"]
    assert table["path"].to_pylist()[1:] == [None] * 4
    five = convert_ticks(tmp_path / "a.xlsx", tmp_path / "five", header_row=5)
    assert [error is None for error in five["error"].to_pylist()] == [False, True, False, False, False]


def test_a_corrupt_sheet_is_an_error_for_that_sheet(tmp_path: Path) -> None:
    import zipfile

    path = write_workbook(tmp_path / "a.xlsx", {f"S{i} UH Equity": some_rows(2_000, i) for i in range(3)})
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(tmp_path / "b.xlsx", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            target.writestr(name, content[: len(content) // 2] if name.endswith("sheet2.xml") else content)
    table = convert_ticks(tmp_path / "b.xlsx", tmp_path / "out")
    assert [error is None for error in table["error"].to_pylist()] == [True, False, True]
    assert "S1 UH Equity" in table["error"][1].as_py()
    assert names_in(tmp_path / "out") == ["s0.parquet", "s2.parquet"]
    assert read(tmp_path / "out" / "s2.parquet") == expected(some_rows(2_000, 2))


def test_two_sheets_of_one_security_clash(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"EMAAR DH Equity": some_rows(5), "EMAAR UH Equity": some_rows(5)})
    table = convert_ticks(path, tmp_path / "out")
    assert table["error"].to_pylist()[0] is None
    assert "is that of sheet 'EMAAR DH Equity', too" in table["error"][1].as_py()


# --- Rows that cannot be used. ---

NOW = START
BAD_CELLS: list[tuple[Row, str]] = [
    ((None, "BID", 1, 1), "column 'Dates': blank, expected a date"),
    (("soon", "BID", 1, 1), "column 'Dates': 'soon' is no date: "),
    (("31/02/2024 10:00", "BID", 1, 1), "column 'Dates': '31/02/2024 10:00' is a day that the calendar has not"),
    (("12/31/2024 10:00", "BID", 1, 1), "column 'Dates': '12/31/2024 10:00' has a month above 12, read as day/month/"),
    (("2024-08-08T10:00+04:00", "BID", 1, 1), "column 'Dates': '2024-08-08T10:00+04:00' has a time zone."),
    ((-5, "BID", 1, 1), "column 'Dates': '-5' is no date: Excel counts days"),
    ((True, "BID", 1, 1), "column 'Dates': '1', expected a date"),
    ((NOW, None, 1, 1), "column 'Type': blank, expected BID, ASK or TRADE"),
    ((NOW, "SETTLE", 1, 1), "column 'Type': 'SETTLE', expected BID, ASK or TRADE"),
    ((NOW, 7, 1, 1), "column 'Type': '7', expected BID, ASK or TRADE"),
    ((NOW, "BID", None, 1), "column 'Price': blank, expected a number"),
    ((NOW, "BID", "n/a", 1), "column 'Price': 'n/a', expected a number"),
    ((NOW, "BID", "=1/0", 1), "column 'Price'"),
    ((NOW, "BID", 0, 1), "column 'Price': '0', expected a finite number above zero"),
    ((NOW, "BID", -1.5, 1), "column 'Price': '-1.5', expected a finite number above zero"),
    ((NOW, "BID", "nan", 1), "column 'Price': 'nan', expected a finite number above zero"),
    ((NOW, "BID", "inf", 1), "column 'Price': 'inf', expected a finite number above zero"),
    ((NOW, "BID", 1, None), "column 'Size': blank, expected a number"),
    ((NOW, "BID", 1, "many"), "column 'Size': 'many', expected a number"),
    ((NOW, "BID", 1, -1), "column 'Size': '-1', expected a finite number, zero or more"),
    ((None, None, None, None, "a note"), "column 'Dates': blank, expected a date"),
]


def test_rows_of_a_sheet_that_cannot_be_used(tmp_path: Path) -> None:
    good = some_rows(3)
    rows = [good[0], *(row for row, _ in BAD_CELLS), (None,) * 4, ("", " ", None, ""), good[1], good[2]]
    path = write_workbook(tmp_path / "a.xlsx", {"A UH Equity": rows})
    table = convert_ticks(path, tmp_path / "out", rejects=tmp_path / "rejects.csv")
    assert table["rejected"].to_pylist() == [len(BAD_CELLS)]
    assert table["rows"].to_pylist() == [3]
    assert metadata(tmp_path / "out" / "a.parquet")["sabot.rejected"] == str(len(BAD_CELLS))
    found = rejects_of(tmp_path / "rejects.csv")
    assert [row["where"] for row in found] == [
        f"'a.xlsx', sheet 'A UH Equity', row {5 + number}" for number in range(len(BAD_CELLS))
    ]
    for row, (_, reason) in zip(found, BAD_CELLS, strict=True):
        assert row["reason"].startswith(reason), row
    assert found[14]["row"].endswith(",BID,-1.5,1")
    assert read(tmp_path / "out" / "a.parquet") == expected(good)


BAD_VALUES: list[tuple[str, str]] = [
    (",BID,1,1,", "column 'Dates': blank, expected a time"),
    ("soon,BID,1,1,", "column 'Dates': 'soon' is no date"),
    ("2024-08-08 10:00:00,SETTLE,1,1,", "column 'Type': 'SETTLE', expected bid, ask or trade"),
    ("2024-08-08 10:00:00,BID,,1,", "column 'Price': blank, expected a finite number above zero"),
    ("2024-08-08 10:00:00,BID,-2,1,", "column 'Price': '-2', expected a finite number above zero"),
    ("2024-08-08 10:00:00,BID,inf,1,", "column 'Price': 'inf', expected a finite number above zero"),
    ("2024-08-08 10:00:00,BID,1,-1,", "column 'Size': '-1', expected a finite number, zero or more"),
    ("2024-08-08 10:00:00,TRADE,1,1,UP", "column 'Side': 'UP', expected BUY, SELL, 1 or -1"),
]


def test_rows_of_a_csv_file_that_cannot_be_used(tmp_path: Path) -> None:
    lines = ["Dates,Type,Price,Size,Side", "08/08/2024 10:00:00.25,trade,2.5,100,BUY", *(row for row, _ in BAD_VALUES)]
    lines += ["2024-08-08 10:00:00,BID,wrong,1,", "2024-08-08 10:00:00,BID,1", "08/08/2024 10:00:01,bid,2.4,5,"]
    (tmp_path / "emaar.csv").write_text("\n".join(lines) + "\n")
    table = convert_ticks(tmp_path / "emaar.csv", tmp_path / "out", rejects=tmp_path / "rejects.csv")
    assert table["rejected"].to_pylist() == [len(BAD_VALUES) + 2]
    reasons = [row["reason"] for row in rejects_of(tmp_path / "rejects.csv")]
    for _, reason in BAD_VALUES:
        assert any(found.startswith(reason) for found in reasons), reason
    moment = nanoseconds(datetime(2024, 8, 8, 10))
    assert read(tmp_path / "out" / "emaar.parquet") == {
        "timestamp": [moment + 250_000_000, moment + 1_000_000_000],
        "type": ["trade", "bid"],
        "price": [2.5, 2.4],
        "volume": [100.0, 5.0],
        "side": [1, None],
    }
    assert "sabot.market" not in metadata(tmp_path / "out" / "emaar.parquet")


def test_the_lines_of_a_csv_file_are_those_of_the_file(tmp_path: Path) -> None:
    lines = ["Dates,Type,Price,Size", "", *(["2024-08-08 10:00:00,bid,1,1"] * 3), "2024-08-08 10:00:00,bid,1"]
    lines += [",,,", ",", " , ,,", "soon,bid,1,1", "2024-08-08 10:00:00,bid,x,1", "", "later,ask,1,1", ",,,"]
    (tmp_path / "a.csv").write_text("\r\n".join(lines) + "\r\n")
    table = convert_ticks(tmp_path / "a.csv", tmp_path / "out", rejects=tmp_path / "rejects.csv")
    found = rejects_of(tmp_path / "rejects.csv")
    places = sorted(int(row["where"].rsplit(" ", 1)[1]) for row in found)
    assert places == [lines.index(row) + 1 for row in (lines[5], lines[9], lines[10], lines[12])]
    assert {row["where"].rsplit("line ", 1)[1]: row["row"] for row in found}["13"] == "later,ask,1,1"
    assert table.select(["rows", "rejected"]).to_pylist() == [{"rows": 3, "rejected": 4}]  # Rows of commas are blank.


def test_a_time_beside_a_date_may_have_it_too(tmp_path: Path) -> None:
    moment = datetime(2024, 8, 8, 10)
    days = [moment.date(), moment.date() - timedelta(days=1), moment.date() + timedelta(days=1), moment.date()]
    times = [moment, moment, moment, datetime(1970, 1, 1, 11)]
    ticks = {"Date": days, "Time": pa.array(times, pa.timestamp("us")), "Type": ["bid"] * 4}
    pq.write_table(pa.table({**ticks, "Price": [1.0] * 4, "Size": [1.0] * 4}), tmp_path / "a.parquet")
    table = convert_ticks(tmp_path / "a.parquet", tmp_path / "out", rejects=tmp_path / "rejects.csv")
    assert table["rejected"].to_pylist() == [2]
    hour = 3_600_000_000_000
    assert read(tmp_path / "out" / "a.parquet")["timestamp"] == [nanoseconds(moment), nanoseconds(moment) + hour]
    for row in rejects_of(tmp_path / "rejects.csv"):
        assert row["reason"] == "column 'Time': '2024-08-08 10:00:00.000000' has another date than the column of dates"


def test_a_time_without_a_date_is_no_tick(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A": [(START.time(), "BID", 1, 1), (START, "BID", 1, 1)]})
    table = convert_ticks(path, tmp_path / "out", rejects=tmp_path / "rejects.csv")
    assert table.select(["rows", "rejected"]).to_pylist() == [{"rows": 1, "rejected": 1}]
    assert rejects_of(tmp_path / "rejects.csv")[0]["reason"].endswith("is a time of day without a date")


# --- Values. ---


@pytest.mark.parametrize("writer", ["openpyxl", "xlsxwriter", "shared"])
def test_a_workbook_is_what_openpyxl_reads(writer: str, tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    rows = {"ADNOCGAS UH Equity": some_rows(3_000, 1), "EMAAR DH Equity": some_rows(2_000, 2), "Gold": some_rows(5, 3)}
    if writer == "openpyxl":
        write_workbook(path, rows)
    else:  # Dates with 16 digits, texts shared or not.
        options = {"constant_memory": writer != "shared", "default_date_format": "yyyy-mm-dd hh:mm:ss.000"}
        with xlsxwriter.Workbook(str(path), options) as book:
            for name, ticks in rows.items():
                sheet = book.add_worksheet(name)
                for number, row in enumerate([("title",), (), HEADER, *ticks]):
                    sheet.write_row(number, 0, row)
    table = convert_ticks(path, tmp_path / "out", max_workers=2)
    assert table["security"].to_pylist() == ["ADNOCGAS", "EMAAR", "Gold"]
    book = openpyxl.load_workbook(path, read_only=True)
    for name, security in zip(rows, ("adnocgas", "emaar", "gold"), strict=True):
        cells = list(book[name].iter_rows(min_row=4, values_only=True))
        found = read(tmp_path / "out" / f"{security}.parquet")
        assert found == expected(cells)
        assert found == expected(rows[name])
    assert metadata(tmp_path / "out" / "adnocgas.parquet") | {"sabot.source_digest": ""} == {
        "sabot.ticks": "1",
        "sabot.security": "ADNOCGAS",
        "sabot.source": "a.xlsx sheet 'ADNOCGAS UH Equity'",
        "sabot.source_paths": str(path),
        "sabot.source_digest": "",
        "sabot.market": "adx",
        "sabot.rows": "3000",
        "sabot.rejected": "0",
        "sabot.reordered": "0",
        "sabot.securities": "1",
    }


def test_dates_in_every_form(tmp_path: Path) -> None:
    moment = datetime(2024, 8, 31, 14, 45, 0, 250_000)
    day = datetime(2024, 8, 31)
    forms: list[Row] = [
        (moment,),
        ("2024-08-31 14:45:00.25",),
        ("2024-08-31T14:45:00.250000Z",),
        ("31/08/2024 14:45:00.250000",),
        (" 31.08.2024 2:45:00.25 PM ",),
    ]
    path = write_workbook(tmp_path / "a.xlsx", {"A": [(*form, "bid", 1, 1) for form in forms]})
    convert_ticks(path, tmp_path / "out")
    assert read(tmp_path / "out" / "a.parquet")["timestamp"] == [nanoseconds(moment)] * len(forms)
    apart: list[Row] = [(day, moment.time()), ("31/08/2024", "14:45:00.25"), ("2024-08-31", moment.time())]
    path = write_workbook(
        tmp_path / "b.xlsx",
        {"B": [(*form, "bid", 1, 1) for form in apart]},
        ("DATE", "time", " type", "PRICE", "Volume "),
    )
    convert_ticks(path, tmp_path / "out")
    assert read(tmp_path / "out" / "b.parquet")["timestamp"] == [nanoseconds(moment)] * len(apart)
    path = write_workbook(tmp_path / "c.xlsx", {"C": [("03/04/2024", "bid", 1, 1)]})
    for day_first, month in ((True, 4), (False, 3)):
        convert_ticks(path, tmp_path / "out", day_first=day_first)
        written = nanoseconds(datetime(2024, month, 7 - month))
        assert read(tmp_path / "out" / "c.parquet")["timestamp"] == [written]


def test_columns_are_found_by_name_wherever_they_stand(tmp_path: Path) -> None:
    header = ("Note", "SIZE", "", "price", "Condition", "Timestamp", "type", "Aggressor")
    rows: list[Row] = [
        ("x", "1,5", None, 1, None, NOW, "TRADE", "BUY"),
        ("x", " 15 ", None, "1.25", "R6", NOW, "trade ", "s"),
        (None, 2, None, 3, None, NOW, "Bid", "BUY"),
    ]
    path = write_workbook(tmp_path / "a.xlsx", {"A": rows}, header, header_row=1)
    table = convert_ticks(path, tmp_path / "out", header_row=1)
    assert table["rejected"].to_pylist() == [1]  # "1,5" is no number.
    found = read(tmp_path / "out" / "a.parquet")
    assert found["price"] == [1.25, 3.0]
    assert found["volume"] == [15.0, 2.0]
    assert found["side"] == [-1, None]  # Only a trade has an aggressor.


def test_sheets_that_go_on_one_another(tmp_path: Path) -> None:
    rows = some_rows(300)
    sheets = {"A UH Equity": rows[:100], "B": rows[:10], "A UH Equity (2)": rows[100:250], "A UH Equity_3": rows[250:]}
    table = convert_ticks(write_workbook(tmp_path / "a.xlsx", sheets), tmp_path / "out")
    assert table["security"].to_pylist() == ["A", "B"]
    assert table["source"][0].as_py() == "a.xlsx sheets 'A UH Equity', 'A UH Equity (2)', 'A UH Equity_3'"
    assert read(tmp_path / "out" / "a.parquet") == expected(rows)
    book = openpyxl.load_workbook(tmp_path / "a.xlsx")
    book["A UH Equity_3"].delete_rows(3)
    book.save(tmp_path / "b.xlsx")
    broken = convert_ticks(tmp_path / "b.xlsx", tmp_path / "broken")
    assert "sheet 'A UH Equity_3': row 3 is no header" in broken["error"][0].as_py()
    assert names_in(tmp_path / "broken") == ["b.parquet"]  # Half of A would look like all of it.


def test_only_the_first_sheets(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {f"S{i}": some_rows(3, i) for i in range(4)})
    assert convert_ticks(path, tmp_path / "out", max_sheets=2)["security"].to_pylist() == ["S0", "S1"]
    assert len(convert_ticks(path, tmp_path / "out", max_sheets=9)) == 4


def test_time_that_goes_back(tmp_path: Path) -> None:
    rows = some_rows(500)
    draw = random.Random(3)
    mixed = [rows[at] for at in sorted(range(500), key=lambda at: at + draw.randrange(20))]
    latest = datetime.min
    behind = 0
    for row in mixed:
        behind += row[0] < latest
        latest = max(latest, row[0])
    table = convert_ticks(write_workbook(tmp_path / "a.xlsx", {"A": mixed}), tmp_path / "out")
    assert behind > 50
    assert table["reordered"].to_pylist() == [behind]
    assert read(tmp_path / "out" / "a.parquet") == expected(sorted(mixed, key=lambda row: row[0]))


def test_a_column_of_symbols_gives_a_file_a_symbol(tmp_path: Path) -> None:
    rows = some_rows(600)
    names = ["EMAAR", "Gold", "emaar", ""]
    for part, begin in (("1", 0), ("2", 300)):
        lines = ["security,timestamp,type,price,volume"]
        for at, row in enumerate(rows[begin : begin + 300], begin):
            lines.append(f"{names[at % 4]},{row[0].isoformat(sep=' ')},{row[1]},{row[2]},{row[3]}")
        (tmp_path / f"part-{part}.csv").write_text("\n".join(lines) + "\n")
    table = convert_ticks(tmp_path / "*.csv", tmp_path / "out")
    assert table["security"].to_pylist() == ["", "EMAAR", "Gold"]
    assert table["rejected"].to_pylist() == [150, 0, 0]  # Those that name none.
    assert table["error"].null_count == 3
    assert read(tmp_path / "out" / "emaar.parquet") == expected([row for at, row in enumerate(rows) if at % 2 == 0])
    assert read(tmp_path / "out" / "gold.parquet") == expected([row for at, row in enumerate(rows) if at % 4 == 1])
    assert metadata(tmp_path / "out" / "gold.parquet")["sabot.securities"] == "2"
    again = convert_ticks(tmp_path / "*.csv", tmp_path / "out")
    assert again["skipped"].to_pylist() == [True, True]
    (tmp_path / "out" / "gold.parquet").unlink()
    assert not any(convert_ticks(tmp_path / "*.csv", tmp_path / "out")["skipped"].to_pylist())


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns", "int", "text", "zone"])
def test_a_parquet_file_with_times_of_any_kind(unit: str, tmp_path: Path) -> None:
    rows = [(START + timedelta(seconds=at), "Bid", 1 + at, at) for at in range(5)]
    values = [nanoseconds(row[0]) for row in rows]
    times: pa.Array
    if unit == "int":
        times = pa.array(values)
    elif unit == "text":
        times = pa.array([row[0].isoformat() for row in rows])
    elif unit == "zone":
        times = pa.array(values).cast(pa.timestamp("ns", "UTC"))
    else:
        times = pa.array([row[0] for row in rows]).cast(pa.timestamp(unit))
    table = pa.table(
        {
            "Dates": times,
            "Type": pa.array([row[1] for row in rows]).dictionary_encode(),
            "Price": pa.array([row[2] for row in rows], pa.int32()),
            "Size": pa.array([row[3] for row in rows], pa.float32()),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    result = convert_ticks(tmp_path / "a.parquet", tmp_path / "out")
    assert result["error"].to_pylist() == [None]
    assert read(tmp_path / "out" / "a.parquet") == expected(rows)


@pytest.mark.parametrize("with_symbols", [False, True])
def test_a_parquet_file_with_times_of_a_zone_is_an_error(with_symbols: bool, tmp_path: Path) -> None:
    times = pa.array([START, START], pa.timestamp("ns", "Asia/Dubai"))
    columns = {"timestamp": times, "type": ["bid", "ask"], "price": [1.0, 2.0], "volume": [1.0, 2.0]}
    pq.write_table(pa.table(columns | ({"symbol": ["FAB", "FAB"]} if with_symbols else {})), tmp_path / "fab.parquet")
    row = convert_ticks(tmp_path / "fab.parquet", tmp_path / "out").to_pylist()[0]
    assert row["path"] is None
    expected = "fab.parquet: column 'timestamp' is timestamp[ns, tz=Asia/Dubai]; expected no time zone, or UTC"
    assert row["error"].startswith(expected)


def test_integers_that_are_no_nanoseconds_are_rejected(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("timestamp,type,price,size\n1723161255342,bid,1,1\n")
    convert_ticks(tmp_path / "a.csv", tmp_path / "out", rejects=tmp_path / "r.csv")
    assert rejects_of(tmp_path / "r.csv")[0]["reason"] == (
        "column 'timestamp': '1723161255342', expected nanoseconds since 1970"
    )


def test_trades_and_quotes_belong_together(tmp_path: Path) -> None:
    base = 1_723_000_000_000_000_000
    pq.write_table(
        pa.table(
            {
                "symbol": ["P", "P", "S", "S"],
                "exch_ts": pa.array([base + 2, base + 5, base + 50, base + 70]),
                "local_ts": pa.array([base + 3, base + 6, base + 11, base + 30]),
                "price": [10.0, 10.0, 20.0, 20.0],
                "size": [1.0, 2.0, 3.0, 4.0],
                "aggressor": ["BUY", "SELL", "BUY", None],
            }
        ),
        tmp_path / "trades.parquet",
    )
    pq.write_table(
        pa.table(
            {
                "symbol": ["P", "P", "P", "P", "S", "S"],
                "exch_ts": pa.array([base + 1, base + 2, base + 4, base + 3, None, base + 60], pa.int64()),
                "local_ts": pa.array([base + 2, base + 3, base + 5, base + 6, base + 10, base + 20]),
                "bid_px": [9.0, 9.0, 9.0, 9.5, 19.0, 19.0],
                "bid_sz": [5.0, 6.0, 5.0, 5.0, 5.0, 5.0],
                "ask_px": [11.0, 11.0, 11.0, 11.0, 21.0, 22.0],
                "ask_sz": [5.0, 5.0, 5.0, 5.0, 5.0, 5.0],
            }
        ),
        tmp_path / "quotes.parquet",
    )
    table = convert_ticks(tmp_path, tmp_path / "out")
    assert table["security"].to_pylist() == ["P", "S"]
    assert table["reordered"].to_pylist() == [2, 0]  # Both ticks of one row of quotes.
    perpetual = read(tmp_path / "out" / "p.parquet")
    # At one time the trade comes before the quotes: whoever sees those can no more trade with it. A side that did not
    # change, in the order of times, has no tick.
    assert [time - base for time in perpetual["timestamp"]] == [1, 1, 2, 2, 3, 4, 5]
    assert perpetual["type"] == ["bid", "ask", "trade", "bid", "bid", "bid", "trade"]
    assert perpetual["price"] == [9.0, 11.0, 10.0, 9.0, 9.5, 9.0, 10.0]
    assert perpetual["side"] == [None, None, 1, None, None, None, -1]
    # One quote has no exchange time, so all rows of the symbol go by the other clock.
    spot = read(tmp_path / "out" / "s.parquet")
    assert [time - base for time in spot["timestamp"]] == [10, 10, 11, 20, 30]
    assert spot["type"] == ["bid", "ask", "trade", "ask", "trade"]
    assert spot["side"] == [None, None, 1, None, None]


# --- Several inputs of one security. ---


def test_workbooks_of_one_security_are_joined(tmp_path: Path) -> None:
    rows = some_rows(900)
    parts = {"monday": rows[:300] + rows[600:], "tuesday": rows[300:600], "wednesday": rows[:5]}
    for name, part in parts.items():
        write_workbook(tmp_path / f"{name}.xlsx", {"A UH Equity": part, name: part[:3]})
    sources = [tmp_path / f"{name}.xlsx" for name in parts]
    joined = sorted([*parts["monday"], *parts["tuesday"], *parts["wednesday"]], key=lambda row: row[0])
    for workers in (1, 3):
        table = convert_ticks(sources, tmp_path / f"out{workers}", max_workers=workers)
        assert table["security"].to_pylist() == ["A", "monday", "tuesday", "wednesday"]
        assert table["source"][0].as_py() == ", ".join(f"{name}.xlsx sheet 'A UH Equity'" for name in parts)
        assert read(tmp_path / f"out{workers}" / "a.parquet") == expected(joined)
        found = metadata(tmp_path / f"out{workers}" / "a.parquet")
        assert found["sabot.source_paths"].split("\n") == [str(source) for source in sources]
        assert found["sabot.market"] == "adx"
        assert names_in(tmp_path / f"out{workers}") == ["a.parquet", *(f"{name}.parquet" for name in sorted(parts))]
    assert (tmp_path / "out1" / "a.parquet").read_bytes() == (tmp_path / "out3" / "a.parquet").read_bytes()
    assert convert_ticks(sources, tmp_path / "out1")["skipped"].to_pylist() == [True] * 4

    alone = convert_ticks(sources[1], tmp_path / "out1")
    assert str(sources[0]) in alone["error"][0].as_py()
    assert "tuesday.xlsx sheet 'A UH Equity'" in alone["error"][0].as_py()
    assert alone["error"][1].as_py() is None
    told = CliRunner().invoke(app, ["convert", str(sources[1]), str(tmp_path / "out1")])
    assert told.exit_code == 1
    assert "Convert all of them together, which joins them" in told.output
    assert read(tmp_path / "out1" / "a.parquet") == expected(joined)
    told = CliRunner().invoke(app, ["convert", str(sources[1]), str(tmp_path / "out1"), "--overwrite"])
    assert told.exit_code == 0, told.output
    assert read(tmp_path / "out1" / "a.parquet") == expected(parts["tuesday"])


def test_one_bad_workbook_of_a_security_is_its_error(tmp_path: Path) -> None:
    write_workbook(tmp_path / "1.xlsx", {"A UH Equity": some_rows(5), "B UH Equity": some_rows(5)})
    write_workbook(tmp_path / "2.xlsx", {"A UH Equity": some_rows(5)}, header_row=4)
    write_workbook(tmp_path / "3.xlsx", {"B DH Equity": some_rows(5)})
    table = convert_ticks([tmp_path / f"{number}.xlsx" for number in (1, 2, 3)], tmp_path / "out")
    assert table["security"].to_pylist() == ["A", "B", "B"]
    errors = table["error"].to_pylist()
    assert errors[0].startswith("2.xlsx sheet 'A UH Equity': row 3 is no header")  # Half of A would look like all.
    assert errors[1] is None
    assert "its security B is that of 1.xlsx sheet 'B UH Equity', too" in errors[2]
    assert names_in(tmp_path / "out") == ["b.parquet"]


# --- What is up to date. ---


def test_what_is_up_to_date_is_left_as_it_is(tmp_path: Path) -> None:
    sheets = {"A UH Equity": some_rows(200, 1), "B UH Equity": some_rows(200, 2)}
    path = write_workbook(tmp_path / "a.xlsx", sheets)
    out = tmp_path / "out"
    first = convert_ticks(path, out)
    assert first["skipped"].to_pylist() == [False, False]
    written = stamps(out)

    os.utime(path, (1, 1))  # Touched, with the same content.
    again = convert_ticks(path, out)
    assert again["skipped"].to_pylist() == [True, True]
    assert again.drop_columns("skipped").equals(first.drop_columns("skipped"))
    assert stamps(out) == written

    sheets["B UH Equity"][7] = (*sheets["B UH Equity"][7][:2], 9.75, 1)
    write_workbook(path, sheets)
    os.utime(path, (1, 1))  # Other content with the same times.
    changed = convert_ticks(path, out)
    assert changed["skipped"].to_pylist() == [True, False]
    assert read(out / "b.parquet") == expected(sheets["B UH Equity"])

    shutil.copy(path, tmp_path / "moved.xlsx")
    assert convert_ticks(tmp_path / "moved.xlsx", out)["skipped"].to_pylist() == [True, True]
    for options in ({"market": "continuous"}, {"day_first": False}):
        assert convert_ticks(path, out, **options)["skipped"].to_pylist() == [False, False]
    (out / "a.parquet").write_bytes(b"PAR1 torn")
    assert convert_ticks(path, out, day_first=False)["skipped"].to_pylist() == [False, True]
    assert read(out / "a.parquet") == expected(sheets["A UH Equity"])


def test_a_csv_file_is_known_by_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("timestamp,type,price,size\n2024-08-08 10:00:00,bid,1,1\n")
    assert convert_ticks(path, tmp_path / "out")["skipped"].to_pylist() == [False]
    os.utime(path, (1, 1))
    assert convert_ticks(path, tmp_path / "out")["skipped"].to_pylist() == [True]
    path.write_text("timestamp,type,price,size\n2024-08-08 10:00:00,bid,2,1\n")
    os.utime(path, (1, 1))
    assert convert_ticks(path, tmp_path / "out")["skipped"].to_pylist() == [False]
    assert read(tmp_path / "out" / "a.parquet")["price"] == [2.0]


def test_a_tick_file_stands_for_itself(tmp_path: Path) -> None:
    convert_ticks(write_workbook(tmp_path / "a.xlsx", {"A": some_rows(10)}), tmp_path)
    table = convert_ticks(tmp_path / "a.parquet", tmp_path / "other")
    assert table.select(["security", "path", "rows", "skipped"]).to_pylist() == [
        {"security": "A", "path": str(tmp_path / "a.parquet"), "rows": 10, "skipped": True}
    ]
    # Source and output may be one folder: what was converted into it is no source.
    assert convert_ticks(tmp_path, tmp_path)["source"].to_pylist() == ["a.xlsx sheet 'A'"]


# --- Progress and interruption. ---


def test_progress_goes_up_to_all(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {f"S{i}": some_rows(2_000, i) for i in range(3)})
    told: list[Progress] = []
    convert_ticks(path, tmp_path / "out", progress=told.append)
    assert told
    assert told[-1].fraction == 1.0
    assert told[-1].rows_read == 6_000
    assert [state.fraction for state in told] == sorted(state.fraction for state in told)


def test_what_progress_raises_ends_it(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {f"S{i}": some_rows(2_000, i) for i in range(3)})

    def stop(_: object) -> None:
        raise KeyError("enough")

    with pytest.raises(KeyError, match="enough"):
        convert_ticks(path, tmp_path / "out", progress=stop)


CONVERT = "import sys; from sabot.backtest.ticks import convert_ticks; convert_ticks(sys.argv[1], sys.argv[2])"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_conversion_that_is_ended_leaves_whole_files(how: signal.Signals, tmp_path: Path) -> None:
    sheets = {f"S{i} UH Equity": some_rows(4_000, i) for i in range(12)}
    path = write_workbook(tmp_path / "a.xlsx", sheets)
    out = tmp_path / "out"
    command = [sys.executable, "-c", CONVERT, str(path), str(out)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        _wait_until(lambda: process.poll() is not None or any(out.glob("*.parquet")))
        process.send_signal(how)
        process.wait(60)
    left = sorted(out.glob("*.parquet"))
    for file in left:
        number = int(file.stem[1:])
        assert read(file) == expected(sheets[f"S{number} UH Equity"])
    table = convert_ticks(path, out)
    assert table["error"].null_count == 12
    assert sum(table["skipped"].to_pylist()) == len(left)
    assert not [name for name in names_in(out) if name.endswith(".sorting")]  # Nor is what was killed left.


def _wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError
        os.sched_yield()


# --- The command. ---


def test_the_command_converts_into_a_folder(tmp_path: Path) -> None:
    path = write_workbook(
        tmp_path / "a.xlsx", {"A UH Equity": [*some_rows(20), (NOW, "BID", -1, 1)], "B": some_rows(5)}
    )
    told = CliRunner().invoke(app, ["convert", str(path), f"{tmp_path}/out/", "--rejects", f"{tmp_path}/r.csv"])
    assert told.exit_code == 0, told.output
    assert "convert: 2 securities, 25 rows, 1 rejected in " in told.output
    assert f"The rejected rows are in {tmp_path}/r.csv." in told.output
    assert names_in(tmp_path / "out") == ["a.parquet", "b.parquet"]
    again = CliRunner().invoke(app, ["convert", str(path), str(tmp_path / "out")])
    assert "2 up to date" in again.output
    quiet = CliRunner().invoke(app, ["convert", str(path), str(tmp_path / "q"), "-q", "--header-row", "2"])
    assert quiet.exit_code == 1
    assert quiet.output.count("row 2 is no header of ticks") == 2
    assert not names_in(tmp_path / "q")


def test_the_command_loads_no_pyarrow(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "a.xlsx", {"A UH Equity": some_rows(20)})
    script = (
        "import sys\nfrom sabot.cli import main\n"
        "try:\n    main()\nexcept SystemExit as done:\n    assert not done.code, done.code\n"
        "print(sorted({'pyarrow', 'numpy', 'pandas'} & set(sys.modules)), 'sabot._native' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, "convert", str(path), f"{tmp_path}/out/"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[] True\n"
    told = done.stderr.splitlines()
    assert told[0].split() == ["security", "rows", "rejected", "reordered", "skipped"]
    assert told[1].split() == ["A", "20", "0", "0", "false"]
    assert told[2].startswith("convert: 1 security, 20 rows in ")


def test_the_command_knows_ticks_from_files(tmp_path: Path) -> None:
    path = str(write_workbook(tmp_path / "a.xlsx", {"A": some_rows(5)}))
    csv_path = tmp_path / "b.csv"
    csv_path.write_text("timestamp,type,price,size\n2024-08-08 10:00:00,bid,1,1\n")
    wrong: list[tuple[list[str], str]] = [
        ([path, "out.parquet"], "out.parquet is a file, and ticks go into a folder"),
        ([path, "out/", "--columns", "price"], "--columns is not for ticks"),
        ([path, "out/", "--strict"], "--strict is not for ticks"),
        ([str(csv_path), "out.parquet", "--max-sheets", "2"], "ticks go into a folder: out/"),
        ([str(csv_path), str(csv_path), "out.parquet", "--from", "csv"], "--from is for one file"),
        ([str(tmp_path / "none.xlsx"), "out/"], "none.xlsx"),
    ]
    for arguments, message in wrong:
        told = CliRunner().invoke(app, ["convert", *arguments])
        assert told.exit_code == 2, told.output
        assert message in told.output
    told = CliRunner().invoke(app, ["convert", str(csv_path), f"{tmp_path}/ticks/"])
    assert told.exit_code == 0, told.output
    assert names_in(tmp_path / "ticks") == ["b.parquet"]
    told = CliRunner().invoke(app, ["convert", str(csv_path), str(tmp_path / "c.parquet")])
    assert told.exit_code == 0, told.output
    assert pq.read_schema(tmp_path / "c.parquet").names == ["timestamp", "type", "price", "size"]


# --- Real data. ---


@pytest.mark.skipif(not (REAL / "TickData_bloomberg_style.xlsx").exists(), reason="SABOT_REAL_DATA is not there")
def test_the_real_workbook(tmp_path: Path) -> None:
    path = REAL / "TickData_bloomberg_style.xlsx"
    table = convert_ticks(path, tmp_path)
    assert table["rows"].to_pylist() == [25_000] * 4
    assert table["rejected"].to_pylist() == [0] * 4
    book = openpyxl.load_workbook(path, read_only=True)
    for name, security in zip(book.sheetnames, table["security"].to_pylist(), strict=True):
        cells = list(book[name].iter_rows(min_row=4, max_col=4, values_only=True))
        found = read(tmp_path / f"{security.lower()}.parquet")
        ordered = sorted(cells, key=lambda row: row[0])
        assert found == expected(ordered), security


@pytest.mark.skipif(not (REAL / "crypto_quotes.parquet").exists(), reason="SABOT_REAL_DATA is not there")
def test_the_real_trades_and_quotes(tmp_path: Path) -> None:
    sources = [REAL / "crypto_quotes.parquet", REAL / "crypto_trades.parquet"]
    table = convert_ticks(sources, tmp_path)
    assert len(table) == 6
    quotes = pq.read_table(sources[0]).to_pylist()
    trades = pq.read_table(sources[1]).to_pylist()
    for security in table["security"].to_pylist():
        clock = "local_ts" if security.endswith(".SPOT") else "exch_ts"
        rows: list[Row] = [
            (row[clock], 0, "trade", row["price"], row["size"], {"BUY": 1, "SELL": -1}[row["aggressor"]])
            for row in trades
            if row["symbol"] == security
        ]
        for row in quotes:
            if row["symbol"] == security:
                rows.append((row[clock], 1, "bid", row["bid_px"], row["bid_sz"], None))
                rows.append((row[clock], 1, "ask", row["ask_px"], row["ask_sz"], None))
        rows.sort(key=lambda row: row[:2])
        last: dict[str, tuple[float, float]] = {}
        kept = []
        for row in rows:
            if row[2] == "trade" or last.get(row[2]) != row[3:5]:
                kept.append(row)
            last[row[2]] = row[3:5]
        found = read(tmp_path / f"{security.lower()}.parquet")
        columns = [[row[at] for row in kept] for at in (0, 2, 3, 4, 5)]
        assert [found[name] for name in ("timestamp", "type", "price", "volume", "side")] == columns, security
