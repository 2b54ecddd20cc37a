"""Sweeps of strategies in Python: equal to runs of their own and to C++, isolated, resumed, known by their code."""

import csv
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtest_samples as samples
import pytest
from backtest_samples import write_folder
from sabot.backtest.processes import run_in_processes
from sabot.backtest.sweep_processes import code_of
from sabot.errors import OptionError

from sabot.backtest import Strategy, SweepProgress, processes, run_parallel_backtest, sweep, sweep_processes

NAMES = ("AAA", "BBB", "CCC")
CONFIG = {"DEFAULT": {"size": 50_000, "maker_fee_bps": 0.25}, "BBB": {"order_latency_ms": 250}}
HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("sweep") / "ticks", NAMES, rows=1_500)


def lines(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def tables(folder: Path) -> list[bytes]:
    return [(folder / name).read_bytes() for name in ("sweep_results.csv", "sweep_summary.csv", "sweep.json")]


# --- wrong use ---


def test_what_cannot_be_sent_to_a_process(data: Path) -> None:
    class Local(Strategy):
        """Only this function knows it."""

    with pytest.raises(OptionError, match="cannot be sent to a worker process, which imports it by its name"):
        sweep(data, Local, grid={"size": [1]})
    with pytest.raises(TypeError, match=r"is not derived from sabot\.backtest\.Strategy"):
        sweep(data, dict, grid={"size": [1]})
    with pytest.raises(OptionError, match="strategy: there is no module 'nowhere'"):
        sweep(data, "nowhere:Class", grid={"size": [1]})
    with pytest.raises(OptionError, match=r"sets_per_scan must be >= 1, found 0\."):
        sweep(data, samples.Joins, grid={"size": [1]}, sets_per_scan=0)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"sise": [1]}, r"sweep: set 0: Joins config: parameters: unknown key 'sise'. Nearest names: 'size'"),
        ({"size": [1, "much"]}, r"sweep: set 1: Joins config: parameters: size is \"much\"; expected a number"),
    ],
)
def test_sets_that_cannot_be(data: Path, grid: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        sweep(data, samples.Joins, grid=grid)


def test_a_folder_of_another_sweep(data: Path, tmp_path: Path) -> None:
    sweep(data, samples.wide, grid={"size": [1]}, max_sheets=1, output_dir=tmp_path)
    with pytest.raises(OptionError, match='holds another sweep: strategy is "wide" there and "Joins" here'):
        sweep(data, samples.Joins, grid={"size": [1]}, max_sheets=1, output_dir=tmp_path)
    with pytest.raises(OptionError, match='it was computed by other code of the strategy "wide"'):
        sweep(data, functools.partial(samples.wide, size=2), grid={"size": [1]}, max_sheets=1, output_dir=tmp_path)


# --- values ---


def test_sets_go_over_what_a_partial_binds(data: Path) -> None:
    sets = [{"size": 20}, {}]
    bound = sweep(data, functools.partial(samples.Joins, size=30), sets=sets, max_sheets=1)
    assert bound.table["volume"].to_pylist() == [
        sweep(data, samples.Joins, sets=[{"size": size}], max_sheets=1).table["volume"].to_pylist()[0]
        for size in (20, 30)
    ]


def test_every_column_is_that_of_an_isolated_run(data: Path, tmp_path: Path) -> None:
    sets: list[dict[str, Any]] = [{"size": 20_000, "queue": "fifo"}, {"queue": "risk_averse"}, {"max_position": None}]
    result = sweep(data, samples.Joins, CONFIG, sets=sets, output_dir=tmp_path / "sweep")
    head, *rows = lines(tmp_path / "sweep" / "sweep_results.csv")
    assert head[:5] == ["set", "security", "size", "queue", "max_position"]
    assert [row[:2] for row in rows] == [[str(number), name] for number in range(3) for name in NAMES]
    for number, own in enumerate(sets):
        config = {name: {**keys, **own} for name, keys in CONFIG.items()}
        folder = tmp_path / str(number)
        run_parallel_backtest(data, samples.Joins, config, output_dir=folder)
        found = [["security", *head[5:]], *([row[1], *row[5:]] for row in rows[3 * number : 3 * number + 3])]
        assert found == lines(folder / "backtest_summary.csv")
    assert min(result.table["trades"].to_pylist()) > 10
    assert result.failed == 0


def test_the_same_strategy_in_c_and_in_python(data: Path, tmp_path: Path) -> None:
    grid = {"quote_size": [10_000, 50_000], "refill_interval_sec": [60, 180]}
    ours = sweep(data, samples.Baseline, grid=grid, output_dir=tmp_path / "python")
    theirs = sweep(data, "v1_baseline", grid=grid, output_dir=tmp_path / "c")
    assert ours.table.combine_chunks().equals(theirs.table.combine_chunks())
    assert ours.by_set.equals(theirs.by_set)
    assert tables(tmp_path / "python")[:2] == tables(tmp_path / "c")[:2]
    assert (ours.trials, ours.sharpe_expected) == (theirs.trials, theirs.sharpe_expected)
    assert ours.trials == 4


def test_any_number_of_workers_gives_the_same_bytes(data: Path, tmp_path: Path) -> None:
    seen: list[SweepProgress] = []
    for workers in (1, 3):
        sweep(
            data,
            samples.Joins,
            CONFIG,
            grid={"size": [100, 20_000]},
            max_workers=workers,
            output_dir=tmp_path / str(workers),
            progress=seen.append,
        )
    assert files(tmp_path / "1") == files(tmp_path / "3")
    last = seen[-1]
    assert (last.simulations, last.simulations_all, last.simulations_resumed) == (6, 6, 0)
    assert (last.ticks, last.fraction) == (2 * 4_500, 1.0)


# --- what changes meanwhile ---


def before_the_workers(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Make a change when all was read that the parent reads."""

    def changed(*arguments: Any) -> None:
        change()
        run_in_processes(*arguments)

    monkeypatch.setattr(processes, "run_in_processes", changed)
    monkeypatch.setattr(sweep_processes, "run_in_processes", changed)


def test_a_configuration_is_read_once(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.json"
    before_the_workers(monkeypatch, lambda: path.write_text('{"DEFAULT": {"size": 7}}'))

    def results(name: str, config: Any) -> tuple[list[bytes], dict[str, bytes]]:
        sweep(data, samples.Joins, config, grid={"queue": ["fifo"]}, output_dir=tmp_path / f"{name}_sweep")
        if isinstance(config, Path):
            config.write_text(json.dumps(CONFIG))
        run_parallel_backtest(data, samples.Joins, config, output_dir=tmp_path / name)
        return tables(tmp_path / f"{name}_sweep"), files(tmp_path / name)

    path.write_text(json.dumps(CONFIG))
    assert results("path", path) == results("dict", CONFIG)


def test_ticks_that_cannot_be_read_once_are_read_by_the_next_sweep(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks = shutil.copytree(data, tmp_path / "ticks")
    path, away = ticks / "bbb.parquet", tmp_path / "away"
    with monkeypatch.context() as patched:
        before_the_workers(patched, lambda: path.rename(away))
        result = sweep(ticks, samples.Joins, CONFIG, grid={"size": [1, 2]}, output_dir=tmp_path / "out")
    assert result.failed == 2
    away.rename(path)
    result = sweep(ticks, samples.Joins, CONFIG, grid={"size": [1, 2]}, output_dir=tmp_path / "out")
    assert (result.failed, result.resumed) == (0, 4)


# --- processes ---


def test_a_worker_has_its_next_task_before_its_results_are_kept(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    give, put = processes._Worker.give, processes._Pool._complete

    def given(worker: Any, index: int, task: Any) -> None:
        seen.append("give")
        give(worker, index, task)

    def kept(pool: Any, *arguments: Any) -> None:
        seen.append("keep")
        put(pool, *arguments)

    monkeypatch.setattr(processes._Worker, "give", given)
    monkeypatch.setattr(processes._Pool, "_complete", kept)
    sweep(data, samples.Joins, grid={"size": [1]}, max_workers=1)
    assert seen == ["give", "give", "keep", "give", "keep", "keep"]


def test_a_second_sigterm_ends_no_cleanup() -> None:
    before = signal.signal(signal.SIGTERM, processes._stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


# --- one that fails ---


def without(rows: list[list[str]], number: str) -> list[list[str]]:
    """The other sets' rows, without the column that counts sets."""
    return [row[1:] for row in rows if row[0] != number]


def test_a_set_that_raises_changes_no_other(data: Path, tmp_path: Path) -> None:
    sets = [{"how": "not", "size": 100}, {"how": "raise", "size": 200}, {"how": "not", "size": 20_000}]
    sweep(data, samples.Fails, CONFIG, sets=[sets[0], sets[2]], output_dir=tmp_path / "whole", max_workers=2)
    for workers in (1, 2):
        out = tmp_path / str(workers)
        result = sweep(data, samples.Fails, CONFIG, sets=sets, output_dir=out, max_workers=workers)
        assert result.failed == 3
        for name in ("sweep_results.csv", "sweep_summary.csv"):
            assert without(lines(out / name), "1") == without(lines(tmp_path / "whole" / name), "none"), name
        errors = result.table["error"].to_pylist()[3:6]
        assert all(each.startswith("ZeroDivisionError: a\nb (on_tick, backtest_samples.py line ") for each in errors)
        assert result.by_set["market_dates"].to_pylist()[1] == 0
        assert result.ranked("pnl")["set"].to_pylist() == [0, 2]
    again = sweep(data, samples.Fails, CONFIG, sets=sets, output_dir=tmp_path / "1")
    assert (again.resumed, again.failed) == (9, 3)  # It would raise again.


def test_a_worker_that_is_killed_is_a_row_and_is_tried_again(data: Path, tmp_path: Path) -> None:
    sets = [{"size": 100}, {"how": "kill", "at": 20}, {"size": 20_000}]
    whole = sweep(data, samples.Fails, sets=[sets[0], sets[2]], max_workers=2)
    result = sweep(data, samples.Fails, sets=sets, output_dir=tmp_path, max_workers=2)
    assert result.table["error"].to_pylist() == [None] * 3 + ["worker process died (signal 9)"] * 3 + [None] * 3
    assert result.by_set["failed"].to_pylist() == [0, 3, 0]
    for column in ("trades", "pnl", "market_dates", "sharpe", "deflated_sharpe"):
        assert result.by_set[column].take([0, 2]).to_pylist() == whole.by_set[column].to_pylist()
    again = sweep(data, samples.Fails, sets=sets, output_dir=tmp_path, max_workers=2)
    assert (again.resumed, again.failed) == (6, 3)
    assert again.table.combine_chunks().equals(result.table.combine_chunks())


def test_a_security_that_cannot_be_read(data: Path, tmp_path: Path) -> None:
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "broken.parquet").write_bytes(b"no ticks")
    grid = {"size": [100, 20_000]}
    result = sweep(tmp_path, samples.Joins, grid=grid)
    whole = sweep(data, samples.Joins, grid=grid)
    assert result.by_set["failed"].to_pylist() == [1, 1]
    assert result.by_set["sharpe"].equals(whole.by_set["sharpe"])


def test_interrupted_and_resumed(data: Path, tmp_path: Path) -> None:
    def interrupt(now: SweepProgress) -> None:
        if now.simulations > now.simulations_resumed:
            raise KeyboardInterrupt

    grid = {"size": [100, 20_000]}
    sweep(data, samples.Joins, grid=grid, output_dir=tmp_path / "whole")
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            sweep(data, samples.Joins, grid=grid, output_dir=tmp_path / "out", max_workers=1, progress=interrupt)
    assert sweep(data, samples.Joins, grid=grid, output_dir=tmp_path / "out").resumed == 2
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert sweep(data, samples.Joins, grid=grid, output_dir=tmp_path / "out").resumed == 6
    assert tables(tmp_path / "out") == tables(tmp_path / "whole")


# --- the command ---


def command(*words: object, fault: str | None = None, folder: Path = HERE) -> tuple[int, str]:
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
    return process.returncode, process.stderr


def test_killed_and_resumed(data: Path, tmp_path: Path) -> None:
    words = ["--strategy", "backtest_samples:Joins", "--data", data, "--grid", "size=100,20000", "--max-workers", 2]
    assert command(*words, "--output", tmp_path / "whole")[0] == 0
    killed = tmp_path / "killed"
    for _ in range(2):
        code, told = command(*words, "--output", killed, fault="part-file-renamed:2")
        assert code == -signal.SIGKILL, told
        assert not (killed / "sweep_results.csv").exists()
    code, told = command(*words, "--output", killed)
    assert code == 0, told
    assert "6 simulations, 4 of an earlier run" in told
    assert files(killed) == files(tmp_path / "whole")


SOURCE = """
from base import Base

class Own(Base):
    size: float = 100.0

def make(size: float = 100.0):
    return Base(size=size)
"""
BASE = """
from sabot.backtest import Strategy

class Base(Strategy):
    size: float = 1.0

    def on_tick(self, moment, orders):
        if moment.bid is not None and not orders.open:
            orders.buy(moment.bid, self.size)
"""


@pytest.mark.parametrize("name", ["Own", "make"])
def test_a_module_that_was_changed(data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "own.py").write_text(SOURCE)
    (tmp_path / "base.py").write_text(BASE)
    words = ["--strategy", f"own:{name}", "--data", data, "--grid", "size=100", "--max-sheets", 1, "--output", "out"]
    code, told = command(*words, folder=tmp_path)
    assert code == 0, told
    code, told = command(*words, folder=tmp_path)
    assert "1 simulations, 1 of an earlier run" in told
    for path, text in (("own.py", SOURCE), ("base.py", BASE)):
        (tmp_path / path).write_text(text + "\nHERE = 1\n")
        code, told = command(*words, folder=tmp_path)
        assert code == 2
        assert f'it was computed by other code of the strategy "{name}": its library or module was changed' in told
        assert "forget what it holds with restart (--restart)" in told
        (tmp_path / path).write_text(text)
    code, told = command(*words, "--restart", folder=tmp_path)
    assert code == 0, told


def test_code_is_that_of_files_and_partials() -> None:
    assert code_of(samples.Joins) == code_of(samples.Baseline)  # They are in one file.
    assert code_of(samples.Joins) == code_of(samples.wide)
    partials = [functools.partial(samples.wide, size=size) for size in (1.0, 2.0, 2.0)]
    assert code_of(partials[0]) != code_of(partials[1])
    assert code_of(partials[1]) == code_of(partials[2])
