"""The smoothing profile: exact against fine steps, whatever the bin; energies; limits."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.power.records import coarsen
from clustersim.power.smoothing import (
    SmoothingProfile,
    energy_overhead,
    profile_of,
    smooth,
    smooth_ranks,
)
from clustersim.power.spec import SmoothingProfileSpec

PROFILE = SmoothingProfile(
    floor_w=650.0, ceiling_w=1100.0, ramp_up_w_per_s=700.0, ramp_down_w_per_s=300.0, hysteresis_s=0.35, idle_w=100.0
)
powers = st.lists(st.floats(0.0, 1200.0), min_size=1, max_size=40).map(np.array)


def profiles(draw_release=True):
    return st.builds(
        lambda low, floor, band, up, down, hold, release: SmoothingProfile(
            low + floor, low + floor + band, up, down, hold, low, release_s=release if draw_release else None
        ),
        st.floats(0.0, 200.0),
        st.floats(0.0, 700.0),
        st.floats(0.0, 500.0),
        st.floats(10.0, 5e3),
        st.floats(10.0, 5e3),
        st.one_of(st.just(0.0), st.floats(1e-3, 3.0)),
        st.one_of(st.none(), st.floats(0.0, 20.0)),
    )


def _fine(power, dt, p, parts):
    """The law in the notes of `smooth`, stepped."""
    f, below, full, h = p.low_w, 0.0, p.low_w >= p.floor_w, dt / parts
    release = -np.inf if p.release_s is None else p.release_s
    out, burned, cut = np.zeros(power.size), 0.0, 0.0
    for i in range(power.size * parts):
        x = power[i // parts]
        goal = p.floor_w if full and i * h < release else min(max(x, p.low_w), p.floor_w)
        drawn = min(max(x, f), f + p.ceiling_w - p.floor_w)
        out[i // parts] += drawn / parts
        burned += max(drawn - x, 0.0) * h
        cut += max(x - drawn, 0.0) * h
        below = 0.0 if x >= f else below + h
        if f < goal:
            f = min(goal, f + p.ramp_up_w_per_s * h)
        elif f > goal and below >= p.hysteresis_s:
            f = max(goal, f - p.ramp_down_w_per_s * h)
        full = full or f >= p.floor_w
    return out, burned, cut


@pytest.mark.parametrize("release", [None, 9.0])
@pytest.mark.parametrize("hold", [0.0, 0.35])
def test_it_equals_fine_steps(release, hold):
    p = SmoothingProfile(650.0, 1100.0, 700.0, 300.0, hold, 100.0, release_s=release)
    power = np.random.default_rng(1).uniform(0.0, 1200.0, 30)
    done = smooth(power, 0.5, p)
    out, burned, cut = _fine(power, 0.5, p, 4000)
    np.testing.assert_allclose(done.power_w, out, atol=1.0)
    assert done.report.burned_j == pytest.approx(burned, rel=2e-3)
    assert done.report.cut_j == pytest.approx(cut, rel=2e-3)


@settings(deadline=None)
@given(powers, profiles(), st.integers(2, 5))
def test_the_bin_does_not_matter(power, p, parts):
    whole, fine = smooth(power, 0.5, p), smooth(np.repeat(power, parts), 0.5 / parts, p)
    np.testing.assert_allclose(coarsen(fine.power_w, parts), whole.power_w, rtol=1e-9, atol=1e-6)
    assert fine.report.burned_j == pytest.approx(whole.report.burned_j, rel=1e-9, abs=1e-6)
    assert fine.report.active_s == pytest.approx(whole.report.active_s, rel=1e-9, abs=1e-6)


@settings(deadline=None)
@given(powers, profiles())
def test_energy_is_accounted_for(power, p):
    report = smooth(power, 0.5, p).report
    assert abs(report.residual_j) <= 1e-9 * max(1.0, report.energy_in_j + report.burned_j)
    assert min(report.burned_j, report.cut_j, report.active_s) >= 0.0
    assert report.active_s <= 0.5 * power.size * (1 + 1e-12)


@settings(deadline=None)
@given(powers, profiles())
def test_power_stays_within_its_limits(power, p):
    out = smooth(power, 0.5, p).power_w
    assert out.min() >= min(power.min(), p.low_w) - 1e-6
    assert out.max() <= p.ceiling_w + 1e-6


@settings(deadline=None)
@given(powers)
def test_a_floor_of_nothing_and_no_ceiling_is_the_identity(power):
    out = smooth(power, 0.5, SmoothingProfile(0.0, 1e9, 100.0, 100.0)).power_w
    np.testing.assert_allclose(out, power, rtol=1e-12, atol=1e-9)


def test_once_the_floor_is_up_a_band_of_nothing_is_flat():
    p = SmoothingProfile(600.0, 600.0, 1e6, 1e6, release_s=1e9)
    out = smooth(np.r_[700.0, np.random.default_rng(1).uniform(0, 1200, 50)], 0.5, p).power_w
    assert out[1:] == pytest.approx(600.0)


def test_start_and_end_ramp_at_the_rates_of_the_profile():
    power = np.where(np.arange(600) < 300, 1000.0, 100.0)
    out = smooth(power, 0.1, PROFILE).power_w
    assert np.diff(out[:6]) == pytest.approx(70.0)
    # at rest for the hysteresis, then down to idle
    assert out[300:303] == pytest.approx(650.0)
    assert np.diff(out[304:321]) == pytest.approx(-30.0)
    assert out[330:] == pytest.approx(100.0)


def test_the_secondary_floor_is_kept():
    p = SmoothingProfile(650.0, 1100.0, 700.0, 300.0, 0.0, 100.0, secondary_floor_w=250.0)
    power = np.where(np.arange(200) < 100, 1000.0, 100.0)
    assert smooth(power, 0.1, p).power_w[150:] == pytest.approx(250.0)


def test_a_dip_shorter_than_the_hysteresis_leaves_the_floor_up():
    power = np.where((np.arange(300) > 100) & (np.arange(300) < 104), 100.0, 1000.0)
    assert smooth(power, 0.1, PROFILE).power_w[101:104] == pytest.approx(650.0)


def test_ranks_with_their_own_times_add_up():
    rng = np.random.default_rng(2)
    edges = [np.r_[0.0, np.sort(rng.uniform(0, 10, 20)), 10.0] for _ in range(3)]
    watts = [rng.uniform(0, 1200, 21) for _ in range(3)]
    total, burned, cut = smooth_ranks(edges, watts, 0.25, [PROFILE] * 3)
    alone = [smooth_ranks([e], [w], 0.25, [PROFILE]) for e, w in zip(edges, watts, strict=True)]
    np.testing.assert_allclose(total, sum(a[0] for a in alone), rtol=1e-12)
    assert burned == pytest.approx(sum(a[1] for a in alone))
    drawn = sum(float(w @ np.diff(e)) for e, w in zip(edges, watts, strict=True))
    assert total.sum() * 0.25 == pytest.approx(drawn + burned - cut, rel=1e-9)


def test_changes_on_the_grid_equal_a_waveform():
    power = np.random.default_rng(3).uniform(0, 1200, 40)
    total, _, _ = smooth_ranks([0.5 * np.arange(41)], [power], 0.5, [PROFILE])
    np.testing.assert_allclose(total, smooth(power, 0.5, PROFILE).power_w, rtol=1e-12)


@pytest.mark.parametrize(
    ("edges", "watts", "count", "words"),
    [
        ([[0.0, 1.0], [0.0, 2.0]], [[1.0], [1.0]], 2, "end together"),
        ([[0.0, 1.0]], [[1.0, 2.0]], 1, "one edge more"),
        ([[0.0, 1.0]], [[1.0]], 2, "a profile for every rank"),
    ],
)
def test_ranks_that_do_not_fit_are_refused(edges, watts, count, words):
    with pytest.raises(ValueError, match=words):
        smooth_ranks([np.array(e) for e in edges], [np.array(w) for w in watts], 0.5, [PROFILE] * count)


@pytest.mark.parametrize("changes", [{"floor_w": 50.0}, {"ceiling_w": 600.0}, {"ramp_up_w_per_s": 0.0}])
def test_a_profile_that_cannot_hold_is_refused(changes):
    values = {"floor_w": 650.0, "ceiling_w": 1100.0, "ramp_up_w_per_s": 700.0, "ramp_down_w_per_s": 300.0}
    with pytest.raises(ValueError, match="expected"):
        SmoothingProfile(**{**values, "idle_w": 100.0, **changes})


def test_the_fields_of_the_vendor():
    spec = SmoothingProfileSpec(
        kind="gpu_smoothing_profile",
        percent_tmp_floor="65 %",
        ramp_up_rate="70 W/s",
        ramp_down_hysteresis="5000 ms",
        secondary_power_floor="250 W",
    )
    p = profile_of(spec, tmp_w=1000.0, idle_w=180.0, devices=4)
    figures = catalog.entry("device_power", "damping")
    assert p.floor_w == pytest.approx(2600.0)
    assert p.ramp_up_w_per_s == pytest.approx(280.0)
    assert p.ramp_down_w_per_s == pytest.approx(4000.0 * figures.si("smoothing.ramp"))
    assert p.hysteresis_s == 5.0
    assert p.low_w == pytest.approx(1000.0)
    assert p.ceiling_w == pytest.approx(4400.0)


def test_the_share_of_added_energy_falls_with_idle_power():
    before, after = np.array([0.0, 1.0]), np.array([0.5, 1.0])
    assert energy_overhead(before, after, 0.0) == pytest.approx(0.5)
    assert energy_overhead(before, after, 0.5) == pytest.approx(0.25 / 1.5)
