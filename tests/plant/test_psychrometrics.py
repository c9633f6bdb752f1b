"""Moist air against published tables, identities and a slow twin."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.plant import psychrometrics as air

SEA = 101325.0


@pytest.mark.parametrize(
    ("temperature", "pascal"),
    [
        (0.01, 611.66),
        (10.0, 1228.2),
        (20.0, 2339.3),
        (30.0, 4247.0),
        (50.0, 12352.0),
        (100.0, 101420.0),
        (-10.0, 259.9),
    ],
)
def test_saturation_pressure_is_that_of_the_steam_tables(temperature, pascal):
    """Steam tables IAPWS-95 (triple point 611.657 Pa, 100 degC 101.42 kPa); ice at -10 degC 259.9 Pa."""
    assert float(air.saturation_pressure(temperature)) == pytest.approx(pascal, rel=3e-4)


@pytest.mark.parametrize(
    ("temperature", "ratio", "enthalpy"),
    [(0.0, 0.003789, 9.473), (10.0, 0.007661, 29.352), (20.0, 0.014758, 57.555), (30.0, 0.027329, 100.006)],
)
def test_saturated_air_is_that_of_the_ashrae_table(temperature, ratio, enthalpy):
    """ASHRAE Handbook of Fundamentals, table of moist air at 101.325 kPa (recalled): real gas, hence half a percent."""
    found = air.humidity_ratio(air.saturation_pressure(temperature), SEA)
    assert float(found) == pytest.approx(ratio, rel=6e-3)
    assert float(air.enthalpy(temperature, found)) / 1e3 == pytest.approx(enthalpy, rel=6e-3)


def test_pressure_of_the_standard_atmosphere():
    """Denver, 1609 m: 83.4 kPa; the stations' files say 97,342 Pa at 337 m and 100,344 Pa at 82 m."""
    assert air.pressure_at(0.0) == SEA
    assert air.pressure_at(337.0) == pytest.approx(97342.0, abs=5.0)
    assert air.pressure_at(82.0) == pytest.approx(100344.0, abs=5.0)


@settings(max_examples=100, deadline=None)
@given(dry=st.floats(-40.0, 60.0), humidity=st.floats(0.0, 1.0), pressure=st.floats(60000.0, 105000.0))
def test_wet_bulb_lies_below_the_dry_bulb_and_gives_the_humidity_back(dry, humidity, pressure):
    ratio = air.humidity_ratio(humidity * air.saturation_pressure(dry), pressure)
    wet = air.wet_bulb(dry, ratio, pressure)
    assert float(wet) <= dry
    back = float(air.ratio_of_wet_bulb(dry, wet, pressure))
    # at 0 degC ice takes the place of water: the balance jumps there, and the wet bulb is 0
    assert back == pytest.approx(float(ratio), abs=1e-9) or abs(float(wet)) < 1e-3


@settings(max_examples=30, deadline=None)
@given(dry=st.floats(15.0, 55.0), humidity=st.floats(0.1, 1.0))
def test_wet_bulb_equals_a_plain_bisection(dry, humidity):
    ratio = float(air.humidity_ratio(humidity * air.saturation_pressure(dry), SEA))
    low, high = -40.0, dry
    for _ in range(80):
        middle = 0.5 * (low + high)
        if float(air.ratio_of_wet_bulb(dry, middle, SEA)) > ratio:
            high = middle
        else:
            low = middle
    assert float(air.wet_bulb(dry, ratio, SEA)) == pytest.approx(high, abs=2e-3)


def test_saturated_air_has_one_temperature():
    t = np.linspace(-30.0, 50.0, 81)
    ratio = air.humidity_ratio(air.saturation_pressure(t), SEA)
    np.testing.assert_allclose(air.wet_bulb(t, ratio, SEA), t, atol=1e-9)


def test_stulls_fit_at_its_own_example_and_near_the_exact_wet_bulb():
    """Stull (2011): 13.7 degC at 20 degC and 50 %; the mean of the absolute errors is below 0.3 K."""
    assert float(air.wet_bulb_stull(20.0, 0.5)) == pytest.approx(13.7, abs=0.05)
    t, rh = np.meshgrid(np.linspace(0.0, 40.0, 41), np.linspace(0.2, 0.99, 40))
    error = air.wet_bulb_stull(t, rh) - air.wet_bulb(t, air.humidity_ratio(rh * air.saturation_pressure(t), SEA), SEA)
    assert np.abs(error).mean() < 0.35
    assert np.abs(error).max() < 1.1


def test_wet_bulb_rises_with_temperature_and_humidity():
    t = np.linspace(-20.0, 45.0, 66)
    for humidity in (0.1, 0.5, 0.9):
        wet = air.wet_bulb(t, air.humidity_ratio(humidity * air.saturation_pressure(t), SEA), SEA)
        assert (np.diff(wet) > 0.0).all()
    rh = np.linspace(0.0, 1.0, 51)
    wet = air.wet_bulb(30.0, air.humidity_ratio(rh * air.saturation_pressure(30.0), SEA), SEA)
    assert (np.diff(wet) > 0.0).all()
