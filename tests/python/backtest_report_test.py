"""The report of a backtest: what its files may hold, what the page says of them, and what a browser shows."""

import json
import random
import re
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from backtest_folders import EQUITY, ERROR, SUMMARY, TRADES, at, write_backtest, write_sweep
from hypothesis import given
from hypothesis import strategies as st
from sabot.backtest.activity import COLUMNS
from sabot.backtest.report import write_report
from sabot.backtest.report_series import TotalEquity, drawdown, grouped_fills, series, sessions, thinned
from sabot.cli.application import app
from sabot.errors import DataError, OptionError, SchemaError
from typer.testing import CliRunner

from sabot.backtest import report_data


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_backtest(tmp_path / "monday & <b>tuesday")


def data_of(page: Path) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page.read_text(), re.DOTALL)
    assert found
    return json.loads(found[1])


def values_of(series: dict[str, list[Any]]) -> list[tuple[int, float]]:
    """(milliseconds, value) of a series, whose times are distances."""
    times, time = [], 0
    for distance in series["t"]:
        time += distance
        times.append(time)
    return list(zip(times, series["v"], strict=True))


# --- wrong use ---


def test_what_is_no_folder_of_a_backtest(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"none: no such folder\. Name the one that a backtest or a sweep wrote into"):
        write_report(tmp_path / "none")
    with pytest.raises(OptionError, match=r"expected the folder that this file is in"):
        write_report(folder / "backtest_summary.csv")
    with pytest.raises(OptionError, match=r"emaar_equity\.csv: not a folder"):
        write_report(folder / "emaar_equity.csv")
    (folder / "backtest_summary.csv").unlink()
    with pytest.raises(OptionError, match=r"neither backtest_summary\.csv nor sweep_results\.csv is in this folder"):
        write_report(folder)


@pytest.mark.parametrize(
    ("name", "text", "error", "message"),
    [
        ("backtest_summary.csv", "", DataError, "the file is empty"),
        (
            "backtest_summary.csv",
            SUMMARY.replace("fees", "charges"),
            SchemaError,
            "no column 'fees'; the file has secur",
        ),
        ("backtest_summary.csv", SUMMARY.replace("sharpe", "fees"), SchemaError, "column 'fees' stands there twice"),
        ("backtest_summary.csv", SUMMARY.replace("EMAAR,2", "EMAAR,two"), DataError, "two"),
        ("backtest_summary.csv", SUMMARY[: SUMMARY.index("EMAAR") + 9], DataError, "Expected 14 columns, got 3"),
        ("backtest_summary.csv", SUMMARY.replace("EMAAR", "ADNOCGAS"), DataError, "'ADNOCGAS' has two rows"),
        ("backtest_summary.csv", SUMMARY.replace("EMAAR", ""), DataError, "a row names no security"),
        ("emaar_equity.csv", "", DataError, "the file is empty"),
        ("emaar_equity.csv", "timestamp,equity\n", SchemaError, "no column 'mid'; the file has timestamp, equity"),
        ("emaar_equity.csv", EQUITY + "yesterday,0,1,0,0\n", DataError, "yesterday"),
        ("emaar_equity.csv", EQUITY + f"{at(5, '10:00:00')},0,1\n", DataError, "Expected 5 columns, got 3"),
        ("emaar_equity.csv", EQUITY + ",0,1,0,0\n", DataError, "a row has no timestamp"),
        ("emaar_trades_timeseries.csv", TRADES + "PAR1\x00\x15", DataError, "Expected 8 columns, got 1"),
        (
            "emaar_equity.csv",
            EQUITY + f"{at(6, '10:00:00')},0,1,0,0\n{at(5, '10:00:00')},0,1,0,0\n",
            DataError,
            "time goes back, from 2024-08-06 10:00:00 to 2024-08-05 10:00:00",
        ),
    ],
)
def test_a_damaged_file_is_named(folder: Path, name: str, text: str, error: type[Exception], message: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(error) as raised:
        write_report(folder)
    assert str(raised.value).startswith(f"{folder / name}: ")
    assert message in str(raised.value)
    assert "run the backtest again" in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not [path.name for path in folder.iterdir() if path.suffix != ".csv"], "nothing is left of a page"


def test_bytes_that_are_no_text(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_bytes(b"\xff\xfe\x00security,trades\n")
    with pytest.raises(DataError, match=r"backtest_summary\.csv: no header can be read"):
        write_report(folder)


def test_a_sweep_that_contradicts_itself(tmp_path: Path) -> None:
    path = write_sweep(tmp_path) / "sweep_results.csv"
    text = path.read_text()
    path.write_text(text + "3,EMAAR,20,risk_averse,2,5,0.5,1.5,\n")
    with pytest.raises(DataError, match=r"sweep_results\.csv: set 3 has 2 rows for security 'EMAAR', expected one"):
        write_report(tmp_path)
    path.write_text(text + "3,FAB,25,risk_averse,2,5,0.5,1.5,\n")
    with pytest.raises(DataError, match=r"sweep_results\.csv: set 3 has more than one value of 'quote_size'"):
        write_report(tmp_path)
    path.write_text(text.replace("trades", "fills"))
    with pytest.raises(SchemaError, match=r"no column 'trades'"):
        write_report(tmp_path)


def test_the_command(folder: Path, tmp_path: Path) -> None:
    wrong = CliRunner().invoke(app, ["report", str(tmp_path / "none")])
    assert wrong.exit_code == 2
    assert wrong.stderr.startswith("sabot: ")
    assert "no such folder" in wrong.stderr
    done = CliRunner().invoke(app, ["report", str(folder)])
    assert (done.exit_code, done.stdout) == (0, "")
    assert str(folder / "report.html") in done.stderr
    quiet = CliRunner().invoke(app, ["report", str(folder), "-q"])
    assert (quiet.exit_code, quiet.output) == (0, "")
    named = CliRunner().invoke(app, ["report", str(folder), "-o", str(tmp_path / "a.html")])
    assert named.exit_code == 0
    assert (tmp_path / "a.html").read_bytes() == (folder / "report.html").read_bytes()
    nowhere = CliRunner().invoke(app, ["report", str(folder), "-o", str(tmp_path / "none" / "a.html")])
    assert nowhere.exit_code == 2
    assert "No such file or directory" in nowhere.stderr


# --- edges ---


def test_a_backtest_of_nothing(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_text(SUMMARY.partition("\n")[0] + "\n")
    data = data_of(write_report(folder))["backtest"]
    assert data["totals"]["securities"] == 0
    assert data["totals"]["net_pnl"] is None
    assert data["charts"] == {}


def test_all_securities_failed(folder: Path) -> None:
    header, *_, failed = SUMMARY.splitlines()
    (folder / "backtest_summary.csv").write_text(f"{header}\n{failed}\n")
    data = data_of(write_report(folder))["backtest"]
    assert (data["totals"]["securities"], data["totals"]["failed"]) == (0, 1)
    assert data["errors"] == [["ADCB", ERROR]]


def test_a_summary_without_the_columns_that_may_be_absent(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_text("security,trades,realized_pnl,fees\nEMAAR,2,-100,10\n")
    data = data_of(write_report(folder))["backtest"]
    assert data["totals"]["net_pnl"] == -110
    assert data["totals"]["rows"] is None
    assert data["errors"] == []


def test_missing_files_are_told(folder: Path) -> None:
    (folder / "emaar_equity.csv").unlink()
    (folder / "adnocgas_trades_timeseries.csv").unlink()
    data = data_of(write_report(folder))["backtest"]
    assert data["notes"] == [
        {"security": "ADNOCGAS", "note": "adnocgas_trades_timeseries.csv is missing."},
        {"security": "EMAAR", "note": "emaar_equity.csv is missing."},
    ]
    assert "fills" not in data["charts"]["ADNOCGAS"]
    # PnL after each fill stands in for equity.
    assert [value for _, value in values_of(data["charts"]["EMAAR"]["equity"])] == [-5, -110]


def test_files_of_another_run_are_told(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_text(SUMMARY.replace("EMAAR,2", "EMAAR,12"))
    (note,) = data_of(write_report(folder))["backtest"]["notes"]
    assert note["note"] == (
        "emaar_trades_timeseries.csv has 2 fills, backtest_summary.csv tells of 12: they are of different runs, "
        "or a part of the file is missing."
    )


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("BRK/B", "brk-b"),
        ("a\\b", "a-b"),
        (".hidden", "-hidden"),
        ("_X", "-x"),
        ("Étape Ü", "Étape Ü"),
        ("T\x01", "t-"),
        ("../../secret", "-.-..-secret"),
    ],
)
def test_names_of_files(folder: Path, name: str, stem: str) -> None:
    (folder / "emaar_equity.csv").rename(folder / f"{stem}_equity.csv")
    (folder / "emaar_trades_timeseries.csv").rename(folder / f"{stem}_trades_timeseries.csv")
    (folder / "backtest_summary.csv").write_text(SUMMARY.replace("EMAAR", name))
    data = data_of(write_report(folder))["backtest"]
    assert data["notes"] == []
    assert len(data["charts"][name]["fills"]) == 2


def test_a_name_too_long_for_a_file(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_text(SUMMARY.replace("EMAAR", "n" * 300))
    (note,) = data_of(write_report(folder))["backtest"]["notes"]
    assert note["note"].startswith("No file can be named after 'nnn")


def test_values_that_are_no_numbers(folder: Path) -> None:
    (folder / "backtest_summary.csv").write_text(SUMMARY.replace("EMAAR,2,-100", "EMAAR,2,nan"))
    (folder / "emaar_equity.csv").write_text(EQUITY + f"{at(5, '10:00:00')},0,inf,0,nan\n{at(5, '10:01:00')},0,8,0,\n")
    data = data_of(write_report(folder))["backtest"]
    assert data["charts"]["EMAAR"]["equity"]["v"] == []
    assert data["charts"]["EMAAR"]["mid"]["v"] == [8]


# --- what the page says ---


def test_headline(folder: Path) -> None:
    data = data_of(write_report(folder))["backtest"]
    totals = data["totals"]
    assert totals["net_pnl"] == 540  # 700 - 50 - 100 - 10
    assert totals["realized_pnl"] == 600
    assert totals["fees"] == 60
    assert totals["equity"] == 560  # 650 - 90
    assert (totals["trades"], totals["volume"]) == (6, 270)
    assert (totals["securities"], totals["failed"]) == (2, 1)
    assert (totals["market_dates"], totals["rows"], totals["rejected"]) == (2, 1500, 2)
    assert totals["first"] == 1_722_852_000_000  # 2024-08-05 10:00
    assert totals["last"] == 1_722_956_160_000  # 2024-08-06 14:56
    assert data["errors"] == [["ADCB", ERROR]]


def test_equity_of_all_securities(folder: Path) -> None:
    data = data_of(write_report(folder))["backtest"]
    # 0+0; 240-110; 480-110; -20-110; 650-90
    assert [value for _, value in values_of(data["equity"])] == [0, 130, 370, -130, 560]
    assert [value for _, value in values_of(data["drawdown"])] == [0, 0, 0, 500, 0]
    assert data["totals"]["max_drawdown"] == 500
    assert data["periods"] == {"unit": "day", "t": [1_722_816_000_000, 1_722_902_400_000], "v": [370, 190]}
    assert len(data["sessions"]) == 3  # Two pauses of more than half an hour.


def test_a_security(folder: Path) -> None:
    charts = data_of(write_report(folder))["backtest"]["charts"]["ADNOCGAS"]
    assert [value for _, value in values_of(charts["position"])] == [50, 0, -20, 0]
    assert [value for _, value in values_of(charts["pnl"])] == [-10, 480, 470, 650]
    assert [value for _, value in values_of(charts["mid"])] == [3.205, 3.21, 3.35, 3.29]
    assert charts["fills"][3] == [1_722_956_100_000, "buy", "flatten", 1, 20, 3.29, 3.29]
    assert charts["counts"] == [["buy", "fill", 1, 50], ["sell", "fill", 2, 70], ["buy", "flatten", 1, 20]]


def test_the_table_has_every_column_of_the_summary(folder: Path) -> None:
    lines = SUMMARY.splitlines()
    own = [f"{line},{value}" for line, value in zip(lines, ("own_figure", "1.5", "", "2"), strict=True)]
    (folder / "backtest_summary.csv").write_text("\n".join(own) + "\n")
    columns = data_of(write_report(folder))["backtest"]["columns"]
    assert [column["name"] for column in columns] == ["net_pnl", *own[0].split(",")]
    assert columns[0]["values"] == [650, -110, None]
    assert columns[-1]["values"] == [1.5, None, 2]


def test_the_sweep(tmp_path: Path) -> None:
    data = data_of(write_report(write_sweep(tmp_path)))
    assert data["backtest"] is None
    sweep = data["sweep"]
    assert sweep["sets"] == ["0", "1", "2", "3", "4", "5"]
    assert sweep["parameters"] == [
        {"name": "quote_size", "number": True, "values": [10, 20, 30], "codes": [0, 0, 1, 1, 2, 2]},
        {"name": "queue", "number": False, "values": ["fifo", "risk_averse"], "codes": [0, 1, 0, 1, 0, 1]},
    ]
    views = {view["security"]: dict(zip(sweep["metrics"], view["metrics"], strict=True)) for view in sweep["views"]}
    assert list(views) == [None, "ADNOCGAS", "EMAAR"]
    assert views[None]["net_pnl"] == [13.5, 23.5, 33.5, -36.5, 94, 63.5]
    assert views[None]["trades"] == [3, 4, 5, 6, 7, 8]
    assert views[None]["sharpe"] == 1  # The mean of 0.5 and 1.5, shared by all sets.
    assert views["ADNOCGAS"]["net_pnl"] == [9, 19, 29, -41, 89.5, 59]
    assert sweep["incomplete"] == 0


def test_a_sweep_with_a_summary(tmp_path: Path) -> None:
    write_sweep(tmp_path)
    header = "set,quote_size,queue,securities,failed,trades,realized_pnl,fees,pnl,sharpe,deflated_sharpe\n"
    rows = "".join(f"{n},10,fifo,2,0,{n},{10 * n},1,{10 * n - 1},{n / 4},{n / 8}\n" for n in range(6))
    path = tmp_path / "sweep_summary.csv"
    path.write_text(header + rows)
    sweep = data_of(write_report(tmp_path))["sweep"]
    assert sweep["metrics"] == ["net_pnl", "trades", "realized_pnl", "fees", "sharpe", "deflated_sharpe"]
    assert sweep["views"][0]["metrics"][0] == [-1, 9, 19, 29, 39, 49]
    assert sweep["views"][0]["metrics"][5] == [0, 0.125, 0.25, 0.375, 0.5, 0.625]
    assert sweep["views"][1]["metrics"][5] is None, "no security has it"
    assert [view["computed"] for view in sweep["views"]] == [False] * 3
    path.write_text(header + rows + rows.partition("\n")[0] + "\n")
    with pytest.raises(DataError, match=r"sweep_summary\.csv: set 0 has 2 rows, expected one\."):
        write_report(tmp_path)
    path.write_text("")
    with pytest.raises(DataError, match=r"sweep_summary\.csv: the file is empty"):
        write_report(tmp_path)


def test_a_set_that_failed_for_a_security_has_no_totals(tmp_path: Path) -> None:
    path = write_sweep(tmp_path) / "sweep_results.csv"
    path.write_text(path.read_text().replace("2,EMAAR,20,fifo,2,5,0.5,1.5,", "2,EMAAR,20,fifo,,,,,died"))
    sweep = data_of(write_report(tmp_path))["sweep"]
    assert (sweep["errors"], sweep["errorsInFile"], sweep["incomplete"]) == ([["2", "EMAAR", "died"]], 1, 1)
    views = {view["security"]: view["metrics"][0] for view in sweep["views"]}
    assert views[None] == [13.5, 23.5, None, -36.5, 94, 63.5]
    assert views["ADNOCGAS"] == [9, 19, 29, -41, 89.5, 59]


def test_values_of_parameters(tmp_path: Path) -> None:
    rows = ["0,A,true,,x,0.5,1,1", "1,A,false,5,,0.25,1,2", "2,A,true,10,y,-1,1,3"]
    header = "set,security,quote_cross,max_notional,queue,latency,trades,realized_pnl\n"
    (tmp_path / "sweep_results.csv").write_text(header + "\n".join(rows) + "\n")
    assert data_of(write_report(tmp_path))["sweep"]["parameters"] == [
        {"name": "quote_cross", "number": False, "values": ["false", "true"], "codes": [1, 0, 1]},
        {"name": "max_notional", "number": True, "values": [None, 5, 10], "codes": [0, 1, 2]},
        {"name": "queue", "number": False, "values": [None, "x", "y"], "codes": [1, 0, 2]},
        {"name": "latency", "number": True, "values": [-1, 0.25, 0.5], "codes": [2, 1, 0]},
    ]


def test_a_sweep_too_large_for_a_page_keeps_the_best(tmp_path: Path) -> None:
    sets = 20_000
    lines = [f"{n},{s},{n % 7},{n},1,{n * 37 % sets},0" for n in range(sets) for s in ("A", "B")]
    (tmp_path / "sweep_results.csv").write_text("set,security,x,y,trades,realized_pnl,fees\n" + "\n".join(lines) + "\n")
    page = write_report(tmp_path)
    sweep = data_of(page)["sweep"]
    assert (len(sweep["sets"]), sweep["setsInFile"]) == (8_000, sets)
    assert min(sweep["views"][0]["metrics"][sweep["metrics"].index("net_pnl")]) == 2 * (sets - 8_000)
    assert page.stat().st_size < 3_000_000


def test_same_files_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_sweep(folder)
    first = write_report(folder).read_bytes()
    copied = tmp_path / "elsewhere" / folder.name
    shutil.copytree(folder, copied)
    assert write_report(copied, tmp_path / "b.html").read_bytes() == first
    assert write_report(folder).read_bytes() == first


def test_nothing_in_the_data_becomes_markup(folder: Path) -> None:
    evil = '</script><img src=x onerror="window.hacked = 1">{{style}}\u2028'
    summary = SUMMARY.replace("EMAAR", '"' + evil.replace('"', '""') + '"')
    (folder / "backtest_summary.csv").write_text(summary)
    page = write_report(folder)
    text = page.read_text()
    assert "<img" not in text
    assert "<b>tuesday" not in text
    assert text.count("</script>") == 2
    assert text.count("--ground:") == 2, "the style stands there once"
    assert evil in data_of(page)["backtest"]["columns"][1]["values"]


# --- thinning ---


def test_a_spike_is_kept() -> None:
    values = [0.0] * 100_000
    values[12_345], values[77_777] = 5.0, -3.0
    times, kept = thinned(pa.array(range(100_000), pa.int64()), pa.array(values), 100)
    found = dict(zip(times.to_pylist(), kept.to_pylist(), strict=True))
    assert (found[12_345], found[77_777]) == (5.0, -3.0)
    assert (found[0], found[99_999]) == (0.0, 0.0)
    assert len(found) <= 400


@given(
    st.lists(st.one_of(st.none(), st.sampled_from([float("nan"), 0.0, -0.0, 1.0, -1.0]), st.floats(-1e6, 1e6))),
    st.integers(1, 9),
)
def test_thinned_has_the_ends_and_extremes_of_each_bucket(values: list[float | None], buckets: int) -> None:
    times, kept = thinned(pa.array(range(len(values)), pa.int64()), pa.array(values, pa.float64()), buckets)
    known = [(row, value) for row, value in enumerate(values) if value is not None and value == value]
    expected = set()
    for bucket in range(buckets):
        rows = [pair for place, pair in enumerate(known) if place * buckets // len(known) == bucket]
        if rows:
            lowest = min(rows, key=lambda pair: (pair[1], pair[0]))
            highest = max(rows, key=lambda pair: (pair[1], -pair[0]))
            expected |= {rows[0][0], lowest[0], highest[0], rows[-1][0]}
    if len(known) <= 4 * buckets:
        expected = {row for row, _ in known}
    assert times.to_pylist() == sorted(expected)
    assert kept.to_pylist() == [values[row] for row in sorted(expected)]


def test_drawdown_by_hand() -> None:
    assert drawdown(pa.array([0.0, 10, 4, 12, 3])).to_pylist() == [0, 0, 6, 0, 9]
    assert drawdown(pa.array([-2.0, -5, 1, 0])).to_pylist() == [2, 5, 0, 1]  # Equity starts at 0.
    assert drawdown(pa.array([None, 3.0, None, 1, float("nan"), 0])).to_pylist() == [None, 0, None, 2, None, 3]


def test_times_are_distances_in_milliseconds() -> None:
    made = series(pa.array([1_500_000, 2_000_000, 9_999_999], pa.int64()), pa.array([1.0, 0.1 + 0.2, 3.5]), 10)
    assert made == {"t": [1, 1, 7], "v": [1, 0.3, 3.5]}


@pytest.mark.parametrize("rows_max", [1, 3, 1_000_000])
def test_total_equity_is_the_sum_of_the_last_known(rows_max: int) -> None:
    minute, generator = 60_000_000_000, random.Random(7)
    total, samples = TotalEquity(rows_max), []
    for _ in range(4):
        times = sorted(generator.sample(range(50), 12))
        equity = [float(generator.randrange(-100, 100)) for _ in times]
        samples.append(dict(zip(times, equity, strict=True)))
        total.add(pa.array([time * minute for time in times], pa.int64()), pa.array(equity))
    expected = []
    for time in sorted({time for sample in samples for time in sample}):
        last = [max((t for t in sample if t <= time), default=None) for sample in samples]
        expected.append((time * minute, sum(s[t] for s, t in zip(samples, last, strict=True) if t is not None)))
    table = total.table()
    assert list(zip(table["time"].to_pylist(), table["equity"].to_pylist(), strict=True)) == expected


def test_sessions() -> None:
    minute = 60_000_000_000
    assert sessions(pa.array([], pa.int64())) == []
    assert sessions(pa.array([minute])) == [[60_000, 60_000]]
    times = [minute * at for at in (0, 10, 39, 69, 70, 1_000)]
    assert sessions(pa.array(times)) == [[0, 39 * 60_000], [69 * 60_000, 70 * 60_000], [60_000_000, 60_000_000]]
    assert len(sessions(pa.array([hour * 60 * minute for hour in range(5_000)]))) == 260


def test_fills_are_grouped_when_they_are_too_many() -> None:
    count = 50_000
    trades = pa.table(
        {
            "timestamp": pa.array([n * 1_000_000_000 for n in range(count)], pa.timestamp("ns")),
            "side": ["buy" if n % 3 else "sell" for n in range(count)],
            "fill_price": [100.0 + n % 11 for n in range(count)],
            "fill_qty": [float(n % 5) for n in range(count)],
            "kind": ["fill"] * count,
        }
    )
    groups = grouped_fills(trades, 200)
    assert 50 < len(groups) <= 200
    assert sum(group[3] for group in groups) == count
    assert sum(group[4] for group in groups) == sum(n % 5 for n in range(count))
    assert {(group[5], group[6]) for group in groups if group[3] > 30} == {(100, 110)}
    assert groups == sorted(groups, key=lambda group: (group[0], group[1]))
    assert [group[3] for group in grouped_fills(trades.slice(0, 200), 200)] == [1] * 200


def test_a_large_run_makes_no_large_page(tmp_path: Path) -> None:
    header, *_ = SUMMARY.splitlines()
    names = [f"S{number}" for number in range(300)]
    rows = [f"{name},200,{number},1,1,0,1,0,1,1,1,400,0," for number, name in enumerate(names)]
    (tmp_path / "backtest_summary.csv").write_text("\n".join([header, *rows]) + "\n")
    clock = [f"{9 + second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}" for second in range(0, 8_000, 20)]
    generator = random.Random(3)
    for name in names:
        equity = [f"{at(5, each)},0,{generator.random()},0,{generator.gauss(0, 1e6)}" for each in clock]
        fills = [f"{at(5, each)},buy,{generator.random()},1,0,{generator.random()},1,fill" for each in clock[:200]]
        (tmp_path / f"{name.lower()}_equity.csv").write_text(EQUITY + "\n".join(equity) + "\n")
        (tmp_path / f"{name.lower()}_trades_timeseries.csv").write_text(TRADES + "\n".join(fills) + "\n")
    page = write_report(tmp_path)
    assert page.stat().st_size < 4_000_000
    data = data_of(page)["backtest"]
    assert len(data["columns"][0]["values"]) == 300
    assert set(data["charts"]) == set(names[50:]), "those of the largest profits have charts"
    assert data["totals"]["net_pnl"] == sum(range(300))


def test_what_there_was_to_do_is_told_of_securities_with_charts_first(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts = dict.fromkeys(COLUMNS, 0) | {"session": None}
    with (folder / "backtest_summary.csv").open("a") as summary:
        summary.writelines(f"IDLE{number},0,0,0,0,0,0,0,0,,,5,0,\n" for number in range(3))
    head, adnocgas, *others = (folder / "backtest_summary.csv").read_text().splitlines(keepends=True)
    (folder / "backtest_summary.csv").write_text("".join([head, *others, adnocgas]))
    names = ["ADNOCGAS", "EMAAR", *(f"IDLE{number}" for number in range(3))]
    (folder / "backtest_activity.json").write_text(json.dumps(dict.fromkeys(names, counts)))
    monkeypatch.setattr(report_data, "_CHARTED_MAX", 1)
    monkeypatch.setattr(report_data, "_ROWS_MAX", 3)
    activity = data_of(write_report(folder))["backtest"]["activity"]
    assert sorted(activity) == ["ADNOCGAS", "IDLE0", "IDLE1"]


def test_a_file_that_is_cut_off_is_named(folder: Path) -> None:
    path = folder / "adnocgas_equity.csv"
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(DataError, match=r"adnocgas_equity\.csv: the last line has no end: a part of the file"):
        write_report(folder)


def test_a_run_that_did_not_end_has_no_report(folder: Path) -> None:
    (folder / "backtest_summary.csv").unlink()
    (folder / "backtest_unfinished.csv").write_text("security,parquet\nADNOCGAS,false\n")
    with pytest.raises(OptionError, match=r"did not end, or still runs: backtest_unfinished\.csv is there"):
        write_report(folder)


def test_a_page_that_cannot_be_written_is_named(folder: Path) -> None:
    for wrong in (folder / "nowhere" / "x.html", folder):
        with pytest.raises(OSError, match=f"'{re.escape(str(wrong))}'$"):
            write_report(folder, wrong)
    assert not list(folder.parent.rglob("*.unfinished"))
