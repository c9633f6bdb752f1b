"""Collectives and exchanges on the network of a place: how long one takes, and what several get beside each other."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.fabric import (
    Fabric,
    Group,
    PatternRates,
    Policy,
    accelerator_resources,
    collective_time,
    contend,
    flow_network,
    group_traffic,
    nccl_library,
    parse_damage,
    parse_pattern,
    placement,
    scale_up_links,
    transport,
)
from clustersim.fabric.nccl import COLLECTIVES
from clustersim.fabric.spec import TorusSpec
from clustersim.fabric.torus import Torus
from clustersim.fabric.torus_collectives import (
    torus_all_gather,
    torus_all_reduce,
    torus_all_to_all,
    torus_reduce_scatter,
)
from clustersim.fabric.torus_slices import slices_of
from clustersim.fabric.traffic import Pattern, group_ranks
from clustersim.study.places.place import Place
from clustersim.study.tables.collective_fields import TORI
from clustersim.study.tables.collectives_table import bus_factor

Numbers = NDArray[np.float64]

TORUS_TIMES: dict[str, Callable[[float, Torus, float], float]] = {
    "all_reduce": torus_all_reduce,
    "reduce_scatter": torus_reduce_scatter,
    "all_gather": torus_all_gather,
    "all_to_all": torus_all_to_all,
}
"""Collective -> its time on a torus."""
SIZES = tuple(float(2**power) for power in range(20, 35, 2))
"""Buffers of the tables: 1 MiB to 16 GiB, by factors of four. [B]"""
COMPARED: tuple[Policy, ...] = ("ecmp", "spread")
"""Policies of traffic tables where none is asked for: with collisions and without."""
TRANSPORTS = {"InfiniBand": "infiniband", "Ethernet": "roce"}
"""Family of switches -> kind of network whose constants hold."""


@dataclass(frozen=True)
class PlaceCollective:
    """One collective on a place, for every size."""

    name: str
    members: int
    domains: int
    """Scale-up domains that the group spans."""
    nic: float
    """What a member can send out of its domain while all groups of the place do the same, line rate. [B/s]"""
    size_bytes: Numbers
    seconds: Numbers
    bus: Numbers
    """Bus bandwidth as nccl-tests counts it. [B/s]"""
    algorithm: NDArray[np.str_]
    protocol: NDArray[np.str_]


def _nic_rate(fabric: Fabric, members: int, stride: int, collective: str) -> float:
    """Return what a member can send out of its domain [B/s]: the scarcest of card and uplinks on the way.

    All groups of the place do the same at once. Per byte that leaves a domain, ``usage[r] / usage[nic]`` bytes pass
    resource r (:func:`~clustersim.fabric.traffic.group_traffic`).
    """
    pattern: Pattern = "all_to_all" if collective == "all_to_all" else "ring"
    usage = group_traffic("group", placement(fabric), members, stride, pattern).usage
    if usage.get("wan"):
        raise InputError(
            "the group spans several sites, for which a library's constants do not hold; `clustersim step` has the "
            "exchange between sites"
        )
    shares = accelerator_resources(fabric)
    leaving = usage.get("nic", 0.0)
    if not leaving:
        return min(tree.site.nic_bandwidth for tree in fabric.sites)
    ways = [shares[name] * leaving / usage[name] for name in ("nic", "leaf", "spine") if usage.get(name)]
    # the library's own share of the line rate stands for the fabric's goodput
    return float(min(ways)) / fabric.spec.goodput


def _members_per_domain(fabric: Fabric, members: int, stride: int) -> float:
    """Return how many members of a group share a scale-up domain: those of the group that spans most domains."""
    where = placement(fabric)
    groups = group_ranks(where.ranks, members, stride)
    domains = np.sort(where.blocks(groups.ravel())["scale_up"].reshape(groups.shape), axis=1)
    spanned = 1 + (np.diff(domains, axis=1) > 0).sum(axis=1)
    return members / float(spanned.max())


def place_collective(place: Place, text: str, sizes: Sequence[float] = SIZES) -> PlaceCollective:
    """Return time and bus bandwidth of the collective that ``KIND:MEMBERS[:STRIDE]`` means, as ``all_reduce:1024:8``.

    Raises
    ------
    InputError
        If the text means no collective, accelerators are wired as a torus, or the group spans sites.
    CapacityError
        If the group does not fit.
    """
    match = re.fullmatch(r"([a-z_]+):(\d+)(?::(\d+))?", text)
    kind = match[1] if match else text.partition(":")[0]
    if match is None or kind not in COLLECTIVES or int(match[2]) < 2 or int(match[3] or 1) < 1:
        raise InputError(
            f"collective {text!r}: expected KIND:MEMBERS[:STRIDE] with two members or more and a kind of "
            f"{', '.join(COLLECTIVES)}{nearest(kind, COLLECTIVES)}"
        )
    members, stride = int(match[2]), int(match[3] or 1)
    fabric, chip = place.fabric, catalog.entry("accelerators", place.kinds[0])
    size = np.array(sizes, dtype=np.float64)
    if isinstance(fabric.spec.scale_up, TorusSpec):
        return _on_torus(text, kind, members, stride, fabric.spec.scale_up, size)
    if chip.properties.get("vendor") in TORI:
        raise InputError(
            f"collective {text!r}: {chip.name} is wired as a torus, on which no library like NCCL runs, and the "
            "place's file has no scale_up section of that torus"
        )
    family = str(catalog.entry("switches", fabric.spec.switch).properties.get("family", ""))
    group = Group(
        members,
        _members_per_domain(fabric, members, stride),
        scale_up_links(chip.name, fabric.sites[0].site.scale_up_bandwidth),
        transport(TRANSPORTS.get(family, "generic_transport")),
        _nic_rate(fabric, members, stride, kind),
        fabric_reduces=fabric.spec.in_network_reduction,
    )
    found = collective_time(kind, size, group, nccl_library())
    bus = bus_factor(kind, members) * size / found.seconds
    return PlaceCollective(
        text,
        members,
        group.domains,
        group.nic,
        size,
        found.seconds,
        bus,
        found.algorithm,
        found.protocol,
    )


def _on_torus(text: str, kind: str, members: int, stride: int, spec: TorusSpec, size: Numbers) -> PlaceCollective:
    """Return a collective over a slice of a torus: the shape with the largest bisection, in closed form."""
    if kind not in TORUS_TIMES or stride != 1:
        raise InputError(
            f"collective {text!r}: on a torus expected one of {', '.join(TORUS_TIMES)} over a slice, without a stride"
        )
    best = slices_of(spec, members)[0]
    latency = catalog.entry("networks", "fabric_google_ici").si("latency.hop")
    seconds = np.array([TORUS_TIMES[kind](float(one), best, latency) for one in size])
    shape = f"{' x '.join(map(str, best.size))} torus"
    names = np.full(size.shape, shape)
    bus = bus_factor(kind, members) * size / seconds
    return PlaceCollective(text, members, 1, 0.0, size, seconds, bus, names, np.full(size.shape, "all links"))


def place_contention(
    place: Place, texts: Sequence[str], policy: Policy, lost: Sequence[str] = (), seed: int = 0
) -> tuple[PatternRates, ...]:
    """Return what exchanges on the place get alone and together (:func:`clustersim.fabric.contention.contend`).

    Parameters
    ----------
    place : Place
        Whose fabric.
    texts : sequence of str
        Exchanges (:func:`clustersim.fabric.contention.parse_pattern`).
    policy : str
        How flows choose paths.
    lost : sequence of str
        Parts that have failed (:func:`clustersim.fabric.network.parse_damage`).
    seed : int
        Of hashes and permutations.

    Raises
    ------
    InputError
        If a text means no pattern, a part is not there, or the fabric does not know the policy.
    """
    network = flow_network(place.fabric, policy, parse_damage(place.fabric, lost))
    return contend(network, [parse_pattern(text, place.fabric.endpoints, seed) for text in texts], seed=seed)


@dataclass(frozen=True)
class PlaceTraffic:
    """Collectives by size, and exchanges at the same time, on one place."""

    collectives: tuple[PlaceCollective, ...]
    exchanges: tuple[tuple[Policy, tuple[PatternRates, ...]], ...]
    """By policy; empty where none are asked for."""


def place_traffic(
    place: Place,
    traffic: Sequence[str],
    collectives: Sequence[str],
    policies: Sequence[Policy],
    lost: Sequence[str] = (),
) -> PlaceTraffic | None:
    """Return what is asked for of a place's network, or None where nothing is.

    Raises
    ------
    InputError
        As :func:`place_collective` and :func:`place_contention`.
    """
    if not traffic and not collectives:
        return None
    timed = tuple(place_collective(place, text) for text in collectives)
    shared = tuple((policy, place_contention(place, traffic, policy, lost)) for policy in policies) if traffic else ()
    return PlaceTraffic(timed, shared)
