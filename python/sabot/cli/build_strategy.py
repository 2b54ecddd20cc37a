"""`sabot build-strategy`: strategies of your own in C++ as a library."""

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["build_strategy"]

EXAMPLES = """[bold]Examples:[/bold]
sabot build-strategy my_strategies.cc
sabot build-strategy my_strategies.cc -o libmine.so --compiler clang++
sabot backtest --strategies libmy_strategies.so --strategy buy_dips --data ticks/"""


def build_strategy(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="C++ with a line SABOT_STRATEGIES(...).")],
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The library: lib<SOURCE>.so beside it, unless given."),
    ] = None,
    compiler: Annotated[
        str | None, typer.Option(metavar="NAME", help="g++ 12 or newer, or clang++: CXX or c++, unless given.")
    ] = None,
    flag: Annotated[
        list[str] | None, typer.Option(metavar="FLAG", help="One more flag for the compiler. May be repeated.")
    ] = None,
) -> None:
    """Compile strategies of your own into a library that Sabot loads.

    sabot.load_strategies loads it, sabot backtest --strategies, and every process for which the environment variable
    SABOT_STRATEGIES names it (several with ':' between them).
    """
    from sabot.strategy_libraries import build_strategies

    typer.echo(build_strategies(sources, output, compiler=compiler, flags=flag or ()))
