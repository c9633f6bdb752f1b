"""What keeping sites together costs without failures: limits and exact cases."""

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim.errors import InputError
from clustersim.operation.facts import JobFacts
from clustersim.operation.site_facts import RouteFacts, SiteFacts, SitesFacts, bandwidth_without, parts_without
from clustersim.operation.site_methods import common_step_s, exchange_of, outer_exposed_s, paces
from clustersim.operation.spec_parts.sites import SitesSpec
from clustersim.operation.token_efficiency import efficiency_of_loss, token_efficiency
from clustersim.training.cross_site import PipelineCut, one_batch_job
from tests.operation.first_order import relative_speed


def facts(names=("a", "b", "c"), step_s=2.0, bandwidth=10e9, parameters=10e9, routes=()):
    job = JobFacts(gpus=512, servers=64, step_time_s=step_s, step_time_cv=0.0, checkpoint_bytes=1e11)
    return SitesFacts(
        tuple(SiteFacts(name, job, 1e6) for name in names),
        one_batch_job(parameters, len(names), step_s, 48, 1e-3),
        bandwidth,
        routes,
    )


def sites(**given):
    return SitesSpec.model_validate(given)


RING = (RouteFacts("a", "b", 4e9), RouteFacts("b", "c", 5e9), RouteFacts("a", "c", 6e9))
METHODS = ("synchronous", "diloco", "streaming_diloco", "decoupled_diloco")


@given(st.floats(1e8, 1e12), st.floats(0.1, 1.0))
@settings(max_examples=25)
def test_diloco_of_one_step_at_32_bits_is_synchronous(bandwidth, speed):
    """H = 1, whole, without overlap: the same bytes at the same step boundary."""
    there = facts(bandwidth=bandwidth)
    one = sites(method="diloco", inner_steps=1, bits=32, speeds={"b": f"{speed} x"})
    all_reduce = sites(method="synchronous", bits=32, speeds={"b": f"{speed} x"})
    assert relative_speed(one, there, bandwidth) == pytest.approx(relative_speed(all_reduce, there, bandwidth))


@pytest.mark.parametrize("method", METHODS)
def test_infinite_bandwidth_without_latency_costs_nothing(method):
    there = facts()
    there = replace(there, exchange=replace(there.exchange, latency_s=0.0))
    assert relative_speed(sites(method=method), there, 1e30) == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("speed", [0.5, 0.9])
def test_the_slowest_site_governs_synchronous_training(speed):
    there = facts(parameters=1.0)
    there = replace(there, exchange=replace(there.exchange, latency_s=0.0))
    slow = sites(speeds={"b": f"{speed} x"})
    assert relative_speed(slow, there, 1e30) == pytest.approx(speed)


def test_a_slow_site_costs_diloco_its_own_share_when_balanced_and_nobody_else_when_decoupled():
    there = facts(parameters=1.0)
    there = replace(there, exchange=replace(there.exchange, latency_s=0.0))
    slow = {"speeds": {"b": "50 %"}, "inner_steps": 100}
    for asked, speed in (
        ({"method": "diloco"}, 0.5),
        ({"method": "diloco", "balanced": True}, 2.5 / 3.0),
        ({"method": "decoupled_diloco", "quorum": 2, "fragments": 1}, 2.5 / 3.0),
        ({"method": "decoupled_diloco", "quorum": 3, "fragments": 1}, 0.5),
    ):
        assert relative_speed(sites(**asked, **slow), there, 1e30) == pytest.approx(speed), asked


@given(st.sampled_from(METHODS), st.floats(1e6, 1e12), st.floats(1.0, 10.0))
@settings(max_examples=40)
def test_more_bandwidth_never_costs_speed(method, bandwidth, more):
    there, spec = facts(), sites(method=method)
    low, high = relative_speed(spec, there, bandwidth), relative_speed(spec, there, bandwidth * more)
    assert 0.0 < low <= high * (1.0 + 1e-12)
    assert high <= 1.0 + 1e-12


def test_methods_in_the_order_of_what_they_send():
    there = facts(bandwidth=1e9)
    whole, diloco, streaming = (relative_speed(sites(method=method), there, 1e9) for method in METHODS[:3])
    assert whole < 0.25 < diloco < streaming


def test_an_outer_step_of_a_fragment_comes_more_often():
    there = facts()
    spec = sites(method="streaming_diloco", inner_steps=160)
    sync = exchange_of(spec, there)
    assert (sync.fragments, sync.bits, sync.delay) == (16, 4.0, 1.0)
    assert [pace.steps for pace in paces(spec, there)] == [10, 10, 10]
    assert outer_exposed_s(spec, there, 0.0) == math.inf


def test_a_pipeline_waits_at_its_ends():
    there = replace(facts(), pipeline=PipelineCut(1e8, 8, 2))
    spec = sites(method="pipeline")
    # 2 c (latency + x), x = 1e8 / 1e10
    assert common_step_s(spec, there, 1e10) == pytest.approx(2.0 + 4 * (1e-3 + 1e-2))
    with pytest.raises(InputError, match="plan whose stages"):
        common_step_s(spec, facts(), 1e10)


def test_a_site_alone_exchanges_nothing():
    assert common_step_s(sites(), facts(), 0.0, ["a"]) == 2.0
    assert common_step_s(sites(), facts(), 0.0, ["a", "b"]) == math.inf


def test_what_cuts_leave():
    there = facts(routes=RING)
    assert parts_without(there, frozenset()) == (("a", "b", "c"),)
    assert bandwidth_without(there, frozenset(["a-b"])) == 4e9
    assert parts_without(there, frozenset(["a-b", "a-c"])) == (("a",), ("b", "c"))
    assert bandwidth_without(there, frozenset(["a-b", "a-c"])) == 0.0
    assert parts_without(facts(), frozenset()) == (("a", "b", "c"),)


def test_token_efficiency_is_stated_or_published():
    assert token_efficiency(sites(), 1.0).value == 1.0
    found = token_efficiency(sites(method="streaming_diloco"), 100.0)
    # 0.4 % of 2.49, along a slope of 0.0966 per e-fold
    assert found.value == pytest.approx(math.exp(-0.004 * 2.49 / 0.0966))
    assert found.low < found.value < found.high
    assert found.high == pytest.approx(1.0, abs=2e-3)
    stated = {"value": "95 %", "low": "90 %", "high": "100 %", "source": "own run"}
    assert token_efficiency(sites(method="diloco", token_efficiency=stated), 500.0).source == "own run"
    with pytest.raises(InputError, match=r"no change of the loss is published for diloco.*loss.diloco_h30"):
        token_efficiency(sites(method="diloco"), 500.0)


@given(st.floats(-0.02, 0.05), st.floats(-0.02, 0.05))
def test_efficiencies_multiply_as_losses_add(one, other):
    both = efficiency_of_loss(one + other, 2.49, 0.1)
    assert both == pytest.approx(efficiency_of_loss(one, 2.49, 0.1) * efficiency_of_loss(other, 2.49, 0.1))


@pytest.mark.parametrize(
    ("given", "match"),
    [
        ({"method": "synchronous", "inner_steps": 5}, "sites.inner_steps: has no meaning"),
        ({"method": "diloco", "quorum": 1}, "sites.quorum: has no meaning"),
        ({"method": "pipeline", "on_site_loss": "drop"}, "without one of its stages"),
        ({"method": "diloco", "on_site_loss": "rescale"}, "only 'synchronous'"),
        ({"curtailment": {"hours": 3}}, "expected the prices"),
        ({"method": "diloco", "token_efficiency": {"value": "1 x", "low": "2 x", "high": "3 x", "source": "s"}}, "low"),
    ],
)
def test_what_does_not_fit_is_refused(given, match):
    with pytest.raises(ValidationError, match=match):
        sites(**given)


def test_a_site_that_is_not_there():
    with pytest.raises(InputError, match=r"sites.speeds.alpa.*did you mean 'alpha'"):
        paces(sites(speeds={"alpa": "90 %"}), facts(names=("alpha", "beta")))
