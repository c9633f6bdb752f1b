"""Bins of power: conservation of energy, exact means behind the lag, damping and its price."""

import dataclasses
import itertools
import math

import numpy as np
import pytest

from clustersim.power.device_damping import DeviceDamping
from clustersim.power.dummy import filled_power
from clustersim.power.gap_kernels import DELAY
from clustersim.power.rank_kernels import BURNED, OTHER
from clustersim.power.waveform import EXCHANGE, IDLE, OPTIMIZER, WAIT, Binner, power_tables

NAMES = ("none", "floor", "fill", "both", "damper", "secondary", "interleave", "shaped")


def _gap(segments, begin, end, low, filler):
    """Add a gap, filled part by part without any limit to their number."""
    if end <= begin:
        return
    turns = [(begin, low)]
    if filler.size > 1:
        _, delay, lead, share, repeat = filler[:5]
        parts = list(zip(filler[5::2], filler[6::2], strict=True))
        at = begin + delay
        stop = at + share * (end - lead - at)
        cycle = itertools.cycle(parts) if repeat else iter(parts)
        while at < stop and (part := next(cycle, None)):
            turns.append((at, max(low, part[1])))
            at = min(at + part[0], stop)
        turns += [(at, low)] if at > begin + delay else []
    segments += [
        (a, b, watts) for (a, watts), b in zip(turns, [at for at, _ in turns[1:]] + [end], strict=True) if b > a
    ]


def _segments(trace, fleet, tables, kind, u, stage):
    """Piecewise constant power of one kind in one stage of a unit over one step: (begin, end, watts)."""
    schedule, c = trace.timing.schedule, fleet.unit_class[u]
    virtual = trace.timing.operation_s.shape[2]
    first = stage * schedule.per_stage
    filler, level = tables.fillers[kind, c], tables.level_w[kind, c]
    found, free = [], 0.0
    for position in range(schedule.per_stage):
        begin, end = trace.start_s[u, first + position], trace.end_s[u, first + position]
        watts = tables.operation_w[
            kind, c, schedule.kind[stage, position] * virtual + schedule.virtual_stage[stage, position]
        ]
        _gap(found, free, begin, level[WAIT], filler)
        if end > begin:
            found.append((begin, end, watts))
        free = end
    _gap(found, free, trace.optimizer_start_s, level[EXCHANGE], filler)
    found.append((trace.optimizer_start_s, trace.optimizer_end_s[stage], level[OPTIMIZER]))
    _gap(found, trace.optimizer_end_s[stage], trace.iteration_time_s, level[EXCHANGE], filler)
    floor = tables.profile[kind, c, 1] if tables.profile.size else 0.0
    return [(begin, end, max(watts, floor)) for begin, end, watts in found]


def _twin(segments, tau, dt, bins):
    """Bin means of the first-order lag of piecewise constant power, integrated piece by piece.

    The lag starts settled. Also returns by how much the pieces hold more than the bins: tau (y at end - y at start).
    """
    edges = dt * np.arange(bins + 1)
    points = sorted({*edges, *(s[0] for s in segments), *(s[1] for s in segments)})
    points = [p for p in points if p <= edges[-1]]
    energy = np.zeros(bins)
    order = sorted(segments)
    y, at = order[0][2], 0
    for begin, end in zip(points, points[1:], strict=False):
        middle = 0.5 * (begin + end)
        while at < len(order) and order[at][1] <= middle:
            at += 1
        x = order[at][2] if at < len(order) and order[at][0] <= middle else 0.0
        keep = math.exp(-(end - begin) / tau)
        later = x + (y - x) * keep
        energy[min(int(middle / dt), bins - 1)] += x * (end - begin) + tau * (y - later)
        y = later
    return energy / dt, tau * (y - order[0][2])


@pytest.mark.parametrize("name", NAMES)
def test_bins_equal_a_piecewise_integration(traces, fleet, tables_of, binned, name):
    tables, dt = tables_of(name), 0.01
    binner, mean, due = binned(name, dt)
    expected, owed = np.zeros_like(mean), np.zeros(2)
    for u, kind, stage in itertools.product(range(4), range(2), range(traces[0].timing.schedule.stages)):
        node = fleet.unit_node[u]
        if fleet.class_members[fleet.unit_class[u], kind]:
            segments = _segments(traces[0], fleet, tables, kind, u, stage)
            shift = traces[0].iteration_time_s
            segments += [(b + shift, e + shift, w) for b, e, w in _segments(traces[1], fleet, tables, kind, u, stage)]
            means, left = _twin(segments, tables.time_constant_s, dt, mean.shape[1])
            expected[node] += means
            owed[node] += left
    np.testing.assert_allclose(mean, expected, rtol=1e-9, atol=1e-9 * expected.max())
    np.testing.assert_allclose(due, owed, rtol=1e-6, atol=1e-6)
    assert binner.energy[:, 0] == pytest.approx(expected.sum(axis=1) * dt + owed, rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dt", [0.001, 0.01, 0.1])
@pytest.mark.parametrize("t0", [0.0, 0.01234])
def test_bins_and_what_is_due_hold_the_energy_of_the_ranks(binned, name, dt, t0):
    binner, mean, due = binned(name, dt, t0)
    assert mean.sum(axis=1) * dt + due == pytest.approx(binner.energy[:, 0], rel=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_what_the_lag_owes_comes_later(binned, name):
    start = 0.05  # so that the lag starts at rest
    length = binned(name, t0_s=start)[1].shape[1]
    _, short, due = binned(name, t0_s=start, bins=length - 4)
    _, long, later = binned(name, t0_s=start, bins=length + 200)
    assert long[:, : length - 4] == pytest.approx(short)
    assert later == pytest.approx([0.0, 0.0], abs=1e-6)
    assert long[:, length - 4 :].sum(axis=1) * 0.01 == pytest.approx(due, rel=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_coarse_bins_are_the_means_of_fine_ones(binned, name):
    count = binned(name, 0.01)[1].shape[1]
    fine = binned(name, 0.001, bins=10 * count)[1]
    coarse = binned(name, 0.01, bins=count)[1]
    np.testing.assert_allclose(coarse, fine.reshape(2, -1, 10).mean(axis=2), rtol=1e-9, atol=1e-9 * coarse.max())


@pytest.mark.parametrize("name", NAMES[1:])
def test_damping_adds_what_it_burns(binned, name):
    damped, bare = binned(name)[0].energy, binned("none")[0].energy
    # what another job uses is no loss
    added = OTHER if name == "interleave" else BURNED
    assert (damped[:, added] > 0.0).all()
    assert (bare[:, 1:] == 0.0).all()
    assert damped[:, 0] == pytest.approx(bare[:, 0] + damped[:, added], rel=1e-9)


def test_a_floor_lifts_every_sample_of_a_running_job(binned, fleet, devices):
    floor = binned("floor")[1][:, 20:60]
    rated = np.array([device.rated_w for device in devices])
    per_unit = 4 * (fleet.class_members[fleet.unit_class] @ rated) * 0.6
    for node in range(2):
        assert floor[node].min() >= per_unit[fleet.unit_node == node].sum() * (1 - 1e-9)
    assert np.ptp(floor) < np.ptp(binned("none")[1][:, 20:60])


def test_a_gap_shorter_than_the_detection_burns_nothing(traces, fleet, tables_of):
    longest = max(trace.iteration_time_s for trace in traces)
    energies = {}
    for detection in (longest, 0.0):
        tables = tables_of("fill")
        late = tables.fillers.copy()
        late[..., DELAY] = detection
        tables = dataclasses.replace(tables, fillers=late)
        binner = Binner(tables, fleet, 4, 2, 1000, 0.01)
        binner.add_step(traces[0], 0.0)
        energies[detection] = binner.energy
    bare = Binner(tables_of("none"), fleet, 4, 2, 1000, 0.01)
    bare.add_step(traces[0], 0.0)
    assert energies[longest][:, 1].tolist() == [0.0, 0.0]
    assert energies[longest][:, 0] == pytest.approx(bare.energy[:, 0], rel=1e-12)
    assert (energies[0.0][:, 1] > 0.0).all()


@pytest.mark.parametrize("name", ["none", "both"])
@pytest.mark.parametrize("when", [0.0, 0.3])
def test_a_dead_unit_idles_and_the_others_wait(traces, fleet, tables_of, name, when):
    """A unit dies in the middle of a step; energy is conserved, and the dead unit draws its idle power."""
    tables, trace, dt, unit = tables_of(name), traces[0], 0.01, 2
    dead_s, held_s = when * trace.iteration_time_s, 3.0 * trace.iteration_time_s
    bins = int(held_s / dt) + 2
    binner = Binner(tables, fleet, 4, 2, bins, dt)
    binner.add_step(trace, 0.0, dead_unit=unit, dead_s=dead_s, held_until_s=held_s)
    binner.clear(held_s)
    mean, due = binner.finish()
    assert mean.sum(axis=1) * dt + due == pytest.approx(binner.energy[:, 0], rel=1e-9)
    # only the dead unit, by giving the others no share
    share = np.zeros((4, 4))
    share[unit] = 1.0
    alone = Binner(tables, fleet, 4, 2, bins, dt, share)
    alone.add_step(trace, 0.0, dead_unit=unit, dead_s=dead_s, held_until_s=held_s)
    watts = alone.finish()[0][0]
    idle = 4 * tables.level_w[:, fleet.unit_class[unit], IDLE].sum()
    if name == "none":
        assert watts[int(dead_s / dt) + 20 : -2] == pytest.approx(idle, rel=1e-6)
    else:
        # the floor of a dead unit falls after the hysteresis, from 40 % of the rated power at 7 % of it per second
        assert (np.diff(watts[int(dead_s / dt) + 20 : -2]) < 1e-6).all()
        assert watts[-3] >= idle * (1 - 1e-6)
    # the ranks that are alive spin to the end in a collective that moves nothing, filled where the damping fills
    c = fleet.unit_class[0]
    level = filled_power(tables.fillers, tables.level_w[:, :, WAIT])[:, c].sum()
    share = np.zeros((4, 4))
    share[0] = 1.0
    alive = Binner(tables, fleet, 4, 2, bins, dt, share)
    alive.add_step(trace, 0.0, dead_unit=unit, dead_s=dead_s, held_until_s=held_s)
    assert alive.finish()[0][0][-5:-2] == pytest.approx(4 * level, rel=1e-6)


def test_a_burst_after_a_rest_exceeds_a_lowered_limit(traces, fleet, devices):
    """Energy above the limit: the overshoot for its duration after every rest that is long enough, and no more."""
    capped = power_tables(traces[0].timing, fleet, devices, DeviceDamping(cap_share=0.6))
    assert capped.burst_s > 0.0
    # the small step of these tests has rests of milliseconds
    capped = dataclasses.replace(capped, burst_s=2e-3)
    none = dataclasses.replace(capped, burst_w=np.zeros_like(capped.burst_w))
    free = power_tables(traces[0].timing, fleet, devices, DeviceDamping())
    assert not free.burst_w.any()
    kind, u, stage = 0, 0, 3
    share = np.zeros((4, 4))
    share[u, stage] = 1.0
    drawn = []
    for tables in (capped, none):
        binner = Binner(tables, fleet, 4, 2, 10, 0.01, share)
        binner.add_step(traces[0], 0.0)
        drawn.append(binner.energy[:, 0].sum())
    schedule, found, rest, until = traces[0].timing.schedule, 0.0, 0.0, 0.0
    virtual, before = traces[0].timing.operation_s.shape[2], 0.0
    for position in range(schedule.per_stage):
        number = stage * schedule.per_stage + position
        begin, end = traces[0].start_s[u, number], traces[0].end_s[u, number]
        rest += begin - before
        if rest >= capped.burst_s:
            until = begin + capped.burst_s
        column = schedule.kind[stage, position] * virtual + schedule.virtual_stage[stage, position]
        found += capped.burst_w[kind, 0, column] * max(0.0, min(until, end) - begin)
        before, rest = end, 0.0
    assert found > 0.0
    assert drawn[0] - drawn[1] == pytest.approx(found, rel=1e-9)
    # never above what the accelerator draws without a limit
    assert (capped.operation_w + capped.burst_w <= free.operation_w * (1 + 1e-12)).all()


def test_shares_split_the_power(traces, fleet, tables_of):
    tables, halves = tables_of("none"), []
    for share in (0.25, 0.75, 1.0):
        binner = Binner(tables, fleet, 4, 2, 300, 0.01, np.full((4, 4), share))
        binner.add_step(traces[0], 0.0)
        halves.append(binner.finish()[0])
    np.testing.assert_allclose(halves[0] + halves[1], halves[2], rtol=1e-12)


def test_states_hold_their_level_and_change_with_the_lag(fleet, tables_of):
    tables, dt = tables_of("none"), 0.001
    binner = Binner(tables, fleet, 4, 2, 400, dt)
    binner.set_state(IDLE, 0.0)
    binner.set_state(EXCHANGE, 0.1)
    mean, _ = binner.finish()
    idle, exchange = (
        4 * sum(tables.level_raw_w[:, fleet.unit_class[u], state].sum() for u in (0, 2)) for state in (IDLE, EXCHANGE)
    )
    # settled before the first bin, and undamped: no job runs
    assert mean[0, :99] == pytest.approx(idle)
    # exact bin means of 1 - exp(-t / tau)
    edges, tau = dt * np.arange(301), tables.time_constant_s
    rise = 1.0 - tau / dt * (np.exp(-edges[:-1] / tau) - np.exp(-edges[1:] / tau))
    assert mean[0, 100:] == pytest.approx(idle + (exchange - idle) * rise, rel=1e-9)


def test_power_of_an_operation_is_the_mean_over_its_parts(traces, fleet, tables_of, devices):
    timing, tables = traces[0].timing, tables_of("none")
    level = devices[0].level_w
    expected = 8.0 * (timing.shares[0] @ level[:4]).ravel()
    assert tables.operation_w[0, 0] == pytest.approx(expected)
    assert not tables.operation_w[1, 0].any()
    # in the mixed unit the H100 wait in the collective for the A100
    busy = (timing.operation_s[0] / timing.operation_s.max(axis=0))[..., None]
    assert (busy < 1.0).all()
    quick = (busy * timing.shares[0]) @ level[:4] + (1 - busy[..., 0]) * level[2]
    assert tables.operation_w[0, 1] == pytest.approx(4 * quick.ravel())
    assert tables.operation_w[1, 1] == pytest.approx(4 * (timing.shares[1] @ devices[1].level_w[:4]).ravel())
