"""What the Power page can draw: the horizon, the windows of a run, records that were made or brought."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from clustersim.background.power_verbs import record_folder
from clustersim.report.extremes import Extremes
from clustersim.report.power_file import FileRecord, Stored, brought_record, file_record, stored_records
from clustersim.report.power_record import CloseUp, Record, Stretches, WindowRecord, course_of
from clustersim.report.spans import Span
from clustersim.study.result import Result
from dashboard import own_files
from dashboard.settings import settings

PAGE = "power"
"""Name of the page in the keys of its controls."""
HORIZON, CLOSE_UP, BROUGHT = "horizon", "close_up", "brought"
WORDS = {HORIZON: "Horizon", CLOSE_UP: "One rack", BROUGHT: "Your file", "steady": "Steady", "job_start": "Start"}


def records(result: Result) -> dict[str, Stored]:
    """Return the records that were made of a run, by name."""
    return stored_records(record_folder(settings().results, result.name, result.run_id))


def brought() -> Path | None:
    """Return the file that this user has brought, while it is kept."""
    found: Path | None = st.session_state.get("power-brought")
    return found if found is not None and found.is_file() else None


def bring(content: bytes) -> None:
    """Keep a file that a user brings, as long as the session lasts and no longer than a day; it must be a record.

    Raises
    ------
    InputError
        If it is no file of samples.
    """
    folder = own_files.folder() / "power"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"{hashlib.sha256(content).hexdigest()[:10]}.parquet"
    path.write_bytes(content)
    try:
        brought_record(path)
    except BaseException:
        path.unlink()
        raise
    st.session_state["power-brought"] = path


def options(result: Result) -> dict[str, str]:
    """Return what can be drawn: name in the address -> words, which are what the address has."""
    found = {HORIZON: WORDS[HORIZON]} if course(result) else {}
    found |= {name: WORDS.get(name, name.replace("_", " ").capitalize()) for name in result.waveforms}
    if not result.close_up.empty:
        found[CLOSE_UP] = WORDS[CLOSE_UP]
    for name, one in records(result).items():
        # the address has the words, so that no two records may have the same
        found[name] = one.title if one.title not in found.values() else f"{one.title} ({name})"
    if brought() is not None:
        found[BROUGHT] = WORDS[BROUGHT]
    return found


@st.cache_resource(max_entries=6, show_spinner=False)
def _course(run_id: str, columns: int, _result: Result) -> dict[str, Stretches]:  # noqa: ARG001 (the key)
    return course_of(_result)


def course(result: Result) -> dict[str, Stretches]:
    """Return the power over the horizon by node."""
    return _course(result.run_id, len(result.course), result)


def horizon_of(nodes: Mapping[str, Stretches]) -> Span:
    """Return the whole horizon."""
    edges = next(iter(nodes.values())).edges_s
    return Span(float(edges[0]), float(edges[-1]))


@st.cache_resource(max_entries=32, show_spinner=False)
def _file(path: str, changed: float) -> FileRecord:  # noqa: ARG001 (the key)
    return file_record(Path(path))


@st.cache_resource(max_entries=6, show_spinner="Reading samples")
def _column(path: str, changed: float, node: str) -> Extremes:
    return _file(path, changed).samples(node)


def record_of(result: Result, name: str) -> Record:
    """Return what is drawn; not for the horizon, which has stretches and no samples.

    Raises
    ------
    InputError
        If a file cannot be read.
    """
    if name in result.waveforms:
        return WindowRecord(result.waveforms[name])
    if name == CLOSE_UP:
        return CloseUp(result.close_up)
    path = _path(result, name)
    return _file(str(path), path.stat().st_mtime)


def _path(result: Result, name: str) -> Path:
    path = brought() if name == BROUGHT else records(result)[name].path
    if path is None:
        raise KeyError(name)
    return path


def samples_of(record: Record, node: str, *, reactive: bool) -> Extremes:
    """Return the samples of a node; those of a file are kept for all users, the last six columns."""
    if isinstance(record, FileRecord):
        return _column(str(record.path), record.path.stat().st_mtime, node)
    return record.samples(node, reactive=reactive)


def first_nodes(name: str, nodes: tuple[str, ...]) -> list[str]:
    """Return the nodes that are shown at first: the meter and its parts, or the sites where there are several."""
    if name == CLOSE_UP:
        return ["accelerator"]
    if name == HORIZON:
        return ["meter"]
    sites = [node for node in nodes if node != "meter" and "/" not in node]
    if len(sites) > 1:
        return ["meter", *sites][:6]
    parts = [node for node in nodes if node.rpartition("/")[2] in ("it", "cooling", "losses", "battery")]
    shown = [node for node in nodes if node == "meter"] + parts
    return shown or list(nodes[:4])
