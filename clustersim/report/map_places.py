"""What a map tells of places: where their sites stand, how much they draw, which fibre joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from clustersim.report.map_frame import MapFrame, Point
from clustersim.report.words import counted, megawatts, number
from clustersim.scenario import TopologySpec
from clustersim.study.places.place import Place
from clustersim.study.site.electrical import nameplate_trees

ASSUMED = ("estimate", "from_memory")


@dataclass(frozen=True)
class MappedSite:
    """One site."""

    name: str
    lat: float
    """[degree]"""
    lon: float
    """[degree]"""
    mw: float | None
    """At its meter, all computers at their nameplates; None where the place tells no electrical plant. [MW]"""
    assumed: bool = False
    """Whether the position is an estimate or recalled."""


@dataclass(frozen=True)
class MappedFibre:
    """A route between two sites of a place."""

    a: str
    b: str
    km: float
    """Length of the fibre. [km]"""


@dataclass(frozen=True)
class MappedPlace:
    """A place: those of its sites of which is published where they stand."""

    name: str
    title: str
    sites: tuple[MappedSite, ...]
    fibre: tuple[MappedFibre, ...] = ()

    @property
    def short_title(self) -> str:
        """The title without what stands in brackets."""
        return self.title.split(" (")[0]


def mapped_place(place: Place) -> MappedPlace:
    """Return what a map tells of a place; without a site where nobody published where it stands."""
    topology, trees = place.topology, nameplate_trees(place)
    sites = tuple(
        MappedSite(
            name=name,
            lat=site.location.lat,
            lon=site.location.lon,
            mw=trees[name].meter_w / 1e6 if name in trees else None,
            assumed=_assumed(topology, name),
        )
        for name, site in topology.site.items()
        if site.location.disclosed
    )
    shown = {site.name for site in sites}
    fibre = (MappedFibre(a=r.a, b=r.b, km=r.route_m / 1e3) for r in place.fabric.wan if {r.a, r.b} <= shown)
    return MappedPlace(topology.name, topology.title, sites, tuple(fibre))


def _assumed(topology: TopologySpec, site: str) -> bool:
    told = topology.provenance.get(f"site.{site}.location")
    return told is not None and told.confidence in ASSUMED


@dataclass(frozen=True)
class Mark:
    """A dot of the map: the sites that lie on top of each other at its scale."""

    at: Point
    members: tuple[tuple[MappedPlace, MappedSite], ...]

    @property
    def places(self) -> tuple[MappedPlace, ...]:
        """The places that have a site here, each once."""
        return tuple({place.name: place for place, _ in self.members}.values())

    @property
    def mw(self) -> float | None:
        """Of the place that draws most here; places that lie together are often one campus at several dates."""
        known = [sum(s.mw for p, s in self.members if p is place and s.mw is not None) for place in self.places]
        return max(known) or None

    @property
    def assumed(self) -> bool:
        """Whether all positions are assumed."""
        return all(site.assumed for _, site in self.members)

    def label(self, *, alone: bool) -> tuple[str, str]:
        """Return name and power; `alone`: the map has one place, which its title tells."""
        power = megawatts(self.mw) if self.mw is not None else ""
        if alone:
            place = self.places[0]
            sites = self.of(place)
            if 1 < len(sites) == len(place.sites):
                return place.short_title, ", ".join(filter(None, (f"{len(sites)} sites", power)))
            return (sites[0].name if len(sites) == 1 else f"{sites[0].name} and {len(sites) - 1} more"), power
        many = len(self.places)
        whole = [place for place in self.places if len(self.of(place)) == len(place.sites)]
        if not whole:
            name = "; ".join(f"{p.short_title}: {', '.join(s.name for s in self.of(p))}" for p in self.places[:1])
        else:
            name = common_title([place.short_title for place in whole])
        return name, power if many == 1 else f"{counted(many, 'place')}, up to {power}" if power else f"{many} places"

    def of(self, place: MappedPlace) -> tuple[MappedSite, ...]:
        """Return the sites of a place here, in its own order."""
        here = {site.name for found, site in self.members if found is place}
        return tuple(site for site in place.sites if site.name in here)


def common_title(titles: Sequence[str]) -> str:
    """Return the words with which titles begin alike; the first two where there are none.

    Examples
    --------
    >>> common_title(["xAI Colossus 1, Memphis", "xAI Colossus 2, Memphis"])
    'xAI Colossus'
    """
    if len(titles) == 1:
        return titles[0]
    words = zip(*(title.replace(",", " ").split() for title in titles), strict=False)
    common = " ".join(pair[0] for pair in takewhile(lambda pair: len(set(pair)) == 1, words))
    firsts = list(dict.fromkeys(title.split(",")[0] for title in titles))
    return common or " + ".join(firsts[:2]) + (f" + {len(firsts) - 2} more" if len(firsts) > 2 else "")


def marks_of(places: Sequence[MappedPlace], frame: MapFrame, near: float) -> list[Mark]:
    """Return the sites of `places` as dots at least `near` apart in the drawing, the largest first."""
    groups: list[list[tuple[MappedPlace, MappedSite]]] = []
    found = [(place, site) for place in places for site in place.sites]
    for place, site in sorted(found, key=lambda pair: -(pair[1].mw or 0.0)):
        x, y = frame.at(site.lat, site.lon)
        for group in groups:
            head = frame.at(group[0][1].lat, group[0][1].lon)
            if (head[0] - x) ** 2 + (head[1] - y) ** 2 < near**2:
                group.append((place, site))
                break
        else:
            groups.append([(place, site)])
    marks = [Mark(frame.at(group[0][1].lat, group[0][1].lon), tuple(group)) for group in groups]
    return sorted(marks, key=lambda mark: -(mark.mw or 0.0))


@dataclass(frozen=True)
class Line:
    """The fibre of a place between two dots."""

    place: str
    a: Point
    b: Point
    km: tuple[float, ...]
    """Lengths of its routes. [km]"""

    @property
    def label(self) -> str:
        """The length, or the shortest and the longest."""
        least, most = (f"{number(km)} km" for km in (min(self.km), max(self.km)))
        return least if least == most else f"{least.removesuffix(' km')} to {most}"


def lines_of(places: Sequence[MappedPlace], marks: Sequence[Mark]) -> list[Line]:
    """Return the fibre of places from dot to dot, without what is inside one."""
    dots = {(place.name, site.name): mark.at for mark in marks for place, site in mark.members}
    lengths: dict[tuple[str, Point, Point], list[float]] = {}
    for place in places:
        for route in place.fibre:
            a, b = sorted((dots[place.name, route.a], dots[place.name, route.b]))
            if a != b:
                lengths.setdefault((place.name, a, b), []).append(route.km)
    return [Line(name, a, b, tuple(km)) for (name, a, b), km in lengths.items()]
