"""Answers beside what is public: every case of the comparison, exactly."""

from __future__ import annotations

import math

import pandas as pd
import pytest

from clustersim.report.expected_text import band_text, expected_text, figure_text
from clustersim.report.text import as_data, summary_text
from clustersim.scenario import load_any, shipped
from clustersim.scenario.expectations import Expectation
from clustersim.study.expected import COLUMNS, expected_errors, expected_table, of_tables, short_settings
from clustersim.study.result import Result

DAY_S = 86400.0


def expectation(key, figure=None, **more):
    return Expectation.model_validate({"key": key, "figure": figure, "source": "s", "confidence": "reported"} | more)


def row(one, summary, horizon_s=DAY_S, reasons=None):
    return expected_table((one,), summary, reasons or {}, horizon_s).to_dict("records")[0]


def test_a_figure_with_its_band():
    found = row(expectation("peak_mw", "200 MW", low="150 MW", high="300 MW"), {"peak_mw": 250.0})
    assert (found["predicted"], found["public"], found["low"], found["high"]) == (250.0, 200.0, 150.0, 300.0)
    assert (found["inside"], found["band"], found["unit"]) == (True, "given", "MW")
    assert found["error_percent"] == pytest.approx(25.0)
    assert row(expectation("peak_mw", "200 MW", low="150 MW", high="300 MW"), {"peak_mw": 301.0})["inside"] is False


@pytest.mark.parametrize("edge", [170.0, 230.0])
def test_an_assumed_band_holds_its_ends(edge):
    found = row(expectation("peak_mw", "200 MW"), {"peak_mw": edge})
    assert (found["band"], found["inside"]) == ("assumed", True)
    assert row(expectation("peak_mw", "200 MW"), {"peak_mw": edge + (edge - 200.0) * 1e-6})["inside"] is False


@pytest.mark.parametrize(("answer", "error"), [(100.0, -100.0 / 3.0), (150.0, 0.0), (170.0, 0.0), (400.0, 100.0)])
def test_a_band_alone_is_missed_by_its_nearer_end(answer, error):
    found = row(expectation("peak_mw", low="150 MW", high="200 MW"), {"peak_mw": answer})
    assert found["error_percent"] == pytest.approx(error)
    assert found["inside"] is (error == 0.0)
    assert math.isnan(found["public"])


def test_an_open_band():
    at_least = expectation("goodput", low="90 %")
    assert row(at_least, {"goodput": 0.95})["inside"] is True
    assert row(at_least, {"goodput": 0.85})["error_percent"] == pytest.approx(100.0 * (0.85 / 0.9 - 1.0))
    assert row(at_least, {"goodput": 0.95})["high"] == math.inf


def test_what_is_not_judged_says_why():
    long = expectation("interruptions", 419, horizon="54 d")
    assert row(long, {"interruptions": 8})["inside"] is None
    assert "54 days" in row(long, {"interruptions": 8})["reason"]
    assert row(long, {"interruptions": 430}, 54 * DAY_S)["inside"] is True
    none = row(expectation("pst", 1), {"pst": None}, reasons={"pst": "an island"})
    assert (none["inside"], none["reason"]) == (None, "an island")
    assert row(expectation("pst", 1), {})["reason"] == "this run has no such key"
    assert row(expectation("pst", 0), {"pst": 0.5})["inside"] is False
    assert math.isnan(row(expectation("pst", 0), {"pst": 0.5})["error_percent"])


def test_statistics_leave_out_what_is_built_in_or_not_judged():
    table = of_tables(
        {
            "a": expected_table(
                (expectation("peak_mw", "100 MW"), expectation("mean_mw", "100 MW", used=True)),
                {"peak_mw": 110.0, "mean_mw": 500.0},
                {},
                DAY_S,
            ),
            "b": expected_table(
                (expectation("peak_mw", "100 MW"), expectation("pst", 1)), {"peak_mw": 50.0, "pst": None}, {}, DAY_S
            ),
            "c": expected_table((), {}, {}, DAY_S),
        }
    )
    told = expected_errors(table)
    assert {key: told[key] for key in ("figures", "used", "not_judged", "judged", "inside", "outside")} == {
        "figures": 4, "used": 1, "not_judged": 1, "judged": 2, "inside": 1, "outside": 1,
    }  # fmt: skip
    assert told["distinct"] == 1, "a and b hold the same figure"
    assert told["median_percent"] == pytest.approx(30.0)
    assert told["bias_percent"] == pytest.approx(-20.0)
    assert list(table["scenario"]) == ["a", "a", "b", "b"]


def test_texts():
    assert figure_text(0.41, "share") == "41.0 %"
    assert figure_text(1.22, "share") == "1.22"
    assert figure_text(math.nan, "MW") == ""
    assert figure_text(5.0, "1") == "5"
    assert figure_text(0.74, "1") == "0.740"
    assert figure_text(66.4e9, "USD") == "66.4 billion USD"
    assert band_text(6e6, 7.5e9, "USD") == "6.00 million USD to 7.50 billion USD"
    assert band_text(0.9, math.inf, "share") == "at least 90.0 %"
    assert band_text(-math.inf, 400.0, "MW") == "at most 400 MW"
    assert band_text(1.0, 2.0, "MW") == "1.00 to 2.00 MW"
    table = expected_table((expectation("peak_mw", "100 MW"),), {"peak_mw": 500.0}, {}, DAY_S)
    said = expected_text(table)
    assert "PREDICTED BESIDE PUBLIC" in said
    assert "NO" in said
    assert "band by its confidence, reported" in said
    assert max(map(len, said.splitlines())) <= 100


def test_a_run_prints_saves_and_loads_it(small_result, tmp_path):
    table = expected_table(
        (expectation("peak_mw", "2 MW"), expectation("interruptions", 9, horizon="54 d")),
        small_result.summary,
        small_result.reasons,
        DAY_S,
    )
    assert list(small_result.expected.columns) == list(COLUMNS)
    with_figures = Result(**{**small_result.__dict__, "expected": table})
    assert "PREDICTED BESIDE PUBLIC" in summary_text(with_figures)
    assert "PREDICTED BESIDE PUBLIC" not in summary_text(small_result)
    assert [one["key"] for one in as_data(with_figures)["expected"]] == ["peak_mw", "interruptions"]
    for number, result in enumerate((small_result, with_figures)):
        again = Result.load(result.save(tmp_path / str(number)))
        pd.testing.assert_frame_equal(again.expected, result.expected, check_dtype=len(result.expected) > 0)
    (tmp_path / "1" / "expected.parquet").unlink()
    assert Result.load(tmp_path / "1").expected.empty, "a result of an earlier version has no such table"


def test_a_short_run_is_cut_where_it_can_be():
    folder = shipped("scenarios")
    assert short_settings(folder / "deepseek_v3.yaml") == {"operation.horizon": "1 d"}
    assert short_settings(folder / "measured_load_memphis.yaml") == {"load.horizon": "1 d"}
    assert short_settings(folder / "virginia_dips.yaml") == {}, "its events lie behind the first day"
    cut = load_any(folder / "deepseek_v3.yaml", short_settings(folder / "deepseek_v3.yaml"))
    assert cut.operation.horizon == DAY_S
