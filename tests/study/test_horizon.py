"""Energies over the horizon, heat over the horizon, islands, what the battery does to the meter."""

import json

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import Timeline
from clustersim.plant import steady_cooling
from clustersim.scenario import load_scenario, shipped
from clustersim.study.horizon import PAUSED, histories, steady_load_w
from clustersim.study.it_power import crash_window, state_w
from clustersim.study.paces import BUSY
from clustersim.study.run import run
from clustersim.study.site.power import site_it_w, site_power
from clustersim.study.site.supply import losses_w

FANS = 0.2 * 0.08
"""Power of the fans of the halls over the heat: 8 % of the fifth that leaves in air. [-]"""


def test_states_are_ordered_and_the_fleet_idles_lowest(small_study):
    study, _ = small_study
    watts = {state: site_it_w(study, state_w(study, state))["memphis"] for state in PAUSED}
    assert watts["restart"] == watts["stopped"] < watts["reload"] < watts["detect"]


def test_energy_is_the_sum_over_the_states(small, small_study):
    """IT energy by hand from the timeline; meter energy with settled cooling, as the loop is never full here."""
    study, _ = small_study
    train = float(small.waveforms["steady"].power("memphis/it").mean())
    watts = dict.fromkeys(BUSY, train) | {s: site_it_w(study, state_w(study, s))["memphis"] for s in PAUSED}
    table = small.timeline
    spans = (table["t_end_s"] - table["t_start_s"]).to_numpy()
    it = np.array([watts[state] for state in table["state"]])
    assert small.summary["it_energy_mwh"] == pytest.approx(it @ spans / 3.6e9, rel=1e-8)
    meter = np.array([steady_load_w(study, "memphis", float(w)) for w in it])
    assert small.summary["energy_mwh"] == pytest.approx(meter @ spans / 3.6e9, rel=1e-3)
    steady = small.waveforms["steady"].power("memphis")
    assert steady_load_w(study, "memphis", train) == pytest.approx(float(steady.mean()), rel=1e-4)


def test_losses_over_the_horizon_are_those_of_the_states_and_not_of_the_mean(small_study):
    """They grow with the square of the power: half of the time at work and half at rest lose more than the mean."""
    study, _ = small_study
    table = pd.DataFrame([("train", 0.0, 5e4), ("stopped", 5e4, 1e5)], columns=["state", "t_start_s", "t_end_s"])
    rest = site_it_w(study, state_w(study, "stopped"))["memphis"]
    record = histories(study, Timeline(table, 1e5, (), 2, 1.0), {"memphis": 3.0 * rest})["memphis"]
    plant = study.place.topology.electrical["memphis"]
    spent = record.cooling.energy_j / (4.0 * 5e4)
    found = record.load_j - record.it_j - record.cooling.energy_j
    assert found == pytest.approx(5e4 * sum(losses_w(plant, k * rest, k * spent) for k in (1.0, 3.0)), rel=1e-4)
    assert found > 1.0001 * 1e5 * losses_w(plant, 2.0 * rest, 2.0 * spent)


def test_the_battery_costs_what_damping_says(small, battery):
    """The same timeline with and without the battery: the difference is its loss, not its charge."""
    more = battery.summary["energy_mwh"] - small.summary["energy_mwh"]
    assert more == pytest.approx(battery.summary["damping_energy_mwh"], rel=0.01)
    share = more / small.summary["energy_mwh"]
    assert battery.summary["damping_energy_share"] == pytest.approx(share, rel=0.01)


def test_heat_over_the_horizon(scenario):
    """One chiller container cannot reject the heat of 2,048 GPUs."""
    hot = run(scenario(topology__cooling__memphis__count=1))
    summary = hot.summary
    assert summary["sustainable_it_mw"] == pytest.approx((1.0 - FANS) * summary["cooling_capacity_mw"])
    if summary["cooling_shortfall_mw"] > 0.0:
        assert summary["cooling_first_alarm_hours"] * 60.0 > summary["cooling_minutes_to_alarm"]
        assert 0.0 < summary["cooling_share_above_alarm"] < 1.0
        assert any("first reaches its alarm" in text and "could be rejected" in text for text in hot.warnings)


def test_cool_enough_means_never(small):
    assert small.summary["cooling_first_alarm_hours"] is None
    assert small.summary["cooling_share_above_alarm"] == 0.0
    assert small.summary["cooling_peak_temperature_c"] < 45.0
    assert "cooling_minutes_to_alarm" in small.reasons


def test_history_conserves_heat(small_study, small):
    study, _ = small_study
    found = run_history(study, small)
    # fans of the settled loop: all of the heat is rejected here
    heat = found.it_j / (1.0 - FANS)
    assert found.cooling.rejected_j + found.cooling.stored_j == pytest.approx(heat, rel=1e-9)
    per_heat = steady_cooling(study.place.topology.cooling["memphis"], 1e6).power_w / 1e6
    assert found.cooling.energy_j == pytest.approx(found.cooling.rejected_j * per_heat, rel=1e-9)


def run_history(study, result):
    timeline = Timeline(result.timeline, float(result.timeline["t_end_s"].iloc[-1]), (), 0, 1.0)
    train = float(result.waveforms["steady"].power("memphis/it").mean())
    return histories(study, timeline, {"memphis": train})["memphis"]


def test_events_happen_where_the_windows_say(small):
    for row in small.events[small.events["kind"].isin(["crash", "restart"])].itertuples():
        assert row.t_s == pytest.approx(small.waveforms[row.kind].t0_s + 20.0)


def test_a_crash_ends_at_idle_and_a_restart_begins_below_training(small, small_study):
    """At idle when the job is killed inside the window; while the failure is not yet detected the ranks still spin."""
    study, pool = small_study
    levels = {state: site_it_w(study, state_w(study, state))["memphis"] for state in PAUSED}
    for detection, state in ((10.0, "restart"), (600.0, "detect")):
        hall = crash_window(study, pool, 0.0, "gpu", detection)
        assert hall.after == state
        final = float(site_power(study, hall).waveform.power("memphis/it")[-1])
        # the dead unit's ranks idle in either case
        assert final == pytest.approx(levels[state], rel=1e-6 if state == "restart" else 0.02)
    first = small.waveforms["restart"].power("memphis/it")[0]
    assert levels["restart"] <= first * (1 + 1e-9)
    assert first < small.waveforms["steady"].power("memphis/it").mean()


def test_an_island_buys_nothing(scenario, small):
    found = run(scenario(plant__mode="island"))
    assert "grid" not in set(found.cost["item"])
    assert found.summary["generator_energy_mwh"] == found.summary["energy_mwh"]
    rows = found.verdict.set_index("node")["passed"]
    assert rows["memphis: island_generation"] is True
    assert "memphis: island_load_step" in rows.index


def test_an_island_that_is_too_small_has_no_cost(scenario):
    changes = {"topology.electrical.memphis.generators": {
        "type": "cat_g3520k", "count": 1, "governor": "gas_engine_cg260", "dispatch_limit": "40 %"},
        # the droop of the shipped battery is too steep for one engine: refused
        "topology.electrical.memphis.battery": None}  # fmt: skip
    found = run(scenario(plant__mode="island", **changes))
    for key in ("energy_mwh", "pue", "usd_per_million_tokens", "tco_usd_per_h"):
        assert found.summary[key] is None
        assert "cannot carry the mean load" in found.reasons[key]
    assert found.verdict.set_index("node")["passed"]["memphis: island_generation"] is False
    assert set(found.reasons) == {key for key, value in found.summary.items() if value is None}


def test_undamped_beside_damped(small, battery, scenario):
    for key in ("peak_mw", "trough_mw", "swing_mw", "max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s"):
        assert battery.summary[f"undamped_{key}"] == pytest.approx(small.summary[key], rel=1e-6)
        assert small.summary[f"undamped_{key}"] == small.summary[key]
    device = run(scenario(damping=[{"kind": "gpu_smoothing", "floor": "70 %"}]))
    assert device.summary["undamped_peak_mw"] is None
    assert device.reasons["undamped_peak_mw"]


def test_sites_on_one_interconnection_move_it_together():
    base = shipped("scenarios") / "iowa_nebraska.yaml"
    found = run(load_scenario(base))
    crash = [r for r in found.responses if r.window == "crash"]
    assert len(crash) == 3
    total = sum(r.load_w for r in crash)
    for response in crash:
        np.testing.assert_allclose(response.frequency_hz, crash[0].frequency_hz, atol=1e-6)
    assert crash[0].frequency_hz.max() > 60.0
    assert total[-1] < total[0]


def test_the_manifest_names_its_inputs(small, tmp_path):
    manifest = json.loads((small.save(tmp_path / "result") / "manifest.json").read_text())
    assert "catalog/facility.yaml" in manifest["inputs"]
    assert all(len(digest) == 64 for digest in manifest["inputs"].values())
