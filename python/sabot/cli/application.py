"""The commands together, and what holds for all of them."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated

import typer

from sabot.cli.backtest import backtest
from sabot.cli.backtest_report import report
from sabot.cli.build_kernel import build_kernel
from sabot.cli.build_strategy import build_strategy
from sabot.cli.convert import convert
from sabot.cli.diff import diff
from sabot.cli.errors import guarded, settings
from sabot.cli.generate import generate
from sabot.cli.head import head
from sabot.cli.kernels import kernels
from sabot.cli.run import run
from sabot.cli.schema import schema
from sabot.cli.state import COMMANDS, SUMMARY
from sabot.cli.sweep import sweep
from sabot.cli.verify import verify

__all__ = ["app"]

app = typer.Typer(
    name="sabot",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

_EXIT_CODES = """[bold]Exit codes:[/bold]
0  done; of [bold]diff[/bold] and [bold]verify[/bold]: equal
1  [bold]diff[/bold] or [bold]verify[/bold] found differences; a security of [bold]backtest[/bold] or
   a simulation of [bold]sweep[/bold] failed
2  an error, told in one message on stderr
130  interrupted by Ctrl-C
143  ended by SIGTERM, with checkpoints at one"""


def _help(command: Callable[..., None]) -> str:
    """The docstring, its paragraphs without the breaks of their lines."""
    return re.sub(r"(?<!\n)\n(?!\n)", " ", inspect.getdoc(command) or "")


def _print_version(wanted: bool) -> None:
    if wanted:
        from sabot import __version__

        typer.echo(f"sabot {__version__}")
        raise typer.Exit


def sabot(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True, callback=_print_version)
    ] = False,
    traceback: Annotated[
        bool, typer.Option("--traceback", envvar="SABOT_DEBUG", help="Show where in Sabot an error came from.")
    ] = False,
) -> None:
    """Sabot: a streaming engine for market data on Apache Arrow.

    Write a pipeline as YAML and run it; look at, convert and compare files. [bold]sabot COMMAND --help[/bold] has
    examples.
    """
    settings.traceback = traceback


app.callback(help=_help(sabot), epilog=_EXIT_CODES)(sabot)
for _command in (
    run,
    backtest,
    sweep,
    report,
    kernels,
    build_kernel,
    build_strategy,
    generate,
    convert,
    head,
    diff,
    verify,
    schema,
):
    app.command(help=_help(_command), epilog=_command.__globals__["EXAMPLES"])(guarded(_command))

_state = typer.Typer(no_args_is_help=True, rich_markup_mode="rich", help=SUMMARY)
for _name, (_look, _examples) in COMMANDS.items():
    _state.command(_name, help=_help(_look), epilog=_examples)(guarded(_look))
app.add_typer(_state, name="state")
