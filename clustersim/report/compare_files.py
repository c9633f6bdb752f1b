"""The files and the JSON of a comparison."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd

from clustersim.report.compare_page import compare_html
from clustersim.study.compare import Comparison, break_even_table, waterfall_table


def compare_files(found: Comparison, folder: Path) -> dict[Path, str]:
    """Return the texts of all files of a comparison: the page and one table per part."""
    tables = {
        "compare": found.table,
        "differences": found.differences,
        "limits": found.limits,
        "radar": found.radar,
        "waterfall": waterfall_table(found.waterfalls),
        "break_even": break_even_table(found.break_evens),
    }
    texts = {folder / f"{name}.csv": table.to_csv(index=False) for name, table in tables.items()}
    return texts | {folder / "compare.html": compare_html(found)}


def compare_data(found: Comparison) -> dict[str, Any]:
    """Return a comparison as plain data for JSON."""
    curves = {
        f"{one.base} {one.design} {one.input.name} {one.varied}": _records(one.curve) for one in found.break_evens
    }
    return {
        "runs": {design.name: design.run_id for design in found.designs},
        "base": found.names[0],
        "inputs": _records(found.differences),
        "rows": _records(found.table),
        "limits": _records(found.limits),
        "radar": _records(found.radar),
        "radar_left_out": found.radar_left_out,
        "waterfalls": _records(waterfall_table(found.waterfalls)),
        "waterfall_methods": {one.key: one.method for one in found.waterfalls},
        "break_even": _records(break_even_table(found.break_evens)),
        "break_even_curves": curves,
        "no_break_even": list(found.no_break_even),
        "warnings": list(found.warnings),
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found
