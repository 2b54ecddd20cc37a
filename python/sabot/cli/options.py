"""Options that several commands have, written once."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "Compiler",
    "ConfigFile",
    "Flags",
    "HeaderRow",
    "Library",
    "MarketName",
    "MaxSheets",
    "StrategyLibraries",
    "StrategyName",
    "TickData",
    "TicksFolder",
    "find_strategies",
]

TickData = Annotated[
    list[str],
    typer.Option(
        metavar="PATH",
        help="A workbook, a CSV or Parquet file of ticks, a folder of them, or a glob in quotes. May be repeated: what "
        "several have of one security is joined by time.",
    ),
]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="JSON: an object a security, DEFAULT for the rest.")
]
MaxSheets = Annotated[int | None, typer.Option(metavar="N", min=1, help="Only so many securities, the first ones.")]
HeaderRow = Annotated[int, typer.Option(metavar="ROW", min=1, help="Of a workbook's sheets, counted from 1.")]
MarketName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Session times for all securities, over those of the configuration."),
]
TicksFolder = Annotated[
    Path | None,
    typer.Option(metavar="FOLDER", help="Keep converted ticks here; the next run takes what is up to date."),
]
StrategyName = Annotated[
    str, typer.Option(metavar="NAME", help="A strategy by its name, or module:Class of one in Python.")
]
StrategyLibraries = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="Strategies of your own: see sabot build-strategy. May be repeated."),
]

# Of the commands that compile.
Library = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The library: lib<SOURCE>.so beside it, unless given."),
]
Compiler = Annotated[
    str | None, typer.Option(metavar="NAME", help="g++ 12 or newer, or clang++: CXX or c++, unless given.")
]
Flags = Annotated[
    list[str] | None, typer.Option(metavar="FLAG", help="One more flag for the compiler. May be repeated.")
]


def find_strategies(strategy: str, libraries: Iterable[Path] | None) -> None:
    """Lets a strategy be found: in a module of this folder, as with `python -m`, or in libraries, which are loaded.

    Raises: OptionError, if it is no strategy.
    """
    if ":" in strategy:
        sys.path.insert(0, str(Path.cwd()))
    for library in libraries or ():
        from sabot.strategy_libraries import load_strategies

        load_strategies(library)
    _check_strategy(strategy)


def _check_strategy(strategy: str) -> None:
    """What is wrong with a strategy in Python, whoever wrote it: here it is a mistake of who named it."""
    if ":" not in strategy:
        return
    from sabot.backtest.plan import resolved_strategy
    from sabot.backtest.strategy import engine_form
    from sabot.errors import OptionError

    try:
        engine_form(resolved_strategy(strategy))
    except TypeError as error:
        raise OptionError(f"--strategy {strategy}: {error}") from error
