"""Sweeps: equal to runs of their own, the same with any number of threads, resumed after a kill, and what is luck."""

import csv
import json
import math
import os
import re
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.backtest.sweep_sets import read_sets
from sabot.errors import OptionError
from scipy import stats

from sabot import _native
from sabot.backtest import MultipleTestingWarning, SweepProgress, run_parallel_backtest, sweep

DAY_NS = 86_400_000_000_000
CONFIG = {"DEFAULT": {"min_local_currency_before_quote": 0, "maker_fee_bps": 0.25}, "BETA": {"order_latency_ms": 250}}
GRID = {"refill_interval_sec": [5, 60, 0.5], "quote_size": [100, 7000], "queue": ["fifo", "risk_averse"]}
KILLED = -signal.SIGKILL


def write_ticks(path: Path, seed: int, days: int, rows: int) -> None:
    """A market whose mid wanders by ticks of 0.01 around 10."""
    random = np.random.default_rng(seed)
    count = days * rows
    times = np.repeat(np.arange(days) + 19_943, rows) * DAY_NS + 36_000 * 10**9
    times = times + np.tile(np.arange(rows), days) * 2 * 10**9 + random.integers(0, 10**9, count)
    kinds = random.integers(0, 3, count)
    offsets = np.choose(kinds, [np.full(count, -1), np.full(count, 1), random.integers(-2, 3, count)])
    cents = 1_000 + np.cumsum(random.choice([-1, 0, 0, 0, 0, 0, 1], count)) + offsets
    kind = pa.DictionaryArray.from_arrays(pa.array(kinds, pa.int8()), pa.array(["bid", "ask", "trade"]))
    columns = {
        "timestamp": pa.array(times, pa.timestamp("ns")),
        "type": kind,
        "price": cents / 100,
        "volume": random.integers(1, 200, count) * 100.0,
    }
    pq.write_table(pa.table(columns), path)


@pytest.fixture(scope="module")
def ticks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ticks")
    for name, seed, days, rows in (("ALPHA", 1, 1, 2_000), ("BETA", 2, 3, 1_500), ("GAMMA", 3, 5, 800)):
        write_ticks(folder / f"{name}.parquet", seed, days, rows)
    return folder


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# --- wrong use ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "sweep: give grid, random or sets, found none of them."),
        ({"grid": {"quote_size": [1]}, "sets": []}, "sweep: give grid, random or sets, found grid and sets."),
        ({"random": {"quote_size": (1, 2)}}, "sweep: random needs samples, the number of sets to draw."),
        ({"grid": {"quote_size": [1]}, "samples": 3}, "sweep: samples are for random, found grid."),
        ({"grid": {}}, "found {} where a grid"),
        ({"grid": {"quote_size": [1, 1.0]}}, "'quote_size' has the value 1.0 twice"),
        ({"grid": {"quote_size": [math.nan]}}, "cannot be written as JSON"),
        ({"grid": {"quote_sise": [1]}}, "sweep: set 0: .*unknown key 'quote_sise'. Nearest names: 'quote_size'"),
        ({"grid": {"quote_size": [1, -1]}}, "sweep: set 1: .*quote_size is -1; expected a number above 0"),
        ({"grid": {"queue": ["fifo", "lifo"]}}, 'sweep: set 1: .*queue is "lifo"'),
        ({"random": {"quote_size": (1, 2, "lin")}, "samples": 1}, r"must be \(low, high\), \(low, high, 'log'\)"),
        ({"random": {"quote_size": (2, 1)}, "samples": 1}, "its low end is above its high end"),
        ({"random": {"quote_size": (0, 1, "log")}, "samples": 1}, "a logarithm needs ends above 0"),
        ({"random": {"quote_size": (1, 2.5, "int")}, "samples": 1}, "whole numbers"),
        ({"random": {"quote_size": (1, 2)}, "samples": 0}, "sweep: 0 parameter sets"),
        ({"random": {"quote_size": (1, 2)}, "samples": 1, "seed": -1}, "seed must be from 0"),
        ({"sets": []}, "where a list of sets"),
        ({"grid": GRID, "max_workers": 0}, "max_workers must be >= 1"),
        ({"grid": GRID, "sets_per_scan": 0}, r"sets_per_scan must be >= 1, found 0\."),
        ({"grid": GRID, "metric": "sharp"}, "there is no metric 'sharp'. Nearest names: 'sharpe'"),
        ({"grid": GRID, "restart": True}, "restart forgets what output_dir holds"),
        ({"grid": GRID, "config": {"DEFAULT": {"quote_sice": 1}}}, "unknown key 'quote_sice'"),
    ],
)
def test_what_is_wrong(ticks: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        sweep(ticks, "v1_baseline", **options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"grid": {"quote_size": 5}}, r"the values of 'quote_size' must be a list, found 5. Write \[5\]"),
        ({"grid": ["quote_size"]}, "grid must be a dict by parameter"),
        ({"sets": [{"quote_size": 1}, 2]}, "set 1 must be a dict by parameter, found 2"),
    ],
)
def test_what_is_of_another_type(ticks: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        sweep(ticks, "v1_baseline", **options)


def test_no_ticks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="the folder holds no file"):
        sweep(tmp_path, "v1_baseline", grid=GRID)


def test_a_folder_of_another_sweep(ticks: Path, tmp_path: Path) -> None:
    sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path)
    with pytest.raises(OptionError, match='holds another sweep: strategy is "v1_baseline" there and'):
        sweep(ticks, "v2_price_follow", CONFIG, grid=GRID, output_dir=tmp_path)
    first = files(tmp_path)
    sweep(ticks, "v2_price_follow", CONFIG, grid=GRID, output_dir=tmp_path, restart=True)
    assert files(tmp_path).keys() == first.keys()
    assert files(tmp_path)["sweep_results.csv"] != first["sweep_results.csv"]


# --- sets ---


def test_files_of_sets(tmp_path: Path) -> None:
    (tmp_path / "sets.csv").write_text("quote_size,queue,max_notional\n100, fifo,null\n2.5e3,,7\n\n")
    expected = [{"quote_size": 100, "queue": "fifo", "max_notional": None}, {"quote_size": 2500, "max_notional": 7}]
    assert read_sets(tmp_path / "sets.csv") == expected
    (tmp_path / "sets.json").write_text(json.dumps(expected))
    assert read_sets(tmp_path / "sets.json") == expected


def test_flags_as_programs_write_them(ticks: Path, tmp_path: Path) -> None:
    path = tmp_path / "sets.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["quote_cross"], [True], [False]])
    assert read_sets(path) == [{"quote_cross": True}, {"quote_cross": False}]
    listed = sweep(ticks, "v1_baseline", CONFIG, sets=path, output_dir=tmp_path / "listed")
    assert listed.by_set["quote_cross"].to_pylist() == [True, False]
    assert listed.by_set["trades"][0] != listed.by_set["trades"][1]
    (tmp_path / "config.json").write_text(json.dumps(CONFIG))
    words = ["--strategy", "v1_baseline", "--data", ticks, "--config", tmp_path / "config.json"]
    for grid in ("quote_cross=true,false", "quote_cross=TRUE,False"):
        code, _, told = command(*words, "--grid", grid, "--output", tmp_path / grid)
        assert code == 0, told
        assert files(tmp_path / grid) == files(tmp_path / "listed")
    code, _, told = command(*words, "--grid", "quote_cross=true,yes")
    assert code == 2
    assert 'sweep: set 1: v1_baseline config: parameters: quote_cross is "yes"; expected true or false.' in told


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "", "the first line must name a parameter a column"),
        ("a.csv", "x,x\n1,2\n", "each once"),
        ("a.csv", "x;y\n1;2\n", "a.csv: between the cells of the first line stands ';'; expected a comma."),
        ("a.csv", "x\ty\n1\t2\n", "stands 'tab'; expected a comma."),
        ("a.csv", "x,y\n1\n", "a.csv: line 2 has 1 cells, expected 2"),
        ("a.json", "{}", "a.json: expected a list of objects"),
        ("a.json", "[1]", "a.json: expected a list of objects"),
        ("a.json", "[", "a.json: line 1, column 2"),
    ],
)
def test_files_that_hold_no_sets(tmp_path: Path, name: str, text: str, message: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(OptionError, match=message):
        read_sets(tmp_path / name)


def drawn_word(seed: int, name: str, index: int) -> int:
    """The definition in parameter_sets.h, in Python's integers."""
    mask, golden = 2**64 - 1, 0x9E3779B97F4A7C15

    def mix(word: int) -> int:
        word = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & mask
        word = (word ^ word >> 27) * 0x94D049BB133111EB & mask
        return word ^ word >> 31

    name_hash = 0xCBF29CE484222325
    for byte in name.encode():
        name_hash = (name_hash ^ byte) * 0x100000001B3 & mask
    return mix(mix(mix(seed + golden & mask) ^ name_hash) + (index + 1) * golden & mask)


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1])
def test_random_sets_are_reproducible(ticks: Path, seed: int) -> None:
    ranges = {
        "quote_size": (1_000, 5_000, "int"),
        "order_latency_ms": (0.5, 8.0),
        "refill_interval_sec": (10, 600, "log"),
        "queue": ["fifo", "risk_averse"],
    }
    found = sweep(ticks, "v1_baseline", random=ranges, samples=20, seed=seed, max_sheets=1).by_set.to_pylist()
    for index, row in enumerate(found):
        u = {name: (drawn_word(seed, name, index) >> 11) / 2**53 for name in ranges}
        assert row["quote_size"] == 1_000 + math.floor(u["quote_size"] * 4_001)
        assert row["order_latency_ms"] == 0.5 + u["order_latency_ms"] * 7.5
        logarithm = math.log(10) + u["refill_interval_sec"] * (math.log(600) - math.log(10))
        assert row["refill_interval_sec"] == pytest.approx(math.exp(logarithm), rel=1e-14)
        assert row["queue"] == ["fifo", "risk_averse"][int(u["queue"] * 2)]


def test_what_a_set_leaves_is_the_configuration_s(ticks: Path) -> None:
    listed = [{"quote_size": 500}, {"quote_size": np.int64(500), "maker_fee_bps": 0.25, "max_notional": None}, {}]
    table = sweep(ticks, "v1_baseline", CONFIG, sets=listed).table
    metrics = table.drop_columns(["set", "quote_size", "maker_fee_bps", "max_notional"])
    assert metrics.slice(0, 3).equals(metrics.slice(3, 3))
    assert not metrics.slice(0, 3).equals(metrics.slice(6, 3))
    assert table["quote_size"].to_pylist() == [500.0] * 6 + [None] * 3


# --- values ---


def test_every_column_is_that_of_an_isolated_run(ticks: Path, tmp_path: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / "sweep", max_workers=2)
    head, *rows = lines(tmp_path / "sweep" / "sweep_results.csv")
    assert head[:5] == ["set", "security", "refill_interval_sec", "quote_size", "queue"]
    assert [row[0] for row in rows] == [str(number) for number in range(12) for _ in range(3)]
    for number in range(12):
        row = rows[3 * number]
        own = {head[2]: float(row[2]), head[3]: float(row[3]), head[4]: row[4]}
        config = {name: {**keys, **own} for name, keys in CONFIG.items()}
        folder = tmp_path / str(number)
        run_parallel_backtest(ticks, "v1_baseline", config, output_dir=folder)
        isolated = lines(folder / "backtest_summary.csv")
        assert [["security", *head[5:]], *([row[1], *row[5:]] for row in rows[3 * number : 3 * number + 3])] == isolated
    assert sum(result.table["trades"].to_pylist()) > 1_000


def test_any_number_of_workers_gives_the_same_bytes(ticks: Path, tmp_path: Path) -> None:
    for workers in (1, 2, 5):
        sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / str(workers), max_workers=workers)
    first = files(tmp_path / "1")
    assert set(first) >= {"sweep_results.csv", "sweep_summary.csv", "sweep.json"}
    assert files(tmp_path / "2") == first
    assert files(tmp_path / "5") == first


def test_the_files_are_the_tables(ticks: Path, tmp_path: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path)
    for name, table in (("sweep_results.csv", result.table), ("sweep_summary.csv", result.by_set)):
        head, *rows = lines(tmp_path / name)
        assert head == table.column_names
        for row, values in zip(rows, table.to_pylist(), strict=True):
            for cell, value in zip(row, values.values(), strict=True):
                assert cell == "" if value is None else type(value)(cell) == value


def isolated_days(ticks: Path, tmp_path: Path, own: dict[str, Any]) -> dict[int, float]:
    """The pnl of all securities by date, from the trades of isolated runs: dates with a trade of the market."""
    config = {name: {**keys, **own} for name, keys in CONFIG.items()}
    trades = run_parallel_backtest(ticks, "v1_baseline", config).trades
    days: dict[int, float] = {}
    for path in sorted(ticks.glob("*.parquet")):
        market = pq.read_table(path)
        is_trade = np.asarray(market["type"].to_pylist()) == "trade"
        for date in np.unique(market["timestamp"].cast(pa.int64()).to_numpy()[is_trade] // DAY_NS):
            days.setdefault(int(date), 0.0)
        for row in trades[path.stem].select(["timestamp", "realized_pnl", "fill_price", "fill_qty"]).to_pylist():
            fee = row["fill_price"] * row["fill_qty"] * 0.25 / 1e4
            days[row["timestamp"].value // DAY_NS] += row["realized_pnl"] - fee
    return dict(sorted(days.items()))


def test_sets_over_all_securities_and_what_is_luck(ticks: Path, tmp_path: Path) -> None:
    """Against scipy and the formulas of the paper."""
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID)
    rows = result.by_set.to_pylist()
    daily = [
        np.array(list(isolated_days(ticks, tmp_path, {name: row[name] for name in GRID}).values())) for row in rows
    ]
    sharpes = np.array([pnl.mean() / pnl.std(ddof=1) for pnl in daily])
    trials = len(sharpes)
    euler = 0.5772156649015329
    luck = math.sqrt(sharpes.var(ddof=1)) * (
        (1 - euler) * stats.norm.ppf(1 - 1 / trials) + euler * stats.norm.ppf(1 - 1 / (trials * math.e))
    )
    assert result.trials == trials == 12
    assert result.sharpe_expected == pytest.approx(luck * math.sqrt(252), rel=1e-9)
    for row, pnl, sharpe in zip(rows, daily, sharpes, strict=True):
        assert (row["securities"], row["failed"], row["market_dates"], row["rows"]) == (3, 0, 5, 10_500)
        assert row["pnl"] == pytest.approx(pnl.sum(), rel=1e-9)
        assert row["pnl"] == row["realized_pnl"] - row["fees"]
        assert row["sharpe"] == pytest.approx(sharpe * math.sqrt(252), rel=1e-9)
        equity = np.concatenate([[0.0], pnl.cumsum()])
        assert row["max_drawdown"] == pytest.approx((np.maximum.accumulate(equity) - equity).max(), rel=1e-9, abs=1e-9)
        skewness, kurtosis = stats.skew(pnl), stats.kurtosis(pnl, fisher=False)
        error = 1 - skewness * sharpe + (kurtosis - 1) / 4 * sharpe**2
        expected = stats.norm.cdf((sharpe - luck) * math.sqrt(len(pnl) - 1) / math.sqrt(error))
        assert row["deflated_sharpe"] == pytest.approx(expected, rel=1e-9)


def test_the_best_set(ticks: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID)
    rows = result.by_set.to_pylist()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MultipleTestingWarning)
        for metric, choose in (("sharpe", max), ("pnl", max), ("max_drawdown", min), ("fees", min)):
            best = result.best(metric)
            assert best.metrics[metric] == choose(row[metric] for row in rows)
            assert best.parameters == {name: rows[best.number][name] for name in GRID}
    with pytest.raises(OptionError, match=r"there is no metric 'pln'. Nearest names: 'pnl'"):
        result.best("pln")
    assert result.warning is not None
    assert re.search(r"12 sets were tried: the best of so many without any skill would show a Sharpe", result.warning)


def test_a_best_set_that_may_be_luck_warns(ticks: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid={"maker_fee_bps": [0, 2, 4, 6, 8, 10]})
    assert max(row["deflated_sharpe"] for row in result.by_set.to_pylist()) < 0.95
    with pytest.warns(MultipleTestingWarning, match="6 sets were tried.*Below 0.95 it may well be luck"):
        result.best()
    alone = sweep(ticks, "v1_baseline", CONFIG, sets=[{"maker_fee_bps": 0}])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert alone.best().number == 0
    assert alone.warning is None


def test_too_few_days_for_a_sharpe_ratio(ticks: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID, max_sheets=1)
    assert result.trials == 0
    with pytest.raises(OptionError, match="a Sharpe ratio needs two days with trades"):
        result.best()
    assert result.best("pnl").metrics["sharpe"] is None
    assert result.warning is None


def test_a_heat_map(ticks: Path) -> None:
    result = sweep(ticks, "v1_baseline", CONFIG, grid=GRID)
    by_set = result.by_set.to_pylist()
    found = result.heatmap("refill_interval_sec", "quote_size", "pnl")
    assert found.column_names == [
        "quote_size",
        "refill_interval_sec=0.5",
        "refill_interval_sec=5",
        "refill_interval_sec=60",
    ]
    for row in found.to_pylist():
        for refill in (0.5, 5.0, 60.0):
            cell = [
                each["pnl"]
                for each in by_set
                if (each["refill_interval_sec"], each["quote_size"]) == (refill, row["quote_size"])
            ]
            assert row[f"refill_interval_sec={refill:g}"] == pytest.approx(sum(cell) / 2, rel=1e-12)
    assert result.heatmap("queue", "quote_size").column_names == ["quote_size", "queue=fifo", "queue=risk_averse"]
    with pytest.raises(OptionError, match="there is no parameter 'refill'"):
        result.heatmap("refill", "quote_size")
    with pytest.raises(OptionError, match="x and y of a heat map must differ"):
        result.heatmap("queue", "queue")


def test_a_security_that_fails(ticks: Path, tmp_path: Path) -> None:
    for path in ticks.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "BROKEN.parquet").write_bytes(b"no ticks")
    result = sweep(tmp_path, "v1_baseline", CONFIG, grid=GRID)
    whole = sweep(ticks, "v1_baseline", CONFIG, grid=GRID)
    assert result.failed == 12
    assert result.table.filter(pa.compute.is_null(result.table["error"])).equals(whole.table)
    assert result.by_set["pnl"].equals(whole.by_set["pnl"])
    assert result.by_set["failed"].to_pylist() == [1] * 12
    with pytest.raises(OptionError, match="each of them failed for a security"):
        result.best()


def test_progress(ticks: Path) -> None:
    seen: list[Any] = []
    sweep(ticks, "v1_baseline", CONFIG, grid=GRID, progress=seen.append)
    assert (seen[-1].simulations, seen[-1].simulations_all, seen[-1].ticks) == (36, 36, 12 * 10_500)
    assert seen[-1].fraction == pytest.approx(1)
    with pytest.raises(RuntimeError, match="enough"):
        sweep(ticks, "v1_baseline", CONFIG, grid=GRID, progress=lambda _: (_ for _ in ()).throw(RuntimeError("enough")))


def test_interrupted_and_resumed(ticks: Path, tmp_path: Path) -> None:
    def interrupt(_now: SweepProgress) -> None:
        raise KeyboardInterrupt

    sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / "out", progress=interrupt)
    sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")


# --- the command ---


def command(*words: object, fault: str | None = None, folder: Path | None = None) -> tuple[int, str, str]:
    environment = {name: value for name, value in os.environ.items() if name != "SABOT_FAULT_POINT"}
    if fault is not None:
        environment["SABOT_FAULT_POINT"] = fault
    process = subprocess.run(
        [sys.executable, "-m", "sabot", "sweep", *map(str, words)],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return process.returncode, process.stdout, process.stderr


GRID_WORDS = (
    "--grid",
    "refill_interval_sec=5,60,0.5",
    "--grid",
    "quote_size=100,7000",
    "--grid",
    "queue=fifo,risk_averse",
)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--grid", "quote_size"], "--grid quote_size: expected KEY=A,B,...\n"),
        (["--grid", "quote_size=1", "--grid", "quote_size=2"], "'quote_size' is given twice"),
        (["--random", "quote_size=1:2:3:4", "--samples", "3"], "expected LOW:HIGH, LOW:HIGH:log or LOW:HIGH:int"),
        (["--random", "quote_size=a:2", "--samples", "3"], "expected LOW:HIGH"),
        (["--random", "quote_size=1:2"], "random needs samples"),
        (["--grid", "quote_size=1", "--sets", "x.csv"], "found grid and sets"),
        (["--sets", "missing.csv"], "missing.csv: No such file or directory"),
    ],
)
def test_the_command_s_mistakes(ticks: Path, words: list[str], message: str) -> None:
    code, _, told = command("--strategy", "v1_baseline", "--data", ticks, *words)
    assert code == 2, told
    assert message in told


def test_the_command(ticks: Path, tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(json.dumps(CONFIG))
    words = ["--strategy", "v1_baseline", "--config", tmp_path / "c.json", "--data", ticks]
    code, out, told = command(*words, *GRID_WORDS, "--output", tmp_path / "out", "--max-workers", 2)
    assert code == 0, told
    sweep(ticks, "v1_baseline", CONFIG, grid=GRID, output_dir=tmp_path / "api")
    assert files(tmp_path / "out") == files(tmp_path / "api")
    assert out.split()[:4] == ["set", "refill_interval_sec", "quote_size", "queue"]
    assert len(out.splitlines()) == 11
    assert "12 sets were tried" in told
    assert "36 simulations in " in told
    code, out, told = command(*words, *GRID_WORDS, "--output", tmp_path / "out")
    assert "36 simulations, 36 of an earlier run" in told


def test_the_command_draws_and_lists(ticks: Path, tmp_path: Path) -> None:
    words = ["--strategy", "v1_baseline", "--data", ticks, "-q"]
    ranges = ["--random", "refill_interval_sec=10:600:log", "--random", "quote_size=1000:5000:int"]
    code, out, told = command(
        *words,
        *ranges,
        "--random",
        "queue=fifo,risk_averse",
        "--random",
        "maker_fee_bps=-1:1",
        "--samples",
        5,
        "--seed",
        9,
        "--output",
        tmp_path / "drawn",
    )
    assert (code, out, told) == (0, "", "")
    drawn = {
        "refill_interval_sec": (10, 600, "log"),
        "quote_size": (1000, 5000, "int"),
        "queue": ["fifo", "risk_averse"],
        "maker_fee_bps": (-1, 1),
    }
    sweep(ticks, "v1_baseline", random=drawn, samples=5, seed=9, output_dir=tmp_path / "api")
    assert files(tmp_path / "drawn") == files(tmp_path / "api")

    head, *rows = lines(tmp_path / "drawn" / "sweep_summary.csv")
    with (tmp_path / "sets.csv").open("w") as file:
        csv.writer(file).writerows([head[1:5], *(row[1:5] for row in rows)])
    assert command(*words, "--sets", tmp_path / "sets.csv", "--output", tmp_path / "listed")[0] == 0
    assert files(tmp_path / "listed") == files(tmp_path / "drawn")


def test_the_command_tells_errors(ticks: Path, tmp_path: Path) -> None:
    (tmp_path / "ticks").mkdir()
    (tmp_path / "ticks" / "BROKEN.parquet").write_bytes(b"no ticks")
    (tmp_path / "ticks" / "ALPHA.parquet").write_bytes((ticks / "ALPHA.parquet").read_bytes())
    code, _, told = command(
        "--strategy", "v1_baseline", "--data", tmp_path / "ticks", *GRID_WORDS, "--output", tmp_path / "out"
    )
    assert code == 1
    assert "set 0, BROKEN: " in told
    assert f"7 more, all of them in {tmp_path}/out/sweep_results.csv" in told


# --- killed ---


@pytest.mark.parametrize("at", [1, 2, 5, 8])
def test_killed_and_resumed(ticks: Path, tmp_path: Path, at: int) -> None:
    words = ["--strategy", "v1_baseline", "--data", ticks, *GRID_WORDS, "--sets-per-scan", 4, "--output"]
    assert command(*words, tmp_path / "whole")[0] == 0
    killed = tmp_path / "killed"
    code, _, told = command(*words, killed, fault=f"part-file-renamed:{at}")
    assert code == KILLED, told
    assert not (killed / "sweep_results.csv").exists()
    code, _, told = command(*words, killed, fault="part-file-renamed", folder=tmp_path)
    assert code == KILLED, told
    code, _, told = command(*words, killed)
    assert code == 0, told
    assert f"36 simulations, {4 * (at + 1)} of an earlier run" in told
    assert files(killed) == files(tmp_path / "whole")


def test_fault_points_are_there() -> None:
    assert "part-file-renamed" in _native.fault_points()
