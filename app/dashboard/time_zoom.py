"""The span of a record that a page looks at closer: in its address, typed, dragged over, moved by buttons.

Every page has its own, by the name of the page: ``power`` keeps its span in the address as ``power-from`` and
``power-to``, with their units.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.report.spans import Span, read_span, time_text
from dashboard import show

MOST_BACK = 50
Box = Mapping[str, Any]
"""What was dragged over: the ends on the axis `xref`, in the units of the axis."""


@dataclass(frozen=True)
class Zoom:
    """A record's length and clock, and what of it is shown."""

    page: str
    whole: Span
    dt_s: float
    span: Span
    cycle_s: float = 0.0
    """Time after which the record repeats; 0 where it is not known. [s]"""
    problem: str = ""
    cycle: str = "step"
    """What repeats: the step of a job, the cycle of a measured load."""

    @property
    def zoomed(self) -> bool:
        """Whether less than all of it is shown."""
        return self.span.length_s < self.whole.length_s * (1.0 - 1e-12)

    @property
    def lengths(self) -> dict[str, float]:
        """Lengths that a button asks for. [s]"""
        found = {"10 min": 600.0, "1 min": 60.0}
        if self.cycle_s > 0.0:
            found |= {f"3 {self.cycle}s": 3.0 * self.cycle_s, f"1 {self.cycle}": self.cycle_s}
        return found | {"100 ms": 0.1}


def chart_key(page: str) -> str:
    """Return the key of the chart that is dragged over."""
    return f"{page}-chart"


def ends(page: str) -> tuple[str, str]:
    """Return the keys of the two fields, which are also those of the address."""
    return f"{page}-from", f"{page}-to"


def forget(page: str) -> None:
    """Show all of another record."""
    begin, end = ends(page)
    st.session_state[begin], st.session_state[end], st.session_state[_back_key(page)] = "", "", []


def keep(page: str) -> None:
    """Keep the span while the page shows something else in its place."""
    for key in ends(page):
        if key in st.session_state:
            # a control that is not drawn loses its value, unless it is set
            st.session_state[key] = st.session_state[key]


def asked(page: str, whole: Span, dt_s: float) -> Span:
    """Return the span that the two fields ask for.

    Raises
    ------
    InputError
        If there is none of them in the record.
    """
    begin, end = (st.session_state.get(key, "") for key in ends(page))
    return read_span(begin, end, whole, dt_s)


def fields(page: str, whole: Span, dt_s: float, cycle_s: float = 0.0, cycle: str = "step") -> Zoom:
    """Show the two fields of the span; return what they say, all of the record where something is wrong with it."""
    begin, end = ends(page)
    st.text_input(
        "From", key=begin, bind="query-params", placeholder=time_text(whole.begin_s, whole), width=130,
        help=f"Such as {time_text(whole.begin_s + 0.25 * whole.length_s, whole)}; empty: from the beginning.",
    )  # fmt: skip
    st.text_input(
        "To", key=end, bind="query-params", placeholder=time_text(whole.end_s, whole), width=130,
        help=f"With its unit (ms, s, min, h, d); empty: to the end, {time_text(whole.end_s, whole)}.",
    )  # fmt: skip
    try:
        return Zoom(page, whole, dt_s, asked(page, whole, dt_s), cycle_s, cycle=cycle)
    except InputError as error:
        return Zoom(page, whole, dt_s, whole, cycle_s, str(error), cycle)


def moves(zoom: Zoom) -> None:
    """Show the buttons that move the span, and what is wrong with the fields."""
    with st.container(horizontal=True, gap="small"):
        _buttons(zoom)
    if zoom.problem:
        st.error(show.plain(f"{zoom.problem}. Shown is all of it."), icon=":material/error:")


def _buttons(zoom: Zoom) -> None:
    page, whole, dt_s, span = zoom.page, zoom.whole, zoom.dt_s, zoom.span

    def button(label: str, key: str, icon: str, wanted: Span, enabled: bool, says: str) -> None:
        st.button(
            label, key=f"{page}-{key}", icon=f":material/{icon}:" if icon else None, help=says, disabled=not enabled,
            on_click=_show, args=(page, wanted, whole),
        )  # fmt: skip

    st.button(
        "Back", key=f"{page}-undo", icon=":material/undo:", on_click=_back, args=(page,),
        disabled=not st.session_state.setdefault(_back_key(page), []), help="The span before.",
    )  # fmt: skip
    button("Whole", "whole", "fit_width", whole, zoom.zoomed, "All of the record.")
    button("Out", "out", "zoom_out", span.scaled(2.0, whole, dt_s), zoom.zoomed, "Twice as long.")
    left, right = span.moved(-0.5, whole, dt_s), span.moved(0.5, whole, dt_s)
    button("", "left", "chevron_left", left, left.begin_s < span.begin_s, "Half a span earlier.")
    button("", "right", "chevron_right", right, right.end_s > span.end_s, "Half a span later.")
    for name, seconds in zoom.lengths.items():
        fits = 8.0 * dt_s <= seconds * (1 + 1e-9) and seconds < whole.length_s
        wanted = span.of_length(seconds, whole, dt_s)
        button(
            name, f"length-{name.replace(' ', '-')}", "", wanted, fits, f"{name}, about the middle of what is shown."
        )


def on_drag(zoom: Zoom, in_seconds: Callable[[Box], tuple[float, float]] | None = None) -> Callable[[], None]:
    """Return what is done when somebody drags over the chart: the span that was dragged over is shown.

    Parameters
    ----------
    zoom : Zoom
        What the chart shows.
    in_seconds : callable, optional
        Returns the ends of a box on the record's clock, where the chart's axes are not in seconds on that clock. [s]
    """

    def dragged() -> None:
        boxes = st.session_state[chart_key(zoom.page)]["selection"]["box"]
        if not boxes:
            return
        begin, end = sorted(map(float, in_seconds(boxes[-1]) if in_seconds else boxes[-1]["x"]))
        if end > begin:
            _show(zoom.page, Span(begin, end).within(zoom.whole, zoom.dt_s), zoom.whole)

    return dragged


def _back_key(page: str) -> str:
    return f"{page}-back"


def _show(page: str, wanted: Span, whole: Span) -> None:
    first, last = ends(page)
    before = (st.session_state.get(first, ""), st.session_state.get(last, ""))
    st.session_state[_back_key(page)] = [*st.session_state.get(_back_key(page), []), before][-MOST_BACK:]
    slack = 1e-9 * whole.length_s
    at_start, at_end = wanted.begin_s <= whole.begin_s + slack, wanted.end_s >= whole.end_s - slack
    st.session_state[first] = "" if at_start else time_text(wanted.begin_s, whole)
    st.session_state[last] = "" if at_end else time_text(wanted.end_s, whole)


def _back(page: str) -> None:
    back: list[tuple[str, str]] = st.session_state.get(_back_key(page), [])
    if back:
        first, last = ends(page)
        st.session_state[first], st.session_state[last] = back[-1]
        st.session_state[_back_key(page)] = back[:-1]
