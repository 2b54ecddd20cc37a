"""`sabot convert`: a file in another format, or ticks as tick files."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sabot.cli.errors import EXIT_DIFFERENT, kept_if_interrupted
from sabot.cli.progress import seconds_text, showing_progress
from sabot.cli.report import aligned, tell_summary
from sabot.counts import rows_text, securities_text
from sabot.formats import FORMATS

if TYPE_CHECKING:
    from sabot._native import ConvertedTicks

__all__ = ["convert", "split_names"]

EXAMPLES = """[bold]Examples:[/bold]
sabot convert ticks.csv ticks.parquet
sabot convert ticks.csv ticks.parquet --types price=float64 --types side=int8
sabot convert ticks.parquet large.csv --where 'volume > 1000' --columns symbol,price,volume
sabot convert ticks.dat ticks.arrow --from csv --delimiter ';'
sabot convert ticks.xlsx ticks/
sabot convert monday.xlsx tuesday.xlsx ticks/
sabot convert crypto_trades.parquet crypto_quotes.parquet ticks/ --rejects rejects.csv"""

WORKBOOKS = (".xlsx", ".xlsm")
FILES = (*WORKBOOKS, *(suffix for suffixes in FORMATS.values() for suffix in suffixes))
TOLD_ROWS = 40  # Securities of which each has a line.
TOLD = ("security", "rows", "rejected", "reordered", "skipped")
RIGHT = (False, True, True, True, False)  # Numbers.


def split_names(text: str | None) -> list[str] | None:
    """ "a,b" as a list."""
    return [name.strip() for name in text.split(",") if name.strip()] if text else None


def convert(
    source: Annotated[
        list[str], typer.Argument(metavar="IN...", help="A Parquet, CSV or Arrow file, by its suffix; or ticks.")
    ],
    out: Annotated[
        str, typer.Argument(metavar="OUT", help="The same in the other format; or a folder, for tick files.")
    ],
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
    header_row: Annotated[int, typer.Option(help="Of the sheets of a workbook, from 1.")] = 3,
    max_sheets: Annotated[int | None, typer.Option(help="Only the first sheets of a workbook.")] = None,
    max_workers: Annotated[int | None, typer.Option(help="Sheets and files of ticks at a time.")] = None,
    market: Annotated[str | None, typer.Option(help="The sessions that tick files name, such as adx.")] = None,
    month_first: Annotated[bool, typer.Option("--month-first", help="03/04/2024 is 4 March, in ticks.")] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Tick files that were made from other inputs are lost to these.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
) -> None:
    """Write a file in another format: Parquet, CSV or Arrow IPC. Memory stays that of a few batches.

    Rows of a CSV file that cannot be used are counted and left out: too few values, or one that is not of its type.

    A workbook, a folder, or several files are ticks, and so is what goes into a folder (OUT is one, or ends in /): each
    security gets a Parquet file there, with its ticks of all IN joined by time. Files that are up to date are left as
    they are; those that were made from other inputs are not overwritten. The exit status is 1 where a security, a sheet
    or a file could not be converted.
    """
    from sabot.errors import OptionError

    if from_ is None and _is_ticks(source, out):
        options = {"where": where, "columns": columns, "types": types, "delimiter": delimiter, "to": to}
        for name, value in (*options.items(), ("strict", strict)):
            if value:
                raise OptionError(f"--{name} is not for ticks, which go into the folder {out} as they are.")
        ticks = {
            "header_row": header_row,
            "max_sheets": max_sheets,
            "max_workers": max_workers,
            "market": market,
            "day_first": not month_first,
            "overwrite": overwrite,
            "rejects": rejects,
        }
        _convert_ticks(source, out, ticks, quiet=quiet)
    elif header_row != 3 or max_sheets or max_workers or market or month_first or overwrite:
        raise OptionError(
            f"--header-row, --max-sheets, --max-workers, --market, --month-first and --overwrite are for ticks. {out} "
            f"is a file; ticks go into a folder: {out.removesuffix('.parquet')}/"
        )
    else:
        if len(source) > 1:
            raise OptionError("--from is for one file. Convert the files one by one.")
        options = {"columns": columns, "types": types, "delimiter": delimiter, "where": where}
        _convert_file(source[0], out, from_, to, options, rejects, strict=strict, quiet=quiet)


def _is_ticks(sources: list[str], out: str) -> bool:
    several = len(sources) > 1 or Path(sources[0]).is_dir() or sources[0].lower().endswith(WORKBOOKS)
    return several or out.endswith("/") or Path(out).is_dir()


def _convert_ticks(sources: list[str], folder: str, options: dict[str, Any], *, quiet: bool) -> None:
    from sabot.backtest.ticks import converted_ticks
    from sabot.errors import OptionError

    looks_like_file = folder.lower().endswith(FILES) and not Path(folder).is_dir()
    if Path(folder).is_file() or looks_like_file:
        raise OptionError(f"{folder} is a file, and ticks go into a folder, a file a security. Name a folder.")
    started = time.monotonic()
    with kept_if_interrupted(folder, several=True), showing_progress("convert", quiet=quiet) as show:

        def told(done: float, rows: int, rejected: int) -> None:
            if show is not None:
                show(_Shown(rows, done, rejected))

        made = converted_ticks(sources, folder, progress=told if show is not None else None, **options)
    failed = [each.error for each in made if each.error is not None]
    if not quiet:
        if len(made) <= TOLD_ROWS:
            for line in aligned([TOLD, *([_cell(getattr(each, name)) for name in TOLD] for each in made)], RIGHT):
                typer.echo(f"  {line}", err=True)
        typer.echo(_ticks_summary(made, time.monotonic() - started, folder, options["rejects"]), err=True)
    for error in failed:
        typer.echo(f"sabot: {error}", err=True)
    if failed:
        raise typer.Exit(EXIT_DIFFERENT)


@dataclass(frozen=True, slots=True)
class _Shown:
    """How far the conversion is, as the bar shows it."""

    rows_read: int
    fraction: float
    rows_rejected: int


def _cell(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value).replace("\n", "\\n")


def _ticks_summary(made: "list[ConvertedTicks]", seconds: float, folder: str, rejects: str | None) -> str:
    """Such as: convert: 4 securities, 100,000 rows, 2 rejected, 1 up to date, 1 failed in 0.25 s: ticks/"""
    rejected = sum(each.rejected for each in made)
    skipped = sum(each.skipped for each in made)
    failed = sum(each.error is not None for each in made)
    files = sum(each.path is not None for each in made)
    parts = [securities_text(files), rows_text(sum(each.rows for each in made))]
    parts += [f"{rejected:,} rejected"] if rejected else []
    parts += [f"{skipped:,} up to date"] if skipped else []
    parts += [f"{failed:,} failed"] if failed else []
    text = f"convert: {', '.join(parts)} in {seconds_text(seconds)}: {folder}"
    if rejected:
        text += f"\nThe rejected rows are in {rejects}." if rejects else "\n--rejects FILE keeps rejected rows."
    return text


def _convert_file(
    source: str,
    out: str,
    from_: str | None,
    to: str | None,
    given: dict[str, Any],
    rejects: str | None,
    *,
    strict: bool,
    quiet: bool,
) -> None:
    from sabot.errors import OptionError
    from sabot.formats import format_of, open_stream, write_stream

    types, delimiter, where = given["types"], given["delimiter"], given["where"]
    found = format_of(source, from_)
    format_of(out, to)
    if found != "csv" and (types or delimiter):
        raise OptionError(f"--types and --delimiter are for CSV, and {source} is read as {found}.")
    if Path(out).exists() and Path(source).exists() and Path(out).samefile(source):
        raise OptionError(f"{out} is the file that is read. Write to another one.")
    options: dict[str, Any] = {"columns": split_names(given["columns"]), "types": _types(types), "delimiter": delimiter}
    stream = open_stream(source, from_, **{name: value for name, value in options.items() if value})
    if where is not None:
        stream = stream.filter(where)
    with kept_if_interrupted(out), showing_progress("convert", quiet=quiet) as show:
        told = {"progress": show, "rejects": rejects, "strict": strict}
        summary = write_stream(stream, out, to, **{name: value for name, value in told.items() if value})
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
