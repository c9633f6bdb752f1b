"""Devices, supplies, spectra, damping and storage: energy, units and monotony of any load."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.power.chain import DampingChain
from clustersim.power.device import LEVELS, burst_peak_w, load_device_power
from clustersim.power.records import coarsen
from clustersim.power.shaping import GradualStartElement, LoadBankElement, StaggerElement
from clustersim.power.smoothing import SmoothingProfile
from clustersim.power.spec import ServerSpec
from clustersim.power.spectrum import band_shares, band_table, harmonics, spectrogram, welch
from clustersim.power.storage import Storage, smooth
from clustersim.power.stores import StoreElement, flattening_energy_j, rainflow
from clustersim.power.supplies import supply_curve, together

DT = 0.3
LOADS = st.lists(st.floats(0.0, 100.0), min_size=2, max_size=60).map(np.array)
FACTORS = st.floats(0.1, 10.0)
SERVERS = ServerSpec(cooling="liquid", accelerators_per_server=8, servers_per_rack=4)
CHIPS = st.sampled_from(
    sorted(
        name for name in catalog.entries("device_power")
        if name in catalog.entries("accelerators") and catalog.entry("device_power", name).has("matrix")
    )
)  # fmt: skip
STORES = st.builds(
    StoreElement,
    name=st.just("store"),
    level=st.just("rack"),
    power_w=st.floats(1.0, 80.0),
    energy_j=st.floats(1.0, 300.0),
    time_constant_s=st.floats(0.05, 50.0),
    round_trip=st.floats(0.5, 1.0),
    state_of_charge=st.floats(0.0, 1.0),
    recharge_s=st.one_of(st.just(np.inf), st.floats(5.0, 100.0)),
    initial_w=st.floats(0.0, 100.0),
)
BANKS = st.builds(
    LoadBankElement, st.floats(0.0, 100.0), st.floats(0.0, 80.0), st.one_of(st.just(np.inf), st.floats(1.0, 500.0))
)
STARTS = st.builds(GradualStartElement, st.floats(0.0, 5.0), st.floats(0.0, 100.0), st.floats(0.5, 500.0))
PROFILES = st.builds(
    lambda low, floor, band, up, down, hold: SmoothingProfile(low + floor, low + floor + band, up, down, hold, low),
    st.floats(0.0, 20.0),
    st.floats(0.0, 70.0),
    st.floats(0.0, 50.0),
    st.floats(1.0, 500.0),
    st.floats(1.0, 500.0),
    st.floats(0.0, 3.0),
)
STAGGERS = st.lists(st.floats(0.0, 50.0), min_size=1, max_size=4).map(lambda shifts: StaggerElement(tuple(shifts)))
ELEMENTS = st.one_of(STORES, BANKS, STARTS, PROFILES, STAGGERS)
OF_POWER = frozenset(
    {
        "power_w", "energy_j", "initial_w", "floor_w", "ramp_down_w_per_s", "ramp_up_w_per_s", "rate_w_per_s",
        "limit_w", "ceiling_w", "idle_w", "secondary_floor_w",
    }
)  # fmt: skip


def times_k(element, k):
    """The element with everything that has watts in it k times as large."""
    changes = {n: k * v for n, v in vars(element).items() if n in OF_POWER and isinstance(v, float)}
    return replace(element, **changes)


@given(CHIPS, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_levels_of_a_device_are_in_order_and_a_server_draws_more_than_its_devices(chip, one, two):
    device = load_device_power(chip, SERVERS)
    assert 0.0 < device.level("idle") <= device.level("context") <= device.level_w.max() <= device.excess_w * (1 + 1e-9)
    low, high = sorted((one, two))
    at = [float(device.server_w(8.0 * share * device.rated_w, 8.0)) for share in (low, high)]
    assert at[0] <= at[1]
    assert at[0] >= float(device.behind_supplies_w(8.0 * low * device.rated_w, 8.0)) >= 8.0 * low * device.rated_w
    # servers are alike: twice as many draw twice as much
    assert float(device.server_w(16.0 * low * device.rated_w, 16.0)) == pytest.approx(2.0 * at[0], rel=1e-12)
    assert set(LEVELS) >= {"idle", "context"}


@given(CHIPS, st.floats(0.3, 1.2), st.floats(0.001, 10.0), st.floats(0.001, 10.0))
def test_a_burst_grows_with_its_length_and_its_limit(chip, share, burst, more):
    device = load_device_power(chip, SERVERS)
    limit = max(share * device.rated_w, device.idle_w)
    peak = burst_peak_w(device, limit, burst)
    assert device.idle_w <= peak <= max(device.level_w.max(), limit) * (1 + 1e-12)
    assert burst_peak_w(device, limit, burst + more) >= peak * (1 - 1e-12)
    assert burst_peak_w(device, limit * 1.1, burst) >= peak * (1 - 1e-12)


@given(
    st.sampled_from(sorted({e.properties["supplies"] for e in catalog.entries("device_power").values()
                            if "supplies" in e.properties})),
    st.floats(0.0, 1.2), st.floats(0.0, 1.2), st.floats(1e3, 1e9), FACTORS,
)  # fmt: skip
def test_supplies_lose_and_never_make_energy(name, one, two, capacity, k):
    curve = supply_curve(name)
    low, high = sorted((one, two))
    inputs = [float(curve.input_w(share * capacity, capacity)) for share in (low, high)]
    assert inputs[0] >= low * capacity * (1 - 1e-12)
    assert inputs[1] >= inputs[0]
    assert float(curve.input_w(k * low * capacity, k * capacity)) == pytest.approx(k * inputs[0], rel=1e-9, abs=1e-9)
    pair = together([curve, curve], np.array([capacity, 3.0 * capacity]))
    assert float(pair.input_w(low, 1.0)) == pytest.approx(float(curve.input_w(low, 1.0)), rel=1e-9, abs=1e-12)


@given(LOADS, st.lists(ELEMENTS, min_size=1, max_size=4))
def test_energy_goes_through_any_chain(load, elements):
    """Out = in + burned + lost + stored - cut, of each element and of all."""
    elements.sort(key=lambda element: ["rank", "node", "rack", "site"].index(element.level))
    done = DampingChain(tuple(elements)).apply(load, DT)
    scale = 1e-9 * (load.sum() * DT + 1e3)
    balance = 0.0
    for report in done.reports:
        assert abs(report.residual_j) <= scale
        assert min(report.burned_j, report.loss_j, report.cut_j, report.missed_j) >= -scale
        balance += report.burned_j + report.loss_j + report.stored_change_j - report.cut_j
    assert done.power_w.sum() * DT == pytest.approx(load.sum() * DT + balance, abs=len(elements) * scale)


@given(LOADS, ELEMENTS, FACTORS)
def test_k_times_the_power_is_k_times_the_energy(load, element, k):
    first, second = element.apply(load, DT).report, times_k(element, k).apply(k * load, DT).report
    for name in ("energy_out_j", "burned_j", "loss_j", "cut_j", "missed_j", "stored_change_j"):
        assert getattr(second, name) == pytest.approx(k * getattr(first, name), rel=1e-6, abs=1e-6 * k)


@given(LOADS, STORES, FACTORS)
def test_another_clock_changes_energies_by_the_clock(load, store, k):
    """All times k times as long, powers kept: energies and the store's size are k times as large, the swing is kept."""
    slow = replace(
        store, energy_j=k * store.energy_j, time_constant_s=k * store.time_constant_s, recharge_s=k * store.recharge_s
    )
    first, second = store.apply(load, DT), slow.apply(load, k * DT)
    np.testing.assert_allclose(second.power_w, first.power_w, rtol=1e-7, atol=1e-7)
    assert second.report.loss_j == pytest.approx(k * first.report.loss_j, rel=1e-7, abs=1e-7)


@given(LOADS, st.sampled_from(["battery", "none", "bank", "start", "profile"]))
def test_what_has_no_size_does_nothing(load, which):
    element = {
        "battery": StoreElement("store", "rack", 0.0, 0.0, 1.0, 0.9),
        "none": StaggerElement((0.0,)),
        "bank": LoadBankElement(0.0, 50.0, 1.0),
        "start": GradualStartElement(0.0, 1e9, 1.0),
        "profile": SmoothingProfile(0.0, 1e9, 1e12, 1e12, 0.0, 0.0),
    }[which]
    np.testing.assert_allclose(element.apply(load, DT).power_w, load, atol=1e-6)


@given(LOADS, STORES, st.floats(1.0, 4.0))
def test_an_ample_store_of_longer_memory_leaves_less_swing(load, store, more):
    """Without limits of power and energy the meter is the low-pass: a longer one swings no more."""
    ample = replace(store, power_w=np.inf, energy_j=1e9, state_of_charge=0.5, recharge_s=np.inf, initial_w=None)
    longer = replace(ample, time_constant_s=more * ample.time_constant_s)
    swings = [one.apply(np.tile(load, 8), DT).power_w[-load.size :] for one in (ample, longer)]
    assert np.ptp(swings[1]) <= np.ptp(load) + 1e-9
    assert np.ptp(swings[0]) <= np.ptp(load) + 1e-9


@given(LOADS, FACTORS, st.floats(0.0, 100.0))
def test_flattening_takes_energy_in_proportion_and_no_less_in_a_longer_record(load, k, offset):
    need = flattening_energy_j(load, DT)
    assert need >= 0.0
    assert flattening_energy_j(k * load + offset, DT) == pytest.approx(k * need, rel=1e-6, abs=1e-6)
    assert flattening_energy_j(load, k * DT) == pytest.approx(k * need, rel=1e-6, abs=1e-9)
    assert flattening_energy_j(np.tile(load, 3), DT) == pytest.approx(need, rel=1e-6, abs=1e-6)


@given(LOADS, FACTORS)
@example(np.array([1.0, 0.0, 1.4e-229, 1.1e-216, 1.0]), 1.0)
def test_cycles_are_half_the_way_that_the_charge_went(charge, k):
    """Rainflow: depth times count sums to half the variation of the record's turning points."""
    depth, count = rainflow(charge)
    assert 2.0 * (depth * count).sum() == pytest.approx(np.abs(np.diff(charge)).sum(), rel=1e-9, abs=1e-9)
    twice = rainflow(k * charge)
    assert (twice[0] * twice[1]).sum() == pytest.approx(k * (depth * count).sum(), rel=1e-9, abs=1e-9)
    assert (depth <= np.ptp(charge) + 1e-9).all()


BATTERY = Storage(
    power_w=30.0, energy_j=3000.0, round_trip=0.9, latency_s=0.0, lag_s=0.02, filter_s=5.0, charge=0.5,
    recharge_s=600.0, lead_s=0.022,
)  # fmt: skip
CYCLES = st.tuples(st.floats(20.0, 60.0), st.floats(0.0, 40.0), st.floats(0.1, 0.9), st.integers(5, 40))


def cycle(drawn):
    """A load of two levels that repeats, for 60 s of 0.1 s bins."""
    low, swing, duty, bins = drawn
    return low + swing * ((np.arange(600) % bins) < duty * bins)


@given(CYCLES, FACTORS)
def test_the_battery_of_a_site_keeps_energy_and_scales(drawn, k):
    load = cycle(drawn)
    trace = smooth(load, 0.1, BATTERY)
    net = trace.battery_w.sum() * 0.1
    assert trace.initial_j - trace.stored_j[-1] == pytest.approx(net + trace.loss_j, rel=1e-6, abs=1e-3)
    larger = smooth(k * load, 0.1, replace(BATTERY, power_w=k * 30.0, energy_j=k * 3000.0))
    np.testing.assert_allclose(larger.battery_w, k * trace.battery_w, rtol=1e-6, atol=1e-6 * k)


@given(CYCLES, st.floats(1.0, 3.0), st.floats(1.0, 3.0))
def test_a_larger_battery_never_swings_more(drawn, power, energy):
    """On a load that repeats, after its first half, with energy for all of it; more power, more energy, or both."""
    load = cycle(drawn)
    small = replace(BATTERY, power_w=8.0, energy_j=4000.0)
    large = replace(small, power_w=power * 8.0, energy_j=energy * 4000.0)
    swing = [np.ptp((load - smooth(load, 0.1, one).battery_w)[300:]) for one in (small, large)]
    assert swing[1] <= swing[0] + 1e-3 * max(drawn[1], 1.0)
    assert swing[0] <= drawn[1] + 1e-3 * max(drawn[1], 1.0)


RECORDS = st.integers(0, 2**32 - 1).map(
    lambda seed: 50.0 + np.cumsum(np.random.default_rng(seed).normal(size=1000)) + np.random.default_rng(seed).random()
)


@given(RECORDS, FACTORS, st.floats(-100.0, 100.0), st.floats(0.2, 2.0))
def test_bands_share_out_the_spectrum(record, k, offset, cut):
    """Bands that do not overlap and cover all frequencies sum to one; scale and offset change nothing."""
    edge = cut + 1e-7
    whole = band_table(record, 0.1, [(0.0, edge), (np.nextafter(edge, 9.0), 6.0)])
    for window in (0, 1):
        assert sum(shares[window].energy for shares in whole) == pytest.approx(1.0, abs=1e-9)
        assert sum(shares[window].amplitude for shares in whole) == pytest.approx(1.0, abs=1e-9)
    one, two = band_shares(record, 0.1, 0.1, cut), band_shares(k * record + offset, 0.1, 0.1, cut)
    assert (two.energy, two.amplitude) == pytest.approx((one.energy, one.amplitude), rel=1e-6, abs=1e-9)
    assert band_shares(record, 0.1, 0.1, cut + 1.0).energy >= one.energy - 1e-12


@given(RECORDS, FACTORS)
def test_a_spectrum_holds_the_variance(record, k):
    """Densities are of power squared: k times the record has k squared times the density and the variance."""
    frequency, density = welch(record, 0.1, 20.0)
    assert (density >= 0.0).all()
    _, scaled = welch(k * record, 0.1, 20.0)
    np.testing.assert_allclose(scaled, k * k * density, rtol=1e-9)
    assert frequency[-1] <= 5.0 + 1e-9
    whole = spectrogram(k * record, 0.1, 20.0).variance_w2()
    np.testing.assert_allclose(whole, k * k * spectrogram(record, 0.1, 20.0).variance_w2(), rtol=1e-9)


@given(st.integers(2, 20), st.floats(1.0, 50.0), FACTORS)
def test_harmonics_of_a_sine_are_one_line(periods, amplitude, k):
    t = np.arange(2000) * 0.05
    period = 100.0 / periods
    sine = 60.0 + amplitude * np.sin(2 * np.pi * t / period)
    lines = harmonics(k * sine, 0.05, period, most=3)
    assert lines[0].line_w == pytest.approx(k * amplitude, rel=0.02)
    assert sum(line.energy_share for line in lines) <= 1.0 + 1e-9
    assert all(line.line_w <= 0.02 * k * amplitude for line in lines[1:])


@given(LOADS, st.integers(1, 6))
def test_means_over_bins_keep_the_energy(load, factor):
    whole = load[: load.size // factor * factor]
    assert coarsen(load, factor).sum() * factor == pytest.approx(whole.sum(), rel=1e-12, abs=1e-9)
