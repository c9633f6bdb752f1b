"""Scenario files that a user brings: a scenario, and the files that it names beside it."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Protocol

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import Draft, load_any, resolved
from dashboard import show, state

MOST_BYTES = 1_000_000
"""Largest scenario file."""
MOST_FILES = 10
LETTERS = re.compile(r"(?!\.\.?$)[^/\\\x00-\x1f\x7f\ud800-\udfff]{1,60}")
"""Of the name of a file."""
TYPES = ("yaml", "yml", "csv", "epw")


class Uploaded(Protocol):
    """A file as the browser sent it."""

    name: str

    def getvalue(self) -> bytes:
        """Return what is in it."""


def draft_of(files: Iterable[Uploaded]) -> Draft:
    """Return the draft of uploaded files: the first YAML file is the scenario, the others are what it names.

    Raises
    ------
    InputError
        If there is no scenario, there are too many or too large files, a name has a folder in it, or the scenario is
        wrong; as the command line says it.
    """
    found = list(files)
    if len(found) > MOST_FILES:
        raise InputError(f"upload: expected at most {MOST_FILES} files, found {len(found)}")
    refuse_names(found)
    first = next((one for one in found if PurePath(one.name).suffix in (".yaml", ".yml")), None)
    if first is None:
        raise InputError("upload: expected a scenario (.yaml), found none")
    if len({one.name for one in found}) < len(found):
        raise InputError("upload: expected files of different names, found two of one name")
    with tempfile.TemporaryDirectory(prefix="clustersim-upload-") as folder:
        for one in found:
            name = PurePath(one.name)
            if len(one.getvalue()) > MOST_BYTES:
                raise InputError(
                    f"{name}: expected at most {MOST_BYTES / 1e6:g} MB, found {len(one.getvalue()) / 1e6:.1f} MB"
                )
            (Path(folder) / name.name).write_bytes(one.getvalue())
        try:
            scenario = load_any(Path(folder) / first.name)
        except InputError as error:
            raise InputError(str(error).replace(f"{folder}/", "")) from None
    return Draft(first.name.rsplit(".", 1)[0], resolved(scenario))


def refuse_names(files: Iterable[Uploaded]) -> None:
    """Refuse names that are no names of files, or lead elsewhere.

    Raises
    ------
    InputError
        Naming the first.
    """
    for one in files:
        if PurePath(one.name).name != one.name or LETTERS.fullmatch(one.name) is None:
            raise InputError(f"upload: {one.name[:60]!r}: expected the name of a file, without a folder")


def button() -> None:
    """Show the button that takes files."""
    with st.popover("Upload", icon=":material/upload:"):
        st.caption("A scenario file; with it, at once, the files that it names (topology, weather, prices, `extends`).")
        with st.form("upload", border=False, clear_on_submit=True):
            files = st.file_uploader(
                "Scenario", TYPES, accept_multiple_files=True, key="upload-files", max_upload_size=1,
                label_visibility="collapsed",
            )  # fmt: skip
            sent = st.form_submit_button("Open it", width="stretch")
        if not sent or not files:
            return
        try:
            draft = draft_of(files)
        except InputError as error:
            st.error(show.plain(str(error)), icon=":material/error:")
            return
        state.edit(draft)
        st.session_state["restored"] = True
        st.rerun()
