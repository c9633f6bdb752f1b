"""The Limits page: verdict and evidence, packs of the draft, and sizing on a button."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clustersim.background.records import State
from clustersim.scenario import load_any
from tests.sizings import sizing


@pytest.fixture
def limits(open_page):
    return open_page("limits")


def tab(at, name):
    at.session_state["limits-tab"] = name
    at.run()
    assert not at.exception, at.exception
    return at


def said(at):
    return [text.value.replace("\\", "") for text in at.markdown]


def errors(at):
    return [one.value.replace("\\", "") for one in at.error]


def settings(at):
    return dict(at.session_state["draft"].settings)


def test_the_verdict_is_shown_with_word_icon_and_margin(limits, small_result):
    table = limits.dataframe[0].value
    assert len(table) == len(small_result.verdict)
    assert set(table["verdict"]) <= {"✕ FAIL", "○ not judged", "✓ PASS"}
    assert any("broken" in one.value for one in limits.error)
    cards = {one.label: one.value for one in limits.metric}
    assert cards["Rules broken"] == str(small_result.summary["rules_failed"])


def test_the_table_is_filtered_by_verdict_and_pack(limits):
    limits.pills(key="limits-verdicts").set_value(["FAIL"]).run()
    assert set(limits.dataframe[0].value["verdict"]) == {"✕ FAIL"}
    limits.multiselect(key="limits-packs").set_value(["standard"]).run()
    assert len(limits.dataframe[0].value)
    limits.pills(key="limits-verdicts").set_value(["not judged"]).run()
    if not limits.dataframe:
        assert any("No rule is left" in text for text in said(limits))


def test_a_rule_shows_what_decides_it(limits, small_result):
    limits.selectbox(key="limits-rule").set_value("ercot-5s-range, memphis").run()
    row = small_result.verdict.set_index("rule").loc["ercot-5s-range"]
    told = next(text for text in said(limits) if " against at most 10.00 MW" in text)
    assert f"{row['measured']:.4g}" in told.replace(",", "")
    assert any("range <= 10 MW, window 5 s" in text for text in said(limits))
    limits.toggle(key="limits-whole").set_value(True).run()
    assert any("0.00 to 600.00 s" in text for text in said(limits))


def test_the_whole_window_is_offered_where_there_is_one(limits):
    limits.selectbox(key="limits-rule").set_value("choukse-band-energy, memphis").run()
    toggle = limits.toggle(key="limits-whole")
    assert toggle.disabled
    assert "no course over time" in toggle.help
    limits.selectbox(key="limits-rule").set_value("ercot-5s-range, memphis").run()
    assert not limits.toggle(key="limits-whole").disabled


def test_every_rule_has_its_evidence(limits):
    # one of each kind of figure
    for name in ("choukse-band-energy, memphis", "island-rocof, memphis", "equipment-rating, memphis: cooling"):
        limits.selectbox(key="limits-rule").set_value(name).run()
        assert not limits.exception
        assert any(name.split(",")[0] in one.value.replace("\\", "") for one in limits.header)


def test_a_click_on_a_row_chooses_its_rule(limits):
    names = limits.selectbox(key="limits-rule").options
    key = limits.session_state["limits-drawn"]
    limits.session_state[key] = {"selection": {"rows": [2], "columns": [], "cells": []}}
    limits.run()
    assert limits.selectbox(key="limits-rule").value == names[2]


def test_another_limit_goes_into_the_draft_or_is_refused(limits):
    limits.selectbox(key="limits-rule").set_value("ercot-5s-range, memphis").run()
    limits.text_input(key="limits-limit-ercot-5s-range").set_value("30 Hz")
    limits.button(key="limits-set").click().run()
    assert any("limits.overrides.ercot-5s-range" in text for text in errors(limits))
    assert settings(limits) == {}
    limits.text_input(key="limits-limit-ercot-5s-range").set_value("30 MW")
    limits.button(key="limits-set").click().run()
    assert settings(limits) == {"limits.overrides": {"ercot-5s-range": "30 MW"}}
    tab(limits, "Packs")
    limits.button(key="limits-undo-ercot-5s-range").click().run()
    assert settings(limits) == {"limits.overrides": {}}


def test_a_rule_is_left_out_and_taken_back(limits):
    limits.selectbox(key="limits-rule").set_value("southern-ramp, memphis").run()
    limits.button(key="limits-skip").click().run()
    assert settings(limits) == {"limits.skip": ["southern-ramp"]}
    tab(limits, "Packs")
    limits.button(key="limits-unskip-southern-ramp").click().run()
    assert settings(limits) == {"limits.skip": []}


def test_packs_are_chosen_for_the_draft(limits):
    tab(limits, "Packs")
    limits.multiselect(key="limits-chosen").set_value(["spp", "itic"])
    next(one for one in limits.button if one.label == "Judge by these").click().run()
    assert settings(limits) == {"limits.packs": ["spp", "itic"]}
    limits.selectbox(key="limits-pack").set_value("itic").run()
    assert "0 pu for 20 ms" in limits.dataframe[0].value["parameters"].iloc[0]


def test_packs_and_sizing_need_no_result(open_page, tmp_path):
    at = open_page("limits", results=tmp_path, scenario="gpt4_20k")
    assert not at.dataframe
    assert tab(at, "Packs").multiselect(key="limits-chosen").value == ["standard"]
    assert any("Nothing was sized yet" in text for text in said(tab(at, "Size")))


@pytest.fixture
def small_sizing(small_scenario):
    return sizing(load_any(small_scenario), passes=True)


@pytest.fixture
def hopeless_sizing(small_scenario):
    return sizing(load_any(small_scenario), passes=False)


@pytest.fixture
def sized(open_page, still_queue):
    """The page after sizing was asked for, and its ticket."""
    at = tab(open_page("limits"), "Size")
    at.multiselect(key="size-using").set_value(["site_battery"]).run()
    at.button(key="size").click().run()
    return at, still_queue.only("size")


def answer_of(sizing):
    from clustersim.report.size import size_data, size_files, size_text

    files = {path.name: text for path, text in size_files(sizing, Path()).items()}
    # as it comes through the pipe of a worker
    return json.loads(json.dumps({"data": size_data(sizing), "text": size_text(sizing), "files": files}))


def test_sizing_is_asked_for_and_can_be_cancelled(sized, still_queue):
    at, ticket = sized
    assert ticket.request.arguments["packs"] == ["own"]
    assert ticket.request.arguments["using"] == ["site_battery"]
    assert at.button(key="size").disabled
    at.button(key="cancel-size").click().run()
    assert still_queue.only("size").state is State.CANCELLED
    assert any("Cancelled" in one.value for one in at.info)


def test_sizing_that_cannot_be_says_what_the_command_line_says(sized, still_queue):
    at, ticket = sized
    still_queue.becomes(ticket.id, state=State.FAILED, error="size: no rule to meet", input_error=True)
    at.run()
    assert any("size: no rule to meet" in text for text in errors(at))


def test_the_winner_is_shown_proved_and_put_into_the_design(sized, still_queue, small_sizing):
    at, ticket = sized
    still_queue.becomes(ticket.id, state=State.DONE, answer=answer_of(small_sizing))
    at.run()
    assert not at.exception, at.exception
    assert any("battery 15.8 MW and 32.4 MWh" in one.value for one in at.success)
    assert any("It passes every check" in text for text in said(at))
    tables = [set(one.value.columns) for one in at.dataframe]
    assert any("decided by" in columns for columns in tables)
    assert {one.key for one in at.download_button} >= {"size-zip", "size-winner.yaml", "size-front.csv"}
    assert any("SIZE OF small FOR own" in one.value for one in at.code)
    at.button(key="size-take").click().run()
    assert settings(at)["damping"][0]["kind"] == "site_battery"
    assert settings(at)["topology.electrical.memphis.battery"]["power"] == "15.8 MW"
    assert at.session_state["draft"].scenario().topology.electrical["memphis"].battery.power == 15.8e6


def test_without_a_winner_the_nearest_design_is_shown(sized, still_queue, hopeless_sizing):
    at, ticket = sized
    still_queue.becomes(ticket.id, state=State.DONE, answer=answer_of(hopeless_sizing))
    at.run()
    assert not at.exception
    assert any("No mix passes" in one.value for one in at.error)
    assert "size-take" not in {one.key for one in at.button}
    assert any("best margin [%]" in one.value.columns for one in at.dataframe)
