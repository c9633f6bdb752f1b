"""The designs that are compared: which there are to choose from, as text in the address and as drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode

import streamlit as st

from clustersim.errors import InputError, nearest
from clustersim.scenario import Draft, draft_of_query, run_id, shipped_names
from clustersim.study.compare.differences import shortened
from clustersim.study.places.one_or_many import BASE, EQUALITIES, PLACES
from dashboard import presets, results, state

HAND = "draft"
"""Stands for the scenario in hand, which the address holds already."""
MOST = 6
MOST_LETTERS = 60
"""Of the changes in the name of a design."""
QUERY = "compare-with"
FOLDER = "one_or_many"
KEPT = "compare-kept"


@dataclass(frozen=True)
class Entry:
    """A design to compare."""

    text: str
    """In the address."""
    label: str
    draft: Draft
    name: str
    """That the scenario gives itself; empty where something is wrong."""
    run_id: str
    problem: str
    """As the command line prints it; empty where nothing is wrong."""

    @property
    def folder(self) -> str:
        """Name of the folder of its result."""
        return results.folder_of(self.name, self.run_id).name

    @property
    def stored(self) -> bool:
        """Whether its result is there."""
        return not self.problem and results.has_result(self.name, self.run_id)


def text_of(draft: Draft) -> str:
    """Return a draft as text for the address: the name of a preset, else what brings the draft back."""
    return draft.name if draft.is_shipped and not draft.settings else urlencode(state.query(draft), doseq=True)


def draft_of(text: str) -> Draft:
    """Return the draft that a text of the address means.

    Raises
    ------
    InputError
        If the text is damaged.
    """
    if text == HAND:
        return state.draft()
    found = draft_of_query(parse_qs(text)) if "=" in text else Draft(text)
    if found is None:
        raise InputError(f"address: {QUERY}: expected the name of a preset, or a scenario, found {text[:60]!r}")
    names = shipped_names("scenarios")
    if found.is_shipped and found.name not in names:
        # never a path: an address must not open files of the server
        known = nearest(found.name, names)
        raise InputError(f"address: {QUERY}: expected the name of a preset, found {found.name[:60]!r}{known}")
    return found


@st.cache_data(max_entries=128, show_spinner=False)
def _checked(key: str, _draft: Draft) -> tuple[str, str, str]:  # noqa: ARG001 (the key of the cache)
    try:
        scenario = _draft.scenario()
    except InputError as error:
        return "", "", str(error)
    return scenario.name, run_id(scenario), ""


def entry_of(text: str) -> Entry:
    """Return the design that a text of the address means, with what is wrong with it."""
    try:
        draft = draft_of(text)
    except InputError as error:
        return Entry(text, text[:40], Draft(text[:40]), "", "", str(error))
    return Entry(text, changed(draft), draft, *_checked(draft.key, draft))


def label_of(text: str) -> str:
    """Return what a design is called in the list to choose from."""
    if text == HAND:
        # always the same words: a chip keeps those that it had when its design was chosen, while the draft goes on
        return "In hand"
    if "=" not in text:
        return text
    try:
        return changed(draft_of(text))
    except InputError:
        return text[:40]


def changed(draft: Draft) -> str:
    """Return the name of a draft and its first changes."""
    words = [f"{path.rsplit('.', 1)[-1]} = {shortened(value)}" for path, value in draft.settings.items()]
    more = f" and {len(words) - 2} more" if len(words) > 2 else ""
    first = ", ".join(words[:2])
    first = first if len(first) <= MOST_LETTERS else f"{first[:MOST_LETTERS].rstrip(', ')}..."
    return draft.name + (f" ({first}{more})" if words else "")


def names_of(entries: Sequence[Entry]) -> tuple[str, ...]:
    """Return what designs are called side by side: their names, with what was changed where two have the same."""
    names = [entry.name for entry in entries]
    return tuple(entry.name if names.count(entry.name) == 1 else changed(entry.draft) for entry in entries)


def known() -> list[str]:
    """Return what there is to choose from: the draft, versions that were kept, presets."""
    return [HAND, *st.session_state.get(KEPT, []), *(preset.name for preset in presets.presets())]


def keep(draft: Draft) -> None:
    """Keep a version of the draft for this session."""
    kept: list[str] = st.session_state.setdefault(KEPT, [])
    if text_of(draft) not in kept:
        kept.append(text_of(draft))


def ready_made() -> dict[str, list[str]]:
    """Return sets of designs that ship: one building against several sites, in each way in which they are equal."""
    return {
        f"One building against several sites, {title}": [
            f"{FOLDER}/{BASE}", *(f"{FOLDER}/{start}_equal_{key}" for start in PLACES),
        ]
        for key, title in EQUALITIES.items()
    }  # fmt: skip


def take(texts: list[str]) -> None:
    """Choose designs: the first is the base."""
    st.session_state[QUERY] = texts[:MOST]


def from_address() -> None:
    """Take the designs from the address where nothing was chosen yet in this session."""
    if "compare-chosen" not in st.session_state:
        asked = list(dict.fromkeys(st.query_params.get_all(QUERY)))[:MOST]
        st.session_state["compare-chosen"] = asked or [HAND]


def to_address(texts: list[str]) -> None:
    """Keep the designs, also for when the page is opened again, and write them into the address."""
    st.session_state["compare-chosen"] = texts
    if st.query_params.get_all(QUERY) != texts:
        st.query_params[QUERY] = texts


def widget_key() -> dict[str, Any]:
    """Return the arguments that tie the list to what was chosen."""
    if QUERY not in st.session_state:
        st.session_state[QUERY] = list(st.session_state["compare-chosen"])
    return {"key": QUERY}
