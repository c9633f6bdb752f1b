"""Which published configurations fit, and how much memory measured ones took; constants from rows marked `fit`."""

import re

import numpy as np
import pandas as pd
import pytest

from clustersim.study.tables.throughput_table import read_table
from clustersim.workload.configuration import configurations
from clustersim.workload.footprint import footprint, usable_bytes
from clustersim.workload.weights import weights

GIB = 2**30


def _fits(cases):
    c = configurations([case.record for case in cases])
    return footprint(c, weights(c)).total <= usable_bytes([case.accelerator for case in cases])


@pytest.fixture(scope="module")
def ran(reference):
    cases = read_table(reference / "training_throughput.csv").cases
    return [case for case in cases if case.row_id.startswith("ALE")]


@pytest.fixture(scope="module")
def failed(reference, tmp_path_factory):
    """Rows that ran out of memory, from the same sweep (arXiv 2311.05610); they have no time, so one is written in."""
    table = pd.read_csv(reference / "memory_oom.csv", dtype=str, keep_default_na=False)
    table["row_id"] = table["row_id"].str.replace("OOM", "ALE-failed")
    table["iteration_time_s"] = "1"
    path = tmp_path_factory.mktemp("oom") / "oom.csv"
    table.to_csv(path, index=False)
    read = read_table(path)
    assert not read.refused
    return read.cases


def test_what_ran_fits_and_what_failed_does_not(ran, failed):
    fits, refused = _fits(ran).mean(), (~_fits(failed)).mean()
    unseen = (~_fits([case for case in failed if case.use == "test"])).mean()
    print(
        f"of {len(ran)} that ran {fits:.1%} fit; of {len(failed)} that failed {refused:.1%} do not, "
        f"{unseen:.1%} of those marked test; balanced {(fits + refused) / 2:.1%}"
    )
    assert min(fits, refused, unseen) >= 0.88
    assert (fits + refused) / 2 >= 0.92


def test_measured_peaks(reference):
    """Peak allocation on one server of B200, no reserve: 37 rows of proxies with few layers."""
    notes = pd.read_csv(reference / "training_throughput.csv").set_index("row_id").notes
    cases = [case for case in read_table(reference / "training_throughput.csv").cases if case.row_id.startswith("SMX")]
    measured = np.array([float(re.search(r"peak alloc ([\d.]+) GiB", notes[case.row_id])[1]) * GIB for case in cases])
    c = configurations([case.record for case in cases])
    errors = np.abs(footprint(c, weights(c)).total / measured - 1.0)
    print(f"{len(cases)} rows: median error {np.median(errors):.1%}, P90 {np.percentile(errors, 90):.1%}")
    assert np.median(errors) <= 0.10
    assert np.percentile(errors, 90) <= 0.15
