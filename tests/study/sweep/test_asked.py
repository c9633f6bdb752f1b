"""Studies asked for as plain data: the same points as from files, any base, points back to scenarios."""

import dataclasses

import pytest

from clustersim.errors import InputError
from clustersim.scenario import Draft, load_any, located, resolved, run_id
from clustersim.study.sweep import work
from clustersim.study.sweep.asked import Asked, kept_in, laid_out, looked_at, scenario_files
from clustersim.study.sweep.filtered import kept_rows
from clustersim.study.sweep.overview import overview
from clustersim.study.sweep.pace import Pace, earlier, span
from clustersim.study.sweep.point_draft import draft_of_point
from clustersim.study.sweep.records import Outcome
from clustersim.study.sweep.store import Store
from clustersim.study.sweep.sweep import lay_out, run_sweep
from tests.study.sweep.conftest import COUNT, FLOOR, HereEngine

AXES = {COUNT: [2048, 4096], FLOOR: ["10 s", "30 s"]}


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Answer from the scenario alone, without a simulation."""
    monkeypatch.setitem(
        work.LEVELS, "step", lambda scenario: {"mfu": 1e-4 * scenario.topology.site["memphis"].fleet[0].count}
    )


def asked_of(scenario, **parts):
    name, settings, files = scenario_files(Draft("my small", resolved(load_any(scenario)), {"seed": 5}))
    tree = {"name": "trial", "title": "A trial", "scenario": name, "set": settings, "evaluate": "step", "axes": AXES}
    return Asked(tree | parts, files)


def stored(asked, folder):
    found = laid_out(asked)
    with Store.open(folder, found.header, found.columns, found.about) as store:
        run_sweep(kept_in(asked, folder, found), HereEngine(), store)
        store.finish()
        return store.table()


@pytest.mark.parametrize("name", ["colossus_200k", "measured_load_memphis", "iowa_nebraska"])
def test_a_resolved_scenario_reads_back_from_its_files(tmp_path, name):
    tree = resolved(load_any(located(name, "scenarios")))
    file, settings, files = scenario_files(Draft(name, tree))
    Asked({"name": "x"}, files).write(tmp_path)
    assert settings == {}
    assert run_id(load_any(tmp_path / file)) == run_id(load_any(located(name, "scenarios")))


def test_a_shipped_scenario_needs_no_file():
    assert scenario_files(Draft("gpt4_20k", None, {"seed": 2})) == ("gpt4_20k", {"seed": 2}, {})


def test_a_look_counts_what_lay_out_finds(small_scenario, study_of):
    look = looked_at(asked_of(small_scenario, constraints=["count > 3000"]), 100, 10)
    found = lay_out(study_of(axes=AXES, constraints=["count > 3000"]))
    assert (look.points, look.kept, look.different) == (found.points.total, found.rows, len(found.places))
    assert [row["count"] for row in look.first] == [4096, 4096]
    few = looked_at(asked_of(small_scenario), 3, 2)
    assert (few.points, few.kept, few.different, len(few.first)) == (4, None, None, 2)


def test_messages_do_not_name_the_folder_of_the_files(small_scenario):
    with pytest.raises(InputError) as said:
        laid_out(asked_of(small_scenario, axes={"job.sequence_lenght": [1]}))
    assert "sequence_length" in str(said.value)
    assert "/tmp" not in str(said.value)


@pytest.mark.parametrize("name", ["../x.yaml", "/x.yaml", "a/../../x.yaml", "a\\b.yaml"])
def test_files_stay_inside_the_folder(tmp_path, name):
    with pytest.raises(InputError, match="inside the study's folder"):
        Asked({"name": "x"}, {name: "a: 1"}).write(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_points_come_back_as_scenarios_by_identity(small_scenario, tmp_path):
    table = stored(asked_of(small_scenario), tmp_path / "s")
    for row in table.to_dict("records"):
        scenario = draft_of_point(tmp_path / "s", row["point_id"]).scenario()
        assert scenario.topology.site["memphis"].fleet[0].count == row["count"]
        assert scenario.damping[0].time_constant == row["time_constant_s"]
        assert scenario.seed == 5
    with pytest.raises(InputError, match="found none"):
        draft_of_point(tmp_path / "s", "no such point")


def test_a_point_of_a_shipped_scenario_is_its_settings(tmp_path):
    tree = {
        "name": "t",
        "title": "T",
        "scenario": "colossus_200k",
        "evaluate": "step",
        "axes": {"job.sequence_length": [4096, 8192]},
    }
    found = laid_out(Asked(tree))
    point_id = list(found.places)[1]
    folder = tmp_path / "s"
    with Store.open(folder, found.header, found.columns, found.about) as store:
        store.append([Outcome(point_id, 1, {"sequence_length": 8192}, None, 0.1)])
    assert draft_of_point(folder, point_id) == Draft("colossus_200k", None, {"job.sequence_length": 8192})


def test_a_point_of_another_catalog_is_refused(small_scenario, tmp_path, monkeypatch):
    from clustersim.study.sweep import points

    table = stored(asked_of(small_scenario), tmp_path / "s")
    monkeypatch.setattr(points, "catalog_digest", lambda: "another one")
    with pytest.raises(InputError, match="would be another one"):
        draft_of_point(tmp_path / "s", table["point_id"][0])


def test_a_point_with_figures_of_the_catalog_is_refused(small_scenario, tmp_path):
    axes = {"catalog.accelerators.H100-SXM.tdp": ["700 W", "650 W"]}
    table = stored(asked_of(small_scenario, axes=axes), tmp_path / "s")
    with pytest.raises(InputError, match="cannot hold figures"):
        draft_of_point(tmp_path / "s", table["point_id"][0])


def test_rows_are_kept_by_columns_in_their_units(small_scenario, tmp_path):
    stored(asked_of(small_scenario), tmp_path / "s")
    table = overview(tmp_path / "s").table
    assert kept_rows(table, " ") is table
    assert kept_rows(table, "time_constant_s > 20 and count < 3000")["index"].tolist() == [1]
    for wrong in ("cout > 1", "count +", "count + 1", "open('x')", "count > 'a'"):
        with pytest.raises(InputError):
            kept_rows(table, wrong)


def test_a_row_without_the_value_is_left_out(small_scenario, tmp_path):
    stored(asked_of(small_scenario), tmp_path / "s")
    table = overview(tmp_path / "s").table
    table.loc[0, "mfu"] = float("nan")
    assert kept_rows(table, "mfu > 0")["index"].tolist() == [1, 2, 3]


def test_pace_says_what_is_done_and_left():
    now = iter([0.0, 5.0, 10.0])
    pace = Pace(4, 6, lambda: next(now))
    assert (pace.text, pace.fraction) == ("2 of 6 points, 0 failed", 2 / 6)
    for error in (None, "wrong"):
        pace.count(Outcome("a", 0, None, error, 1.0))
    assert (pace.text, pace.fraction) == ("4 of 6 points, 1 failed, 0.2 points/s, 10 s left", 4 / 6)
    assert [span(one) for one in (45.0, 720.0, 12600.0)] == ["45 s", "12 min", "3.5 h"]


def test_the_time_of_points_is_that_of_an_earlier_sweep(small_scenario, tmp_path):
    asked = asked_of(small_scenario)
    stored(asked, tmp_path / "s")
    (tmp_path / "other").mkdir()
    found = earlier([tmp_path / "other", tmp_path / "s"], "step", asked.tree["scenario"])
    assert found is not None
    assert (found.store, found.points) == ("s", 4)
    assert found.median_s > 0.0
    assert earlier([tmp_path / "s"], "run", asked.tree["scenario"]) is None


def test_the_same_study_asked_again_goes_on(small_scenario, tmp_path):
    asked = asked_of(small_scenario)
    assert len(stored(asked, tmp_path / "s")) == 4
    engine = HereEngine()
    found = laid_out(asked)
    with Store.open(tmp_path / "s", found.header, found.columns, found.about) as store:
        run_sweep(kept_in(asked, tmp_path / "s", found), engine, store)
    assert engine.asked == []
    other = laid_out(dataclasses.replace(asked, tree={**asked.tree, "axes": {COUNT: [1024]}}))
    with pytest.raises(InputError, match="another study"):
        Store.open(tmp_path / "s", other.header, other.columns, other.about)
