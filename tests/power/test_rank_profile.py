"""The smoothing profile at rank level: the engine from event to event beside the exact bins of the library function."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.power import bin_kernels as columns
from clustersim.power import profile_kernels as kernels
from clustersim.power.smoothing import SmoothingProfile, device_profile, smooth_ranks, start_lost_s
from clustersim.power.spec import GpuSmoothing, SmoothingProfileSpec
from clustersim.power.stores import low_pass
from clustersim.power.waveform import EXCHANGE, IDLE, Binner, power_tables, profile_row
from tests.drawn import examples

TAU = 0.007
PROFILE = SmoothingProfile(
    floor_w=600.0, ceiling_w=770.0, ramp_up_w_per_s=400.0, ramp_down_w_per_s=300.0, hysteresis_s=0.3, idle_w=75.0
)


def _drive(edges, watts, profile, dt, bins, *, held=False):
    """Bin means behind the lag of one group that asks for `watts` between `edges`, and drawn, burned and cut [J]."""
    row = np.array(profile_row(profile, 700.0))
    state, cells = np.zeros(kernels.STATES), np.zeros((1, bins, columns.COLUMNS))
    decay, account = columns.decay_table(dt, TAU), np.zeros(3)
    kernels.meet(state, row, 0.0, False, 0.0)
    state[kernels.HELD] = float(held)
    state[kernels.ASKED] = watts[0]
    kernels.drive(
        cells[0], state, row, edges[1:-1], watts[1:], len(watts) - 1, edges[-1], np.inf, 1.0, dt, TAU, decay, account
    )
    mean = np.empty((1, bins))
    due = columns.finish_bins(cells, bins, dt, TAU, np.zeros((1, 3)), mean)
    return mean[0], due[0], account


_jobs = st.lists(st.tuples(st.floats(0.01, 1.5), st.floats(0.0, 800.0)), min_size=1, max_size=12)


@settings(max_examples=examples(60), deadline=None)
@given(_jobs, st.floats(0.0, 0.5), st.floats(50.0, 5000.0), st.floats(50.0, 5000.0))
def test_energies_are_those_of_the_exact_bins(pieces, hold, up, down):
    profile = dataclasses.replace(PROFILE, hysteresis_s=hold, ramp_up_w_per_s=up, ramp_down_w_per_s=down)
    edges = np.concatenate([[0.0], np.cumsum([length for length, _ in pieces])])
    watts = np.array([power for _, power in pieces])
    dt = 0.01
    bins = int(np.ceil(edges[-1] / dt)) + 1
    mean, due, (drawn, burned, cut) = _drive(edges, watts, profile, dt, bins)
    end = edges[-1]
    whole = np.append(edges[:-1], end)
    # the library drops a last partial bin, so that its bins are cut to end with the record
    fine, expected_burned, expected_cut = smooth_ranks([whole], [watts], end / 64, [profile])
    assert burned == pytest.approx(expected_burned, rel=1e-9, abs=1e-6)
    assert cut == pytest.approx(expected_cut, rel=1e-9, abs=1e-6)
    assert drawn == pytest.approx(fine.sum() * end / 64, rel=1e-9)
    assert drawn == pytest.approx(watts @ np.diff(edges) + burned - cut, rel=1e-9, abs=1e-6)
    # after the last event the power goes on to the end of the bins: level and slope are the state's
    assert np.isfinite(mean).all()
    assert np.isfinite(due)


def test_bin_means_behind_the_lag_are_those_of_the_exact_bins():
    rng = np.random.default_rng(3)
    lengths, watts = rng.uniform(0.05, 0.9, 30), rng.choice([75.0, 150.0, 300.0, 560.0, 690.0], 30)
    dt, fine = 0.01, 500
    edges = np.concatenate([[0.0], np.cumsum(lengths)])
    bins = int(edges[-1] / dt)
    mean, _, _ = _drive(edges, watts, PROFILE, dt, bins)
    smoothed, _, _ = smooth_ranks([edges], [watts], dt / fine, [PROFILE])
    # the lag of fine bins taken as constant: the error is a slope of 400 W/s over 20 microseconds
    expected = low_pass(smoothed[: bins * fine], dt / fine, TAU, smoothed[0])[0].reshape(-1, fine).mean(axis=1)
    np.testing.assert_allclose(mean, expected, atol=0.02)
    assert np.ptp(mean) > 300.0


def test_a_held_floor_stays_and_a_released_one_falls():
    edges, watts = np.array([0.0, 3.0, 8.0]), np.array([690.0, 150.0])
    held, _, _ = _drive(edges, watts, PROFILE, 0.01, 800, held=True)
    free, _, _ = _drive(edges, watts, PROFILE, 0.01, 800)
    assert held[310:].tolist() == pytest.approx([600.0] * 490)
    # 0.3 s of hysteresis, then 300 W/s down to what is asked for
    assert free[305:329] == pytest.approx(600.0, rel=1e-3)
    assert (free[400] - free[420]) / 0.2 == pytest.approx(300.0, rel=1e-6)
    assert free[-50:] == pytest.approx(150.0, rel=1e-6)


def test_the_start_is_cut_by_the_ceiling():
    """From idle the ceiling is at idle + (ceiling - floor) and rises at the rate."""
    edges, watts = np.array([0.0, 2.0]), np.array([690.0])
    mean, _, (_, burned, cut) = _drive(edges, watts, PROFILE, 0.001, 2000)
    band = PROFILE.ceiling_w - PROFILE.floor_w
    assert (mean[600] - mean[500]) / 0.1 == pytest.approx(400.0, rel=1e-6)
    assert mean[500] == pytest.approx(75.0 + band + 400.0 * (0.5005 - TAU), rel=1e-4)
    reached = (690.0 - 75.0 - band) / 400.0
    assert cut == pytest.approx(0.5 * 400.0 * reached**2, rel=1e-9)
    assert burned == 0.0


@pytest.mark.parametrize("holds", [True, False])
def test_an_infinitely_quick_profile_is_a_clip(traces, fleet, devices, holds):
    """Without hysteresis and with endless rates nothing is burned; held, it is the floor of a running job."""
    from clustersim.power.device_damping import DeviceDamping

    profiles = [
        SmoothingProfile(0.6 * d.rated_w, 1.2 * d.rated_w, 1e12, 1e12, 0.0, d.idle_w) for d in devices
    ]  # fmt: skip
    tables = power_tables(traces[0].timing, fleet, devices, DeviceDamping(), profiles, holds=holds)
    plain = power_tables(traces[0].timing, fleet, devices, DeviceDamping())
    made = []
    for table in (tables, plain):
        binner = Binner(table, fleet, 4, 2, 400, 0.01)
        binner.add_step(traces[0], 0.0)
        made.append(binner.energy)
    if holds:
        assert (made[0][:, 1] > 0.0).all()
    else:
        assert made[0][:, 1] == pytest.approx([0.0, 0.0], abs=1.0)
        assert made[0][:, 0] == pytest.approx(made[1][:, 0], rel=1e-6)
    assert made[0][:, 2] == pytest.approx([0.0, 0.0], abs=1e-6)


def test_bins_taken_piece_by_piece_are_the_same(traces, fleet, tables_of):
    """Streaming: the first bins are taken while steps go on, with and without a profile."""
    for name in ("none", "both"):
        whole = Binner(tables_of(name), fleet, 4, 2, 900, 0.002)
        pieces = Binner(tables_of(name), fleet, 4, 2, 450, 0.002)
        found, t = [], 0.0
        for index in range(6):
            trace = traces[index % 2]
            whole.add_step(trace, t)
            while t - pieces.origin_s > 0.2:
                found.append(pieces.take(50))
            pieces.add_step(trace, t)
            t += trace.iteration_time_s
            if t + 0.4 > 1.8:
                break
        expected, _ = whole.finish()
        rest, _ = pieces.finish()
        joined = np.hstack([*found, rest])[:, : expected.shape[1]]
        assert len(found) >= 3
        until = int(t / 0.002)
        np.testing.assert_allclose(joined[:, :until], expected[:, :until], rtol=1e-9)


def test_states_before_a_start_and_the_ramp_at_it(traces, fleet, tables_of):
    """Idle, then a job: the rise is no steeper than the profile's rate, but for its band at the start."""
    tables = tables_of("floor")
    binner = Binner(tables, fleet, 4, 2, 2000, 0.001)
    binner.set_state(IDLE, 0.0)
    binner.add_step(traces[0], 0.1)
    watts = binner.finish()[0].sum(axis=0)
    idle = 4 * tables.level_raw_w[:, fleet.unit_class, IDLE].sum()
    assert watts[:99] == pytest.approx(idle)
    rate = 4 * tables.profile[:, fleet.unit_class, kernels.UP].sum()
    band = 4 * tables.profile[:, fleet.unit_class, kernels.BAND].sum()
    edges = 0.001 * np.arange(1, 2001)
    ceiling = idle + band + rate * np.maximum(edges - 0.1, 0.0)
    assert (watts <= ceiling * (1 + 1e-9)).all()
    assert binner.energy[:, 2].min() > 0.0


def test_detection_behind_a_held_floor(fleet, tables_of):
    """Ranks that spin are a running job: a held floor stays until the accelerators idle, then falls."""
    tables = tables_of("floor")
    binner = Binner(tables, fleet, 4, 2, 600, 0.01)
    binner.set_state(EXCHANGE, 0.0, filled=True)
    binner.set_state(IDLE, 1.0)
    watts = binner.finish()[0].sum(axis=0)
    floor = 4 * tables.profile[:, fleet.unit_class, kernels.FLOOR].sum()
    assert watts[:99] == pytest.approx(floor)
    assert watts[-1] < watts[350] < watts[310] <= floor


def test_what_a_start_costs(devices):
    """The work that the ceiling refuses, beside the engine's account of a start at full power."""
    device = devices[0]
    asked = (SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="80 %", ramp_up_rate="50 W/s"),)
    profile, _ = device_profile(asked, device)
    x = device.level("matrix")
    _, _, (_, _, cut) = _drive(np.array([0.0, 60.0]), np.array([x]), profile, 0.1, 600)
    assert start_lost_s(asked, device) == pytest.approx(cut / (x - profile.low_w), rel=1e-9)
    assert start_lost_s((), device) == 0.0
    quick = (SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="20 %", ceiling="200 %"),)
    assert start_lost_s(quick, device) == 0.0


def test_what_a_scenario_may_not_ask_for(devices):
    two = (GpuSmoothing(kind="gpu_smoothing", floor="60 %"), GpuSmoothing(kind="gpu_smoothing", floor="70 %"))
    with pytest.raises(InputError, match="found two"):
        device_profile(two, devices[0])
    timed = SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="60 %", release="5 s")
    with pytest.raises(InputError, match="release is a time on a measured trace"):
        device_profile((timed,), devices[0])
    low = SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="5 %")
    with pytest.raises(InputError, match="on H100-SXM: expected idle and secondary floor <= floor"):
        device_profile((low,), devices[0])
