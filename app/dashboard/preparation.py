"""Presets whose results are not stored yet are run when nobody else needs the machine."""

from __future__ import annotations

from functools import cache

import streamlit as st

from clustersim.background.queue import OWN
from clustersim.scenario import Draft
from dashboard import presets, results, work
from dashboard.settings import settings


@cache
def start() -> None:
    """Start the worker processes, and ask once for every preset that has no stored result."""
    work.queue().warm()
    if not settings().prepare:
        return
    for preset in presets.presets():
        if not results.has_result(preset.scenario_name, preset.run_id):
            work.queue().submit(work.run_request(Draft(preset.name)), OWN)


def status() -> None:
    """Say in the sidebar how many presets open at once, while not all of them do."""
    if not settings().prepare:
        return
    left = [one for one in work.queue().tickets(OWN) if not one.state.over]
    if left:
        with st.sidebar:
            _count()


@st.fragment(run_every="5s")
def _count() -> None:
    everything = len(presets.presets())
    left = sum(not one.state.over for one in work.queue().tickets(OWN))
    if left:
        st.progress(1.0 - left / everything, text=f"{everything - left} of {everything} presets are ready")
