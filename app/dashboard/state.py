"""What one user is looking at: the draft, and the result that is shown. Nothing here is seen by another user."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import AnyScenario, Draft, draft_of_query, run_id

FIRST = "colossus_200k"
"""Scenario that is open at first."""
OWN_QUERY = ("scenario", "link", "set")
"""Keys of the address that hold the draft; pages keep theirs beside them."""


def restore() -> None:
    """Take the draft from the address when a session begins, and keep the address as the draft is."""
    if "draft" not in st.session_state:
        st.session_state["user"] = uuid4().hex
        st.session_state["restored"] = False
        st.session_state["notice"] = ""
        st.session_state["draft"] = _from_address()
    _write_address()


def _from_address() -> Draft:
    asked = {key: st.query_params.get_all(key) for key in OWN_QUERY}
    try:
        found = draft_of_query(asked)
        if found is not None:
            # a base that can be read is kept with settings that are wrong: pages name what is wrong with them
            found.without().scenario()
            st.session_state["restored"] = True
            return found
    except InputError as error:
        st.session_state["notice"] = f"The address could not be restored. {error}"
    return Draft(FIRST)


def _write_address() -> None:
    wanted = query(draft())
    for key in OWN_QUERY:
        now = st.query_params.get_all(key)
        then = wanted.get(key, [])
        then = [then] if isinstance(then, str) else then
        if now != then:
            if then:
                st.query_params[key] = then
            else:
                del st.query_params[key]


@st.cache_data(max_entries=64, show_spinner=False)
def _query(key: str, _draft: Draft) -> dict[str, str | list[str]]:  # noqa: ARG001 (the key of the cache)
    return _draft.query()


def query(found: Draft) -> dict[str, str | list[str]]:
    """Return what an address must hold to bring a draft back."""
    return _query(found.key, found)


def user() -> str:
    """Return the name of this session, which no other one knows."""
    return str(st.session_state["user"])


def draft() -> Draft:
    """Return what the user has in hand."""
    found: Draft = st.session_state["draft"]
    return found


def edit(found: Draft) -> None:
    """Put another draft into the user's hand."""
    st.session_state["draft"] = found
    st.session_state["notice"] = ""


def open_preset(name: str) -> None:
    """Open a preset, with the changes that this user had made to it before."""
    drafts = st.session_state.setdefault("drafts", {})
    if draft().is_shipped:
        drafts[draft().name] = draft()
    st.session_state["restored"] = False
    edit(drafts.get(name, Draft(name)))


def wants_run() -> bool:
    """Whether the draft came whole, from an address or a file, so that its run need not be asked for by hand."""
    return bool(st.session_state["restored"])


def change(settings: Mapping[str, Any]) -> None:
    """Add settings to the draft: key path -> value, as with ``--set``."""
    st.session_state["restored"] = False
    edit(draft().changed(settings))


def checked(found: Draft) -> tuple[AnyScenario | None, str, str]:
    """Return the validated scenario of a draft and its run's identity, else what is wrong with it."""
    return _scenario(found.key, found)


@st.cache_resource(max_entries=64, show_spinner=False)
def _scenario(key: str, _draft: Draft) -> tuple[AnyScenario | None, str, str]:  # noqa: ARG001 (the key)
    try:
        found = _draft.scenario()
    except InputError as error:
        return None, "", str(error)
    return found, run_id(found), ""


def scenario() -> AnyScenario | None:
    """Return the validated scenario of the draft; None where something is wrong with it (:func:`problems`)."""
    return checked(draft())[0]


def identity() -> str:
    """Return the identity of the run that the draft asks for; empty where something is wrong with it."""
    return checked(draft())[1]


def problems() -> str:
    """Return what is wrong with the draft, as ``clustersim check`` prints it; empty where nothing is."""
    return checked(draft())[2]
