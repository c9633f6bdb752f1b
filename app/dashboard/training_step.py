"""One step closer: its schedule stage by stage, how the units differ, and the memory of every stage."""

from __future__ import annotations

import json

import pandas as pd
import streamlit as st

from clustersim.report.step import trace_of
from clustersim.report.step_gantt import step_gantt
from clustersim.report.training_figures import memory_by_stage, step_parts, units_histogram
from clustersim.report.training_tables import slowest_table, stages_table
from clustersim.report.words import counted, number
from clustersim.study.result import Result
from dashboard import show
from dashboard.training_details import Details, details

NAMED = ("fastest", "median", "slowest")
WHOLE = (0.0, 100.0)
DRAGGED = "training-dragged"
"""Where the session keeps the key of the schedule that it shows, and the length of its step."""


def schedule(result: Result) -> None:
    """Show the schedule of one unit, what the parts of a step take, and how the units spread."""
    found = details(result)
    if found is None:
        return
    _gantt(result, found)
    show.figure(
        step_parts(found.data["breakdown"], found.data["iteration_time_s"]),
        "training-parts",
        "Where the time of a step goes",
        "Share of the step, mean over accelerators and jittered steps; exchanges inside and between replicas "
        "count where compute does not hide them.",
    )
    _spread(found)


@st.fragment
def _gantt(result: Result, found: Details) -> None:
    kept = sorted(int(unit) for unit in found.operations["unit"].unique())
    options = [*NAMED, *(str(unit) for unit in kept)]
    units = found.data["units"]
    stages = len(found.data["stages"])
    _take_zoom()
    first, second, third = st.columns(3)
    unit = found.unit(
        first.selectbox(
            "Replicas in lock step", options, index=1, key="training-unit", bind="query-params",
            help=f"{counted(units['count'], 'unit')} of {number(units['accelerators_each'])} accelerators each, "
            "by when they are through with their passes.",
        )
    )  # fmt: skip
    lanes = ["all", *(str(stage) for stage in range(stages))]
    lane = second.selectbox("Pipeline stage", lanes, key="training-stage", bind="query-params")
    batches = int(found.data["plan"]["micro_batches"])
    batch = third.selectbox(
        "Follow a micro-batch", ["none", *(str(one) for one in range(batches))], key="training-batch",
        bind="query-params", help="Its way through the stages and back stands out.",
    )  # fmt: skip
    low, high = st.slider(
        "Part of the step [%]", *WHOLE, WHOLE, 0.1, "%.1f", key="training-window", bind="query-params",
        help="Dragging over the figure sets it too.",
    )  # fmt: skip
    seconds = float(found.data["iteration_time_s"])
    t0_s, t1_s = seconds * low / 100.0, seconds * max(high, low + 0.1) / 100.0
    rows = _rows(found, unit)
    drawn = step_gantt(
        rows, t0_s, t1_s, stage=None if lane == "all" else int(lane), followed=None if batch == "none" else int(batch)
    )
    drawn.figure.update_layout(dragmode="select", selectdirection="h")
    # another key for another view: what was dragged over belongs to the view in which it was
    st.session_state[DRAGGED] = (f"training-gantt-{unit}-{lane}-{batch}-{low}-{high}", seconds)
    show.figure(
        drawn.figure, st.session_state[DRAGGED][0], f"One step of unit {unit}, stage by stage", drawn.note,
        select=True, file=f"{result.name}-step-unit-{unit}",
    )  # fmt: skip
    _buttons(result, found, unit, rows, (low, high))


def _share(at_s: float, seconds: float) -> float:
    return round(min(max(100.0 * at_s / seconds, 0.0), 100.0), 1)


def _take_zoom() -> None:
    """Set the slider to what was dragged over since it was shown."""
    key, seconds = st.session_state.get(DRAGGED, (DRAGGED, 0.0))
    event = st.session_state.get(key) if key != DRAGGED else None
    boxes = event["selection"]["box"] if event else []
    if boxes:
        low, high = (_share(at_s, seconds) for at_s in sorted(boxes[0]["x"]))
        _zoom(low, max(high, low + 0.1))


def _zoom(low: float, high: float) -> None:
    st.session_state["training-window"] = (low, min(high, 100.0))


def _rows(found: Details, unit: int) -> pd.DataFrame:
    return found.operations[found.operations["unit"] == unit]


def _buttons(result: Result, found: Details, unit: int, rows: pd.DataFrame, window: tuple[float, float]) -> None:
    with st.container(horizontal=True, gap="small"):
        st.button(
            "Whole step", key="training-whole", icon=":material/zoom_out_map:", disabled=window == WHOLE,
            on_click=_zoom, args=WHOLE,
        )  # fmt: skip
        head = {"scenario": result.name, "seed": result.scenario["seed"], "units": found.data["units"]["count"]}
        st.download_button(
            "Trace of this unit", lambda: json.dumps(trace_of(rows, head), separators=(",", ":")),
            f"{result.name}-unit-{unit}.json", "application/json", key="training-trace-unit", on_click="ignore",
            icon=":material/download:", help=f"`clustersim step {result.name} --trace FILE --unit {unit}`",
        )  # fmt: skip
        st.download_button(
            "Trace of the first units", lambda: found.trace, f"{result.name}-step.json", "application/json",
            key="training-trace", on_click="ignore", icon=":material/download:",
            help=f"Chrome trace, opens at ui.perfetto.dev: `clustersim step {result.name} --trace FILE`",
        )  # fmt: skip


def _spread(found: Details) -> None:
    units = found.data["units"]
    if units["count"] < 2:
        show.empty("One unit trains alone.", "With several replicas this shows how far the slowest is behind.")
        return
    late_ms = 1e3 * (units["slowest"]["end_s"] - units["fastest"]["end_s"])
    show.figure(
        units_histogram(units),
        "training-spread",
        "When the units are through with their passes",
        f"All wait for the slowest before the gradients are summed: it is {number(late_ms)} ms behind the fastest.",
    )
    with st.expander("The slowest units"):
        show.table(slowest_table(units), "training-slowest")


def memory(result: Result) -> None:
    """Show what an accelerator of every stage holds."""
    found = details(result)
    if found is None:
        return
    stages, usable = found.data["stages"], float(found.data["usable_memory_gb"])
    fullest = max(stages, key=lambda stage: stage["memory_gb"])
    show.figure(
        memory_by_stage(stages, usable),
        "training-memory",
        "Memory of an accelerator by stage",
        f"Stage {fullest['stage']} is the fullest with {number(fullest['memory_gb'])} GB of {number(usable)} GB; "
        "working is what one layer or the head needs for a moment.",
    )
    show.table(stages_table(stages), "training-stages")
