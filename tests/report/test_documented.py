"""The data that ship of the documentation say what the documentation says."""

from dataclasses import replace
from pathlib import Path

import clustersim
from clustersim.report.documented import evidence, made_of
from clustersim.report.envelope import MOST_POINTS
from clustersim.report.glossary import glossary
from clustersim.report.trace_figures import Line, trace_figure

ROOT = Path(clustersim.__file__).parents[1]


def undated(found):
    return replace(found, pages=tuple(replace(page, date="") for page in found.pages))


def test_what_ships_is_what_the_pages_say():
    now = made_of(ROOT, lambda *_: "")
    assert undated(evidence()) == now, "run: python -m clustersim.report.documented, and put it into documented.json"
    assert all(len(page.date) == 10 for page in evidence().pages)


def test_every_table_is_whole():
    for page in evidence().pages:
        assert page.tables
        for table in page.tables:
            assert {len(row) for row in table.rows} <= {len(table.head)}, (page.path, table.title)


def test_words_are_told_in_order():
    words = list(glossary())
    assert words == sorted(words, key=str.lower)
    assert all(glossary().values())


def test_a_long_trace_is_drawn_in_few_points_with_every_spike():
    import numpy as np

    watts = np.full(1_000_000, 1e6)
    watts[123_456] = 5e6
    line = Line(0.0, 0.01, watts)
    figure = trace_figure({"measured": line.within(0.0, 10_000.0)}, (0.0, 10_000.0), 5.0, (10.0, 9000.0))
    assert len(figure.data[0].x) <= MOST_POINTS
    assert max(figure.data[0].y) == 5.0
    closer = trace_figure({"measured": line.within(1234.0, 1235.0)}, (1234.0, 1235.0), 5.0)
    assert len(closer.data[0].x) <= 103
    assert max(closer.data[0].y) == 5.0
    assert closer.layout.yaxis.title.text == "power [MW]"
