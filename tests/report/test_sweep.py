"""A store on a page and in words: every row, words as well as numbers, no more than a browser can draw."""

from pathlib import Path

import pandas as pd
import pytest

from clustersim.report.sweep import MOST_LINES, MOST_ROWS, sweep_data, sweep_html, sweep_text
from clustersim.study.sweep.overview import Overview, chief_columns, numbers


def found(rows=4, **columns):
    table = pd.DataFrame(
        {
            "index": range(rows),
            "point_id": [f"{k:x}" for k in range(rows)],
            "plan": ["best", "other"] * (rows // 2),
            "floor_percent": [60.0 + k for k in range(rows)],
            "peak_mw": [100.0 + k for k in range(rows)],
            "error": [None] * rows,
        }
        | columns
    )
    axes = ("plan", "floor_percent")
    return Overview(Path("s"), "trial", "A <trial>", rows, table, axes, chief_columns(table, axes, {}))


def test_a_page_holds_rows_words_and_figures():
    page = sweep_html(found(feasible=pd.Series([True, False, None, True], dtype=object)))
    assert "A &lt;trial&gt;" in page
    assert all(word in page for word in ("parcoords", "best", "not feasible", "not told", "2 of 3 feasible"))


def test_text_and_data_say_the_same():
    seen = found(error=[None, "a", "b", "a"], peak_mw=[100.0, None, None, None])
    assert "4 of 4 rows, 3 failed" in sweep_text(seen)
    assert seen.errors == [("a", 2), ("b", 1)]
    data = sweep_data(seen)
    assert (data["failed"], data["feasible"], data["errors"][0]) == (3, None, {"error": "a", "rows": 2})
    assert data["answers"]["peak_mw"] == {"min": 100.0, "median": 100.0, "max": 100.0}


@pytest.mark.parametrize("rows", [0, 2])
def test_few_rows_make_a_page_too(rows):
    seen = found(rows, error=["all failed"] * rows, peak_mw=[None] * rows)
    assert "all failed" in sweep_html(seen) or rows == 0
    assert seen.spreads == []


def test_a_large_store_is_thinned_out_evenly():
    rows = 2 * MOST_LINES + 2
    page = sweep_html(found(rows))
    assert f"One row in 3 of {rows:,} is drawn" in page
    assert f"The first {MOST_ROWS} of {rows:,} rows" in page


def test_a_column_of_words_has_no_numbers():
    table = pd.DataFrame({"a": [1, None, True], "b": ["x", 1, None], "c": [None] * 3})
    assert numbers(table, "a").tolist() == [1.0, 1.0]
    assert len(numbers(table, "b")) == len(numbers(table, "c")) == len(numbers(table, "d")) == 0
