"""Costs of the blocks, counts and memory: what must hold for any model, plan and hardware."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim import catalog
from clustersim.workload import count_parameters, load_model, model_flops_per_token
from clustersim.workload.capping import capping_curve, speed_under_cap
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.costs import attention_block, mixture_block, plain_block, product_seconds
from clustersim.workload.footprint import footprint
from clustersim.workload.hardware import bare_hardware
from clustersim.workload.weights import weights

RATES = frozenset({"peak", "plain_peak", "bandwidth", "scale_up", "nic", "nic_scattered"})
TIMES = frozenset({"fixed", "plain_fixed", "launch", "start", "step", "ramp", "hop", "step_fixed"})
MODELS = st.sampled_from(["llama3.1-8b", "llama3.1-70b", "gpt3-175b", "mixtral-8x7b", "deepseek-v3"])
CHIPS = st.sampled_from(["A100-80G-SXM", "H100-SXM", "B200", "TPU-v5p"])
SIZES = st.integers(1, 20_000).map(lambda size: np.array([float(size)]))
BLOCKS = st.sampled_from([attention_block, plain_block, mixture_block])


def faster(hardware, k):
    """The same hardware with every rate k times and every time 1/k of what it was."""
    changes = {f.name: k if f.name in RATES else 1.0 / k for f in fields(hardware) if f.name in RATES | TIMES}
    return replace(hardware, **{name: getattr(hardware, name) * factor for name, factor in changes.items()})


def hardware_of(chip, n=1):
    return bare_hardware([chip] * n, ["bf16"] * n, [None] * n)


def plan_of(model, **changes):
    plan = {"sequence": 4096.0, "accelerators": 64.0, "micro_batch": 1.0, "micro_batches": 8.0}
    return configurations([model_record(load_model(model)) | plan | changes])


@given(CHIPS, SIZES, SIZES, SIZES, st.floats(0.1, 10.0))
def test_products_take_time_as_one_over_the_rates(chip, m, n, k, factor):
    hardware = hardware_of(chip)
    slow, quick = product_seconds(hardware, m, n, k), product_seconds(faster(hardware, factor), m, n, k)
    np.testing.assert_allclose(quick * factor, slow, rtol=1e-12)


@given(CHIPS, SIZES, SIZES, SIZES)
def test_a_product_takes_no_less_than_its_flops_and_its_bytes(chip, m, n, k):
    hardware = hardware_of(chip)
    seconds = product_seconds(hardware, m, n, k)
    assert seconds >= 2.0 * m * n * k / (hardware.peak * hardware.share)
    assert seconds >= hardware.element_bytes * (m * k + n * k) / hardware.bandwidth


@given(MODELS, CHIPS, BLOCKS, st.integers(1, 64), st.integers(1, 64))
def test_more_tokens_never_cost_less(model, chip, block, size, more):
    hardware = hardware_of(chip)
    few, many = (plan_of(model, micro_batch=float(n)) for n in (size, size + more))
    first, second = block(few, hardware, weights(few)), block(many, hardware, weights(many))
    assert second.forward >= first.forward * (1 - 1e-12)
    assert second.backward >= first.backward * (1 - 1e-12)


@given(MODELS, BLOCKS, st.sampled_from([0, 1, 2]), st.sampled_from([1.0, 2.0, 8.0]))
def test_a_backward_is_at_least_its_forward(model, block, recompute, tensor):
    c = plan_of(model, recompute=recompute, tensor=tensor)
    cost = block(c, hardware_of("H100-SXM"), weights(c))
    assert cost.backward >= cost.forward
    assert all(getattr(cost, f.name) >= -1e-12 * cost.forward for f in fields(cost))


@given(MODELS, st.integers(1, 200_000), st.integers(1, 200_000))
def test_flops_of_a_token_grow_in_a_straight_line_with_the_sequence(model, one, two):
    spec = load_model(model)
    at = [model_flops_per_token(spec, length) for length in (one, two, one + two)]
    rest = 6.0 * (count_parameters(spec).active - (0 if spec.tied_embeddings else count_parameters(spec).embedding))
    assert at[0] + at[1] - rest == pytest.approx(at[2], rel=1e-12)
    assert min(at) >= rest


@given(MODELS, st.sampled_from([1, 2, 4]), st.sampled_from([1, 2, 4, 64]), st.sampled_from([0, 1, 2]))
def test_more_sharding_and_more_recomputation_never_need_more_memory(model, tensor, data, recompute):
    plan = {"tensor": float(tensor), "accelerators": float(tensor * data), "recompute": recompute}
    c = [plan_of(model, sharding=stage, **plan) for stage in range(4)]
    kept = [footprint(one, weights(one)) for one in c]
    states = [float((one.weights + one.gradients + one.optimizer)[0]) for one in kept]
    assert states == sorted(states, reverse=True)
    total = [plan_of(model, **(plan | {"recompute": level})) for level in range(3)]
    memory = [float(footprint(one, weights(one)).activations[0]) for one in total]
    assert memory == sorted(memory, reverse=True)


@given(MODELS, st.sampled_from([1.0, 2.0, 4.0, 8.0]))
def test_weights_of_all_ranks_are_those_of_the_model(model, tensor):
    """Every rank holds 1/t of the weights, two bytes each; experts are spread over the same ranks."""
    mixture = load_model(model).kind == "moe"
    c = plan_of(model, tensor=tensor, accelerators=tensor, expert=tensor if mixture else 1.0)
    exact = count_parameters(load_model(model)).total
    held = float(footprint(c, weights(c)).weights[0]) * tensor / 2.0
    share_of_modules = float(c.mtp_depth[0]) / float(c.layers[0])
    assert exact * (1 - 1e-9) <= held <= exact * (1.05 + 3.0 * share_of_modules)


@given(
    st.sampled_from(["H100-SXM", "H200-SXM", "B200-SXM", "B300-SXM"]), st.floats(1.0, 3000.0), st.floats(1.0, 3000.0)
)
def test_a_higher_limit_never_slows(chip, limit, more):
    """Speed is in [0, 1] and rises with the limit; halving limit and draw together changes nothing."""
    drawn = 1500.0
    low, high = speed_under_cap(chip, limit, drawn), speed_under_cap(chip, limit + more, drawn)
    assert 0.0 <= low <= high <= 1.0
    assert speed_under_cap(chip, limit / 2.0, drawn / 2.0) == pytest.approx(low, rel=1e-12)
    power, speed = capping_curve(chip)
    assert (power[0], speed[0], power[-1], speed[-1]) == (0.0, 0.0, 1.0, 1.0)


def test_the_models_drawn_here_are_in_the_catalog():
    assert {"llama3.1-8b", "deepseek-v3"} <= set(catalog.entries("models"))
