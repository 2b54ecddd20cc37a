"""`sabot diff`: whether two files hold the same bits."""

from typing import Annotated

import typer

from sabot.cli.errors import EXIT_DIFFERENT

__all__ = ["diff"]

EXAMPLES = """[bold]Examples:[/bold]
sabot diff research.parquet live.parquet
sabot diff before.parquet after.csv --by venue
sabot diff a.parquet b.parquet -q && echo the same"""


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A Parquet, CSV or Arrow file, by its suffix.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one; its format may differ.")],
    by: Annotated[str, typer.Option(metavar="COLUMN", help="The column that says whose a row is.")] = "symbol",
    bits: Annotated[
        str,
        typer.Option(metavar="values|exact", help="values: a NaN equals any NaN; exact: only one of the same bits."),
    ] = "values",
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code tells.")] = False,
) -> None:
    """Compare two files row by row, bit by bit, and name the first row that differs.

    Columns are matched by name, rows by number. -0.0 differs from 0.0, null from NaN; a dictionary equals the strings
    it stands for. Leaves with 0 if they are equal, 1 if they differ, 2 if they cannot be compared.
    """
    from sabot.comparison import diff as compare

    found = compare(a, b, by=by, bits=bits)
    if not quiet:
        typer.echo(f"A: {a}\nB: {b}\n{found}")
    if not found.equal:
        raise typer.Exit(EXIT_DIFFERENT)
