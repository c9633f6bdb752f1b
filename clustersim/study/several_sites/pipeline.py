"""A pipeline whose stages lie at several sites: which site holds which, and what crosses between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from clustersim.errors import InputError
from clustersim.fabric import Fabric, wan_path
from clustersim.fabric.multi_site import after_loss
from clustersim.operation.site_facts import RouteFacts
from clustersim.study.several_sites.cross_site import groups_of
from clustersim.study.step import StepStudy
from clustersim.training.cross_site import PipelineCut
from clustersim.workload import PlanSpec
from clustersim.workload.costs import BF16, rank_tokens


@dataclass(frozen=True)
class PipelineSites:
    """A plan's pipeline, laid over the sites of its place."""

    stages: tuple[int, ...]
    """Stages at each site; they follow each other in the order of the sites."""
    cut: PipelineCut
    bandwidth: float
    """At which the messages of one boundary pass, with all that shares its fibre and its cards. [B/s]"""
    latency_s: float
    """One way, of the longest crossing. [s]"""
    routes: tuple[RouteFacts, ...]
    """In order of their names, with that bandwidth when one is cut."""


def stages_per_site(plan: PlanSpec, accelerators: Sequence[int]) -> tuple[int, ...]:
    """Return the stages at each site, in proportion to its accelerators as far as it has room for whole ones.

    Raises
    ------
    InputError
        If there are fewer stages than sites, or the sites have no room for whole stages.

    Examples
    --------
    >>> stages_per_site(PlanSpec(pipeline=8, data=2, micro_batches=8), (10, 6))
    (5, 3)
    """
    each, sites = plan.accelerators // plan.pipeline, len(accelerators)
    room = [count // each for count in accelerators]
    if sites < 2 or plan.pipeline < sites or min(room) < 1 or sum(room) < plan.pipeline:
        fits = ", ".join(map(str, room))
        raise InputError(
            f"operation.sites.method pipeline: expected a plan whose stages lie whole at sites, one or more at each; "
            f"found {plan.pipeline} of {each:,} accelerators, and sites with room for {fits}"
        )
    exact = [plan.pipeline * count / sum(accelerators) for count in accelerators]
    stages = [1] * sites
    for _ in range(plan.pipeline - sites):
        open_to = [index for index in range(sites) if stages[index] < room[index]]
        stages[max(open_to, key=lambda index: exact[index] - stages[index])] += 1
    return tuple(stages)


def pipeline_sites(study: StepStudy) -> PipelineSites:
    """Return the plan's pipeline laid over all sites of the place, and what crosses.

    Every replica has its stages at several sites, one site after the other; replicas reduce their gradients within a
    site. A message is the activations of one micro-batch of all replicas together, as they run in lock-step and share
    the fibre. With V chunks per stage a micro-batch goes round V times and crosses back from the last site V - 1 times.

    Raises
    ------
    InputError
        If the stages do not lie whole at the sites.
    """
    fabric, plan, configuration = study.place.fabric, study.plan, study.program.configuration
    stages = stages_per_site(plan, study.place.network.accelerators)
    own = float(rank_tokens(configuration)[1][0])
    message = BF16 * float(configuration.hidden[0]) * own * plan.tensor * plan.context * plan.data
    crossings = _crossings(plan, stages)
    names = [tree.site.name for tree in fabric.sites]
    hops = {(names[a], names[b]) for _, a, _, b in crossings}
    network = study.place.network.resources
    of_cards = plan.accelerators / plan.pipeline * min(network[name] for name in ("nic", "leaf", "spine"))
    routes = []
    for route in sorted(fabric.wan, key=lambda one: (one.a, one.b)):
        left = after_loss(fabric, {route.name: 0.0})
        parted = len(groups_of(left)) > 1
        routes.append(
            RouteFacts(route.a, route.b, 0.0 if parted else _bandwidth(left, crossings, plan.virtual_stages, of_cards))
        )
    return PipelineSites(
        stages=stages,
        cut=PipelineCut(message, plan.micro_batches * plan.virtual_stages, len(crossings)),
        bandwidth=_bandwidth(fabric, crossings, plan.virtual_stages, of_cards),
        latency_s=max(sum(route.one_way_s for route in wan_path(fabric, a, b)) for a, b in sorted(hops)),
        routes=tuple(routes),
    )


Crossing = tuple[int, int, int, int]
"""A stage, its site, the next stage, its site."""


def _crossings(plan: PlanSpec, stages: Sequence[int]) -> tuple[Crossing, ...]:
    """Return where a micro-batch goes from one site to another going forward; both ways of DualPipe cross alike."""
    site = [index for index, count in enumerate(stages) for _ in range(count)]
    way = [number % plan.pipeline for number in range(plan.pipeline * plan.virtual_stages)]
    return tuple((a, site[a], b, site[b]) for a, b in pairwise(way) if site[a] != site[b])


def _bandwidth(fabric: Fabric, crossings: Sequence[Crossing], passes: int, of_cards: float) -> float:
    """Return the bandwidth of a boundary: of what one micro-batch sends at the busiest fibre or stage. [B/s]

    Activations go forward and as many gradients back. With n messages of a micro-batch on a fibre of capacity C in one
    direction, and V passes, a boundary has ``V C / n`` of it; so of the cards of a stage that sends n.
    """
    names = [tree.site.name for tree in fabric.sites]
    fibre: dict[tuple[str, str], int] = {}
    cards: dict[int, int] = {}
    capacity: dict[tuple[str, str], float] = {}
    for first, a, then, b in crossings:
        for stage, here, there in ((first, a, b), (then, b, a)):
            cards[stage] = cards.get(stage, 0) + 1
            at = names[here]
            for route in wan_path(fabric, names[here], names[there]):
                to = route.b if route.a == at else route.a
                fibre[at, to] = fibre.get((at, to), 0) + 1
                capacity[at, to] = fabric.spec.goodput * route.capacity
                at = to
    return passes * min(
        *(capacity[ends] / count for ends, count in fibre.items()), *(of_cards / count for count in cards.values())
    )
