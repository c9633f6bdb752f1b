"""Carbon dioxide of the grid's energy and of the fuel burned on site."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog, units
from clustersim.economics.prices import USER, Price, figure
from clustersim.errors import InputError
from clustersim.units import MWH_J

KIND = "carbon"
DIMENSION = "emission factor"


@dataclass(frozen=True)
class Carbon:
    """Carbon dioxide of a run; none of what was emitted to make equipment and building is in it."""

    grid_kg: float
    fuel_kg: float
    kg_per_mwh: float | None
    """Of all energy at the meters; None where none was drawn."""
    g_per_million_tokens: float | None
    """None where no token was trained."""
    usd: float
    """At the price of carbon, both parts. [USD]"""

    @property
    def total_kg(self) -> float:
        """Grid and fuel."""
        return self.grid_kg + self.fuel_kg


def grid_intensity(text: str) -> Price:
    """Return the carbon dioxide of the grid's energy [kg/J] that `text` states (``400 kg/MWh``) or names.

    Raises
    ------
    CatalogError
        If the name is not one of the catalog's (an eGRID subregion, a state).
    UnitError
        If the text begins with a digit and is no emission factor.
    """
    if text[:1].isdigit():
        return Price(units.parse(text, DIMENSION), USER, False)
    found = catalog.entry(KIND, text)
    if not found.has("intensity"):
        raise InputError(f"catalog {KIND} {text!r}: expected a grid's intensity, found {', '.join(found.figures)}")
    return figure(KIND, text, "intensity")


def carbon(
    grid_j: float,
    meter_j: float,
    fuel_kg: float,
    tokens: float,
    intensity_kg_per_j: float,
    usd_per_kg: float = 0.0,
) -> Carbon:
    r"""Return the carbon dioxide of a run.

    .. math:: m = c\,E_{grid} + m_{fuel}

    Parameters
    ----------
    grid_j, meter_j : float
        Energy bought, and all energy at the meters, made on site or bought. [J]
    fuel_kg : float
        Of the fuel burned on site. [kg]
    tokens : float
        Useful tokens of the run.
    intensity_kg_per_j : float
        Of the grid's energy: an average, not the marginal plant's. [kg/J]
    usd_per_kg : float
        Price of carbon dioxide. [USD/kg]
    """
    grid_kg = grid_j * intensity_kg_per_j
    total = grid_kg + fuel_kg
    return Carbon(
        grid_kg=grid_kg,
        fuel_kg=fuel_kg,
        kg_per_mwh=total / (meter_j / MWH_J) if meter_j > 0.0 else None,
        g_per_million_tokens=total * 1e3 / tokens * 1e6 if tokens > 0.0 else None,
        usd=total * usd_per_kg,
    )
