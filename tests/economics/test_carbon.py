"""Carbon and water: exact sums, names, wrong names."""

import pytest

from clustersim import catalog
from clustersim.economics.carbon import carbon, grid_intensity
from clustersim.economics.water_price import water_price
from clustersim.errors import CatalogError, InputError, UnitError

MWH = 3.6e9


def test_sum_of_grid_and_fuel():
    found = carbon(100 * MWH, 150 * MWH, 20_000.0, 2e9, grid_intensity("400 kg/MWh").value, usd_per_kg=0.05)
    assert (found.grid_kg, found.fuel_kg, found.total_kg) == pytest.approx((40_000.0, 20_000.0, 60_000.0))
    assert found.kg_per_mwh == pytest.approx(400.0)
    assert found.g_per_million_tokens == pytest.approx(60e6 / 2000)
    assert found.usd == pytest.approx(3000.0)


def test_nothing_drawn_and_nothing_trained():
    found = carbon(0.0, 0.0, 0.0, 0.0, 1e-7)
    assert (found.kg_per_mwh, found.g_per_million_tokens, found.total_kg) == (None, None, 0.0)


def test_states_have_the_intensity_of_their_subregion():
    assert grid_intensity("TN") == grid_intensity("SRTV")
    assert grid_intensity("TN").value * MWH == pytest.approx(938.6 * 0.45359237)
    intensities = [entry.si("intensity") * MWH for entry in catalog.entries("carbon").values()]
    assert 100.0 < min(intensities) < max(intensities) < 800.0


def test_wrong_names_and_units():
    with pytest.raises(CatalogError, match="SRTV"):
        grid_intensity("SRTW")
    with pytest.raises(UnitError):
        grid_intensity("400 kg/month")
    with pytest.raises(InputError):
        water_price("loudon_reclaimed")
    with pytest.raises(UnitError):
        water_price("1 USD/L")


def test_water_of_a_worked_example():
    """Loudoun's page: 50,000 gal/d x 365 d x (3.86 - 1.80) / 1,000 gal = 37,595 USD saved by reclaimed water."""
    m3 = 50_000 * 365 * 3.785411784e-3
    assert (water_price(None).value - water_price("loudoun_reclaimed").value) * m3 == pytest.approx(37_595, abs=0.5)
