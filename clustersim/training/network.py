"""Rates and latencies that a plan's exchanges see on a fabric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from clustersim.fabric.rates import RateTable, rate_table
from clustersim.fabric.traffic import Placement, TrafficClass, group_traffic
from clustersim.training.exchange import distinct_nodes
from clustersim.workload import ModelSpec, PlanSpec, StepProgram
from clustersim.workload.hardware import Hardware

SAMPLED_RANKS = 4096
"""Ranks over which a unit's own exchange patterns are laid to see which switches they cross."""


@dataclass(frozen=True)
class Network:
    """What one accelerator of a place can send, and how long a message takes."""

    resources: Mapping[str, float]
    """B/s of one accelerator through each resource of the fabric (scale_up, nic, leaf, spine, wan)."""
    accelerators: tuple[int, ...]
    """Accelerators at each site."""
    scale_up_domain: int
    leaf: int
    """Accelerators under one leaf switch."""
    pod: int
    """Accelerators under the spines of one pod."""
    wan_latency_s: float
    """One way between neighbouring sites; 0 with one site."""

    def site(self, units: int, span: int) -> Placement:
        """Return the placement of `units` lock-step units of `span` ranks at one site."""
        return Placement((units * span,), self.scale_up_domain, self.leaf, self.pod)


def site_room(ranks: int, span: int, domain: int) -> int:
    """Return how many units of `span` ranks a site of `ranks` holds.

    Where a scale-up domain holds several units, only whole domains are used: a slice with fewer units would have to
    carry the gradients of as many ranks as a whole domain.
    """
    per_domain = domain // span
    whole = ranks // domain
    if per_domain > 1 and whole:
        return whole * per_domain
    return ranks // span


def units_per_site(plan: PlanSpec, network: Network) -> tuple[int, ...]:
    """Return the lock-step units at each site: whole units, spread so that every site gets its share.

    The plan's units fill the sites in proportion to their accelerators (largest remainder).
    """
    room = [site_room(count, plan.span, network.scale_up_domain) for count in network.accelerators]
    wanted, total = plan.units, sum(room)
    if wanted > total:
        return tuple(room)
    exact = [wanted * count / total for count in room]
    units = [int(value) for value in exact]
    for index in sorted(range(len(room)), key=lambda i: units[i] - exact[i])[: wanted - sum(units)]:
        units[index] += 1
    return tuple(units)


def fewest_replicas(plan: PlanSpec, network: Network) -> int:
    """Return the replicas at the site that has the fewest of those that have any."""
    return plan.replicas_per_unit * min((count for count in units_per_site(plan, network) if count), default=plan.units)


def units_per_domain(plan: PlanSpec, domain: int, units: int) -> int:
    """Return how many of a site's `units` lock-step units share one scale-up domain of `domain` ranks; at least 1."""
    return max(1, min(units, domain // plan.span))


def placement_domain(placement: Placement) -> int:
    """Return the ranks of the smallest scale-up domain of `placement`."""
    return placement.scale_up if isinstance(placement.scale_up, int) else min(placement.scale_up)


def expert_traffic(model: ModelSpec, plan: PlanSpec, placement: Placement) -> TrafficClass:
    """Return the traffic class of the expert exchange, per byte of rows dispatched."""
    if plan.expert == 1:
        return TrafficClass("expert", 1, {})
    spread = group_traffic("expert", placement, plan.expert, 1, "all_to_all")
    outside = spread.usage.get("nic", 0.0)
    nodes = -(-plan.expert // placement_domain(placement))
    if nodes == 1:
        return TrafficClass("expert", plan.expert, {"scale_up": (plan.expert - 1) / plan.expert})
    crossing = float(distinct_nodes(nodes, model.top_k, model.routing_nodes_max)) * (nodes - 1) / nodes
    remote = crossing / model.top_k
    usage = {"scale_up": 1.0, "nic": remote}
    usage |= {name: remote * spread.usage[name] / outside for name in ("leaf", "spine") if spread.usage.get(name)}
    return TrafficClass("expert", plan.expert, usage)


@lru_cache(maxsize=4096)
def _inner_classes(
    model: ModelSpec, replica: int, pipeline: int, expert: int, placement: Placement
) -> tuple[TrafficClass, TrafficClass]:
    """Return the traffic of a unit's own groups: expert and pipeline; `replica` is tensor x context."""
    plan = PlanSpec(
        tensor=replica, pipeline=pipeline, data=max(1, expert // replica), expert=expert, micro_batches=pipeline
    )
    return (
        expert_traffic(model, plan, placement),
        group_traffic("pipeline", placement, pipeline, plan.block, "ring"),
    )


def _unit_classes(model: ModelSpec, plan: PlanSpec, network: Network) -> tuple[TrafficClass, TrafficClass]:
    """Return the traffic of a unit's own groups at the busiest site: expert and pipeline."""
    # a few thousand ranks show every way in which a unit's groups and the switches can line up
    few = min(max(units_per_site(plan, network)), max(2, SAMPLED_RANKS // plan.span))
    placement = network.site(few, plan.span)
    return _inner_classes(model, plan.tensor * plan.context, plan.pipeline, plan.expert, placement)


@lru_cache(maxsize=4096)
def _outer_class(placement: Placement, members: int, stride: int) -> TrafficClass:
    """Return the traffic of the reduction between scale-up domains of a site."""
    return group_traffic("data", placement, members, stride, "ring")


_Usage = tuple[tuple[str, float], ...]


@lru_cache(maxsize=4096)
def _rates(classes: tuple[tuple[str, int, _Usage], ...], resources: _Usage) -> RateTable:
    return rate_table([TrafficClass(name, group, dict(usage)) for name, group, usage in classes], dict(resources))


def plan_classes(model: ModelSpec, plan: PlanSpec, network: Network) -> tuple[TrafficClass, ...]:
    """Return the traffic classes of the plan's exchanges: expert, pipeline, data and, between sites, wan.

    The busiest site stands for all. `data` is the reduction between scale-up domains (or between units, where a domain
    holds no whole unit).
    """
    span = plan.span
    units = max(units_per_site(plan, network))
    near = units_per_domain(plan, network.scale_up_domain, units)
    domains = -(-units // near)
    # rings between more blocks than a few pods hold look alike
    seen = min(domains, max(2, -(-2 * network.pod // (near * span))))
    outer = _outer_class(network.site(seen * near, span), seen, near * span)
    classes: tuple[TrafficClass, ...] = (*_unit_classes(model, plan, network), outer)
    if "wan" in network.resources:
        # on its way to another site a byte passes the accelerator's NIC and the site's switches
        classes = (*classes, TrafficClass("wan", 2, dict.fromkeys(("nic", "leaf", "spine", "wan"), 1.0)))
    return classes


def plan_rates(model: ModelSpec, plan: PlanSpec, network: Network) -> RateTable:
    """Return the max-min rates of the plan's exchanges (:func:`plan_classes`)."""
    classes = plan_classes(model, plan, network)
    keys = tuple((item.name, item.group, tuple(sorted(item.usage.items()))) for item in classes)
    return _rates(keys, tuple(sorted(_shared_fibre(plan, network).items())))


def _shared_fibre(plan: PlanSpec, network: Network) -> Mapping[str, float]:
    """Return the resources of one accelerator of the plan: those that it leaves idle do not use the fibre of a site."""
    if "wan" not in network.resources:
        return network.resources
    used = [count * plan.span for count in units_per_site(plan, network)]
    shares = [there / busy for there, busy in zip(network.accelerators, used, strict=True) if busy]
    return {**network.resources, "wan": network.resources["wan"] * min(shares, default=1.0)}


def on_network(program: StepProgram, network: Network, rates: RateTable, *, beside_experts: bool = False) -> Hardware:
    """Return the program's hardware as it works on `network`: the less of what libraries reach and the fabric carries.

    Parameters
    ----------
    program : StepProgram
        Whose hardware and plan.
    network : Network
        The place.
    rates : RateTable
        Of the plan's exchanges on it (:func:`plan_rates`).
    beside_experts : bool
        Whether rings share the fabric with the exchange of experts.
    """
    plan, hardware = program.plan, program.hardware
    ring = rates.rate("data", {"data", "expert"} if beside_experts and plan.expert > 1 else {"data"})
    scattered = np.inf
    # per byte of rows the NIC carries so many bytes
    crossing = _unit_classes(program.model, plan, network)[0].usage.get("nic", 0.0)
    if crossing:
        scattered = rates.rate("expert", {"expert"}) * crossing
    return within(hardware, network, ring=ring, scattered=scattered)


def within(hardware: Hardware, network: Network, *, ring: float = np.inf, scattered: float = np.inf) -> Hardware:
    """Return hardware with rates of at most what one accelerator of `network` can send.

    Rings and the exchange of experts leave through the NIC at `ring` and `scattered` at most. [B/s]
    """
    return replace(
        hardware,
        scale_up=np.minimum(hardware.scale_up, network.resources["scale_up"]),
        domain=np.minimum(hardware.domain, network.scale_up_domain),
        nic=np.minimum(hardware.nic, min(ring, network.resources["nic"])),
        nic_scattered=np.minimum(hardware.nic_scattered, min(scattered, network.resources["nic"])),
    )
