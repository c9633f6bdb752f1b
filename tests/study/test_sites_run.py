"""Runs of a job over several sites: in lock-step with energy prices, and alone between outer steps."""

import math

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.scenario import load_scenario, shipped
from clustersim.study.horizon import steady_load_w
from clustersim.study.it_power import state_w
from clustersim.study.operation_keys import TIME_SHARES
from clustersim.study.run import run
from clustersim.study.several_sites.alone import OF_SITES, steady_alone, study_alone
from clustersim.study.several_sites.facts import sites_facts
from clustersim.study.site.power import site_it_w
from clustersim.study.step import study_step

NAMES = ("council_bluffs", "omaha", "papillion")
SMALL = {
    "job.model": "llama3.1-70b",
    "job.plan": {"tensor": 8, "pipeline": 4, "data": 96, "micro_batches": 8},
    **{f"topology.site.{name}.fleet": [{"accelerator": "TPU7x", "count": 1024}] for name in NAMES},
    **{f"topology.site.{name}.halls": 1 for name in NAMES},
    "operation.horizon": "2 d",
}
PRICES = {name: {"hourly": [f"{20 + hour} USD/MWh" for hour in range(24)], "utc_offset": "-6 h"} for name in NAMES}
DEAREST = {"prices": PRICES, "curtailment": {"hours": 3}}
ALONE = {"method": "diloco", "inner_steps": 30}


def scenario(**changes):
    changes = {key.replace("__", "."): value for key, value in changes.items()}
    return load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", {**SMALL, **changes})


@pytest.fixture(scope="module")
def plain():
    return run(scenario())


@pytest.fixture(scope="module")
def alone():
    return run(scenario(operation__sites=ALONE | DEAREST, operation__failure_scale="20 x"))


@pytest.mark.soak
def test_a_synchronous_job_is_the_job_without_the_section(plain):
    same = run(scenario(operation__sites={"method": "synchronous"}))
    assert same.summary == plain.summary
    assert same.timeline.equals(plain.timeline)
    assert {plain.summary[key] for key in OF_SITES} == {None}


@pytest.mark.soak
def test_dear_hours_stop_a_synchronous_job_and_save_energy(plain):
    found = run(scenario(operation__sites={"method": "synchronous"} | DEAREST))
    assert found.summary["time_share_curtailed"] == pytest.approx(3 / 24, abs=0.01)
    assert found.summary["goodput"] < plain.summary["goodput"]
    assert found.summary["energy_mwh"] < plain.summary["energy_mwh"]


def test_shares_of_sites_add_up(alone):
    assert math.fsum(alone.summary[key] for key in TIME_SHARES) == 1.0
    assert alone.summary["time_share_curtailed"] == pytest.approx(3 / 24, abs=0.01)
    assert alone.summary["outer_steps"] > 100
    assert alone.summary["token_efficiency_low"] <= alone.summary["token_efficiency"]
    assert any("counted as trained" in text for text in alone.warnings)


def test_rows_of_every_site_tile_the_horizon(alone):
    for name in NAMES:
        rows = alone.timeline[alone.timeline["site"] == name]
        assert rows["t_start_s"].iloc[0] == 0.0
        assert rows["t_end_s"].iloc[-1] == 2 * 86400.0
        np.testing.assert_array_equal(rows["t_end_s"].to_numpy()[:-1], rows["t_start_s"].to_numpy()[1:])


def test_energy_is_that_of_each_sites_own_timeline(alone):
    """By hand: seconds of each state at each site times its power; stragglers are a share of 2e-4."""
    study = study_alone(study_step(scenario(operation__sites=ALONE))).study
    train = {name: float(alone.waveforms["steady"].power(f"{name}/it").mean()) for name in NAMES}
    joules = 0.0
    for row in alone.timeline.itertuples():
        busy = row.state in ("train", "lost")
        watts = train[row.site] if busy else site_it_w(study, state_w(study, row.state))[row.site]
        joules += watts * (row.t_end_s - row.t_start_s)
    assert alone.summary["it_energy_mwh"] == pytest.approx(joules / 3.6e9, rel=1e-4)
    assert steady_load_w(study, NAMES[0], train[NAMES[0]]) > train[NAMES[0]]


def test_at_an_outer_step_the_first_site_waits_while_others_train(alone):
    wave = alone.waveforms["outer_step"]
    study = study_alone(study_step(scenario(operation__sites=ALONE))).study
    waits = site_it_w(study, state_w(study, "wait"))[NAMES[0]]
    rows = alone.timeline[(alone.timeline["site"] == NAMES[0]) & (alone.timeline["state"] == "wait")]
    length = min(float((rows["t_end_s"] - rows["t_start_s"]).iloc[0]), 40.0)
    assert float(wave.power(f"{NAMES[0]}/it")[20_000 : 20_000 + int(1e3 * length)].min()) <= waits * 1.1


def together(method):
    """Least correlation of the power of two sites in the steady window."""
    stated = {"value": "95 %", "low": "90 %", "high": "100 %", "source": "a test"}
    section = {"method": method, "inner_steps": 30, "token_efficiency": stated}
    found = study_alone(study_step(scenario(operation__sites=section)))
    assert found.study.timing.wan_s == 0.0
    wave = steady_alone(found).waveform
    correlated = np.corrcoef([wave.power(f"{name}/it") for name in NAMES])
    return float(correlated[np.triu_indices(3, 1)].min())


@pytest.mark.soak
def test_sites_that_meet_begin_their_steps_together_and_others_do_not():
    meeting, apart = together("diloco"), together("decoupled_diloco")
    assert 0.5 < meeting < 0.9999
    assert apart < 0.7 * meeting


def test_sites_share_the_job_and_its_fibre():
    study = study_step(scenario())
    found = sites_facts(study, study_alone(study_step(scenario(operation__sites=ALONE))).pool)
    assert found.names == NAMES
    assert sum(site.job.gpus for site in found.sites) == study.plan.accelerators
    assert sum(site.tokens_per_step for site in found.sites) == pytest.approx(study.tokens_per_step)
    assert len(found.routes) == 3
    assert all(0.0 < route.bandwidth_without <= found.bandwidth for route in found.routes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"operation.sites": {"method": "pipeline"}}, "operation.sites.method: expected synchronous"),
        ({"operation.sites": {}, "operation.fleet": {}}, "expected one of the two"),
        ({"operation.sites": ALONE, "plant.protection.cooling_alarm": "stop"}, "plant.protection.cooling_alarm"),
    ],
)
def test_what_does_not_go_together_is_refused(changes, message):
    with pytest.raises(InputError, match=message):
        run(load_scenario(shipped("scenarios") / "iowa_nebraska.yaml", {**SMALL, **changes}))


def test_a_job_of_one_site_has_no_sites(small_scenario):
    with pytest.raises(InputError, match="operation.sites: expected a job over several sites"):
        run(load_scenario(small_scenario, {"operation.sites": {"method": "synchronous"}}))
