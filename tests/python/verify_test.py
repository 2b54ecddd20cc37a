"""sabot.verify and `sabot verify`: the same bits however a stream runs, and what is told where they are not."""

import os
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from sabot.cli.application import app
from sabot.errors import FunctionError, OptionError, SabotError, SchemaError
from sabot.verification import Verification, VerifiedRun
from typer.testing import CliRunner, Result

import sabot
from sabot import Stream, fintech

REAL_DATA = Path(os.environ.get("SABOT_REAL_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))

PIPELINE = """\
source: {generator: ticks, rows: 40000, symbols: 15, late: 0.02, nulls: 0.01}
steps:
  - {filter: volume > 2, parallelism: 3}
  - {kernel: ewma, alpha: 0.06}
  - {with_columns: {edge: price - ewma}}
  - {kernel: sma, column: edge, window: 20, by: symbol}
"""


def ticks(rows: int = 40_000) -> Stream:
    return Stream.from_generator(rows=rows, symbols=15, late=0.02, nulls=0.01)


def row_of_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
    """What a function must not look at."""
    return batch.append_column("row", pa.array(range(batch.num_rows), pa.int64()))


def call(*arguments: object, code: int) -> Result:
    result = CliRunner().invoke(app, ["verify", *map(str, arguments)], prog_name="sabot")
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


# --- wrong use ---


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"rows": 0}, OptionError, "verify: rows must be from 1 to"),
        ({"runs": 0}, OptionError, "verify: runs must be from 1 to 100,000, found 0"),
        ({"runs": 1.5}, TypeError, r"verify: runs must be a whole number, found 1.5"),
        ({"seed": -1}, OptionError, "verify: seed must be a whole number from 0 to .*, found -1"),
        ({"seed": True}, OptionError, "verify: seed must be a whole number"),
        ({"rows": 5, "stop": True}, OptionError, "verify: a run that is stopped has all rows"),
        ({"threads": 0}, OptionError, "verify: threads must be from 1 to 1,024"),
        ({"parallelism": []}, OptionError, r"must be a list of numbers, such as \[1, 2, 4\], found \[\]"),
        ({"parallelism": 4}, OptionError, "must be a list of numbers"),
        ({"parallelism": "1,2"}, OptionError, "must be a list of numbers"),
        ({"parallelism": [1, 0]}, OptionError, "verify: parallelism must be from 1 to 32,768, found 0"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        sabot.verify(ticks(10), **options)


def test_what_can_be_read_once_cannot_be_verified() -> None:
    with pytest.raises(SabotError, match="read by an earlier run and cannot start over"):
        sabot.verify(Stream.from_iter(iter(ticks(100).collect().to_batches())))


def test_what_a_function_raises_is_raised() -> None:
    def failing(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows:
            raise KeyError("nothing here")
        return batch

    with pytest.raises(FunctionError, match="nothing here"):
        sabot.verify(ticks(100).map(failing))


def test_a_key_for_the_report_that_is_missing() -> None:
    with pytest.raises(SchemaError, match=r"'symbl'.*Nearest names: 'symbol'"):
        sabot.verify(ticks(5_000).map(row_of_batch), by="symbl")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.yaml"], "none.yaml: no such file. Nearest names: 'one.yaml'"),
        (["one.yaml", "--parallelism", "1,two"], "--parallelism must be numbers, such as 1,2,4, found '1,two'"),
        (["one.yaml", "--parallelism", ""], "--parallelism must be numbers"),
        (["one.yaml", "--parallelism", "0"], "parallelism must be from 1 to 32,768, found 0"),
        (["one.yaml", "--set", "steps[0].filter=volum > 2"], "Nearest names: 'volume'"),
    ],
)
def test_one_message_of_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("one.yaml").write_text(PIPELINE)
    result = call(*arguments, code=2)
    assert message in result.stderr
    assert "Traceback" not in result.stderr


# --- the same bits ---


def test_each_run_is_told_and_has_its_numbers() -> None:
    told: list[VerifiedRun] = []
    found = sabot.verify(
        ticks().kernel("ewma", alpha=0.06), runs=5, seed=9, parallelism=[1, 4], threads=3, tell=told.append
    )
    assert found.equal
    assert found.difference is None
    assert list(found.runs) == told
    assert (told[0].parallelism, told[0].threads, told[0].cut_seed, told[0].rows) == (1, 1, None, 40_000)
    assert [run.parallelism for run in told[1:6]] == [1, 4, 1, 4, 1]
    assert {run.threads for run in told[1:6]} == {1, 2, 3}
    assert len({run.cut_seed for run in told[:6]}) == 6
    assert len({run.digest for run in told}) == 1
    assert str(found) == f"one digest: {told[0].digest}, 40,000 rows, 7 runs"


def test_a_run_is_stopped_and_goes_on() -> None:
    stream = Stream.from_generator(rows=3_000_000, symbols=15, batch_rows=1_000).kernel("ewma", alpha=0.06)
    found = sabot.verify(stream, runs=1, parallelism=[2, 3])
    assert found.equal
    assert found.runs[-1].resumed[0] == "1-1"
    assert "batches as they come, resumed from 1-1" in str(found.runs[-1])
    assert found.runs[-1].rows == 3_000_000
    for options in ({"stop": False}, {"rows": 1_000}):
        assert [run.resumed for run in sabot.verify(stream, runs=1, **options).runs] == [(), ()]


def test_a_function_that_remembers_something_itself_is_found_out() -> None:
    table = Stream.from_generator(rows=1_000_000, symbols=3, batch_rows=1_000).collect()
    first, rows = table["timestamp"][0], 0

    def numbered(batch: pa.RecordBatch) -> pa.RecordBatch:
        nonlocal rows
        if batch.num_rows > 0 and batch["timestamp"][0] == first:
            rows = 0
        rows += batch.num_rows
        return batch.append_column("row", pa.array(range(rows - batch.num_rows, rows), pa.int64()))

    stream = Stream.from_iter(table.to_batches(max_chunksize=1_000)).map(numbered)
    assert sabot.verify(stream, runs=2, stop=False).equal
    found = sabot.verify(stream, runs=2)
    assert not found.equal
    assert found.difference is not None
    assert [column.column for column in found.difference.columns] == ["row"]


def test_the_same_seed_gives_the_same_runs() -> None:
    stream = ticks(2_000).filter("volume > 2")
    assert sabot.verify(stream, seed=5) == sabot.verify(stream, seed=5)
    assert sabot.verify(stream, seed=5).runs != sabot.verify(stream, seed=6).runs


def test_a_digest_is_of_the_values() -> None:
    table = ticks(3_000).collect()
    plain = table.set_column(0, "symbol", table["symbol"].cast(pa.string()))
    other = plain.set_column(3, "price", pc.add(plain["price"], 1e-9))
    digests = [sabot.verify(Stream.from_arrow(each), runs=1).runs[0].digest for each in (table, plain, other)]
    assert digests[0] == digests[1] != digests[2]


def test_the_first_rows_alone() -> None:
    stream = ticks().filter("volume > 2").kernel("ewma", alpha=0.06)
    found = sabot.verify(stream, rows=1_234)
    assert found.equal
    assert {run.rows for run in found.runs} == {1_234}
    whole = stream.collect()
    assert found.runs[0].digest == sabot.verify(Stream.from_arrow(whole.slice(0, 1_234)), runs=1).runs[0].digest
    assert found.runs[0].digest != sabot.verify(Stream.from_arrow(whole.slice(1, 1_234)), runs=1).runs[0].digest


def test_no_rows() -> None:
    found = sabot.verify(ticks(100).filter("price < 0"))
    assert found.equal
    assert {run.rows for run in found.runs} == {0}


def test_steps_that_name_a_number_have_others() -> None:
    """Else the first run would not be sequential."""
    stream = ticks().filter("volume > 2", parallelism=5).kernel("ewma", alpha=0.06, parallelism=3)
    options = stream._options.changed(parallelism=1, for_all=True)
    nodes = stream._with(stream._engine, options).job_graph().operators
    assert {node.parallelism for node in nodes.values()} == {1}
    assert sabot.verify(stream).equal


def test_functions_that_keep_the_contract() -> None:
    def spread(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = fintech.ewma(batch, alpha=0.06)
        return made.append_column("spread", pc.subtract(made["ask"], made["bid"]))

    def large(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.filter(pc.greater(batch["volume"], 500))

    found = sabot.verify(ticks().map(spread, parallelism=2).flat_map(large))
    assert found.equal, found


def test_a_union_of_two_ways() -> None:
    stream = ticks(10_000)
    both = stream.filter("side > 0").union(stream.filter("side < 0"))
    found = sabot.verify(both.kernel("ewma", alpha=0.06))
    assert found.equal, found


# --- other bits ---


def told(found: Verification) -> str:
    assert not found.equal
    assert found.runs[-1].digest != found.runs[0].digest
    return str(found)


def test_a_function_that_looks_at_the_cuts() -> None:
    found = sabot.verify(ticks().map(row_of_batch))
    assert len(found.runs) == 2, "it stops there"
    assert found.difference is not None
    assert found.difference.first is not None
    assert found.difference.first.column == "row"
    assert "S00" in found.difference.first.key
    assert found.difference.first.right == "0", "B begins a batch where A does not"
    text = told(found)
    assert "The rows depend on how the stream runs" in text
    assert "First: column 'row', row " in text
    only = sabot.verify(ticks().map(row_of_batch), rows=found.difference.first.first_row)
    assert only.runs[1].digest == only.runs[0].digest, "the rows before it are equal"


def test_a_function_whose_copies_remember_what_they_should_not() -> None:
    def running_count(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = fintech.ewma(batch, alpha=0.06)
        return made.append_column("seen", pc.cumulative_sum(pc.cast(pc.is_valid(made["ewma"]), pa.int64())))

    assert "column 'seen'" in told(sabot.verify(ticks().map(running_count, parallelism=3), parallelism=[3]))


def test_another_number_of_rows() -> None:
    def first_of_batch(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch.slice(0, 1)

    assert "Rows: " in told(sabot.verify(ticks().flat_map(first_of_batch)))


def test_arrival_is_found_out() -> None:
    stream = ticks().kernel("ewma", alpha=0.06).options(ordering="arrival")
    assert "column" in told(sabot.verify(stream, parallelism=[4]))


def test_chance_is_told_from_cuts() -> None:
    runs = iter([0, 1, 2, 2])  # What each run adds: the two that are compared add the same.

    def of_run(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows == 0:
            return batch.append_column("run", pa.array([], pa.int64()))
        return batch.append_column("run", pa.array([next(runs)], pa.int64()))

    table = ticks(1).collect()
    found = sabot.verify(Stream.from_arrow(table).map(of_run))
    assert "Run once more, both give the same rows: they depend on something else" in told(found)


# --- the command ---


def test_the_command_prints_a_line_a_run_and_one_digest(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(PIPELINE)
    lines = call(path, "--runs", 3, "--parallelism", "1,2", code=0).stdout.splitlines()
    assert len(lines) == 6
    digest = sabot.verify(sabot.pipeline.load(path).stream, runs=1).runs[0].digest
    rows = sabot.pipeline.load(path).stream.collect().num_rows
    assert lines[0] == f"{digest}  {rows:,} rows, parallelism 1, 1 thread, batches as they come"
    assert all(line.startswith(digest) for line in lines[:5])
    assert lines[5] == f"one digest: {digest}, {rows:,} rows, 5 runs"
    assert call(path, "-q", "--rows", "100", code=0).output == ""


def test_the_command_leaves_with_one_if_they_differ(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_text(PIPELINE + "ordering: arrival\n")
    output = call(path, "--parallelism", "4", code=1).stdout
    assert "The rows depend on how the stream runs." in output
    assert "First: column" in output
    assert call(path, "--parallelism", "4", "-q", code=1).output == ""


# --- real ticks ---


def real(name: str) -> Stream:
    path = REAL_DATA / name
    if not path.exists():
        pytest.skip(f"no real data: {path} is missing; SABOT_REAL_DATA names its folder")
    return Stream.from_parquet(path)


def features(name: str) -> Stream:
    if name == "crypto_trades.parquet":
        stream = real(name).kernel("log_returns").kernel("ewma", span=50.0)
        return stream.kernel("vwap", window=200, columns={"volume": "size"}).kernel("rolling_std", window=64)
    stream = real(name).kernel("midprice", columns={"bid": "bid_px", "ask": "ask_px"})
    stream = stream.kernel(
        "ofi", columns={"bid": "bid_px", "ask": "ask_px", "bid_size": "bid_sz", "ask_size": "ask_sz"}
    )
    return stream.filter("midprice > 0").kernel("rolling_zscore", column="midprice", window=50)


@pytest.mark.parametrize("name", ["crypto_trades.parquet", "crypto_quotes.parquet"])
def test_real_ticks(name: str) -> None:
    found = sabot.verify(features(name), runs=8, parallelism=[1, 2, 4, 7], seed=3)
    assert found.equal, found
    assert found.runs[0].rows > 70_000


@pytest.mark.parametrize("name", ["crypto_trades.parquet", "crypto_quotes.parquet"])
def test_files_of_real_ticks_have_the_same_bytes(name: str, tmp_path: Path) -> None:
    written = set()
    for copies in (1, 2, 4, 7):
        features(name).options(parallelism=copies).to_parquet(tmp_path / "out.parquet")
        written.add((tmp_path / "out.parquet").read_bytes())
    assert len(written) == 1
    assert pq.read_metadata(tmp_path / "out.parquet").num_rows > 70_000
