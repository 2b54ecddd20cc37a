"""The generated page of the kernels: every entry is complete, and what it shows is what is computed."""

import re
from dataclasses import replace

import pyarrow as pa
import pytest
from sabot.kernel_info import InputInfo, literal
from sabot.reference import reference
from sabot.reference_examples import as_text, rows_of

from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}


@pytest.fixture(scope="module")
def entries() -> dict[str, str]:
    """Each kernel's part of the page."""
    parts = re.split(r"^### (\w+)\n", reference(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_kernel_and_the_schedule_has_one_entry(entries: dict[str, str]) -> None:
    assert list(entries) == [*INFOS, "optimal_ac_schedule"]


def test_the_contents_link_every_entry(entries: dict[str, str]) -> None:
    page = reference()
    assert [name for name in entries if f"[{name}](#{name})" not in page] == []


@pytest.mark.parametrize("name", INFOS)
def test_an_entry_is_complete(name: str, entries: dict[str, str]) -> None:
    info, text = INFOS[name], entries[name]
    assert info.summary in text
    assert f"```text\n{info.formula}\n```" in text
    assert f"Source: {info.source}" in text
    assert (f"Nulls: {info.nulls}" in text) == bool(info.nulls)
    assert ("Missing: " in text) == (info.missing != "null")
    for entry in info.inputs:
        assert f"- in `{entry.role}`: column '{entry.column}'" in text
    for output in info.outputs:
        assert f"- out `{output.name}`: {output.type}. {output.doc}" in text
    for option in info.options:
        allowed = f", {option.range}" if option.range else ""
        if option.required:
            assert f"- option `{option.name}`: {option.type}{allowed}, must be given. {option.doc}" in text
        else:
            assert f"- option `{option.name}={literal(option.default)}`: {option.type}{allowed}. {option.doc}" in text


@pytest.mark.parametrize("name", INFOS)
def test_an_example_is_what_the_call_gives(name: str, entries: dict[str, str]) -> None:
    info = INFOS[name]
    call, shown = entries[name].partition("```text\n>>> ")[2].partition("\n```")[0].split("\n", 1)
    header = shown.split("\n")[0].split()
    assert header[-len(info.outputs) :] == [output.name for output in info.outputs]
    read = header[: -len(info.outputs)]
    assert [entry.column for entry in info.inputs if not entry.optional and entry.column not in read] == []
    rows = rows_of(info).select([*(["symbol"] if "symbol" not in read else []), *read])
    result = eval(call, {"fintech": fintech, "rows": rows})
    assert as_text(result.select(header)) == shown
    for output in info.outputs:
        assert len(result[output.name].drop_null()) > 0, f"{output.name} has no value in its example"


def test_an_example_by_hand(entries: dict[str, str]) -> None:
    lines = entries["midprice"].partition(">>> ")[2].splitlines()
    assert lines[0] == "fintech.midprice(rows)"
    assert lines[1].split() == ["bid", "ask", "midprice"]
    assert lines[2].split() == ["99.5", "100.5", "100"]
    assert lines[6].split() == ["null", "102", "null"]  # The row whose first input is missing.


def test_numbers_flags_and_strings_as_text() -> None:
    table = pa.table({"n": [1.5, 1e-9, None], "flag": [True, False, None], "s": ["A>B", "none", None], "i": [1, 2, 3]})
    assert as_text(table).splitlines() == [
        "    n   flag     s  i",
        "  1.5   true   A>B  1",
        "1e-09  false  none  2",
        " null   null  null  3",
    ]


def test_a_column_that_no_kernel_had_before_gets_values() -> None:
    new = InputInfo(role="x", column="never_seen", type="float64", optional=False, doc="")
    info = replace(INFOS["ewma"], inputs=(new,))
    assert rows_of(info)["never_seen"].to_pylist() == [1, 2, 3, 4, None, 6, 7, 8, 9, 10]
