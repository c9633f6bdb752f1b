"""Points: how many, in which order, what each sets, and that their identity does not depend on their place."""

import json
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.study.sweep.points import Points, Tasks
from clustersim.study.sweep.sampling import shares
from tests.study.sweep.conftest import COUNT, FLOOR


def columns(study):
    points = Points(study)
    return [points.at(int(index)).columns for index in points.kept]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 5), min_size=1, max_size=4), st.integers(1, 3))
def test_a_grid_has_the_product_of_its_lengths(lengths, seeds):
    from clustersim.study.sweep.axes import axes_of
    from clustersim.study.sweep.spec import StudySpec
    from clustersim.study.sweep.study import Study

    keys = {f"section.key{k}": list(range(length)) for k, length in enumerate(lengths)}
    spec = StudySpec.model_validate(
        {"name": "t", "title": "t", "scenario": "s", "axes": keys, "seeds": list(range(seeds))}
    )
    points = Points(Study("t.yaml", spec, axes_of(spec, "t"), (), (), (), ()))
    assert points.total == math.prod(lengths) * seeds
    seen = {tuple(s.value for _, s in points._settings(index)) + (index % seeds,) for index in range(points.total)}
    assert len(seen) == points.total


def test_the_first_axis_turns_slowest_and_seeds_fastest(study_of):
    found = columns(study_of(axes={COUNT: [2048, 4096], FLOOR: ["10 s", "20 s"]}, seeds=2))
    assert [(one["count"], one["time_constant_s"], one["seed"]) for one in found] == [
        (2048, 10, 1), (2048, 10, 2), (2048, 20, 1), (2048, 20, 2),
        (4096, 10, 1), (4096, 10, 2), (4096, 20, 1), (4096, 20, 2),
    ]  # fmt: skip


def test_zipped_axes_move_together_and_are_crossed_with_the_others(study_of):
    axes = {COUNT: [2048, 4096], "job.plan.data": [64, 128], FLOOR: ["10 s", "20 s"]}
    found = columns(study_of(axes=axes, zip=[[COUNT, "job.plan.data"]]))
    assert [(one["count"], one["data"], one["time_constant_s"]) for one in found] == [
        (2048, 64, 10), (2048, 64, 20), (4096, 128, 10), (4096, 128, 20),
    ]  # fmt: skip
    two = {COUNT: [2048, 4096], FLOOR: ["10 s", "20 s"]}
    assert len(columns(study_of(axes=two, combine="zip"))) == 2
    with pytest.raises(InputError, match="has 2, .*has 3"):
        Points(study_of(axes=two | {FLOOR: ["1 s", "2 s", "3 s"]}, combine="zip"))


@pytest.mark.parametrize("samples", [1, 7, 16])
def test_a_latin_hypercube_has_one_point_in_each_stratum(samples):
    found = shares("latin_hypercube", samples, 3, 5)
    assert np.array_equal(np.sort(np.floor(found * samples), axis=0), np.tile(np.arange(samples)[:, None], 3))
    assert np.array_equal(found, shares("latin_hypercube", samples, 3, 5))


def test_sobol_points_are_balanced_and_a_shorter_sequence_is_the_beginning_of_a_longer_one():
    found = shares("sobol", 16, 4, 3)
    assert np.array_equal(np.sort(np.floor(found * 16), axis=0), np.tile(np.arange(16)[:, None], 4))
    assert np.array_equal(shares("sobol", 11, 4, 3), found[:11])
    assert ((found > 0) & (found < 1)).all()


def test_drawn_axes_are_crossed_with_lists(study_of):
    axes = {COUNT: [2048, 4096], FLOOR: {"uniform": {"from": "10 s", "to": "30 s"}}}
    study = study_of(axes=axes, combine="sobol", samples=6)
    found = columns(study)
    assert len(found) == 12
    assert {one["time_constant_s"] for one in found[:6]} == {one["time_constant_s"] for one in found[6:]}
    assert all(10 < one["time_constant_s"] < 30 for one in found)
    assert "no power of two; 8 are" in study.warnings[0] or "4 are" in study.warnings[0]
    assert study_of(axes=axes, combine="latin_hypercube", samples=6).warnings == ()


def test_the_identity_of_a_point_does_not_depend_on_its_place(study_of):
    axes = {COUNT: [2048, 4096], FLOOR: ["10 s", "20 s"]}
    one = Points(study_of(axes=axes))
    turned = dict(reversed([(key, list(reversed(values))) for key, values in axes.items()]))
    other = Points(study_of(axes=turned, name="another", title="Other"))
    ids = [one.identity(index) for index in range(4)]
    assert sorted(ids) == sorted(other.identity(index) for index in range(4))
    assert len(set(ids)) == 4
    seeded = Points(study_of(axes=axes, seeds=[1]))
    assert ids == [seeded.identity(index) for index in range(4)]
    assert not set(ids) & {Points(study_of(axes=axes, seeds=[2])).identity(index) for index in range(4)}
    assert not set(ids) & {Points(study_of(axes=axes, evaluate="steady")).identity(index) for index in range(4)}


def test_a_task_holds_the_whole_scenario_and_is_json(study_of):
    points = Points(study_of(axes={COUNT: [2048, 4096], "topology": ["colossus_memphis", "colossus_memphis_2025"]}))
    tasks = Tasks(points, [1, 2], ["a", "b"])
    first, second = tasks
    assert json.loads(json.dumps(first.payload)) == first.payload
    assert first.payload["tree"]["topology"]["site"]["memphis"]["fleet"][0]["count"] == 2048
    assert second.payload["tree"]["topology"]["site"]["memphis"]["fleet"][0]["count"] == 4096
    assert first.payload["tree"]["topology"]["name"] != second.payload["tree"]["topology"]["name"]
    assert (tasks[1].point_id, len(tasks), len(tasks[:1])) == ("b", 2, 1)


def test_derived_inputs_are_set_before_the_run(study_of):
    study = study_of(
        axes={"job.plan.data": [64, 128], FLOOR: ["10 s"]},
        derive={
            "servers": "data * 4",
            "gpus": {"value": "servers * 8", "set": COUNT},
            "rise": {"value": "time_constant / 2", "set": "operation.restart_time", "unit": "s"},
            "per_gpu": "peak_mw / gpus",
        },
        constraints=["servers > 256"],
    )
    points = Points(study)
    point = points.at(1)
    assert point.settings[COUNT] == 4096
    assert point.settings["operation.restart_time"] == "5.0 s"
    assert point.columns == {"data": 128, "time_constant_s": 10.0, "seed": 1, "servers": 512, "gpus": 4096, "rise": 5.0}
    assert points.kept.tolist() == [1]
    assert [one.name for one in study.after] == ["per_gpu"]


def test_contradictory_constraints_tell_how_many_each_removed(study_of):
    study = study_of(
        axes={COUNT: [2048, 4096], FLOOR: ["10 s"]}, constraints=["count > 3000", "count < 3000", "seed < 5"]
    )
    with pytest.raises(InputError, match=r"none of 2\n  count > 3000: breaks at 1\n  count < 3000: breaks at 1\n"):
        Points(study).kept  # noqa: B018


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"axes": {"job.modell": ["a"]}}, "unknown key; did you mean 'model'"),
        ({"axes": {"jobb.model": ["a"]}}, "unknown key; did you mean 'job'"),
        ({"axes": {"damping.3.time_constant": ["1 s"]}}, "expected an index below 1"),
        ({"axes": {"title.x": [1]}}, "title is a value, not a section"),
        ({"axes": {FLOOR: ["-1 s", "-2 s"]}}, "none of the first 2 points is valid"),
        ({"axes": {FLOOR: ["1 s"]}, "scenario": "smal"}, "found 'smal'"),
        ({"axes": {FLOOR: ["1 s"]}, "scenario": "../small.yaml"}, "path of a .yaml file"),
        ({"axes": {FLOOR: ["1 s"]}, "set": {"job.modell": "x"}}, "unknown key; did you mean 'model'"),
    ],
)
def test_wrong_keys_are_told_before_anything_runs(study_of, keys, told):
    with pytest.raises(InputError, match=told):
        Points(study_of(**keys)).check()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"axes": {}}, "axes"),
        ({"axess": {}}, "axess: unknown key; did you mean 'axes'"),
        ({"axes": {FLOOR: {"valuess": [1]}}}, "unknown key; did you mean 'values'"),
        ({"axes": {FLOOR: {"uniform": {"from": 1, "to": 2}}}}, "needs combine"),
        ({"axes": {FLOOR: [1]}, "combine": "sobol", "samples": 4}, "needs samples, and an axis"),
        ({"axes": {FLOOR: [1]}, "samples": 4}, "samples: expected with"),
        ({"axes": {FLOOR: [1]}, "zip": [[FLOOR, "damping.1"]]}, "is no axis"),
        ({"axes": {FLOOR: [1]}, "constraints": ["tim_constant > 1"]}, "did you mean 'time_constant'"),
        ({"axes": {FLOOR: [1]}, "derive": {"x": {"value": "peek", "set": "seed"}}}, "unknown name 'peek'"),
        ({"axes": {FLOOR: [1]}, "derive": {"x": {"value": "1", "set": FLOOR}}}, "is an axis"),
        ({"axes": {FLOOR: [1]}, "derive": {"seed": "1"}}, "is that of an axis or"),
        ({"axes": {FLOOR: [1]}, "seeds": 0}, "1 to 100,000 seeds"),
        ({"axes": {FLOOR: [1]}, "seeds": [1, 1]}, "different seeds"),
        ({"axes": {FLOOR: [1], "seed": [1]}, "seeds": 2}, "found both"),
        ({"axes": {"catalog.acelerators.H100-SXM.tdp": ["1 W"]}}, "did you mean 'accelerators'"),
        ({"axes": {"catalog.accelerators.H100-SXM.tpd": ["1 W"]}}, "did you mean 'tdp'"),
        ({"axes": {"catalog.accelerators.H100-SX.tdp": ["1 W"]}}, "no entry 'H100-SX'"),
        ({"axes": {FLOOR: {"values": list(range(1001))}, "a": {"values": list(range(1001))}}}, "at most 1,000,000"),
    ],
)
def test_wrong_studies_are_told_with_the_nearest_name(study_of, keys, told):
    with pytest.raises(InputError, match=told):
        Points(study_of(**keys))


def test_a_whole_section_replaces_values_set_inside_it(study_of):
    sections = {"values": [[], [{"kind": "site_battery", "time_constant": "7 s"}]], "labels": ["none", "battery"]}
    points = Points(study_of(set={FLOOR: "55 s"}, axes={"damping": sections}))
    trees = [points.task(points.at(index)).payload["tree"] for index in (0, 1)]
    assert [tree["damping"] for tree in trees] == sections["values"]
    assert [points.at(index).columns["damping"] for index in (0, 1)] == ["none", "battery"]
