"""The operators of a JobGraph: what each is, and what of it the planner needs to know."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import pyarrow as pa

from sabot.errors import OptionError
from sabot.expressions import to_json
from sabot.fintech_operator import FintechKernelOperator
from sabot.kernel_info import KernelInfo
from sabot.kernels import Kernel, name_of
from sabot.pipeline.problems import did_you_mean
from sabot.registry import CLASSES, KERNELS

__all__ = ["OperatorType", "StreamOperatorNode", "check_unicode", "node_of"]


class OperatorType(Enum):
    """What an operator does."""

    SOURCE = "source"
    MAP = "map"
    FILTER = "filter"
    FLAT_MAP = "flat_map"
    SELECT = "select"
    WITH_COLUMNS = "with_columns"
    RENAME = "rename"
    REQUIRE = "require"
    DATA_QUALITY = "data_quality"
    KEY_BY = "key_by"
    WINDOW = "window"
    AGGREGATE = "aggregate"
    GROUP_BY = "group_by"
    JOIN = "join"
    UNION = "union"
    KERNEL = "kernel"
    SINK = "sink"

    @classmethod
    def _missing_(cls, value: object) -> "OperatorType":
        names = [each.value for each in cls]
        if isinstance(value, str) and value.lower() in names:
            return cls(value.lower())
        raise OptionError(f"unknown type of operator {value!r}.{did_you_mean(str(value), names)}")


# Of these the key columns reach the output as they came.
_KEEPS_COLUMNS = frozenset(
    {
        OperatorType.FILTER,
        OperatorType.REQUIRE,
        OperatorType.DATA_QUALITY,
        OperatorType.KEY_BY,
        OperatorType.WINDOW,
        OperatorType.AGGREGATE,
        OperatorType.GROUP_BY,
        OperatorType.JOIN,
        OperatorType.UNION,
        OperatorType.KERNEL,
    }
)
# The step of a pipeline that an operator with parameters is, named by its type.
_STEPS = (
    OperatorType.FILTER,
    OperatorType.REQUIRE,
    OperatorType.SELECT,
    OperatorType.WITH_COLUMNS,
    OperatorType.RENAME,
    OperatorType.KEY_BY,
    OperatorType.KERNEL,
    OperatorType.DATA_QUALITY,
)


@dataclass(slots=True, eq=False)
class StreamOperatorNode:
    """An operator of a JobGraph. What is changed after it was added is seen by the next plan.

    parallelism:    how many copies of it run.
    stateful:       it remembers rows; with key_by for each key, so that rows of one key go to one copy.
    key_by:         a key column, or a list of them.
    operator_id:    what the job calls it, also in checkpoints; unless given, from its name, or its type and number.
    parameters:     what it does, as a step or a source of a pipeline in YAML: {"filter": "price > 0"}.
    function:       what it does where parameters cannot say it: of a map a Python function, of a source a Stream or
                    Arrow data, of a kernel a kernel object or an operator of create_fintech_operator. It is not part of
                    the job's JSON.
    schema:         of what the function returns, where it is not to be called to learn it.
    keeps_columns:  key columns reach the output unchanged; unless given, what the type promises.
    partitioned_by: of a source: keys that its partitions hold apart.
    ordering:       "place" gives the same bits always; "arrival" takes rows of several inputs as they come.
    Raises:         OptionError, TypeError, if one of them cannot be.
    """

    operator_type: OperatorType
    parallelism: int = 1
    stateful: bool = False
    key_by: str | Sequence[str] | None = None
    name: str | None = None
    operator_id: str | None = None
    parameters: Mapping[str, Any] | None = None
    function: Any = None
    schema: pa.Schema | None = None
    keeps_columns: bool | None = None
    partitioned_by: str | Sequence[str] | None = None
    ordering: str = "place"

    def __post_init__(self) -> None:
        self.operator_type = OperatorType(self.operator_type)
        if isinstance(self.function, FintechKernelOperator) and self.operator_type is OperatorType.KERNEL:
            if self.parameters is not None:
                raise OptionError(f"{self}: the operator brings its parameters; leave parameters= out.")
            self.parameters, self.function = self.function.step, None
        self.check()

    def check(self) -> None:
        """Raise TypeError or OptionError, if a field cannot be."""
        if isinstance(self.parallelism, bool) or not isinstance(self.parallelism, int):
            raise TypeError(f"{self}: parallelism must be a whole number, found {self.parallelism!r}.")
        if not -(2**31) <= self.parallelism < 2**31:
            raise OptionError(f"{self}: parallelism is {self.parallelism}. Use a number of copies, such as 4.")
        for field in ("name", "operator_id"):
            text = getattr(self, field)
            if not isinstance(text, str | None):
                raise TypeError(f"{self}: {field} must be text, found {text!r}.")
            check_unicode(field, text or "")
        if not isinstance(self.stateful, bool) or not isinstance(self.keeps_columns, bool | None):
            raise TypeError(f"{self}: stateful and keeps_columns must be True or False.")
        if not isinstance(self.ordering, str):
            raise TypeError(f"{self}: ordering must be 'place' or 'arrival', found {self.ordering!r}.")
        if not isinstance(self.parameters, Mapping | None):
            raise TypeError(
                f"{self}: parameters must be a mapping, such as {{'filter': 'price > 0'}}, found {self.parameters!r}."
            )
        self._names("key_by")
        self._names("partitioned_by")

    def __str__(self) -> str:
        named = self.operator_id or self.name
        return f"operator '{named}'" if named else f"operator of type {self.operator_type.name}"

    def _names(self, field: str) -> list[str]:
        value = getattr(self, field)
        names = [value] if isinstance(value, str) else [] if value is None else value
        if not isinstance(names, Sequence) or not all(isinstance(name, str) for name in names):
            raise TypeError(f"{self}: {field} must be the name of a column or a list of such names, found {value!r}.")
        for name in names:
            check_unicode(field, name)
        return list(names)

    def keys(self, inherited: Sequence[str] = ()) -> list[str]:
        """The key columns. A kernel that names none has those of a key_by before it (inherited), or 'symbol'."""
        keys = self._names("key_by")
        step = self.parameters or {}
        if self.operator_type is OperatorType.KEY_BY and not keys:
            named = step.get("key_by", [])
            return [named] if isinstance(named, str) else list(named)
        if self.operator_type is not OperatorType.KERNEL or not self._is_keyed_kernel():
            return keys
        own = self.function.by if isinstance(self.function, Kernel) else step.get("by", [])
        own = [own] if isinstance(own, str) else list(own)
        if keys and own and keys != own:
            raise OptionError(f"{self}: key_by is {keys}, but its kernel is by {own}. Name one of them, once.")
        return keys or own or list(inherited) or ["symbol"]

    def row(self, inherited: Sequence[str] = ()) -> dict[str, Any]:
        """What the engine's graph keeps of it."""
        self.check()
        keys = self.keys(inherited)
        if self._is_pair_kernel():
            if self.parallelism > 1:
                raise OptionError(
                    f"{self}: parallelism is {self.parallelism}, but its kernel reads two symbols, whose rows come "
                    f"together in one copy. Use 1."
                )
            keys = []  # Of the plan. The kernel itself is told the column of the symbols.
        keeps = self.operator_type in _KEEPS_COLUMNS if self.keeps_columns is None else self.keeps_columns
        if self.parallelism > 1 and not keys and self._expressions_have_kernels():
            raise OptionError(
                f"{self}: its expressions have kernels, which keep a state a key. Say stateful=True and key_by=, "
                f"or parallelism=1."
            )
        try:
            parameters = json.dumps(dict(self.parameters or {}), allow_nan=False)
        except (TypeError, ValueError) as error:
            raise OptionError(f"{self}: parameters have no JSON: {error}. Use text, numbers, lists, dicts.") from None
        return {
            "name": self.name or "",
            "type": self.operator_type.value,
            "parallelism": self.parallelism,
            "stateful": self.stateful or self._is_keyed_kernel(),
            "key_by": keys,
            "keeps_columns": keeps,
            "ordering": self.ordering,
            "partitioned_by": self._names("partitioned_by"),
            "parameters": parameters,
        }

    def _kernel(self) -> KernelInfo | None:
        if self.operator_type is not OperatorType.KERNEL:
            return None
        if isinstance(self.function, Kernel):
            return self.function.info
        return KERNELS.get(str((self.parameters or {}).get("kernel")))

    def _is_keyed_kernel(self) -> bool:
        info = self._kernel()
        return info is not None and info.stateful

    def _is_pair_kernel(self) -> bool:
        info = self._kernel()
        return info is not None and info.pair

    def _expressions_have_kernels(self) -> bool:
        step = (self.parameters or {}).get(self.operator_type.value)
        values = step.values() if isinstance(step, Mapping) else step if isinstance(step, list) else [step]
        if self.operator_type not in (
            OperatorType.FILTER,
            OperatorType.REQUIRE,
            OperatorType.SELECT,
            OperatorType.WITH_COLUMNS,
        ):
            return False
        try:
            return any('"kernel":' in to_json(value) for value in values if isinstance(value, str))
        except OptionError:
            return False  # What cannot be read is reported where it is run, with its place.


def check_unicode(what: str, text: str) -> None:
    """Raise OptionError, if a text cannot leave Python."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        raise OptionError(f"{what} is {text!r}, which is no Unicode text. Leave the lone surrogates out.")


def node_of(
    name: str, op: Any, operator_type: OperatorType | str | None, fields: Mapping[str, Any]
) -> StreamOperatorNode:
    """The node of an operator that is given by what it does."""
    who = f"operator '{name}'"
    given: dict[str, Any] = {"parameters": None, "function": None}
    if isinstance(op, Mapping):
        kind, given["parameters"] = _type_of_step(who, op), dict(op)
    elif isinstance(op, FintechKernelOperator):
        kind, given["parameters"] = OperatorType.KERNEL, op.step
    elif isinstance(op, Kernel):
        kind, given["function"] = OperatorType.KERNEL, op
    elif isinstance(op, type) and issubclass(op, Kernel):
        kind, given["parameters"] = OperatorType.KERNEL, {"kernel": name_of(op)}
    elif op is None:
        if operator_type is None:
            raise OptionError(
                f"{who}: give what it does (a function, or a step such as {{'filter': 'price > 0'}}), or "
                f"operator_type= for a graph that is only planned."
            )
        kind = OperatorType(operator_type)
    elif isinstance(op, Callable):  # type: ignore[arg-type]
        kind = OperatorType.MAP if operator_type is None else OperatorType(operator_type)
        given["function"] = op
    else:
        hint = f" Write {{'kernel': {op!r}}}." if op in KERNELS or op in CLASSES else ""
        raise TypeError(f"{who}: expected a function, a kernel or a step (a mapping), found {op!r}.{hint}")
    if operator_type is not None and OperatorType(operator_type) is not kind:
        raise OptionError(f"{who} is a {OperatorType(operator_type).value}, but its step is a {kind.value}.")
    return StreamOperatorNode(kind, name=name, **given, **fields)


def _type_of_step(who: str, step: Mapping[str, Any]) -> OperatorType:
    kinds = [kind for kind in _STEPS if kind.value in step]
    if len(kinds) == 1:
        return kinds[0]
    names = [kind.value for kind in _STEPS]
    if kinds:
        raise OptionError(f"{who}: a step is one of '{kinds[0].value}' and '{kinds[1].value}', not both.")
    first = str(next(iter(step), ""))
    raise OptionError(f"{who}: no step is called '{first}'.{did_you_mean(first, names)}")
