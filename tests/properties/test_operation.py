"""Failures, checkpoints, repair, placement and sites that train together: laws of any job."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.operation import ExternalEvent, JobFacts, OperationSpec, simulate_operation, young_daly_interval
from clustersim.operation.causes import failure_causes
from clustersim.operation.checkpoints import daly_interval, exact_interval, tiers_of
from clustersim.operation.lives import life_of_mean
from clustersim.operation.restarts import restart_time
from clustersim.operation.site_facts import SiteFacts, SitesFacts
from clustersim.operation.site_methods import common_step_s, tokens_per_step
from clustersim.operation.spec_parts.sites import SitesSpec
from clustersim.operation.token_efficiency import efficiency_of_loss
from clustersim.training.cross_site import one_batch_job
from tests.operation.first_order import first_order_waste, relative_speed

FEW = settings(max_examples=max(5, settings.default.max_examples // 8))
JOB = JobFacts(gpus=16384, servers=2048, step_time_s=6.0, step_time_cv=0.01, checkpoint_bytes=5e12)
FACTORS = st.floats(0.1, 10.0)


def spec(scale=1.0, interval=1800.0, **more):
    return OperationSpec.model_validate(
        {
            "horizon": "3 d", "failure_scale": f"{scale!r} x",
            "checkpoint": {"interval": f"{interval!r} s", "storage_bandwidth": "100 GB/s"}, **more,
        }
    )  # fmt: skip


def run(seed=1, job=JOB, external=(), **asked):
    return simulate_operation(spec(**asked), job, np.random.SeedSequence(seed), external)


@FEW
@given(st.integers(0, 10_000), st.floats(0.0, 30.0), st.floats(60.0, 20_000.0))
def test_time_is_shared_out_and_goodput_is_a_share(seed, scale, interval):
    found = run(seed, scale=scale, interval=interval)
    assert math.fsum(found.accounts.shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert 0.0 <= found.goodput <= found.accounts.shares["useful"] + 1e-12
    assert sum(found.interruptions_by_cause.values()) == found.interruptions
    # work that counts is whole steps of the job's own pace
    assert found.useful_steps * JOB.step_time_s <= found.horizon_s * (1 + 0.05)


@FEW
@given(st.integers(0, 10_000), st.floats(60.0, 20_000.0))
def test_without_failures_only_checkpoints_cost(seed, interval):
    found = run(seed, scale=0.0, interval=interval)
    assert found.interruptions == 0
    lost = 1.0 - found.accounts.shares["useful"]
    # one step may be open at the horizon
    assert lost <= found.accounts.shares["checkpoint"] + 2.0 * JOB.step_time_s / found.horizon_s + 1e-9


@FEW
@given(st.integers(0, 1000), st.floats(0.5, 2.0))
def test_many_more_failures_never_give_more_goodput(seed, scale):
    """Of one seed ten times the rate; neighbours may change places (see the page)."""
    assert run(seed, scale=10.0 * scale).goodput <= run(seed, scale=scale).goodput


@FEW
@given(st.integers(0, 1000), st.floats(0.2, 1.0), st.floats(0.0, 2e5), st.floats(1.0, 5e4))
def test_a_stop_or_a_cap_from_outside_never_helps(seed, fraction, begin, lasts):
    """Without failures of the job's own, which a pause would shift."""
    plain = run(seed, scale=0.0)
    events = (ExternalEvent(begin, begin + lasts, "grid", "cap_fraction", fraction),)
    capped = run(seed, scale=0.0, external=events)
    stopped = run(seed, scale=0.0, external=(ExternalEvent(begin, begin + lasts, "grid", "stop"),))
    step = 2.0 * JOB.step_time_s / plain.horizon_s
    assert capped.goodput <= plain.goodput + step
    assert stopped.goodput <= capped.goodput + step
    if begin + lasts < plain.horizon_s:
        assert stopped.goodput >= plain.goodput - 1.0 * (lasts + 1e4) / plain.horizon_s


@given(st.floats(0.1, 1e3), st.floats(1e3, 1e7), FACTORS)
def test_intervals_between_checkpoints_have_the_unit_of_time(blocking, mtbf, k):
    for law in (young_daly_interval, daly_interval, exact_interval):
        one = law(blocking, mtbf)
        assert law(k * blocking, k * mtbf) == pytest.approx(k * one, rel=1e-6)
        assert law(blocking, 2.0 * mtbf) >= one * (1 - 1e-9)
        assert law(2.0 * blocking, mtbf) >= one * (1 - 1e-9) or law is daly_interval


@given(st.floats(60.0, 1e5), st.floats(1e-9, 1e-3), st.floats(1.0, 10.0), st.floats(0.0, 3600.0))
def test_waste_grows_with_rate_and_recovery(interval, rate, more, recovery):
    asked = spec(interval=interval).checkpoint
    tiers = tiers_of(asked, JOB, [], 3 * 86400.0)
    one = first_order_waste(tiers, [("server", rate)], recovery)
    assert one >= 0.0
    assert first_order_waste(tiers, [("server", more * rate)], recovery) >= one
    assert first_order_waste(tiers, [("server", rate)], recovery + 60.0) == pytest.approx(one + 60.0 * rate, rel=1e-9)


@given(st.floats(1.0, 1e8), st.floats(0.3, 4.0), FACTORS, st.floats(0.0, 1.0))
def test_lives_have_the_unit_of_time(mean, shape, k, share):
    one, two = life_of_mean(mean, shape), life_of_mean(k * mean, shape)
    assert one.mean_s == pytest.approx(mean, rel=1e-6)
    assert two.survival(k * share * mean) == pytest.approx(one.survival(share * mean), rel=1e-9, abs=1e-12)
    assert one.survival(share * mean) >= one.survival((share + 0.1) * mean)
    assert one.survival(0.0) == 1.0


@given(st.integers(1, 200_000).map(lambda n: 8 * n), st.floats(1.0, 20.0))
def test_rates_of_failure_add_up_over_components(gpus, scale):
    """Twice the servers fail twice as often, of whatever is counted by server; the scale multiplies all."""
    small = JobFacts(gpus=gpus, servers=gpus // 8, step_time_s=6.0, step_time_cv=0.0, checkpoint_bytes=1e12)
    large = replace(small, gpus=2 * gpus, servers=gpus // 4)
    rates = [math.fsum(c.rate_per_s for c in failure_causes(None, job)) for job in (small, large)]
    assert rates[1] == pytest.approx(2.0 * rates[0], rel=1e-9)
    scaled = math.fsum(c.rate_per_s for c in failure_causes(None, small, scale))
    assert scaled == pytest.approx(scale * rates[0], rel=1e-9)


@given(st.integers(8, 200_000), st.integers(0, 200_000))
def test_larger_jobs_never_restart_sooner(ranks, more):
    assert restart_time(None, "gpu", ranks + more) >= restart_time(None, "gpu", ranks) >= 0.0


def facts(count=3, step_s=2.0, parameters=10e9, latency=1e-3):
    job = JobFacts(gpus=512, servers=64, step_time_s=step_s, step_time_cv=0.0, checkpoint_bytes=1e11)
    sites = tuple(SiteFacts(f"s{k}", job, 1e6) for k in range(count))
    return SitesFacts(sites, one_batch_job(parameters, count, step_s, 48, latency), 10e9, ())


METHODS = st.sampled_from(["synchronous", "diloco", "streaming_diloco", "decoupled_diloco"])


@given(METHODS, st.integers(2, 6), st.floats(1e7, 1e12), FACTORS)
def test_sites_scale_with_bytes_and_with_time(method, count, bandwidth, k):
    asked = SitesSpec(method=method)
    one = relative_speed(asked, facts(count), bandwidth)
    assert relative_speed(asked, facts(count, parameters=k * 10e9), k * bandwidth) == pytest.approx(one, rel=1e-9)
    slower = facts(count, step_s=2.0 * k, latency=1e-3 * k)
    assert relative_speed(asked, slower, bandwidth / k) == pytest.approx(one, rel=1e-9)
    assert 0.0 < one <= 1.0 + 1e-12


@given(METHODS, st.integers(2, 6), st.floats(0.2, 1.0))
def test_equal_sites_are_equal(method, count, speed):
    """Which of equal sites is the slow one does not matter; tokens of a step are those of all."""
    there = facts(count)
    slow = [SitesSpec.model_validate({"method": method, "speeds": {f"s{k}": f"{speed!r} x"}}) for k in (0, count - 1)]
    assert relative_speed(slow[0], there, 1e9) == pytest.approx(relative_speed(slow[1], there, 1e9), rel=1e-12)
    assert tokens_per_step(there) == count * 1e6


@given(st.floats(1e7, 1e12), st.floats(1.0, 10.0))
def test_a_common_step_is_no_shorter_than_a_sites_own(bandwidth, more):
    asked = SitesSpec(method="synchronous")
    step = common_step_s(asked, facts(), bandwidth)
    assert step >= 2.0
    assert common_step_s(asked, facts(), more * bandwidth) <= step * (1 + 1e-12)


@given(st.floats(-0.1, 0.3), st.floats(1.5, 4.0), st.floats(0.02, 0.2))
def test_worse_loss_is_fewer_tokens(change, reference, slope):
    here, worse = efficiency_of_loss(change, reference, slope), efficiency_of_loss(change + 0.01, reference, slope)
    assert worse <= here
    assert efficiency_of_loss(0.0, reference, slope) == pytest.approx(1.0)
