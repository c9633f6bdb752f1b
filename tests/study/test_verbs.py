"""The verbs as Python offers them: the same answers as their parts, whatever names, folders and engines are given."""

from contextlib import contextmanager

import pandas as pd
import pytest
import yaml

from clustersim import (
    InputError,
    LocalEngine,
    PlanJob,
    compare,
    load_any,
    load_scenario,
    load_topology,
    pareto,
    plans,
    run_id,
    sensitivity,
    steady,
    sweep,
    validate,
)
from clustersim.scenario import resolved
from clustersim.study.compare import of_summary
from clustersim.study.plans import find_plans
from clustersim.study.step import study_step
from clustersim.study.sweep.in_process import InProcess

STUDY = {
    "name": "two",
    "title": "Two batches and one that does not fit",
    "scenario": "colossus_200k",
    "set": {
        "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 2048}],
        "job.model": "llama3.1-70b",
        "job.plan": {"tensor": 8, "pipeline": 4, "data": 64, "micro_batches": 8},
        "damping": [],
    },
    "axes": {"job.plan.micro_batches": [8, 16], "job.plan.data": [64, 65]},
    "evaluate": "step",
    "keys": ["iteration_time_s", "tokens_per_s"],
}


@pytest.fixture(scope="module")
def rows():
    return sweep(STUDY)


def test_a_sweep_of_a_mapping_answers_every_point(rows):
    assert rows["index"].tolist() == [0, 1, 2, 3]
    assert rows["error"].notna().tolist() == [False, True, False, True]
    assert "2,080 accelerators" in rows["error"][1]
    point = load_scenario("colossus_200k", {**STUDY["set"], "job.plan.micro_batches": 16, "job.plan.data": 64})
    assert rows["tokens_per_s"][2] * rows["iteration_time_s"][2] == pytest.approx(study_step(point).tokens_per_step)


def test_a_file_a_store_and_a_second_call_give_the_same_rows(rows, tmp_path):
    file = tmp_path / "two.yaml"
    file.write_text(yaml.safe_dump(STUDY, sort_keys=False))
    told = []
    first = sweep(file, out=tmp_path / "out", tell=told.append)
    pd.testing.assert_frame_equal(first, rows)
    assert len(told) == 4
    assert (tmp_path / "out" / "sweep-two" / "points.parquet").is_file()
    again = sweep(file, out=tmp_path / "out", tell=told.append)
    pd.testing.assert_frame_equal(again, rows)
    assert len(told) == 4  # nothing was answered twice
    with pytest.raises(InputError, match="sweep-two"):
        sweep(file, {"job.sequence_length": 2048}, out=tmp_path / "out")


def test_workers_are_processes_of_an_engine_that_is_ended(rows, monkeypatch):
    said = []

    @contextmanager
    def engine(workers):
        said.append(workers)
        yield InProcess()
        said.append("ended")

    monkeypatch.setattr("clustersim.study.verbs.LocalEngine", engine)
    pd.testing.assert_frame_equal(sweep(STUDY, workers=3), rows)
    assert said == [3, "ended"]


def test_settings_are_of_every_point():
    shorter = {**STUDY, "axes": {"job.plan.micro_batches": [8]}}
    usual, twice = sweep(shorter), sweep(shorter, {"job.sequence_length": 2048})
    assert twice["iteration_time_s"][0] < usual["iteration_time_s"][0]


def test_wrong_sweeps_are_refused():
    with pytest.raises(InputError, match=r"study: .*axis: unknown key|study: axis"):
        sweep({**STUDY, "axis": {}})
    with pytest.raises(InputError, match="smoothing_floor"):
        sweep("smoothing_flor")
    with pytest.raises(InputError, match="workers or an engine"):
        sweep(STUDY, workers=1, engine=LocalEngine(1))


def test_pareto_and_sensitivity(tmp_path):
    table = pd.DataFrame({"swing_mw": [3.0, 2.0, 1.0, 2.5], "cost": [1.0, 2.0, 3.0, 2.0]})
    assert pareto(table, "swing_mw:min", "cost:min").index.size == 3
    with pytest.raises(InputError, match="min or KEY:max"):
        pareto(table, "swing_mw:least", "cost:min")
    study = {**STUDY, "axes": {"job.plan.micro_batches": [6, 8, 10, 12, 14, 16, 18, 20]}}
    sweep(study, out=tmp_path)
    found = sensitivity(tmp_path / "sweep-two", "iteration_time_s")
    assert found["rank_correlation"].tolist() == [1.0]


def test_plans_of_a_model():
    job = PlanJob("llama3.1-70b", "H100", 256, 512, 4096)
    table = plans(job, 3)
    assert table["iteration_time_s"].is_monotonic_increasing
    assert table["iteration_time_s"][0] == find_plans(job).rows(1)[0]["iteration_time_s"]


def test_files_by_name():
    assert load_topology("meta_24k").name == "meta_24k"
    assert load_any("measured_load_memphis").name == "measured_load_memphis"
    with pytest.raises(InputError, match="did you mean 'colossus_200k'"):
        load_scenario("colossus_20k")


def test_validate_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv"):
        validate(tmp_path / "none.csv")


def test_compare_answers_scenarios_and_takes_designs():
    one = load_scenario("colossus_200k", {**STUDY["set"], "operation.horizon": "1 d"})
    answer = steady(one).summary
    stored = of_summary("row-7", "stored", resolved(one), {**answer, "mean_mw": 2.0 * answer["mean_mw"]})
    found = compare([one, stored], base="stored", level="steady")
    assert found.names == ["stored", one.name]
    assert found.designs[1].summary == answer
    assert found.designs[1].run_id == run_id(one)
    with pytest.raises(InputError, match="steady or run"):
        compare([one, stored], level="quick")
