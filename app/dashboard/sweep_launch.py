"""A study before it runs (points, time, file), and while it runs."""

from __future__ import annotations

import io
import json
import shlex
import zipfile

import pandas as pd
import streamlit as st

from clustersim.background.records import Request, State, Ticket
from clustersim.background.sweep_verbs import PREFIX
from clustersim.errors import InputError
from clustersim.report.words import number
from clustersim.study.sweep.asked import Asked, Look, looked_at
from clustersim.study.sweep.pace import earlier, span
from dashboard import show, state, sweep_stores, sweep_study, work
from dashboard.settings import settings

LIVE = 200
"""Points up to which all of them are looked at with every change."""
FIRST = 10
MOST_POINTS = 5000
"""Points that a server answers; the command line takes more."""
LAUNCHED = "sweep-launched"


def request_of(asked: Asked, retry_failed: bool = False) -> Request:
    """Return the request for the rows of a study."""
    arguments = {"study": dict(asked.tree), "files": dict(asked.files), "out": str(settings().results)}
    return Request("sweep", arguments | ({"retry_failed": True} if retry_failed else {}), _title(asked))


def _title(asked: Asked) -> str:
    return f"sweep {asked.tree.get('name', '')}"


def store_of(asked: Asked) -> str:
    """Return the name of the folder of a study's rows."""
    return f"{PREFIX}{asked.tree.get('name', '')}"


@st.cache_data(max_entries=64, show_spinner=False)
def _look(key: str, _asked: Asked) -> tuple[Look | None, str]:  # noqa: ARG001 (the key of the cache)
    try:
        return looked_at(_asked, LIVE, FIRST), ""
    except InputError as error:
        return None, str(error)


def checked() -> None:
    """Show what the study in hand comes to, its file, and the button that runs it."""
    if not sweep_study.tree()["axes"] or (state.problems() and not sweep_study.has_own_scenario()):
        return
    asked = sweep_study.asked()
    look, problem = _look(json.dumps([dict(asked.tree), dict(asked.files)], default=str), asked)
    st.markdown("**What this asks for**")
    if look is None:
        st.error(show.plain(problem), icon=":material/error:")
    else:
        for warning in look.warnings:
            st.warning(show.plain(warning), icon=":material/warning:")
        _counts(asked, look)
        st.caption(f"The first {min(FIRST, len(look.first))} points" if look.points > FIRST else "All points")
        show.table(pd.DataFrame(list(look.first)).astype(object), "sweep-first")
        _launch(asked, look)
    with st.expander("The study as a file", icon=":material/description:"):
        _file(asked)


def _counts(asked: Asked, look: Look) -> None:
    spec = asked.tree
    before = earlier(
        (sweep_stores.folder_of(name) for name in sweep_stores.stores()),
        str(spec.get("evaluate", "steady")), str(spec.get("scenario")),
    )  # fmt: skip
    count = look.points if look.different is None else look.different
    with st.container(horizontal=True, gap="small"):
        st.metric("Points", number(look.points), border=True, width=180, help="Before constraints.")
        st.metric(
            "To answer", number(count) if look.different is not None else f"at most {number(count)}", border=True,
            width=180, help="Points that meet the constraints and differ from each other.",
        )  # fmt: skip
        st.metric(
            "Estimated time", "-" if before is None else span(count * before.median_s), border=True, width=180,
            help="The points times what one took in an earlier sweep of this scenario at this level.",
        )  # fmt: skip
    if before is None:
        st.caption("No estimate: no sweep of this scenario at this level is stored. The first points will tell.")
    else:
        taken = f"{before.points:,} points of {show.plain(before.store)}"
        st.caption(f"Estimated from {taken}: {number(before.median_s)} s each, the median; one point after the other.")


def _launch(asked: Asked, look: Look) -> None:
    if look.points > MOST_POINTS:
        st.info(
            f"A server answers at most {MOST_POINTS:,} points; download the study and use `clustersim sweep`, which "
            "takes a million.", icon=":material/terminal:",
        )  # fmt: skip
        return
    request = request_of(asked)
    ticket = work.ticket_of(request)
    busy = ticket is not None and not ticket.state.over
    name = store_of(asked)
    there = name in sweep_stores.stores()
    label = "Go on with the sweep" if there else f"Run {look.points:,} points"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        pressed = st.button(
            label, key="sweep-run", type="primary", icon=":material/play_arrow:", disabled=busy,
            help="What the store has already is not answered again.",
        )  # fmt: skip
        retry = st.checkbox("Answer points again that failed", key="sweep-retry") if there else False
        if there:
            st.caption(f"Rows are in {show.plain(name)} already; another name begins another store.")
    if pressed:
        launch(request_of(asked, retry))


def launch(request: Request) -> None:
    """Ask for a sweep, and remember that this session did."""
    if work.ask(request) is not None:
        st.session_state[LAUNCHED] = request
        # its rows are what one wants to see next
        st.session_state.pop("sweep-store", None)
        st.query_params["sweep-store"] = f"{PREFIX}{request.arguments['study']['name']}"
        st.rerun()


def running() -> Ticket | None:
    """Return the sweep that this session has launched, or that the study in hand asks for, where somebody did."""
    request = _request()
    return None if request is None else work.ticket_of(request)


def _request() -> Request | None:
    found: Request | None = st.session_state.get(LAUNCHED)
    if found is None and sweep_study.tree()["axes"]:
        return request_of(sweep_study.asked())
    return found


def progress() -> str | None:
    """Show how far the launched sweep is; return the store that is being written, None where nothing runs."""
    request = _request()
    if request is None:
        return None
    name = f"{PREFIX}{request.arguments['study'].get('name', '')}"
    ended = work.answered(request, "sweep")
    if ended is not None:
        rows = f"{ended.answer['rows']:,}"
        st.success(f"{show.plain(name)}: {rows} rows are there.", icon=":material/check_circle:")
        return None
    ticket = work.ticket_of(request)
    if ticket is not None and ticket.state is State.CANCELLED:
        st.caption("Every row that was answered is kept; running it again goes on.")
    return name if work.under_way(request) else None


def _file(asked: Asked) -> None:
    st.code(asked.text, language="yaml", wrap_lines=True)
    st.caption("The same on the command line:")
    st.code(f"clustersim sweep {shlex.quote(asked.file_name)}", language="bash")
    if not asked.files:
        _download(asked.text, asked.file_name, "application/yaml")
        return
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in {asked.file_name: asked.text, **asked.files}.items():
            archive.writestr(name, text)
    _download(whole.getvalue(), f"{asked.file_name.removesuffix('.yaml')}.zip", "application/zip")


def _download(data: str | bytes, name: str, mime: str) -> None:
    st.download_button(
        "Download the study", data, name, mime, key="sweep-download-study", on_click="ignore",
        icon=":material/download:",
    )  # fmt: skip
