"""Keys and tables of where the job's time went: they close."""

import math

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import Timeline
from clustersim.operation.accounts import CATEGORIES, accounts_of
from clustersim.study.operation_keys import (
    NO_INTERRUPTION,
    TIME_SHARES,
    accounts_table,
    causes_table,
    operation_keys,
)
from clustersim.study.run import run


def test_shares_of_a_run_add_up_to_one_exactly(small):
    assert math.fsum(small.summary[key] for key in TIME_SHARES) == 1.0
    assert small.summary["time_share_useful"] == pytest.approx(small.summary["goodput"], rel=1e-8)
    assert small.summary["mttf_h"] == pytest.approx(72.0 / small.summary["interruptions"])


def test_accounts_of_a_run_tile_the_horizon(small):
    assert math.fsum(small.accounts["seconds"]) == pytest.approx(3 * 86400.0, rel=1e-12)
    by_category = small.accounts.groupby("category")["share"].sum()
    for category, key in zip(CATEGORIES, TIME_SHARES, strict=True):
        assert by_category.get(category, 0.0) == pytest.approx(small.summary[key], abs=1e-12)


def test_causes_of_a_run_are_those_of_its_interruptions(small):
    causes = small.causes.set_index("cause")
    assert causes["interruptions"].sum() == small.summary["interruptions"]
    lost = (1.0 - small.summary["time_share_useful"]) * 3 * 86400.0
    assert causes["lost_s"].sum() == pytest.approx(lost, rel=1e-9)


def timeline(*entries, struck=None):
    total = math.fsum(seconds for _, _, seconds in entries)
    accounts = accounts_of(entries, total)
    lost = {cause: seconds for (category, cause), seconds in accounts.seconds.items() if category != "useful"}
    struck = struck or {}
    return Timeline(pd.DataFrame(), total, (), sum(struck.values()), accounts.goodput, 0.0, lost, accounts, struck)


def test_a_cause_that_never_interrupts_has_no_mean_time():
    found = timeline(("useful", "none", 7000.0), ("checkpoint", "schedule", 100.0), ("restart", "gpu", 100.0),
                     struck={"gpu": 2})  # fmt: skip
    table = causes_table(found).set_index("cause")
    assert list(table.index) == ["gpu", "schedule"]
    assert table.loc["gpu", "mttf_h"] == 1.0
    assert np.isnan(table.loc["schedule", "mttf_h"])
    assert accounts_table(found)["share"].sum() == pytest.approx(1.0)


def test_without_interruptions_the_mean_time_is_null_with_its_reason():
    reasons = {}
    keys = operation_keys(timeline(("useful", "none", 3600.0)), reasons)
    assert keys["mttf_h"] is None
    assert reasons == {"mttf_h": NO_INTERRUPTION}
    assert keys["time_share_useful"] == 1.0


def test_what_operation_finds_is_said_in_the_result(scenario):
    """Without technicians and spares the job stops for good: the run ends and says so."""
    found = run(scenario(operation__spare_servers=0, operation__failure_scale="60 x", operation__repair_time="30 d"))
    assert any("stands still" in text for text in found.warnings)
    assert found.summary["time_share_idle"] > 0.5
