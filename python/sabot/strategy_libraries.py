"""Libraries of strategies of your own in C++: built by the compiler that is there, and loaded while a program runs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from sabot.library_builds import BuildError, build_library

if TYPE_CHECKING:
    from sabot.backtest import StrategyInfo

__all__ = ["BuildError", "build_strategies", "load_strategies"]


def load_strategies(path: str | os.PathLike[str]) -> "list[StrategyInfo]":
    """Add the strategies of a shared library to Sabot's own, for the rest of the process.

    Input:   the library, as `sabot build-strategy` makes it. One that is loaded already changes nothing.
    Returns: its strategies. They then run by their names, and are in `sabot.backtest.strategies()`.
    Raises:  OSError, if there is no such file or it cannot be loaded. OptionError, if it is no library of strategies,
             was built for another Sabot, has a strategy by a name that exists, or one whose parameters cannot be.
    """
    from sabot import _native
    from sabot.backtest.config import strategies_of

    return strategies_of(_native.load_strategies(os.fspath(path)))


def build_strategies(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    compiler: str | None = None,
    flags: Sequence[str] = (),
) -> Path:
    """Compile strategies of your own into a library for load_strategies.

    Input:   the source, or several, of which one has the line SABOT_STRATEGIES(Strategy, ...).
    output:  the library; unless given lib<name of the first source>.so beside that.
    compiler: g++ 12 or newer, or clang++; unless given, that of the environment's CXX, or c++.
    flags:   more flags for it.
    Returns: the library's path.
    Raises:  BuildError, with what the compiler said. OptionError, if there is no compiler, or no source.
    """
    return build_library("build-strategy", sources, output, compiler=compiler, flags=flags)
