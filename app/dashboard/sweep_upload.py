"""Study files that a user brings: a study, and the scenarios that it names beside it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario.files import read_yaml
from dashboard import show, sweep_study
from dashboard.uploads import MOST_BYTES, MOST_FILES, Uploaded, refuse_names


def study_of(files: Iterable[Uploaded]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the study among uploaded files, the one with axes, and the texts of the others.

    Raises
    ------
    InputError
        If there is none or more than one, there are too many or too large files, a name has a folder in it, or a file
        is no YAML.
    """
    found = list(files)
    if len(found) > MOST_FILES:
        raise InputError(f"upload: expected at most {MOST_FILES} files, found {len(found)}")
    refuse_names(found)
    trees: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    with tempfile.TemporaryDirectory(prefix="clustersim-upload-") as folder:
        for one in found:
            name = PurePath(one.name)
            if len(one.getvalue()) > MOST_BYTES:
                raise InputError(f"{name}: expected at most {MOST_BYTES / 1e6:g} MB")
            path = Path(folder) / name.name
            path.write_bytes(one.getvalue())
            try:
                trees[one.name] = read_yaml(path)
            except InputError as error:
                raise InputError(str(error).replace(f"{folder}/", "")) from None
            texts[one.name] = path.read_text(encoding="utf-8")
    studies = [name for name, tree in trees.items() if isinstance(tree.get("axes"), dict)]
    if len(studies) != 1:
        raise InputError(f"upload: expected one study file (with axes), found {len(studies)}")
    tree = trees[studies[0]]
    if "scenario" not in tree:
        raise InputError(f"{studies[0]}: scenario: expected a value, found none")
    return tree, {name: text for name, text in texts.items() if name != studies[0]}


def button() -> None:
    """Show the button that takes a study."""
    with st.popover("Upload a study", icon=":material/upload_file:"):
        st.caption("A study file; with it, at once, the scenarios and topologies that it names.")
        with st.form("sweep-upload", border=False, clear_on_submit=True):
            files = st.file_uploader(
                "Study", ("yaml", "yml"), accept_multiple_files=True, key="sweep-upload-files", max_upload_size=1,
                label_visibility="collapsed",
            )  # fmt: skip
            sent = st.form_submit_button("Open it", width="stretch")
        if not sent or not files:
            return
        try:
            tree, texts = study_of(files)
        except InputError as error:
            st.error(show.plain(str(error)), icon=":material/error:")
            return
        sweep_study.take(tree, texts)
        st.rerun()
