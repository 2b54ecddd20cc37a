"""A strategy with its configuration, in whatever form a caller has them, as the engine takes it."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from sabot.backtest.config import Config, ConfigText, text_of
from sabot.errors import OptionError

if TYPE_CHECKING:
    from sabot import _native

__all__ = ["Output", "make_plan", "overrides_of", "resolved_strategy"]

# As the engine has them for equity_interval_sec.
_INTERVAL_LEAST_SEC = 0.001
_INTERVAL_MOST_SEC = 1_000_000_000


class Output(NamedTuple):
    """Where the files of a run go, as the engine takes it."""

    folder: str = ""  # Empty: there are none.
    parquet: bool = False


def resolved_strategy(strategy: Any) -> Any:
    """A name as it is; the class or function of "module:Class".

    Raises:  OptionError, if the text names nothing, or the module cannot be imported.
    """
    if not isinstance(strategy, str):
        return strategy
    module_name, colon, name = strategy.partition(":")
    parts = module_name.split(".")
    if not colon:
        _check_name(strategy)
        return strategy
    if module_name.endswith(".py") or "/" in module_name:
        path = Path(module_name)
        raise OptionError(
            f"strategy: '{strategy}' names a file; expected a module as import has it: "
            f"'{path.stem}:{name or 'Class'}', run from the folder that it is in, or with that folder in PYTHONPATH."
        )
    if not all(map(str.isidentifier, [*parts, *name.split(".")])):
        raise OptionError(
            f"strategy: '{strategy}' is no module and class; expected text such as 'my_strategies:Skewed'."
        )
    found = module = _imported(module_name)
    for part in name.split("."):
        if not hasattr(found, part):
            raise OptionError(f"strategy: module '{module_name}' has no '{name}'.{_strategies_of(module, name)}")
        found = getattr(found, part)
    return found


def overrides_of(market: str | None, equity_interval: timedelta | str | None) -> dict[str, Any]:
    """What goes over the configuration of every security. Raises: OptionError, if the interval cannot be."""
    seconds = None
    if equity_interval is not None:
        from sabot.arguments import nanoseconds

        seconds = nanoseconds("equity_interval", equity_interval) / 1e9
        if not _INTERVAL_LEAST_SEC <= seconds <= _INTERVAL_MOST_SEC:
            raise OptionError(
                f"equity_interval must be at least 1ms and at most {_INTERVAL_MOST_SEC}s, found {equity_interval!r}."
            )
    return {"market": market, "equity_interval_sec": seconds}


def _check_name(strategy: str) -> None:
    """What is no name at all; a name that is unknown is the engine's to tell."""
    if not strategy.strip():
        raise OptionError(
            "strategy: the name is empty; expected one of sabot.backtest.strategies(), or 'module:Class' of one in "
            "Python."
        )
    if "/" in strategy or strategy.endswith(".py"):
        raise OptionError(
            f"strategy: '{strategy}' is a path; expected a name of sabot.backtest.strategies(), or 'module:Class' of "
            f"one in Python."
        )


def _imported(module_name: str) -> Any:
    from importlib import import_module

    from sabot.backtest.strategy import failure_text

    try:
        return import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise OptionError(
                f"strategy: there is no module '{module_name}'. Run from the folder that it is in, or set PYTHONPATH."
            ) from None
        raise OptionError(f"strategy: module '{module_name}' cannot be imported: {failure_text(error)}.") from error
    except SyntaxError as error:
        where = f"{Path(error.filename or module_name).name} line {error.lineno}"
        raise OptionError(f"strategy: module '{module_name}' cannot be imported: {error.msg} ({where}).") from error
    except (Exception, SystemExit) as error:
        raise OptionError(f"strategy: module '{module_name}' cannot be imported: {failure_text(error)}.") from error


def _strategies_of(module: Any, wanted: str) -> str:
    """The end of a message: what a module has in place of what is wanted."""
    import difflib

    from sabot.backtest.strategy import Strategy

    kinds = [name for name, value in vars(module).items() if isinstance(value, type) and issubclass(value, Strategy)]
    names = sorted(name for name in kinds if getattr(module, name) is not Strategy)
    if near := difflib.get_close_matches(wanted, names, n=3):
        return f" Nearest names: {', '.join(map(repr, near))}."
    if not names:
        return " No strategy is defined there."
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f" Strategies there: {', '.join(map(repr, names[:8]))}{more}."


def make_plan(
    strategy: Any, config: Config | ConfigText, overrides: Mapping[str, Any] | None = None
) -> "_native.BacktestPlan":
    """Raises: OptionError, if there is no such strategy, a key is unknown or a value impossible."""
    from sabot import _native

    strategy = resolved_strategy(strategy)
    if not isinstance(strategy, str):
        from sabot.backtest.strategy import engine_form

        strategy = engine_form(strategy)
    text, path = text_of(config)
    given = {name: value for name, value in (overrides or {}).items() if value is not None}
    try:
        return _native.BacktestPlan(strategy, text, given)
    except OptionError as error:
        raise (OptionError(f"{path}: {error}") if path else error) from None
