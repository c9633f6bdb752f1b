"""Traffic between sites: bytes, rates, what is waited for, and the bandwidth that hides it."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.fabric.collectives import ring_all_reduce
from clustersim.training.cross_site import (
    CrossSiteJob,
    PipelineCut,
    Sync,
    bandwidth_for,
    diloco,
    exchange_s,
    exposed_s,
    mean_rate,
    one_batch_job,
    overlapped_outer,
    peak_rate,
    pipeline_exposed_s,
    streaming_diloco,
    sync_bytes,
    synchronous,
    utilisation,
)
from tests.drawn import examples

JOB = one_batch_job(10e9, 2, 0.8, 48)

jobs = st.builds(
    one_batch_job,
    parameters=st.floats(1e8, 1e13),
    sites=st.integers(2, 16),
    step_s=st.floats(0.01, 100.0),
    layers=st.integers(4, 64),
)
periods = st.integers(1, 500)
syncs = st.one_of(
    st.builds(synchronous, st.sampled_from([16, 32]), layerwise=st.booleans()),
    st.builds(diloco, periods, st.sampled_from([4, 8, 16]), layerwise=st.booleans()),
    st.builds(streaming_diloco, periods, st.sampled_from([4, 16]), st.integers(1, 4), st.sampled_from([0.0, 1.0, 5.0])),
    st.builds(overlapped_outer, periods, st.just(4), st.integers(1, 4)),
)


def simulated(job, sync, bandwidth, periods=40):
    """Seconds per step of layers, passes and a link that carries one exchange after the other, event by event."""
    count, p = job.layers, sync.fragments
    part, forward = job.backward_s / (2 * count - 1), job.forward_s / count
    layer_s = sync_bytes(job, sync) / count / bandwidth
    clock = link = 0.0
    due = {}
    every = sync.period / p
    steps = round(periods * sync.period)
    for step in range(steps):
        for layer in range(count):
            clock = max(clock, due.get((step, layer), 0.0)) + forward
        sent = [f for f in range(p) if (step + 1 - round((f + 1) * every)) % sync.period == 0]
        ended = clock + job.backward_s
        for fragment in sent:
            for layer in reversed(range(fragment, count, p)):
                released = ended - (0.0 if layer == 0 else (2 * layer - 1) * part)
                link = max(link, released) + layer_s
                due[step + 1 + round(sync.delay), layer] = link
        clock = ended
    return clock / steps - job.step_s


@pytest.mark.parametrize(
    "sync",
    [
        synchronous(16),
        diloco(20, 16),
        streaming_diloco(24, 16, 8),
        streaming_diloco(24, 4, 8, 1),
        streaming_diloco(24, 4, 8, 3),
        overlapped_outer(24, 4, 8),
    ],
    ids=lambda sync: f"{sync.method}-{sync.delay:g}",
)
def test_the_wait_is_that_of_the_link_event_by_event(sync):
    job = one_batch_job(1e9, 2, 0.1, 24)
    for share in (0.6, 0.8, 0.95):
        bandwidth = bandwidth_for(job, sync, share)
        assert job.step_s / (job.step_s + simulated(job, sync, bandwidth)) == pytest.approx(share, abs=0.03)


@given(jobs, syncs, st.floats(0.05, 0.999))
@settings(deadline=None, max_examples=80)
def test_bandwidth_is_the_inverse_of_utilisation(job, sync, share):
    bandwidth = bandwidth_for(job, sync, share)
    assert math.isfinite(bandwidth)
    assert float(utilisation(job, sync, bandwidth)) == pytest.approx(share, rel=1e-9)


@given(jobs, syncs, st.floats(1e3, 1e15))
@settings(deadline=None, max_examples=examples(80))
def test_more_bandwidth_never_waits_longer_and_endless_bandwidth_not_at_all(job, sync, bandwidth):
    waits = exposed_s(job, sync, np.array([bandwidth, 2.0 * bandwidth, math.inf]))
    assert waits[0] >= waits[1] >= waits[2] == 0.0
    assert float(utilisation(job, sync, math.inf)) == 1.0


@given(jobs, syncs)
@settings(deadline=None, max_examples=80)
def test_no_link_slower_than_the_mean_rate_lets_a_job_run_at_full_speed(job, sync):
    mean = mean_rate(job, sync)
    assert mean * sync.period * job.step_s == pytest.approx(sync_bytes(job, sync))
    assert peak_rate(job, sync) >= mean * (1.0 - 1e-12)
    assert bandwidth_for(job, sync, 0.99) >= 0.99 * mean * (1.0 - 1e-9)


@given(jobs, st.integers(2, 500), st.integers(1, 4))
@settings(deadline=None, max_examples=50)
def test_fragments_lower_the_peak_and_not_the_mean(job, period, fragments):
    whole, parts = diloco(period, 4), streaming_diloco(period, 4, fragments, 1.0)
    even = streaming_diloco(period, 4, fragments, period / fragments)
    assert mean_rate(job, parts) == pytest.approx(mean_rate(job, whole))
    assert peak_rate(job, even) == pytest.approx(mean_rate(job, even))
    if period >= fragments:
        assert peak_rate(job, parts) == pytest.approx(peak_rate(job, whole) / fragments)


@given(jobs, st.booleans(), st.floats(1e6, 1e14))
@settings(deadline=None, max_examples=50)
def test_diloco_of_every_step_is_the_synchronous_all_reduce(job, layerwise, bandwidth):
    every = exposed_s(job, diloco(1, 16, layerwise=layerwise), bandwidth)
    assert every == pytest.approx(exposed_s(job, synchronous(16, layerwise=layerwise), bandwidth))


def test_a_blocking_exchange_is_the_ring_all_reduce_of_the_fabric():
    job = replace(JOB, sites=5, latency_s=0.01)
    sync = synchronous(16, layerwise=False)
    ring = ring_all_reduce(2.0 * job.parameters, 5, 1e9, 0.01)
    assert float(exchange_s(job, sync, 1e9)) == pytest.approx(ring)
    # what is longer than the step itself waits for the link: the latencies of a ring are no load of it
    assert float(exposed_s(job, sync, 1e9)) == pytest.approx(ring)


def test_two_sites_send_the_model_once():
    assert sync_bytes(JOB, synchronous(16)) == pytest.approx(20e9)
    assert sync_bytes(replace(JOB, sites=4), synchronous(16)) == pytest.approx(30e9)


def test_the_last_layer_has_nothing_to_run_beside():
    fast = 1e14
    assert float(exposed_s(JOB, synchronous(16), fast)) == pytest.approx(20e9 / fast / JOB.layers)
    assert bandwidth_for(JOB, synchronous(16), 1.0) == math.inf


def test_latency_can_forbid_a_utilisation():
    far = replace(JOB, latency_s=0.05)
    assert bandwidth_for(far, synchronous(16), 0.95) == math.inf
    assert math.isfinite(bandwidth_for(far, diloco(100, 16), 0.95))
    assert math.isfinite(bandwidth_for(far, streaming_diloco(100, 4, 16, 1), 1.0))


def test_a_pipeline_pays_one_round_trip_per_crossing():
    cut = PipelineCut(1e6, 8, 2)
    assert float(pipeline_exposed_s(cut, 1.0, math.inf, 0.001)) == pytest.approx(0.004)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: CrossSiteJob(1e9, 1, 1.0, 8, 0.3, 0.6),
        lambda: Sync("diloco", 16, period=0.5),
        lambda: bandwidth_for(JOB, synchronous(16), 0.0),
        lambda: exposed_s(JOB, streaming_diloco(100, 4, 49), 1e9),
    ],
)
def test_wrong_arguments(wrong):
    with pytest.raises(ValueError):
        wrong()
