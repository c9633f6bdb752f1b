"""The first page of a report, and what stands behind it."""

import gzip
import re
from base64 import b64decode
from dataclasses import replace

import pandas as pd

from clustersim.report.sections.assumptions import assumptions_section
from clustersim.report.sections.executive import executive_section
from clustersim.report.sections.expected import expected_section
from clustersim.report.words import answer


def cells(section, title):
    return next(table for table in section.tables if table.title.startswith(title)).rows


def test_the_first_page_follows_from_the_result(small_result):
    section = executive_section(small_result)
    answers = dict(cells(section, "Questions"))
    failed = sum(passed is False for passed in small_result.verdict["passed"])
    assert f"{failed} of" in answers["Does the plant survive it?"]
    headlines = {row[3]: row for row in cells(section, "Headline")}
    assert 8 <= len(headlines) <= 13
    for key, (_, value, band, _) in headlines.items():
        assert value == answer(key, small_result.summary[key])
        assert (" to " in band) == (band != "none propagated")
    assert headlines["it_mean_mw"][2].startswith(f"{small_result.summary['it_mean_low_mw']:.3g}"[:3])
    assert headlines["mfu"][2] == "none propagated"
    broken = cells(section, "What fails")
    assert len(broken) == min(8, failed)
    assert {row[0] for row in broken} <= set(small_result.verdict["rule"])


def test_nothing_broken_and_nothing_judged_are_told_apart(small_result):
    rows = small_result.verdict
    kept = rows.assign(passed=pd.Series([True] * len(rows), dtype=object))
    unjudged = rows.assign(passed=pd.Series([None] * len(rows), dtype=object), reason="too short")
    yes = executive_section(replace(small_result, verdict=kept))
    assert dict(cells(yes, "Questions"))["Does the plant survive it?"].startswith(
        f"Yes, as far as it was judged: all {len(rows)}"
    )
    assert not [table for table in yes.tables if table.title.startswith(("What fails", "Not judged"))]
    none = executive_section(replace(small_result, verdict=unjudged))
    assert dict(cells(none, "Questions"))["Does the plant survive it?"].startswith("Not judged")
    assert len(cells(none, "Not judged")) == len(rows)


def test_assumed_figures_are_grouped_and_whole(small_result):
    section = assumptions_section(small_result)
    estimates, recalled, stated = section.tables
    assert len(estimates.rows) + len(recalled.rows) == len(small_result.assumed)
    assert {row[0] for row in estimates.rows} | {row[0] for row in recalled.rows} == set(small_result.assumed["key"])
    assert len(stated.rows) == len(small_result.scenario["topology"]["provenance"]) + len(
        small_result.scenario["provenance"]
    )


def test_public_figures_stand_beside_predicted_ones(small_result):
    assert expected_section(small_result) is None
    table = pd.DataFrame(
        {
            "key": ["mfu", "peak_mw", "pue"], "predicted": [0.4, 9.0, None], "public": [0.41, None, 1.2],
            "low": [0.35, float("-inf"), 1.1], "high": [0.45, 5.0, 1.3], "unit": ["share", "MW", "share"],
            "inside": pd.Series([True, False, None], dtype=object), "source": ["A <b>", "B", "C"],
        }
    )  # fmt: skip
    shown = replace(small_result)
    object.__setattr__(shown, "expected", table)
    rows = expected_section(shown).tables[0].rows
    assert [row[4] for row in rows] == ["PASS", "FAIL", "not judged"]
    assert rows[1][3] == "open to 5.00 MW"
    assert "1 of 2" in expected_section(shown).notes[0]


def test_every_figure_has_its_table_and_its_csv(small_page):
    page = small_page
    drawn = re.findall(r'<div id="([^"]+)" class="plotly-graph-div"', page)
    assert len(drawn) == len(set(drawn)) > 10
    assert re.findall(r'data-figure="([^"]+)"', page) == drawn
    assert page.count('<details class="behind">') == len(drawn) + page.count("<svg xmlns")
    packed = re.search(r'<script id="plotly" type="text/plain">([^<]+)</script>', page).group(1)
    assert b"plotly.js v" in gzip.decompress(b64decode(packed))
    assert len(page) < 4_000_000
