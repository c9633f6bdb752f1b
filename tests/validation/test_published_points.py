"""Three published training runs, one set of constants: the predicted step beside the measured one."""

from clustersim.workload import PlanSpec, load_model, model_flops_per_token

LLAMA = PlanSpec(
    tensor=8,
    pipeline=16,
    virtual_stages=8,
    data=128,
    micro_batches=16,
    sharding="gradients",
    tensor_gradient_overlap=False,
)
GPT3 = PlanSpec(
    tensor=8,
    pipeline=8,
    data=16,
    micro_batches=96,
    recompute="full",
    sequence_parallel=False,
    flash_attention=False,
)
DEEPSEEK = PlanSpec(
    pipeline=16,
    data=128,
    expert=64,
    micro_batches=120,
    recompute="selective",
    precision="fp8_block",
    schedule="dualpipe",
    expert_overlap="pairs",
)


def _show(name, predicted, measured):
    parts = ", ".join(f"{part} {share:.1%}" for part, share in predicted.breakdown.items())
    error = predicted.seconds / measured - 1.0
    print(
        f"{name}: predicted {predicted.seconds:.2f} s ({predicted.model_tflops:.0f} model TFLOP/s per accelerator), "
        f"measured {measured:.2f} s ({predicted.model_tflops * predicted.seconds / measured:.0f}), {error:+.1%}; "
        f"{predicted.memory_gb:.0f} GB; {parts}"
    )
    return error


def test_llama_405b_on_16384_h100(predict):
    """400 TFLOP/s per GPU with 16 M tokens per step, arXiv 2407.21783, table 4.

    The virtual stages are not published; eight put one layer, the embedding or the head on each of 128 chunks, and the
    first and last stage get a layer fewer, as the paper says.
    """
    model = load_model("llama3.1-405b")
    flops = model_flops_per_token(model, 8192, causal=False) * LLAMA.sequences * 8192
    measured = flops / 16384 / 400e12
    assert LLAMA.sequences * 8192 == 2**24
    errors = {}
    for virtual in (1, 2, 4, 8):
        plan = LLAMA.model_copy(update={"virtual_stages": virtual})
        errors[virtual] = _show(f"Llama 3.1 405B, {virtual} virtual", predict(model, plan, "H100-SXM", 8192), measured)
    # FLOPs as the table counts them, attention in full; as computed, the measured step is 4 % shorter
    assert abs(errors[8]) < 0.12
    # the measured step lies between the plain and the interleaved schedule
    assert errors[1] > 0.0 > errors[8]


def test_llama_405b_on_8192_h100(predict):
    """430 TFLOP/s per GPU, the same table: half the bubble."""
    model = load_model("llama3.1-405b")
    plan = LLAMA.model_copy(update={"data": 64, "micro_batches": 32})
    measured = model_flops_per_token(model, 8192, causal=False) * 2**24 / 8192 / 430e12
    assert abs(_show("Llama 3.1 405B, half the GPUs", predict(model, plan, "H100-SXM", 8192), measured)) < 0.12


def test_gpt3_175b_on_1024_a100(predict):
    """140 TFLOP/s per GPU with recomputation counted, batch 1,536, arXiv 2104.04473, section 5.1.

    Its count: 96 B s L h^2 (1 + s / 6h + V / 16 L h).
    """
    model = load_model("gpt3-175b")
    layers, hidden, sequence = model.layers, model.hidden, 2048
    per_token = 96 * layers * hidden**2 * (1 + sequence / (6 * hidden) + model.vocab / (16 * layers * hidden))
    assert GPT3.sequences == 1536
    measured = per_token * 1536 * sequence / 1024 / 140e12
    assert abs(_show("GPT-3 175B", predict(model, GPT3, "A100-80G-SXM", sequence), measured)) < 0.08


def test_deepseek_v3_on_2048_h800(predict):
    """15,360 sequences of 4,096 tokens in 19.926 s, arXiv 2505.09343, table 4.

    Its module that predicts a second token is left out: one layer of 62.
    """
    model = load_model("deepseek-v3")
    assert DEEPSEEK.sequences == 15360
    assert abs(_show("DeepSeek-V3", predict(model, DEEPSEEK, "H800-SXM", 4096), 19.926)) < 0.08


def test_deepseek_v3_needs_its_overlap(predict):
    """Without overlap of the expert exchange the same plan would lose more than a quarter of its speed."""
    model = load_model("deepseek-v3")
    bare = predict(model, DEEPSEEK.model_copy(update={"expert_overlap": "none"}), "H800-SXM", 4096)
    hidden = predict(model, DEEPSEEK, "H800-SXM", 4096)
    assert hidden.seconds < 0.8 * bare.seconds
    assert bare.breakdown["exchange"] > 0.25
