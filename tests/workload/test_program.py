"""The step program: memory by hand, plans that cannot be cut, conservation over stages."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.workload import PlanSpec, build_step_program, check_memory, count_parameters, load_model
from clustersim.workload.footprint import footprint
from clustersim.workload.program import split_layers
from clustersim.workload.weights import weights


def _plan(**changes):
    return PlanSpec.model_validate({"data": 1, "micro_batches": 1, **changes})


def _program(model, plan, sequence=2048, chip="A100-80G-SXM"):
    return build_step_program(model, plan, sequence, (chip,))


def test_memory_of_one_stage_by_hand(make_gpt):
    """ZeRO-1: bf16 weight, fp32 gradient, 12 bytes of optimizer state over 4 replicas; arXiv 1910.02054."""
    model = make_gpt(layers=2, hidden=1024, heads=8, vocab=32000)
    program = _program(model, _plan(data=4, micro_batches=8), sequence=1024)
    count = 2 * 12 * 1024**2 + 32000 * 1024
    resident = count * (2 + 4 + 12 / 4)
    # per layer and token: norm inputs and outputs, queries, keys, values, output (2 B each); 4h twice in the FFN
    activations = 2 * 1024 * 1024 * 2 * (2 + 4 + 2 + 2 * 4)
    logits = 10 * 1024 * 32000
    assert count == count_parameters(model).total
    assert program.memory_bytes.tolist() == pytest.approx([resident + activations + logits])


def test_memory_of_two_stages_by_hand(make_gpt):
    """The first stage holds two micro-batches, the last one; a tied embedding has a copy at either end."""
    model = make_gpt(layers=2, hidden=1024, heads=8, vocab=1000)
    program = _program(model, _plan(pipeline=2, data=2, micro_batches=8, gradient_bytes=2), sequence=1024)
    assert program.layers.tolist() == [1, 1]
    resident = (12 * 1024**2 + 1000 * 1024) * (2 + 2 + 12 / 2)
    activations = 1024 * 1024 * 2 * (2 + 4 + 2 + 2 * 4)
    # the block at work: its input and the inner width
    working = 1024 * 1024 * 2 * (1 + 2 * 4)
    expected = [resident + 2 * activations + working, resident + activations + max(working, 10 * 1024 * 1000)]
    assert program.memory_bytes.tolist() == pytest.approx(expected)


@pytest.mark.parametrize("changes", [{}, {"pipeline": 4}, {"pipeline": 4, "virtual_stages": 2}, {"tensor": 4}])
def test_the_fullest_stage_is_the_footprint_of_the_search(changes):
    """One memory model: stage by stage it finds what the closed form says of the fullest rank."""
    model = load_model("gpt3-175b")
    plan = _plan(**{"data": 4, "micro_batches": 16, **changes, "stage_layers": None})
    stages = plan.pipeline * plan.virtual_stages
    plan = plan.model_copy(update={"stage_layers": (96 // stages,) * stages})
    program = _program(model, plan)
    c = program.configuration
    # a tied embedding is there once on a single stage
    slack = 0.02 if stages == 1 else 1e-9
    assert program.memory_bytes.max() == pytest.approx(footprint(c, weights(c)).total[0], rel=slack)


def test_expert_optimizer_state_is_sharded_over_the_ranks_that_hold_the_same_experts():
    model = load_model("mixtral-8x7b")
    program = _program(model, _plan(data=16, expert=8, micro_batches=1), chip="H200-SXM")
    count = count_parameters(model)
    expert = model.layers * count.moe_experts_per_layer / 8
    dense = count.total - model.layers * count.moe_experts_per_layer
    assert program.expert_parameters.sum() == pytest.approx(expert)
    assert program.dense_parameters.sum() == pytest.approx(dense)
    wider = _program(model, _plan(data=32, expert=8, micro_batches=1), chip="H200-SXM")
    saved = 12 * (expert / 2 - expert / 4 + dense / 16 - dense / 32)
    assert program.memory_bytes[0] - wider.memory_bytes[0] == pytest.approx(saved)


@pytest.mark.parametrize("name", sorted(catalog.entries("models")))
def test_stages_hold_every_layer_and_every_weight_once(name):
    model, count = load_model(name), count_parameters(load_model(name))
    expert = 8 if model.kind == "moe" else 1
    plan = _plan(tensor=2, pipeline=4, virtual_stages=2, data=4 * expert, expert=expert, micro_batches=8)
    program = _program(model, plan, chip="H100-SXM")
    assert program.layers.sum() == model.depth
    assert program.expert_layers.sum() == sum(model.is_moe_layer(layer) for layer in range(model.depth))
    further = count.attention_per_layer + count.moe_shared_per_layer + count.moe_experts_per_layer
    copies = count.embedding if model.tied_embeddings else 0
    held = program.dense_parameters.sum() * plan.tensor + program.expert_parameters.sum() * plan.expert
    assert held == pytest.approx(count.total + copies + model.mtp_depth * further, rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(layers=st.integers(1, 150), stages=st.integers(1, 40), head=st.floats(0, 6), embedding=st.floats(0, 1))
def test_layers_are_split_as_evenly_as_they_can_be(layers, stages, head, embedding):
    counts = np.array(split_layers(layers, stages, head, embedding))
    assert counts.sum() == layers
    assert counts.min() >= 0
    cost = counts.astype(float)
    cost[0] += embedding
    cost[-1] += head if stages > 1 else 0.0
    # no layer could move from the slowest stage to another and make it the faster one
    with_layers = np.where(counts > 0, cost, 0.0)
    assert cost.min() + 1.0 >= with_layers.max() - 1e-12


def test_recomputation_costs_a_forward_and_keeps_less():
    model = load_model("gpt3-175b")
    programs = {
        r: _program(model, _plan(tensor=8, pipeline=8, micro_batches=16, recompute=r))
        for r in ("none", "selective", "full")
    }
    none, selective, full = (programs[r] for r in ("none", "selective", "full"))
    assert full.memory_bytes[0] < selective.memory_bytes[0] < none.memory_bytes[0]
    # the head is not recomputed; every layer repeats its whole forward
    extra = full.body.matrix_backward - none.body.matrix_backward
    assert extra == pytest.approx(none.body.matrix_forward, rel=1e-12)
    assert full.ends.matrix_backward.tolist() == none.ends.matrix_backward.tolist()
    assert selective.body.matrix_backward.tolist() == none.body.matrix_backward.tolist()
    assert (selective.body.memory_backward > none.body.memory_backward).all()


def test_recomputing_some_layers_costs_and_saves_its_share():
    model = load_model("gpt3-175b")
    none, half, full = (
        _program(model, _plan(tensor=8, pipeline=8, micro_batches=16, **changes))
        for changes in ({}, {"recompute": "full", "recompute_share": 0.5}, {"recompute": "full"})
    )
    added = [p.body.matrix_backward - none.body.matrix_backward for p in (half, full)]
    assert added[0] == pytest.approx(0.5 * added[1], rel=1e-12)
    assert full.memory_bytes[0] < half.memory_bytes[0] < none.memory_bytes[0]


def test_layers_of_stages_can_be_given():
    """Llama 3.1 405B: one layer fewer on the first and the last of 16 stages (arXiv 2407.21783, section 3.3.2)."""
    model = load_model("llama3.1-405b")
    given = (7, *(8,) * 14, 7)
    program = _program(model, _plan(tensor=8, pipeline=16, micro_batches=16, stage_layers=given), chip="H100-SXM")
    assert tuple(program.layers) == given


def test_dualpipe_holds_both_directions():
    model = load_model("deepseek-v3")
    keys = {"pipeline": 4, "data": 64, "expert": 64, "micro_batches": 16}
    plain = _program(model, _plan(**keys), chip="H800-SXM")
    both = _program(model, _plan(**keys, schedule="dualpipe"), chip="H800-SXM")
    assert both.layers.tolist() == [*plain.layers, *plain.layers[::-1]]
    assert both.dense_parameters.sum() == pytest.approx(2 * plain.dense_parameters.sum())
    # nothing is shared out: a second set of weights, gradients and optimizer states
    alone = {**keys, "sharding": "none", "recompute": "full"}
    held = [_program(model, _plan(**alone, **more), chip="H800-SXM") for more in ({}, {"schedule": "dualpipe"})]
    middle = slice(1, 3)
    weights_of = [
        (p.dense_parameters + p.expert_parameters).reshape(-1, 4).sum(axis=0)[middle] * (2 + 4 + 12) for p in held
    ]
    states = weights_of[1] - weights_of[0]
    assert ((held[1].memory_bytes - held[0].memory_bytes)[middle] >= 0.95 * states.min()).all()


def test_the_smallest_site_needs_the_most_memory():
    model = load_model("llama3.1-8b")
    plan = _plan(data=64)
    even, small = (build_step_program(model, plan, 2048, ("H100-SXM",), replicas=n).memory_bytes[0] for n in (64, 4))
    assert small - even == pytest.approx(12 * count_parameters(model).total * (1 / 4 - 1 / 64))


@pytest.mark.parametrize(
    ("model", "plan", "key"),
    [
        ("llama3.1-8b", {"tensor": 3}, "job.plan.tensor: 3 does not divide the 32 heads"),
        ("llama3.1-8b", {"pipeline": 16, "virtual_stages": 3, "micro_batches": 16}, "job.plan.pipeline: 16 stages x 3"),
        ("llama3.1-8b", {"virtual_stages": 2}, "job.plan.virtual_stages: interleaving"),
        ("llama3.1-8b", {"pipeline": 4, "virtual_stages": 2, "micro_batches": 6}, "job.plan.micro_batches: "),
        ("llama3.1-8b", {"data": 8, "expert": 8}, "job.plan.expert: llama3.1-8b is dense"),
        ("deepseek-v3", {"data": 96, "expert": 96}, "job.plan.expert: 96 does not divide the 256 experts"),
        ("deepseek-v3", {"tensor": 8, "data": 8, "expert": 128}, "job.plan.expert: expected a divisor of tensor x"),
        ("llama3.1-8b", {"context": 3}, "job.plan.context: 3 does not divide the 2048 tokens"),
        ("llama3.1-8b", {"pipeline": 2, "stage_layers": (16, 15)}, "job.plan.stage_layers: expected 2 virtual stages"),
        ("llama3.1-8b", {"schedule": "zero_bubble"}, "job.plan.schedule: zero_bubble needs more than one stage"),
        ("llama3.1-8b", {"pipeline": 4, "schedule": "dualpipe", "micro_batches": 6}, "dualpipe needs an even number"),
        (
            "llama3.1-8b",
            {"pipeline": 4, "virtual_stages": 2, "schedule": "breadth_first", "micro_batches": 3},
            "job.plan.micro_batches: breadth_first with virtual stages needs at least the 4",
        ),
        (
            "deepseek-v3",
            {"pipeline": 4, "data": 8, "expert": 8, "expert_overlap": "pairs", "schedule": "breadth_first"},
            "job.plan.expert_overlap: breadth_first has no pairs",
        ),
        ("llama3.1-8b", {"data": 6, "shard_group": 4}, "job.plan.shard_group: 4 does not divide the 6 replicas"),
    ],
)
def test_plans_that_cannot_cut_the_model(model, plan, key):
    with pytest.raises(InputError, match=key):
        _program(load_model(model), _plan(**plan))


def test_every_problem_is_named_at_once():
    with pytest.raises(InputError) as found:
        _program(load_model("llama3.1-8b"), _plan(tensor=3, pipeline=40))
    assert "job.plan.tensor" in str(found.value)
    assert "job.plan.pipeline" in str(found.value)


def test_a_plan_that_does_not_fit_names_the_numbers():
    model = load_model("llama3.1-405b")
    program = _program(model, _plan(tensor=8, data=8), chip="H100-SXM")
    with pytest.raises(
        CapacityError,
        match=r"job\.plan: stage 0 needs \d+\.\d GB per accelerator, but a job can use \d+\.\d GB of H100-SXM",
    ):
        check_memory(program)
    check_memory(_program(load_model("llama3.1-8b"), _plan(data=8), chip="H100-SXM"))


def test_arrays_are_read_only():
    program = _program(load_model("llama3.1-8b"), _plan())
    with pytest.raises(ValueError, match="read-only"):
        program.memory_bytes[0] = 0.0
