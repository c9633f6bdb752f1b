"""Which published configurations fit 80 GB: the ones that ran, and the ones that ran out of memory."""

import numpy as np
import pandas as pd
import pytest

from clustersim import catalog
from clustersim.workload import build_step_program, load_device

NEEDED = ["tp", "pp", "dp", "micro_batch"]


@pytest.fixture(scope="module")
def needs(reference, read_row):
    """Memory of the fullest rank by outcome [GB]: one sweep of layouts on A100 (arXiv 2311.05610)."""
    device, constants = load_device("A100-80G-SXM", "bf16"), catalog.entry("efficiency", "training")

    def gigabytes(row):
        model, plan = read_row(row)
        program = build_step_program(
            model,
            plan,
            int(row.seq_len),
            (device,),
            reserved_bytes=constants.si("memory.reserved"),
            fragmentation=constants.si("memory.fragmentation"),
        )
        return float(program.memory_bytes.max()) / 1e9

    ran = pd.read_csv(reference / "training_throughput.csv")
    tables = {"ran": ran[ran.row_id.str.startswith("ALE")], "failed": pd.read_csv(reference / "memory_oom.csv")}
    return {
        outcome: np.array([gigabytes(row) for row in table[table.use == "fit"].dropna(subset=NEEDED).itertuples()])
        for outcome, table in tables.items()
    }


def test_what_ran_fits_and_what_failed_does_not(needs):
    """Only constants that are the same for every row: 4 GB reserved, 5 % lost, which are assumed and not fitted."""
    fits, refused = (needs["ran"] <= 80.0).mean(), (needs["failed"] > 80.0).mean()
    print(f"of {needs['ran'].size} that ran {fits:.0%} fit; of {needs['failed'].size} that failed {refused:.0%} do not")
    assert fits > 0.85
    assert refused > 0.85
