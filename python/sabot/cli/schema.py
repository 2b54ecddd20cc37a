"""`sabot schema`: the columns of a file, or what a pipeline may hold."""

import json
from typing import Annotated

import typer

from sabot.cli.report import aligned

__all__ = ["schema"]

EXAMPLES = """[bold]Examples:[/bold]
sabot schema ticks.parquet
sabot schema > pipeline.schema.json"""


def schema(
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A Parquet, CSV or Arrow file, by its suffix.")
    ] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Format of FILE: parquet, csv or ipc.")] = None,
) -> None:
    """Print the columns of a file; without one, the JSON schema of pipelines, which editors complete and check with."""
    if file is None:
        from sabot.pipeline import schema as pipeline_schema

        typer.echo(json.dumps(pipeline_schema(), indent=2))
        return

    from sabot.formats import open_stream

    fields = open_stream(file, from_).schema
    for line in aligned([(field.name, str(field.type)) for field in fields], [False, False]):
        typer.echo(line)
