"""Efficiency of power supplies against load."""

import numpy as np
import pytest

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.supplies import SupplyCurve, supply_curve, together

CURVES = ("supply_titanium", "supply_shelf")


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("bound", ["value", "low", "high"])
def test_published_points_are_met_and_input_rises_with_output(name, bound):
    curve = supply_curve(name, bound)
    for key, figure in catalog.entry("device_power", name).figures.items():
        assert curve.efficiency(float(key.removeprefix("at_")) / 100) == pytest.approx(getattr(figure, bound))
    loads = np.linspace(0.0, 1.6, 4001)
    drawn = curve.input_w(loads * 3300.0, 3300.0)
    assert (np.diff(drawn) > 0.0).all()
    # no load leaves a loss of at most 2 % of the rating, and no supply gives more than it takes
    assert 0.0 < drawn[0] < 0.02 * 3300.0
    assert (drawn > loads * 3300.0).all()


def test_the_best_load_is_in_the_middle():
    for name in CURVES:
        loads = np.linspace(0.05, 1.0, 200)
        best = loads[np.argmax(supply_curve(name).efficiency(loads))]
        assert 0.3 < best < 0.6


def test_more_supplies_help_above_half_load_and_cost_below():
    curve = supply_curve("supply_titanium")
    six, four = 6 * 3300.0, 4 * 3300.0
    assert curve.input_w(12e3, six) < curve.input_w(12e3, four)
    assert curve.input_w(2e3, six) > curve.input_w(2e3, four)


def test_kinds_loaded_alike_add_up():
    curves, capacity = [supply_curve(name) for name in CURVES], np.array([3e6, 1e6])
    both = together(curves, capacity)
    for load in (0.03, 0.1, 0.35, 0.8, 1.2):
        apart = sum(float(c.input_w(load * w, w)) for c, w in zip(curves, capacity, strict=True))
        assert both.input_w(load * 4e6, 4e6) == pytest.approx(apart, rel=1e-12)
    alone = together(curves[:1], capacity[:1])
    np.testing.assert_array_equal(alone.input, curves[0].input)


def test_impossible_supplies_are_refused():
    with pytest.raises(InputError, match="rise from 0"):
        SupplyCurve(np.array([0.1, 1.0]), np.array([0.2, 1.1]))
    with pytest.raises(InputError, match="input that rises"):
        SupplyCurve(np.array([0.0, 0.5, 1.0]), np.array([0.0, 0.6, 0.55]))
    with pytest.raises(InputError, match="input that rises"):
        SupplyCurve(np.array([0.0, 1.0]), np.array([0.0, 0.9]))
