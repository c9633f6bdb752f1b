"""Shares of activities in windows of time: exact against sums over fine steps, limits, conservation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal

from clustersim.errors import InputError
from clustersim.instrument.recording import Marker
from clustersim.instrument.schedule import UNMARKED, schedule_of, shares
from tests.instrument.made import duty, named


@given(st.integers(0, 50), st.floats(1e-4, 0.5), st.floats(1e-3, 3.0))
def test_shares_add_up_to_one(seed, lag, window):
    schedule = schedule_of(duty(20, seed), named)
    end = np.linspace(-1.0, 40.0, 97)
    found = shares(schedule, lag, end - window, end)
    np.testing.assert_allclose(found.sum(axis=1), 1.0, atol=1e-9)
    assert found.min() > -1e-9


def test_shares_are_those_of_a_filtered_indicator():
    """Against scipy's simulation of the lag in steps of 0.05 ms, integrated by the trapezoidal rule."""
    markers, lag, window = duty(12), 0.02, 0.13
    schedule = schedule_of(markers, named)
    times = np.arange(0.0, 12.0, 5e-5)
    part = np.searchsorted(schedule.edges_s, times, side="right") - 1
    on = (schedule.label[part] == schedule.labels.index("matrix")).astype(float)
    _, lagged, _ = signal.lsim(([1.0], [lag, 1.0]), on, times, interp=False)
    area = np.concatenate([[0.0], np.cumsum(0.5 * (lagged[1:] + lagged[:-1]) * 5e-5)])
    end = np.linspace(1.0, 11.9, 301)
    expected = (np.interp(end, times, area) - np.interp(end - window, times, area)) / window
    found = shares(schedule, lag, end - window, end)[:, schedule.labels.index("matrix")]
    # an edge between two steps is off by one of them, in a window of 0.13 s
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_without_lag_shares_are_times():
    schedule = schedule_of((Marker(activity="matrix", begin_s=1.0, end_s=2.0),), named)
    begin, end = np.array([0.5, 1.2, 1.5, 5.0]), np.array([1.5, 1.8, 2.5, 6.0])
    found = shares(schedule, 1e-9, begin, end)[:, schedule.labels.index("matrix")]
    np.testing.assert_allclose(found, [0.5, 1.0, 0.5, 0.0], atol=1e-6)


def test_markers_that_meet_leave_no_time_between_them():
    one = Marker(activity="matrix", begin_s=1.0, end_s=2.0)
    other = Marker(activity="idle", begin_s=2.0, end_s=3.0)
    found = schedule_of((other, one), named)
    assert [found.labels[at] for at in found.label] == [UNMARKED, "matrix", "idle", UNMARKED]
    np.testing.assert_array_equal(found.edges_s[1:], [1.0, 2.0, 3.0])


def test_markers_within_each_other_are_refused():
    inner = Marker(activity="idle", begin_s=1.5, end_s=1.7)
    with pytest.raises(InputError, match=r"one activity at a time, found idle from 1.5 s within matrix to 2 s"):
        schedule_of((Marker(activity="matrix", begin_s=1.0, end_s=2.0), inner), named)
    with pytest.raises(InputError, match="found none"):
        schedule_of((), named)
