"""Every kernel against an independent computation of its definition, and the libraries whose conventions it has."""

import importlib
import importlib.util
import math
from collections.abc import Callable
from statistics import NormalDist
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import reference
from reference.cross_asset import kalman_in_decimals
from reference.sample import OUTLIER, market

from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}

# Every spelling of a decay, its extremes too.
DECAYS: list[dict[str, Any]] = [
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
]

# Windows of time: of some rows, of more, of all and of one moment.
DURATIONS: list[dict[str, Any]] = [
    {"window": "4us"},
    {"window": "25us", "min_periods": 3, "max_rows": 400},
    {"window": "1h"},
    {"window": "1ns"},
]

# What each kernel is tried with. Every option of the registry stands here once at least.
OPTIONS: dict[str, list[dict[str, Any]]] = {
    "log_returns": [{}],
    "welford_mean_var": [{}, {"ddof": 0}],
    "ewma": DECAYS,
    "ewcov": DECAYS,
    "rolling_zscore": [
        {},
        {"window": 5},
        {"window": 7, "min_periods": 1},
        {"window": 2, "ddof": 0},
        {"window": 1, "ddof": 0},
        *DURATIONS,
    ],
    "midprice": [{}],
    "microprice": [{}],
    "quoted_spread": [{}],
    "effective_spread": [{}],
    "l1_imbalance": [{}],
    "ofi": [
        {},
        {"window": 4},
        {"window": 30, "min_periods": 2},
        *DURATIONS,
    ],
    "vpin": [
        {"bucket_volume": 500.0, "n_buckets": 3},
        {"bucket_volume": 512.0, "n_buckets": 4, "classify": "bvc"},
        {"bucket_volume": 0.75, "n_buckets": 5},
        {"bucket_volume": 500.0, "n_buckets": 3, "classify": "side"},
        {"bucket_volume": 2.0, "n_buckets": 1, "classify": "side"},
        {},
    ],
    "signed_volume": [{}],
    "realized_var": [
        {},
        {"window": 3},
        {"window": 1},
        {"window": 9, "min_periods": 2},
        *DURATIONS,
    ],
    "riskmetrics_vol": [
        *(decay for decay in DECAYS if decay not in ({"alpha": 1.0}, {"lambda_": 0.0}, {"com": 0.0})),
        {"lambda_": 0.1},
    ],
    "bipower_var": [
        {},
        {"window": 3},
        {"window": 1},
        {"window": 9, "min_periods": 2},
        {"window": 5, "finite_sample": False},
        *DURATIONS,
    ],
    "medrv": [
        {},
        {"window": 4},
        {"window": 2},
        {"window": 9, "min_periods": 2},
        {"window": 5, "finite_sample": False},
        *DURATIONS,
    ],
    "kyle_lambda": [
        {},
        {"window": 3},
        {"window": 8, "min_periods": 1},
        {"window": 2},
        *DURATIONS,
    ],
    "amihud_illiquidity": [
        {},
        {"window": 1},
        {"window": 6, "scale": 1e6},
        {"window": 9, "min_periods": 2},
        *DURATIONS,
    ],
    "roll_spread": [
        {},
        {"window": 2},
        {"window": 1},
        {"window": 9, "min_periods": 1},
        *DURATIONS,
    ],
    "corwin_schultz_spread": [
        {},
        {"negative": "keep"},
        {"window": 5},
        {"window": 9, "min_periods": 2, "negative": "keep"},
        {"overnight_adjust": True},
        {"window": 4, "overnight_adjust": True, "negative": "keep"},
        {"window": "30us", "overnight_adjust": True},
        *DURATIONS,
    ],
    "triangular_arbitrage": [{}, {"fees_bps": 3.5}, {"fees_bps": -1.0}, {"use_fees_column": True}],
    "forward_points": [
        {},
        {"t_years": 0.25, "pip": 1e-4},
        {"compounding": "simple"},
        {"t_years": 2.0, "compounding": "simple", "pip": 0.01},
    ],
    "cip_basis": [{}, {"t_years": 0.25}, {"compounding": "simple"}, {"t_years": 0.5, "compounding": "simple"}],
    "carry_signal": [{}, {"risk_adjusted": True}],
    "funding_apr": [{}, {"interval_hours": 1.0}],
    "funding_cost": [{}],
    "basis_annualized": [{}, {"days": 30.0, "day_count": 360.0}],
    "open_interest_delta": [{}],
    "perp_fair_price": [{}, {"interval_hours": 4.0}],
    "cash_and_carry_edge": [{}, {"periods": 3.0, "fees_bps": 2.5}, {"periods": 0.0}, {"use_fees_column": True}],
    "vwap": [
        {},
        {"min_periods": 5},
        {"window": 4},
        {"window": 6, "min_periods": 3},
        {"session_ns": 7_000},
        {"session_ns": 40_000, "window": 5},
        {"session_ns": 40_000, "window": 5, "min_periods": 4},
        {"window": "4us"},
        {"window": "25us", "min_periods": 3, "max_rows": 400},
        {"window": "5us", "session_ns": 7_000},
        {"window": "1h"},
    ],
    "implementation_shortfall": [{}, {"mode": "order"}],
    "arrival_price_impact": [{}],
    "cusum": [
        {},
        {"std": 1e-3, "h": 2.0},
        {"mean": 2e-4, "std": 1e-3, "k": 0.0, "h": 3.0},
        {"std": 1e-3, "k": 0.1, "h": 4.0, "reset": False},
    ],
    "historical_var": [
        {},
        {"window": 9, "alpha": 0.25},
        {"window": 40, "min_periods": 1, "alpha": 0.01},
        {"window": 1, "alpha": 0.999},
        {"window": 2, "alpha": 0.5},
        {"window": "4us"},
        {"window": "25us", "min_periods": 3, "max_rows": 400},
        {"window": "1h", "alpha": 0.1},
        {"window": "1ns"},
    ],
    "historical_cvar": [
        {},
        {"window": 9, "alpha": 0.25},
        {"window": 40, "min_periods": 1, "alpha": 0.01},
        {"window": 1, "alpha": 0.999},
        {"window": 20, "alpha": 0.05},
        {"window": "4us"},
        {"window": "25us", "min_periods": 3, "max_rows": 400},
        {"window": "1h", "alpha": 0.1},
        {"window": "1ns"},
    ],
    "cornish_fisher_var": [{}, {"alpha": 0.01}, {"alpha": 0.5}, {"alpha": 1e-9}],
    "ema": [{}, {"period": 1}, {"period": 5}],
    "sma": [
        {},
        {"window": 1},
        {"window": 4},
        {"window": 12, "min_periods": 3},
        *DURATIONS,
    ],
    "macd": [{}, {"fast": 1, "slow": 2, "signal": 1}, {"fast": 3, "slow": 7, "signal": 4}],
    "rsi": [{}, {"period": 2}, {"period": 5}],
    "bollinger_bands": [
        {},
        {"window": 5, "k": 1.5, "ddof": 1},
        {"window": 8, "min_periods": 1},
        {"window": 1},
        {"k": 0.0},
        *DURATIONS,
    ],
    "kalman_1d": [{}, {"q": 0.0}, {"q": 0.5, "r": 2.0}],
    "donchian_channel": [
        {},
        {"window": 5},
        {"window": 12, "min_periods": 1},
        {"window": 1},
        *DURATIONS,
    ],
    "stochastic_osc": [
        {},
        {"k_period": 3, "slowing": 2, "d_period": 4},
        {"k_period": 5, "slowing": 3, "d_period": 1},
        {"k_period": 1, "d_period": 2},
    ],
    "lag": [{}, {"k": 3}, {"k": 1_000}],
    "diff": [{}, {"k": 3}],
    "rolling_min": [
        {},
        {"window": 5},
        {"window": 12, "min_periods": 1},
        {"window": 1},
        *DURATIONS,
    ],
    "rolling_max": [
        {},
        {"window": 5},
        {"window": 12, "min_periods": 1},
        {"window": 1},
        *DURATIONS,
    ],
    "rolling_std": [
        {},
        {"window": 5},
        {"window": 8, "min_periods": 1},
        {"window": 4, "ddof": 0},
        {"window": 1, "ddof": 0},
        *DURATIONS,
    ],
    "rolling_skew": [
        {},
        {"window": 5},
        {"window": 8, "min_periods": 1},
        {"window": 3, "bias": True},
        {"window": 2},
        *DURATIONS,
    ],
    "rolling_kurt": [
        {},
        {"window": 6},
        {"window": 8, "min_periods": 1},
        {"window": 4, "bias": True},
        {"window": 3},
        *DURATIONS,
    ],
    "autocorr": [
        {},
        {"window": 5},
        {"window": 12, "lag": 3},
        {"window": 20, "min_periods": 1, "lag": 2},
        {"window": 1},
        {"window": "30us", "lag": 4},
        *DURATIONS,
    ],
    "hayashi_yoshida_cov": [
        {"symbol_a": "BTC", "symbol_b": "ETH"},
        {"symbol_a": "ETH", "symbol_b": "BTC", "window": 1},
        {"symbol_a": "", "symbol_b": "日経225", "window": 7},
        {"symbol_a": "BTC", "symbol_b": "nobody"},
        {"symbol_a": "BTC", "symbol_b": "ETH", "window": "7us"},
        {"symbol_a": "BTC", "symbol_b": "ETH", "window": "40us", "max_rows": 400},
    ],
    "hayashi_yoshida_corr": [
        {"symbol_a": "BTC", "symbol_b": "ETH"},
        {"symbol_a": "BTC", "symbol_b": "", "window": 2},
        {"symbol_a": "ETH", "symbol_b": "a longer symbol's name", "window": 40},
        {"symbol_a": "ETH", "symbol_b": "BTC", "window": "12us"},
        {"symbol_a": "ETH", "symbol_b": "BTC", "window": "1h", "max_rows": 1_000},
    ],
    "xcorr_leadlag": [
        {},
        {"window": 5, "max_lag": 2},
        {"window": 12, "max_lag": 0},
        {"window": 2, "max_lag": 3},
        {"window": "40us", "max_lag": 2, "max_rows": 400},
        {"window": "4us", "max_lag": 1},
        {"window": "1h", "max_lag": 3},
    ],
    "pairs_spread": [
        {},
        {"hedge_ratio": 1.5, "intercept": 20.0},
        {"use_hedge_column": True},
        {"log": True},
        {"log": True, "hedge_ratio": -0.5},
    ],
    "kalman_hedge_ratio": [{}, {"intercept": False}, {"q": 0.0, "r": 0.5}, {"q": 1e-3, "r": 2.0, "p0": 100.0}],
    "stale_quote_detector": [{}, {"max_age_ns": 1_500_000}, {"max_age_ns": 0}],
    "price_band_guard": [{"pct": 0.001}, {"pct": 0.0}, {}],
    "fat_finger_guard": [
        {"pct": 0.001, "notional_max": 2e4},
        {"size_max": 0.5},
        {"pct": 0.0, "size_max": float("inf"), "notional_max": float("inf")},
        {},
    ],
    "circuit_breaker": [{"pct": 0.0005, "halt_ns": 20_000}, {"pct": 0.0, "halt_ns": 0}, {"halt_ns": 1_000}, {}],
    "throttle_check": [
        {"rate_per_s": 2e5, "burst": 2},
        {"rate_per_s": 1.5e6, "burst": 1},
        {"rate_per_s": 2e9, "burst": 1},
        {"rate_per_s": 1e-9, "burst": 3},
        {"rate_per_s": 70_000.0, "burst": 7},
        {},
    ],
    "outlier_flag_mad": [
        {},
        {"window": 9, "k": 1.5},
        {"window": 8, "min_periods": 1, "min_scale": 0.01},
        {"window": 2, "k": 0.0},
        {"window": 1, "min_scale": 0.02},
        {"window": "4us"},
        {"window": "25us", "min_periods": 3, "max_rows": 400, "k": 2.0},
        {"window": "1h", "min_scale": 0.01},
        {"window": "1ns"},
    ],
}
CASES = [pytest.param(name, options, id=f"{name}-{options}") for name in INFOS for options in OPTIONS.get(name, [{}])]

# What a kernel must be told.
REQUIRED = {
    name: {entry.name: OPTIONS[name][0][entry.name] for entry in info.options if entry.required}
    for name, info in INFOS.items()
    if name in OPTIONS
}

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
    types = {float: "float64", int: "int64", bool: "bool", str: "utf8"}
    assert [(entry.name, entry.type) for entry in info.outputs] == [
        (output, types[kind]) for output, kind in definition.outputs.items()
    ]
    assert info.stateful == (definition.rows not in ("alone", "all alone"))
    assert (info.missing != "null") == (definition.rows in ("all", "all alone"))
    tried = set().union(*OPTIONS[name])
    assert tried == {entry.name for entry in info.options}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize(("name", "options"), CASES)
def test_outputs_are_those_of_the_definition(name: str, options: dict[str, Any], table: str) -> None:
    reference.assert_agree(run(name, TABLES[table], **options), reference.compute(TABLES[table], name, **options))


@pytest.mark.parametrize("name", INFOS)
def test_the_cases_reach_values_and_nulls(name: str) -> None:
    """Otherwise the comparison above would compare nothing."""
    for output, kind in reference.REFERENCES[name].outputs.items():
        found = [run(name, TABLES["with all that goes wrong"], **options)[output] for options in OPTIONS[name]]
        never_null = INFOS[name].missing == "fails closed" and kind is bool
        assert any(column.null_count > 0 for column in found) != never_null
        assert any(len(set(column.drop_null().to_pylist())) >= 2 for column in found)


@pytest.mark.parametrize("name", INFOS)
def test_the_defaults_are_those_of_the_definition(name: str) -> None:
    """Spelled out or left out: the same bits, so that the table of defaults is the one that is used."""
    spelled = {entry.name: entry.default for entry in INFOS[name].options if entry.default is not None}
    table = TABLES["of one symbol"]
    left_out, given = run(name, table, **REQUIRED[name]), run(name, table, **REQUIRED[name], **spelled)
    assert [reference.bits(left_out[output]) for output in left_out.column_names] == [
        reference.bits(given[output]) for output in left_out.column_names
    ]


@pytest.mark.parametrize("name", [name for name in INFOS if INFOS[name].stateful])
def test_null_symbols_get_nulls_unless_a_guard_judges_them(name: str) -> None:
    table = TABLES["clean"].set_column(0, "symbol", pa.nulls(500, pa.string()))
    judged = reference.REFERENCES[name].without_key
    assert (INFOS[name].missing == "fails closed") == bool(judged)
    result = run(name, table, **REQUIRED[name])
    for output, column in zip(result.column_names, result.columns, strict=True):
        assert column.to_pylist() == [judged.get(output)] * 500


ROLLING = [
    info.name for info in INFOS.values() if not info.pair and any(entry.name == "window" for entry in info.options)
]


@pytest.mark.parametrize("window", [2, 3, 64, 100])
@pytest.mark.parametrize("name", ROLLING)
def test_an_outlier_is_forgotten_when_it_leaves_the_window(name: str, window: int) -> None:
    """Also one row after: an anchor that has left the window with it would cost five digits there."""
    random = np.random.default_rng(7)
    rows = 2_500
    columns = {
        column: 0.01 * random.integers(1, 1_000, rows)
        for column in reference.REFERENCES[name].inputs.values()
        if column != "timestamp"
    }
    for first, values in enumerate(columns.values()):
        values[300 + 7 * first :: 389] = OUTLIER
    table = pa.table({"symbol": ["A"] * rows, **columns})
    reference.assert_agree(run(name, table, window=window), reference.compute(table, name, window=window))


@pytest.mark.parametrize("name", ROLLING)
def test_an_outlier_is_forgotten_when_it_leaves_a_window_of_time(name: str) -> None:
    random = np.random.default_rng(8)
    rows = 1_200
    columns = {
        column: 0.01 * random.integers(1, 1_000, rows)
        for column in reference.REFERENCES[name].inputs.values()
        if column != "timestamp"
    }
    for first, values in enumerate(columns.values()):
        values[300 + 7 * first :: 389] = OUTLIER
    times = np.cumsum(random.choice([0, 1, 2, 30], rows))
    table = pa.table({"symbol": ["A"] * rows, "timestamp": times, **columns})
    for window in ("1ns", "15ns", "200ns"):
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
    reach = max(window + 1, reference.REFERENCES[name].window({"window": window}) or 0)
    clear = pa.array(reference.largest_of_last(hit.astype(float), reach) == 0)
    for output, expected in reference.compute(table, name, window=window).items():
        found, values = result[output].filter(clear), expected.values[clear.to_numpy(zero_copy_only=False)]
        within = 1e-9 * np.abs(values) + 1e-11 if values.dtype == float else np.zeros(len(values))
        assert reference.differences(found, reference.Expected(values, within)) == []


@pytest.mark.parametrize("name", [*(name for name in INFOS if not INFOS[name].stateful), "diff"])
def test_what_overflows_is_null(name: str) -> None:
    random = np.random.default_rng(8)
    table = TABLES["clean"]
    for column in {entry.column for entry in INFOS[name].inputs if entry.type == "float64"} - {"side"}:
        values = random.choice([1.7e308, -1.7e308, 5e-324, 1e-300, 1.0], len(table))
        table = table.set_column(table.column_names.index(column), column, pa.array(values))
    result = run(name, table)
    reference.assert_agree(result, reference.compute(table, name))


def test_what_is_divided_by_an_overflow_is_null_and_not_0() -> None:
    """And it leaves with the row: afterwards all is as before."""
    calm = [1.0, 2.0, 4.0, 3.0]
    score = fintech.rolling_zscore(prices(0, 1e200, -1e200, *calm), window=3)["zscore"].to_pylist()
    assert score[2] is None
    assert score[-2:] == pytest.approx(fintech.rolling_zscore(prices(*calm), window=3)["zscore"].to_pylist()[-2:])
    volumes = [0.0, 0.0, 1e200, -1e200, 1.0, 2.0, 4.0]
    table = prices(1, 2, 4, 3, 5, 4, 6, signed_volume=volumes)
    slope = fintech.kyle_lambda(table, window=3)["kyle_lambda"].to_pylist()
    assert slope[3] is None
    assert slope[-1] is not None
    cost = prices(1e200, 2e200, 1, 2, 3, volume=[1e200, 1e200, 1.0, 1.0, 1.0])
    assert fintech.amihud_illiquidity(cost, window=1)["amihud_illiquidity"].to_pylist()[1] is None


def test_vpin_outlives_a_deviation_that_overflows() -> None:
    """Then the sign of the change decides, as where there is no deviation."""
    table = prices(0, 1e200, -1e200, 1, 2, 1, volume=[10.0] * 6)
    assert fintech.vpin(table, bucket_volume=10, n_buckets=1)["vpin"].to_pylist() == [None, 1, 1, 1, 1, 1]


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
    for name in ("rolling_skew", "rolling_kurt"):
        assert getattr(fintech, name)(table, window=4)[name].to_pylist()[4:] == [None] * 9
    assert fintech.autocorr(table, column="price", window=3)["autocorr"].to_pylist()[4:] == [None] * 9
    pair = table.append_column("x", table["price"]).append_column("y", pa.array([float(row) for row in range(13)]))
    assert fintech.xcorr_leadlag(pair, window=3, max_lag=1)["leadlag"].to_pylist()[5:] == [None] * 8


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


def test_losses_in_the_tail() -> None:
    table = pa.table({"symbol": ["A"] * 6, "pnl": [8.0, -16.0, 2.0, -4.0, 1.0, -32.0]})
    found = fintech.historical_var(table, window=5, alpha=0.25)["historical_var"].to_pylist()
    assert found == [None, None, None, None, 4.0, 16.0]
    # Half of five values: the two worst, and half of the third.
    found = fintech.historical_cvar(table, window=5, alpha=0.5)["historical_cvar"].to_pylist()
    assert found == [None, None, None, None, pytest.approx(19.5 / 2.5), pytest.approx(50 / 2.5)]


def test_a_mean_loss_in_the_tail_is_never_below_its_boundary() -> None:
    table = pa.table({"symbol": ["A"] * 400, "pnl": np.random.default_rng(20).choice([-0.1, -0.3, 0.1, 0.7], 400)})
    for options in ({"window": 3, "alpha": 0.9}, {"window": 30, "alpha": 0.1}, {"window": 30, "alpha": 0.003}):
        least = fintech.historical_var(table, **options)["historical_var"]
        found = fintech.historical_cvar(table, **options)["historical_cvar"]
        assert pc.all(pc.greater_equal(found, least)).as_py()


def test_outliers_are_compared_with_the_rows_before_them() -> None:
    table = prices(1, 2, 4, 9, 9, timestamp=[0, 1, 2, 3, 9])
    result = fintech.outlier_flag_mad(table, window=3)
    assert result["outlier_flag"].to_pylist() == [None, None, None, True, False]
    assert result["outlier_score"].to_pylist() == [None, None, None, 7 / 1.4826, 5 / (1.4826 * 2)]
    result = fintech.outlier_flag_mad(table, window="3ns", min_scale=1.0)
    assert result["outlier_flag"].to_pylist() == [None, False, False, True, None]
    assert result["outlier_score"].to_pylist() == [None, 1, 2.5, 6 / 1.4826, None]


def test_without_a_scale_every_other_value_is_an_outlier() -> None:
    table = prices(5, 5, 5, 5, 5.01)
    assert fintech.outlier_flag_mad(table, window=3)["outlier_flag"].to_pylist() == [None, None, None, False, True]
    assert fintech.outlier_flag_mad(table, window=3)["outlier_score"].null_count == 5
    held = fintech.outlier_flag_mad(table, window=3, min_scale=0.01)
    assert held["outlier_flag"].to_pylist() == [None, None, None, False, False]


def test_a_channel_of_bars_and_no_bars() -> None:
    bars = {"high": [5.0, 4.0, 1.0, 6.0], "low": [1.0, 3.0, 2.0, 2.0]}
    result = fintech.donchian_channel(pa.table({"symbol": ["A"] * 4, **bars}), window=2)
    assert result["donchian_high"].to_pylist() == [None, 5, None, 6]
    assert result["donchian_low"].to_pylist() == [None, 1, None, 2]
    assert result["donchian_mid"].to_pylist() == [None, 3, None, 4]


def test_a_bar_without_a_range_enters_no_average() -> None:
    bars = {"high": [4.0, 4, 3, 3, 3, 5], "low": [0.0, 0, 3, 3, 3, 3], "close": [1.0, 2, 3, 3, 2, 4]}
    result = fintech.stochastic_osc(pa.table({"symbol": ["A"] * 6, **bars}), k_period=2, d_period=2)
    assert result["stoch_k"].to_pylist() == [None, 50, 75, None, None, 50]
    assert result["stoch_d"].to_pylist() == [None, None, 62.5, None, None, 62.5]


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


def test_an_order_without_a_fill_needs_no_price() -> None:
    rows = {
        "side": [1.0, 1.0, -1.0],
        "exec_price": [None, None, math.nan],
        "arrival_price": [100.0] * 3,
        "filled_qty": [0.0, 4.0, 0.0],
        "order_qty": [8.0] * 3,
        "close_price": [120.0] * 3,
        "fees": [4.0] * 3,
    }
    result = fintech.implementation_shortfall(pa.table({"symbol": ["A"] * 3, **rows}), mode="order")
    assert result["implementation_shortfall_bps"].to_pylist() == [2050.0, None, -1950.0]


def test_the_basis_is_zero_at_the_forward_of_parity() -> None:
    random = np.random.default_rng(19)
    rates = {name: 0.05 * random.standard_normal(200) for name in ("r_dom", "r_for")}
    table = pa.table({"symbol": ["A"] * 200, "spot": random.uniform(0.5, 150, 200), **rates})
    for compounding in ("continuous", "simple"):
        options = {"t_years": 0.25, "compounding": compounding}
        points = fintech.forward_points(table, **options)
        forward = pc.add(points["spot"], points["forward_points"])
        found = fintech.cip_basis(table.append_column("forward", forward), **options)["cip_basis"]
        np.testing.assert_allclose(found.to_numpy(), 0, atol=1e-14)


def test_the_value_at_risk_of_a_normal_distribution_is_its_quantile() -> None:
    moments = {"mean": [0.0], "stddev": [1.0], "skew": [0.0], "kurt": [0.0]}
    table = pa.table({"symbol": ["A"], **moments})
    for alpha in (1e-300, 1e-12, 1e-6, 0.001, 0.01, 0.05, 0.074, 0.076, 0.3, 0.6, 0.93, 0.999999):
        found = fintech.cornish_fisher_var(table, alpha=alpha)["cornish_fisher_var"][0].as_py()
        assert found == pytest.approx(-NormalDist().inv_cdf(alpha), rel=1e-14)


def test_a_halflife_of_returns_in_time() -> None:
    table = pa.table({"symbol": ["A"] * 4, "log_return": [4.0, 9.0, 9.0, 0.0], "timestamp": [100, 100, 99, 120]})
    found = fintech.riskmetrics_vol(table, halflife="10ns")["riskmetrics_vol"].to_pylist()
    assert found == [4.0, 4.0, None, pytest.approx(2.0, rel=1e-15)]


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


@pytest.mark.parametrize("options", OPTIONS["kalman_hedge_ratio"], ids=str)
def test_a_kalman_filter_keeps_its_digits(options: dict[str, Any]) -> None:
    """Against 120 digits of another form."""
    table = market(1_500, seed=22, symbols=1)
    expected = kalman_in_decimals(table["price_a"].to_numpy(), table["price_b"].to_numpy(), **options)
    within = {output: reference.Expected(np.array(x), 1e-9 * np.abs(x) + 2e-10) for output, x in expected.items()}
    reference.assert_agree(fintech.kalman_hedge_ratio(table.drop("hedge_ratio"), **options), within)


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
    "rolling_min": ("rolling_min", {"window": 12, "min_periods": 4}, lambda x: x.rolling(12, min_periods=4).min()),
    "rolling_max": ("rolling_max", {"window": 12}, lambda x: x.rolling(12).max()),
    "rolling_std": ("rolling_std", {"window": 12}, lambda x: x.rolling(12).std()),
    "sma": ("sma", {"window": 12, "min_periods": 1}, lambda x: x.rolling(12, min_periods=1).mean()),
    "realized_var": ("realized_var", {"column": "price"}, lambda x: (x**2).rolling(20).sum()),
    "bipower_var": (
        "bipower_var",
        {"column": "price", "window": 6, "finite_sample": False},
        lambda x: math.pi / 2 * (x * x.shift()).rolling(5).sum(),
    ),
    "roll_spread": (
        "roll_spread",
        {"window": 12},
        lambda x: 2 * np.sqrt((-x.diff().rolling(12).cov(x.diff().shift())).clip(lower=0)),
    ),
    "rolling_skew": ("rolling_skew", {"window": 12, "min_periods": 5}, lambda x: x.rolling(12, min_periods=5).skew()),
    "rolling_kurt": ("rolling_kurt", {"window": 12, "min_periods": 5}, lambda x: x.rolling(12, min_periods=5).kurt()),
    "autocorr": (
        "autocorr",
        {"column": "price", "lag": 2, "window": 15},
        lambda x: x.rolling(17).apply(lambda last: last.autocorr(2)),
    ),
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


@pytest.mark.parametrize("options", [{"alpha": 0.2}, {"span": 9}, {"com": 4}, {"halflife": 6}], ids=str)
def test_ewcov_as_pandas(options: dict[str, Any]) -> None:
    random = np.random.default_rng(20)
    x, y = np.cumsum(random.standard_normal((2, 500)), axis=1)
    table = pa.table({"symbol": ["A"] * 500, "x": x, "y": y})
    expected = pd.Series(x).ewm(**options, adjust=False, ignore_na=True).cov(pd.Series(y), bias=True)
    np.testing.assert_allclose(fintech.ewcov(table, **options)["ewcov"].to_pandas(), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("options", [{"lambda_": 0.94}, {"alpha": 0.2}, {"halflife": 6}], ids=str)
def test_riskmetrics_vol_as_pandas(options: dict[str, Any]) -> None:
    returns = 1e-2 * np.random.default_rng(21).standard_normal(500)
    table = pa.table({"symbol": ["A"] * 500, "log_return": returns})
    decay = {"alpha": 1 - 0.94} if "lambda_" in options else options
    expected = np.sqrt((pd.Series(returns) ** 2).ewm(**decay, adjust=False).mean())
    found = fintech.riskmetrics_vol(table, **options)["riskmetrics_vol"].to_pandas()
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_lead_and_lag_as_pandas() -> None:
    """Each lag's rolling correlation; the strongest of them in each row."""
    random = np.random.default_rng(19)
    x = pd.Series(random.standard_normal(400))
    y = x.shift(2).fillna(0) + 0.5 * x.shift(-1).fillna(0) + random.standard_normal(400)
    table = pa.table({"symbol": ["A"] * 400, "x": x, "y": y})
    found = fintech.xcorr_leadlag(table, window=30, max_lag=3)
    lags = range(-3, 4)
    each = pd.DataFrame({lag: x.shift(max(lag, 0)).rolling(30).corr(y.shift(max(-lag, 0))) for lag in lags})[32:]
    assert found["leadlag"].to_pylist() == [None] * 32 + each.abs().idxmax(axis=1).tolist()
    strongest = [each.loc[row, lag] for row, lag in each.abs().idxmax(axis=1).items()]
    np.testing.assert_allclose(found["leadlag_corr"].to_pylist()[32:], strongest, rtol=1e-9)


def test_a_local_level_as_statsmodels() -> None:
    """Its diffuse start is ours: the first value, as uncertain as the noise."""
    values = np.cumsum(np.random.default_rng(22).standard_normal(200)) + np.random.default_rng(23).standard_normal(200)
    components = importlib.import_module("statsmodels.api").tsa.UnobservedComponents(
        values, "llevel", use_exact_diffuse=True
    )
    components.ssm.tolerance = 0  # Otherwise it takes its variance as settled after some rows.
    expected = components.filter([0.7, 0.2])  # Variances of the noise and of the level.
    found = fintech.kalman_1d(prices(*values.tolist()), r=0.7, q=0.2)
    np.testing.assert_allclose(found["kalman_level"].to_pandas(), expected.filtered_state[0], rtol=1e-9)
    np.testing.assert_allclose(found["kalman_var"].to_pandas(), expected.filtered_state_cov[0, 0], rtol=1e-9)


def test_biased_moments_as_scipy() -> None:
    stats = importlib.import_module("scipy.stats")
    values = np.random.default_rng(20).standard_normal(200) ** 3
    for name, definition in (("rolling_skew", stats.skew), ("rolling_kurt", stats.kurtosis)):
        found = getattr(fintech, name)(prices(*values.tolist()), window=25, bias=True)[name].to_pylist()
        expected = [definition(values[row - 24 : row + 1]) for row in range(24, 200)]
        np.testing.assert_allclose(found[24:], expected, rtol=1e-10, atol=1e-12)


def test_missing_values_as_pandas() -> None:
    values = pd.Series([1.0, None, 2.0, 4.0, None, 3.0])
    table = pa.table({"symbol": ["A"] * 6, "price": pa.array(values, from_pandas=True)})
    expected = values.ewm(alpha=0.25, adjust=False, ignore_na=True).mean().where(values.notna())
    np.testing.assert_allclose(fintech.ewma(table, alpha=0.25)["ewma"].to_pandas(), expected, rtol=1e-15)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.5, 0.99])
def test_losses_in_the_tail_as_numpy(alpha: float) -> None:
    values = 1e3 * np.random.default_rng(21).standard_normal(600)
    table = pa.table({"symbol": ["A"] * 600, "pnl": values})
    found = fintech.historical_var(table, window=90, alpha=alpha)["historical_var"].to_pandas()
    expected = -np.quantile(np.lib.stride_tricks.sliding_window_view(values, 90), alpha, axis=1)
    np.testing.assert_allclose(found[89:], expected, rtol=1e-12)
    as_pandas = -pd.Series(values).rolling(90).quantile(alpha)
    np.testing.assert_allclose(found, as_pandas, rtol=1e-12)


def test_outliers_as_pandas() -> None:
    values = pd.Series(100 + np.random.default_rng(24).standard_t(2, 600))
    result = fintech.outlier_flag_mad(prices(*values.tolist()), window=50)
    before = values.shift().rolling(50)
    scale = 1.4826 * before.apply(lambda held: np.median(np.abs(held - np.median(held))), raw=True)
    score = (values - before.median()).abs() / scale
    np.testing.assert_allclose(result["outlier_score"].to_pandas(), score, rtol=1e-9)
    flags = result["outlier_flag"].to_pylist()
    assert flags[:50] == [None] * 50
    assert flags[50:] == (score > 3).tolist()[50:]


TALIB: dict[str, tuple[dict[str, Any], Callable[[Any, np.ndarray], dict[str, np.ndarray]]]] = {
    "ema": ({"period": 12}, lambda talib, x: {"ema": talib.EMA(x, 12)}),
    "sma": ({"window": 12}, lambda talib, x: {"sma": talib.SMA(x, 12)}),
    "rolling_min": ({"window": 12}, lambda talib, x: {"rolling_min": talib.MIN(x, 12)}),
    "rolling_max": ({"window": 12}, lambda talib, x: {"rolling_max": talib.MAX(x, 12)}),
    "macd": ({}, lambda talib, x: dict(zip(("macd", "macd_signal", "macd_hist"), talib.MACD(x), strict=True))),
    "rsi": ({}, lambda talib, x: {"rsi": talib.RSI(x)}),
    "bollinger_bands": (
        {"window": 15, "k": 1.5},
        lambda talib, x: dict(
            zip(("bb_upper", "bb_mid", "bb_lower"), talib.BBANDS(x, 15, nbdevup=1.5, nbdevdn=1.5), strict=True)
        ),
    ),
}


@pytest.mark.parametrize("name", TALIB)
def test_as_talib(name: str) -> None:
    options, definition = TALIB[name]
    values = 100 * np.exp(np.cumsum(1e-2 * np.random.default_rng(10).standard_normal(500)))
    result = getattr(fintech, name)(prices(*values.tolist()), **options)
    for output, expected in definition(importlib.import_module("talib"), values).items():
        np.testing.assert_allclose(result[output].to_pandas(), expected, rtol=1e-9, atol=1e-9, err_msg=output)


def bars_of(random: np.random.Generator, rows: int) -> dict[str, np.ndarray]:
    close = 100 * np.exp(np.cumsum(1e-2 * random.standard_normal(rows)))
    spread = 1 + 1e-2 * random.random((2, rows))
    return {"high": close * spread[0], "low": close / spread[1], "close": close}


@pytest.mark.parametrize(("slowing", "d_period"), [(1, 3), (3, 3), (4, 1)])
def test_stochastic_osc_as_talib(slowing: int, d_period: int) -> None:
    """TA-Lib leaves stoch_k out until there is a stoch_d."""
    talib = importlib.import_module("talib")
    bars = bars_of(np.random.default_rng(22), 500)
    k, d = talib.STOCH(
        bars["high"], bars["low"], bars["close"], fastk_period=9, slowk_period=slowing, slowd_period=d_period
    )
    table = pa.table({"symbol": ["A"] * 500, **bars})
    result = fintech.stochastic_osc(table, k_period=9, slowing=slowing, d_period=d_period)
    np.testing.assert_allclose(result["stoch_d"].to_pandas(), d, rtol=1e-9, atol=1e-9)
    assert result["stoch_k"].null_count == 9 + slowing - 2
    begin = 9 + slowing + d_period - 3
    np.testing.assert_allclose(result["stoch_k"].to_pandas()[begin:], k[begin:], rtol=1e-9, atol=1e-9)


def test_donchian_channel_as_talib() -> None:
    talib = importlib.import_module("talib")
    bars = bars_of(np.random.default_rng(23), 300)
    result = fintech.donchian_channel(pa.table({"symbol": ["A"] * 300, **bars}))
    np.testing.assert_array_equal(result["donchian_high"].to_pandas(), talib.MAX(bars["high"], 20))
    np.testing.assert_array_equal(result["donchian_low"].to_pandas(), talib.MIN(bars["low"], 20))
    np.testing.assert_allclose(result["donchian_mid"].to_pandas(), talib.MIDPRICE(bars["high"], bars["low"], 20))
