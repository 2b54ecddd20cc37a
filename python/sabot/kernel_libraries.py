"""Libraries of kernels of your own in C++: built by the compiler that is there, and loaded while a program runs."""

import os
from collections.abc import Sequence
from pathlib import Path

from sabot.kernel_info import KernelInfo
from sabot.library_builds import BuildError, build_library

__all__ = ["TAKEN", "BuildError", "build_kernels", "load_kernels"]

# Names in sabot.fintech that are no kernels.
TAKEN = ["Chain", "FintechKernelOperator", "Kernel", "chain", "create_fintech_operator", "kernels"]
TAKEN += ["optimal_ac_schedule"]


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
    return build_library("build-kernel", sources, output, compiler=compiler, flags=flags)
