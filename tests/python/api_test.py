"""sabot.fintech on every kind of table: the same kind comes out with the same bits, uncopied where that can be."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from sabot.errors import OptionError, SabotError, SchemaError
from sabot.fintech import BollingerBandsKernel, CUSUMKernel, EWMAKernel, MidpriceKernel, OFIKernel, RollingZScoreKernel
from sabot.kernel_info import literal

import sabot
from sabot import _native, fintech, tables

INFOS = {info.name: info for info in fintech.kernels()}


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    """Ticks with nulls, of several chunks."""
    stream = sabot.Stream.from_generator(rows=5_000, symbols=20, batch_rows=777, nulls=0.02)
    table = stream.collect()
    assert table["price"].num_chunks > 1
    return table


def bits(column: pa.ChunkedArray | pa.Array) -> list[tuple[bool, bytes]]:
    """A number's validity and bytes, row by row."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    width = array.type.bit_width // 8
    values = array.fill_null(0).buffers()[1].to_pybytes()[array.offset * width :]
    return [(value.is_valid, values[row * width : row * width + width]) for row, value in enumerate(array)]


def one_batch(table: pa.Table) -> pa.RecordBatch:
    return pa.record_batch([column.combine_chunks() for column in table.columns], schema=table.schema)


class OnlyAStream:
    def __init__(self, table: pa.Table) -> None:
        self.table = table

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self.table.__arrow_c_stream__(requested_schema)


class OnlyAnArray:
    def __init__(self, table: pa.Table) -> None:
        self.batch = one_batch(table)

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        return self.batch.__arrow_c_array__(requested_schema)


def duckdb_relation(table: pa.Table) -> duckdb.DuckDBPyRelation:
    connection = duckdb.connect()
    return connection.from_arrow(table)


def columns_of_numpy(table: pa.Table) -> dict[str, Any]:
    plain = table.set_column(0, "symbol", table["symbol"].cast(pa.string()))
    return {name: plain[name].to_numpy() for name in plain.column_names}


def structured(table: pa.Table) -> Any:
    columns = columns_of_numpy(table)
    rows = np.empty(len(table), [(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        rows[name] = values
    return rows


def table_of_numpy(columns: dict[str, Any]) -> pa.Table:
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()})


def table_of_structured(rows: Any) -> pa.Table:
    return table_of_numpy({name: rows[name] for name in rows.dtype.names})


# Name -> what makes it of a table, the type that comes out, and what makes a table of that.
KINDS: dict[str, tuple[Callable[[pa.Table], Any], type, Callable[[Any], pa.Table]]] = {
    "Table": (lambda table: table, pa.Table, lambda out: out),
    "RecordBatch": (
        one_batch,
        pa.RecordBatch,
        lambda out: pa.Table.from_batches([out]),
    ),
    "RecordBatchReader": (lambda table: table.to_reader(), pa.RecordBatchReader, lambda out: out.read_all()),
    "polars": (pl.DataFrame, pl.DataFrame, lambda out: out.to_arrow()),
    "pandas": (lambda table: table.to_pandas(), pd.DataFrame, pa.Table.from_pandas),
    "duckdb": (duckdb_relation, duckdb.DuckDBPyRelation, lambda out: out.to_arrow_table()),
    "numpy": (columns_of_numpy, dict, table_of_numpy),
    "structured": (structured, np.ndarray, table_of_structured),
    "stream": (OnlyAStream, pa.Table, lambda out: out),
    "array": (OnlyAnArray, pa.RecordBatch, lambda out: pa.Table.from_batches([out])),
}


@pytest.mark.parametrize("kind", KINDS)
def test_same_kind_same_columns_same_bits(kind: str, ticks: pa.Table) -> None:
    make, expected_type, to_table = KINDS[kind]
    expected = fintech.ewma(ticks, alpha=0.2)
    given = make(ticks)
    result = fintech.ewma(given, alpha=0.2)
    assert type(result) is expected_type
    table = to_table(result)
    assert table.column_names == [*ticks.column_names, "ewma"]
    assert bits(table["ewma"]) == bits(expected["ewma"])
    assert table["bid"].to_pylist() == ticks["bid"].to_pylist()


@pytest.mark.parametrize("kind", KINDS)
def test_several_outputs_and_an_object_with_state(kind: str, ticks: pa.Table) -> None:
    make, expected_type, to_table = KINDS[kind]
    bands = BollingerBandsKernel(window=10)
    expected = fintech.bollinger_bands(ticks, window=10)
    first, rest = ticks.slice(0, 1_234), ticks.slice(1_234)
    parts = [bands(make(first)), bands(make(rest))]
    assert all(type(part) is expected_type for part in parts)
    tables_out = [to_table(part) for part in parts]
    for name in ("bb_mid", "bb_upper", "bb_lower"):
        assert bits(tables_out[0][name]) + bits(tables_out[1][name]) == bits(expected[name])


@pytest.mark.parametrize("kind", KINDS)
def test_no_rows(kind: str, ticks: pa.Table) -> None:
    make, expected_type, to_table = KINDS[kind]
    no_rows = pa.Table.from_batches([ticks.to_batches()[0].slice(0, 0)])
    result = fintech.ewma(make(no_rows))
    assert type(result) is expected_type
    table = to_table(result)
    assert len(table) == 0
    assert table.column_names == [*ticks.column_names, "ewma"]


STRINGS = [
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    *(
        pa.dictionary(index, pa.string())
        for index in (pa.int8(), pa.uint8(), pa.int16(), pa.uint16(), pa.int32(), pa.uint32())
    ),
    pa.dictionary(pa.int64(), pa.large_string()),
]


@pytest.mark.parametrize("encoding", STRINGS, ids=str)
def test_the_encoding_of_symbols_changes_nothing(encoding: pa.DataType, ticks: pa.Table) -> None:
    symbols = ticks["symbol"].cast(pa.string())
    encoded = symbols.cast(pa.string_view()) if encoding == pa.string_view() else symbols.cast(encoding)
    given = ticks.set_column(0, "symbol", encoded)
    assert bits(fintech.ofi(given, window=5)["ofi"]) == bits(fintech.ofi(ticks, window=5)["ofi"])


def test_symbols_of_polars_and_pandas(ticks: pa.Table) -> None:
    expected = bits(fintech.ewma(ticks)["ewma"])
    polars = pl.DataFrame(ticks)
    for kind in (pl.String, pl.Categorical):
        frame = polars.with_columns(pl.col("symbol").cast(pl.String).cast(kind))
        assert bits(fintech.ewma(frame)["ewma"].to_arrow()) == expected
    pandas = ticks.to_pandas()
    for kind in ("str", "object", "category"):
        frame = pandas.assign(symbol=pandas["symbol"].astype(kind))
        assert bits(pa.array(fintech.ewma(frame)["ewma"], from_pandas=True)) == expected


def test_integer_and_several_key_columns(ticks: pa.Table) -> None:
    expected = bits(fintech.ewma(ticks)["ewma"])
    codes = ticks["symbol"].cast(pa.string()).combine_chunks().dictionary_encode().indices
    numbered = ticks.append_column("id", codes)
    assert bits(fintech.ewma(numbered, by="id")["ewma"]) == expected
    assert bits(fintech.ewma(numbered, by=["symbol", "id"])["ewma"]) == expected


def address(column: pa.Array | pa.ChunkedArray) -> int:
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return int(array.buffers()[1].address)


class Recording:
    """A chain that keeps what the engine gave."""

    def __init__(self) -> None:
        self.chain = _native.Chain([("ewma", {}, {}, {})], ["symbol"])

    def process(self, data: Any, new_columns_only: bool) -> Any:
        self.result = self.chain.process(data, new_columns_only)
        return self.result


def test_pyarrow_columns_are_not_copied(ticks: pa.Table) -> None:
    batch = ticks.to_batches()[0]
    chain = Recording()
    result = tables.run(batch, chain)  # type: ignore[arg-type]
    assert address(result["price"]) == address(batch["price"])
    assert address(result["symbol"]) == address(batch["symbol"])
    assert address(result["ewma"]) == address(pa.record_batch(chain.result)["ewma"])


def test_polars_columns_are_not_copied(ticks: pa.Table) -> None:
    frame = pl.DataFrame(ticks.to_batches()[0])
    chain = Recording()
    result = tables.run(frame, chain)  # type: ignore[arg-type]
    assert address(result["price"].to_arrow()) == address(frame["price"].to_arrow())
    assert address(result["ewma"].to_arrow()) == address(pa.table(chain.result)["ewma"])


def test_pandas_keeps_index_columns_and_types(ticks: pa.Table) -> None:
    frame = ticks.to_pandas().sample(frac=1, random_state=1)
    frame["note"] = [object()] * len(frame)  # Nothing Arrow could read, nor needs to.
    result = fintech.cusum(frame, column="price")
    assert result.index.equals(frame.index)
    assert result.drop(columns=["cusum_pos", "cusum_neg", "cusum_alarm"]).equals(frame)
    assert result["cusum_pos"].dtype == "float64"
    assert result["cusum_alarm"].dtype == "Int64"
    assert list(frame.columns) == [*ticks.column_names, "note"], "what was given stays as it was"


def test_pandas_columns_of_one_name_matter_where_they_are_read(ticks: pa.Table) -> None:
    frame = ticks.select(["symbol", "price", "bid", "ask"]).to_pandas()
    twice = frame.set_axis(["symbol", "price", "note", "note"], axis=1)
    assert list(fintech.ewma(twice)["ewma"].dropna()) == list(fintech.ewma(frame)["ewma"].dropna())
    with pytest.raises(ValueError, match="price"):
        fintech.ewma(frame.set_axis(["symbol", "price", "price", "note"], axis=1))


def test_pandas_index_can_be_the_key(ticks: pa.Table) -> None:
    frame = ticks.to_pandas()
    result = fintech.ewma(frame.set_index("symbol"))
    assert list(result["ewma"].dropna()) == list(fintech.ewma(frame)["ewma"].dropna())
    assert result.index.name == "symbol"


def test_a_subclass_of_a_frame_counts_as_one(ticks: pa.Table) -> None:
    class Frame(pd.DataFrame):
        @property
        def _constructor(self) -> type:
            return Frame

    assert type(fintech.ewma(Frame(ticks.to_pandas()))) is Frame


def test_duckdb_result_belongs_to_the_relations_connection(ticks: pa.Table) -> None:
    connection = duckdb.connect()
    relation = fintech.ewma(connection.from_arrow(ticks))
    joined = relation.join(connection.sql("SELECT 'S0000' AS symbol"), "symbol")
    assert joined.aggregate("count(ewma)").fetchall()[0][0] > 0
    assert relation.fetchall() == relation.fetchall()
    assert connection.sql("SELECT count(*) FROM duckdb_views() WHERE NOT internal").fetchall() == [(0,)]


def test_duckdb_table_that_hides_the_result(ticks: pa.Table) -> None:
    connection = duckdb.connect()
    connection.execute("CREATE TABLE __sabot_result__ AS SELECT 1 AS other")
    with pytest.raises(SabotError, match="has a table called __sabot_result__, which hides the result"):
        fintech.ewma(connection.from_arrow(ticks))


def test_a_reader_is_read_as_the_result_is(ticks: pa.Table) -> None:
    read = []

    def batches() -> Any:
        for batch in ticks.to_batches():
            read.append(batch)
            yield batch

    reader = fintech.ewma(pa.RecordBatchReader.from_batches(ticks.schema, batches()))
    assert read == []
    reader.read_next_batch()
    assert len(read) == 1


WRONG_KINDS = {
    "LazyFrame": (
        lambda table: pl.DataFrame(table).lazy(),
        r"polars.LazyFrame is no table. Give its rows: .collect\(\)",
    ),
    "polars.Series": (
        lambda table: pl.DataFrame(table)["price"],
        r"polars.Series is no table. Give a table: .to_frame\(\)",
    ),
    "pandas.Series": (
        lambda table: table.to_pandas()["price"],
        r"pandas.Series is no table. Give a table: .to_frame\(\)",
    ),
    "Dataset": (ds.dataset, r"InMemoryDataset is no table. Give its rows: .scanner\(\).to_reader\(\) batch by batch"),
    "Scanner": (lambda table: ds.dataset(table).scanner(), r"Scanner is no table. Give its rows: .to_reader\(\)"),
    "Array": (lambda table: table["price"].chunk(0), r"is no table. Give a table: pyarrow.record_batch"),
    "ChunkedArray": (lambda table: table["price"], r"is no table. Give a table: pyarrow.table"),
}


@pytest.mark.parametrize("kind", WRONG_KINDS)
def test_what_is_no_table(kind: str, ticks: pa.Table) -> None:
    make, message = WRONG_KINDS[kind]
    with pytest.raises(TypeError, match=message):
        fintech.ewma(make(ticks))
    with pytest.raises(TypeError, match=message):
        sabot.Stream.from_arrow(make(ticks))


def test_a_stream_is_made_of_arrow_data(ticks: pa.Table) -> None:
    message = r"found dict. pyarrow.table\(...\) makes one of a dict of columns"
    with pytest.raises(TypeError, match=message):
        sabot.Stream.from_arrow(ticks.to_pydict())  # type: ignore[arg-type]


def test_no_library_is_imported_for_another_ones_data() -> None:
    program = (
        "import sys, sabot\n"
        "ticks = sabot.Stream.from_generator(rows=10, symbols=2).collect()\n"
        "sabot.fintech.ewma(ticks)\n"
        "print([name for name in ('polars', 'pandas', 'duckdb', 'sabot.numpy_tables') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


# --- functions and classes follow from the registry ---


@pytest.mark.parametrize("name", INFOS)
def test_every_kernel_has_a_function_and_a_class_with_help(name: str, ticks: pa.Table) -> None:
    info = INFOS[name]
    function, kind = getattr(fintech, name), getattr(fintech, info.class_name)
    assert {name, info.class_name} <= set(fintech.__all__)
    assert issubclass(kind, fintech.Kernel)
    for made in (function, kind):
        assert made.__module__ == "sabot.fintech"
        text = inspect.getdoc(made)
        assert text is not None
        assert text.startswith(info.summary)
        mentioned = [f"{entry.role}: column '{entry.column}'" for entry in info.inputs]
        mentioned += [f"{entry.name}: {entry.type}" for entry in info.outputs]
        mentioned += [
            f"{entry.name}: {entry.type}" if entry.required else f"{entry.name}={literal(entry.default)}: {entry.type}"
            for entry in info.options
        ]
        flat = " ".join(text.split())
        assert [words for words in mentioned if words not in flat] == []
        parameters = inspect.signature(made).parameters
        nothing = inspect.Parameter.empty
        defaults = {entry.name: nothing if entry.required else entry.default for entry in info.options}
        assert {option: parameters[option].default for option in defaults} == defaults
        assert all(parameters[option].kind is inspect.Parameter.KEYWORD_ONLY for option in defaults)


@pytest.mark.parametrize("name", INFOS)
def test_an_object_prints_as_what_makes_it(name: str) -> None:
    pair = INFOS[name].pair
    options = {"symbol_a": "A", "symbol_b": "B"} if pair else {}
    kernel = getattr(fintech, INFOS[name].class_name)(by=["symbol"] if pair else ["venue", "symbol"], **options)
    again = eval(repr(kernel), vars(fintech))
    assert repr(again) == repr(kernel)
    assert again.options == kernel.options
    assert set(kernel.options) <= {option.name for option in INFOS[name].options}


def test_options_of_an_object() -> None:
    assert EWMAKernel().options == {"alpha": 0.06}
    assert EWMAKernel(lambda_=0.94).options == {"lambda_": 0.94}
    kernel = OFIKernel(window=5, columns={"bid": "bid_px"}, outputs={"ofi": "flow"})
    assert (kernel.by, kernel.columns, kernel.outputs) == (["symbol"], {"bid": "bid_px"}, {"ofi": "flow"})
    assert kernel.options == {"window": 5, "min_periods": 5}


def test_the_five_spellings_of_a_decay(ticks: pa.Table) -> None:
    expected = bits(fintech.ewma(ticks, alpha=0.5)["ewma"])
    for same in ({"lambda_": 0.5}, {"span": 3}, {"com": 1}, {"halflife": 1}):
        assert bits(fintech.ewma(ticks, **same)["ewma"]) == expected, same


def test_numbers_of_numpy_are_options(ticks: pa.Table) -> None:
    result = fintech.rolling_zscore(ticks, window=np.int64(7), ddof=np.int8(0))
    assert bits(result["zscore"]) == bits(fintech.rolling_zscore(ticks, window=7, ddof=0)["zscore"])
    assert bits(fintech.ewma(ticks, alpha=np.float32(0.5))["ewma"]) == bits(fintech.ewma(ticks, alpha=0.5)["ewma"])


def test_column_is_short_for_x(ticks: pa.Table) -> None:
    by_role = fintech.ewma(ticks, columns={"x": "volume"}, outputs={"ewma": "smooth"})
    assert by_role.equals(fintech.ewma(ticks, column="volume", outputs={"ewma": "smooth"}))
    with pytest.raises(
        OptionError, match=r"^ewma: column= and columns=\{'x': ...\} say the same\. Give one of them\.$"
    ):
        fintech.ewma(ticks, column="volume", columns={"x": "volume"})
    with pytest.raises(
        OptionError, match=r"^midprice: column= is short for input 'x', which it does not have\. Bind its inputs"
    ):
        fintech.midprice(ticks, column="volume")


def test_the_base_class_is_no_kernel() -> None:
    with pytest.raises(TypeError, match="such as EWMAKernel"):
        fintech.Kernel()


# --- chains ---


def test_a_chain_gives_the_bits_of_its_kernels(ticks: pa.Table) -> None:
    chained = fintech.chain(
        ticks, ["midprice", MidpriceKernel(outputs={"midprice": "mid"}), OFIKernel, EWMAKernel(column="mid")]
    )
    assert chained.column_names == [*ticks.column_names, "midprice", "mid", "ofi", "ewma"]
    mid = fintech.midprice(ticks)
    assert bits(chained["mid"]) == bits(mid["midprice"])
    assert bits(chained["ewma"]) == bits(fintech.ewma(mid, column="midprice")["ewma"])
    assert bits(chained["ofi"]) == bits(fintech.ofi(ticks)["ofi"])


def test_a_chain_neither_reads_nor_changes_the_state_of_objects(ticks: pa.Table) -> None:
    kernel = EWMAKernel()
    kernel(ticks)
    before = kernel.snapshot()
    chained = fintech.chain(ticks, [kernel])
    assert chained.equals(fintech.ewma(ticks))
    assert kernel.snapshot().equals(before)


def test_a_chain_keeps_its_state(ticks: pa.Table) -> None:
    chain = fintech.Chain([CUSUMKernel(column="price"), RollingZScoreKernel(window=10)])
    parts = pa.concat_tables([chain(ticks.slice(0, 999)), chain(ticks.slice(999))])
    expected = fintech.chain(ticks, chain.kernels)
    for name in ("cusum_pos", "cusum_neg", "cusum_alarm", "zscore"):
        assert bits(parts[name]) == bits(expected[name])
    assert repr(chain) == f"Chain({chain.kernels!r})"


def test_a_chain_has_one_key(ticks: pa.Table) -> None:
    with pytest.raises(
        OptionError, match=r"^chain: the kernels have different keys: 'symbol', \['symbol', 'venue'\]\."
    ):
        fintech.chain(ticks, [EWMAKernel(), OFIKernel(by=["symbol", "venue"])])
    assert fintech.Chain([EWMAKernel(by="id"), MidpriceKernel()]).by == ["id"]
    with pytest.raises(TypeError, match="expected a kernel's name, class or object, found 3"):
        fintech.chain(ticks, [3])  # type: ignore[list-item]


def test_an_error_leaves_a_kernel_ready_for_the_right_columns(ticks: pa.Table) -> None:
    kernel = EWMAKernel()
    with pytest.raises(SchemaError):
        kernel(ticks.drop(["price"]))
    assert bits(kernel(ticks)["ewma"]) == bits(fintech.ewma(ticks)["ewma"])


def test_threads_change_nothing() -> None:
    table = sabot.Stream.from_generator(rows=100_000, symbols=50).collect().combine_chunks()
    kernels = ["ewma", "ofi", "log_returns", "midprice", "sma"]
    try:
        sabot.set_max_threads(1)
        assert _native.max_threads() == 1
        expected = fintech.chain(table, kernels)
        sabot.set_max_threads(4)
        assert _native.max_threads() == 4
        assert fintech.chain(table, kernels).equals(expected)
    finally:
        sabot.set_max_threads(0)


def test_an_object_may_be_asked_by_two_threads() -> None:
    program = """
import threading
import sabot

ticks = sabot.Stream.from_generator(rows=20_000, symbols=5, batch_rows=1_000)
kernel = sabot.fintech.EWMAKernel()
snapshots = []
other = threading.Thread(target=lambda: snapshots.append(kernel.snapshot()), daemon=True)

class Source:  # Gives a batch, lets the other thread ask while the kernel is at work, and gives the rest.
    def __arrow_c_stream__(self, requested_schema=None):
        def batches():
            for number, batch in enumerate(ticks):
                yield batch
                if number == 0:
                    other.start()
                    other.join(timeout=0.1)
        return sabot.Stream.from_iter(batches(), schema=ticks.schema).__arrow_c_stream__()

kernel(Source())
other.join()
print(len(snapshots[0]), "symbols")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.stdout == "5 symbols\n", done.stderr
