"""Cooling of the sites of a place at their provisioned load, without a job."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.plant import (
    CoolingReserve,
    CoolingState,
    CoolingYear,
    SiteCoolingSpec,
    cooling_reserve,
    cooling_year,
    settled_heat,
    steady_cooling,
)
from clustersim.study.places.place import Place
from clustersim.study.site.power import provisioned_of


@dataclass(frozen=True)
class SiteCooling:
    """Cooling of one site."""

    spec: SiteCoolingSpec
    heat_w: float
    """Provisioned IT power, fans and losses inside the cooled rooms. [W]"""
    state: CoolingState
    """At the rating of the units, or the record's own start. [W]"""
    reserve: CoolingReserve
    """At the provisioned load."""
    year: CoolingYear | None
    """At the provisioned load all year; None without weather."""


def place_cooling(place: Place) -> dict[str, SiteCooling]:
    """Return the cooling of every site whose file describes it.

    Raises
    ------
    CatalogError
        If the catalog lacks a name or figure.
    """
    topology = place.topology
    if not topology.cooling:
        return {}
    provided, found = provisioned_of(place), {}
    for site, spec in topology.cooling.items():
        plant = topology.electrical.get(site)
        heat = settled_heat(plant, spec, provided[site])
        found[site] = SiteCooling(
            spec,
            heat,
            steady_cooling(spec, heat),
            cooling_reserve(spec, heat),
            None if spec.weather is None else cooling_year(spec, plant, provided[site]),
        )
    return found
