"""What is wrong with the input is said in full: where, what was found, what was expected, what to do."""

import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sabot.errors import DataError, OptionError, SabotError, SchemaError
from sabot.fintech import EWMAKernel

import sabot
from sabot import fintech

TICKS = sabot.Stream.from_generator(rows=1_000, symbols=5).collect()


def renamed(**names: str) -> pa.Table:
    return TICKS.rename_columns([names.get(name, name) for name in TICKS.column_names])


# Each mistake through a function, and through a stream, which reports it before it runs.
Call = Callable[..., Any]
WAYS: dict[str, Callable[[pa.Table, str], Call]] = {
    "function": lambda table, kernel: lambda **options: getattr(fintech, kernel)(table, **options),
    "polars": lambda table, kernel: lambda **options: getattr(fintech, kernel)(pl.DataFrame(table), **options),
    "pandas": lambda table, kernel: lambda **options: getattr(fintech, kernel)(table.to_pandas(), **options),
    "reader": lambda table, kernel: lambda **options: getattr(fintech, kernel)(table.to_reader(), **options),
    "stream": lambda table, kernel: lambda **options: sabot.Stream.from_arrow(table).kernel(kernel, **options),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("table", "kernel", "options", "message"),
    [
        (
            renamed(price="prices"),
            "ewma",
            {},
            "ewma: input 'x' needs column 'price', which is missing. Nearest names: 'prices'. "
            "Bind another one with columns={'x': ...}.",
        ),
        (renamed(symbol="Symbol"), "ewma", {}, "key column 'symbol' is missing. Nearest names: 'Symbol'."),
        (
            TICKS,
            "midprice",
            {"columns": {"bid": "bid_px"}},
            "midprice: input 'bid' needs column 'bid_px', which is missing. Nearest names: 'bid'. "
            "Bind another one with columns={'bid': ...}.",
        ),
        (
            TICKS,
            "ewma",
            {"outputs": {"ewma": "price"}},
            "ewma: output 'price' exists already. Rename the output with outputs={'ewma': ...}.",
        ),
    ],
    ids=["column", "key", "bound column", "output exists"],
)
def test_columns_that_are_missing_or_taken(
    way: str, table: pa.Table, kernel: str, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(SchemaError) as caught:
        WAYS[way](table, kernel)(**options)
    assert str(caught.value) == message


@pytest.mark.parametrize("way", ["function", "reader", "stream"])
@pytest.mark.parametrize(
    ("kernel", "options", "message"),
    [
        (
            "ewma",
            {"column": "symbol"},
            "ewma: input 'x' reads column 'symbol', found type dictionary<values=string, indices=int32, ordered=0>, "
            "expected a number. Convert the column or bind another one with columns={'x': ...}.",
        ),
        (
            "ewma",
            {"halflife": "1s", "columns": {"timestamp": "price"}},
            "ewma: input 'timestamp' reads column 'price', found type double, expected int64 (ns since the epoch) or a "
            "timestamp. Convert the column or bind another one with columns={'timestamp': ...}.",
        ),
        (
            "ewma",
            {"by": "price"},
            "key column 'price' has type double; a key is utf8, large_utf8, utf8_view, an integer, or a dictionary of "
            "these. Cast it at its source.",
        ),
    ],
    ids=["a string for a number", "a number for a time", "a float key"],
)
def test_columns_of_another_type(way: str, kernel: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SchemaError) as caught:
        WAYS[way](TICKS, kernel)(**options)
    assert str(caught.value) == message


BAD_OPTIONS: list[tuple[str, dict[str, Any], str]] = [
    ("ewma", {"alhpa": 0.1}, "ewma: unknown option 'alhpa'. Nearest names: 'alpha'."),
    ("midprice", {"alpha": 0.1}, "midprice: unknown option 'alpha'. It takes none."),
    ("ewma", {"alpha": 1.5}, "ewma: option 'alpha' must be in (0, 1], found 1.5."),
    ("ewma", {"alpha": 0}, "ewma: option 'alpha' must be in (0, 1], found 0."),
    ("ewma", {"alpha": math.nan}, "ewma: option 'alpha' must be in (0, 1], found nan."),
    ("ewma", {"alpha": True}, "ewma: option 'alpha' must be a number, found True."),
    ("rolling_std", {"window": 0}, "rolling_std: option 'window' must be in [1, 16777216], found 0."),
    ("rolling_std", {"window": 5.5}, "rolling_std: option 'window' must be an integer, found 5.5."),
    (
        "rolling_std",
        {"window": "5"},
        "rolling_std: option 'window': '5' is no duration. Write a positive integer and one of ns, us, ms, s, m, h, d, "
        'such as "500ms" or "5s" (below 2^63 ns).',
    ),
    (
        "rolling_std",
        {"window": 5, "min_periods": 6},
        "rolling_std: option 'min_periods' must be at most the window of 5 rows, found 6.",
    ),
    (
        "ewma",
        {"halflife": "5 s"},
        "ewma: option 'halflife': '5 s' is no duration. Write a positive integer and one of ns, us, ms, s, m, h, d, "
        'such as "500ms" or "5s" (below 2^63 ns).',
    ),
    ("vpin", {"classify": "bcv"}, "vpin: option 'classify' must be 'bvc' or 'side', found 'bcv'."),
    (
        "ewma",
        {"alpha": 0.1, "span": 3},
        "ewma: 'alpha', 'span' were given together. They are spellings of one decay: give one of alpha, lambda, span, "
        "com, halflife.",
    ),
    (
        "ewma",
        {"columns": {"y": "price"}},
        "ewma: columns= names input 'y', which it does not have (with these options). Nearest names: 'x'.",
    ),
    (
        "ewma",
        {"outputs": {"ema": "y"}},
        "ewma: outputs= names output 'ema', which it does not have. Nearest names: 'ewma'.",
    ),
    ("ewma", {"by": []}, "by= names no key column; a kernel with state keeps it by key. Name at least one."),
]


@pytest.mark.parametrize(
    ("kernel", "options", "message"), BAD_OPTIONS, ids=[str(options) for _, options, _ in BAD_OPTIONS]
)
def test_options(kernel: str, options: dict[str, Any], message: str) -> None:
    kinds = {info.name: info.class_name for info in fintech.kernels()}
    for way in (
        WAYS["function"](TICKS, kernel),
        WAYS["stream"](TICKS, kernel),
        getattr(fintech, kinds[kernel]),
    ):
        with pytest.raises(OptionError) as caught:
            way(**options)
        assert str(caught.value) == message


def test_arguments_of_another_shape() -> None:
    with pytest.raises(TypeError, match=r"^by= must be the name of a key column or a list of such names, found 3\.$"):
        fintech.ewma(TICKS, by=3)
    with pytest.raises(TypeError, match=r"^columns= must be a dict of names to names, found \{'x': 3\}\.$"):
        fintech.ewma(TICKS, columns={"x": 3})
    with pytest.raises(TypeError, match=r"^outputs= must be a dict of names to names, found \['y'\]\.$"):
        fintech.ewma(TICKS, outputs=["y"])


def test_an_unknown_kernel() -> None:
    with pytest.raises(OptionError, match=r"^unknown kernel 'ewm'\. Nearest names: 'ewma'"):
        sabot.Stream.from_arrow(TICKS).kernel("ewm")
    with pytest.raises(OptionError, match=r"^unknown kernel 'ewm'\. Nearest names: 'ewma'"):
        fintech.chain(TICKS, ["ewm"])


def test_options_of_the_generator() -> None:
    with pytest.raises(OptionError, match=r"^tick generator: kind is 'tick'\. Use 'ticks', 'trades' or 'quotes'\.$"):
        sabot.Stream.from_generator(kind="tick")
    with pytest.raises(OptionError, match=r"^tick generator: late is 2\. Use a value from 0 to 1\.$"):
        sabot.Stream.from_generator(late=2)


def test_number_of_threads() -> None:
    with pytest.raises(OptionError, match=r"^set_max_threads: threads must be >= 0, found -1\.$"):
        sabot.set_max_threads(-1)


# --- values ---


def test_null_symbols_get_null_and_leave_no_state() -> None:
    table = pa.table(
        {"symbol": ["a", None, "a", ""], "price": [1.0, 2.0, 3.0, 4.0], "bid": [1.0] * 4, "ask": [3.0] * 4}
    )
    kernel = EWMAKernel(alpha=0.5)
    assert kernel(table)["ewma"].to_pylist() == [1.0, None, 2.0, 4.0]
    assert kernel.snapshot()["symbol"].to_pylist() == ["a", ""]
    assert fintech.midprice(table)["midprice"].to_pylist() == [2.0] * 4, "a kernel without state needs no symbol"


@pytest.mark.parametrize("make", [pa.table, pl.DataFrame, pd.DataFrame])
def test_nan_and_infinite_prices_are_missing(make: Callable[[dict[str, list[Any]]], Any]) -> None:
    prices = [1.0, math.nan, math.inf, -math.inf, 3.0]
    result = fintech.ewma(make({"symbol": ["a"] * 5, "price": prices}), alpha=0.5)
    values = (
        pa.array(result["ewma"], from_pandas=True).to_pylist()
        if make is pd.DataFrame
        else pa.table(result)["ewma"].to_pylist()
    )
    assert values == [1.0, None, None, None, 2.0]


def test_a_time_that_overflows() -> None:
    late = pa.array([2**62] * len(TICKS), pa.timestamp("us"))
    with pytest.raises(DataError) as caught:
        fintech.ewma(TICKS.set_column(1, "timestamp", late), halflife="1s")
    assert str(caught.value).startswith(
        "column 'timestamp' of type timestamp[us] holds a time that does not fit int64 nanoseconds since the epoch ("
    )
    assert str(caught.value).endswith("). Remove or correct that row.")


def test_an_empty_table_has_the_outputs() -> None:
    for info in fintech.kernels():
        table = TICKS.slice(0, 0)
        for entry in info.inputs:
            if entry.column not in table.column_names:
                kind = pa.float64() if entry.type == "float64" else pa.int64()
                table = table.append_column(entry.column, pa.array([], kind))
        options = {entry.name: entry.name for entry in info.options if entry.required}
        outputs = {entry.name: f"out_{entry.name}" for entry in info.outputs}
        result = getattr(fintech, info.name)(table, outputs=outputs, **options)
        assert len(result) == 0
        assert result.column_names[table.num_columns :] == [f"out_{entry.name}" for entry in info.outputs]


# --- batches ---


def test_a_schema_that_changes_between_batches() -> None:
    other = TICKS.drop(["bid"])
    with pytest.raises(SchemaError) as caught:
        sabot.Stream.from_iter([TICKS, TICKS, other]).kernel("ewma").collect()
    assert str(caught.value) == (
        "from_iter: batch 2 has another schema: column 6 is 'ask' double, expected 'bid' double. "
        "Give all batches one schema."
    )
    with pytest.raises(SchemaError) as caught:
        sabot.Stream.from_iter([TICKS, TICKS.drop(["ask_size"])]).collect()
    assert str(caught.value).startswith("from_iter: batch 1 has another schema: 9 columns (symbol, ")
    assert str(caught.value).endswith("bid_size, ask_size). Give all batches one schema.")


def test_a_schema_that_changes_between_calls_of_an_object() -> None:
    kernel = EWMAKernel()
    kernel(TICKS)
    with pytest.raises(SchemaError) as caught:
        kernel(TICKS.set_column(3, "price", TICKS["price"].cast(pa.float32())))
    assert str(caught.value) == (
        "the schema changed between batches: column 3 was price: double, is price: float. Give one schema to all "
        "batches, or start a new chain."
    )


def test_a_batch_that_is_no_table() -> None:
    with pytest.raises(TypeError, match=r"^from_iter: batch 1: expected a table that Arrow can read .*, found int\."):
        sabot.Stream.from_iter([TICKS, 5]).collect()  # type: ignore[list-item]


# --- files ---


@pytest.fixture
def parquet(tmp_path: Path) -> Path:
    path = tmp_path / "ticks.parquet"
    sabot.Stream.from_arrow(TICKS).to_parquet(path, row_group_rows=250)
    return path


@pytest.mark.parametrize("kept", [0, 3, 8, 1_000, 0.5, -1])
def test_a_truncated_file(kept: float, parquet: Path) -> None:
    whole = parquet.read_bytes()
    left = int(kept * len(whole)) if isinstance(kept, float) else kept % len(whole)
    parquet.write_bytes(whole[:left])
    with pytest.raises(DataError) as caught:
        sabot.Stream.from_parquet(parquet)
    message = str(caught.value)
    assert message.startswith(f"parquet source '{parquet}': ")
    if left == 0:
        assert message.endswith("the file is empty (0 bytes). Fetch or write it again.")
    elif left >= 4:
        assert f"the file is truncated: its {left} bytes begin as a Parquet file, but the end" in message


def test_a_damaged_page_is_found_when_it_is_read(parquet: Path, tmp_path: Path) -> None:
    whole = parquet.read_bytes()
    parquet.write_bytes(whole[:500] + bytes(400) + whole[900:])
    target = tmp_path / "out.parquet"
    stream = sabot.Stream.from_parquet(parquet).kernel("ewma")
    for run in (sabot.Stream.collect, list, lambda stream: stream.to_parquet(target)):
        with pytest.raises(DataError, match=f"parquet source '{parquet}': the file is damaged"):
            run(stream)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ticks.parquet"]


def test_files_that_are_not_there(parquet: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.parquet"):
        sabot.Stream.from_parquet(parquet.with_name("none.parquet"))
    with pytest.raises(FileNotFoundError):
        sabot.Stream.from_arrow(TICKS).to_parquet(parquet.parent / "none" / "out.parquet")
    with pytest.raises(SchemaError) as caught:
        sabot.Stream.from_parquet(parquet, columns=["symbol", "prize"])
    assert str(caught.value) == f"parquet source '{parquet}': column 'prize' is missing. Nearest names: 'price'."
    with pytest.raises(OptionError, match=r"^from_parquet: columns=\[\] names no column\. Leave it out for all\.$"):
        sabot.Stream.from_parquet(parquet, columns=[])


def test_an_unknown_compression(parquet: Path) -> None:
    with pytest.raises(OptionError, match=r"compression is 'zip'\. Use 'zstd', 'snappy', 'lz4' or 'none'\.$"):
        sabot.Stream.from_arrow(TICKS).to_parquet(parquet, compression="zip")


# --- Ctrl-C ---

# Each prints a line when the engine is at work, and what is left once it has stopped.
AT_WORK = {
    "a file is written by the engine alone": """
import threading

def tell():  # The engine has let go of the interpreter: the file it writes is there.
    while not any(directory.iterdir()):
        pass
    print("at work", flush=True)

threading.Thread(target=tell, daemon=True).start()
run = lambda: sabot.Stream.from_generator(rows=10**12).kernel("ewma").to_parquet(directory / "out.parquet")
""",
    "a source of Python's gives batches": """
def batches():
    for number, batch in enumerate(sabot.Stream.from_generator(rows=10**12, batch_rows=1_000)):
        if number == 3:
            print("at work", flush=True)
        yield batch

run = lambda: sabot.Stream.from_iter(batches()).kernel("ewma").to_parquet(directory / "out.parquet")
""",
    "batches are asked for one by one": """
def run():
    for number, batch in enumerate(sabot.Stream.from_generator(rows=10**12, batch_rows=1_000).kernel("ewma")):
        if number == 3:
            print("at work", flush=True)
""",
}


@pytest.mark.parametrize("what", AT_WORK)
def test_ctrl_c_stops_in_the_middle(what: str, tmp_path: Path) -> None:
    program = f"""
import pathlib, sys
import sabot

directory = pathlib.Path(sys.argv[1])
{AT_WORK[what]}
try:
    run()
except KeyboardInterrupt:
    print("stopped", [path.name for path in directory.iterdir()])
print(len(sabot.fintech.ewma(sabot.Stream.from_generator(rows=10, symbols=2).collect())), "rows after that")
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        os.kill(process.pid, signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert output == "stopped []\n10 rows after that\n", errors


# --- settings ---


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SABOT_ISA", "mmx", "SABOT_ISA: instruction set 'mmx' is unknown. Known names: "),
        ("SABOT_MAX_THREADS", "two", "SABOT_MAX_THREADS must be an integer >= 0 (0: one thread a core), found 'two'."),
        ("SABOT_MAX_THREADS", "-1", "SABOT_MAX_THREADS must be an integer >= 0 (0: one thread a core), found '-1'."),
        ("SABOT_KEPT_MB", "1GB", "SABOT_KEPT_MB must be an integer >= 0, found '1GB'."),
        ("MORSEL_SIZE_KB", "0", "MORSEL_SIZE_KB must be an integer in [1, 65536], found '0'."),
    ],
)
def test_a_setting_that_cannot_be_used(variable: str, value: str, message: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from sabot import Stream"],
        env=os.environ | {variable: value},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert f"OptionError: {message}" in done.stderr


LIBRARIES = (
    "a system library is missing. On Debian and Ubuntu run: "
    "apt-get install libsleef3 libtbb12 libssl3 librocksdb7.8 libzip4 libexpat1"
)


@pytest.mark.parametrize(
    ("library", "todo"),
    [
        ("libarrow.so.2600", "the engine links the Arrow of pyarrow"),
        ("libsleef.so.3", LIBRARIES),
        ("libtbb.so.12", LIBRARIES),
        ("libcrypto.so.3", LIBRARIES),
        ("librocksdb.so.7.8", LIBRARIES),
    ],
)
def test_a_library_that_is_not_installed(library: str, todo: str) -> None:
    cause = ImportError(f"{library}: cannot open shared object file: No such file or directory")
    message = sabot._why_not(cause)
    assert message.startswith(f"sabot: {todo}")
    assert message.endswith(f"({cause}).")


def test_errors_are_values_of_ours_and_of_pythons() -> None:
    for kind in (SchemaError, OptionError, DataError):
        assert issubclass(kind, SabotError)
        assert issubclass(kind, ValueError)
