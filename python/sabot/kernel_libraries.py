"""Libraries of kernels of your own in C++: built by the compiler that is there, and loaded while a program runs."""

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from sabot.errors import OptionError, SabotError
from sabot.kernel_info import KernelInfo

__all__ = ["TAKEN", "BuildError", "build_kernels", "load_kernels"]

# Names in sabot.fintech that are no kernels.
TAKEN = ["Chain", "FintechKernelOperator", "Kernel", "chain", "create_fintech_operator", "kernels"]
TAKEN += ["optimal_ac_schedule"]

# As Sabot itself is compiled: without them the bits would differ from machine to machine.
_FLAGS = ["-std=c++20", "-O3", "-DNDEBUG", "-march=x86-64-v2", "-ffp-contract=off", "-fno-math-errno"]
_FLAGS += ["-fno-trapping-math", "-fPIC", "-fvisibility=hidden", "-ffunction-sections", "-fdata-sections"]
_LINK = ["-shared", "-Wl,--exclude-libs,ALL", "-Wl,--gc-sections", "-Wl,--as-needed", "-Wl,-z,defs", "-s"]


class BuildError(SabotError):
    """The compiler refused a library of kernels. The message ends with what it said."""


def load_kernels(path: str | os.PathLike[str]) -> list[KernelInfo]:
    """Add the kernels of a shared library to Sabot's own, for the rest of the process.

    Input:   the library, as `sabot build-kernel` makes it. One that is loaded already changes nothing.
    Returns: its kernels. They are then functions and classes of sabot.fintech, steps of a Stream, methods of
             expressions, and in `sabot.fintech.kernels()`. Snapshots and checkpoints with their state can be read.
    Raises:  OSError, if there is no such file or it cannot be loaded. OptionError, if it is no library of kernels, was
             built for another Sabot, or has a kernel by a name that exists.
    """
    from sabot import _native, fintech
    from sabot.kernels import make_class, make_function
    from sabot.registry import add_kernels

    loaded = add_kernels(_native.load_kernels(os.fspath(path), TAKEN))
    for info in loaded:
        if info.name not in fintech.__all__:
            vars(fintech).update({info.name: make_function(info), info.class_name: make_class(info)})
            fintech.__all__ += [info.name, info.class_name]
    return loaded


def build_kernels(
    sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    output: str | os.PathLike[str] | None = None,
    *,
    compiler: str | None = None,
    flags: Sequence[str] = (),
) -> Path:
    """Compile kernels of your own into a library for load_kernels.

    Input:   the source, or several, of which one has the line SABOT_KERNELS(family, Kernel, ...).
    output:  the library; unless given lib<name of the first source>.so beside that.
    compiler: g++ 12 or newer, or clang++; unless given, that of the environment's CXX, or c++.
    flags:   more flags for it.
    Returns: the library's path.
    Raises:  BuildError, with what the compiler said. OptionError, if there is no compiler, or no source.
    """
    paths = [Path(each) for each in ([sources] if isinstance(sources, str | os.PathLike) else sources)]
    for path in paths:
        if not path.is_file():
            raise OptionError(f"build-kernel: {path}: no such file.")
    if not paths:
        raise OptionError("build-kernel: there is no source. Name a .cc file.")
    library = Path(output) if output is not None else paths[0].with_name(f"lib{paths[0].stem}.so")
    words = [*_compiler(compiler), *_FLAGS, *flags, *map(str, paths), "-o", str(library), *_LINK, *_places()]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BuildError(f"build-kernel: {paths[0]}: the compiler refused it.\n{done.stdout}{done.stderr}".rstrip())
    return library


def _compiler(given: str | None) -> list[str]:
    words = shlex.split(given or os.environ.get("CXX") or "c++")
    if not words or shutil.which(words[0]) is None:
        raise OptionError(
            f"build-kernel: there is no compiler '{' '.join(words)}'. Install g++ 12 or newer, or name one with "
            f"compiler= (--compiler), or in CXX."
        )
    return words


def _places() -> list[str]:
    """Where headers and libraries are: Sabot's in this package, Arrow's in pyarrow."""
    package = Path(__file__).resolve().parent
    found = find_spec("sabot")
    for each in (found.submodule_search_locations or ()) if found is not None else ():
        package = Path(each) if (Path(each) / "include").is_dir() else package
    if not (package / "include" / "sabot").is_dir():
        raise OptionError(
            f"build-kernel: {package} has no headers of Sabot. Install Sabot from its source tree: pip install ."
        )
    import pyarrow as pa

    libraries = [str(package / "lib" / f"libsabot_{name}.a") for name in ("state", "kernels", "data")]
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
