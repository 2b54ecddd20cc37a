"""`sabot state`: what checkpoints hold, each command a look at a folder of them."""

import errno
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sabot.cli.errors import EXIT_DIFFERENT
from sabot.cli.progress import seconds_text
from sabot.cli.report import aligned

if TYPE_CHECKING:
    from sabot.checkpoint import Checkpoint, CheckpointCoordinator

__all__ = ["COMMANDS", "SUMMARY"]

SUMMARY = """Look into checkpoints: what is there, and what each operator remembered.

Every command takes a folder of checkpoints or an S3 address, and changes nothing in it."""

LIST_EXAMPLES = """[bold]Examples:[/bold]
sabot state list checkpoints
sabot state list s3://jobs/features --json"""
SHOW_EXAMPLES = """[bold]Examples:[/bold]
sabot state show checkpoints
sabot state show checkpoints 1-17 --json"""
EXPORT_EXAMPLES = """[bold]Examples:[/bold]
sabot state export checkpoints --uid fast -o fast.parquet
sabot state export checkpoints --checkpoint 1-17 -o state"""
DIFF_EXAMPLES = """[bold]Examples:[/bold]
sabot state diff checkpoints 1-16 1-17
sabot state diff checkpoints other-checkpoints --uid fast"""
COPY_EXAMPLES = """[bold]Examples:[/bold]
sabot state copy checkpoints --to before-the-upgrade
sabot run features.yaml --checkpoint-dir new --savepoint before-the-upgrade"""

Folder = Annotated[str, typer.Argument(metavar="D", help="A folder of checkpoints, or an S3 address.")]
Id = Annotated[str | None, typer.Argument(metavar="ID", help="Of a checkpoint; the newest that can be used.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def list_(folder: Folder, as_json: AsJson = False) -> None:
    """List the checkpoints in a folder, the newest first. Every file is read, to see that it is whole."""
    found = _of(folder).checkpoints()
    if as_json:
        typer.echo(json.dumps([_plain(each) for each in found], indent=2))
        return
    if not found:
        typer.echo(f"There is no checkpoint in {folder}.")
        return
    rows = [["checkpoint", "age", "rows", "bytes", "state"]]
    for each in found:
        if each.valid:
            rows.append([each.id, _age(each), _count(each.rows), f"{each.bytes:,}", "valid"])
        else:
            rows.append([each.id, "", "", "", each.problem])
    for line in aligned(rows, [False, True, True, True, False]):
        typer.echo(line)


def show(folder: Folder, checkpoint: Id = None, as_json: AsJson = False) -> None:
    """Show what a checkpoint holds: operators, where the sources stand, how far the sinks are."""
    found = _usable(_of(folder), checkpoint)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
        return
    typer.echo(f"checkpoint {found.id} of job {found.job}, {_age(found)} old, {found.bytes:,} bytes")
    operators = [
        [each.uid, each.type, ", ".join(each.key_by), str(each.copies), _count(each.rows), f"{each.bytes:,}"]
        for each in found.operators
    ]
    _table("operators", ["uid", "type", "key", "copies", "rows", "bytes"], operators, 3)
    sources = [
        [each.uid, f"{each.partition}", f"{each.offset:,}", _time(each.time), "ended" if each.ended else ""]
        for each in found.sources
    ]
    _table("sources", ["uid", "partition", "offset", "event time (ns)", ""], sources, 1)
    sinks = [
        [each.uid, f"{each.partition}", f"{each.rows:,}", f"{each.durable:,}", f"{each.bytes:,}"]
        for each in found.sinks
    ]
    _table("sinks", ["uid", "partition", "rows", "in complete files", "bytes here"], sinks, 1)


def export(
    folder: Folder,
    out: Annotated[str, typer.Option("--out", "-o", metavar="OUT", help="A file, or without --uid a folder.")],
    uid: Annotated[str | None, typer.Option(metavar="UID", help="Only this operator, into one file.")] = None,
    checkpoint: Annotated[
        str | None, typer.Option(metavar="ID", help="Unless given, the newest that can be used.")
    ] = None,
    to: Annotated[str | None, typer.Option("--to", help="Format: parquet, csv or ipc.")] = None,
) -> None:
    """Write what operators remembered as tables, a row a key: Parquet, CSV or Arrow IPC.

    Kernels that run as one pass have a file each: fast.0.parquet, fast.1.parquet. What Parquet and Arrow files hold of
    a kernel is what Kernel.restore takes.
    """
    from sabot.formats import FORMATS, format_of

    coordinator = _of(folder)
    found = _usable(coordinator, checkpoint)
    chosen = found.operators if uid is None else [found.operator(uid)]
    if uid is None:
        kind = format_of("", to or "parquet")
        Path(out).mkdir(parents=True, exist_ok=True)
        base = Path(out)
    else:
        kind = format_of(out, to)
    for operator in chosen:
        tables = coordinator._tables(found, operator.uid)
        for table, state in enumerate(tables):
            number = f".{table}" if len(tables) > 1 else ""
            if uid is None:
                path = base / f"{operator.uid}{number}{FORMATS[kind][0]}"
            else:
                path = Path(out).with_suffix(f"{number}{Path(out).suffix}")
            _write(state, path, kind)
            typer.echo(f"{operator.uid}: {state.num_rows:,} rows: {path}", err=True)


def diff(
    folder: Folder,
    a: Annotated[str, typer.Argument(metavar="A", help="Of a checkpoint its id; or another folder of checkpoints.")],
    b: Annotated[str | None, typer.Argument(metavar="B", help="The id of another checkpoint.")] = None,
    uid: Annotated[str | None, typer.Option(metavar="UID", help="Only this operator.")] = None,
) -> None:
    """Compare what operators remembered, key by key, bit by bit: of two checkpoints, or of two folders' newest.

    Leaves with 0 if they are equal, 1 if they differ, 2 if they cannot be compared.
    """
    left, right = _of(folder), _of(folder if b is not None else a)
    first = _usable(left, None if b is None else a)
    second = _usable(right, b)
    names = [uid] if uid is not None else _uids(first, second)
    different = False
    for name in names:
        sentences = _compare(left, first, right, second, name)
        different = different or bool(sentences)
        typer.echo(f"{name}: {'equal' if not sentences else 'different'}")
        for sentence in sentences:
            typer.echo("\n".join(f"  {line}" for line in sentence.splitlines()))
    if different:
        raise typer.Exit(EXIT_DIFFERENT)


def copy(
    folder: Folder,
    to: Annotated[str, typer.Option("--to", metavar="FOLDER", help="A folder without checkpoints.")],
    checkpoint: Id = None,
) -> None:
    """Copy a whole checkpoint into a folder of its own: a savepoint, which stays however many come after it.

    `sabot run --savepoint FOLDER` begins from it.
    """
    coordinator = _of(folder)
    found = _usable(coordinator, checkpoint)
    coordinator._store().copy_to(found.id, _into(to)._store())
    typer.echo(f"checkpoint {found.id}: {found.bytes:,} bytes: {to}", err=True)


COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "list": (list_, LIST_EXAMPLES),
    "show": (show, SHOW_EXAMPLES),
    "export": (export, EXPORT_EXAMPLES),
    "diff": (diff, DIFF_EXAMPLES),
    "copy": (copy, COPY_EXAMPLES),
}


def _of(folder: str) -> "CheckpointCoordinator":
    """The checkpoints of a folder that is there. In an object store there are no folders."""
    if "://" not in folder and not Path(folder).is_dir():
        raise FileNotFoundError(errno.ENOENT, "no such folder", folder)
    return _into(folder)


def _into(folder: str) -> "CheckpointCoordinator":
    from sabot.checkpoint import CheckpointCoordinator

    return CheckpointCoordinator(folder)


def _usable(coordinator: "CheckpointCoordinator", checkpoint: str | None) -> "Checkpoint":
    from sabot.errors import DataError

    found = coordinator._chosen(coordinator._store(), checkpoint)
    if not found.valid:
        raise DataError(found.problem)
    return found


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows:,}"


def _uids(a: "Checkpoint", b: "Checkpoint") -> list[str]:
    return list(dict.fromkeys(each.uid for each in (*a.operators, *b.operators)))


def _compare(
    left: "CheckpointCoordinator", a: "Checkpoint", right: "CheckpointCoordinator", b: "Checkpoint", uid: str
) -> list[str]:
    """What differs, a paragraph each; none where nothing does."""
    from sabot.comparison import diff_states

    known = [any(each.uid == uid for each in one.operators) for one in (a, b)]
    if not any(known):
        a.operator(uid)  # Says which there are.
    if not all(known):
        return [f"only {'A' if known[0] else 'B'} has it."]
    one, other = left._tables(a, uid), right._tables(b, uid)
    if len(one) != len(other):
        return [f"{len(one)} tables in A, {len(other)} in B."]
    found = []
    for table, (its, others) in enumerate(zip(one, other, strict=True)):
        sentences = diff_states(its, others, a.operator(uid).key_by)
        found += [f"table {table}: {each}" if len(one) > 1 else each for each in sentences]
    return found


def _write(table: Any, path: Path, kind: str) -> None:
    """With the schema's metadata, by which a kernel knows its state again."""
    if kind == "parquet":
        import pyarrow.parquet

        pyarrow.parquet.write_table(table, path)
    elif kind == "csv":
        import pyarrow.csv

        pyarrow.csv.write_csv(_flat(table), path)
    else:
        import pyarrow.feather

        pyarrow.feather.write_feather(table, path)


def _flat(table: Any) -> Any:
    """Lists as text, which CSV has no type for."""
    import pyarrow as pa

    columns = [
        pa.array([None if value is None else json.dumps(value) for value in column.to_pylist()], pa.string())
        if pa.types.is_nested(column.type)
        else column
        for column in table.columns
    ]
    return pa.table(columns, names=table.column_names)


def _age(checkpoint: "Checkpoint") -> str:
    from datetime import UTC, datetime

    assert checkpoint.created is not None
    return seconds_text(max(0.0, (datetime.now(UTC) - checkpoint.created).total_seconds()))


def _time(nanoseconds: int) -> str:
    return "" if nanoseconds == -(2**63) else str(nanoseconds)  # None was seen yet.


def _plain(checkpoint: "Checkpoint") -> dict[str, Any]:
    from dataclasses import asdict

    plain = {name: value for name, value in asdict(checkpoint).items() if not name.startswith("_")}
    created = checkpoint.created
    return plain | {"valid": checkpoint.valid, "created": None if created is None else created.isoformat()}


def _table(title: str, names: Sequence[str], rows: list[list[str]], numbers_from: int) -> None:
    typer.echo(f"\n{title}" + ("" if rows else ": none"))
    if rows:
        for line in aligned([names, *rows], [cell >= numbers_from for cell in range(len(names))]):
            typer.echo(f"  {line}")
