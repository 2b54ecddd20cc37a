"""What the backtester's reference keeps for any ticks and settings, and the files it writes."""

from collections import defaultdict
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import backtest_sample as sample
from reference.backtest import MINUTE_NS, Backtest, Message, Order, Result, replay
from reference.backtest_ledger import DAY_NS, iso, shortest
from reference.backtest_settings import settings as settings_of
from reference.backtest_strategies import STRATEGIES, run

SECOND = 10**9
Row = tuple[Any, ...]

SEEDS = st.integers(0, 10**9)
NAMES = st.sampled_from(sorted(STRATEGIES))


def drawn(seed: int, **changed: Any) -> dict[str, Any]:
    return sample.config(seed) | {"stop_loss_threshold_pct": sample.stop_threshold(seed)} | changed


def ran(seed: int, name: str, config: dict[str, Any]) -> tuple[list[Row], Result]:
    rows: list[Row] = list(sample.ticks(seed, rows=300, whole=seed % 2 == 0))
    return rows, run(rows, {"X": config}, name, seed % 3 == 0)


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_passive_fills_never_exceed_the_trades(seed: int, name: str) -> None:
    rows, result = ran(seed, name, drawn(seed, quote_cross=False, through_fill="capped"))
    taken: dict[tuple[int, str], float] = defaultdict(float)
    for index, row in zip(result.fill_ticks, result.trades, strict=True):
        if row["kind"] == "fill":
            kind, price, volume = rows[index][1:4]
            assert kind == "trade"
            assert price <= row["fill_price"] if row["side"] == "buy" else price >= row["fill_price"]
            taken[index, row["side"]] += row["fill_qty"]
            assert taken[index, row["side"]] <= volume * (1 + 1e-12)


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_whole_fills_at_the_price_of_a_trade_never_exceed_it(seed: int, name: str) -> None:
    rows, result = ran(seed, name, drawn(seed, quote_cross=False, through_fill="whole"))
    taken: dict[tuple[int, str], float] = defaultdict(float)
    for index, row in zip(result.fill_ticks, result.trades, strict=True):
        if row["kind"] == "fill" and rows[index][2] == row["fill_price"]:
            taken[index, row["side"]] += row["fill_qty"]
            assert taken[index, row["side"]] <= rows[index][3]


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_equity_is_cash_and_inventory_less_fees(seed: int, name: str) -> None:
    config = drawn(seed, contract="linear", contract_size=1)
    _, result = ran(seed, name, config)
    cash, turnover = Fraction(0), Fraction(0)
    for row in result.trades:
        value = Fraction(row["fill_price"]) * Fraction(row["fill_qty"])
        bps = config["maker_fee_bps"] if row["kind"] == "fill" else config["taker_fee_bps"]
        cash += (value if row["side"] == "sell" else -value) - value * Fraction(bps) / 10_000
        turnover += value
    last = result.equity[-1]
    if last["mid"] is not None:
        exact = cash + Fraction(result.summary["final_position"]) * Fraction(last["mid"])
        assert abs(exact - Fraction(last["equity"])) <= turnover * Fraction(1, 10**12)


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_no_order_fills_more_than_its_size(seed: int, name: str) -> None:
    rows = sample.ticks(seed, rows=300, whole=seed % 2 == 0)
    config = settings_of({"X": drawn(seed)}, "X", STRATEGIES[name].defaults)
    sent: list[Order] = []

    class Watched(STRATEGIES[name]):  # type: ignore[misc]
        def tick(self, backtest: Backtest) -> list[Message]:
            messages = super().tick(backtest)
            sent.extend(message for message in messages if isinstance(message, Order))
            return messages

    result = replay(rows, config, Watched(config), seed % 3 == 0)
    assert all(0 <= order.filled <= order.size * (1 + 1e-12) for order in sent)
    filled = sum(row["fill_qty"] for row in result.trades if row["kind"] == "fill")
    assert sum(order.filled for order in sent) == pytest.approx(filled, rel=1e-12)


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_the_position_stays_within_its_limits(seed: int, name: str) -> None:
    config = drawn(seed)
    _, result = ran(seed, name, config)
    assert all(abs(row["position"]) <= config["max_position"] * (1 + 1e-12) for row in result.trades)


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_every_date_ends_flat(seed: int, name: str) -> None:
    _, result = ran(seed, name, drawn(seed, market="adx"))
    last_of_date = {row["timestamp"] // DAY_NS: row["position"] for row in result.trades}
    assert all(position == 0 for position in last_of_date.values())
    assert result.summary["final_position"] == 0


@given(SEEDS, NAMES)
@settings(deadline=None)
def test_nothing_fills_outside_the_session(seed: int, name: str) -> None:
    _, result = ran(seed, name, drawn(seed, market="adx"))
    for row in result.trades:
        if row["kind"] != "flatten":
            assert (10 * 60 + 5) * MINUTE_NS <= row["timestamp"] % DAY_NS < (14 * 60 + 45) * MINUTE_NS


@given(SEEDS, NAMES, st.data())
@settings(deadline=None)
def test_later_ticks_change_no_earlier_trade(seed: int, name: str, data: st.DataObject) -> None:
    config, has_side = drawn(seed), seed % 3 == 0
    rows = sorted(sample.ticks(seed, rows=300), key=lambda row: row[0])
    cut = data.draw(st.integers(0, len(rows)))
    last = rows[cut - 1][0] if cut else 0
    others = [(max(row[0], last), *row[1:]) for row in sample.ticks(seed + 1, rows=300)]
    kept, changed = (run(rows[:cut] + rest, {"X": config}, name, has_side) for rest in (rows[cut:], others))
    before = [
        [row for index, row in zip(result.fill_ticks, result.trades, strict=True) if index < cut]
        for result in (kept, changed)
    ]
    assert before[0] == before[1]


# Files.


def test_floats_are_as_short_as_they_can_be() -> None:
    values = [0.0, 50_000.0, 2e6, 0.2, 1e20, 1e-7, 0.001, 1e-4, -1.5, 123_456_700_000.0, 0.1 + 0.2, 1 / 3]
    texts = "0 50000 2e+06 0.2 1e+20 1e-07 0.001 1e-04 -1.5 123456700000 0.30000000000000004 0.3333333333333333"
    assert [shortest(value) for value in values] == texts.split()


@given(st.floats(allow_nan=False))
def test_floats_read_back_equal(value: float) -> None:
    assert float(shortest(value)) == value
    assert len(shortest(value)) <= len(repr(value))


@given(st.datetimes())
def test_times_are_those_of_the_calendar(time: Any) -> None:
    days = time.toordinal() - 719_163
    seconds = time.hour * 3600 + time.minute * 60 + time.second
    text = iso(days * DAY_NS + seconds * SECOND + time.microsecond * 1000 + 7)
    assert text == time.isoformat(timespec="microseconds") + "007"


def test_the_files_of_a_run() -> None:
    ten = sample.FIRST_DATE * DAY_NS + 600 * MINUTE_NS
    ticks = [
        (ten + 5 * MINUTE_NS, "bid", 100.0, 50_000),
        (ten + 5 * MINUTE_NS + SECOND // 2, "trade", 99.5, 5),
        (ten + 6 * MINUTE_NS, "ask", 101.0, 0),
        (ten + 8 * MINUTE_NS + 1, "trade", 99.5, 5),
    ]
    files = run(ticks, {"DEFAULT": {"market": "adx"}}, "v1_baseline", False, "EMAAR").files()
    assert files == {
        "emaar_trades_timeseries.csv": b"timestamp,side,fill_price,fill_qty,realized_pnl,position,pnl,kind\n"
        b"2024-08-05T10:05:00.500000000,buy,100,50000,0,50000,0,fill\n"
        b"2024-08-05T10:08:00.000000001,sell,99.5,50000,-25000,0,-25000,flatten\n",
        "emaar_equity.csv": b"timestamp,position,mid,pnl,equity\n"
        b"2024-08-05T10:05:00.000000000,0,,0,0\n"
        b"2024-08-05T10:06:00.000000000,50000,100.5,0,25000\n"
        b"2024-08-05T10:08:00.000000001,50000,100.5,0,25000\n"
        b"2024-08-05T10:08:00.000000001,0,100.5,-25000,-25000\n",
        "backtest_summary.csv": b"security,trades,realized_pnl,market_dates,strategy_dates,final_position,volume,fees,"
        b"max_drawdown,sharpe,win_rate,rows,rejected,error\n"
        b"EMAAR,2,-25000,1,1,0,1e+05,0,25000,,0,4,0,\n",
    }


def test_no_ticks() -> None:
    result = run([], {}, "v1_baseline", False)
    assert (result.trades, result.equity, result.summary["rows"], result.summary["sharpe"]) == ([], [], 0, None)
