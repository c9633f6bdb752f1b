"""Every damping strategy costs something, and does what it is for."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.study.run import run
from clustersim.study.step import study_step

KINDS = {
    "dummy_compute": {"kind": "dummy_compute", "floor": "70 %"},
    "gpu_smoothing": {"kind": "gpu_smoothing", "floor": "70 %"},
    "site_battery": {"kind": "site_battery", "time_constant": "30 s"},
}


@pytest.fixture(scope="module")
def damped(scenario, battery):
    return {
        "site_battery": battery,
        **{kind: run(scenario(damping=[strategy])) for kind, strategy in KINDS.items() if kind != "site_battery"},
        "all": run(scenario(damping=list(KINDS.values()))),
    }


def test_none_costs_nothing(small):
    assert small.summary["damping_energy_mwh"] == 0.0
    assert small.summary["damping_energy_share"] == 0.0
    assert small.summary["throughput_loss"] == 0.0
    assert small.summary["battery_cycles_per_year"] is None


@pytest.mark.parametrize("kind", [*KINDS, "all"])
def test_every_kind_costs_energy_and_never_gains_time(damped, kind):
    summary = damped[kind].summary
    assert summary["damping_energy_share"] > 0.0
    assert summary["damping_energy_mwh"] > 0.0
    assert 0.0 <= summary["throughput_loss"] < 0.1


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_lowers_the_swing_where_it_acts(damped, small, kind):
    key = "swing_mw" if kind == "site_battery" else "it_swing_mw"
    assert damped[kind].summary[key] < small.summary[key]


@pytest.mark.parametrize("kind", ["dummy_compute", "gpu_smoothing"])
def test_what_acts_in_the_device_raises_the_trough(damped, small, kind):
    for key in ("it_trough_mw", "trough_mw", "it_mean_mw"):
        assert damped[kind].summary[key] > small.summary[key], key


def test_a_higher_floor_raises_the_trough_further(scenario, damped):
    higher = run(scenario(damping=[{"kind": "gpu_smoothing", "floor": "85 %"}]))
    assert higher.summary["it_trough_mw"] > damped["gpu_smoothing"].summary["it_trough_mw"]
    assert higher.summary["damping_energy_share"] > damped["gpu_smoothing"].summary["damping_energy_share"]


def test_smoothing_ramps_down_after_a_crash(damped, small):
    """Without the profile the power falls within a fraction of a second."""
    steepest = {
        name: -np.diff(found.waveforms["crash"].power("memphis/it").reshape(-1, 100).mean(axis=1)).min()
        for name, found in (("plain", small), ("smoothed", damped["gpu_smoothing"]))
    }
    assert steepest["smoothed"] < 0.5 * steepest["plain"]


def test_together_they_cost_more_than_each(damped):
    most = max(damped[kind].summary["damping_energy_share"] for kind in KINDS)
    assert damped["all"].summary["damping_energy_share"] > 0.95 * most


def test_a_power_cap_lowers_the_peak_and_costs_time(scenario, small):
    """The plan and its layers stay; matrix work above the limit takes longer, and nothing draws more than it."""
    held = {limit: run(scenario(damping=[{"kind": "power_cap", "limit": limit}])) for limit in ("80 %", "60 %")}
    for key in ("it_peak_mw", "it_mean_mw", "peak_mw"):
        assert held["60 %"].summary[key] < held["80 %"].summary[key] < small.summary[key], key
    assert 0.0 < held["80 %"].summary["throughput_loss"] < held["60 %"].summary["throughput_loss"] < 0.4
    assert held["60 %"].summary["iteration_time_s"] > small.summary["iteration_time_s"]


def test_a_cap_that_nothing_reaches_changes_nothing(scenario, small):
    free = run(scenario(damping=[{"kind": "power_cap", "limit": "96 %"}]))
    for key in ("iteration_time_s", "it_peak_mw", "mean_mw"):
        assert free.summary[key] == small.summary[key], key
    assert free.summary["throughput_loss"] == 0.0


@pytest.mark.parametrize(
    ("strategies", "words"),
    [
        ([("power_cap", "limit", "5 %")], "power_cap of 5 % is 35 W, less than the 203 W that H100-SXM draws"),
        ([("power_cap", "limit", "50 %"), ("gpu_smoothing", "floor", "85 %")], "smoothing profile holds 85 %, above"),
        ([("power_cap", "limit", "50 %"), ("dummy_compute", "floor", "70 %")], "dummy_compute holds 70 %, above"),
    ],
)
def test_limits_that_cannot_hold_are_refused(scenario, strategies, words):
    damping = [{"kind": kind, key: value} for kind, key, value in strategies]
    with pytest.raises(InputError, match=words):
        study_step(scenario(damping=damping))


FILLS = {
    "pytorch_damper": {"kind": "pytorch_damper"},
    "secondary_workload": {"kind": "secondary_workload", "level": "90 %"},
    "micro_batch_interleave": {"kind": "micro_batch_interleave"},
    "compiler_shaping": {"kind": "compiler_shaping"},
}


@pytest.mark.parametrize("kind", FILLS)
def test_what_shares_the_device_slows_the_step_by_less_than_a_twentieth(scenario, kind):
    """Published for a secondary workload: below 5 % (arXiv 2508.14318); for shaped TPU programs below 1 %."""
    alone, shared = (study_step(scenario(damping=damping)).quiet().iteration_time_s for damping in ([], [FILLS[kind]]))
    assert alone < shared < alone * (1.01 if kind == "compiler_shaping" else 1.05)


@pytest.mark.parametrize(
    "kind", ["pytorch_damper", *(pytest.param(kind, marks=pytest.mark.soak) for kind in list(FILLS)[1:])]
)
def test_what_shares_the_device_raises_the_trough_and_costs_what_it_burns(scenario, small, kind):
    summary = run(scenario(damping=[FILLS[kind]])).summary
    if kind != "micro_batch_interleave":
        assert summary["damping_energy_share"] > 0.0
    assert 0.0 < summary["throughput_loss"] < 0.05
    assert summary["it_mean_mw"] > small.summary["it_mean_mw"]
    assert summary["it_trough_mw"] > small.summary["it_trough_mw"]


def test_fills_that_cannot_work_are_refused(scenario):
    with pytest.raises(InputError, match="all fill gaps; expected one of them"):
        study_step(scenario(damping=[FILLS["pytorch_damper"], FILLS["secondary_workload"]]))
    with pytest.raises(InputError, match="pytorch_damper holds 100 %, above the power_cap of 80 %"):
        study_step(scenario(damping=[FILLS["pytorch_damper"], _cap("80 %")]))
    with pytest.raises(InputError, match="configuration: .*expected four whole numbers"):
        scenario(damping=[{"kind": "pytorch_damper", "configuration": "100 80"}])


def test_a_limit_below_the_measured_range_warns(scenario):
    assert any("extrapolated" in text for text in study_step(scenario(damping=[_cap("35 %")])).warnings)
    assert not any("extrapolated" in text for text in study_step(scenario(damping=[_cap("80 %")])).warnings)


def _cap(limit):
    return {"kind": "power_cap", "limit": limit}


def test_waiting_for_data_costs_time_and_saves_power(scenario, small):
    slow = run(scenario(job__data_stall="1 s"))
    assert slow.summary["iteration_time_s"] == pytest.approx(small.summary["iteration_time_s"] + 1.0, rel=0.01)
    assert slow.summary["it_mean_mw"] < small.summary["it_mean_mw"]


def test_a_second_job_in_the_gaps(scenario, small):
    """Its work is no cost; its share of the time is that of the energy that it draws above the gaps' own."""
    found = run(scenario(damping=[{"kind": "micro_batch_interleave"}]))
    share, tokens = (found.summary[f"second_job_{key}"] for key in ("compute_share", "tokens_per_s"))
    assert 0.0 < share < 0.8 * (1.0 - found.summary["compute_fraction"])
    assert 0.0 < tokens < small.summary["tokens_per_s"]
    assert found.summary["it_mean_mw"] > small.summary["it_mean_mw"]
    assert abs(found.summary["damping_energy_share"]) < 0.02
    assert small.summary["second_job_tokens_per_s"] is None


def test_harmonics_of_the_iteration(small):
    """Their energies are part of the meter's, and the first of a deep swing is about half of it."""
    amplitudes = [small.summary[f"harmonic_{n}_mw"] for n in (1, 2, 3)]
    assert all(value > 0.0 for value in amplitudes)
    variance = small.waveforms["steady"].power("meter").var() / 1e12
    assert sum(value**2 / 2.0 for value in amplitudes) <= variance * 1.01
    assert 0.2 < amplitudes[0] / small.summary["swing_mw"] < 0.7


def test_the_vendors_profile_in_a_scenario(scenario, damped, small):
    """By hysteresis alone the floor falls in every step: it burns and smooths less than one that is held."""
    profile = {"kind": "gpu_smoothing_profile", "percent_tmp_floor": "70 %", "ramp_down_hysteresis": "20 ms"}
    found = run(scenario(damping=[profile | {"ramp_down_rate": "2 kW/s", "ramp_up_rate": "2 kW/s"}]))
    held = damped["gpu_smoothing"].summary
    assert small.summary["it_swing_mw"] > found.summary["it_swing_mw"] > held["it_swing_mw"]
    assert 0.0 < found.summary["damping_energy_share"] < held["damping_energy_share"]
    assert any("no power-smoothing profile" in text for text in found.warnings)
    with pytest.raises(InputError, match="release is a time on a measured trace"):
        run(scenario(damping=[profile | {"release": "5 s"}]))
