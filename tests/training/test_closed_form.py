"""Iteration times in closed form: exact cases, conservation, and what must hold for any plan."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.training.closed_form import estimate_steps
from clustersim.training.exchange import collective_seconds, context_exchange, expert_exchange, group_rate, ring_steps
from clustersim.workload import load_model
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.hardware import bare_hardware, hardware_of
from tests.drawn import examples

MODELS = ("llama3.1-8b", "llama3.1-70b", "gpt3-175b", "mixtral-8x7b", "deepseek-v3")


def _hardware(n=1, chip="H100-SXM", precision="bf16"):
    return hardware_of([chip] * n, [precision] * n, [None] * n, [None] * n)


def _record(name="llama3.1-70b", **plan):
    base = {"sequence": 4096.0, "accelerators": 512.0, "micro_batch": 1.0, "micro_batches": 16.0}
    return model_record(load_model(name)) | base | plan


@st.composite
def records(draw):
    tensor, context = draw(st.sampled_from([1, 2, 8])), draw(st.sampled_from([1, 2]))
    pipeline, replicas = draw(st.sampled_from([1, 2, 4])), draw(st.sampled_from([1, 4, 64]))
    name = draw(st.sampled_from(MODELS))
    mixture = load_model(name).kind == "moe"
    return _record(
        name,
        accelerators=float(tensor * context * pipeline * replicas),
        tensor=float(tensor),
        context=float(context),
        pipeline=float(pipeline),
        virtual=float(draw(st.sampled_from([1, 2]))) if pipeline > 1 else 1.0,
        expert=float(draw(st.sampled_from([1, 8]))) if mixture else 1.0,
        micro_batch=float(draw(st.sampled_from([1, 2]))),
        micro_batches=float(draw(st.sampled_from([1, 8, 64]))),
        recompute=draw(st.sampled_from([0, 1, 2])),
        sharding=draw(st.sampled_from([0, 1, 3])),
        sequence_parallel=draw(st.booleans()),
        tensor_overlap=draw(st.booleans()),
        gradient_overlap=draw(st.booleans()),
        precision=draw(st.sampled_from([0, 1])),
    )


@given(st.lists(records(), min_size=1, max_size=5))
@settings(max_examples=examples(60), deadline=None)
def test_many_at_once_are_each_alone_and_the_parts_add_up(rows):
    precisions = ["fp8" if row["precision"] else "bf16" for row in rows]
    hardware = hardware_of(["H100-SXM"] * len(rows), precisions, [None] * len(rows), [None] * len(rows))
    together = estimate_steps(configurations(rows), hardware)
    for i, row in enumerate(rows):
        alone = estimate_steps(configurations([row]), _hardware(precision=precisions[i]))
        assert alone.iteration_time_s[0] == together.iteration_time_s[i]
    total = sum(together.parts.values())
    np.testing.assert_allclose(total, together.iteration_time_s, rtol=1e-12)
    assert all((part >= -1e-12 * total).all() for part in together.parts.values())


@given(records(), st.sampled_from(["scale_up", "nic", "nic_scattered", "bandwidth", "peak", "attention"]))
@settings(max_examples=examples(60), deadline=None)
def test_better_hardware_is_never_slower(row, what):
    hardware = _hardware(precision="fp8" if row["precision"] else "bf16")
    better = replace(hardware, **{what: 2.0 * getattr(hardware, what)})
    c = configurations([row])
    # where an exchange takes the time that faster products save, memory's share of compute rises, and with it what an
    # exchange beside it loses: a search for the worst found 0.28 %
    slack = 5e-3 if what == "peak" else 1e-9
    assert estimate_steps(c, better).iteration_time_s[0] <= estimate_steps(c, hardware).iteration_time_s[0] * (
        1 + slack
    )


def test_a_uniform_pipeline_is_exact():
    """No exchange, no head, no spread: ``m (f + b) + (p - 1)(f + b) / v``."""
    hardware = replace(
        _hardware(), nic=np.array([np.inf]), scale_up=np.array([np.inf]), start=np.zeros(1), hop=np.zeros(1),
        step=np.zeros(1), ramp=np.zeros(1), rank_spread=np.zeros(1), step_fixed=np.zeros(1), overlap=np.ones(1),
    )  # fmt: skip
    for virtual in (1.0, 5.0):
        row = _record(pipeline=4.0, virtual=virtual, accelerators=4.0, vocab=1e-9, frozen=True)
        whole = estimate_steps(configurations([row]), hardware)
        one = estimate_steps(configurations([row | {"micro_batches": 17.0}]), hardware)
        each = one.iteration_time_s[0] - whole.iteration_time_s[0]
        assert whole.iteration_time_s[0] == pytest.approx(each * (16.0 + 3.0 / virtual), rel=1e-4)


def test_data_parallel_cost_grows_with_the_replicas():
    counts = [64.0, 512.0, 4096.0, 32768.0]
    c = configurations([_record("llama3.1-8b", accelerators=n, micro_batches=1.0) for n in counts])
    parts = estimate_steps(c, _hardware(len(counts))).parts
    assert (np.diff(parts["gradients"] + parts["stragglers"]) > 0).all()


def test_overlap_never_costs_and_sequence_parallelism_saves_norms():
    plain = _record(tensor=8.0, sequence_parallel=True)
    overlapped = plain | {"tensor_overlap": True}
    alone = _record(tensor=8.0, sequence_parallel=False)
    times = estimate_steps(configurations([plain, overlapped, alone]), _hardware(3))
    assert times.iteration_time_s[1] < times.iteration_time_s[0]
    assert times.parts["memory"][0] < times.parts["memory"][2]


def test_sharded_parameters_are_gathered_in_every_micro_batch():
    rows = [_record("llama3.1-8b", accelerators=64.0, sharding=3, micro_batches=m) for m in (1.0, 4.0)]
    parts = estimate_steps(configurations(rows), _hardware(2)).parts["parameters"]
    assert parts[1] == pytest.approx(4.0 * parts[0])


def test_a_group_in_a_domain_uses_its_links_and_others_all_nics():
    hardware = _hardware(3)
    rate = group_rate(hardware, np.array([8.0, 64.0, 64.0]), np.array([1.0, 1.0, 8.0]))
    assert rate[0] == hardware.scale_up[0]
    assert rate[1] == min(hardware.scale_up[0], 8.0 * hardware.nic[0])
    assert rate[2] == hardware.nic[0]


def test_a_ring_turns_slower_with_more_members():
    hardware = _hardware(3)
    turn = ring_steps(hardware, np.array([1.0, 8.0, 64.0]), np.ones(3))
    assert turn[0] == 0.0
    assert turn[1] == pytest.approx(7.0 * hardware.step[0])
    assert turn[2] == pytest.approx(8.0 * hardware.hop[0] + 55.0 * hardware.step[0])


def test_a_router_that_sends_once_per_node_saves_traffic():
    row = _record("deepseek-v3", expert=64.0, accelerators=2048.0, pipeline=16.0)
    c = configurations([row, row | {"once_per_node": False}])
    forward, _ = expert_exchange(c, _hardware(2))
    assert forward[0] < 0.6 * forward[1]


COLLECTIVES = {"all_reduce": 2.0, "all_gather": 1.0, "reduce_scatter": 1.0, "alltoall": 1.0}


@pytest.mark.parametrize("chip", ["A100-80GB", "H100-SXM-80GB", "H200-141GB", "B200", "GB200"])
def test_measured_collectives(reference, chip):
    """Two to eight accelerators, 4 MB and more; one law for all four collectives."""
    table = pd.read_csv(reference / "collectives_kernels.csv.gz")
    rows = table[(table.accelerator == chip) & (table.kind == "nccl") & (table.message_bytes >= 4e6)]
    n = len(rows)
    hardware = bare_hardware([chip] * n, ["bf16"] * n, [None] * n)
    size = rows.n_gpus.to_numpy(float)
    passes = rows.collective.map(COLLECTIVES).to_numpy(float)
    sent = passes * (size - 1.0) / size * rows.message_bytes.to_numpy(float)
    errors = collective_seconds(hardware, sent, size, hardware.scale_up) / (rows.time_us.to_numpy() * 1e-6) - 1.0
    print(f"{chip}: {n} rows, median error {np.median(np.abs(errors)):.1%}, bias {errors.mean():+.1%}")
    assert np.median(np.abs(errors)) <= 0.15


@pytest.mark.parametrize(("sharding", "group"), [(0, None), (1, None), (2, None), (3, None), (3, 8.0), (1, 8.0)])
def test_no_reduction_gets_cheaper_with_more_replicas(sharding, group):
    """At a fixed work per replica; also where another bucket becomes full, and between groups that share shards."""
    replicas = np.unique(np.round(np.geomspace(16, 16384, 60) / 8.0) * 8.0)
    rows = [
        _record(accelerators=8.0 * n, tensor=8.0, sharding=sharding, gradient_overlap=False)
        | ({"shard_group": group} if group else {})
        for n in replicas
    ]
    parts = estimate_steps(configurations(rows), _hardware(len(rows))).parts
    cost = parts["gradients"] + parts["parameters"]
    assert (np.diff(cost) > 0.0).all()


def test_buckets_of_many_ranks_are_as_large_as_their_number_asks():
    """A million weights per rank: with 128 ranks another bucket changes nothing, with 8 it does."""

    def cost(ranks, bucket):
        row = _record(accelerators=8.0 * ranks, tensor=8.0, sharding=1, gradient_overlap=False)
        wire = replace(_hardware(), bucket=np.array([bucket]))
        return estimate_steps(configurations([row]), wire).parts["gradients"][0]

    assert cost(128, 20e6) == cost(128, 80e6)
    assert cost(8, 20e6) > cost(8, 80e6)


def test_sharded_gradients_are_reduced_every_micro_batch():
    """ZeRO-2 keeps less, and sends as often as it computes: once in a step of one micro-batch."""

    def cost(sharding, micro_batches, **plan):
        row = _record(tensor=8.0, micro_batches=micro_batches, sharding=sharding, gradient_overlap=False, **plan)
        return estimate_steps(configurations([row]), _hardware()).parts["gradients"][0]

    assert cost(2, 1.0) == cost(1, 1.0)
    more = cost(2, 5.0) - cost(1, 5.0)
    assert more > 0.0
    assert cost(2, 9.0) - cost(1, 9.0) == pytest.approx(2.0 * more)
    # interleaved, a chunk takes as many in a row as there are stages
    interleaved = {"pipeline": 4.0, "virtual": 2.0}
    assert cost(2, 4.0, **interleaved) == cost(1, 4.0, **interleaved)


def test_an_all_reduce_is_both_halves_with_gradients():
    rows = [_record(tensor=8.0, sharding=s, gradient_overlap=False, reduce_bytes=2) for s in (0, 1)]
    parts = estimate_steps(configurations(rows), _hardware(2)).parts
    # at two bytes weights and gradients weigh the same
    assert parts["gradients"][0] == pytest.approx(parts["gradients"][1])
    rows = [row | {"reduce_bytes": 4} for row in rows]
    parts = estimate_steps(configurations(rows), _hardware(2)).parts
    assert parts["gradients"][0] > parts["gradients"][1]


@pytest.mark.parametrize(
    ("name", "part", "plan"),
    [
        ("llama3.1-70b", "tensor", {"tensor": 8.0, "sequence_parallel": True}),
        ("deepseek-v3", "expert", {"expert": 64.0}),
        ("llama3.1-70b", "context", {"context": 4.0, "sequence": 32768.0}),
    ],
)
def test_full_recomputation_repeats_the_exchanges_of_the_forward(name, part, plan):
    rows = [_record(name, recompute=r, **plan) for r in (0, 2)]
    none, full = estimate_steps(configurations(rows), _hardware(2)).parts[part]
    assert 1.2 * none < full < 1.7 * none


def test_gradients_of_inputs_travel_beside_those_of_weights():
    rows = [_record(tensor=8.0, sequence_parallel=s, gradient_products=g) for s in (False, True) for g in (False, True)]
    times = estimate_steps(configurations(rows), _hardware(4)).parts["tensor"]
    assert times[1] < times[0]
    assert times[3] < times[2]
    # what is left is at least the forward and the gradients that row-parallel products wait for: six of eight
    assert times[1] >= 0.75 * times[0] * (1.0 - 1e-9)


def test_a_ring_of_contexts_across_domains_is_as_fast_as_one_link():
    hardware = _hardware()
    inside, across = (
        context_exchange(
            configurations([_record(context=n, accelerators=512.0)]), hardware, (np.zeros(1), np.zeros(1))
        )[0][0]
        for n in (8.0, 16.0)
    )
    sent = 2.0 * 2.0 * 8.0 * 128.0 * 4096.0
    assert across > sent * 15.0 / 16.0 / hardware.nic[0]
    assert inside < across


def test_zero_bubble_fills_gaps_with_weight_gradients_only():
    """Recomputation is no weight gradient, and frozen weights have none."""
    base = {"pipeline": 8.0, "accelerators": 64.0}
    rows = [_record(**base, schedule=s, **plan) for plan in ({}, {"recompute": 2}, {"frozen": True}) for s in (0, 1)]
    bubble = estimate_steps(configurations(rows), _hardware(6)).parts["bubble"].reshape(3, 2)
    saved = bubble[:, 0] - bubble[:, 1]
    assert saved[1] == pytest.approx(saved[0])
    assert saved[2] == pytest.approx(0.0)
    assert saved[0] > 0.0
