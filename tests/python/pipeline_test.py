"""Pipelines as YAML: what each source, step and sink means, and the schema that says so to editors."""

import inspect
import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from jsonschema import Draft202012Validator
from sabot.errors import OptionError
from sabot.pipeline import Pipeline, PipelineError, Sink, building, load, parse, schema
from sabot.pipeline.document import Document
from sabot.stream import Stream

import sabot

ROOT = Path(__file__).resolve().parents[2]
SOURCE = "source: {generator: ticks, rows: 1000, symbols: 5}\n"


# --- what a description means ---


class FakeStream:
    """Writes down the calls."""

    def __init__(self, calls: list[Any]) -> None:
        self.calls = calls

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any, **options: Any) -> "FakeStream":
            plain = [entry.calls if isinstance(entry, FakeStream) else entry for entry in arguments]
            return FakeStream([*self.calls, (name, *plain, options)])

        return call


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> None:
    class Class:
        def __getattr__(self, name: str) -> Any:
            return getattr(FakeStream([]), name)

    monkeypatch.setattr(building, "Stream", Class())


def calls(pipeline: Pipeline) -> list[Any]:
    made: Any = pipeline.stream
    assert isinstance(made, FakeStream)
    return made.calls


@pytest.mark.parametrize(
    ("step", "call"),
    [
        ("filter: price > 0", ("filter", "price > 0", {})),
        ("filter: true", ("filter", "true", {})),
        ("{require: price > 0, reason: no price}", ("require", "price > 0", {"reason": "no price"})),
        ("select: price", ("select", "price", {})),
        ("select: [price, symbol]", ("select", "price", "symbol", {})),
        ("select: {p: price, n: price * 2, one: 1}", ("select", {"p": "price", "n": "price * 2", "one": "1"})),
        ("with_columns: {n: price * volume}", ("with_columns", {"n": "price * volume"})),
        ("rename: {px: price}", ("rename", {"px": "price"}, {})),
        ("key_by: symbol", ("key_by", "symbol", {})),
        ("key_by: [symbol, venue]", ("key_by", "symbol", "venue", {})),
        ("kernel: midprice", ("kernel", "midprice", {})),
        (
            "{kernel: ewma, alpha: 0.06, by: symbol, column: price}",
            ("kernel", "ewma", {"alpha": 0.06, "by": "symbol", "column": "price"}),
        ),
        (
            "{kernel: ewma, span: 20, by: [symbol, venue], outputs: {ewma: smooth}}",
            ("kernel", "ewma", {"span": 20, "by": ["symbol", "venue"], "outputs": {"ewma": "smooth"}}),
        ),
        ("{data_quality: symbol, gap: 1s}", ("data_quality", {"by": "symbol", "gap": "1s"})),
        ("data_quality: [symbol, venue]", ("data_quality", {"by": ["symbol", "venue"]})),
        ("data_quality:", ("data_quality", {"by": None})),
    ],
)
@pytest.mark.usefixtures("fake")
def test_a_step_is_a_call(step: str, call: tuple[Any, ...]) -> None:
    source = ("from_parquet", Path("a.parquet"), {})
    found = calls(parse(f"source: {{parquet: a.parquet}}\nsteps:\n- {step}\n"))
    assert found == [source, call]


@pytest.mark.parametrize(
    ("source", "call"),
    [
        (
            "{parquet: a.parquet, columns: [price], batch_rows: 10, event_time: t}",
            ("from_parquet", Path("in/a.parquet"), {"columns": ["price"], "batch_rows": 10, "event_time": "t"}),
        ),
        ("{parquet: [a.parquet, /b.parquet]}", ("from_parquet", [Path("in/a.parquet"), Path("/b.parquet")], {})),
        ("{parquet: s3://bucket/a.parquet}", ("from_parquet", "s3://bucket/a.parquet", {})),
        (
            "{csv: a.csv, types: {price: float64}, null_values: ['', NA], delimiter: ;}",
            (
                "from_csv",
                Path("in/a.csv"),
                {"types": {"price": "float64"}, "null_values": ["", "NA"], "delimiter": ";"},
            ),
        ),
        ("{ipc: a.arrow, columns: [price]}", ("from_ipc", Path("in/a.arrow"), {"columns": ["price"]})),
        (
            "{generator: trades, rows: 1_000, late: 1e-3}",
            ("from_generator", {"kind": "trades", "rows": 1000, "late": 0.001}),
        ),
    ],
)
@pytest.mark.usefixtures("fake")
def test_a_source_is_a_call(source: str, call: tuple[Any, ...]) -> None:
    assert calls(parse(f"source: {source}\n", folder="in")) == [call]


@pytest.mark.usefixtures("fake")
def test_sources_come_together_by_union() -> None:
    text = """
        sources:
          a: {parquet: a.parquet, steps: [{rename: {p: price}}]}
          b: {parquet: b.parquet, steps: [{filter: price > 0}, {union: c}]}
          c: {parquet: c.parquet}
        steps:
          - union: b
          - filter: volume > 0
    """
    third = [("from_parquet", Path("c.parquet"), {})]
    second = [("from_parquet", Path("b.parquet"), {}), ("filter", "price > 0", {}), ("union", third, {})]
    assert calls(parse(text)) == [
        ("from_parquet", Path("a.parquet"), {}),
        ("rename", {"p": "price"}, {}),
        ("union", second, {}),
        ("filter", "volume > 0", {}),
    ]


@pytest.mark.usefixtures("fake")
def test_a_sink() -> None:
    text = """
        source: {ipc: a.arrow}
        sink: {parquet: out.parquet, row_group_rows: 1000, rejects: bad.csv, strict: false}
    """
    pipeline = parse(text, name="dir/features.yaml", folder="dir")
    options = {"row_group_rows": 1000, "rejects": Path("dir/bad.csv"), "strict": False}
    assert pipeline.sink == Sink("parquet", Path("dir/out.parquet"), options)
    assert pipeline.name == "features"
    assert sink_call(pipeline.run(progress=print)) == options | {"progress": print}
    # What is given goes before what is described, and both would contradict each other.
    assert sink_call(pipeline.run(strict=True)) == {"row_group_rows": 1000, "strict": True}
    text = "source: {ipc: a.arrow}\nsink: {csv: out.csv, strict: true}\n"
    assert sink_call(parse(text).run(rejects="bad.csv")) == {"rejects": "bad.csv"}
    assert sink_call(parse(text).run(rejects="bad.csv", strict=False)) == {"rejects": "bad.csv", "strict": False}


def sink_call(made: Any) -> dict[str, Any]:
    options: dict[str, Any] = made.calls[-1][2]
    return options


@pytest.mark.usefixtures("fake")
def test_anchors_and_merges() -> None:
    text = """
        source: {ipc: a.arrow}
        steps:
          - &smooth {kernel: ewma, alpha: 0.1}
          - *smooth
          - {<<: *smooth, alpha: 0.2, column: volume}
          - {<<: [*smooth, {span: 3}], column: bid}
    """
    assert calls(parse(text))[1:] == [
        ("kernel", "ewma", {"alpha": 0.1}),
        ("kernel", "ewma", {"alpha": 0.1}),
        ("kernel", "ewma", {"alpha": 0.2, "column": "volume"}),
        ("kernel", "ewma", {"column": "bid", "alpha": 0.1, "span": 3}),
    ]


@pytest.mark.usefixtures("fake")
def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "source: {generator: ticks, late: 1e-2}\nname: on\ndescription: 12:30\nsteps: [{select: [yes, no, y]}]\n"
    pipeline = parse(text)
    assert pipeline.name == "on"
    assert calls(pipeline)[1] == ("select", "yes", "no", "y", {})


@pytest.mark.usefixtures("fake")
def test_json_with_tabs_and_utf8_with_its_mark() -> None:
    text = '{\n\t"source": {"parquet": "a\\tb.parquet"},\n\t"steps": [{"filter": "x > 1"}]\n}'
    assert calls(parse(text, is_json=True)) == [("from_parquet", Path("a\tb.parquet"), {}), ("filter", "x > 1", {})]
    assert calls(parse(b"\xef\xbb\xbfsource: {ipc: a.arrow}\n")) == [("from_ipc", Path("a.arrow"), {})]


@pytest.mark.usefixtures("fake")
def test_overrides() -> None:
    text = "source: {parquet: a.parquet}\nsteps:\n- {kernel: ewma, alpha: 0.1}\n"
    overrides = ["steps[0].alpha=0.5", "source.parquet=b.parquet", "sink.parquet=out.parquet", "steps[0].by=[a, b]"]
    pipeline = parse(text, folder="dir", overrides=overrides)
    assert calls(pipeline) == [
        ("from_parquet", Path("b.parquet"), {}),  # From where the command is typed, not beside the file.
        ("kernel", "ewma", {"alpha": 0.5, "by": ["a", "b"]}),
    ]
    assert pipeline.sink == Sink("parquet", Path("out.parquet"))
    assert calls(parse(text, overrides=["steps[0]={filter: a = 1}"]))[1] == ("filter", "a = 1", {})


# --- runs ---


def test_it_is_the_stream_in_other_words(tmp_path: Path) -> None:
    ticks = sabot.Stream.from_generator(rows=5_000, symbols=7)
    ticks.to_parquet(tmp_path / "ticks.parquet")
    file = tmp_path / "features.yaml"
    file.write_text(
        "source: {parquet: ticks.parquet}\n"
        "steps:\n- kernel: midprice\n- {kernel: ewma, column: midprice, alpha: 0.1}\n- {kernel: ofi, window: 10}\n"
        "sink: {parquet: out.parquet}\n"
    )
    expected = ticks.kernel("midprice").kernel("ewma", column="midprice", alpha=0.1).kernel("ofi", window=10)
    pipeline = load(file)
    assert sabot.diff(pipeline.stream, expected).equal
    summary = pipeline.run()
    assert (summary.rows_read, summary.rows_written) == (5_000, 5_000)
    assert sabot.diff(tmp_path / "out.parquet", expected).equal


def test_without_a_sink() -> None:
    pipeline = parse(SOURCE)
    assert pipeline.sink is None
    assert sum(len(batch) for batch in pipeline.stream) == 1000
    with pytest.raises(OptionError, match=r"^pipeline: the pipeline has no sink to run into\. Add one, such as sink: "):
        pipeline.run()


def test_every_kind_of_step_runs(tmp_path: Path) -> None:
    text = """
        sources:
          ticks: {generator: ticks, rows: 2_000, symbols: 5}
          late: {generator: ticks, rows: 500, symbols: 5, start_ns: 1800000000000000000}
        steps:
          - union: late
          - filter: price > 0
          - {require: volume >= 0, reason: no volume}
          - {data_quality: symbol, gap: 1s}
          - with_columns: {notional: price * volume}
          - rename: {notional: value}
          - key_by: symbol
          - {kernel: ewma, column: value, alpha: 0.1}
          - select: [symbol, timestamp, value, ewma]
        sink: {parquet: out.parquet}
    """
    summary = parse(text, folder=tmp_path).run()
    assert summary.rows_written == 2_500
    table = pq.read_table(tmp_path / "out.parquet")
    assert table.schema.names == ["symbol", "timestamp", "value", "ewma"]
    assert table["value"].type == pa.float64()


# --- the schema ---


def test_the_schema_is_one_and_judges_as_we_do() -> None:
    published = schema()
    Draft202012Validator.check_schema(published)
    validator = Draft202012Validator(published)
    good = [
        {"source": {"parquet": "a.parquet"}},
        {"source": {"generator": "ticks", "rows": 5}, "steps": [{"kernel": "ewma", "alpha": 0.1, "by": "symbol"}]},
        {"sources": {"a": {"csv": ["a.csv", "b.csv"]}}, "steps": [{"select": {"a": "b"}}, {"select": ["a"]}]},
        {"source": {"ipc": "a.arrow"}, "steps": [{"require": "a > 0", "reason": "b"}], "sink": {"csv": "a.csv"}},
    ]
    bad = [
        {},
        {"source": {}},
        {"source": {"parquet": 5}},
        {"source": {"parquet": "a", "csv": "a"}},
        {"source": {"generator": "ticks", "rows": -1}},
        {"source": {"ipc": "a.arrow"}, "sources": {"a": {"ipc": "a.arrow"}}},
        {"source": {"ipc": "a.arrow"}, "steps": [{"kernel": "nope"}]},
        {"source": {"ipc": "a.arrow"}, "steps": [{"kernel": "ewma", "alpa": 0.1}]},
        {"source": {"ipc": "a.arrow"}, "steps": [{"select": []}]},
        {"source": {"ipc": "a.arrow"}, "sink": {"parquet": "a", "compression": "zip"}},
    ]
    for document in good:
        assert validator.is_valid(document), document
    for document in bad:
        assert not validator.is_valid(document), document
        with pytest.raises(PipelineError):
            parse(json.dumps(document))


def test_the_schema_says_of_kernels_what_the_registry_says() -> None:
    steps = schema()["$defs"]["step"]["oneOf"]
    kernel = next(step for step in steps if step["required"] == ["kernel"])
    assert kernel["properties"]["kernel"]["enum"] == [info.name for info in sabot.fintech.kernels()]
    assert len(kernel["allOf"]) == len(sabot.fintech.kernels())


@pytest.mark.parametrize("kind", ["source", "step", "sink"])
def test_the_schema_offers_what_the_stream_takes(kind: str) -> None:
    """Every key beside the verb is a parameter of the Stream's method."""
    prefix = {"source": "from_", "step": "", "sink": "to_"}[kind]
    missing = []
    for entry in schema()["$defs"][kind]["oneOf"]:
        verb = entry["required"][0]
        method = getattr(Stream, prefix + verb, None)
        keys = set(entry["properties"]) - {verb, "steps", "uid"}  # For which there is Stream.uid.
        parameters = set(inspect.signature(method).parameters) if method else set()
        missing += [f"{prefix}{verb}({key}=)" for key in sorted(keys - parameters)] if method else [prefix + verb]
    assert missing == []


def test_the_page_shows_every_source_step_and_sink() -> None:
    page = (ROOT / "docs" / "reference" / "pipeline-yaml.md").read_text()
    for kind in ("source", "step", "sink"):
        for entry in schema()["$defs"][kind]["oneOf"]:
            for key in entry["properties"]:
                assert f"`{key}" in page, f"{entry['required'][0]}: {key}"


def test_the_examples_of_the_page_are_pipelines() -> None:
    page = (ROOT / "docs" / "reference" / "pipeline-yaml.md").read_text()
    blocks = re.findall(r"^```yaml\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        document = Document.read("page", block).root.plain()
        assert Draft202012Validator(schema()).is_valid(document), block
