"""The step rank by rank on the published table: the same constants as in closed form, nothing fitted on it."""

import numpy as np
import pytest

from clustersim.study.tables.throughput_table import read_table
from clustersim.study.tables.validation import predict as closed_form

MOST_OPERATIONS = 2**22
"""Rows with more operations (units x stages x passes) are left out of the test."""


def _operations(case):
    r = case.record
    passes = 2 * r.get("virtual", 1) * r["micro_batches"]
    return r["accelerators"] / r.get("tensor", 1) * passes


@pytest.fixture(scope="module")
def both(reference, rank_by_rank):
    """Test rows: seconds measured, rank by rank and in closed form."""
    cases = [case for case in read_table(reference / "training_throughput.csv").cases if case.use == "test"]
    small = [case for case in cases if _operations(case) <= MOST_OPERATIONS]
    ranks = [rank_by_rank(case) for case in small]
    kept = [(case, seconds) for case, seconds in zip(small, ranks, strict=True) if seconds is not None]
    closed = closed_form([case for case, _ in kept]).iteration_time_s
    print(f"{len(kept)} of {len(cases)} test rows; the others are too large or their layout is no plan")
    return np.array([(case.measured_s, seconds, c) for (case, seconds), c in zip(kept, closed, strict=True)]).T


def _said(name, errors):
    size = np.abs(errors)
    print(
        f"{name}: mean error {size.mean():.1%}, median {np.median(size):.1%}, P90 {np.percentile(size, 90):.1%}, "
        f"bias {errors.mean():+.1%}"
    )


def test_rows_that_nothing_was_fitted_on(both):
    measured, ranks, _ = both
    errors = ranks / measured - 1.0
    _said("rank by rank", errors)
    assert errors.size > 250
    assert np.abs(errors).mean() <= 0.11
    assert np.percentile(np.abs(errors), 90) <= 0.24


def test_the_two_ways_to_the_step_agree(both):
    _, ranks, closed = both
    errors = ranks / closed - 1.0
    _said("rank by rank against closed form", errors)
    assert np.median(np.abs(errors)) <= 0.03
    assert np.percentile(np.abs(errors), 90) <= 0.10
