"""Strategies that are written in Python: what one declares, and how the engine makes one for each security."""

import functools
import inspect
import traceback
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Union, get_args, get_origin

from sabot.errors import OptionError

if TYPE_CHECKING:
    from sabot._native import Fill, Moment, Orders
    from sabot.kernels import Kernel

__all__ = ["Strategy"]

_KINDS = {float: "number", int: "integer", bool: "flag", str: "text"}
_TAKEN = {"features", "on_date", "on_fill", "on_tick"}
_MISSING = inspect.Parameter.empty


class Strategy:
    """What decides on orders. Derive a class from it and write on_tick; each security gets an object of its own.

    Its parameters are annotations with defaults, `quote_size: float = 1_000`. The keys of a configuration set them, and
    they are attributes of the object. A kernel is read by name: `{"vol": RollingStdKernel(column="mid", window=100)}`
    is `moment.vol`.
    """

    def __init__(self, **parameters: Any) -> None:
        known = {each.name: each for each in parameters_of(type(self))}
        _check_known(type(self), parameters, known)
        for name, each in known.items():
            setattr(self, name, parameters.get(name, each.default))

    def features(self) -> "Mapping[str, Kernel]":
        """Kernels that it reads, by the names that a moment has them under. Called once, before the first tick.

        A kernel sees a row a tick, with columns timestamp, price, volume, side, bid, ask, bid_size, ask_size and mid.
        One with several outputs has attributes `name_output`.
        """
        return {}

    def on_tick(self, moment: "Moment", orders: "Orders") -> None:
        """Decide, at each tick of the continuous session. Orders act at the next tick at the earliest."""
        raise NotImplementedError(f"{type(self).__name__} has no on_tick(self, moment, orders). Write it.")

    def on_fill(self, fill: "Fill") -> None:
        """See a fill, before the decision at its tick."""

    def on_date(self) -> None:
        """See that a new date began: orders are cancelled, the position is closed, the book is empty."""


class Parameter(typing.NamedTuple):
    """What a configuration may set."""

    name: str
    kind: str
    nullable: bool
    default: Any
    values: tuple[str, ...]

    def entry(self) -> dict[str, Any]:
        """As the engine takes it."""
        return {**self._asdict(), "values": list(self.values), "default": self.default}


def parameters_of(strategy: Callable[..., Any]) -> list[Parameter]:
    """Of a class: its annotations, unless its own __init__ takes others; of a function: what it takes.

    Of a functools.partial: those of its class or function, without what is bound by position; what is bound by name is
    the default.
    """
    code = _code_of(strategy)
    try:
        found = inspect.signature(strategy).parameters.values()
    except ValueError:  # Such as a function of C.
        raise TypeError(
            f"strategy: what {name_of(strategy)} takes cannot be known. Write a class or a function."
        ) from None
    if inspect.isclass(code) and any(each.kind is each.VAR_KEYWORD for each in found):
        bound = strategy.keywords if isinstance(strategy, functools.partial) else {}
        annotated = {name: (hint, bound.get(name, default)) for name, hint, default in _annotated(code)}
        if code.__init__ is Strategy.__init__:
            _check_known(code, bound, annotated)
        return [_parameter(strategy, name, *each) for name, each in annotated.items()]
    hints = _hints(code.__init__ if inspect.isclass(code) else code, strategy)
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    named = [each for each in found if each.kind in kinds]
    return [_parameter(strategy, each.name, hints.get(each.name, type(each.default)), each.default) for each in named]


def engine_form(strategy: Any) -> tuple[str, list[dict[str, Any]], Callable[[dict[str, Any]], Any]]:
    """Name, parameters, and what makes the strategy of one security: see python/bindings/backtest_strategy.h."""
    check_strategy(strategy)
    name = name_of(strategy)
    return name, [each.entry() for each in parameters_of(strategy)], lambda values: _made(strategy, name, values)


def check_strategy(strategy: Any) -> None:
    """Raises: TypeError, if it is neither a class derived from Strategy nor a function that makes such objects."""
    if isinstance(strategy, Strategy):
        raise TypeError(
            f"strategy: expected a class, found an object of {name_of(type(strategy))}. Each security gets an object "
            f"of its own: give the class."
        )
    if inspect.isclass(strategy) and not issubclass(strategy, Strategy):
        raise TypeError(f"strategy: {strategy.__name__} is not derived from sabot.backtest.Strategy.")
    if not callable(strategy):
        raise TypeError(
            f"strategy must be a name, a class derived from sabot.backtest.Strategy, or a function that returns an "
            f"object of one, found {strategy!r}."
        )


def name_of(strategy: Any) -> str:
    """What a person would call it."""
    code = _code_of(strategy)
    return getattr(code, "__qualname__", None) or type(code).__qualname__


def failure_text(error: BaseException) -> str:
    """Such as: ValueError: no price (on_tick, my_strategy.py line 12)."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if frame.filename != __file__]
    if not own:
        return text
    return f"{text} ({own[-1].name}, {Path(own[-1].filename).name} line {own[-1].lineno})"


def _code_of(strategy: Any) -> Any:
    """The class or function itself; of a functools.partial the one that it calls."""
    return strategy.func if isinstance(strategy, functools.partial) else strategy


def _check_known(kind: type, given: Iterable[str], known: Iterable[str]) -> None:
    for name in given:
        if name not in known:
            raise TypeError(f"{kind.__name__}: there is no parameter '{name}'. It has: {', '.join(known)}.")


def _made(strategy: Callable[..., Any], name: str, values: dict[str, Any]) -> tuple[Strategy, list[str], list[Any]]:
    made = strategy(**values)
    if not isinstance(made, Strategy):
        raise TypeError(f"{name} made {made!r}, which is no object of a class derived from sabot.backtest.Strategy.")
    names, specs = _features(made, name)
    return made, names, specs


def _features(made: Strategy, name: str) -> tuple[list[str], list[Any]]:
    found = made.features()
    if not isinstance(found, Mapping):
        raise TypeError(
            f"{name}.features must return a dict of kernels by their names, such as "
            f"{{'vol': RollingStdKernel(column='mid', window=100)}}, found {found!r:.80}."
        )
    if not found:
        return [], []
    from sabot import _native
    from sabot.kernels import Kernel

    names: list[str] = []
    specs = []
    for feature, kernel in found.items():
        if not isinstance(feature, str) or hasattr(_native.Moment, feature):
            raise TypeError(
                f"{name}.features: {feature!r} cannot be the name of a feature; expected text that is no attribute of "
                f"a moment already. Choose another name."
            )
        if not isinstance(kernel, Kernel):
            raise TypeError(
                f"{name}.features: '{feature}' must be a kernel of sabot.fintech, such as "
                f"RollingStdKernel(column='mid', window=100), found {kernel!r}."
            )
        kernel_name, options, columns, _ = kernel._spec
        outputs = [each.name for each in kernel.info.outputs]
        renamed = {each: feature if len(outputs) == 1 else f"{feature}_{each}" for each in outputs}
        names += renamed.values()
        specs.append((kernel_name, options, columns, renamed))
    return names, specs


def _hints(annotated: Any, strategy: Any) -> dict[str, Any]:
    try:
        return typing.get_type_hints(annotated)
    except Exception as error:  # A text that is no type.
        raise TypeError(
            f"{name_of(strategy)}: an annotation cannot be read: {type(error).__name__}: {error}."
        ) from None


def _annotated(kind: type) -> list[tuple[str, Any, Any]]:
    hints = _hints(kind, kind)
    found = {}
    for base in reversed(kind.__mro__):
        if base is object or base is Strategy:
            continue
        for name in inspect.get_annotations(base):
            if name.startswith("_") or hints[name] is ClassVar or get_origin(hints[name]) is ClassVar:
                continue
            if name in _TAKEN:
                raise TypeError(f"{kind.__name__}: a parameter cannot be called '{name}'. Choose another name.")
            found[name] = (name, hints[name], getattr(kind, name, _MISSING))
    return list(found.values())


def _parameter(strategy: Any, name: str, hint: Any, default: Any) -> Parameter:
    where = name_of(strategy)
    if default is _MISSING:
        raise TypeError(f"{where}: parameter '{name}' has no default. Give it one, which a configuration may replace.")
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kinds = [part for part in parts if part is not types.NoneType]
    values: tuple[str, ...] = ()
    if (
        len(kinds) == 1
        and get_origin(kinds[0]) is Literal
        and all(isinstance(each, str) for each in get_args(kinds[0]))
    ):
        values, kinds = get_args(kinds[0]), [str]
    if len(kinds) != 1 or kinds[0] not in _KINDS:
        raise TypeError(
            f"{where}: parameter '{name}' must be a float, int, bool, str or Literal of strings, or one of these "
            f"`| None`, found {hint!r}. What is no parameter, annotate as ClassVar."
        )
    if not _is_a(default, _KINDS[kinds[0]]):
        shown = f"one of {values}" if values else f"a {kinds[0].__name__}"
        raise TypeError(f"{where}: the default of parameter '{name}' must be {shown}, found {default!r:.60}.")
    if isinstance(default, float) and default != default:
        raise OptionError(f"{where}: the default of parameter '{name}' is not a number. Use None.")
    return Parameter(name, _KINDS[kinds[0]], types.NoneType in parts, default, values)


def _is_a(default: Any, kind: str) -> bool:
    """Whether a default is of its parameter's kind; None is that of one which is always set, or may be null."""
    if default is None:
        return True
    if kind in ("number", "integer"):
        taken: tuple[type, ...] = (int, float) if kind == "number" else (int,)
        return isinstance(default, taken) and not isinstance(default, bool)
    return isinstance(default, bool if kind == "flag" else str)
