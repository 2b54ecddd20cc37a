"""Where a run keeps its state while it works, and where its checkpoints go."""

import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

from sabot import _native
from sabot.errors import OptionError

__all__ = ["MemoryBackend", "RocksDBBackend"]

CACHE_MB_MAX = 1 << 20


@dataclass(frozen=True, slots=True)
class MemoryBackend:
    """State in memory, checkpoints under a path.

    path:   a folder, which is made where it is missing, or an S3 URI.
    Raises: OptionError, if the path is empty.
    """

    path: str | os.PathLike[str]

    def __post_init__(self) -> None:
        _check_path("MemoryBackend", "path", self.path)

    def _state(self) -> "_native.StateOptions | None":
        """What the engine is told of it, beside the folder of checkpoints."""
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RocksDBBackend:
    """State in RocksDB on a local disk, for more of it than memory holds; checkpoints under a path.

    path:           a folder, which is made where it is missing, or an S3 URI.
    cache_mb:       of memory, for the keys used last: of all operators of a run together. RocksDB itself needs up to
                    100 MB beside for each copy of an operator that has state by key.
    working_folder: on a local disk, where the state of a run lies, in a folder of its own that is removed when the run
                    ends; unless given, beside the system's temporary files.
    Raises:         OptionError, if a path is empty or cache_mb is out of its range; and of a run, where this build of
                    the engine has no RocksDB.
    """

    path: str | os.PathLike[str]
    cache_mb: int = 256
    working_folder: str | os.PathLike[str] | None = None

    def __post_init__(self) -> None:
        _check_path("RocksDBBackend", "path", self.path)
        if isinstance(self.cache_mb, bool) or not isinstance(self.cache_mb, int):
            raise TypeError(f"RocksDBBackend: cache_mb must be a whole number, found {self.cache_mb!r}.")
        if not 1 <= self.cache_mb <= CACHE_MB_MAX:
            raise OptionError(f"RocksDBBackend: cache_mb must be from 1 to {CACHE_MB_MAX:,}, found {self.cache_mb}.")
        if self.working_folder is not None:
            _check_path("RocksDBBackend", "working_folder", self.working_folder)
            if "://" in os.fspath(self.working_folder):
                raise OptionError(
                    f"RocksDBBackend: working_folder must be on a local disk, found {os.fspath(self.working_folder)!r}."
                )

    def _state(self) -> "_native.StateOptions | None":
        """What the engine is told of it, beside the folder of checkpoints."""
        folder = self.working_folder or Path(tempfile.gettempdir()) / "sabot-state"
        return _native.StateOptions(backend="rocksdb", folder=os.fspath(folder), cached_bytes=self.cache_mb << 20)


def _check_path(who: str, name: str, path: object) -> None:
    if not isinstance(path, str | os.PathLike):
        raise TypeError(f"{who}: {name} must be a path, found {path!r}.")
    if not os.fspath(path):
        raise OptionError(f"{who}: {name} is empty. Name a folder.")
