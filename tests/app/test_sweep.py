"""The Sweep page: a study is defined, checked, launched, watched and explored."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from clustersim.background.records import State
from clustersim.background.sweep_verbs import sweep

MICRO, SEQUENCE = "job.plan.micro_batches", "job.sequence_length"
TREE = {
    "name": "tiny", "title": "A tiny sweep", "scenario": "tiny_scenario.yaml", "evaluate": "step",
    "axes": {MICRO: {"values": [8, 16], "name": "batches"}, SEQUENCE: [2048, 4096]},
    "keys": ["iteration_time_s", "mfu", "tokens_per_s"],
}  # fmt: skip


@pytest.fixture(scope="session")
def tiny_study(small_result):
    """A study of four points on the small run's scenario, and its files."""
    from clustersim.scenario import Draft
    from clustersim.study.sweep.asked import Asked, scenario_files

    name, _, files = scenario_files(Draft("tiny", small_result.scenario))
    assert name == TREE["scenario"]
    return Asked(TREE, files)


@pytest.fixture(scope="session")
def swept_folder(tmp_path_factory, tiny_study):
    """A folder of results with the store of the tiny study in it."""
    out = tmp_path_factory.mktemp("swept")
    told = []
    answer = sweep(study=tiny_study.tree, files=tiny_study.files, out=str(out), tell=told.append)
    assert answer == {"folder": "sweep-tiny", "rows": 4}
    assert told[-2][1] == 1.0
    assert "4 of 4 points, 0 failed" in told[-2][0]
    return out


@pytest.fixture
def sweep_page(open_page, swept_folder, results_folder, small_link, tmp_path):
    """Give a function that opens the page on the stored sweep, and the folder of the results."""
    out = tmp_path / "results"
    shutil.copytree(swept_folder, out)

    def sweep_page(**query):
        return open_page("sweep", results=out, link=small_link, **query)

    return sweep_page


def explore(page, **query):
    at = page(**query)
    at.segmented_control(key="sweep-view").set_value("Explore").run()
    assert not at.exception, at.exception
    return at


def control(at, kind, ending):
    """Return the control of the study in hand whose key ends so."""
    found = [one for one in at.get(kind) if str(one.key).endswith(f"-{ending}")]
    assert len(found) == 1, [one.key for one in at.get(kind)]
    return found[0]


def defined(page, axes, **parts):
    """Open the page with a study in its address."""
    tree = {"name": "mine", "title": "Mine", "axes": axes, "combine": "grid", "evaluate": "step"} | parts
    return page(**{"sweep-study": json.dumps(tree)})


def submit(at):
    """Return the button that sends the uploaded study."""
    return next(one for one in at.button if one.form_id == "sweep-upload")


def metrics(at):
    return {one.label: one.value for one in at.metric}


def test_without_an_axis_the_page_says_what_to_do(sweep_page):
    at = sweep_page()
    assert not at.error
    assert any("No axis yet" in one.value for one in at.markdown)
    assert not [one for one in at.button if one.key == "sweep-run"]


def test_a_field_becomes_an_axis_and_its_values_count(sweep_page):
    at = sweep_page()
    control(at, "selectbox", "add-field").set_value(MICRO).run()
    assert not at.error, [one.value for one in at.error]
    assert metrics(at)["Points"] == "1"
    control(at, "text_input", "0-values").set_value("8, 16, 32").run()
    assert not at.error
    assert metrics(at)["Points"] == "3"
    # its own name is that of an answer, so that it gets another one
    axes = {MICRO: {"values": [8, 16, 32], "name": "micro_batches_set"}}
    assert json.loads(at.query_params["sweep-study"])["axes"] == axes
    control(at, "text_input", "0-name").set_value("batches").run()
    assert json.loads(at.query_params["sweep-study"])["axes"][MICRO]["name"] == "batches"
    control(at, "button", "0-remove").click().run()
    assert any("No axis yet" in one.value for one in at.markdown)


@pytest.mark.parametrize(
    ("kind", "combine", "points"),
    [("range", "grid", "3"), ("log_range", "zip", "3"), ("uniform", "one_at_a_time", "3")],
)
def test_every_kind_of_axis_can_be_asked_for(sweep_page, kind, combine, points):
    at = defined(sweep_page, {"damping.0.time_constant": ["10 s", "40 s"]})
    control(at, "selectbox", "combine").set_value(combine)
    control(at, "selectbox", "0-kind").set_value(kind).run()
    assert control(at, "text_input", f"0-{kind}-from").value == "10 s"
    assert not at.error, [one.value for one in at.error]
    assert metrics(at)["Points"] == points


def test_samples_are_asked_for_where_points_are_drawn(sweep_page):
    at = defined(sweep_page, {"damping.0.time_constant": {"uniform": {"from": "10 s", "to": "40 s"}}})
    assert any("a distribution needs combine" in one.value for one in at.error)
    control(at, "selectbox", "combine").set_value("latin_hypercube").run()
    control(at, "number_input", "samples").set_value(12).run()
    assert not at.error
    assert metrics(at)["Points"] == "12"


def test_a_wrong_axis_gives_the_message_of_the_command_line(sweep_page, tiny_study):
    from clustersim.errors import InputError
    from clustersim.study.sweep.asked import Asked, laid_out

    axes = {"job.sequence_lenght": [2048]}
    with pytest.raises(InputError) as said:
        laid_out(Asked(dict(tiny_study.tree) | {"name": "mine", "axes": axes}, tiny_study.files))
    at = defined(sweep_page, axes)
    assert len(at.error) == 1
    assert "did you mean 'sequence_length'" in str(said.value)
    shown = at.error[0].value.replace("\\", "")
    # the scenario in hand is called otherwise, all else is the same
    assert shown.split(": job")[1] == str(said.value).split(": job")[1]
    assert not [one for one in at.button if one.key == "sweep-run"]


def test_the_file_of_the_study_says_the_same_to_the_command_line(sweep_page, tmp_path):
    from clustersim.study.sweep.study import load_study

    at = defined(sweep_page, {"operation.horizon": ["1 d", "2 d"]}, seeds=2)
    text = next(one.value for one in at.code if one.language == "yaml")
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    study = load_study(path)
    assert [axis.key for axis in study.axes] == ["operation.horizon"]
    assert study.spec.seeds == 2
    assert metrics(at)["Points"] == "4"


def test_derived_columns_and_requirements_are_part_of_the_study(sweep_page):
    at = defined(sweep_page, {MICRO: [8, 16]})
    control(at, "text_area", "derive").set_value("per_batch: iteration_time_s / micro_batches")
    control(at, "text_area", "require").set_value("mfu > 0.2").run()
    tree = json.loads(at.query_params["sweep-study"])
    assert tree["derive"] == {"per_batch": "iteration_time_s / micro_batches"}
    assert tree["require"] == ["mfu > 0.2"]
    control(at, "text_area", "derive").set_value("no formula here").run()
    assert any("expected lines such as" in one.value for one in at.error)


def test_shipped_studies_open_whole(sweep_page):
    at = sweep_page()
    for name, points in (("grid_150mw", "12"), ("smoothing_floor", "6")):
        control(at, "selectbox", "begin").set_value(name).run()
        assert not at.error, [one.value for one in at.error]
        assert metrics(at)["Points"] == points


def test_a_study_is_uploaded_with_its_scenario(sweep_page, tiny_study):
    at = sweep_page()
    files = [("tiny.yaml", tiny_study.text.encode(), "application/yaml")]
    files += [(name, text.encode(), "application/yaml") for name, text in tiny_study.files.items()]
    at.file_uploader(key="sweep-upload-files").set_value(files)
    submit(at).click().run()
    assert not at.error, [one.value for one in at.error]
    assert metrics(at)["Points"] == "4"


def test_an_uploaded_study_without_axes_is_refused(sweep_page):
    at = sweep_page()
    at.file_uploader(key="sweep-upload-files").set_value([("a.yaml", b"name: a", "application/yaml")])
    submit(at).click().run()
    assert any("expected one study file" in one.value for one in at.error)


def test_a_study_is_launched_watched_and_cancelled(sweep_page, still_queue):
    at = defined(sweep_page, {MICRO: [8, 16]})
    at.button(key="sweep-run").click().run()
    ticket = still_queue.only("sweep")
    assert ticket.request.arguments["study"]["axes"] == {MICRO: {"values": [8, 16]}}
    still_queue.becomes(ticket.id, state=State.RUNNING, part="1 of 2 points", fraction=0.5)
    at.run()
    assert at.button(key="sweep-run").disabled
    at.button(key="cancel-sweep").click().run()
    assert any("goes on" in one.value for one in at.caption)
    assert not at.button(key="sweep-run").disabled


def test_a_failed_sweep_says_why(sweep_page, still_queue):
    at = defined(sweep_page, {MICRO: [8, 16]})
    at.button(key="sweep-run").click().run()
    still_queue.becomes(still_queue.only("sweep").id, state=State.FAILED, error="sweep-mine: this store is of another "
                        "study", input_error=True)  # fmt: skip
    at.run()
    assert any("this store is of another study" in one.value for one in at.error)


def test_a_store_goes_on_under_its_name(sweep_page, tiny_study):
    at = defined(sweep_page, tiny_study.tree["axes"], name="tiny")
    assert at.button(key="sweep-run").label == "Go on with the sweep"
    at.checkbox(key="sweep-retry").check().run()
    assert not at.exception


def test_the_rows_are_explored(sweep_page):
    at = explore(sweep_page)
    assert at.selectbox(key="sweep-store").value == "sweep-tiny"
    assert any("4 of 4 rows, 0 failed" in one.value.replace("\\", "") for one in at.caption)
    at.selectbox(key="sweep-x").set_value("batches")
    at.selectbox(key="sweep-y").set_value("mfu")
    at.selectbox(key="sweep-colour").set_value("sequence_length").run()
    assert not at.exception
    at.selectbox(key="sweep-better-x-batches").set_value("least").run()
    assert any("on the front" in one.value for one in at.caption)
    for view in ("All axes", "What moves it", "Table"):
        at.segmented_control(key="sweep-show").set_value(view).run()
        assert not at.exception, at.exception
        assert not at.error, [one.value for one in at.error]


def test_all_axes_need_two_columns(sweep_page):
    at = explore(sweep_page)
    at.segmented_control(key="sweep-show").set_value("All axes").run()
    at.multiselect(key="sweep-columns").set_value(["mfu"]).run()
    assert any("two columns" in one.value for one in at.markdown)
    at.multiselect(key="sweep-columns").set_value(["mfu", "batches"]).run()
    at.selectbox(key="sweep-shade").set_value("mfu").run()
    assert not at.exception


def test_rows_are_kept_by_a_formula(sweep_page):
    at = explore(sweep_page)
    at.text_input(key="sweep-where").set_value("batches > 8").run()
    assert any("2 of 4 rows" in one.value for one in at.caption)
    at.text_input(key="sweep-where").set_value("batche > 8").run()
    assert any("did you mean" in one.value for one in at.error)
    at.text_input(key="sweep-where").set_value("__import__('os')").run()
    assert at.error
    at.text_input(key="sweep-where").set_value("batches > 99").run()
    assert any("No row is left" in one.value for one in at.markdown)


def test_a_point_opens_by_its_identity(sweep_page, swept_folder):
    from clustersim.study.sweep.overview import overview

    table = overview(swept_folder / "sweep-tiny").table
    wanted = table[(table["batches"] == 16) & (table["sequence_length"] == 2048)].iloc[0]
    at = explore(sweep_page)
    at.selectbox(key="sweep-point").set_value(wanted["point_id"]).run()
    at.button(key="sweep-open").click().run()
    draft = at.session_state["draft"]
    scenario = draft.scenario()
    assert (scenario.job.plan.micro_batches, scenario.job.sequence_length) == (16, 2048)
    assert at.title[0].value == "Overview"


def test_nothing_stored_is_said(open_page, tmp_path, small_link):
    at = open_page("sweep", results=tmp_path, link=small_link)
    at.segmented_control(key="sweep-view").set_value("Explore").run()
    assert any("No sweep is stored" in one.value for one in at.markdown)


def test_a_damaged_address_is_named(sweep_page):
    at = sweep_page(**{"sweep-study": "[1, 2]"})
    assert any("could not be restored" in one.value for one in at.warning)


def test_a_shipped_study_reads_back_from_the_page(sweep_page):
    from clustersim.scenario import located

    at = sweep_page()
    control(at, "selectbox", "begin").set_value("battery_for_a_rule").run()
    tree = yaml.safe_load(next(one.value for one in at.code if one.language == "yaml"))
    shipped = yaml.safe_load(located("battery_for_a_rule", "studies").read_text(encoding="utf-8"))
    assert tree["require"] == shipped["require"]
    assert tree["set"] == shipped["set"]
    for path, spec in shipped["axes"].items():
        assert tree["axes"][path]["values"] == spec
