"""Presets whose results are not stored yet are run when nobody else needs the machine."""

from __future__ import annotations

import streamlit as st

from clustersim.background.queue import OWN
from clustersim.scenario import Draft, run_id
from dashboard import presets, results, work
from dashboard.settings import settings


@st.cache_resource(show_spinner=False)
def start() -> None:
    """Start the worker processes, and ask once for every preset that has no stored result."""
    work.queue().warm()
    if not settings().prepare:
        return
    for preset in presets.presets():
        draft = Draft(preset.name)
        scenario = draft.scenario()
        if not results.has_result(scenario.name, run_id(scenario)):
            work.queue().submit(work.run_request(draft), OWN)
