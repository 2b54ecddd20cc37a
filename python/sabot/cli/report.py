"""What a run did, in a line or two on stderr; and tables as text."""

from collections.abc import Sequence
from typing import Any

import typer

from sabot.cli.progress import checkpoints_text, restored_lines, seconds_text
from sabot.counts import rows_text

__all__ = ["aligned", "print_whole", "summary_text", "table_text", "tell_summary"]

_QUALITY_ROWS = 20


def print_whole(table: Any) -> None:
    """Print a table of rich with all that is in it: lines of a narrow terminal wrap, and no figure is cut."""
    from rich.console import Console

    console = Console()
    widest = console.measure(table, options=console.options.update(width=10_000)).maximum
    Console(width=max(console.width, widest)).print(table, crop=False)


def tell_summary(name: str, summary: Any, target: object, rejects: object = None) -> None:
    """Write the summary of a run."""
    typer.echo(summary_text(name, summary, target, rejects), err=True)
    quality = getattr(summary, "quality", None)
    if quality is not None and len(quality):
        typer.echo("Data quality:", err=True)
        for line in table_text(quality.slice(0, _QUALITY_ROWS)):
            typer.echo(f"  {line}", err=True)
        if len(quality) > _QUALITY_ROWS:
            typer.echo(f"  and {len(quality) - _QUALITY_ROWS:,} more", err=True)


def summary_text(name: str, summary: Any, target: object, rejects: object = None) -> str:
    """Such as: features: 1,000 rows read, 990 written, 10 rejected in 0.50 s (2,000 rows/s): out.parquet"""
    rejected = getattr(summary, "rows_rejected", 0)
    rate = f" ({summary.rows_read / summary.seconds:,.0f} rows/s)" if summary.seconds > 0 else ""
    counts = f"{rows_text(summary.rows_read)} read, {summary.rows_written:,} written, {rejected:,} rejected"
    text = f"{name}: {counts} in {seconds_text(summary.seconds)}{rate}: {target}"
    if rejected:
        text += f"\nThe rejected rows are in {rejects}." if rejects else "\n--rejects FILE keeps rejected rows."
    checkpoints = getattr(summary, "checkpoints", None)
    if checkpoints is not None:
        text += f"\n{_sentence(checkpoints)}"
    return text


def _sentence(checkpoints: Any) -> str:
    """Such as: Resumed from checkpoint 1-17 in checkpoints; 12 checkpoints, the newest 2-12 (3,456 bytes in 0.01 s)."""
    parts = [*restored_lines(checkpoints), checkpoints_text(checkpoints)]
    if checkpoints.newest:
        parts[-1] += f", the newest {checkpoints.newest} ({checkpoints.bytes:,} bytes in {checkpoints.seconds:.2f} s)"
    if checkpoints.last_error:
        parts.append(f"the last error: {checkpoints.last_error.rstrip('.')}")
    text = "; ".join(parts)
    return f"{text[0].upper()}{text[1:]}."


def table_text(table: Any) -> list[str]:
    """The lines of a table with its columns' names; numbers to the right."""
    import pyarrow as pa

    cells = [[field.name, *_texts(column)] for field, column in zip(table.schema, table.columns, strict=True)]
    right = [pa.types.is_integer(field.type) or pa.types.is_floating(field.type) for field in table.schema]
    return aligned([list(row) for row in zip(*cells, strict=True)], right)


def aligned(rows: Sequence[Sequence[str]], right: Sequence[bool]) -> list[str]:
    """Rows of texts as lines, two spaces between columns."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def _texts(column: Any) -> list[str]:
    import pyarrow as pa

    try:
        values = column.cast(pa.string()).to_pylist()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        values = [None if value is None else str(value) for value in column.to_pylist()]
    return ["null" if value is None else value.replace("\n", "\\n") for value in values]
