"""Bill of materials of a fabric: switches, optics, cables and fibre, with watts and dollars from the catalog."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import InputError
from clustersim.fabric.multi_site import Fabric
from clustersim.fabric.site import LinkTier, SiteFabric
from clustersim.fabric.spec import FabricBase
from clustersim.fabric.wan import FibreWay, WanRoute

_ROUNDING = 1e-9

WAY_LABELS = ("WAN", "WAN second way,")
"""How the items of the first and of the second way between sites begin."""


@dataclass(frozen=True)
class BillItem:
    """One line of the bill. A figure that the catalog does not have is None."""

    place: str
    """Name of the site, or of both sites of a long-haul link."""
    item: str
    """Where it is used: ``leaf switch``, ``optics host-leaf, leaf end``, ``cable leaf-spine``."""
    part: str
    """Catalog name; empty for cables and fibre."""
    count: int
    watts_typical: float | None
    """Of each. [W]"""
    watts_maximum: float | None
    """Of each; the upper end of the range where the source gives one. [W]"""
    usd: float | None
    """Of each. [USD]"""
    sources: tuple[str, ...]
    """Identifiers of the sources in the catalog file of the part."""
    in_accelerators: bool = False
    """Part of a scale-up network, so in the watts and the price of the accelerators already: counted, not summed."""


@dataclass(frozen=True)
class BillTotals:
    """Sums over a bill, and what they leave out."""

    watts_typical: float
    """[W]"""
    watts_maximum: float
    """Items without a maximum enter with their typical watts. [W]"""
    usd: float
    """[USD]"""
    without_watts: tuple[str, ...]
    """Items whose watts nobody published; not in the sums."""
    without_price: tuple[str, ...]
    """Items whose price nobody published; not in the sum."""


def _value(entry: Entry, name: str) -> float | None:
    return entry.si(name) if entry.has(name) else None


def _sources(entry: Entry, names: Iterable[str]) -> tuple[str, ...]:
    """Return the sources of those figures of `names` that the entry has, each once."""
    listed = [source for name in names if entry.has(name) for source in entry.figure(name).source.split(", ")]
    return tuple(dict.fromkeys(listed))


def switch_item(place: str, item: str, part: str, count: int) -> BillItem:
    """Return `count` switches; the catalog name is `part`."""
    entry = catalog.entry("switches", part)
    names = ("power.typical", "power.maximum", "price")
    typical, maximum, price = (_value(entry, name) for name in names)
    return BillItem(place, item, entry.name, count, typical, maximum, price, _sources(entry, names))


def module_item(place: str, item: str, part: str, links: int, rate: float) -> BillItem:
    """Return the modules at one end of `links` links of `rate` [B/s].

    Raises
    ------
    InputError
        If a module is slower than a link.
    """
    entry = catalog.entry("optics", part)
    per_module = math.floor(entry.si("data_rate") / rate + _ROUNDING)
    if per_module < 1:
        raise InputError(
            f"fabric.optics: {part} carries {entry.si('data_rate') * 8e-9:g} Gbit/s, "
            f"less than a port of {rate * 8e-9:g} Gbit/s"
        )
    return _modules(place, item, entry, math.ceil(links / per_module))


def _modules(place: str, item: str, entry: Entry, count: int) -> BillItem:
    watts = _value(entry, "power")
    given = watts is not None and entry.figure("power").band == "given"
    most = entry.figure("power").high if given else watts
    price = _value(entry, "price")
    return BillItem(place, item, entry.name, count, watts, most, price, _sources(entry, ("power", "price")))


def passive_item(place: str, item: str, count: int) -> BillItem:
    """Return parts without watts, a price or an entry in the catalog."""
    return BillItem(place, item, "", count, 0.0, 0.0, None, ())


def _link_items(place: str, tiers: tuple[str, str], ends: tuple[str, str], links: int, rate: float) -> list[BillItem]:
    """Return what `links` links are made of: a module at each end and a fibre cable, or one copper assembly."""
    below, above = tiers
    between = f"{below}-{above}"
    copper = [catalog.entry("optics", part).properties.get("medium") == "copper" for part in ends]
    if all(copper):
        return [module_item(place, f"copper {between}", ends[0], links, rate)]
    if any(copper):
        raise InputError(f"fabric.optics: {between}: copper at both ends or at none, got {ends[0]} and {ends[1]}")
    return [
        module_item(place, f"optics {between}, {below} end", ends[0], links, rate),
        module_item(place, f"optics {between}, {above} end", ends[1], links, rate),
        passive_item(place, f"cable {between}", links),
    ]


def link_modules(spec: FabricBase, tier: LinkTier) -> tuple[str, str]:
    """Return the catalog names of the modules at the lower and the upper end of a kind of links."""
    optics = spec.optics
    if tier.lower == "host":
        return optics.host, optics.leaf or optics.host
    modules = {"leaf-spine": optics.leaf_spine, "spine-core": optics.spine_core}
    # any other kind of link joins groups, or the switches of one
    module = modules.get(tier.name, optics.group if tier.name.startswith("group") else optics.leaf_spine)
    assert module is not None  # noqa: S101 (the spec asks for the modules of its tiers)
    return module, module


def _site_items(spec: FabricBase, tree: SiteFabric) -> list[BillItem]:
    """Return the lines of one site."""
    place = tree.site.name
    items = [switch_item(place, f"{tier.name} switch", tier.part, tier.count) for tier in tree.switch_tiers]
    for tier in tree.link_tiers:
        items += _link_items(place, (tier.lower, tier.upper), link_modules(spec, tier), tier.count, tier.rate)
    return items


def _wan_items(route: WanRoute, transceiver: str) -> list[BillItem]:
    """Return transceivers, fibre and line amplifiers of a long-haul link, and of its second way where it has one."""
    place = f"{route.a} - {route.b}"
    return [
        item
        for way, label in zip(route.ways, WAY_LABELS, strict=False)
        for item in _way_items(place, way, transceiver, label)
    ]


def _way_items(place: str, way: FibreWay, transceiver: str, label: str) -> list[BillItem]:
    """Return what one way of a long-haul link is made of."""
    entry, line = catalog.entry("optics", transceiver), catalog.entry("networks", "long_haul")
    items = [_modules(place, f"{label} transceiver", entry, way.transceivers)]
    if way.regenerators:
        items.append(_modules(place, f"{label} regenerator transceiver", entry, way.regenerators))
    items.append(passive_item(place, f"{label} fibre pair", way.fibre_pairs))
    if way.amplifiers:
        watts = line.si("amplifier.power")
        named = _sources(line, ("amplifier.spacing", "amplifier.power"))
        items.append(BillItem(place, f"{label} line amplifier hut", "", way.amplifiers, watts, watts, None, named))
    return items


def bill_of_materials(fabric: Fabric) -> list[BillItem]:
    """Return what the fabric is made of, the networks inside scale-up domains included where the spec gives them.

    Network cards belong to the server and are not listed, nor is what a fibre route costs to build or lease. Line
    amplifiers stand every ``amplifier.spacing`` of a long-haul route, one hut for all pairs; where the transceivers do
    not reach from end to end, regenerators stand in some of the huts, two transceivers for each wavelength.

    Raises
    ------
    CatalogError
        If the catalog does not know a switch or a module.
    InputError
        If a module is slower than a port.
    """
    items = [item for tree in fabric.sites for item in _site_items(fabric.spec, tree)]
    if fabric.spec.scale_up is not None:
        # which itself makes items of this module
        from clustersim.fabric.scale_up_bill import scale_up_items

        items += scale_up_items(fabric)
    if fabric.spec.wan is not None:
        items += [item for route in fabric.wan for item in _wan_items(route, fabric.spec.wan.transceiver)]
    return items


def bill_totals(items: Iterable[BillItem]) -> BillTotals:
    """Return the sums of a bill over all counts, without what accelerators bring with them."""
    lines = [line for line in items if not line.in_accelerators]
    powered = [(line, line.watts_typical) for line in lines if line.watts_typical is not None]
    return BillTotals(
        watts_typical=math.fsum(line.count * watts for line, watts in powered),
        watts_maximum=math.fsum(
            line.count * (watts if line.watts_maximum is None else line.watts_maximum) for line, watts in powered
        ),
        usd=math.fsum(line.count * line.usd for line in lines if line.usd is not None),
        without_watts=_named(line for line in lines if line.watts_typical is None),
        without_price=_named(line for line in lines if line.usd is None),
    )


def _named(lines: Iterable[BillItem]) -> tuple[str, ...]:
    """Return items, with their part where there is one, each once."""
    return tuple(dict.fromkeys(f"{line.item} {line.part}".strip() for line in lines))
