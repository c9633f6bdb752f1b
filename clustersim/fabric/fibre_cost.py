"""What the fibre between sites costs: built or leased, per route, per km and per Gbit/s and year."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from clustersim import catalog
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.wan import WanRoute
from clustersim.units import TABLE, YEAR_S

GBIT_S = TABLE["data rate"]["Gbit/s"]


@dataclass(frozen=True)
class Dollars:
    """An amount with the band that its sources give. [USD]"""

    value: float
    low: float
    high: float

    def __add__(self, other: Dollars) -> Dollars:
        return Dollars(self.value + other.value, self.low + other.low, self.high + other.high)

    def scaled(self, factor: float) -> Dollars:
        """Return the amount times `factor`."""
        return Dollars(self.value * factor, self.low * factor, self.high * factor)


@dataclass(frozen=True)
class FibreCost:
    """Cost of the fibre of one route, its second way included where it has one."""

    route: WanRoute
    underground: Dollars
    """Building it under ground, labour and material, whatever the pairs. [USD]"""
    aerial: Dollars
    """Building it on poles. [USD]"""
    lease: Dollars
    """Dark fibre instead: value and low end for the route whatever the pairs, high end for each pair. [USD/yr]"""
    transceivers: Dollars
    """Modules at both ends and at regeneration sites; 0 where nobody published their price. [USD]"""
    built_year: Dollars
    """Fibre under ground and transceivers, each straight over its life. [USD/yr]"""
    leased_year: Dollars
    """Lease, and transceivers straight over their life. [USD/yr]"""

    @property
    def length(self) -> float:
        """Of all ways. [m]"""
        return self.route.built_m

    @property
    def huts(self) -> int:
        """Line amplifier huts of all ways: nobody published their price, so they are in no sum."""
        return sum(way.amplifiers for way in self.route.ways)

    @property
    def usd_per_km(self) -> Dollars:
        """Fibre under ground and transceivers. [USD/km]"""
        return (self.underground + self.transceivers).scaled(1e3 / self.length)

    @property
    def built_per_gbit_s_year(self) -> Dollars:
        """Built, per capacity of the first way in each direction. [USD per Gbit/s and year]"""
        return self.built_year.scaled(GBIT_S / self.route.capacity)

    @property
    def leased_per_gbit_s_year(self) -> Dollars:
        """Leased, per capacity of the first way in each direction. [USD per Gbit/s and year]"""
        return self.leased_year.scaled(GBIT_S / self.route.capacity)


def _price(kind: str, name: str, figure: str) -> Dollars:
    found = catalog.entry(kind, name).figure(figure)
    return Dollars(found.value, found.low, found.high)


def _lease(route: WanRoute) -> Dollars:
    """Return dark fibre per year [USD/yr]: the price of the catalog's right of use per route length and year.

    Its source prices route miles and does not say how many pairs they hold: value and low end take it for all pairs
    of a way together, the high end for each pair.
    """
    fibre = catalog.entry("prices", "fibre")
    per_m = 1.0 / fibre.si("dark_fibre.lease_length") / (fibre.si("dark_fibre.lease_term") / YEAR_S)
    each = _price("prices", "fibre", "dark_fibre.lease").scaled(per_m)
    pairs_m = math.fsum(way.fibre_pairs * way.route_m for way in route.ways)
    return Dollars(each.value * route.built_m, each.low * route.built_m, each.high * pairs_m)


def fibre_costs(fabric: Fabric) -> tuple[FibreCost, ...]:
    """Return the cost of every route of a place.

    Build: price per length times the length of all ways, whatever the pairs: nearly all of it is the trench or the
    poles (catalog kind ``prices``, entry ``fibre``: Fiber Broadband Association, by foot).
    ``built per year = underground / life of buildings + transceivers / life of accelerators``, straight line.
    Amplifier huts, land, permits and operation are not in it: the catalog has no price of theirs.

    Raises
    ------
    CatalogError
        If the catalog lacks a price of fibre or a life.
    """
    if fabric.spec.wan is None:
        return ()
    life = catalog.entry("prices", "life")
    long, short = life.si("building") / YEAR_S, life.si("accelerator") / YEAR_S
    module = fabric.spec.wan.transceiver
    each = _price("optics", module, "price") if catalog.entry("optics", module).has("price") else Dollars(0, 0, 0)
    found = []
    for route in fabric.wan:
        transceivers = each.scaled(sum(way.transceivers + way.regenerators for way in route.ways))
        underground = _price("prices", "fibre", "underground").scaled(route.built_m)
        lease, lit = _lease(route), transceivers.scaled(1.0 / short)
        found.append(
            FibreCost(
                route,
                underground,
                _price("prices", "fibre", "aerial").scaled(route.built_m),
                lease,
                transceivers,
                underground.scaled(1.0 / long) + lit,
                lease + lit,
            )
        )
    return tuple(found)


def total_dollars(parts: Iterable[Dollars]) -> Dollars:
    """Return the sum of amounts [USD]; bands add up end by end."""
    listed = list(parts)
    value, low, high = (math.fsum(getattr(part, end) for part in listed) for end in ("value", "low", "high"))
    return Dollars(value, low, high)
