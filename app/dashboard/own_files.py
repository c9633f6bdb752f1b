"""Files that a user sends and nobody else sees: in a folder of the session, gone with it or after a day."""

from __future__ import annotations

import atexit
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import Protocol
from uuid import uuid4

import streamlit as st

from clustersim.errors import InputError

KEPT_S = 86400.0
"""How long a file is kept at most. [s]"""
PREFIX = "clustersim-files-"
LETTERS = re.compile(r"[^A-Za-z0-9_-]+")


class Sent(Protocol):
    """A file as the browser sent it."""

    name: str
    size: int

    def getbuffer(self) -> memoryview:
        """Return what is in it."""


@st.cache_resource(show_spinner=False)
def _root() -> Path:
    """Return the folder of all sessions of this server; what servers left behind that were killed is swept."""
    for old in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        _remove_old(old)
    root = Path(tempfile.mkdtemp(prefix=PREFIX))
    atexit.register(_remove, root)
    return root


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


def _remove_old(folder: Path) -> None:
    try:
        found = folder.lstat()
    except FileNotFoundError:
        return
    if time.time() - found.st_mtime > KEPT_S:
        _remove(folder)


@st.cache_resource(show_spinner=False, scope="session", on_release=_remove)
def _of_session() -> Path:
    return Path(tempfile.mkdtemp(dir=_root()))


def folder() -> Path:
    """Return the folder of this session; files that are older than a day are removed from every one."""
    for session in _root().iterdir():
        for one in session.iterdir():
            _remove_old(one)
    found = _of_session()
    found.mkdir(mode=0o700, exist_ok=True)
    return found


def kept(files: Sequence[Sent], endings: Sequence[str], most_bytes: int) -> Path:
    """Write files that belong together into a folder of their own; return the first, under a name that is safe.

    Raises
    ------
    InputError
        If there is none, one is empty or too large, or its ending is none of `endings`.
    """
    if not files:
        raise InputError("upload: expected a file, found none")
    named = [(one, _ending(one, endings)) for one in files]
    for one in files:
        if not 0 < one.size <= most_bytes:
            found = "an empty file" if not one.size else f"{one.size / 1e6:.1f} MB"
            raise InputError(f"{one.name[:60]}: expected at most {most_bytes / 1e6:g} MB, found {found}")
    twice = next((end for _, end in named if sum(end == other for _, other in named) > 1), None)
    if twice is not None:
        raise InputError(f"upload: expected one file {twice}, found several")
    stem = LETTERS.sub("_", _base(named[0][0].name, named[0][1])).strip("_")[:40] or "trace"
    place = folder() / uuid4().hex
    place.mkdir(mode=0o700)
    for one, end in named:
        with (place / f"{stem}{end}").open("wb") as file:
            file.write(one.getbuffer())
    return place / f"{stem}{named[0][1]}"


def _ending(one: Sent, endings: Sequence[str]) -> str:
    lower = one.name.lower()
    found = next((end for end in sorted(endings, key=len, reverse=True) if lower.endswith(end)), None)
    if found is None:
        raise InputError(f"{one.name[:60]}: expected {', '.join(endings)}")
    return found


def _base(name: str, end: str) -> str:
    return PurePath(name.replace("\\", "/")).name[: -len(end)]


def forget(path: Path) -> None:
    """Remove a file that :func:`kept` has written, and what was made of it."""
    if path.parent.parent == folder():
        _remove(path.parent)
