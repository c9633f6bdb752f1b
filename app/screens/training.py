"""Training: how fast the job trains here, and what limits it."""

from __future__ import annotations

import streamlit as st

from clustersim.report.text import limiter, plan_words
from clustersim.report.training_figures import waterfall
from clustersim.study.result import Result
from dashboard import bar, show, training_days, training_plans, training_sites, training_step
from dashboard.navigation import page_file

PAGE = {"section": "Answers", "place": 1, "title": "Training", "icon": "speed"}

CARDS = [
    ("iteration_time_s", "Iteration time"),
    ("tokens_per_s", "Tokens/s"),
    ("mfu", "MFU"),
    ("hfu", "HFU"),
    ("bubble_fraction", "Bubble"),
    ("exposed_comm_fraction", "Exposed comm"),
    ("memory_per_gpu_gb", "Memory/GPU"),
    ("tokens_per_s_per_gpu", "Tokens/s/GPU"),
    ("goodput", "Goodput"),
    ("days_to_budget", "To budget"),
]
SITES = "Between sites"
PARTS = {
    "One step": training_step.schedule,
    "Memory": training_step.memory,
    "Plans": training_plans.plans,
    "Days": training_days.days,
    SITES: training_sites.between,
}


def without_job(result: Result) -> None:
    """Say that a measured load has no step to look into, and where to go instead."""
    show.empty(
        f"The load of {result.name} is measured: there is no job in it.",
        "Steps, plans and goodput belong to a job. What the load does to the place is on the pages Power, Plant and "
        "Limits; any other scenario trains a model.",
    )
    with st.container(horizontal=True):
        for name, label in (("power", "Its power"), ("plant", "What the plant does"), ("limits", "Rules and margins")):
            st.page_link(page_file(name), label=label, icon=":material/arrow_forward:")


def main(result: Result) -> None:
    """Show the answers in one glance, and one part of them closer."""
    show.metrics(result.summary, CARDS, result.reasons)
    st.markdown(
        f"**Largest loss outside compute:** {show.plain(limiter(result.summary))}  \n"
        f"**Plan:** {show.plain(plan_words(result.summary))}"
    )
    show.figure(
        waterfall(result.summary),
        "training-waterfall",
        "From the ideal step to the real one",
        "Each bar begins where the one above ends: the model's products at the accelerators' peak (MFU of the step), "
        "then what is lost; the last bar spreads failures and other stops of the job over its steps.",
    )
    _closer(result)


@st.fragment
def _closer(result: Result) -> None:
    """Show one part closer; only this runs again when another is chosen."""
    several = len(result.scenario["topology"]["site"]) > 1
    options = [name for name in PARTS if name != SITES or several]
    part = st.segmented_control(
        "Look closer", options, default=options[0], required=True, key="training-part", bind="query-params"
    )
    PARTS[part](result)


show.title("Training", "How fast the job trains here, and what limits it.")
found = bar.result()
if found is not None and found.measured:
    without_job(found)
elif found is not None:
    main(found)
