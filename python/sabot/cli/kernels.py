"""`sabot kernels`: what can be computed."""

from itertools import groupby
from typing import Annotated

import typer

__all__ = ["kernels"]

EXAMPLES = """[bold]Examples:[/bold]
sabot kernels
sabot kernels ewma"""


def _names() -> list[str]:
    from sabot.registry import KERNELS

    return list(KERNELS)


def kernels(
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="Explain this one.", autocompletion=_names)] = None,
) -> None:
    """List the kernels, or explain one: its formula, inputs, outputs and options."""
    from sabot.registry import KERNELS

    if name is None:
        width = max(map(len, KERNELS))
        for family, members in groupby(KERNELS.values(), key=lambda info: info.family):
            typer.echo(f"{family.replace('_', ' ').capitalize()}")
            for info in members:
                typer.echo(f"  {info.name:<{width}}  {info.summary}")
            typer.echo()
        return

    from sabot.errors import OptionError
    from sabot.kernel_info import function_help, literal, signature
    from sabot.pipeline.problems import did_you_mean

    if name not in KERNELS:
        raise OptionError(f"unknown kernel '{name}'.{did_you_mean(name, KERNELS)} `sabot kernels` lists all.")
    info = KERNELS[name]
    options = [
        option.name + ("" if option.default is option.empty else f"={literal(option.default)}")
        for option in signature(info, takes_data=False).parameters.values()
    ]
    typer.echo(f"{info.name}(data, *, {', '.join(options)})")
    typer.echo(f"\n{function_help(info).rstrip()}")
