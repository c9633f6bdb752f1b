"""Fibre between two sites: length, delay, transceivers, what its loss leaves."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import InputError, nearest
from clustersim.fabric.site import SiteEndpoints
from clustersim.fabric.spec import WanLink, WanSpec

_ROUNDING = 1e-9

EARTH_RADIUS_M = 6_371_008.8
"""Mean radius of the Earth. [m] Moritz, Geodetic Reference System 1980, J. Geodesy 74, 2000."""


def great_circle_m(lat_a: float, lon_a: float, lat_b: float, lon_b: float) -> float:
    """Return the great-circle distance of two points on a sphere, by the haversine formula [m].

    Parameters
    ----------
    lat_a, lon_a, lat_b, lon_b : float
        Latitude and longitude. [degree]

    Examples
    --------
    >>> round(great_circle_m(0.0, 0.0, 0.0, 90.0) / 1e3)
    10008
    """
    phi_a, phi_b = math.radians(lat_a), math.radians(lat_b)
    across = math.radians(lon_b - lon_a)
    h = math.sin((phi_b - phi_a) / 2) ** 2 + math.cos(phi_a) * math.cos(phi_b) * math.sin(across / 2) ** 2
    return 2.0 * EARTH_RADIUS_M * math.asin(math.sqrt(min(1.0, h)))


@dataclass(frozen=True, kw_only=True)
class FibreWay:
    """One way from site to site: fibre pairs along it, and what lights them."""

    fibre_pairs: int
    capacity: float
    """Of all pairs, each direction. [B/s]"""
    route_m: float
    """Length of the fibre. [m]"""
    one_way_s: float
    """Delay of the fibre, one direction. [s]"""
    amplifiers: int
    """Huts with line amplifiers on the way."""
    transceivers: int
    """Modules at both ends."""
    regeneration_sites: int
    """Where the signal is made anew, since the modules do not reach from end to end."""
    regenerators: int
    """Modules of all regeneration sites: two back to back for each wavelength."""


@dataclass(frozen=True, kw_only=True)
class WanRoute(FibreWay):
    """The fibre between two sites; the figures of :class:`FibreWay` are those of the way in use."""

    a: str
    b: str
    great_circle_m: float
    """Distance of the sites. [m]"""
    channels: int
    """Wavelengths that are lit on a pair."""
    second: FibreWay | None = None
    """The way that takes over when the first is cut."""

    @property
    def name(self) -> str:
        """Both ends, as ``east-west``."""
        return f"{self.a}-{self.b}"

    @property
    def ways(self) -> tuple[FibreWay, ...]:
        """The way in use, and the second one where there is one."""
        return (self,) if self.second is None else (self, self.second)

    @property
    def built_m(self) -> float:
        """Length of all ways. [m]"""
        return math.fsum(way.route_m for way in self.ways)


def route_after_loss(route: WanRoute, left: float) -> WanRoute:
    """Return a route of whose first way the share `left` of the capacity is left.

    The second way takes over, with its own capacity, length and delay, where it carries more than what is left of the
    first. Without one the route keeps `left` of its capacity, which may be nothing.
    """
    if left >= 1.0:
        return route
    second = route.second
    if second is None or second.capacity <= left * route.capacity:
        return replace(route, capacity=left * route.capacity)
    return replace(
        route,
        fibre_pairs=second.fibre_pairs,
        capacity=second.capacity,
        route_m=second.route_m,
        one_way_s=second.one_way_s,
        amplifiers=second.amplifiers,
        transceivers=second.transceivers,
        regeneration_sites=second.regeneration_sites,
        regenerators=second.regenerators,
        second=None,
    )


def amplifiers_on(length: float) -> int:
    """Return the line amplifiers on a fibre of `length` [m]: one every ``amplifier.spacing`` of the catalog."""
    spacing = catalog.entry("networks", "long_haul").si("amplifier.spacing")
    return max(0, math.ceil(length / spacing) - 1)


def reach_at_most(module: Entry) -> float:
    """Return how far a module reaches at most [m]: the upper end of the range where its source gives one."""
    reach = module.figure("reach")
    return reach.high if reach.band == "given" else reach.value


def regeneration_sites_on(module: Entry, length: float) -> int:
    """Return how many regeneration sites a fibre of `length` [m] needs: ``ceil(length / reach) - 1``, at least 0.

    None where the route lies within the range of reach that the module's source gives.
    """
    return 0 if length <= reach_at_most(module) else max(0, math.ceil(length / module.si("reach") - _ROUNDING) - 1)


def wan_route(wan: WanSpec, link: WanLink, sites: Mapping[str, SiteEndpoints], index: int) -> WanRoute:
    """Return the fibre of the link number `index` of ``fabric.wan.links``.

    Raises
    ------
    CatalogError
        If the catalog does not know the transceiver.
    InputError
        If a site is not there, a way is shorter than the great circle, or the transceiver does not light the fibre.
    """
    where = f"fabric.wan.links.{index}"
    for key, name in (("a", link.a), ("b", link.b)):
        if name not in sites:
            raise InputError(f"{where}.{key}: no site {name!r} in this place{nearest(name, sites)}")
    a, b = sites[link.a], sites[link.b]
    distance = great_circle_m(a.lat, a.lon, b.lat, b.lon)
    second = link.protection
    second_m = None if second is None else second.length
    for key, length in ((f"{where}.length", link.length), (f"{where}.protection.length", second_m)):
        if length is not None and length < distance:
            raise InputError(
                f"{key}: expected at least the great circle of {distance * 1e-3:.1f} km from {a.name} to {b.name}, "
                f"found {length * 1e-3:g} km"
            )
    module = _line_module(wan)
    rate = module.si("data_rate")
    each = link.pair_capacity if link.channels is None else link.channels * rate
    assert each is not None  # noqa: S101 (the spec has one of the two)
    channels = link.channels or math.ceil(each / rate - _ROUNDING)
    _check_channels(module, channels, where)
    first_m = wan.route_factor * distance if link.length is None else link.length
    first = _way(wan, module, link.fibre_pairs, each, channels, first_m, where)
    other = None
    if second is not None:
        other = _way(wan, module, second.fibre_pairs, each, channels, second_m or first_m, where)
    return WanRoute(a=a.name, b=b.name, great_circle_m=distance, channels=channels, second=other, **vars(first))


def _line_module(wan: WanSpec) -> Entry:
    """Return the catalog entry of the transceiver; copper lights no fibre."""
    module = catalog.entry("optics", wan.transceiver)
    if module.properties.get("medium") == "copper":
        raise InputError(
            f"fabric.wan.transceiver: expected a module for fibre, found {wan.transceiver}, copper of "
            f"{module.si('reach'):g} m"
        )
    return module


def _coherent(module: Entry) -> bool:
    return module.properties.get("medium") == "coherent"


def _check_channels(module: Entry, channels: int, where: str) -> None:
    most = int(catalog.entry("networks", "long_haul").si("channels.c_and_l_band")) if _coherent(module) else 1
    if channels <= most:
        return
    if most == 1:
        raise InputError(
            f"{where}: {module.name} is not coherent and lights a fibre pair with one signal, found {channels} channels"
        )
    raise InputError(
        f"{where}: a fibre pair holds at most {most} wavelengths in the C and L band, found {channels} of {module.name}"
    )


def _way(wan: WanSpec, module: Entry, pairs: int, each: float, channels: int, length: float, where: str) -> FibreWay:
    """Return one way of `pairs` of `each` [B/s] over `length` [m]."""
    if not _coherent(module) and length > reach_at_most(module):
        raise InputError(
            f"{where}: {length * 1e-3:g} km of fibre need a coherent module; {module.name} reaches "
            f"{module.si('reach') * 1e-3:g} km"
        )
    # a module with two ports lights two pairs; a wavelength belongs to one pair
    shared = 1 if _coherent(module) else max(1, math.floor(module.si("data_rate") / each + _ROUNDING))
    sites = regeneration_sites_on(module, length)
    return FibreWay(
        fibre_pairs=pairs,
        capacity=pairs * each,
        route_m=length,
        one_way_s=length * 1e-3 * wan.delay_per_km,
        amplifiers=amplifiers_on(length),
        transceivers=2 * math.ceil(pairs * channels / shared),
        regeneration_sites=sites,
        regenerators=2 * sites * pairs * channels,
    )


def wan_reach_warnings(wan: WanSpec | None, routes: Iterable[WanRoute]) -> tuple[str, ...]:
    """Return a sentence for each way between sites that is longer than its modules reach by their nominal figure."""
    if wan is None:
        return ()
    module = catalog.entry("optics", wan.transceiver)
    reach = module.figure("reach")
    span = f" ({reach.low * 1e-3:g} to {reach.high * 1e-3:g} km)" if reach.band == "given" else ""
    said = []
    for route in routes:
        for way, which in zip(route.ways, ("fibre", "fibre on the second way"), strict=False):
            if way.route_m > reach.value:
                many = "s" if way.regeneration_sites > 1 else ""
                done = (
                    f"the bill has {way.regenerators:,} modules at {way.regeneration_sites} regeneration site{many}"
                    if way.regeneration_sites
                    else "inside the range, so the bill has no regeneration"
                )
                said.append(
                    f"{route.a} - {route.b}: {way.route_m * 1e-3:,.4g} km of {which}, longer than the "
                    f"{reach.value * 1e-3:g} km{span} that {module.name} reaches; {done}"
                )
    return tuple(said)
