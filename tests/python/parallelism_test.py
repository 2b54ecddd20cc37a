"""Copies of steps, and options of runs: what may be said, what becomes of it, and that no bit depends on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from sabot.cli.application import app
from sabot.errors import FunctionError, OptionError, SabotError, SchemaError
from sabot.execution import ShuffleEdgeType
from sabot.pipeline import PipelineError, parse
from typer.testing import CliRunner

import sabot
from sabot import Stream, fintech

ROWS = 120_000
TICKS = Stream.from_generator(rows=ROWS, symbols=37, seed=5, nulls=0.01, late=0.02).collect()
TICKS = TICKS.set_column(TICKS.schema.get_field_index("side"), "side", TICKS["side"].cast(pa.int8()))  # Can be a key.


def ticks() -> Stream:
    """In memory, so that all rows are there already."""
    return Stream.from_arrow(TICKS)


def copies(stream: Stream) -> dict[str, int]:
    """Of each operator, as a run would have them."""
    return {each: node.parallelism for each, node in stream.job_graph().operators.items()}


def edges(stream: Stream) -> list[tuple[str, str, ShuffleEdgeType, tuple[str, ...]]]:
    """Those between tasks."""
    graph = stream.execution_graph()
    return [
        (edge.source, edge.target, edge.edge_type, edge.partition_keys)
        for edge in graph.shuffle_edges
        if not edge.is_chained
    ]


def with_ewma(batch: pa.RecordBatch) -> pa.RecordBatch:
    """A kernel, and arithmetic on its output: more than kernels alone."""
    made = fintech.ewma(batch, alpha=0.06)
    return made.append_column("distance", pc.subtract(made["price"], made["ewma"]))


def twice(batch: pa.RecordBatch) -> list[pa.RecordBatch]:
    """Every row with a price two times."""
    kept = batch.filter(pc.is_valid(batch["price"]))
    return (
        [kept.take(pa.array([row // 2 for row in range(2 * kept.num_rows)], pa.int64()))] if kept.num_rows else [kept]
    )


# Steps that see all rows in one place.
IN_ONE_COPY = ("require", "data_quality", "flat_map")
STEPS: list[tuple[str, Callable[..., Stream]]] = [
    ("filter", lambda **more: ticks().filter("price > 0", **more)),
    ("require", lambda **more: ticks().require("price > 0", **more)),
    ("select", lambda **more: ticks().select("symbol", "price", **more)),
    ("with_columns", lambda **more: ticks().with_columns(mid="(bid + ask) / 2", **more)),
    ("rename", lambda **more: ticks().rename({"price": "px"}, **more)),
    ("kernel", lambda **more: ticks().kernel("ewma", alpha=0.06, **more)),
    ("map", lambda **more: ticks().map(with_ewma, **more)),
    ("flat_map", lambda **more: ticks().flat_map(twice, **more)),
    ("data_quality", lambda **more: ticks().data_quality(**more)),
]


# --- wrong use ---


@pytest.mark.parametrize(("verb", "step"), STEPS, ids=[verb for verb, _ in STEPS])
@pytest.mark.parametrize(
    ("wrong", "error", "message"),
    [
        (0, OptionError, "parallelism must be from 1 to 32,768, found 0. Leave it out"),
        (-3, OptionError, "found -3"),
        (2**40, OptionError, "found 1099511627776"),
        (2.0, TypeError, "must be a whole number, found 2.0"),
        (True, TypeError, "must be a whole number, found True"),
        ("4", TypeError, "must be a whole number, found '4'"),
    ],
)
def test_a_number_of_copies_that_cannot_be(
    verb: str, step: Callable[..., Stream], wrong: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=f"^{verb}: .*{message}"):
        step(parallelism=wrong)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"parallelism": 0}, OptionError, "options: parallelism must be from 1 to 32,768, found 0"),
        ({"parallelism": None, "threads": 0}, OptionError, "options: threads must be from 1 to 1,024, found 0"),
        ({"key_groups": 40_000}, OptionError, "options: key_groups must be from 1 to 32,768, found 40000"),
        ({"threads": 1.5}, TypeError, "options: threads must be a whole number, found 1.5"),
        ({"ordering": "places"}, OptionError, "ordering must be 'place' or 'arrival', found 'places'"),
        ({"ordering": ["place"]}, OptionError, "ordering must be 'place' or 'arrival'"),
    ],
)
def test_options_that_cannot_be(options: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        ticks().options(**options)


def test_parallel_takes_a_number_of_copies() -> None:
    with pytest.raises(OptionError, match="parallel: copies must be from 1 to 32,768, found 0"):
        ticks().parallel(0)


def test_a_default_that_few_groups_of_keys_do_not_allow_is_an_error_of_the_run_that_names_the_step() -> None:
    stream = ticks().kernel("ewma", alpha=0.06, parallelism=300)
    for plan in (stream.collect, stream.job_graph, lambda: stream.explain(tasks=True)):
        with pytest.raises(OptionError, match=r"'kernel_0': parallelism must be from 1 to 256.*more key_groups"):
            plan()
    assert copies(stream.options(key_groups=300))["kernel_0"] == 300


@pytest.mark.parametrize(("verb", "step"), [each for each in STEPS if each[0] in ("require", "data_quality")])
def test_what_sees_all_rows_in_one_place_has_no_copies(verb: str, step: Callable[..., Stream]) -> None:
    with pytest.raises(OptionError, match=f"{verb}: parallelism is 2, but it sees all rows in one place"):
        step(parallelism=2)
    assert copies(step(parallelism=1))[f"{verb}_0"] == 1
    assert copies(step().options(parallelism=4))[f"{verb}_0"] == 1
    assert copies(ticks().parallel(4).data_quality().filter("price > 0").require("price > 0")) == {
        "source_0": 1,
        "data_quality_0": 1,
        "filter_0": 4,
        "require_0": 1,
        "sink": 1,
    }


def test_rows_of_a_flat_map_have_no_places_of_their_own() -> None:
    with pytest.raises(OptionError, match=r"flat_map twice: parallelism is 2, but rows that it makes have no places"):
        ticks().flat_map(twice, parallelism=2)
    assert copies(ticks().parallel(3).flat_map(twice).options(parallelism=4))["flat_map_0"] == 1
    only_kernels = ticks().flat_map(lambda batch: fintech.ewma(batch, alpha=0.06), parallelism=2)
    assert copies(only_kernels)["kernel_0"] == 2


def test_a_function_with_kernels_on_two_keys_has_no_copies() -> None:
    def both(batch: pa.RecordBatch) -> pa.RecordBatch:
        made = fintech.ewma(batch, alpha=0.06)
        return fintech.sma(made, window=5, by=["symbol", "side"], outputs={"sma": "by_side"}).slice(0)

    with pytest.raises(OptionError, match=r"map .*both: parallelism is 2.* by 'symbol' and by \['symbol', 'side'\]"):
        ticks().map(both, parallelism=2)
    assert ticks().map(both).collect().num_rows == ROWS


def test_a_key_must_come_in() -> None:
    def renamed(batch: pa.RecordBatch) -> pa.RecordBatch:
        names = ["who" if name == "symbol" else name for name in batch.schema.names]
        return fintech.ewma(batch.rename_columns(names), by="who", alpha=0.06).slice(0)

    with pytest.raises(SchemaError, match="no column 'who' before it"):
        ticks().map(renamed, parallelism=2)
    with pytest.raises(SchemaError, match="no column 'symbl' before it"):
        ticks().map(lambda batch: batch, by="symbl", parallelism=2)
    with pytest.raises(OptionError, match=r"come together by 'side', but it calls ewma.* by 'symbol'"):
        ticks().map(with_ewma, by="side", parallelism=2)


def test_kernels_that_were_not_known_before_are_an_error_in_a_copy() -> None:
    schema = ticks().map(with_ewma).schema
    with pytest.raises(FunctionError, match=r"it has 2 copies and calls ewma.*Leave schema= or parallelism= out"):
        ticks().map(with_ewma, schema=schema, parallelism=2).collect()
    assert ticks().map(with_ewma, schema=schema).collect().num_rows == ROWS


# --- what becomes of it ---


def test_a_keyed_step_gets_its_rows_by_key_and_another_one_in_turn() -> None:
    stream = ticks().filter("price > 0", parallelism=2).kernel("ewma", alpha=0.06, parallelism=3)
    assert copies(stream) == {"source_0": 1, "filter_0": 2, "kernel_0": 3, "sink": 1}
    assert edges(stream) == [
        ("source_0", "filter_0", ShuffleEdgeType.REBALANCE, ()),
        ("filter_0", "kernel_0", ShuffleEdgeType.HASH, ("symbol",)),
        ("kernel_0", "sink", ShuffleEdgeType.REBALANCE, ()),
    ]
    text = stream.explain(tasks=True)
    assert "kernel_0" in text
    assert "HASH by 'symbol'" in text
    assert "<svg" in stream.job_graph("prices").to_svg()


def test_the_default_holds_for_the_steps_that_follow() -> None:
    stream = ticks().filter("price > 0", parallelism=1).parallel(3).filter("volume > 0").select("symbol", "price")
    assert copies(stream.filter("price < 1e9", parallelism=2).filter("price < 1e8")) == {
        "source_0": 1,
        "filter_0": 1,
        "filter_1": 3,
        "select_0": 3,
        "filter_2": 2,
        "filter_3": 3,
        "sink": 1,
    }
    assert copies(stream.parallel(None).kernel("ewma", alpha=0.06))["kernel_0"] == 1


def test_the_default_of_a_run_holds_for_steps_without_a_number() -> None:
    stream = ticks().filter("price > 0").kernel("ewma", alpha=0.06, parallelism=2).options(parallelism=5)
    assert copies(stream) == {"source_0": 1, "filter_0": 5, "kernel_0": 2, "sink": 1}
    assert copies(stream.options(threads=2)) == copies(stream), "what is not given stays"


def test_steps_without_state_have_a_copy_a_thread_where_rows_are_at_rest() -> None:
    assert copies(ticks().filter("price > 0").options(threads=3))["filter_0"] == 3
    live = Stream.from_iter(TICKS.to_batches()).filter("price > 0")
    assert copies(live.options(threads=3))["filter_0"] == 1


def test_a_function_has_copies_only_where_it_says_so() -> None:
    stream = ticks().parallel(4).map(with_ewma).options(parallelism=3)
    assert copies(stream)["map_0"] == 1
    keyed = ticks().map(with_ewma, parallelism=4)
    assert edges(keyed)[0] == ("source_0", "map_0", ShuffleEdgeType.HASH, ("symbol",))
    unkeyed = ticks().map(lambda batch: batch.slice(0), parallelism=4)
    assert edges(unkeyed)[0] == ("source_0", "map_0", ShuffleEdgeType.REBALANCE, ())
    by = ticks().map(lambda batch: batch.slice(0), by="side", parallelism=4)
    assert edges(by)[0] == ("source_0", "map_0", ShuffleEdgeType.HASH, ("side",))
    stateless = ticks().map(lambda batch: fintech.midprice(batch).slice(0), parallelism=4)
    assert edges(stateless)[0] == ("source_0", "map_0", ShuffleEdgeType.REBALANCE, ())


def test_a_function_of_kernels_alone_is_those_kernels_with_as_many_copies() -> None:
    stream = ticks().map(lambda batch: fintech.ewma(batch, alpha=0.06), parallelism=4)
    assert copies(stream) == {"source_0": 1, "kernel_0": 4, "sink": 1}


def test_a_column_may_be_called_parallelism() -> None:
    column = sabot.expr("price * 2").alias("parallelism")
    assert "parallelism" in ticks().with_columns(column).schema.names


def test_options_stay_with_the_stream_through_its_steps() -> None:
    stream = ticks().options(parallelism=2).filter("price > 0").union(ticks().filter("price > 0"))
    assert copies(stream)["filter_0"] == 2


# --- the same bits ---


def expected(step: Callable[..., Stream]) -> pa.Table:
    return step().options(parallelism=1, threads=1).collect()


@pytest.mark.parametrize(("verb", "step"), STEPS, ids=[verb for verb, _ in STEPS])
@pytest.mark.parametrize("copies", [1, 2, 3, 7])
def test_no_row_depends_on_the_number_of_copies(verb: str, step: Callable[..., Stream], copies: int) -> None:
    made = step(parallelism=1 if verb in IN_ONE_COPY else copies)
    found = sabot.diff(expected(step), made.collect())
    assert found.equal, found
    found = sabot.diff(expected(step), step().options(parallelism=copies, threads=copies))
    assert found.equal, found


@pytest.mark.parametrize("key", ["symbol", "side"])
def test_one_chain_of_steps_with_different_keys_and_copies(key: str) -> None:
    def chain(*copies: int) -> Stream:
        a, b, c, d = copies
        return (
            ticks()
            .filter("price > 0 and bid > 0", parallelism=a)
            .kernel("ewma", alpha=0.06, parallelism=b)
            .kernel("sma", by=key, column="ewma", window=20, parallelism=c)
            .with_columns(edge="ewma - sma", parallelism=d)
        )

    one = chain(1, 1, 1, 1).collect()
    for several in ((2, 2, 2, 2), (1, 4, 2, 3), (7, 1, 5, 2)):
        found = sabot.diff(one, chain(*several))
        assert found.equal, found


def test_files_have_the_same_bytes(tmp_path: Path) -> None:
    stream = ticks().kernel("ewma", alpha=0.06).filter("volume > 2")
    for suffix in ("parquet", "csv", "arrow"):
        write = {"parquet": Stream.to_parquet, "csv": Stream.to_csv, "arrow": Stream.to_ipc}[suffix]
        bytes_of = []
        for copies in (1, 2, 4, 7):
            path = tmp_path / f"{copies}.{suffix}"
            write(stream.options(parallelism=copies), path)
            bytes_of.append(path.read_bytes())
        assert len(set(bytes_of)) == 1


def test_arrival_gives_the_same_rows_in_any_order() -> None:
    stream = ticks().with_columns(n="timestamp").kernel("ewma", alpha=0.06, parallelism=3)
    order = [("symbol", "ascending"), ("timestamp", "ascending"), ("price", "ascending")]
    columns = ["symbol", "timestamp", "price", "ewma"]
    place = stream.collect().select(columns)
    arrival = stream.options(ordering="arrival").collect().select(columns)
    symbols = [table["symbol"].combine_chunks().cast(pa.string()) for table in (place, arrival)]
    by_value = [
        table.set_column(0, "symbol", names).sort_by(order)
        for table, names in zip((place, arrival), symbols, strict=True)
    ]
    assert sabot.diff(*by_value).equal
    one = symbols[0][0].as_py()
    of_one = [table.filter(pc.equal(names, one)) for table, names in zip((place, arrival), symbols, strict=True)]
    assert sabot.diff(*of_one).equal, "rows of one key keep their order"


def test_what_a_function_raises_ends_the_run_as_with_one_copy() -> None:
    def failing(batch: pa.RecordBatch) -> pa.RecordBatch:
        if batch.num_rows:
            raise KeyError("nothing here")
        return batch

    with pytest.raises(FunctionError, match="nothing here") as raised:
        ticks().map(failing, parallelism=3).collect()
    assert isinstance(raised.value.__cause__, KeyError)
    with pytest.raises(SabotError):
        list(ticks().map(failing, parallelism=3))


# --- pipelines ---

PIPELINE = """\
source: {generator: ticks, rows: 30000, symbols: 12}
parallelism: 2
steps:
  - {filter: volume > 2, parallelism: 3}
  - {with_columns: {mid: (bid + ask) / 2, parallelism: price * 2}, parallelism: 4}
  - {kernel: ewma, alpha: 0.06}
  - {data_quality: symbol}
"""


@pytest.mark.parametrize(
    ("wrong", "line", "path", "message"),
    [
        ("parallelism: 0", 2, "parallelism", "expected a number >= 1, found 0"),
        ("parallelism: many", 2, "parallelism", "expected a number of copies, found the text 'many'"),
        ("ordering: arival", 2, "ordering", "Did you mean 'arrival'?"),
        ("steps: [{filter: price > 0, parallelism: 0.5}]", 2, "steps[0].parallelism", "expected a number of copies"),
        ("steps: [{kernel: lag, parallelism: 40000}]", 2, "steps[0].parallelism", "<= 32768, found 40000"),
        ("steps: [{kernel: lag, paralelism: 2}]", 2, "steps[0].paralelism", "Did you mean 'parallelism'?"),
        ("steps: [{require: price > 0, parallelism: 2}]", 2, "steps[0]", "'require' has no key 'parallelism'"),
        ("steps: [{data_quality: symbol, parallelism: 2}]", 2, "steps[0]", "has no key 'parallelism'"),
    ],
)
def test_mistakes_in_a_pipeline_have_their_line(wrong: str, line: int, path: str, message: str) -> None:
    with pytest.raises(PipelineError) as raised:
        parse(f"source: {{generator: ticks, rows: 10}}\n{wrong}\n")
    (problem,) = raised.value.problems
    assert (problem.place.line, problem.path) == (line, path)
    assert message in problem.message


def test_a_pipeline_says_how_many_copies() -> None:
    stream = parse(PIPELINE).stream
    assert copies(stream) == {
        "source_0": 1,
        "filter_0": 3,
        "with_columns_0": 4,
        "kernel_0": 2,
        "data_quality_0": 1,
        "sink": 1,
    }
    assert "parallelism" in stream.schema.names
    assert sabot.diff(stream, stream.options(parallelism=1)).equal


def test_a_run_from_the_command_line_says_how_many_copies(tmp_path: Path) -> None:
    bytes_of = []
    for number in ("1", "3"):
        pipeline = tmp_path / f"{number}.yaml"
        pipeline.write_text(PIPELINE + f"sink: {{parquet: {number}.parquet}}\n")
        found = CliRunner().invoke(app, ["run", str(pipeline), "-q", "--parallelism", number])
        assert found.exit_code == 0, found.output
        bytes_of.append((tmp_path / f"{number}.parquet").read_bytes())
    assert bytes_of[0] == bytes_of[1]
    shown = CliRunner().invoke(app, ["run", str(pipeline), "--explain", "--parallelism", "3"])
    assert "3 tasks" in shown.output
    assert CliRunner().invoke(app, ["run", str(pipeline), "--parallelism", "0"]).exit_code == 2
