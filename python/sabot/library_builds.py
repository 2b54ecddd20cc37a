"""Libraries of your own in C++, of kernels or of strategies: built by the compiler that is there."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sabot.errors import OptionError, SabotError

__all__ = ["BuildError", "build_library"]

# As Sabot itself is compiled: without them the bits would differ from machine to machine.
_FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-march=x86-64-v2", "-ffp-contract=off", "-fno-math-errno"]
_FLAGS += ["-fno-trapping-math", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"]
_LINK = ["-shared", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-z,defs", "-s"]
# Of Sabot, those that stand on others first. Only what is used is taken of them.
_LIBRARIES = ("backtest", "state", "kernels", "data")


class BuildError(SabotError):
    """The compiler refused a library. The message ends with what it said."""


def build_library(
    command: str,
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None,
    *,
    compiler: str | None,
    flags: Sequence[str],
) -> Path:
    """Compile sources into one library. `command`: how messages begin; the rest as build_kernels has it."""
    paths = [Path(each) for each in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    for path in paths:
        if not path.is_file():
            raise OptionError(f"{command}: {path}: no such file.")
    if not paths:
        raise OptionError(f"{command}: there is no source. Name a .cc file.")
    library = Path(output) if output is not None else paths[0].with_name(f"lib{paths[0].stem}.so")
    words = [*_compiler(command, compiler), *_FLAGS, *flags, *map(str, paths), "-o", str(library), *_LINK]
    done = subprocess.run([*words, *_places(command)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"{command}: {paths[0]}: the compiler refused it.\n{done.stdout}{done.stderr}".rstrip())
    return library


def _compiler(command: str, given: str | None) -> list[str]:
    words = shlex.split(given or os.environ.get("CXX") or "c++")
    if not words or shutil.which(words[0]) is None:
        raise OptionError(
            f"{command}: there is no compiler '{' '.join(words)}'. Install g++ 12 or newer, or name one with "
            f"compiler= (--compiler), or in CXX."
        )
    return words


def _places(command: str) -> list[str]:
    """Where headers and libraries are: Sabot's in this package, Arrow's in pyarrow."""
    package = Path(__file__).resolve().parent
    found = find_spec("sabot")
    for each in (found.submodule_search_locations or ()) if found is not None else ():
        package = Path(each) if (Path(each) / "include").is_dir() else package
    if not (package / "include" / "sabot").is_dir():
        raise OptionError(
            f"{command}: {package} has no headers of Sabot. Install Sabot from its source tree: pip install ."
        )
    import pyarrow as pa

    libraries = [str(package / "lib" / f"libsabot_{name}.a") for name in _LIBRARIES]
    arrow = Path(pa.get_include()).parent
    shared = sorted(arrow.glob("libarrow.so.*"), key=lambda path: len(path.name))[:1]
    return [
        f"-I{package / 'include'}",
        "-isystem",
        pa.get_include(),
        *libraries,
        *map(str, shared),
        "-l:libsleef.so.3",
    ]
