"""Edits of the draft: what a widget says becomes a setting; every step can be taken back."""

from __future__ import annotations

from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.scenario import Draft, cleared
from clustersim.scenario import put as with_value
from dashboard import state

MOST_STEPS = 50
"""Edits that can be taken back."""


@st.cache_resource(max_entries=64, show_spinner=False)
def _written(key: str, _draft: Draft) -> dict[str, Any]:  # noqa: ARG001 (the key of the cache)
    try:
        return _draft.written()
    except InputError:
        # the bar tells what is wrong; the form shows what the settings were put on
        return _draft.without().written()


def tree() -> dict[str, Any]:
    """Return the scenario in hand as it is written, right or wrong; not to be changed."""
    return _written(state.draft().key, state.draft())


def base() -> dict[str, Any]:
    """Return the scenario that the draft began with, without its settings; not to be changed."""
    return _written(state.draft().without().key, state.draft().without())


def take(draft: Draft) -> None:
    """Put an edited draft into the user's hand, so that it can be taken back."""
    if draft.key == state.draft().key:
        return
    past: list[tuple[Draft, str]] = st.session_state.setdefault("design-past", [])
    past.append((state.draft(), draft.key))
    del past[:-MOST_STEPS]
    st.session_state["restored"] = False
    state.edit(draft)


def put(path: str, value: Any) -> None:
    """Set a value at a key path of the draft."""
    put_all({path: value})


def put_all(values: dict[str, Any]) -> None:
    """Set values at several key paths in one step."""
    draft = state.draft()
    try:
        for path, value in values.items():
            draft = with_value(draft, path, value)
    except InputError as error:
        refuse(str(error))
        return
    take(draft)


def clear(path: str, otherwise: Any) -> None:
    """Write nothing at a key path; `otherwise` where something is written there without settings."""
    try:
        take(cleared(state.draft(), path, otherwise))
    except InputError as error:
        refuse(str(error))


def drop(path: str) -> None:
    """Take one setting back."""
    take(state.draft().without(path))


def can_undo() -> bool:
    """Whether the last edit made here can be taken back."""
    past = st.session_state.get("design-past", [])
    return bool(past) and past[-1][1] == state.draft().key


def undo() -> None:
    """Take the last edit back."""
    if can_undo():
        before, _ = st.session_state["design-past"].pop()
        state.edit(before)


def refuse(message: str) -> None:
    """Keep why an edit was not made, for :func:`refusal`."""
    st.session_state["design-refused"] = message


def refusal() -> str:
    """Return why the last edit was not made; empty where it was. Told once."""
    return str(st.session_state.pop("design-refused", ""))
