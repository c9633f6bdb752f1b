"""Records that the Power page has made: any node, as long and as fine as asked; and files that a user brings."""

from __future__ import annotations

import streamlit as st

from clustersim.background.records import Request
from clustersim.errors import InputError
from clustersim.scenario import Draft
from clustersim.study.result import Result
from dashboard import power_source, show, time_zoom, work
from dashboard.settings import settings

MOST_MB = 200
"""Largest file of samples."""


def made(result: Result) -> None:
    """Show the form that asks for a record, how far it is, and the field that takes a file."""
    if result.measured:
        show.empty("A measured load has no nodes below the meter.", "Its windows above are all that there is.")
    else:
        _form(result)
    _file()


def _request(result: Result, nodes: list[str], step: str, length: str) -> Request:
    arguments = work.drafted(Draft(result.name, result.scenario)) | {
        "nodes": nodes, "step": step, "length": length, "out": str(settings().results),
    }  # fmt: skip
    return Request("waveform", arguments, f"{length} at {step}")


def _form(result: Result) -> None:
    st.markdown("**A finer or longer record of any node**")
    site = next(iter(result.scenario["topology"]["site"]))
    with st.form("power-ask", border=True):
        nodes = st.text_input(
            "Nodes, with commas between", f"meter, {site}/it", key="power-ask-nodes",
            help=f"meter, {site}, {site}/it, {site}/cooling, {site}/hall_1, {site}/hall_1/rack_1, .../server_1, "
            ".../accelerator_1.",
        )  # fmt: skip
        with st.container(horizontal=True, vertical_alignment="bottom"):
            length = st.text_input("Length", "10 min", key="power-ask-length", width=140)
            step = st.text_input("Step", "1 ms", key="power-ask-step", width=140, help="100 us or more.")
            sent = st.form_submit_button("Make it", icon=":material/play_arrow:", type="primary")
    if sent:
        asked = [name.strip() for name in nodes.split(",") if name.strip()]
        request = _request(result, asked, step.strip(), length.strip())
        if work.ask(request) is not None:
            st.session_state["power-asked"] = request
    words = f"clustersim waveform {result.name} --node meter --length '10 min' --step '1 ms' --out meter.parquet"
    st.caption(f"On the command line: `{words}`")
    _progress(result)


def _progress(result: Result) -> None:
    request: Request | None = st.session_state.get("power-asked")
    if request is None:
        return
    ended = work.answered(
        request, "power-record", there=lambda answer: answer["record"] in power_source.records(result)
    )
    if ended is None:
        return
    del st.session_state["power-asked"]
    st.session_state["power-made"] = ended.answer["record"]
    st.rerun(scope="app")


def take_made() -> None:
    """Show a record that has just been made; before the widget that chooses it."""
    record = st.session_state.pop("power-made", None)
    if record is not None:
        st.session_state["power-window"] = record
        st.session_state["power-fresh"] = True
        time_zoom.forget(power_source.PAGE)


def _file() -> None:
    st.markdown("**A file of samples**")
    file = st.file_uploader(
        "Parquet with `time_s` and a column per node [W], as `clustersim waveform --out` writes it", ["parquet"],
        key="power-file", max_upload_size=MOST_MB,
    )  # fmt: skip
    if file is None or st.session_state.get("power-file-id") == file.file_id:
        return
    st.session_state["power-file-id"] = file.file_id
    try:
        power_source.bring(file.getvalue())
    except InputError as error:
        st.error(show.plain(str(error)), icon=":material/error:")
        return
    st.session_state["power-made"] = power_source.BROUGHT
    st.rerun(scope="app")
