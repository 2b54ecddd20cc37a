"""`sabot backtest`: mistakes end in one message and an exit code, then what it writes and shows."""

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from backtest_samples import NAMES, files_of, write_folder
from sabot.backtest.inputs import NoTicksWarning
from sabot.cli import progress
from sabot.cli.application import app
from sabot.cli.backtest import _number
from typer.testing import CliRunner, Result

from sabot.backtest import run_parallel_backtest

HERE = Path(__file__).parent


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, ["backtest", *map(str, arguments)], prog_name="sabot")
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with tick files in `ticks`."""
    write_folder(tmp_path / "ticks")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- wrong use ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--data", "ticks"], "Missing option '--strategy'"),
        (["--strategy", "v1_baseline"], "Missing option '--data'"),
        (["--strategy", "v1_basline", "--data", "ticks"], "v1_baseline"),
        (["--strategy", "v1_baseline", "--data", "tocks"], "tocks"),
        (["--strategy", "v1_baseline", "--data", "ticks", "--max-workers", "2"], "--parallel"),
        (["--strategy", "v1_baseline", "--data", "ticks", "--max-sheets", "0"], "equal to 1"),
        (["--strategy", "v1_baseline", "--data", "ticks", "--market", "nasdaq"], "adx"),
        (["--strategy", "v1_baseline", "--data", "ticks", "--config", "none.json"], "none.json"),
        (["--strategy", "v1_baseline", "--data", "ticks", "--config", "bad.json"], "bad.json: "),
        (["--strategy", "nowhere:Strategy", "--data", "ticks"], "PYTHONPATH"),
        (["--strategy", "own:Nothing", "--data", "ticks"], "'own' has no 'Nothing'"),
    ],
)
def test_mistakes_are_one_message(arguments: list[str], message: str, folder: Path) -> None:
    (folder / "bad.json").write_text('{"AAA": {"quote_size": 0.5, "max_positon": 3}}')
    (folder / "own.py").write_text("")
    result = call(*arguments, "--output", "out", code=2)
    assert message in result.output
    assert "Traceback" not in result.output
    assert not (folder / "out").exists()


def test_a_security_that_fails_is_exit_code_1(folder: Path) -> None:
    (folder / "ticks" / "bbb.parquet").write_bytes(b"nothing")
    config = folder / "config.json"
    config.write_text(json.dumps({"DEFAULT": {"how": "not"}, "CCC": {"how": "raise"}}))
    for options in ([], ["--parallel"]):
        result = call(
            "--strategy", "backtest_samples:Fails", "--config", config, "--data", "ticks", "--output", "out", *options,
            code=1,
        )  # fmt: skip
        assert re.search(r"^bbb +failed$", result.output, re.MULTILINE)
        assert "sabot: CCC: ZeroDivisionError: a b (on_tick, backtest_samples.py line " in result.output
        assert "4 securities, 2 failed, 6,000 ticks" in result.output
        assert len(files_of(folder / "out")) == 6


# --- what it does ---


def test_the_files_are_those_of_the_function(folder: Path) -> None:
    run_parallel_backtest("ticks", "v1_baseline", output_dir="expected", max_sheets=3)
    base = ("--strategy", "v1_baseline", "--data", "ticks", "--max-sheets", 3)
    for number, options in enumerate(([], ["--chunk-size", 7], ["--parallel"], ["--parallel", "--max-workers", 2])):
        call(*base, "--output", f"out{number}", *options)
        assert files_of(folder / f"out{number}") == files_of(folder / "expected")
    assert len(files_of(folder / "expected")) == 8


def test_a_name_that_matches_no_ticks_is_told(folder: Path) -> None:
    (folder / "config.json").write_text('{"DEFAULT": {}, "AAB": {"quote_size": 5}, "bbb": {"quote_size": 5}}')
    result = call("--strategy", "v1_baseline", "--data", "ticks", "--config", "config.json")
    told = [line for line in result.stderr.splitlines() if "no ticks here" in line]
    assert told == ["backtest: config.json names 'AAB', of which there are no ticks here. Near: 'AAA'."]


def test_the_table_and_its_absence(folder: Path) -> None:
    result = call("--strategy", "v1_baseline", "--data", "ticks")
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["security", "trades", "realized", "pnl", "fees", "max", "drawdown", "sharpe",
                                "position", "ticks", "rejected"]  # fmt: skip
    assert [line.split()[0] for line in lines[1:]] == list(NAMES)
    assert all(line.endswith("3,000         2") for line in lines[1:])
    assert "4 securities, 12,000 ticks in " in result.stderr
    quiet = call("--strategy", "v1_baseline", "--data", "ticks", "-q")
    assert (quiet.stdout, quiet.stderr) == ("", "")
    assert [path.name for path in folder.iterdir()] == ["ticks"]


def test_progress_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "LINE_SECONDS", 0.0)
    for options in ([], ["--parallel"]):
        result = call("--strategy", "v1_baseline", "--data", "ticks", "--chunk-size", 1_000, *options)
        assert re.search(r"^backtest: 100%, 12,000 rows, ", result.stderr, re.MULTILINE)


def test_a_strategy_of_the_working_directory(folder: Path) -> None:
    (folder / "own_strategies.py").write_text((HERE / "backtest_samples.py").read_text())
    for options in ([], ["--parallel", "--max-workers", "2"]):
        done = subprocess.run(
            [sys.executable, "-m", "sabot", "backtest", "--strategy", "own_strategies:Baseline", "--data", "ticks",
             "--output", f"out{len(options)}", *options],
            capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    call("--strategy", "v1_baseline", "--data", "ticks", "--output", "expected")
    assert files_of(folder / "out0") == files_of(folder / "out3") == files_of(folder / "expected")


def test_ticks_in_parquet_need_no_pyarrow(folder: Path) -> None:
    program = (
        "import sys\n"
        "from sabot.cli.application import app\n"
        "app(['backtest', '--strategy', 'v1_baseline', '--data', 'ticks', '--output', 'out'], standalone_mode=False)\n"
        "print([name for name in ('pyarrow', 'numpy', 'pandas', 'rich.table', 'yaml') if name in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.splitlines()[-1] == "[]", done


@pytest.mark.parametrize("columns", [40, 120])
def test_on_a_terminal_the_table_is_drawn_whole(columns: int, folder: Path) -> None:
    (folder / "ticks" / "bbb.parquet").write_bytes(b"nothing")
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [sys.executable, "-m", "sabot", "backtest", "--strategy", "v1_baseline", "--data", "ticks"],
        stdout=theirs, stderr=theirs, env=os.environ | {"TERM": "xterm", "COLUMNS": str(columns)},
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while True:
        try:
            more = os.read(ours, 65_536)
        except OSError:  # The other end is closed.
            break
        if not more:
            break
        text += more
    os.close(ours)
    assert running.wait(timeout=60) == 1
    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text.decode())
    assert re.search(r"AAA +\d+ +-?[\d,.]+", shown), shown
    assert re.search(r"security +trades +realized pnl +fees +max drawdown +sharpe +position +ticks +rejected", shown)
    assert "\x1b[31m" in text.decode()  # The one that failed is red.


@pytest.mark.parametrize(
    ("value", "text"),
    [(-7.25e-5, "-7.25e-05"), (0.0149, "0.0149"), (1234.567, "1,234.57"), (-1e-17, "0.00"), (0.0, "0.00")],
)
def test_small_figures_have_digits(value: float, text: str) -> None:
    assert _number(value) == text


# --- from a workbook ---


@pytest.fixture
def workbook(folder: Path) -> Path:
    """Two sheets of ticks, and one that is something else."""
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter writes the workbook: pip install XlsxWriter")
    from sabot.backtest.workbooks import generate_tick_workbook, made_up_ticks

    path = folder / "TickData.xlsx"
    generate_tick_workbook(path, securities=["FAB UH Equity", "EMAAR DH Equity"], ticks=2_000, dates=2)
    assert xlsxwriter is not None
    assert made_up_ticks is not None
    return path


def test_a_workbook_and_its_tick_files_give_the_same_bytes(workbook: Path, folder: Path) -> None:
    call("--strategy", "v1_baseline", "--data", workbook, "--output", "out1", "--ticks", "kept")
    kept = {path.name: path.stat().st_mtime_ns for path in (folder / "kept").glob("*.parquet")}
    assert sorted(kept) == ["emaar.parquet", "fab.parquet"]
    call("--strategy", "v1_baseline", "--data", workbook, "--output", "out2", "--ticks", "kept", "--parallel")
    assert {path.name: path.stat().st_mtime_ns for path in (folder / "kept").glob("*.parquet")} == kept
    call("--strategy", "v1_baseline", "--data", "kept", "--output", "out3")
    call("--strategy", "v1_baseline", "--data", workbook, "--output", "out4")
    first = files_of(folder / "out1")
    assert len(first) == 6
    assert len(first["fab_trades_timeseries.csv"].splitlines()) > 3
    for number in (2, 3, 4):
        assert files_of(folder / f"out{number}") == first


def test_several_paths_and_globs_are_one_source(folder: Path) -> None:
    call("--strategy", "v1_baseline", "--data", "ticks", "--output", "whole")
    (folder / "ticks" / "notes.txt").write_text("x")
    several = ["--data", "ticks/a*.parquet", "--data", "ticks/bbb.parquet", "--data", "ticks"]
    told = call("--strategy", "v1_baseline", *several, "--output", "several")
    assert "backtest: passed over, since they hold no ticks: 'ticks/notes.txt' is no workbook" in told.output
    assert files_of(folder / "several") == files_of(folder / "whole")


def test_rows_that_name_no_security_are_told(folder: Path) -> None:
    rows = [f"{symbol},2024-08-08 10:30:0{at},bid,1.5,1" for at, symbol in enumerate(["FAB", "", "FAB", "", ""])]
    (folder / "all.csv").write_text("\n".join(["symbol,timestamp,type,price,size", *rows]) + "\n")
    expected = "3 rows of all.csv name no security, and are left out. 'sabot convert --rejects FILE' keeps them"
    told = call("--strategy", "v1_baseline", "--data", "all.csv", "--output", "out")
    assert f"backtest: {expected}" in told.stderr.replace("\n", " ")
    with pytest.warns(NoTicksWarning, match=expected):
        result = run_parallel_backtest("all.csv", "v1_baseline")
    assert list(result.trades) == ["FAB"]


def test_a_file_of_which_all_rows_were_rejected_is_named(folder: Path) -> None:
    (folder / "neg.csv").write_text("timestamp,type,price,size\n2024-08-08 10:30:00,bid,-1.5,1\n")
    told = call("--strategy", "v1_baseline", "--data", "neg.csv", "--output", "out", code=1)
    assert f"neg: {folder / 'neg.csv'}: there are no ticks in it: all 1 rows" in told.stderr


def test_a_sheet_that_is_none_fails_alone(folder: Path) -> None:
    xlsxwriter = pytest.importorskip("xlsxwriter", reason="XlsxWriter writes the workbook: pip install XlsxWriter")
    book = xlsxwriter.Workbook(folder / "TickData.xlsx")
    for name, header in (("FAB UH Equity", ("Dates", "Type", "Price", "Size")), ("NOTES UH Equity", ("To", "do"))):
        sheet = book.add_worksheet(name)
        for column, text in enumerate(header):
            sheet.write(2, column, text)
        rows: list[tuple[Any, ...]] = [(45_512.45, "BID", 13.5, 100), (45_512.46, "ASK", 13.6, 100)]
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write(3 + number, column, value)
    book.close()
    result = call("--strategy", "v1_baseline", "--data", "TickData.xlsx", "--output", "out", code=1)
    assert re.search(r"^FAB +0 ", result.output, re.MULTILINE)
    assert re.search(r"^NOTES +failed$", result.output, re.MULTILINE)
    assert sorted(files_of(folder / "out")) == [
        "backtest_activity.json",
        "backtest_summary.csv",
        "fab_equity.csv",
        "fab_trades_timeseries.csv",
    ]
