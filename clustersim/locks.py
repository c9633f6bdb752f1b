"""Locks that end with the process that holds them, however that ends: what nobody holds is left over.

What `whole_file` and `study.whole_folder` stand on; take those for files and folders of results.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

if sys.platform == "win32":

    def hold(handle: int) -> None:
        """Return at once: nothing is locked here."""
        del handle

    def held(path: Path) -> int | None:
        """Return nothing: nothing is locked here, so that none is known to be left over."""
        del path

    @contextmanager
    def alone(folder: Path) -> Iterator[None]:
        """Give nothing: nothing is locked here."""
        del folder
        yield

else:
    import fcntl

    NO_LOCKS = {errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}
    """How file systems refuse that know no locks, or none of what is open for reading, as folders are."""

    def hold(handle: int) -> None:
        """Lock an open file until it is closed or the process ends, after whoever has it now.

        Raises
        ------
        OSError
            If its file system knows no locks.
        """
        fcntl.flock(handle, fcntl.LOCK_EX)

    def held(path: Path) -> int | None:
        """Return a handle that locks a file or folder until it is closed or the process ends.

        None where another process has it, where it is neither, and where it cannot be opened or locked.
        """
        try:
            kind = path.lstat().st_mode
            if not (stat.S_ISDIR(kind) or stat.S_ISREG(kind)):
                return None
            # network file systems lock only what is open for writing, which a folder cannot be
            handle = os.open(path, (os.O_RDONLY if stat.S_ISDIR(kind) else os.O_RDWR) | os.O_NOFOLLOW)
        except OSError:
            return None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
        return handle

    @contextmanager
    def alone(folder: Path) -> Iterator[None]:
        """Wait until no other process is in this block for the folder.

        Where the file system does not lock folders nobody waits; :func:`held` holds nothing there either, so that
        nothing counts as left over and nothing of others is removed.
        """
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            try:
                hold(handle)
            except OSError as error:
                if error.errno not in NO_LOCKS:
                    raise
            yield
        finally:
            os.close(handle)
