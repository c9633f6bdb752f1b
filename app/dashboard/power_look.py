"""The waveform of the Power page: what is drawn, the chart that is zoomed by dragging, and what stands below it."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from clustersim.errors import InputError
from clustersim.report import power_figures, power_samples
from clustersim.report.measured import cycle_s
from clustersim.report.power_record import Record
from clustersim.study.result import Result
from dashboard import charts, power_source, power_views, show, time_zoom
from dashboard.power_source import HORIZON, PAGE
from dashboard.time_zoom import Box, Zoom

MOST_NODES = 8
MOST_CSV = 1_000_000
"""Samples that are written as CSV; more are written as Parquet only."""
QUANTITIES = {"p": "Active", "q": "Reactive"}


@st.fragment
def look(result: Result) -> None:
    """Show a record of power, and a closer look at it; only this part of the page runs when it is touched."""
    options = power_source.options(result)
    if st.session_state.get("power-window", "steady") not in options:
        st.session_state["power-window"] = "steady"
    name = st.segmented_control(
        "Record", list(options), key="power-window", bind="query-params", required=True,
        default=None if "power-window" in st.session_state else "steady",
        format_func=options.__getitem__, on_change=_other, label_visibility="collapsed",
    )  # fmt: skip
    name = name or "steady"
    if name == HORIZON:
        _horizon(result)
        power_views.views(result, None, name, [], None)
        return
    try:
        record = power_source.record_of(result, name)
        zoom, nodes, reactive = _controls(result, record, name)
        _chart(record, zoom, nodes, reactive, name)
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    power_views.views(result, record, name, nodes, zoom, reactive=reactive)


def _other() -> None:
    time_zoom.forget(PAGE)
    st.session_state["power-fresh"] = True


def _nodes(name: str, nodes: tuple[str, ...]) -> list[str]:
    key, first = "power-node", power_source.first_nodes(name, nodes)
    asked = st.session_state.get(key)
    if st.session_state.pop("power-fresh", False):
        # said outright: the browser would go on showing the nodes of the record before
        st.session_state[key] = first
    elif asked and not set(asked) <= set(nodes):
        st.session_state[key] = [node for node in asked if node in nodes] or first
    found: list[str] = st.multiselect(
        "Nodes", list(nodes), None if key in st.session_state else first, key=key, bind="query-params",
        max_selections=MOST_NODES, width="stretch",
        help="Of the electrical tree. The first one is shown in the strip, and has its spectrum below.",
    )  # fmt: skip
    return found


def _controls(result: Result, record: Record, name: str) -> tuple[Zoom, list[str], bool]:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        nodes = _nodes(name, record.nodes)
        quantity = "p"
        if record.has_vars:
            quantity = st.segmented_control(
                "Power", list(QUANTITIES), key="power-quantity", bind="query-params", default="p", required=True,
                format_func=QUANTITIES.__getitem__, width="content",
            )  # fmt: skip
        zoom = time_zoom.fields(PAGE, record.whole, record.dt_s, cycle_s(result), _cycle(result))
    time_zoom.moves(zoom)
    return zoom, nodes, quantity == "q"


def _cycle(result: Result) -> str:
    return "cycle" if result.measured else "step"


def _chart(record: Record, zoom: Zoom, nodes: list[str], reactive: bool, name: str) -> None:
    if not nodes:
        show.empty("No node is chosen.", "Choose one above: the meter, a site, a part of it, a hall.")
        return
    traces = {node: power_source.samples_of(record, node, reactive=reactive) for node in nodes}
    scale = power_figures.scale_of(traces, reactive=reactive)
    drawn = power_figures.zoomed(traces, zoom.whole, zoom.dt_s, zoom.span, scale)
    _drawn(drawn, zoom, f"Power of {', '.join(nodes)}")
    count = next(iter(traces.values())).samples
    first, last = zoom.span.samples(zoom.whole.begin_s, zoom.dt_s, count)
    note = power_figures.note(drawn, last - first, zoom.dt_s)
    words, csv, packed = st.columns([6, 1, 1], vertical_alignment="center")
    words.caption(show.plain(note))
    stem = f"power-{name}-{first}-{last}"

    def shown() -> power_samples.Table:
        return power_samples.shown_samples(record, nodes, zoom.span, reactive=reactive)

    csv.download_button(
        "CSV", lambda: power_samples.csv_bytes(shown()), f"{stem}.csv", "text/csv", key="power-csv", on_click="ignore",
        type="tertiary", icon=":material/download:", disabled=last - first > MOST_CSV,
        help=f"The {last - first:,} samples of the span; up to {MOST_CSV:,} of them as CSV.",
    )  # fmt: skip
    packed.download_button(
        "Parquet", lambda: power_samples.parquet_bytes(shown()), f"{stem}.parquet", "application/vnd.apache.parquet",
        key="power-parquet", on_click="ignore", type="tertiary", icon=":material/download:",
        help=f"The {last - first:,} samples of the span, as they are in the result.",
    )  # fmt: skip


def _drawn(drawn: go.Figure, zoom: Zoom, alt: str) -> None:
    def in_seconds(box: Box) -> tuple[float, float]:
        in_strip = box.get("xref", "x") == "x"
        clock = power_figures.strip_clock(zoom.whole) if in_strip else power_figures.detail_clock(zoom.span, zoom.whole)
        begin, end = (float(at) * clock.size_s + clock.origin_s for at in box["x"])
        return begin, end

    charts.chart(
        drawn, time_zoom.chart_key(PAGE), alt, charts.PLOT | {"displayModeBar": False}, selection_mode="box",
        on_select=time_zoom.on_drag(zoom, in_seconds),
    )  # fmt: skip


def _horizon(result: Result) -> None:
    course = power_source.course(result)
    whole = power_source.horizon_of(course)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        nodes = _nodes(HORIZON, tuple(course))
        zoom = time_zoom.fields(PAGE, whole, 1.0, cycle_s(result), _cycle(result))
    time_zoom.moves(zoom)
    if not nodes:
        show.empty("No node is chosen.", "Choose the meter or a site above.")
        return
    chosen = {node: course[node] for node in nodes}
    windows = {name: wave.t0_s for name, wave in result.waveforms.items()}
    drawn = power_figures.horizon(chosen, whole, zoom.span, windows)
    _drawn(drawn, zoom, f"Power of {', '.join(nodes)} over the horizon")
    words, csv = st.columns([7, 1], vertical_alignment="center")
    words.caption(show.plain(power_figures.horizon_note(result, chosen, zoom.span)))
    csv.download_button(
        "CSV",
        lambda: power_samples.csv_bytes(power_samples.shown_course(chosen, zoom.span, power_figures.BINS)),
        "power-horizon.csv", "text/csv", key="power-csv", on_click="ignore", type="tertiary",
        icon=":material/download:", help="The stretches or bins that are drawn.",
    )  # fmt: skip
