"""`sabot generate`: a market that was made up."""

import time
from dataclasses import dataclass
from typing import Annotated

import typer

from sabot.cli.errors import kept_if_interrupted
from sabot.cli.progress import seconds_text, showing_progress
from sabot.cli.report import tell_summary
from sabot.counts import counted, rows_text

__all__ = ["generate"]

EXAMPLES = """[bold]Examples:[/bold]
sabot generate ticks.parquet
sabot generate trades.csv --kind trades --rows 10000 --symbols 3
sabot generate hard.parquet --late 0.01 --gaps 0.001 --nulls 0.05 --seed 7
sabot generate ticks.xlsx --symbols 16 --rows 672000"""


def generate(
    out: Annotated[
        str,
        typer.Argument(metavar="OUT", help="A Parquet, CSV or Arrow file, or a tick workbook (.xlsx), by its suffix."),
    ],
    rows: Annotated[int, typer.Option(help="How many rows.")] = 1_000_000,
    symbols: Annotated[int, typer.Option(help="How many symbols: S0000 and so on.")] = 100,
    seed: Annotated[int, typer.Option(help="Another seed gives other rows.")] = 1,
    kind: Annotated[
        str, typer.Option(help="ticks (a trade and the quote standing at it), trades or quotes.")
    ] = "ticks",
    skew: Annotated[float, typer.Option(help="Zipf exponent of the symbols' activity; 0: all alike.")] = 1.0,
    late: Annotated[float, typer.Option(help="Share of rows whose event time lies behind.")] = 0.0,
    gaps: Annotated[float, typer.Option(help="Share of rows before which the feed is silent.")] = 0.0,
    nulls: Annotated[float, typer.Option(help="Share of nulls in each column but symbol and times.")] = 0.0,
    to: Annotated[str | None, typer.Option("--to", help="Format of OUT: parquet, csv or ipc.")] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
) -> None:
    """Make up ticks to try things with. The same options give the same rows, bit for bit."""
    if out.lower().endswith(".xlsx"):
        shape = {"kind": kind != "ticks", "skew": skew != 1.0, "late": late, "gaps": gaps, "nulls": nulls, "to": to}
        _generate_workbook(
            out, rows, symbols, seed, [f"--{name}" for name, given in shape.items() if given], quiet=quiet
        )
        return
    from sabot.formats import format_of, write_stream
    from sabot.stream import Stream

    format_of(out, to)
    stream = Stream.from_generator(
        rows=rows, symbols=symbols, seed=seed, kind=kind, skew=skew, late=late, gaps=gaps, nulls=nulls
    )
    with kept_if_interrupted(out), showing_progress("generate", quiet=quiet) as show:
        summary = write_stream(stream, out, to, **({"progress": show} if show else {}))
    if not quiet:
        tell_summary("generate", summary, out)


def _generate_workbook(out: str, rows: int, symbols: int, seed: int, unknown: list[str], *, quiet: bool) -> None:
    """A sheet a symbol; the rows divided among them."""
    from sabot.backtest.workbooks import generate_tick_workbook
    from sabot.errors import OptionError

    if unknown:
        raise OptionError(
            f"generate: a tick workbook has --rows, --symbols and --seed only, found {', '.join(unknown)}."
        )
    if symbols < 1 or rows < symbols:
        raise OptionError(f"generate: --symbols must be 1 to --rows, found {symbols} symbols and {rows} rows.")

    started = time.monotonic()
    with kept_if_interrupted(out), showing_progress("generate", quiet=quiet) as show:
        ticks = rows // symbols

        def told(done: int, every: int) -> None:
            if show is not None:
                show(_Written(done * ticks, done / every))

        generate_tick_workbook(out, securities=symbols, ticks=ticks, seed=seed, progress=told)
    if not quiet:
        counts = f"{counted(symbols, 'sheet', 'sheets')} of {rows_text(ticks)}"
        typer.echo(f"generate: {counts} in {seconds_text(time.monotonic() - started)}: {out}", err=True)


@dataclass(frozen=True, slots=True)
class _Written:
    """How far the workbook is, as the bar shows it."""

    rows_read: int
    fraction: float
    rows_rejected: int = 0
