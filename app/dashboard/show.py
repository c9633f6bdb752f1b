"""Figures, tables, pictures and numbers as every page shows them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from clustersim.report.dark import dark_svg
from clustersim.report.plotted import csv_of
from clustersim.report.words import short_answer
from clustersim.scenario import shipped
from clustersim.summary_keys import summary_keys
from dashboard import charts, theme

CARD_PX, WIDE_CARD_PX = 152, 190
"""Width of a card, and of one with a long answer. [px]"""
LONG = 11
"""Letters up to which an answer is not long."""
LARGE = 10_000
"""Whole numbers from which on thousands are separated; years stay as they are."""


def title(name: str, says: str) -> None:
    """Show the heading of a page and what it answers, in a sentence."""
    st.title(name, anchor=False)
    st.caption(says)


def figure(
    drawn: go.Figure, key: str, heading: str, says: str, *, file: str | None = None,
    select: bool = False, on_drag: Callable[[], None] | None = None,
) -> Any:  # fmt: skip
    """Show a figure with its heading, an explanation in one sentence, and its points as a file.

    Parameters
    ----------
    drawn : Figure
        Axes titled with units.
    key : str
        Of the widget.
    heading, says : str
        What it is, and how to read it.
    file : str, optional
        Name of the file of points; left out: `key`.
    select : bool
        Whether dragging over it selects; the page then runs again.
    on_drag : callable, optional
        What is done before that.

    Returns
    -------
    object
        The selection, where `select`.
    """
    st.markdown(f"**{plain(heading)}**")
    options: dict[str, Any] = {}
    if select or on_drag:
        options = {"on_select": on_drag or "rerun", "selection_mode": "box"}
    found = charts.chart(drawn, key, f"{heading}. {says}", **options)
    words, button = st.columns([6, 1], vertical_alignment="center")
    words.caption(plain(says))
    button.download_button(
        "CSV", lambda: csv_of(drawn), f"{file or key}.csv", "text/csv", key=f"csv-{key}", on_click="ignore",
        type="tertiary", icon=":material/download:", help=f"The points of: {heading}",
    )  # fmt: skip
    return found


def picture(svg: str, heading: str, says: str, key: str) -> None:
    """Show a drawing with its heading, an explanation in one sentence, and the drawing as a file."""
    st.markdown(f"**{plain(heading)}**")
    shown = dark_svg(svg) if theme.is_dark() else svg
    # as an image nothing that might be written inside it can run
    st.image(shown, width="stretch", alt=f"{heading}. {says}")
    words, button = st.columns([6, 1], vertical_alignment="center")
    words.caption(plain(says))
    button.download_button(
        "SVG", svg, f"{key}.svg", "image/svg+xml", key=f"svg-{key}", on_click="ignore", type="tertiary",
        icon=":material/download:", help=f"The drawing: {heading}",
    )  # fmt: skip


def metrics(summary: Mapping[str, Any], labels: Sequence[tuple[str, str]], reasons: Mapping[str, str]) -> None:
    """Show summary keys side by side: key and label; the help of each tells what it means, or why it is not there."""
    with st.container(horizontal=True, gap="small"):
        for key, label in labels:
            known, answer = summary_keys()[key], short_answer(key, summary.get(key))
            meaning = f"`{key}`: {known.meaning}."
            why = reasons.get(key)
            st.metric(
                label, answer, help=meaning if why is None else f"{meaning} Not there: {plain(why)}", border=True,
                width=CARD_PX if len(answer) <= LONG else WIDE_CARD_PX,
            )  # fmt: skip


def table(rows: pd.DataFrame, key: str, **options: Any) -> Any:
    """Show a table; the browser's own menu on it saves it as CSV."""
    return st.dataframe(_separated(rows), hide_index=True, width="stretch", key=key, **options)


def _separated(rows: pd.DataFrame) -> Any:
    """Return rows with thousands separators in columns of large whole numbers; they still sort as numbers."""
    large = []
    for name in rows.select_dtypes("number").columns if rows.columns.is_unique and rows.index.is_unique else ():
        values = rows[name].dropna()
        if len(values) and float(values.abs().max()) >= LARGE and bool((values % 1 == 0).all()):
            large.append(name)
    return rows.style.format(dict.fromkeys(large, "{:,.0f}"), na_rep="") if large else rows


def empty(what: str, advice: str) -> None:
    """Show that there is nothing yet, and what to do about it."""
    with st.container(border=True):
        st.markdown(f"**{plain(what)}**")
        st.caption(plain(advice))


def skeleton() -> None:
    """Show the shape of what comes, while it is made."""
    for height in (90, 320, 220):
        st.skeleton(height)


def named(text: str) -> str:
    """Return a message with shipped scenarios and topologies by their names, in place of the server's paths."""
    for folder in ("scenarios", "topologies") if ".yaml" in text else ():
        text = re.sub(rf"{re.escape(str(shipped(folder)))}/([\w./-]+?)\.yaml\b", r"\1", text)
    return text


def plain(text: str) -> str:
    """Return text that shows as it is: nothing in it is taken for Markdown, HTML or an icon; shipped files by name."""
    text = named(text)
    for letter in "\\`*_{}[]<>#$|~:":
        text = text.replace(letter, f"\\{letter}")
    return text
