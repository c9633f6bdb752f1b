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
    steady_cooling,
)
from clustersim.study.places.place import Place
from clustersim.study.site.power import provisioned_of


@dataclass(frozen=True)
class SiteCooling:
    """Cooling of one site."""

    spec: SiteCoolingSpec
    heat_w: float
    """Provisioned IT power. [W]"""
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
    heat = provisioned_of(place)
    return {
        site: SiteCooling(
            spec,
            heat[site],
            steady_cooling(spec, heat[site]),
            cooling_reserve(spec, heat[site]),
            None if spec.weather is None else cooling_year(spec, topology.electrical.get(site), heat[site]),
        )
        for site, spec in topology.cooling.items()
    }
