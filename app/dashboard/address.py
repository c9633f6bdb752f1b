"""Controls whose values the address keeps, on pages that also lead to other pages by a button.

Streamlit's own binding of controls to the address refuses ``st.switch_page`` while a bound value is in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st


def choice(label: str, options: Sequence[str], first: str, key: str, **more: Any) -> str:
    """Show a list to choose from; return what is chosen."""
    _restore(key, options, first)
    return _write(key, str(st.selectbox(label, options, key=key, **more)), first)


def segments(label: str, options: Sequence[str], key: str) -> str:
    """Show segments of which one is chosen; return it."""
    _restore(key, options, options[0])
    found = st.segmented_control(label, options, required=True, key=key, label_visibility="collapsed")
    return _write(key, found or options[0], options[0])


def text(label: str, key: str, **more: Any) -> str:
    """Show a line of text; return it."""
    if key not in st.session_state:
        st.session_state[key] = st.query_params.get(key, "")
    return _write(key, st.text_input(label, key=key, **more) or "", "")


def several(label: str, options: Sequence[str], first: Sequence[str], key: str, **more: Any) -> list[str]:
    """Show a list of which several can be chosen; return them."""
    asked = st.session_state.get(key, st.query_params.get_all(key) or list(first))
    st.session_state[key] = [one for one in asked if one in options]
    found = list(st.multiselect(label, options, key=key, **more))
    if found == list(first):
        st.query_params.pop(key, None)
    elif st.query_params.get_all(key) != found:
        st.query_params[key] = found
    return found


def _restore(key: str, options: Sequence[str], first: str) -> None:
    asked = st.session_state.get(key, st.query_params.get(key))
    st.session_state[key] = asked if asked in options else first


def _write(key: str, found: str, first: str) -> str:
    """Keep a value in the address; what a page begins with anyway is not there."""
    if found == first:
        st.query_params.pop(key, None)
    elif st.query_params.get(key) != found:
        st.query_params[key] = found
    return found
