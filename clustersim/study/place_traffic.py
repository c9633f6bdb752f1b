"""Collectives and exchanges on the network of a place: how long one takes, and what several get beside each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
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
from clustersim.fabric.traffic import Pattern
from clustersim.study.place import Place

Numbers = NDArray[np.float64]

SIZES = tuple(float(2**power) for power in range(20, 35, 2))
"""Buffers of the tables: 1 MiB to 16 GiB, by factors of four. [B]"""
COMPARED: tuple[Policy, ...] = ("ecmp", "spread")
"""Policies of traffic tables where none is asked for: with collisions and without."""
TRANSPORTS = {"InfiniBand": "infiniband", "Ethernet": "roce"}
"""Family of switches -> kind of network whose constants hold."""
TORI = frozenset({"Google", "AWS"})
"""Makers of accelerators whose scale-up network is a torus: no library like NCCL runs on it."""


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
    shares = accelerator_resources(fabric)
    leaving = usage.get("nic", 0.0)
    if not leaving:
        return min(tree.site.nic_bandwidth for tree in fabric.sites)
    ways = [shares[name] * leaving / usage[name] for name in ("nic", "leaf", "spine", "wan") if usage.get(name)]
    # the library's own share of the line rate stands for the fabric's goodput
    return float(min(ways)) / fabric.spec.goodput


def place_collective(place: Place, text: str, sizes: Sequence[float] = SIZES) -> PlaceCollective:
    """Return time and bus bandwidth of the collective that ``KIND:MEMBERS[:STRIDE]`` means, as ``all_reduce:1024:8``.

    Raises
    ------
    InputError
        If the text means no collective, or accelerators of the place are wired as a torus.
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
    if chip.properties.get("vendor") in TORI:
        raise InputError(f"collective {text!r}: {chip.name} is wired as a torus, on which no library like NCCL runs")
    family = str(catalog.entry("switches", fabric.spec.switch).properties.get("family", ""))
    group = Group(
        members,
        max(1, place.network.scale_up_domain // stride),
        scale_up_links(chip.name, fabric.sites[0].site.scale_up_bandwidth),
        transport(TRANSPORTS.get(family, "generic_transport")),
        _nic_rate(fabric, members, stride, kind),
    )
    size = np.array(sizes, dtype=np.float64)
    found = collective_time(kind, size, group, nccl_library())
    turns = {"all_reduce": 2.0, "broadcast": members / (members - 1), "send_recv": members / (members - 1)}
    moved = turns.get(kind, 1.0) * (members - 1) / members * size
    return PlaceCollective(
        text,
        members,
        group.domains,
        group.nic,
        size,
        found.seconds,
        moved / found.seconds,
        found.algorithm,
        found.protocol,
    )


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
