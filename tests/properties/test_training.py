"""Step times, pipelines and sites: scaling, limits and monotony of any plan."""

from dataclasses import fields, replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.training.closed_form import estimate_steps
from clustersim.training.cross_site import (
    diloco,
    exposed_s,
    mean_rate,
    one_batch_job,
    peak_rate,
    streaming_diloco,
    synchronous,
    utilisation,
)
from clustersim.training.records import Fleet, JitterSpec, StepTiming
from clustersim.training.simulate import simulate_step
from clustersim.workload import PlanSpec, load_model, model_flops_per_token
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.hardware import SLOWER_WHEN_LARGER, hardware_of

TIMES = ("fixed", "plain_fixed", "launch", "start", "step", "ramp", "hop", "step_fixed")
RATES = ("peak", "plain_peak", "bandwidth", "scale_up", "nic", "nic_scattered")
MODELS = ("llama3.1-8b", "llama3.1-70b", "mixtral-8x7b", "deepseek-v3")
MODEL_OF = {(r["hidden"], r["layers"]): name for name in MODELS for r in [model_record(load_model(name))]}


@st.composite
def records(draw):
    """A model and a plan that cuts it."""
    tensor, context = draw(st.sampled_from([1, 2, 8])), draw(st.sampled_from([1, 2]))
    pipeline, replicas = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 4, 64]))
    name = draw(st.sampled_from(MODELS))
    return model_record(load_model(name)) | {
        "sequence": 4096.0,
        "accelerators": float(tensor * context * pipeline * replicas),
        "tensor": float(tensor),
        "context": float(context),
        "pipeline": float(pipeline),
        "micro_batch": 1.0,
        "micro_batches": float(draw(st.sampled_from([1, 8, 64]))),
        "recompute": draw(st.sampled_from([0, 1, 2])),
        "sharding": draw(st.sampled_from([0, 1, 2, 3])),
        "sequence_parallel": draw(st.booleans()),
        "gradient_overlap": draw(st.booleans()),
    }


def one(chip="H100-SXM"):
    return hardware_of([chip], ["bf16"], [None], [None])


def seconds(row, hardware):
    return float(estimate_steps(configurations([row]), hardware).iteration_time_s[0])


@given(records(), st.floats(0.1, 10.0))
def test_a_step_on_hardware_k_times_as_fast_takes_one_kth(row, k):
    hardware = one()
    quick = replace(
        hardware, **{n: getattr(hardware, n) * k for n in RATES}, **{n: getattr(hardware, n) / k for n in TIMES}
    )
    assert seconds(row, quick) * k == pytest.approx(seconds(row, hardware), rel=1e-12)


SLACK = {"peak": 5e-3, "plain_peak": 5e-3, "share": 5e-3, "half_depth": 5e-3, "fixed": 5e-3, "attention": 5e-3}


@given(records(), st.sampled_from(sorted(SLOWER_WHEN_LARGER)), st.floats(1.01, 3.0))
def test_worse_latencies_and_shares_are_never_faster(row, name, factor):
    hardware = one()
    worse = replace(hardware, **{name: getattr(hardware, name) * factor})
    assert seconds(row, worse) >= seconds(row, hardware) * (1.0 - SLACK.get(name, 1e-9))


@given(records(), st.integers(1, 20))
def test_more_micro_batches_take_longer_in_all_and_less_each(row, more):
    hardware = one()
    few, many = row["micro_batches"], row["micro_batches"] + more
    first, second = seconds(row, hardware), seconds(row | {"micro_batches": many}, hardware)
    assert second > first
    assert second / many <= first / few * (1 + 1e-12)


@given(st.sampled_from(["H100-SXM", "B200", "TPU-v5p"]), st.integers(1, 64))
def test_one_accelerator_exchanges_nothing(chip, micro_batches):
    row = model_record(load_model("llama3.1-8b"))
    row |= {"sequence": 4096.0, "accelerators": 1.0, "micro_batch": 1.0, "micro_batches": float(micro_batches)}
    parts = estimate_steps(configurations([row]), one(chip)).parts
    for name in ("tensor", "context", "expert", "pipeline", "bubble", "gradients", "parameters", "stragglers"):
        assert parts[name][0] == pytest.approx(0.0, abs=1e-9)


@given(records())
def test_no_plan_beats_the_peak(row):
    """FLOPs of the model per accelerator and second stay below the dense peak: MFU lies between 0 and 1."""
    hardware, name = one(), MODEL_OF[row["hidden"], row["layers"]]
    replicas = row["accelerators"] / (row["tensor"] * row["context"] * row["pipeline"])
    tokens = row["micro_batch"] * row["micro_batches"] * row["sequence"] * replicas
    flops = model_flops_per_token(load_model(name), int(row["sequence"])) * tokens
    assert 0.0 < flops / (row["accelerators"] * seconds(row, hardware)) < hardware.peak[0]


def pipeline(stages, micro_batches, forward, backward, message=0.0):
    plan = PlanSpec(pipeline=stages, data=1, micro_batches=micro_batches)
    operation = np.stack([np.broadcast_to(k, stages) for k in (forward, backward)])[None].astype(float)
    shares = np.zeros((*operation.shape, 4))
    shares[..., 0] = 1.0
    return StepTiming(
        program=SimpleNamespace(plan=plan), operation_s=operation, shares=shares, hidden_s=np.zeros_like(operation),
        message_s=message, reduce_s=np.zeros(stages), gather_s=np.zeros(stages), optimizer_s=np.zeros(stages),
        stall_s=0.0, wan_bytes=0.0, wan_s=0.0,
    )  # fmt: skip


STILL = JitterSpec(operation_sigma=0.0, rank_sigma=0.0)


def played(timing, units=1, jitter=STILL, key=1):
    fleet = Fleet(np.zeros(units, np.int64), np.array([[8.0]]), np.zeros(units, np.int64))
    slow = np.ones((units, timing.schedule.stages))
    return simulate_step(timing, fleet, jitter, slow, key=key)


STAGES = st.integers(1, 6)
DURATIONS = st.floats(0.01, 10.0)


@given(STAGES, st.integers(1, 16), DURATIONS, DURATIONS, st.floats(0.0, 1.0))
def test_a_pipeline_lies_between_its_work_and_its_work_in_a_row(p, m, f, b, message):
    """``m (f + b) <= T <= m p (f + b + 2 message)``, and the fill of the chain is always paid."""
    took = played(pipeline(p, m, f, b, message)).iteration_time_s
    assert took >= m * (f + b) * (1 - 1e-12)
    assert took >= (m + p - 1) * (f + b) * (1 - 1e-12)
    assert took <= m * p * (f + b + 2.0 * message) * (1 + 1e-12)


@given(STAGES, st.integers(1, 12), DURATIONS, DURATIONS, st.floats(0.1, 10.0))
def test_a_pipeline_scales_with_its_clock(p, m, f, b, k):
    first, second = played(pipeline(p, m, f, b, 0.1)), played(pipeline(p, m, k * f, k * b, k * 0.1))
    assert second.iteration_time_s == pytest.approx(k * first.iteration_time_s, rel=1e-12)
    np.testing.assert_allclose(second.start_s, k * first.start_s, rtol=1e-9, atol=1e-9)


@given(STAGES, st.integers(1, 12), DURATIONS, DURATIONS, st.data())
def test_a_slower_stage_or_link_never_ends_a_step_sooner(p, m, f, b, data):
    stage, slower = data.draw(st.integers(0, p - 1)), data.draw(st.floats(1.0, 4.0))
    factors = np.ones(p)
    factors[stage] = slower
    plain = played(pipeline(p, m, f, b)).iteration_time_s
    assert played(pipeline(p, m, f * factors, b * factors)).iteration_time_s >= plain * (1 - 1e-12)
    assert played(pipeline(p, m, f, b, 0.3)).iteration_time_s >= plain * (1 - 1e-12)


@given(STAGES, st.integers(1, 12), st.integers(1, 4), st.floats(0.0, 0.2), st.integers(0, 2**32))
def test_operations_of_one_stage_never_overlap_and_time_is_shared_out(p, m, units, sigma, key):
    trace = played(pipeline(p, m, 1.0, 2.0), units, JitterSpec(operation_sigma=sigma, rank_sigma=0.0), key)
    start, end = trace.start_s.reshape(units, p, -1), trace.end_s.reshape(units, p, -1)
    assert (end >= start).all()
    assert (start[..., 1:] >= end[..., :-1] - 1e-12).all()
    assert end.max() <= trace.iteration_time_s * (1 + 1e-12)
    busy = (end - start).sum(axis=-1)
    assert (busy <= trace.iteration_time_s * (1 + 1e-12)).all()


@given(STAGES, st.integers(1, 12), st.floats(0.01, 0.2), st.integers(0, 2**32))
def test_without_jitter_every_seed_is_the_same_step(p, m, sigma, key):
    timing = pipeline(p, m, 1.0, 2.0)
    assert played(timing, key=key).iteration_time_s == played(timing, key=0).iteration_time_s
    jitter = JitterSpec(operation_sigma=sigma, rank_sigma=0.0)
    again = [played(timing, 2, jitter, key).end_s for _ in range(2)]
    np.testing.assert_array_equal(*again)


JOBS = st.builds(
    one_batch_job,
    parameters=st.floats(1e8, 1e12),
    sites=st.integers(2, 8),
    step_s=st.floats(0.5, 60.0),
    layers=st.integers(10, 100),
    latency_s=st.floats(0.0, 0.1),
)
SYNCS = st.one_of(
    st.builds(synchronous, st.sampled_from([4.0, 8.0, 16.0, 32.0])),
    st.builds(diloco, st.integers(1, 500).map(float), st.sampled_from([4.0, 16.0, 32.0])),
    st.builds(streaming_diloco, st.integers(20, 500).map(float), st.just(4.0), st.integers(1, 10)),
)


@given(JOBS, SYNCS, st.floats(1e6, 1e13), st.floats(0.1, 10.0))
def test_bytes_and_bandwidth_together_change_no_wait(job, sync, bandwidth, k):
    heavier = replace(job, parameters=job.parameters * k)
    assert exposed_s(heavier, sync, bandwidth * k) == pytest.approx(
        exposed_s(job, sync, bandwidth), rel=1e-9, abs=1e-12
    )
    assert mean_rate(heavier, sync) == pytest.approx(k * mean_rate(job, sync), rel=1e-12)


@given(JOBS, SYNCS, st.floats(1e6, 1e13))
def test_a_link_carries_no_more_than_its_bandwidth(job, sync, bandwidth):
    """Bytes of a period over the time that it takes with its waits; utilisation in (0, 1]."""
    waits = float(exposed_s(job, sync, bandwidth))
    assert waits >= 0.0
    # a step is as long as its compute and its waits: the mean rate over that is what the link has, or less
    assert mean_rate(job, sync) * job.step_s / (job.step_s + waits) <= bandwidth * (1 + 1e-9)
    assert 0.0 < float(utilisation(job, sync, bandwidth)) <= 1.0
    assert peak_rate(job, sync) >= mean_rate(job, sync) * (1 - 1e-12)


def test_every_figure_of_the_hardware_is_a_rate_a_time_or_a_share():
    """So that scaling above leaves none out."""
    shares = {
        "low_precision", "share", "half_depth", "element_bytes", "plain_share", "plain_half_depth", "unaligned",
        "attention", "attention_backward", "host_backward", "routing_kernels", "second_flash", "capacity", "domain",
        "rank_spread", "overlap", "exchange_share", "exchange_memory", "reduce_share", "bucket", "bucket_per_rank",
    }  # fmt: skip
    assert {f.name for f in fields(one())} == shares | set(RATES) | set(TIMES)
