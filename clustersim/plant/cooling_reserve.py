"""What a site's cooling has in reserve at a heat: units that may fail, a unit lost, a dip that stops all of them."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.plant.cooling import resolve
from clustersim.plant.cooling_staging import RideThrough, UnitLoss, lose_units, ride_through
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.plant.weather import Air


@dataclass(frozen=True)
class CoolingReserve:
    """Reserve of a site's cooling at constant heat."""

    spare: int | None
    """Units that may fail together before the loop drifts to its alarm; None where the heat is too much for all."""
    one_lost: UnitLoss
    """After the loss of one unit."""
    dip: RideThrough
    """After a voltage dip that stops all units."""


def units_to_spare(spec: SiteCoolingSpec, heat_w: float, outdoor: Air | None = None) -> int | None:
    """Return how many of the units that are there may fail while the rest still rejects the heat.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site; spares replace lost units first.
    heat_w : float
        [W]
    outdoor : Air, optional
        Outdoor air; that at the record's `start`, or the rating of the units, when absent.

    Returns
    -------
    int or None
        None where the heat is above the capacity of all units.

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """

    def carries(lost: int) -> bool:
        left = spec.model_copy(update={"lost": spec.lost + lost})
        return heat_w <= resolve(left, heat_w, outdoor).capacity_w

    if not carries(0):
        return None
    low, high = 0, spec.count - spec.lost
    # capacity falls with every unit lost: `low` units may fail, more than `high` may not
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if carries(middle) else (low, middle - 1)
    return low


def cooling_reserve(spec: SiteCoolingSpec, heat_w: float) -> CoolingReserve:
    """Return the reserve of a site's cooling at the rating of its units, or in the weather of the record's `start`.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        [W]

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """
    return CoolingReserve(units_to_spare(spec, heat_w), lose_units(spec, heat_w, 1), ride_through(spec, heat_w, 0.0))
