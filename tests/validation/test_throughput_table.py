"""Dense bf16 steps of the published table, rows that constants may be fitted on; no constant is fitted per row."""

import collections

import numpy as np
import pandas as pd
import pytest

from clustersim.errors import InputError

CHIPS = {"A100-80GB": "A100-80G-SXM", "H100-SXM-80GB": "H100-SXM"}
SLOW_NIC = {"BLM": 6.25e9, "INT": 6.25e9, "ALE": 25e9}
"""Line rate per accelerator where the fabric is not the chip's usual one: four ports of 100 Gbit/s for eight. [B/s]"""


def _group(row):
    """Return the source; papers by name, and the two frameworks of the MegaScale paper apart."""
    if "MegaScale" in row.source:
        return "MegaScale" if row.notes.startswith("MegaScale") else "MegaScale, its baseline"
    return row.source if row.row_id.startswith("PAP") else row.row_id[:3]


def _seconds(row):
    if row.iteration_time_s > 0:
        return row.iteration_time_s
    return row.global_batch_seqs * row.seq_len / row.tokens_per_s_per_gpu / row.n_gpus


@pytest.fixture(scope="module")
def errors(reference, predict, read_row):
    """Relative errors of the step by group of rows: source, and for one paper the framework too."""
    table = pd.read_csv(reference / "training_throughput.csv")
    sharded = table.zero_fsdp_stage.fillna("").str.contains("3|FSDP")
    rows = table[
        (table.use == "fit")
        & (table.arch == "dense")
        & table.precision.isin(["bf16", "fp16", "bf16/fp16 mixed"])
        & table.accelerator.isin(CHIPS)
        & (table.n_gpus >= 64)
        & (table.cp.fillna(1) == 1)
        & ~sharded
    ].dropna(subset=["tp", "pp", "dp", "global_batch_seqs", "seq_len", "layers", "hidden", "heads", "ffn", "vocab"])
    rows = rows[(rows.iteration_time_s > 0) | (rows.tokens_per_s_per_gpu > 0)]
    found, refused = collections.defaultdict(list), 0
    for row in rows.itertuples():
        group = _group(row)
        try:
            model, plan = read_row(row)
            predicted = predict(model, plan, CHIPS[row.accelerator], int(row.seq_len), SLOW_NIC.get(row.row_id[:3]))
        except InputError:
            refused += 1
            continue
        found[group].append(predicted.seconds / _seconds(row) - 1.0)
    print(f"\n{sum(map(len, found.values()))} rows, {refused} whose plan the model cannot cut")
    for group, values in found.items():
        print(
            f"{group}: {len(values)} rows, mean error {np.abs(values).mean():.1%}, median {np.median(values):+.1%}, "
            f"p10 {np.percentile(values, 10):+.1%}, p90 {np.percentile(values, 90):+.1%}"
        )
    return {group: np.array(values) for group, values in found.items()}


@pytest.mark.parametrize(("group", "most"), [("DGC", 0.03), ("MegaScale", 0.08), ("SC2", 0.13), ("KOR", 0.20)])
def test_well_tuned_stacks(errors, group, most):
    assert np.abs(errors[group]).mean() < most


@pytest.mark.parametrize("group", ["ALE", "INT", "BLM", "MegaScale, its baseline"])
def test_other_stacks_are_slower_than_the_model_says(errors, group):
    """The model predicts a well-tuned stack: where it errs much, it is too fast, by less than half."""
    assert -0.5 < np.median(errors[group]) < 0.0
