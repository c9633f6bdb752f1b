"""Measured: a measured trace, judged and fitted."""

from __future__ import annotations

from typing import Any

import streamlit as st

from clustersim.background.records import Request
from clustersim.report.words import number
from dashboard import measured_form, measured_views, show, time_zoom, work
from dashboard.measured_source import Source, source
from dashboard.navigation import page_file

PAGE = {"section": "Evidence", "place": 1, "title": "Measured", "icon": "monitoring"}

VIEWS = ("Power", "Rules", "Spectrum", "Fit")


def answer(request: Request, key: str) -> dict[str, Any] | None:
    """Show how far a request is, or why it failed; return its answer once there is one."""
    # what was made is removed after a day
    ended = work.answered(request, key, there=lambda found: "folder" not in found or work.has_folder(found))
    return None if ended is None else dict(ended.answer)


def asked_before(request: Request) -> bool:
    """Whether this very question was asked in this session."""
    return request.digest in st.session_state.get("measured-asked", ())


def ask(request: Request) -> None:
    """Ask a question, and remember it."""
    st.session_state["measured-asked"] = {*st.session_state.get("measured-asked", ()), request.digest}
    work.ask(request)


def opened(found: Source) -> None:
    """Show everything that is known of an open trace."""
    look = Request("trace_columns", {"path": str(found.path)}, f"columns of {found.name}")
    if work.ticket_of(look) is None:
        work.ask(look)
    offered = answer(look, "measured-look")
    if offered is None:
        return
    columns, missing = measured_form.columns(found, offered)
    if missing:
        st.info(f"Choose {missing}.", icon=":material/table_chart:")
        return
    given = {"path": str(found.path), "columns": columns, "out": str(found.out)}
    reading = Request("trace_read", given, f"reading {found.name}")
    if work.ticket_of(reading) is None:
        work.ask(reading)
    read = answer(reading, "measured-read")
    if read is None:
        show.skeleton()
        return
    st.caption(
        f"{read['samples']:,} samples every {number(1e3 * read['dt_s'])} ms, {number(read['duration_s'])} s; "
        f"clock: {show.plain(read['clock'])}"
    )
    judged(found, read, given)


def judged(found: Source, read: dict[str, Any], given: dict[str, Any]) -> None:
    """Show what is asked of a trace that is read, and the answers."""
    columns = given["columns"]
    question, setting = measured_form.question()
    window = {key: question[key] for key in ("from", "to") if key in question}
    judging = Request("assess", given | {"question": question, "setting": setting}, f"assessing {found.name}")
    fitting = Request("fit_power", given | {"question": window}, f"fitting {found.name}")
    with st.container(horizontal=True, gap="small"):
        if st.button("Assess", key="measured-assess", icon=":material/gavel:", type="primary"):
            ask(judging)
        if st.button("Fit a load record", key="measured-fit-it", icon=":material/timeline:", disabled=found.record):
            ask(fitting)
    assessed = answer(judging, "measured-judging") if asked_before(judging) else None
    fitted = answer(fitting, "measured-fitting") if asked_before(fitting) else None
    if assessed is not None:
        measured_views.numbers(assessed["data"])
    view = st.segmented_control(
        "View", VIEWS, default="Power", required=True, key="measured-view", bind="query-params",
        label_visibility="collapsed",
    )  # fmt: skip
    lines = (
        measured_form.command("assess", found.name, columns, question, setting),
        measured_form.command("fit-power", found.name, columns, window),
    )
    if view != "Power":
        time_zoom.keep(measured_views.PAGE)
    if view == "Power":
        measured_views.power(read, assessed, fitted)
    elif view == "Fit" and found.record:
        show.empty("This is a load record already.", "What a record is fitted to is a trace: a meter's file.")
    elif view == "Fit" and fitted is None:
        show.empty("Nothing fitted yet.", "Fit a load record: levels, period, dips and jitter of this trace.")
    elif view == "Fit" and fitted is not None:
        measured_views.fit(fitted, lines[1])
    elif assessed is None:
        show.empty("Not assessed yet.", "Press Assess to hold the trace against the rules that are chosen above.")
    elif view == "Rules":
        measured_views.rules(assessed)
        measured_views.files(assessed, lines[0])
    else:
        measured_views.spectrum(assessed)


show.title(
    "Measured", "Hold a measured power trace against rules, alone, behind damping or at a place, and fit a load to it."
)
trace = source()
if trace is None:
    show.empty("No trace is open.", "Open a file, or try the example: a server's production waveform as a load record.")
    st.page_link(
        page_file("overview"), label="A whole site under that load", icon=":material/map:",
        query_params={"scenario": "measured_load_memphis"},
    )  # fmt: skip
else:
    opened(trace)
