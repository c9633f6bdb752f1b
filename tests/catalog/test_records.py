"""The record of a figure: strict about keys, units and bands."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clustersim import units
from clustersim.catalog import ASSUMED_BAND, Figure
from clustersim.catalog.store import entries, entry
from clustersim.errors import CatalogError

UNITS = sorted(unit for table in units.TABLE.values() for unit in table)


def figure(**fields):
    return Figure.model_validate({"source": "S", "confidence": "reported", **fields})


@settings(max_examples=60, deadline=None)
@given(
    value=st.floats(-1e9, 1e9),
    unit=st.sampled_from(UNITS),
    confidence=st.sampled_from(sorted(ASSUMED_BAND)),
)
def test_the_assumed_band_holds_the_value(value, unit, confidence):
    found = figure(value=f"{value:.6f} {unit}", confidence=confidence)
    assert found.low <= found.value <= found.high
    assert found.high - found.low == pytest.approx(2 * ASSUMED_BAND[confidence] * abs(found.value))
    assert found.band == "assumed"


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0.001, 1e6), min_size=3, max_size=3).map(sorted), st.sampled_from(UNITS))
def test_a_given_band_is_kept(values, unit):
    low, value, high = (f"{one:.9f} {unit}" for one in values)
    found = figure(value=value, low=low, high=high)
    assert found.low <= found.value <= found.high
    assert found.band == "given"


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"value": "700 Watt"}, "unknown unit"),
        ({"value": "W"}, "number and a unit"),
        ({"value": "700 W", "low": "600 W"}, "both low and high"),
        ({"value": "700 W", "low": "0.6 kW", "high": "0.8 kW"}, "must be in W"),
        ({"value": "700 W", "low": "800 W", "high": "900 W"}, "low <= value <= high"),
        ({"value": "700 W", "sauce": "S"}, "unknown key 'sauce' of a figure; did you mean 'source'"),
    ],
)
def test_a_wrong_figure_is_refused(fields, message):
    with pytest.raises(ValidationError, match=message):
        figure(**fields)


def test_a_bare_number_is_dimensionless():
    assert (figure(value=4).value, figure(value=4).unit, figure(value=4).text) == (4.0, "1", "4")


def test_unknown_kind_and_name():
    with pytest.raises(CatalogError, match="unknown kind 'switch'"):
        entries("switch")
    with pytest.raises(CatalogError, match="unknown name 'Titan' in catalog kind 'generators'"):
        entry("generators", "Titan")
