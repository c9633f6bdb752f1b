"""More overlap and smaller exchanges: shorter steps, shorter dips, the same in closed form and step by step."""

import numpy as np
import pytest

from clustersim.scenario import load_scenario, shipped
from clustersim.study.run import run
from clustersim.study.step import study_step, unlimited_program
from clustersim.training.closed_form import estimate_steps

OVERLAP = {"kind": "more_overlap", "share": "80 %"}
SMALLER = {"kind": "smaller_exchange", "factor": "50 %"}


@pytest.fixture(scope="module")
def found(scenario):
    return {"overlap": run(scenario(damping=[OVERLAP])), "smaller": run(scenario(damping=[SMALLER]))}


@pytest.mark.parametrize("way", ["overlap", "smaller"])
def test_the_step_is_shorter_and_its_dip_too(found, small, way):
    damped, plain = found[way].summary, small.summary
    assert damped["iteration_time_s"] < 0.995 * plain["iteration_time_s"]
    assert damped["throughput_loss"] == pytest.approx(
        1.0 - plain["iteration_time_s"] / damped["iteration_time_s"], abs=2e-3
    )
    assert damped["throughput_loss"] < 0.0
    assert damped["exposed_comm_fraction"] < plain["exposed_comm_fraction"]
    # less time in the exchange: more of the time at the upper level
    assert damped["it_mean_mw"] > plain["it_mean_mw"]
    assert damped["damping_energy_share"] < 0.0


def test_more_overlap_hides_what_is_asked(scenario, small_study):
    plain, more = small_study[0].place.hardware, study_step(scenario(damping=[OVERLAP])).place.hardware
    np.testing.assert_allclose(1.0 - more.overlap, 0.2 * (1.0 - plain.overlap))


def test_the_exchange_shrinks_by_the_factor(scenario, small_study):
    """Twice halved equals a quarter; the bytes of a factor of 1 are those of the plan."""
    plain = small_study[0].timing
    times = {
        factor: study_step(scenario(damping=[{**SMALLER, "factor": factor}])).timing.reduce_s
        for factor in ("100 %", "50 %", "25 %")
    }
    np.testing.assert_array_equal(times["100 %"], plain.reduce_s)
    assert times["25 %"].sum() < times["50 %"].sum() < plain.reduce_s.sum()


@pytest.mark.parametrize("way", [OVERLAP, SMALLER])
def test_the_closed_form_sees_the_same_gain(scenario, small_study, way):
    plain, damped = small_study[0], study_step(scenario(damping=[way]))
    closed = [
        float(estimate_steps(s.program.configuration, s.place.hardware).iteration_time_s[0]) for s in (plain, damped)
    ]
    steps = [s.quiet().iteration_time_s for s in (plain, damped)]
    gain, simulated = 1.0 - closed[1] / closed[0], 1.0 - steps[1] / steps[0]
    assert simulated > 0.0
    assert gain == pytest.approx(simulated, abs=0.01)


def test_the_baseline_is_without_it(scenario, small_study):
    study = study_step(scenario(damping=[OVERLAP, SMALLER]))
    assert unlimited_program(study).hardware.reduce_share == pytest.approx(1.0)
    np.testing.assert_allclose(unlimited_program(study).hardware.overlap, small_study[0].place.hardware.overlap)


def test_what_travels_between_sites_shrinks_too():
    path = shipped("scenarios") / "iowa_nebraska.yaml"
    plain = study_step(load_scenario(path, {"damping": []}))
    plan = plain.plan.model_dump(mode="json")
    smaller = study_step(load_scenario(path, {"damping": [SMALLER], "job.plan": plan}))
    assert smaller.timing.wan_bytes == pytest.approx(0.5 * plain.timing.wan_bytes, rel=1e-12)
    assert smaller.timing.wan_s < plain.timing.wan_s
