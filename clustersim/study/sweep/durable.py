"""Files that are there whole after a crash, and the lock that one process holds on a store.

For the store of a sweep alone: hours of work lie in it, so that each part goes to the disk before it counts. Other
files need no more than `whole_file`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from clustersim.errors import InputError

LEFT_OVER = ".tmp"
"""Ending of the working names; what has it after a crash was never said to be written."""
NO_HOLDER = "another process"

if sys.platform == "win32":
    import msvcrt

    def _lock(file: FileIO, wait: bool) -> None:
        file.seek(0)
        msvcrt.locking(file.fileno(), msvcrt.LK_LOCK if wait else msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(file: FileIO, wait: bool) -> None:
        fcntl.flock(file, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)


def write_durably(path: Path, content: bytes) -> None:
    """Write a file so that it is on the disk, whole, when this returns.

    It gets a working name, goes to the disk, takes its name, and the folder's list of names goes to the disk.

    Raises
    ------
    InputError
        If it cannot be written (disk full, no permission); what was there before is there still.
    """
    working = path.with_name(f".{path.name}-{os.getpid()}{LEFT_OVER}")
    try:
        with working.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        working.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror or error}") from None
    finally:
        # where the folder itself is gone or cannot be written, the first error is the one to tell
        with suppress(OSError):
            working.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Put a folder's list of names onto the disk; systems that cannot open a folder do this by themselves."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_left_overs(folder: Path) -> None:
    """Remove what crashes left under working names; only the holder of the lock may."""
    for path in folder.glob(f".*{LEFT_OVER}"):
        path.unlink(missing_ok=True)


class FileLock:
    """A lock on a file that ends with the process that holds it, however that ends."""

    def __init__(self, path: Path) -> None:
        """Open the file, without the lock.

        Raises
        ------
        InputError
            If it cannot be opened.
        """
        self._path = path
        try:
            # without a buffer, which would be written again at the end, on a disk that is full still
            self._file = path.open("a+b", buffering=0)
        except OSError as error:
            raise InputError(f"{path}: cannot be written: {error.strerror}") from None

    def take(self, *, wait: bool = False) -> bool:
        """Take the lock; without `wait`, return False where another process holds it."""
        try:
            _lock(self._file, wait)
        except (BlockingIOError, PermissionError):
            return False
        return True

    def sign(self) -> None:
        """Write who holds the lock, for the message that others get.

        Raises
        ------
        InputError
            If it cannot be written.
        """
        try:
            self._file.truncate(0)
            self._file.write(f"process {os.getpid()}".encode())
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from None

    def holder(self) -> str:
        """Return who holds the lock."""
        self._file.seek(0)
        return self._file.read(100).decode(errors="replace").strip() or NO_HOLDER

    def close(self) -> None:
        """Give the lock back."""
        self._file.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock for the block, after whoever holds it now."""
    lock = FileLock(path)
    try:
        lock.take(wait=True)
        yield
    finally:
        lock.close()
