"""Stored results, read once for all users; and which of them a page shows."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.report.stored import is_stored, result_folder, stored
from clustersim.scenario import Draft
from clustersim.study.result import Result
from dashboard import state
from dashboard.settings import settings

_log = logging.getLogger("clustersim.dashboard")


@st.cache_resource(max_entries=6, show_spinner=False)
def loaded(folder: str) -> Result:
    """Return the result in a folder; a result with its identity never changes.

    Raises
    ------
    InputError
        If it cannot be read, as after a change of format.
    """
    return stored(Path(folder))


def folder_of(name: str, identity: str) -> Path:
    """Return the folder of a run's result, be it there or not."""
    return result_folder(settings().results, name, identity)


def has_result(name: str, identity: str) -> bool:
    """Whether the result of a run is stored, be it readable or not."""
    return is_stored(folder_of(name, identity))


@st.cache_data(max_entries=256, show_spinner=False)
def summary(folder: str) -> dict[str, Any]:
    """Return the summary of a stored result."""
    found: dict[str, Any] = json.loads((Path(folder) / "summary.json").read_text(encoding="utf-8"))
    return found


def of_draft() -> Result | None:
    """Return the stored result of the draft as it is now; None where there is none yet, or none that can be read."""
    return _stored_of(state.draft())


def _stored_of(draft: Draft) -> Result | None:
    found, identity, _ = state.checked(draft)
    if found is None or not has_result(found.name, identity):
        return None
    try:
        return loaded(str(folder_of(found.name, identity)))
    except InputError as error:
        _log.warning("%s", error)
        return None


def draft_has_one() -> bool:
    """Whether the draft's result is stored, be it readable or not."""
    scenario = state.scenario()
    return scenario is not None and has_result(scenario.name, state.identity())


def is_unreadable() -> bool:
    """Whether the draft's result is stored but cannot be read, so that only another run helps."""
    return draft_has_one() and of_draft() is None


def shown() -> Result | None:
    """Return the result that pages show: the draft's, else the one shown before, else that without its changes.

    So a page keeps its answers while a change is being run; the bar on top says whose they are. None where there is
    none of them.
    """
    found = of_draft()
    if found is not None:
        st.session_state["shown"] = str(folder_of(found.name, found.run_id))
        st.session_state["shown_base"] = state.draft().name
        return found
    before = st.session_state.get("shown")
    if before is None or st.session_state.get("shown_base") != state.draft().name:
        return _stored_of(state.draft().without())
    return loaded(before)


def forget(draft: Draft) -> None:
    """Read the result of a draft again: it was made anew. Those of others stay as they are read."""
    found, identity, _ = state.checked(draft)
    if found is not None:
        folder = str(folder_of(found.name, identity))
        loaded.clear(folder)
        summary.clear(folder)
