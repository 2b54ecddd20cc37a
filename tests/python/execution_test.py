"""sabot.execution: graphs of jobs from Python, their plans, their JSON and YAML, and the streams they become."""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from sabot.errors import OptionError, SabotError, SchemaError
from sabot.execution import Chain, ExecutionGraph, JobGraph, OperatorType, ShuffleEdgeType, StreamOperatorNode
from sabot.fintech import EWMAKernel, MidpriceKernel, OFIKernel, create_fintech_operator, ewma
from sabot.pipeline import PipelineError

import sabot


@pytest.fixture
def ticks() -> sabot.Stream:
    return sabot.Stream.from_generator(rows=2_000, symbols=7, seed=3)


def fraud() -> JobGraph:
    job = JobGraph(job_id="fraud_detection")
    nodes = [
        StreamOperatorNode(operator_type=OperatorType.SOURCE, parallelism=10),
        StreamOperatorNode(operator_type=OperatorType.MAP, parallelism=10),
        StreamOperatorNode(operator_type=OperatorType.GROUP_BY, parallelism=5, stateful=True, key_by=["user_id"]),
        StreamOperatorNode(operator_type=OperatorType.SINK, parallelism=2),
    ]
    for node in nodes:
        job.add_operator(node)
    for sender, receiver in pairwise(nodes):
        job.connect(sender.operator_id, receiver.operator_id)
    return job


def line(source: Any, *steps: Any, **fields: Any) -> JobGraph:
    """A source, and one step after the other."""
    job = JobGraph("line")
    last = job.add_source("ticks", source)
    for number, step in enumerate(steps):
        node = step if isinstance(step, StreamOperatorNode) else job.add_operator(f"step_{number}", step, **fields)
        if node is step:
            job.add_operator(node)
        job.connect(last, node)
        last = node
    return job


# --- wrong use ---


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda job: job.add_operator("a b", "ewma"), TypeError, r"operator 'a b'.*Write \{'kernel': 'ewma'\}"),
        (lambda job: job.add_operator("a", 7), TypeError, "operator 'a': expected a function, a kernel or a step"),
        (lambda job: job.add_operator("a"), OptionError, "operator 'a': give what it does"),
        (lambda job: job.add_operator("a", {"fliter": "x"}), OptionError, "'fliter'.*Did you mean 'filter'"),
        (lambda job: job.add_operator("a", {}), OptionError, "operator 'a': no step"),
        (lambda job: job.add_operator("a", {"filter": "x", "select": "y"}), OptionError, "not both"),
        (
            lambda job: job.add_operator("a", {"filter": "x"}, operator_type="map"),
            OptionError,
            "operator 'a' is a map, but its step is a filter",
        ),
        (lambda job: job.add_operator("a", len, operator_type="mop"), OptionError, "'mop'.*Did you mean 'map'"),
        (lambda job: job.add_operator(7), TypeError, "expected a StreamOperatorNode or a name, found 7"),
        (lambda job: job.add_operator("ticks", len), OptionError, "operator 'ticks' exists already"),
        (lambda job: job.add_operator(job.operators["ticks"]), OptionError, "'ticks' is in job 'job' already"),
        (lambda job: job.add_operator("a", len, parallelism=0), OptionError, "'a': parallelism must be from 1 to 256"),
        (lambda job: job.add_operator("a", len, parallelism=257), OptionError, "found 257.*key_groups"),
        (lambda job: job.add_operator("a", len, parallelism=2**40), OptionError, "parallelism is 1099511627776"),
        (lambda job: job.add_operator("a", len, parallelism=2.0), TypeError, "whole number, found 2.0"),
        (lambda job: job.add_operator("a", len, parallelism=True), TypeError, "whole number, found True"),
        (lambda job: job.add_operator("a", len, key_by=7), TypeError, "operator 'a': key_by must be"),
        (lambda job: job.add_operator("a", len, key_by=["k", "k"]), OptionError, "'k' twice"),
        (lambda job: job.add_operator("a", len, stateful=True, parallelism=2), OptionError, "without a key"),
        (lambda job: job.add_operator("a", len, ordering="fast"), OptionError, "'fast'.*'place', 'arrival'"),
        (lambda job: job.add_operator("a", len, paralelism=2), TypeError, "paralelism"),
        (lambda job: job.add_operator("a", {"filter": {1, 2}}), OptionError, "operator 'a': parameters have no JSON"),
        (lambda job: job.connect("ticks", "tocks"), OptionError, "no operator 'tocks'.*Nearest names: 'ticks'"),
        (lambda job: job.connect("ticks", 7), TypeError, "expected a node, an id or a name, found 7"),
        (
            lambda job: job.connect("ticks", StreamOperatorNode(OperatorType.MAP)),
            OptionError,
            "operator of type MAP is not in job",
        ),
        (lambda job: job.connect("out", "ticks"), OptionError, "'out' is a sink"),
        (lambda job: job.connect("ticks", "out", edge_type="hsah"), OptionError, "'hsah'"),
        (lambda job: job.connect("ticks", "out", edge_type="RANGE"), OptionError, "range_by names 0 columns"),
        (
            lambda job: job.connect("ticks", "out", edge_type="RANGE", range_by="x", range_bounds=[float("nan")]),
            OptionError,
            "range_bounds must be numbers or text",
        ),
        (lambda job: job.connect("ticks", "out", spill="maybe"), OptionError, "spill"),
        (lambda job: job.to_execution_graph(), OptionError, r"operator 'out' \(sink\) has no input"),
        (lambda job: job.connect("ticks", "out", input="0"), TypeError, "connect: input must be a whole number"),
        (lambda job: job.connect("ticks", "out", input=2**70), OptionError, "input must be from 0 to 1023"),
        (lambda job: job.connect("ticks", "out", range_by=["x"]), TypeError, "connect: range_by must be"),
        (lambda job: job.connect("ticks", "out", range_bounds="ab"), TypeError, "connect: range_bounds must be"),
        (lambda job: job.connect("ticks", "out", spill=None), TypeError, "connect: spill must be"),
        (lambda job: job.add_operator("\ud800", len), OptionError, "no Unicode text"),
        (lambda job: job.add_operator("a", len, key_by="\ud800"), OptionError, "no Unicode text"),
        (lambda job: job.add_operator("a", {"filter": "\ud800"}), OptionError, "operator 'a': parameters"),
        (lambda job: job.keys_of("tick"), OptionError, "Nearest names: 'ticks'"),
    ],
)
def test_mistakes_are_found_at_once(make: Callable[[JobGraph], object], error: type[Exception], message: str) -> None:
    job = JobGraph("job")
    job.add_source("ticks")
    job.add_operator("out", operator_type=OperatorType.SINK)
    with pytest.raises(error, match=message):
        make(job)
    assert list(job.operators) == ["ticks", "out"]
    assert job.edges == []


@pytest.mark.parametrize(("options", "message"), [({"job_id": "a/b"}, "a/b"), ({"job_id": ""}, "empty")])
def test_a_job_has_a_usable_id(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        JobGraph(**options)
    for groups in (0, 2**40):
        with pytest.raises(OptionError, match="key_groups must be from 1 to 32768"):
            JobGraph("job", key_groups=groups)
    with pytest.raises(TypeError, match="job_id must be text, found 7"):
        JobGraph(7)  # type: ignore[arg-type]


def test_a_cycle_is_found_where_it_is_closed() -> None:
    job = line(None, len, len)
    with pytest.raises(OptionError, match="closes a cycle: step_0 -> step_1 -> step_0"):
        job.connect("step_1", "step_0", input=1)


def test_a_name_of_two_operators_is_no_name() -> None:
    job = JobGraph("job")
    for each in ("a", "b"):
        job.add_operator(StreamOperatorNode(OperatorType.MAP, name="same", operator_id=each))
    with pytest.raises(OptionError, match="'same' is the name of a, b"):
        job.connect("same", "a")


def test_kernels_in_expressions_need_a_key_to_run_beside_one_another() -> None:
    step = {"with_columns": {"fast": "ewma(price, alpha=0.1).over(symbol)"}}
    job = JobGraph("job")
    job.add_operator("one", step)
    with pytest.raises(OptionError, match="operator 'two': its expressions have kernels"):
        job.add_operator("two", step, parallelism=2)
    job.add_operator("two", step, parallelism=2, stateful=True, key_by="symbol")


def test_python_objects_have_no_json(ticks: sabot.Stream) -> None:
    with pytest.raises(OptionError, match=r"operator 'ticks' of job 'line' holds a Python object \(Stream\)"):
        line(ticks).to_json()
    with pytest.raises(OptionError, match=r"operator 'step_0' of job 'line' holds a Python object \(len\)"):
        line({"generator": "ticks"}, len).to_yaml()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "the member 'version' is missing"),
        ('{"version": 1, "job_id": "j", "job_id": "k"}', r"\$\.job_id: the member stands twice"),
        ('{"version": 1, "job_id": "j", "operators": [{"id": "a", "type": "mop"}]}', "'a'.*'mop'.*Did you mean 'map'"),
    ],
)
def test_json_is_read_strictly(text: str, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        JobGraph.from_json(text)


def test_yaml_is_read_strictly() -> None:
    with pytest.raises(PipelineError, match="job graph:2:1: 'version' stands here twice"):
        JobGraph.from_yaml("version: 1\nversion: 1\n")
    with pytest.raises(OptionError, match="infinity and NaN"):
        JobGraph.from_yaml("version: .inf")
    with pytest.raises(OptionError, match="expected an object, found null"):
        JobGraph.from_yaml("")


# --- plans ---


def test_the_fraud_example() -> None:
    job = fraud()
    assert list(job.operators) == ["source_1", "map_1", "group_by_1", "sink_1"]
    graph = job.to_execution_graph()
    assert len(graph.tasks) == 27
    assert graph.num_tasks == 17
    assert graph.chains == [
        Chain(0, ("source_1", "map_1"), 10),
        Chain(1, ("group_by_1",), 5),
        Chain(2, ("sink_1",), 2),
    ]
    forward, hashed, rebalanced = graph.shuffle_edges
    assert [each.edge_type for each in (forward, hashed, rebalanced)] == [
        ShuffleEdgeType.FORWARD,
        ShuffleEdgeType.HASH,
        ShuffleEdgeType.REBALANCE,
    ]
    assert forward.is_chained
    assert forward.channels == tuple((copy, copy) for copy in range(10))
    assert hashed.partition_keys == ("user_id",)
    assert hashed.num_partitions == 5
    assert sorted(hashed.channels) == [(sender, receiver) for sender in range(10) for receiver in range(5)]
    assert len(rebalanced.channels) == 10
    task = graph.tasks["map_1_3"]
    assert (task.operator_id, task.copy, task.chain) == ("map_1", 3, 0)


def test_nodes_may_change_until_they_are_planned() -> None:
    job = fraud()
    job.operators["map_1"].parallelism = 4
    assert len(job.to_execution_graph().tasks) == 21
    job.operators["map_1"].parallelism = 0
    with pytest.raises(OptionError, match="operator 'map_1': parallelism"):
        job.to_execution_graph()


def test_key_groups_are_spread() -> None:
    graph = fraud().to_execution_graph()
    expected = [group * 5 // 256 for group in range(256)]
    assert graph.key_group_table(1) == expected
    assert graph.key_group_table("group_by_1") == expected
    assert graph.key_group_table(graph.chains[1]) == expected
    with pytest.raises(OptionError, match=r"no chain 3.*0 to 2"):
        graph.key_group_table(3)
    with pytest.raises(OptionError, match=r"no operator 'group_by'.*'group_by_1'"):
        graph.key_group_table("group_by")
    with pytest.raises(TypeError, match="must be an index"):
        graph.key_group_table(1.0)  # type: ignore[arg-type]


def test_kernels_bring_their_key() -> None:
    job = line(None, {"kernel": "ewma", "alpha": 0.1}, {"kernel": "midprice"}, {"kernel": "ofi", "by": ["symbol"]})
    for node in job.operators.values():
        node.parallelism = 4
    kinds = [each.edge_type.name for each in job.to_execution_graph().shuffle_edges]
    assert kinds == ["HASH", "FORWARD", "FORWARD"], "divided once, by symbol"
    job = line(None, {"key_by": "venue"}, {"filter": "price > 0"}, {"kernel": "ewma", "alpha": 0.1})
    assert job.keys_of("step_2") == ["venue"]
    node = StreamOperatorNode(OperatorType.KERNEL, key_by="a", parameters={"kernel": "ewma", "by": "b"})
    with pytest.raises(OptionError, match="key_by is \\['a'\\], but its kernel is by \\['b'\\]"):
        JobGraph("job").add_operator(node)


def test_edges_can_be_asked_for() -> None:
    job = JobGraph("job")
    job.add_source("ticks", parallelism=2)
    job.add_operator("all", len, parallelism=3)
    job.add_operator("part", len, parallelism=3)
    job.connect("ticks", "all", edge_type=ShuffleEdgeType.BROADCAST)
    job.connect("all", "part", edge_type="range", range_by="price", range_bounds=[10, 20.5], spill="overflow")
    broadcast, ranged = job.to_execution_graph().shuffle_edges
    assert broadcast.edge_type is ShuffleEdgeType.BROADCAST
    assert len(broadcast.channels) == 6
    assert ranged.edge_type is ShuffleEdgeType.RANGE
    assert (ranged.partition_keys, ranged.range_bounds, ranged.spill) == (("price",), (10, 20.5), "overflow")


def test_ids_follow_from_names_and_order() -> None:
    job = JobGraph("job")
    added = [
        job.add_operator(StreamOperatorNode(OperatorType.MAP)),
        job.add_operator("Preis / €", len),
        job.add_operator(StreamOperatorNode(OperatorType.MAP)),
        job.add_operator(StreamOperatorNode(OperatorType.FILTER, operator_id="filter_2")),
        job.add_operator(StreamOperatorNode(OperatorType.FILTER)),
    ]
    assert [node.operator_id for node in added] == ["map_1", "Preis_", "map_3", "filter_2", "filter_3"]
    assert job.connect("map_1", "Preis / €").target == "Preis_"


def test_pictures_stand_alone() -> None:
    graph = fraud().to_execution_graph()
    picture = ET.fromstring(graph.to_svg())
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    texts = [each.text for each in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert "HASH by 'user_id', 50 channels" in texts
    assert "HASH by 'user_id', 50 channels" in graph.explain()
    assert graph.to_mermaid().startswith("flowchart LR\n")
    assert json.loads(graph.to_json())["task_vertices"] == 27
    assert isinstance(graph, ExecutionGraph)
    assert repr(graph) == fraud().explain()


# --- JSON and YAML ---


def everything() -> JobGraph:
    job = JobGraph("every.thing-1", key_groups=1_024)
    job.add_source("ticks", {"parquet": ["b", "a"], "columns": ["price"]}, parallelism=4, partitioned_by="symbol")
    job.add_source("other", {"generator": "ticks", "late": 0.1, "rows": 10})
    job.add_operator(StreamOperatorNode(OperatorType.UNION, name='Börse: "A"', operator_id="both", ordering="arrival"))
    job.add_operator("on", {"filter": "1e6"})
    job.add_operator("fast", {"kernel": "ewma", "alpha": 1e-7}, parallelism=3, keeps_columns=False)
    job.connect("ticks", "both", spill="always")
    job.connect("other", "both", edge_type="broadcast")
    job.connect("both", "on")
    job.connect("on", "fast", edge_type="range", range_by="symbol", range_bounds=["12:30", "no"])
    return job


def test_what_is_written_is_read_again() -> None:
    job = everything()
    for read in (JobGraph.from_json(job.to_json()), JobGraph.from_json(job.to_json(indent=None))):
        assert read.to_json() == job.to_json()
        assert read.edges == job.edges
        assert read.explain() == job.explain()
    text = job.to_yaml()
    assert JobGraph.from_yaml(text).to_json() == job.to_json()
    assert JobGraph.from_yaml(text).to_yaml() == text
    assert JobGraph.from_yaml(job.to_json()).to_json() == job.to_json(), "JSON is YAML"


@pytest.mark.parametrize(
    "word", ["on", "no", "1e6", "0x10", "12:30", "2020-01-01", "~", "", " a", "a: b", "ü", "\U0001f600"]
)
def test_text_stays_text_in_yaml(word: str) -> None:
    job = JobGraph("job")
    job.add_source("a", {"csv": [word], "types": {word: word}})
    assert JobGraph.from_yaml(job.to_yaml()).operators["a"].parameters == {"csv": [word], "types": {word: word}}


# --- streams ---


def test_a_graph_gives_the_rows_of_the_same_stream(ticks: sabot.Stream) -> None:
    def unchanged(batch: pa.RecordBatch) -> pa.RecordBatch:
        return batch

    job = line(
        ticks,
        {"filter": "volume > 100"},
        {"with_columns": {"notional": "price * volume"}},
        {"kernel": "ewma", "column": "notional", "alpha": 0.06},
        create_fintech_operator(OFIKernel, ticks),
        MidpriceKernel,
        EWMAKernel(column="bid", alpha=0.5, outputs={"ewma": "slow"}),
        unchanged,
        lambda batch: ewma(batch, column="ask", alpha=0.1, outputs={"ewma": "asked"}),
        {"select": ["symbol", "ewma", "ofi", "midprice", "slow", "asked"]},
        StreamOperatorNode(OperatorType.SINK),
    )
    expected = (
        ticks.filter("volume > 100")
        .with_columns(notional="price * volume")
        .kernel("ewma", column="notional", alpha=0.06)
        .kernel("ofi")
        .kernel("midprice")
        .kernel("ewma", column="bid", alpha=0.5, outputs={"ewma": "slow"})
        .kernel("ewma", column="ask", alpha=0.1, outputs={"ewma": "asked"})
        .select("symbol", "ewma", "ofi", "midprice", "slow", "asked")
    )
    assert job.to_stream().collect().equals(expected.collect())


def test_a_graph_runs_after_a_round_trip(tmp_path: Path, ticks: sabot.Stream) -> None:
    rows = ticks.collect()
    rows = rows.append_column("venue", pa.array([row % 3 for row in range(rows.num_rows)]))
    sabot.Stream.from_arrow(rows).to_parquet(tmp_path / "ticks.parquet")
    job = line({"parquet": str(tmp_path / "ticks.parquet")}, {"key_by": ["venue"]}, {"kernel": "ewma", "alpha": 0.5})
    read = JobGraph.from_yaml(job.to_yaml())
    expected = sabot.Stream.from_arrow(rows).kernel("ewma", by="venue", alpha=0.5).collect()
    assert read.to_stream().collect()["ewma"].equals(expected["ewma"])
    assert read.to_stream().collect()["ewma"].equals(job.to_stream().collect()["ewma"])


def test_unions_take_their_inputs_by_edges(ticks: sabot.Stream) -> None:
    other = sabot.Stream.from_generator(rows=1_000, symbols=3, seed=9)
    job = JobGraph("job")
    job.add_source("b", other)
    job.add_source("a", ticks)
    job.add_operator("both", operator_type="union")
    job.add_operator("large", {"filter": "volume > 100"})
    job.connect("b", "both", input=1)
    job.connect("a", "both", input=0)
    job.connect("both", "large")
    assert job.to_stream().collect().equals(ticks.union(other).filter("volume > 100").collect())


def ranged(source: Any, edge_type: str | None = "RANGE", **options: Any) -> JobGraph:
    """A filter in three copies, fed by ranges of volume unless it is said otherwise, and a kernel in two."""
    if edge_type == "RANGE":
        options = {"range_by": "volume", "range_bounds": [100, 500.0]} | options
    job = JobGraph("ranged")
    job.add_source("ticks", source)
    job.add_operator("some", {"filter": "price > 0"}, parallelism=3)
    job.add_operator("fast", {"kernel": "ewma", "alpha": 0.5}, parallelism=2)
    job.connect("ticks", "some", edge_type=edge_type, **options)
    job.connect("some", "fast")
    return job


@pytest.mark.parametrize("edge_type", ["RANGE", "REBALANCE"])
def test_edges_that_were_asked_for_run(ticks: sabot.Stream, edge_type: str) -> None:
    expected = ticks.filter("price > 0").kernel("ewma", alpha=0.5).collect()
    stream = ranged(ticks, edge_type).to_stream()
    asked = {"RANGE": "partition by range of volume: [100, 500.0]", "REBALANCE": "rebalance"}[edge_type]
    assert f"{asked}\nfilter price > 0\n" in stream.explain()
    assert stream.explain().count("rebalance") + stream.explain().count("range of") == 1, "into that step only"
    assert stream.collect().equals(expected)


def test_ranges_may_be_of_times_and_text(ticks: sabot.Stream) -> None:
    rows = ticks.collect()
    times = rows["timestamp"].cast(pa.timestamp("ns", "UTC"))
    rows = rows.set_column(rows.schema.get_field_index("timestamp"), "timestamp", times)
    stream = sabot.Stream.from_arrow(rows)
    middle = times[1_000].as_py()
    whole = [int(times[each].value) for each in (500, 1_500)]
    for bounds in ([middle], pa.array([middle]), [middle.isoformat()], whole, []):
        found = stream.partition_by_range("timestamp", bounds).filter("price > 0").collect()
        assert found.equals(stream.filter("price > 0").collect())
    found = stream.partition_by_range("symbol", ["S0002", "S0004"]).kernel("ewma", alpha=0.5).collect()
    assert found.equals(stream.kernel("ewma", alpha=0.5).collect()), "ranges of its key keep a kernel's rows together"


@pytest.mark.parametrize(
    ("column", "bounds", "error", "message"),
    [
        ("volum", [1], SchemaError, "'volum' is missing.*'volume'"),
        ("volume", [2, 1], OptionError, "is not above the one before it"),
        ("volume", ["a"], OptionError, "column 'volume': bound 0 is \"a\", which is no double"),
        ("symbol", [1], OptionError, "column 'symbol': bound 0 is 1, which is no string"),
        ("volume", [None], OptionError, "neither a number nor text"),
        ("volume", [float("nan")], OptionError, "must be numbers, text, dates or times"),
        ("volume", [b"a"], OptionError, "must be numbers, text, dates or times"),
        ("volume", "12", TypeError, "bounds must be a list"),
    ],
)
def test_ranges_that_cannot_be(
    ticks: sabot.Stream, column: str, bounds: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        ticks.partition_by_range(column, bounds)


def test_ranges_and_turns_that_split_keys_are_refused_when_they_run(ticks: sabot.Stream) -> None:
    with pytest.raises(OptionError, match="keeps rows of one 'symbol' together, which a RANGE of 'volume' does not"):
        ticks.partition_by_range("volume", [100]).kernel("ewma", alpha=0.5).collect()
    assert ticks.rebalance().kernel("ewma", alpha=0.5).collect().num_rows == 2_000, "one copy takes all turns"


def test_ranges_of_a_graph_whose_column_does_not_fit_name_the_operator(ticks: sabot.Stream) -> None:
    with pytest.raises(OptionError, match="column 'volume': bound 0 is \"a\"") as raised:
        ranged(ticks, range_bounds=["a", "b"]).to_stream()
    assert raised.value.__notes__ == ["In operator 'some' of job 'ranged'."]


def test_a_broadcast_runs_into_one_copy_only(ticks: sabot.Stream) -> None:
    with pytest.raises(OptionError, match=r"edge 'ticks' -> 'some' is a BROADCAST.*the 3 copies.*table of a join"):
        ranged(ticks, "BROADCAST").to_stream()
    job = JobGraph("one")
    job.add_source("ticks", ticks)
    job.add_operator("some", {"filter": "price > 0"})
    job.connect("ticks", "some", edge_type="BROADCAST")
    assert job.to_stream().collect().equals(ticks.filter("price > 0").collect())


def test_what_is_no_step_passes_no_request_on(ticks: sabot.Stream) -> None:
    job = JobGraph("job")
    job.add_source("ticks", ticks)
    job.add_operator("key", {"key_by": ["symbol"]}, parallelism=3)
    job.add_operator("all", operator_type="union")
    job.add_operator("fast", {"kernel": "ewma", "alpha": 0.5}, parallelism=2)
    job.connect("ticks", "key", edge_type="RANGE", range_by="symbol", range_bounds=["B", "S0003"])
    job.connect("key", "all", edge_type="REBALANCE")
    job.connect("all", "fast")
    assert job.to_stream().collect().equals(ticks.kernel("ewma", alpha=0.5).collect())


def test_sources_may_be_tables(ticks: sabot.Stream) -> None:
    assert line(ticks.collect()).to_stream().collect().num_rows == 2_000
    assert line(create_fintech_operator("midprice", ticks)).to_stream().schema.names[-1] == "midprice"


@pytest.mark.parametrize(
    ("steps", "error", "message"),
    [
        (({"filter": "volum > 1"},), PipelineError, "operator 'step_0': filter: .*Nearest names: 'volume'"),
        (({"filter": "price >"},), PipelineError, "operator 'step_0'"),
        (({"kernel": "ewmaa"},), PipelineError, "operator 'step_0': kernel: unknown kernel 'ewmaa'"),
        (({"kernel": "ewma", "alhpa": 1},), PipelineError, "operator 'step_0': alhpa: kernel 'ewma' has no option"),
        (({"require": "price > 0", "resaon": "x"},), PipelineError, "operator 'step_0'.*resaon"),
        ((StreamOperatorNode(OperatorType.MAP),), OptionError, r"operator 'map_1' \(map\) has no function"),
        ((StreamOperatorNode(OperatorType.FILTER),), OptionError, r"'filter_1' \(filter\) does not say what to do"),
        ((StreamOperatorNode(OperatorType.FILTER, function=len),), OptionError, "'filter_1'.*runs no function"),
        ((StreamOperatorNode(OperatorType.WINDOW),), OptionError, "'window_1' is a window, which can be planned"),
    ],
)
def test_what_cannot_run_says_so(
    ticks: sabot.Stream, steps: tuple[Any, ...], error: type[SabotError], message: str
) -> None:
    steps = tuple(
        StreamOperatorNode(step.operator_type, function=step.function) if isinstance(step, StreamOperatorNode) else step
        for step in steps
    )
    with pytest.raises(error, match=message):
        line(ticks, *steps).to_stream()


def test_graphs_that_are_no_stream_say_so(ticks: sabot.Stream) -> None:
    with pytest.raises(OptionError, match="operator 'ticks' is a source without rows"):
        line(None).to_stream()
    with pytest.raises(PipelineError, match=r"operator 'ticks': source.*'parqet'"):
        line({"parqet": "x"}).to_stream()
    job = line(ticks, StreamOperatorNode(OperatorType.SINK))
    job.add_operator(StreamOperatorNode(OperatorType.SINK))
    job.connect("ticks", "sink_2")
    with pytest.raises(OptionError, match="'line' has the sinks sink_1, sink_2"):
        job.to_stream()


def test_errors_of_functions_name_their_operator(ticks: sabot.Stream) -> None:
    with pytest.raises(SabotError) as raised:
        line(ticks, lambda batch: batch.column("nothing")).to_stream()
    assert raised.value.__notes__ == ["In operator 'step_0' of job 'line'."]
    with pytest.raises(SchemaError) as raised_too:
        line(pa.table({"a": [1]}), EWMAKernel(alpha=0.1)).to_stream()
    assert raised_too.value.__notes__ == ["In operator 'step_0' of job 'line'."]


def test_a_long_graph_needs_no_deep_stack() -> None:
    job = line(pa.table({"x": [1.0]}), *[{"filter": "x > 0"}] * 1_200)
    assert len(job.to_execution_graph().chains) == 1


def test_edges_that_may_spill_do(ticks: sabot.Stream, tmp_path: Path) -> None:
    job = JobGraph("spills")
    job.add_source("ticks", ticks)
    job.add_operator("fast", {"kernel": "ewma", "alpha": 0.5}, parallelism=2)
    job.connect("ticks", "fast", spill="always")
    with pytest.raises(OptionError, match=r"rows on their way to 'kernel_0' may spill \(always\).*spill_folder"):
        job.to_stream().collect()
    folder = tmp_path / "spill"
    summary = job.to_stream().options(spill_folder=folder).to_parquet(tmp_path / "spilled.parquet")
    spilled = next(metric for metric in summary.metrics if metric.name == "sabot_channel_spilled_bytes_total")
    assert spilled.total > 0
    assert list(folder.iterdir()) == []
    ticks.kernel("ewma", alpha=0.5).to_parquet(tmp_path / "plain.parquet")
    assert (tmp_path / "spilled.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()
    with pytest.raises(OptionError, match="Use never, overflow or always"):
        ticks.spilling("sometimes")
