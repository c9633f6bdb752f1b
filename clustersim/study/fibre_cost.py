"""What the fibre between sites costs: built or leased, per route, per km and per Gbit/s and year."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim import catalog
from clustersim.fabric import bill_of_materials
from clustersim.fabric.multi_site import Fabric, WanRoute
from clustersim.units import TABLE

YEAR_S = TABLE["time"]["yr"]
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
class RouteCost:
    """Cost of the fibre of one route."""

    a: str
    b: str
    length_m: float
    """Of the fibre. [m]"""
    fibre_pairs: int
    capacity: float
    """Each direction. [B/s]"""
    underground: Dollars
    """Building it under ground, labour and material, whatever the pairs. [USD]"""
    aerial: Dollars
    """Building it on poles. [USD]"""
    lease_year: Dollars
    """Dark fibre. [USD/yr]"""
    transceivers: Dollars
    """Coherent modules at both ends. [USD]"""
    amplifier_huts: int
    """Nobody published their price: not in any sum."""
    built_year: Dollars
    """Fibre under ground and transceivers, each straight over its life. [USD/yr]"""
    leased_year: Dollars
    """Lease, and transceivers straight over their life. [USD/yr]"""

    @property
    def usd_per_km(self) -> Dollars:
        """Fibre under ground and transceivers. [USD/km]"""
        return (self.underground + self.transceivers).scaled(1e3 / self.length_m)

    @property
    def built_per_gbit_s_year(self) -> Dollars:
        """Built, per capacity in each direction. [USD per Gbit/s and year]"""
        return self.built_year.scaled(GBIT_S / self.capacity)

    @property
    def leased_per_gbit_s_year(self) -> Dollars:
        """Leased, per capacity in each direction. [USD per Gbit/s and year]"""
        return self.leased_year.scaled(GBIT_S / self.capacity)


def _price(kind: str, name: str, figure: str) -> Dollars:
    found = catalog.entry(kind, name).figure(figure)
    return Dollars(found.value, found.low, found.high)


def _lease(route: WanRoute) -> Dollars:
    """Return dark fibre per year [USD/yr]: the price of the catalog's right of use per route length and year.

    Its source does not say for how many pairs. The low end is that for the whole route, value and high end are that
    for each pair.
    """
    fibre = catalog.entry("prices", "fibre")
    length, term = fibre.si("dark_fibre.lease_length"), fibre.si("dark_fibre.lease_term") / YEAR_S
    whole = _price("prices", "fibre", "dark_fibre.lease").scaled(route.route_m / length / term)
    return Dollars(whole.value * route.fibre_pairs, whole.low, whole.high * route.fibre_pairs)


def route_costs(fabric: Fabric) -> tuple[RouteCost, ...]:
    """Return the cost of every route of a place.

    ``built per year = underground / life of buildings + transceivers / life of accelerators``, straight line (catalog
    kind `prices`). Amplifier huts, land, permits and operation are not in it: the catalog has no price of theirs.
    """
    if fabric.spec.wan is None:
        return ()
    life = catalog.entry("prices", "life")
    long, short = life.si("building") / YEAR_S, life.si("accelerator") / YEAR_S
    module = fabric.spec.wan.transceiver
    each = _price("optics", module, "price") if catalog.entry("optics", module).has("price") else Dollars(0, 0, 0)
    bill = bill_of_materials(fabric)
    found = []
    for route in fabric.wan:
        place = f"{route.a} - {route.b}"
        counts = {item.item: item.count for item in bill if item.place == place}
        transceivers = each.scaled(counts.get("WAN transceiver", 0))
        underground = _price("prices", "fibre", "underground").scaled(route.route_m)
        lease, lit = _lease(route), transceivers.scaled(1.0 / short)
        found.append(
            RouteCost(
                route.a,
                route.b,
                route.route_m,
                route.fibre_pairs,
                route.capacity,
                underground,
                _price("prices", "fibre", "aerial").scaled(route.route_m),
                lease,
                transceivers,
                counts.get("WAN line amplifier hut", 0),
                underground.scaled(1.0 / long) + lit,
                lease + lit,
            )
        )
    return tuple(found)


def total_usd(costs: tuple[RouteCost, ...]) -> Dollars:
    """Return what fibre under ground and transceivers of all routes cost [USD]."""
    parts = [cost.underground + cost.transceivers for cost in costs]
    low, high = (math.fsum(getattr(part, end) for part in parts) for end in ("low", "high"))
    return Dollars(math.fsum(part.value for part in parts), low, high)
