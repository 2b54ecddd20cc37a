"""Paths that callers write."""

import os
from collections.abc import Iterable, Sequence

__all__ = ["Path", "paths"]

Path = str | os.PathLike[str]


def paths(path: Path | Sequence[Path]) -> list[str]:
    """One or several, as the engine takes them."""
    every = [path] if isinstance(path, str | os.PathLike) else path
    if isinstance(every, bytes) or not isinstance(every, Iterable):
        raise TypeError(f"expected a path or a list of paths, found {path!r}.")
    return [os.fspath(each) for each in every]
