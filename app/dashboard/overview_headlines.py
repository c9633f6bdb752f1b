"""What a planner sees first: the verdict, the figures of each question, where the design stands."""

from __future__ import annotations

import streamlit as st

from clustersim.errors import InputError
from clustersim.report.headline import Question, Verdict, questions, verdict_of
from clustersim.report.map_look import DARK, LIGHT
from clustersim.report.map_places import MappedPlace, mapped_place
from clustersim.report.site_map import NARROW, site_map
from clustersim.report.words import short_answer
from clustersim.study.places.survey import result_place
from clustersim.study.result import Result
from clustersim.summary_keys import summary_keys
from dashboard import navigation, show, theme

ANSWERED_ON = ("training", "power", "plant", "limits", "sweep")
"""Page that answers each question at length."""
CSS = """
[class*=st-key-figures] p {font-size: .86rem; line-height: 1.35}
.stMarkdown table {font-size: .86rem; display: block; overflow-x: auto}
.st-key-overview-broken td, .st-key-overview-public td:not(:nth-child(n+6)) {white-space: nowrap}
.st-key-overview-public td:last-child {min-width: 15rem}
[class*=st-key-figures] p strong {font-size: 1.2rem; font-weight: 400; white-space: nowrap}
[class*=st-key-figures] p strong {font-variant-numeric: tabular-nums}
"""
LEAD = {"kept": "Yes, as far as it was judged.", "broken": "No, not as it stands.", "unjudged": "Not judged."}
LOOSELY = "Not by every rule."
"""Where only rules are broken that are not in force."""


def headlines(result: Result) -> None:
    """Show the verdict, and below it the figures beside the map."""
    st.html(f"<style>{CSS}</style>")
    verdict(verdict_of(result))
    figures, drawing = st.columns([8, 5], gap="medium")
    with figures:
        asked = questions(result.measured)
        for question, page in zip(asked, ANSWERED_ON, strict=True):
            _question(question, "power" if result.measured and page == "training" else page, result)
    with drawing:
        _map(result)


def verdict(found: Verdict) -> None:
    """Show whether the design works: an icon, and words that need no colour."""
    words = f"**{LEAD[found.kind] if found.in_force else LOOSELY}** {show.plain(found.words)}"
    if found.kind == "kept":
        st.success(words, icon=":material/check_circle:")
    elif found.kind == "broken":
        st.error(words, icon=":material/cancel:")
    else:
        st.info(words, icon=":material/help:")


def _question(question: Question, page: str, result: Result) -> None:
    with st.container(gap="xxsmall"):
        st.page_link(navigation.page_file(page), label=f"**{question.asked}**", icon=":material/chevron_right:")
        with st.container(horizontal=True, gap="small", key=f"figures-{question.answers[0][0]}"):
            for key, label in question.answers:
                _figure(label, key, result)


def _figure(label: str, key: str, result: Result) -> None:
    """Show a summary key; as text, since the browser loads a library of charts before it can draw a metric."""
    meaning, why = f"`{key}`: {summary_keys()[key].meaning}.", result.reasons.get(key)
    st.markdown(
        f"{label}  \n**{show.plain(short_answer(key, result.summary.get(key)))}**",
        help=meaning if why is None else f"{meaning} Not there: {show.plain(why)}",
        width=170,
    )


@st.cache_resource(max_entries=32, show_spinner=False)
def place_of(run: str, _result: Result) -> MappedPlace:  # noqa: ARG001 (the key of the cache)
    """Return where the sites of a run stand."""
    return mapped_place(result_place(_result))


@st.cache_data(max_entries=64, show_spinner=False)
def _drawn(run: str, dark: bool, _result: Result) -> str:
    return site_map([place_of(run, _result)], width=NARROW, colours=DARK if dark else LIGHT)


def _map(result: Result) -> None:
    try:
        drawn = _drawn(result.run_id, theme.is_dark(), result)
    except InputError as error:
        show.empty("There is no map.", str(error))
        return
    st.image(drawn, width="stretch", caption=None, alt=f"Map of {place_of(result.run_id, result).title}")
