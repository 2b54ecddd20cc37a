"""`sabot verify`: whether a pipeline gives the same bits however it runs."""

from pathlib import Path
from typing import Annotated

import typer

from sabot.cli.errors import EXIT_DIFFERENT

__all__ = ["verify"]

EXAMPLES = """[bold]Examples:[/bold]
sabot verify features.yaml
sabot verify features.yaml --rows 100000 --runs 50 --seed 7
sabot verify features.yaml --parallelism 1,4,16 -q && echo the same bits"""


def verify(
    pipeline: Annotated[Path, typer.Argument(metavar="PIPELINE", help="YAML, or JSON if its name ends in .json.")],
    rows: Annotated[int | None, typer.Option(metavar="N", min=1, help="Only the first rows of each run.")] = None,
    runs: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="How many, beside the sequential one: one a parallelism.")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Of the cuts and the numbers of threads.")] = 1,
    parallelism: Annotated[
        str, typer.Option(metavar="N,N,...", help="How many copies of each step to try.")
    ] = "1,2,3,4,5,6,7",
    threads: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Up to so many threads; all that runs may use, unless given.")
    ] = None,
    by: Annotated[str, typer.Option(metavar="COLUMN", help="The column that says whose a row is.")] = "symbol",
    stop: Annotated[
        bool | None,
        typer.Option("--stop/--no-stop", help="Stop a run at checkpoints and go on; unless said, without --rows."),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY.PATH=VALUE", help="Replace a value of the description, as in sabot run."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing: the exit code tells.")] = False,
) -> None:
    """Run a pipeline in many ways, and compare what comes out bit by bit.

    First one after the other: one thread, one copy of each step. Then with batches cut at random rows, on several
    threads, with several copies; and stopped, failed and resumed, for which its rows go into temporary files.
    Memory does not grow with the rows. Leaves with 0 if all runs give one digest, 1 with the first row, column and both
    values that differ, 2 if the pipeline cannot be run.
    """
    from sabot.cli.run import load_pipeline
    from sabot.verification import VerifiedRun
    from sabot.verification import verify as verified

    def tell(run: VerifiedRun) -> None:
        if not quiet:
            typer.echo(str(run))

    found = verified(
        load_pipeline(pipeline, set_ or ()).stream,
        rows=rows,
        runs=runs,
        seed=seed,
        parallelism=_numbers(parallelism),
        threads=threads,
        by=by,
        stop=stop,
        tell=tell,
    )
    if not quiet:
        typer.echo(str(found))
    if not found.equal:
        raise typer.Exit(EXIT_DIFFERENT)


def _numbers(text: str) -> list[int]:
    from sabot.errors import OptionError

    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise OptionError(f"--parallelism must be numbers, such as 1,2,4, found '{text}'.") from None
