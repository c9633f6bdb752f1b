"""Units of a site's cooling at their rating: capacity, COP, shares of pumps and fans, the limit of CDUs."""

from __future__ import annotations

import math

from clustersim.catalog import entry
from clustersim.plant.spec import SiteCoolingSpec


def rated_cop(spec: SiteCoolingSpec) -> float:
    """Return the COP at rated weather: the record's, the unit's, or that of an air-cooled chiller. [-]

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """
    if spec.cop is not None:
        return spec.cop
    unit = entry("cooling", spec.unit)
    standard = "water_cooled_chiller" if spec.kind == "water_chillers" else "air_cooled_chiller"
    return unit.si("cop") if unit.has("cop") else entry("cooling", standard).si("cop")


def running_w(spec: SiteCoolingSpec) -> float:
    """Return the rated heat of all units that can run at once. [W]

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """
    return spec.units_running * entry("cooling", spec.unit).si("heat")


def cdu_limit_w(spec: SiteCoolingSpec) -> float:
    """Return the heat of the site at which its CDUs carry all the liquid's heat they can; infinite without any. [W]

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """
    if spec.cdu is None or spec.liquid_share == 0.0:
        return math.inf
    return (spec.cdu.count - spec.cdu.standby) * entry("cooling", spec.cdu.unit).si("heat") / spec.liquid_share


def hall_fan_share(spec: SiteCoolingSpec) -> float:
    """Return the power of the fans of the halls, for the heat that leaves servers in air, over the heat. [-]"""
    return (1.0 - spec.liquid_share) * entry("facility", "cooling_auxiliaries").si("air_fan_share")


def hall_share(spec: SiteCoolingSpec) -> float:
    """Return the power of pumps and of the fans of the halls over the heat. [-]"""
    return entry("facility", "cooling_auxiliaries").si("pump_share") + hall_fan_share(spec)
