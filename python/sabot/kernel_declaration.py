"""What a class of PythonKernel declares, checked once, and the options, columns and names its objects are given."""

import inspect
import json
import numbers
import types
import typing
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Union, get_args, get_origin

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError, SnapshotError
from sabot.python_kernel import PythonKernel

__all__ = ["Declaration", "InputDeclaration", "declaration_of", "metadata_of", "spec_of_snapshot"]

OUTPUT_TYPES = (pa.float64(), pa.int64(), pa.bool_(), pa.string())
_TAKEN = {*PythonKernel.__annotations__, *vars(PythonKernel), "column", "update", "compute", "valid"}
_MISSING = object()


@dataclass(frozen=True)
class InputDeclaration:
    """A role that the kernel reads."""

    role: str
    column: str
    is_time: bool


@dataclass(frozen=True)
class OptionDeclaration:
    """An option, with what it may be."""

    name: str
    hint: Any
    default: Any

    def taken(self, kernel: str, value: Any) -> Any:
        """The value as the kernel gets it."""
        for kind in _parts(self.hint):
            found = _of_kind(kind, value)
            if found is not _MISSING:
                return found
        expected = " or ".join(map(_kind_text, _parts(self.hint)))
        raise OptionError(f"{kernel}: option '{self.name}' must be {expected}, found {value!r}.")


@dataclass(frozen=True)
class Declaration:
    """A class that was found good."""

    name: str
    inputs: tuple[InputDeclaration, ...]
    outputs: tuple[tuple[str, pa.DataType], ...]
    options: tuple[OptionDeclaration, ...]
    stateful: bool  # It has update, else compute.

    def options_of(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All options, those left out by their defaults."""
        known = [option.name for option in self.options]
        for name in given:
            if name not in known:
                raise OptionError(f"{self.name}: unknown option '{name}'.{_native.nearest_names(name, known)}")
        values = {}
        for option in self.options:
            value = given.get(option.name, option.default)
            if value is _MISSING:
                raise OptionError(f"{self.name}: option '{option.name}' has no default. Give it: {option.name}=...")
            values[option.name] = option.taken(self.name, value)
        return values

    def columns_of(self, column: str | None, columns: Mapping[str, str] | None) -> dict[str, str]:
        """Role -> column, where they were given."""
        bound = _names("columns", columns)
        roles = [entry.role for entry in self.inputs]
        if column is not None:
            if "x" not in roles or "x" in bound:
                raise OptionError(
                    f"{self.name}: column= is short for columns={{'x': ...}}, which is given as well."
                    if "x" in bound
                    else f"{self.name}: column= is short for input 'x', which it does not have. "
                    f"Bind its inputs ({', '.join(map(repr, roles))}) with columns={{role: column}}."
                )
            bound["x"] = column
        for role in bound:
            if role not in roles:
                near = _native.nearest_names(role, roles)
                raise OptionError(f"{self.name}: columns= names input '{role}', which it does not have.{near}")
        return bound

    def renamed_of(self, outputs: Mapping[str, str] | None) -> dict[str, str]:
        """Output -> name, where they were given."""
        renamed, known = _names("outputs", outputs), [name for name, _ in self.outputs]
        for name in renamed:
            if name not in known:
                near = _native.nearest_names(name, known)
                raise OptionError(f"{self.name}: outputs= names output '{name}', which it does not have.{near}")
        return renamed

    def check(self, kernel: PythonKernel) -> None:
        """The kernel's own check of its options."""
        try:
            kernel.check()
        except OptionError:
            raise
        except ValueError as error:
            raise OptionError(f"{self.name}: {error}") from error


def declaration_of(kind: type[PythonKernel]) -> Declaration:
    """What the class declares, checked when it is first used.

    Raises:  TypeError, if it declares something that a kernel cannot have.
    """
    if kind not in _declared:
        _declared[kind] = _declaration(kind)
    return _declared[kind]


_declared: "weakref.WeakKeyDictionary[type[PythonKernel], Declaration]" = weakref.WeakKeyDictionary()


def _declaration(kind: type[PythonKernel]) -> Declaration:
    name = kind.__name__
    if kind is PythonKernel:
        raise TypeError("PythonKernel is the base of your own kernels. Derive a class from it.")
    stateful = _method_of(kind)
    inputs = tuple(_input(name, role, column) for role, column in _mapping(kind, "inputs").items())
    outputs = tuple(_mapping(kind, "outputs").items())
    for output, kind_of_output in outputs:
        if kind_of_output not in OUTPUT_TYPES:
            allowed = "pa.float64(), pa.int64(), pa.bool_() or pa.string()"
            raise TypeError(f"{name}: output '{output}' must be {allowed}, found {kind_of_output!r}.")
    roles = [entry.role for entry in inputs]
    method = "update" if stateful else "compute"
    _check_parameters(kind, method, (["state", "slots"] if stateful else []), roles)
    if hasattr(kind, "valid"):
        _check_parameters(kind, "valid", [], roles)
    return Declaration(name, inputs, outputs, _options_of(kind), stateful)


def metadata_of(kernel: PythonKernel) -> dict[str, str]:
    """What a snapshot says of the kernel it is of."""
    return {
        "sabot.kernel": type(kernel).__name__,
        "sabot.state_version": str(type(kernel).version),
        "sabot.options": json.dumps(kernel.options),
        "sabot.columns": json.dumps(kernel.columns),
        "sabot.outputs": json.dumps(kernel.renamed),
        "sabot.by": json.dumps(kernel.by),
    }


def spec_of_snapshot(
    kind: type[PythonKernel], schema: pa.Schema
) -> tuple[list[str], dict[str, str], dict[str, str], dict[str, Any]]:
    """Key columns, columns, output names and options of the kernel that a snapshot is of."""
    found = metadata_in(schema)
    if found["sabot.kernel"] != kind.__name__:
        raise SnapshotError(f"{kind.__name__}.restore: the snapshot is of {found['sabot.kernel']}.")
    try:
        by, columns, renamed, options = (
            json.loads(found[f"sabot.{part}"]) for part in ("by", "columns", "outputs", "options")
        )
        return list(by), dict(columns), dict(renamed), dict(options)
    except (ValueError, TypeError):
        raise SnapshotError("the snapshot's metadata is damaged.") from None


def metadata_in(schema: pa.Schema) -> dict[str, str]:
    """What a snapshot says of itself."""
    found = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    for part in ("kernel", "state_version", "options", "columns", "outputs", "by"):
        if f"sabot.{part}" not in found:
            raise SnapshotError(
                f"this table is no snapshot: its metadata has no 'sabot.{part}'. Give what snapshot() returned, with "
                f"its schema's metadata."
            )
    return found


def _names(argument: str, names: Mapping[str, str] | None) -> dict[str, str]:
    if names is None:
        return {}
    if isinstance(names, Mapping) and all(isinstance(name, str) for pair in names.items() for name in pair):
        return dict(names)
    raise TypeError(f"{argument}= must be a dict of names to names, found {names!r}.")


def _method_of(kind: type[PythonKernel]) -> bool:
    """Whether the kernel has state."""
    has_update, has_compute = (callable(getattr(kind, method, None)) for method in ("update", "compute"))
    declares_state = bool(kind.state) or kind.initial_state is not PythonKernel.initial_state
    name = kind.__name__
    if has_update == has_compute:
        both = "both" if has_update else "neither"
        raise TypeError(
            f"{name} has {both} of update and compute. A kernel with state has update(self, state, slots, ...), one "
            f"without has compute(self, ...)."
        )
    if has_update != declares_state:
        todo = "declare state, or write compute(self, ...) instead" if has_update else "write update, or leave it out"
        raise TypeError(f"{name} has {'update, but no' if has_update else 'compute, and'} state: {todo}.")
    return has_update


def _mapping(kind: type[PythonKernel], attribute: str) -> Mapping[str, Any]:
    found = getattr(kind, attribute)
    if not isinstance(found, Mapping) or not found or not all(isinstance(name, str) for name in found):
        raise TypeError(f"{kind.__name__}.{attribute} must be a dict with at least one name, found {found!r}.")
    return found


def _input(kernel: str, role: str, column: Any) -> InputDeclaration:
    if isinstance(column, str):
        return InputDeclaration(role, column, is_time=False)
    if isinstance(column, pa.Field) and column.type in (pa.int64(), pa.float64()):
        return InputDeclaration(role, column.name, is_time=column.type == pa.int64())
    raise TypeError(
        f"{kernel}: input '{role}' must be the name of its default column, or pa.field(name, pa.int64()) for a time, "
        f"found {column!r}."
    )


def _check_parameters(kind: type[PythonKernel], method: str, first: list[str], roles: list[str]) -> None:
    parameters = list(inspect.signature(getattr(kind, method)).parameters.values())[1:]
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return
    names = [parameter.name for parameter in parameters]
    if names[: len(first)] != first or sorted(names[len(first) :]) != sorted(roles):
        expected = ", ".join(["self", *first, *roles])
        raise TypeError(f"{kind.__name__}.{method} takes ({', '.join(['self', *names])}), expected ({expected}).")


def _options_of(kind: type[PythonKernel]) -> tuple[OptionDeclaration, ...]:
    hints = typing.get_type_hints(kind)
    options = []
    for base in reversed(kind.__mro__):
        if base in (object, PythonKernel) or not issubclass(base, PythonKernel):
            continue
        for name in inspect.get_annotations(base):
            if get_origin(hints[name]) is ClassVar or hints[name] is ClassVar:
                continue
            if name in _TAKEN or name.startswith("_"):
                raise TypeError(f"{kind.__name__}: an option cannot be called '{name}'. Choose another name.")
            if not all(_is_kind(part) for part in _parts(hints[name])):
                raise TypeError(
                    f"{kind.__name__}: option '{name}' must be a float, int, bool, str or Literal[...], or one of "
                    f"these `| None`, found {hints[name]!r}. What is no option, annotate as ClassVar."
                )
            options.append(OptionDeclaration(name, hints[name], getattr(kind, name, _MISSING)))
    return tuple({option.name: option for option in options}.values())


def _parts(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _is_kind(part: Any) -> bool:
    return part in (float, int, bool, str, types.NoneType) or get_origin(part) is Literal


def _of_kind(kind: Any, value: Any) -> Any:
    """The value, if it is of the kind."""
    if kind is types.NoneType:
        return None if value is None else _MISSING
    if get_origin(kind) is Literal:
        return value if any(type(each) is type(value) and each == value for each in get_args(kind)) else _MISSING
    if kind is float:
        return float(value) if isinstance(value, numbers.Real) and not isinstance(value, bool) else _MISSING
    if kind is int:
        return int(value) if isinstance(value, numbers.Integral) and not isinstance(value, bool) else _MISSING
    return value if isinstance(value, kind) else _MISSING


def _kind_text(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(repr, get_args(kind)))
    words = {float: "a number", int: "an integer", bool: "True or False", str: "a string", types.NoneType: "None"}
    return words[kind]
