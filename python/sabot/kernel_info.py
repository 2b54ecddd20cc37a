"""What the engine's registry says of a kernel, as data, and the signature and the help that follow from it.

Imports nothing of the engine: the build reads this file to write the type stub of `sabot.fintech`.
"""

import functools
import inspect
import math
import operator
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["InputInfo", "KernelInfo", "OptionInfo", "OutputInfo"]

Option = bool | int | float | str | None

_TYPES: dict[str, Any] = {"bool": bool, "int": int, "float": float, "str": str, "None": None}
_WIDTH = 116


@dataclass(frozen=True, slots=True)
class InputInfo:
    """A role that a kernel reads: `columns={role: column}` binds it to another column."""

    role: str
    column: str
    type: str
    optional: bool
    doc: str


@dataclass(frozen=True, slots=True)
class OutputInfo:
    """A column that a kernel appends: `outputs={name: other}` renames it."""

    name: str
    type: str
    doc: str


@dataclass(frozen=True, slots=True)
class OptionInfo:
    """A parameter of a kernel, by the name it has in Python."""

    name: str
    type: str
    default: Option
    range: str
    doc: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class KernelInfo:
    """One row of the registry."""

    name: str
    class_name: str
    family: str
    summary: str
    formula: str
    nulls: str
    source: str
    stateful: bool
    pair: bool  # It reads two symbols of a stream, which its options name.
    missing: str  # What a row with a missing input gets: "null", "positional" or "fails closed".
    inputs: tuple[InputInfo, ...]
    outputs: tuple[OutputInfo, ...]
    options: tuple[OptionInfo, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> "KernelInfo":
        """The row as the engine gives it."""
        fields = dict(row)
        fields["inputs"] = tuple(InputInfo(**entry) for entry in row["inputs"])
        fields["outputs"] = tuple(OutputInfo(**entry) for entry in row["outputs"])
        fields["options"] = tuple(
            OptionInfo(**{**entry, "name": python_option(entry["name"])}) for entry in row["options"]
        )
        return cls(**fields)


def python_option(name: str) -> str:
    """An option's name in Python, where `lambda` is a keyword."""
    return "lambda_" if name == "lambda" else name


def engine_option(name: str) -> str:
    """An option's name in the engine."""
    return "lambda" if name == "lambda_" else name


def literal(value: Option) -> str:
    """An option's value as Python reads it, where an infinity has no literal of its own."""
    return f'float("{value}")' if isinstance(value, float) and math.isinf(value) else repr(value)


def signature(info: KernelInfo, *, takes_data: bool) -> inspect.Signature:
    """Of the function, or without data of the class."""
    keyword = functools.partial(inspect.Parameter, kind=inspect.Parameter.KEYWORD_ONLY)
    parameters = [inspect.Parameter("data", inspect.Parameter.POSITIONAL_ONLY, annotation=Any)] if takes_data else []
    parameters += [
        keyword("by", default="symbol", annotation=str | Sequence[str]),
        keyword("column", default=None, annotation=str | None),
        keyword("columns", default=None, annotation=Mapping[str, str] | None),
        keyword("outputs", default=None, annotation=Mapping[str, str] | None),
    ]
    for option in info.options:
        annotation = functools.reduce(operator.or_, (_TYPES[part] for part in option.type.split(" | ")))
        default = inspect.Parameter.empty if option.required else option.default
        parameters.append(keyword(option.name, default=default, annotation=annotation))
    return inspect.Signature(parameters, return_annotation=Any if takes_data else None)


def function_help(info: KernelInfo) -> str:
    """The docstring of the function."""
    returns = (
        "data's columns, then the outputs, in the order of its rows and as the kind of table that was given. "
        "Each call starts from fresh state."
    )
    return _help(info, returns)


def class_help(info: KernelInfo) -> str:
    """The docstring of the class."""
    returns = "called with data: data's columns, then the outputs, as the kind of table that was given."
    if info.stateful:
        returns += " The next call goes on where this one stopped."
    return _help(info, returns)


def _help(info: KernelInfo, returns: str) -> str:
    entries = [
        ("Formula", info.formula),
        ("Input", "\n".join(input_line(entry) for entry in info.inputs)),
        ("Output", "\n".join(output_line(entry) for entry in info.outputs)),
        ("Options", "\n".join(option_line(entry) for entry in info.options) or "none"),
        ("Nulls", info.nulls),
        ("Missing", missing_help(info)),
        ("by", keys_help(info)),
        ("columns", columns_help(info)),
        ("outputs", "{output: name} renames outputs."),
        ("Returns", returns),
        ("Raises", RAISES),
        ("Source", info.source),
    ]
    lines = [_entry(label, text) for label, text in entries if text]
    return f"{info.summary}\n\n" + "\n".join(lines) + "\n"


MISSING = (
    "an input that is null, NaN or infinite, or not valid as said above. Such a row gets null outputs and leaves the "
    "state as it was, unless said otherwise above. Outputs are never NaN or infinite: what is undefined is null."
)
# Where not every row with a missing input gets null.
OTHERWISE_MISSING = {
    "positional": "an input that is null, NaN or infinite. Such a row counts like any other, and may get values.",
    "fails closed": "an input that is null, NaN or infinite. Outputs of type bool are never null: where what they need "
    "is missing they say that the row is not safe, unless said otherwise above.",
}
KEYS = (
    "the column, or the columns, whose value is the key: each key has its own state. Strings, integers, and "
    "dictionaries of these. A row with a null key "
)
PAIR = (
    "the column that has the symbols, one. The pair has one state; rows of its two symbols must come in the order of "
    "their times. All other rows, also those with a null symbol, get null and leave no state."
)
RAISES = (
    "SchemaError, if a column is missing or of another type, or an output's name exists already.\n"
    "OptionError, if an option is unknown or out of its range."
)


def missing_help(info: KernelInfo) -> str:
    """What a row with a missing input gets."""
    return OTHERWISE_MISSING.get(info.missing, MISSING)


def keys_help(info: KernelInfo) -> str:
    """What `by` does."""
    if info.pair:
        return PAIR
    if not info.stateful:
        return "ignored: every row is computed by itself."
    answer = "is judged as said above" if info.missing == "fails closed" else "gets null"
    return f"{KEYS}{answer} and leaves no state."


def columns_help(info: KernelInfo) -> str:
    """How inputs are bound to other columns."""
    text = "{role: column} binds inputs to other columns."
    if any(entry.role == "x" for entry in info.inputs):
        text += " column= is short for columns={'x': column}."
    return text


def input_line(entry: InputInfo) -> str:
    """One line of help."""
    needed = ", where it is needed" if entry.optional else ""
    number = "a number" if entry.type == "float64" else "int64 ns since the epoch or a timestamp"
    return f"{entry.role}: column '{entry.column}', {number}{needed}. {entry.doc}"


def output_line(entry: OutputInfo) -> str:
    """One line of help."""
    return f"{entry.name}: {entry.type}. {entry.doc}"


def option_line(entry: OptionInfo) -> str:
    """One line of help."""
    allowed = f", {entry.range}" if entry.range else ""
    if entry.required:
        return f"{entry.name}: {entry.type}{allowed}, must be given. {entry.doc}"
    return f"{entry.name}={literal(entry.default)}: {entry.type}{allowed}. {entry.doc}"


def _entry(label: str, text: str) -> str:
    start = f"{label}:".ljust(9)
    wrapped = [part for line in text.splitlines() for part in textwrap.wrap(line, _WIDTH - 9)]
    return start + f"\n{' ' * 9}".join(wrapped)
