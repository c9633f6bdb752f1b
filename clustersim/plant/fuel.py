"""Fuel, exhaust and reserve of generators that run at a varying load."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.catalog import Entry, entry
from clustersim.catalog.fuels import heating_values
from clustersim.plant.governor_catalog import governor
from clustersim.plant.spec_parts.generation import GeneratorSpec


@dataclass(frozen=True)
class Burn:
    """Fuel and exhaust of one group of units over a time."""

    fuel_j: float
    """Lower heating value of the fuel. [J]"""
    nox_kg: float
    """Nitrogen oxides, as NO2. [kg]"""
    co2_kg: float
    unit_s: float
    """Running time of all units together. [s]"""


def fuel_class(units: GeneratorSpec) -> Entry:
    """Return the fuel and exhaust figures of a group's class, from catalog kind ``fuel``.

    Raises
    ------
    CatalogError
        If the class is not there.
    """
    return entry("fuel", str(entry("generators", units.type).properties["class"]))


def units_online(units: GeneratorSpec, output_w: float) -> int:
    """Return the fewest units that carry `output_w` within dispatch limit and governor; at most all of them. [-]"""
    most = min(units.dispatch_limit, governor(units.governor).most) * entry("generators", units.type).si("rating")
    return min(units.count, math.ceil(output_w / most - 1e-9))


def burn(units: GeneratorSpec, online: int, energy_j: float, seconds: float) -> Burn:
    r"""Fuel and exhaust of `online` units that make `energy_j` in `seconds`, however their load varies meanwhile.

    .. math:: F = h\,(n\,N P_r\,t + (1 - n) E)

    the straight line of Willans between fuel and power: h the full-load heat rate, n the share of the full-load fuel
    that an idling unit burns, N the units and :math:`P_r` the rating of one. Because it is a straight line, only energy
    and time matter. Exhaust is proportional to the fuel's higher heating value.

    Parameters
    ----------
    units : GeneratorSpec
        Kind, and control of nitrogen oxides.
    online : int
        Units that run.
    energy_j : float
        Electrical energy of all of them together. [J]
    seconds : float
        Running time. [s]

    Raises
    ------
    CatalogError
        If the kind has no heat rate, or its class no figure for the control of nitrogen oxides.
    InputError
        If the class burns another fuel than natural gas and has no higher over lower heating value.
    ValueError
        If the units would have to give more than their rating.

    Notes
    -----
    Emission factors of AP-42 are means over sources near full load; nitrogen oxides of burners that leave their
    lean-premix mode below the least stable load are higher than this.
    """
    kind, figures = entry("generators", units.type), fuel_class(units)
    most = online * kind.si("rating") * seconds
    if energy_j > most * (1.0 + 1e-9) + 1.0:
        raise ValueError(f"{units.type}: {energy_j:.4g} J asked of units that make {most:.4g} J at their rating")
    idle = figures.si("no_load_fuel")
    fuel = kind.si("heat_rate.lhv") * (idle * most + (1.0 - idle) * energy_j)
    higher = fuel * heating_values(figures.name).si("hhv_over_lhv")
    return Burn(
        fuel_j=fuel,
        nox_kg=higher * figures.si(f"nox.{units.nox_control}"),
        co2_kg=higher * figures.si("co2"),
        unit_s=online * seconds,
    )


def minimum_load_w(units: GeneratorSpec, online: int) -> float:
    """Return the least power that `online` units run stably at. [W]"""
    return minimum_load(units) * entry("generators", units.type).si("rating") * online


def minimum_load(units: GeneratorSpec) -> float:
    """Share of the rating below which a unit does not run stably: its own, or that of its class. [-]"""
    if units.minimum_load is not None:
        return units.minimum_load
    return fuel_class(units).si("minimum_load")


def spinning_reserve_w(units: GeneratorSpec, online: int, output_w: float) -> float:
    """Return what `online` units can give at once beyond their output, up to their rating. [W]"""
    return max(0.0, online * entry("generators", units.type).si("rating") - output_w)


def heat_rate(units: GeneratorSpec, load: float) -> float:
    """Return fuel (lower heating value) over electricity of a unit at a share of its rating, in (0, 1]. [J/J]"""
    if not 0.0 < load <= 1.0:
        raise ValueError(f"expected a load in (0, 1], got {load:g}")
    rating = entry("generators", units.type).si("rating")
    return burn(units, 1, load * rating, 1.0).fuel_j / (load * rating)
