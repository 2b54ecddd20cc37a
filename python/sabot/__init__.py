"""Sabot: a streaming engine for market data on Apache Arrow.

`sabot.fintech` has the kernels as functions on any Arrow data and as objects that keep their state;
`sabot.Stream` reads, computes and writes in bounded memory. The same rows give the same bits either way.
"""

from importlib import metadata

from sabot import errors


def _why_not(error: ImportError) -> str:
    """What to install, when the engine or a library it links cannot be loaded."""
    text = str(error)
    if "libarrow" in text or "libparquet" in text:
        wanted = next((line for line in metadata.requires("sabot") or () if line.startswith("pyarrow")), "pyarrow")
        try:
            found = f"version {metadata.version('pyarrow')}"
        except metadata.PackageNotFoundError:
            found = "no pyarrow"
        todo = f"the engine links the Arrow of {wanted}, found {found}. Run: pip install '{wanted}'"
    elif "libsleef" in text or "libtbb" in text:
        todo = "a system library is missing. On Debian and Ubuntu run: apt-get install libsleef3 libtbb12"
    elif isinstance(error, ModuleNotFoundError):
        todo = "the package was not built with its engine. Run `pip install .` in Sabot's source tree"
    else:
        todo = "the engine could not be loaded"
    return f"sabot: {todo} ({text})."


try:
    from sabot import _native
except ImportError as _error:
    raise ImportError(_why_not(_error)) from _error

from sabot import fintech  # noqa: E402
from sabot.api import Stream  # noqa: E402

__all__ = ["Stream", "__version__", "errors", "fintech", "set_max_threads"]

__version__ = metadata.version("sabot")

_native.check_environment()


def set_max_threads(threads: int) -> None:
    """Let runs that begin later use at most so many threads; 0 is one a core. No number of threads changes a bit."""
    if threads < 0:
        raise errors.OptionError(f"set_max_threads: threads must be >= 0, found {threads}.")
    _native.set_max_threads(threads)
