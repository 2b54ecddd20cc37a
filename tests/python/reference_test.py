"""Every kernel against an independent computation of its definition, and the libraries whose conventions it has."""

import importlib
import importlib.util
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import reference
from reference.sample import OUTLIER, market

from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}

# What each kernel is tried with. Every option of the registry stands here once at least.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "log_returns": [{}],
    "welford_mean_var": [{}, {"ddof": 0}],
    "ewma": [
        {},
        {"alpha": 0.3},
        {"alpha": 1.0},
        {"lambda_": 0.94},
        {"lambda_": 0.0},
        {"span": 10.0},
        {"com": 2.5},
        {"com": 0.0},
        {"halflife": 3.0},
        {"halflife": 0.25},
        {"halflife": "5us"},
        {"halflife": "1s"},
        {"halflife": "1ns"},
    ],
    "rolling_zscore": [
        {},
        {"window": 5},
        {"window": 7, "min_periods": 1},
        {"window": 2, "ddof": 0},
        {"window": 1, "ddof": 0},
    ],
    "midprice": [{}],
    "quoted_spread": [{}],
    "l1_imbalance": [{}],
    "ofi": [{}, {"window": 4}, {"window": 30, "min_periods": 2}],
    "vpin": [
        {"bucket_volume": 500.0, "n_buckets": 3},
        {"bucket_volume": 512.0, "n_buckets": 4, "classify": "bvc"},
        {"bucket_volume": 0.75, "n_buckets": 5},
        {"bucket_volume": 500.0, "n_buckets": 3, "classify": "side"},
        {"bucket_volume": 2.0, "n_buckets": 1, "classify": "side"},
        {},
    ],
    "signed_volume": [{}],
    "realized_var": [{}, {"window": 3}, {"window": 1}, {"window": 9, "min_periods": 2}],
    "kyle_lambda": [{}, {"window": 3}, {"window": 8, "min_periods": 1}, {"window": 2}],
    "triangular_arbitrage": [{}, {"fees_bps": 3.5}, {"fees_bps": -1.0}, {"use_fees_column": True}],
    "vwap": [
        {},
        {"min_periods": 5},
        {"window": 4},
        {"window": 6, "min_periods": 3},
        {"session_ns": 7_000},
        {"session_ns": 40_000, "window": 5},
        {"session_ns": 40_000, "window": 5, "min_periods": 4},
    ],
    "cusum": [
        {},
        {"std": 1e-3, "h": 2.0},
        {"mean": 2e-4, "std": 1e-3, "k": 0.0, "h": 3.0},
        {"std": 1e-3, "k": 0.1, "h": 4.0, "reset": False},
    ],
    "ema": [{}, {"period": 1}, {"period": 5}],
    "sma": [{}, {"window": 1}, {"window": 4}, {"window": 12, "min_periods": 3}],
    "macd": [{}, {"fast": 1, "slow": 2, "signal": 1}, {"fast": 3, "slow": 7, "signal": 4}],
    "rsi": [{}, {"period": 2}, {"period": 5}],
    "bollinger_bands": [
        {},
        {"window": 5, "k": 1.5, "ddof": 1},
        {"window": 8, "min_periods": 1},
        {"window": 1},
        {"k": 0.0},
    ],
    "lag": [{}, {"k": 3}, {"k": 1_000}],
    "diff": [{}, {"k": 3}],
    "rolling_std": [
        {},
        {"window": 5},
        {"window": 8, "min_periods": 1},
        {"window": 4, "ddof": 0},
        {"window": 1, "ddof": 0},
    ],
}
CASES = [pytest.param(name, options, id=f"{name}-{options}") for name in INFOS for options in OPTIONS.get(name, [{}])]

TABLES = {
    "clean": market(500, seed=1),
    "with outliers": market(600, seed=2, outliers=0.03),
    "with all that goes wrong": market(700, seed=3, missing=0.06, outliers=0.02),
    "mostly missing": market(300, seed=4, missing=0.7),
    "of one symbol": market(400, seed=5, missing=0.01, symbols=1),
    "empty": market(0, seed=6),
}


def run(name: str, table: pa.Table, **arguments: Any) -> pa.Table:
    """The kernel's outputs alone."""
    taken = {entry.name: f"out.{entry.name}" for entry in INFOS[name].outputs}
    result = getattr(fintech, name)(table, outputs=taken, **arguments)
    assert result.column_names == [*table.column_names, *taken.values()]
    assert all(reference.bits(result[column]) == reference.bits(table[column]) for column in table.column_names)
    return result.select(list(taken.values())).rename_columns(list(taken))


@pytest.mark.parametrize("name", INFOS)
def test_every_kernel_has_a_reference(name: str) -> None:
    assert name in reference.REFERENCES, f"write tests/python/reference/{INFOS[name].family}.py: {name}"
    assert name in OPTIONS, f"write what {name} is tried with in OPTIONS"
    definition, info = reference.REFERENCES[name], INFOS[name]
    assert {entry.role: entry.column for entry in info.inputs} == dict(definition.inputs)
    types = {float: "float64", int: "int64", str: "utf8"}
    assert [(entry.name, entry.type) for entry in info.outputs] == [
        (output, types[kind]) for output, kind in definition.outputs.items()
    ]
    assert info.stateful == (definition.rows != "alone")
    tried = set().union(*OPTIONS[name])
    assert tried == {entry.name for entry in info.options}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_outputs_are_those_of_the_definition(name: str, options: dict[str, Any], table: str) -> None:
    reference.assert_agree(run(name, TABLES[table], **options), reference.compute(TABLES[table], name, **options))


@pytest.mark.parametrize("name", INFOS)
def test_the_cases_reach_values_and_nulls(name: str) -> None:
    """Otherwise the comparison above would compare nothing."""
    for output in reference.REFERENCES[name].outputs:
        found = [run(name, TABLES["with all that goes wrong"], **options)[output] for options in OPTIONS[name]]
        assert any(column.null_count > 0 for column in found)
        assert any(len(set(column.drop_null().to_pylist())) >= 2 for column in found)


@pytest.mark.parametrize("name", INFOS)
def test_the_defaults_are_those_of_the_definition(name: str) -> None:
    """Spelled out or left out: the same bits, so that the table of defaults is the one that is used."""
    spelled = {entry.name: entry.default for entry in INFOS[name].options if entry.default is not None}
    table = TABLES["of one symbol"]
    left_out, given = run(name, table), run(name, table, **spelled)
    assert [reference.bits(left_out[output]) for output in left_out.column_names] == [
        reference.bits(given[output]) for output in left_out.column_names
    ]


@pytest.mark.parametrize("name", [name for name in INFOS if INFOS[name].stateful])
def test_null_symbols_get_nulls(name: str) -> None:
    table = TABLES["clean"].set_column(0, "symbol", pa.nulls(500, pa.string()))
    assert all(column.null_count == 500 for column in run(name, table).columns)


ROLLING = ["rolling_std", "rolling_zscore", "bollinger_bands", "sma", "realized_var", "kyle_lambda", "vwap", "ofi"]


@pytest.mark.parametrize("window", [2, 3, 64, 100])
@pytest.mark.parametrize("name", ROLLING)
def test_an_outlier_is_forgotten_when_it_leaves_the_window(name: str, window: int) -> None:
    """Also one row after: an anchor that has left the window with it would cost five digits there."""
    random = np.random.default_rng(7)
    rows = 2_500
    columns = {
        column: 0.01 * random.integers(1, 1_000, rows)
        for column in ("price", "volume", "log_return", "signed_volume", "bid", "ask", "bid_size", "ask_size")
    }
    for first, values in enumerate(columns.values()):
        values[300 + 7 * first :: 389] = OUTLIER
    table = pa.table({"symbol": ["A"] * rows, **columns})
    reference.assert_agree(run(name, table, window=window), reference.compute(table, name, window=window))


@pytest.mark.parametrize("name", ROLLING)
def test_what_overflows_in_a_window_is_forgotten_with_it(name: str) -> None:
    """Values whose squares, products or sums are infinite: the windows after them are as if they had not been."""
    random = np.random.default_rng(18)
    rows, window, huge = 1_200, 20, 1.6e308
    roles = reference.REFERENCES[name].inputs
    columns = {column: random.uniform(1, 2, rows) for column in roles.values() if column != "timestamp"}
    hit = np.arange(rows) % 173 == 100
    for values in columns.values():
        values[hit] = huge
    table = pa.table({"symbol": ["A"] * rows, **columns})
    result = run(name, table, window=window)
    clear = pa.array(reference.largest_of_last(hit.astype(float), window + 1) == 0)
    for output, expected in reference.compute(table, name, window=window).items():
        found, values = result[output].filter(clear), expected.values[clear.to_numpy(zero_copy_only=False)]
        within = 1e-9 * np.abs(values) + 1e-11
        assert reference.differences(found, reference.Expected(values, within)) == []


@pytest.mark.parametrize("name", [*(name for name in INFOS if not INFOS[name].stateful), "diff"])
def test_what_overflows_is_null(name: str) -> None:
    random = np.random.default_rng(8)
    table = TABLES["clean"]
    for column in set(reference.REFERENCES[name].inputs.values()) - {"side"}:
        values = random.choice([1.7e308, -1.7e308, 5e-324, 1e-300, 1.0], len(table))
        table = table.set_column(table.column_names.index(column), column, pa.array(values))
    result = run(name, table)
    reference.assert_agree(result, reference.compute(table, name))


# --- worked by hand from the definitions ---


def quotes(*rows: tuple[float, float, float, float]) -> pa.Table:
    bid, bid_size, ask, ask_size = zip(*rows, strict=True)
    return pa.table({"symbol": ["A"] * len(rows), "bid": bid, "bid_size": bid_size, "ask": ask, "ask_size": ask_size})


def prices(*values: float | None, **columns: list[Any]) -> pa.Table:
    return pa.table({"symbol": ["A"] * len(values), "price": pa.array(values, pa.float64()), **columns})


def test_ofi_as_worked_in_its_entry() -> None:
    table = quotes((10, 5, 11, 7), (10, 8, 11, 4), (10.5, 2, 11, 4), (10, 9, 11, 4), (10, 9, 10.5, 3))
    assert fintech.ofi(table)["ofi"].to_pylist() == [None, 6, 2, -2, -3]
    assert fintech.ofi(table, window=2)["ofi"].to_pylist() == [None, None, 8, 0, -5]


def test_vpin_as_worked_in_its_entry() -> None:
    table = prices(1, 1, 1, 1, volume=[6.0, 8.0, 6.0, 25.0], side=[1, -1, 1, -1])
    result = fintech.vpin(table, bucket_volume=10, n_buckets=2, classify="side")
    assert result["vpin"].to_pylist() == [None, None, pytest.approx(0.2), 1.0]
    assert result["vpin_bucket"].to_pylist() == [0, 1, 2, 4]


def test_vpin_counts_buckets_of_a_huge_row() -> None:
    table = prices(1, 1, volume=[0.0, 1e15], side=[1, 1])
    result = fintech.vpin(table, bucket_volume=1, n_buckets=50, classify="side")
    assert result["vpin"].to_pylist() == [None, 1.0]
    assert result["vpin_bucket"].to_pylist() == [0, 10**15]


def test_vpin_of_price_changes_before_there_is_a_deviation() -> None:
    """One change: all bought, all sold or half, by its sign; the volume of the first row is not counted."""
    for after, level in ((2.0, 1.0), (0.5, 1.0), (1.0, 0.0)):
        result = fintech.vpin(prices(1, after, volume=[99.0, 10.0]), bucket_volume=10, n_buckets=1)
        assert result["vpin"].to_pylist() == [None, level]
        assert result["vpin_bucket"].to_pylist() == [0, 1]


def test_lag_and_diff_count_rows_that_are_missing() -> None:
    table = prices(1, None, 3, math.nan, 5, 6)
    assert fintech.lag(table)["lag"].to_pylist() == [None, 1, None, 3, None, 5]
    assert fintech.diff(table, k=2)["diff"].to_pylist() == [None, None, 2, None, 2, None]


def test_a_return_spans_prices_that_are_no_prices() -> None:
    found = fintech.log_returns(prices(1, 0, -5, None, math.inf, 2, 2))["log_return"].to_pylist()
    assert found == [None, None, None, None, None, pytest.approx(math.log(2), rel=1e-15), 0.0]


def test_windows_count_valid_rows() -> None:
    assert fintech.sma(prices(1, None, 3, math.nan, 5), window=2)["sma"].to_pylist() == [None, None, 2, None, 4]


def test_equal_values_have_no_deviation_at_all() -> None:
    table = prices(OUTLIER, *[0.1] * 12)
    assert fintech.rolling_std(table, window=3)["rolling_std"].to_pylist()[4:] == [0.0] * 9
    assert fintech.rolling_zscore(table, window=3)["zscore"].to_pylist()[3:] == [None] * 10
    bands = fintech.bollinger_bands(table, window=3)
    assert [bands[band].to_pylist()[4:] for band in ("bb_upper", "bb_lower")] == [[0.1] * 9] * 2
    volumes = pa.array([1.0, *[0.3] * 12])
    assert fintech.kyle_lambda(table.append_column("signed_volume", volumes), window=3)["kyle_lambda"].null_count == 13


def test_kyle_lambda_is_a_slope() -> None:
    table = prices(10, 12, 9, 13, signed_volume=[0.0, 4.0, -6.0, 8.0])
    assert fintech.kyle_lambda(table, window=3)["kyle_lambda"].to_pylist() == [None, None, None, pytest.approx(0.5)]


def test_vwap_of_rows_and_sessions() -> None:
    table = prices(10, 20, 30, 99, 40, volume=[0.0, 1.0, 3.0, 5.0, 0.0], timestamp=[-1, 3, 12, 9, 13])
    assert fintech.vwap(table)["vwap"].to_pylist() == [None, 20, 27.5, pytest.approx(605 / 9), pytest.approx(605 / 9)]
    assert fintech.vwap(table, session_ns=10)["vwap"].to_pylist() == [None, 20, 30, None, 30]
    assert fintech.vwap(table, window=2)["vwap"].to_pylist() == [None, 20, 27.5, 585 / 8, 99]


def test_cusum_alarms_before_it_starts_again() -> None:
    table = pa.table({"symbol": ["A"] * 4, "log_return": [2.0, 2.0, -9.0, 1.5]})
    result = fintech.cusum(table, k=0.5, h=2.0)
    assert result["cusum_pos"].to_pylist() == [1.5, 3.0, 0.0, 1.0]
    assert result["cusum_neg"].to_pylist() == [0.0, 0.0, 8.5, 0.0]
    assert result["cusum_alarm"].to_pylist() == [0, 1, -1, 0]
    held = fintech.cusum(table, k=0.0, h=1.0, reset=False)
    assert held["cusum_alarm"].to_pylist() == [1, 1, -1, -1]


def test_macd_begins_where_its_signal_does() -> None:
    result = fintech.macd(prices(*range(40)))
    for output in ("macd", "macd_signal", "macd_hist"):
        assert result[output].null_count == 33
        assert result[output].to_pylist()[32] is None
    assert result["macd"].to_pylist()[33] == pytest.approx(7)


def test_rsi_without_a_change_is_null() -> None:
    assert fintech.rsi(prices(1, 1, 1, 2), period=2)["rsi"].to_pylist() == [None, None, None, 100.0]
    assert fintech.rsi(prices(5, 6, 5, 7), period=2)["rsi"].to_pylist() == [None, None, 50.0, pytest.approx(250 / 3)]


def test_ways_round_three_currencies() -> None:
    rates = {"spot_ab": [2.0, 2.0, 2.0, -2.0], "spot_bc": [3.0] * 4, "spot_ac": [5.0, 8.0, 6.0, 6.0]}
    table = pa.table({"symbol": ["A"] * 4, **rates})
    result = fintech.triangular_arbitrage(table, fees_bps=10)
    edges = [pytest.approx(1e4 * (6 / 5 - 1) - 10), pytest.approx(1e4 * (8 / 6 - 1) - 10), -10.0, None]
    assert result["arb_edge_bps"].to_pylist() == edges
    assert result["arb_route"].to_pylist() == ["A>B>C>A", "A>C>B>A", "none", None]


def test_signed_volume_is_never_minus_zero() -> None:
    table = pa.table({"symbol": ["A"] * 5, "side": [-1.0, -0.0, 0.0, 2.0, -1.0], "volume": [0.0, 3.0, 3.0, 3.0, -1.0]})
    found = fintech.signed_volume(table)["signed_volume"].to_pylist()
    assert found == [0.0, 0.0, 0.0, None, None]
    assert [math.copysign(1, value) for value in found[:3]] == [1, 1, 1]


def test_a_halflife_in_time() -> None:
    table = prices(0, 1, 1, 7, 1, timestamp=[0, 10, 10, 9, 20])
    found = fintech.ewma(table, halflife="10ns")["ewma"].to_pylist()
    assert found.pop(3) is None
    assert found == pytest.approx([0, 0.5, 0.5, 0.75], rel=1e-15)


# --- the libraries whose conventions they have ---

PANDAS: dict[str, tuple[str, dict[str, Any], Callable[[pd.Series], pd.Series]]] = {
    "lag": ("lag", {"k": 3}, lambda x: x.shift(3)),
    "diff": ("diff", {"k": 2}, lambda x: x.diff(2)),
    "log_returns": ("log_return", {}, lambda x: np.log(x / x.shift())),
    "ewma by alpha": ("ewma", {"alpha": 0.2}, lambda x: x.ewm(alpha=0.2, adjust=False, ignore_na=True).mean()),
    "ewma by span": ("ewma", {"span": 9}, lambda x: x.ewm(span=9, adjust=False, ignore_na=True).mean()),
    "ewma by com": ("ewma", {"com": 4}, lambda x: x.ewm(com=4, adjust=False, ignore_na=True).mean()),
    "ewma by halflife": ("ewma", {"halflife": 6}, lambda x: x.ewm(halflife=6, adjust=False, ignore_na=True).mean()),
    "welford_mean_var mean": ("mean", {}, lambda x: x.expanding().mean()),
    "welford_mean_var variance": ("variance", {}, lambda x: x.expanding().var()),
    "welford_mean_var stddev": ("stddev", {"ddof": 0}, lambda x: x.expanding().std(ddof=0)),
    "rolling_zscore": (
        "zscore",
        {"window": 30, "min_periods": 4},
        lambda x: (x - x.rolling(30, min_periods=4).mean()) / x.rolling(30, min_periods=4).std(),
    ),
    "rolling_std": ("rolling_std", {"window": 12}, lambda x: x.rolling(12).std()),
    "sma": ("sma", {"window": 12, "min_periods": 1}, lambda x: x.rolling(12, min_periods=1).mean()),
    "realized_var": ("realized_var", {"column": "price"}, lambda x: (x**2).rolling(20).sum()),
}


@pytest.mark.parametrize("case", PANDAS)
def test_as_pandas(case: str) -> None:
    output, arguments, definition = PANDAS[case]
    random = np.random.default_rng(9)
    symbols = random.choice(["A", "B", "C"], 900)
    table = pa.table({"symbol": symbols, "price": 100 * np.exp(np.cumsum(1e-3 * random.standard_normal(900)))})
    found = getattr(fintech, case.partition(" ")[0])(table, **arguments)[output]
    expected = table.to_pandas().groupby("symbol")["price"].transform(definition)
    np.testing.assert_allclose(found.to_pandas(), expected, rtol=1e-8, atol=1e-10)  # pandas' rolling moments drift.


def test_missing_values_as_pandas() -> None:
    values = pd.Series([1.0, None, 2.0, 4.0, None, 3.0])
    table = pa.table({"symbol": ["A"] * 6, "price": pa.array(values, from_pandas=True)})
    expected = values.ewm(alpha=0.25, adjust=False, ignore_na=True).mean().where(values.notna())
    np.testing.assert_allclose(fintech.ewma(table, alpha=0.25)["ewma"].to_pandas(), expected, rtol=1e-15)


TALIB: dict[str, tuple[dict[str, Any], Callable[[Any, np.ndarray], dict[str, np.ndarray]]]] = {
    "ema": ({"period": 12}, lambda talib, x: {"ema": talib.EMA(x, 12)}),
    "sma": ({"window": 12}, lambda talib, x: {"sma": talib.SMA(x, 12)}),
    "macd": ({}, lambda talib, x: dict(zip(("macd", "macd_signal", "macd_hist"), talib.MACD(x), strict=True))),
    "rsi": ({}, lambda talib, x: {"rsi": talib.RSI(x)}),
    "bollinger_bands": (
        {"window": 15, "k": 1.5},
        lambda talib, x: dict(
            zip(("bb_upper", "bb_mid", "bb_lower"), talib.BBANDS(x, 15, nbdevup=1.5, nbdevdn=1.5), strict=True)
        ),
    ),
}


@pytest.mark.skipif(importlib.util.find_spec("talib") is None, reason="TA-Lib is not installed (group bench)")
@pytest.mark.parametrize("name", TALIB)
def test_as_talib(name: str) -> None:
    options, definition = TALIB[name]
    values = 100 * np.exp(np.cumsum(1e-2 * np.random.default_rng(10).standard_normal(500)))
    result = getattr(fintech, name)(prices(*values.tolist()), **options)
    for output, expected in definition(importlib.import_module("talib"), values).items():
        np.testing.assert_allclose(result[output].to_pandas(), expected, rtol=1e-9, atol=1e-9, err_msg=output)
