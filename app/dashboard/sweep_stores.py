"""The stores of sweeps in the folder of results, read without a lock while they are written."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from clustersim.background.sweep_verbs import PREFIX
from clustersim.report.sensitivity import Analysis, analyse
from clustersim.study.sensitivity.analysis import Swept, read_swept
from clustersim.study.sweep.overview import Overview, overview
from clustersim.study.sweep.reading import LOG, MANIFEST, TABLE, is_store, part_files
from dashboard.settings import settings


def stores() -> list[str]:
    """Return the names of the stores, the newest first."""
    found = [path for path in settings().results.glob(f"{PREFIX}*") if is_store(path)]
    return [path.name for path in sorted(found, key=_written, reverse=True)]


def folder_of(name: str) -> Path:
    """Return the folder of a store, which is one of :func:`stores`."""
    return settings().results / name


def _written(folder: Path) -> float:
    """Return when rows were last written. [s]"""
    log = folder / LOG
    return (log if log.exists() else folder / MANIFEST).stat().st_mtime


def signature(folder: Path) -> str:
    """Return a text that changes with the rows of a store."""
    table = folder / TABLE
    parts = [path.name for path in part_files(folder)]
    return f"{table.stat().st_mtime_ns if table.exists() else 0} {len(parts)} {parts[-1] if parts else ''}"


def seen(folder: Path) -> Overview:
    """Return what a store holds now.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return _seen(str(folder), signature(folder))


@st.cache_resource(max_entries=8, show_spinner=False)
def _seen(folder: str, state: str) -> Overview:  # noqa: ARG001 (the key of the cache)
    return overview(Path(folder))


def swept(folder: Path) -> Swept:
    """Return the sweep in a store as the analyses read it.

    Raises
    ------
    InputError
        If it cannot be read, or has no rows yet.
    """
    return _swept(str(folder), signature(folder))


@st.cache_resource(max_entries=8, show_spinner=False)
def _swept(folder: str, state: str) -> Swept:  # noqa: ARG001 (the key of the cache)
    return read_swept(Path(folder))


def analysed(folder: Path, key: str) -> Analysis:
    """Return what moves an answer in a store.

    Raises
    ------
    InputError
        If there are too few rows for it.
    """
    return _analysed(str(folder), signature(folder), key)


@st.cache_resource(max_entries=32, show_spinner=False)
def _analysed(folder: str, state: str, key: str) -> Analysis:
    return analyse(_swept(folder, state), [key])
