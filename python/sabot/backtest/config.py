"""Strategies that have names, and the JSON that configures one."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from sabot.errors import OptionError

__all__ = ["ParameterInfo", "StrategyInfo", "load_strategy_config", "strategies", "venue_parameters"]

Config = Mapping[str, Any] | str | os.PathLike[str] | None


class ConfigText(NamedTuple):
    """A configuration as it was when it was read: what a file holds by then is no matter."""

    json: str
    path: str = ""  # Of the file that it comes from; empty: of none.


@dataclass(frozen=True, slots=True)
class ParameterInfo:
    """A key that a configuration may have."""

    name: str
    kind: str  # number, integer, flag or text.
    default: float | int | bool | str | None
    nullable: bool
    values: tuple[str, ...]  # Of a text: those there are; empty: any.
    allowed: str  # In words.
    doc: str


@dataclass(frozen=True, slots=True)
class StrategyInfo:
    """A strategy that has a name."""

    name: str
    summary: str
    source: str  # Of its formula; may be empty.
    parameters: tuple[ParameterInfo, ...]


def strategies() -> list[StrategyInfo]:
    """Every strategy that has a name, with its parameters."""
    from sabot import _native

    return strategies_of(_native.strategies())


def strategies_of(entries: list[dict[str, Any]]) -> list[StrategyInfo]:
    """As the engine describes them."""
    return [StrategyInfo(**{**entry, "parameters": _parameters(entry["parameters"])}) for entry in entries]


def venue_parameters() -> list[ParameterInfo]:
    """What a configuration may say beside its strategy's keys: market, queue, latency, fees, limits."""
    from sabot import _native

    return list(_parameters(_native.venue_parameters()))


def _parameters(entries: list[dict[str, Any]]) -> tuple[ParameterInfo, ...]:
    return tuple(ParameterInfo(**{**entry, "values": tuple(entry["values"])}) for entry in entries)


def load_strategy_config(path: str | os.PathLike[str], strategy: Any = None) -> dict[str, Any]:
    """Read a strategy's configuration: JSON, one object a security, `DEFAULT` for the rest.

    Input:   a file; with `strategy` (a name, or a class derived from Strategy) its keys and values are checked, else
             when it is used.
    Returns: what the file holds.
    Raises:  OptionError, if it is no JSON object, or names a key twice; of a strategy, if a key is unknown or a value
             impossible. The message names file, security, key and what is allowed. FileNotFoundError.
    """
    where = os.fspath(path)
    text = read_config(path)
    try:
        config = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_number)
        if not isinstance(config, dict):
            raise OptionError(f"expected a JSON object with one object a security, found {config!r:.60}.")
        if strategy is not None:
            from sabot.backtest.plan import make_plan

            make_plan(strategy, config)
    except json.JSONDecodeError as error:
        what = f"line {error.lineno}, column {error.colno}: {error.msg}" if text.strip() else "the file is empty"
        raise OptionError(f"{where}: {what}; expected a JSON object with one object a security.") from None
    except OptionError as error:
        raise OptionError(f"{where}: {error}") from None
    except (ValueError, RecursionError) as error:  # An integer of thousands of digits, objects that deep.
        raise OptionError(f"{where}: {error}.") from None
    return config


def read_config(path: str | os.PathLike[str]) -> str:
    """The text of a configuration's file.

    Raises:  OSError; OptionError, if it is not in UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise OptionError(
            f"{os.fspath(path)}: byte {error.start} is not UTF-8; expected JSON, which is. Save the file as UTF-8."
        ) from None


def text_of(config: Config | ConfigText) -> ConfigText:
    """The JSON of a configuration in any form, and the file that it comes from."""
    if isinstance(config, ConfigText):
        return config
    if config is None:
        return ConfigText("{}")
    if isinstance(config, str | os.PathLike):
        return ConfigText(read_config(config), os.fspath(config))
    if not isinstance(config, Mapping):
        raise TypeError(
            f"config must be a dict with one dict a security, or the path of a JSON file, found {config!r}."
        )
    try:
        return ConfigText(json.dumps(dict(config), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise OptionError(f"config: it cannot be written as JSON: {error}.") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise OptionError(f"'{name}' stands twice in one object. Leave one of them out.")
        found[name] = value
    return found


def _no_number(text: str) -> float:
    raise OptionError(f"{text} is no number in JSON. Write null, or leave the key out.")
