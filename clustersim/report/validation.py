"""Predicted beside measured training steps: text, JSON, CSV, Markdown and an HTML page."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import plotly.graph_objects as go

from clustersim.report.charts import predicted_over_measured
from clustersim.report.page import rendered
from clustersim.report.predicted_tables import (
    HEAD,
    SHOWN_ROWS,
    blank_fields,
    by_group,
    cells,
    markdown_table,
    reasons,
    rows_of,
)
from clustersim.report.sections import Figure, Section, Table
from clustersim.report.words import columns, number, wrapped
from clustersim.study.tables.validation import Validation

ERROR = "error = 100 (predicted / measured - 1) of the iteration time"


def _constants(found: Validation) -> str:
    c = found.constants
    return (
        f"{c.constants} fitted constants act on these rows: {c.generation} for {c.generations} generations of "
        f"accelerators, {c.stack} for {c.stacks} software stacks, {c.common} for all; {c.fit_rows} of the rows are "
        "marked fit"
    )


def validation_text(found: Validation) -> str:
    """Return the rows, the statistics and what is not modelled, for a terminal."""
    rows = [
        (r["row_id"], f"{number(r['predicted'])} s", f"{number(r['measured'])} s", f"{r['error_percent']:+.1f}",
         r["metric"])
        for r in rows_of(found)[:SHOWN_ROWS]
    ]  # fmt: skip
    parts = ["ROWS\n" + columns(("row", "predicted", "measured", "error %", "measured as"), rows)]
    if len(found.rows) > SHOWN_ROWS:
        parts.append(f"  ... {len(found.rows) - SHOWN_ROWS} more: --csv writes all of them")
    parts.append(f"CALIBRATION\n  {_constants(found)}")
    lines = [line for _, group in by_group(found) for line in (*group, ("",) * len(HEAD))]
    parts.append(f"ERRORS ({ERROR})\n" + columns(HEAD, lines[:-1], widest=44))
    if found.baseline:
        naive = ", ".join(f"{use or 'all'} {number(error)} %" for use, error in found.baseline.items())
        parts.append(f"  naive baseline, one speed per accelerator and precision with the pipeline bubble: {naive}")
    filled = blank_fields(found)
    if filled:
        words = ", ".join(f"{text} ({count})" for count, text in filled)
        parts.append("BLANK FIELDS, taken to be (rows)\n" + wrapped(words, "  ", "  "))
    if found.refused:
        lines_of = "\n".join(f"  {refusal.row_id}: {refusal.reason}" for refusal in found.refused)
        parts.append(f"NOT MODELLED, {len(found.refused)} rows\n{lines_of}")
    return "\n\n".join(parts)


def validation_data(found: Validation) -> dict[str, Any]:
    """Return the validation as plain data for JSON."""
    kept = ("row_id", "predicted", "measured", "error_percent", "metric", "assumed")
    rows = [{name: row[name] for name in kept} for row in rows_of(found)]
    return {
        "overall": asdict(found.overall),
        "groups": {by: {name: asdict(s) for name, s in groups.items()} for by, groups in found.groups.items()},
        "rows": rows,
        "not_modelled": [
            {"row_id": refusal.row_id, "reason": refusal.reason, "wrong": refusal.wrong} for refusal in found.refused
        ],
        "calibration": asdict(found.constants),
        "baseline_mape_percent": found.baseline,
        "ablation": {name: asdict(s) for name, s in found.ablation.items()},
    }


def validation_csv(found: Validation) -> str:
    """Return every modelled row with its prediction and the parts of it, then the rows that are not modelled."""
    rows = found.rows.assign(not_modelled="")
    left = [{"row_id": refusal.row_id, "use": refusal.use, "not_modelled": refusal.reason} for refusal in found.refused]
    if left:
        rows = rows.reindex(range(len(rows) + len(left)))
        for column in ("row_id", "use", "not_modelled"):
            rows.loc[len(found.rows) :, column] = [item[column] for item in left]
    return str(rows.to_csv(index=False))


def validation_markdown(found: Validation) -> str:
    """Return the statistics, the ablation and what is not modelled as a page of documentation."""
    parts = [
        "# Validation: predicted beside measured training steps",
        "Written by `clustersim validate TABLE --markdown docs/validation.md`; not edited by hand. The table holds "
        f"published measurements; {ERROR}. The model is docs/models/training.md.",
        f"{_constants(found)}.",
    ]
    titles = {
        "all": "All rows", "use": "By use (constants are fitted on `fit` rows only)", "size": "By size",
        "accelerator": "By accelerator", "family": "By kind of model", "source": "By source",
    }  # fmt: skip
    for by, rows in by_group(found):
        parts.append(f"## {titles[by]}\n\n{markdown_table(HEAD, rows)}")
    if found.baseline:
        rows = [
            (use or "all", number(error), number(found.with_baseline[use])) for use, error in found.baseline.items()
        ]
        head = ("rows", "MAPE % of the naive baseline", "MAPE % of the model, unmodelled rows at the baseline's error")
        parts.append(
            "## Beside a naive baseline\n\nOne speed per accelerator and precision, the median of the `fit` rows, and "
            f"the bubble of the pipeline.\n\n{markdown_table(head, rows)}"
        )
    if found.ablation:
        parts.append(
            "## Ablation\n\nEach mechanism taken out, nothing fitted again; `test` rows where there are any.\n\n"
            + markdown_table(HEAD, [cells(name, s) for name, s in found.ablation.items()])
        )
    filled = blank_fields(found)
    if filled:
        parts.append(f"## Blank fields\n\n{markdown_table(('rows', 'taken to be'), filled)}")
    if found.refused:
        parts.append(f"## Not modelled\n\n{markdown_table(('rows', 'reason'), reasons(found))}")
    return "\n\n".join(parts) + "\n"


def _scatter(found: Validation) -> go.Figure:
    """Return predicted over measured tokens/s per accelerator, one colour per accelerator."""
    speed = ("measured_tokens_per_s", "predicted_tokens_per_s")
    return predicted_over_measured(found.rows, "accelerator", *speed, "tokens/s per accelerator")


def validation_html(found: Validation) -> str:
    """Return a self-contained page: the scatter, the statistics, every row, and what is not modelled."""
    numeric = tuple(range(1, len(HEAD)))
    tables = [Table(f"By {by}" if by != "all" else "All", HEAD, rows, numeric) for by, rows in by_group(found)]
    rows = [
        (r["row_id"], r["model"], r["accelerator"], number(r["accelerators"]), number(r["predicted"]),
         number(r["measured"]), f"{r['error_percent']:+.1f}", r["metric"], r["assumed"])
        for r in rows_of(found)
    ]  # fmt: skip
    head = (
        "row",
        "model",
        "accelerator",
        "count",
        "predicted s",
        "measured s",
        "error %",
        "measured as",
        "taken to be",
    )
    left = [(refusal.row_id, refusal.reason) for refusal in found.refused]
    note = "The solid line is equality, the dotted ones 20 % from it. Point at a mark for its row."
    return rendered(
        "validation.html.j2",
        title="Predicted beside measured training steps",
        subtitle=_constants(found),
        sections=[
            Section("scatter", "Predicted over measured", figures=[Figure("Speed", _scatter(found), note)]),
            Section("errors", "Errors", tables=tables),
            Section("rows", "Rows", tables=[Table("", head, rows, (3, 4, 5, 6))]),
            Section("left", "Not modelled", tables=[Table("", ("row", "reason"), left)]),
        ],
    )
