"""Levels are recovered from records whose truth is known, settled or from what the sensor has smeared."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.instrument.levels import Window, levels, readings_of, unmeasured_window
from clustersim.instrument.recording import Marker
from tests.instrument.made import LEVELS, named, recorded, runs

KNOWN = ("matrix", "memory", "wait", "context", "idle")
MEASURED = Window(0.025, 0.01, 0.007, "measured")


def found_of(made, window):
    return levels(made.markers, readings_of(made.times_s, made.power_w()), window, named)


@pytest.mark.parametrize("window", [MEASURED, unmeasured_window()])
def test_settled_levels_are_found(window):
    held = 0
    for seed in range(20):
        made = recorded(runs(KNOWN, seed=seed), seed=seed)
        found, missing = found_of(made, window)
        assert not missing
        assert {one.label for one in found} == set(KNOWN)
        assert {one.how for one in found} == {"between runs"}
        for one in found:
            assert one.watts.value == pytest.approx(LEVELS[one.label], abs=2.5)
            held += one.watts.low <= LEVELS[one.label] <= one.watts.high
    # 95 of 100, less three standard deviations
    assert held >= 88


def test_an_averaging_sensor_shows_nothing_of_short_runs_unless_it_was_measured():
    rng = np.random.default_rng(1)
    markers, now = [], 1.0
    for _ in range(150):
        for label, length in (("matrix", 0.25), ("wait", 0.1)):
            markers.append(Marker(activity=label, begin_s=now, end_s=now + length * rng.uniform(0.7, 1.3)))
            now = markers[-1].end_s
    made = recorded(tuple(markers), window=1.0, delay=0.02)
    found, missing = found_of(made, unmeasured_window())
    assert not found
    assert "exercise duty" in missing["wait"]
    found, missing = found_of(made, Window(1.0, 0.02, 0.007, "measured"))
    assert not missing
    for one in found:
        assert one.how == "deconvolved"
        assert one.watts.low <= LEVELS[one.label] <= one.watts.high
        assert one.watts.high - one.watts.low < 40.0
    naive = made.power_w()[np.searchsorted(made.times_s, [m.end_s for m in markers if m.activity == "wait"]) - 1]
    assert naive.mean() > 2.0 * LEVELS["wait"]


def test_one_run_has_the_interval_of_its_stretches():
    made = recorded(runs(("matrix", "idle"), seconds=8.0, repeats=1))
    found, _ = found_of(made, MEASURED)
    assert {one.how for one in found} == {"within runs"}
    assert all(one.watts.low <= LEVELS[one.label] <= one.watts.high for one in found)


def test_a_power_that_stands_still_is_known_to_half_a_step_of_its_sensor():
    made = recorded(runs(("idle",), repeats=3), noise=0.0, levels=LEVELS | {"unmarked": 75.0})
    found, _ = found_of(made, MEASURED)
    assert found[0].watts.value == 75.0
