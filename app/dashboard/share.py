"""The link that brings back what is on the screen, and the line that asks the same on the command line."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit, urlunsplit

import streamlit as st

from dashboard import state


def link() -> str:
    """Return the address of this page with the draft and what the page keeps in its address."""
    parts = urlsplit(str(st.context.url))
    query = {key: st.query_params.get_all(key) for key in st.query_params}
    query |= {key: [value] if isinstance(value, str) else value for key, value in state.query(state.draft()).items()}
    return urlunsplit((parts.scheme, parts.netloc, parts.path, urlencode(query, doseq=True), ""))


def button() -> None:
    """Show the button with the link."""
    # opening it runs the page again: controls below the bar write the address after the link was made
    with st.popover("Share", icon=":material/link:", key="share", on_change="rerun"):
        st.caption("The address brings back this page, the scenario and every change.")
        st.code(link(), language=None, wrap_lines=True)
        st.caption("The same on the command line:")
        st.code(state.draft().command(), language="bash", wrap_lines=True)
