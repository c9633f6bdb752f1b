"""The first pod of a site, switch by switch, and all pictures of a place."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.fabric import Fabric, LinkTable, SiteFabric, Wiring
from clustersim.report import svg
from clustersim.report.fabric_picture import place_picture, rate_text, tier_colour
from clustersim.report.words import number

MOST = 24
"""Most switches of a row that are drawn."""
MOST_PODS = 4
"""Sites whose first pod a page shows; sites that are alike are shown once."""
PLURAL = {"leaf": "leaves"}
_LEFT, _RIGHT, _ROW = 190, 1180, 130
Longs = NDArray[np.int64]


@dataclass(frozen=True)
class _Row:
    """Switches of one tier, or blocks of accelerators."""

    tier: str
    nodes: Longs
    """All that belong to the pod; blocks are numbered from 0."""
    topmost: bool = False
    most: int = MOST
    """Most that are drawn."""

    @property
    def drawn(self) -> Longs:
        """The first; of the topmost row some of all, since every switch below has others of them."""
        if self.topmost and self.nodes.size > MOST:
            return self.nodes[np.linspace(0, self.nodes.size - 1, MOST).astype(np.int64)]
        return self.nodes[: self.most]

    def places(self, y: float) -> dict[int, svg.Point]:
        """Return the middle of each that is drawn."""
        step = (_RIGHT - _LEFT) / max(self.drawn.size, 1)
        return {int(node): (_LEFT + (at + 0.5) * step, y) for at, node in enumerate(self.drawn)}


def pod_picture(fabric: Fabric, name: str) -> str:
    """Return the first pod of a site with its switches, their links and what they reach above, as SVG.

    Of rows of more than :data:`MOST` the first are drawn, and the row says so; of several planes the first.

    Raises
    ------
    InputError
        If the place has no such site.
    """
    tree = fabric.site(name)
    wiring = tree.wiring("static")
    rows, outside = _rows(tree, wiring)
    height = 90.0 + len(rows) * _ROW
    ys = [height - 62.0 - _ROW * at for at in range(len(rows))]
    places = [row.places(y) for row, y in zip(rows, ys, strict=True)]
    parts = [svg.text(20, 34, f"{name}: the first pod, switch by switch", size=18, bold=True)]
    drawn = _links(tree, wiring.table, rows)
    upward = (wiring.table.kind > 0) & (wiring.table.tail < wiring.table.head)
    for at, (low, high) in enumerate(drawn):
        ends = [(places[at][a], places[at + 1][b]) for a, b in zip(low, high, strict=True)]
        parts.append(svg.lines(ends, tier_colour(rows[at].tier), 1.0, 0.75 if len(ends) < 200 else 0.35))
    for row, place in zip(rows[1:], places[1:], strict=True):
        parts.append(svg.arcs(_among(wiring.table, place), tier_colour(row.tier), 1.0, 0.7))
    for row, place in zip(rows, places, strict=True):
        few = row.drawn.size < row.nodes.size
        notes = [f"{'' if row.topmost else 'the first '}{row.drawn.size} drawn"] if few else []
        if (
            row.tier != "host"
            and not row.topmost
            and (up := np.count_nonzero(upward & (wiring.table.tail == row.nodes[0])))
        ):
            notes.append(f"{up} links up each")
        notes += [outside[row.tier]] if row.tier in outside else []
        parts.append(_drawn_row(tree, row, place, notes))
    return svg.picture(parts, height, f"The first pod of {name}")


def _tier_of(wiring: Wiring, node: int) -> str:
    return wiring.node_name(node).rsplit("/", 1)[-1].rstrip("0123456789")


def _rows(tree: SiteFabric, wiring: Wiring) -> tuple[list[_Row], dict[str, str]]:
    """Return the rows of the pod from the accelerators up, and what links lead elsewhere, by tier."""
    table, pod = wiring.table, min(tree.endpoints_per_pod, tree.site.endpoints)
    upward = (table.kind > 0) & (table.tail < table.head)
    blocks = -(-pod // tree.endpoints_per_leaf)
    rows, outside = [_Row("host", np.arange(blocks))], {}
    here = np.zeros(table.nodes, dtype=bool)
    here[:pod] = True
    seen = {"host"}
    while True:
        chosen = upward & here[table.tail]
        above = np.unique(table.head[chosen]).astype(np.int64)
        new = [int(node) for node in above if _in_first_plane(wiring, int(node)) and not here[node]]
        named = {tier: np.array([n for n in new if _tier_of(wiring, n) == tier]) for tier in _tiers(wiring, new)}
        fresh = [tier for tier in named if tier not in seen]
        for tier in named:
            if tier in seen:
                count = np.count_nonzero(chosen & np.isin(table.head, named[tier]))
                outside[tier] = f"{number(int(count))} links to other pods"
        if not fresh:
            rows[-1] = replace(rows[-1], topmost=True)
            if len(rows) > 1 and rows[1].nodes.size > MOST:
                # no blocks but those of the switches that are drawn
                rows[0] = replace(rows[0], most=min(MOST, max(1, MOST * blocks // rows[1].nodes.size)))
            return rows, outside
        tier = fresh[0]
        seen.add(tier)
        rows.append(_Row(tier, named[tier]))
        here[:] = False
        here[named[tier]] = True


def _tiers(wiring: Wiring, nodes: list[int]) -> list[str]:
    return list(dict.fromkeys(_tier_of(wiring, node) for node in nodes))


def _in_first_plane(wiring: Wiring, node: int) -> bool:
    prefix, slash, _ = wiring.node_name(node).rpartition("/")
    return not slash or prefix == "plane0"


def _links(tree: SiteFabric, table: LinkTable, rows: list[_Row]) -> list[tuple[list[int], list[int]]]:
    """Return the links between each row and the next, among those that are drawn, each pair once."""
    upward = (table.kind > 0) & (table.tail < table.head)
    found = []
    for below, above in itertools.pairwise(rows):
        low = table.tail // tree.endpoints_per_leaf if below.tier == "host" else table.tail
        own = table.tail < tree.site.endpoints if below.tier == "host" else table.tail >= tree.site.endpoints
        chosen = upward & own & np.isin(low, below.drawn) & np.isin(table.head, above.drawn)
        pairs = np.unique(np.stack((low[chosen], table.head[chosen])), axis=1)
        found.append((pairs[0].tolist(), pairs[1].tolist()))
    return found


def _among(table: LinkTable, place: dict[int, svg.Point]) -> list[tuple[svg.Point, svg.Point]]:
    """Return the links among the switches of one row."""
    own = np.array(list(place))
    chosen = (table.kind > 0) & (table.tail < table.head) & np.isin(table.tail, own) & np.isin(table.head, own)
    pairs = np.unique(np.stack((table.tail[chosen], table.head[chosen])), axis=1)
    return [
        ((place[a][0], place[a][1] - 12), (place[b][0], place[b][1] - 12))
        for a, b in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True)
    ]


def _drawn_row(tree: SiteFabric, row: _Row, place: dict[int, svg.Point], notes: list[str]) -> str:
    """Return the boxes of a row and what it consists of."""
    width = min(26.0, 0.7 * (_RIGHT - _LEFT) / max(row.drawn.size, 1))
    parts = [svg.box(x - width / 2, y - 12, width, 24, tier_colour(row.tier), filled=True) for x, y in place.values()]
    y = next(iter(place.values()))[1] if place else 0.0
    if row.tier == "host":
        held = min(tree.endpoints_per_leaf, tree.site.endpoints)
        first = f"{number(row.nodes.size)} blocks of {number(held)}"
        second = f"accelerators, {rate_text(tree.site.nic_bandwidth)} each"
    else:
        plural = PLURAL.get(row.tier, f"{row.tier}s")
        first = f"{number(row.nodes.size)} of {number(tree.count(row.tier))} {plural}"
        second = next((tier.part for tier in tree.switch_tiers if tier.name == row.tier), "")
    parts.append(svg.text(12, y - 4, first, size=13, bold=True))
    parts.append(svg.text(12, y + 14, second, size=12, colour=svg.SOFT))
    parts += [svg.text(12, y + 31 + 16 * line, note, size=12, colour=svg.SOFT) for line, note in enumerate(notes)]
    return "".join(parts)


def fabric_pictures(fabric: Fabric, title: str) -> list[svg.Picture]:
    """Return the place by tiers, and behind a click the first pod of each site that differs from those before it."""
    shown = [
        svg.Picture("The fabric by tiers", place_picture(fabric, title), "Ratios: capacity below over capacity above.")
    ]
    kinds: dict[object, str] = {}
    for tree in fabric.sites:
        kinds.setdefault((tree.switch_tiers, tree.link_tiers, tree.site.endpoints), tree.site.name)
    return shown + [
        svg.Picture(f"{name}: the first pod, switch by switch", pod_picture(fabric, name), folded=True)
        for name in list(kinds.values())[:MOST_PODS]
    ]
