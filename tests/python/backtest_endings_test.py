"""How runs end, and what they leave: SIGTERM, kill -9, and the next run into the same folder."""

import fcntl
import os
import signal
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from backtest_samples import files_of, ticks, write_folder, write_ticks
from backtest_test import assert_all_end, begun, children_of
from pyarrow import csv
from sabot.backtest.temporary_folder import temporary_folder
from sabot.backtest.workbooks import generate_tick_workbook
from sabot.errors import OptionError

from sabot.backtest import MarketMakingBacktest, run_parallel_backtest

# --- SIGTERM ---


@pytest.mark.parametrize("parallel", [True, False])
def test_sigterm_leaves_whole_files_and_no_process(parallel: bool, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "ticks")
    running, out = begun(parallel, data, tmp_path), tmp_path / "out"
    below = children_of(running.pid)
    os.kill(running.pid, signal.SIGTERM)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 143, errors
    assert errors == f"sabot: ended by SIGTERM. The files of securities that were done are kept in {out}.\n"
    assert sorted(files_of(out)) == ["aaa_equity.csv", "aaa_trades_timeseries.csv", "backtest_unfinished.csv"]
    assert_all_end(below)


def ended_at(place: str, arguments: list[str], tmp_path: Path) -> "subprocess.CompletedProcess[str]":
    """`sabot`, with SIGTERM from itself when it comes to the place: module:name of a function, the first argument."""
    script = f"""
    import importlib, os, signal, sys
    from sabot.cli import main
    name, _, function = {place!r}.partition(":")
    module = importlib.import_module(name)
    inner = getattr(module, function)
    def ends(*arguments, **options):
        os.kill(os.getpid(), signal.SIGTERM)
        return inner(*arguments, **options)
    setattr(module, function, ends)
    sys.argv = ["sabot", *{arguments!r}]
    main()
    """
    text = "\n".join(line[4:] for line in script.splitlines())
    environment = os.environ | {"TMPDIR": str(tmp_path / "temporary"), "PYTHONPATH": os.pathsep.join(sys.path)}
    (tmp_path / "temporary").mkdir()
    return subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, env=environment, cwd=tmp_path, check=False
    )


@pytest.mark.parametrize(
    ("place", "arguments", "message"),
    [
        ("sabot.backtest.ticks:converted_ticks", "backtest --strategy v1_baseline --data a.xlsx", ""),
        ("sabot.backtest.running:make_plan", "backtest --strategy v1_baseline --data a.xlsx --parallel --output o", ""),
        ("sabot._native:run_sweep", "sweep --strategy v1_baseline --data a.xlsx --grid quote_size=1,2", ""),
        (
            "sabot.backtest.sweeping:make_plan",
            "sweep --strategy v1_baseline --data a.xlsx --grid fees=1 --output o",
            "",
        ),
        ("sabot.backtest.ticks:converted_ticks", "convert a.xlsx out/", ": no file was complete"),
    ],
)
def test_sigterm_leaves_nothing(place: str, arguments: str, message: str, tmp_path: Path) -> None:
    generate_tick_workbook(tmp_path / "a.xlsx", securities=2, ticks=50)
    ended = ended_at(place, arguments.split(), tmp_path)
    assert ended.returncode == 143, ended.stderr
    assert ended.stderr.startswith(f"sabot: ended by SIGTERM. Nothing was written{message}")
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "out") == ["a.xlsx", "temporary"]
    assert list((tmp_path / "temporary").iterdir()) == []


def test_files_of_others_are_not_said_to_be_kept(tmp_path: Path) -> None:
    generate_tick_workbook(tmp_path / "a.xlsx", securities=1, ticks=50)
    (tmp_path / "out").mkdir()
    for name in ("mine_equity.csv", "backtest_unfinished.csv"):
        (tmp_path / "out" / name).write_text("security,parquet\n")
    arguments = "backtest --strategy v1_baseline --data a.xlsx --output out"
    ended = ended_at("sabot._native:prepare_backtest_folder", arguments.split(), tmp_path)
    assert ended.stderr == "sabot: ended by SIGTERM. Nothing was written: no security was done.\n"


# --- temporary folders ---


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_folders_of_the_dead_go(temporary: Path) -> None:
    script = "import os, signal\nfrom sabot.backtest.temporary_folder import temporary_folder\n" + (
        "with temporary_folder('sabot-ticks-') as folder:\n"
        "    open(folder + '/some.parquet', 'w').close()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = os.environ | {"TMPDIR": str(temporary), "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", script], env=environment, check=False).returncode == -signal.SIGKILL
    (dead,) = temporary.iterdir()
    assert (dead / "some.parquet").exists()
    empty = temporary / "sabot-ticks-empty"  # Whose owner died before it had a lock.
    empty.mkdir()
    foreign = temporary / "sabot-ticks-foreign"  # No folder of ours: it never had a lock.
    foreign.mkdir()
    (foreign / "mine.txt").write_text("mine")
    linked = temporary / "sabot-ticks-linked"
    linked.symlink_to(foreign)
    other = temporary / "other-ticks"
    other.mkdir()
    with temporary_folder("sabot-ticks-") as folder:
        assert Path(folder).is_dir()
        assert not dead.exists()
        assert not empty.exists()
    assert sorted(temporary.iterdir()) == [other, foreign, linked]
    assert (foreign / "mine.txt").exists()


def test_folders_of_the_living_stay(temporary: Path) -> None:
    with temporary_folder("sabot-ticks-") as first:
        with temporary_folder("sabot-ticks-") as second:
            assert first != second
            assert Path(first).is_dir()
        assert not Path(second).exists()
    assert list(temporary.iterdir()) == []


def test_a_folder_that_is_taken_away_before_it_is_locked_is_made_again(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    make, lock = tempfile.mkdtemp, fcntl.flock

    def making(prefix: str) -> str:
        made.append(make(prefix=prefix))
        if len(made) == 1:  # Somebody takes it for a forsaken one before it has a lock,
            Path(made[0]).rmdir()
        return made[-1]

    def locking(file: int, how: int) -> None:
        if len(made) == 2:  # or before the lock is held.
            (Path(made[1]) / ".owner").unlink()
            Path(made[1]).rmdir()
        lock(file, how)

    monkeypatch.setattr(tempfile, "mkdtemp", making)
    monkeypatch.setattr(fcntl, "flock", locking)
    with temporary_folder("sabot-ticks-") as folder:
        assert folder == made[2]
        assert Path(folder).is_dir()
    assert list(temporary.iterdir()) == []


# --- the next run into the same folder ---


def test_a_run_leaves_its_own_files_and_those_of_others(tmp_path: Path) -> None:
    data, out = write_folder(tmp_path / "ticks", ("AAA", "BBB", "C,c"), rows=300), tmp_path / "out"
    run_parallel_backtest(data, "v1_baseline", output_dir=out)
    (out / "report.html").write_text("mine")
    (out / "ddd_equity.csv").write_text("mine")
    (data / "aaa.parquet").unlink()
    (data / "c,c.parquet").unlink()
    write_ticks(data / "eee.parquet", "EEE", ticks(5, 300))
    expected = tmp_path / "expected"
    run_parallel_backtest(data, "v1_baseline", output_dir=expected)
    others = {"report.html": b"mine", "ddd_equity.csv": b"mine"}
    for again in (
        lambda: run_parallel_backtest(data, "v1_baseline", output_dir=out),
        lambda: MarketMakingBacktest().run_streaming(data, output_dir=out),
    ):
        again()
        assert files_of(out) == files_of(expected) | others
    MarketMakingBacktest().run_ticks(ticks(1, 300), security="FFF", output_dir=out)
    left = {"backtest_activity.json", "backtest_summary.csv", "fff_equity.csv", "fff_trades_timeseries.csv"}
    assert set(files_of(out)) == left | set(others)


def test_what_was_made_of_the_files_of_a_run_stays(tmp_path: Path) -> None:
    data, out = write_folder(tmp_path / "ticks", ("AAA",), rows=300), tmp_path / "out"
    MarketMakingBacktest().run_streaming(data, output_dir=out)
    (out / "aaa_equity.parquet").write_text("mine")
    MarketMakingBacktest().run_streaming(data, output_dir=out)
    assert (out / "aaa_equity.parquet").read_text() == "mine"
    MarketMakingBacktest().run_streaming(data, output_dir=out, parquet=True)
    assert pq.read_table(out / "aaa_equity.parquet").num_rows > 0
    MarketMakingBacktest().run_streaming(data, output_dir=out)
    assert not list(out.glob("*.parquet"))


def test_no_result_takes_the_place_of_ticks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_folder(tmp_path / "ticks", ("FAB", "FAB_EQUITY"), rows=300)
    before = files_of(data)
    monkeypatch.chdir(data)
    for run in (partial(run_parallel_backtest, strategy="v1_baseline"), MarketMakingBacktest().run_streaming):
        with pytest.raises(OptionError, match=r"fab_equity\.parquet' holds ticks .* results of 'FAB' .* folder '\.'"):
            run("*.parquet", output_dir=".", parquet=True)
    assert files_of(data) == before
    (tmp_path / "csv").mkdir()
    csv.write_csv(ticks(1, 300).append_column("security", [["FAB"] * 300]), tmp_path / "csv" / "fab_equity.csv")
    before_csv = files_of(tmp_path / "csv")
    with pytest.raises(OptionError, match=r"fab_equity\.csv' holds ticks"):
        MarketMakingBacktest().run_streaming(tmp_path / "csv" / "fab_equity.csv", output_dir=tmp_path / "csv")
    assert files_of(tmp_path / "csv") == before_csv
    run_parallel_backtest("*.parquet", "v1_baseline", output_dir=data)
    assert before.items() <= files_of(data).items()


def test_results_do_not_go_among_the_ticks(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "ticks", ("AAA",), rows=300)
    before = files_of(data)
    (tmp_path / "link").symlink_to(data)
    generate_tick_workbook(tmp_path / "a.xlsx", securities=1, ticks=50)
    for run in (partial(run_parallel_backtest, strategy="v1_baseline"), MarketMakingBacktest().run_streaming):
        with pytest.raises(OptionError, match=r"output_dir '.*/link' is the folder of the ticks, '.*/ticks'\."):
            run([data], output_dir=tmp_path / "link")
        with pytest.raises(OptionError, match=r"output_dir '.*/new' is ticks_dir, '.*/new/'\."):
            run(tmp_path / "a.xlsx", output_dir=tmp_path / "new", ticks_dir=f"{tmp_path}/new/")
    assert files_of(data) == before
    assert not (tmp_path / "new").exists()


def test_a_run_takes_away_what_one_left_that_did_not_end(tmp_path: Path) -> None:
    data, out = write_folder(tmp_path / "ticks", ("AAA", "BBB"), rows=300), tmp_path / "out"

    def stop(now: object) -> None:
        if (out / "aaa_equity.csv").exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MarketMakingBacktest().run_streaming(data, output_dir=out, progress=stop)
    left = ["aaa_equity.csv", "aaa_trades_timeseries.csv", "backtest_unfinished.csv"]
    assert sorted(files_of(out)) == left
    assert (out / "backtest_unfinished.csv").read_text() == "security,parquet\nAAA,false\nBBB,false\n"
    MarketMakingBacktest().run_streaming(data, ["BBB"], output_dir=out)
    bbb = ["bbb_equity.csv", "bbb_trades_timeseries.csv"]
    assert sorted(files_of(out)) == ["backtest_activity.json", "backtest_summary.csv", *bbb]
