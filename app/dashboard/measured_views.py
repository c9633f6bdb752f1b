"""What is found in a trace: power over time, rules, spectrum, the fitted record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io
import streamlit as st

from clustersim.report.assess import shown_in
from clustersim.report.envelope import Envelope
from clustersim.report.spans import Span
from clustersim.report.trace_figures import Line, trace_figure
from clustersim.report.verdict import ORDER, verdict_word
from clustersim.report.words import number, percent
from dashboard import charts, show, time_zoom

Answer = Mapping[str, Any]
PAGE = "measured"
"""Name of the page in the keys of its controls."""


def _drawn(read: Answer, assessed: Answer | None, fitted: Answer | None) -> dict[str, tuple[str, Answer]]:
    """Return what is drawn over time: the trace as it was judged, else as it was read, and what was made of it."""
    found = {"measured": (str(read["folder"]), read)}
    if assessed is not None:
        found = {name: (str(assessed["folder"]), one) for name, one in assessed["lines"].items()}
    # a record fitted to one load is not drawn beside many of them
    if fitted is not None and (assessed is None or assessed["data"]["units"] == 1):
        found["fitted record"] = (str(fitted["folder"]), fitted["line"])
    return found


@st.cache_data(max_entries=64, show_spinner=False)
def _points(path: str, t0_s: float, dt_s: float, window_s: tuple[float, float]) -> Envelope:
    return Line(t0_s, dt_s, np.load(path, mmap_mode="r")).within(*window_s)


@st.fragment
def power(read: Answer, assessed: Answer | None, fitted: Answer | None) -> None:
    """Show the trace over time; dragging over it shows that part with all its samples."""
    statistics = {} if assessed is None else assessed["data"]["statistics"]
    whole = Span(read["t0_s"], read["t0_s"] + read["duration_s"])
    with st.container(horizontal=True, gap="small"):
        zoom = time_zoom.fields(PAGE, whole, read["dt_s"], statistics.get("period_s") or 0.0, "cycle")
    time_zoom.moves(zoom)
    shown = zoom.span.begin_s, zoom.span.end_s
    drawn = _drawn(read, assessed, fitted)
    points = {
        name: _points(f"{folder}/{told['file']}", told["t0_s"], told["dt_s"], shown)
        for name, (folder, told) in drawn.items()
    }
    job = None if assessed is None else (assessed["data"]["job"]["from_s"], assessed["data"]["job"]["to_s"])
    peak = max(told["peak_mw"] for _, told in drawn.values())
    show.figure(
        trace_figure(points, shown, peak, job), time_zoom.chart_key(PAGE), "Power over time",
        f"{next(iter(points.values())).note}. Drag over a part of it to see it closer.", file="power",
        on_drag=time_zoom.on_drag(zoom),
    )  # fmt: skip


def numbers(data: Answer) -> None:
    """Show what `assess` prints of the job."""
    found = data["statistics"]
    unit, per = shown_in(found["peak_mw"])
    period = "none" if found["period_s"] is None else f"{number(found['period_s'])} s"
    swing = "not told" if found["swing_mw"] is None else f"{number(found['swing_mw'] * per)} {unit}"
    cards = (
        ("Mean", f"{number(found['mean_mw'] * per)} {unit}", "`mean_mw`: mean power of the job."),
        ("Peak", f"{number(found['peak_mw'] * per)} {unit}", "`peak_mw`: of 100 ms means in the job."),
        ("Swing", swing, "`swing_mw`: median over periods of highest less lowest."),
        ("Period", period, "`period_s`: after which the power repeats."),
        ("Rules broken", str(data["rules_failed"]), "`rules_failed`"),
        ("Not judged", str(data["rules_not_judged"]), "`rules_not_judged`: the table says why."),
    )
    with st.container(horizontal=True, gap="small"):
        for label, value, says in cards:
            st.metric(label, value, help=says, border=True, width=152)
    for note in data["notes"]:
        if not note.startswith("clock: "):  # it stands above, with the samples
            st.caption(show.plain(note))


def rules(assessed: Answer) -> None:
    """Show the verdict, undamped and behind damping, the broken rules first."""
    data = assessed["data"]
    table = _verdict(data["verdict"])
    if data["damped"] is not None:
        behind = _verdict(data["damped"]["verdict"])
        table.insert(1, "behind damping", behind["verdict"])
        table.insert(3, "then", behind["measured"])
    show.table(table.sort_values("verdict", key=lambda one: one.map(ORDER.index), kind="stable"), "measured-verdict")
    st.caption(
        "Measured is what the rule looks at; a margin below zero breaks it. Why a rule is not judged stands last."
    )
    if data["damped"] is not None:
        damped = data["damped"]
        st.markdown("**What the damping did**")
        show.table(_worded(damped["elements"]), "measured-elements")
        st.caption(
            f"Burned and lost: {percent(damped['energy_overhead'])} of the energy; energy of the record "
            f"{100.0 * damped['energy_change']:+.3g} %."
        )


def _verdict(rows: list[dict[str, Any]]) -> pd.DataFrame:
    def figure(row: Mapping[str, Any], key: str) -> str:
        value = row[key]
        return "" if value is None else f"{number(value)} {row['unit']}".strip()

    return pd.DataFrame(
        {
            "verdict": verdict_word(row["passed"]), "rule": row["rule"], "measured": figure(row, "measured"),
            "limit": figure(row, "limit"), "margin": "" if row["margin"] is None else f"{100 * row['margin']:+.0f} %",
            "where": row["node"], "window": row["window"], "reason": row["reason"], "source": row["source"],
        }
        for row in rows
    )  # fmt: skip


def _worded(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return rows with numbers as pages write them; columns in which nothing stands are left out."""
    worded = [
        {key: "" if value is None else number(value) if isinstance(value, float) else str(value)
         for key, value in row.items()}
        for row in rows
    ]  # fmt: skip
    table = pd.DataFrame(worded)
    return table.loc[:, (table != "").any()]


def spectrum(assessed: Answer) -> None:
    """Show the spectrum of the job, the shares of bands, harmonics, and how the spectrum changes over time."""
    folder, found = Path(assessed["folder"]), assessed["data"]["statistics"]
    show.figure(
        _figure(folder / "spectrum.json"), "measured-spectrum", "Spectrum of the job",
        "Amplitude of sines (Hann window); the largest of every narrow band is drawn.", file="spectrum",
    )  # fmt: skip
    left, right = st.columns(2)
    with left:
        st.markdown("**Shares of bands**")
        show.table(_worded(found["band_shares"]), "measured-bands")
    with right:
        st.markdown("**Harmonics of the period**")
        if found["harmonics"]:
            show.table(_worded(found["harmonics"]), "measured-harmonics")
        else:
            st.caption("None: nothing repeats within half of the job.")
    if assessed["no_spectrogram"]:
        st.caption(f"No spectrogram: {show.plain(assessed['no_spectrogram'])}")
        return
    heading, says = "Spectrogram", "Which frequencies are strong when: density over time, bright is strong."
    st.markdown(f"**{heading}**")
    charts.chart(_figure(folder / "spectrogram.json"), "measured-spectrogram", f"{heading}. {says}")
    st.caption(f"{says} Its values are in Spectrogram (CSV) below the rules.")


def _figure(path: Path) -> go.Figure:
    return plotly.io.from_json(path.read_text(encoding="utf-8"))


def fit(fitted: Answer, command: str) -> None:
    """Show the fitted load record beside the trace, with the record as a file."""
    data, folder = fitted["data"], Path(fitted["folder"])
    unit, per = shown_in(data["high_w"] * 1e-6)
    watts = per * 1e-6
    cards = (
        ("Period", f"{number(data['period_s'])} s", f"Standard deviation {number(data['period_sd_s'])} s."),
        ("High level", f"{number(data['high_w'] * watts)} {unit}", "`high_w`"),
        ("Low level", f"{number(data['low_w'] * watts)} {unit}", "`low_w`"),
        ("Duty", percent(data["duty"]), "`duty`: share of the period at the high level."),
        ("Cycles", str(data["cycles"]), "`cycles` that could be followed."),
    )
    with st.container(horizontal=True, gap="small"):
        for label, value, says in cards:
            st.metric(label, value, help=says, border=True, width=170)
    for said in data["warnings"]:
        st.warning(show.plain(said), icon=":material/warning:")
    rows = [
        {"figure": key, "trace": value, "waveform of the record": data["reproduced"].get(key)}
        for key, value in data["measured"].items()
    ]
    st.markdown("**The record's waveform beside the trace**")
    show.table(_worded(rows), "measured-fit")
    st.caption("Levels are in MW; band_energy_share is the share of the energy from 0.1 to 20 Hz.")
    with st.container(horizontal=True, gap="small"):
        _file("Load record (YAML)", folder / "load.yaml", "application/yaml")
        _file("Figures (JSON)", folder / "fit.json", "application/json")
    with st.expander("As the command line prints it", icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)
        st.code((folder / "fit.txt").read_text(encoding="utf-8"), language=None)


def files(assessed: Answer, command: str) -> None:
    """Offer the files of an assessment, and the line that makes them."""
    folder = Path(assessed["folder"])
    with st.container(horizontal=True, gap="small"):
        _file("Assessment (JSON)", folder / "assess.json", "application/json")
        _file("Verdict (CSV)", folder / "verdict.csv", "text/csv")
        if (folder / "spectrogram.csv").is_file():
            _file("Spectrogram (CSV)", folder / "spectrogram.csv", "text/csv")
        if (folder / "site.parquet").is_file():
            _file("Site over time (Parquet)", folder / "site.parquet", "application/vnd.apache.parquet")
    with st.expander("As the command line prints it", icon=":material/terminal:"):
        st.code(command, language="bash", wrap_lines=True)
        st.code((folder / "assess.txt").read_text(encoding="utf-8"), language=None)


def _file(label: str, path: Path, kind: str) -> None:
    st.download_button(
        label, path.read_bytes, path.name, kind, key=f"measured-file-{path.name}", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
