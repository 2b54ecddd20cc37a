"""`sabot build-strategy`: strategies of your own in C++ as a library."""

from pathlib import Path
from typing import Annotated

import typer

from sabot.cli.options import Compiler, Flags, Library

__all__ = ["build_strategy"]

EXAMPLES = """[bold]Examples:[/bold]
sabot build-strategy my_strategies.cc
sabot build-strategy my_strategies.cc -o libmine.so --compiler clang++
sabot backtest --strategies libmy_strategies.so --strategy buy_dips --data ticks/"""


def build_strategy(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="C++ with a line SABOT_STRATEGIES(...).")],
    output: Library = None,
    compiler: Compiler = None,
    flag: Flags = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print the library's path.")] = False,
) -> None:
    """Compile strategies of your own into a library that Sabot loads.

    sabot.load_strategies loads it, sabot backtest --strategies, and every process for which the environment variable
    SABOT_STRATEGIES names it (several with ':' between them).
    """
    from sabot.strategy_libraries import build_strategies

    library = build_strategies(sources, output, compiler=compiler, flags=flag or ())
    if not quiet:
        typer.echo(library)
