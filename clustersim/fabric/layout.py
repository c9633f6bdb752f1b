"""Where racks and switches of a site stand, and how long the cables between them are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.fabric.site import LinkTier, SiteFabric
from clustersim.fabric.spec import LayoutSpec
from clustersim.fabric.wiring import Floats, LinkTable, Longs


@dataclass(frozen=True)
class Positions:
    """Where every node of a site stands; one entry per node of its link table. Arrays are read-only."""

    x: Floats
    """Along the rows. [m]"""
    y: Floats
    """Across the rows. [m]"""
    rack: Longs
    """Number of the rack; -1 for scale-up domains, which are no place."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.x, self.y, self.rack):
            array.setflags(write=False)


@dataclass(frozen=True)
class CableRun:
    """The cables of one kind of links of a site."""

    tier: LinkTier
    lengths: Floats
    """Of each link of the link table, from the shortest to the longest. [m]"""

    @property
    def total(self) -> float:
        """Length of all cables of the kind: mean times count. [m]"""
        return float(self.lengths.mean()) * self.tier.count if self.lengths.size else 0.0

    def quantile(self, share: float) -> float:
        """Return the length that `share` of the cables do not exceed [m]; 0 the shortest, 1 the longest."""
        return float(np.quantile(self.lengths, share)) if self.lengths.size else 0.0

    def beyond(self, reach: float) -> float:
        """Return the share of the cables that are longer than `reach` [m]."""
        if not self.lengths.size:
            return 0.0
        return 1.0 - float(np.searchsorted(self.lengths, reach, side="right")) / self.lengths.size


def hall_layout(spec: LayoutSpec | None) -> LayoutSpec:
    """Return the layout of a topology, or the catalog's (kind ``networks``, entry ``hall_layout``) where it has none.

    Raises
    ------
    CatalogError
        If the catalog lacks a figure.
    """
    if spec is not None:
        return spec
    entry = catalog.entry("networks", "hall_layout")
    names = ("rack_pitch", "row_pitch", "hall_gap", "drop", "slack")
    quantities = {name: entry.figure(name).text for name in names}
    return LayoutSpec.model_validate({"racks_per_row": int(entry.si("racks_per_row")), **quantities})


def positions(tree: SiteFabric, layout: LayoutSpec) -> Positions:
    """Return where the nodes of a site stand.

    Racks of accelerators fill rows, rows fill halls, halls stand side by side along the rows, filled evenly. A switch
    with hosts stands in their rack where they have one in common, else at the end of the row in the middle of them.
    Other switches fill racks of network rows, ``switches_per_rack`` of the catalog to a rack, in the middle of the
    hall in which the middle of what hangs below them is.

    Raises
    ------
    CatalogError
        If the catalog lacks ``switches_per_rack``.
    """
    site, table = tree.site, tree.wiring("static").table
    per_rack = int(catalog.entry("networks", "hall_layout").si("switches_per_rack"))
    own = np.arange(site.endpoints) // (site.server_accelerators * site.servers_per_rack)
    in_hall = -(-int(own[-1] + 1) // site.halls)
    home, first, last = _homes(table, own)
    hall, at = np.divmod(np.rint(home).astype(np.int64), in_hall)
    hall = np.minimum(hall, site.halls - 1)
    row, column = np.divmod(at, layout.racks_per_row)
    rack = np.rint(home).astype(np.int64)

    with_hosts = first >= 0
    with_hosts[: site.endpoints] = False
    at_end = with_hosts & (first != last)
    column[at_end] = layout.racks_per_row
    racks = int(own[-1]) + 1
    # one switch rack at the end of a row
    rack[at_end] = racks + hall[at_end] * in_hall + row[at_end]
    network = ~with_hosts
    network[: site.endpoints + tree.scale_up_domains] = False
    between, order = _network_rows(hall, network, site.halls, per_rack)
    middle = -(-in_hall // layout.racks_per_row) // 2
    rows_of_network = -(-between // layout.racks_per_row)
    y_row = row + np.where(row >= middle, rows_of_network[hall], 0)
    y_row[network] = middle + order[network] // layout.racks_per_row
    column[network] = order[network] % layout.racks_per_row
    rack[network] = racks + site.halls * in_hall + hall[network] * (int(between.max(initial=0)) + 1) + order[network]
    rack[site.endpoints : site.endpoints + tree.scale_up_domains] = -1
    width = (layout.racks_per_row + 1) * layout.rack_pitch + layout.hall_gap
    return Positions(hall * width + column * layout.rack_pitch, y_row * layout.row_pitch, rack)


def _homes(table: LinkTable, own: Longs) -> tuple[Floats, Longs, Longs]:
    """Return for every node the rack in the middle of what hangs below it, and the first and last rack of its hosts.

    First and last are -1 where a node has no host.
    """
    home = np.full(table.nodes, np.nan)
    first, last = np.full(table.nodes, -1), np.full(table.nodes, -1)
    home[: own.size] = first[: own.size] = last[: own.size] = own
    upward = (table.kind > 0) & (table.tail < table.head)
    for kind in range(1, len(table.kinds)):
        chosen = upward & (table.kind == kind)
        low, high = table.tail[chosen].astype(np.int64), table.head[chosen].astype(np.int64)
        new = np.isnan(home[high]) & ~np.isnan(home[low])
        count = np.bincount(high[new], minlength=table.nodes)
        found = count > 0
        home[found] = np.bincount(high[new], home[low[new]], table.nodes)[found] / count[found]
        hosts = new & (low < own.size)
        if hosts.any():
            last_of = np.full(table.nodes, -1)
            np.maximum.at(last_of, high[hosts], own[low[hosts]])
            first_of = np.full(table.nodes, own.size)
            np.minimum.at(first_of, high[hosts], own[low[hosts]])
            touched = last_of >= 0
            first[touched], last[touched] = first_of[touched], last_of[touched]
    return np.nan_to_num(home), first, last


def _network_rows(hall: Longs, network: NDArray[np.bool_], halls: int, per_rack: int) -> tuple[Longs, Longs]:
    """Return the network racks of each hall, and of each node of `network` its rack within the hall."""
    order = np.zeros(hall.size, dtype=np.int64)
    racks = np.zeros(halls, dtype=np.int64)
    for number in range(halls):
        nodes = np.flatnonzero(network & (hall == number))
        order[nodes] = np.arange(nodes.size) // per_rack
        racks[number] = -(-nodes.size // per_rack)
    return racks, order


def link_lengths(table: LinkTable, where: Positions, layout: LayoutSpec) -> Floats:
    """Return the length of the cable of every link of a site [m]; 0 for links of the scale-up network.

    ``(1 + slack) (|dx| + |dy|) + 2 drop``: up to the trays, along rows and aisle, down again. Inside a rack one drop.
    """
    way = np.abs(where.x[table.tail] - where.x[table.head]) + np.abs(where.y[table.tail] - where.y[table.head])
    lengths = (1.0 + layout.slack) * way + 2.0 * layout.drop
    lengths[where.rack[table.tail] == where.rack[table.head]] = layout.drop
    lengths[table.kind == 0] = 0.0
    return np.asarray(lengths)


def cable_runs(tree: SiteFabric, layout: LayoutSpec) -> tuple[CableRun, ...]:
    """Return the cables of each kind of links of a site.

    Where accelerators share a port, or have several, the lengths are those of the accelerators, the count that of the
    ports.
    """
    table = tree.wiring("static").table
    lengths = link_lengths(table, positions(tree, layout), layout)
    upward = table.tail < table.head
    kinds = {name: number for number, name in enumerate(table.kinds)}
    return tuple(
        CableRun(tier, np.sort(lengths[upward & (table.kind == kinds[tier.name])]))
        for tier in tree.link_tiers
        if tier.name in kinds
    )
