"""Durations on a fabric: bounds, monotony, sites; and the estimate against the rank simulation."""

import dataclasses
import math
import random

import numpy as np
import pytest

from clustersim.errors import CapacityError, InputError
from clustersim.fabric.traffic import Placement
from clustersim.training.estimate import estimate_iteration_s
from clustersim.training.network import distinct_nodes, expert_traffic, units_per_site
from clustersim.training.records import Fleet
from clustersim.training.search import search_plans
from clustersim.workload import JobSpec, PlanSpec, load_device, load_model

MODELS = (
    "llama3.1-8b",
    "llama3.1-70b",
    "llama3.1-405b",
    "gpt3-175b",
    "mixtral-8x22b",
    "deepseek-v3",
    "qwen3-235b-a22b",
)


def _random_plan(draw):
    name = draw.choice(MODELS)
    moe = load_model(name).kind == "moe"
    tensor, pipeline = draw.choice([1, 2, 4, 8]), draw.choice([1, 2, 3, 4, 6, 8, 12, 16])
    virtual = draw.choice([1, 1, 2, 3, 5]) if pipeline > 1 else 1
    expert = draw.choice([1, 8, 16, 32]) if moe else 1
    batches = draw.choice([1, 2, 3, 5]) * pipeline if virtual > 1 else draw.choice([1, 3, 8, 16, 33])
    return name, PlanSpec(
        tensor=tensor,
        pipeline=pipeline,
        virtual_stages=virtual,
        data=draw.choice([1, 2, 4]) * max(1, expert // tensor),
        expert=expert,
        micro_batches=batches,
        recompute=draw.choice(["none", "selective", "full"]),
        expert_overlap=draw.choice(["none", "pairs", "halves"]),
    )


def _random_timings(make_timing, count, seed, **keys):
    draw = random.Random(seed)
    while count:
        name, plan = _random_plan(draw)
        try:
            timing = make_timing(name, plan, **keys)
        except InputError:
            continue
        count -= 1
        yield timing


def test_the_estimate_is_the_jitter_free_step(make_timing, still, fleet_of):
    errors = []
    for timing in _random_timings(make_timing, 200, seed=1):
        fleet = fleet_of(timing.program.plan.units)
        errors.append(estimate_iteration_s(timing) / still(timing, fleet=fleet).iteration_time_s - 1.0)
    assert np.abs(errors).max() < 1e-9


def test_the_estimate_of_mixed_fleets(make_timing, still):
    errors = []
    for timing in _random_timings(make_timing, 30, seed=2, chips=("H100-SXM", "H200-SXM")):
        units = timing.program.plan.units
        fleet = Fleet(np.arange(units) % 2, np.array([[8.0, 0.0], [4.0, 4.0]]), np.zeros(units, np.int64))
        errors.append(estimate_iteration_s(timing) / still(timing, fleet=fleet).iteration_time_s - 1.0)
    assert np.abs(errors).max() < 0.02


@pytest.mark.parametrize("resource", ["scale_up", "nic", "leaf", "spine"])
def test_more_bandwidth_never_slows_a_step(make_timing, make_network, still, resource):
    for timing in _random_timings(make_timing, 25, seed=3):
        program = timing.program
        network = make_network(program.plan.accelerators)
        wider = dataclasses.replace(network, resources={**network.resources, resource: 2 * network.resources[resource]})
        faster = make_timing(program.model.name, program.plan, network=wider)
        assert still(faster).iteration_time_s <= still(timing).iteration_time_s * (1 + 1e-12)


def test_everything_twice_as_wide_halves_the_exchanges(make_timing, make_network):
    plan = PlanSpec(tensor=4, pipeline=2, data=64, expert=32, micro_batches=4)
    network = make_network(512, scale_up_latency_s=0.0, scale_out_latency_s=0.0)
    wider = dataclasses.replace(network, resources={name: 2 * rate for name, rate in network.resources.items()})
    slow, fast = (make_timing("deepseek-v3", plan, network=n) for n in (network, wider))
    assert fast.message_s == pytest.approx(slow.message_s / 2)
    assert fast.reduce_s == pytest.approx(slow.reduce_s / 2)
    assert fast.gather_s == pytest.approx(slow.gather_s / 2)
    exchange = [t.operation_s * t.shares[..., 2] for t in (slow, fast)]
    assert exchange[1] == pytest.approx(exchange[0] / 2)


def test_reduction_and_messages_take_at_least_their_bytes_over_the_bandwidth(make_timing, make_network):
    for timing in _random_timings(make_timing, 40, seed=4):
        program = timing.program
        plan = program.plan
        widest = max(make_network(plan.accelerators).resources.values())
        nic = make_network(plan.accelerators).resources["nic"]
        replicas = plan.units * plan.replicas_per_unit
        dense = (replicas - 1) / replicas * program.dense_parameters * plan.gradient_bytes
        expert = (plan.units - 1) / plan.units * program.expert_parameters * plan.gradient_bytes
        assert (timing.reduce_s >= (dense + expert) / widest * (1 - 1e-12)).all()
        if plan.pipeline > 1:
            # a rank has its scale-up port and its NIC to send through
            assert timing.message_s >= program.boundary_bytes / (widest + nic)


def test_two_sites_exchange_their_shards(make_timing, make_network):
    """Each site sends 2 (M - 1) / M of its gradients, spread over its accelerators."""
    plan = PlanSpec(tensor=8, data=16, micro_batches=4)
    one, two = (make_timing("llama3.1-8b", plan, network=make_network(n)) for n in (128, (64, 64)))
    assert one.wan_bytes == one.wan_s == 0.0
    parameters = two.program.dense_parameters.sum() * plan.tensor
    assert two.wan_bytes * 64 == pytest.approx(2 * (1 / 2) * parameters * plan.gradient_bytes)
    wan = make_network((64, 64)).resources["wan"]
    assert two.wan_s == pytest.approx(two.wan_bytes / wan + 2 * 1e-3)
    assert two.reduce_s.sum() > one.reduce_s.sum()


def test_the_optimizer_is_sharded(make_timing):
    few, many = (make_timing("llama3.1-8b", PlanSpec(data=n, micro_batches=1)) for n in (4, 16))
    assert few.optimizer_s == pytest.approx(4 * many.optimizer_s)


def test_expert_overlap_hides_the_exchange_and_slows_the_compute(make_timing):
    keys = {"pipeline": 4, "data": 32, "expert": 32, "micro_batches": 8}
    bare, hidden = (
        make_timing("deepseek-v3", PlanSpec(expert_overlap=overlap, **keys)) for overlap in ("none", "pairs")
    )
    compute = [t.operation_s * t.shares[..., :2].sum(axis=-1) for t in (bare, hidden)]
    assert compute[1] == pytest.approx(compute[0] / (1 - 20 / 132), rel=1e-3)
    # never better than the longer of the two parts
    exchange = bare.operation_s * bare.shares[..., 2]
    assert (hidden.operation_s >= np.maximum(compute[0], exchange) * (1 - 1e-12)).all()
    assert hidden.operation_s.sum() < bare.operation_s.sum()


def test_a_token_visits_as_many_nodes_as_drawing_experts_says():
    # 8 of 256 experts on 8 nodes of 32, without replacement
    exact = 8 * (1 - math.comb(224, 8) / math.comb(256, 8))
    assert distinct_nodes(8, 8, None) == pytest.approx(exact, rel=0.02)
    assert distinct_nodes(8, 8, 4) == 4.0
    assert distinct_nodes(1, 8, None) == 1.0


def test_expert_traffic_stays_in_the_domain_where_it_can():
    model, placement = load_model("deepseek-v3"), Placement((512,), 8, 64, 4096)
    keys = {"data": 512, "micro_batches": 1}
    assert expert_traffic(model, PlanSpec(expert=1, **keys), placement).usage == {}
    inside = expert_traffic(model, PlanSpec(expert=8, **keys), placement).usage
    assert inside == {"scale_up": pytest.approx(7 / 8)}
    outside = expert_traffic(model, PlanSpec(expert=64, **keys), placement).usage
    # four nodes of eight, of which one in eight is the own one; a row crosses once per node
    assert outside["nic"] == pytest.approx(4 * 7 / 8 / 8)


def test_units_fill_the_sites_in_proportion(make_network):
    plan = PlanSpec(tensor=8, pipeline=2, data=30, micro_batches=2)
    assert units_per_site(plan, make_network((320, 160))) == (20, 10)
    assert units_per_site(plan, make_network((320, 176))) == (19, 11)
    # more than there is room for: every site is full
    assert units_per_site(plan, make_network((160, 160))) == (10, 10)
    assert sum(units_per_site(plan.model_copy(update={"data": 7}), make_network((320, 160, 48)))) == 7


def _job(model, tokens):
    return JobSpec(model=model, sequence_length=4096, tokens_per_step_max=tokens, token_budget=1e12)


def test_the_search_returns_plans_that_fit_fastest_first(make_network):
    job = _job("llama3.1-8b", 2**21)
    devices = (load_device("H100-SXM", "bf16"),)
    found = search_plans(load_model(job.model), job, devices, make_network(64))
    speeds = [candidate.tokens_per_s for candidate in found]
    assert speeds == sorted(speeds, reverse=True)
    for candidate in found:
        assert candidate.plan.accelerators <= 64
        assert candidate.plan.sequences * 4096 <= 2**21
        assert candidate.memory_bytes <= devices[0].capacity
    # an 8 B model on 64 H100 reaches half of the peak or better
    best = found[0]
    assert 6 * 8.03e9 * best.tokens_per_s / 64 / 989e12 > 0.45


def test_a_model_that_fits_nowhere_is_refused_with_numbers(make_network):
    job = _job("llama3.1-405b", 2**21)
    with pytest.raises(CapacityError, match=r"job\.model: no plan of llama3.1-405b fits 8 accelerators of 80 GB"):
        search_plans(load_model(job.model), job, (load_device("H100-SXM", "bf16"),), make_network(8))
