"""Files that are there whole or not at all, also where the process that writes them is killed.

For every file that a verb writes. A folder of results is `study.whole_folder`; parts of a sweep, which must outlast a
failure of power and not only of the process, are `study.sweep.durable`.
"""

from __future__ import annotations

import errno
import glob
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from clustersim.errors import InputError
from clustersim.locks import held, hold

ENDING = ".part"
"""Of the names of working files."""


class WorkingFile:
    """A hidden file to write in, beside its target; locked while it is at work, and gone in the end.

    What killed processes left of the same target is removed first.
    """

    def __init__(self, target: Path) -> None:
        """Make the file, and the folder that it lies in.

        Raises
        ------
        OSError
            If it cannot be made.
        """
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_left_overs(target)
        self._target = target
        self._handle: int | None = None
        while True:
            handle, name = tempfile.mkstemp(prefix=f".{target.name}-", suffix=ENDING, dir=target.parent)
            self.path = Path(name)
            if sys.platform == "win32":
                os.close(handle)
                return
            # on a file system without locks nothing can be told to be left over, and nothing is removed
            with suppress(OSError):
                hold(handle)
            # before it was locked another process may have taken it for left over
            if self.path.exists():
                self._handle = handle
                return
            os.close(handle)

    def take_place(self) -> None:
        """Give the file its target's place; what was there goes.

        Raises
        ------
        OSError
            If it cannot take it.
        """
        self.path.chmod(0o644)
        self.path.replace(self._target)

    def __enter__(self) -> Self:
        """Return the file."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the file if it has not taken its target's place."""
        self.path.unlink(missing_ok=True)
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


def write_whole(path: Path, write: Callable[[str], object]) -> None:
    """Let `write` make a file under a working name and move it into place; nothing is left half-written.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with WorkingFile(path) as working:
            write(str(working.path))
            working.take_place()
    except OSError as error:
        raise _refused(path, error) from None


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    write_all({path: text})


def write_all(texts: Mapping[Path, str | bytes]) -> None:
    """Write several files, all of them whole or none at all.

    Every text is first written beside its target; only when all are there do they take their names.

    Raises
    ------
    InputError
        If one cannot be written; folders that were made for them are gone again.
    """
    made: list[Path] = []
    with ExitStack() as undone:
        undone.callback(_remove_empty, made)
        working = {}
        for path, text in texts.items():
            try:
                if path.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                made += reversed([one for one in path.parents if not one.exists()])
                working[path] = undone.enter_context(WorkingFile(path))
                working[path].path.write_bytes(text.encode() if isinstance(text, str) else text)
            except OSError as error:
                raise _refused(path, error) from None
        for path, one in working.items():
            try:
                one.take_place()
            except OSError as error:
                raise _refused(path, error) from None


def _remove_empty(folders: list[Path]) -> None:
    for folder in reversed(folders):
        with suppress(OSError):
            folder.rmdir()


def _refused(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written: {error.strerror}")


def _remove_left_overs(target: Path) -> None:
    """Remove the working files of one target that no living process writes in."""
    for left in target.parent.glob(f".{glob.escape(target.name)}-{8 * '?'}{ENDING}"):
        handle = held(left)
        if handle is not None:
            with suppress(OSError):
                left.unlink(missing_ok=True)
            os.close(handle)
