"""Workbooks against readers that others wrote: fastexcel (calamine) cell by cell, and what was put in."""

import datetime as dt
import os
import re
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastexcel
import openpyxl
import pyarrow as pa
import pytest
import xlsxwriter
from sabot.backtest.made_up_market import MadeUpTick, made_up_ticks
from sabot.backtest.workbooks import HEADER, generate_tick_workbook
from sabot.errors import DataError, OptionError

from sabot import _native

FOLDER = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
EPOCH = dt.datetime(1970, 1, 1)
NUMBERS = [0, -1, 1.5, 1e-300, 1e300, 0.1, 123456789012345678, 1 / 3, -0.0625]
TEXTS = [
    "bid",
    "a & b < c > \"d\" 'e'",
    " spaces ",
    "two\nlines",
    "\tTab",
    "\u00e4\u20ac\U0001f600",
    "\x01\x1f",
    "_x0041_",
    "#",
]


def cells(path: Path, sheet: str) -> dict[tuple[int, int], tuple[str, float, str]]:
    """(row from 1, column from 0) -> kind, number and text."""
    columns = pa.record_batch(_native.read_workbook_sheet(str(path), sheet)).to_pydict()
    return {
        (row, column): (kind, number, text)
        for row, column, kind, number, text in zip(
            columns["row"], columns["column"], columns["kind"], columns["number"], columns["text"], strict=True
        )
    }


def by_row(path: Path, sheet: str) -> Iterator[tuple[int, dict[int, tuple[str, float, str]]]]:
    rows: dict[int, dict[int, tuple[str, float, str]]] = {}
    for (row, column), cell in cells(path, sheet).items():
        rows.setdefault(row, {})[column] = cell
    yield from rows.items()


def read_with_fastexcel(path: Path, sheet: str) -> dict[tuple[int, int], Any]:
    """All cells but blank ones: the first column as numbers, the others as text."""
    columns = {0: "float"} | dict.fromkeys(range(1, 16_384), "string")
    read = fastexcel.read_excel(str(path)).load_sheet(
        sheet, header_row=None, dtypes=columns, skip_whitespace_tail_rows=False
    )
    return {
        (row + 1, column): value
        for column, values in enumerate(read.to_arrow().columns)
        for row, value in enumerate(values.to_pylist())
        if value not in (None, "")
    }


def test_a_missing_sheet_names_the_nearest(tmp_path: Path) -> None:
    path = generate_tick_workbook(tmp_path / "a.xlsx", securities=2, ticks=1)
    with pytest.raises(OptionError, match=r"no sheet 'ADNOCGAS UH Equit'\. Nearest names: 'ADNOCGAS UH Equity'"):
        _native.read_workbook_sheet(str(path), "ADNOCGAS UH Equit")


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="it cannot be opened"):
        _native.read_workbook_sheets(str(tmp_path / "none.xlsx"))
    for name, content in {"old.xls": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.csv": b"a,b\n"}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name):
            _native.read_workbook_sheets(str(tmp_path / name))


def write_every_kind(path: Path, **options: Any) -> None:
    with xlsxwriter.Workbook(str(path), options) as workbook:
        sheet = workbook.add_worksheet("Kinds")
        bold = workbook.add_format({"bold": True})
        day = workbook.add_format({"num_format": "yyyy-mm-dd"})
        others: list[tuple[str, Any]] = [
            ("write_boolean", [True]),
            ("write_boolean", [False]),
            ("write_formula", ["=1/0", None, "#DIV/0!"]),
            ("write_formula", ["=1+1", None, 2]),
            ("write_formula", ['="a"&"b"', None, "ab"]),
            ("write_formula", ["=TRUE", None, True]),
            ("write_blank", [None, bold]),
            ("write_rich_string", ["plain ", bold, "bold", " and plain"]),
            ("write_formula", ["=SUM(A1:A2)", None, 7]),
        ]
        for row, ((method, arguments), text, number) in enumerate(zip(others, TEXTS, NUMBERS, strict=True)):
            sheet.write_number(row, 0, number)
            sheet.write_string(row, 1, text)
            getattr(sheet, method)(row, 2, *arguments)
            sheet.write_datetime(row, 16_383, dt.datetime(2024, 8, 8), day)
        sheet.write_number(1_000, 3, 1)  # Behind rows that are blank.
        workbook.add_chartsheet("Chart").set_chart(_chart(workbook))
        workbook.add_worksheet("Empty")
        workbook.add_worksheet("Hidden").hide()


def _chart(workbook: Any) -> Any:
    chart = workbook.add_chart({"type": "line"})
    chart.add_series({"values": "=Kinds!$A$1:$A$3"})
    return chart


@pytest.mark.parametrize("inline", [False, True])
def test_every_kind_of_cell_as_fastexcel_reads_it(tmp_path: Path, inline: bool) -> None:
    path = tmp_path / "kinds.xlsx"
    write_every_kind(path, constant_memory=inline)
    assert _native.read_workbook_sheets(str(path)) == (["Kinds", "Empty", "Hidden"], False)
    found = cells(path, "Kinds")
    kinds = {place: kind for place, (kind, _, _) in found.items()}
    assert [kinds[row, 2] for row in (1, 2, 3, 4, 5, 6, 8, 9)] == [
        "bool", "bool", "error", "number", "text", "bool", "text", "number"
    ]  # fmt: skip
    assert (7, 2) not in found
    assert found[8, 2] == ("text", 0.0, "plain bold and plain")
    assert found[1, 16_383] == ("number", 45512.0, "45512")
    assert cells(path, "Empty") == {}
    expected = read_with_fastexcel(path, "Kinds")
    assert set(found) == set(expected) | {(3, 2)}  # Errors are blank to fastexcel.
    for (row, column), (kind, number, text) in found.items():
        if column == 0:
            assert number == expected[row, 0] == pytest.approx(NUMBERS[row - 1], rel=1e-15)
        elif column == 16_383:
            assert (number, expected[row, column]) == (45512.0, "2024-08-08 00:00:00")
        elif kind in ("bool", "number"):
            assert expected[row, column] == (str(bool(number)).lower() if kind == "bool" else str(int(number)))
        elif kind == "text":
            assert text == expected[row, column]
    assert [found[row, 1][2] for row in range(1, 10)] == TEXTS


def test_workbooks_of_openpyxl(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "S & T"
    times = [dt.datetime(2024, 8, 8, 9, 30) + n * dt.timedelta(milliseconds=7_777) for n in range(200)]
    for row, time in enumerate(times, start=1):
        sheet.append([time, "BID", row / 7, row, row % 2 == 0, None, dt.date(2024, 8, 8)])
    book.create_sheet("Second", 0)
    book.save(path)
    assert _native.read_workbook_sheets(str(path)) == (["Second", "S & T"], False)
    found = cells(path, "S & T")
    read = list(openpyxl.load_workbook(path)["S & T"].iter_rows(values_only=True))
    for row, time in enumerate(times, start=1):
        assert found[row, 1] == ("text", 0.0, "BID")
        assert found[row, 2][1] == read[row - 1][2] == pytest.approx(row / 7, rel=1e-15)
        assert found[row, 4][:2] == ("bool", float(row % 2 == 0))
        assert (row, 5) not in found
        nanoseconds = _native.workbook_serial_to_nanoseconds(found[row, 0][1], False)
        assert nanoseconds == (time - EPOCH) // dt.timedelta(microseconds=1) * 1000


@pytest.mark.parametrize("date1904", [False, True])
@pytest.mark.parametrize("inline", [False, True])
def test_a_generated_workbook_gives_its_ticks_back(tmp_path: Path, inline: bool, date1904: bool) -> None:
    path = generate_tick_workbook(
        tmp_path / "ticks.xlsx", securities=3, ticks=2_000, inline_strings=inline, date1904=date1904
    )
    names, found_1904 = _native.read_workbook_sheets(str(path))
    assert names == ["ADNOCGAS UH Equity", "ADNOCDRI UH Equity", "FAB UH Equity"]
    assert found_1904 == date1904
    for name in names:
        rows = dict(by_row(path, name))
        assert [rows[3][column][2] for column in range(4)] == list(HEADER)
        read = [
            MadeUpTick(
                EPOCH + dt.timedelta(microseconds=_native.workbook_serial_to_nanoseconds(row[0][1], date1904) // 1000),
                row[1][2], row[2][1], int(row[3][1]),
            )
            for number, row in rows.items() if number > 3
        ]  # fmt: skip
        assert read == list(made_up_ticks(name, ticks=2_000))


@pytest.mark.parametrize("inline", [False, True])
def test_a_generated_workbook_as_fastexcel_reads_it(tmp_path: Path, inline: bool) -> None:
    path = generate_tick_workbook(tmp_path / "ticks.xlsx", securities=2, ticks=5_000, inline_strings=inline)
    compare_ticks_with_fastexcel(path)


def test_the_real_workbook_as_fastexcel_reads_it() -> None:
    path = FOLDER / "TickData_bloomberg_style.xlsx"
    if not path.exists():
        pytest.skip(f"{path} is not there; SABOT_REAL_DATA names its folder")
    assert compare_ticks_with_fastexcel(path) == 100_000


def compare_ticks_with_fastexcel(path: Path) -> int:
    """Compare all rows below the header; the number of them."""
    compared = 0
    book = fastexcel.read_excel(str(path))
    for name in book.sheet_names:
        table = pa.record_batch(book.load_sheet(name, header_row=2).to_arrow()).to_pydict()
        rows = [row for number, row in by_row(path, name) if number > 3]
        assert [row[1][2] for row in rows] == table["Type"]
        assert [row[2][1] for row in rows] == table["Price"]
        assert [row[3][1] for row in rows] == table["Size"]
        for row, time in zip(rows, table["Dates"], strict=True):
            nanoseconds = _native.workbook_serial_to_nanoseconds(row[0][1], False)
            microseconds = (time.replace(tzinfo=None) - EPOCH) // dt.timedelta(microseconds=1)
            assert abs(nanoseconds // 1000 - microseconds) <= 1_000  # fastexcel has milliseconds.
        compared += len(rows)
    return compared


def test_text_dates(tmp_path: Path) -> None:
    path = generate_tick_workbook(tmp_path / "ticks.xlsx", securities=1, ticks=50, text_dates=True)
    rows = [row for number, row in by_row(path, "ADNOCGAS UH Equity") if number > 3]
    ticks = list(made_up_ticks("ADNOCGAS UH Equity", ticks=50))
    assert [row[0] for row in rows] == [("text", 0.0, tick.time.isoformat(" ", "milliseconds")) for tick in ticks]


def rewritten(path: Path, to: Path, change: Callable[[str, bytes], bytes], **options: Any) -> Path:
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            with new.open(name, "w", **options) as part:
                part.write(change(name, old.read(name)))
    return to


def test_zip64(tmp_path: Path) -> None:
    path = generate_tick_workbook(tmp_path / "a.xlsx", securities=1, ticks=100)
    large = rewritten(path, tmp_path / "b.xlsx", lambda _, content: content, force_zip64=True)
    assert struct.pack("<HH", 1, 16) in large.read_bytes()  # Its extra field.
    assert cells(large, "ADNOCGAS UH Equity") == cells(path, "ADNOCGAS UH Equity")


def test_cells_without_references_and_with_prefixes(tmp_path: Path) -> None:
    path = generate_tick_workbook(tmp_path / "a.xlsx", securities=1, ticks=100)

    def without(name: str, content: bytes) -> bytes:
        if not name.startswith("xl/worksheets/sheet"):
            return content
        return re.sub(rb'(<(?:c|row)) r="[A-Z]*[0-9]+"', rb"\1", content)

    def prefixed(name: str, content: bytes) -> bytes:
        if not name.startswith("xl/worksheets/sheet"):
            return content
        return re.sub(rb"<(/?)([a-z])", rb"<\1x:\2", content).replace(b' xmlns="', b' xmlns:x="')

    expected = cells(path, "ADNOCGAS UH Equity")
    assert cells(rewritten(path, tmp_path / "b.xlsx", without), "ADNOCGAS UH Equity") == expected
    assert cells(rewritten(path, tmp_path / "c.xlsx", prefixed), "ADNOCGAS UH Equity") == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ticks": 0}, "ticks must be 1 to 1,048,573"),
        ({"ticks": 2_000_000}, "ticks must be 1 to 1,048,573"),
        ({"securities": 0}, "securities must be at least one"),
        ({"securities": ["A", "a"]}, "securities must be at least one, each once"),
        ({"securities": ["A/B"]}, "Invalid Excel character"),
        ({"dates": 0}, "dates must be at least one"),
        ({"dates": [dt.date(2024, 8, 8), dt.date(2024, 8, 8)]}, "in their order"),
    ],
)
def test_options_out_of_range(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        generate_tick_workbook(tmp_path / "a.xlsx", **{"ticks": 10, "securities": 1} | options)
    assert list(tmp_path.iterdir()) == []


def test_without_xlsxwriter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(ImportError, match=r"pip install 'sabot\[workbooks\]'"):
        generate_tick_workbook(tmp_path / "a.xlsx")


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="none"):
        generate_tick_workbook(tmp_path / "none" / "a.xlsx", securities=1, ticks=10)


def test_the_same_options_give_the_same_bytes(tmp_path: Path) -> None:
    first = generate_tick_workbook(tmp_path / "a.xlsx", securities=2, ticks=200)
    again = generate_tick_workbook(tmp_path / "b.xlsx", securities=2, ticks=200)
    other = generate_tick_workbook(tmp_path / "c.xlsx", securities=2, ticks=200, seed=2)
    assert first.read_bytes() == again.read_bytes() != other.read_bytes()


def test_the_market_that_was_made_up() -> None:
    ticks = list(made_up_ticks("ADNOCGAS UH Equity", ticks=20_000, dates=[dt.date(2024, 8, 8), dt.date(2024, 8, 9)]))
    assert len(ticks) == 20_000
    assert {tick.time.date() for tick in ticks} == {dt.date(2024, 8, 8), dt.date(2024, 8, 9)}
    assert [tick.time for tick in ticks] == sorted(tick.time for tick in ticks)
    assert dt.time(9, 30) <= min(tick.time.time() for tick in ticks)
    assert max(tick.time.time() for tick in ticks) < dt.time(15)
    trades = [tick.time.time() for tick in ticks if tick.type == "TRADE"]
    assert not any(time < dt.time(10, 5) or dt.time(14, 46) < time < dt.time(14, 55) for time in trades)
    assert sum(time >= dt.time(14, 55) for time in trades) > 20
    best: dict[str, MadeUpTick] = {}
    at_the_best = sweeps = 0
    for tick in ticks:
        assert tick.price > 0
        assert tick.size > 0
        if tick.type == "TRADE" and len(best) == 2:
            at_the_best += tick.price in (best["BID"].price, best["ASK"].price)
            sweeps += tick.price < best["BID"].price or tick.price > best["ASK"].price
        elif tick.type != "TRADE":
            best[tick.type] = tick
        assert len(best) < 2 or best["BID"].price < best["ASK"].price
    assert at_the_best > 0.9 * len(trades)
    assert sweeps > 10
