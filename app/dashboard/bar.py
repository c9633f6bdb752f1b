"""The bar on top of a page: which scenario, what was changed, whose result is shown, and what to do with it."""

from __future__ import annotations

import streamlit as st

from clustersim.background.records import Request, State, Ticket
from clustersim.study.compare.differences import shortened
from clustersim.study.result import Result
from dashboard import downloads, presets, results, share, show, state, uploads, work

UPLOADED = "(uploaded)"


def result() -> Result | None:
    """Show the bar; return the result that the page shows, or None where there is none yet, which the bar says."""
    _take_up()
    _bar()
    if state.problems():
        st.error(show.plain(state.problems()), icon=":material/error:")
    found = results.shown()
    current = results.of_draft()
    if current is None and not state.problems():
        _run_state(found)
    elif current is not None:
        _again()
    if found is None and state.problems():
        show.empty("Nothing to show yet.", "Mend what is named above, or open another preset.")
    return found


def head() -> None:
    """Show the bar alone, on a page that needs no result."""
    _bar()


def _bar() -> None:
    _controls()
    _changes()
    if st.session_state["notice"]:
        st.warning(show.plain(st.session_state["notice"]), icon=":material/link_off:")


def _controls() -> None:
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small", key="bar"):
        names = [preset.name for preset in presets.presets()]
        now = state.draft().name if state.draft().is_shipped else UPLOADED
        options = names if state.draft().is_shipped else [UPLOADED, *names]
        labels = {preset.name: f"{preset.name}: {preset.title}" for preset in presets.presets()}
        labels[UPLOADED] = state.draft().name
        st.session_state["bar-preset"] = now
        st.selectbox(
            "Scenario",
            options,
            key="bar-preset",
            format_func=labels.__getitem__,
            on_change=_opened,
            width=430,
        )
        _run_button()
        share.button()
        downloads.button(results.of_draft())
        uploads.button()


def _opened() -> None:
    name = st.session_state["bar-preset"]
    if name != UPLOADED:
        state.open_preset(name)


def _run_button() -> None:
    current = results.of_draft()
    label, icon = ("Run", ":material/play_arrow:") if current is None else ("Run again", ":material/refresh:")
    force = current is not None or results.is_unreadable()
    ticket = work.ticket_of(work.run_request(state.draft(), force=force))
    busy = ticket is not None and not ticket.state.over
    pressed = st.button(
        label, key="run", icon=icon, type="primary" if current is None else "secondary",
        disabled=bool(state.problems()) or busy, help=f"`{state.draft().command()}`",
    )  # fmt: skip
    if pressed:
        work.ask(work.run_request(state.draft(), force=force))
        st.session_state["again"] = current is not None
        st.rerun()


def _changes() -> None:
    settings = state.draft().settings
    if not settings:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        words = ", ".join(f"{path} = {shortened(value)}" for path, value in settings.items())
        st.caption(f"{len(settings)} changed: {show.plain(words[:200])}")
        if st.button("Undo all", key="undo-all", icon=":material/undo:", type="tertiary"):
            state.edit(state.draft().without())
            st.rerun()


def _run_state(found: Result | None) -> None:
    """Show how far the run of the draft is; ask for it where the user need not be asked."""
    request = work.run_request(state.draft(), force=results.is_unreadable())
    ticket = work.ticket_of(request)
    if ticket is None and (state.wants_run() or not state.draft().settings):
        work.ask(request)
    if work.answered(request, "run", there=_made) is not None:
        st.rerun()
    if ticket is None and state.draft().settings and not state.wants_run():
        whose = "Shown is the result from before these changes." if found else "There is no result yet."
        st.info(f"{whose} Press Run to answer them.", icon=":material/edit:")
    if found is None:
        show.skeleton()


def _made(_: object) -> bool:
    """Whether the draft has a result now; one read before it was made is read again."""
    results.forget(state.draft())
    return results.of_draft() is not None


def _take_up() -> None:
    """Have a result read again that was made anew: whoever sees it first does, also where the one who asked has gone.

    Before anything is drawn: a page that runs again half-way loses the click that it was run for.
    """
    ended = work.ticket_of(_repeat())
    if ended is not None and ended.state is State.DONE and not _is_taken_up(ended):
        st.session_state["again_read"] = (ended.id, ended.ended_s)
        results.forget(state.draft())


def _is_taken_up(ended: Ticket) -> bool:
    return bool(st.session_state.get("again_read") == (ended.id, ended.ended_s))


def _repeat() -> Request:
    return work.run_request(state.draft(), force=True)


def _again() -> None:
    """Show how far a run is that repeats the one whose result is shown; the new result takes its place."""
    ended = work.progress(_repeat(), "run-again")
    if ended is None:
        return
    asked = st.session_state.pop("again", False)
    if ended.state is State.DONE:
        if not _is_taken_up(ended):
            # over since this page began to be drawn
            st.rerun()
    elif asked:
        work.failed(ended)
