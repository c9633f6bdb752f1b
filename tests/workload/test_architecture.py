"""Parameters and FLOPs against published totals and formulas."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim import catalog
from clustersim.errors import CatalogError
from clustersim.workload import (
    ModelSpec,
    count_parameters,
    load_model,
    model_flops_per_token,
    selective_flops_per_token,
)

MODELS = sorted(catalog.entries("models"))
ROUNDED = {"kimi-k2": 0.03, "gpt4-rumour": 0.02}
"""Published only as "1 T" and "about 1.8 T"."""


@pytest.mark.parametrize("name", MODELS)
def test_total_equals_the_published_total(name):
    published = catalog.entry("models", name).si("parameters.total")
    assert count_parameters(load_model(name)).total == pytest.approx(published, rel=ROUNDED.get(name, 0.01))


@pytest.mark.parametrize(
    ("name", "billions", "share"),
    [
        # as published; most leave out an embedding or say "about", which the share allows for
        ("mixtral-8x7b", 12.9, 0.01),
        ("mixtral-8x22b", 39.0, 0.01),
        ("deepseek-v3", 37.0, 0.02),
        ("qwen3-235b-a22b", 22.0, 0.02),
        ("kimi-k2", 32.0, 0.04),
    ],
)
def test_active_parameters_equal_the_published_figure(name, billions, share):
    assert count_parameters(load_model(name)).active / 1e9 == pytest.approx(billions, rel=share)


@pytest.mark.parametrize("name", MODELS)
def test_dense_models_use_every_parameter_and_mixtures_do_not(name):
    model, count = load_model(name), count_parameters(load_model(name))
    assert (count.active == count.total) == (model.kind == "dense")


@settings(max_examples=25, deadline=None)
@given(
    layers=st.integers(1, 128),
    heads=st.integers(1, 128),
    vocab=st.integers(1000, 300_000),
    sequence=st.sampled_from([512, 2048, 8192]),
)
def test_flops_are_megatrons_formula(make_gpt, layers, heads, vocab, sequence):
    """72 B L s h^2 (1 + s / 6h + V / 12 L h), arXiv 2104.04473, equation 3 without recomputation; B = 1."""
    hidden = 128 * heads
    model = make_gpt(layers, hidden, heads, vocab)
    formula = 72 * layers * sequence * hidden**2 * (1 + sequence / (6 * hidden) + vocab / (12 * layers * hidden))
    assert model_flops_per_token(model, sequence, causal=False) * sequence == pytest.approx(formula, rel=1e-12)


def test_causal_halves_the_attention_alone(make_gpt):
    model = make_gpt()
    full, causal = (model_flops_per_token(model, 4096, causal=c) for c in (False, True))
    assert full - causal == pytest.approx(6.0 * model.layers * model.hidden * 4096)


def test_selective_recomputation_repeats_the_unfused_core_once(make_gpt):
    """A third of what attention takes in a step, whose backward counts twice; nothing where one kernel does it."""
    model = make_gpt()
    attention = model_flops_per_token(model, 4096, causal=False) - model_flops_per_token(model, 0, causal=False)
    assert selective_flops_per_token(model, 4096, fused=False) == pytest.approx(attention / 3.0)
    assert selective_flops_per_token(model, 4096) == 0.0


def test_selective_recomputation_repeats_the_expansion_of_latents():
    """DeepSeek-V3: 61 layers of 128 heads, queries of 1,536 x 192, keys and values of 512 x (128 + 128)."""
    repeated = selective_flops_per_token(load_model("deepseek-v3"), 4096)
    assert repeated == pytest.approx(61 * 2 * 128 * (1536 * 192 + 512 * 256))


def test_an_untied_embedding_is_looked_up_and_costs_nothing(make_gpt):
    tied, untied = make_gpt(tied=True), make_gpt(tied=False)
    assert count_parameters(untied).total - count_parameters(tied).total == tied.vocab * tied.hidden
    assert model_flops_per_token(untied, 2048) == model_flops_per_token(tied, 2048)


@pytest.mark.parametrize(
    ("name", "sequence", "causal", "gflops"),
    [
        # arXiv 2505.09343, table 2: training cost per token at 4,096 tokens
        ("deepseek-v3", 4096, True, 250),
        ("llama3.1-405b", 4096, True, 2448),
    ],
)
def test_flops_per_token_as_published(name, sequence, causal, gflops):
    assert model_flops_per_token(load_model(name), sequence, causal=causal) / 1e9 == pytest.approx(gflops, rel=0.015)


def test_deepseek_model_flops_rates():
    """432 TFLOP/s full attention and 385 causal at 19.926 s per step of 15,360 x 4,096 tokens on 2,048 H800.

    arXiv 2505.09343, table 4; its count holds the multi-token prediction module, a sixty-second layer that the model
    here leaves out.
    """
    model = load_model("deepseek-v3")
    per_second = 15360 * 4096 / 19.926 / 2048
    full = model_flops_per_token(model, 4096, causal=False) * per_second / 1e12
    causal = model_flops_per_token(model, 4096, causal=True) * per_second / 1e12
    assert full == pytest.approx(432, rel=0.04)
    assert causal == pytest.approx(385, rel=0.04)


def test_unknown_and_inconsistent_models_are_refused():
    with pytest.raises(CatalogError, match="llama"):
        load_model("llama-405b")
    moe = load_model("mixtral-8x7b").model_dump()
    with pytest.raises(ValidationError, match="needs experts, top_k and ffn_expert"):
        ModelSpec.model_validate(moe | {"experts": 0})
    mla = load_model("deepseek-v3").model_dump()
    with pytest.raises(ValidationError, match="needs kv_lora_rank and v_head_dim"):
        ModelSpec.model_validate(mla | {"kv_lora_rank": 0})
