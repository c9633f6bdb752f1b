"""A simulated and a measured waveform on one scale."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.power.trace import PowerTrace
from clustersim.report.production import overlay
from clustersim.study.it_power import step_pool
from clustersim.study.measured.waveform_match import dips, features, on_scale, phases, server_level, table
from clustersim.study.step import study_step
from clustersim.training.records import ACTIVITIES

DT = 0.025


def _cycle(length_s, deep_s=3.0, short_s=0.5):
    """Long dip at 0.2, four seconds at 0.9, short dip at 0.1, the rest at 0.8."""
    level = np.full(round(length_s / DT), 0.8)
    n = round(deep_s / DT)
    level[:n] = 0.2
    level[n : n + 160] = 0.9
    level[n + 160 : n + 160 + round(short_s / DT)] = 0.1
    return level


def test_features_of_a_waveform_that_is_known():
    lengths = (20.0, 21.0, 20.0, 21.0, 20.0)
    found = features(np.concatenate([_cycle(s) for s in lengths] + [np.full(40, 0.2)]), DT)
    # the first dip lies at the edge of the record and does not count
    assert found.period_s == pytest.approx(np.mean([21.0, 20.0, 21.0]))
    assert found.period_spread_s == pytest.approx(np.std([21.0, 20.0, 21.0]))
    assert (found.deep_s, found.deep_level) == pytest.approx((3.0, 0.2))
    assert (found.short_s, found.short_lowest, found.short_after_s) == pytest.approx((0.5, 0.1, 7.0))
    assert found.percentiles[0] == pytest.approx(0.2)
    assert found.percentiles[-1] == pytest.approx(0.9)
    assert 0.0 < found.energy_rectangular < 1.0


def test_a_sine_has_its_energy_where_its_frequency_is():
    t = DT * np.arange(8000)
    slow, fast = (0.5 + 0.5 * np.sin(2 * np.pi * f * t) for f in (0.05, 0.5))
    assert features(slow, DT).energy_rectangular == pytest.approx(0.0, abs=1e-9)
    assert features(fast, DT).energy_hann == pytest.approx(1.0, abs=1e-9)


def test_dips_at_the_edges_of_the_record_are_no_dips():
    level = np.concatenate([np.full(10, 0.1), np.full(10, 0.9), np.full(4, 0.2), np.full(10, 0.9), np.full(3, 0.0)])
    (only,) = dips(level, DT)
    assert (only.start_s, only.length_s, only.lowest) == pytest.approx((20 * DT, 4 * DT, 0.2))


def test_without_cycles_there_is_no_period():
    with pytest.raises(InputError, match="expected at least 3 dips below 0.35 of the range, found 0"):
        features(np.full(100, 0.9), DT)


def test_the_scale_goes_from_idle_to_the_highest_reading():
    assert on_scale(np.array([3e3, 9e3, 6e3]), 3e3, 1 / 3) == pytest.approx([0.0, 1.0, 0.5])
    with pytest.raises(InputError, match="idle ratio: expected a number between 0 and 1, got 1.2"):
        on_scale(np.ones(3), 1.0, 1.2)


def test_the_table_has_every_feature_once():
    found = features(np.concatenate([_cycle(20.0)] * 4 + [np.full(40, 0.2)]), DT)
    lines = table(found, found).splitlines()
    assert len(lines) == 1 + 6 + 9
    assert all(line.endswith("+0.000") for line in lines[1:])


@pytest.fixture(scope="module")
def breadth_first(scenario):
    plan = {"tensor": 8, "pipeline": 4, "virtual_stages": 4, "data": 64, "micro_batches": 8}
    study = study_step(
        scenario(job__plan={**plan, "schedule": "breadth_first", "gradient_overlap": False}, job__data_stall="200 ms")
    )
    return study, step_pool(study)


def test_phases_follow_each_other_and_make_up_the_step(breadth_first):
    study, pool = breadth_first
    found = phases(pool.traces[0])
    assert found[0].from_s == 0.0
    assert found[-1].to_s == pool.traces[0].iteration_time_s
    assert all(a.to_s == b.from_s for a, b in zip(found, found[1:], strict=False))
    assert all(phase.to_s >= phase.from_s for phase in found)
    times = {phase.name: phase.to_s - phase.from_s for phase in found}
    assert times["host"] == pytest.approx(study.timing.stall_s)
    assert times["backwards"] > times["forwards"] > times["turn"] > times["fill"]


def test_only_all_forwards_first_has_such_phases(small_study):
    _, pool = small_study
    with pytest.raises(InputError, match="expected breadth_first, whose forwards all come before its backwards"):
        phases(pool.traces[0])


def test_the_level_lies_between_what_the_devices_draw(breadth_first):
    study, pool = breadth_first
    level, starts = server_level(study, pool, DT, 0.32)
    device = study.place.power[0]
    count = float(study.plan.accelerators)
    idle = float(device.server_w(device.idle_w * count, count))
    draws = {name: float(device.level_w[ACTIVITIES.index(name)]) * count for name in ("wait", "matrix")}
    low, high = (float(on_scale(device.server_w(draws[name], count), idle, 0.32)) for name in ("wait", "matrix"))
    assert low - 1e-6 <= level.min() < level.max() <= high
    assert level.size == round(600.0 / DT)
    assert np.diff(starts) == pytest.approx(pool.iteration_time_s, rel=0.05)


def test_the_picture_shows_both_curves_and_the_phases(breadth_first):
    _, pool = breadth_first
    level = np.concatenate([_cycle(20.0)] * 4)
    drawn = overlay(level, level, DT, [(-20.0, phases(pool.traces[0]))])
    assert drawn.startswith("<svg")
    assert drawn.count("<path") == 3  # grid and two curves
    assert "simulated rank by rank" in drawn


def test_the_trace_of_a_picture_needs_cycles():
    flat = PowerTrace("flat", 0.0, DT, np.full(400, 0.9))
    with pytest.raises(InputError, match="at least 3 dips"):
        features(flat.watts, flat.dt_s)
