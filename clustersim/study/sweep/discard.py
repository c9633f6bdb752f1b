"""Beginning a study anew: what its store holds goes, and nothing else in the folder."""

from __future__ import annotations

from pathlib import Path

from clustersim.errors import InputError
from clustersim.study.sweep.durable import FileLock
from clustersim.study.sweep.reading import LOCK, LOG, MANIFEST, TABLE, is_store, part_files

PAGE = "sweep.html"
"""Page of a store, beside its rows."""


def discard(folder: Path) -> None:
    """Remove the rows of a store and its manifest; does nothing where there is no store.

    Raises
    ------
    InputError
        If another process writes to it, or something cannot be removed.
    """
    if not is_store(folder):
        return
    lock = FileLock(folder / LOCK)
    try:
        if not lock.take():
            raise InputError(f"{folder}: {lock.holder()} is writing to this store: wait for it, or stop it first")
        # the manifest last: what is left by a removal that was cut is a store still
        for path in (*part_files(folder), folder / TABLE, folder / LOG, folder / PAGE, folder / MANIFEST):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: cannot be begun anew: {error.strerror}") from None
    finally:
        lock.close()
