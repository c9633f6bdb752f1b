"""The scenario in hand as YAML text that can be edited."""

from __future__ import annotations

import streamlit as st
import yaml

from clustersim.errors import InputError
from clustersim.scenario import rewritten
from clustersim.scenario.files import read_text
from dashboard import design_edit, show, state


def editor() -> None:
    """Show the whole scenario, its place written out, and take what was made of it."""
    st.caption("The whole scenario with its place written out. Apply keeps differences as settings where it can.")
    text = yaml.safe_dump(design_edit.tree(), sort_keys=False, allow_unicode=True, width=110)
    with st.form("design-text-form", border=False):
        # the key holds the draft, so that another draft shows another text
        st.text_area(
            "Scenario (YAML)", text, height=460, key=f"design-text-{state.draft().key}", label_visibility="collapsed"
        )
        sent = st.form_submit_button("Apply", icon=":material/check:", type="primary")
    if sent:
        _apply(str(st.session_state[f"design-text-{state.draft().key}"]))


def _apply(text: str) -> None:
    try:
        design_edit.take(rewritten(state.draft(), read_text(text, state.draft().name)))
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    st.rerun()
