"""The synthetic year against the climate it is made of, and against figures that it was not fitted on."""

from __future__ import annotations

import numpy as np
import pytest

from clustersim.catalog import entries, entry
from clustersim.errors import CatalogError, InputError
from clustersim.plant import design_air, weather_year
from clustersim.plant.weather import MONTH_DAYS, synthetic_year

PLACES = [name for name in entries("weather") if name != "synthetic_year"]


@pytest.mark.parametrize("place", PLACES)
def test_a_year_meets_its_design_conditions_and_monthly_means(place):
    found, year = entry("weather", place), synthetic_year(place)
    dry, wet = year.air.dry_bulb_c, year.air.wet_bulb_c
    assert dry.shape == wet.shape == (8760,)
    assert np.isfinite(dry).all()
    assert (wet <= dry).all()
    assert float(np.quantile(dry, 0.996)) == pytest.approx(found.si("design.dry_bulb"), abs=0.01)
    assert float(np.quantile(wet, 0.996)) == pytest.approx(found.si("design.wet_bulb"), abs=0.05)
    ends = np.cumsum(MONTH_DAYS) * 24
    means = [part.mean() for part in np.split(dry, ends[:-1])]
    given = [found.si(f"mean.{k:02d}") for k in range(1, 13)]
    assert means == pytest.approx(given, abs=4.0)  # a month of one year differs from its mean
    assert float(np.mean(means)) == pytest.approx(float(np.mean(given)), abs=1.2)


@pytest.mark.parametrize(
    ("place", "share", "bulb", "published", "within"),
    [
        ("goodyear_az", 0.99, "dry_bulb_c", 42.3, 0.5),
        ("goodyear_az", 0.004, "dry_bulb_c", 3.7, 1.0),
        ("goodyear_az", 0.98, "wet_bulb_c", 23.5, 0.7),
        ("ashburn_va", 0.99, "dry_bulb_c", 32.7, 0.5),
        ("ashburn_va", 0.98, "wet_bulb_c", 24.1, 0.7),
        ("ashburn_va", 0.004, "dry_bulb_c", -11.8, 2.5),
    ],
)
def test_other_design_conditions_follow(place, share, bulb, published, within):
    """ASHRAE 2009 design conditions of Phoenix and Dulles that no part of the year was fitted on."""
    assert float(np.quantile(getattr(synthetic_year(place).air, bulb), share)) == pytest.approx(published, abs=within)


def test_a_year_is_always_the_same_and_repeats():
    first = synthetic_year("memphis_tn")
    assert synthetic_year("memphis_tn") is first
    assert weather_year("memphis_tn").air.dry_bulb_c is first.air.dry_bulb_c
    assert float(first.hour(8760.0).dry_bulb_c) == float(first.hour(0.0).dry_bulb_c)
    assert synthetic_year("omaha_ne").place == "council_bluffs_ia"


def test_afternoons_are_warmer_than_nights():
    hours = synthetic_year("memphis_tn").air.dry_bulb_c.reshape(365, 24).mean(axis=0)
    assert int(hours.argmax()) in (14, 15)
    assert np.ptp(hours) == pytest.approx(entry("weather", "memphis_tn").si("daily_range"), abs=0.3)


def test_unknown_weather_is_named():
    with pytest.raises(CatalogError, match=r"memphis.*did you mean 'memphis_tn'"):
        weather_year("memphis")
    with pytest.raises(InputError, match="read with the scenario or topology file"):
        weather_year("memphis.epw")
    with pytest.raises(ValueError, match="wet bulb of at most the dry bulb"):
        design_air(20.0, 25.0)
