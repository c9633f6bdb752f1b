"""The main job of a shared place lies at the sites that the scenario names, and nowhere else."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.report.check import problems
from clustersim.scenario import load_scenario, shipped
from clustersim.study.step import study_step

SHARED = shipped("scenarios") / "deepseek_fleet_shared.yaml"


def test_the_job_lies_at_its_site_with_the_accelerators_of_that_site():
    study = study_step(load_scenario(SHARED))
    assert study.accelerators == 50_000
    assert set(study.fleet.unit_node.tolist()) == {0}
    members = study.fleet.class_members[study.fleet.unit_class].sum(axis=0) * study.plan.pipeline
    assert dict(zip(study.place.kinds, members, strict=True)) == {"H800-SXM": 2048, "H100-SXM": 0, "H20-SXM": 0}


def test_without_a_name_it_lies_where_most_accelerators_are():
    """Two units of 1,024 over 10,000, 10,000, 15,000 and 15,000 accelerators."""
    scenario = load_scenario(SHARED)
    fleet = scenario.operation.fleet.model_copy(update={"main_sites": None})
    spread = scenario.model_copy(update={"operation": scenario.operation.model_copy(update={"fleet": fleet})})
    study = study_step(spread)
    assert np.unique(study.fleet.unit_node).tolist() == [2, 3]


def test_a_site_that_is_not_there_is_named():
    scenario = load_scenario(SHARED)
    fleet = scenario.operation.fleet.model_copy(update={"main_sites": ("h8000",)})
    wrong = scenario.model_copy(update={"operation": scenario.operation.model_copy(update={"fleet": fleet})})
    with pytest.raises(InputError, match=r"main_sites: .*found 'h8000'; did you mean 'h800'"):
        study_step(wrong)


def test_check_finds_what_does_not_fit_beside_the_main_job(tmp_path):
    text = SHARED.read_text()
    assert problems(SHARED) == []
    large = tmp_path / "large.yaml"
    large.write_text(text.replace("peak_servers: 278", "peak_servers: 1000"))
    # 1,250 servers of H800 less 256 of the run and its four spares
    expected = "inference.peak_servers: expected at most 990, which the main job leaves, got 1000"
    assert problems(large) == [f"{large}: operation.fleet.services.{expected}"]
    strange = tmp_path / "strange.yaml"
    strange.write_text(text.replace("law: acme-kalos, accelerator: H100-SXM", "law: acme-kalo, accelerator: H100-SXM"))
    assert "did you mean 'acme-kalos'" in problems(strange)[0]
