"""Window, delay and lag are recovered from records whose truth is known, within the intervals that are stated."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.instrument.sensor import fit_sensor, published
from tests.instrument.made import LEVELS, duty, recorded

SENSORS = [
    # window, time between readings, delay, lag [s]
    (0.025, 0.1, 0.010, 0.007),
    (1.0, 0.1, 0.020, 0.007),
    (0.010, 0.1, 0.002, 0.050),
    pytest.param(0.1, 0.1, 0.005, 0.007, marks=pytest.mark.soak),
    pytest.param(0.005, 0.02, 0.003, 0.007, marks=pytest.mark.soak),
]


@pytest.mark.parametrize(("window", "refresh", "delay", "lag"), SENSORS)
def test_a_known_sensor_is_found(window, refresh, delay, lag):
    held, cases = np.zeros(3), 2
    for seed in range(cases):
        made = recorded(duty(seed=seed), window, refresh, delay, lag, seed=seed)
        found = fit_sensor(made.markers, published(made.times_s, made.power_w()))
        bands = (found.window_s, found.delay_s, found.lag_s)
        held += [band.low <= truth <= band.high for band, truth in zip(bands, (window, delay, lag), strict=True)]
        # what the interval says is worth saying: a tenth of the window, or of the lag where that is longer
        assert found.window_s.high - found.window_s.low < 0.1 * max(window, lag)
        assert found.window_s.value == pytest.approx(window, rel=0.05, abs=0.03 * lag)
        assert found.levels_w["matrix"] == pytest.approx(LEVELS["matrix"], abs=5.0)
        assert found.residual_w == pytest.approx(2.0, rel=0.25)
        assert found.lag_is_resolved == (lag > window)
    print(f"window {window:g} s: {held} of {cases} intervals hold window, delay, lag")
    assert (held >= cases - 1).all()


@pytest.mark.soak
def test_intervals_hold_the_truth_as_often_as_they_say():
    held, cases = np.zeros(3), 120
    for seed in range(cases):
        made = recorded(duty(count=100, seed=seed), seed=seed)
        found = fit_sensor(made.markers, published(made.times_s, made.power_w()))
        bands = (found.window_s, found.delay_s, found.lag_s)
        held += [band.low <= truth <= band.high for band, truth in zip(bands, (0.025, 0.01, 0.007), strict=True)]
    print(held / cases)
    # 95 % less three standard deviations of a share of 120
    assert (held / cases >= 0.89).all()


def test_a_sensor_that_was_asked_slowly_is_not_told():
    """Every 47 ms for readings of 25 ms every 20: half of them are not even seen."""
    made = recorded(duty(), window=0.025, refresh=0.02, poll=0.047)
    with pytest.raises(InputError, match="expected a record that tells the window"):
        fit_sensor(made.markers, published(made.times_s, made.power_w()))


def test_a_missed_question_does_not_widen_the_intervals():
    made = recorded(duty())
    asked = np.ones(made.times_s.size, dtype=bool)
    asked[2000:2200] = False
    whole, holed = (
        fit_sensor(made.markers, published(made.times_s[chosen], made.power_w()[chosen]))
        for chosen in (np.ones_like(asked), asked)
    )
    for one in (whole, holed):
        assert one.window_s.low <= 0.025 <= one.window_s.high
        assert one.window_s.high - one.window_s.low < 0.0025


def test_too_little_is_refused():
    made = recorded(duty(4))
    with pytest.raises(InputError, match="changes of activity, found"):
        fit_sensor(made.markers, published(made.times_s, made.power_w()))
    with pytest.raises(InputError, match="expected a power that changes"):
        published(np.arange(5.0), np.full(5, 100.0))


def test_readings_are_there_when_an_even_clock_says():
    made = recorded(duty(), refresh=0.1)
    found = published(made.times_s, made.power_w())
    np.testing.assert_allclose(np.diff(found.at_s) / 0.1, np.round(np.diff(found.at_s) / 0.1), atol=0.002)
    assert found.within_s < 0.0005


def test_missing_readings_are_left_out():
    made = recorded(duty())
    watts = made.power_w().copy()
    watts[::7] = np.nan
    found = fit_sensor(made.markers, published(made.times_s, watts))
    assert found.window_s.value == pytest.approx(0.025, rel=0.1)
