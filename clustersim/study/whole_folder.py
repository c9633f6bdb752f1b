"""A folder that is there whole or not at all, also where the process that writes it is killed.

For folders of results, whose files mean nothing alone; a single file is `whole_file`.
"""

from __future__ import annotations

import errno
import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from clustersim.locks import alone, held

TRIES = 20
"""Of taking a place that other processes take at the same moment."""


@contextmanager
def whole_folder(final: Path) -> Iterator[Path]:
    """Give a hidden folder to write in, beside its place; it takes that place, and what was there goes, at the end.

    What killed processes left of the same folder is removed first.

    Raises
    ------
    OSError
        If the folder cannot be made or cannot take its place; then nothing is left of it.
    """
    final.parent.mkdir(parents=True, exist_ok=True)
    with alone(final.parent):
        # between its making and its lock a folder looks left over
        put_back(final)
        _remove_left_overs(final)
        working = Path(tempfile.mkdtemp(prefix=f".{final.name}-", dir=final.parent))
        lock = held(working)
    try:
        yield working
        working.chmod(0o755)
        with alone(final.parent):
            _take_place(working, final)
    except BaseException:
        shutil.rmtree(working, ignore_errors=True)
        raise
    finally:
        if lock is not None:
            os.close(lock)


def _take_place(working: Path, final: Path) -> None:
    """Put a folder in its place; what is there, also what another process puts there meanwhile, goes."""
    for turn in range(TRIES):
        old, lock = _old(final, f"{os.getpid()}-{turn}"), held(final)
        try:
            with suppress(FileNotFoundError):
                final.rename(old)
            working.rename(final)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST) or turn == TRIES - 1:
                if old.exists() and not final.exists():
                    old.rename(final)
                raise
        finally:
            if final.exists():
                shutil.rmtree(old, ignore_errors=True)
            if lock is not None:
                os.close(lock)
        if not working.exists():
            return


def put_back(final: Path) -> None:
    """Give a folder its place back that a killed process had moved aside and not replaced yet.

    One that a living process has moved aside is left to it.

    Raises
    ------
    OSError
        If it cannot take its place.
    """
    if final.exists():
        return
    for old in final.parent.glob(_old(final, "*").name):
        lock = held(old)
        if lock is not None or sys.platform == "win32":
            old.rename(final)
            if lock is not None:
                os.close(lock)
            return


def _old(final: Path, whose: str) -> Path:
    name = glob.escape(final.name) if whose == "*" else final.name
    return final.with_name(f".{name}-old-{whose}")


def _remove_left_overs(final: Path) -> None:
    """Remove the hidden folders of one place that no living process writes in."""
    for left in final.parent.glob(f".{glob.escape(final.name)}-*"):
        lock = held(left)
        if lock is not None:
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)
