"""Supply and cooling of a place against what its fleet draws, and against what is public about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.plant import (
    SitePlantSpec,
    battery_energy_j,
    battery_rating_w,
    generator_rating_w,
    settled_heat,
    steady_cooling,
    sustainable_it,
)
from clustersim.scenario.topology import require_plant
from clustersim.study.places.place import Place
from clustersim.study.site.power import provisioned_of
from clustersim.study.site.supply import site_load

SETTLING_S = 10.0
"""Width of the only bin of a constant load; what settles, settles before it. [s]"""
PUBLISHED = ("it", "it.chilled", "facility", "connection", "generation", "heat")
"""Figures of the catalog kind `places` that a sum of :class:`PlaceBalance` stands beside."""


@dataclass(frozen=True)
class SiteBalance:
    """One site: what it draws, what feeds it and what cools it."""

    site: str
    running_it_w: float
    """Every accelerator at its rating, network typical. [W]"""
    nameplate_it_w: float
    """What supplies and feeds must provide for. [W]"""
    running_w: float
    """At the meter, with cooling and losses, at `running_it_w`. [W]"""
    nameplate_w: float
    """The same at `nameplate_it_w`. [W]"""
    connection_w: float
    """Agreed import; 0 without a grid. [W]"""
    generation_w: float
    """Rated power of all generators of the site. [W]"""
    largest_unit_w: float
    """Of one generator, the largest. [W]"""
    battery_w: float
    battery_j: float
    heat_w: float
    """Heat that the cooling can reject. [W]"""
    nameplate_heat_w: float
    """Heat at `nameplate_it_w`, with fans and losses inside the cooled rooms. [W]"""
    chilled_it_w: float
    """IT power whose heat is `heat_w`. [W]"""

    @property
    def supply_w(self) -> float:
        """Connection and generators together. [W]"""
        return self.connection_w + self.generation_w

    @property
    def supply_less_one_w(self) -> float:
        """The same with the largest generator lost. [W]"""
        return self.supply_w - self.largest_unit_w

    @property
    def pue(self) -> float:
        """Facility over IT at the nameplates. [-]"""
        return self.nameplate_w / self.nameplate_it_w


@dataclass(frozen=True)
class Comparison:
    """A sum of a place beside the figure that is public."""

    quantity: str
    """Key of the catalog kind `places`."""
    predicted_w: float
    public_w: float
    low_w: float
    high_w: float
    note: str
    source: str

    @property
    def error(self) -> float:
        """Predicted over public less one. [-]"""
        return self.predicted_w / self.public_w - 1.0

    @property
    def inside(self) -> bool:
        """Whether the prediction lies in the band of the public figure."""
        return self.low_w <= self.predicted_w <= self.high_w


@dataclass(frozen=True)
class PlaceBalance:
    """All sites of a place, and what is public."""

    name: str
    title: str
    sites: tuple[SiteBalance, ...]
    comparisons: tuple[Comparison, ...]

    def total(self, figure: str) -> float:
        """Return the sum of a figure of :class:`SiteBalance` over the sites."""
        return float(sum(getattr(site, figure) for site in self.sites))


def running_it_of(place: Place) -> dict[str, float]:
    """Return the IT power of each site with every accelerator at its rating and the network at its typical power. [W]

    Parameters
    ----------
    place : Place
        With its fleets and servers.
    """
    result = dict(place.network_watts)
    for name, site in place.topology.site.items():
        for item in site.fleet:
            device = place.power[place.kind_of(item)]
            result[name] += float(device.server_w(device.rated_w * item.count, item.count))
    return result


def place_balance(place: Place) -> PlaceBalance:
    """Return supply and cooling of every site against its load, and the sums beside the public figures.

    Parameters
    ----------
    place : Place
        With the sections `electrical` and `cooling`.

    Returns
    -------
    PlaceBalance
        The public figures are those of the entry of catalog kind `places` with the name of the place, if there is one.

    Raises
    ------
    InputError
        If the place stops at the fabric.
    """
    require_plant(place.topology)
    running, nameplate = running_it_of(place), provisioned_of(place)
    sites = tuple(_site(place, name, running[name], nameplate[name]) for name in place.topology.site)
    return PlaceBalance(place.topology.name, place.topology.title, sites, _comparisons(place.topology.name, sites))


def _site(place: Place, name: str, running_w: float, nameplate_w: float) -> SiteBalance:
    plant, cooling = place.topology.electrical[name], place.topology.cooling[name]
    meter = [
        float(site_load(plant, cooling, np.array([it]), SETTLING_S, it).load_w[0]) for it in (running_w, nameplate_w)
    ]
    heat = settled_heat(plant, cooling, nameplate_w)
    state = steady_cooling(cooling, heat)
    units = _unit_ratings(plant)
    return SiteBalance(
        site=name,
        running_it_w=running_w,
        nameplate_it_w=nameplate_w,
        running_w=meter[0],
        nameplate_w=meter[1],
        connection_w=0.0 if plant.grid is None else plant.grid.capacity,
        generation_w=sum(rating * count for rating, count in units),
        largest_unit_w=max((rating for rating, _ in units), default=0.0),
        battery_w=0.0 if plant.battery is None else battery_rating_w(plant.battery),
        battery_j=0.0 if plant.battery is None else battery_energy_j(plant.battery),
        heat_w=state.capacity_w,
        nameplate_heat_w=heat,
        chilled_it_w=sustainable_it(plant, cooling, state.capacity_w),
    )


def _unit_ratings(plant: SitePlantSpec) -> list[tuple[float, int]]:
    """Return rating [W] and number of the generators, by kind."""
    return [(generator_rating_w(units) / units.count, units.count) for units in plant.generators]


def _comparisons(name: str, sites: Sequence[SiteBalance]) -> tuple[Comparison, ...]:
    if name not in catalog.entries("places"):
        return ()
    sums = {
        "it": sum(site.nameplate_it_w for site in sites),
        # what all units together can take away, as IT power
        "it.chilled": sum(site.chilled_it_w for site in sites),
        "facility": sum(site.nameplate_w for site in sites),
        "connection": sum(site.connection_w for site in sites),
        "generation": sum(site.generation_w for site in sites),
        "heat": sum(site.heat_w for site in sites),
    }
    public = catalog.entry("places", name)
    found = []
    for key in PUBLISHED:
        if public.has(key):
            one = public.figure(key)
            found.append(Comparison(key, sums[key], one.value, one.low, one.high, one.note, one.source))
    return tuple(found)
