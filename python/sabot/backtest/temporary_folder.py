"""Folders for files that go with the run that made them, also where the run could not see to that: kill -9, no power.

A folder has a file on which its owner holds a lock. The system takes the lock from a process that ends, however it
ends; so a folder whose lock can be had is nobody's.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["temporary_folder"]

_LOCK = ".owner"


@contextmanager
def temporary_folder(prefix: str) -> Iterator[str]:
    """A folder where temporary files are, as long as this lasts; first, those of dead owners go.

    prefix:  what its name begins with, and only those of this prefix go. Folders of other users are left alone.
    Raises:  OSError, if none can be made.
    """
    _remove_forsaken(prefix)
    folder, lock = _made(prefix)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made(prefix: str) -> tuple[str, int]:
    """The folder, and its lock, held."""
    while True:
        folder = tempfile.mkdtemp(prefix=prefix)
        with suppress(FileNotFoundError):  # Who removes forsaken ones was here first: this one is gone.
            lock = os.open(Path(folder) / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_there(folder, lock):
                return folder, lock
            os.close(lock)


def _remove_forsaken(prefix: str) -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        with suppress(OSError):  # Another user's, or somebody else is just removing it.
            if folder.is_symlink() or folder.lstat().st_uid != os.getuid():
                continue
            if not (folder / _LOCK).exists():
                folder.rmdir()  # Whose owner came no further. One with files is no folder of ours.
                continue
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_there(str(folder), lock):
                    shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _is_there(folder: str, lock: int) -> bool:
    """Whether the lock is the folder's, and not that of one that was removed meanwhile."""
    try:
        found = (Path(folder) / _LOCK).stat()
    except FileNotFoundError:
        return False
    return os.path.samestat(found, os.fstat(lock))
