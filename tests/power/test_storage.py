"""The site battery under its controller."""

import dataclasses
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power import storage
from clustersim.power.run_in import before_window
from clustersim.power.storage import RUN_IN_LAGS, Storage, site_storage, smooth

BATTERY = Storage(
    power_w=50e6, energy_j=50e6 * 600, round_trip=0.85, latency_s=0.0, lag_s=0.001, filter_s=10.0, charge=0.5
)


def _square(seconds=120.0, dt=0.01):
    return np.where((np.arange(round(seconds / dt)) * dt) % 2.0 < 1.6, 100e6, 70e6)


@pytest.mark.parametrize("changes", [{}, {"power_w": 5e6}, {"energy_j": 30e6}, {"latency_s": 0.1}, {"charge": 0.0}])
def test_the_battery_conserves_energy(changes):
    battery = dataclasses.replace(BATTERY, **changes)
    load, dt = _square(), 0.01
    trace = smooth(load, dt, battery)
    net = trace.battery_w.sum() * dt
    # what left the store is what came out and what was lost
    assert trace.initial_j - trace.stored_j[-1] == pytest.approx(net + trace.loss_j, rel=1e-6, abs=1.0)
    assert np.abs(trace.battery_w).max() <= battery.power_w * (1 + 1e-12)
    assert trace.stored_j.min() >= -1e-6
    assert trace.stored_j.max() <= battery.energy_j * (1 + 1e-12)
    assert trace.loss_j >= 0.0


def test_losses_are_the_round_trip():
    trace = smooth(_square(), 0.01, BATTERY)
    one_way = np.sqrt(0.85)
    discharged = (trace.throughput_j + trace.battery_w.sum() * 0.01) / 2
    charged = trace.throughput_j - discharged
    assert trace.loss_j == pytest.approx(discharged * (1 / one_way - 1) + charged * (1 - one_way), rel=1e-9)


def test_a_steady_load_leaves_the_battery_alone():
    trace = smooth(np.full(1000, 80e6), 0.01, BATTERY)
    assert trace.battery_w == pytest.approx(np.zeros(1000), abs=1e-6)


def test_the_meter_follows_a_low_pass():
    """A quick and ample battery leaves a square wave the swing of its low-pass: P (1-a)(1-b) / (1-ab)."""
    load, dt = _square(600.0), 0.01
    meter = (load - smooth(load, dt, BATTERY).battery_w)[-20000:].reshape(-1, 200)
    # for some milliseconds after an edge the battery is still on its way
    meter = np.delete(meter, [0, 1, 160, 161], axis=1)
    up, down = np.exp(-1.6 / 10.0), np.exp(-0.4 / 10.0)
    assert np.ptp(meter) == pytest.approx(30e6 * (1 - up) * (1 - down) / (1 - up * down), rel=0.05)
    assert np.ptp(meter) < 0.1 * np.ptp(load)


def test_a_small_battery_smooths_less():
    load = _square()
    swings = [
        np.ptp((load - smooth(load, 0.01, dataclasses.replace(BATTERY, power_w=p)).battery_w)[-2000:])
        for p in (1e6, 5e6, 10e6, 50e6)
    ]
    assert swings == sorted(swings, reverse=True)


def test_a_battery_of_the_catalog():
    name = next(iter(catalog.entries("batteries")))
    battery = site_storage(name, 1e6, 1e9, 0.5, 10.0)
    assert 0.5 < battery.round_trip <= 1.0
    assert battery.lag_s > 0.0


def _twin(load, target, dt, battery, recharge):
    """The controller in plain Python: a queue of what was asked, a lag, and what the store allows."""
    keep, lag = np.exp(-dt / battery.filter_s), np.exp(-dt / battery.lag_s)
    delay, eta = round(battery.latency_s / dt), np.sqrt(battery.round_trip)
    stored, asked, out = battery.charge * battery.energy_j, [load[0] - target] * delay, []
    lead = min(battery.lead_s, battery.lag_s)
    start, response = stored, np.clip(load[0] - target, -battery.power_w, battery.power_w)
    led = response
    for watts in load:
        target = watts + (target - watts) * keep
        asked.append(watts - target + (stored - start) / recharge)
        wanted = np.clip(asked[len(asked) - 1 - delay], -battery.power_w, battery.power_w)
        led = wanted + (led - wanted) * np.exp(-dt / lead)
        command = np.clip(response + (led - response) / (1.0 - lag), -battery.power_w, battery.power_w)
        response = command + (response - command) * lag
        if response > 0.0:
            power = min(response, stored * eta / dt)
            stored -= power / eta * dt
        else:
            power = max(response, -(battery.energy_j - stored) / eta / dt)
            stored -= power * eta * dt
        out.append(power)
    return np.array(out)


@pytest.mark.parametrize(("latency", "lag"), [(0.0, 0.001), (0.005, 0.001), (0.005, 0.05)])
def test_the_controller_equals_its_slow_twin(latency, lag):
    battery = dataclasses.replace(
        BATTERY, latency_s=latency, lag_s=lag, lead_s=0.01, power_w=12e6, energy_j=9e6, filter_s=0.5
    )
    load = _square(4.0, 0.001)
    recharge = catalog.entry("device_power", "damping").si("battery.recharge")
    expected = _twin(load, load.mean(), 0.001, battery, recharge)
    np.testing.assert_allclose(smooth(load, 0.001, battery).battery_w, expected, rtol=1e-9, atol=1e-3)


def test_a_window_cut_out_of_a_load_that_goes_on_has_no_step_where_it_begins():
    """A plateau of 1.6 s has begun before the window: the meter starts where the low-pass is, not at the load."""
    battery = dataclasses.replace(BATTERY, latency_s=0.05, lag_s=0.02)
    load = _square()
    meter = load - smooth(load, 0.01, battery).battery_w
    assert abs(meter[0] - load.mean()) < 0.1e6
    assert np.abs(meter[:100] - load.mean()).max() < 2e6
    # with a mean load before, too: what a start at rest would leave is 6 MW for as long as delay and lag last
    after = load - smooth(load, 0.01, battery, float(load.mean())).battery_w
    assert np.array_equal(after, meter)
    small = dataclasses.replace(battery, power_w=2e6)
    assert smooth(load, 0.01, small).battery_w[0] == pytest.approx(2e6)


def _iterations(seconds, dt=0.001):
    """A step of 1.07 s as at Memphis: full, down to a dip of 70 ms by 150 ms, and back within 50 ms."""
    phase = np.arange(round(seconds / dt)) * dt % 1.07
    return np.interp(phase, [0.0, 0.05, 0.8, 0.95, 1.02, 1.07], [177e6, 245e6, 249e6, 177e6, 177e6, 177e6])


MEGAPACKS = Storage(
    power_w=150e6, energy_j=2.36e12, round_trip=0.91, latency_s=0.02, lag_s=0.05, filter_s=60.0, charge=0.5
)


def test_the_lead_takes_off_what_the_lag_of_the_converter_adds():
    """Without it the battery still charges while IT returns, and swing and peak are above those of the load."""
    load = _iterations(60.0)
    unled = load - smooth(load, 0.001, dataclasses.replace(MEGAPACKS, lead_s=0.05)).battery_w
    led = load - smooth(load, 0.001, MEGAPACKS).battery_w
    means = [one.reshape(-1, 100).mean(axis=1) for one in (load, unled, led)]
    most, swing = [float(one.max()) for one in means], [float(np.ptp(one)) for one in means]
    assert most[1] > 1.03 * most[0]
    assert most[2] < 1.02 * most[0]
    assert swing[2] < 0.6 * swing[1]
    assert swing[2] < 0.6 * swing[0]


@settings(deadline=None, max_examples=60)
@given(
    levels=st.lists(st.floats(0.0, 100e6), min_size=2, max_size=12),
    holds=st.lists(st.integers(1, 400), min_size=12, max_size=12),
    latency=st.integers(0, 50),
    lag=st.floats(0.001, 0.2),
    lead=st.floats(0.002, 0.05),
)
@example(
    levels=[65955785.0, 0.0, 60810122.0, 0.0, 1878686.0, 0.0, 40960.0, 1.0, 58310.0, 4854.0],
    holds=[1, 84, 282, 1, 2, 1, 6, 115, 400, 400, 1, 1],
    latency=4,
    lag=0.125,
    lead=0.03125,
)
def test_the_meter_passes_its_low_pass_by_no_more_than_the_load_rises_within_the_response(
    levels, holds, latency, lag, lead
):
    """What no battery can know: how the load moves within its delay and the lag that its lead leaves."""
    load = np.concatenate([np.full(count, watts) for watts, count in zip(levels, holds, strict=False)])
    load = np.concatenate((np.full(1000, load[0]), load))
    battery = dataclasses.replace(
        BATTERY, power_w=1e12, energy_j=1e15, latency_s=latency * 1e-3, lag_s=lag, lead_s=lead, round_trip=1.0
    )
    meter = load - smooth(load, 0.001, battery, float(load[0])).battery_w
    low_pass, level = np.empty_like(load), load[0]
    for i, watts in enumerate(load):
        level += (1.0 - np.exp(-0.001 / battery.filter_s)) * (watts - level)
        low_pass[i] = level
    within = latency + round(5e3 * min(lag, lead)) + 1
    # the load that leads up to the window moves too
    span = math.ceil(RUN_IN_LAGS * (battery.latency_s + battery.lag_s) / 0.001 - 1e-9)
    led = np.concatenate((before_window(load, span, span), load))
    lowest = np.array([led[max(0, i - within) : i + 1].min() for i in range(span, led.size)])
    slack = 0.01 * np.ptp(load) + 1.0
    assert np.all(meter <= low_pass.max() + (load - lowest).max() + slack)


@settings(deadline=None, max_examples=60)
@given(
    levels=st.lists(st.floats(0.0, 100e6), min_size=2, max_size=12),
    power=st.floats(0.0, 100e6),
    latency=st.floats(0.0, 0.2),
    energy=st.floats(1e6, 1e12),
)
def test_the_peak_is_at_most_that_of_the_load_and_the_largest_charging_power(levels, power, latency, energy):
    load = np.repeat(levels, 37)
    battery = dataclasses.replace(BATTERY, power_w=power, energy_j=energy, latency_s=latency, lag_s=0.05)
    made = smooth(load, 0.01, battery).battery_w
    assert np.abs(made).max() <= power * (1.0 + 1e-12)
    asked = max(load.mean(), load.max()) - load.min()
    assert (load - made).max() <= load.max() + min(power, asked) * 1.01 + 1.0


@pytest.mark.parametrize("held", [0.05, 2.0])
def test_nothing_winds_up_while_the_battery_is_at_its_rating(held):
    """After ten times its rating, however long, it lets go as soon as after what it could give."""
    small = dataclasses.replace(MEGAPACKS, power_w=10e6, filter_s=1e4)
    n, gone = round(held / 0.001), {}
    for excess in (10e6, 100e6):
        load = np.concatenate((np.full(1000, 100e6), np.full(n + 1000, 100e6 + excess), np.full(1000, 100e6)))
        given = smooth(load, 0.001, small, 100e6).battery_w
        assert given.max() == pytest.approx(10e6, rel=1e-2)
        assert np.abs(given).max() <= 10e6
        gone[excess] = int(np.argmax(given[n + 2000 :] < 1e6))
    assert gone[100e6] <= gone[10e6] + 1


def test_a_battery_that_hears_of_the_load_too_late_makes_the_meter_worse():
    load = _iterations(60.0)
    swings = []
    for latency in (0.02, 0.04, 0.1):
        meter = load - smooth(load, 0.001, dataclasses.replace(MEGAPACKS, latency_s=latency)).battery_w
        swings.append(float(np.ptp(meter.reshape(-1, 100).mean(axis=1))))
    assert swings[0] < swings[1] < np.ptp(load) < swings[2]


def test_the_first_period_of_a_window_is_as_every_other():
    load = np.roll(_iterations(1.07 * 60), 990)
    meter = (load - smooth(load, 0.001, MEGAPACKS).battery_w).reshape(60, -1)
    assert np.abs(meter[0] - meter[1]).max() < 1e-3 * np.ptp(load) + np.abs(meter[2] - meter[1]).max()


@pytest.mark.parametrize("power", [50e6, 2e6])
def test_the_charge_stays_in_its_band(power):
    battery = dataclasses.replace(BATTERY, energy_j=60e6, power_w=power, lowest=0.45, highest=0.52)
    trace = smooth(_square(), 0.01, battery)
    assert trace.stored_j.min() >= 0.45 * 60e6 - 1e-3
    assert trace.stored_j.max() <= 0.52 * 60e6 + 1e-3
    assert trace.short_j > 0.0
    net = trace.battery_w.sum() * 0.01
    assert trace.initial_j - trace.stored_j[-1] == pytest.approx(net + trace.loss_j, rel=1e-6, abs=1.0)


def test_an_ample_battery_is_short_of_nothing():
    assert smooth(_square(), 0.01, BATTERY).short_j == 0.0


@pytest.mark.parametrize("target", [0.3, 0.7])
def test_the_charge_goes_to_its_target(target):
    battery = dataclasses.replace(BATTERY, energy_j=1e9, target=target, recharge_s=100.0, round_trip=1.0)
    charge = smooth(_square(600.0), 0.01, battery).stored_j / 1e9
    assert abs(charge[-1] - target) < 0.05
    assert abs(charge[0] - 0.5) < 0.01


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lowest": 0.6}, "a charge between 60 % and 100 %.*found 50 %"),
        ({"target": 0.9, "highest": 0.8}, "a target between 0 % and 80 %.*found 90 %"),
        ({"highest": 1.2}, "expected a charge"),
    ],
)
def test_a_charge_outside_the_band_is_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(BATTERY, **changes)


def test_the_band_of_the_catalog():
    battery = site_storage("megapack_2xl", 1e6, 1e9, 0.5, 10.0)
    figures = catalog.entry("device_power", "damping")
    assert (battery.lowest, battery.highest) == (figures.si("battery.lowest"), figures.si("battery.highest"))
    assert site_storage("megapack_2xl", 1e6, 1e9, 0.5, 10.0, lowest=0.1, highest=0.9).lowest == 0.1


def test_coarse_bins_need_no_memory_for_their_steps():
    """Hourly readings: the load in, the battery's means and its charge out, whatever the steps between."""
    load = np.where(np.arange(24) % 2 == 0, 100e6, 60e6)
    battery = site_storage("megapack_2xl", 50e6, 1.8e11, 0.5, 20.0, recharge_s=1e9)
    tracemalloc.start()
    trace = smooth(load, 3600.0, battery)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5e6
    net = trace.battery_w.sum() * 3600.0
    assert trace.initial_j - trace.stored_j[-1] == pytest.approx(net + trace.loss_j, rel=1e-6)
    # a change of 40 MW that the meter follows with tau takes tau x 40 MW, less what the lag keeps while the lead is
    # at the rated power
    assert trace.battery_w[11] * 3600.0 == pytest.approx(-20.0 * 40e6, abs=0.05 * 40e6)


def test_bins_are_means_of_their_steps():
    battery = dataclasses.replace(BATTERY, power_w=12e6, latency_s=0.02, lag_s=0.05)
    load = _square(60.0, 0.1)
    coarse, fine = smooth(load, 0.1, battery), smooth(np.repeat(load, 100), 0.001, battery, float(load.mean()))
    np.testing.assert_allclose(coarse.battery_w, fine.battery_w.reshape(-1, 100).mean(axis=1), rtol=1e-12, atol=1e-6)
    np.testing.assert_array_equal(coarse.stored_j, fine.stored_j[99::100])
    for one, two in ((coarse.loss_j, fine.loss_j), (coarse.throughput_j, fine.throughput_j)):
        assert one == pytest.approx(two, rel=1e-12)
    assert coarse.short_j == pytest.approx(fine.short_j, rel=1e-12)


def test_steps_of_long_records(monkeypatch):
    """Of 1 ms while they are few, of a tenth of the lag when they are many; the means then differ little."""
    assert storage.steps_per_bin(86_400, 1.0, 0.05) == 1000
    assert storage.steps_per_bin(7 * 86_400, 1.0, 0.05) == 200
    assert storage.steps_per_bin(7 * 86_400, 1.0, 0.001) == 1000
    assert storage.steps_per_bin(720, 3600.0, 0.05) == 720_000
    with pytest.raises(InputError, match=r"at most 11.6 days .* lag of 1 ms.* got 30 days"):
        storage.steps_per_bin(720, 3600.0, 0.001)
    battery = dataclasses.replace(BATTERY, latency_s=0.02, lag_s=0.05)
    load = _square(60.0, 0.1)
    fine = smooth(load, 0.1, battery)
    monkeypatch.setattr(storage, "USUAL_STEPS", 1000)
    longer = smooth(load, 0.1, battery)
    assert np.abs(longer.battery_w - fine.battery_w).max() < 0.04 * np.ptp(load)
    assert longer.throughput_j == pytest.approx(fine.throughput_j, rel=0.01)
