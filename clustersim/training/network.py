"""Rates and latencies that a plan's exchanges see on a fabric."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from clustersim.fabric.rates import RateTable, rate_table
from clustersim.fabric.traffic import Placement, TrafficClass, group_traffic
from clustersim.workload import ModelSpec, PlanSpec

SAMPLED_RANKS = 8192
"""Ranks over which the exchange patterns are laid to see which switches they cross."""


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
    scale_up_latency_s: float
    scale_out_latency_s: float
    wan_latency_s: float
    """One way between neighbouring sites; 0 with one site."""

    def site(self, units: int, span: int) -> Placement:
        """Return the placement of `units` lock-step units of `span` ranks at one site."""
        return Placement((units * span,), self.scale_up_domain, self.leaf, self.pod)


def units_per_site(plan: PlanSpec, network: Network) -> tuple[int, ...]:
    """Return the lock-step units at each site: whole units, spread so that every site gets its share.

    The plan's units fill the sites in proportion to their accelerators (largest remainder).
    """
    span = plan.tensor * plan.replicas_per_unit * plan.pipeline
    room = [count // span for count in network.accelerators]
    wanted, total = plan.units, sum(room)
    if wanted > total:
        return tuple(room)
    exact = [wanted * count / total for count in room]
    units = [int(value) for value in exact]
    for index in sorted(range(len(room)), key=lambda i: units[i] - exact[i])[: wanted - sum(units)]:
        units[index] += 1
    return tuple(units)


def distinct_nodes(nodes: int, top_k: int, limit: int | None) -> float:
    """Expected number of nodes on which a token's `top_k` experts lie, of `nodes` equally likely ones.

    ``n (1 - (1 - 1/n)^k)``, capped by node-limited routing (arXiv 2412.19437, section 2.1.2). A token crosses the
    scale-out fabric once per node and is forwarded inside it, as DeepEP does.
    """
    expected = nodes * (1.0 - (1.0 - 1.0 / nodes) ** top_k)
    return min(expected, float(limit)) if limit is not None else expected


def expert_traffic(model: ModelSpec, plan: PlanSpec, placement: Placement) -> TrafficClass:
    """Return the traffic class of the expert exchange, per byte of rows dispatched."""
    if plan.expert == 1:
        return TrafficClass("expert", 1, {})
    spread = group_traffic("expert", placement, plan.expert, 1, "all_to_all")
    outside = spread.usage.get("nic", 0.0)
    domain = placement.scale_up if isinstance(placement.scale_up, int) else min(placement.scale_up)
    nodes = -(-plan.expert // domain)
    if nodes == 1:
        return TrafficClass("expert", plan.expert, {"scale_up": (plan.expert - 1) / plan.expert})
    remote = distinct_nodes(nodes, model.top_k, model.routing_nodes_max) * (nodes - 1) / nodes / model.top_k
    usage = {"scale_up": 1.0, "nic": remote}
    usage |= {name: remote * spread.usage[name] / outside for name in ("leaf", "spine") if spread.usage.get(name)}
    return TrafficClass("expert", plan.expert, usage)


@lru_cache(maxsize=4096)
def _table(
    model: ModelSpec, key: tuple[int, int, int, int], placement: Placement, resources: tuple[tuple[str, float], ...]
) -> RateTable:
    tensor, pipeline, expert, units = key
    plan = PlanSpec(
        tensor=tensor, pipeline=pipeline, data=units * max(1, expert // tensor), expert=expert, micro_batches=pipeline
    )
    block = tensor * plan.replicas_per_unit
    classes = [
        group_traffic("tensor", placement, tensor, 1, "ring"),
        expert_traffic(model, plan, placement),
        group_traffic("pipeline", placement, pipeline, block, "ring"),
        group_traffic("data", placement, units, block * pipeline, "ring"),
    ]
    given = dict(resources)
    if "wan" in given:
        classes.append(TrafficClass("wan", 2, {"wan": 1.0}))
    return rate_table(classes, given)


def plan_rates(model: ModelSpec, plan: PlanSpec, network: Network) -> RateTable:
    """Return the max-min rates of the plan's exchanges: tensor, expert, pipeline, data and, between sites, wan.

    The busiest site stands for all.
    """
    span = plan.tensor * plan.replicas_per_unit * plan.pipeline
    # a few pods show every way in which groups and switches can line up
    units = min(max(units_per_site(plan, network)), max(2, SAMPLED_RANKS // span))
    resources = tuple(sorted(network.resources.items()))
    key = (plan.tensor, plan.pipeline, plan.expert, units)
    return _table(model, key, network.site(units, span), resources)
