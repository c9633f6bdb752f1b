"""Inverse-time overcurrent protection."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.catalog import entries
from clustersim.errors import CatalogError, InputError
from clustersim.plant.protection import curve_of, disk_travel
from clustersim.plant.spec_parts.supply import BreakerSpec

CURVES = [name for name, found in entries("switchgear").items() if found.properties["part"] == "breaker"]


def setting(name="iec_very_inverse", times=1.0):
    return curve_of(BreakerSpec.model_validate({"curve": name, "pickup": "1 pu", "time_multiplier": times}))


@pytest.mark.parametrize(
    ("name", "multiple", "seconds"),
    [
        # worked by hand from t = k / (M^a - 1) + c
        ("iec_standard_inverse", 2.0, 10.0291),
        ("iec_standard_inverse", 10.0, 2.9706),
        ("iec_very_inverse", 2.0, 13.5),
        ("iec_very_inverse", 10.0, 1.5),
        ("iec_extremely_inverse", 2.0, 26.6667),
        ("iec_extremely_inverse", 10.0, 0.808081),
        ("iec_long_time_inverse", 4.0, 40.0),
        ("ieee_moderately_inverse", 2.0, 3.80332),
        ("ieee_very_inverse", 2.0, 7.02767),
        ("ieee_extremely_inverse", 2.0, 9.5217),
    ],
)
def test_times_of_the_curves(name, multiple, seconds):
    assert setting(name).trip_time_s(multiple) == pytest.approx(seconds, rel=1e-4)
    found = disk_travel(setting(name, 0.5), np.full(60_000, multiple), 1e-3)
    assert found.trip_s == pytest.approx(0.5 * seconds, rel=1e-4)


@given(multiple=st.floats(1.05, 40.0), name=st.sampled_from(CURVES), parts=st.integers(1, 400))
def test_a_constant_current_trips_at_the_time_of_the_curve(multiple, name, parts):
    curve = setting(name)
    due = float(curve.trip_time_s(multiple))
    found = disk_travel(curve, np.full(parts + 1, multiple), due / parts)
    assert found.trip_s == pytest.approx(due, rel=1e-9)


@given(low=st.floats(1.05, 15.0), more=st.floats(0.01, 5.0), name=st.sampled_from(CURVES))
def test_more_current_trips_sooner(low, more, name):
    curve = setting(name)
    assert curve.trip_time_s(low + more) < curve.trip_time_s(low)


def test_nothing_trips_at_the_pickup_and_the_curve_is_flat_beyond_twenty():
    assert math.isinf(setting().trip_time_s(1.0))
    assert setting().trip_time_s(20.0) == setting().trip_time_s(100.0)
    assert disk_travel(setting(), np.ones(1000), 1.0, repeating=True).trip_s is None


def plain(curve, multiples, dt):
    """The disk step by step, in plain Python."""
    travel, most, trip = 0.0, 0.0, None
    for index, current in enumerate(multiples):
        if current > 1.0:
            step = dt / float(curve.trip_time_s(current))
            if trip is None and travel + step >= 1.0:
                trip = (index + (1.0 - travel) / step) * dt
            travel += step
        elif curve.reset_s == 0.0:
            travel = 0.0
        else:
            travel = max(0.0, travel - dt * (1.0 - current**curve.reset_exponent) / curve.reset_s)
        most = max(most, travel)
    return most, trip


@given(
    multiples=st.lists(st.floats(0.0, 30.0), min_size=1, max_size=60),
    dt=st.floats(0.001, 2.0),
    name=st.sampled_from(CURVES),
)
def test_the_kernel_equals_its_plain_twin(multiples, dt, name):
    curve = setting(name, 0.7)
    found, (most, trip) = disk_travel(curve, multiples, dt), plain(curve, multiples, dt)
    assert found.largest == pytest.approx(most)
    assert found.trip_s == (None if trip is None else pytest.approx(trip))


def test_a_cyclic_load_trips_when_the_disk_gains_more_than_it_loses():
    """Very inverse, 4 s at 1.5 and 4 s at 0.6: +4/27 and -4 x 0.64/43.2 a cycle; the eleventh cycle trips."""
    cycle = np.repeat([1.5, 0.6], 400)
    forward, back = 4.0 / 27.0, 4.0 * 0.64 / 43.2
    found = disk_travel(setting(), cycle, 0.01, repeating=True)
    cycles = math.ceil((1.0 - forward) / (forward - back))
    at = 8.0 * cycles + 27.0 * (1.0 - cycles * (forward - back))
    assert found.trip_s == pytest.approx(at, rel=1e-6)
    assert found.largest > 1.0


def test_a_slow_gain_over_very_many_cycles_is_found_without_running_them():
    cycle = np.array([1.5, 0.6])
    forward, back = 0.001 / 27.0, 0.001 * 0.64 / 43.2
    found = disk_travel(setting(), cycle, 0.001, repeating=True)
    assert found.trip_s == pytest.approx(0.002 / (forward - back), rel=1e-3)


def test_a_cyclic_load_whose_troughs_let_the_disk_back_never_trips():
    found = disk_travel(setting(), np.repeat([1.2, 0.3], 400), 0.01, repeating=True)
    assert found.trip_s is None
    assert found.largest == pytest.approx(4.0 / 67.5)
    assert found.margin == pytest.approx(1.0 - 4.0 / 67.5)


def test_without_a_reset_law_the_disk_falls_back_at_once():
    found = disk_travel(setting("iec_long_time_inverse"), np.tile([2.0, 0.99], 500), 50.0, repeating=True)
    assert found.trip_s is None
    assert found.largest == pytest.approx(50.0 / 120.0)


def test_bad_input_is_named():
    with pytest.raises(InputError, match="currents of at least 0"):
        disk_travel(setting(), [1.0, -1.0], 1.0)
    with pytest.raises(CatalogError, match="did you mean 'iec_very_inverse'"):
        setting("iec_very_invers")
