"""Cables within sites and fibre between them: length, what reaches that far, dollars where a price is published."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog, units
from clustersim.catalog import Figure
from clustersim.fabric.bill import link_modules
from clustersim.fabric.layout import CableRun, cable_runs, hall_layout
from clustersim.fabric.multi_site import Fabric, WanRoute, amplifiers_on


@dataclass(frozen=True)
class SiteCables:
    """The cables of one kind of links of a site, and the modules at their ends."""

    site: str
    run: CableRun
    modules: tuple[str, str]
    """Catalog names of the modules at the lower and the upper end."""
    reach: float | None
    """Of the module that reaches less far; None where nobody published one. [m]"""
    usd: None = None
    """Price of the cables: no source has one per metre."""

    @property
    def beyond(self) -> float:
        """Share of the cables that are longer than the modules reach; 0 where the reach is not known."""
        return 0.0 if self.reach is None else self.run.beyond(self.reach)


@dataclass(frozen=True)
class Money:
    """An amount with its band. [USD]"""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class FibreCost:
    """What the fibre of a route costs: to build it, buried or on poles, or to lease it instead."""

    route: WanRoute
    length: float
    """Of both ways, where the route has a second one. [m]"""
    underground: Money
    """To build it buried. [USD]"""
    aerial: Money
    """To build it on poles. [USD]"""
    lease: Money
    """To lease it, per year, at the one price known of a long lease. [USD/yr]"""
    huts: int
    """Line amplifier huts, of both ways."""


def site_cables(fabric: Fabric) -> tuple[SiteCables, ...]:
    """Return the cables of every site by kind of links, from the hall layout of the topology or the catalog.

    Raises
    ------
    CatalogError
        If the catalog lacks a module or a figure of the layout.
    """
    layout = hall_layout(fabric.spec.layout)
    found = []
    for tree in fabric.sites:
        for run in cable_runs(tree, layout):
            ends = link_modules(fabric.spec, run.tier)
            parts = [catalog.entry("optics", name) for name in ends]
            reaches = [part.si("reach") for part in parts if part.has("reach")]
            found.append(SiteCables(tree.site.name, run, ends, min(reaches, default=None)))
    return tuple(found)


def reach_warnings(cables: tuple[SiteCables, ...]) -> tuple[str, ...]:
    """Return a sentence for each kind of links some of whose cables are longer than their modules reach."""
    return tuple(
        f"{found.site}: {100.0 * found.beyond:.3g} % of the {found.run.tier.name} cables are longer than the "
        f"{found.reach:g} m that {' and '.join(dict.fromkeys(found.modules))} reach; the longest has "
        f"{found.run.quantile(1.0):.0f} m"
        for found in cables
        if found.beyond > 0.0
    )


def _times(price: Figure, length: float) -> Money:
    return Money(price.value * length, price.low * length, price.high * length)


def fibre_costs(fabric: Fabric) -> tuple[FibreCost, ...]:
    """Return what the fibre of every route costs.

    Build: price per length times the length of the ways, whatever the pairs: nearly all of it is the trench or the
    poles (catalog kind ``prices``, entry ``fibre``: Fiber Broadband Association, by foot). Lease: the one published
    right of use, ``price / (term x length)`` per metre and year, times the length; the pairs it covers are not stated.

    Raises
    ------
    CatalogError
        If the catalog lacks a price.
    """
    prices = catalog.entry("prices", "fibre")
    lease = prices.figure("dark_fibre.lease")
    years = prices.si("dark_fibre.lease_term") / units.TABLE["time"]["yr"]
    leased = prices.si("dark_fibre.lease_length")
    costs = []
    for route in fabric.wan:
        length = route.route_m + route.protection_m
        share = length / leased / years
        costs.append(
            FibreCost(
                route,
                length,
                _times(prices.figure("underground"), length),
                _times(prices.figure("aerial"), length),
                Money(lease.value * share, lease.low * share, lease.high * share),
                route.amplifiers + (amplifiers_on(route.protection_m) if route.protection_m else 0),
            )
        )
    return tuple(costs)
