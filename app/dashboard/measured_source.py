"""Which trace the Measured page looks at: one that the user sends, or the shipped example."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import shipped
from dashboard import own_files, show, time_zoom

EXAMPLE = "loads/production_server.yaml"
TYPES = (".csv", ".csv.gz", ".txt", ".parquet", ".pq", ".cfg", ".dat", ".yaml", ".yml")
FIRST = (".cfg",)
"""Endings of files that name others: they are the ones that are read."""
MOST_MB = 200
SAYS = (
    "CSV (also packed, .csv.gz), Parquet, COMTRADE (.cfg and .dat together), or a load record (.yaml): up to "
    f"{MOST_MB} MB and 10 million samples."
)
PRIVATE = (
    "A file stays on the machine that serves this page, seen by you alone; it is removed when this tab is closed or "
    "loaded again, or after a day."
)


@dataclass(frozen=True)
class Source:
    """The trace in hand."""

    path: Path
    out: Path
    """Folder for what is made of it."""
    name: str
    example: bool = False

    @property
    def record(self) -> bool:
        """Whether it is a load record, of which a waveform is made."""
        return self.path.suffix in (".yaml", ".yml")


def source() -> Source | None:
    """Show what can be opened; return what is open, or None."""
    found = _open()
    if found is not None and not found.example and not found.path.is_file():
        st.warning(
            "The file is no longer here: it is kept for a day, or until the tab is closed. Open it again to go on.",
            icon=":material/schedule:",
        )
        st.session_state.pop("measured-file")
        found = None
    if found is None:
        with st.container(border=True):
            _form()
        return None
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{show.plain(found.name)}**", width="content")
        st.caption("the shipped example" if found.example else "yours; nobody else sees it", width="content")
        with st.popover("Open another", icon=":material/upload_file:"):
            _form()
        if st.button("Close", key="measured-close", icon=":material/close:", type="tertiary"):
            close()
            st.rerun()
    return found


def _open() -> Source | None:
    mine, path = own_files.folder(), st.session_state.get("measured-file")
    if path is not None:
        return Source(Path(path), Path(path).parent, Path(path).name)
    if st.query_params.get("measured") == "example":
        out = mine / "example"
        out.mkdir(exist_ok=True)
        return Source(shipped("scenarios") / EXAMPLE, out, Path(EXAMPLE).name, example=True)
    return None


def close() -> None:
    """Let the trace go: its file is removed, and what was asked of it is forgotten."""
    path = st.session_state.pop("measured-file", None)
    if path is not None:
        own_files.forget(Path(path))
    for key in [key for key in st.session_state if str(key).startswith(("measured-column", "measured-asked"))]:
        del st.session_state[key]
    time_zoom.forget("measured")
    st.query_params.pop("measured", None)


def _form() -> None:
    # sent in a form, the file does not stay in the server's memory
    with st.form("measured-upload", border=False, clear_on_submit=True):
        files = st.file_uploader(
            "Trace of power over time", [end.lstrip(".") for end in TYPES], accept_multiple_files=True,
            key="measured-files", max_upload_size=MOST_MB, help=SAYS,
        )  # fmt: skip
        st.caption(f"{SAYS} {PRIVATE}")
        sent = st.form_submit_button("Open", icon=":material/upload_file:", type="primary")
    if st.button("Try the example", key="measured-example", icon=":material/science:"):
        close()
        st.query_params["measured"] = "example"
        st.rerun()
    if not sent:
        return
    try:
        ordered = sorted(files or (), key=lambda one: not one.name.lower().endswith(FIRST))
        path = own_files.kept(ordered, TYPES, MOST_MB * 1_000_000)
        if path.suffix == ".dat":
            own_files.forget(path)
            raise InputError("upload: expected the .cfg of a COMTRADE record beside its .dat")
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    close()
    st.session_state["measured-file"] = str(path)
    st.rerun()
