"""Choosing designs to compare, and running those that have no result yet."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from dashboard import compare_designs as designs
from dashboard import results, show, state, work


def pick() -> list[designs.Entry]:
    """Show what is compared with what; return the designs that were chosen, the base first."""
    designs.from_address()
    arguments = designs.widget_key()
    options = list(dict.fromkeys([*designs.known(), *st.session_state[designs.QUERY]]))
    labels = {text: designs.label_of(text) for text in options}
    chosen = st.multiselect(
        "Designs", options, format_func=lambda text: labels.get(text, text), max_selections=designs.MOST,
        placeholder="Presets, the scenario in hand, versions that you kept", **arguments,
        help="Two to six. The first is the base that the others are held against.",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        base = _base(chosen, labels)
        _keep()
        _ready_made()
    designs.to_address(chosen)
    return [designs.entry_of(text) for text in sorted(chosen, key=lambda text: text != base)]


def _base(chosen: Sequence[str], labels: dict[str, str]) -> str | None:
    if len(chosen) < 2:
        return chosen[0] if chosen else None
    asked = st.query_params.get("compare-base", chosen[0])
    at = list(chosen).index(asked) if asked in chosen else 0
    found = st.selectbox(
        "Base", chosen, index=at, format_func=lambda text: labels.get(text, text), width=360,
        help="The design that the others are held against.", key=f"compare-base-{'|'.join(chosen)}",
    )  # fmt: skip
    st.query_params["compare-base"] = found
    return found


def _keep() -> None:
    idle = bool(state.problems()) or designs.text_of(state.draft()) in designs.known()
    st.button(
        "Keep this version", icon=":material/bookmark_add:", key="compare-keep", disabled=idle,
        help="Puts the scenario in hand, as it is now, into the list: change it on another page and compare.",
        on_click=designs.keep, args=(state.draft(),),
    )  # fmt: skip


def _ready_made() -> None:
    with st.popover("Ready-made sets", icon=":material/dataset:"):
        st.caption("One building against two, three and five sites, made equal in one way.")
        for at, (title, texts) in enumerate(designs.ready_made().items()):
            st.button(title, key=f"compare-set-{at}", on_click=designs.take, args=(texts,), width="stretch")


def stored(entries: Sequence[designs.Entry]) -> list[designs.Entry]:
    """Return the designs whose results are there; have the others run, and show how far each is."""
    for at, entry in enumerate(entries):
        if entry.problem:
            st.error(show.plain(entry.problem), icon=":material/error:")
        elif not entry.stored:
            _run(entry, at)
    return [entry for entry in entries if entry.stored]


def _run(entry: designs.Entry, at: int) -> None:
    request = work.run_request(entry.draft)
    if work.ticket_of(request) is None:
        work.ask(request)
    if not work.under_way(request):
        st.caption(f"{show.plain(entry.label)} has no result:")
    if work.answered(request, f"compare-{at}", there=lambda _: _made(entry), again="Run it again") is not None:
        st.rerun()


def _made(entry: designs.Entry) -> bool:
    results.forget(entry.draft)
    return entry.stored


def legend(entries: Sequence[designs.Entry], names: Sequence[str]) -> None:
    """Say which name is which design, where names do not say it."""
    told = [
        f"{show.plain(name)} is {show.plain(designs.changed(entry.draft))}"
        for entry, name in zip(entries, names, strict=True)
        if name not in (entry.draft.name, designs.changed(entry.draft))
    ]
    if told:
        st.caption("; ".join(told))
