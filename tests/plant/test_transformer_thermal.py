"""Top-oil and hot-spot temperatures, and ageing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.catalog import entries
from clustersim.errors import CatalogError
from clustersim.plant.transformer_thermal import (
    ThermalState,
    ageing_rate,
    steady_hot_spot,
    steady_state,
    temperatures,
    thermal_class,
)

CLASSES = [name for name, found in entries("switchgear").items() if found.properties["part"] == "transformer"]
MINUTE = 60.0
EXAMPLE = ((190, 1.0), (365, 0.6), (500, 1.5), (710, 0.3), (735, 2.1), (750, 0.0))
"""Minute until which a load lasts, and the load: the 250 MVA ONAF example of the standard's annex (recalled)."""
PEER = ((60.859, 82.771), (44.314, 53.965), (89.827, 128.038), (34.788, 37.431), (67.746, 138.539), (60.134, 75.198))
"""Top oil and hot spot at those minutes [degC]: transformer-thermal-model 0.6.0, steps of 6 s, started cold at 25.6."""


def example():
    return replace(thermal_class("onaf", 1000.0), top_oil_rise=38.3, hot_spot_rise=1.4 * 14.5)


def test_the_standards_example_as_an_independent_program_computes_it():
    state, minute = ThermalState(0.0, 0.0, 0.0), 0
    for (until, load), (top, hot) in zip(EXAMPLE, PEER, strict=True):
        found = temperatures(example(), [load], (until - minute) * MINUTE, 25.6, state)
        state, minute = found.end, until
        assert found.top_oil_c[-1] == pytest.approx(top, abs=0.01)
        assert found.hot_spot_c[-1] == pytest.approx(hot, abs=0.01)


@pytest.mark.parametrize("name", CLASSES)
def test_rated_load_ends_at_the_rated_rises(name):
    cooling = thermal_class(name, 6.0)
    found = temperatures(cooling, np.ones(2000), 10 * MINUTE, 20.0, ThermalState(0.0, 0.0, 0.0))
    assert found.top_oil_c[-1] == pytest.approx(20.0 + cooling.top_oil_rise)
    assert found.hot_spot_c[-1] == pytest.approx(98.0)
    assert steady_hot_spot(cooling, 1.0, 20.0) == pytest.approx(98.0)


def test_a_step_is_the_sum_of_three_exponentials():
    cooling, t = example(), np.arange(1, 601) * MINUTE
    found = temperatures(cooling, np.full(600, 1.3), MINUTE, 25.6, steady_state(cooling, 0.4))
    to, low = steady_state(cooling, 1.3), steady_state(cooling, 0.4)
    oil = to.oil_rise + (low.oil_rise - to.oil_rise) * np.exp(-t / (0.5 * 150 * MINUTE))
    fast = to.fast + (low.fast - to.fast) * np.exp(-t / (2.0 * 7 * MINUTE))
    slow = to.slow + (low.slow - to.slow) * np.exp(-t / (150 * MINUTE / 2.0))
    assert found.top_oil_c == pytest.approx(25.6 + oil)
    assert found.hot_spot_c == pytest.approx(25.6 + oil + fast - slow)


def test_the_hot_spot_overshoots_its_gradient_in_large_units_only():
    """The oil circulates late: with k21 = 2 the gradient passes its end by some 30 % before it settles."""

    def gradient(name):
        found = temperatures(thermal_class(name, 6.0), np.ones(600), MINUTE, 0.0, ThermalState(0.0, 0.0, 0.0))
        return found.hot_spot_c - found.top_oil_c

    assert gradient("onaf").max() > 1.25 * 26.0
    assert gradient("onan_distribution").max() <= 23.0


@given(
    loads=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=20),
    cut=st.integers(2, 9),
    name=st.sampled_from(CLASSES),
)
def test_finer_samples_change_nothing(loads, cut, name):
    cooling = thermal_class(name, 4.0)
    start = steady_state(cooling, loads[0])
    whole = temperatures(cooling, loads, 900.0, 30.0, start)
    fine = temperatures(cooling, np.repeat(loads, cut), 900.0 / cut, 30.0, start)
    assert fine.hot_spot_c[cut - 1 :: cut] == pytest.approx(whole.hot_spot_c, abs=1e-8)


@given(loads=st.lists(st.floats(0.0, 2.0), min_size=1, max_size=20), name=st.sampled_from(CLASSES))
def test_a_record_that_repeats_ends_where_it_starts(loads, name):
    cooling = thermal_class(name, 4.0)
    found = temperatures(cooling, loads, 600.0, 30.0)
    again = temperatures(cooling, loads, 600.0, 30.0, found.end)
    assert again.hot_spot_c == pytest.approx(found.hot_spot_c, abs=1e-7)
    many = temperatures(cooling, loads * 400, 600.0, 30.0, ThermalState(0.0, 0.0, 0.0))
    assert many.hot_spot_c[-1] == pytest.approx(found.hot_spot_c[-1], abs=0.2)


@given(low=st.floats(0.0, 2.0), more=st.floats(0.0, 1.0), air=st.floats(-30.0, 50.0), name=st.sampled_from(CLASSES))
def test_more_load_and_warmer_air_are_hotter(low, more, air, name):
    cooling = thermal_class(name, 4.0)
    assert steady_hot_spot(cooling, low + more, air) >= steady_hot_spot(cooling, low, air)
    assert steady_hot_spot(cooling, low, air + 5.0) == pytest.approx(steady_hot_spot(cooling, low, air) + 5.0)


def test_a_fast_swing_heats_more_than_its_mean():
    """Copper loss follows the square: a swing of 0.5 and 1.5 heats the oil as a steady load of sqrt(1.25) does."""
    cooling = thermal_class("onaf", 1e9)
    swing = temperatures(replace(cooling, oil_exponent=1.0), np.tile([0.5, 1.5], 5000), 0.5, 20.0)
    rise = cooling.top_oil_rise * 1.25
    assert swing.top_oil_c.mean() == pytest.approx(20.0 + rise, rel=1e-6)


def test_ageing_laws():
    assert ageing_rate([92.0, 98.0, 104.0]) == pytest.approx([0.5, 1.0, 2.0])
    assert ageing_rate(110.0, "upgraded") == pytest.approx(1.0)
    # the standard's table of the upgraded law: 0.036 at 80 degC, 17.2 at 140 degC (recalled)
    assert ageing_rate([80.0, 140.0], "upgraded") == pytest.approx([0.036, 17.2], rel=0.02)


def test_no_class_of_that_name():
    with pytest.raises(CatalogError, match="did you mean 'onaf'"):
        thermal_class("onaff", 6.0)
