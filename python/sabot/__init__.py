"""Sabot: a streaming engine for market data on Apache Arrow.

`sabot.fintech` has the kernels as functions on any Arrow data and as objects that keep their state;
`sabot.Stream` reads, computes and writes in bounded memory. The same rows give the same bits either way.
`sabot.execution` plans jobs: operators with parallelism, and the tasks and shuffles they become.

The engine is loaded when the first of its names is used, so that `sabot --help` need not wait for it. Frames of polars
and pandas have the kernels as methods, `frame.sabot.ewma()`, from this import on.
"""

import os
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sabot import errors
from sabot.registration import register

if TYPE_CHECKING:
    from sabot import backtest, checkpoint, execution, expressions, fintech, pipeline, shuffle, stores, testing
    from sabot.api import Stream
    from sabot.app import App
    from sabot.comparison import diff
    from sabot.expressions import Expr, col, expr, kernel, lit, when
    from sabot.kernel_libraries import load_kernels
    from sabot.python_kernel import PythonKernel
    from sabot.slots import previous, rounds
    from sabot.strategy_libraries import load_strategies
    from sabot.verification import verify

    __version__: str

__all__ = [
    "App",
    "Expr",
    "PythonKernel",
    "Stream",
    "__version__",
    "backtest",
    "checkpoint",
    "col",
    "diff",
    "errors",
    "execution",
    "expr",
    "expressions",
    "fintech",
    "kernel",
    "lit",
    "load_kernels",
    "load_strategies",
    "pipeline",
    "previous",
    "rounds",
    "set_max_threads",
    "shuffle",
    "stores",
    "testing",
    "verify",
    "when",
]

# Name -> the module it is in, or is.
_MODULES = {
    "App": "sabot.app",
    "PythonKernel": "sabot.python_kernel",
    "Stream": "sabot.api",
    "backtest": "sabot.backtest",
    "checkpoint": "sabot.checkpoint",
    "diff": "sabot.comparison",
    "execution": "sabot.execution",
    "fintech": "sabot.fintech",
    "expressions": "sabot.expressions",
    "load_kernels": "sabot.kernel_libraries",
    "load_strategies": "sabot.strategy_libraries",
    "pipeline": "sabot.pipeline",
    "shuffle": "sabot.shuffle",
    "stores": "sabot.stores",
    "testing": "sabot.testing",
    "verify": "sabot.verification",
    **dict.fromkeys(("previous", "rounds"), "sabot.slots"),
    **dict.fromkeys(("Expr", "col", "expr", "kernel", "lit", "when"), "sabot.expressions"),
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("sabot")
    elif name == "_native":
        value = _load_engine()
    elif name in _MODULES:
        module = import_module(_MODULES[name])
        value = getattr(module, name, module)
    else:
        raise AttributeError(f"module 'sabot' has no attribute '{name}'")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _load_engine() -> Any:
    try:
        engine = import_module("sabot._native")
    except ImportError as error:
        raise ImportError(_why_not(error)) from error
    engine.check_environment()
    _load_own_libraries(engine)
    return engine


def _load_own_libraries(engine: Any) -> None:
    """Those that the environment variables SABOT_KERNELS and SABOT_STRATEGIES name."""
    if os.environ.get("SABOT_KERNELS"):
        from sabot.kernel_libraries import TAKEN

        _load_named("SABOT_KERNELS", lambda path: engine.load_kernels(path, TAKEN))
    _load_named("SABOT_STRATEGIES", engine.load_strategies)


def _load_named(variable: str, load: Callable[[str], object]) -> None:
    for path in filter(None, os.environ.get(variable, "").split(os.pathsep)):
        try:
            load(path)
        except (errors.SabotError, OSError) as error:
            error.add_note(f"The library is named by the environment variable {variable}.")
            raise


def _why_not(error: ImportError) -> str:
    """What to install, when the engine or a library it links cannot be loaded."""
    from importlib import metadata

    text = str(error)
    if "libarrow" in text or "libparquet" in text:
        wanted = next((line for line in metadata.requires("sabot") or () if line.startswith("pyarrow")), "pyarrow")
        try:
            found = f"version {metadata.version('pyarrow')}"
        except metadata.PackageNotFoundError:
            found = "no pyarrow"
        todo = f"the engine links the Arrow of {wanted}, found {found}. Run: pip install '{wanted}'"
    elif any(library in text for library in ("libsleef", "libtbb", "libcrypto", "librocksdb", "libzip", "libexpat")):
        packages = "libsleef3 libtbb12 libssl3 librocksdb7.8 libzip4 libexpat1"
        todo = f"a system library is missing. On Debian and Ubuntu run: apt-get install {packages}"
    elif isinstance(error, ModuleNotFoundError):
        todo = "the package was not built with its engine. Run `pip install .` in Sabot's source tree"
    else:
        todo = "the engine could not be loaded"
    return f"sabot: {todo} ({text})."


def set_max_threads(threads: int) -> None:
    """Let runs that begin later use at most so many threads; 0 is one a core. No number of threads changes a bit."""
    if threads < 0:
        raise errors.OptionError(f"set_max_threads: threads must be >= 0, found {threads}.")
    from sabot import _native

    _native.set_max_threads(threads)


register()
del register
