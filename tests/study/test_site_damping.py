"""What damps between the racks and the meter in a whole run: load bank, hybrid storage, battery, gradual start."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.power.chain import DampingChain
from clustersim.power.shaping import GradualStartElement
from clustersim.power.spec import HybridStorage, LoadBank, SiteBattery
from clustersim.report.damping_table import CASES, cells
from clustersim.study.event_windows import storm_window
from clustersim.study.horizon import steady_load_w
from clustersim.study.it_power import crash_window, restart_window, state_w, steady_window, step_pool
from clustersim.study.lost_work import device_unserved_share, steady_unserved_share
from clustersim.study.run import run
from clustersim.study.site.chain import damp_site, fall_burn_j, held_w
from clustersim.study.site.power import hall_accelerators, hall_it_w, idle_halls_w, site_it_w, site_power
from clustersim.study.step import study_step
from clustersim.study.unserved import lost_seconds, start_cut_j, unserved_share

DOCS = Path(__file__).parents[2] / "docs" / "models" / "damping_table.md"
BATTERY = {"kind": "site_battery", "time_constant": "30 s"}
BANK = {"kind": "load_bank", "power": "400 kW", "floor": "2.2 MW", "ramp_down": "20 kW/s"}
HYBRID = {
    "kind": "hybrid_storage",
    "split": "0.05 Hz",
    "capacitor_energy": "6 kWh",
    "capacitor_power": "1 MW",
    "battery_energy": "500 kWh",
    "battery_power": "2 MW",
    "time_constant": "120 s",
}
RACK_HYBRID = {
    **HYBRID,
    "at": "rack",
    "capacitor_energy": "0.1 kWh",
    "capacitor_power": "50 kW",
    "battery_energy": "10 kWh",
    "battery_power": "50 kW",
}
SMOOTHING = {"kind": "gpu_smoothing", "floor": "60 %"}
RACK = {
    "kind": "rack_storage",
    "energy_per_accelerator": "40 kJ",
    "power_per_accelerator": "1 kW",
    "time_constant": "30 s",
}
START = {"kind": "gradual_start", "initial": "1 MW", "rate": "20 kW/s"}
WAYS = {
    "bank": [BANK],
    "hybrid": [HYBRID],
    "rack_hybrid": [RACK_HYBRID],
    "start": [START],
    "limit": [{**START, "limit": "1.7 MW"}],
    "chain": [BATTERY, BANK, RACK, SMOOTHING],
    "all": [HYBRID, START, BANK, BATTERY, RACK],
}


@pytest.fixture(scope="module")
def found(scenario):
    return {name: run(scenario(damping=damping)) for name, damping in WAYS.items()}


@pytest.mark.parametrize("way", WAYS)
def test_children_add_up_to_their_parent(found, way):
    waves = found[way].waveforms
    assert {"steady", "crash", "restart"} <= set(waves)
    for wave in waves.values():
        for node in set(wave.parents) - {None}:
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=1e-9)


def test_what_acts_at_the_site_has_a_node_in_the_order_of_the_file(found):
    nodes = found["all"].waveforms["steady"].nodes
    assert [n for n in nodes if n.startswith("memphis/")][-3:] == [
        "memphis/hybrid_storage",
        "memphis/load_bank",
        "memphis/battery",
    ]
    assert found["chain"].waveforms["steady"].nodes[-2:] == ("memphis/battery", "memphis/load_bank")


@pytest.mark.parametrize("way", ["bank", "hybrid", "rack_hybrid", "start"])
def test_energy_is_what_damping_says(found, small, way):
    damped, plain = found[way].summary, small.summary
    more = damped["energy_mwh"] - (1.0 - damped["throughput_loss"]) * plain["energy_mwh"]
    assert damped["damping_energy_mwh"] == pytest.approx(more, rel=0.02)
    assert damped["damping_energy_mwh"] > 0.0


@pytest.mark.parametrize("way", ["bank", "hybrid", "rack_hybrid"])
def test_no_time_is_lost_and_the_swing_falls(found, small, way):
    damped, plain = found[way].summary, small.summary
    assert damped["throughput_loss"] == 0.0
    assert damped["unserved_share"] == 0.0
    assert damped["iteration_time_s"] == plain["iteration_time_s"]
    assert damped["swing_mw"] < 0.6 * plain["swing_mw"]


def test_a_load_bank_outside_heats_no_hall(found, small):
    bank, plain = found["bank"], small
    for node in ("memphis/it", "memphis/cooling", "memphis/losses"):
        for window in ("steady", "crash", "restart"):
            np.testing.assert_array_equal(bank.waveforms[window].power(node), plain.waveforms[window].power(node))
    assert bank.summary["cooling_heat_mw"] == plain.summary["cooling_heat_mw"]
    assert bank.summary["load_bank_energy_mwh"] == pytest.approx(bank.summary["damping_energy_mwh"], rel=1e-9)


def test_the_losses_of_racks_are_cooled(found, small):
    lost = found["rack_hybrid"].waveforms["steady"], small.waveforms["steady"]
    it, cooling = (
        [w.energy_j(f"memphis/{node}") - p.energy_j(f"memphis/{node}") for w, p in [lost]] for node in ("it", "cooling")
    )
    assert it[0] > 0.0
    assert cooling[0] > 0.0


def test_wear_and_what_is_missing_are_named(found, small, scenario):
    hybrid = found["hybrid"].summary
    assert hybrid["hybrid_capacitor_cycles_per_year"] > 10.0 * hybrid["hybrid_battery_cycles_per_year"] > 0.0
    assert 0.0 < hybrid["hybrid_capacitor_cycle_depth_share"] <= 1.0
    assert found["chain"].summary["battery_cycle_depth_share"] > 0.0
    for key in (
        "hybrid_battery_cycles_per_year",
        "load_bank_energy_mwh",
        "start_lost_time_s",
        "load_bank_missed_share",
    ):
        assert small.summary[key] is None
        assert "no" in small.reasons[key]
    # the floor is 400 kW above the trough
    tight = run(scenario(damping=[{**BANK, "power": "50 kW"}]))
    assert tight.summary["load_bank_missed_share"] > 0.01
    assert any("load_bank: its power limits it" in text and "steady window" in text for text in tight.warnings)
    assert not any("limits it" in text for text in found["hybrid"].warnings)


def test_the_load_before_the_site_is_told_apart(found, small):
    for way in ("bank", "hybrid"):
        assert found[way].summary["undamped_swing_mw"] == pytest.approx(small.summary["swing_mw"], rel=1e-9)
    for way in ("rack_hybrid", "start", "limit", "all"):
        for key in ("peak_mw", "swing_mw", "max_ramp_down_mw_per_s"):
            assert found[way].summary[f"undamped_{key}"] == pytest.approx(small.summary[key], rel=1e-3), (way, key)
    assert "the devices' damping" in found["chain"].reasons["undamped_peak_mw"]


def test_the_order_of_the_file_matters_at_the_site(scenario):
    first, second = (run(scenario(damping=order)) for order in ([BANK, BATTERY], [BATTERY, BANK]))
    assert first.summary["load_bank_energy_mwh"] != second.summary["load_bank_energy_mwh"]
    # behind the battery the load falls less far and the bank has less to burn
    assert second.summary["load_bank_energy_mwh"] < first.summary["load_bank_energy_mwh"]


@pytest.fixture(scope="module")
def load(small_study):
    study, pool = small_study
    return site_power(study, steady_window(study, pool, 0.0)).waveform.power("memphis")[:3000].copy()


@st.composite
def site_elements(draw):
    size = st.floats(1e-3, 2e6)
    bank = LoadBank.model_construct(
        kind="load_bank", power=draw(size), floor=draw(size), ramp_down=draw(st.one_of(st.none(), st.floats(1e3, 1e7)))
    )
    hybrid = HybridStorage.model_construct(
        kind="hybrid_storage",
        at="site",
        split=draw(st.floats(0.01, 1.0)),
        capacitor_energy=draw(st.floats(1.0, 1e8)),
        capacitor_power=draw(size),
        battery_energy=draw(st.floats(1.0, 1e9)),
        battery_power=draw(size),
        time_constant=draw(st.floats(1.0, 300.0)),
    )
    battery = SiteBattery.model_construct(
        kind="site_battery", time_constant=draw(st.floats(1.0, 100.0)), power=draw(size),
        target=None, lowest=draw(st.floats(0.0, 0.5)), highest=draw(st.floats(0.5, 1.0)), recharge=None,
    )  # fmt: skip
    return tuple(draw(st.permutations([bank, hybrid, battery]))[: draw(st.integers(1, 3))])


@settings(deadline=None, max_examples=40)
@given(elements=site_elements(), before=st.one_of(st.none(), st.floats(5e5, 3e6)))
def test_energy_is_kept_at_the_site_whatever_the_sizes(small_study, load, elements, before):
    study, _ = small_study
    study = dataclasses.replace(study, scenario=study.scenario.model_copy(update={"damping": elements}))
    done = damp_site(study, "memphis", load, 0.01, before)
    energy = load.sum() * 0.01
    for report in done.reports:
        assert abs(report.residual_j) <= 1e-8 * energy
        assert min(report.loss_j, report.burned_j, report.missed_j) >= 0.0
    made = sum(r.loss_j + r.burned_j + r.stored_change_j for r in done.reports)
    assert done.meter_w.sum() * 0.01 == pytest.approx(energy + made, rel=1e-8)
    np.testing.assert_allclose(load + sum(done.added_w.values()), done.meter_w, rtol=1e-9)


def test_elements_of_almost_no_size_leave_the_site_alone(scenario, small_study, load):
    study, _ = small_study
    nothing = [
        {**HYBRID, **dict.fromkeys(("capacitor_power", "battery_power"), "0.001 W")},
        {"kind": "load_bank", "power": "0.001 W", "floor": "4 MW"},
        {**BATTERY, "power": "0.001 W"},
    ]
    study = dataclasses.replace(study, scenario=scenario(damping=nothing))
    np.testing.assert_allclose(damp_site(study, "memphis", load, 0.01, None).meter_w, load, atol=0.1)


def test_a_floor_holds_in_every_state_and_the_fall_is_counted(scenario, small_study):
    study, _ = small_study
    study = dataclasses.replace(study, scenario=scenario(damping=[BANK]))
    assert held_w(study, 2.0e6) == pytest.approx(2.2e6)
    assert held_w(study, 1.0e6) == pytest.approx(1.4e6)
    assert held_w(study, 2.5e6) == 2.5e6
    bank = dataclasses.replace(study, scenario=scenario(damping=[{**BANK, "floor": "0 W", "power": "2 MW"}]))
    # a triangle from 2.0 to 1.6 MW at 20 kW/s
    assert fall_burn_j(bank, 2.0e6, 1.6e6, 100.0) == pytest.approx(0.5 * 4e5 * 20.0)
    assert fall_burn_j(bank, 2.0e6, 1.6e6, 10.0) == pytest.approx(0.5 * (4e5 + 2e5) * 10.0)
    assert fall_burn_j(bank, 1.6e6, 2.0e6, 100.0) == 0.0


def test_a_start_stays_below_its_ceiling(found, small):
    wave, plain = found["start"].waveforms["restart"], small.waveforms["restart"]
    halls = wave.power("memphis/it") - wave.power("memphis/network")
    late = wave.dt_s * (np.arange(halls.size) + 1.0) - 20.0
    assert np.all(halls[late > 0.0] <= 1e6 + 2e4 * late[late > 0.0] + 1e-3)
    np.testing.assert_array_equal(wave.power("memphis/it")[:20000], plain.power("memphis/it")[:20000])
    assert wave.energy_j("memphis/it") < plain.energy_j("memphis/it")
    np.testing.assert_array_equal(
        found["start"].waveforms["steady"].power("meter"), small.waveforms["steady"].power("meter")
    )


def test_in_a_storm_every_hall_has_its_own_ceiling(scenario):
    study = study_step(scenario(damping=[START], operation__restart_spacing="5 s"))
    hall = storm_window(study, step_pool(study), 0.0, "storm", (("restart", 0.0),), 5.0)
    power = site_power(study, hall)
    late = hall.dt_s * (np.arange(hall.watts.shape[1]) + 1.0) - 20.0
    for k in range(4):
        risen = late - 5.0 * k
        own = power.waveform.power(f"memphis/hall_{k + 1}")
        assert np.all(own[risen > 0.0] <= (0.25 * (1e6 + 2e4 * risen) + 1e-3)[risen > 0.0])
    reports = power.it_storage["memphis"]
    cuts = [r.cut_j for r in reports]
    assert min(cuts) > 0.0
    # each starts from its own instant: all halls are refused about the same
    assert max(cuts) < 1.5 * min(cuts)


def test_a_start_costs_the_time_that_its_work_takes(found, small, small_study):
    study, pool = small_study
    hall = steady_window(study, pool, 0.0)
    asked, idle = hall_it_w(study, hall.watts), idle_halls_w(study)
    share = hall_accelerators(study) / hall_accelerators(study).sum()
    lost = max(
        lost_seconds(start_cut_j(power, 1e6 * s, 2e4 * s), power.mean(), low)
        for power, low, s in zip(asked, idle, share, strict=True)
    )
    summary = found["start"].summary
    assert summary["start_lost_time_s"] == pytest.approx(lost, rel=1e-6)
    starts = small.summary["interruptions"] + 1
    assert summary["throughput_loss"] == pytest.approx(lost * starts / (3 * 86400.0), rel=1e-6)


def test_a_limit_makes_the_step_longer(found, small):
    damped, plain = found["limit"].summary, small.summary
    share = damped["unserved_share"]
    assert 0.02 < share < 0.2
    assert damped["iteration_time_s"] == pytest.approx(plain["iteration_time_s"] / (1.0 - share), rel=1e-6)
    assert damped["tokens_per_s"] == pytest.approx(plain["tokens_per_s"] * (1.0 - share), rel=1e-6)
    assert damped["throughput_loss"] >= share
    wave = found["limit"].waveforms["steady"]
    assert (wave.power("memphis/it") - wave.power("memphis/network")).max() <= 1.7e6 + 1e-3
    # idle power is drawn for longer
    assert damped["damping_energy_share"] > 0.0
    assert any("refuses power" in text for text in found["limit"].warnings)


def test_what_the_devices_are_refused_is_lost_too(small_study):
    study, pool = small_study
    power = site_power(study, steady_window(study, pool, 0.0))
    assert device_unserved_share(study, power) == 0.0
    cut = dataclasses.replace(power, hall=dataclasses.replace(power.hall, cut_share=0.02))
    asked, idle = 1.02 * power.hall.watts.sum(axis=0).mean(), state_w(study, "stopped").sum()
    assert device_unserved_share(study, cut) == pytest.approx(0.02 / 1.02 * asked / (asked - idle))
    assert steady_unserved_share(study, cut) == pytest.approx(device_unserved_share(study, cut))


def test_the_cut_of_a_start_is_the_mean_over_its_phases():
    wave = np.where(np.arange(40) % 20 < 13, 90.0, 30.0)
    wave[::7] = 55.0
    rise = GradualStartElement(0.0, 20.0, 0.37, 80.0)
    line = np.tile(wave, 12)
    settled = np.maximum(line - 80.0, 0.0).sum()
    cuts = [rise.apply(np.roll(line, k), 1.0).report.cut_j - settled for k in range(wave.size)]
    assert start_cut_j(wave, 20.0, 0.37, 80.0) == pytest.approx(np.mean(cuts), rel=1e-9)


@settings(deadline=None)
@given(st.floats(1e-7, 1e3), st.floats(0.0, 1e6))
def test_a_start_refuses_no_more_than_there_is(rate, longest):
    """Beside the integral over the time until the next stop, and never more than all power above the start."""
    wave = np.array([90.0, 30.0, 55.0, 10.0])
    cut = start_cut_j(wave, 20.0, rate, 80.0, longest)
    above = np.maximum(np.minimum(wave, 80.0) - 20.0, 0.0)
    whole = above**2 - np.maximum(above - rate * longest, 0.0) ** 2
    # the difference of squares has lost what is below rounding of the squares
    assert cut == pytest.approx(np.mean(whole) / (2.0 * rate), rel=1e-9, abs=1e-11 / rate)
    assert cut <= above.mean() * longest * (1.0 + 1e-12)


@pytest.mark.parametrize("rate", [pytest.param("1 W/s", marks=pytest.mark.soak), "0.0001 W/s"])
def test_a_slow_start_draws_no_less_than_idle(scenario, small, small_study, rate):
    study, _ = small_study
    for limit in ({}, {"limit": "1.7 MW"}):
        slow = run(scenario(damping=[{**START, "rate": rate, **limit}])).summary
        idle = steady_load_w(study, "memphis", site_it_w(study, state_w(study, "stopped"))["memphis"])
        assert idle * 3 * 86400.0 / 3.6e9 < slow["energy_mwh"] < small.summary["energy_mwh"]
        assert 0.0 < slow["throughput_loss"] < 1.0
        # nearly all of the time at the initial ceiling
        assert slow["throughput_loss"] > 0.3


@settings(deadline=None)
@given(st.one_of(st.just(0.0), st.floats(1e-6, 1e6)), st.floats(1.0, 1e6), st.floats(0.0, 1e6))
def test_work_lost_is_a_share(cut, asked, idle):
    share = unserved_share(cut, asked, idle)
    assert 0.0 <= share <= 1.0
    assert (share == 0.0) == (cut == 0.0)
    if cut <= asked - idle and asked - idle > 1.0:
        assert share == pytest.approx(cut / (asked - idle))


def test_the_whole_chain_takes_ramps_period_and_rest(found, small, scenario):
    """Smoothing in the devices, storage in the racks, the site's battery and bank, one behind the other."""
    alone = {name: run(scenario(damping=[way])).summary for name, way in (("smoothing", SMOOTHING), ("rack", RACK))}
    both, plain = found["chain"].summary, small.summary
    assert both["swing_mw"] < 0.1 * min(alone["smoothing"]["swing_mw"], plain["swing_mw"])
    assert both["max_ramp_up_mw_per_s"] < 0.5 * alone["rack"]["max_ramp_up_mw_per_s"]
    assert both["damping_energy_share"] > alone["smoothing"]["damping_energy_share"]


def test_one_chain_from_the_hall_to_the_meter(scenario, small_study):
    """What leaves one element is what comes into the next, in every window, up to the site's own order."""
    study, pool = small_study
    study = study_step(scenario(damping=WAYS["all"]))
    halls = (
        steady_window(study, pool, 0.0),
        crash_window(study, pool, 0.0, "gpu", 5.0),
        restart_window(study, pool, 0.0, "gpu", (("restart", 0.0),)),
    )
    for hall in halls:
        power = site_power(study, hall)
        site, inside = power.site_damping["memphis"], power.it_storage["memphis"]
        assert [r.name for r in site] == ["hybrid_storage", "load_bank", "site_battery"]
        for first, second in zip(site, site[1:], strict=False):
            assert second.energy_in_j == first.energy_out_j
        wave = power.waveform
        assert site[-1].energy_out_j == pytest.approx(wave.energy_j("meter"), rel=1e-12)
        names = ["gradual_start"] * (hall.window == "restart") + ["rack_storage"]
        assert [r.name for r in inside] == names * (len(inside) // len(names))
        last = [r.energy_out_j for r in inside if r.name == "rack_storage"]
        assert sum(last) == pytest.approx(wave.energy_j("memphis/it") - wave.energy_j("memphis/network"), rel=1e-9)
    with pytest.raises(InputError, match="acts at the"):
        DampingChain((study_chain_element("site"), study_chain_element("rack")))


def study_chain_element(level):
    """An element at a level."""
    return dataclasses.replace(GradualStartElement(0.0, 1.0, 1.0), level=level)


@pytest.mark.parametrize(
    ("damping", "words"),
    [
        ([{**HYBRID, "at": "hall"}], "rack.*site|site.*rack"),
        ([{**START, "initial": "10 kW"}], "gradual_start begins at .* draws .* without any work; expected an initial"),
        ([{**START, "limit": "0.5 MW"}], "expected at least initial"),
        ([{**BATTERY, "target": "90 %"}], "site_battery at memphis: expected a target between 20 % and 80 %"),
        ([{**BATTERY, "lowest": "60 %"}], "expected a charge between 60 % and 80 %"),
        ([BANK, BANK], "load_bank is given 2 times"),
        ([{**BANK, "power": "0 W"}], "power"),
    ],
)
def test_bad_damping_is_refused(scenario, damping, words):
    with pytest.raises(InputError, match=words):
        run(scenario(damping=damping))


def test_the_table_of_the_docs_is_what_the_program_says(colossus):
    """The row of the site battery; the others come from the same command."""
    rows = {line.split("|")[1].strip(): line for line in DOCS.read_text(encoding="utf-8").splitlines() if "|" in line}
    assert rows["site battery"] == f"| site battery | {' | '.join(cells(colossus.summary))} |", (
        "run python -m clustersim.report.damping_table again"
    )
    assert set(CASES) <= set(rows)
