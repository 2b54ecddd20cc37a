"""`sabot report`: the report of a backtest or a sweep, as one HTML file."""

from typing import Annotated

import typer

__all__ = ["report"]

EXAMPLES = """[bold]Examples:[/bold]
sabot report out/
sabot report out/ -o report-of-monday.html"""


def report(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="What a backtest or a sweep wrote into.")],
    output: Annotated[
        str | None,
        typer.Option("-o", "--output", metavar="FILE", help="The file to write; report.html in FOLDER, unless given."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Do not tell where the report is.")] = False,
) -> None:
    """Write the report of a backtest or a sweep: one HTML file that any browser opens, without a network.

    Equity, drawdown, inventory and fills, of all securities and of each, from the files in FOLDER; the results of a
    sweep with a heat map. The file is self-contained and small enough to be sent, whatever the size of the run.
    """
    from sabot.backtest.report import write_report

    path = write_report(folder, output)
    if not quiet:
        typer.echo(f"report: {path} ({path.stat().st_size / 1e6:,.1f} MB)", err=True)
