"""Sources with a partition a file, sinks with a file a partition."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
from sabot.errors import DataError, OptionError, SchemaError

import sabot

FORMATS = {"parquet": "parquet", "csv": "csv", "ipc": "arrow"}
TICKS = sabot.Stream.from_generator(rows=20_000, symbols=5, dictionary_symbols=False).collect()
SYMBOLS = sorted(set(TICKS["symbol"].to_pylist()))


def of_symbol(symbol: str) -> pa.Table:
    return TICKS.filter(pc.equal(TICKS["symbol"], symbol))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file a symbol, written by pyarrow."""
    made = tmp_path / "ticks"
    made.mkdir()
    for symbol in SYMBOLS:
        table = of_symbol(symbol)
        pa.parquet.write_table(table, made / f"{symbol}.parquet")
        pa.csv.write_csv(table, made / f"{symbol}.csv")
        pa.feather.write_feather(table, made / f"{symbol}.arrow")
    return made


def opened(format: str, folder: Path, **options: object) -> sabot.Stream:
    return getattr(sabot.Stream, f"from_{format}")(folder / f"*.{FORMATS[format]}", **options)


def digests(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


# --- sources ---


@pytest.mark.parametrize("format", FORMATS)
def test_wrong_partitions(format: str, folder: Path) -> None:
    with pytest.raises(SchemaError, match=r"^partitioned_by: key column 'symbl' is missing.*'symbol'"):
        opened(format, folder, partitioned_by="symbl")
    with pytest.raises(OptionError, match=r"^partitioned_by names no column\."):
        opened(format, folder, partitioned_by=[])
    with pytest.raises(TypeError):
        opened(format, folder, partitioned_by=3)


def test_files_that_differ(folder: Path) -> None:
    pa.parquet.write_table(TICKS.rename_columns({"price": "px"}), folder / "T.parquet")
    with pytest.raises(SchemaError, match=r"the columns of '.*T\.parquet' are not those of '.*S0000\.parquet'.*'px'"):
        opened("parquet", folder, partitioned_by="symbol")


def test_csv_types_are_those_of_each_file(folder: Path) -> None:
    """Two files of which one has whole numbers only: an error before rows flow, and types= mends it."""
    for name, prices in (("A", [1, 2]), ("B", [1.5, 2.5])):
        pa.csv.write_csv(pa.table({"symbol": [name] * 2, "price": prices}), folder / f"{name}.csv")
    paths = [folder / "A.csv", folder / "B.csv"]
    with pytest.raises(SchemaError, match=r"'.*B\.csv' are not those of '.*A\.csv'.*or give the types of both\.$"):
        sabot.Stream.from_csv(paths, partitioned_by="symbol")
    rows = sabot.Stream.from_csv(paths, partitioned_by="symbol", types={"price": "float64"}).collect()
    assert rows["price"].to_pylist() == [1.0, 2.0, 1.5, 2.5]


def test_a_key_in_two_files(folder: Path) -> None:
    pa.parquet.write_table(pa.concat_tables([of_symbol("S0004"), of_symbol("S0002")]), folder / "S0004.parquet")
    stream = opened("parquet", folder, partitioned_by="symbol").kernel("ewma", alpha=0.1)
    for _ in range(3):
        with pytest.raises(DataError, match=r"symbol 'S0002' is in two .*'[^']*S0002\.parquet' and '.*S0004\.parquet'"):
            stream.collect()


@pytest.mark.parametrize("format", FORMATS)
def test_rows_meet_by_event_time(format: str, folder: Path) -> None:
    stream = opened(format, folder, partitioned_by=["symbol"])
    assert "5 partitions by symbol" in stream.explain()
    found = stream.kernel("ewma", alpha=0.1).collect()
    # A stable sort by time of the files one after the other.
    files = pa.concat_tables([of_symbol(symbol) for symbol in SYMBOLS])
    order = sorted(range(files.num_rows), key=files["timestamp"].cast("int64").to_pylist().__getitem__)
    expected = sabot.Stream.from_arrow(files.take(order)).kernel("ewma", alpha=0.1).collect()
    assert found["symbol"].to_pylist() == expected["symbol"].to_pylist()
    assert found["ewma"].to_pylist() == expected["ewma"].to_pylist()
    assert found["timestamp"].cast("int64").to_pylist() == expected["timestamp"].cast("int64").to_pylist()


# --- sinks ---


@pytest.mark.parametrize("format", FORMATS)
def test_wrong_sink_partitions(format: str, tmp_path: Path) -> None:
    stream = sabot.Stream.from_arrow(TICKS)
    write: Callable[..., object] = getattr(stream, f"to_{format}")
    with pytest.raises(OptionError, match=r"^partitions must be >= 1, found 0\. Leave it out for one file\.$"):
        write(tmp_path / "out", partitions=0)
    with pytest.raises(OptionError, match=r"^partitions= .*, rows_per_file= by their number\. Give one of them\.$"):
        write(tmp_path / "out", partitions=2, rows_per_file=10)
    with pytest.raises(OptionError, match=r"^partitions is 300, but the run has 256 key groups"):
        write(tmp_path / "out", partitions=300)
    with pytest.raises(SchemaError, match=r"key column 'symbol' is missing.*Say what the key is with key_by\.$"):
        getattr(stream.select("price"), f"to_{format}")(tmp_path / "out", partitions=2)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("format", FORMATS)
def test_each_file_has_some_keys_in_order(format: str, tmp_path: Path) -> None:
    stream = sabot.Stream.from_arrow(TICKS)
    summary = getattr(stream, f"to_{format}")(tmp_path / "out", partitions=3)
    assert summary.rows_written == TICKS.num_rows
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"part-0000{part}.{FORMATS[format]}" for part in range(3)]
    seen: set[str] = set()
    for name in names:
        rows = getattr(sabot.Stream, f"from_{format}")(tmp_path / "out" / name).collect()
        symbols = set(rows["symbol"].to_pylist())
        assert not seen & symbols
        seen |= symbols
        expected = TICKS.filter(pc.is_in(TICKS["symbol"], pa.array(sorted(symbols), pa.string())))
        assert rows["price"].to_pylist() == expected["price"].to_pylist()
    assert seen == set(SYMBOLS)
    with pytest.raises(FileExistsError):
        getattr(stream, f"to_{format}")(tmp_path / "out", partitions=3)


def test_bytes_do_not_depend_on_batches_or_the_source(folder: Path, tmp_path: Path) -> None:
    """The same rows from one table, cut anywhere, and from a file a symbol."""
    merged = opened("parquet", folder, partitioned_by="symbol").collect()
    streams = [
        *(sabot.Stream.from_iter(merged.to_batches(max_chunksize=rows)) for rows in (333, 20_000)),
        *(opened("parquet", folder, partitioned_by="symbol", batch_rows=rows) for rows in (100, 65_536)),
    ]
    found = []
    for number, stream in enumerate(streams):
        stream.kernel("ewma", alpha=0.1).to_parquet(tmp_path / str(number), partitions=5)
        found.append(digests(tmp_path / str(number)))
    assert len(found[0]) == 5
    assert all(each == found[0] for each in found)


def test_another_key(tmp_path: Path) -> None:
    sabot.Stream.from_arrow(TICKS).with_columns(venue="cast(side, 'int64')").key_by("venue").to_ipc(
        tmp_path / "out", partitions=8
    )
    files = [sabot.Stream.from_ipc(path).collect() for path in sorted((tmp_path / "out").iterdir())]
    venues = [set(rows["venue"].to_pylist()) for rows in files if rows.num_rows]
    assert sorted(venue for each in venues for venue in each) == sorted(set(TICKS["side"].cast("int64").to_pylist()))


def test_a_run_that_fails_leaves_no_file(tmp_path: Path) -> None:
    stream = sabot.Stream.from_arrow(TICKS).require("volume < 500")
    with pytest.raises(DataError):
        stream.to_csv(tmp_path / "out", partitions=4, strict=True)
    assert not list((tmp_path / "out").iterdir())


# --- pipelines ---


def test_a_pipeline_of_partitions(folder: Path, tmp_path: Path) -> None:
    text = f"""
    source:
      parquet: {folder}/*.parquet
      partitioned_by: symbol
    steps:
      - kernel: ewma
        alpha: 0.1
    sink:
      parquet: {tmp_path}/out
      partitions: 2
    """
    sabot.pipeline.parse(text).run()
    opened("parquet", folder, partitioned_by="symbol").kernel("ewma", alpha=0.1).to_parquet(
        tmp_path / "same", partitions=2
    )
    assert digests(tmp_path / "out") == digests(tmp_path / "same")
    with pytest.raises(sabot.pipeline.PipelineError, match=r"sink\.partitions: expected a number >= 1, found 0"):
        sabot.pipeline.parse(text.replace("partitions: 2", "partitions: 0"))
    with pytest.raises(sabot.pipeline.PipelineError, match=r"partitioned_by.*'symbl' is missing"):
        sabot.pipeline.parse(text.replace("_by: symbol", "_by: symbl"))
