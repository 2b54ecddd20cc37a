"""`sabot head`: the first rows of a file."""

from typing import Annotated

import typer

from sabot.cli.convert import split_names
from sabot.cli.report import table_text

__all__ = ["head"]

EXAMPLES = """[bold]Examples:[/bold]
sabot head ticks.parquet
sabot head ticks.csv -n 3 --columns symbol,price"""


def head(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A Parquet, CSV or Arrow file, by its suffix.")],
    rows: Annotated[int, typer.Option("-n", min=0, help="How many rows.")] = 10,
    columns: Annotated[str | None, typer.Option(metavar="A,B,...", help="Only these columns.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Format of FILE: parquet, csv or ipc.")] = None,
) -> None:
    """Print the first rows of a file."""
    import pyarrow as pa

    from sabot.formats import open_stream

    names = split_names(columns)
    stream = open_stream(file, from_, **({"columns": names} if names else {}))
    batches: list[pa.RecordBatch] = []
    missing = rows
    for batch in stream if missing else ():
        batches.append(batch.slice(0, missing))
        missing -= len(batches[-1])
        if missing == 0:
            break
    for line in table_text(pa.Table.from_batches(batches, stream.schema)):
        typer.echo(line)
