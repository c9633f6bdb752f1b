"""Exchanges of one job or several that share a fabric: what each gets alone, and together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from clustersim.errors import CapacityError, InputError, nearest
from clustersim.fabric.maxmin import Routes, max_min_rates
from clustersim.fabric.network import FlowNetwork, route_flows
from clustersim.fabric.traffic import group_ranks
from clustersim.fabric.wiring import Floats, Longs

KINDS = ("ring", "all_to_all", "incast", "permutation")
Kind = Literal["ring", "all_to_all", "incast", "permutation"]
MOST_FLOWS = 20_000_000
"""More flows than this, over all planes, do not fit into the memory of a laptop: one takes about 250 B."""


@dataclass(frozen=True)
class FlowPattern:
    """Flows of one kind of exchange, all at the same time."""

    name: str
    source: Longs
    target: Longs
    share: Floats
    """Part of its member's bytes that a flow carries, and its weight where it shares a link. Shape (flows,)."""

    def __post_init__(self) -> None:
        """Make the arrays read-only."""
        for array in (self.source, self.target, self.share):
            array.setflags(write=False)


@dataclass(frozen=True)
class PatternRates:
    """What the members of a pattern send, alone and beside the other patterns."""

    name: str
    flows: int
    alone_slowest: float
    """Of the slowest flow, over its share: an exchange ends with its slowest flow. [B/s]"""
    alone_mean: float
    """Over all flows. [B/s]"""
    together_slowest: float
    """[B/s]"""
    together_mean: float
    """[B/s]"""
    alone_binds: str
    """Kind of the link that holds the slowest flow back."""
    together_binds: str

    @property
    def slowdown(self) -> float:
        """How many times longer the exchange takes beside the others. [-]"""
        return self.alone_slowest / self.together_slowest


def flow_pattern(
    name: str, kind: Kind, size: int, stride: int = 1, ranks: range | None = None, *, total: int, seed: int = 0
) -> FlowPattern:
    """Return the flows of groups of `size` ranks that lie `stride` apart.

    ``ring``: every member sends to the next of its group. ``all_to_all``: to every other, an equal part to each.
    ``incast``: all others send to the first member of the group. ``permutation``: every rank sends to one other, drawn
    with `seed`; there are no groups.

    Parameters
    ----------
    name : str
        What the pattern is called.
    kind : str
        One of the four.
    size, stride : int
        Members of a group, and the distance between neighbours in rank.
    ranks : range, optional
        The accelerators that take part; all when left out.
    total : int
        Accelerators of the place.
    seed : int
        Of the permutation.

    Raises
    ------
    CapacityError
        If the place has fewer accelerators, or there are too many flows.
    """
    taken = range(total) if ranks is None else ranks
    if taken.start < 0 or taken.stop > total or len(taken) < 2:
        raise CapacityError(
            f"traffic {name}: expected accelerators from 0 to {total - 1}, found {taken.start} to {taken.stop - 1}"
        )
    if kind == "permutation":
        source = np.arange(taken.start, taken.stop, dtype=np.int64)
        shuffled = np.random.default_rng(seed).permutation(source)
        # one cycle through all: nobody sends to itself
        target = np.empty_like(source)
        target[shuffled - taken.start] = np.roll(shuffled, -1)
        return FlowPattern(name, source, target, np.ones(source.size))
    if size < 2:
        raise CapacityError(f"traffic {name}: a group has at least 2 members, found {size}")
    members = group_ranks(len(taken), size, stride) + taken.start
    if members.size * (size if kind == "all_to_all" else 1) > MOST_FLOWS:
        raise CapacityError(f"traffic {name}: {members.size * (size - 1):,} flows are more than {MOST_FLOWS:,}")
    if kind == "ring":
        return FlowPattern(name, members.ravel(), np.roll(members, -1, axis=1).ravel(), np.ones(members.size))
    if kind == "incast":
        source, target = members[:, 1:].ravel(), np.repeat(members[:, 0], size - 1)
        return FlowPattern(name, source, target, np.ones(source.size))
    # member i sends to i + 1, i + 2, ... of its group
    source = np.repeat(members, size - 1, axis=1).ravel()
    target = np.stack([np.roll(members, -turn, axis=1) for turn in range(1, size)], axis=2).ravel()
    return FlowPattern(name, source, target, np.full(source.size, 1.0 / (size - 1)))


def parse_pattern(text: str, total: int, seed: int = 0) -> FlowPattern:
    """Return the pattern that ``KIND[:SIZE[:STRIDE]][@FIRST-LAST]`` means, as ``all_to_all:64@0-2047``.

    Raises
    ------
    InputError
        If the text means no pattern.
    """
    match = re.fullmatch(r"([a-z_]+)(?::(\d+))?(?::(\d+))?(?:@(\d+)-(\d+))?", text)
    kind = match[1] if match else text.partition(":")[0]
    if match is None or kind not in KINDS or (match[2] is None) != (kind == "permutation"):
        raise InputError(
            f"traffic {text!r}: expected KIND:SIZE[:STRIDE][@FIRST-LAST] with a kind of {', '.join(KINDS)} "
            f"(permutation without a size){nearest(kind, KINDS)}"
        )
    ranks = range(int(match[4]), int(match[5]) + 1) if match[4] else None
    size, stride = int(match[2] or 2), int(match[3] or 1)
    if stride < 1:
        raise InputError(f"traffic {text!r}: expected a stride of at least 1, found {stride}")
    return flow_pattern(text, kind, size, stride, ranks, total=total, seed=seed)  # type: ignore[arg-type]


def contend(network: FlowNetwork, patterns: Sequence[FlowPattern], *, seed: int = 0) -> tuple[PatternRates, ...]:
    """Return what the members of each pattern send, alone and with all patterns in one max-min solve.

    Every member of every pattern has the weight 1, shared by its flows: two exchanges of an accelerator get the same.

    Parameters
    ----------
    network : FlowNetwork
        The links, and how flows choose among them.
    patterns : sequence of FlowPattern
        At least one.
    seed : int
        Of the hash of paths.

    Raises
    ------
    CapacityError
        If there are too many flows.
    InputError
        If a flow has no path.
    """
    parts = max(wiring.lanes for wiring in network.wirings) * sum(item.source.size for item in patterns)
    if parts > MOST_FLOWS:
        raise CapacityError(f"traffic: {parts:,} flows, over all planes, are more than {MOST_FLOWS:,}")
    routed = [route_flows(network, item.source, item.target, seed=seed) for item in patterns]
    alone = [_solved(network, routes, item.share) for routes, item in zip(routed, patterns, strict=True)]
    joint, share = _joined(routed), np.concatenate([item.share for item in patterns])
    together = alone[0] if len(patterns) == 1 else _solved(network, joint, share)
    ends = np.cumsum([len(routes) for routes in routed])
    found = []
    for item, own, before, end in zip(patterns, alone, [0, *ends[:-1]], ends, strict=True):
        of_all = _Solved(together.pace[before:end], together.binds[before:end])
        slow, slow_now = int(np.argmin(own.pace)), int(np.argmin(of_all.pace))
        found.append(
            PatternRates(
                item.name,
                item.source.size,
                float(own.pace[slow]),
                float(own.pace.mean()),
                float(of_all.pace[slow_now]),
                float(of_all.pace.mean()),
                network.kind_of(int(own.binds[slow])),
                network.kind_of(int(of_all.binds[slow_now])),
            )
        )
    return tuple(found)


@dataclass(frozen=True)
class _Solved:
    pace: Floats
    """Rate of each part of a flow over the share of bytes that it carries. [B/s]"""
    binds: Longs
    """The full link that holds it back."""


def _joined(routed: Sequence[Routes]) -> Routes:
    """Return the routes of several sets of flows as one."""
    starts = np.cumsum([0, *(routes.first[-1] for routes in routed)])
    flows = np.cumsum([0, *(int(routes.flow[-1]) + 1 for routes in routed)])
    first = [routes.first[:-1] + start for routes, start in zip(routed, starts, strict=False)]
    return Routes(
        np.concatenate([*first, starts[-1:]]),
        np.concatenate([routes.links for routes in routed]),
        np.concatenate([routes.flow + before for routes, before in zip(routed, flows, strict=False)]),
    )


def _solved(network: FlowNetwork, routes: Routes, share: Floats) -> _Solved:
    parts = np.bincount(routes.flow)
    weight = (share / parts)[routes.flow]
    rates = max_min_rates(network.capacity, routes, weight)
    part = np.repeat(np.arange(len(routes)), np.diff(routes.first))
    load = np.bincount(routes.links, rates[part], network.capacity.size)
    # of the links on its way the fullest holds a flow back; of several the scarcest, then the nearest to a host
    fullness = load[routes.links] / network.capacity[routes.links]
    weights = np.bincount(routes.links, weight[part], network.capacity.size)[routes.links]
    level = network.capacity[routes.links] / weights
    order = np.lexsort((routes.links, np.round(level / level.max(), 9), -np.round(fullness, 9), part))
    return _Solved(rates / weight, routes.links[order[routes.first[:-1]]].astype(np.int64))
