"""The evidence of the verdict of a run: what it shows is what the verdict tells, and it is drawn with its limit."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from clustersim import units
from clustersim.cli import app
from clustersim.errors import InputError
from clustersim.limits import Rule
from clustersim.report.dark import grounded
from clustersim.report.envelope import MOST_POINTS
from clustersim.report.evidence import (
    Evidence,
    evidence_data,
    evidence_of,
    evidence_text,
    evidence_words,
    rule_evidence,
)
from clustersim.report.evidence_figures import evidence_figure, view_s
from clustersim.report.plain_figure import plain_figure
from clustersim.report.verdict import ORDER
from clustersim.report.verdict_rows import COLUMNS, OWN, packs_of, shown_rows, verdict_rows


@pytest.fixture(scope="module")
def evidence(small_result):
    """Evidence of every row of the small run's verdict."""
    table = small_result.verdict
    return [evidence_of(small_result, rule, node) for rule, node in zip(table["rule"], table["node"], strict=True)]


def test_evidence_equals_the_verdict(evidence):
    shown = [one for one in evidence if one.shown]
    assert {"ercot-5s-range", "dominion-voltage", "island-rocof", "island-min-frequency"} <= {
        one.rule.id for one in shown
    }
    for one in shown:
        factor = units.TABLE[units.dimension_of(one.row["unit"]) or ""][one.row["unit"]]
        assert one.deciding.value / factor == pytest.approx(one.row["measured"], rel=1e-6)


def test_a_share_of_a_band_is_drawn_from_the_samples_that_were_judged(small_result, evidence):
    found = [one for one in evidence if one.rule.measure in ("band_energy", "band_amplitude") and one.record]
    assert found
    for one in found:
        assert one.record.dt_s == small_result.waveforms["steady"].dt_s
        figure = evidence_figure(one, small_result.verdict)
        # the curve reaches the end of the band that is shaded, and the band is named and shaded once
        assert max(figure.data[0].x) >= one.rule.band[1] * (1.0 - 1e-9)
        assert (len(figure.layout.shapes), len(figure.layout.annotations)) == (1, 1)


def test_what_the_levels_show_is_what_was_measured(evidence):
    found = {one.rule.id: one for one in evidence if one.shown}
    low, high = found["ercot-5s-range"].deciding.levels
    assert (high - low) / 1e6 == pytest.approx(found["ercot-5s-range"].row["measured"])
    lowest = found["island-min-frequency"]
    assert lowest.deciding.levels == (pytest.approx(lowest.row["measured"]),)
    at = round(lowest.deciding.from_s / lowest.record.dt_s)
    assert lowest.record.values[at] == lowest.record.values.min()


def test_a_window_that_does_not_hold_all_of_it_says_so(evidence):
    """Behind a site battery the meter settles after the end of the window, and the result does not hold that."""
    for one in evidence:
        if one.record is not None and not one.shown:
            assert "comes after its end" in evidence_words(one)
            assert evidence_data(one)["note"] == one.note


def test_what_was_not_judged_tells_why_and_draws_nothing(small_result, evidence):
    row = {**evidence[0].row, "passed": None, "reason": "not judged: no power record"}
    bare = Evidence(evidence[0].rule, row)
    assert evidence_words(bare) == "not judged: no power record"
    assert evidence_figure(bare, small_result.verdict) is None


def test_unknown_rules_and_nodes_are_named(small_result):
    with pytest.raises(InputError, match="did you mean 'ercot-5s-range'"):
        evidence_of(small_result, "ercot-5s-rang", "memphis")
    with pytest.raises(InputError, match="node: expected one of memphis"):
        evidence_of(small_result, "ercot-5s-range", "memfis")


def test_every_judged_row_is_drawn_with_its_limit(small_result, evidence):
    for one in evidence:
        figure = evidence_figure(one, small_result.verdict)
        if one.row["passed"] is None:
            continue
        assert figure is not None, one.rule.id
        assert all(len(trace.x) <= MOST_POINTS for trace in figure.data)
        assert all(trace.type != "scattergl" for trace in figure.data)
        assert figure.layout.xaxis.title.text
        drawn = [trace for trace in figure.data if trace.name == "limit"]
        assert drawn or figure.layout.shapes, one.rule.id
        assert "#" in str(grounded(plain_figure(figure), dark=True)["layout"])


def test_the_figure_looks_at_what_decides_or_at_the_whole_window(small_result, evidence):
    one = next(one for one in evidence if one.rule.id == "ercot-5s-range")
    first, last = view_s(one)
    assert first <= one.deciding.from_s < one.deciding.until_s <= last
    assert view_s(one, whole=True) == (0.0, one.record.values.size * one.record.dt_s)
    near, whole = (evidence_figure(one, small_result.verdict, wide) for wide in (False, True))
    assert max(near.data[0].x) < max(whole.data[0].x)
    # the extremes that decide are in the figure however many samples it leaves out
    for figure in (near, whole):
        assert max(figure.data[0].y) >= one.deciding.levels[1] / 1e6 - 1e-9
        assert min(figure.data[0].y) <= one.deciding.levels[0] / 1e6 + 1e-9


def test_a_curve_of_dips_and_a_single_finding_are_drawn():
    row = {"node": "site", "measured": 0.7, "limit": 1.0, "unit": "x", "margin": -0.3, "passed": False, "window": "w"}
    curve = [["20 ms", "0 pu"], ["0.5 s", "0.7 pu"]]
    dips = Rule.model_validate(
        {"id": "r", "measure": "ride_through", "limit": "1 x", "comparison": "at_least", "curve": curve}
    )
    figure = evidence_figure(Evidence(dips, row), pd.DataFrame())
    assert list(figure.data[0].x) == [1e-3, 0.02, 0.02, 0.5, 0.5]
    assert list(figure.data[0].y) == [0.0, 0.0, 0.7, 0.7, 1.0]
    mode = Rule.model_validate({"id": "m", "measure": "modal_deviation", "limit": "1 mHz"})
    assert evidence_figure(Evidence(mode, row), pd.DataFrame()).data[0].x == (0.7,)


def test_rows_of_the_verdict_are_sorted_with_packs_and_times(small_result):
    rows = verdict_rows(small_result)
    assert list(rows.columns) == list(COLUMNS)
    assert len(rows) == len(small_result.verdict)
    order = [ORDER.index(word) for word in rows["verdict"]]
    assert order == sorted(order)
    for _, part in rows.groupby("verdict"):
        assert part["margin_percent"].fillna(0.0).is_monotonic_increasing
    one = rows[rows["rule"] == "ercot-5s-range"].iloc[0]
    assert one["pack"] == "standard"
    assert one["says"] == "range <= 10 MW, window 5 s, 1 per hour allowed"
    assert one["decided"].endswith(" s")
    assert np.all(rows.loc[rows["verdict"] == "PASS", "margin_percent"] >= 0.0)


def test_rows_are_filtered_by_verdict_and_pack(small_result):
    rows = verdict_rows(small_result)
    kept = shown_rows(rows, ["FAIL"])
    assert set(kept["verdict"]) == {"FAIL"}
    assert len(shown_rows(rows, [], ["standard"])) == len(rows)
    assert shown_rows(rows, ["PASS"], ["spp"]).empty
    own = Rule.model_validate({"id": "mine", "measure": "range", "window": "5 s", "limit": "1 MW"})
    assert packs_of(small_result, {"mine": own}) == {"mine": OWN}


def test_data_has_no_number_that_json_cannot_say(evidence):
    for one in evidence:
        data = evidence_data(one)
        assert all(not isinstance(value, float) or math.isfinite(value) for value in data.values())


def test_the_command_line_tells_the_same(small_result, tmp_path):
    folder = small_result.save(tmp_path / "small")
    done = CliRunner().invoke(app, ["evidence", str(folder), "ercot-5s-range", "--json"])
    assert done.exit_code == 0, done.output
    (row,) = json.loads(done.stdout)["rows"]
    assert row == evidence_data(evidence_of(small_result, "ercot-5s-range", "memphis"))
    low, high = row["levels"]
    assert (high - low) / 1e6 == pytest.approx(row["measured"])
    text = evidence_text(rule_evidence(small_result, "ercot-5s-range"))
    assert "power, measured: " in text
    assert f"{row['from_s']:.3f} to {row['until_s']:.3f} s of window steady" in " ".join(text.split())
    wrong = CliRunner().invoke(app, ["evidence", str(folder), "ercot-5s-rang"])
    assert wrong.exit_code == 2
    assert "did you mean 'ercot-5s-range'" in wrong.output
