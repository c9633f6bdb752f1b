"""The page Training: one step closer, plans, days; every number as the command line prints it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from clustersim.background.records import State
from clustersim.cli import app
from clustersim.report.step import trace_of
from clustersim.report.words import short_answer

CARDS = (
    "iteration_time_s", "tokens_per_s", "mfu", "hfu", "bubble_fraction", "exposed_comm_fraction", "memory_per_gpu_gb",
    "tokens_per_s_per_gpu", "goodput", "days_to_budget",
)  # fmt: skip


@pytest.fixture(scope="session")
def step_answer(tmp_path_factory, small_result, made_once):
    """What the worker answers when it is asked for the step of the small run."""
    from clustersim.background.training_verbs import step

    def make():
        out = tmp_path_factory.mktemp("steps")
        return step(name="small", tree=small_result.scenario, settings={}, out=str(out), tell=lambda told: None)

    return made_once("training-step", make)


@pytest.fixture(scope="session")
def plan_answer(small_result, made_once):
    """What the worker answers when it is asked for plans of the small run."""
    from clustersim.background.training_verbs import plan

    asked = {"name": "small", "tree": small_result.scenario, "settings": {}, "top": 5}
    return made_once("training-plans", lambda: plan(**asked, tell=lambda told: None))


@pytest.fixture
def opened(open_page, still_queue, step_answer):
    """Give a function that opens the page when the step has been made."""

    def opened(part="One step"):
        at = open_page("training")
        still_queue.becomes(still_queue.only("step").id, state=State.DONE, answer=step_answer)
        return at.run() if part == "One step" else at.segmented_control(key="training-part").set_value(part).run()

    return opened


def shown(at):
    """Return the alternative texts of the figures."""
    return [chart.proto.alt for chart in at.get("plotly_chart")]


def drawn(at, key):
    """Return the figure whose widget's key begins so."""
    found = [chart for chart in at.get("plotly_chart") if f"-{key}" in chart.proto.id]
    assert len(found) == 1, [chart.proto.id for chart in at.get("plotly_chart")]
    return json.loads(found[0].proto.spec)


def test_headlines_are_those_of_the_run(open_page, small_result):
    at = open_page("training")
    assert [one.value for one in at.metric] == [short_answer(key, small_result.summary[key]) for key in CARDS]
    assert any("Largest loss" in text.value for text in at.markdown)


def test_the_step_is_asked_for_once_and_shown_while_it_is_made(open_page, still_queue):
    at = open_page("training")
    ticket = still_queue.only("step")
    assert ticket.request.arguments["name"] == "small"
    still_queue.becomes(ticket.id, state=State.RUNNING, part="steps with jitter")
    at.run()
    assert still_queue.only("step").id == ticket.id
    at.button(key="cancel-step").click().run()
    assert any("Cancelled" in info.value for info in at.info)
    at.button(key="again-step").click().run()
    assert still_queue.only("step").state is State.QUEUED


def test_a_step_that_fails_says_why(open_page, still_queue):
    at = open_page("training")
    still_queue.becomes(still_queue.only("step").id, state=State.FAILED, error="job.plan: too large", input_error=True)
    at.run()
    assert any("job.plan\\: too large" in error.value for error in at.error)


def test_units_stages_and_micro_batches_can_be_chosen(opened):
    at = opened()
    assert any(text.startswith("One step of unit") for text in shown(at))
    whole = drawn(at, "training-gantt")
    assert {int(y) for bars in whole["data"] for y in bars["y"]} == {0, 1, 2, 3}
    for name in ("fastest", "slowest", "0"):
        at.selectbox(key="training-unit").set_value(name).run()
        assert not at.exception
    at.selectbox(key="training-stage").set_value("2").run()
    assert {int(y) for bars in drawn(at, "training-gantt")["data"] for y in bars["y"]} == {2}
    at.selectbox(key="training-stage").set_value("all").run()
    at.selectbox(key="training-batch").set_value("3").run()
    assert any(bars["name"] == "way of the micro-batch" for bars in drawn(at, "training-gantt")["data"])


def test_a_part_of_the_step_can_be_looked_at_and_left_again(opened):
    at = opened()
    seconds = drawn(at, "training-gantt")["layout"]["xaxis"]["range"][1]
    at.slider(key="training-window").set_value((10.0, 30.0)).run()
    assert drawn(at, "training-gantt")["layout"]["xaxis"]["range"] == pytest.approx([0.1 * seconds, 0.3 * seconds])
    at.button(key="training-whole").click().run()
    assert drawn(at, "training-gantt")["layout"]["xaxis"]["range"] == pytest.approx([0.0, seconds])


def test_memory_adds_up_and_stays_below_the_limit(opened, step_answer, small_result):
    at = opened("Memory")
    bars = [trace for trace in drawn(at, "training-memory")["data"] if trace["type"] == "bar"]
    most = max(sum(heights) for heights in zip(*(trace["y"] for trace in bars), strict=True))
    assert most == pytest.approx(small_result.summary["memory_per_gpu_gb"], rel=1e-4)


def test_days_tell_states_and_causes(open_page):
    at = open_page("training")
    at.segmented_control(key="training-part").set_value("Days").run()
    assert not at.exception
    assert any(text.startswith("How the job spends its days") for text in shown(at))
    assert any(text.startswith("Where the time went") for text in shown(at))


def test_one_site_has_no_part_between_sites(open_page):
    at = open_page("training")
    assert at.segmented_control(key="training-part").options == ["One step", "Memory", "Plans", "Days"]


@pytest.fixture(scope="session")
def several_sites(tmp_path_factory, made_once):
    """What the worker answers for a job of three sites."""
    from clustersim.background.training_verbs import step

    names = ("council_bluffs", "omaha", "papillion")
    fleets = {f"topology.site.{name}.fleet": [{"accelerator": "TPU7x", "count": 1024}] for name in names}
    plan = {"tensor": 8, "pipeline": 4, "data": 96, "micro_batches": 8}
    asked = {
        "name": "iowa_nebraska",
        "tree": None,
        "settings": {"job.model": "llama3.1-70b", "job.plan": plan, **fleets},
    }
    out = str(tmp_path_factory.mktemp("steps"))
    return made_once("training-sites", lambda: step(**asked, out=out, tell=lambda told: None))


def test_several_sites_tell_what_travels_between_them(open_page, still_queue, several_sites, small_result, monkeypatch):
    from dashboard import bar

    topology = small_result.scenario["topology"]
    site = topology["site"]["memphis"]
    scenario = small_result.scenario | {"topology": topology | {"site": {"omaha": site, "papillion": site}}}
    monkeypatch.setattr(bar, "result", lambda: replace(small_result, scenario=scenario, run_id="of_three_sites"))
    at = open_page("training")
    at.segmented_control(key="training-part").set_value("Between sites").run()
    still_queue.becomes(still_queue.only("step").id, state=State.DONE, answer=several_sites)
    at.run()
    assert not at.exception
    ways, cuts, costs = (frame.value for frame in at.dataframe)
    printed = json.loads((Path(several_sites["folder"]) / "step.json").read_text(encoding="utf-8"))["between_sites"]
    assert ways["mean [Gbit/s]"].tolist() == pytest.approx([way["mean_gbit_s"] for way in printed["ways"]], rel=1e-3)
    assert len(cuts) == 6
    assert len(costs) == len(printed["costs"])


def test_a_plan_that_a_search_found_goes_into_the_draft(open_page, still_queue, plan_answer):
    at = open_page("training")
    at.segmented_control(key="training-part").set_value("Plans").run()
    at.button(key="training-search").click().run()
    ticket = still_queue.only("plan")
    assert ticket.request.arguments["settings"] == {"job.plan": "best"}
    still_queue.becomes(ticket.id, state=State.DONE, answer=plan_answer)
    at.run()
    assert len(at.dataframe[0].value) == len(plan_answer["plans"])
    at.selectbox(key="training-plan").set_value("2").run()
    at.button(key="training-use").click().run()
    assert not at.exception
    assert at.session_state["draft"].settings == {"job.plan": plan_answer["plans"][1]["plan"]}
    # the search found what it found, whatever plan the draft has now
    assert still_queue.only("plan").id == ticket.id
    assert at.button(key="training-use").disabled
    at.button(key="training-best").click().run()
    assert at.session_state["draft"].settings == {"job.plan": "best"}


def test_a_search_that_fails_says_why(open_page, still_queue):
    at = open_page("training")
    at.segmented_control(key="training-part").set_value("Plans").run()
    at.button(key="training-search").click().run()
    still_queue.becomes(still_queue.only("plan").id, state=State.FAILED, error="job.model: no plan", input_error=True)
    at.run()
    assert any("job.model\\: no plan" in error.value for error in at.error)
    at.button(key="training-search").click().run()
    assert still_queue.only("plan").state is State.QUEUED


def test_plans_are_those_of_the_run_until_a_search(open_page, small_result):
    at = open_page("training")
    at.segmented_control(key="training-part").set_value("Plans").run()
    assert at.dataframe[0].value["step [s]"].tolist() == pytest.approx(
        small_result.plans["iteration_time_s"].tolist(), rel=1e-3
    )


def test_a_measured_load_has_no_step(open_page, monkeypatch, small_result):
    from dashboard import bar

    load = {key: value for key, value in small_result.scenario.items() if key != "job"} | {"load": {}}
    monkeypatch.setattr(bar, "result", lambda: replace(small_result, scenario=load))
    at = open_page("training")
    assert not at.metric
    assert any("is measured" in text.value for text in at.markdown)
    assert len(at.get("page_link")) == 3


def test_the_step_is_what_the_command_line_prints(small_scenario, step_answer, tmp_path):
    file = tmp_path / "trace.json"
    printed = command("step", str(small_scenario), "--json", "--trace", str(file), "--unit", "slowest")
    folder = Path(step_answer["folder"])
    assert json.loads((folder / "step.json").read_text(encoding="utf-8")) == printed
    table = pd.read_parquet(folder / "operations.parquet")
    rows = table[table["unit"] == printed["units"]["slowest"]["unit"]]
    head = {"scenario": "small", "seed": 1, "units": printed["units"]["count"]}
    assert trace_of(rows, head) == json.loads(file.read_text(encoding="utf-8"))
    command("step", str(small_scenario), "--json", "--trace", str(file))
    assert (folder / "trace.json").read_text(encoding="utf-8").strip() == file.read_text(encoding="utf-8").strip()


def test_plans_are_what_the_command_line_prints(small_scenario, plan_answer):
    assert command("plan", str(small_scenario), "--json", "--top", "5") == plan_answer


def test_a_plan_of_the_search_takes_as_long_when_it_is_given(small_result, plan_answer):
    from clustersim.scenario import Draft
    from clustersim.study.step import study_step

    best = plan_answer["plans"][0]
    study = study_step(Draft("small", small_result.scenario, {"job.plan": best["plan"]}).scenario())
    assert study.trace(0).iteration_time_s == pytest.approx(best["iteration_time_s"], rel=0.01)
    assert study.program.memory_bytes.max() / 1e9 == pytest.approx(best["memory_gb"], rel=1e-12)
    assert study.mfu(best["iteration_time_s"]) == pytest.approx(best["mfu"], rel=1e-12)


def test_refused_plans_need_more_than_there_is(plan_answer):
    assert plan_answer["refused"]
    assert plan_answer["tried"] == plan_answer["too_large"] + plan_answer["found"]
    for one in plan_answer["refused"]:
        assert one["memory_gb"] > plan_answer["usable_memory_gb"]
        assert f"{one['memory_gb']:.1f} GB" in one["reason"]


def command(*words):
    """Return what the command line prints, as data."""
    ran = CliRunner().invoke(app, list(words))
    assert ran.exit_code == 0, ran.output
    return json.loads(ran.stdout)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--unit", "0"], "expected --trace FILE too"),
        (["--trace", "t.json", "--unit", "slowes"], "did you mean 'slowest'"),
        (["--trace", "t.json", "--unit", "64"], "a number from 0 to 63"),
    ],
)
def test_a_wrong_unit_is_named(small_scenario, words, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    ran = CliRunner().invoke(app, ["step", str(small_scenario), *words])
    assert ran.exit_code == 2
    assert message in " ".join(ran.output.split())
    assert not (tmp_path / "t.json").exists()
