"""Published reliability beside predictions: text, JSON, CSV, Markdown.

``python -m clustersim.report.reliability TABLE > docs/validation_reliability.md`` writes the page of the documentation.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clustersim.report.predicted_tables import HEAD, by_group, markdown_table
from clustersim.report.words import columns, number
from clustersim.study.tables.reliability_scale import SIZES, Between, between_failures
from clustersim.study.tables.reliability_table import Kept, ReliabilityValidation, validate_reliability

ERROR = "error = 100 (predicted / published - 1); bounds and ranges are kept or not"
TITLES = {"all": "All rows", "use": "By use (constants are fitted on `fit` rows only)", "kind": "By kind"}
KEPT_HEAD = ("rows", "with a 90 % band", "inside", "bounds and ranges", "kept")
ROW_HEAD = ("row", "predicted", "90 % band", "published", "unit", "error %", "metric", "component", "accelerators")


def _kept(found: dict[str, Kept]) -> list[tuple[str, ...]]:
    return [
        (name or "not stated", str(k.bands), str(k.inside), str(k.bounds), str(k.kept)) for name, k in found.items()
    ]


def _records(found: ReliabilityValidation) -> list[dict[str, Any]]:
    """Return the rows with None where there is no figure."""
    table = found.rows.astype(object).where(found.rows.notna(), None)
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def _row(r: dict[str, Any]) -> tuple[str, ...]:
    error = r["error_percent"]
    said = f"{error:+.1f}" if error is not None else "" if r["kept"] is None else "kept" if r["kept"] else "not kept"
    return (
        r["row_id"], number(r["predicted"]), _band(r), _published(r), r["unit"], said, r["metric"], r["component"],
        r["accelerators"],
    )  # fmt: skip


def _band(r: dict[str, Any]) -> str:
    if r["low"] is None:
        return "-"
    mark = "" if r["inside_band"] is not False else " (out)"
    return f"{number(r['low'])} to {number(r['high'])}{mark}"


def _published(r: dict[str, Any]) -> str:
    return str(r["published"]) if r["error_percent"] is None else str(number(r["measured"]))


def _reasons(found: ReliabilityValidation) -> list[tuple[str, str]]:
    """Return how many rows are not modelled for which reason, inputs and rows counted with others as one each."""
    short = ("an input of", "counted with")
    names = Counter(
        next((f"{start} ..." for start in short if refusal.reason.startswith(start)), refusal.reason)
        for refusal in found.refused
    )
    return [(str(count), reason) for reason, count in names.most_common()]


def reliability_text(found: ReliabilityValidation) -> str:
    """Return rows, statistics and what is not modelled, for a terminal."""
    lines = [line for _, group in by_group(found) for line in (*group, ("",) * len(HEAD))]
    parts = [
        "ROWS\n" + columns(ROW_HEAD, map(_row, _records(found)), widest=34),
        f"ERRORS ({ERROR})\n" + columns(HEAD, lines[:-1], widest=44),
        "BANDS AND BOUNDS\n" + columns(KEPT_HEAD, _kept(found.kept)),
    ]
    if found.refused:
        left = "\n".join(f"  {refusal.row_id}: {refusal.reason}" for refusal in found.refused)
        parts.append(f"NOT MODELLED, {len(found.refused)} rows\n{left}")
    return "\n\n".join(parts)


def reliability_data(found: ReliabilityValidation) -> dict[str, Any]:
    """Return the predicted table as plain data for JSON; what a row has not is null."""
    kept = (
        "row_id", "predicted", "measured", "error_percent", "metric", "component", "unit", "published", "low", "high",
        "inside_band", "kept", "entry", "assumed",
    )  # fmt: skip
    return {
        "overall": asdict(found.overall),
        "groups": {by: {name: asdict(s) for name, s in groups.items()} for by, groups in found.groups.items()},
        "bands": {name: asdict(k) for name, k in found.kept.items()},
        "rows": [{name: row[name] for name in kept} for row in _records(found)],
        "not_modelled": [
            {"row_id": refusal.row_id, "reason": refusal.reason, "wrong": refusal.wrong} for refusal in found.refused
        ],
    }


def reliability_markdown(found: ReliabilityValidation) -> str:
    """Return statistics, bands, every row and what is not modelled as Markdown."""
    parts = [f"{ERROR}."]
    parts += [f"## {TITLES.get(by, f'By {by}')}\n\n{markdown_table(HEAD, rows)}" for by, rows in by_group(found)]
    parts.append(f"## Bands and bounds\n\n{markdown_table(KEPT_HEAD, _kept(found.kept))}")
    parts.append(f"## Rows\n\n{markdown_table(ROW_HEAD, map(_row, _records(found)))}")
    parts.append(f"## Not modelled\n\n{markdown_table(('rows', 'reason'), _reasons(found))}")
    return "\n\n".join(parts) + "\n"


def _scale_row(one: Between) -> tuple[str, ...]:
    return (
        f"{one.accelerators:,}", number(one.hours), f"{number(one.low)} to {number(one.high)}", number(one.nodes),
        number(one.jobs),
    )  # fmt: skip


def scale_markdown(found: Sequence[Between]) -> str:
    """Return the mean time between failures against the size of a job as a table of Markdown."""
    head = ("accelerators", "H100, hours", "90 % band", "A100 nodes of RSC-1, hours", "A100 jobs of RSC, hours")
    return markdown_table(head, map(_scale_row, found))


def page(table: Path) -> str:
    """Return the page of the documentation about a table."""
    return (
        "# Validation: published reliability beside predictions\n\n"
        f"Written by `python -m clustersim.report.reliability {table.name}`; not edited by hand. How rows are read and "
        "predicted is docs/models/reliability_validation.md.\n\n"
        "## Mean time between failures against the size of a job\n\n"
        f"{scale_markdown(between_failures(SIZES))}\n\n{reliability_markdown(validate_reliability(table))}"
    )


if __name__ == "__main__":
    sys.stdout.write(page(Path(sys.argv[1])))
