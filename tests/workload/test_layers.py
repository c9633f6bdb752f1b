"""Activations and work of a layer against published formulas."""

import pytest

from clustersim.workload import PlanSpec, count_parameters, load_device, load_model
from clustersim.workload.architecture import attention_core_flops
from clustersim.workload.layers import attention_work, compute_time, ffn_work, routing_imbalance


def _plan(**changes):
    return PlanSpec.model_validate({"data": 1, "micro_batches": 1, **changes})


def _flops(work):
    return sum(2.0 * m * n * k * count for m, n, k, count in work.products)


@pytest.mark.parametrize("tensor", [1, 2, 8])
@pytest.mark.parametrize(("hidden", "heads", "sequence"), [(12288, 96, 2048), (20480, 128, 2048), (6144, 64, 4096)])
def test_activations_are_korthikantis(make_gpt, tensor, hidden, heads, sequence):
    """s b h (34 + 5 a s / h) / t per layer, arXiv 2205.05198, equation 4.

    The two one-byte dropout masks of the hidden state (2 of the 34) are not kept here: current stacks train without
    dropout. The rest is equal.
    """
    model, plan = make_gpt(hidden=hidden, heads=heads), _plan(tensor=tensor, flash_attention=False)
    tokens = 4.0 * sequence
    ours = (
        attention_work(model, tokens, plan, sequence).activation_bytes
        + ffn_work(model, tokens, plan, mixture=False).activation_bytes
    )
    per_token = 5 * heads * sequence / hidden
    assert ours == pytest.approx(tokens * hidden * (32 + per_token) / tensor, rel=1e-12)
    assert ours == pytest.approx(tokens * hidden * (34 + per_token) / tensor, rel=0.06)


def test_what_is_kept_shrinks_with_recomputation_and_flash_attention(make_gpt):
    model, tokens = make_gpt(), 2048.0
    unfused = attention_work(model, tokens, _plan(flash_attention=False), 2048)
    fused = attention_work(model, tokens, _plan(), 2048)
    assert unfused.activation_bytes - fused.activation_bytes == pytest.approx(5 * model.heads * 2048 * tokens)
    assert fused.input_bytes < fused.activation_bytes_selective < fused.activation_bytes
    # without sequence parallelism norms and residuals are whole on every rank
    split = attention_work(model, tokens, _plan(tensor=8), 2048)
    whole = attention_work(model, tokens, _plan(tensor=8, sequence_parallel=False), 2048)
    assert whole.activation_bytes - split.activation_bytes == pytest.approx(4 * model.hidden * tokens * 7 / 8)


@pytest.mark.parametrize("name", ["gpt3-175b", "llama3.1-405b", "deepseek-v3", "qwen3-235b-a22b", "mixtral-8x7b"])
@pytest.mark.parametrize("tensor", [1, 4])
def test_products_are_two_flops_per_weight_and_token(name, tensor):
    model, count, tokens = load_model(name), count_parameters(load_model(name)), 8192.0
    plan = _plan(tensor=tensor, data=4, expert=4 if model.kind == "moe" else 1)
    attention = attention_work(model, tokens, plan, 4096)
    assert _flops(attention) * tensor == pytest.approx(2.0 * count.attention_per_layer * tokens, rel=1e-9)
    assert attention.attention_flops * tensor == pytest.approx(tokens * attention_core_flops(model, 4096))
    dense = _flops(ffn_work(model, tokens, plan, mixture=False))
    assert dense * tensor == pytest.approx(2.0 * count.dense_ffn_per_layer * tokens)
    if model.kind == "moe":
        used = count.moe_shared_per_layer + count.moe_active_experts_per_layer
        # the fullest of four ranks has by chance a few per cent more rows than the mean
        routed = _flops(ffn_work(model, tokens, plan, mixture=True)) * tensor / (2.0 * used * tokens)
        assert 1.0 <= routed <= routing_imbalance(tokens / tensor * model.top_k, 4) < 1.03


def test_unfused_attention_computes_the_whole_square(make_gpt):
    model = make_gpt()
    fused, unfused = (attention_work(model, 2048.0, _plan(flash_attention=f), 2048) for f in (True, False))
    assert unfused.attention_flops == 2 * fused.attention_flops
    assert unfused.streamed_bytes > fused.streamed_bytes


def test_backward_is_twice_the_forward_but_for_attention(make_gpt):
    device, plan = load_device("H100-SXM", "bf16"), _plan()
    block = compute_time(device, ffn_work(make_gpt(), 8192.0, plan, mixture=False))
    assert block.matrix_backward == 2 * block.matrix_forward
    assert block.memory_backward == 2 * block.memory_forward
    both = block + block
    assert both.matrix_forward == 2 * block.matrix_forward
    assert both.memory_backward == 2 * block.memory_backward
