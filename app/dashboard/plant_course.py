"""How the plant answers the power in a window: one time axis, looked at closer by dragging."""

from __future__ import annotations

import streamlit as st

from clustersim.report.plant_figures import course as course_figure
from clustersim.report.plant_figures import group_loading, levels_of_run, notes_of, smoothing_note
from clustersim.report.plant_tables import labels_of_groups
from clustersim.report.words import counted
from clustersim.study.result import Result
from dashboard import show

MODES = {"grid_parallel": "beside the grid", "island": "as an island"}
CARDS = (
    ("min_frequency_hz", "Lowest, grid"),
    ("island_min_frequency_hz", "Lowest, island"),
    ("island_max_rocof_hz_per_s", "RoCoF, island"),
    ("pst", "Flicker Pst"),
)
ZOOM = ("plant-from", "plant-until")


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
    _take_box()
    window, mode = _chosen(result)
    found = [one for one in result.responses if (one.window, one.mode) == (window, mode)]
    length = found[0].load_w.size * found[0].dt_s
    first, last = _zoom(length)
    figure = course_figure(found, levels_of_run(result, found), first, last)
    figure.update_layout(dragmode="select", selectdirection="h")
    several = " Every site has its colour." if len(found) > 1 else ""
    key = f"plant-course-{result.run_id}-{window}-{mode}-{first:g}-{last:g}"
    st.session_state["plant-drawn"] = key
    show.figure(
        figure, key, f"{_label(window)}, {MODES[mode]}: {first:g} to {last:g} s",
        "Frequency, its rate of change over the 500 ms before, voltage, power and charge at the site; red lines are "
        "limits where they lie near. A battery discharges above zero."
        f"{several} Drag over a stretch of time to look closer: it is sampled again.",
        select=True, file=f"plant-{window}-{mode}",
    )  # fmt: skip
    groups = group_loading(found, labels_of_groups(result, [one.site for one in found]), first, last)
    if groups is not None:
        show.figure(
            groups, f"plant-groups-{window}-{mode}-{first:g}-{last:g}", "Output of each group of generators",
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
    with st.container(horizontal=True, gap="medium", vertical_alignment="bottom"):
        window = st.selectbox(
            "Window", windows, key="plant-window", format_func=_label, on_change=_whole, bind="query-params", width=260
        )
        mode = st.segmented_control(
            "Supply", modes, default=own, required=True, key="plant-mode", format_func=MODES.__getitem__,
            bind="query-params",
        )  # fmt: skip
    held = [one.mode for one in result.responses if one.window == window]
    return window, mode if mode in held else held[0]


def _label(window: str) -> str:
    return window.replace("_", " ").capitalize()


def _zoom(length_s: float) -> tuple[float, float]:
    """Return the stretch of the window that is drawn. [s]"""
    for key in ZOOM:
        now = st.session_state.get(key)
        if now is not None and not 0.0 <= now <= length_s:
            st.session_state[key] = None
    with st.container(horizontal=True, gap="small", vertical_alignment="bottom"):
        first = st.number_input(
            "From [s]", 0.0, length_s, None, key=ZOOM[0], placeholder="0", bind="query-params", width=140
        )
        last = st.number_input(
            "Until [s]", 0.0, length_s, None, key=ZOOM[1], placeholder=f"{length_s:g}", bind="query-params", width=140
        )
        st.button(
            "Whole window", key="plant-whole", icon=":material/zoom_out_map:", on_click=_whole,
            disabled=first is None and last is None,
        )  # fmt: skip
    first, last = first or 0.0, length_s if last is None else last
    if last <= first:
        st.error(f"until: expected a time after {first:g} s, found {last:g} s", icon=":material/error:")
        return 0.0, length_s
    return first, last


def _whole() -> None:
    for key in ZOOM:
        st.session_state[key] = None


def _take_box() -> None:
    """Look closer at what was dragged over in the figure that was on the screen."""
    drawn = st.session_state.get(st.session_state.get("plant-drawn", "plant-drawn"))
    boxes = drawn["selection"]["box"] if isinstance(drawn, dict) else []
    if boxes:
        first, last = sorted(float(x) for x in boxes[0]["x"])
        st.session_state[ZOOM[0]], st.session_state[ZOOM[1]] = round(max(0.0, first), 3), round(last, 3)
