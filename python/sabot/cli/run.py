"""`sabot run`: a pipeline from its source into its sink."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sabot.cli.errors import kept_if_interrupted
from sabot.cli.progress import showing_progress
from sabot.cli.report import tell_summary

if TYPE_CHECKING:
    from sabot.pipeline import Pipeline

__all__ = ["load_pipeline", "run"]

EXAMPLES = """[bold]Examples:[/bold]
sabot run features.yaml
sabot run features.yaml --explain
sabot run features.yaml --set source.parquet=today.parquet --set 'steps[2].alpha=0.1'
sabot run features.yaml --rejects bad.csv -q
sabot run features.yaml --parallelism 4"""


def run(
    pipeline: Annotated[Path, typer.Argument(metavar="PIPELINE", help="YAML, or JSON if its name ends in .json.")],
    explain: Annotated[bool, typer.Option("--explain", help="Check the pipeline and show what would run.")] = False,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY.PATH=VALUE",
            help="Replace a value of the description. The value is YAML; paths in it begin here. May be repeated.",
        ),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Show neither progress nor summary.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Stop with an error at the first rejected row.")] = False,
    rejects: Annotated[
        str | None,
        typer.Option("--rejects", metavar="FILE", help="Keep rejected rows in this CSV file, with place and reason."),
    ] = None,
    parallelism: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Copies of each step that says no number and may have copies."),
    ] = None,
) -> None:
    """Run a pipeline that is written as YAML.

    All mistakes in it are reported before a row flows, each with its line. The sink's file takes its name when it is
    complete. `sabot schema` prints what a pipeline may hold.
    """
    from sabot.errors import OptionError

    loaded = load_pipeline(pipeline, set_ or ())
    if explain:
        typer.echo(loaded.explain())
        if parallelism is not None:
            typer.echo(loaded.stream.options(parallelism=parallelism).explain(tasks=True))
        return
    if loaded.sink is None:
        raise OptionError(f"{pipeline}: there is no sink to run into. Add one, such as sink: {{parquet: out.parquet}}.")
    target = loaded.sink.path
    several = bool(loaded.sink.options.get("rows_per_file"))
    with kept_if_interrupted(target, several=several), showing_progress(loaded.name, quiet=quiet) as show:
        summary = loaded.run(strict=strict or None, rejects=rejects, parallelism=parallelism, progress=show)
    if not quiet:
        kept = rejects or loaded.sink.options.get("rejects")
        tell_summary(loaded.name, summary, target, kept)


def load_pipeline(path: Path, overrides: Sequence[str]) -> "Pipeline":
    """The pipeline of a file; where there is none, the error names those that lie beside it."""
    from sabot.pipeline import load

    try:
        return load(path, overrides=overrides)
    except FileNotFoundError as error:
        if error.filename != str(path):
            raise
        raise FileNotFoundError(error.errno, f"{path}: no such file.{_beside(path)}") from None


def _beside(pipeline: Path) -> str:
    """The pipelines that lie where one was looked for and have names like its."""
    from difflib import get_close_matches

    folder = pipeline.parent
    found = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    names = [name for name in found if name.endswith((".yaml", ".yml", ".json"))]
    near = get_close_matches(pipeline.name, names, n=3)
    return f" Nearest names: {', '.join(map(repr, near))}." if near else ""
