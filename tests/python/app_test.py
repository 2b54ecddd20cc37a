"""sabot.App: what it reads, and what its streams are called. Graphs as streams, with their parallelism."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.errors import DataError, OptionError, SabotError, SchemaError
from sabot.execution import JobGraph, OperatorType, StreamOperatorNode
from sabot.fintech import create_fintech_operator

import sabot
from sabot import App, Stream, fintech

TICKS = Stream.from_generator(rows=20_000, symbols=7, seed=2).collect()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the same rows in each format, and in parts."""
    stream = Stream.from_arrow(TICKS)
    stream.to_parquet(tmp_path / "ticks.parquet")
    stream.to_csv(tmp_path / "ticks.csv")
    stream.to_csv(tmp_path / "ticks.tsv", delimiter="\t")
    stream.to_ipc(tmp_path / "ticks.arrow")
    stream.to_parquet(tmp_path / "parts", rows_per_file=6_000)
    return tmp_path


def with_one(batch: pa.RecordBatch) -> pa.RecordBatch:
    return batch.append_column("one", pa.array([1.0] * len(batch), pa.float64()))


def copies(stream: Stream) -> dict[str, int]:
    return {each: node.parallelism for each, node in stream.job_graph().operators.items()}


# --- wrong use ---


@pytest.mark.parametrize("name", ["", "two words", "a/b", "caf\xe9", ".hidden"])
def test_a_name_that_is_none_for_a_job(name: str) -> None:
    with pytest.raises(OptionError, match="job"):
        App(name)


@pytest.mark.parametrize("name", [None, 3, b"features"])
def test_a_name_is_text(name: Any) -> None:
    with pytest.raises(TypeError, match="App: the name must be text"):
        App(name)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("ticks.dat", OptionError, "the name does not say which format"),
        ("nothing.parquet", FileNotFoundError, "nothing.parquet"),
        (["a.parquet", "b.csv"], OptionError, "are parquet and csv. Read the files of each format"),
        (3, TypeError, "expected a table that Arrow can read"),
        (None, TypeError, "expected a table that Arrow can read"),
        (b"ticks.parquet", TypeError, "expected a table that Arrow can read"),
        ({"symbol": ["A"]}, TypeError, "expected a table that Arrow can read"),
        ([], SchemaError, "no batches to learn the schema from"),
        ([1, 2], TypeError, "from_iter: batch 0"),
        (pl.LazyFrame({"a": [1]}), TypeError, "Give its rows: .collect"),
    ],
)
def test_sources_that_cannot_be_read(source: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        App("features").stream(source)


def test_options_of_a_stream_that_is_open() -> None:
    with pytest.raises(OptionError, match="the stream is open already: batch_rows came too late"):
        App("features").stream(Stream.from_arrow(TICKS), batch_rows=10)


@pytest.mark.parametrize("parallelism", [0, -1])
def test_copies_that_cannot_be(parallelism: int) -> None:
    with pytest.raises(OptionError, match="must be from 1 to 32,768"):
        App("features").stream(TICKS, parallelism=parallelism)


# --- what it reads ---


@pytest.mark.parametrize("name", ["ticks.parquet", "ticks.arrow", "parts/*.parquet"])
def test_files_by_their_suffix(folder: Path, name: str) -> None:
    for source in (str(folder / name), folder / name):
        found = sabot.diff(TICKS, App("features").stream(source))
        assert found.equal, found


def test_files_of_text(folder: Path) -> None:
    types = {field.name: str(field.type) for field in TICKS.schema if field.name != "symbol"}
    for name in ("ticks.csv", "ticks.tsv"):
        found = sabot.diff(TICKS, App("features").stream(folder / name, types=types))
        assert found.equal, found


def test_a_list_of_files(folder: Path) -> None:
    paths = sorted((folder / "parts").iterdir())
    assert len(paths) == 4
    assert sabot.diff(TICKS, App("features").stream(paths)).equal
    assert App("features").stream(paths, columns=["price"]).schema.names == ["price"]


def test_what_is_in_memory() -> None:
    operator = create_fintech_operator("midprice", TICKS)
    for source in (TICKS, TICKS.to_batches(), iter(TICKS.to_batches()), pl.DataFrame(TICKS), Stream.from_arrow(TICKS)):
        assert App("features").stream(source).collect()["price"].to_pylist() == TICKS["price"].to_pylist()
    assert App("features").stream(operator).schema.names[-1] == "midprice"
    batches = App("features").stream(TICKS.to_batches(), schema=TICKS.schema, event_time="local_timestamp")
    assert batches.collect().num_rows == len(TICKS)


def test_steps_have_the_default_and_the_job_the_name() -> None:
    app = App("features")
    stream = app.stream(TICKS, parallelism=3).filter("volume > 2").kernel("ewma", alpha=0.06, parallelism=2)
    assert copies(stream) == {"source_0": 1, "filter_0": 3, "kernel_0": 2, "sink": 1}
    assert stream.job_graph().job_id == app.name == "features"
    assert stream.explain(tasks=True).startswith("job features: ")
    assert stream.job_graph("another").job_id == "another"
    assert copies(app.stream(stream, parallelism=None)) == copies(stream)
    assert sabot.diff(Stream.from_arrow(TICKS).filter("volume > 2").kernel("ewma", alpha=0.06), stream).equal
    assert repr(app) == "App('features')"


# --- graphs ---


def test_a_graph_of_a_stream_is_data() -> None:
    stream = Stream.from_arrow(TICKS).filter("volume > 2", parallelism=2).kernel("ewma", alpha=0.06, parallelism=3)
    job = stream.job_graph("prices")
    assert JobGraph.from_json(job.to_json()).to_json() == job.to_json()
    assert job.operators["kernel_0"].keys() == ["symbol"]
    assert job.operators["kernel_0"].stateful
    assert job.to_execution_graph().num_tasks == stream.execution_graph().num_tasks
    assert "<svg" in job.to_svg()
    with pytest.raises(OptionError, match="job"):
        stream.job_graph("two words")


def test_a_graph_runs_with_its_parallelism() -> None:
    job = JobGraph("prices", key_groups=64)
    job.add_source("ticks", TICKS)
    job.add_operator("large", {"filter": "volume > 2"}, parallelism=2)
    job.add_operator("fast", create_fintech_operator(fintech.EWMAKernel, TICKS, alpha=0.06), parallelism=4)
    job.add_operator("one", with_one, parallelism=3)
    for source, target in (("ticks", "large"), ("large", "fast"), ("fast", "one")):
        job.connect(source, target)
    stream = job.to_stream()
    assert copies(stream) == {"source_0": 1, "filter_0": 2, "kernel_0": 4, "map_0": 3, "sink": 1}
    assert stream.job_graph().job_id == "prices"
    assert stream.job_graph().key_groups == 64
    expected = Stream.from_arrow(TICKS).filter("volume > 2").kernel("ewma", alpha=0.06).with_columns(one="1.0")
    assert sabot.diff(expected, stream).equal


def test_a_function_with_state_by_key_gets_its_rows_by_that_key() -> None:
    job = JobGraph("prices")
    job.add_source("ticks", TICKS)
    node = StreamOperatorNode(
        OperatorType.MAP,
        name="same",
        parallelism=2,
        stateful=True,
        key_by="symbol",
        function=lambda batch: batch.slice(0),
    )
    job.add_operator(node)
    job.connect("ticks", "same")
    stream = job.to_stream()
    assert "HASH by 'symbol'" in stream.explain(tasks=True)
    assert sabot.diff(TICKS, stream).equal


def test_copies_that_a_stream_cannot_have_name_the_operator() -> None:
    job = JobGraph("prices")
    job.add_source("ticks", TICKS)
    job.add_operator("both", operator_type="union", parallelism=2)
    job.connect("ticks", "both")
    with pytest.raises(OptionError, match=r"operator 'both' .*parallelism is 2"):
        job.to_stream()
    other = JobGraph("prices")
    other.add_source("ticks", TICKS)
    other.add_operator("checked", {"require": "price > 0"}, parallelism=2)
    other.connect("ticks", "checked")
    with pytest.raises(SabotError) as raised:
        other.to_stream()
    assert "checked" in "".join([str(raised.value), *getattr(raised.value, "__notes__", [])])


def test_the_operator_says_its_parallelism_not_the_step() -> None:
    job = JobGraph("prices")
    job.add_source("ticks", TICKS)
    job.add_operator("large", {"filter": "volume > 2", "parallelism": 3})
    job.connect("ticks", "large")
    with pytest.raises(OptionError, match=r"operator 'large' .*the operator has the parallelism, not its parameters"):
        job.to_stream()


def test_damaged_files_are_an_error_of_the_run_or_before(folder: Path) -> None:
    (folder / "broken.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(DataError, match=r"broken\.parquet"):
        App("features").stream(folder / "broken.parquet").collect()
    assert pq.read_metadata(folder / "ticks.parquet").num_rows == len(TICKS)
