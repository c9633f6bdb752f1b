"""Figures of a sweep: every row is drawn where its values are, few enough for a browser, none lost in silence."""

import numpy as np
import pandas as pd
import pytest

from clustersim.report.sweep_figures import MOST_LINES, parallel, scatter, thinned


def table(rows=6):
    at = np.arange(rows)
    return pd.DataFrame(
        {
            "index": at,
            "point_id": [f"p{k}" for k in at],
            "count": 100 * (at + 1),
            "mfu": np.linspace(0.3, 0.5, rows),
            "kind": [("a", "b")[k % 2] for k in at],
            "flat": 7.0,
        }
    )


def drawn(figure):
    return {
        one[0]: (x, y) for trace in figure.data for x, y, one in zip(trace.x, trace.y, trace.customdata, strict=True)
    }


@pytest.mark.parametrize("colour", [None, "kind", "mfu"])
def test_every_row_is_a_point_that_knows_its_identity(colour):
    rows = table()
    found = drawn(scatter(rows, "count", "mfu", colour, None))
    assert found == {
        row.point_id: (row.count_, row.mfu) for row in rows.rename(columns={"count": "count_"}).itertuples()
    }


def test_a_row_without_a_value_is_left_out_and_one_without_a_shade_is_grey():
    rows = table()
    rows["shade"] = [1.0, 2.0, None, 3.0, 4.0, 5.0]
    rows.loc[0, "mfu"] = None
    figure = scatter(rows, "count", "mfu", "shade", None)
    assert set(drawn(figure)) == {"p1", "p2", "p3", "p4", "p5"}
    assert [trace.name for trace in figure.data] == ["points", "no shade"]


def test_the_front_is_joined_in_the_order_of_the_axis():
    rows = table()
    figure = scatter(rows, "count", "mfu", None, rows.iloc[[4, 1, 3]])
    assert figure.data[-1].name == "front"
    assert list(figure.data[-1].x) == sorted(figure.data[-1].x)


def test_every_row_is_one_line_from_axis_to_axis():
    rows, names = table(), ["count", "kind", "mfu", "flat"]
    figure = parallel(rows, names, "mfu")
    lines = [
        tuple(trace.y[at : at + len(names)]) for trace in figure.data for at in range(0, len(trace.y), len(names) + 1)
    ]
    assert len(lines) == len(rows)
    wanted = [(k / 5, k % 2, k / 5, 0.5) for k in range(6)]
    assert np.sort(np.array(lines), axis=0) == pytest.approx(np.sort(np.array(wanted), axis=0))
    said = [note.text for note in figure.layout.annotations]
    assert {"100.0", "600.0", "a", "b", "0.3000", "0.5000", "7.000"} <= {text.replace(",", "") for text in said}


def test_a_line_without_a_value_has_a_gap():
    rows = table()
    rows.loc[2, "mfu"] = None
    figure = parallel(rows, ["count", "mfu", "kind"], "count")
    assert sum(value is None for trace in figure.data for value in trace.y) == len(rows) + 1


def test_many_rows_are_thinned_evenly_and_it_is_said():
    rows = table(3500)
    few, note = thinned(rows, MOST_LINES)
    assert len(few) == 875
    assert note == "One row in 4 of 3,500 is drawn."
    assert thinned(few, MOST_LINES) == (few, "")
    figure = parallel(few, ["count", "mfu", "kind"], "mfu")
    assert max(len(trace.y) for trace in figure.data) <= 2000
