"""Files by what their names end in: the one table for everything that takes a path."""

import os
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from sabot.errors import OptionError

__all__ = ["FORMATS", "format_of", "open_stream", "write_stream"]

# Format -> the suffixes of its files.
FORMATS: dict[str, tuple[str, ...]] = {
    "parquet": (".parquet", ".pq"),
    "csv": (".csv", ".tsv"),
    "ipc": (".arrow", ".arrows", ".feather", ".ipc"),
}


def format_of(path: str | os.PathLike[str], chosen: str | None = None) -> str:
    """The format of a file, chosen or by the suffix of its name.

    Raises: OptionError, if the suffix says nothing or the format is unknown.
    """
    if chosen is not None:
        if chosen in FORMATS:
            return chosen
        near = get_close_matches(chosen.lower(), FORMATS, 1)
        raise OptionError(
            f"unknown format '{chosen}', expected {' or '.join(FORMATS)}."
            + (f" Did you mean '{near[0]}'?" if near else "")
        )
    name = _name(path)
    for known, suffixes in FORMATS.items():
        if name.endswith(suffixes):
            return known
    if name.endswith((".gz", ".zst", ".bz2", ".xz", ".lz4", ".zip")):
        raise OptionError(
            f"{os.fspath(path)}: compressed files are neither read nor written. Unpack it first; Parquet files are "
            f"compressed inside."
        )
    known_suffixes = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    raise OptionError(
        f"{os.fspath(path)}: the name does not say which format the file has. Let it end in one of "
        f"{known_suffixes}, or name the format: {', '.join(FORMATS)}."
    )


def open_stream(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]], chosen: str | None = None, **options: Any
) -> Any:
    """A stream of the rows of a file, or of several of one format; options are those of Stream.from_<format>."""
    from sabot.stream import Stream

    paths = [path] if isinstance(path, str | os.PathLike) else list(path)
    formats = list(dict.fromkeys(format_of(each, chosen) for each in paths))
    if len(formats) != 1:
        raise OptionError(
            f"{os.fspath(paths[0])} and the files beside it are {' and '.join(formats)}. Read the files of each format "
            f"as a stream, and make a union of these."
        )
    (found,) = formats
    opened: Callable[..., Stream] = getattr(Stream, f"from_{found}")
    return opened(path, **(_implied(paths[0], found) | options))


def write_stream(stream: Any, path: str | os.PathLike[str], chosen: str | None = None, **options: Any) -> Any:
    """Run the stream into a file, and return its summary; options are those of Stream.to_<format>."""
    found = format_of(path, chosen)
    return getattr(stream, f"to_{found}")(path, **(_implied(path, found) | options))


def _name(path: str | os.PathLike[str]) -> str:
    """The last part of a path, or of an address without its options."""
    text = os.fspath(path)
    return Path(text.partition("?")[0] if "://" in text else text).name.lower()


def _implied(path: str | os.PathLike[str], found: str) -> dict[str, Any]:
    """What the suffix says beside the format."""
    tabs = found == "csv" and _name(path).endswith(".tsv")
    return {"delimiter": "\t"} if tabs else {}
