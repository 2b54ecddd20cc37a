"""Kernels written in Python: what a class may declare, missing rows, keys, snapshots, streams, checkpoints."""
# ruff: noqa: RUF012

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sabot.errors import DataError, FunctionError, OptionError, SchemaError, SnapshotError
from sabot.stores import MemoryBackend, RocksDBBackend

import sabot
from sabot import PythonKernel, Stream
from sabot.checkpoint import CheckpointCoordinator

Array = np.ndarray[Any, Any]


class Momentum(PythonKernel):
    """Price against its exponential average, of the rows before."""

    inputs = {"price": "price"}
    outputs = {"momentum": pa.float64()}
    state = {"average": math.nan}
    span: float = 10.0

    def check(self) -> None:
        if not self.span >= 1:
            raise ValueError(f"span must be >= 1, found {self.span}.")

    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        momentum = np.empty(len(price))
        alpha = 2 / (self.span + 1)
        for rows in sabot.rounds(slots):
            average = state["average"][slots[rows]]
            momentum[rows] = price[rows] - average
            first = np.isnan(average)
            state["average"][slots[rows]] = np.where(first, price[rows], average + alpha * (price[rows] - average))
        return momentum


class Recent(PythonKernel):
    """Of the last rows of a key: the largest price, how many there are, whether the last is it, and its side."""

    inputs = {"time": pa.field("timestamp", pa.int64()), "x": "price"}
    outputs = {"largest": pa.float64(), "rows": pa.int64(), "is_last": pa.bool_(), "who": pa.string()}
    window: int = 3
    sides: Literal["b/s", "B/S"] = "b/s"
    least: float | None = None

    def initial_state(self) -> dict[str, Any]:
        return {"ring": np.full(self.window, -np.inf), "seen": 0, "newest": np.int64(0)}

    def valid(self, time: Array, x: Array) -> Array:
        return np.full(len(x), True) if self.least is None else x >= self.least

    def update(self, state: dict[str, Array], slots: Array, x: Array, time: Array) -> dict[str, Any]:
        largest, count = np.empty(len(x)), np.empty(len(x), np.int64)
        for rows in sabot.rounds(slots):
            at = slots[rows]
            state["ring"][at, state["seen"][at] % self.window] = x[rows]
            state["seen"][at] += 1
            state["newest"][at] = time[rows]
            largest[rows], count[rows] = state["ring"][at].max(axis=1), state["seen"][at]
        buy, sell = self.sides.split("/")
        return {
            "largest": largest,
            "rows": np.ma.masked_array(count, mask=count < self.window),
            "is_last": largest == x,
            "who": np.where(time % 2 == 0, buy, sell),
        }


class Notional(PythonKernel):
    """Price times volume."""

    inputs = {"price": "price", "volume": "volume"}
    outputs = {"notional": pa.float64()}

    def compute(self, price: Array, volume: Array) -> Array:
        return price * volume


def momentum_of(table: pa.Table, span: float = 10.0) -> list[float | None]:
    """The definition, row by row."""
    averages: dict[str, float] = {}
    found: list[float | None] = []
    for symbol, price in zip(table["symbol"].to_pylist(), table["price"].to_pylist(), strict=True):
        if symbol is None or price is None or not math.isfinite(price):
            found.append(None)
            continue
        before = averages.get(symbol)
        found.append(None if before is None else price - before)
        averages[symbol] = price if before is None else before + 2 / (span + 1) * (price - before)
    return found


def same(found: pa.Table, expected: pa.Table) -> bool:
    return sabot.diff(found, expected).equal


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    table = Stream.from_generator(rows=3_000, symbols=9, nulls=0.03, dictionary_symbols=False).collect()
    odd = pa.array([math.nan if row % 97 == 0 else math.inf if row % 89 == 0 else 1.0 for row in range(3_000)])
    keyless = pa.array([row % 61 == 0 for row in range(3_000)])
    symbols = pc.if_else(keyless, pa.scalar(None, pa.string()), table["symbol"])
    table = table.set_column(table.column_names.index("price"), "price", pc.multiply(table["price"], odd))
    return table.set_column(0, "symbol", symbols).combine_chunks()


# --- wrong use: classes ---


def declared(**members: Any) -> type[PythonKernel]:
    good = {"inputs": {"price": "price"}, "outputs": {"y": pa.float64()}, "compute": lambda self, price: price}
    members = {name: value for name, value in {**good, **members}.items() if value is not None}
    return type("Mine", (PythonKernel,), members)


def update(self: Any, state: Any, slots: Array, price: Array) -> Array:
    return price


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({"compute": None}, "Mine has neither of update and compute"),
        ({"update": update}, "Mine has both of update and compute"),
        ({"compute": None, "update": update}, "Mine has update, but no state: declare state, or write compute"),
        ({"state": {"last": 0.0}}, "Mine has compute, and state: write update, or leave it out"),
        ({"inputs": {}}, "Mine.inputs must be a dict with at least one name, found {}"),
        ({"inputs": {"price": 7}}, "input 'price' must be the name of its default column, or pa.field"),
        ({"outputs": {"y": pa.float32()}}, r"output 'y' must be pa.float64\(\), .*found DataType\(float\)"),
        ({"compute": lambda self, bid: bid}, r"Mine.compute takes \(self, bid\), expected \(self, price\)"),
        ({"valid": lambda self: None}, r"Mine.valid takes \(self\), expected \(self, price\)"),
        ({"__annotations__": {"window": list}}, "option 'window' must be a float, int, bool, str or Literal"),
        ({"__annotations__": {"columns": int}, "columns": 1}, "an option cannot be called 'columns'"),
        (
            {"compute": None, "update": update, "state": {"last": "none"}},
            "state 'last' must begin with a number, a bool, or an array of numbers for a ring, found 'none'",
        ),
    ],
)
def test_classes_that_cannot_be(members: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=message):
        declared(**members)()


def test_the_base_is_no_kernel() -> None:
    with pytest.raises(TypeError, match="PythonKernel is the base of your own kernels"):
        PythonKernel()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"spam": 1}, "Momentum: unknown option 'spam'. Nearest names: 'span'."),
        ({"span": "5"}, "Momentum: option 'span' must be a number, found '5'."),
        ({"span": True}, "option 'span' must be a number, found True"),
        ({"span": 0.5}, "Momentum: span must be >= 1, found 0.5."),
        ({"column": "bid"}, r"column= is short for input 'x', which it does not have. Bind its inputs \('price'\)"),
        ({"columns": {"prise": "bid"}}, "columns= names input 'prise', which it does not have. Nearest names: 'price'"),
        ({"outputs": {"m": "n"}}, "outputs= names output 'm', which it does not have. Known names: 'momentum'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Momentum(**options)
    with pytest.raises(OptionError, match=message):
        Stream.from_generator(rows=1).kernel(Momentum, **options)


def test_options_of_other_types() -> None:
    assert Recent(window=np.int32(4), least=1).options == {"window": 4, "sides": "b/s", "least": 1.0}
    for options, message in (
        ({"window": 2.0}, "must be an integer, found 2.0"),
        ({"sides": "x"}, "must be 'b/s' or 'B/S', found 'x'"),
        ({"least": "x"}, "must be a number or None, found 'x'"),
    ):
        with pytest.raises(OptionError, match=message):
            Recent(**options)
    needed = declared(__annotations__={"scale": float})
    with pytest.raises(OptionError, match=r"Mine: option 'scale' has no default. Give it: scale=\.\.\."):
        needed()


def test_a_kernel_does_not_change(ticks: pa.Table) -> None:
    class Forgetful(Momentum):
        def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
            self.last = price  # type: ignore[misc]
            return price

    with pytest.raises(FunctionError, match=r"Forgetful.update failed: AttributeError.*'last' cannot be set.*in state"):
        Forgetful()(ticks)
    with pytest.raises(AttributeError, match="a kernel does not change"):
        Momentum().span = 3.0


# --- wrong use: data, and what update returns ---


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"columns": {"price": "prise"}},
            "Momentum: input 'price' needs column 'prise', which is missing. Nearest names",
        ),
        ({"columns": {"price": "symbol"}}, "reads column 'symbol', found type string, expected a number"),
        ({"outputs": {"momentum": "bid"}}, "output 'bid' exists already. Rename the output with outputs={'momentum'"),
        ({"by": "venue"}, "venue"),
        ({"by": "price"}, "price"),
    ],
)
def test_columns_that_do_not_fit(options: dict[str, Any], message: str, ticks: pa.Table) -> None:
    with pytest.raises(SchemaError, match=message):
        Momentum(**options)(ticks)
    with pytest.raises(SchemaError, match=message):
        Stream.from_arrow(ticks).kernel(Momentum(**options))


def test_another_schema(ticks: pa.Table) -> None:
    kernel = Momentum()
    kernel(ticks)
    with pytest.raises(SchemaError, match=r"the schema changed between batches.*Give one schema to all batches"):
        kernel(ticks.drop(["ask"]))


@pytest.mark.parametrize(
    ("returned", "message"),
    [
        (
            None,
            r"Mine.update: output 'y' is an array of object of shape \(\), expected an array of 2 values for double",
        ),
        (np.zeros(3), r"is an array of float64 of shape \(3,\), expected an array of 2 values for double"),
        (np.array(["a", "b"]), "is an array of <U1 of shape"),
        ({"z": np.zeros(2)}, "returned a dict of 'z', expected a dict of 'y', an array each"),
    ],
)
def test_what_update_may_not_return(returned: Any, message: str) -> None:
    kernel = declared(compute=None, state={"last": 0.0}, update=lambda self, state, slots, price: returned)()
    with pytest.raises(FunctionError, match=message):
        kernel(pa.table({"symbol": ["A", "B"], "price": [1.0, 2.0]}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: state.update(more=1), "the state has a new entry 'more'. Declare what the kernel remembers"),
        (lambda state: state.pop("last"), "the state lost its entry 'last'"),
        (lambda state: state.update(last=np.zeros(9)), r"state\['last'\] became an array of float64 of shape \(9,\)"),
    ],
)
def test_what_update_may_not_do_with_the_state(change: Callable[[Any], Any], message: str) -> None:
    def changes(self: Any, state: Any, slots: Array, price: Array) -> Array:
        change(state)
        return price

    with pytest.raises(FunctionError, match=message):
        declared(compute=None, state={"last": 0.0}, update=changes)()(pa.table({"symbol": ["A"], "price": [1.0]}))


def test_inputs_are_read_only() -> None:
    def writes(self: Any, price: Array) -> Array:
        price[0] = 0.0
        return price

    for prices in ([1.0, 2.0], [1.0, None], [1, 2]):
        with pytest.raises(FunctionError, match="read-only") as caught:
            declared(compute=writes)()(pa.table({"price": prices}))
        assert isinstance(caught.value.__cause__, ValueError)


def test_a_failure_in_a_stream_says_where(ticks: pa.Table) -> None:
    kernel = declared(compute=lambda self, price: 1 / 0)
    with pytest.raises(FunctionError, match=r"Mine\.compute failed: ZeroDivisionError") as caught:
        Stream.from_arrow(ticks).kernel(kernel).collect()
    assert any("the batch of 3000 rows from" in note for note in caught.value.__notes__)


def test_times_that_do_not_fit() -> None:
    table = pa.table({"symbol": ["A"], "price": [1.0], "timestamp": pa.array([10**12], pa.timestamp("s"))})
    with pytest.raises(DataError, match="does not fit int64 nanoseconds"):
        Recent()(table)


# --- values ---


def test_the_definition_row_by_row(ticks: pa.Table) -> None:
    assert Momentum(span=4)(ticks)["momentum"].to_pylist() == momentum_of(ticks, 4)


def test_outputs_of_every_type() -> None:
    table = pa.table(
        {
            "symbol": ["A", "A", "B", "A", "A", None, "A"],
            "timestamp": pa.array([0, 1_000, 2_000, None, 3_000, 4_000, 5_000], pa.timestamp("ns")),
            "price": pa.array([3, 5, 9, 100, 4, 100, 1], pa.int32()),
        }
    )
    made = Recent(window=3)(table)
    assert made["largest"].to_pylist() == [3.0, 5.0, 9.0, None, 5.0, None, 5.0]
    assert made["rows"].to_pylist() == [None, None, None, None, 3, None, 4]
    assert made["is_last"].to_pylist() == [True, True, True, None, False, None, False]
    assert made["who"].to_pylist() == ["b", "b", "b", None, "b", None, "b"]
    assert [made.schema.field(name).type for name in Recent.outputs] == list(Recent.outputs.values())
    narrower = Recent(window=3, least=4.5, sides="B/S")(table)
    assert narrower["largest"].to_pylist() == [None, 5.0, 9.0, None, None, None, None]
    assert narrower["who"].to_pylist() == [None, "B", "B", None, None, None, None]


def test_nan_and_infinity_become_null() -> None:
    returned = np.array([1.0, np.nan, np.inf, -np.inf])
    made = declared(compute=lambda self, price: returned)()(pa.table({"price": [1.0, 2.0, 3.0, 4.0]}))
    assert made["y"].to_pylist() == [1.0, None, None, None]
    assert math.isnan(returned[1])


def test_a_kernel_without_state_needs_no_key() -> None:
    table = pa.table({"price": [1.5, None, 3.0, math.nan], "volume": [2, 4, None, 5]})
    kernel = Notional()
    assert kernel(table)["notional"].to_pylist() == [3.0, None, None, None]
    assert repr(kernel) == "Notional()"
    assert kernel.snapshot().num_rows == 0
    assert same(Notional.restore(kernel.snapshot())(table), kernel(table))


def test_what_is_returned_may_be_the_state() -> None:
    """An output is what it was, although the array goes on to change."""

    def counted(self: Any, state: Any, slots: Array, price: Array) -> Array:
        state["rows"] += 1
        return state["rows"]  # type: ignore[no-any-return]

    kernel = declared(compute=None, update=counted, state={"rows": 0.0})()
    table = pa.table({"symbol": ["A"], "price": [1.0]})
    first, second = kernel(table), kernel(table)
    assert [first["y"].to_pylist(), second["y"].to_pylist()] == [[1.0], [2.0]]


def test_every_kind_of_table(ticks: pa.Table) -> None:
    expected = Momentum()(ticks)["momentum"].to_pylist()
    batch = ticks.to_batches()[0]
    assert isinstance(Momentum()(batch), pa.RecordBatch)
    assert Momentum()(batch)["momentum"].to_pylist() == expected
    reader = Momentum()(pa.RecordBatchReader.from_batches(ticks.schema, ticks.to_batches(max_chunksize=100)))
    assert isinstance(reader, pa.RecordBatchReader)
    assert reader.read_all()["momentum"].to_pylist() == expected
    frame = Momentum()(pl.from_arrow(ticks))
    assert isinstance(frame, pl.DataFrame)
    assert frame["momentum"].to_list() == expected
    pandas = Momentum()(ticks.to_pandas())
    assert isinstance(pandas, pd.DataFrame)
    assert [None if math.isnan(value) else value for value in pandas["momentum"]] == expected
    assert list(pandas.columns) == [*ticks.column_names, "momentum"]
    with pytest.raises(TypeError, match="expected a table that Arrow can read"):
        Momentum()([1, 2])  # type: ignore[type-var]


def test_keys_are_values(ticks: pa.Table) -> None:
    """Dictionaries that differ from batch to batch, several columns, integers."""
    expected = Momentum()(ticks)["momentum"].to_pylist()
    kernel, found = Momentum(), []
    for number, batch in enumerate(ticks.to_batches(max_chunksize=70)):
        values = sorted(set(batch["symbol"].drop_null().to_pylist()), reverse=number % 2 == 0)
        coded = pa.DictionaryArray.from_arrays(pc.index_in(batch["symbol"], pa.array(values)), pa.array(values))
        found += kernel(batch.set_column(0, "symbol", coded))["momentum"].to_pylist()
    assert found == expected
    numbered = pc.index_in(ticks["symbol"], pc.unique(ticks["symbol"]).drop_null())
    two = ticks.append_column("number", numbered).append_column("one", pa.array(["1"] * len(ticks)))
    assert Momentum(by=["one", "number"])(two)["momentum"].to_pylist() == expected


# --- snapshots ---


def test_a_snapshot_goes_on(ticks: pa.Table) -> None:
    expected = Momentum(span=3, columns={"price": "bid"}, outputs={"momentum": "m"})(ticks)
    kernel = Momentum(span=3, columns={"price": "bid"}, outputs={"momentum": "m"})
    first = kernel(ticks.slice(0, 1_000))
    snapshot = kernel.snapshot()
    kernel(ticks.slice(1_000))
    assert snapshot.column_names == ["symbol", "average"]
    halves = [snapshot.slice(4), snapshot.slice(0, 4)]
    restored = Momentum.restore(pa.concat_tables(halves))
    assert repr(restored) == ("Momentum(span=3.0, by='symbol', columns={'price': 'bid'}, outputs={'momentum': 'm'})")
    encoded = ticks.slice(1_000).set_column(0, "symbol", ticks.slice(1_000)["symbol"].dictionary_encode())
    rest = restored(encoded)
    assert pa.chunked_array([*first["m"].chunks, *rest["m"].chunks]).equals(expected["m"])


def test_rings_and_flags_in_a_snapshot(ticks: pa.Table) -> None:
    expected = Recent(window=5)(ticks)
    for rows in (0, 1, 7, 2_000):
        kernel = Recent(window=5)
        first = kernel(ticks.slice(0, rows))
        rest = Recent.restore(kernel.snapshot())(ticks.slice(rows))
        assert same(pa.concat_tables([first, rest]), expected)
    kinds = {field.name: str(field.type) for field in kernel.snapshot().schema}
    assert kinds["seen"] == kinds["newest"] == "int64"
    assert "double" in kinds["ring"]
    assert "[5]" in kinds["ring"]


def test_snapshots_that_do_not_fit(ticks: pa.Table) -> None:
    kernel = Momentum(span=3)
    kernel(ticks)
    snapshot = kernel.snapshot()
    metadata = snapshot.schema.metadata

    def changed(table: pa.Table = snapshot, **entries: str) -> pa.Table:
        new = {f"sabot.{name}".encode(): value.encode() for name, value in entries.items()}
        return table.replace_schema_metadata({**metadata, **new})

    floats = snapshot.set_column(1, "average", snapshot["average"].cast(pa.float32()))
    for table, message in (
        (ticks, "this table is no snapshot"),
        (changed(kernel="Recent"), "Momentum.restore: the snapshot is of Recent"),
        (changed(state_version="2"), r"the snapshot is of Momentum 2 .*, the kernel is Momentum 1"),
        (changed(by="7"), "the snapshot's metadata is damaged"),
        (changed(snapshot.drop(["symbol"])), "the snapshot has no key column 'symbol'"),
        (
            changed(snapshot.drop(["average"])),
            "the snapshot's column 'average' must be double without nulls, found none",
        ),
        (changed(floats), "must be double without nulls, found float"),
        (changed(pa.concat_tables([snapshot, snapshot.slice(0, 1)])), "holds a key twice"),
    ):
        with pytest.raises(SnapshotError, match=message):
            Momentum.restore(table)
    other = snapshot.rename_columns(["average", "symbol"])
    named = Momentum(by="average", columns={"price": "symbol"})
    named(other.set_column(1, "symbol", snapshot["average"]))
    with pytest.raises(SnapshotError, match="key column 'average' has the name of a part of the state"):
        named.snapshot()


# --- streams ---


def test_a_step_of_a_stream(ticks: pa.Table) -> None:
    expected = Momentum(span=4)(ticks)
    for rows in (7, 64, 999):
        stream = Stream.from_iter(ticks.to_batches(max_chunksize=rows))
        assert same(stream.kernel(Momentum, span=4).collect(), expected)
        assert same(stream.kernel(Momentum(span=4)).collect(), expected)
    stream = Stream.from_arrow(ticks)
    assert "kernel Momentum" in stream.kernel(Momentum).explain()
    renamed = stream.kernel(Momentum, span=4, columns={"price": "bid"}, outputs={"momentum": "m"}).kernel(
        "ewma", column="m"
    )
    assert renamed.schema.names[-2:] == ["m", "ewma"]
    assert renamed.collect().num_rows == len(ticks)
    assert same(stream.kernel(Momentum, span=4).collect(), stream.kernel(Momentum, span=4).collect())


def test_an_object_brings_all(ticks: pa.Table) -> None:
    kernel = Momentum(span=4)
    kernel(ticks)
    assert same(Stream.from_arrow(ticks).kernel(kernel).collect(), Momentum(span=4)(ticks))
    with pytest.raises(OptionError, match="brings its key, columns, outputs and options; give none beside it"):
        Stream.from_arrow(ticks).kernel(kernel, span=3)


def test_the_key_of_the_stream(ticks: pa.Table) -> None:
    expected = momentum_of(ticks)
    renamed = Stream.from_arrow(ticks).rename({"symbol": "asset"})
    assert renamed.kernel(Momentum).collect()["momentum"].to_pylist() == expected
    placed = Stream.from_arrow(ticks.append_column("venue", pa.array(["X", "Y"] * 1_500))).key_by("venue")
    assert placed.kernel(Momentum, by="symbol").collect()["momentum"].to_pylist() == expected
    assert placed.kernel(Momentum).collect()["momentum"].to_pylist() != expected


def test_copies_have_keys_of_their_own(ticks: pa.Table) -> None:
    stream = Stream.from_iter(ticks.to_batches(max_chunksize=100))
    assert same(stream.kernel(Momentum, parallelism=3).collect(), Momentum()(ticks))
    assert same(stream.kernel(Notional, parallelism=3).collect(), Notional()(ticks))


def test_key_groups_move_with_their_state(tmp_path: Path) -> None:
    stream = Stream.from_generator(rows=100_000, symbols=40, skew=1.5, batch_rows=2_000)
    balanced = stream.kernel(Recent(window=4), parallelism=3).options(balance_rows=20_000)
    summary = balanced.to_parquet(tmp_path / "out.parquet")
    (moved,) = [metric for metric in summary.metrics if metric.name == "sabot_key_groups_moved_total"]
    assert sum(sample.value for sample in moved.samples) > 0
    assert same(Stream.from_parquet(tmp_path / "out.parquet").collect(), stream.kernel(Recent(window=4)).collect())


def test_a_run_is_verified(ticks: pa.Table) -> None:
    assert sabot.verify(Stream.from_arrow(ticks).kernel(Momentum)).equal


def test_it_is_no_part_of_a_chain(ticks: pa.Table) -> None:
    for kernel in (Momentum, Momentum()):
        with pytest.raises(TypeError, match="Momentum is written in Python, and runs alone: call it with data, or use"):
            sabot.fintech.chain(ticks, [kernel])  # type: ignore[list-item]


def test_files_by_key(ticks: pa.Table, tmp_path: Path) -> None:
    ordered = ticks.filter(pc.is_valid(ticks["symbol"]))
    for symbol in pc.unique(ordered["symbol"]).to_pylist():
        Stream.from_arrow(ordered.filter(pc.equal(ordered["symbol"], symbol))).to_parquet(
            tmp_path / f"{symbol}.parquet"
        )
    found = Stream.from_parquet(tmp_path, partitioned_by="symbol").kernel(Momentum).collect()
    assert found["momentum"].to_pylist() == momentum_of(found)


# Of a run that shall be stopped: whether its checkpoint is there. Until it is, rows come slowly.
is_there: Callable[[], bool] = lambda: True  # noqa: E731


def held(batch: pa.RecordBatch) -> pa.RecordBatch:
    if not is_there():
        threading.Event().wait(0.01)
    return batch


@pytest.fixture
def waiting() -> Iterator[None]:
    yield
    globals()["is_there"] = lambda: True


def stopped_and_resumed(
    stream: Callable[[int], Stream],
    copies: tuple[int, int],
    folder: Path,
    backend: Callable[..., Any] = MemoryBackend,
) -> dict[str, bytes]:
    """The files of a run that stopped at its first checkpoint and went on with another number of copies."""
    coordinator = CheckpointCoordinator(backend(path=folder / "checkpoints"))
    globals()["is_there"] = lambda: bool(coordinator._store().list())
    coordinator.stop()
    summary = stream(copies[0]).options(checkpoints=coordinator).to_parquet(folder / "out", rows_per_file=50_000)
    assert summary.checkpoints is not None
    assert summary.checkpoints.stopped
    resumed = CheckpointCoordinator(backend(path=folder / "checkpoints"), resume=True)
    stream(copies[1]).options(checkpoints=resumed).to_parquet(folder / "out", rows_per_file=50_000)
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


@pytest.mark.parametrize(
    ("copies", "backend"),
    [((1, 1), MemoryBackend), ((1, 3), MemoryBackend), ((2, 1), MemoryBackend), ((2, 3), RocksDBBackend)],
)
def test_checkpoints_have_its_state(copies: tuple[int, int], backend: Any, waiting: None, tmp_path: Path) -> None:
    def stream(copies: int) -> Stream:
        rows = Stream.from_generator(rows=100_000, symbols=10, batch_rows=500).map(held)
        return rows.kernel(Recent(window=4), parallelism=copies).uid("recent")

    found = stopped_and_resumed(stream, copies, tmp_path, backend)
    state = CheckpointCoordinator(backend(path=tmp_path / "checkpoints")).state("recent")
    assert sorted(Recent.restore(state).snapshot()["symbol"].to_pylist()) == [f"S{row:04}" for row in range(10)]
    stream(1).to_parquet(tmp_path / "whole", rows_per_file=50_000)
    assert found == {path.name: path.read_bytes() for path in (tmp_path / "whole").iterdir()}


def test_another_kernel_does_not_take_its_state(waiting: None, tmp_path: Path) -> None:
    spans = iter((3, 4))

    def stream(copies: int) -> Stream:
        rows = Stream.from_generator(rows=100_000, symbols=10, batch_rows=500).map(held)
        return rows.kernel(Momentum(span=next(spans))).uid("mine")

    with pytest.raises(SnapshotError, match=r'the snapshot is of Momentum 1 {"span": 3.0}, the kernel is .*4.0'):
        stopped_and_resumed(stream, (1, 1), tmp_path)


# --- rows of many keys ---


def test_rounds_have_each_key_once() -> None:
    random = np.random.default_rng(1)
    for rows in (0, 1, 2, 500):
        slots = random.integers(0, 7, rows).astype(np.int32)
        seen: dict[int, int] = {}
        expected: dict[int, list[int]] = {}
        for row, slot in enumerate(slots.tolist()):
            expected.setdefault(seen.get(slot, 0), []).append(row)
            seen[slot] = seen.get(slot, 0) + 1
        assert [each.tolist() for each in sabot.rounds(slots)] == [expected[turn] for turn in sorted(expected)]


def test_previous_is_of_the_same_key() -> None:
    random = np.random.default_rng(2)
    last = np.array([10.0, 11.0, 12.0])
    newest = dict(enumerate(last.tolist()))
    for rows in (1, 0, 50, 3):
        slots, values = random.integers(0, 3, rows).astype(np.int32), random.random(rows)
        expected = []
        for slot, value in zip(slots.tolist(), values.tolist(), strict=True):
            expected.append(newest[slot])
            newest[slot] = value
        assert sabot.previous(last, slots, values).tolist() == expected
        assert last.tolist() == list(newest.values())


class Scaled(Momentum):
    """A class may derive from another one, and add options."""

    scale: float = 2.0
    note: ClassVar[str] = "no option"

    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return self.scale * super().update(state, slots, price)


def test_options_are_inherited(ticks: pa.Table) -> None:
    kernel = Scaled(span=4, scale=0.5)
    assert kernel.options == {"span": 4.0, "scale": 0.5}
    expected = [None if value is None else 0.5 * value for value in momentum_of(ticks, 4)]
    assert kernel(ticks)["momentum"].to_pylist() == expected
