"""Dicts of numpy arrays and structured arrays: what goes in uncopied, what stands for null, what is refused."""

from collections import OrderedDict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sabot.errors import DataError, SchemaError
from sabot.fintech import CUSUMKernel, EWMAKernel

import sabot
from sabot import fintech

Columns = dict[str, Any]

# What the kernels below read: a mirror of each in Arrow gives what is expected.
TICKS: Columns = {
    "symbol": np.array(["A", "B", "A", "B", "A"]),
    "price": np.array([10.0, 20.0, np.nan, 22.0, 11.0]),
    "volume": np.array([1, 2, 3, 4, 5]),
}
TABLE = pa.table(
    {
        "symbol": ["A", "B", "A", "B", "A"],
        "price": [10.0, 20.0, None, 22.0, 11.0],
        "volume": [1, 2, 3, 4, 5],
    }
)


def structured(columns: Columns, **more: Any) -> Any:
    kinds = [(name, values.dtype) for name, values in columns.items()]
    rows = np.zeros(len(columns["symbol"]), np.dtype(kinds, **more))
    for name, values in columns.items():
        rows[name] = values
    return rows


# --- wrong use ---


@pytest.mark.parametrize(
    ("data", "kind", "message"),
    [
        (TICKS | {"price": [1.0] * 5}, TypeError, "found list as column 'price'. Make it an array, or a pyarrow.table"),
        (TICKS | {7: TICKS["price"]}, TypeError, "dict of names to numpy arrays, found the key 7"),
        (TICKS | {"price": np.float64(3)}, TypeError, "found float64 as column 'price'"),
        (TICKS | {"price": np.array(3.0)}, SchemaError, "column 'price' is a numpy array of no dimension"),
        (TICKS | {"price": np.zeros((5, 2))}, SchemaError, "column 'price' has 2 dimensions, expected one"),
        (TICKS | {"price": np.zeros(4)}, DataError, "column 'price' has 4 rows, column 'symbol' has 5"),
        (TICKS | {"price": np.zeros(5, complex)}, SchemaError, "column 'price' of complex128 cannot be read"),
        (TICKS | {"price": np.array([object()] * 5)}, SchemaError, "column 'price' of object cannot be read"),
        (TICKS | {"price": TICKS["symbol"]}, SchemaError, "'price'"),
        (
            TICKS | {"symbol": np.array([b"\xff"] * 5)},
            DataError,
            "column 'symbol' of |S1 holds bytes that are no UTF-8",
        ),
        (
            {"symbol": TICKS["symbol"], "px": TICKS["price"]},
            SchemaError,
            "needs column 'price', which is missing. Known names: 'symbol', 'px'",
        ),
        ({}, SchemaError, "key column 'symbol' is missing"),
        (TICKS | {"ewma": TICKS["price"]}, SchemaError, "'ewma'"),
        (np.zeros(3), TypeError, "a numpy.ndarray without named fields is no table. Give a dict of arrays"),
        (np.zeros((3, 2), [("symbol", "U1"), ("price", "f8")]), TypeError, "of one dimension, found 2"),
        (np.zeros(3, [("symbol", "U1"), ("price", "f8", 2)]), SchemaError, "column 'price' has 2 dimensions"),
    ],
    ids=str,
)
def test_what_is_refused(data: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind, match=message.replace("(", r"\(").replace("|", r"\|")):
        fintech.ewma(data)


def test_an_npz_file_is_to_be_read_first(tmp_path: Any) -> None:
    np.savez(tmp_path / "ticks.npz", **TICKS)
    with (
        np.load(tmp_path / "ticks.npz") as file,
        pytest.raises(TypeError, match=r"NpzFile is no table. Give its arrays: dict\(...\)"),
    ):
        fintech.ewma(file)
    with np.load(tmp_path / "ticks.npz") as file:
        assert fintech.ewma(dict(file))["ewma"][0] == 10.0


# --- what comes out ---


def test_a_dict_has_its_arrays_and_the_new_ones() -> None:
    given = dict(TICKS)
    result = fintech.ewma(given, alpha=0.5)
    assert list(given) == list(TICKS), "what was given stays as it was"
    assert list(result) == [*TICKS, "ewma"]
    assert all(result[name] is TICKS[name] for name in TICKS)
    assert result["ewma"].dtype == np.float64
    assert type(result["ewma"]) is np.ndarray
    np.testing.assert_array_equal(result["ewma"], [10.0, 20.0, np.nan, 21.0, 10.5])
    result["ewma"][0] = 0  # What is new belongs to its reader.


def test_a_dict_of_another_class_stays_one() -> None:
    assert type(fintech.ewma(OrderedDict(TICKS))) is OrderedDict


def test_integers_and_flags_are_masked_whether_or_not_one_is_null() -> None:
    for price in (TICKS["price"], np.nan_to_num(TICKS["price"])):
        result = fintech.cusum(TICKS | {"price": price}, column="price", std=10, h=1)
        alarm = result["cusum_alarm"]
        assert isinstance(alarm, np.ma.MaskedArray)
        assert alarm.dtype == np.int64
        assert alarm.mask.tolist() == np.isnan(price).tolist()
        assert not isinstance(result["cusum_pos"], np.ma.MaskedArray)
    expected = fintech.cusum(TABLE, column="price", std=10, h=1)
    assert (
        fintech.cusum(TICKS, column="price", std=10, h=1)["cusum_alarm"].tolist() == expected["cusum_alarm"].to_pylist()
    )


def test_strings_are_objects_with_none() -> None:
    rates = {"spot_ab": np.array([2.0, 2.0, -1.0]), "spot_bc": np.full(3, 3.0), "spot_ac": np.array([6.0, 5.0, 6.0])}
    route = fintech.triangular_arbitrage(rates)["arb_route"]
    assert route.dtype == object
    assert route.tolist() == ["none", "A>B>C>A", None]


def test_a_structured_array_has_more_fields() -> None:
    given = structured(TICKS)
    result = fintech.ewma(given, alpha=0.5)
    assert type(result) is np.ndarray
    assert result.dtype.names == (*TICKS, "ewma")
    assert [result.dtype[name] for name in TICKS] == [given.dtype[name] for name in TICKS]
    np.testing.assert_array_equal(result["ewma"], [10.0, 20.0, np.nan, 21.0, 10.5])
    np.testing.assert_array_equal(result["price"], TICKS["price"])
    assert given.dtype.names == tuple(TICKS)


def test_structured_arrays_keep_class_alignment_and_fields_nobody_reads() -> None:
    given = structured(TICKS | {"flags": np.array([1, 0, 1, 0, 1], np.int8)}, align=True)
    assert fintech.ewma(given).dtype.isalignedstruct
    assert type(fintech.ewma(given.view(np.recarray))) is np.recarray
    kinds = [("symbol", "U1"), ("price", "f8"), ("levels", "f4", (3, 2)), ("venue", [("id", "i4"), ("name", "S4")])]
    odd = np.zeros(5, kinds)
    odd["symbol"], odd["price"] = TICKS["symbol"], TICKS["price"]
    odd["levels"] = np.arange(30).reshape(5, 3, 2)
    result = fintech.ewma(odd)
    assert result.dtype["levels"] == odd.dtype["levels"]
    np.testing.assert_array_equal(result["levels"], odd["levels"])
    np.testing.assert_array_equal(result["venue"], odd["venue"])


def test_a_structured_array_with_a_masked_output_is_masked() -> None:
    result = fintech.cusum(structured(TICKS), column="price", std=10, h=1)
    assert isinstance(result, np.ma.MaskedArray)
    assert result["cusum_alarm"].mask.tolist() == [False, False, True, False, False]
    assert not result["price"].mask.any()
    again = fintech.ewma(result, alpha=0.5)
    assert isinstance(again, np.ma.MaskedArray)
    assert again["cusum_alarm"].mask.tolist() == result["cusum_alarm"].mask.tolist()
    np.testing.assert_array_equal(again["ewma"].data, [10.0, 20.0, np.nan, 21.0, 10.5])


# --- what goes in ---


def test_what_is_masked_is_missing() -> None:
    price = np.ma.MaskedArray([10.0, 20.0, 99.0, 22.0, 11.0], [False, False, True, False, False])
    np.testing.assert_array_equal(
        fintech.ewma(TICKS | {"price": price}, alpha=0.5)["ewma"], [10.0, 20.0, np.nan, 21.0, 10.5]
    )


@pytest.mark.parametrize("kind", ["S1", "U1", "U7", object, np.dtypes.StringDType()], ids=str)
def test_strings_of_every_kind(kind: Any) -> None:
    result = fintech.ewma(TICKS | {"symbol": TICKS["symbol"].astype(kind)}, alpha=0.5)
    np.testing.assert_array_equal(result["ewma"], [10.0, 20.0, np.nan, 21.0, 10.5])


@pytest.mark.parametrize("kind", [">f8", "<f4", ">f4", "f2", "longdouble", ">i4", "u2", "i8"])
def test_numbers_of_every_kind(kind: str) -> None:
    price = np.array([10, 20, 30, 22, 11], kind)
    result = fintech.ewma(TICKS | {"price": price}, alpha=0.5)
    np.testing.assert_array_equal(result["ewma"], [10.0, 20.0, 20.0, 21.0, 15.5])


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s", "m", "h"])
def test_times_of_every_unit(unit: str) -> None:
    hours = np.array(["2024-01-01T00", "2024-01-01T00", "NaT", "2024-01-01T01", "2024-01-01T02"], f"datetime64[{unit}]")
    given = TICKS | {"price": np.array([10.0, 20, 30, 22, 11]), "timestamp": hours}
    result = fintech.ewma(given, halflife="2h")
    expected = [10.0, 20.0, np.nan, 20 + (1 - 0.5**0.5) * 2, 10.5]
    np.testing.assert_allclose(result["ewma"], expected, rtol=1e-12)
    assert result["timestamp"] is hours


def test_columns_that_no_kernel_reads_may_hold_anything() -> None:
    given = TICKS | {"book": np.zeros((5, 3)), "note": np.array([object()] * 5), "z": np.zeros(5, complex)}
    result = fintech.ewma(given, alpha=0.5)
    assert result["book"] is given["book"]
    assert list(result) == [*given, "ewma"]


def test_arrays_with_gaps_and_read_only_ones() -> None:
    prices = np.repeat(np.array([10.0, 20.0, 30.0, 22.0, 11.0]), 2)[::2]
    prices.flags.writeable = False
    np.testing.assert_array_equal(
        fintech.ewma(TICKS | {"price": prices}, alpha=0.5)["ewma"], [10.0, 20.0, 20.0, 21.0, 15.5]
    )


def test_no_rows() -> None:
    nothing = {name: values[:0] for name, values in TICKS.items()}
    result = fintech.cusum(nothing, column="price")
    assert result["cusum_pos"].dtype == np.float64
    assert result["cusum_alarm"].dtype == np.int64
    assert len(fintech.ewma(structured(TICKS)[:0])) == 0


def test_objects_keep_their_state_and_kinds_can_change() -> None:
    kernel = EWMAKernel(alpha=0.5)
    first = {name: values[:2] for name, values in TICKS.items()}
    rest = {name: values[2:] for name, values in TICKS.items()}
    kernel(first)
    np.testing.assert_array_equal(kernel(rest)["ewma"], [np.nan, 21.0, 10.5])


def test_a_chain_reads_what_it_wrote() -> None:
    chained = fintech.chain(TICKS, ["log_returns", CUSUMKernel(std=0.01)])
    assert list(chained) == [*TICKS, "log_return", "cusum_pos", "cusum_neg", "cusum_alarm"]
    expected = fintech.chain(TABLE, ["log_returns", CUSUMKernel(std=0.01)])
    assert chained["cusum_alarm"].tolist() == expected["cusum_alarm"].to_pylist()


def test_many_rows_have_the_bits_of_arrow() -> None:
    table = sabot.Stream.from_generator(rows=20_000, symbols=30, nulls=0.02, dictionary_symbols=False).collect()
    columns = {name: table[name].to_numpy() for name in ("symbol", "price")}
    expected = fintech.rolling_zscore(table, window=20)["zscore"].to_numpy()
    assert fintech.rolling_zscore(columns, window=20)["zscore"].tobytes() == expected.tobytes()
    assert fintech.rolling_zscore(structured(columns), window=20)["zscore"].tobytes() == expected.tobytes()
