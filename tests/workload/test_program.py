"""The step program: memory by hand, plans that cannot be cut, conservation over stages."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.workload import (
    PlanSpec,
    build_step_program,
    check_memory,
    count_parameters,
    load_device,
    load_model,
)
from clustersim.workload.memory import in_flight
from clustersim.workload.program import split_layers


def _plan(**changes):
    return PlanSpec.model_validate({"data": 1, "micro_batches": 1, **changes})


def _program(model, plan, sequence=2048, chip="A100-80G-SXM", reserved=0.0, fragmentation=0.0):
    device = load_device(chip, plan.precision)
    return build_step_program(model, plan, sequence, (device,), reserved_bytes=reserved, fragmentation=fragmentation)


def test_memory_of_one_stage_by_hand(make_gpt):
    """ZeRO-1: bf16 weight, fp32 gradient, 12 bytes of optimizer state over 4 replicas; arXiv 1910.02054."""
    model = make_gpt(layers=2, hidden=1024, heads=8, vocab=32000)
    program = _program(model, _plan(data=4, micro_batches=8), sequence=1024, reserved=4e9, fragmentation=0.05)
    weights = 2 * 12 * 1024**2 + 32000 * 1024
    resident = weights * (2 + 4 + 12 / 4)
    # per layer and token: norm inputs and outputs, queries, keys, values, output (2 B each); 4h twice in the FFN
    activations = 2 * 1024 * 1024 * 2 * (2 + 4 + 2 + 2 * 4)
    logits = 6 * 1024 * 32000
    assert weights == count_parameters(model).total
    assert program.memory_bytes.tolist() == pytest.approx([resident + activations + logits + 4e9 + 0.05 * 80e9])


def test_memory_of_two_stages_by_hand(make_gpt):
    """The first stage holds two micro-batches, the last one; a tied embedding has a copy at either end."""
    model = make_gpt(layers=2, hidden=1024, heads=8, vocab=1000)
    program = _program(model, _plan(pipeline=2, data=2, micro_batches=8, gradient_bytes=2), sequence=1024)
    assert program.layers.tolist() == [1, 1]
    resident = (12 * 1024**2 + 1000 * 1024) * (2 + 2 + 12 / 2)
    activations = 1024 * 1024 * 2 * (2 + 4 + 2 + 2 * 4)
    expected = [resident + 2 * activations, resident + activations + 6 * 1024 * 1000]
    assert program.memory_bytes.tolist() == pytest.approx(expected)


def test_expert_optimizer_state_is_sharded_over_the_ranks_that_hold_the_same_experts():
    model = load_model("mixtral-8x7b")
    program = _program(model, _plan(data=16, expert=8, micro_batches=1), chip="H200-SXM")
    count = count_parameters(model)
    expert = model.layers * count.moe_experts_per_layer / 8
    dense = count.total - model.layers * count.moe_experts_per_layer
    assert program.expert_parameters.sum() == pytest.approx(expert)
    assert program.dense_parameters.sum() == pytest.approx(dense)
    assert program.expert_data == 2
    kept = program.memory_bytes[0] - expert * (6 + 12 / 2) - dense * (6 + 12 / 16) - 6 * 2048 * model.vocab
    fewer = _program(model, _plan(data=16, expert=8, micro_batches=1, recompute="selective"), chip="H200-SXM")
    assert 0 < program.memory_bytes[0] - fewer.memory_bytes[0] < kept


@pytest.mark.parametrize("name", sorted(catalog.entries("models")))
def test_stages_hold_every_layer_and_every_weight_once(name):
    model, count = load_model(name), count_parameters(load_model(name))
    expert = 8 if model.kind == "moe" else 1
    plan = _plan(tensor=2, pipeline=4, virtual_stages=2, data=4 * expert, expert=expert, micro_batches=8)
    program = _program(model, plan, chip="H100-SXM")
    assert program.layers.sum() == model.layers
    assert program.expert_layers.sum() == sum(model.is_moe_layer(layer) for layer in range(model.layers))
    copies = count.embedding if model.tied_embeddings else 0
    held = program.dense_parameters.sum() * plan.tensor + program.expert_parameters.sum() * plan.expert
    assert held == pytest.approx(count.total + copies, rel=1e-12)


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


def test_in_flight_micro_batches():
    plain = _plan(pipeline=4, micro_batches=16)
    assert [in_flight(plain, s) for s in range(4)] == [4, 3, 2, 1]
    assert in_flight(plain.model_copy(update={"micro_batches": 2}), 0) == 2
    # arXiv 2104.04473: interleaving keeps (v - 1) p + 2 (p - s - 1) + 1 chunks
    woven = _plan(pipeline=4, virtual_stages=3, micro_batches=16)
    assert [in_flight(woven, s) for s in range(4)] == [15, 13, 11, 9]


def test_recomputation_costs_a_forward_and_keeps_less():
    model = load_model("gpt3-175b")
    programs = {
        r: _program(model, _plan(tensor=8, pipeline=8, micro_batches=16, recompute=r))
        for r in ("none", "selective", "full")
    }
    none, selective, full = (programs[r] for r in ("none", "selective", "full"))
    assert full.memory_bytes[0] < selective.memory_bytes[0] < none.memory_bytes[0]
    # the head is not recomputed; the other stages repeat their whole forward
    extra = full.matrix_backward_s - none.matrix_backward_s
    assert extra[0, :-1] == pytest.approx(none.matrix_forward_s[0, :-1], rel=1e-12)
    assert selective.matrix_backward_s.tolist() == none.matrix_backward_s.tolist()
    assert (selective.memory_backward_s > none.memory_backward_s).all()


@pytest.mark.parametrize(
    ("model", "plan", "key"),
    [
        ("llama3.1-8b", {"tensor": 3}, "job.plan.tensor: 3 does not divide the 32 heads"),
        ("llama3.1-8b", {"pipeline": 16, "virtual_stages": 3, "micro_batches": 16}, "job.plan.pipeline: 16 stages x 3"),
        ("llama3.1-8b", {"virtual_stages": 2}, "job.plan.virtual_stages: interleaving"),
        ("llama3.1-8b", {"pipeline": 4, "virtual_stages": 2, "micro_batches": 6}, "job.plan.micro_batches: "),
        ("llama3.1-8b", {"data": 8, "expert": 8}, "job.plan.expert: llama3.1-8b is dense"),
        ("deepseek-v3", {"data": 96, "expert": 96}, "job.plan.expert: 96 does not divide the 256 experts"),
        ("deepseek-v3", {"tensor": 8, "data": 8, "expert": 4}, "job.plan.expert: expected a multiple of tensor"),
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
        CapacityError, match=r"job\.plan: stage 0 needs \d+\.\d GB per accelerator, but H100-SXM has 80 GB"
    ):
        check_memory(program)
    check_memory(_program(load_model("llama3.1-8b"), _plan(data=8), chip="H100-SXM"))


def test_exchanged_bytes_by_hand():
    model = load_model("deepseek-v3")
    plan = _plan(tensor=1, pipeline=2, data=64, expert=64, precision="fp8", micro_batches=4)
    program = _program(model, plan, sequence=4096, chip="H800-SXM")
    # 4,096 tokens to 8 experts of width 7,168: fp8 out, bf16 back
    fullest = 1.0 + math.sqrt(2.0 * math.log(64) / (4096 * 8))
    assert program.expert_dispatch_bytes == pytest.approx(fullest * 4096 * 8 * 7168)
    assert program.expert_combine_bytes == pytest.approx(2 * fullest * 4096 * 8 * 7168)
    assert program.boundary_bytes == 2 * 4096 * 7168
    assert program.tensor_bytes.tolist() == [0.0, 0.0]
    dense = _program(load_model("llama3.1-8b"), _plan(tensor=4, pipeline=2, micro_batches=4))
    # all-gather and reduce-scatter around two blocks: 3/4 of the hidden state each
    assert dense.tensor_bytes[0] == pytest.approx(dense.layers[0] * 4 * 0.75 * 2048 * 4096 * 2)
    assert dense.boundary_bytes == 2048 * 4096 * 2 / 4


def test_arrays_are_read_only():
    program = _program(load_model("llama3.1-8b"), _plan())
    with pytest.raises(ValueError, match="read-only"):
        program.memory_bytes[0] = 0.0
