"""What the Power page shows of the span that is looked at: spectrum, spectrogram, nodes, damping, other records."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from clustersim.report import power_figures, power_nodes, power_spectra
from clustersim.report.power_record import Record
from clustersim.report.spans import time_text
from clustersim.report.words import percent
from clustersim.study.result import Result
from dashboard import power_damping, power_records, power_source, show, time_zoom
from dashboard.time_zoom import Zoom

VIEWS = {
    "spectrum": "Spectrum",
    "spectrogram": "Spectrogram",
    "nodes": "Node by node",
    "damping": "Without damping",
    "records": "Finer and longer",
}


INDENT = "\u2003"


def _last(node: str) -> str:
    return node.rpartition("/")[2]


def views(
    result: Result, record: Record | None, name: str, nodes: list[str], zoom: Zoom | None, *, reactive: bool = False
) -> None:
    """Show the view that is chosen."""
    st.divider()
    view = st.segmented_control(
        "View", list(VIEWS), key="power-view", bind="query-params", default="spectrum", required=True,
        format_func=VIEWS.__getitem__, label_visibility="collapsed",
    )  # fmt: skip
    if view == "nodes":
        _tree(result, name)
    elif view == "damping":
        power_damping.compared(result, name)
    elif view == "records":
        power_records.made(result)
    elif record is None or zoom is None:
        show.empty("The horizon has means, no spectrum.", "Choose a window above: Steady has 600 s at 10 ms.")
    elif nodes:
        _spectral(result, record, nodes[0], zoom, reactive, over_time=view == "spectrogram")


def _spectral(
    result: Result, record: Record, node: str, zoom: Zoom, reactive: bool, *, over_time: bool
) -> None:  # fmt: skip
    trace = power_source.samples_of(record, node, reactive=reactive)
    first, last = zoom.span.samples(zoom.whole.begin_s, zoom.dt_s, trace.samples)
    if last - first < power_spectra.FEWEST:
        show.empty("This span is too short for a spectrum.", f"It needs {power_spectra.FEWEST} samples; press Out.")
        return
    most = power_spectra.MOST_OVER_TIME if over_time else power_spectra.MOST_SAMPLES
    part = power_spectra.part_of(trace.values[first:last], zoom.dt_s, most)
    scale = power_figures.scale_of({node: trace}, reactive=reactive)
    lines = power_spectra.line_marks(result)
    span = f"{time_text(round(zoom.span.begin_s, 6), zoom.whole)} to {time_text(round(zoom.span.end_s, 6), zoom.whole)}"
    heading = f"{'Spectrogram' if over_time else 'Spectrum'} of {node}, {span}"
    if over_time:
        found = power_spectra.spectra_over_time(part)
        figure = power_spectra.spectra_figure(found, zoom.span.begin_s, lines)
        says = f"Power density over time, segments of {found.segment_s:.4g} s; dotted: the iteration and its harmonics."
    else:
        figure = power_spectra.spectrum([(node, part)], scale, (*power_spectra.rule_marks(result), *lines))
        says = _says(result)
    if part.averaged > 1:
        says += f" Means over {part.averaged} samples each, so that frequencies end at {0.5 / part.dt_s:.4g} Hz."
    show.figure(figure, f"power-{'spectrogram' if over_time else 'spectrum'}", heading, says)


def _says(result: Result) -> str:
    bands = power_spectra.marks_text(power_spectra.rule_marks(result))
    shares = (result.summary.get("band_energy_share"), result.summary.get("band_amplitude_share"))
    shaded = f"shaded, what rules look at: {bands}" if bands else "no rule of this scenario looks at a band"
    return (
        f"Amplitude of each frequency; {shaded}. Of the steady meter, 0.1-20 Hz holds "
        f"{percent(shares[0])} of the swings' energy and {percent(shares[1])} of their amplitude."
    )


def _tree(result: Result, name: str) -> None:
    window = name if name in result.waveforms else "steady"
    stored = power_source.records(result).get(name)
    st.markdown(f"**Power node by node, {show.plain(stored.title if stored else f'window {window}')}**")
    if stored is not None:
        found = power_nodes.told_nodes(stored.data)
        command = f"clustersim waveform {result.name} --length '{stored.length}' --step '{stored.step}' --json"
    else:
        found = power_nodes.window_nodes(result, window)
        command = f"clustersim nodes {result.name} --window {window}"
    texts = zip(found, power_nodes.nodes_rows(found), strict=True)
    rows = [(f"{INDENT * one.depth}{_last(one.node)}", *row) for one, row in texts]
    event = show.table(
        pd.DataFrame(rows, columns=["tree", *power_nodes.HEAD]), f"power-tree-{name}", on_select="rerun",
        selection_mode="multi-row", height="auto" if len(rows) < 14 else 480,
    )  # fmt: skip
    picked = [found[row].node for row in event["selection"]["rows"]]
    st.caption(f"Choose rows, then plot them. On the command line: `{command}`.")
    st.button(
        "Plot these", key="power-plot", icon=":material/show_chart:", disabled=not picked, on_click=_plot,
        args=(picked, window if stored is None else name, stored is not None),
    )  # fmt: skip


def _plot(picked: list[str], window: str, made: bool) -> None:
    """Show nodes in the chart; those of a run's close-up are a record of their own."""
    deep = [] if made else [node for node in picked if node.count("/") > 1]
    wanted = power_source.CLOSE_UP if deep else window
    if st.session_state.get("power-window") != wanted:
        time_zoom.forget(power_source.PAGE)
    st.session_state["power-window"] = wanted
    st.session_state["power-node"] = [_last(node).rpartition("_")[0] for node in deep] or picked
