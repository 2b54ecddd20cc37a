"""`sabot build-kernel`: kernels of your own in C++ as a library."""

from pathlib import Path
from typing import Annotated

import typer

from sabot.cli.options import Compiler, Flags, Library

__all__ = ["build_kernel"]

EXAMPLES = """[bold]Examples:[/bold]
sabot build-kernel my_kernels.cc
sabot build-kernel my_kernels.cc -o libmine.so --compiler clang++
sabot run features.yaml --kernels libmy_kernels.so"""


def build_kernel(
    sources: Annotated[list[Path], typer.Argument(metavar="SOURCE...", help="C++ with a line SABOT_KERNELS(...).")],
    output: Library = None,
    compiler: Compiler = None,
    flag: Flags = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not print the library's path.")] = False,
) -> None:
    """Compile kernels of your own, as Sabot's own are compiled, into a library that Sabot loads.

    sabot.load_kernels loads it, sabot run --kernels, and every process for which the environment variable
    SABOT_KERNELS names it (several with ':' between them).
    """
    from sabot.kernel_libraries import build_kernels

    library = build_kernels(sources, output, compiler=compiler, flags=flag or ())
    if not quiet:
        typer.echo(library)
