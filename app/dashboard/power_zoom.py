"""The span of a record that the Power page shows: in the address, dragged, typed, moved by buttons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import streamlit as st

from clustersim.errors import InputError
from clustersim.report.power_figures import detail_clock, strip_clock
from clustersim.report.spans import Span, read_span, time_text

FROM, TO, BACK, CHART = "power-from", "power-to", "power-back", "power-chart"
MOST_BACK = 50


@dataclass(frozen=True)
class Zoom:
    """A record's length and clock, and what of it is shown."""

    whole: Span
    dt_s: float
    span: Span
    cycle_s: float
    """Time after which the power repeats; 0 where it is not known. [s]"""
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


def forget() -> None:
    """Show all of another record."""
    st.session_state[FROM], st.session_state[TO], st.session_state[BACK] = "", "", []


def fields(whole: Span, dt_s: float, cycle_s: float, *, measured: bool = False) -> Zoom:
    """Show the two fields of the span; return what they say."""
    hint = f"Such as {time_text(whole.begin_s + 0.25 * whole.length_s, whole)}; empty: from the beginning."
    begin = st.text_input(
        "From", key=FROM, bind="query-params", placeholder=time_text(whole.begin_s, whole), width=130, help=hint
    )
    end = st.text_input(
        "To", key=TO, bind="query-params", placeholder=time_text(whole.end_s, whole), width=130,
        help=f"With its unit (ms, s, min, h, d); empty: to the end, {time_text(whole.end_s, whole)}.",
    )  # fmt: skip
    cycle = "cycle" if measured else "step"
    try:
        return Zoom(whole, dt_s, read_span(begin, end, whole, dt_s), cycle_s, cycle=cycle)
    except InputError as error:
        return Zoom(whole, dt_s, whole, cycle_s, str(error), cycle)


def buttons(zoom: Zoom) -> None:
    """Show the buttons that move the span."""
    whole, dt_s, span = zoom.whole, zoom.dt_s, zoom.span
    back: list[tuple[str, str]] = st.session_state.setdefault(BACK, [])

    def button(label: str, key: str, icon: str, wanted: Span, enabled: bool, says: str) -> None:
        st.button(
            label, key=f"power-{key}", icon=f":material/{icon}:" if icon else None, help=says, disabled=not enabled,
            on_click=_show, args=(wanted, whole),
        )  # fmt: skip

    st.button(
        "Back", key="power-undo", icon=":material/undo:", on_click=_back, disabled=not back, help="The span before."
    )
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


def dragged(zoom: Zoom) -> None:
    """Show the span that somebody has dragged over, in the strip or in the closer look."""
    boxes = st.session_state[CHART]["selection"]["box"]
    if not boxes:
        return
    box = boxes[-1]
    clock = strip_clock(zoom.whole) if box.get("xref", "x") == "x" else detail_clock(zoom.span, zoom.whole)
    begin, end = sorted(float(at) * clock.size_s + clock.origin_s for at in box["x"])
    if end > begin:
        _show(Span(begin, end).within(zoom.whole, zoom.dt_s), zoom.whole)


def _show(wanted: Span, whole: Span) -> None:
    before = (st.session_state.get(FROM, ""), st.session_state.get(TO, ""))
    st.session_state[BACK] = [*st.session_state.get(BACK, []), before][-MOST_BACK:]
    slack = 1e-9 * whole.length_s
    at_start, at_end = wanted.begin_s <= whole.begin_s + slack, wanted.end_s >= whole.end_s - slack
    st.session_state[FROM] = "" if at_start else time_text(wanted.begin_s, whole)
    st.session_state[TO] = "" if at_end else time_text(wanted.end_s, whole)


def _back() -> None:
    back: list[Any] = st.session_state.get(BACK, [])
    if back:
        st.session_state[FROM], st.session_state[TO] = back[-1]
        st.session_state[BACK] = back[:-1]
