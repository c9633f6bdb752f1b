"""Rows of a table of measured steps: what is read, what is filled in, what is refused and why."""

import csv

import pytest

from clustersim.errors import InputError
from clustersim.study.tables.row_fields import family_of
from clustersim.study.tables.throughput_table import read_table

ROW = {
    "row_id": "X-1", "source": "us", "model": "Llama 3.1 8B", "layers": 32, "hidden": 4096, "heads": 32, "kv_heads": 8,
    "ffn": 14336, "vocab": 128256, "seq_len": 8192, "accelerator": "H100-SXM-80GB", "n_gpus": 64, "tp": 2, "pp": 1,
    "vpp": 1, "cp": 1, "zero_fsdp_stage": "ZeRO-1", "micro_batch": 1, "global_batch_seqs": 128, "precision": "bf16",
    "recompute": "none", "seq_parallel": "true", "iteration_time_s": 3.2, "year": 2024, "use": "",
}  # fmt: skip


@pytest.fixture
def table(tmp_path):
    """Writes rows, each a change of one good row, and reads them."""

    def write(*changes):
        path = tmp_path / "table.csv"
        rows = [ROW | change for change in changes]
        names = list(dict.fromkeys(name for row in rows for name in row))
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(rows)
        return read_table(path)

    return write


def test_a_whole_row(table):
    (case,) = table({}).cases
    assert (case.accelerator, case.precision, case.stack, case.metric) == ("H100-SXM", "bf16", None, "iteration_time_s")
    assert case.record["micro_batches"] == 4.0
    assert case.record["sequence_parallel"] is True
    assert case.record["ups"] == 2
    assert case.measured_s == 3.2
    assert case.assumed == ()


def test_blank_fields_are_filled_in_and_listed(table):
    (case,) = table({"recompute": "", "micro_batch": "", "zero_fsdp_stage": ""}).cases
    assert set(case.assumed) == {"recompute none", "micro-batch 1", "sharding optimizer"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"iteration_time_s": "", "tokens_per_s_per_gpu": 5120}, 128 * 8192 / 64 / 5120),
        ({"iteration_time_s": "", "tokens_per_s_per_gpu": "", "mfu": 0.4, "peak_tflops_ref": 989}, None),
    ],
)
def test_other_metrics_are_converted(table, change, expected):
    (case,) = table(change).cases
    if expected is None:
        # 6 N + 12 L h s per token, N without the input embedding
        weights = 32 * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336) + 128256 * 4096
        expected = (6 * weights + 12 * 32 * 4096 * 8192) * 128 * 8192 / 64 / (0.4 * 989e12)
    assert case.measured_s == pytest.approx(expected)


def test_a_causal_convention_counts_half_the_attention(table):
    full, causal, not_causal = table(
        *(
            {"row_id": name, "iteration_time_s": "", "mfu": 0.4, "peak_tflops_ref": 989, "flops_convention": words}
            for name, words in (("a", "PaLM, dense"), ("b", "causal"), ("c", "dense (non-causal)"))
        )
    ).cases
    assert causal.measured_s < full.measured_s
    assert not_causal.measured_s == full.measured_s


@pytest.mark.parametrize(
    ("change", "words", "wrong"),
    [
        ({"precision": "fp23"}, "precision: expected bf16", True),
        ({"n_gpus": 65}, "n_gpus: expected a multiple of tp x pp x cp = 2, found 65", True),
        ({"global_batch_seqs": 16}, "global_batch_seqs: expected at least 32 replicas", True),
        ({"hidden": "wide"}, "hidden: expected a positive number, found 'wide'", True),
        ({"accelerator": "H1000"}, "unknown name 'H1000'", True),
        ({"pp": 64, "tp": 1}, "pp: 64 stages for 32 layers", True),
        ({"layers": ""}, "layers: not given", False),
        ({"iteration_time_s": ""}, "no iteration time", False),
        ({"global_batch_seqs": ""}, "global_batch_seqs: not given", False),
        ({"accelerator": "MI300X"}, "belongs to no calibrated generation", True),
        ({"accelerator": "A100", "precision": "fp8"}, "product.fp8", True),
        ({"seq_parallel": "maybe"}, "seq_parallel: expected true or false, found 'maybe'", True),
        ({"zero_fsdp_stage": "sharded"}, "zero_fsdp_stage: expected none, ZeRO-1", True),
        ({"recompute": "some"}, "recompute: expected none, selective or full, found 'some'", True),
        ({"framework": "megatron"}, "framework: expected one of jax", True),
        ({"n_experts": 8}, "topk: not given, and there are 8 experts", False),
        ({"n_experts": 8, "topk": 9}, "topk: 9 of 8 experts", True),
        ({"n_experts": 8, "topk": 2, "ep": 3}, "ep: expected a divisor of 8 experts, found 3", True),
        ({"pp": 4, "vpp": 16}, "vpp: 4 x 16 virtual stages for 32 layers", True),
        ({"layers": 31.5}, "layers: expected a whole number, found '31.5'", True),
        ({"hidden": "1e200"}, "hidden: expected a positive number", True),
        (
            {"iteration_time_s": "", "mfu": 45, "peak_tflops_ref": 989},
            "mfu: expected a number above 0 and up to 1",
            True,
        ),
    ],
)
def test_refused_rows_say_why_and_the_rest_goes_on(table, change, words, wrong):
    read = table(change, {"row_id": "X-2"})
    (refusal,) = read.refused
    assert words in refusal.reason
    assert (refusal.row_id, refusal.wrong) == ("X-1", wrong)
    assert [case.row_id for case in read.cases] == ["X-2"]


@pytest.mark.parametrize(
    ("column", "words", "field", "value"),
    [
        ("seq_parallel", ("0", "no", "FALSE", "off"), "sequence_parallel", False),
        ("seq_parallel", ("1", "Yes", "true"), "sequence_parallel", True),
        ("zero_fsdp_stage", ("fsdp", "FSDP-3", "zero-3", "ZeRO3", "3"), "sharding", 3),
        ("zero_fsdp_stage", ("None", "no", "DDP"), "sharding", 0),
        ("recompute", ("yes", "uniform", "Full (uniform)"), "recompute", 2),
        ("precision", ("bfloat16", "float16", "half", "BF16"), "precision", 0),
        ("n_experts", ("0", "NA", "nan", "-"), "experts", 0.0),
        ("vpp", ("0", "n/a", "1"), "virtual", 1.0),
    ],
)
def test_spellings(table, column, words, field, value):
    read = table(*({"row_id": word, column: word} for word in words))
    assert not read.refused
    assert [case.record[field] for case in read.cases] == [value] * len(words)


def test_headers_and_a_comma_too_many(tmp_path):
    path = tmp_path / "table.csv"
    names = ",".join(f" {name.upper()} " for name in ROW)
    path.write_text(f"{names}\n{','.join(map(str, ROW.values()))},\n", encoding="utf-8")
    assert [case.row_id for case in read_table(path).cases] == ["X-1"]
    path.write_text(f"{names}\n{','.join(map(str, ROW.values()))},more\n", encoding="utf-8")
    assert read_table(path).refused[0].reason == f"expected {len(ROW)} cells, found {len(ROW) + 1}"


def test_sequences_are_cut_only_where_replicas_and_stages_leave_too_few(table):
    blank = {"tp": "", "cp": "", "n_gpus": 512, "global_batch_seqs": 64, "vpp": ""}
    enough, short = table(blank | {"row_id": "a", "pp": 8}, blank | {"row_id": "b", "pp": 4}).cases
    assert (enough.record["context"], short.record["context"]) == (1.0, 2.0)


@pytest.mark.parametrize(("parameters", "ups"), [("7.6e9", 2), ("5.7e9", 1), ("", 1), ("6.6e9", 1)])
def test_an_unknown_model_is_gated_if_its_parameter_count_says_so(table, parameters, ups):
    """32 layers of 4,096 and 14,336: 7.5 billion weights with three matrices, 5.6 with two."""
    (case,) = table({"model": "Ours", "params_total": parameters}).cases
    assert case.record["ups"] == ups
    assert any("gated" in text for text in case.assumed) == (ups == 2)


@pytest.mark.parametrize("name", ["DeepSeek V3", "DeepSeek_V3", "deepseek-v3", "DeepSeek-R1"])
def test_spellings_of_a_family(name):
    assert family_of(name).name == "deepseek_v3"


def test_a_row_id_is_used_once(table):
    read = table({}, {})
    assert len(read.cases) == 1
    assert "row_id" in read.refused[0].reason


def test_context_rows_are_left_out(table):
    read = table({"use": "context"}, {"row_id": "X-2"})
    assert [case.row_id for case in read.cases] == ["X-2"]
    assert not read.refused


def test_a_missing_column_is_named(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("row_id,model,accelerators,n_gpus,precision\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"expected a column 'accelerator'.*did you mean 'accelerators'"):
        read_table(path)


def test_what_is_no_table(tmp_path):
    with pytest.raises(InputError, match="cannot be read as CSV"):
        read_table(tmp_path / "missing.csv")


def test_the_framework_follows_from_the_row(table):
    deepspeed, kernel, adapters, grouped = table(
        {"row_id": "BLM-1", "fabric": "4x Omni-Path 100G per node"},
        {"row_id": "ALE-1", "notes": "kernel=fused; ckpt=disabled"},
        {"row_id": "DGC-1", "notes": "Llama3 8b Finetuning LORA BF16"},
        {"row_id": "INT-1", "zero_fsdp_stage": "ZeRO-1 (8-GPU group)"},
    ).cases
    assert (deepspeed.stack, deepspeed.nic) == ("megatron_deepspeed", 6.25e9)
    assert kernel.record["score_passes"] == 4
    assert kernel.record["flash_attention"] is False
    assert adapters.record["frozen"] is True
    assert grouped.record["shard_group"] == 8.0
    # what the framework says of itself serves as well, and a column of its own best
    by_source, by_name, hybrid = table(
        {"source": "torchtitan benchmarks"},
        {"row_id": "X-2", "framework": "internevo"},
        {"row_id": "X-3", "zero_fsdp_stage": "HSDP"},
    ).cases
    assert (by_source.framework, by_source.stack) == ("pytorch", "pytorch")
    assert by_name.stack == "internevo"
    assert hybrid.record["shard_group"] == 8.0
