"""Load bank, staggering, gradual start, and chains of elements."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.power.chain import DampingChain
from clustersim.power.damped import shape
from clustersim.power.records import coarsen
from clustersim.power.shaping import (
    GradualStartElement,
    LoadBankElement,
    StaggerElement,
    delayed,
    gradual_start,
    load_bank,
    phase_stagger,
)
from clustersim.power.smoothing import SmoothingProfile
from clustersim.power.spec import GradualStart, LoadBank, PhaseStagger
from clustersim.power.stores import StoreElement

loads = st.lists(st.floats(0.0, 100.0), min_size=2, max_size=60).map(np.array)
banks = st.builds(
    LoadBankElement, st.floats(0.0, 100.0), st.floats(0.0, 80.0), st.one_of(st.just(np.inf), st.floats(1.0, 500.0))
)
DT = 0.3


def _bank_fine(load, dt, bank, parts):
    f, h, out = load[0], dt / parts, np.zeros(load.size)
    for i in range(load.size * parts):
        x = load[i // parts]
        f = max(f, x)
        middle = max(f - 0.5 * bank.ramp_down_w_per_s * h, x) if np.isfinite(bank.ramp_down_w_per_s) else x
        out[i // parts] += (
            x + min(max(bank.floor_w, middle) - x if max(bank.floor_w, middle) > x else 0.0, bank.power_w)
        ) / parts
        f = max(f - bank.ramp_down_w_per_s * h, x) if np.isfinite(bank.ramp_down_w_per_s) else x
    return out


@pytest.mark.parametrize(
    "bank",
    [
        LoadBankElement(30.0, 40.0),
        LoadBankElement(30.0, 0.0, 20.0),
        LoadBankElement(25.0, 30.0, 60.0),
        LoadBankElement(500.0, 50.0, 100.0),
    ],
)
def test_a_bank_equals_fine_steps(bank):
    load = np.random.default_rng(1).uniform(0.0, 100.0, 60)
    np.testing.assert_allclose(bank.apply(load, DT).power_w, _bank_fine(load, DT, bank, 2000), atol=0.02)


@settings(deadline=None)
@given(loads, banks, st.integers(2, 4))
def test_a_bank_keeps_account_whatever_the_bin(load, bank, parts):
    whole, fine = bank.apply(load, DT), bank.apply(np.repeat(load, parts), DT / parts)
    np.testing.assert_allclose(coarsen(fine.power_w, parts), whole.power_w, atol=1e-9)
    assert fine.report.missed_j == pytest.approx(whole.report.missed_j, abs=1e-8)
    assert abs(whole.report.residual_j) < 1e-8
    assert np.all(whole.power_w >= load - 1e-9)
    assert np.all(whole.power_w <= load + bank.power_w + 1e-9)


def test_a_bank_large_enough_holds_floor_and_ramp():
    load = np.random.default_rng(2).uniform(0.0, 100.0, 200)
    out = LoadBankElement(1e3, 30.0, 50.0).apply(load, DT).power_w
    assert out.min() >= 30.0
    assert -np.diff(out).min() <= 50.0 * DT + 1e-9


@settings(deadline=None)
@given(loads, st.lists(st.floats(0.0, 50.0), min_size=1, max_size=5))
def test_a_shift_keeps_energy_and_never_raises_the_swing(load, shifts):
    report = StaggerElement(tuple(shifts)).apply(load, DT).report
    assert abs(report.residual_j) < 1e-8
    assert report.after.peak_to_peak_w <= report.before.peak_to_peak_w + 1e-9


def test_shifts_are_exact_for_a_periodic_load():
    load = np.random.default_rng(3).uniform(0.0, 100.0, 50)
    # a shift of 2.4 bins beside one of 12 bins of a fifth
    fine = np.roll(np.repeat(load, 5), 12)
    np.testing.assert_allclose(StaggerElement((2.4 * DT,)).apply(load, DT).power_w, coarsen(fine, 5), atol=1e-9)


def test_harmonics_that_are_no_multiple_of_the_groups_cancel():
    load = np.tile(np.r_[np.full(34, 100.0), np.full(6, 30.0)], 20)
    element = phase_stagger(PhaseStagger(kind="phase_stagger", groups=4, period="4 s"))
    before, after = np.abs(np.fft.rfft(load)), np.abs(np.fft.rfft(element.apply(load, 0.1).power_w))
    assert after[20] < 1e-9 * before[20]
    assert after[80] == pytest.approx(before[80])


def test_a_gradual_start_cuts_what_is_above_its_ceiling():
    element = gradual_start(GradualStart(kind="gradual_start", start="1.25 s", initial="20 W", rate="10 W/s"))
    load = np.full(40, 70.0)
    done = element.apply(load, 0.5)
    assert done.power_w[:2] == pytest.approx(70.0)
    assert np.diff(done.power_w[3:11]) == pytest.approx(5.0)
    assert done.power_w[13:] == pytest.approx(70.0)
    assert done.report.cut_j == pytest.approx(50.0 * 5.0 / 2)
    assert abs(done.report.residual_j) < 1e-9


@settings(deadline=None)
@given(loads, st.floats(0.0, 5.0), st.floats(0.0, 100.0), st.floats(0.5, 500.0), st.integers(2, 4))
def test_a_gradual_start_is_exact_whatever_the_bin(load, start, initial, rate, parts):
    element = GradualStartElement(start, initial, rate)
    whole, fine = element.apply(load, DT), element.apply(np.repeat(load, parts), DT / parts)
    np.testing.assert_allclose(coarsen(fine.power_w, parts), whole.power_w, atol=1e-8)


def test_a_bank_of_a_specification():
    bank = load_bank(LoadBank(kind="load_bank", power="20 MW", floor="90 MW", ramp_down="1 MW/s"))
    assert (bank.power_w, bank.floor_w, bank.ramp_down_w_per_s) == (20e6, 90e6, 1e6)


def _job():
    """A job of 100 MW with an iteration of 21 s from 60 s to 700 s, at 25 ms."""
    t = 0.025 * np.arange(40000)
    wave = np.where(t % 21.0 < 17.0, 1.0, 0.2)
    return 1e8 * np.where((t > 60.0) & (t < 700.0), wave, 0.1)


SMOOTHING = SmoothingProfile(8e7, 1e8, 2.5e5, 2.5e5, 5.0, 1e7)
RACK = StoreElement("rack_storage", "rack", 1e8, 4.1e9, 40.0, 0.95, recharge_s=300.0, initial_w=1e7)


def test_smoothing_takes_the_ramps_and_the_rack_the_period():
    """The design of arXiv 2508.14318, IV-D: a store that is too small for start and end does for the iterations."""
    job, dt = _job(), 0.025
    steady = slice(20000, 27000)
    smoothed, stored = SMOOTHING.apply(job, dt), RACK.apply(job, dt)
    both = DampingChain((SMOOTHING, RACK)).apply(job, dt)
    profile, rack = both.reports
    # the profile alone leaves what lies between its floor and the peak, every 21 s
    assert np.ptp(both.power_w[steady]) < 0.25 * np.ptp(smoothed.power_w[steady])
    # the store alone runs empty at the start: the ramp of the job goes through
    assert stored.report.missed_j > 0.0
    assert rack.missed_j == 0.0
    assert rack.after.ramp_up_w_per_s < 0.1 * stored.report.after.ramp_up_w_per_s
    assert rack.after.ramp_down_w_per_s < 0.1 * profile.after.ramp_down_w_per_s
    # and behind the profile the store has less to do
    assert rack.stores[0].full_cycles < stored.report.stores[0].full_cycles
    assert [report.level for report in both.reports] == ["rank", "rack"]


def test_a_chain_keeps_account_from_end_to_end():
    chain = DampingChain((SMOOTHING, RACK, LoadBankElement(2e7, 3e7, 1e6), StaggerElement((0.0, 10.5))))
    found = chain.apply(_job(), 0.025)
    for first, second in zip(found.reports, found.reports[1:], strict=False):
        assert second.energy_in_j == first.energy_out_j
        assert second.before == first.after
    spent = sum(r.burned_j + r.loss_j + r.stored_change_j - r.cut_j for r in found.reports)
    assert found.reports[-1].energy_out_j == pytest.approx(found.reports[0].energy_in_j + spent, rel=1e-12)
    assert found.overhead > 0.0
    assert found.cut_share == sum(r.cut_j for r in found.reports) / found.reports[0].energy_in_j


def test_an_empty_chain_changes_nothing():
    found = DampingChain(()).apply(_job(), 0.025)
    np.testing.assert_array_equal(found.power_w, _job())
    assert (found.overhead, found.cut_share) == (0.0, 0.0)


def test_the_order_of_the_tree_is_asked_for():
    with pytest.raises(InputError, match="gpu_smoothing_profile acts at the rank, before rack_storage at the rack"):
        DampingChain((RACK, SMOOTHING))


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0])
def test_a_bad_waveform_is_named_with_its_row(value):
    load = np.full(10, 5.0)
    load[7] = value
    with pytest.raises(InputError, match="row 7"):
        DampingChain((RACK,)).apply(load, 1.0)
    with pytest.raises(InputError, match="at least one bin"):
        DampingChain((RACK,)).apply(np.empty(0), 1.0)


def test_ramps_of_short_and_long_records():
    assert shape(np.array([3.0]), 1.0).ramp_up_w_per_s == 0.0
    assert shape(np.array([1.0, 3.0]), 0.1).ramp_up_w_per_s == pytest.approx(20.0)
    assert shape(np.repeat([1.0, 4.0], 100), 0.1).ramp_up_w_per_s == pytest.approx(3.0)


starts = st.builds(
    GradualStartElement,
    st.floats(0.0, 5.0),
    st.floats(0.0, 60.0),
    st.floats(0.5, 500.0),
    st.one_of(st.just(np.inf), st.floats(60.0, 90.0)),
)


@settings(deadline=None)
@given(loads, starts, st.integers(2, 4))
def test_a_ceiling_with_a_limit_is_exact_whatever_the_bin(load, element, parts):
    whole, fine = element.apply(load, DT), element.apply(np.repeat(load, parts), DT / parts)
    np.testing.assert_allclose(coarsen(fine.power_w, parts), whole.power_w, atol=1e-8)
    assert abs(whole.report.residual_j) < 1e-8
    assert fine.report.active_s == pytest.approx(whole.report.active_s, abs=1e-8)
    risen = DT * np.arange(load.size) > 5.0 + 90.0 / 0.5
    assert np.all(whole.power_w[risen] <= element.limit_w + 1e-9)


def test_a_limit_holds_after_the_rise():
    done = GradualStartElement(0.0, 20.0, 10.0, 50.0).apply(np.full(20, 70.0), 1.0)
    assert done.power_w[:3] == pytest.approx([25.0, 35.0, 45.0])
    assert done.power_w[3:] == pytest.approx(50.0)
    assert done.report.active_s == pytest.approx(20.0)


def test_a_limit_below_the_start_is_refused():
    with pytest.raises(ValueError, match="limit: expected at least initial"):
        GradualStart(kind="gradual_start", initial="20 W", rate="1 W/s", limit="10 W")


def test_staggering_needs_a_period():
    with pytest.raises(InputError, match="expected a period"):
        phase_stagger(PhaseStagger(kind="phase_stagger", groups=2))


@settings(deadline=None)
@given(loads, st.floats(0.0, 50.0), st.integers(2, 4), st.integers(1, 60))
def test_a_delay_is_exact_whatever_the_bin(load, delay, parts, known):
    whole = delayed(load, DT, delay, load[:known])
    fine = delayed(np.repeat(load, parts), DT / parts, delay, np.repeat(load[:known], parts))
    np.testing.assert_allclose(coarsen(fine, parts), whole, atol=1e-9)


def test_a_delay_puts_what_came_before_in_front():
    np.testing.assert_allclose(delayed(np.arange(5.0), 1.0, 2.0, np.array([7.0, 8.0])), [7, 8, 0, 1, 2])
    np.testing.assert_allclose(delayed(np.arange(5.0), 1.0, 3.0, np.array([9.0])), [9, 9, 9, 0, 1])
    np.testing.assert_allclose(delayed(np.arange(5.0), 1.0, 0.25, np.array([8.0])), [2, 0.75, 1.75, 2.75, 3.75])


@pytest.mark.parametrize(
    "element",
    [
        LoadBankElement(0.0, 80.0, 1.0),
        LoadBankElement(50.0),
        StaggerElement((0.0,)),
        GradualStartElement(0.0, 200.0, 1.0),
        StoreElement("store", "site", 0.0, 10.0, 1.0),
        StoreElement("store", "site", 10.0, 0.0, 1.0),
    ],
)
def test_an_element_of_no_size_changes_nothing(element):
    load = np.random.default_rng(4).uniform(0.0, 100.0, 50)
    done = element.apply(load, DT)
    np.testing.assert_allclose(done.power_w, load, rtol=1e-12)
    assert done.report.cut_j + done.report.burned_j + done.report.loss_j == pytest.approx(0.0, abs=1e-9)


@settings(deadline=None)
@given(loads, banks, st.floats(0.0, 50.0))
def test_more_load_bank_never_lowers_the_power(load, bank, more):
    larger = LoadBankElement(bank.power_w + more, bank.floor_w, bank.ramp_down_w_per_s)
    assert np.all(larger.apply(load, DT).power_w >= bank.apply(load, DT).power_w - 1e-9)
    assert larger.apply(load, DT).report.missed_j <= bank.apply(load, DT).report.missed_j + 1e-8
