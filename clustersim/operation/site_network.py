"""The fibre between sites over time: which routes are cut when, and what that leaves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from clustersim.operation.causes import Cause, failure_causes
from clustersim.operation.site_facts import SitesFacts, bandwidth_without, parts_without
from clustersim.operation.spec import OperationSpec


@dataclass(frozen=True)
class RouteOutage:
    """A cut of one route; its second way, where there is one, is in the bandwidth that is left without it."""

    route: str
    """Name of the route, ``east-west``."""
    t_start_s: float
    t_end_s: float

    def __post_init__(self) -> None:
        """Check the order."""
        if not 0.0 <= self.t_start_s < self.t_end_s:
            raise ValueError(f"expected 0 <= t_start_s < t_end_s, got {self.t_start_s:g} and {self.t_end_s:g}")


@dataclass(frozen=True)
class NetworkState:
    """A stretch of time in which the same routes are cut."""

    t_start_s: float
    t_end_s: float
    cut: tuple[str, ...]
    """In the order of the routes."""
    bandwidth: float
    """Of a site; 0 where the sites are parted. [B/s]"""
    parts: tuple[tuple[str, ...], ...]
    """Groups of sites that reach each other."""

    @property
    def cause(self) -> str:
        """What is cut, for the record; ``none`` where nothing is."""
        return f"route {', '.join(self.cut)} cut" if self.cut else "routes do not join the sites"


def route_causes(spec: OperationSpec, facts: SitesFacts) -> tuple[Cause, ...]:
    """Return the causes of failure that cut routes; none where the failure rates know of none."""
    if not facts.routes:
        return ()
    job = replace(facts.sites[0].job, routes=len(facts.routes))
    found = failure_causes(spec.failure_rates, job, spec.failure_scale, spec=spec.failures)
    return tuple(cause for cause in found if cause.domain == "route" and cause.outage_s > 0.0)


def drawn_outages(
    causes: Sequence[Cause], facts: SitesFacts, seed: np.random.SeedSequence, horizon_s: float
) -> tuple[RouteOutage, ...]:
    """Draw the cuts of all routes up to the horizon, in order of time.

    Each route lives, is cut for the outage of the cause and lives anew. What a job does has no part in it, so that the
    cuts can be drawn before. One stream per cause and route, in their order.
    """
    found = []
    for cause, one in zip(causes, seed.spawn(len(causes)), strict=True):
        for route, stream in zip(facts.routes, one.spawn(len(facts.routes)), strict=True):
            rng = np.random.default_rng(stream)
            at = float(cause.life.draw(rng, 1, cause.age_s)[0])
            while at < horizon_s:
                found.append(RouteOutage(route.name, at, at + cause.outage_s))
                at += cause.outage_s + float(cause.life.draw(rng, 1)[0])
    return tuple(sorted(found, key=lambda outage: (outage.t_start_s, outage.route)))


def network_states(facts: SitesFacts, outages: Iterable[RouteOutage], horizon_s: float) -> tuple[NetworkState, ...]:
    """Return what is cut when; the states tile ``[0, horizon_s]`` and neighbours differ.

    Raises
    ------
    ValueError
        If an outage names a route that is not there.
    """
    known = [route.name for route in facts.routes]
    cuts = [outage for outage in outages if outage.t_start_s < horizon_s]
    for outage in cuts:
        if outage.route not in known:
            raise ValueError(f"no route {outage.route!r}; there are {', '.join(known) or 'none'}")
    edges = {0.0, horizon_s}
    for outage in cuts:
        edges |= {outage.t_start_s, min(outage.t_end_s, horizon_s)}
    found: list[NetworkState] = []
    for begin, end in pairwise(sorted(edges)):
        now = {outage.route for outage in cuts if outage.t_start_s <= begin < outage.t_end_s}
        cut = tuple(name for name in known if name in now)
        if found and found[-1].cut == cut:
            found[-1] = replace(found[-1], t_end_s=end)
        else:
            gone = frozenset(cut)
            found.append(NetworkState(begin, end, cut, bandwidth_without(facts, gone), parts_without(facts, gone)))
    return tuple(found)
