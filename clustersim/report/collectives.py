"""Predicted beside measured collectives: text, JSON, CSV, Markdown and an HTML page."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import plotly.graph_objects as go

from clustersim.report.charts import predicted_over_measured
from clustersim.report.page import rendered
from clustersim.report.predicted_tables import HEAD, SHOWN_ROWS, blank_fields, cells, markdown_table, reasons, rows_of
from clustersim.report.sections import Figure, Section, Table
from clustersim.report.words import columns, number, wrapped
from clustersim.study.tables.collectives_validation import CollectivesValidation

ERROR = "error = 100 (predicted / measured - 1) of the time"

TITLES = {
    "use": "By use, all sizes (constants are fitted on `fit` rows only)", "size": "By size",
    "fabric": "By fabric, 1 MB and more", "collective": "By collective, 1 MB and more",
    "accelerator": "By accelerator, 1 MB and more", "members": "By size of the group, 1 MB and more",
    "source": "By source, 1 MB and more",
}  # fmt: skip


def _tables(found: CollectivesValidation) -> Iterable[tuple[str, list[tuple[str, ...]]]]:
    yield "Headline", [cells("1 MB and more", found.headline), cells("all rows", found.overall)]
    for by, groups in found.groups.items():
        yield TITLES[by], [cells(name, statistics) for name, statistics in groups.items()]


def _constants(found: CollectivesValidation) -> str:
    return f"{found.constants} fitted constants act on these rows, {found.fit_rows} of which are marked fit"


def collectives_text(found: CollectivesValidation) -> str:
    """Return the rows, the statistics and what is not modelled, for a terminal."""
    rows = [
        (r["row_id"], f"{number(1e6 * r['predicted'])} us", f"{number(1e6 * r['measured'])} us",
         f"{r['error_percent']:+.1f}", r["metric"], f"{r['algorithm']} {r['protocol']}")
        for r in rows_of(found)[:SHOWN_ROWS]
    ]  # fmt: skip
    head = ("row", "predicted", "measured", "error %", "measured as", "predicted with")
    parts = ["ROWS\n" + columns(head, rows)]
    if len(found.rows) > SHOWN_ROWS:
        parts.append(f"  ... {len(found.rows) - SHOWN_ROWS} more: --csv writes all of them")
    parts.append(f"CALIBRATION\n  {_constants(found)}")
    parts += [f"{title.upper()} ({ERROR})\n{columns(HEAD, group, widest=60)}" for title, group in _tables(found)]
    filled = blank_fields(found)
    if filled:
        words = ", ".join(f"{text} ({count})" for count, text in filled)
        parts.append("BLANK FIELDS, taken to be (rows)\n" + wrapped(words, "  ", "  "))
    if found.refused:
        lines = "\n".join(f"  {refusal.row_id}: {refusal.reason}" for refusal in found.refused)
        parts.append(f"NOT MODELLED, {len(found.refused)} rows\n{lines}")
    return "\n\n".join(parts)


def collectives_data(found: CollectivesValidation) -> dict[str, Any]:
    """Return the validation as plain data for JSON; the shapes are those of a table of training steps."""
    kept = ("row_id", "predicted", "measured", "error_percent", "metric", "algorithm", "protocol", "assumed")
    return {
        "overall": asdict(found.overall),
        "headline": asdict(found.headline),
        "groups": {by: {name: asdict(s) for name, s in groups.items()} for by, groups in found.groups.items()},
        "rows": [{name: row[name] for name in kept} for row in rows_of(found)],
        "not_modelled": [
            {"row_id": refusal.row_id, "reason": refusal.reason, "wrong": refusal.wrong} for refusal in found.refused
        ],
        "calibration": {"constants": found.constants, "fit_rows": found.fit_rows},
    }


def collectives_csv(found: CollectivesValidation) -> str:
    """Return every modelled row with its prediction."""
    return str(found.rows.to_csv(index=False))


def collectives_markdown(found: CollectivesValidation) -> str:
    """Return the statistics and what is not modelled as a page of documentation."""
    parts = [
        "# Validation: predicted beside measured collectives",
        "Written by `clustersim validate TABLE --markdown FILE`; not edited by hand. The table holds published "
        f"measurements; {ERROR}. The model is docs/models/collectives.md.",
        f"{_constants(found)}.",
    ]
    parts += [f"## {title}\n\n{markdown_table(HEAD, group)}" for title, group in _tables(found)]
    for title, head, rows in (
        ("Blank fields", ("rows", "taken to be"), blank_fields(found)),
        ("Not modelled", ("rows", "reason"), reasons(found)),
    ):
        if rows:
            parts.append(f"## {title}\n\n{markdown_table(head, rows)}")
    return "\n\n".join(parts) + "\n"


def _scatter(found: CollectivesValidation) -> go.Figure:
    """Return predicted over measured time, one colour per fabric."""
    return predicted_over_measured(found.rows, "fabric", "measured", "predicted", "s")


def collectives_html(found: CollectivesValidation) -> str:
    """Return a self-contained page: the scatter, the statistics, every row, and what is not modelled."""
    numeric = tuple(range(1, len(HEAD)))
    rows = [
        (r["row_id"], r["collective"], r["fabric"], number(r["accelerators"]), number(r["bytes"]),
         number(1e6 * r["predicted"]), number(1e6 * r["measured"]), f"{r['error_percent']:+.1f}",
         f"{r['algorithm']} {r['protocol']}", r["assumed"])
        for r in rows_of(found)
    ]  # fmt: skip
    head = (
        "row", "collective", "fabric", "count", "bytes", "predicted us", "measured us", "error %", "predicted with",
        "taken to be",
    )  # fmt: skip
    left = [(refusal.row_id, refusal.reason) for refusal in found.refused]
    note = "The solid line is equality, the dotted ones 20 % from it. Point at a mark for its row."
    return rendered(
        "validation.html.j2",
        title="Predicted beside measured collectives",
        subtitle=_constants(found),
        sections=[
            Section("scatter", "Predicted over measured", figures=[Figure("Time", _scatter(found), note)]),
            Section("errors", "Errors", tables=[Table(title, HEAD, group, numeric) for title, group in _tables(found)]),
            Section("rows", "Rows", tables=[Table("", head, rows, (3, 4, 5, 6, 7))]),
            Section("left", "Not modelled", tables=[Table("", ("row", "reason"), left)]),
        ],
    )
