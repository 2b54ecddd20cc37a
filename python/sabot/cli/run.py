"""`sabot run`: a pipeline from its source into its sink."""

import shlex
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from sabot.cli.errors import EXIT_TERMINATED, kept_if_interrupted
from sabot.cli.progress import showing_progress
from sabot.cli.report import tell_summary

if TYPE_CHECKING:
    from sabot.checkpoint import CheckpointCoordinator
    from sabot.pipeline import Pipeline

__all__ = ["load_pipeline", "run"]

EXAMPLES = """[bold]Examples:[/bold]
sabot run features.yaml
sabot run features.yaml --explain
sabot run features.yaml --set source.parquet=today.parquet --set 'steps[2].alpha=0.1'
sabot run features.yaml --rejects bad.csv -q
sabot run features.yaml --parallelism 4
sabot run features.yaml --checkpoint-dir checkpoints --checkpoint-interval 30
sabot run features.yaml --checkpoint-dir checkpoints --resume"""


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
    kernels: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="A library of kernels of your own: see sabot build-kernel. May be repeated."),
    ] = None,
    checkpoint_dir: Annotated[
        str | None,
        typer.Option(metavar="D", help="Take checkpoints into this folder or S3 address. SIGTERM then ends at one."),
    ] = None,
    checkpoint_interval: Annotated[
        float | None, typer.Option(metavar="S", help="Seconds from one checkpoint to the next: 60, unless given.")
    ] = None,
    checkpoint_keep: Annotated[
        int | None, typer.Option(metavar="N", help="How many checkpoints stay: 3, unless given.")
    ] = None,
    state_cache_mb: Annotated[
        int | None,
        typer.Option(
            metavar="MB", help="Keep state in RocksDB on the local disk, with so much memory for what is used."
        ),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on from the newest checkpoint, or begin where there is none.")
    ] = False,
    savepoint: Annotated[
        str | None,
        typer.Option(metavar="FOLDER", help="Begin from the checkpoint in this folder: see sabot state copy."),
    ] = None,
    drop_state: Annotated[
        list[str] | None,
        typer.Option(metavar="UID", help="Go on without the state of this operator. May be repeated."),
    ] = None,
    new_output: Annotated[
        bool, typer.Option("--new-output", help="Go on into an output of its own, with the rows behind the checkpoint.")
    ] = False,
) -> None:
    """Run a pipeline that is written as YAML.

    All mistakes in it are reported before a row flows, each with its line. The sink's file takes its name when it is
    complete. `sabot schema` prints what a pipeline may hold.

    With --checkpoint-dir a run that died goes on with --resume, and writes the files that it would have written.
    """
    from sabot.errors import OptionError

    coordinator = _coordinator(
        checkpoint_dir,
        state_cache_mb,
        {
            "interval_seconds": checkpoint_interval,
            "keep": checkpoint_keep,
            "resume": resume or None,
            "savepoint": savepoint,
            "drop_state": drop_state,
            "new_output": new_output or None,
        },
    )
    for library in kernels or ():
        from sabot.kernel_libraries import load_kernels

        load_kernels(library)
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
    with (
        kept_if_interrupted(target, several=several, checkpoints=coordinator),
        stopped_by_sigterm(coordinator),
        showing_progress(loaded.name, quiet=quiet) as show,
    ):
        summary = loaded.run(
            strict=strict or None, rejects=rejects, parallelism=parallelism, checkpoints=coordinator, progress=show
        )
    if not quiet:
        kept = rejects or loaded.sink.options.get("rejects")
        tell_summary(loaded.name, summary, target, kept)
    if summary.checkpoints is not None and summary.checkpoints.stopped:
        again = ["sabot", "run", str(pipeline), "--checkpoint-dir", str(checkpoint_dir), "--resume"]
        if state_cache_mb is not None:
            again += ["--state-cache-mb", str(state_cache_mb)]
        text = f"stopped at checkpoint {summary.checkpoints.newest}. Go on with: {shlex.join(again)}"
        typer.echo(f"sabot: {text}", err=True)
        raise typer.Exit(EXIT_TERMINATED)


def _coordinator(
    folder: str | None, state_cache_mb: int | None, options: dict[str, object]
) -> "CheckpointCoordinator | None":
    """Of what the command line says of checkpoints."""
    from sabot.errors import OptionError

    given = {name: value for name, value in options.items() if value not in (None, [])}
    if folder is None:
        if given or state_cache_mb is not None:
            raise OptionError("--resume, --savepoint and the other options of checkpoints need --checkpoint-dir.")
        return None
    from sabot.checkpoint import CheckpointCoordinator
    from sabot.stores import RocksDBBackend

    backend = folder if state_cache_mb is None else RocksDBBackend(path=folder, cache_mb=state_cache_mb)
    return CheckpointCoordinator(backend, **given)  # type: ignore[arg-type]


@contextmanager
def stopped_by_sigterm(coordinator: "CheckpointCoordinator | None") -> Iterator[None]:
    """Let the first SIGTERM end the run at a checkpoint, and the second one at once."""
    if coordinator is None:
        yield
        return

    def stop(_signal: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        coordinator.stop()

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


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
