"""How the plant answers the power in a window: one time axis, looked at closer by dragging."""

from __future__ import annotations

import streamlit as st

from clustersim.report.measured import cycle_s
from clustersim.report.plant_figures import course as course_figure
from clustersim.report.plant_figures import group_loading, levels_of_run, notes_of, smoothing_note
from clustersim.report.plant_tables import labels_of_groups
from clustersim.report.spans import Span
from clustersim.report.words import counted
from clustersim.study.result import Result
from dashboard import show, time_zoom

MODES = {"grid_parallel": "beside the grid", "island": "as an island"}
CARDS = (
    ("min_frequency_hz", "Lowest, grid"),
    ("island_min_frequency_hz", "Lowest, island"),
    ("island_max_rocof_hz_per_s", "RoCoF, island"),
    ("pst", "Flicker Pst"),
)
PAGE = "plant"
"""Name of the page in the keys of its controls."""


def course(result: Result) -> None:
    """Show the headline answers of the plant, and its course in a window."""
    show.metrics(result.summary, CARDS, result.reasons)
    if not result.responses:
        show.empty("The plant was not simulated.", "This result holds no answer of a plant.")
        return
    _course(result)
    if result.warnings:
        with st.expander(f"{counted(len(result.warnings), 'warning')} of this run", icon=":material/warning:"):
            for warning in result.warnings:
                st.markdown(f"- {show.plain(warning)}")


@st.fragment
def _course(result: Result) -> None:
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        window, mode = _chosen(result)
        found = [one for one in result.responses if (one.window, one.mode) == (window, mode)]
        whole, dt_s = Span(0.0, found[0].load_w.size * found[0].dt_s), found[0].dt_s
        zoom = time_zoom.fields(PAGE, whole, dt_s, cycle_s(result), "cycle" if result.measured else "step")
    time_zoom.moves(zoom)
    first, last = zoom.span.begin_s, zoom.span.end_s
    figure = course_figure(found, levels_of_run(result, found), first, last)
    figure.update_layout(dragmode="select", selectdirection="h").update_xaxes(range=[first, last])
    several = " Every site has its colour." if len(found) > 1 else ""
    show.figure(
        figure, time_zoom.chart_key(PAGE), f"{_label(window)}, {MODES[mode]}: {first:.9g} to {last:.9g} s",
        "Frequency, its rate of change over the 500 ms before, voltage, power and charge at the site; red lines are "
        "limits where they lie near. A battery discharges above zero."
        f"{several} Drag over a stretch of time to look closer: it is sampled again.",
        file=f"plant-{window}-{mode}", on_drag=time_zoom.on_drag(zoom),
    )  # fmt: skip
    groups = group_loading(found, labels_of_groups(result, [one.site for one in found]), first, last)
    if groups is not None:
        show.figure(
            groups, "plant-groups", "Output of each group of generators",
            "What the units of a group make together as an island.", file=f"groups-{window}",
        )  # fmt: skip
    for text in filter(None, (*notes_of(found), smoothing_note(result))):
        st.caption(show.plain(text))


def _chosen(result: Result) -> tuple[str, str]:
    """Return the window and the mode of supply that the user looks at."""
    windows = list(dict.fromkeys(one.window for one in result.responses))
    modes = [mode for mode in MODES if any(one.mode == mode for one in result.responses)]
    own = result.scenario["plant"]["mode"]
    for key, known in (("plant-window", windows), ("plant-mode", modes)):
        if st.session_state.get(key) not in (None, *known):
            del st.session_state[key]
    window = st.selectbox(
        "Window", windows, key="plant-window", format_func=_label, on_change=time_zoom.forget, args=(PAGE,),
        bind="query-params", width=260,
    )  # fmt: skip
    mode = st.segmented_control(
        "Supply", modes, default=own, required=True, key="plant-mode", format_func=MODES.__getitem__,
        bind="query-params",
    )  # fmt: skip
    held = [one.mode for one in result.responses if one.window == window]
    return window, mode if mode in held else held[0]


def _label(window: str) -> str:
    return window.replace("_", " ").capitalize()
