"""How the job spends its days: states, where the time went, and what took it."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from clustersim.report import charts
from clustersim.report.gantt import gantt_figures
from clustersim.report.goodput import goodput_bars, shares_of
from clustersim.report.training_figures import time_by_cause
from clustersim.report.training_tables import causes_table
from clustersim.study.result import Result
from dashboard import show


def days(result: Result) -> None:
    """Show the time of the job over the horizon."""
    show.metrics(
        result.summary,
        [
            ("goodput", "Goodput"),
            ("interruptions", "Interruptions"),
            ("mttf_h", "Time between"),
            ("time_share_lost_work", "Lost work"),
            ("time_share_restart", "Restarts"),
        ],
        result.reasons,
    )
    show.figure(
        charts.states_by_day(result.timeline), "training-days", "How the job spends its days",
        "Hours of every day by what the job does; lost is training that a failure rolled back.",
    )  # fmt: skip
    if len(result.accounts):
        show.figure(
            goodput_bars({"job": shares_of(result.accounts)}, {}), "training-accounts", "Where the time went",
            "Share of the horizon; the useful part is the goodput.",
        )  # fmt: skip
        if (result.accounts["category"] != "useful").any():
            show.figure(
                time_by_cause(result.accounts), "training-causes", "What took the time",
                "Work that was rolled back, and the recovery after it, by what caused them.",
            )  # fmt: skip
    for number, (title, figure, note) in enumerate(_lanes(result.run_id, result)):
        show.figure(figure, f"training-lanes-{number}", title, note)
    if len(result.causes):
        with st.expander("Failures by cause"):
            show.table(causes_table(result.causes), "training-failures")


@st.cache_data(max_entries=6, show_spinner=False)
def _lanes(identity: str, _result: Result) -> list[tuple[str, go.Figure, str]]:  # noqa: ARG001 (the key of the cache)
    timeline = _result.timeline
    horizon_s = float(timeline["t_end_s"].iloc[-1])
    return gantt_figures(timeline.assign(part=timeline.get("site", "job")), horizon_s)
