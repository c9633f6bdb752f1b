"""Nodes of the electrical tree by name: meter, site, hall, rack, server, accelerator; which ranks are under each."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError, nearest
from clustersim.study.step import StepStudy
from clustersim.training.network import units_per_site

FORM = "meter, SITE, SITE/it, SITE/building_1, SITE/hall_1, SITE/hall_1/rack_1, .../server_1 or .../accelerator_1"
BELOW_HALL = ("rack", "server", "accelerator")
AT_SITE = ("cooling", "losses", "network", "load_bank", "hybrid_storage", "battery")
"""What stands beside the halls of a site; the last three only where the scenario has them."""


@dataclass(frozen=True)
class TreeNode:
    """A node and the accelerators under it."""

    name: str
    level: str
    """meter, site (and what stands at it), it, building, hall, rack, server or accelerator."""
    site: str = ""
    hall: int = -1
    """Row of the place's halls, of a building the first; -1 above them."""
    first: int = 0
    """First accelerator under it, counted within the site."""
    count: int = 0
    """Accelerators under it; 0 from the halls up, halls under a building."""


def find_node(study: StepStudy, name: str) -> TreeNode:
    """Return the node called `name`.

    Racks are counted within their hall, servers within their rack, accelerators within their server, all from 1.

    Raises
    ------
    InputError
        If there is no such node.
    """
    if name == "meter":
        return TreeNode(name, "meter")
    head, *rest = name.split("/")
    sites = study.place.topology.site
    if head not in sites:
        raise InputError(f"--node {name}: no site {head!r}{nearest(head, (*sites, 'meter'))}; expected {FORM}")
    site = sites[head]
    if not rest or (len(rest) == 1 and rest[0] in AT_SITE):
        return TreeNode(name, "site", head)
    if rest == ["it"]:
        return TreeNode(name, "it", head)
    server = site.servers.accelerators_per_server
    rack = server * site.servers.servers_per_rack
    if len(rest) == 1 and rest[0].startswith("building"):
        under = site.halls // site.buildings
        row = study.place.nodes.index((head, under * _number(name, rest[0], "building", site.buildings)))
        return TreeNode(name, "building", head, row, count=under)
    number = _number(name, rest[0], "hall", site.halls)
    row = study.place.nodes.index((head, number))
    low, high = (round(k * site.accelerators / site.halls) for k in (number, number + 1))
    if len(rest) == 1:
        return TreeNode(name, "hall", head, row)
    first, count, room = low, high - low, high - low
    for part, level, size in zip(rest[1:], BELOW_HALL, (rack, server, 1), strict=False):
        index = _number(name, part, level, -(-room // size))
        first += index * size
        count = room = min(size, room - index * size)
    if len(rest) > 1 + len(BELOW_HALL):
        raise InputError(f"--node {name}: expected {FORM}")
    return TreeNode(name, BELOW_HALL[len(rest) - 2], head, row, first, count)


def _number(name: str, part: str, level: str, most: int) -> int:
    found = re.fullmatch(rf"{level}_([0-9]+)", part)
    if found is None or not 1 <= int(found[1]) <= most:
        raise InputError(f"--node {name}: expected {level}_1 to {level}_{most}, found {part!r}")
    return int(found[1]) - 1


def rank_share(study: StepStudy, node: TreeNode) -> NDArray[np.float64]:
    """Return what part of each stage of each unit is under a node; what is missing to its count idles.

    Ranks are numbered as by :func:`clustersim.study.places.place.build_fleet`: a unit is a block of consecutive
    ranks, and in it one stage after the other. Shape (units, stages).
    """
    plan, fleet = study.plan, study.fleet
    per_site = units_per_site(plan, study.place.network)
    index = list(study.place.topology.site).index(node.site)
    offset, units = sum(per_site[:index]), per_site[index]
    per_stage = plan.span // plan.pipeline
    share = np.zeros((fleet.unit_class.size, plan.pipeline))
    ranks = np.arange(node.first, node.first + node.count)
    ranks = ranks[ranks < units * plan.span]
    for block, count in zip(*np.unique(ranks // per_stage, return_counts=True), strict=True):
        unit, stage = divmod(int(block), plan.pipeline)
        share[offset + unit, stage] = count / per_stage
    return share


def kind_of(study: StepStudy, node: TreeNode) -> int:
    """Return the kind of the first accelerator under a node: a row of the place's devices."""
    end = 0
    for item in study.place.topology.site[node.site].fleet:
        end += item.count
        if node.first < end:
            return study.place.kind_of(item)
    raise ValueError(f"{node.name} is beyond the fleet of {node.site}")
