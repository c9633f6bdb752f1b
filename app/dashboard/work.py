"""Requests to worker processes: the queue of this server, and how pages ask, watch and cancel."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from clustersim.background.queue import Queue
from clustersim.background.records import Request, State, Ticket
from clustersim.errors import InputError
from clustersim.scenario import Draft
from dashboard import show, state
from dashboard.settings import settings


@cache
def queue() -> Queue:
    """Return the queue of this server."""
    return Queue(settings().workers)


def drafted(draft: Draft) -> dict[str, Any]:
    """Return a draft as arguments of a verb."""
    return {
        "name": draft.name,
        "tree": None if draft.tree is None else dict(draft.tree),
        "settings": dict(draft.settings),
    }


def run_request(draft: Draft, force: bool = False) -> Request:
    """Return the request for the run of a draft."""
    arguments = drafted(draft) | {"out": str(settings().results)} | ({"force": True} if force else {})
    return Request("run", arguments, f"run of {draft.name}")


def ask(request: Request) -> Ticket | None:
    """Ask for something; None, and a message, where this user has asked for too much."""
    try:
        return queue().submit(request, state.user())
    except InputError as error:
        st.toast(str(error), icon=":material/error:")
        return None


def ticket_of(request: Request) -> Ticket | None:
    """Return how far a request is; None where nobody has asked for it, or it is forgotten."""
    return queue().ticket(request.digest)


def progress(request: Request, key: str) -> Ticket | None:
    """Show how far a request is, with a button that cancels it; the page runs again when it is over.

    Returns the ticket where it is over, so that the page can show what came of it; None while it is under way or where
    it was never asked for.
    """
    found = ticket_of(request)
    if found is None:
        return None
    if found.state.over:
        return found
    _watch(request, key)
    return None


def answered(
    request: Request, key: str, *, there: Callable[[Any], bool] | None = None, again: str = ""
) -> Ticket | None:
    """Show how far a request is, or why it has no answer; return the ticket once it has one.

    Parameters
    ----------
    request : Request
    key : str
        Of the controls that are shown.
    there : callable, optional
        Whether what an answer names is still there. Folders can be removed at any time: the page says so, and offers
        to make it again.
    again : str
        What the button says that asks again after a failure; none where it is empty.
    """
    ended = progress(request, key)
    if ended is None:
        return None
    if ended.state is not State.DONE:
        failed(ended)
    elif there is None or there(ended.answer):
        return ended
    else:
        st.warning("This was made, and is no longer there: its files were removed.", icon=":material/folder_off:")
        again = again or "Run it again"
    if again and st.button(again, key=f"again-{key}", icon=":material/refresh:"):
        ask(request)
        st.rerun()
    return None


def has_folder(answer: Any) -> bool:
    """Whether the folder that an answer names is there."""
    return Path(answer["folder"]).is_dir()


def under_way(request: Request) -> bool:
    """Whether somebody has asked for something that is not over yet."""
    found = ticket_of(request)
    return found is not None and not found.state.over


@st.fragment(run_every="0.5s")
def _watch(request: Request, key: str) -> None:
    found = ticket_of(request)
    if found is None or found.state.over:
        st.rerun()
    bar, button = st.columns([6, 1], vertical_alignment="center")
    with bar:
        st.progress(found.fraction or 0.0, text=told(found))
    # a callback, which is called before anything is drawn: another fragment that is drawn first and has the page run
    # again would lose the answer of a button
    button.button(
        "Cancel", key=f"cancel-{key}", icon=":material/close:", width="stretch", on_click=queue().cancel,
        args=(found.id, state.user()),
    )  # fmt: skip


def told(ticket: Ticket) -> str:
    """Return where a ticket stands, in a line of plain text."""
    if ticket.state is State.QUEUED:
        waits = "starts" if ticket.ahead == 0 else f"waits for {ticket.ahead} other" + ("s" if ticket.ahead > 1 else "")
        return f"{ticket.request.title}: {waits}"
    seconds = ticket.elapsed_s(time.monotonic())
    return f"{ticket.request.title}: {ticket.part.removeprefix(f'{_name(ticket)}: ')} ({seconds:.0f} s)"


def _name(ticket: Ticket) -> str:
    return str(ticket.request.arguments.get("name", ""))


def failed(ticket: Ticket) -> None:
    """Show why a request has no answer."""
    if ticket.state is State.CANCELLED:
        st.info("Cancelled; nothing was left half-written.", icon=":material/block:")
    elif ticket.input_error:
        st.error(show.plain(ticket.error), icon=":material/error:")
    else:
        st.error(f"A fault of the program: {show.plain(ticket.error)}", icon=":material/bug_report:")
