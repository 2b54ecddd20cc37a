"""A strategy with its configuration, in whatever form a caller has them, as the engine takes it."""

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sabot.backtest.config import Config, text_of
from sabot.errors import OptionError

if TYPE_CHECKING:
    from sabot import _native

__all__ = ["Interval", "make_plan", "overrides_of", "resolved_strategy"]

Interval = timedelta | str


def resolved_strategy(strategy: Any) -> Any:
    """A name as it is; the class or function of "module:Class"."""
    if not isinstance(strategy, str) or ":" not in strategy:
        return strategy
    from importlib import import_module

    module_name, _, name = strategy.partition(":")
    try:
        module = import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise OptionError(
            f"strategy: there is no module '{module_name}'. Run from the folder that it is in, or set PYTHONPATH."
        ) from None
    found = module
    for part in name.split("."):
        if not hasattr(found, part):
            raise OptionError(f"strategy: module '{module_name}' has no '{name}'.")
        found = getattr(found, part)
    return found


def overrides_of(market: str | None, equity_interval: Interval | None) -> dict[str, Any]:
    """What goes over the configuration of every security. Raises: OptionError, if the interval is no duration."""
    seconds = None
    if equity_interval is not None:
        from sabot.arguments import nanoseconds

        seconds = nanoseconds("equity_interval", equity_interval) / 1e9
        if not seconds > 0:
            raise OptionError(f"equity_interval must be above 0, found {equity_interval!r}.")
    return {"market": market, "equity_interval_sec": seconds}


def make_plan(strategy: Any, config: Config, overrides: Mapping[str, Any] | None = None) -> "_native.BacktestPlan":
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
