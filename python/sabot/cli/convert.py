"""`sabot convert`: a file in another format."""

from pathlib import Path
from typing import Annotated, Any

import typer

from sabot.cli.errors import kept_if_interrupted
from sabot.cli.progress import showing_progress
from sabot.cli.report import tell_summary

__all__ = ["convert", "split_names"]

EXAMPLES = """[bold]Examples:[/bold]
sabot convert ticks.csv ticks.parquet
sabot convert ticks.csv ticks.parquet --types price=float64 --types side=int8
sabot convert ticks.parquet large.csv --where 'volume > 1000' --columns symbol,price,volume
sabot convert ticks.dat ticks.arrow --from csv --delimiter ';'"""


def split_names(text: str | None) -> list[str] | None:
    """ "a,b" as a list."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


def convert(
    source: Annotated[str, typer.Argument(metavar="IN", help="A Parquet, CSV or Arrow file, by its suffix.")],
    out: Annotated[str, typer.Argument(metavar="OUT", help="The same, in the other format.")],
    from_: Annotated[str | None, typer.Option("--from", help="Format of IN: parquet, csv or ipc.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Format of OUT: parquet, csv or ipc.")] = None,
    where: Annotated[str | None, typer.Option(metavar="EXPR", help="Only the rows for which this is true.")] = None,
    columns: Annotated[str | None, typer.Option(metavar="A,B,...", help="Only these columns.")] = None,
    types: Annotated[
        list[str] | None,
        typer.Option("--types", metavar="COLUMN=TYPE", help="Type of a CSV column, such as float64. May be repeated."),
    ] = None,
    delimiter: Annotated[str | None, typer.Option(help="Between the values of a CSV file that is read.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop with an error at the first bad row.")] = False,
    rejects: Annotated[
        str | None,
        typer.Option("--rejects", metavar="FILE", help="Keep bad rows in this CSV file, with place and reason."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
) -> None:
    """Write a file in another format: Parquet, CSV or Arrow IPC. Memory stays that of a few batches.

    Rows of a CSV file that cannot be used are counted and left out: too few values, or one that is not of its type.
    """
    from sabot.errors import OptionError
    from sabot.formats import format_of, open_stream, write_stream

    found = format_of(source, from_)
    format_of(out, to)
    if found != "csv" and (types or delimiter):
        raise OptionError(f"--types and --delimiter are for CSV, and {source} is read as {found}.")
    if Path(out).exists() and Path(source).exists() and Path(out).samefile(source):
        raise OptionError(f"{out} is the file that is read. Write to another one.")
    options: dict[str, Any] = {"columns": split_names(columns), "types": _types(types), "delimiter": delimiter}
    stream = open_stream(source, from_, **{name: value for name, value in options.items() if value})
    if where is not None:
        stream = stream.filter(where)
    with kept_if_interrupted(out), showing_progress("convert", quiet=quiet) as show:
        given = {"progress": show, "rejects": rejects, "strict": strict}
        summary = write_stream(stream, out, to, **{name: value for name, value in given.items() if value})
    if not quiet:
        tell_summary("convert", summary, out, rejects)


def _types(assignments: list[str] | None) -> dict[str, str]:
    types = {}
    for assignment in assignments or ():
        name, equals, kind = assignment.partition("=")
        if not equals or not name or not kind:
            raise typer.BadParameter(f"expected COLUMN=TYPE, found '{assignment}'.", param_hint="--types")
        types[name] = kind
    return types
