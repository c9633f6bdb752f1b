"""What a job of several sites needs between them, what it has, and what a fibre cut does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.fabric import Fabric, ring_all_reduce, wan_path, wan_ring_bandwidth
from clustersim.fabric.fibre_cost import FibreCost, fibre_costs
from clustersim.fabric.multi_site import after_loss
from clustersim.fabric.wan import WanRoute
from clustersim.study.step import StepStudy
from clustersim.training.cross_site import (
    CrossSiteJob,
    Sync,
    bandwidth_for,
    diloco,
    exposed_s,
    mean_rate,
    peak_rate,
    streaming_diloco,
    synchronous,
    utilisation,
)
from clustersim.training.estimate import estimate_iteration_s
from clustersim.training.network import Network, plan_rates, units_per_site
from clustersim.training.records import StepTiming
from clustersim.training.sequences import BACKWARD, FORWARD

PERIODS = (30, 100, 500)
"""Steps between two exchanges of a parameter for which DiLoCo's needs are told."""

LOST = (1.0, 0.5)
"""Shares of a route's fibre pairs that are lost: a cut, and one of two cables."""


@dataclass(frozen=True)
class Way:
    """One way of keeping the sites together."""

    sync: Sync
    mean_rate: float
    """Sent by a site on average at full speed. [B/s]"""
    peak_rate: float
    """Sent by a site while it exchanges. [B/s]"""
    needed: float
    """Bandwidth of a site at which the exchange is hidden. [B/s]"""
    exposed_s: float
    """What a step waits on average at the bandwidth that the place has. [s]"""
    utilisation: float
    """Compute utilisation there. [-]"""
    loss_change: float | None
    """Published change of the loss against data parallelism at equal tokens: the price in tokens, which is in none of
    the times; None where the catalog has none for this method and period. [-]"""


@dataclass(frozen=True)
class Cut:
    """The place after the loss of fibre on one route."""

    a: str
    b: str
    lost: float
    """Share of the route's pairs. [-]"""
    parted: tuple[tuple[str, ...], ...]
    """Groups of sites that reach each other, where there are several; else empty."""
    path: tuple[str, ...]
    """Sites on the way from `a` to `b` now; empty where there is none."""
    one_way_s: float | None
    """Delay of that way. [s]"""
    bandwidth: float
    """Of a site, as the job's ring between sites sees it; 0 where the sites are parted. [B/s]"""
    second_way: bool
    """Whether the route goes on over its second way."""
    exposed_s: float | None
    """What the simulated step waits for the exchange; None where the sites are parted and the job stops. [s]"""
    step_s: float | None
    """The step with it. [s]"""


@dataclass(frozen=True)
class BetweenSites:
    """Traffic between the sites of a job."""

    job: CrossSiteJob
    bandwidth: float
    """Of a site, each direction, as the job's ring between sites sees it: goodput, fibre and NICs. [B/s]"""
    step_s: float
    """Mean step as simulated. [s]"""
    exchange_s: float
    """How long it exchanges between sites, at the busiest stage. [s]"""
    exposed_s: float
    """How much shorter it would be without: what its schedule, chunk by chunk, does not hide. [s]"""
    hidden_share: float
    """Compute utilisation from which an exchange counts as hidden. [-]"""
    ways: tuple[Way, ...]
    cuts: tuple[Cut, ...]
    """Worst first."""
    costs: tuple[FibreCost, ...]


def between_sites(study: StepStudy, step_s: float) -> BetweenSites | None:
    """Return what the study's job needs between its sites; None where the plan uses one site.

    The bandwidth that hides the all-reduce follows from the backward of the last micro-batch, layer by layer
    (:mod:`clustersim.training.cross_site`): gradients of earlier micro-batches are summed up at the site.

    Parameters
    ----------
    study : StepStudy
        The step.
    step_s : float
        Its mean time. [s]
    """
    active = sum(count > 0 for count in units_per_site(study.plan, study.place.network))
    if active < 2:
        return None
    exposed = _exposed(study, _wan_seconds(study, study.place.network))
    job = _job(study, active, step_s - exposed)
    bandwidth = _bandwidth(study, study.place.network)
    return BetweenSites(
        job=job,
        bandwidth=bandwidth,
        step_s=step_s,
        exchange_s=study.timing.wan_s,
        exposed_s=exposed,
        hidden_share=catalog.entry("networks", "cross_site_training").si("hidden"),
        ways=tuple(_way(job, sync, bandwidth) for sync in _syncs(study, job)),
        cuts=fibre_cuts(study, step_s),
        costs=fibre_costs(study.place.fabric),
    )


def _job(study: StepStudy, sites: int, compute_s: float) -> CrossSiteJob:
    program, plan = study.program, study.plan
    passes = study.timing.operation_s.max(axis=0).reshape(study.timing.operation_s.shape[1], -1, plan.pipeline)
    held = program.dense_parameters * plan.tensor + program.expert_parameters * plan.expert
    return CrossSiteJob(
        parameters=float(held.sum()),
        sites=sites,
        step_s=compute_s,
        layers=max(1, round(float(program.layers.sum()) / plan.pipeline)),
        forward_s=float(passes[FORWARD].sum(axis=0).mean()),
        backward_s=float(passes[BACKWARD:].sum(axis=(0, 1)).mean()),
        latency_s=study.place.network.wan_latency_s,
    )


def _rate(study: StepStudy, network: Network) -> float:
    """Return what one accelerator sends in the ring between sites [B/s]."""
    return float(plan_rates(study.model, study.plan, network).rate("wan", {"wan"}))


def _wan_seconds(study: StepStudy, network: Network) -> NDArray[np.float64]:
    """Return the all-reduce between sites of the gradients of each virtual stage [s], as the step has it."""
    plan, program, units = study.plan, study.program, units_per_site(study.plan, network)
    holders = max(units) * plan.span / plan.pipeline
    held = program.dense_parameters * plan.tensor + program.expert_parameters * plan.expert
    rate, sites = _rate(study, network), sum(count > 0 for count in units)
    each = held * plan.gradient_bytes / holders
    return np.array([ring_all_reduce(float(size), sites, rate, network.wan_latency_s) for size in each])


def without_exchange(study: StepStudy) -> StepTiming:
    """Return the timing of the step without any exchange between sites."""
    wan_s = _wan_seconds(study, study.place.network)
    return replace(study.timing, reduce_s=study.timing.reduce_s - wan_s, wan_s=0.0, wan_bytes=0.0)


def _exposed(study: StepStudy, wan_s: NDArray[np.float64]) -> float:
    """Return what the step without jitter waits for exchanges between sites that take `wan_s` per virtual stage [s]."""
    timing = study.timing
    without = timing.reduce_s - _wan_seconds(study, study.place.network)
    with_them = estimate_iteration_s(replace(timing, reduce_s=without + wan_s))
    return with_them - estimate_iteration_s(replace(timing, reduce_s=without))


def _bandwidth(study: StepStudy, network: Network) -> float:
    """Return what a site of the plan sends in its ring between sites [B/s]: the least of its sites."""
    return (
        _rate(study, network) * min(count for count in units_per_site(study.plan, network) if count) * study.plan.span
    )


def _syncs(study: StepStudy, job: CrossSiteJob) -> tuple[Sync, ...]:
    known = catalog.entry("networks", "cross_site_training")
    whole, small, late = (known.si(name) for name in ("outer.bits", "outer.bits.fp4", "overlap.steps"))
    # every stage of a pipeline exchanges a fragment of its own at a time
    fragments = max(1, round(job.layers / known.si("fragment.layers")))
    return (
        synchronous(8.0 * study.plan.gradient_bytes),
        *(diloco(period, whole) for period in PERIODS),
        *(streaming_diloco(period, small, fragments, late) for period in PERIODS),
    )


def _way(job: CrossSiteJob, sync: Sync, bandwidth: float) -> Way:
    known = catalog.entry("networks", "cross_site_training")
    loss = f"loss.{sync.method.split('_')[0]}_h{sync.period:.0f}"
    return Way(
        sync,
        mean_rate(job, sync),
        peak_rate(job, sync),
        bandwidth_for(job, sync, known.si("hidden")),
        float(exposed_s(job, sync, bandwidth)),
        float(utilisation(job, sync, bandwidth)),
        0.0 if sync.method == "synchronous" else known.si(loss) if known.has(loss) else None,
    )


def groups_of(fabric: Fabric) -> tuple[tuple[str, ...], ...]:
    """Return the groups of sites that reach each other over the fabric's routes, in the order of the sites."""
    graph = nx.Graph()
    names = [tree.site.name for tree in fabric.sites]
    graph.add_nodes_from(names)
    graph.add_edges_from((route.a, route.b) for route in fabric.wan)
    return tuple(tuple(name for name in names if name in group) for group in nx.connected_components(graph))


def fibre_cuts(study: StepStudy, step_s: float) -> tuple[Cut, ...]:
    """Return the step after the loss of each route, and of half of its pairs; worst first.

    The second way of a route takes over (:func:`~clustersim.fabric.wan.route_after_loss`). The exchange goes over the
    paths that are left, in the rings of :func:`~clustersim.fabric.multi_site.wan_ring_bandwidth`. Parted sites stop a
    synchronous job; under DiLoCo each group trains on by itself until the fibre is back.
    """
    found = [_cut(study, step_s, route, share) for route in study.place.fabric.wan for share in LOST]
    return tuple(sorted(found, key=lambda cut: (not cut.parted, cut.bandwidth, -(cut.step_s or 0.0))))


def _cut(study: StepStudy, step_s: float, route: WanRoute, share: float) -> Cut:
    place = study.place
    left = after_loss(place.fabric, {route.name: 1.0 - share})
    groups = groups_of(left)
    if len(groups) > 1:
        return Cut(route.a, route.b, share, groups, (), None, 0.0, False, None, None)
    scale = wan_ring_bandwidth(left) / wan_ring_bandwidth(place.fabric)
    resources = {**place.network.resources, "wan": place.network.resources["wan"] * scale}
    names = [tree.site.name for tree in left.sites]
    hops = [_delay(wan_path(left, a, b)) for a, b in zip(names, names[1:] + names[:1], strict=True)]
    network = replace(place.network, resources=resources, wan_latency_s=max(hops))
    before, after = (_exposed(study, _wan_seconds(study, net)) for net in (place.network, network))
    way = wan_path(left, route.a, route.b)
    return Cut(
        route.a,
        route.b,
        share,
        (),
        _stops(route.a, way),
        _delay(way),
        _bandwidth(study, network),
        any(one.name == route.name and one.second != route.second for one in left.wan),
        after,
        step_s + after - before,
    )


def _delay(way: Sequence[WanRoute]) -> float:
    return float(sum(route.one_way_s for route in way))


def _stops(start: str, way: Sequence[WanRoute]) -> tuple[str, ...]:
    stops = [start]
    for route in way:
        stops.append(route.b if route.a == stops[-1] else route.a)
    return tuple(stops)
