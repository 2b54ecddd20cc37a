"""Pipelines as YAML: every mistake is told with its line and what was meant, all of them at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sabot.errors import SabotError
from sabot.pipeline import PipelineError, Problem, building, parse

SOURCE = "source: {generator: ticks, rows: 1000, symbols: 5}\n"


def problems(text: str | bytes, **options: Any) -> list[str]:
    """Each problem as line:column: path: message."""
    with pytest.raises(PipelineError) as caught:
        parse(text, **options)
    return [
        f"{problem.place.origin or f'{problem.place.line}:{problem.place.column}'}: "
        f"{problem.path}{': ' if problem.path else ''}{problem.message}"
        for problem in caught.value.problems
    ]


# --- texts that are no YAML ---


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: is empty. A pipeline has a source, steps and a sink."),
        ("# only a comment\n", "1:1: is empty. A pipeline has a source, steps and a sink."),
        (
            "source:\n\tgenerator: ticks\n",
            "2:1: a tab. YAML is indented with spaces only: replace the tabs by spaces.",
        ),
        (b"name: caf\xe9\n", "1:10: byte 0xe9 is not UTF-8. Save the file as UTF-8."),
        (b"\xef\xbb\xbfa: 1\n\xff\xfe\n", "2:1: byte 0xff is not UTF-8. Save the file as UTF-8."),
        (b"a: 1\n\xff\xfe\n", "2:1: byte 0xff is not UTF-8. Save the file as UTF-8."),
        ("name: a\x00b\n", "1:8: the character U+0000 is not allowed in YAML. Remove it."),
        (
            "name: a\n---\nname: b\n",
            "2:1: a second document begins here. A file describes one pipeline: remove this line and what follows it.",
        ),
        (
            "name: a: b\n",
            "1:8: a ':' that makes no sense here. Put text that has ': ' in it into quotes, and mind the indentation.",
        ),
        ("steps: *all\n", "1:8: undefined alias 'all': no anchor of that name (&name) stands above it."),
        ("steps: &all [*all]\n", "1:8: this anchor contains an alias of itself."),
        (
            "name: [a\n",
            "2:1: this is no YAML: while parsing a flow sequence expected ',' or ']', but got '<stream end>'.",
        ),
        ("name: 'a\n", "2:1: this is no YAML: while scanning a quoted scalar found unexpected end of stream."),
        ("steps: " + "[" * 3000 + "]" * 3000, "1:1: lists and mappings stand more than 100 deep."),
        ("steps: " + "{a: " * 340 + "}" * 340, "1:404: lists and mappings stand more than 100 deep."),
    ],
)
def test_texts_that_are_no_yaml(text: str | bytes, problem: str) -> None:
    assert problems(text) == [problem]


def test_aliases_that_multiply_are_stopped() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    [problem] = problems("\n".join(lines))
    assert problem.endswith("more than 100,000 values, with what aliases repeat.")


def test_json_that_is_none() -> None:
    [problem] = problems('{"name": "a"\n "b": 1}', is_json=True)
    assert problem == "2:2: this is no JSON: Expecting ',' delimiter."
    [problem] = problems("[" * 100_000, is_json=True)
    assert problem == "1:1: lists and mappings stand more than 100 deep."


def test_keys_and_tags() -> None:
    found = problems("name: a\nname: b\n{x: 1}: c\nsource: !file {generator: ticks}\nsteps: !!int abc\n")
    assert "2:1: 'name' stands here twice; the first is in line 1." in found
    assert "3:1: a key must be text. Put text that begins with '{' or '[' into quotes." in found
    assert any(entry.startswith("4:9: source: the tag !file is not known here. Remove it.") for entry in found)
    assert "5:8: steps: 'abc' is no int, as its tag !!int says." in found


# --- the wrong shape ---


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("- a\n", ["1:1: expected a pipeline, found a list."]),
        ("hello\n", ["1:1: expected a pipeline, found the text 'hello'."]),
        ("steps: []\n", ["1:1: a pipeline needs 'source' or 'sources'."]),
        (
            SOURCE + "sources: {a: {generator: ticks}}\n",
            ["2:1: a pipeline has one of 'source' and 'sources', not both."],
        ),
        (SOURCE + "stpes: []\n", ["2:1: a pipeline has no key 'stpes'. Did you mean 'steps'?"]),
        ("suorce: {generator: ticks}\n", ["1:1: a pipeline has no key 'suorce'. Did you mean 'source' or 'sources'?"]),
        ("source: {}\n", ["1:9: source: an empty mapping, expected a source: 'parquet', 'csv', 'ipc' or 'generator'."]),
        ("source: ticks.parquet\n", ["1:9: source: expected a source, found the text 'ticks.parquet'."]),
        (
            "source: {parqet: a.parquet}\n",
            ["1:10: source: 'parqet' is not known as a source. Did you mean 'parquet'?"],
        ),
        (
            "source: {kafka: ticks}\n",
            ["1:10: source: 'kafka' is not known as a source. Known names: parquet, csv, ipc, generator."],
        ),
        ("sources: {}\n", ["1:10: sources: an empty mapping, expected a mapping of names to sources."]),
        (
            "source: {generator: tics, rows: -5, late: 1.5, nulls: no, seed: x}\n",
            [
                "1:21: source.generator: found the text 'tics', expected one of ticks, trades, quotes. "
                "Did you mean 'ticks'?",
                "1:33: source.rows: expected a number >= 0, found -5.",
                "1:43: source.late: expected a number <= 1, found 1.5.",
                "1:55: source.nulls: expected a share from 0 to 1, found the text 'no'.",
                "1:65: source.seed: expected a whole number, found the text 'x'.",
            ],
        ),
        ("source: {parquet: 5}\n", ["1:19: source.parquet: expected a path or a list of paths, found the number 5."]),
        (SOURCE + "steps: {filter: price > 0}\n", ["2:8: steps: expected a list of steps, found a mapping (filter)."]),
        (
            SOURCE + "steps:\n- fliter: price > 0\n",
            ["3:3: steps[0]: 'fliter' is not known as a step. Did you mean 'filter'?"],
        ),
        (SOURCE + "steps:\n- filter\n", ["3:3: steps[0]: expected a step, found the text 'filter'."]),
        (SOURCE + "steps:\n- filter:\n", ["3:10: steps[0].filter: expected an expression, as text, found nothing."]),
        (
            SOURCE + "steps:\n- filter: price > 0\n  select: price\n",
            ["4:3: steps[0]: a step has one of 'filter' and 'select', not both."],
        ),
        (
            SOURCE + "steps:\n- require: price > 0\n  reson: none\n",
            ["4:3: steps[0]: the step 'require' has no key 'reson'. Did you mean 'reason'?"],
        ),
        (
            SOURCE + "steps:\n- kernel: ewma\n  alpha: [0.1]\n",
            ["4:10: steps[0].alpha: expected a value of an option, found a list."],
        ),
        (
            SOURCE + "steps:\n- kernel: {name: ewma}\n",
            [
                "3:11: steps[0].kernel: expected a kernel's name, with its options beside it: "
                "{kernel: ewma, alpha: 0.06}, found a mapping (name)."
            ],
        ),
        (SOURCE + "steps:\n- select: []\n", ["3:11: steps[0].select: an empty list, expected at least one column."]),
        (
            SOURCE + "sink: {parquet: out.parquet, compresion: zstd}\n",
            ["2:30: sink: the sink 'parquet' has no key 'compresion'. Did you mean 'compression'?"],
        ),
        (
            SOURCE + "sink: {parquet: out.parquet, strict: 1}\n",
            ["2:38: sink.strict: expected true or false, found the number 1."],
        ),
    ],
)
def test_the_wrong_shape(text: str, expected: list[str]) -> None:
    assert problems(text) == expected


# --- wrong names and values ---


def test_kernels_and_their_options() -> None:
    text = SOURCE + "steps:\n- kernel: ewmaa\n- kernel: ewma\n  alpa: 0.1\n- kernel: midprice\n  alpha: 1\n"
    assert problems(text) == [
        "3:11: steps[0].kernel: unknown kernel 'ewmaa'. Did you mean 'ewma' or 'ema'? `sabot kernels` lists all.",
        "5:9: steps[1].alpa: kernel 'ewma' has no option 'alpa'. Did you mean 'alpha'?",
        "7:10: steps[2].alpha: kernel 'midprice' has no option 'alpha'.",
    ]


def test_a_value_that_the_kernel_refuses_has_its_line() -> None:
    text = SOURCE + "steps:\n- kernel: ewma\n  by: symbol\n  alpha: 7\n"
    assert problems(text) == ["5:10: steps[0].alpha: ewma: option 'alpha' must be in (0, 1], found 7."]


def test_a_column_that_is_missing_has_its_line() -> None:
    [problem] = problems(SOURCE + "steps:\n- kernel: ewma\n  column: prize\n")
    assert problem.startswith("4:11: steps[0].column: ewma: input 'x' needs column 'prize'")
    assert "'price'" in problem


def test_a_file_that_is_missing_has_its_line(tmp_path: Path) -> None:
    [problem] = problems("source: {parquet: none.parquet}\n", folder=tmp_path)
    assert problem.startswith("1:19: source.parquet: ")
    assert "none.parquet" in problem


def test_sources_and_unions() -> None:
    text = (
        "sources:\n  a: {generator: ticks}\n  b: {generator: ticks}\n  c: {generator: ticks}\nsteps:\n- union: [d, b]\n"
    )
    assert problems(text) == [
        "4:3: sources.c: no step uses this source. Add a step 'union: c', or remove the source.",
        "6:11: steps[0].union: unknown source 'd'. Known names: a, b, c.",
    ]
    assert problems(SOURCE + "steps:\n- union: other\n") == [
        "3:10: steps[0].union: unknown source 'other'. Name several under 'sources'."
    ]
    assert problems("sources: {a: {generator: ticks}}\nsteps:\n- union: a\n") == [
        "3:10: steps[0].union: source 'a' cannot take in its own rows."
    ]


def test_all_independent_mistakes_at_once() -> None:
    text = (
        "nam: x\nsource: {generator: tics}\nsteps:\n- kernel: ewmaa\n- filtr: a\nsink: {parquet: 5}\nsink: {csv: a}\n"
    )
    assert [problem.partition(":")[0] for problem in problems(text)] == ["1", "2", "4", "5", "6", "7"]
    text = "sources:\n  a: {parquet: none.parquet}\n  b: {parquet: no.parquet}\nsteps: [{union: b}]\n"
    assert [problem.partition(":")[0] for problem in problems(text)] == ["2", "3"]


def test_the_message_shows_the_lines() -> None:
    with pytest.raises(PipelineError) as caught:
        parse(SOURCE + "steps:\n  - fliter: price > 0\nsnk: {}\n", name="features.yaml")
    assert isinstance(caught.value, SabotError)
    assert str(caught.value) == (
        "features.yaml: 2 problems.\n"
        "features.yaml:3:5: steps[0]: 'fliter' is not known as a step. Did you mean 'filter'?\n"
        "      - fliter: price > 0\n"
        "        ^\n"
        "features.yaml:4:1: a pipeline has no key 'snk'. Did you mean 'sink'?\n"
        "    snk: {}\n"
        "    ^"
    )


def test_an_expression_that_is_wrong_has_its_line() -> None:
    text = SOURCE + "steps:\n- filter: prce > 0\n- filter: price >\n- with_columns: {a: price * volum}\n"
    found = problems(text)
    assert [entry.split(":")[0] for entry in found] == ["3", "4", "5"]
    assert found[0].startswith("3:11: steps[0].filter: ")
    assert "'prce'" in found[0]
    assert found[2].startswith("5:21: steps[2].with_columns.a: ")


def test_overrides_that_cannot_be_applied() -> None:
    text = SOURCE + "steps:\n- kernel: ewma\n"
    assert problems(text, overrides=["steps"]) == ["--set steps: expected KEY.PATH=VALUE, such as steps[0].alpha=0.1."]
    assert problems(text, overrides=["steps[3].alpha=1"]) == [
        "--set steps[3].alpha=1: steps: has 1 entries, the first of which is [0], so there is no [3]."
    ]
    assert problems(text, overrides=["steps.ewma=1", "source.rows.x=1"]) == [
        "--set source.rows.x=1: source.rows: has no entries, so 'x' cannot be set in it.",
        "--set steps.ewma=1: steps: is a list: name an entry by its number, such as [0], not by 'ewma'.",
    ]
    assert problems(text, overrides=["source.rows=[1"])[0].startswith("--set source.rows=[1: this is no YAML")
    assert problems(text, overrides=["source.rows=many"]) == [
        "--set source.rows=many: source.rows: expected a whole number, found the text 'many'."
    ]


DAMAGED = """sources:
  a: &a {parquet: a.parquet, columns: [x, "y"]}
  b: {<<: *a, steps: [{filter: price > 0}]}
steps:
  - union: b
  - {kernel: ewma, alpha: 1e-1, by: 'symbol'}
  - with_columns: {notional: price * volume}
sink: {parquet: out.parquet, strict: true}
"""


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.integers(0, len(DAMAGED)),
    length=st.integers(0, 12),
    inserted=st.text(st.sampled_from("\t\n\x00\u20ac {}[]:,-&*!|>'\"%@`#?~1.e<abkr_") | st.characters(), max_size=6),
    is_json=st.booleans(),
)
def test_damaged_texts_are_read_or_refused(
    start: int, length: int, inserted: str, is_json: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is cut out and put in, what is wrong is told in a PipelineError that has a place in the text."""
    monkeypatch.setattr(building, "Stream", MagicMock())
    text = DAMAGED[:start] + inserted + DAMAGED[start + length :]
    found: Sequence[Problem] = ()
    try:
        parse(text.encode("utf-8", "surrogatepass"), is_json=is_json)
    except PipelineError as error:
        found = error.problems
    for problem in found:
        assert 1 <= problem.place.line <= len(text.splitlines()) + 1
        assert problem.place.column >= 1
