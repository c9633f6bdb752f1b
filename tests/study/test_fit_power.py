"""What a fit says of itself: a record that does not give its trace back is named as such."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.power.trace import PowerTrace, resampled
from clustersim.study.measured.fit_power import fit_trace

DT = 0.02
TIMES = DT * np.arange(20_000)


def trace(watts):
    return PowerTrace("t", 0.0, DT, watts)


def test_a_two_level_cycle_needs_no_warning():
    noise = 1e5 * np.random.default_rng(0).standard_normal(TIMES.size)
    assert fit_trace(trace(np.where(TIMES % 8.0 < 6.0, 5e7, 2e7) + noise)).warnings == ()


def test_other_shapes_are_named():
    saw = fit_trace(trace(1e7 * (1.0 + TIMES % 5.0))).warnings
    assert any("percentile" in text and "of the range off" in text for text in saw)
    pauses = np.where(TIMES > 200.0, 1e7, np.where(TIMES % 8.0 < 6.0, 5e7, 2e7))
    mean = fit_trace(trace(pauses), 0.0, 400.0).warnings
    assert any("the load is no two-level cycle" in text for text in mean)


def test_few_cycles_are_named():
    assert any("only 2 cycles" in text for text in fit_trace(trace(np.where(TIMES % 130.0 < 100.0, 5e7, 2e7))).warnings)


def test_a_cycle_that_is_not_resolved_says_so():
    coarse = resampled(trace(np.where(TIMES % 8.0 < 6.0, 5e7, 2e7)), 1.0)
    with pytest.raises(InputError, match="repeats every 8.003 s, but no two dips last for 3 samples of 1 s"):
        fit_trace(coarse)
