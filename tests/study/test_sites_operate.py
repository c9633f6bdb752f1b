"""Many sites without power: the step that `run` has, slower sites, and what curtailment saves."""

import pytest

from clustersim.operation.site_prices import energy_cost
from clustersim.report.operate import operate_data, operate_text
from clustersim.scenario import load_scenario, shipped
from clustersim.study.curtailment import site_loads
from clustersim.study.it_power import step_pool
from clustersim.study.operate import operate
from clustersim.study.several_sites.lockstep import lockstep_timeline
from clustersim.study.step import study_step

NAMES = ("council_bluffs", "omaha", "papillion")
PRICES = {name: {"hourly": ["20 USD/MWh"] * 12 + ["80 USD/MWh"] * 12, "utc_offset": "-6 h"} for name in NAMES}


def scenario(**sites):
    changes = {
        "job.model": "llama3.1-70b",
        "job.plan": {"tensor": 8, "pipeline": 4, "data": 96, "micro_batches": 8},
        **{f"topology.site.{name}.fleet": [{"accelerator": "TPU7x", "count": 1024}] for name in NAMES},
        **{f"topology.site.{name}.halls": 1 for name in NAMES},
        "operation": {"horizon": "2 d", "restart_time": "300 s", "failure_scale": "0.0001 %", "sites": sites},
    }
    return load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", changes)


def test_a_synchronous_job_takes_the_step_that_a_run_gives_power_to():
    asked = scenario(method="synchronous")
    study = study_step(asked)
    pool = step_pool(study)
    assert operate(asked).job.step_time_s == pool.iteration_time_s
    steps = lockstep_timeline(study, pool, ()).useful_steps
    assert operate(asked).ensemble.figure_bands()["tokens"].mean == pytest.approx(steps * study.tokens_per_step)


def test_one_slower_site_slows_a_synchronous_run():
    even, slower = scenario(), scenario(speeds={"omaha": "80 %"})
    study = study_step(even)
    pool = step_pool(study)
    found = [lockstep_timeline(study_step(one), pool, ()).useful_steps for one in (even, slower)]
    # the exchange between sites is not slower, and little beside the step
    assert found[1] / found[0] == pytest.approx(0.8, abs=0.01)


def test_what_dear_hours_save_is_the_energy_not_drawn_in_them():
    asked = scenario(prices=PRICES, curtailment={"above": "50 USD/MWh"})
    found, loads = operate(asked), site_loads(study_step(asked), step_pool(study_step(asked)))
    saving = found.saving
    # half of the time, but for saving and starting again
    less_w = sum(load.training_w - load.idle_w for load in loads.values())
    assert saving.saved_j == pytest.approx(less_w * 86400.0, rel=0.03)
    assert saving.saved_usd == pytest.approx(less_w * 86400.0 / 3.6e9 * 80.0, rel=0.03)
    hour = energy_cost(asked.operation.sites.prices["omaha"], 0.0, loads["omaha"], [(0.0, 3600.0, 1.0)])
    assert hour[1] == pytest.approx(loads["omaha"].training_w / 1e6 * 80.0)
    assert saving.tokens_lost > 0.0
    assert operate_data(found)["curtailment"]["saved_usd"] == saving.saved_usd
    assert "WHAT CURTAILMENT SAVES" in operate_text(found)


def test_without_a_rule_nothing_is_said_of_it():
    found = operate(scenario(prices=PRICES))
    assert found.saving is None
    assert operate_data(found)["curtailment"] is None
    assert "CURTAILMENT" not in operate_text(found)
