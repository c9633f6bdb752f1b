"""Public figures of shipped scenarios beside what stored results answer, as a table of text."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from clustersim.report.expectations import LONG_MISSES, MISSES, misses, statistics_text
from clustersim.report.expected_text import HEAD, cells
from clustersim.study.expected import of_tables

__all__ = ["HEAD", "expected_rows", "of_tables", "reasons_of", "statistics_text"]


def expected_rows(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table as it is shown: figures with their units, bands, errors, sources; misses first."""
    rows = [
        dict(zip(("scenario", "key", *HEAD[1:]), (row["scenario"], *cells(row)), strict=True))
        | {"source": row["source"], "note": "; ".join(part for part in (row["reason"], row["note"]) if part)}
        for row in table.to_dict("records")
    ]
    shown = pd.DataFrame(rows)
    return shown.sort_values("inside", key=lambda inside: ~inside.str.startswith("NO"), kind="stable")


def reasons_of(table: pd.DataFrame) -> Mapping[tuple[str, str], str]:
    """Return why each figure outside its band is missed: (scenario, key) -> reason, empty where none is known."""
    known = MISSES | LONG_MISSES
    return {one: known.get(one, "") for one in misses(table)}
