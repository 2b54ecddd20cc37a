"""For every kernel: a snapshot at any row, restored, goes on with the same bits, in one piece or split by symbol."""

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sabot.errors import SnapshotError
from sabot.fintech import Chain, EWMAKernel, Kernel, MidpriceKernel, OFIKernel

import sabot
from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}
STATEFUL = [name for name, info in INFOS.items() if info.stateful]
ROWS = 600

# Small enough that windows turn over and sums come out within the rows of a symbol.
OPTIONS = {
    "window": 5,
    "period": 4,
    "fast": 3,
    "slow": 5,
    "signal": 3,
    "k": 2,
    "bucket_volume": 500.0,
    "n_buckets": 3,
    "symbol_a": "S0000",
    "symbol_b": "S0001",
}


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    """Ticks of a few symbols with nulls, and every other column that a kernel reads unless told otherwise."""
    table = sabot.Stream.from_generator(rows=ROWS, symbols=6, nulls=0.05, skew=0.3).collect().combine_chunks()
    numbers = random.Random(3)
    for info in INFOS.values():
        for entry in info.inputs:
            if entry.column not in table.column_names:
                values = [numbers.uniform(-1, 1) if numbers.random() > 0.05 else None for _ in range(ROWS)]
                column = pa.array(values, pa.float64()) if entry.type == "float64" else table["timestamp"]
                table = table.append_column(entry.column, column)
    return table


def make(name: str) -> Kernel:
    info = INFOS[name]
    chosen = {option.name: OPTIONS[option.name] for option in info.options if option.name in OPTIONS}
    taken = {entry.name: f"out_{entry.name}" for entry in info.outputs}
    kernel = getattr(fintech, info.class_name)(outputs=taken, **chosen)
    assert isinstance(kernel, Kernel)
    return kernel


def outputs(kernel: Kernel, data: pa.Table) -> list[list[bytes | None]]:
    """Row by row the bytes of each output."""
    result = kernel(data)
    columns = [result[f"out_{entry.name}"].combine_chunks() for entry in kernel.info.outputs]
    rows = []
    for column in columns:
        if pa.types.is_boolean(column.type):
            column = column.cast(pa.int8())
        width = column.type.bit_width // 8
        values = column.fill_null(0).buffers()[1].to_pybytes()[column.offset * width :]
        rows.append([values[i * width :][:width] if value.is_valid else None for i, value in enumerate(column)])
    return [list(row) for row in zip(*rows, strict=True)]


@pytest.mark.parametrize("name", STATEFUL)
def test_restore_goes_on_with_the_same_bits_at_any_row(name: str, ticks: pa.Table) -> None:
    never_stopped = make(name)
    expected = outputs(never_stopped, ticks)
    assert any(value is not None for row in expected for value in row), "the options leave no value to compare"
    for cut in [0, 1, 2, 5, *random.Random(name).sample(range(6, ROWS), 12), ROWS]:
        stopped = make(name)
        before = outputs(stopped, ticks.slice(0, cut))
        resumed = type(stopped).restore(stopped.snapshot())
        assert before + outputs(resumed, ticks.slice(cut)) == expected, f"cut at row {cut}"
        assert by_symbol(resumed) == by_symbol(never_stopped), f"cut at row {cut}"


def by_symbol(kernel: Kernel) -> pa.Table:
    """The snapshot, whose rows stand in no promised order."""
    snapshot = kernel.snapshot()
    return snapshot if kernel.info.pair else snapshot.sort_by("symbol")


@pytest.mark.parametrize("name", [name for name in STATEFUL if not INFOS[name].pair])
def test_snapshots_split_and_merge_by_symbol(name: str, ticks: pa.Table) -> None:
    expected = outputs(make(name), ticks)
    stopped = make(name)
    stopped(ticks.slice(0, 300))
    snapshot, rest = stopped.snapshot(), ticks.slice(300)
    symbols = rest["symbol"].cast(pa.string())
    parts = [pc.less(snapshot["symbol"], "S0003"), pc.greater_equal(snapshot["symbol"], "S0003")]
    theirs = [pc.less(symbols, "S0003"), pc.greater_equal(symbols, "S0003")]

    # Two workers, each with its symbols.
    for part, mine in zip(parts, theirs, strict=True):
        worker = type(stopped).restore(snapshot.filter(part))
        rows = [row for row, is_mine in zip(expected[300:], mine.to_pylist(), strict=True) if is_mine]
        assert outputs(worker, rest.filter(mine)) == rows

    # One worker that takes both.
    merged = type(stopped).restore(pa.concat_tables([snapshot.filter(parts[1]), snapshot.filter(parts[0])]))
    assert outputs(merged, rest) == expected[300:]


@pytest.mark.parametrize("name", [name for name in INFOS if name not in STATEFUL])
def test_a_kernel_without_state_has_an_empty_snapshot(name: str, ticks: pa.Table) -> None:
    kernel = make(name)
    kernel(ticks)
    snapshot = kernel.snapshot()
    assert len(snapshot) == 0
    assert repr(Kernel.restore(snapshot)) == repr(kernel)


def test_a_snapshot_survives_a_file_and_another_library(ticks: pa.Table, tmp_path: Path) -> None:
    stopped = EWMAKernel(alpha=0.3, by=["symbol"], column="volume", outputs={"ewma": "smooth"})
    stopped(ticks)
    pq.write_table(stopped.snapshot(), tmp_path / "ewma.parquet")
    restored = EWMAKernel.restore(pq.read_table(tmp_path / "ewma.parquet"))
    assert repr(restored) == repr(stopped)
    assert restored(ticks).equals(stopped(ticks))


def test_the_encoding_of_symbols_may_change_at_a_restore(ticks: pa.Table) -> None:
    plain = ticks.set_column(0, "symbol", ticks["symbol"].cast(pa.string()))
    stopped = EWMAKernel()
    stopped(ticks.slice(0, 300))
    resumed = EWMAKernel.restore(stopped.snapshot())
    assert resumed(plain.slice(300))["ewma"].equals(stopped(ticks.slice(300))["ewma"])


def test_the_base_class_restores_any_kernel(ticks: pa.Table) -> None:
    assert type(Kernel.restore(OFIKernel().snapshot())) is OFIKernel


def test_a_chain_restores_with_the_same_bits(ticks: pa.Table) -> None:
    kernels = [EWMAKernel(column="mid"), OFIKernel(window=3)]
    chain = Chain([MidpriceKernel(outputs={"midprice": "mid"}), *kernels])
    chain(ticks.slice(0, 301))
    resumed = Chain.restore(chain.snapshot())
    assert repr(resumed) == repr(chain)
    assert resumed(ticks.slice(301)).equals(chain(ticks.slice(301)))


def test_snapshots_of_different_keys_make_no_chain(ticks: pa.Table) -> None:
    snapshots = [EWMAKernel().snapshot(), OFIKernel(by=["symbol", "venue"]).snapshot()]
    with pytest.raises(
        SnapshotError, match=r"^Chain\.restore: the snapshots have different keys: 'symbol', \['symbol', 'venue'\]"
    ):
        Chain.restore(snapshots)


def test_a_snapshot_of_another_kernel_is_refused() -> None:
    with pytest.raises(SnapshotError) as caught:
        EWMAKernel.restore(OFIKernel().snapshot())
    assert str(caught.value) == "EWMAKernel.restore: the snapshot is of ofi. Restore it with OFIKernel.restore."
    with pytest.raises(SnapshotError, match=r"^EWMAKernel\.restore: the snapshot is of midprice\."):
        EWMAKernel.restore(MidpriceKernel().snapshot())


def test_a_table_that_is_no_snapshot_is_refused(ticks: pa.Table) -> None:
    with pytest.raises(SnapshotError, match=r"^this table is no snapshot: its metadata has no 'sabot.kernel'"):
        EWMAKernel.restore(ticks)


def test_a_snapshot_of_another_version_is_refused(ticks: pa.Table) -> None:
    kernel = EWMAKernel()
    kernel(ticks)
    snapshot = kernel.snapshot()
    metadata = snapshot.schema.metadata | {b"sabot.state_version": b"999"}
    with pytest.raises(SnapshotError, match=r"^the snapshot is of ewma version 999 .*, the kernel is ewma version 1 "):
        EWMAKernel.restore(snapshot.replace_schema_metadata(metadata))


def test_a_damaged_snapshot_is_refused(ticks: pa.Table) -> None:
    kernel = EWMAKernel()
    kernel(ticks)
    snapshot = kernel.snapshot()
    with pytest.raises(SnapshotError, match="key twice"):
        EWMAKernel.restore(pa.concat_tables([snapshot, snapshot]))
    with pytest.raises(SnapshotError, match="'symbol'"):
        EWMAKernel.restore(snapshot.drop(["symbol"]))
    with pytest.raises(SnapshotError, match="'value'"):
        EWMAKernel.restore(snapshot.drop(["value"]))
