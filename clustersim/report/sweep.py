"""The rows of a sweep: as text, as data, and as a page with parallel coordinates, a scatter and the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from clustersim.report.page import rendered
from clustersim.report.sections import Figure, Section, Table
from clustersim.report.style import BLUE, FONT, GREY, INK, RED, styled
from clustersim.report.words import columns, number, percent, wrapped
from clustersim.study.sweep.overview import MOST_ERRORS, Overview, numbers
from clustersim.study.sweep.rows import FEASIBLE

MOST_LINES = 2000
"""Rows drawn; more make a page that browsers are slow with."""
MOST_ROWS = 500
"""Rows in the table of a page."""
MOST_COORDINATES = 8
"""Answers in the parallel coordinates, beside the axes."""
SHADES = [[0.0, "#56B4E9"], [0.5, "#7A8490"], [1.0, "#D55E00"]]


def sweep_text(found: Overview) -> str:
    """Return rows, failures, the feasible share, and the range of the chief answers."""
    parts = [f"{found.title}\n{found.name}: {rows_text(found)}"]
    if found.errors:
        lines = [wrapped(f"{text} ({count})", "  ! ", "    ") for text, count in found.errors[:MOST_ERRORS]]
        if len(found.errors) > MOST_ERRORS:
            lines.append(f"  ... {len(found.errors) - MOST_ERRORS} other errors in the column error")
        parts.append("FAILED (rows)\n" + "\n".join(lines))
    if found.spreads:
        rows = [(one.key, number(one.low), number(one.median), number(one.high)) for one in found.spreads]
        parts.append("ANSWERS\n" + columns(("", "least", "median", "most"), rows))
    return "\n\n".join(parts)


def rows_text(found: Overview) -> str:
    """Return how many rows there are, how many failed and how many are feasible."""
    said = f"{len(found.table):,} of {found.points:,} rows, {found.failed:,} failed"
    if found.feasible is None:
        return said
    met, told = found.feasible
    return f"{said}, {met:,} of {told:,} feasible" + (f" ({percent(met / told)})" if told else "")


def sweep_data(found: Overview) -> dict[str, Any]:
    """Return the overview as plain data for JSON."""
    feasible = found.feasible
    return {
        "name": found.name,
        "folder": str(found.folder),
        "points": found.points,
        "rows": len(found.table),
        "failed": found.failed,
        "errors": [{"error": text, "rows": count} for text, count in found.errors],
        "feasible": None if feasible is None else feasible[0],
        "judged": None if feasible is None else feasible[1],
        "answers": {one.key: {"min": one.low, "median": one.median, "max": one.high} for one in found.spreads},
    }


def sweep_html(found: Overview) -> str:
    """Return a self-contained page of a store."""
    good = found.table[found.table["error"].isna()]
    drawn, note = _drawn(good)
    sections = [
        Section(
            "overview",
            "Overview",
            tables=[Table(rows_text(found), ("answer", "least", "median", "most"), _spreads(found), (1, 2, 3))],
        ),
    ]
    coordinates = _parallel(drawn, found)
    if coordinates is not None:
        pictures = [Figure("Every point, axes to answers", coordinates, f"Drag along an axis to keep a range. {note}")]
        pair = _pair(drawn, found)
        if pair is not None:
            pictures.append(Figure(f"{pair[1]} over {pair[0]}", _scatter(drawn, *pair), _legend(drawn) + note))
        sections.append(Section("points", "Points", figures=list(pictures)))
    sections.append(Section("rows", "Rows", tables=[_table(found)]))
    if found.errors:
        errors = [(str(count), text) for text, count in found.errors]
        sections.append(
            Section("failed", "Failed", tables=[Table("Rows that failed", ("rows", "error"), errors, (0,))])
        )
    return rendered(
        "operate.html.j2", title=found.title, subtitle=f"{found.name}: {rows_text(found)}", sections=sections
    )


def _spreads(found: Overview) -> list[tuple[str, ...]]:
    return [(one.key, number(one.low), number(one.median), number(one.high)) for one in found.spreads]


def _drawn(table: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return the rows that are drawn, evenly over the study where there are too many, and what to say of it."""
    if len(table) <= MOST_LINES:
        return table, ""
    every = -(-len(table) // MOST_LINES)
    return table.iloc[::every], f"One row in {every} of {len(table):,} is drawn."


def _parallel(table: pd.DataFrame, found: Overview) -> go.Figure | None:
    """Return parallel coordinates of axes and chief answers that vary; None where fewer than two do."""
    names = [name for name in (*found.axes, *found.chief) if table[name].nunique() > 1]
    answers = [name for name in names if name not in found.axes][:MOST_COORDINATES]
    shown = [name for name in names if name in found.axes] + answers
    if len(shown) < 2:
        return None
    shade = answers[0] if answers else shown[-1]
    dimensions = [_dimension(table, name) for name in shown]
    colour = dimensions[shown.index(shade)]["values"]
    lines = {"color": colour, "colorscale": SHADES, "showscale": True, "colorbar": {"title": {"text": shade}}}
    figure = go.Figure(go.Parcoords(line=lines, dimensions=dimensions, labelangle=-20))
    return figure.update_layout(
        height=460, margin={"l": 70, "r": 40, "t": 110, "b": 30}, font={"family": FONT, "size": 12, "color": INK},
        paper_bgcolor="white",
    )  # fmt: skip


def _dimension(table: pd.DataFrame, name: str) -> dict[str, Any]:
    values = numbers(table, name)
    if len(values):
        filled = table[name].astype(float)
        return {"label": name, "values": [None if pd.isna(value) else value for value in filled]}
    words = list(dict.fromkeys("-" if pd.isna(value) else str(value) for value in table[name]))
    places = [words.index("-" if pd.isna(value) else str(value)) for value in table[name]]
    return {"label": name, "values": places, "tickvals": list(range(len(words))), "ticktext": words}


def _pair(table: pd.DataFrame, found: Overview) -> tuple[str, str] | None:
    """Return the two columns of the scatter: the first axis of numbers, else an answer; and the first other answer."""
    varying = [name for name in (*found.axes, *found.chief) if numbers(table, name).nunique() > 1]
    answers = [name for name in varying if name not in found.axes]
    across = next((name for name in varying if name != (answers[0] if answers else None)), None)
    return (across, answers[0]) if answers and across is not None else None


def _scatter(table: pd.DataFrame, x: str, y: str) -> go.Figure:
    figure = go.Figure()
    for name, part, colour in _judged(table):
        texts = [f"row {index}" for index in part["index"]]
        figure.add_trace(
            go.Scatter(
                x=part[x].astype(float).tolist(), y=part[y].astype(float).tolist(), text=texts, name=name,
                mode="markers", marker={"color": colour, "size": 7, "opacity": 0.8},
            )
        )  # fmt: skip
    return styled(figure, x, y, 380)


def _judged(table: pd.DataFrame) -> Sequence[tuple[str, pd.DataFrame, str]]:
    """Return the rows by whether they are feasible."""
    if FEASIBLE not in table:
        return [("points", table, BLUE)]
    judged = table[FEASIBLE]
    parts = (
        ("feasible", judged.eq(True), BLUE),
        ("not feasible", judged.eq(False), RED),
        ("not told", judged.isna(), GREY),
    )
    return [(name, table[chosen], colour) for name, chosen, colour in parts if chosen.any()]


def _legend(table: pd.DataFrame) -> str:
    return "Feasible: all that the study requires is met. " if FEASIBLE in table else ""


def _table(found: Overview) -> Table:
    names = ["index", *found.axes, *(["seed"] if "seed" in found.table else []), *found.chief]
    names += [name for name in (FEASIBLE, "error") if name in found.table and found.table[name].notna().any()]
    names = list(dict.fromkeys(names))
    rows = [tuple(_cell(value) for value in row) for row in found.table[names].head(MOST_ROWS).itertuples(index=False)]
    title = f"The first {MOST_ROWS} of {len(found.table):,} rows" if len(found.table) > MOST_ROWS else "All rows"
    numeric = tuple(k for k, name in enumerate(names) if len(numbers(found.table, name)))
    return Table(title, tuple(names), rows, numeric)


def _cell(value: Any) -> str:
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else number(float(value), 5) if isinstance(value, float) else str(value)
