"""Flickermeter against the points of Pst = 1 of the standard."""

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.limits import instantaneous_flicker, short_term_severity

# Rectangular changes per minute and relative change [%] that give Pst = 1 (IEC 61000-4-15 and IEEE 1453, recalled).
POINTS = {
    "230 V 50 Hz": ((1, 2.724), (2, 2.211), (7, 1.459), (39, 0.906), (110, 0.725), (1620, 0.402)),
    "120 V 60 Hz": ((1, 3.166), (2, 2.568), (7, 1.695), (39, 1.044), (110, 0.841), (1620, 0.547)),
}


def rectangle(changes_per_minute, percent, dt, length=600.0):
    t = np.arange(round(length / dt)) * dt
    return 1.0 - percent / 100.0 * (np.floor(t * changes_per_minute / 60.0 + 1e-9) % 2)


@pytest.mark.parametrize("lamp", POINTS)
@pytest.mark.parametrize("row", range(6))
def test_standard_points_at_1_ms(lamp, row):
    changes, percent = POINTS[lamp][row]
    assert short_term_severity(rectangle(changes, percent, 1e-3), 1e-3, lamp) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("lamp", POINTS)
@pytest.mark.parametrize("row", range(6))
def test_standard_points_at_10_ms(lamp, row):
    changes, percent = POINTS[lamp][row]
    assert short_term_severity(rectangle(changes, percent, 1e-2), 1e-2, lamp) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("lamp", "percent"), [("230 V 50 Hz", 0.250), ("120 V 60 Hz", 0.321)])
def test_sinusoid_at_8_8_hz_is_at_the_threshold(lamp, percent):
    t = np.arange(0, 60, 1e-3)
    v = 1.0 + percent / 200.0 * np.sin(2 * np.pi * 8.8 * t)
    sensation, spacing = instantaneous_flicker(v, 1e-3, lamp)
    assert spacing == 1e-3
    assert sensation[30_000:].max() == pytest.approx(1.0, abs=0.02)


def test_severity_is_proportional_to_the_change():
    pst = [short_term_severity(rectangle(39, change, 1e-2), 1e-2) for change in (0.5, 1.0)]
    assert pst[1] == pytest.approx(2.0 * pst[0], rel=0.01)


def test_a_constant_voltage_does_not_flicker():
    assert short_term_severity(np.full(60_000, 1.03), 1e-2) == pytest.approx(0.0, abs=1e-9)


def test_short_or_coarse_records_are_refused():
    with pytest.raises(InputError, match="600 s"):
        short_term_severity(np.ones(1000), 1e-2)
    with pytest.raises(InputError, match="10 ms or finer"):
        short_term_severity(np.ones(1000), 1.0)
