"""Expressions in Python: every form is one tree, and their values are those of pyarrow and numpy."""

import copy
import datetime
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sabot.errors import DataError, OptionError, SchemaError
from sabot.expressions import call, name_of, to_json

import sabot
from sabot import _native, col, expr, lit, when


def text(value: Any) -> str:
    return _native.expression_to_text(to_json(value))


def run(value: Any, data: Any) -> pa.ChunkedArray:
    return pa.table(_native.evaluate_expression(to_json(value), data)).column("value")


# --- Wrong use. ---


@pytest.mark.parametrize(
    ("build", "error", "message"),
    [
        (lambda: bool(col("a") > 1), TypeError, "Use & for and"),
        (lambda: 1 < col("a") < 2, TypeError, "neither true nor false"),
        (lambda: 1 in col("a"), TypeError, "is_in"),
        (lambda: col("a") == None, TypeError, "is_null"),  # noqa: E711
        (lambda: col(5), TypeError, "must be a string"),
        (lambda: to_json(5), TypeError, "found int"),
        (lambda: expr("a = 1"), OptionError, "\n  a = 1\n    ^"),
        (lambda: col("a").ewmaa(), AttributeError, "Nearest names: 'ewma'"),
        (lambda: col("a").rond(), AttributeError, "'round'"),
        (lambda: col("a").ewma(alhpa=0.1), OptionError, "Nearest names: 'alpha'"),
        (lambda: col("a").ewma(alpha=1.5), OptionError, "option 'alpha' must be in"),
        (lambda: col("a").bollinger_bands().output("uper"), OptionError, "bb_upper"),
        (lambda: col("a").over("s"), OptionError, "is no kernel"),
        (lambda: sabot.kernel("ofii"), OptionError, "'ofi'"),
        (lambda: lit(object()), OptionError, "is no literal"),
        (lambda: lit(2**70), OptionError, "is no literal"),
        (lambda: col("a").is_in([col("b")]), OptionError, "must be literals"),
        (lambda: to_json(col("a").is_in([1, "b"])), OptionError, "values of one type"),
        (lambda: to_json(col("a").cast("int46")), OptionError, "unknown type 'int46'"),
        (lambda: to_json(call("sin", col("a"))), OptionError, "unknown function 'sin'"),
        (lambda: expr(pc.sin(pc.field("a"))), OptionError, "sin: this function is not one of those allowed"),
        (lambda: expr(pc.field("a").cast("int64", safe=False)), OptionError, "unsafe casts"),
        (lambda: expr(pc.field("a", "b")), OptionError, "no column by name"),
    ],
)
def test_wrong_use_is_explained(build: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as raised:
        build()
    assert message in str(raised.value)


def test_errors_of_binding_and_of_values() -> None:
    table = pa.table({"volume": [1, 2**62], "symbol": ["A", "B"]})
    with pytest.raises(SchemaError, match=r"column 'volum' is missing\. Nearest names: 'volume'"):
        run("volum > 1", table)
    with pytest.raises(SchemaError, match="add takes two numbers"):
        run("volume + symbol", table)
    with pytest.raises(DataError, match=r"row 1 of the batch: overflow \(volume = 4611686018427387904\)"):
        run("volume * 4", table)


def test_deep_expressions_are_refused_not_crashed() -> None:
    deep = col("a")
    for _ in range(5000):
        deep = deep + 1
    with pytest.raises(OptionError, match="nested more than 400 deep"):
        to_json(deep)


# --- Forms. ---


def test_operators_and_methods_write_what_people_would() -> None:
    a, b = col("a"), col("b")
    assert repr((a * 2 + 1) / b - 3 ** (-a)) == "(a * 2 + 1) / b - 3 ** -a"
    assert repr((a > 1) & ~(b == "x") | (a >= 1)) == 'a > 1 and not b == "x" or a >= 1'
    assert repr(a.fill_null(0).round(2).cast(pa.float64())) == 'cast(round(coalesce(a, 0), 2), "float64")'
    assert repr(a.is_in(["A", None])) == 'a in ["A", null]'
    assert repr(a.between(1, 2)) == "a >= 1 and a <= 2"
    assert repr(a.is_null() | a.is_not_null()) == "a is null or a is not null"
    assert repr(a.floor_temporal(5, unit="minute")) == 'floor_temporal(a, 5, "minute")'
    assert repr(a.slice(0, 3).starts_with("X")) == 'starts_with(slice(a, 0, 3), "X")'
    assert repr((a + 1).alias("c")) == "(a + 1).alias('c')"
    assert name_of((a + 1).alias("c")) == "c"
    assert name_of("a + 1") is None
    assert repr(when(a > 0).then("up").when("a < 0").then("down").otherwise("flat")) == (
        'case_when(a > 0, "up", a < 0, "down", "flat")'
    )


def test_kernels() -> None:
    smooth = col("price").ewma(alpha=0.06).over("symbol")
    assert repr(smooth) == "ewma(price, alpha=0.06).over(symbol)"
    assert repr((col("ask") - col("bid")).ewma(lambda_=0.5) > 1) == "ewma(ask - bid, lambda=0.5) > 1"
    assert repr(sabot.kernel("ofi", bid=col("b"), ask="best_ask", window=5)) == "ofi(b, best_ask, window=5)"
    assert repr(col("x").bollinger_bands(window=np.int64(5)).output("upper")) == (
        "bollinger_bands(x, window=5).output(bb_upper)"
    )
    assert repr(col("x").ewma(halflife=datetime.timedelta(seconds=5))) == 'ewma(x, halflife="5000000us")'
    assert repr(sabot.kernel("triangular_arbitrage", fees_bps=1.5)) == "triangular_arbitrage(fees_bps=1.5)"
    assert to_json(smooth) == to_json("ewma(price, alpha=0.06).over(symbol)")
    assert to_json(pickle.loads(pickle.dumps(smooth)).over("venue")) == to_json("ewma(price, alpha=0.06).over(venue)")
    assert repr(copy.deepcopy(smooth.alias("s"))) == "(ewma(price, alpha=0.06).over(symbol)).alias('s')"


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (None, "null"),
        (True, "true"),
        (np.bool_(True), "true"),
        (5, "5"),
        (np.int8(-5), "-5"),
        (0.1, "0.1"),
        (np.float32(0.5), "0.5"),
        (float("nan"), "nan"),
        (float("-inf"), "-inf"),
        ("a'\"\n", '"a\'\\"\\n"'),
        (datetime.datetime(2024, 1, 31, 9, 30), 'timestamp("2024-01-31T09:30:00")'),
        (datetime.datetime(2024, 1, 31, tzinfo=datetime.UTC), 'timestamp("2024-01-31T00:00:00Z")'),
        (datetime.date(2024, 1, 31), 'timestamp("2024-01-31T00:00:00")'),
        (datetime.timedelta(seconds=-90), 'duration("-90s")'),
        (np.datetime64("2024-01-31T00:00:00.5"), 'timestamp("2024-01-31T00:00:00.5")'),
        (pa.scalar(7, pa.uint8()), "7"),
    ],
)
def test_literals(value: Any, written: str) -> None:
    assert repr(lit(value)) == written


def test_pyarrow_expressions_and_text_are_the_same_tree() -> None:
    field = pc.field("a")
    assert text((field * 2 > 1) & ~(pc.field("b") == "x")) == 'a * 2 > 1 and not b == "x"'
    assert text(field.isin(["A", "B"])) == 'is_in(a, ["A", "B"], "match")'
    assert text(field.is_null(nan_is_null=True)) == "a is null or is_nan(a)"
    assert repr(expr(field + 1) * col("b")) == "(a + 1) * b"
    assert repr(col("b") * (field + 1)) == "b * (a + 1)"


# --- Round trips. ---

_names = st.sampled_from(["price", "volume", "a b", "not", "\u00e9", "x\n\"'\\"])
_columns = st.builds(lambda name: {"column": name}, _names)
_literals = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(codec="utf-8"), max_size=8),
).map(lambda value: {"literal": value}) | st.sampled_from(
    [
        {"literal": "nan", "type": "float64"},
        {"literal": "-inf", "type": "float64"},
        {"literal": "-5s", "type": "duration[ns]"},
        {"literal": "1969-12-31T23:59:59.999999999Z", "type": "timestamp[ns, tz=UTC]"},
    ]
)


def _function(row: dict[str, Any]) -> tuple[str, int]:
    arguments = row["arguments"].split(", ")
    return row["name"], len(arguments)


_functions = [_function(row) for row in _native.expression_functions() if not row["options"]]


def _calls(children: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def make(function: tuple[str, int]) -> st.SearchStrategy[Any]:
        arguments = st.lists(children, min_size=function[1], max_size=function[1])
        return arguments.map(lambda trees: {"call": function[0], "arguments": trees})

    return st.one_of(
        st.sampled_from(_functions).flatmap(make),
        children.map(lambda tree: {"call": "round", "arguments": [tree], "options": {"digits": 2}}),
        children.map(lambda tree: {"call": "is_in", "arguments": [tree, {"literal": [1, 2]}]}),
        children.map(lambda tree: {"call": "cast", "arguments": [tree], "options": {"type": "int64"}}),
        children.map(
            lambda tree: {"kernel": "ewma", "columns": {"x": tree}, "options": {"alpha": 0.5}, "over": ["a b"]}
        ),
        children.map(lambda tree: {"kernel": "bollinger_bands", "columns": {"x": tree}, "output": "bb_upper"}),
    )


_trees = st.recursive(_columns | _literals, _calls, max_leaves=12)


@given(_trees)
@settings(max_examples=300, deadline=None)
def test_text_and_json_give_back_the_tree(tree: Any) -> None:
    canonical = _native.expression_from_json(json.dumps(tree))
    assert _native.expression_from_json(canonical) == canonical
    written = _native.expression_to_text(canonical)
    assert _native.parse_expression(written) == canonical
    assert _native.expression_to_text(_native.parse_expression(written)) == written


# --- Values. ---


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    random = np.random.default_rng(7)
    rows = 1000
    price = random.normal(100, 50, rows)
    price[::97] = np.nan
    missing = random.random(rows) < 0.1
    symbols = pa.array(random.choice(["BTC", "ETH", "sol", ""], rows), mask=random.random(rows) < 0.05)
    return pa.table(
        {
            "price": pa.array(price, mask=missing),
            "volume": pa.array(random.integers(-1000, 1000, rows), mask=random.random(rows) < 0.1),
            "small": pa.array(random.integers(-100, 100, rows), pa.int8()),
            "symbol": symbols,
            "venue": symbols.dictionary_encode(),
            "time": pa.array(random.integers(0, 2**60, rows), pa.timestamp("ns")),
        }
    )


_f = pc.field
PYARROW = [
    _f("price") * _f("volume") > 1e3,
    (_f("price") > 100) & (_f("volume") <= 0) | ~(_f("symbol") == "BTC"),
    _f("volume") / 7 == 3,
    _f("volume") + _f("small") - 1 >= _f("volume"),
    _f("symbol").isin(["BTC", "sol"]),
    _f("venue").isin(["BTC", None]),
    ~_f("symbol").isin(["BTC"]),
    _f("price").is_null() | _f("price").is_nan(),
    _f("price").is_null(nan_is_null=True),
    _f("volume").cast("float64") > 0.5,
    pc.abs(_f("price")) < 50,
    pc.round(_f("price"), 1) == pc.round(_f("price"), 2),
    pc.starts_with(_f("symbol"), "B"),
    pc.match_substring(pc.utf8_lower(_f("symbol")), "s"),
    pc.coalesce(_f("volume"), 0) == 0,
    pc.if_else(_f("volume") > 0, _f("price"), 0.0) > 10,
    pc.hour(_f("time")) < 12,
    pc.day_of_week(_f("time")) == 0,
    pc.sqrt(_f("price")) > 10,
    _f("time") > datetime.datetime(1990, 1, 1),
    pc.case_when(pc.make_struct(_f("volume") > 0, _f("volume") < 0), 1, 2, 3) == 2,
]


@pytest.mark.parametrize("expression", PYARROW, ids=str)
def test_pyarrow_expressions_keep_the_rows_that_pyarrow_keeps(expression: pc.Expression, ticks: pa.Table) -> None:
    kept = run(expression, ticks)
    expected = ds.dataset(ticks).to_table(columns={"value": expression}).column("value")
    assert kept.type == pa.bool_()
    assert kept.combine_chunks().equals(expected.combine_chunks())
    assert ticks.filter(kept).num_rows == ticks.filter(expression).num_rows


NUMPY = [
    (col("price") / col("volume"), lambda t: t["price"] / t["volume"]),
    ("price * 2 - volume", lambda t: t["price"] * 2 - t["volume"]),
    ("small * 100", lambda t: t["small"].astype(np.int64) * 100),
    ("abs(price)", lambda t: np.abs(t["price"])),
    ("sqrt(price)", lambda t: np.sqrt(t["price"])),
    ("floor(price)", lambda t: np.floor(t["price"])),
    ("round(price)", lambda t: np.round(t["price"])),
    ("sign(price)", lambda t: np.sign(t["price"])),
    (col("price").clip(0, 100), lambda t: np.clip(t["price"], 0, 100)),
    ("price >= 100", lambda t: t["price"] >= 100),
    (when(col("small") > 0).then(col("price")).otherwise(-1), lambda t: np.where(t["small"] > 0, t["price"], -1.0)),
    (col("small").between(-5, 5), lambda t: (t["small"] >= -5) & (t["small"] <= 5)),
]


@pytest.mark.parametrize(("expression", "expected"), NUMPY, ids=lambda value: str(value)[:40])
def test_values_are_numpys(expression: Any, expected: Any, ticks: pa.Table) -> None:
    full = ticks.filter(_f("price").is_valid() & _f("volume").is_valid() & (_f("volume") != 0))
    columns = {name: full[name].to_numpy() for name in ("price", "volume", "small")}
    with np.errstate(all="ignore"):
        wanted = expected(columns)
    found = run(expression, full).to_numpy()
    assert found.dtype == wanted.dtype
    np.testing.assert_array_equal(found, wanted)


def test_logarithms_and_powers_are_close_to_numpys(ticks: pa.Table) -> None:
    full = ticks.filter(_f("price").is_valid())
    x = full["price"].to_numpy()
    with np.errstate(all="ignore"):
        for written, wanted in [
            ("ln(price)", np.log(x)),
            ("log2(price)", np.log2(x)),
            ("log10(price)", np.log10(x)),
            ("log1p(price)", np.log1p(x)),
            ("exp(price)", np.exp(x)),
            ("expm1(price)", np.expm1(x)),
            ("price ** 1.5", x**1.5),
            ("2 ** price", 2**x),
        ]:
            np.testing.assert_allclose(run(written, full).to_numpy(), wanted, rtol=4e-16, err_msg=written)


_DIGEST = """
import hashlib, numpy as np, pyarrow as pa
from sabot import _native
from sabot.expressions import to_json
x = np.concatenate([np.random.default_rng(1).normal(0, 50, 4099), [0, -0.0, np.inf, -np.inf, np.nan]])
table = pa.table({"x": x, "y": x[::-1].copy()})
text = "ln(abs(x)) + log2(x) * exp(y / 100) - x ** y + erfc(x) + log10(abs(y)) + log1p(abs(x)) + expm1(y / 50)"
digest = hashlib.sha256()
functions = ["ln(x)", "log2(x)", "log10(x)", "log1p(x)", "exp(x)", "expm1(x)", "erfc(x)"]
for part in [*functions, "x ** y", "0 / (x - x)", text]:
    column = pa.table(_native.evaluate_expression(to_json(part), table)).column("value")
    digest.update(column.combine_chunks().buffers()[1].to_pybytes()[: 8 * len(column)])
print(_native.isa(), digest.hexdigest())
"""


def test_every_instruction_set_gives_the_same_bytes() -> None:
    digests = {}
    for isa in _native.supported_isas():
        environment = {**os.environ, "SABOT_ISA": isa}
        run_in = subprocess.run(
            [sys.executable, "-c", _DIGEST], env=environment, capture_output=True, text=True, check=True
        )
        name, digest = run_in.stdout.split()
        assert name == isa
        digests[isa] = digest
    assert len(set(digests.values())) == 1, digests


def test_the_reference_lists_every_function() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "expressions.md").read_text()
    for row in _native.expression_functions():
        given = ", ".join([row["arguments"], *(f"{option}=" for option in row["options"])])
        assert f"| `{row['name']}({given})` | {row['doc']} |" in page
