"""Above the forms of a design: where it starts from, what was changed, whether it can be run."""

from __future__ import annotations

import streamlit as st

from clustersim.background.records import Request, State
from clustersim.errors import InputError
from clustersim.scenario import placed, setting_text, shipped_names, value_at
from dashboard import bar, design_edit, navigation, results, show, state, work


def head() -> None:
    """Show the bar, what is wrong with the draft, and how far its run is; nothing here waits for a result."""
    bar.head()
    if state.problems():
        st.error(show.plain(state.problems()), icon=":material/error:")
        return
    request = work.run_request(state.draft())
    if work.answered(request, "run", there=lambda _: results.draft_has_one()) is not None:
        st.page_link(navigation.page_file("overview"), label="The run is done: see its answers", icon=":material/map:")


def refusal() -> None:
    """Tell why the last edit was not made, where it was not."""
    refused = design_edit.refusal()
    if refused:
        st.error(show.plain(refused), icon=":material/error:")


def place_select() -> None:
    """Let the user start from another shipped place."""
    now = str(value_at(design_edit.tree(), "topology.name"))
    names = shipped_names("topologies")
    touched = any(path.startswith("topology.") for path in state.draft().settings)
    st.session_state["design-place"] = now
    st.selectbox(
        "Place", names if now in names else [now, *names], key="design-place", on_change=_placed, width=330,
        format_func=lambda name: f"{name} (changed)" if touched and name == now else name,
        help="A shipped place to start from; what you changed of the place before goes, the job stays.",
    )  # fmt: skip


def _placed() -> None:
    name = st.session_state["design-place"]
    if name in shipped_names("topologies"):
        try:
            design_edit.take(placed(state.draft(), name))
        except InputError as error:
            design_edit.refuse(str(error))


def undo_button() -> None:
    """Take the last edit back."""
    st.button(
        "Undo", key="design-undo", icon=":material/undo:", disabled=not design_edit.can_undo(),
        on_click=design_edit.undo, help="Takes the last edit back.",
    )  # fmt: skip


def changes() -> None:
    """List every setting, each with a button that takes it back."""
    found = state.draft().settings
    if not found:
        return
    with st.expander(f"{len(found)} changed: each can be taken back", icon=":material/edit:"):
        for path, value in found.items():
            row, button = st.columns([8, 1], vertical_alignment="center")
            row.code(setting_text(path, value)[:300], language=None, wrap_lines=True)
            button.button(
                "Undo", key=f"drop:{path}", type="tertiary", icon=":material/undo:", on_click=design_edit.drop,
                args=(path,), help=f"Takes back {show.plain(path)}",
            )  # fmt: skip


def check() -> None:
    """Show whether the draft could be run, as ``clustersim check`` tells; it is asked of a worker process."""
    if state.problems():
        return
    request = Request("check", work.drafted(state.draft()), f"check of {state.draft().name}")
    ticket = work.ticket_of(request)
    if ticket is None:
        before = st.session_state.get("design-check")
        busy = before is not None and (last := work.ticket_of(before)) is not None and not last.state.over
        if not busy:
            st.session_state["design-check"] = request
            ticket = work.ask(request)
    _checked(request, over=ticket is not None and ticket.state.over)


def _checked(request: Request, over: bool) -> None:
    ticket = work.ticket_of(request)
    if ticket is None or not over:
        _waiting(request)
    elif ticket.state is State.DONE and not ticket.answer:
        st.success("`clustersim check`: ok", icon=":material/check_circle:")
    elif ticket.state is State.DONE:
        st.error("\n\n".join(show.plain(line) for line in ticket.answer), icon=":material/error:")
    else:
        work.failed(ticket)


@st.fragment(run_every="0.7s")
def _waiting(request: Request) -> None:
    """Wait for a check; ask for it when the one before it is over."""
    ticket = work.ticket_of(request)
    if ticket is None:
        before = st.session_state.get("design-check")
        last = None if before is None else work.ticket_of(before)
        if last is None or last.state.over:
            st.session_state["design-check"] = request
            work.ask(request)
    elif ticket.state.over:
        st.rerun()
    st.caption(":material/hourglass: Checking whether a plan fits and a run would begin.")
