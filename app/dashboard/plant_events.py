"""The event injector: what the grid or the site does to its supply, and what answers, as part of the draft."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from clustersim import units
from clustersim.errors import InputError
from clustersim.scenario import parse_override, resolved
from clustersim.scenario.event_kinds import Asked, answer_fields, event_kinds
from clustersim.study.result import Result
from dashboard import plant_equipment, show, state

EVENTS = "plant.events"
UNITS = {
    "time": "such as 55 ms, 30 h", "ratio": "such as 30 %, 0.3 pu", "power": "such as 40 MW",
    "ramp": "such as 20 MW/min", "frequency": "such as -0.5 Hz",
}  # fmt: skip
ANSWERS = {
    "ride_through": "What rides through a dip",
    "frequency_response": "Accelerators that answer frequency",
    "protection": "Protection of the site",
}


def events(result: Result | None) -> None:
    """Show the events of the draft with buttons that remove them, a form for one more, and what answers them."""
    tree = _plant()
    if _middle() == "":
        show.empty("Events need a job.", "With a measured load there is no job that they could stop.")
        return
    st.caption(
        "Events are part of the scenario. Every event gets a window of its own in a run, beside steady training; "
        "Run on top answers them."
    )
    _listed(tree["events"])
    _form(tree["events"])
    with st.expander("What answers the events", icon=":material/shield:"):
        for section, title in ANSWERS.items():
            _answer(section, title, tree[section])
    if result is not None and result.summary.get("grid_events"):
        st.header("What they did", anchor=False)
        plant_equipment.event_answer(result)
        st.caption("Course, on the first tab, has the window of every event.")


def _plant() -> dict[str, Any]:
    scenario = state.scenario()
    assert scenario is not None  # noqa: S101 (the page looks first)
    found: dict[str, Any] = resolved(scenario)["plant"]
    found["events"] = [without_empty(one) for one in found["events"]]
    return found


def without_empty(event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an event without what was left out of it, so that an address stays short."""
    return {key: value for key, value in event.items() if value not in (None, [], ())}


def _listed(now: Sequence[Mapping[str, Any]]) -> None:
    if not now:
        show.empty("No event is injected.", "Add one below; the run then shows what it does.")
        return
    for number, event in enumerate(now):
        with st.container(horizontal=True, vertical_alignment="center", border=True):
            st.markdown(f"**{number + 1}. {_title(str(event['kind']))}**", width="content")
            st.caption(show.plain(in_words(event)), width="stretch")
            if st.button("Remove", key=f"plant-remove-{number}", icon=":material/delete:", help=f"Event {number + 1}"):
                _set([one for at, one in enumerate(now) if at != number])


def in_words(event: Mapping[str, Any]) -> str:
    """Return the fields of an event in a line."""
    return ", ".join(f"{key} {value}" for key, value in event.items() if key != "kind")


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _form(now: Sequence[Mapping[str, Any]]) -> None:
    st.header("Add an event", anchor=False)
    kinds = event_kinds()
    kind = st.selectbox("What happens", list(kinds), format_func=_title, key="plant-kind", width=320)
    st.caption(show.plain(kinds[kind].meaning))
    with st.form(f"plant-event-{kind}", border=True):
        given = _inputs(kinds[kind].fields, f"plant-event-{kind}", {"at": _middle()})
        if st.form_submit_button("Add the event", icon=":material/bolt:", type="primary"):
            _try({EVENTS: [*now, {"kind": kind, **given}]})


def _middle() -> str:
    """Return the middle of the horizon, where a form begins."""
    scenario = state.scenario()
    horizon = None if scenario is None else scenario.horizon_s
    return "" if horizon is None else units.shortest(horizon / 2.0, "time")


def _inputs(fields: Sequence[Asked], key: str, begin: Mapping[str, Any]) -> dict[str, Any]:
    """Show a field for each of what a record asks for; return what was filled in, as a file has it."""
    found: dict[str, Any] = {}
    columns = st.columns(2)
    for number, field in enumerate(fields):
        with columns[number % 2]:
            value = _input(field, f"{key}-{field.name}", begin.get(field.name, field.default))
        if value not in (None, ""):
            found[field.name] = value
    return found


def _input(field: Asked, key: str, begin: Any) -> Any:
    label = field.name.replace("_", " ").capitalize() + (" *" if field.required else "")
    choices = tuple(state.scenario().topology.site) if field.name == "site" else field.choices  # type: ignore[union-attr]
    if field.flag:
        return st.toggle(label, begin in (True, "True"), key=key, help=field.meaning)
    if choices:
        at = choices.index(begin) if begin in choices else None
        return st.selectbox(label, choices, at, key=key, help=field.meaning, placeholder="-")
    if field.whole:
        return st.number_input(label, value=int(begin or 0), min_value=0, step=1, key=key, help=field.meaning)
    hint = "[{after: 0 s, frequency: 60 Hz}, ...]" if field.rows else UNITS.get(field.dimension, "")
    text = st.text_input(label, str(begin), key=key, help=field.meaning, placeholder=hint, max_chars=500).strip()
    return parse_override(f"{field.name}={text}")[1] if field.rows and text else text


def _try(settings: Mapping[str, Any]) -> None:
    """Take settings into the draft, or say what is wrong with them and leave it as it is."""
    try:
        state.draft().changed(settings).scenario()
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    state.change(settings)
    st.rerun()


def _set(events_: list[Any]) -> None:
    state.change({EVENTS: events_})
    st.rerun()


def _answer(section: str, title: str, now: Mapping[str, Any] | None) -> None:
    st.markdown(f"**{title}**")
    with st.form(f"plant-{section}", border=False):
        given = _inputs(answer_fields()[section], f"plant-{section}", without_empty(now or {}))
        with st.container(horizontal=True):
            sent = st.form_submit_button("Set", key=f"plant-{section}-set")
            none = section == "frequency_response" and st.form_submit_button("None of it", key=f"plant-{section}-none")
        if none:
            _try({f"plant.{section}": None})
        elif sent:
            _try({f"plant.{section}": given})
