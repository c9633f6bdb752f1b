"""Parallel plans: search them, compare them, take one over into the draft."""

from __future__ import annotations

from typing import Any

import streamlit as st

from clustersim.background.records import Request, State
from clustersim.report.training_figures import cut_words, plan_scatter
from clustersim.report.training_tables import plans_table, refused_table
from clustersim.report.words import counted, number
from clustersim.scenario import Scenario
from clustersim.study.result import Result
from dashboard import show, state, work

TOP = 24
"""Plans that a search lists."""


def request_of_draft() -> Request:
    """Return the request for the search of the draft's plans, whatever plan it has now."""
    draft = state.draft().changed({"job.plan": "best"})
    return Request("plan", work.drafted(draft) | {"top": TOP}, f"plans of {draft.name}")


def plans(result: Result) -> None:
    """Show the plans of the run until a search has found more."""
    request = request_of_draft()
    ticket = work.ticket_of(request)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if ticket is None or ticket.state in (State.FAILED, State.CANCELLED):
            _search(request)
        _let_search()
    ended = work.answered(request, "plans")
    if ended is not None:
        _found(ended.answer)
        return
    st.markdown("**Plans of the run**")
    show.table(plans_table(result.plans.to_dict("records")), "training-run-plans")
    many = result.summary["plans_compared"]
    said = f"{counted(many, 'plan')} fit; these are the fastest." if many else "The scenario gives its plan."
    st.caption(f"{said} A search lists more of them, those that do not fit too, and lets you take one.")


def _search(request: Request) -> None:
    if st.button(
        "Search plans", key="training-search", icon=":material/search:", type="primary",
        help=f"`{state.draft().command('plan')}`",
    ):  # fmt: skip
        work.ask(request)
        st.rerun()


def _let_search() -> None:
    scenario = state.scenario()
    if not isinstance(scenario, Scenario) or scenario.job.plan == "best":
        return
    if st.button("Let the search choose", key="training-best", icon=":material/auto_awesome:", type="tertiary",
                 help="`--set job.plan=best`"):  # fmt: skip
        state.change({"job.plan": "best"})
        st.rerun()


def _found(answer: dict[str, Any]) -> None:
    rows, refused = answer["plans"], answer["refused"]
    st.caption(
        f"{counted(answer['tried'], 'plan')} tried, {number(answer['found'])} fit, {number(answer['too_large'])} need "
        f"more memory than the {number(answer['usable_memory_gb'])} GB that a job can use. The first eight are timed "
        "with jitter, the others without, those that do not fit in closed form."
    )
    show.figure(
        plan_scatter(rows, refused, answer["usable_memory_gb"]), "training-scatter", "Memory against time",
        "Each point is a plan; the best are at the bottom, and right of the dashed line there is no room.",
    )  # fmt: skip
    show.table(plans_table(rows), "training-plans")
    _choice(rows)
    if refused:
        with st.expander(f"{len(refused)} fast plans that were refused"):
            show.table(refused_table(refused), "training-refused")


def _choice(rows: list[dict[str, Any]]) -> None:
    words = {str(at): f"{at}: {number(row['iteration_time_s'])} s, {cut_words(row)}" for at, row in enumerate(rows, 1)}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        rank = st.selectbox(
            "Plan to use", list(words), key="training-plan", format_func=words.__getitem__,
            width=720,
        )  # fmt: skip
        chosen = rows[int(rank) - 1]["plan"]
        used = state.draft().settings.get("job.plan") == chosen
        if st.button("In use" if used else "Use this plan", key="training-use", icon=":material/check:", disabled=used):
            state.change({"job.plan": chosen})
            st.rerun()
