"""Block times over arrays: measured products, exact counts, limits and what must hold for any plan."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest

from clustersim import catalog
from clustersim.workload import count_parameters, load_model, model_flops_per_token
from clustersim.workload.configuration import configurations, model_record
from clustersim.workload.costs import attention_block, mixture_block, plain_block, product_seconds
from clustersim.workload.hardware import bare_hardware, hardware_of
from clustersim.workload.weights import model_flops, weights

TABLES = [
    ("A100-80GB", "bfloat16", "bf16"),
    ("H100-SXM-80GB", "bfloat16", "bf16"),
    ("H200-141GB", "bfloat16", "bf16"),
    ("B200", "bfloat16", "bf16"),
    ("GB200", "bfloat16", "bf16"),
    ("GB300", "bfloat16", "bf16"),
    ("H100-SXM-80GB", "fp8", "fp8"),
    ("H200-141GB", "fp8_block", "fp8_block"),
    ("B200", "fp8_block", "fp8_block"),
    ("GB200", "fp8_block", "fp8_block"),
    ("GB300", "nvfp4", "fp4"),
]
OLDER = {"GB200": "rc17", "B200": "rc15"}
"""Versions of the kernels that a later one of the same table replaces."""


@pytest.mark.parametrize(("chip", "dtype", "precision"), TABLES)
def test_measured_products(reference, chip, dtype, precision):
    """Rows that nothing was fitted on; below 16 bit the measured time holds the casts of the inputs."""
    table = pd.read_csv(reference / "kernel_gemm.csv.gz")
    rows = table[(table.accelerator == chip) & (table.gemm_dtype == dtype) & (table.use == "test")]
    if chip in OLDER:
        rows = rows[~rows.version.str.contains(OLDER[chip])]
    n = len(rows)
    hardware = bare_hardware([chip] * n, [precision] * n, [None] * n)
    hardware = replace(hardware, bandwidth=hardware.bandwidth * 0.85)
    m, columns, depth = (rows[name].to_numpy(float) for name in ("m", "n", "k"))
    predicted = product_seconds(hardware, m, columns, depth)
    reached = catalog.entry("efficiency", catalog.entry("accelerators", chip).name)
    if precision != "bf16":
        cast = reached.si(f"product.{precision}.cast") * m * depth / hardware.bandwidth
        predicted = predicted + cast + reached.si(f"product.{precision}.cast_fixed")
    errors = predicted / (rows.latency_ms.to_numpy() * 1e-3) - 1.0
    print(f"{chip} {precision}: {n} test rows, mean error {np.abs(errors).mean():.1%}, bias {errors.mean():+.1%}")
    assert np.abs(errors).mean() <= 0.09


@pytest.mark.parametrize("name", list(catalog.entries("models")))
def test_weights_are_those_of_the_exact_count(name):
    model, exact = load_model(name), count_parameters(load_model(name))
    w = weights(_one(model))
    assert w.attention[0] == exact.attention_per_layer
    assert w.embedding[0] == exact.embedding
    if model.kind == "moe":
        assert w.shared[0] == exact.moe_shared_per_layer
        assert w.expert[0] * model.experts == exact.moe_experts_per_layer
    else:
        assert w.plain[0] == exact.dense_ffn_per_layer


@pytest.mark.parametrize("name", ["llama3.1-405b", "nemotron4-340b", "deepseek-v3", "mixtral-8x7b"])
def test_model_flops_are_those_of_the_exact_count(name):
    model = load_model(name)
    c = _one(model, sequence=4096)
    assert model_flops(c, weights(c))[0] == pytest.approx(model_flops_per_token(model, 4096, causal=False), rel=1e-12)


PLAN = {"sequence": 4096.0, "accelerators": 64.0, "micro_batch": 1.0, "micro_batches": 8.0, "tensor": 2.0}


def _one(model, **changed):
    return configurations([model_record(model) | PLAN | changed])


def _h100(precision="bf16", n=1):
    return hardware_of(["H100-SXM"] * n, [precision] * n, [None] * n, [None] * n)


def test_limits_of_a_product():
    hardware = _h100()
    large = product_seconds(hardware, *(np.array([65536.0]),) * 3)
    ideal = 2.0 * 65536**3 / (hardware.peak * hardware.share) * (1.0 + hardware.half_depth / 65536)
    assert large[0] == pytest.approx((ideal + hardware.fixed)[0], rel=1e-3)
    # one row: the weight is read once, and that is all
    thin = product_seconds(hardware, np.array([1.0]), np.array([16384.0]), np.array([16384.0])) - hardware.fixed
    assert thin[0] == pytest.approx((2.0 * 16384**2 / hardware.bandwidth)[0], rel=1e-3)


def test_a_dimension_that_is_no_multiple_of_64_costs_more():
    hardware = _h100()
    rows, depth = np.array([8192.0]), np.array([8192.0])
    even, odd = (product_seconds(hardware, rows, np.array([width]), depth) for width in (1792.0, 1800.0))
    assert odd[0] > 1.3 * even[0]


@pytest.mark.parametrize("block", [attention_block, plain_block])
def test_full_recomputation_adds_a_forward(block):
    model, hardware = load_model("llama3.1-70b"), replace(_h100(), launch=np.zeros(1))
    kept, again = _one(model), _one(model, recompute=2)
    extra = block(again, hardware, weights(again)).backward - block(kept, hardware, weights(kept)).backward
    assert extra[0] == pytest.approx(block(kept, hardware, weights(kept)).forward[0], rel=1e-12)


def test_selective_recomputation_lies_between():
    model, hardware = load_model("llama3.1-70b"), _h100()
    times = [
        plain_block(c, hardware, weights(c)).backward[0] for c in (_one(model, recompute=mode) for mode in range(3))
    ]
    assert times[0] < times[1] < times[2]


def test_frozen_weights_need_one_product_backward():
    model, hardware = load_model("llama3.1-70b"), _h100()
    trained, frozen = _one(model), _one(model, frozen=True)
    matrix = plain_block(trained, hardware, weights(trained)).matrix_forward
    assert plain_block(frozen, hardware, weights(frozen)).matrix_backward[0] == pytest.approx(matrix[0])
    assert plain_block(trained, hardware, weights(trained)).matrix_backward[0] == pytest.approx(2.0 * matrix[0])


def test_a_window_saves_attention():
    model, hardware = load_model("llama3.1-8b"), _h100()
    every, half = _one(model, sequence=32768.0), _one(model, sequence=32768.0, window=128.0, windowed=0.5)
    whole = attention_block(every, hardware, weights(every)).attention_forward[0]
    seen = attention_block(half, hardware, weights(half)).attention_forward[0]
    assert seen == pytest.approx(whole * (0.5 + 0.5 * 128 / 16384))


def test_a_balanced_router_is_never_slower():
    model, hardware = load_model("mixtral-8x7b"), _h100()
    even, chance = _one(model, expert=8.0, tensor=1.0, balanced=True), _one(model, expert=8.0, tensor=1.0)
    assert (
        mixture_block(even, hardware, weights(even)).forward[0]
        < mixture_block(chance, hardware, weights(chance)).forward[0]
    )


def test_unfused_kernels_cost_memory_traffic():
    model, hardware = load_model("llama3.1-8b"), _h100()
    fused = _one(model)
    raw = _one(model, fused_norm=False)
    assert plain_block(raw, hardware, weights(raw)).forward[0] > plain_block(fused, hardware, weights(fused)).forward[0]


def test_the_host_sets_the_pace_of_small_kernels():
    model = load_model("llama3.1-8b")
    tiny = _one(model, sequence=64.0, tensor=8.0)
    quick, slow = (replace(_h100(), launch=np.array([t])) for t in (0.0, 50e-6))
    w = weights(tiny)
    bare = plain_block(tiny, quick, w).forward[0]
    assert plain_block(tiny, quick, w).host_forward[0] == pytest.approx(0.0, abs=1e-12)
    assert plain_block(tiny, slow, w).forward[0] > 3.0 * bare


def test_a_configuration_needs_its_fields():
    with pytest.raises(KeyError, match="layers"):
        configurations([{"hidden": 1.0}])


def test_taking_rows_keeps_every_field():
    model = load_model("llama3.1-8b")
    both = configurations([model_record(model) | PLAN, model_record(model) | PLAN | {"tensor": 4.0}])
    second = both.take(np.array([1]))
    assert second.size == 1
    assert all(getattr(second, field.name)[0] == getattr(both, field.name)[1] for field in fields(both))
