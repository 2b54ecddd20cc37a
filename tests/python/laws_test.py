"""The laws that every kernel obeys, on random tables: what must not change a single bit of an answer.

Answers are compared as bytes. (That a snapshot goes on with the same bits is in snapshot_test.py.)
"""

import decimal
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import reference
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from reference.sample import market

import sabot
from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}
STATEFUL = [name for name, info in INFOS.items() if info.stateful]

# Small enough that windows, sessions and buckets turn over within the rows of a symbol.
OPTIONS: dict[str, dict[str, Any]] = {
    "ewma": {"halflife": "3us"},
    "ewcov": {"halflife": "3us"},
    "rolling_zscore": {"window": 7, "min_periods": 2},
    "ofi": {"window": 4},
    "vpin": {"bucket_volume": 300.0, "n_buckets": 3},
    "realized_var": {"window": 5},
    "riskmetrics_vol": {"halflife": "3us"},
    "bipower_var": {"window": 5},
    "medrv": {"window": 5},
    "kyle_lambda": {"window": 6},
    "amihud_illiquidity": {"window": 5},
    "roll_spread": {"window": 5},
    "corwin_schultz_spread": {"window": 3, "overnight_adjust": True},
    "triangular_arbitrage": {"use_fees_column": True},
    "forward_points": {"compounding": "simple", "t_years": 0.5},
    "cip_basis": {"t_years": 0.5},
    "carry_signal": {"risk_adjusted": True},
    "cash_and_carry_edge": {"use_fees_column": True},
    "vwap": {"window": 5, "session_ns": 20_000},
    "implementation_shortfall": {"mode": "order"},
    "cusum": {"std": 1e-3, "h": 2.0},
    "historical_var": {"window": 6, "alpha": 0.3},
    "historical_cvar": {"window": 7, "min_periods": 3, "alpha": 0.4},
    "ema": {"period": 4},
    "sma": {"window": 5},
    "macd": {"fast": 3, "slow": 5, "signal": 3},
    "rsi": {"period": 4},
    "bollinger_bands": {"window": 6, "min_periods": 2},
    "donchian_channel": {"window": 5, "min_periods": 2},
    "stochastic_osc": {"k_period": 3, "slowing": 2, "d_period": 2},
    "lag": {"k": 3},
    "diff": {"k": 2},
    "rolling_min": {"window": 5},
    "rolling_max": {"window": 6, "min_periods": 2},
    "rolling_std": {"window": 8},
    "rolling_skew": {"window": 7, "min_periods": 3},
    "rolling_kurt": {"window": 8, "min_periods": 4},
    "autocorr": {"lag": 2, "window": 6},
    "hayashi_yoshida_cov": {"symbol_a": "BTC", "symbol_b": "ETH"},
    "hayashi_yoshida_corr": {"symbol_a": "ETH", "symbol_b": "BTC", "window": 9},
    "xcorr_leadlag": {"max_lag": 2, "window": 5},
    "pairs_spread": {"use_hedge_column": True},
    "kalman_hedge_ratio": {"q": 1e-3},
    "stale_quote_detector": {"max_age_ns": 1_500_000},
    "price_band_guard": {"pct": 0.001},
    "fat_finger_guard": {"pct": 0.001, "notional_max": 2e4, "size_max": 300.0},
    "circuit_breaker": {"pct": 0.0005, "halt_ns": 20_000},
    "throttle_check": {"rate_per_s": 3e5, "burst": 2},
    "outlier_flag_mad": {"window": 7, "min_periods": 2, "min_scale": 0.005},
}
# Beside these, options that choose another way through a kernel.
VARIANTS = [
    *((name, OPTIONS.get(name, {})) for name in INFOS),
    ("ewma", {"alpha": 0.2}),
    ("ewcov", {"alpha": 0.2}),
    ("riskmetrics_vol", {}),
    ("forward_points", {}),
    ("implementation_shortfall", {}),
    ("vpin", {"bucket_volume": 300.0, "n_buckets": 3, "classify": "side"}),
    ("vwap", {}),
    ("medrv", {"window": "15us"}),
    ("roll_spread", {"window": "15us"}),
    ("rolling_kurt", {"window": "15us"}),
    ("autocorr", {"lag": 2, "window": "15us"}),
    ("xcorr_leadlag", {"max_lag": 2, "window": "15us"}),
    ("ofi", {}),
    ("historical_cvar", {"window": "9us", "alpha": 0.2}),
    ("donchian_channel", {"window": "4us", "min_periods": 2}),
    ("rolling_max", {"window": "15us"}),
    ("outlier_flag_mad", {"window": "9us", "k": 1.0}),
    ("hayashi_yoshida_cov", {"symbol_a": "BTC", "symbol_b": "ETH", "window": 4}),
    ("hayashi_yoshida_corr", {"symbol_a": "BTC", "symbol_b": "ETH"}),
]
CASES = [pytest.param(name, options, id=f"{name}-{options}") for name, options in VARIANTS]
STATEFUL_CASES = [case for case in CASES if case.values[0] in STATEFUL]

quickly = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def markets(draw: st.DrawFn, *, least: int = 0, most: int = 200) -> pa.Table:
    """Random tables: some without a null, some full of them."""
    return market(
        draw(st.integers(least, most)),
        seed=draw(st.integers(0, 2**32 - 1)),
        missing=draw(st.sampled_from([0.0, 0.05, 0.3])),
        outliers=draw(st.sampled_from([0.0, 0.05])),
        symbols=draw(st.integers(1, 5)),
    )


def make(name: str, options: dict[str, Any], **arguments: Any) -> fintech.Kernel:
    kernel = getattr(fintech, INFOS[name].class_name)
    return kernel(outputs={entry.name: f"{name}.{entry.name}" for entry in INFOS[name].outputs}, **options, **arguments)


def new_columns(kernel: fintech.Kernel, table: pa.Table) -> pa.Table:
    """What the kernel appends."""
    return kernel(table).select([kernel.outputs[entry.name] for entry in kernel.info.outputs])


def keys_of(kernel: fintech.Kernel, table: pa.Table) -> list[list[str]]:
    """The symbols of each state."""
    if kernel.info.pair:
        return [[kernel.options["symbol_a"], kernel.options["symbol_b"]]]
    return [[symbol] for symbol in pc.unique(table["symbol"]).drop_null().to_pylist()]


def all_bits(result: pa.Table) -> list[tuple[str, bytes, bytes]]:
    return [reference.bits(column) for column in result.columns]


def batches(table: pa.Table, cuts: Sequence[float]) -> Iterator[pa.Table]:
    """The table, cut at these shares of its rows."""
    places = [0, *sorted(round(cut * len(table)) for cut in cuts), len(table)]
    for start, end in itertools.pairwise(places):
        yield table.slice(start, end - start)


# --- where a table is cut ---


@pytest.mark.parametrize(("name", "options"), CASES)
@quickly
@given(table=markets(), cuts=st.lists(st.floats(0, 1), max_size=12))
def test_cuts_change_nothing(name: str, options: dict[str, Any], table: pa.Table, cuts: list[float]) -> None:
    kernel = make(name, options)
    parts = [new_columns(kernel, part) for part in batches(table, cuts)]
    assert all_bits(pa.concat_tables(parts)) == all_bits(new_columns(make(name, options), table))


@pytest.mark.parametrize(("name", "options"), CASES)
def test_one_row_at_a_time_changes_nothing(name: str, options: dict[str, Any]) -> None:
    """Also for what runs over many rows at once, such as a logarithm: the last few are no exception."""
    table = market(150, seed=11, missing=0.05, outliers=0.02)
    kernel = make(name, options)
    parts = [new_columns(kernel, table.slice(row, 1)) for row in range(len(table))]
    assert all_bits(pa.concat_tables(parts)) == all_bits(new_columns(make(name, options), table))


@quickly
@given(table=markets(), cuts=st.lists(st.floats(0, 1), max_size=12))
def test_chunks_and_offsets_change_nothing(table: pa.Table, cuts: list[float]) -> None:
    """A table of many chunks, each a slice somewhere in a longer array."""
    kernels = [make(name, options) for name, options in OPTIONS.items()]
    front = table.slice(0, min(7, len(table)))
    longer = pa.concat_tables([front, table, front]).combine_chunks()
    chunked = pa.concat_tables([*batches(longer.slice(len(front), len(table)), cuts)])
    assert outputs_of(chunked, kernels) == outputs_of(table, kernels)


# --- which rows an answer depends on ---


@pytest.mark.parametrize(("name", "options"), STATEFUL_CASES)
@quickly
@given(table=markets(least=1))
def test_symbols_do_not_disturb_one_another(name: str, options: dict[str, Any], table: pa.Table) -> None:
    together = new_columns(make(name, options), table)
    for symbols in keys_of(make(name, options), table):
        mine = pc.is_in(table["symbol"], pa.array(symbols, pa.string()))
        assert all_bits(new_columns(make(name, options), table.filter(mine))) == all_bits(together.filter(mine))


@pytest.mark.parametrize(("name", "options"), CASES)
@quickly
@given(table=markets(), share=st.floats(0, 1))
def test_later_rows_change_nothing(name: str, options: dict[str, Any], table: pa.Table, share: float) -> None:
    rows = round(share * len(table))
    first = new_columns(make(name, options), table.slice(0, rows))
    assert all_bits(first) == all_bits(new_columns(make(name, options), table).slice(0, rows))


@pytest.mark.parametrize(
    ("name", "options"), [case for case in STATEFUL_CASES if INFOS[case.values[0]].missing == "null"]
)
@pytest.mark.parametrize("value", [None, float("nan"), float("-inf")])
@quickly
@given(table=markets(least=1), picks=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_rows_that_are_missing_change_nothing(
    name: str, options: dict[str, Any], value: float | None, table: pa.Table, picks: list[float]
) -> None:
    """Rows without one of the inputs, anywhere between the others: nulls there, and no trace elsewhere."""
    definition = reference.REFERENCES[name]
    emptied = definition.inputs[next(iter(definition.needs(options)))]
    rows, is_new = [], []
    places = sorted(round(pick * (len(table) - 1)) for pick in picks)
    for row in range(len(table)):
        again = places.count(row)
        rows += [row] * (1 + again)
        is_new += [True] * again + [False]
    longer = table.take(rows)
    values = pc.if_else(pa.array(is_new), pa.scalar(value, pa.float64()), longer[emptied])
    longer = longer.set_column(longer.column_names.index(emptied), emptied, values)
    result = new_columns(make(name, options), longer)
    assert all_bits(result.filter(pc.invert(pa.array(is_new)))) == all_bits(new_columns(make(name, options), table))
    assert all(column.null_count == sum(is_new) for column in result.filter(pa.array(is_new)).columns)


@pytest.mark.parametrize(
    ("name", "options"), [case for case in CASES if INFOS[case.values[0]].missing == "fails closed"]
)
@quickly
@given(table=markets(least=1), picks=st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_a_guard_answers_rows_of_which_nothing_is_known(
    name: str, options: dict[str, Any], table: pa.Table, picks: list[float]
) -> None:
    """Rows without any input, then without a key, too, between the others: flags there, no trace elsewhere."""
    for keyless in (False, True):
        longer, is_new = table, pa.array([False] * len(table))
        for place in sorted((round(pick * len(table)) for pick in picks), reverse=True):
            row = table.slice(min(place, len(table) - 1), 1)
            for column in {*(entry.column for entry in INFOS[name].inputs), *(["symbol"] if keyless else [])}:
                row = with_column(row, column, pa.nulls(1, row[column].type))
            longer = pa.concat_tables([longer.slice(0, place), row, longer.slice(place)])
            is_new = pa.concat_arrays([is_new.slice(0, place), pa.array([True]), is_new.slice(place)])
        result = new_columns(make(name, options), longer)
        assert all_bits(result.filter(pc.invert(is_new))) == all_bits(new_columns(make(name, options), table))
        assert all(column.null_count == 0 for column in result.columns if pa.types.is_boolean(column.type))


# --- how keys and numbers are stored ---

ENCODINGS = [
    pa.large_string(),
    pa.string_view(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint16(), pa.string()),
    pa.dictionary(pa.int32(), pa.large_string()),
    pa.dictionary(pa.int64(), pa.string()),
]


def everything(**arguments: Any) -> list[fintech.Kernel]:
    """Every kernel of one symbol, its outputs named after it."""
    return [make(name, OPTIONS.get(name, {}), **arguments) for name, info in INFOS.items() if not info.pair]


def pairs(**options: Any) -> list[fintech.Kernel]:
    """Every kernel of two symbols."""
    return [make(name, {**OPTIONS[name], **options}) for name, info in INFOS.items() if info.pair]


def outputs_of(table: pa.Table, kernels: list[fintech.Kernel]) -> list[tuple[str, bytes, bytes]]:
    """Of one pass, and of one more for each kernel of two symbols."""
    passes = [[kernel for kernel in kernels if not kernel.info.pair]]
    passes += [[kernel] for kernel in kernels if kernel.info.pair]
    results = [fintech.chain(table, each) for each in passes]
    return [
        bits for result in results for bits in all_bits(result.select(result.column_names[len(table.column_names) :]))
    ]


def with_column(table: pa.Table, name: str, values: pa.Array | pa.ChunkedArray) -> pa.Table:
    return table.set_column(table.column_names.index(name), name, values)


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
@quickly
@given(table=markets())
def test_the_encoding_of_keys_changes_nothing(encoding: pa.DataType, table: pa.Table) -> None:
    encoded = with_column(table, "symbol", table["symbol"].cast(encoding))
    kernels = everything() + pairs()
    assert outputs_of(encoded, kernels) == outputs_of(table, kernels)


@quickly
@given(table=markets(), cuts=st.lists(st.floats(0, 1), min_size=1, max_size=6))
def test_each_batch_may_have_a_dictionary_of_its_own(table: pa.Table, cuts: list[float]) -> None:
    """In another order and with values that no row has."""
    chains = [fintech.Chain(everything()), *(fintech.Chain([kernel]) for kernel in pairs())]
    parts: list[list[pa.Table]] = [[] for _ in chains]
    for number, part in enumerate(batches(table, cuts)):
        symbols = part["symbol"].to_pylist()
        dictionary = sorted(
            {*(symbol for symbol in symbols if symbol is not None), "of no row"}, reverse=number % 2 == 0
        )
        indices = [None if symbol is None else dictionary.index(symbol) for symbol in symbols]
        encoded = pa.DictionaryArray.from_arrays(pa.array(indices, pa.int32()), pa.array(dictionary, pa.string()))
        for chain, made in zip(chains, parts, strict=True):
            made.append(chain(with_column(part, "symbol", encoded)).drop(table.column_names))
    found = [bits for made in parts for bits in all_bits(pa.concat_tables(made))]
    assert found == outputs_of(table, everything() + pairs())


def test_a_dictionary_may_hold_nulls_and_say_a_value_twice() -> None:
    table = market(300, seed=19)
    places = np.random.default_rng(19).integers(0, 5, len(table))
    values = pa.array(["A", None, "B", "A", ""])
    encoded = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), values)
    kernels = everything() + pairs(symbol_a="A", symbol_b="")
    assert outputs_of(with_column(table, "symbol", encoded), kernels) == outputs_of(
        with_column(table, "symbol", values.take(pa.array(places))), kernels
    )


@pytest.mark.parametrize("kind", [pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.uint64()], ids=str)
def test_integer_keys_change_nothing(kind: pa.DataType) -> None:
    table = market(400, seed=12, missing=0.03)
    numbers = numbers_of(table["symbol"])
    numbered = with_column(table, "symbol", numbers.cast(kind))
    assert outputs_of(numbered, everything()) == outputs_of(table, everything())
    first, second = (numbers[table["symbol"].to_pylist().index(symbol)].as_py() for symbol in ("BTC", "ETH"))
    by_text = outputs_of(table, pairs(symbol_a="BTC", symbol_b="ETH"))
    assert outputs_of(numbered, pairs(symbol_a=first, symbol_b=second)) == by_text
    assert outputs_of(numbered, pairs(symbol_a=str(first), symbol_b=str(second))) == by_text


def numbers_of(symbols: pa.ChunkedArray) -> pa.Array:
    """A number for each symbol."""
    return pc.index_in(symbols, pc.unique(symbols).drop_null()).combine_chunks()


def test_several_key_columns_change_nothing() -> None:
    """Each symbol split in two, as one key and as two of any types. A null in either is a null key."""
    table = market(600, seed=13, missing=0.03)
    random = np.random.default_rng(14)
    venues = pa.array(random.choice(["X", "Y"], len(table)), mask=random.random(len(table)) < 0.03)
    joined = pc.binary_join_element_wise(table["symbol"], venues, "|")
    expected = outputs_of(with_column(table, "symbol", joined), everything())
    for left in (table["symbol"], table["symbol"].dictionary_encode(), numbers_of(table["symbol"])):
        for right in (venues, venues.dictionary_encode(), pc.index_in(venues, pa.array(["Y", "X"]))):
            two = with_column(table, "symbol", left).append_column("venue", right)
            for by in (["symbol", "venue"], ["venue", "symbol"]):
                assert outputs_of(two, everything(by=by)) == expected


NUMBERS = [pa.int8(), pa.int32(), pa.int64(), pa.uint16(), pa.float32(), pa.decimal128(12, 2)]


@pytest.mark.parametrize("kind", NUMBERS, ids=str)
def test_numbers_of_every_type_are_widened(kind: pa.DataType) -> None:
    """Whole numbers, which every type holds."""
    random = np.random.default_rng(15)
    table = market(400, seed=15)
    columns = {entry.column for info in INFOS.values() for entry in info.inputs if entry.type == "float64"}
    for column in sorted(columns):
        values = [None if random.random() < 0.03 else int(value) for value in random.integers(0, 100, len(table))]
        table = with_column(table, column, pa.array(values, pa.float64()))
    narrow = table
    for column in columns:
        narrow = with_column(narrow, column, converted(narrow[column], kind))
    kernels = everything() + pairs()
    assert outputs_of(narrow, kernels) == outputs_of(table, kernels)


def converted(column: pa.ChunkedArray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_decimal(kind):
        return pa.array([None if value is None else decimal.Decimal(int(value)) for value in column.to_pylist()], kind)
    return column.combine_chunks().cast(kind)


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_times_of_every_unit_are_converted(unit: str) -> None:
    random = np.random.default_rng(16)
    table = market(400, seed=16, missing=0.03)
    seconds = 10**9 * pa.array(1_700_000_000 + random.integers(0, 50, len(table)).cumsum()).to_numpy()
    whole = with_column(table, "timestamp", pa.array(seconds, pa.int64(), mask=random.random(len(table)) < 0.03))
    timed = with_column(whole, "timestamp", whole["timestamp"].cast(pa.timestamp("ns")).cast(pa.timestamp(unit)))
    kernels = [make("ewma", {"halflife": "30s"}), make("vwap", {"session_ns": 600 * 10**9}), *pairs()]
    assert outputs_of(timed, kernels) == outputs_of(whole, kernels)


# --- how the work is done ---


def test_threads_change_nothing(threads_restored: None) -> None:
    for missing in (0.0, 0.02):
        table = market(30_000, seed=17, missing=missing, outliers=0.01)
        found = []
        for threads in (1, 2, 5):
            sabot.set_max_threads(threads)
            found.append(outputs_of(table, everything() + pairs()))
        assert found[0] == found[1] == found[2]


@quickly
@given(table=markets())
def test_a_chain_is_its_kernels_one_by_one(table: pa.Table) -> None:
    kernels = everything() + pairs()
    one_by_one = [bits for kernel in kernels for bits in all_bits(new_columns(kernel, table))]
    assert outputs_of(table, kernels) == one_by_one


@quickly
@given(table=markets(), cuts=st.lists(st.floats(0, 1), max_size=6))
def test_a_kernel_in_a_chain_reads_what_another_one_wrote(table: pa.Table, cuts: list[float]) -> None:
    steps = [
        ("midprice", {"outputs": {"midprice": "mid"}}),
        ("log_returns", {"columns": {"price": "mid"}, "outputs": {"log_return": "mid_return"}}),
        ("realized_var", {"column": "mid_return", "window": 3}),
        ("ewma", {"column": "realized_var"}),
        ("signed_volume", {"outputs": {"signed_volume": "signed"}}),
        ("kyle_lambda", {"columns": {"price": "mid", "signed_volume": "signed"}, "window": 4}),
    ]
    expected = table
    for name, arguments in steps:
        expected = getattr(fintech, name)(expected, **arguments)
    chain = fintech.Chain([getattr(fintech, INFOS[name].class_name)(**arguments) for name, arguments in steps])
    parts = [chain(part) for part in batches(table, cuts)]
    assert all_bits(pa.concat_tables(parts)) == all_bits(expected)


@quickly
@given(table=markets(least=1), cuts=st.lists(st.floats(0, 1), max_size=6))
def test_a_stream_gives_what_the_functions_give(table: pa.Table, cuts: list[float]) -> None:
    stream = sabot.Stream.from_iter(list(batches(table, cuts)))
    kernels = everything() + pairs()
    for kernel in kernels:
        stream = stream.kernel(kernel)
    result = stream.collect()
    assert all_bits(result.select(result.column_names[len(table.column_names) :])) == outputs_of(table, kernels)
