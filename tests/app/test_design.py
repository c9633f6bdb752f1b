"""The page on which a place and a job are designed: every control, wrong inputs, undo, pictures of the edited place."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from clustersim.background.design_verbs import check, place_graph, survey_place
from clustersim.background.records import State
from clustersim.report.check import problems
from clustersim.report.place import place_counts, place_data
from clustersim.report.place_graph import export
from clustersim.scenario import load_topology, located
from clustersim.study.places.place import build_place
from clustersim.study.places.survey import survey

MULTI = "iowa_nebraska"


def opened(open_page, section, **query):
    at = open_page("design", **query)
    return chosen(at, section)


def chosen(at, section):
    at.session_state["design-section"] = section
    at.run()
    assert not at.exception, at.exception
    return at


def errors(at):
    """Return the messages of a page as they read: without the marks that keep them from being formatted."""
    return [error.value.replace("\\", "") for error in at.error]


def draft(at):
    return at.session_state["draft"]


def typed(at, path, text):
    at.text_input(key=f"design:{path}").set_value(text).run()
    assert not at.exception, at.exception
    return at


@pytest.mark.parametrize("scenario", [MULTI, "measured_load_memphis"])
def test_every_section_of_every_kind_of_scenario_opens_and_changes_nothing(open_page, scenario):
    from dashboard.design_sections import SECTIONS

    at = open_page("design", scenario=scenario)
    left = {"job", "operation"} if scenario.startswith("measured") else {"load"}
    for section in set(SECTIONS) - left:
        chosen(at, section)
        assert not at.error, errors(at)
        assert dict(draft(at).settings) == {}, section
    at.run()
    assert dict(draft(at).settings) == {}


def test_a_changed_fleet_changes_the_counts_and_undo_brings_them_back(open_page):
    at = opened(open_page, "place", scenario="colossus_200k")
    before = at.metric[0].value
    typed(at, "topology.site.memphis.fleet.0.count", "50_000")
    assert dict(draft(at).settings) == {"topology.site.memphis.fleet.0.count": 50_000}
    assert (before, at.metric[0].value) == ("200,000", "150,000")
    at.button(key="design-undo").click().run()
    assert draft(at).settings == {}
    assert at.metric[0].value == before
    assert at.button(key="design-undo").disabled


def test_a_value_put_back_is_no_change(open_page):
    at = opened(open_page, "cooling", scenario="colossus_200k")
    typed(at, "topology.cooling.memphis.count", "80")
    assert len(draft(at).settings) == 1
    typed(at, "topology.cooling.memphis.count", "90")
    assert draft(at).settings == {}


@pytest.mark.parametrize(
    ("section", "path", "text", "says"),
    [
        ("electrical", "topology.electrical.memphis.grid.voltage", "high", "expected a number and a unit"),
        ("cooling", "topology.cooling.memphis.liquid_share", "80", "expected a ratio with a unit"),
        ("cooling", "topology.cooling.memphis.alarm_temperature", "20 degC", "must be above supply_temperature"),
        ("cooling", "topology.cooling.memphis.weather", "memphis_tm", "did you mean 'memphis_tn'?"),
        ("job", "job.sequence_length", "many", "valid integer"),
    ],
)
def test_wrong_input_gives_the_message_of_the_command_line_and_can_be_taken_back(
    open_page, tmp_path, section, path, text, says
):
    at = opened(open_page, section, scenario="colossus_200k")
    typed(at, path, text)
    told = errors(at)
    assert len(told) == 1
    assert says in told[0]
    # the command line says the same of a file with this setting, by its path
    file = located("colossus_200k", "scenarios")
    copy = tmp_path / "scenarios" / file.name
    copy.parent.mkdir()
    copy.write_text(file.read_text(encoding="utf-8") + f"set:\n  {path}: {text}\n", encoding="utf-8")
    assert told[0].splitlines() == [line.replace(str(copy), file.stem) for line in problems(copy)]
    assert at.metric[0].value == "200,000"
    at.button(key=f"drop:{path}").click().run()
    assert not at.error
    assert draft(at).settings == {}


def test_what_is_no_yaml_is_refused_and_changes_nothing(open_page):
    at = opened(open_page, "job", scenario="colossus_200k")
    typed(at, "job.sequence_length", "[4096")
    assert any("not valid YAML" in error for error in errors(at))
    assert draft(at).settings == {}


def test_emptied_it_goes_back_to_what_holds_without_it(open_page):
    at = opened(open_page, "job", scenario="colossus_200k")
    typed(at, "job.critical_batch_tokens", "")
    assert dict(draft(at).settings) == {"job.critical_batch_tokens": None}
    typed(at, "job.data_stall", "1 ms")
    typed(at, "job.data_stall", "")
    assert "job.data_stall" not in draft(at).settings


def test_another_place_takes_the_changes_of_the_place_along_but_not_those_of_the_job(open_page):
    at = opened(open_page, "place", scenario="colossus_200k")
    typed(at, "topology.site.memphis.fleet.0.count", "50000")
    chosen(at, "job")
    at.selectbox(key="design:job.model").select("llama3.1-70b").run()
    at.selectbox(key="design-place").select("google_iowa_nebraska").run()
    assert dict(draft(at).settings) == {"topology": "google_iowa_nebraska", "job.model": "llama3.1-70b"}
    assert at.metric[1].value == "3"
    at.selectbox(key="design-place").select("colossus_memphis").run()
    assert dict(draft(at).settings) == {"job.model": "llama3.1-70b"}


def test_the_counts_of_the_page_are_those_of_the_command_line():
    place = build_place(load_topology(located("deepseek_v3", "topologies")), "bf16")
    counts, told = place_counts(place), place_data(survey(place, losses=False), 1e9)
    for key in set(counts) - {"bill"}:
        assert counts[key] == told[key], key
    assert [row | {"total_km": None} for row in told["bill"]] == counts["bill"]


def test_an_uploaded_scenario_moves_to_another_place_as_a_tree(open_page):
    at = opened(open_page, "place")
    assert draft(at).tree is not None
    at.selectbox(key="design-place").select("deepseek_v3").run()
    assert not at.exception
    # the damping of the small run needs a battery, which that place has not: told, and drawn nevertheless
    assert any("site_battery needs a battery" in error for error in errors(at))
    assert draft(at).settings["topology"]["name"] == "deepseek_v3"
    assert at.metric[0].value == "2,048"
    at.selectbox(key="design-place").select("abilene").run()
    assert errors(at) == []
    assert draft(at).tree["topology"]["name"] == "abilene"


def test_a_place_of_several_sites_shows_each_and_edits_the_chosen_one(open_page):
    at = opened(open_page, "cooling", scenario=MULTI)
    assert at.text_input(key="design:topology.cooling.council_bluffs.count").value == "8"
    at.session_state["design-site"] = "omaha"
    at.run()
    typed(at, "topology.cooling.omaha.count", "9")
    assert dict(draft(at).settings) == {"topology.cooling.omaha.count": 9}
    chosen(at, "place")
    shown = next(table.value for table in at.dataframe if "omaha" in table.value.columns)
    assert {"council_bluffs", "omaha", "papillion"} < set(shown.columns)


def test_a_site_is_added_and_removed(open_page):
    at = opened(open_page, "place", scenario="colossus_200k")
    at.text_input(key="design-new-site").set_value("Bad Name").run()
    at.button(key="add-site").click().run()
    assert any("expected a new name" in error for error in errors(at))
    at.text_input(key="design-new-site").set_value("second").run()
    at.button(key="add-site").click().run()
    assert not at.exception
    assert at.metric[1].value == "2"
    assert at.metric[0].value == "400,000"
    at.button(key="remove-site").click().run()
    assert at.metric[1].value == "1"


def test_entries_are_added_removed_and_taken_over(open_page):
    at = opened(open_page, "damping", scenario="colossus_200k")
    at.selectbox(key="add:damping").select("power_cap").run()
    assert [one["kind"] for one in draft(at).settings["damping"]] == ["site_battery", "power_cap"]
    assert at.session_state["entry:damping"] == "2  power_cap", "what was added is open at once"
    at.session_state["entry:damping"] = "1  site_battery"
    at.run()
    at.button(key="remove:damping").click().run()
    assert [one["kind"] for one in draft(at).settings["damping"]] == ["power_cap"]
    at.button(key="design-undo").click().run()
    at.button(key="design-undo").click().run()
    assert draft(at).settings == {}
    chosen(at, "electrical")
    at.session_state["design-part-electrical"] = "battery"
    at.run()
    at.button(key="remove:topology.electrical.memphis.battery").click().run()
    assert any("site_battery needs a battery" in error for error in errors(at))
    at.selectbox(key="take:topology.electrical.memphis.battery").select("colossus_memphis").run()
    assert not at.error
    assert "topology.electrical.memphis.battery" not in draft(at).settings


def test_another_kind_of_fabric_keeps_what_it_knows_and_asks_for_the_rest(open_page):
    at = opened(open_page, "fabric", scenario="colossus_200k")
    at.selectbox(key="design:topology.fabric.kind").select("rail_optimised").run()
    assert any("rails: expected a value, found none" in error for error in errors(at))
    typed(at, "topology.fabric.rails", "8")
    assert not at.error
    assert draft(at).scenario().topology.fabric.rails == 8


def test_the_plan_is_searched_or_given(open_page):
    at = open_page("design", scenario="llama3_405b_54d")
    at.session_state["design-part-job"] = "plan"
    chosen(at, "job")
    assert at.text_input(key="design:job.plan.tensor").value
    at.button(key="word:job.plan").click().run()
    assert dict(draft(at).settings) == {"job.plan": "best"}


def test_the_text_becomes_settings_or_is_refused(open_page):
    at = opened(open_page, "text", scenario="colossus_200k")
    text = at.text_area[0].value
    assert "colossus_memphis" in text
    at.text_area[0].set_value(text.replace("count: 90", "count: 91"))
    at.button(key="FormSubmitter:design-text-form-Apply").click().run()
    assert dict(draft(at).settings) == {"topology.cooling.memphis.count": 91}
    for wrong, says in (("a: &x 1\nb: *x", "aliases"), ("- 1", "expected a mapping"), ("name: x", "expected one of")):
        at.text_area[0].set_value(wrong)
        at.button(key="FormSubmitter:design-text-form-Apply").click().run()
        assert any(says in error for error in errors(at)), (wrong, errors(at))
        assert dict(draft(at).settings) == {"topology.cooling.memphis.count": 91}


def test_the_check_is_asked_of_a_worker_and_told(open_page, still_queue):
    at = opened(open_page, "job", scenario="colossus_200k")
    ticket = still_queue.only("check")
    assert not at.success
    still_queue.becomes(ticket.id, state=State.DONE, answer=[])
    at.run()
    assert [one.value for one in at.success] == ["`clustersim check`: ok"]
    still_queue.becomes(ticket.id, state=State.DONE, answer=["x.yaml: job.plan: no plan fits <b>$1$</b>"])
    at.run()
    assert any("no plan fits" in error and "<b>" in error for error in errors(at))


def test_the_survey_is_asked_for_shown_and_may_fail(open_page, still_queue):
    at = opened(open_page, "fabric", scenario="deepseek_v3")
    at.button(key="survey").click().run()
    ticket = still_queue.only("survey_place")
    answer = survey_place(topology=ticket.request.arguments["topology"], tell=lambda _: None)
    assert answer["pods"][0]["svg"].startswith("<svg")
    still_queue.becomes(ticket.id, state=State.DONE, answer=answer)
    at.run()
    assert not at.exception
    assert any("total [us]" in table.value.columns for table in at.dataframe)
    still_queue.becomes(ticket.id, state=State.FAILED, error="fabric: too small", input_error=True)
    at.run()
    assert any("too small" in error for error in errors(at))


def test_what_the_worker_answers_is_what_the_command_line_answers(tmp_path):
    place = build_place(load_topology(located("deepseek_v3", "topologies")), "bf16")
    tree = place.topology.model_dump(mode="json", exclude_none=True)
    made = place_graph(topology=tree, ending=".csv", out=str(tmp_path), tell=lambda _: None)
    with zipfile.ZipFile(made["file"]) as packed:
        assert packed.read("deepseek_v3.csv").decode() == export(place, Path("graph.csv"))
    assert [path.name for path in tmp_path.iterdir()] == ["deepseek_v3.csv.zip"]
    draft = {"name": "gpt4_20k", "tree": None, "tell": lambda _: None}
    wrong = check(settings={"job.plan": {"tensor": 8, "data": 4096, "micro_batches": 1}}, **draft)
    assert len(wrong) == 1
    assert wrong[0].startswith(str(located("gpt4_20k", "scenarios")))
    assert "accelerators" in wrong[0]
    assert "did you mean" in check(settings={"job.modle": "x"}, **draft)[0]


def test_the_graph_is_written_by_a_worker(open_page, still_queue):
    at = opened(open_page, "place", scenario="deepseek_v3")
    at.button(key="graph-.graphml").click().run()
    ticket = still_queue.only("place_graph")
    assert ticket.request.arguments["ending"] == ".graphml"
    still_queue.becomes(ticket.id, state=State.CANCELLED)
    at.run()
    assert any("Cancelled" in info.value for info in at.info)
