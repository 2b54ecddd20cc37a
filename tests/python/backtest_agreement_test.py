"""The backtester against its reference: equal trades, equity and summary, byte by byte, on drawn and real ticks."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from reference import backtest_sample as sample
from reference.backtest import Result
from reference.backtest_ledger import EQUITY_COLUMNS, SUMMARY_COLUMNS, TRADE_COLUMNS, csv
from reference.backtest_strategies import STRATEGIES, run

from sabot import backtest

FOLDER = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
SEEDS = range(150)
NAMES = sorted(STRATEGIES)

TickRow = sample.TickRow
Row = dict[str, Any]


def table_of(ticks: Iterable[TickRow], *, has_side: bool) -> pa.Table:
    times, types, prices, volumes, sides = (list(column) for column in zip(*ticks, strict=True))
    table = pa.table(
        {
            "timestamp": pa.array(times, pa.timestamp("ns")),
            "type": pa.array(types).dictionary_encode(),
            "price": pa.array(prices, pa.float64()),
            "volume": pa.array(volumes, pa.float64()),
        }
    )
    return table.append_column("side", pa.array(sides, pa.int8())) if has_side else table


def rows_of(table: pa.Table) -> list[Row]:
    """The engine's rows as the reference has them."""
    if "timestamp" in table.column_names:
        times = table["timestamp"].cast(pa.int64())
        table = table.set_column(table.column_names.index("timestamp"), "timestamp", times)
    return table.to_pylist()


def engine(table: pa.Table, config: Row, name: str) -> tuple[list[Row], list[Row], Row]:
    """The one place that knows how a backtest is run on a table."""
    result = backtest.MarketMakingBacktest({"X": config}, strategy=name).run_ticks(table, security="X")
    return rows_of(result.trades["X"]), rows_of(result.equity["X"]), result.summary.to_pylist()[0]


def engine_files(folder: Path, config: Row, name: str, output: Path) -> dict[str, bytes]:
    """The one place that knows how a folder of tick files is run."""
    backtest.run_parallel_backtest(
        file_path=folder, strategy=name, config=config, max_workers=2, max_sheets=None, output_dir=output
    )
    return {path.name: path.read_bytes() for path in output.iterdir() if path.suffix == ".csv"}


def drawn(seed: int, name: str) -> Row:
    stop = {"stop_loss_threshold_pct": sample.stop_threshold(seed)} if name == "v2_1_stop_loss" else {}
    return sample.config(seed) | stop


def has_side(seed: int) -> bool:
    return seed % 3 == 0


def sampled(seed: int) -> list[TickRow]:
    return sample.ticks(seed, whole=seed % 2 == 0)


def assert_same(given: bytes, expected: bytes, where: str) -> None:
    """The first line that differs says more than two long files."""
    for line, (ours, theirs) in enumerate(zip(given.splitlines(), expected.splitlines(), strict=False), start=1):
        assert ours == theirs, f"{where}, line {line}: engine {ours!r}, reference {theirs!r}"
    assert given == expected, where


def assert_agree(table: pa.Table, ticks: list[TickRow], config: Row, name: str, *, sided: bool) -> Result:
    trades, equity, summary = engine(table, config, name)
    expected = run(ticks, {"X": config}, name, sided)
    assert_same(csv(TRADE_COLUMNS, trades), csv(TRADE_COLUMNS, expected.trades), f"{name}: trades")
    assert_same(csv(EQUITY_COLUMNS, equity), csv(EQUITY_COLUMNS, expected.equity), f"{name}: equity")
    given = csv(SUMMARY_COLUMNS, [{column: summary[column] for column in SUMMARY_COLUMNS}])
    assert_same(given, csv(SUMMARY_COLUMNS, [expected.summary]), f"{name}: summary")
    return expected


@pytest.mark.parametrize("name", NAMES)
def test_drawn_ticks(name: str) -> None:
    trades = 0
    for seed in SEEDS:
        ticks = sampled(seed)
        table = table_of(ticks, has_side=has_side(seed))
        try:
            expected = assert_agree(table, ticks, drawn(seed, name), name, sided=has_side(seed))
        except AssertionError as error:
            error.add_note(f"seed {seed}: {drawn(seed, name)}")
            raise
        trades += len(expected.trades)
    assert trades > 5_000


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_a_folder(name: str, tmp_path: Path) -> None:
    folder, output = tmp_path / "ticks", tmp_path / "output"
    folder.mkdir()
    config = {f"s{seed:03}": drawn(seed, name) for seed in range(40)}
    expected: dict[str, bytes] = {}
    summaries = []
    for seed, security in enumerate(config):
        ticks = sampled(seed)
        table = table_of(ticks, has_side=has_side(seed))
        pq.write_table(table, folder / f"{security.lower()}.parquet", row_group_size=97)
        result = run(ticks, config, name, has_side(seed), security)
        expected |= result.files()
        summaries.append(result.summary)
    expected["backtest_summary.csv"] = csv(SUMMARY_COLUMNS, summaries)
    given = engine_files(folder, config, name, output)
    assert sorted(given) == sorted(expected)
    for file, content in expected.items():
        assert_same(given[file], content, file)


# Real ticks.


def crypto(symbol: str) -> list[TickRow]:
    """Trades and best quotes of one instrument in the order they were received; a quote is a bid and an ask tick."""
    paths = [FOLDER / "crypto_trades.parquet", FOLDER / "crypto_quotes.parquet"]
    for path in paths:
        if not path.exists():
            pytest.skip(f"no real data: {path} is missing; SABOT_REAL_DATA names its folder")
    trades, quotes = (pq.read_table(path, filters=[("symbol", "=", symbol)]).to_pylist() for path in paths)
    ticks: list[TickRow] = []
    for quote in quotes:
        ticks.append((quote["local_ts"], "bid", quote["bid_px"], quote["bid_sz"], None))
        ticks.append((quote["local_ts"], "ask", quote["ask_px"], quote["ask_sz"], None))
    for row in trades:
        side = {"BUY": 1, "SELL": -1}.get(row["aggressor"])
        ticks.append((row["local_ts"], "trade", row["price"], row["size"], side))
    return sorted(ticks, key=lambda tick: tick[0])


MIDNIGHT = {"continuous": ["23:55", "23:59"], "flatten": "23:59:30"}  # The captures cross it.
REAL: dict[str, Row] = {
    "BTCUSDT.SPOT": {"quote_size": 0.05, "max_position": 0.2, "maker_fee_bps": -0.5},
    "ETHUSDT.SPOT": {"quote_size": 1, "max_position": 5, "queue": "fifo", "order_latency_ms": 12.5},
    "BTCUSDT.USDM": {"quote_size": 0.1, "max_notional": 250_000, "taker_fee_bps": 4, "market": MIDNIGHT},
    "ETHUSDT.USDM": {"quote_size": 3, "max_position": 9, "through_fill": "capped", "quote_cross": True},
    "BTCUSD_PERP.CM": {"quote_size": 50, "max_position": 300, "contract": "inverse", "contract_size": 100},
    "ETHUSD_PERP.CM": {"quote_size": 20, "max_position": 90, "contract": "inverse", "contract_size": 10},
}


@pytest.mark.parametrize("sided", [True, False])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("symbol", REAL)
def test_real_ticks(symbol: str, name: str, sided: bool) -> None:
    ticks = crypto(symbol)
    config = {"refill_interval_sec": 2, "min_local_currency_before_quote": 0} | REAL[symbol]
    if name == "v2_1_stop_loss":
        config["stop_loss_threshold_pct"] = 0.02
    expected = assert_agree(table_of(ticks, has_side=sided), ticks, config, name, sided=sided)
    assert len(expected.trades) > 20
