"""Durations on a fabric: bounds, monotony, sites; and the estimate against the rank simulation."""

import dataclasses
import math
import random

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import CapacityError, CatalogError, InputError
from clustersim.fabric.traffic import Placement
from clustersim.training.closed_form import estimate_steps
from clustersim.training.estimate import estimate_iteration_s
from clustersim.training.exchange import distinct_nodes
from clustersim.training.network import expert_traffic, units_per_site
from clustersim.training.records import Fleet, JitterSpec
from clustersim.training.search import search_plans
from clustersim.training.simulate import simulate_step
from clustersim.training.timing import slowed, step_timing
from clustersim.workload import JobSpec, PlanSpec, build_step_program, load_model
from clustersim.workload.footprint import usable_bytes
from clustersim.workload.hardware import hardware_of, with_exchange_path

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


def test_a_fabric_carries_no_more_than_the_libraries_reach(make_timing, make_network):
    """Wide links leave what NCCL reaches on the accelerator; narrow ones set the pace of what leaves the domain."""
    plan = PlanSpec(tensor=4, pipeline=2, data=64, expert=32, micro_batches=4)
    network = make_network(512)

    def scaled(factor):
        return dataclasses.replace(network, resources={k: factor * rate for k, rate in network.resources.items()})

    wide, wider, narrow = (make_timing("deepseek-v3", plan, network=scaled(f)) for f in (4.0, 8.0, 0.1))
    for name in ("operation_s", "reduce_s", "gather_s", "message_s"):
        assert getattr(wide, name) == pytest.approx(getattr(wider, name), rel=1e-12)
        assert np.sum(getattr(narrow, name)) > np.sum(getattr(wide, name))
    exchange = [t.operation_s * t.shares[..., 2] for t in (wide, narrow)]
    assert (exchange[1] > 3.0 * exchange[0]).all()


def test_reduction_and_messages_take_at_least_their_bytes_over_the_bandwidth(make_timing, make_network):
    for timing in _random_timings(make_timing, 40, seed=4):
        program = timing.program
        plan = program.plan
        widest = max(make_network(plan.accelerators).resources.values())
        nic = make_network(plan.accelerators).resources["nic"]
        dense = (plan.data - 1) / plan.data * program.dense_parameters * plan.gradient_bytes
        expert = (plan.units - 1) / plan.units * program.expert_parameters * plan.gradient_bytes
        # of a chunk's reduction the part of one layer has no pass to run beside, and overlap is never whole
        alone = np.maximum(1.0 / np.maximum(program.layers, 1.0), 0.25)
        assert (timing.reduce_s >= alone * (dense + expert) / widest * (1 - 1e-12)).all()
        if plan.pipeline > 1:
            boundary = 2 * plan.micro_batch * program.sequence_length * program.model.hidden / plan.tensor
            # a rank has its scale-up port and its NIC to send through
            assert timing.message_s >= boundary / (widest + nic)


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


def test_shared_parameters_are_gathered_in_every_pass(make_timing):
    """ZeRO-3 moves what ZeRO-1 moves once per step with every micro-batch, and leaves nothing for the end."""
    plan = PlanSpec(data=16, micro_batches=4)
    once = make_timing("llama3.1-8b", plan)
    always = make_timing("llama3.1-8b", plan.model_copy(update={"sharding": "parameters"}))
    assert once.reduce_s.sum() > 0.0
    assert always.reduce_s.sum() == always.gather_s.sum() == 0.0
    assert (always.operation_s > once.operation_s).all()
    assert always.program.memory_bytes.max() < once.program.memory_bytes.max()


def test_context_parallelism_shares_out_a_sequence(make_timing, still):
    """Half the work per rank, and keys and values on the way: faster than one rank, slower than half of it."""
    whole = make_timing("llama3.1-8b", PlanSpec(data=8, micro_batches=1), sequence=32768)
    halves = make_timing("llama3.1-8b", PlanSpec(context=2, data=8, micro_batches=1), sequence=32768)
    ratio = halves.operation_s.sum() / whole.operation_s.sum()
    assert 0.5 < ratio < 0.6
    assert (halves.operation_s[..., 0] * halves.shares[..., 0, 2]).sum() > 0.0


@pytest.mark.parametrize("schedule", ["zero_bubble", "dualpipe"])
def test_other_schedules_do_the_same_work_with_a_smaller_bubble(make_timing, still, schedule):
    plan = PlanSpec(tensor=8, pipeline=8, data=2, micro_batches=32)
    plain = still(make_timing("llama3.1-70b", plan, sequence=8192))
    other = still(make_timing("llama3.1-70b", plan.model_copy(update={"schedule": schedule}), sequence=8192))
    assert other.breakdown["matrix"] == pytest.approx(plain.breakdown["matrix"], rel=1e-9)
    assert other.breakdown["bubble"] < 0.8 * plain.breakdown["bubble"]
    assert other.iteration_time_s < plain.iteration_time_s


def test_expert_overlap_hides_the_exchange_and_slows_the_compute(make_timing):
    keys = {"pipeline": 4, "data": 32, "expert": 32, "micro_batches": 8}
    bare, hidden = (
        make_timing("deepseek-v3", PlanSpec(expert_overlap=overlap, **keys)) for overlap in ("none", "pairs")
    )
    compute, exchange = (bare.operation_s * share for share in (1.0 - bare.shares[..., 2], bare.shares[..., 2]))
    # a forward and a backward together take the longer of slowed compute and exchange
    longer = np.maximum(compute.sum(axis=1) / (1 - 20 / 132), exchange.sum(axis=1))
    assert hidden.operation_s.sum(axis=1) == pytest.approx(longer, rel=0.02)
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


def _search(job, network, chips=("H100-SXM",)):
    kinds = len(chips)
    reached = hardware_of(chips, [job.precision] * kinds, [None] * kinds, [None] * kinds)
    return search_plans(load_model(job.model), job, tuple(chips), reached, network)


def test_the_search_returns_plans_that_fit_fastest_first(make_network):
    found = _search(_job("llama3.1-8b", 2**21), make_network(64))
    speeds = [candidate.tokens_per_s for candidate in found.candidates]
    assert speeds == sorted(speeds, reverse=True)
    assert len(speeds) <= found.fitting <= found.tried
    for candidate in found.candidates:
        assert candidate.plan.accelerators <= 64
        assert candidate.plan.sequences * 4096 <= 2**21
        assert candidate.memory_bytes <= usable_bytes(["H100-SXM"])[0]
    # an 8 B model on 64 H100 reaches 40 % of the peak or better
    best = found.candidates[0]
    assert 6 * 8.03e9 * best.tokens_per_s / 64 / 989e12 > 0.40


def test_the_closed_form_of_the_search_is_close_to_the_step_stage_by_stage(make_timing, make_network):
    """The order of the search rests on the closed form; stage by stage, layers are spread better over the ends."""
    plans = [
        ("llama3.1-8b", PlanSpec(data=64, micro_batches=2)),
        ("llama3.1-70b", PlanSpec(tensor=8, pipeline=4, virtual_stages=5, data=8, micro_batches=16)),
        ("llama3.1-405b", PlanSpec(tensor=8, pipeline=16, virtual_stages=8, data=8, micro_batches=32)),
        ("mixtral-8x22b", PlanSpec(tensor=2, pipeline=4, data=16, expert=8, micro_batches=16)),
        ("deepseek-v3", PlanSpec(pipeline=8, data=64, expert=32, micro_batches=32, expert_overlap="pairs")),
    ]
    for name, plan in plans:
        timing = make_timing(name, plan)
        program = timing.program
        c, hardware = program.configuration, program.hardware
        closed = estimate_steps(c, dataclasses.replace(hardware, rank_spread=np.zeros(1))).iteration_time_s[0]
        assert estimate_iteration_s(timing) == pytest.approx(closed, rel=0.12), name


def test_a_model_that_fits_nowhere_is_refused_with_numbers(make_network):
    job = _job("llama3.1-405b", 2**21)
    with pytest.raises(CapacityError, match=r"job\.model: no plan of llama3.1-405b fits 8 accelerators .* GB"):
        _search(job, make_network(8))


def test_an_exchange_path_with_fewer_multiprocessors_is_faster(make_timing, make_network):
    """DeepEP's 6 multiprocessors against the 20 of NCCL or DeepSeek-V3, with the exchange of experts beside compute."""
    plan = PlanSpec(pipeline=4, data=32, expert=32, micro_batches=8, expert_overlap="pairs")
    model = load_model("deepseek-v3")
    usual = hardware_of(["H800-SXM"], ["bf16"], [None], [None])
    seconds = {}
    for name in catalog.entries("exchange_paths"):
        reached = with_exchange_path(usual, ["H800-SXM"], name)
        program = build_step_program(model, plan, 4096, ("H800-SXM",), reached=reached)
        seconds[name] = step_timing(program, make_network(plan.accelerators, chip="H800-SXM")).operation_s.sum()
    assert seconds["copy_engine"] < seconds["deepep"] < seconds["deepseek_v3"] < seconds["nccl"]
    # units and memory traffic, no more
    assert seconds["nccl"] / seconds["copy_engine"] < 1.0 / (1.0 - 20 / 132) / 0.9


def test_a_path_needs_multiprocessors():
    with pytest.raises(CatalogError, match="TPU7x has no multiprocessors"):
        with_exchange_path(hardware_of(["TPU7x"], ["bf16"], [None], [None]), ["TPU7x"], "deepep")


def test_gathering_keys_is_exposed_and_a_ring_is_not(make_timing):
    ring = PlanSpec(context=8, data=1, micro_batches=1)
    gather = ring.model_copy(update={"context_exchange": "all_gather"})
    long = [make_timing("llama3.1-8b", plan, sequence=131072) for plan in (ring, gather)]
    exchange = [float((t.operation_s * t.shares[..., 2]).sum()) for t in long]
    assert exchange[1] > exchange[0]
    # eight heads of keys and values against 32 of queries: little either way
    assert long[1].operation_s.sum() < 1.10 * long[0].operation_s.sum()


@pytest.mark.parametrize("field", ["gradient_overlap", "frozen"])
def test_both_ways_to_the_step_read_what_a_framework_does(make_network, field):
    """A configuration read from a table may say more than a plan; the two ways must not differ on it."""
    plan = PlanSpec(tensor=8, pipeline=4, data=16, micro_batches=8, schedule="zero_bubble")
    model, hardware = load_model("llama3.1-70b"), hardware_of(["H100-SXM"], ["bf16"], [None], [None])
    hardware = dataclasses.replace(hardware, rank_spread=np.zeros(1))
    plain = build_step_program(model, plan, 8192, ("H100-SXM",), reached=hardware).configuration
    flipped = dataclasses.replace(plain, **{field: ~getattr(plain, field)})
    seconds = []
    for c in (plain, flipped):
        program = build_step_program(model, plan, 8192, ("H100-SXM",), reached=hardware, configuration=c)
        timing = step_timing(program, make_network(plan.accelerators))
        seconds.append((estimate_iteration_s(timing), estimate_steps(c, hardware).iteration_time_s[0]))
    ratios = np.array(seconds[1]) / np.array(seconds[0])
    assert abs(ratios[1] - 1.0) > 0.01
    assert ratios[0] == pytest.approx(ratios[1], abs=0.05)


@pytest.mark.parametrize("schedule", ["1f1b", "breadth_first"])
def test_without_overlap_the_whole_exchange_stands_at_the_end(make_timing, still, schedule):
    """Reduction of all chunks, update and all-gather, one after the other, after the last backward."""
    keys = {"tensor": 8, "pipeline": 4, "virtual_stages": 4, "data": 64, "micro_batches": 4, "schedule": schedule}
    timing = make_timing("llama3.1-70b", PlanSpec(**keys, gradient_overlap=False))
    trace = still(timing)
    last = trace.end_s.reshape(-1, 4, timing.schedule.per_stage).max(axis=(0, 2))
    assert (trace.reduce_start_s.min(axis=1) >= last).all()
    exposed = trace.iteration_time_s - last.max()
    whole = (timing.reduce_s.reshape(4, 4).sum(axis=0) + timing.gather_s).max()
    assert exposed == pytest.approx(whole + timing.optimizer_s.max(), rel=0.02)
    assert still(make_timing("llama3.1-70b", PlanSpec(**keys))).iteration_time_s < trace.iteration_time_s


def test_breadth_first_takes_as_long_in_both_ways(make_timing):
    for chunks, batches in ((4, 8), (4, 12), (1, 8)):
        plan = PlanSpec(
            tensor=8, pipeline=4, virtual_stages=chunks, data=16, micro_batches=batches, schedule="breadth_first"
        )
        timing = make_timing("llama3.1-70b", plan)
        hardware = dataclasses.replace(timing.program.hardware, rank_spread=np.zeros(1))
        closed = estimate_steps(timing.program.configuration, hardware).iteration_time_s[0]
        assert estimate_iteration_s(timing) == pytest.approx(closed, rel=0.04)


def test_pairs_help_on_a_single_stage_too(make_timing, still):
    """Two micro-batches under way: the exchange of one beside the compute of the other."""
    keys = {"data": 32, "expert": 32, "micro_batches": 16}
    none, pairs = (
        still(make_timing("deepseek-v3", PlanSpec(expert_overlap=overlap, **keys))).iteration_time_s
        for overlap in ("none", "pairs")
    )
    assert pairs < none


def test_a_shared_device_slows_each_activity_by_its_own_share(make_timing):
    timing = make_timing("llama3.1-70b", PlanSpec(tensor=8, pipeline=4, data=4, micro_batches=8))
    assert slowed(timing) is timing
    shared = slowed(timing, compute=0.1, exchange=0.4)
    alone_s, shared_s = (one.operation_s[..., None] * one.shares for one in (timing, shared))
    assert (alone_s[..., 2] > 0.0).all()
    assert shared_s[..., 2] == pytest.approx(1.4 * alone_s[..., 2])
    for activity in (0, 1, 3):
        assert shared_s[..., activity] == pytest.approx(1.1 * alone_s[..., activity])
    # one share for all is that factor on every operation
    assert (slowed(timing, 0.025, 0.025).operation_s == timing.operation_s * 1.025).all()
    beside = slowed(timing, gap_exchange=0.2)
    assert (beside.operation_s == timing.operation_s).all()
    assert beside.reduce_s == pytest.approx(1.2 * timing.reduce_s)
    assert beside.gather_s == pytest.approx(1.2 * timing.gather_s)


@pytest.mark.parametrize("pipeline", [1, 4])
def test_late_work_after_gaps_lengthens_the_step_within_its_bounds(make_timing, pipeline):
    """At least the first forward and the optimizer are late; at most every hand-over of the longest chain too."""
    timing = make_timing("llama3.1-8b", PlanSpec(tensor=8, pipeline=pipeline, data=4, micro_batches=8))
    timing = dataclasses.replace(timing, stall_s=1e-3)
    fleet = Fleet(np.zeros(2, dtype=np.int64), np.array([[8.0]]), np.zeros(2, dtype=np.int64))
    slow, quiet, release = np.ones((2, pipeline)), JitterSpec(0.0, 0.0), 1e-3

    def seconds(one):
        return simulate_step(one, fleet, quiet, slow, 0).iteration_time_s

    before, after = seconds(timing), seconds(slowed(timing, release_s=release))
    hops = 2 * (pipeline - 1) + 2 * 8 if pipeline > 1 else 0
    assert before + 2 * release <= after * (1 + 1e-12)
    assert after <= (before + (2 + hops) * release) * (1 + 1e-12)
    # gaps that nobody notices cost nothing, and fewer are noticed the slower the counters
    found = [seconds(slowed(timing, release_s=release, noticed_s=noticed)) for noticed in (0.0, 1e-3, 0.1, 1e3)]
    assert found == sorted(found, reverse=True)
    assert found[-1] == before
