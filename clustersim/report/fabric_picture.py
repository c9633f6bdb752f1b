"""Pictures of a fabric: a box per tier and site, the first pod switch by switch, the sites on their fibre."""

from __future__ import annotations

import math

from clustersim.fabric import Fabric, LinkTier, SiteFabric
from clustersim.report import svg
from clustersim.report.style import BLUE, GREEN, GREY, INK, ORANGE, PURPLE, SERIES
from clustersim.report.words import number

TIERS = {"host": GREY, "leaf": BLUE, "spine": GREEN, "core": PURPLE}
_BOX, _GAP = 54, 56
"""Height of a tier and of the room for its links."""
_MAP = 380
"""Height of the map of the sites."""
_DIRECT = 3
"""Most routes whose figures stand on the lines; more are numbered and listed."""


def rate_text(rate: float) -> str:
    """Return a rate [B/s] with the unit that suits it.

    Examples
    --------
    >>> rate_text(50e9), rate_text(1.28e14)
    ('400 Gbit/s', '1.02 Pbit/s')
    """
    for size, unit in ((1e15, "Pbit/s"), (1e12, "Tbit/s")):
        if rate * 8.0 >= size:
            return f"{number(rate * 8.0 / size)} {unit}"
    return f"{number(rate * 8e-9)} Gbit/s"


def tier_colour(name: str) -> str:
    """Return the colour of a tier: always the same for a name."""
    return TIERS.get(name, SERIES[sum(map(ord, name)) % len(SERIES)])


def place_picture(fabric: Fabric, title: str) -> str:
    """Return the whole place, a box per tier of each site, with the sites on a map where there are several.

    Parameters
    ----------
    fabric : Fabric
        The place.
    title : str
        What a screen reader says.

    Returns
    -------
    str
        The picture as SVG, of its own: no script, no font, no request.
    """
    if len(fabric.sites) == 1:
        return _alone(fabric.sites[0], title)
    parts, top = [], 0.0
    if fabric.wan:
        parts.append(_map(fabric))
        top = _MAP
    in_row = min(3, len(fabric.sites))
    width = min(760.0, (svg.WIDTH - 40.0) / in_row - 20.0)
    for at in range(0, len(fabric.sites), in_row):
        row = fabric.sites[at : at + in_row]
        left = (svg.WIDTH - len(row) * (width + 20.0) + 20.0) / 2.0
        for column, tree in enumerate(row):
            parts.append(_stack(tree, left + column * (width + 20.0), top, width))
        top += max(_stack_height(tree) for tree in row)
    return svg.picture(parts, top, title)


def _alone(tree: SiteFabric, title: str) -> str:
    """Return one site as a picture that is no wider than it needs."""
    return svg.picture([_stack(tree, 20.0, 0.0, 660.0)], _stack_height(tree), title, 700.0)


def _stack_height(tree: SiteFabric) -> float:
    return 70.0 + len(tree.switch_tiers) * (_BOX + _GAP) + _BOX


def _stack(tree: SiteFabric, x: float, y: float, width: float) -> str:
    """Return the tiers of a site, the topmost above, with its links between them."""
    parts = [svg.text(x, y + 34, tree.site.name, size=18, bold=True)]
    names = ["host", *(tier.name for tier in tree.switch_tiers)]
    words = {tier.name: (f"{number(tier.count)} {tier.name} switches", tier.part) for tier in tree.switch_tiers}
    site = tree.site
    words["host"] = (
        f"{number(site.endpoints)} accelerators",
        f"{number(tree.scale_up_domains)} scale-up domains of up to "
        f"{number(min(site.scale_up_domain, site.endpoints))}, {rate_text(site.nic_bandwidth)} each",
    )
    tops = {name: y + 52 + (len(names) - 1 - at) * (_BOX + _GAP) for at, name in enumerate(names)}
    below: LinkTier | None = None
    aside: dict[str, int] = {}
    for tier in tree.link_tiers:
        adjacent = tier.lower in names and names[names.index(tier.lower) + 1 :][:1] == [tier.upper]
        if adjacent:
            parts.append(_trunk(tier, below, x, tops[tier.lower]))
            below = tier
        else:
            # links among the switches of a tier, or between groups of them
            holder = tier.lower if tier.lower in names else names[-1]
            line = aside.get(holder, 0)
            aside[holder] = line + 1
            label = f"{tier.name}: {number(tier.count)} links of {rate_text(tier.rate)}"
            parts.append(svg.text(x + width - 12, tops[holder] + 23 + 20 * line, label, size=13, anchor="end"))
    for name in names:
        colour, (first, second) = tier_colour(name), words[name]
        frame = svg.box(x, tops[name], width, _BOX, colour) + svg.bar(x, tops[name], 10, _BOX, colour)
        parts.insert(1, frame)
        parts.append(svg.text(x + 22, tops[name] + 23, first, size=15, bold=True))
        parts.append(svg.text(x + 22, tops[name] + 43, second, size=13, colour=svg.SOFT))
    return "".join(parts)


def _trunk(tier: LinkTier, below: LinkTier | None, x: float, top: float) -> str:
    """Return the links between two tiers as strands: number, rate, and what comes from below over what goes up."""
    strands = 6
    at = [x + 40 + 10 * strand for strand in range(strands)]
    drawn = svg.lines([((s, top - _GAP), (s, top)) for s in at], tier_colour(tier.lower), 2.0)
    label = f"{number(tier.count)} links of {rate_text(tier.rate)}"
    whole = f"{rate_text(tier.count * tier.rate)} each way"
    if below is not None:
        ratio = below.count * below.rate / (tier.count * tier.rate)
        whole += f", {ratio:.3g} : 1"
    start = at[-1] + 16
    return (
        drawn
        + svg.text(start, top - _GAP / 2 - 4, label, size=13)
        + svg.text(start, top - _GAP / 2 + 14, whole, size=13, colour=svg.SOFT)
    )


def _map(fabric: Fabric) -> str:
    """Return the sites by longitude and latitude, joined by their fibre."""
    sites = [tree.site for tree in fabric.sites]
    mean = math.radians(sum(site.lat for site in sites) / len(sites))
    flat = {site.name: (site.lon * math.cos(mean), -site.lat) for site in sites}
    listed = len(fabric.wan) > _DIRECT
    width, height = (svg.WIDTH - (760 if listed else 460)), _MAP - 130
    spans = [max(p[axis] for p in flat.values()) - min(p[axis] for p in flat.values()) for axis in (0, 1)]
    scale = min(width / max(spans[0], 1e-6), height / max(spans[1], 1e-6))
    middle = [(max(p[axis] for p in flat.values()) + min(p[axis] for p in flat.values())) / 2 for axis in (0, 1)]
    centre = (width / 2 + (150 if listed else 230), _MAP / 2 + 6)
    at = {
        name: (centre[0] + (p[0] - middle[0]) * scale, centre[1] + (p[1] - middle[1]) * scale)
        for name, p in flat.items()
    }
    balance = tuple(sum(p[axis] for p in at.values()) / len(at) for axis in (0, 1))
    parts = [svg.text(20, 30, "Sites and fibre", size=18, bold=True)]
    widest = max(route.capacity for route in fabric.wan)
    for index, route in enumerate(fabric.wan):
        a, b = at[route.a], at[route.b]
        parts.append(svg.lines([(a, b)], ORANGE, 2.0 + 4.0 * route.capacity / widest))
        half = ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
        figures = (
            f"{number(route.route_m / 1e3)} km, {number(route.one_way_s * 1e3)} ms",
            f"{rate_text(route.capacity)}, {route.fibre_pairs} pairs",
        )
        if listed:
            parts.append(svg.text(half[0], half[1] + 5, str(index + 1), size=14, bold=True, anchor="middle"))
            words = f"{index + 1}  {route.a} - {route.b}: {figures[0]}, {figures[1]}"
            parts.append(svg.text(svg.WIDTH - 590, 60 + 21 * index, words, size=13))
        else:
            parts.append(_beside(half, (balance[0], balance[1]), 12.0, figures, (13, 13), (INK, INK)))
    for site in sites:
        x, y = at[site.name]
        parts.append(f'<circle cx="{x:.0f}" cy="{y:.0f}" r="9" fill="{BLUE}" stroke="#fff" stroke-width="2"/>')
        count = f"{number(site.endpoints)} accelerators"
        parts.append(_beside((x, y), (balance[0], balance[1]), 16.0, (site.name, count), (15, 13), (INK, svg.SOFT)))
    return "".join(parts)


def _beside(
    at: svg.Point,
    centre: svg.Point,
    gap: float,
    words: tuple[str, str],
    sizes: tuple[int, int],
    colours: tuple[str, str],
) -> str:
    """Return two lines of words beside a point, on the side that is away from the centre."""
    dx, dy = at[0] - centre[0], at[1] - centre[1]
    far = math.hypot(dx, dy)
    dx, dy = (dx / far, dy / far) if far > 1.0 else (0.0, -1.0)
    anchor = "start" if dx > 0.4 else "end" if dx < -0.4 else "middle"
    x = at[0] + gap * dx
    # the middle of both lines, moved away
    y = at[1] + (gap + 16.0) * dy
    return "".join(
        svg.text(x, y - 3 + 18 * line, word, size=size, bold=size > 13, colour=colour, anchor=anchor)
        for line, (word, size, colour) in enumerate(zip(words, sizes, colours, strict=True))
    )
