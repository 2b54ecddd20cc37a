"""Backtests from Python: what goes wrong stays where it is, then what a strategy sees and does, then the same bytes."""

import functools
import json
import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import backtest_samples as samples
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from backtest_samples import files_of, ticks, write_folder
from sabot.backtest.inputs import NoTicksWarning
from sabot.errors import DataError, FunctionError, OptionError, SchemaError
from sabot.fintech import BollingerBandsKernel, RollingStdKernel

import sabot
from sabot.backtest import (
    MarketMakingBacktest,
    Strategy,
    load_strategy_config,
    paper_trading,
    run_parallel_backtest,
    strategies,
    venue_parameters,
)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A folder with a tick file a security."""
    return write_folder(tmp_path / "ticks")


class Recorder(Strategy):
    """Keeps what it is told."""

    seen: list[Any] = []  # noqa: RUF012

    def on_tick(self, moment: Any, orders: Any) -> None:
        raise NotImplementedError


def record(function: Any, table: pa.Table | None = None, config: Any = None) -> Any:
    """Calls function(moment, orders) at each tick, in this process."""

    class Calls(Strategy):
        def on_tick(self, moment: Any, orders: Any) -> None:
            function(moment, orders)

    data = ticks(1, 600) if table is None else table
    return MarketMakingBacktest(config, Calls).run_ticks(data, security="AAA")


# --- wrong use ---


@pytest.mark.parametrize(
    ("strategy", "config", "parts"),
    [
        ("v1_basline", None, ["v1_basline", "v1_baseline"]),
        ("v1_baseline", {"AAA": {"quote_sise": 5}}, ["AAA", "quote_sise", "quote_size"]),
        ("v1_baseline", {"AAA": {"quote_size": -5}}, ["AAA", "quote_size", "-5"]),
        ("v1_baseline", {"DEFAULT": {"quote_size": float("nan")}}, ["JSON"]),
        ("nowhere:Strategy", None, ["nowhere", "PYTHONPATH"]),
        ("backtest_samples:Nothing", None, ["backtest_samples", "Nothing"]),
        (samples.Joins, {"AAA": {"sise": 5}}, ["AAA", "sise", "size"]),
        (samples.Joins, {"AAA": {"size": "much"}}, ["AAA", "size", "much"]),
        (samples.Parameters, {"AAA": {"mode": "mad"}}, ["mode", "mad", "calm"]),
        (samples.Parameters, {"AAA": {"ticks": 2.5}}, ["ticks", "2.5"]),
    ],
)
def test_strategies_and_configurations_that_cannot_be(strategy: Any, config: Any, parts: list[str], data: Path) -> None:
    for run in (
        lambda: MarketMakingBacktest(config, strategy),
        lambda: run_parallel_backtest(data, strategy, config),
        lambda: paper_trading(strategy, config),
    ):
        with pytest.raises(OptionError) as raised:
            run()
        assert all(part in str(raised.value) for part in parts), raised.value


def test_what_is_no_strategy() -> None:
    with pytest.raises(TypeError, match=r"derived from sabot\.backtest\.Strategy"):
        MarketMakingBacktest({}, dict)
    with pytest.raises(TypeError, match="give the class"):
        MarketMakingBacktest({}, samples.Joins())
    with pytest.raises(TypeError, match="found 5"):
        MarketMakingBacktest({}, 5)
    with pytest.raises(TypeError, match="no parameter 'sise'"):
        samples.Joins(sise=3)

    class WithoutDefault(Strategy):
        size: float

    class OfAList(Strategy):
        sizes: list[float] = [1.0]  # noqa: RUF012

    class Features(Strategy):
        features: float = 1.0  # type: ignore[assignment]

    for kind, message in ((WithoutDefault, "'size' has no default"), (OfAList, "'sizes' must be a float")):
        with pytest.raises(TypeError, match=message):
            MarketMakingBacktest({}, kind)
    with pytest.raises(TypeError, match="cannot be called 'features'"):
        MarketMakingBacktest({}, Features)


def test_what_cannot_be_sent_to_a_process(data: Path) -> None:
    class Local(samples.Joins):
        pass

    for strategy in (Local, lambda: samples.Joins()):
        with pytest.raises(OptionError, match="top level of a module"):
            run_parallel_backtest(data, strategy)
    assert not MarketMakingBacktest({}, Local).run_streaming(data, max_sheets=1).failed  # In this process it may be.


def test_options_that_cannot_be(data: Path) -> None:
    for options, message in (
        ({"max_workers": 0}, "max_workers"),
        ({"parquet": True}, "output_dir"),
        ({"max_sheets": 0}, "max_sheets"),
        ({"chunk_size": 0}, "chunk_size"),
        ({"market": "nasdaq"}, "nasdaq"),
        ({"sheet_names_filter": ["AAB"]}, "AAB.*'AAA'"),
    ):
        with pytest.raises(OptionError, match=message):
            run_parallel_backtest(data, "v1_baseline", **options)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="list of names"):
        run_parallel_backtest(data, "v1_baseline", sheet_names_filter="AAA")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        run_parallel_backtest(data / "nowhere", "v1_baseline")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "line 1, column 2"),
        ("[1]", "expected a JSON object"),
        ('{"AAA": {}, "AAA": {}}', "'AAA' stands twice"),
        ('{"AAA": {"quote_size": NaN}}', "NaN is no number"),
        ('{"AAA": {"quote_sise": 1}}', "nearest names.*quote_size"),
    ],
)
def test_configurations_name_their_file(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(text)
    with pytest.raises(OptionError, match=f"(?is)config.json: .*{message}"):
        load_strategy_config(path, "v1_baseline")
    with pytest.raises(OptionError, match=r"config\.json"):
        MarketMakingBacktest(path)


def test_ticks_that_are_none() -> None:
    backtest = MarketMakingBacktest({})
    with pytest.raises(SchemaError, match="price"):
        backtest.run_ticks(ticks(1, 10).drop_columns("price"))
    with pytest.raises(DataError):
        backtest.run_ticks(ticks(1, 10).sort_by([("timestamp", "descending")]))
    with pytest.raises(TypeError, match="Arrow data"):
        backtest.run_ticks([1, 2])  # type: ignore[arg-type]


def test_orders_that_cannot_be_and_orders_after_on_tick() -> None:
    kept: list[Any] = []

    def once(moment: Any, orders: Any) -> None:
        if kept or moment.bid is None:
            return
        kept.append(orders)
        assert orders.buy(-1.0, 5) is None
        assert orders.buy(float("nan"), 5) is None
        assert orders.sell(moment.bid, 0) is None
        assert orders.find(99) is None
        assert orders.find(None) is None
        orders.cancel(99)
        orders.cancel(None)
        with pytest.raises(OptionError, match=r"'markt'.*'market'"):
            orders.buy(1.0, 5, type="markt")
        with pytest.raises(AttributeError, match="'bidd'"):
            _ = moment.bidd

    record(once)
    with pytest.raises(ValueError, match="in on_tick only"):
        kept[0].buy(1.0, 5)


# --- what goes wrong stays where it is ---


def test_a_file_that_is_damaged_fails_alone(data: Path, tmp_path: Path) -> None:
    (data / "bbb.parquet").write_bytes(b"PAR1 no more PAR1")
    whole = (data / "ccc.parquet").read_bytes()
    (data / "ccc.parquet").write_bytes(whole[: len(whole) // 2])
    results = [
        run(output_dir=tmp_path / name)
        for name, run in (
            ("a", functools.partial(run_parallel_backtest, data, "v1_baseline")),
            ("b", functools.partial(run_parallel_backtest, data, samples.Baseline, max_workers=2)),
            ("c", functools.partial(MarketMakingBacktest({}).run_streaming, data)),
        )
    ]
    for result in results:
        assert result.failed
        assert list(result.errors) == ["bbb", "ccc"]
        assert all(name in error for name, error in result.errors.items())
        assert list(result.trades) == ["AAA", "DDD"]
        with pytest.raises(KeyError, match="bbb failed"):
            result.trades["bbb"]
        with pytest.raises(KeyError, match="Nearest names"):
            result.equity["AAB"]
        row = result.summary.to_pylist()[1]
        assert row.pop("error") == result.errors["bbb"]
        assert row.pop("security") == "bbb"
        assert set(row.values()) == {None}
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b") == files_of(tmp_path / "c")
    assert len(files_of(tmp_path / "a")) == 6


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("raise", "ZeroDivisionError: a\nb (on_tick, backtest_samples.py line "),
        ("fill", "RuntimeError: no "),
        ("date", "RuntimeError: no more dates (on_date, backtest_samples.py line "),
        ("parameters", "ValueError: size is not to its taste (__init__, backtest_samples.py line "),
    ],
)
def test_a_strategy_that_raises_is_a_row(how: str, error: str, data: Path, tmp_path: Path) -> None:
    config = {"BBB": {"how": how}}
    for chunk in (1, 100_000):
        result = MarketMakingBacktest(config, samples.Fails).run_streaming(
            data, chunk_size=chunk, output_dir=tmp_path / "one"
        )
        assert result.errors["BBB"].startswith(error), result.errors
        assert list(result.errors) == ["BBB"]
    parallel = run_parallel_backtest(data, samples.Fails, config, max_workers=2, output_dir=tmp_path / "two")
    assert parallel.errors == result.errors
    assert files_of(tmp_path / "one") == files_of(tmp_path / "two")
    assert "bbb_equity.csv" not in files_of(tmp_path / "one")
    assert b"BBB,,," in files_of(tmp_path / "one")["backtest_summary.csv"]


def test_a_process_that_dies_is_a_row_and_the_next_one_goes_on(data: Path, tmp_path: Path) -> None:
    config = {"AAA": {"how": "kill"}, "BBB": {"how": "exit"}}
    result = run_parallel_backtest(data, samples.Fails, config, max_workers=1, output_dir=tmp_path / "out")
    assert result.errors == {
        "AAA": "worker process died (signal 9)",
        "BBB": "worker process died (exit status 3)",
    }
    rest = run_parallel_backtest(data, samples.Joins, sheet_names_filter=["CCC", "DDD"], output_dir=tmp_path / "rest")
    found, expected = files_of(tmp_path / "out"), files_of(tmp_path / "rest")
    del found["backtest_summary.csv"], expected["backtest_summary.csv"]
    assert found == expected
    assert rest.summary["rows"].to_pylist() == result.summary["rows"].to_pylist()[2:]


def test_run_ticks_raises_what_the_strategy_raised() -> None:
    backtest = MarketMakingBacktest({"DEFAULT": {"how": "raise", "market": "continuous"}}, samples.Fails)
    with pytest.raises(ZeroDivisionError) as raised:
        backtest.run_ticks(ticks(1))
    assert raised.traceback[-1].path.name == "backtest_samples.py"


def test_a_script_without_a_guard_is_told(tmp_path: Path, data: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            f"""
            from sabot.backtest import Strategy, run_parallel_backtest

            class Quiet(Strategy):
                def on_tick(self, moment, orders):
                    pass

            run_parallel_backtest({str(data)!r}, Quiet, max_workers=1)
            """
        )
    )
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.count("if __name__ ==") >= 2  # Of the worker, and of who started it.
    guarded = script.read_text().replace("\nrun_parallel", "\nif __name__ == '__main__':\n    run_parallel")
    script.write_text(guarded)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_interactive_session_is_told(data: Path) -> None:
    program = f"""
from sabot.backtest import Strategy, run_parallel_backtest
class Quiet(Strategy):
    def on_tick(self, moment, orders): pass
run_parallel_backtest({str(data)!r}, Quiet)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert "interactive session" in done.stderr
    assert "MarketMakingBacktest(config, Quiet)" in done.stderr


def children_of(pid: int) -> set[int]:
    """Processes below one, of whatever depth."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in map(int, task.read_text().split()):
            found |= {child} | children_of(child)
    return found


def is_alive(pid: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def begun(parallel: bool, data: Path, tmp_path: Path) -> "subprocess.Popen[str]":
    """A run in a process of its own, whose first security is done and whose others never end."""
    marker, out = tmp_path / "marker", tmp_path / "out"
    marker.mkdir()
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"DEFAULT": {"marker": str(marker)}, "AAA": {"marker": ""}}))
    command = ["backtest", "--strategy", "backtest_samples:WaitsForever", "--data", str(data), "--output", str(out)]
    options = ["--parallel", "--max-workers", "2"] if parallel else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    running = subprocess.Popen(
        [sys.executable, "-m", "sabot", *command, "--config", str(config), *options, "-q"],
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(marker.iterdir())) < (2 if parallel else 1) or not (out / "aaa_equity.csv").exists():
        if running.poll() is not None or time.monotonic() > deadline:
            running.kill()
            pytest.fail(f"it did not begin: {running.communicate()[1]}")
    return running


def assert_all_end(pids: set[int]) -> None:
    deadline = time.monotonic() + 60
    while any(map(is_alive, pids)):  # Python's own resource tracker ends once it hears nothing any more.
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in pids]


@pytest.mark.parametrize("parallel", [True, False])
def test_ctrl_c_leaves_whole_files_and_no_process(parallel: bool, data: Path, tmp_path: Path) -> None:
    running, out = begun(parallel, data, tmp_path), tmp_path / "out"
    below = children_of(running.pid)
    os.killpg(running.pid, signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert errors == f"sabot: interrupted. The files of securities that were done are kept in {out}.\n"
    assert sorted(files_of(out)) == ["aaa_equity.csv", "aaa_trades_timeseries.csv", "backtest_unfinished.csv"]
    assert len(below) >= (2 if parallel else 0)
    assert_all_end(below)


def test_workers_end_with_a_run_that_is_killed(data: Path, tmp_path: Path) -> None:
    running = begun(True, data, tmp_path)
    below = children_of(running.pid)
    running.kill()
    running.communicate(timeout=60)
    assert len(below) >= 2
    assert_all_end(below)


# --- tables of other libraries ---


def of_pandas(table: pa.Table) -> Any:
    return table.to_pandas()


def of_polars(table: pa.Table) -> Any:
    return pytest.importorskip("polars").from_arrow(table)


def texts(kind: pa.DataType) -> Callable[[pa.Table], Any]:
    def convert(table: pa.Table) -> Any:
        column = table["type"].cast("string")
        encoded = column.cast(kind) if not pa.types.is_dictionary(kind) else column.dictionary_encode().cast(kind)
        columns = {"type": encoded, "price": table["price"], "volume": table["volume"].cast(pa.int64())}
        return pa.table({"timestamp": table["timestamp"], **columns})

    return convert


def times(unit: str, zone: str | None = None) -> Callable[[pa.Table], Any]:
    def convert(table: pa.Table) -> Any:
        moments = table["timestamp"].cast(pa.timestamp(unit)).cast(pa.timestamp(unit, zone))
        return table.set_column(0, "timestamp", moments)

    return convert


CONVERSIONS = [of_pandas, of_polars, *map(times, ("s", "ms", "us", "ns")), times("ms", "UTC")]
CONVERSIONS += map(texts, (pa.large_string(), pa.string_view(), pa.dictionary(pa.uint8(), pa.large_string())))


@pytest.mark.parametrize("convert", CONVERSIONS)
def test_frames_and_other_widths_are_read_as_ticks(convert: Callable[[pa.Table], Any]) -> None:
    whole = 1_000_000_000 * (ticks(3)["timestamp"].cast(pa.int64()).to_numpy() // 1_000_000_000)
    table = ticks(3).set_column(0, "timestamp", pa.array(whole, pa.timestamp("ns")))
    config = {"DEFAULT": {"quote_size": 1_000}}
    run = MarketMakingBacktest(config).run_ticks
    expected = run(table).trades["TICKS"]
    assert expected.num_rows > 5
    assert run(convert(table)).trades["TICKS"].equals(expected)

    converted = convert(table)
    symbols = pa.array(["TICKS"] * len(table), pa.string_view())
    if isinstance(converted, pa.Table):
        converted = converted.append_column("symbol", symbols)
    else:
        converted = pa.table(converted).append_column("symbol", symbols)
    paper = paper_trading("v1_baseline", config)
    fills = pa.concat_tables([pa.table(paper(batch)) for batch in converted.to_batches(max_chunksize=700)])
    found = pa.concat_tables([fills, paper.finish()]).drop_columns("symbol")
    assert found.combine_chunks().equals(expected.combine_chunks())


@pytest.mark.parametrize(
    ("column", "values", "error", "message"),
    [
        (
            "timestamp",
            pa.array([2**40], pa.timestamp("s")),
            DataError,
            r"'timestamp' is timestamp\[s\].*would change",
        ),
        (
            "timestamp",
            pa.array([1], pa.timestamp("s", "Asia/Dubai")),
            SchemaError,
            r"Dubai\]; expected no time",
        ),
        ("price", pa.array([2**53 + 1]), DataError, "'price' is int64; read as double a value would change"),
        ("type", pa.array([1]), SchemaError, "'type' is int64; expected utf8"),
    ],
)
def test_ticks_that_cannot_be_read_without_a_change(
    column: str, values: pa.Array, error: type[Exception], message: str
) -> None:
    one = ticks(3).slice(0, 1)
    table = one.set_column(one.column_names.index(column), column, values)
    with pytest.raises(error, match=message):
        MarketMakingBacktest().run_ticks(table)
    with pytest.raises(error, match=message):
        paper_trading("v1_baseline")(table.append_column("symbol", pa.array(["AAA"])))


def test_what_is_no_number_stays_an_error() -> None:
    table = ticks(3).set_column(2, "price", pa.array(["1"] * 3_000))
    with pytest.raises(SchemaError, match="column 'price' is string; expected double"):
        MarketMakingBacktest().run_ticks(table)


def test_an_empty_path_is_no_folder() -> None:
    with pytest.raises(OptionError, match="the path of the ticks is empty"):
        MarketMakingBacktest().run_streaming("")


# --- what a strategy sees and does ---


def test_a_moment_is_the_tick_and_the_book_after_it() -> None:
    seen = []
    day = 1_723_104_000_000_000_000
    table = pa.table(
        {
            "timestamp": pa.array([day, day + 5, day + 9], pa.timestamp("ns")),
            "type": ["bid", "ask", "trade"],
            "price": [9.5, 10.5, 10.0],
            "volume": [4.0, 6.0, 2.0],
            "side": pa.array([None, None, -1], pa.int8()),
        }
    )
    names = ["timestamp", "type", "price", "volume", "side", "bid", "bid_size", "ask", "ask_size", "mid"]
    names += ["position", "average", "pnl"]

    def look(moment: Any, _orders: Any) -> None:
        seen.append([getattr(moment, name) for name in names])

    record(look, table)
    assert seen == [
        [day, "bid", 9.5, 4.0, 0, 9.5, 4.0, None, 0.0, None, 0.0, 0.0, 0.0],
        [day + 5, "ask", 10.5, 6.0, 0, 9.5, 4.0, 10.5, 6.0, 10.0, 0.0, 0.0, 0.0],
        [day + 9, "trade", 10.0, 2.0, -1, 9.5, 4.0, 10.5, 6.0, 10.0, 0.0, 0.0, 0.0],
    ]


def test_orders_and_fills_are_seen() -> None:
    day, told = 1_723_104_000_000_000_000, []
    rows = [("bid", 10.0, 5.0), ("trade", 11.0, 1.0), ("trade", 10.0, 7.0), ("trade", 9.0, 1.0), ("trade", 9.0, 1.0)]
    table = pa.table(
        {
            "timestamp": pa.array([day + at for at in range(len(rows))], pa.timestamp("ns")),
            "type": [row[0] for row in rows],
            "price": [row[1] for row in rows],
            "volume": [row[2] for row in rows],
        }
    )

    class Buys(Strategy):
        def on_tick(self, moment: Any, orders: Any) -> None:
            if not told:
                told.append(orders.buy(10.0, 8))
                order = orders.find(told[0])
                told.append((order.id, order.side, order.price, order.size, order.type, order.in_flight, order.sent))
            elif moment.timestamp < day + 3:
                (order,) = orders.open
                told.append((order.remaining, order.ahead, order.in_flight))

        def on_fill(self, fill: Any) -> None:
            kind = (fill.order, fill.side, fill.price, fill.quantity, fill.remaining, fill.kind, fill.maker)
            told.append((fill.timestamp - day, *kind))

    result = MarketMakingBacktest({}, Buys).run_ticks(table)
    assert told == [
        1,
        (1, "buy", 10.0, 8.0, "maker", True, day),
        (8.0, 5.0, False),
        (2, 1, "buy", 10.0, 2.0, 6.0, "fill", True),
        (6.0, 0.0, False),
        (3, 1, "buy", 10.0, 6.0, 0.0, "fill", True),
    ]
    assert result.trades["TICKS"]["fill_qty"].to_pylist() == [2.0, 6.0]
    assert result.summary["volume"].to_pylist() == [8.0]


def test_parameters_come_from_the_configuration() -> None:
    seen: list[Any] = []

    class Looks(samples.Parameters):
        def on_tick(self, moment: Any, orders: Any) -> None:
            seen.append((self.size, self.ticks, self.often, self.mode, self.note))

    table = ticks(1, 1)
    config = {
        "DEFAULT": {"size": 7, "often": True, "market": "continuous"},
        "BBB": {"ticks": 9, "note": "x", "mode": "wild"},
    }
    for security in ("AAA", "bbb"):
        MarketMakingBacktest(config, Looks).run_ticks(table, security=security)
    assert seen == [(7.0, 3, True, "calm", None), (7.0, 9, True, "wild", "x")]
    assert [type(each) for each in seen[1]] == [float, int, bool, str, str]


def test_functions_make_strategies(data: Path) -> None:
    volumes = [
        run_parallel_backtest(data, strategy, config, max_sheets=1).summary["volume"].to_pylist()
        for strategy, config in (
            (samples.wide, {"DEFAULT": {"size": 50}}),
            (functools.partial(samples.wide, size=50), None),
            (functools.partial(samples.Joins, size=100), None),
            ("backtest_samples:Joins", {"AAA": {"size": 100}}),
        )
    ]
    assert volumes[0][0] > 0
    assert volumes == [volumes[0]] * 4


class Sized(samples.Joins):
    """One with an __init__ of its own."""

    def __init__(self, label: str, times: int = 1) -> None:
        self.size = 10.0 * times


def test_parameters_of_a_partial_are_those_of_what_it_calls() -> None:
    def sent(strategy: Any, config: dict[str, Any]) -> float:
        result = MarketMakingBacktest({"DEFAULT": config}, strategy).run_ticks(ticks(1, 400))
        return result.trades["TICKS"]["fill_qty"].to_pylist()

    by_hand = sent(samples.Joins, {"size": 20})
    assert by_hand
    assert sent(functools.partial(samples.Joins, size=20), {}) == by_hand
    assert sent(functools.partial(samples.Joins, size=500), {"size": 20}) == by_hand
    assert sent(functools.partial(samples.Joins), {"size": 20}) == by_hand
    assert sent(functools.partial(Sized, "a"), {"times": 2}) == by_hand
    assert sent(functools.partial(Sized, "a", times=2), {}) == by_hand
    with pytest.raises(OptionError, match="unknown key 'label'"):
        sent(functools.partial(Sized, "a"), {"label": "b"})
    with pytest.raises(TypeError, match=r"Joins: there is no parameter 'sise'\. It has: size\."):
        MarketMakingBacktest({}, functools.partial(samples.Joins, sise=20))
    with pytest.raises(TypeError, match="the default of parameter 'size' must be a float, found 'big'"):
        MarketMakingBacktest({}, functools.partial(samples.Joins, size="big"))


def test_features_are_kernels_of_the_book() -> None:
    table, seen = ticks(3, 400), []

    class Looks(Strategy):
        def features(self) -> Any:
            return {"vol": RollingStdKernel(column="mid", window=20), "bands": BollingerBandsKernel(column="mid")}

        def on_tick(self, moment: Any, orders: Any) -> None:
            seen.append((moment.mid, moment.vol, moment.bands_bb_upper))

    MarketMakingBacktest({"DEFAULT": {"market": "continuous"}}, Looks).run_ticks(table)
    mids = pa.table({"symbol": ["x"] * len(seen), "mid": pa.array([each[0] for each in seen], pa.float64())})
    vol = sabot.fintech.rolling_std(mids.filter(mids["mid"].is_valid()), column="mid", window=20)
    latest = [value for mid, value, _ in seen if mid is not None]
    assert latest == vol["rolling_std"].to_pylist()
    assert sum(value is not None for value in latest) > 300

    class Wrong(Strategy):
        def features(self) -> Any:
            return {"vol": "rolling_std"}

    with pytest.raises(TypeError, match=r"'vol' must be a kernel of sabot\.fintech"):
        MarketMakingBacktest({}, Wrong).run_ticks(table)


def test_strategies_and_their_parameters_are_listed() -> None:
    found = {each.name: each for each in strategies()}
    assert {"v1_baseline", "v2_price_follow", "v2_1_stop_loss"} <= found.keys()
    size = next(each for each in found["v1_baseline"].parameters if each.name == "quote_size")
    assert (size.kind, size.default, size.nullable) == ("number", 50_000.0, False)
    assert {"market", "queue", "maker_fee_bps"} <= {each.name for each in venue_parameters()}
    assert all(each.doc and each.allowed for info in found.values() for each in info.parameters)


# --- the same bytes ---


@pytest.mark.parametrize("strategy", ["v1_baseline", "v2_1_stop_loss", samples.Features])
def test_the_same_files_for_every_chunk_and_number_of_workers(strategy: Any, data: Path, tmp_path: Path) -> None:
    config = {"DEFAULT": {"maker_fee_bps": 0.5, "order_latency_ms": 5}, "BBB": {"queue": "fifo"}}
    runs = {}
    for chunk in (1, 7, 100_000):
        out = tmp_path / f"one-{chunk}"
        MarketMakingBacktest(config, strategy).run_streaming(data, chunk_size=chunk, output_dir=out)
        runs[out.name] = files_of(out)
    for workers in (1, 3):
        out = tmp_path / f"many-{workers}"
        run_parallel_backtest(data, strategy, config, workers, chunk_size=7, output_dir=out)
        runs[out.name] = files_of(out)
    first = runs["one-1"]
    assert len(first) == 2 * len(samples.NAMES) + 2
    assert len(first["bbb_trades_timeseries.csv"].splitlines()) > 5
    for name, files in runs.items():
        assert files == first, name


def test_tables_have_what_the_files_have(data: Path, tmp_path: Path) -> None:
    for strategy in ("v1_baseline", samples.Baseline):
        result = run_parallel_backtest(data, strategy, output_dir=tmp_path / "out")
        for security in samples.NAMES:
            for tables, name in ((result.trades, "trades_timeseries"), (result.equity, "equity")):
                table = tables[security]
                kinds = {field.name: field.type for field in table.schema}
                path = tmp_path / "out" / f"{security.lower()}_{name}.csv"
                read = pyarrow.csv.read_csv(path, convert_options=pyarrow.csv.ConvertOptions(column_types=kinds))
                assert read.equals(table), path
        assert result.rows == sum(table.num_rows for table in [ticks(0)] * len(samples.NAMES))
        assert result.summary["rejected"].to_pylist() == [2] * len(samples.NAMES)
        assert result.summary["trades"].to_pylist() == [len(result.trades[each]) for each in samples.NAMES]
    without = run_parallel_backtest(data, "v1_baseline", tables=False)
    assert without.trades == {}
    assert without.summary.equals(result.summary)


def test_a_strategy_in_python_fills_as_the_same_one_in_the_engine(data: Path, tmp_path: Path) -> None:
    MarketMakingBacktest({}).run_streaming(data, output_dir=tmp_path / "engine")
    MarketMakingBacktest({}, samples.Baseline).run_streaming(data, output_dir=tmp_path / "python")
    assert files_of(tmp_path / "engine") == files_of(tmp_path / "python")


def test_ticks_of_a_file_and_of_a_table_give_the_same(data: Path) -> None:
    table = pq.read_table(data / "aaa.parquet")
    expected = run_parallel_backtest(data, "v1_baseline", max_sheets=1)
    for given in (table, table.to_reader(max_chunksize=7), table.to_batches()[0]):
        result = MarketMakingBacktest({}, market="adx").run_ticks(given, security="AAA")
        assert result.trades["AAA"].equals(expected.trades["AAA"])
        assert result.equity["AAA"].equals(expected.equity["AAA"])


def test_the_market_that_is_named_wins(data: Path) -> None:
    def dates(**options: Any) -> Any:
        result = run_parallel_backtest(data, "v1_baseline", max_sheets=1, **options)
        return result.trades["AAA"]["kind"].to_pylist().count("flatten")

    assert dates() > 0
    assert dates(market="continuous") == dates(config={"AAA": {"market": "continuous"}}) == 0
    assert dates(market="adx", config={"AAA": {"market": "continuous"}}) > 0


def test_progress_ends_at_everything(data: Path) -> None:
    for strategy in ("v1_baseline", samples.Joins):
        seen: list[Any] = []
        run_parallel_backtest(data, strategy, chunk_size=500, progress=seen.append)
        assert (seen[-1].rows, seen[-1].securities, seen[-1].fraction) == (12_000, 4, 1.0)
    with pytest.raises(ZeroDivisionError):
        run_parallel_backtest(data, "v1_baseline", progress=lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        MarketMakingBacktest({}).run_streaming(data, progress=lambda _: 1 / 0)


# --- paper trading ---


def market_of(names: tuple[str, ...]) -> pa.Table:
    """All securities' ticks in the order of their times."""
    parts = [ticks(seed, 1_000).append_column("symbol", pa.array([name] * 1_000)) for seed, name in enumerate(names)]
    table = pa.concat_tables(parts)
    return table.set_column(1, "type", table["type"].cast(pa.string())).sort_by("timestamp")


@pytest.mark.parametrize("strategy", ["v1_baseline", "v2_price_follow", samples.Features])
def test_paper_trading_fills_as_a_backtest(strategy: Any, tmp_path: Path) -> None:
    config = {"BBB": {"maker_fee_bps": 1}}
    table = market_of(samples.NAMES[:3])
    path = tmp_path / "market.parquet"
    pq.write_table(table, path)
    found = {}
    for rows in (1, 100, 100_000):
        paper = paper_trading(strategy, config, market="adx")
        stream = sabot.Stream.from_parquet(path, batch_rows=rows)
        fills = pa.concat_tables([stream.flat_map(paper).collect(), paper.finish()])
        found[rows] = fills
        assert fills.schema.names[:3] == ["symbol", "timestamp", "side"]
    assert found[1].equals(found[100])
    assert found[1].equals(found[100_000])
    for name in samples.NAMES[:3]:
        own = table.filter(pa.compute.equal(table["symbol"], name))
        expected = MarketMakingBacktest(config, strategy, market="adx").run_ticks(own, security=name).trades[name]
        fills = found[1].filter(pa.compute.equal(found[1]["symbol"], name)).drop_columns("symbol")
        assert fills.num_rows > 5
        assert fills.combine_chunks().equals(expected.combine_chunks())


def test_paper_trading_says_what_is_wrong(tmp_path: Path) -> None:
    table = market_of(("AAA",))
    with pytest.raises(SchemaError, match="symbol"):
        paper_trading("v1_baseline")(table.drop_columns("symbol"))
    path = tmp_path / "market.parquet"
    pq.write_table(table, path)
    paper = paper_trading(samples.Fails, {"DEFAULT": {"how": "raise", "market": "continuous"}})
    with pytest.raises(FunctionError) as raised:
        sabot.Stream.from_parquet(path).flat_map(paper).collect()
    assert isinstance(raised.value.__cause__, ZeroDivisionError)


# --- ticks that are no tick files yet ---


def test_sources_that_are_converted_give_what_their_tick_files_give(data: Path, tmp_path: Path) -> None:
    plain = {name: pq.read_table(data / f"{name.lower()}.parquet") for name in samples.NAMES}
    plain = {
        name: table.set_column(1, "Type", table["type"].cast(pa.string())).rename_columns(
            ["Dates", "Type", "Price", "Size"]
        )
        for name, table in plain.items()
    }
    foreign, mixed, csv = (tmp_path / name for name in ("foreign", "mixed", "csv"))
    for folder in (foreign, mixed, csv):
        folder.mkdir()
    for name, table in plain.items():
        pq.write_table(table, foreign / f"{name}.parquet")
        if name in ("AAA", "CCC"):
            pq.write_table(table, mixed / f"{name}.parquet")
        else:
            (mixed / f"{name}.parquet").write_bytes((data / f"{name.lower()}.parquet").read_bytes())
        pyarrow.csv.write_csv(table, csv / f"{name}.csv")
    expected = run_parallel_backtest(data, "v1_baseline", market="adx")
    for source in (foreign, mixed, csv, csv / "AAA.csv", foreign / "DDD.parquet"):
        result = MarketMakingBacktest({}, market="adx").run_streaming(source, ticks_dir=tmp_path / source.stem)
        assert not result.failed, result.errors
        assert {name.upper() for name in result.trades} == (set(plain) if source.is_dir() else {source.stem})
        for name, table in result.trades.items():
            assert table.equals(expected.trades[name.upper()]), source


def test_several_sources_are_joined(data: Path, tmp_path: Path) -> None:
    whole = ticks(1)
    samples.write_ticks(data / "whole.parquet", "AAA", whole)
    days = tmp_path / "days"
    days.mkdir()
    pieces = [whole.slice(1_000, 1_000), whole.slice(0, 1_000), whole.slice(2_000)]
    for day, piece in zip(("monday", "tuesday", "wednesday"), pieces, strict=True):
        (days / day).mkdir()
        samples.write_ticks(days / day / "aaa.parquet", "AAA", piece)
    plain = pieces[0].set_column(1, "Type", pieces[0]["type"].cast(pa.string()))
    pyarrow.csv.write_csv(plain.rename_columns(["Dates", "Type", "Price", "Size"]), days / "monday" / "aaa.csv")
    (days / "monday" / "aaa.parquet").unlink()
    expected = run_parallel_backtest(data / "whole.parquet", "v1_baseline", market="adx").trades["AAA"]
    (data / "whole.parquet").unlink()
    assert expected.num_rows > 3
    folders = [days / day for day in ("monday", "tuesday", "wednesday")]
    globbed = [days / "monday", str(days / "*day" / "*.parquet")]
    for source in (folders, globbed, days):
        result = run_parallel_backtest(source, "v1_baseline", market="adx")
        assert not result.failed, result.errors
        assert [table.equals(expected) for table in result.trades.values()] == [True], source


def test_what_a_folder_holds_beside_ticks_is_named(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "aaa.parquet").write_bytes((data / "aaa.parquet").read_bytes())
    (folder / "notes.txt").write_text("x")
    (folder / "fills.csv").write_text("timestamp,fill_price\n1,2\n")
    with pytest.warns(NoTicksWarning, match=r"fills\.csv': there is no Type.*notes\.txt' is no workbook"):
        result = run_parallel_backtest(folder, "v1_baseline", market="adx")
    assert list(result.trades) == ["AAA"]


def test_a_temporary_folder_goes_whatever_happens(data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    pq.write_table(ticks(1).rename_columns(["Dates", "Type", "Price", "Size"]), tmp_path / "fab.parquet")
    stages = []

    def show(now: Any) -> None:
        stages.append(now.converting)
        if not now.converting:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_parallel_backtest(tmp_path / "fab.parquet", "v1_baseline", progress=show)
    assert stages[-1] is False
    assert list((tmp_path / "temporary").iterdir()) == []


def test_features_that_cannot_be_are_the_security_s_error(data: Path) -> None:
    class Misspelt(Strategy):
        def features(self) -> Any:
            return {"vol": RollingStdKernel(column="mids", window=20)}

    with pytest.raises(SchemaError, match="mids"):
        MarketMakingBacktest({}, Misspelt).run_ticks(ticks(1, 10))
    assert "mids" in MarketMakingBacktest({}, Misspelt).run_streaming(data).errors["AAA"]


@pytest.mark.parametrize("strategy", ["v1_baseline", samples.Baseline])
def test_parquet_has_the_tables(data: Path, tmp_path: Path, strategy: Any) -> None:
    out = tmp_path / "out"
    result = run_parallel_backtest(data, strategy, max_workers=2, output_dir=out, parquet=True)
    assert result.trades["AAA"].num_rows > 0
    for security in result.trades:
        for name, tables in (("trades_timeseries", result.trades), ("equity", result.equity)):
            assert pq.read_table(out / f"{security.lower()}_{name}.parquet").equals(tables[security])
    assert pq.read_table(out / "backtest_summary.parquet").equals(result.summary)
    MarketMakingBacktest(None, strategy).run_streaming(data, chunk_size=7, output_dir=tmp_path / "in", parquet=True)
    assert files_of(tmp_path / "in") == files_of(out)
    run_parallel_backtest(data, strategy, max_workers=2, output_dir=out)
    assert not list(out.glob("*.parquet"))
