"""`frame.sabot` of polars and pandas: there in either order of imports, and the same as the functions."""

import copy
import inspect
import pickle
import subprocess
import sys
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sabot.errors import FunctionError, OptionError, SchemaError
from sabot.fintech import EWMAKernel

import sabot
from sabot import fintech

NAMES = [info.name for info in fintech.kernels()]


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return sabot.Stream.from_generator(rows=2_000, symbols=5, nulls=0.02, dictionary_symbols=False).collect()


def run(program: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# --- wrong use ---


def test_an_unknown_kernel_is_an_unknown_attribute(ticks: pa.Table) -> None:
    for frame in (pl.DataFrame(ticks), ticks.to_pandas(), pl.LazyFrame(ticks)):
        with pytest.raises(AttributeError, match="emwa"):
            frame.sabot.emwa()


@pytest.mark.parametrize("kind", ["polars", "pandas", "lazy"])
def test_mistakes_are_those_of_the_functions(kind: str, ticks: pa.Table) -> None:
    frame: Any = {"polars": pl.DataFrame, "pandas": pa.Table.to_pandas, "lazy": pl.LazyFrame}[kind](ticks)
    with pytest.raises(OptionError, match="option 'alpha' must be in"):
        frame.sabot.ewma(alpha=2)
    with pytest.raises(SchemaError, match="column 'prise', which is missing"):
        frame.sabot.ewma(column="prise")
    with pytest.raises(OptionError, match="unknown kernel 'emwa'"):
        frame.sabot.chain(["emwa"])
    with pytest.raises(TypeError, match="positional"):
        frame.sabot.ewma(0.5)


def test_a_lazy_frame_in_a_function_of_a_stream(ticks: pa.Table) -> None:
    def smooth(batch: pa.RecordBatch) -> Any:
        return pl.LazyFrame(batch).sabot.ewma().collect()  # type: ignore[attr-defined]

    with pytest.raises(FunctionError, match=r"would forget their state between batches. Use that of a DataFrame"):
        sabot.Stream.from_arrow(ticks).map(smooth).collect()


# --- how it gets there ---


@pytest.mark.parametrize("library", ["polars", "pandas"])
def test_either_order_of_imports(library: str) -> None:
    used = (
        f"frame = {library}.DataFrame({{'symbol': ['A', 'A'], 'price': [1.0, 2.0]}})\n"
        "print(list(frame.sabot.ewma(alpha=0.5)['ewma']))"
    )
    assert run(f"import sabot, {library}\n{used}") == "[1.0, 1.5]"
    assert run(f"import {library}, sabot\n{used}") == "[1.0, 1.5]"


def test_both_libraries_and_the_finder_leaves() -> None:
    program = (
        "import sys, importlib.util, sabot\n"
        "waiting = sys.meta_path[0]\n"
        "print([name for name in ('polars', 'pandas', 'pyarrow', 'sabot._native') if name in sys.modules])\n"
        "assert importlib.util.find_spec('polars').origin.endswith('__init__.py')\n"
        "import pandas\n"
        "assert waiting in sys.meta_path\n"
        "import polars\n"
        "assert waiting not in sys.meta_path\n"
        "print([hasattr(kind, 'sabot') for kind in (polars.DataFrame, polars.LazyFrame, pandas.DataFrame)])\n"
        "print(type(polars.__loader__).__name__, type(polars.__spec__.loader).__name__)\n"
        "import importlib.resources\n"
        "print(importlib.resources.files('pandas').joinpath('__init__.py').is_file(), 'sabot._native' in sys.modules)\n"
    )
    assert run(program).splitlines() == [
        "[]",
        "[True, True, True]",
        "SourceFileLoader SourceFileLoader",
        "True False",
    ]


def test_a_library_that_is_not_installed_is_still_missing() -> None:
    program = (
        "import sys, sabot\n"
        "sys.path[:] = [path for path in sys.path if 'site-packages' not in path]\n"
        "try:\n    import polars\n"
        "except ModuleNotFoundError as error:\n    print(error.name)"
    )
    assert run(program) == "polars"


def test_a_library_that_fails_can_be_imported_again(tmp_path: Any) -> None:
    (tmp_path / "polars.py").write_text("import os\nif 'broken' in os.environ: raise OSError('broken')\n")
    program = (
        f"import os, sys, sabot\nsys.path.insert(0, {str(tmp_path)!r})\nos.environ['broken'] = '1'\n"
        "try:\n    import polars\nexcept OSError as error:\n    print(error)\n"
        "del os.environ['broken']\nimport polars\nprint(polars.__file__.endswith('polars.py'))"
    )
    assert run(program).splitlines() == ["broken", "True"]


def test_two_finders_that_ask_each_other() -> None:
    program = (
        "import sys, sabot\n"
        "class Asking:\n"
        "    asking = False\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if self.asking: return None\n"
        "        self.asking = True\n"
        "        try:\n"
        "            found = [each.find_spec(name, path, target) for each in sys.meta_path if each is not self]\n"
        "            return next((spec for spec in found if spec), None)\n"
        "        finally: self.asking = False\n"
        "sys.meta_path.insert(0, Asking())\n"
        "import pandas\n"
        "print(hasattr(pandas.DataFrame, 'sabot'))"
    )
    assert run(program) == "True"


def test_another_owner_of_the_name_keeps_it() -> None:
    program = (
        "import polars\n"
        "@polars.api.register_dataframe_namespace('sabot')\n"
        "class Other:\n    def __init__(self, frame): pass\n"
        "import sabot\n"
        "print(type(polars.DataFrame().sabot).__name__)"
    )
    assert run(program) == "Other"


# --- what it does ---


@pytest.mark.parametrize("name", NAMES)
def test_every_kernel_is_a_method_with_help_and_signature(name: str) -> None:
    function = getattr(fintech, name)
    for frame in (pl.DataFrame(), pd.DataFrame(), pl.LazyFrame()):
        method = getattr(frame.sabot, name)
        assert name in dir(frame.sabot)
        assert inspect.getdoc(method) == inspect.getdoc(function)
        expected = [each for each in inspect.signature(function).parameters.values() if each.name != "data"]
        assert list(inspect.signature(method).parameters.values()) == expected


def test_polars_and_pandas(ticks: pa.Table) -> None:
    polars = pl.DataFrame(ticks)
    assert polars.sabot.ewma(alpha=0.2, by="symbol").equals(fintech.ewma(polars, alpha=0.2))  # type: ignore[attr-defined]
    pandas = ticks.to_pandas()
    pd.testing.assert_frame_equal(pandas.sabot.ewma(alpha=0.2), fintech.ewma(pandas, alpha=0.2))
    assert list(pandas.columns) == ticks.column_names


def test_a_chain_of_calls_and_a_chain_of_kernels(ticks: pa.Table) -> None:
    for frame in (pl.DataFrame(ticks), ticks.to_pandas()):
        expected = fintech.chain(frame, ["midprice", EWMAKernel(column="midprice", span=9)])
        for result in (
            frame.sabot.midprice().sabot.ewma(column="midprice", span=9),
            frame.sabot.chain(["midprice", EWMAKernel(column="midprice", span=9)]),
        ):
            assert type(result) is type(frame)
            assert result.equals(expected)


def test_a_frame_can_be_changed_copied_and_pickled_afterwards() -> None:
    pandas = pd.DataFrame({"symbol": ["A", "A"], "price": [1.0, 2.0]})
    assert list(pandas.sabot.ewma(alpha=0.5)["ewma"]) == [1.0, 1.5]
    pandas["price"] = [3.0, 3.0]
    assert list(pandas.sabot.ewma(alpha=0.5)["ewma"]) == [3.0, 3.0]
    polars = pl.DataFrame({"symbol": ["A", "A"], "price": [1.0, 2.0]})
    assert list(polars.sabot.ewma(alpha=0.5)["ewma"]) == [1.0, 1.5]  # type: ignore[attr-defined]
    for frame in (pandas, polars):
        for again in (copy.copy(frame), copy.deepcopy(frame), pickle.loads(pickle.dumps(frame))):
            assert again.equals(frame)
            assert again.sabot.ewma().shape == (2, 3)


# --- lazy frames ---


def test_a_lazy_frame_is_computed_when_it_is_collected(ticks: pa.Table) -> None:
    lazy = pl.LazyFrame(ticks).sabot.ewma(alpha=0.2).sabot.cusum(column="price")  # type: ignore[attr-defined]
    assert isinstance(lazy, pl.LazyFrame)
    expected = fintech.cusum(fintech.ewma(pl.DataFrame(ticks), alpha=0.2), column="price")
    assert lazy.collect_schema() == expected.schema
    for engine in ("in-memory", "streaming"):
        assert lazy.collect(engine=engine).equals(expected)
        assert lazy.collect(engine=engine).equals(expected), "each collect starts from fresh state"


def test_the_optimizer_moves_nothing_past_a_kernel(ticks: pa.Table) -> None:
    lazy = pl.LazyFrame(ticks).sabot.ewma(alpha=0.2)  # type: ignore[attr-defined]
    expected = fintech.ewma(pl.DataFrame(ticks), alpha=0.2)
    chosen = pl.col("symbol") == "S0001"
    for engine in ("in-memory", "streaming"):
        assert lazy.filter(chosen).collect(engine=engine).equals(expected.filter(chosen))
        assert lazy.select("ewma").collect(engine=engine).equals(expected.select("ewma"))
        assert lazy.tail(5).collect(engine=engine).equals(expected.tail(5))
        assert lazy.slice(1_000, 7).collect(engine=engine).equals(expected.slice(1_000, 7))


def test_a_lazy_chain(ticks: pa.Table) -> None:
    kernels = (each for each in ("log_returns", EWMAKernel(column="log_return")))
    lazy = pl.LazyFrame(ticks).sabot.chain(kernels)  # type: ignore[attr-defined]
    expected = fintech.chain(pl.DataFrame(ticks), ["log_returns", EWMAKernel(column="log_return")])
    assert lazy.collect().equals(expected)
    assert lazy.collect().equals(expected)


def test_a_lazy_frame_of_a_file(ticks: pa.Table, tmp_path: Any) -> None:
    pl.DataFrame(ticks).write_parquet(tmp_path / "ticks.parquet")
    lazy = pl.scan_parquet(tmp_path / "ticks.parquet").filter(pl.col("price") > 0)
    expected = fintech.rolling_zscore(pl.DataFrame(ticks).filter(pl.col("price") > 0), window=20)
    result = lazy.sabot.rolling_zscore(window=20).collect()  # type: ignore[attr-defined]
    assert result.equals(expected)
