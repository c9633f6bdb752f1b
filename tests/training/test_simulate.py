"""The compiled step: a slow twin, reproducibility, order statistics and conservation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from clustersim.errors import CapacityError
from clustersim.training.records import Fleet, JitterSpec
from clustersim.training.simulate import (
    _quantiles,
    balanced,
    class_durations,
    rank_slowness,
    simulate_step,
    unit_batches,
)
from clustersim.workload import PlanSpec

JITTER = JitterSpec(operation_sigma=0.02, rank_sigma=0.01)
WORD = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15


def _mix(x):
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & WORD
    return x ^ (x >> 31)


def _uniform(key, counter):
    return (_mix((key + (counter + 1) * GOLDEN) & WORD) >> 11) / 2**53


def _twin(timing, fleet, slow, quantiles, key):
    """The recurrence in plain Python: one unit, one operation at a time."""
    schedule = timing.schedule
    base, hidden = class_durations(timing, fleet)
    virtual = timing.operation_s.shape[2]
    cells = len(quantiles) - 1
    start = np.zeros((fleet.unit_class.size, schedule.stages * schedule.per_stage))
    end = np.zeros_like(start)
    for u, unit_class in enumerate(fleet.unit_class):
        unit_key = _mix((key + (u + 1) * GOLDEN) & WORD)
        free = [0.0] * schedule.stages
        for number in map(int, schedule.order):
            stage, position = divmod(number, schedule.per_stage)
            begin = free[stage]
            if schedule.micro_batch[stage, position] >= unit_batches(timing, fleet)[u]:
                start[u, number] = end[u, number] = begin
                continue
            source = int(schedule.depends_on[number])
            if source >= 0:
                crosses = source // schedule.per_stage != stage
                at, position_of = divmod(source, schedule.per_stage)
                before = int(schedule.kind[at, position_of]) * virtual + int(schedule.virtual_stage[at, position_of])
                arrival = end[u, source] + hidden[unit_class, before] + (timing.message_s if crosses else 0.0)
                begin = max(begin, arrival)
            place = _uniform(unit_key, number) * cells
            factor = float(np.interp(place, np.arange(cells + 1), quantiles))
            row = int(schedule.kind[stage, position]) * virtual + int(schedule.virtual_stage[stage, position])
            start[u, number] = begin
            end[u, number] = free[stage] = begin + base[unit_class, row] * factor * slow[u, stage]
    return start, end


@pytest.mark.parametrize(("p", "v", "m"), [(1, 1, 3), (4, 1, 6), (3, 2, 6)])
def test_the_kernel_equals_its_slow_twin(synthetic, p, v, m):
    draw = np.random.default_rng(7)
    timing = synthetic(p, v, m, draw.uniform(0.1, 1.0, p * v), draw.uniform(0.1, 1.0, p * v), message=0.05, hidden=0.03)
    shares = np.array([m, m - 1 if v == 1 else m, m])
    fleet = Fleet(np.array([0, 1, 0]), np.array([[8.0], [8.0]]), np.zeros(3, np.int64), shares)
    slow = rank_slowness(fleet, p, JITTER, np.random.SeedSequence(3))
    key = 0xFEDCBA9876543210
    trace = simulate_step(timing, fleet, JITTER, slow, key)
    start, end = _twin(timing, fleet, slow, _quantiles(math.hypot(JITTER.operation_sigma, JITTER.rank_sigma), 8), key)
    np.testing.assert_allclose(trace.start_s, start, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(trace.end_s, end, rtol=1e-12)


def test_same_key_same_bytes(synthetic, fleet_of):
    timing, few, many = synthetic(4, 1, 8, 1.0, 2.0), fleet_of(3), fleet_of(5)
    ones = np.ones((5, 4))
    first, again = (simulate_step(timing, many, JITTER, ones, key=11) for _ in range(2))
    assert first.end_s.tobytes() == again.end_s.tobytes()
    assert first.end_s.tobytes() != simulate_step(timing, many, JITTER, ones, key=12).end_s.tobytes()
    # more replicas do not shift the draws of the others
    assert simulate_step(timing, few, JITTER, ones[:3], key=11).end_s.tobytes() == first.end_s[:3].tobytes()
    # no two replicas, and no two steps, are alike
    assert np.unique(first.end_s[:, -1]).size == 5


def _mean_of_slowest(sigma, members):
    """Mean of the largest of `members` log-normal multipliers of mean 1."""
    law = stats.lognorm(sigma, scale=math.exp(-0.5 * sigma**2))
    low, high = law.ppf(1e-12), law.ppf(1.0 - 1e-12)
    below, _ = integrate.quad(lambda x: law.cdf(x) ** members, low, high, epsabs=1e-12, limit=400)
    return high - below


@pytest.mark.parametrize("members", [1, 8, 64, 512])
@pytest.mark.parametrize("sigma", [0.014, 0.1])
def test_the_slowest_of_n_ranks(sigma, members):
    table = _quantiles(sigma, members)
    assert float(np.mean((table[1:] + table[:-1]) / 2)) == pytest.approx(_mean_of_slowest(sigma, members), rel=2e-4)


def test_jitter_and_slowness_have_the_mean_of_the_slowest(synthetic, fleet_of):
    units, fleet = 40_000, fleet_of(40_000)
    timing = synthetic(1, 1, 1, 1.0, 2.0)
    trace = simulate_step(timing, fleet, JitterSpec(0.05, 0.0), np.ones((units, 1)), key=5)
    wanted = _mean_of_slowest(0.05, 8)
    assert float(trace.end_s[:, 0].mean()) == pytest.approx(wanted, rel=1e-3)
    # the step ends with the slowest unit
    assert trace.iteration_time_s == trace.end_s.max()


PLANS = [
    ("llama3.1-8b", PlanSpec(data=8, micro_batches=4)),
    ("llama3.1-70b", PlanSpec(tensor=4, pipeline=4, data=4, micro_batches=8)),
    ("llama3.1-70b", PlanSpec(tensor=8, pipeline=4, virtual_stages=5, data=4, micro_batches=8, recompute="full")),
    ("deepseek-v3", PlanSpec(pipeline=8, data=64, expert=32, micro_batches=16, expert_overlap="pairs")),
    ("mixtral-8x22b", PlanSpec(tensor=2, pipeline=2, data=16, expert=8, micro_batches=6)),
]


@pytest.mark.parametrize(("name", "plan"), PLANS)
def test_the_breakdown_adds_up_to_the_step(make_timing, fleet_of, name, plan):
    timing = make_timing(name, plan)
    fleet = fleet_of(plan.units, members=float(plan.tensor * plan.replicas_per_unit))
    slow = rank_slowness(fleet, plan.pipeline, JITTER, np.random.SeedSequence(1))
    trace = simulate_step(timing, fleet, JITTER, slow, key=3)
    assert sum(trace.breakdown.values()) == pytest.approx(trace.iteration_time_s, rel=1e-9)
    assert min(trace.breakdown.values()) >= -1e-12 * trace.iteration_time_s


def test_the_breakdown_of_a_uniform_pipeline(synthetic, still):
    trace = still(synthetic(4, 1, 8, 1.0, 2.0), units=2)
    # busy 8 x 3 of 33 s; the rest is the bubble, the part after a stage's own last backward too
    assert trace.breakdown["matrix"] == pytest.approx(24.0)
    assert trace.breakdown["bubble"] == pytest.approx(9.0)
    assert trace.breakdown["data_exchange"] == pytest.approx(0.0)


def test_the_slowest_of_fresh_and_persistent_products(synthetic, fleet_of):
    """Two operations of many units against Monte Carlo of the largest product: mean, and how alike the two are."""
    jitter, members, units = JitterSpec(0.014, 0.014), 64, 20_000
    draw = np.random.default_rng(3)
    kept = draw.lognormal(-0.5 * 0.014**2, 0.014, (units, members))
    one, two = ((kept * draw.lognormal(-0.5 * 0.014**2, 0.014, (units, members))).max(axis=1) for _ in range(2))
    fleet = fleet_of(units, members=float(members))
    slow = rank_slowness(fleet, 1, jitter, np.random.SeedSequence(9))
    trace = simulate_step(synthetic(1, 1, 1, 1.0, 2.0), fleet, jitter, slow, key=5)
    first, second = trace.end_s[:, 0], (trace.end_s[:, 1] - trace.end_s[:, 0]) / 2.0
    assert float(first.mean()) == pytest.approx(float(one.mean()), rel=1e-3)
    assert np.corrcoef(first, second)[0, 1] == pytest.approx(np.corrcoef(one, two)[0, 1], abs=0.05)


def test_a_hidden_exchange_delays_what_waits_for_it(synthetic, still):
    """A chain of one micro-batch has nothing to hide behind: every hop pays the hidden part."""
    plain = still(synthetic(4, 1, 1, 1.0, 2.0)).end_s.max()
    hidden = still(synthetic(4, 1, 1, 1.0, 2.0, hidden=0.25)).end_s.max()
    assert hidden - plain == pytest.approx(0.25 * 7)


def test_mixed_fleets_run_at_the_pace_of_the_slower_kind(make_timing, still):
    plan = PlanSpec(tensor=8, pipeline=2, data=4, micro_batches=8)
    mixed = make_timing("llama3.1-8b", plan, chips=("H100-SXM", "A100-80G-SXM"))
    slower = make_timing("llama3.1-8b", plan, chips=("A100-80G-SXM",))
    classes = Fleet(np.array([0, 0, 1, 0]), np.array([[8.0, 0.0], [4.0, 4.0]]), np.zeros(4, np.int64))
    durations, _ = class_durations(mixed, classes)
    assert (durations[1] > durations[0]).all()
    assert still(mixed, fleet=classes).end_s.max() == pytest.approx(still(slower).end_s.max(), rel=0.2)


def test_reductions_wait_for_the_slowest_replica_and_queue(make_timing, fleet_of):
    plan = PlanSpec(tensor=8, pipeline=4, virtual_stages=5, data=8, micro_batches=8)
    timing = make_timing("llama3.1-70b", plan)
    trace = simulate_step(timing, fleet_of(8), JITTER, np.ones((8, 4)), key=1)
    schedule = timing.schedule
    reduce_s = timing.reduce_s.reshape(5, 4).T
    np.testing.assert_allclose(trace.reduce_end_s - trace.reduce_start_s, reduce_s, rtol=1e-9)
    ends = trace.end_s.reshape(8, 4, -1)
    for stage in range(4):
        for chunk in range(5):
            of_chunk = schedule.virtual_stage[stage] == chunk * 4 + stage
            assert trace.reduce_start_s[stage, chunk] >= ends[:, stage, of_chunk].max()
        # chunks finish from the last to the first, one reduction at a time
        assert (trace.reduce_start_s[stage, :-1] >= trace.reduce_end_s[stage, 1:]).all()
    assert trace.optimizer_start_s == trace.reduce_end_s.max()


MIXED = ("H800-SXM", "H20-SXM")


@pytest.mark.parametrize("virtual", [1, 5])
def test_a_balanced_plan_gives_faster_replicas_more_work(make_timing, still, virtual):
    """H800 and H20: without balance the slower kind sets the pace; with it both are busy, and no sequence is lost."""
    plan = PlanSpec(tensor=8, pipeline=4, virtual_stages=virtual, data=8, micro_batches=64)
    timing = make_timing("llama3.1-70b", plan, chips=MIXED)
    kinds = Fleet(np.repeat([0, 1], 4), np.array([[8.0, 0.0], [0.0, 8.0]]), np.zeros(8, np.int64))
    even = still(timing, fleet=kinds)
    longer, shared = balanced(timing, kinds)
    assert shared.unit_batches.sum() == 8 * 64
    assert (shared.unit_batches % (4 if virtual > 1 else 1) == 0).all()
    assert longer.most_batches == shared.unit_batches.max() > 3 * shared.unit_batches.min()
    better = still(longer, fleet=shared)
    durations, _ = class_durations(timing, kinds)
    fast, slow = durations.sum(axis=1)
    # at best all accelerators are busy: the harmonic mean of the two paces
    ideal = 2.0 * fast / (fast + slow)
    assert better.iteration_time_s < (ideal + 0.15) * even.iteration_time_s
    assert sum(better.breakdown.values()) == pytest.approx(better.iteration_time_s, rel=1e-9)


def test_equal_replicas_are_balanced_already(make_timing, fleet_of):
    timing = make_timing("llama3.1-8b", PlanSpec(tensor=8, pipeline=2, data=4, micro_batches=8))
    longer, shared = balanced(timing, fleet_of(4))
    assert longer.most_batches == 8
    assert (shared.unit_batches == 8).all()


def test_too_few_micro_batches_to_share_out(make_timing):
    timing = make_timing("llama3.1-70b", PlanSpec(tensor=8, pipeline=4, data=8, micro_batches=1), chips=MIXED)
    kinds = Fleet(np.array([0, *[1] * 7]), np.array([[8.0, 0.0], [0.0, 8.0]]), np.zeros(8, np.int64))
    with pytest.raises(CapacityError, match="too few to share out"):
        balanced(timing, kinds)
