"""Pipeline schedules: exact step times, and every dependency respected."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.training.kernels import run_order
from clustersim.training.records import forward_timing
from clustersim.training.schedule import BACKWARD, FORWARD, build_schedule, forward_schedule
from clustersim.training.sequences import WEIGHT
from clustersim.workload import PlanSpec, load_model
from clustersim.workload.configuration import configurations, model_record, plan_record
from clustersim.workload.footprint import passes_in_flight
from tests.drawn import examples

SHAPES = st.tuples(st.integers(1, 6), st.integers(1, 4), st.integers(1, 4)).map(
    lambda s: (s[0], s[1] if s[0] > 1 else 1, s[0] * s[2])
)
"""Stages, chunks and a multiple of the stages of micro-batches."""


@pytest.mark.parametrize(("p", "m"), [(1, 1), (1, 7), (2, 2), (4, 3), (4, 16), (8, 64), (16, 16)])
@pytest.mark.parametrize(("f", "b"), [(1.0, 2.0), (1.0, 0.25)])
def test_uniform_1f1b(synthetic, still, p, m, f, b):
    """T = (m + p - 1)(f + b), arXiv 2104.04473, section 2.2."""
    assert still(synthetic(p, 1, m, f, b), units=1).iteration_time_s == pytest.approx((m + p - 1) * (f + b), rel=1e-12)


@pytest.mark.parametrize(("p", "v", "m"), [(2, 2, 2), (2, 3, 8), (4, 2, 4), (4, 5, 8), (8, 3, 32), (16, 7, 16)])
@pytest.mark.parametrize(("f", "b"), [(1.0, 2.0), (3.0, 1.0)])
def test_uniform_interleaved(synthetic, still, p, v, m, f, b):
    """T = m (f + b) + (p - 1)(f + b) / v with f and b of a whole stage, arXiv 2104.04473, section 2.2."""
    seconds = still(synthetic(p, v, m, f / v, b / v), units=1).iteration_time_s
    assert seconds == pytest.approx(m * (f + b) + (p - 1) * (f + b) / v, rel=1e-12)


@pytest.mark.parametrize(("p", "v", "m"), [(2, 2, 2), (4, 1, 6), (4, 3, 10), (8, 3, 8)])
@pytest.mark.parametrize(("f", "b"), [(1.0, 2.0), (3.0, 1.0)])
def test_uniform_breadth_first(synthetic, still, p, v, m, f, b):
    """T = m (f + b) + (p - 1)(f + b) / v for any number of micro-batches of at least p, arXiv 2211.05953, section 4."""
    seconds = still(synthetic(p, v, m, f / v, b / v, schedule="breadth_first"), units=1).iteration_time_s
    assert seconds == pytest.approx(m * (f + b) + (p - 1) * (f + b) / v, rel=1e-12)


def test_breadth_first_waits_on_all_stages_between_its_two_halves(synthetic, still):
    """Stage s ends its forwards at ``(s + m v) f``; its first backward is ``p - 1 - s`` backwards after the first."""
    p, v, m, f, b = 4, 3, 4, 1.0, 2.0
    trace = still(synthetic(p, v, m, f, b, schedule="breadth_first"), units=1)
    start, end = trace.start_s[0].reshape(p, -1), trace.end_s[0].reshape(p, -1)
    for stage in range(p):
        assert end[stage, m * v - 1] == pytest.approx((stage + m * v) * f)
        assert start[stage, m * v] == pytest.approx((p - 1 + m * v) * f + (p - 1 - stage) * b)


def test_one_micro_batch_pays_every_message(synthetic, still):
    seconds = still(synthetic(5, 1, 1, 1.0, 2.0, message=0.1), units=1).iteration_time_s
    assert seconds == pytest.approx(5 * 3.0 + 2 * 4 * 0.1)


def test_a_slow_stage_sets_the_pace(synthetic, still):
    forward = np.array([1.0, 1.0, 3.0, 1.0])
    seconds = still(synthetic(4, 1, 400, forward, 2 * forward), units=1).iteration_time_s
    assert seconds == pytest.approx(400 * 9.0, rel=0.01)


@settings(max_examples=examples(40), deadline=None)
@given(shape=SHAPES, name=st.sampled_from(["1f1b", "breadth_first"]))
def test_every_pass_runs_once_and_in_order(shape, name):
    p, v, m = shape
    schedule = build_schedule(p, v, m, name=name)
    for stage in range(p):
        seen = set(zip(schedule.kind[stage], schedule.virtual_stage[stage], schedule.micro_batch[stage], strict=True))
        wanted = {(k, c * p + stage, b) for k in (FORWARD, BACKWARD) for c in range(v) for b in range(m)}
        assert seen == wanted
    assert sorted(schedule.order) == list(range(p * schedule.per_stage))
    place = np.empty(p * schedule.per_stage, np.int64)
    place[schedule.order] = np.arange(place.size)
    waits = schedule.depends_on >= 0
    assert (place[schedule.depends_on[waits]] < place[waits]).all()
    assert (np.diff(place.reshape(p, -1), axis=1) > 0).all()


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, name=st.sampled_from(["1f1b", "breadth_first"]))
def test_no_stage_holds_more_than_the_memory_model_counts(shape, name):
    p, v, m = shape
    schedule = build_schedule(p, v, m, name=name)
    plan = PlanSpec(pipeline=p, virtual_stages=v, data=1, micro_batches=m, schedule=name)
    c = configurations([model_record(load_model("llama3.1-8b")) | plan_record(plan, 8192)])
    for stage in range(p):
        held = np.cumsum(np.where(schedule.kind[stage] == FORWARD, 1, -1))
        assert held.max() == passes_in_flight(c, float(stage))[0]
        assert held[-1] == 0


@settings(max_examples=40, deadline=None)
@given(shape=SHAPES, seed=st.integers(0, 1000))
def test_dependencies_are_respected_and_nothing_waits_without_reason(synthetic, still, shape, seed):
    p, v, m = shape
    draw = np.random.default_rng(seed)
    message = draw.random() * 0.2
    timing = synthetic(p, v, m, draw.uniform(0.1, 1.0, p * v), draw.uniform(0.1, 1.0, p * v), message=message)
    schedule, trace = timing.schedule, still(timing, units=1)
    start, end = (array.reshape(p, -1) for array in (trace.start_s[0], trace.end_s[0]))
    when = {
        (kind, k, b): (s, e)
        for stage in range(p)
        for kind, k, b, s, e in zip(
            schedule.kind[stage],
            schedule.virtual_stage[stage],
            schedule.micro_batch[stage],
            start[stage],
            end[stage],
            strict=True,
        )
    }
    for (kind, k, b), (begin, _) in when.items():
        if kind == FORWARD:
            source = (FORWARD, k - 1, b) if k else None
        else:
            source = (BACKWARD, k + 1, b) if k < p * v - 1 else (FORWARD, k, b)
        arrival = 0.0
        if source:
            arrival = when[source][1] + (message if source[1] % p != k % p else 0.0)
        assert begin >= arrival
        stage = k % p
        position = int(np.flatnonzero(start[stage] == begin)[0])
        before = end[stage, position - 1] if position else 0.0
        assert begin == max(arrival, before)


@pytest.mark.parametrize(("p", "m"), [(2, 4), (4, 8), (4, 32), (8, 64)])
@pytest.mark.parametrize(("f", "b", "w"), [(1.0, 1.0, 1.0), (1.0, 1.3, 0.9)])
def test_zero_bubble_leaves_what_its_authors_say(synthetic, still, p, m, f, b, w):
    """T = m (f + b + w) + (p - 1)(f + b - w), b of the inputs alone, arXiv 2401.10241, table 2 (ZB-H1)."""
    seconds = still(synthetic(p, 1, m, f, b, w, schedule="zero_bubble"), units=1).iteration_time_s
    assert seconds == pytest.approx(m * (f + b + w) + (p - 1) * (f + b - w), rel=0.02)
    assert seconds < still(synthetic(p, 1, m, f, b + w), units=1).iteration_time_s


@pytest.mark.parametrize(("p", "m"), [(4, 8), (4, 32), (8, 64), (16, 120)])
def test_dualpipe_leaves_what_its_authors_say(synthetic, still, p, m):
    """T = m (f + b) + (p / 2 - 1)((f & b) + b - 3 w), arXiv 2412.19437, table 2.

    Nothing overlaps here, and a forward need not wait for the backward beside it, which saves up to one forward.
    """
    f = b = w = 1.0
    seconds = still(synthetic(p, 1, m, f, b, w, schedule="dualpipe"), units=1).iteration_time_s
    wanted = m * (f + b + w) + (p / 2 - 1) * ((f + b + w) + (b + w) - 3 * w)
    assert wanted - f <= seconds <= wanted


@pytest.mark.parametrize(
    ("name", "chunks", "p", "m"), [("zero_bubble", 1, 4, 6), ("dualpipe", 2, 4, 8), ("dualpipe", 2, 8, 40)]
)
def test_every_operation_of_other_schedules_runs_once(name, chunks, p, m):
    schedule = build_schedule(p, chunks, m, name=name)
    for stage in range(p):
        found = list(zip(schedule.kind[stage], schedule.virtual_stage[stage], schedule.micro_batch[stage], strict=True))
        assert len(set(found)) == len(found) == 3 * m
        done = {operation: index for index, operation in enumerate(found)}
        for (kind, k, batch), index in done.items():
            assert kind == FORWARD or done[kind - 1, k, batch] < index
    held = np.where(schedule.kind == FORWARD, 1, np.where(schedule.kind == WEIGHT, -1, 0)).cumsum(axis=1).max(axis=1)
    assert held.max() <= (p if name == "zero_bubble" else p + 1)


def test_dualpipe_needs_even_numbers_and_enough_micro_batches():
    for p, m in ((3, 8), (4, 7), (4, 6)):
        with pytest.raises(ValueError, match="DualPipe needs even stages"):
            build_schedule(p, 2, m, name="dualpipe")


def test_interleaving_needs_whole_groups():
    with pytest.raises(ValueError, match="multiple of 4 micro-batches, got 6"):
        build_schedule(4, 2, 6)


def test_a_schedule_that_waits_for_itself_has_no_order():
    assert run_order(1, 3, np.array([-1, 2, -1], np.int32)).tolist() == [0, -1, -1]


FORWARDS = [
    ("1f1b", 1, 4, 8),
    ("breadth_first", 3, 4, 8),
    ("1f1b", 3, 4, 8),
    ("zero_bubble", 1, 4, 8),
    ("dualpipe", 2, 4, 16),
]


@pytest.mark.parametrize(("name", "chunks", "p", "m"), FORWARDS)
def test_the_forwards_of_a_schedule(name, chunks, p, m):
    """Every forward once, on each stage in the order of training, each after what it waits for."""
    whole, alone = (build(p, chunks, m, False, name) for build in (build_schedule, forward_schedule))
    per_chunk = m // 2 if name == "dualpipe" else m
    assert alone.per_stage == chunks * per_chunk
    assert (alone.kind == FORWARD).all()
    for stage in range(p):
        kept = whole.kind[stage] == FORWARD
        np.testing.assert_array_equal(alone.virtual_stage[stage], whole.virtual_stage[stage][kept])
        np.testing.assert_array_equal(alone.micro_batch[stage], whole.micro_batch[stage][kept])
    place = np.empty(alone.order.size, int)
    place[alone.order] = np.arange(alone.order.size)
    waits = alone.depends_on >= 0
    assert waits.sum() == whole.crosses.size - np.count_nonzero(whole.depends_on < 0) - np.count_nonzero(
        (whole.kind.ravel() != FORWARD) & (whole.depends_on >= 0)
    )
    assert (place[alone.depends_on[waits]] < place[waits]).all()
    batch = alone.micro_batch.ravel()
    np.testing.assert_array_equal(batch[alone.depends_on[waits]], batch[waits])
    last = alone.last_backward
    np.testing.assert_array_equal(alone.virtual_stage.ravel()[last] // p, np.tile(np.arange(chunks), (p, 1)))


@pytest.mark.parametrize(("p", "v", "m"), [(1, 1, 7), (4, 1, 16), (4, 3, 8), (8, 12, 64)])
def test_uniform_forward_passes(synthetic, still, p, v, m):
    """T = m f + (p - 1) f / v: the pipeline fills once and no stage waits after that."""
    timing = forward_timing(synthetic(p, v, m, 1.0 / v, 2.0 / v))
    trace = still(timing, units=1)
    assert trace.iteration_time_s == pytest.approx(m + (p - 1) / v, rel=1e-12)
    assert trace.optimizer_end_s.max() == trace.iteration_time_s
