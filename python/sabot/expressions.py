"""Expressions over columns: what filters keep and new columns hold.

An expression is written as text (`"price * volume > 1e6"`), with `sabot.col("price")` and Python's operators, or with
`pyarrow.compute.field`. Each becomes the same tree in the engine, which checks and computes it.
docs/reference/expressions.md lists the functions.
"""

import datetime
import difflib
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, TypeGuard

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError
from sabot.kernel_info import KernelInfo, engine_option
from sabot.registry import KERNELS

__all__ = ["Expr", "KernelExpr", "When", "call", "col", "expr", "kernel", "lit", "name_of", "to_json", "when"]

if TYPE_CHECKING:
    import pyarrow.compute as pc

ExprLike = Any  # Expr, text form, or pyarrow.compute.Expression.


class Expr:
    """An expression: a tree, computed nowhere yet. Made by `col`, `lit`, `expr`, `when` and `kernel`."""

    __slots__ = ("_json", "_name")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, tree: str, name: str | None = None) -> None:
        self._json = tree
        self._name = name

    # --- operators ---

    def __add__(self, other: object) -> "Expr":
        return call("add", self, other)

    def __radd__(self, other: object) -> "Expr":
        return call("add", other, self)

    def __sub__(self, other: object) -> "Expr":
        return call("subtract", self, other)

    def __rsub__(self, other: object) -> "Expr":
        return call("subtract", other, self)

    def __mul__(self, other: object) -> "Expr":
        return call("multiply", self, other)

    def __rmul__(self, other: object) -> "Expr":
        return call("multiply", other, self)

    def __truediv__(self, other: object) -> "Expr":
        return call("divide", self, other)

    def __rtruediv__(self, other: object) -> "Expr":
        return call("divide", other, self)

    def __pow__(self, other: object) -> "Expr":
        return call("power", self, other)

    def __rpow__(self, other: object) -> "Expr":
        return call("power", other, self)

    def __neg__(self) -> "Expr":
        return call("negate", self)

    def __abs__(self) -> "Expr":
        return call("abs", self)

    def __eq__(self, other: object) -> "Expr":  # type: ignore[override]
        return call("equal", self, _not_none(other))

    def __ne__(self, other: object) -> "Expr":  # type: ignore[override]
        return call("not_equal", self, _not_none(other))

    def __lt__(self, other: object) -> "Expr":
        return call("less", self, _not_none(other))

    def __le__(self, other: object) -> "Expr":
        return call("less_equal", self, _not_none(other))

    def __gt__(self, other: object) -> "Expr":
        return call("greater", self, _not_none(other))

    def __ge__(self, other: object) -> "Expr":
        return call("greater_equal", self, _not_none(other))

    def __and__(self, other: object) -> "Expr":
        return call("and", self, other)

    def __rand__(self, other: object) -> "Expr":
        return call("and", other, self)

    def __or__(self, other: object) -> "Expr":
        return call("or", self, other)

    def __ror__(self, other: object) -> "Expr":
        return call("or", other, self)

    def __invert__(self) -> "Expr":
        return call("not", self)

    def __bool__(self) -> bool:
        raise TypeError(
            "an expression is neither true nor false before it meets rows. Use & for and, | for or, ~ for not, each "
            "side in parentheses, and write a < x < b as (a < x) & (x < b)."
        )

    def __contains__(self, value: object) -> bool:
        raise TypeError("write .is_in([...]) or .contains(text) instead of `in`.")

    # --- numbers ---

    def abs(self) -> "Expr":
        """The absolute value."""
        return call("abs", self)

    def sign(self) -> "Expr":
        """-1, 0 or 1."""
        return call("sign", self)

    def sqrt(self) -> "Expr":
        """The square root; NaN below 0."""
        return call("sqrt", self)

    def round(self, digits: int = 0, *, mode: str = "half_to_even") -> "Expr":
        """Rounded to so many decimal digits; mode "half_away_from_zero" rounds a half up in magnitude."""
        return call("round", self, digits=digits, mode=mode)

    def floor(self) -> "Expr":
        """The next integer below, as the same kind of number."""
        return call("floor", self)

    def ceil(self) -> "Expr":
        """The next integer above."""
        return call("ceil", self)

    def trunc(self) -> "Expr":
        """The next integer toward 0."""
        return call("trunc", self)

    def quotient(self, divisor: object) -> "Expr":
        """Integers divided and rounded toward 0."""
        return call("quotient", self, divisor)

    def clip(self, lower: object = None, upper: object = None) -> "Expr":
        """Moved to the nearer bound where it lies outside; null and NaN stay."""
        result = self
        if upper is not None:
            result = call("if_else", self > upper, upper, result)
        return result if lower is None else call("if_else", self < lower, lower, result)

    def ln(self) -> "Expr":
        """The natural logarithm; -inf of 0, NaN below."""
        return call("ln", self)

    def log2(self) -> "Expr":
        """The logarithm to base 2."""
        return call("log2", self)

    def log10(self) -> "Expr":
        """The logarithm to base 10."""
        return call("log10", self)

    def log1p(self) -> "Expr":
        """ln(1 + x), exact for small x."""
        return call("log1p", self)

    def exp(self) -> "Expr":
        """e ** x."""
        return call("exp", self)

    def expm1(self) -> "Expr":
        """e ** x - 1, exact for small x."""
        return call("expm1", self)

    def erfc(self) -> "Expr":
        """The complementary error function."""
        return call("erfc", self)

    # --- missing values, types, choices ---

    def is_null(self) -> "Expr":
        """Whether it is missing. NaN is not."""
        return call("is_null", self)

    def is_not_null(self) -> "Expr":
        """Whether there is a value."""
        return call("is_valid", self)

    def is_nan(self) -> "Expr":
        """Whether it is NaN."""
        return call("is_nan", self)

    def is_finite(self) -> "Expr":
        """Whether it is neither NaN nor infinite."""
        return call("is_finite", self)

    def fill_null(self, value: object) -> "Expr":
        """The value where it is missing."""
        return call("coalesce", self, value)

    def cast(self, data_type: str | pa.DataType) -> "Expr":
        """As another type, such as "int64" or pyarrow.int64(); what does not fit is an error."""
        return call("cast", self, type=str(data_type))

    def is_in(self, values: Iterable[object]) -> "Expr":
        """Whether it is one of the values; null of null."""
        return Expr(_call_json("is_in", [self._json, _list_json(list(values))], {}))

    def between(self, lower: object, upper: object) -> "Expr":
        """Whether lower <= x <= upper."""
        return (self >= lower) & (self <= upper)

    # --- text ---

    def lower(self) -> "Expr":
        """In lower case."""
        return call("lower", self)

    def upper(self) -> "Expr":
        """In upper case."""
        return call("upper", self)

    def length(self) -> "Expr":
        """The number of code points."""
        return call("length", self)

    def trim(self) -> "Expr":
        """Without white space at both ends."""
        return call("trim", self)

    def starts_with(self, pattern: str, *, ignore_case: bool = False) -> "Expr":
        """Whether it begins so."""
        return call("starts_with", self, pattern=pattern, ignore_case=ignore_case)

    def ends_with(self, pattern: str, *, ignore_case: bool = False) -> "Expr":
        """Whether it ends so."""
        return call("ends_with", self, pattern=pattern, ignore_case=ignore_case)

    def contains(self, pattern: str, *, ignore_case: bool = False) -> "Expr":
        """Whether it has the text in it."""
        return call("contains", self, pattern=pattern, ignore_case=ignore_case)

    def replace(self, pattern: str, replacement: str) -> "Expr":
        """With one text in place of another, everywhere."""
        return call("replace", self, pattern=pattern, replacement=replacement)

    def slice(self, start: int, stop: int | None = None) -> "Expr":
        """The code points from `start` to before `stop`; numbers below 0 count from the end."""
        return call("slice", self, start=start) if stop is None else call("slice", self, start=start, stop=stop)

    # --- time: of timestamps, or int64 ns since the epoch ---

    def year(self) -> "Expr":
        """The year."""
        return call("year", self)

    def month(self) -> "Expr":
        """1 to 12."""
        return call("month", self)

    def day(self) -> "Expr":
        """The day of the month, from 1."""
        return call("day", self)

    def weekday(self) -> "Expr":
        """0 is Monday, 6 Sunday."""
        return call("weekday", self)

    def hour(self) -> "Expr":
        """0 to 23."""
        return call("hour", self)

    def minute(self) -> "Expr":
        """0 to 59."""
        return call("minute", self)

    def second(self) -> "Expr":
        """0 to 59."""
        return call("second", self)

    def floor_temporal(self, multiple: int = 1, *, unit: str) -> "Expr":
        """The last multiple of a unit ("second", "minute", "day", ...) at or before."""
        return call("floor_temporal", self, multiple=multiple, unit=unit)

    def ceil_temporal(self, multiple: int = 1, *, unit: str) -> "Expr":
        """The first multiple of a unit at or after."""
        return call("ceil_temporal", self, multiple=multiple, unit=unit)

    def round_temporal(self, multiple: int = 1, *, unit: str) -> "Expr":
        """The nearest multiple of a unit."""
        return call("round_temporal", self, multiple=multiple, unit=unit)

    # --- names and kernels ---

    def alias(self, name: str) -> "Expr":
        """The same under another name, as a column."""
        return Expr(self._json, name)

    def over(self, *keys: str) -> "KernelExpr":
        """The key columns of a kernel."""
        raise OptionError(
            f"over: {self!r} is no kernel. over() follows one: col('price').ewma(alpha=.1).over('symbol')."
        )

    def output(self, name: str) -> "KernelExpr":
        """One of several outputs of a kernel."""
        raise OptionError(f"output: {self!r} is no kernel. output() follows one that has several outputs.")

    def __getattr__(self, name: str) -> Callable[..., "KernelExpr"]:
        """A kernel as a method, on its first input: `col("price").ewma(alpha=0.06)`."""
        info = KERNELS.get(name)
        if info is not None:
            return lambda **given: _kernel(info, {info.inputs[0].role: self}, given)
        known = [entry for entry in dir(Expr) if not entry.startswith("_")] + list(KERNELS)
        near = difflib.get_close_matches(name, known, n=3)
        hint = f" Nearest names: {', '.join(map(repr, near))}." if near else ""
        raise AttributeError(f"an expression has neither a function nor a kernel {name!r}.{hint}")

    def __repr__(self) -> str:
        text = _native.expression_to_text(self._json)
        return text if self._name is None else f"({text}).alias({self._name!r})"

    def __reduce__(self) -> tuple[type["Expr"], tuple[str, str | None]]:
        return Expr, (self._json, self._name)


class KernelExpr(Expr):
    """A kernel in an expression."""

    __slots__ = ("_parts",)

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._parts = dict(parts)
        members = []
        for member, value in self._parts.items():
            if member == "columns":
                trees = ",".join(f"{json.dumps(role)}:{tree}" for role, tree in value.items())
                members.append(f'"columns":{{{trees}}}')
            else:
                members.append(f"{json.dumps(member)}:{json.dumps(value)}")
        super().__init__(_native.expression_from_json("{" + ",".join(members) + "}"))

    def over(self, *keys: str) -> "KernelExpr":
        """With state for each value of these columns; unless called, for each value of the stream's key."""
        return KernelExpr({**self._parts, "over": list(keys)})

    def output(self, name: str) -> "KernelExpr":
        """One of several outputs, by its name or its last word: `output("upper")` of "bb_upper"."""
        return KernelExpr({**self._parts, "output": name})

    def __reduce__(self) -> tuple[Any, ...]:
        return KernelExpr, (self._parts,)


class When:
    """What `when(...).then(...)` gives: more conditions, or the end with `otherwise`."""

    __slots__ = ("_arguments", "_condition")

    def __init__(self, arguments: list[Any], condition: Any) -> None:
        self._arguments = arguments
        self._condition = condition

    def then(self, value: object) -> "Then":
        """The value where the condition is true; text is a literal."""
        return Then([*self._arguments, self._condition, value])


class Then(Expr):
    """A choice so far: null where no condition was true."""

    __slots__ = ("_arguments",)

    def __init__(self, arguments: list[Any]) -> None:
        self._arguments = arguments
        super().__init__(call("case_when", *arguments)._json)

    def when(self, condition: ExprLike) -> When:
        """A further condition, looked at where those before were not true."""
        return When(self._arguments, expr(condition))

    def otherwise(self, value: object) -> Expr:
        """The value where no condition was true."""
        return call("case_when", *self._arguments, value)


def col(name: str) -> Expr:
    """A column by name."""
    if not isinstance(name, str):
        raise TypeError(f"col: the name must be a string, found {type(name).__name__}.")
    return Expr(json.dumps({"column": name}))


def lit(value: object) -> Expr:
    """A value: None, a bool, a number, a string, a time, a duration, or a scalar of numpy or pyarrow."""
    return Expr(_literal_json(value))


def expr(value: ExprLike) -> Expr:
    """An expression from text form, from `pyarrow.compute.field(...)`, or as it is."""
    return value if isinstance(value, Expr) else Expr(to_json(value))


def when(condition: ExprLike) -> When:
    """Choose: `when(col("side") == 1).then(col("volume")).otherwise(-col("volume"))`."""
    return When([], expr(condition))


def kernel(name: str, **given: Any) -> KernelExpr:
    """A kernel by name: `kernel("ofi", bid=col("b"), ask=col("a"), window=5)`.

    Inputs not named are the kernel's default columns. An input is an expression; text is one in text form. Options are
    as in `sabot.fintech`.
    """
    info = KERNELS.get(name)
    if info is None:
        near = difflib.get_close_matches(name, KERNELS, n=3)
        hint = f" Nearest names: {', '.join(map(repr, near))}." if near else ""
        raise OptionError(f"kernel: unknown kernel {name!r}.{hint}")
    return _kernel(info, {}, given)


def call(function: str, *arguments: object, **options: object) -> Expr:
    """A function by name: `call("least", col("bid"), col("ask"))`. Arguments that are no expressions are literals."""
    return Expr(_call_json(function, [_literal_json(argument) for argument in arguments], options))


def to_json(value: ExprLike) -> str:
    """The canonical JSON tree of an expression in any form; a string is text form."""
    if isinstance(value, Expr):
        return _native.expression_from_json(value._json)
    if isinstance(value, str):
        return _native.parse_expression(value)
    if _is_of_arrow(value):
        return _from_arrow(value)
    hint = " Give columns one by one, not as a list." if isinstance(value, list | tuple) else ""
    found = type(value).__name__
    raise TypeError(f"an expression must be text, sabot.col(...), or pyarrow.compute.field(...), found {found}.{hint}")


def name_of(value: ExprLike) -> str | None:
    """The name given by `alias`."""
    return value._name if isinstance(value, Expr) else None


def _is_of_arrow(value: object) -> TypeGuard["pc.Expression"]:
    """Whether it is an expression of pyarrow, whose module, 12 MB, is there if anybody has one."""
    compute = sys.modules.get("pyarrow.compute")
    return compute is not None and isinstance(value, compute.Expression)


def _from_arrow(expression: "pc.Expression") -> str:
    (serialized,) = expression.__reduce__()[1]
    return _native.expression_from_arrow(bytes(serialized))


def _kernel(info: KernelInfo, inputs: Mapping[str, Expr], given: Mapping[str, Any]) -> KernelExpr:
    roles = {entry.role for entry in info.inputs}
    names = {entry.name for entry in info.options}
    columns = dict(inputs)
    options: dict[str, object] = {}
    for name, value in given.items():
        is_column = name in roles and (name not in names or isinstance(value, Expr) or _is_of_arrow(value))
        if is_column:
            columns[name] = expr(value)
        elif name in names:
            options[engine_option(name)] = _option(value)
        else:
            near = difflib.get_close_matches(name, sorted(roles | names), n=3)
            hint = f" Nearest names: {', '.join(map(repr, near))}." if near else ""
            raise OptionError(f"{info.name}: it has neither an option nor an input {name!r}.{hint}")
    parts: dict[str, Any] = {"kernel": info.name}
    if columns:
        parts["columns"] = {role: column._json for role, column in columns.items()}
    if options:
        parts["options"] = options
    return KernelExpr(parts)


def _option(value: object) -> object:
    if isinstance(value, datetime.timedelta):
        return f"{round(value / datetime.timedelta(microseconds=1))}us"
    return value.item() if hasattr(value, "item") else value


def _call_json(function: str, arguments: list[str], options: Mapping[str, object]) -> str:
    text = f'{{"call":{json.dumps(function)},"arguments":[{",".join(arguments)}]'
    return text + (f',"options":{json.dumps(options)}}}' if options else "}")


def _literal_json(value: object) -> str:
    """An argument: an expression as it is, anything else as a literal."""
    if isinstance(value, Expr):
        return value._json
    if _is_of_arrow(value):
        return _from_arrow(value)
    if _is_plain(value):
        return json.dumps({"literal": value})
    if isinstance(value, float):
        return json.dumps({"literal": str(float(value)), "type": "float64"})
    try:
        scalar = value if isinstance(value, pa.Scalar) else pa.scalar(value)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError) as error:
        raise OptionError(f"lit: {value!r} of type {type(value).__name__} is no literal: {error}") from None
    import pyarrow.compute as pc

    return _from_arrow(pc.scalar(scalar))


def _list_json(values: list[object]) -> str:
    if any(isinstance(value, Expr) or _is_of_arrow(value) for value in values):
        raise OptionError("is_in: the values must be literals, found an expression. Compare with == and |.")
    if all(_is_plain(value) for value in values):
        return json.dumps({"literal": values})
    import pyarrow.compute as pc

    in_list = json.loads(_from_arrow(pc.field("x").isin(pa.array(values))))
    return json.dumps(in_list["arguments"][1])


def _is_plain(value: object) -> bool:
    """Whether JSON writes it as it is."""
    if type(value) is float:
        return math.isfinite(value)
    if type(value) is int:
        return -(2**63) <= value < 2**63
    return value is None or type(value) in (bool, str)


def _not_none(value: object) -> object:
    if value is None:
        raise TypeError("nothing compares with None: write .is_null() or .is_not_null().")
    return value
