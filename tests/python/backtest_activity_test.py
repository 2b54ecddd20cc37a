"""Why there were no trades: counts of ticks and orders, in the table, the file, the command's line and the report."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from backtest_folders import write_backtest
from backtest_samples import ticks, write_ticks
from sabot.backtest.activity import COLUMNS, why_no_trades
from sabot.backtest.report import write_report
from sabot.cli.application import app
from sabot.errors import DataError, OptionError
from typer.testing import CliRunner

from sabot.backtest import MarketMakingBacktest, run_parallel_backtest, venue_parameters

SECOND = 1_000_000_000
NONE: dict[str, Any] = dict.fromkeys(COLUMNS, 0) | {"session": None}


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ({}, "there are no ticks"),
        (
            {"session": "09:30-16:00", "ticks": 42_000, "outside_session": 42_000},
            "all 42,000 ticks are outside the session 09:30-16:00",
        ),
        ({"ticks": 7, "book_missing": 7}, "a best bid or a best ask is missing at all 7 ticks"),
        (
            {"session": "09:30-16:00", "ticks": 9, "outside_session": 2},
            "the strategy sent no order at the 7 of 9 ticks that are in the session 09:30-16:00: its own conditions "
            "were not met, or its sizes, the limits and lot_size leave nothing",
        ),
        (
            {"ticks": 9, "orders": 3, "refused_tick_size": 3},
            "all 3 orders were refused: their price is no multiple of tick_size",
        ),
        (
            {"ticks": 9, "orders": 1_003, "refused_limits": 3, "refused_post_only": 1_000},
            "all 1,003 orders were refused: 1,000 because post-only, they would have crossed; 3 because max_position "
            "or max_notional leaves nothing",
        ),
        ({"ticks": 9, "orders": 3, "refused_limits": 1}, "3 orders were sent, but none of the 9 ticks is a trade"),
        (
            {"ticks": 9, "orders": 3, "market_trades": 4},
            "3 orders were sent, but none of 4 trades at the 9 ticks reached one",
        ),
    ],
)
def test_the_likeliest_reason(counts: dict[str, Any], reason: str) -> None:
    assert why_no_trades(NONE | counts) == reason


def early(table: pa.Table) -> pa.Table:
    """The same ticks before the market opens."""
    morning = 1_723_104_000_000_000_000 - 3 * 3_600 * SECOND
    times = pa.array([morning + row * 1_000 for row in range(table.num_rows)], pa.timestamp("ns"))
    return table.set_column(0, "timestamp", times)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Tick files: AAA trades, BBB is before the session, CCC has no ticks that could be read."""
    (tmp_path / "ticks").mkdir()
    write_ticks(tmp_path / "ticks" / "aaa.parquet", "AAA", ticks(0))
    write_ticks(tmp_path / "ticks" / "bbb.parquet", "BBB", early(ticks(1)))
    write_ticks(tmp_path / "ticks" / "ccc.parquet", "CCC", ticks(2).slice(0, 0))
    return tmp_path


def test_the_command_warns_in_one_line_and_the_page_tells(folder: Path) -> None:
    arguments = ["backtest", "--strategy", "v1_baseline", "--data", str(folder / "ticks"), "--output"]
    for options in ([], ["--parallel"]):
        result = CliRunner().invoke(app, [*arguments, str(folder / "out"), *options])
        assert result.exit_code == 1, result.output
        lines = result.stderr.splitlines()
        assert [line for line in lines if "no trades" in line] == [
            "backtest: BBB: no trades: all 3,000 ticks are outside the session 10:05-14:45."
        ]
        assert any(
            line.startswith("sabot: CCC: ") and "all 2 rows of its source were rejected" in line for line in lines
        )
    quiet = CliRunner().invoke(app, [*arguments, str(folder / "out"), "-q"])
    assert "no trades" not in quiet.stderr

    page = write_report(folder / "out").read_text()
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    activity = json.loads(found[1])["backtest"]["activity"]
    assert sorted(activity) == ["AAA", "BBB"]
    assert activity["AAA"]["why"] is None
    assert activity["AAA"]["counts"]["ticks"] == 3_000
    assert activity["BBB"] == {
        "session": "10:05-14:45",
        "interval": 1,
        "why": "all 3,000 ticks are outside the session 10:05-14:45",
        "counts": {"ticks": 3_000, "outside_session": 3_000, "book_crossed": activity["BBB"]["counts"]["book_crossed"]},
    }


@pytest.mark.parametrize("strategy", ["v1_baseline", "backtest_samples:Joins"])
def test_the_table_and_the_file_tell_the_same(folder: Path, strategy: str) -> None:
    result = run_parallel_backtest(folder / "ticks", strategy, output_dir=folder / "out", max_workers=2)
    rows = {row.pop("security"): row for row in result.activity.to_pylist()}
    assert all(tuple(row) == COLUMNS for row in rows.values())
    assert rows["CCC"] == dict.fromkeys(COLUMNS)
    assert json.loads((folder / "out" / "backtest_activity.json").read_text()) == {
        name: row for name, row in rows.items() if name != "CCC"
    }
    assert rows["AAA"]["orders"] > 0


def test_orders_that_are_refused_are_counted_by_reason() -> None:
    table = pa.table(
        {
            "timestamp": pa.array([0, SECOND, 2 * SECOND, 3 * SECOND], pa.timestamp("ns")),
            "type": ["bid", "ask", "trade", "trade"],
            "price": [10.005, 10.015, 9.0, 9.0],
            "volume": [5_000.0] * 4,
        }
    )
    config = {"DEFAULT": {"tick_size": 0.01, "min_local_currency_before_quote": 0}}
    result = MarketMakingBacktest(config).run_ticks(table, security="X")
    (row,) = result.activity.to_pylist()
    assert (row["orders"], row["refused_tick_size"], row["session"]) == (7, 7, None)
    assert why_no_trades(row) == "all 7 orders were refused: their price is no multiple of tick_size"


def test_a_folder_without_the_file_has_a_page(tmp_path: Path) -> None:
    folder = write_backtest(tmp_path / "old")
    assert '"activity":{}' in write_report(folder).read_text()
    for text, message in (
        ("[]", "AttributeError|attribute"),
        ('{"A": {"ticks": 1}}', "'session' is missing"),
        ("{", ""),
    ):
        (folder / "backtest_activity.json").write_text(text)
        with pytest.raises(DataError, match=rf"backtest_activity\.json: .*{message}.* run the backtest again"):
            write_report(folder)


def test_a_file_without_ticks_that_lost_none_is_a_success(tmp_path: Path) -> None:
    (tmp_path / "ticks").mkdir()
    pq.write_table(ticks(0).slice(0, 0), tmp_path / "ticks" / "aaa.parquet")
    result = run_parallel_backtest(tmp_path / "ticks", "v1_baseline")
    assert not result.failed
    assert why_no_trades(result.runs[0].result.activity) == "there are no ticks"


@pytest.mark.parametrize(("interval", "rows"), [(None, 61), ("1s", 61), ("500ms", 121), ("1m", 2)])
def test_the_interval_of_the_equity(tmp_path: Path, interval: str | None, rows: int) -> None:
    table = ticks(0, 240)
    times = pa.array([1_723_111_800 * SECOND + row * SECOND // 4 for row in range(240)], pa.timestamp("ns"))
    (tmp_path / "ticks").mkdir()
    write_ticks(tmp_path / "ticks" / "aaa.parquet", "AAA", table.set_column(0, "timestamp", times))
    config = {"DEFAULT": {"equity_interval_sec": 7}} if interval else {}
    result = run_parallel_backtest(tmp_path / "ticks", "v1_baseline", config, equity_interval=interval)
    alone = MarketMakingBacktest(config, equity_interval=interval).run_streaming(tmp_path / "ticks")
    assert result.equity["AAA"].num_rows == rows
    assert alone.equity["AAA"].equals(result.equity["AAA"])
    assert alone.summary.equals(MarketMakingBacktest().run_streaming(tmp_path / "ticks").summary)
    options = ["--equity-interval", interval] if interval else []
    arguments = ["backtest", "--strategy", "v1_baseline", "--data", str(tmp_path / "ticks"), "--output"]
    assert CliRunner().invoke(app, [*arguments, str(tmp_path / "out"), *options]).exit_code == 0
    assert len((tmp_path / "out" / "aaa_equity.csv").read_text().splitlines()) == rows + 1


def test_an_interval_that_cannot_be(folder: Path) -> None:
    bounds = r"equity_interval must be at least 1ms and at most 1000000000s, found "
    wrong = [(timedelta(0), bounds), ("999us", f"{bounds}'999us'"), ("1000000001s", bounds)]
    for interval, message in (("soon", "soon"), ("0s", "0s"), *wrong):
        with pytest.raises(OptionError, match=message):
            run_parallel_backtest(folder / "ticks", "v1_baseline", equity_interval=interval)
    for interval in ("1ms", "1000000000s"):  # The engine's bounds are the same.
        MarketMakingBacktest(equity_interval=interval)
    (allowed,) = [each.allowed for each in venue_parameters() if each.name == "equity_interval_sec"]
    assert allowed == "a number from 0.001 to 1000000000 or null"
