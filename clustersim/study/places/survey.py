"""What can be said of a place without a job: cables, fibre, delays, what the loss of its parts does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.fabric import Policy, flow_network, parse_damage
from clustersim.fabric.cables import SiteCables, reach_warnings, site_cables
from clustersim.fabric.failure_domains import MANY_PARTS, FailureDomain, failure_domains, flow_parts
from clustersim.fabric.failures import Outage, outage, place_networks
from clustersim.fabric.fibre_cost import FibreCost, fibre_costs
from clustersim.fabric.latency import Latency, diameter, latency_matrix
from clustersim.fabric.path_query import PathAnswer, find_path, parse_accelerator
from clustersim.fabric.wan import wan_reach_warnings
from clustersim.scenario import TopologySpec
from clustersim.study.places.place import Place, build_place
from clustersim.study.result import Result

POLICIES: tuple[Policy, ...] = ("ecmp", "static", "spread", "rail_local", "valiant")
SURVEYED: tuple[Policy, ...] = ("static", "spread")
"""Policies of the table of failures: flows that keep to a path, and packets over all paths."""


@dataclass(frozen=True)
class PlaceSurvey:
    """A place and everything that follows from its fabric alone."""

    place: Place
    cables: tuple[SiteCables, ...]
    fibre: tuple[FibreCost, ...]
    latency: tuple[Latency, ...]
    whole: Outage | None
    """The place with nothing lost: pace of an all-reduce over all accelerators; None where it was left out."""
    domains: tuple[FailureDomain, ...]
    """Empty where they were left out."""

    @property
    def diameter(self) -> int:
        """Switches between the two accelerators that are farthest apart."""
        return diameter(self.latency)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Cables, and fibre between sites, that are longer than their modules reach."""
        fabric = self.place.fabric
        return (*reach_warnings(self.cables), *wan_reach_warnings(fabric.spec.wan, fabric.wan))

    @property
    def fibre_usd(self) -> float:
        """To build all fibre buried. [USD]"""
        return sum(cost.underground.value for cost in self.fibre)

    @property
    def amplifier_watts(self) -> float:
        """Of one hut. [W]"""
        return catalog.entry("networks", "long_haul").si("amplifier.power")


@dataclass(frozen=True)
class Loss:
    """A place before and after parts are lost."""

    before: Outage
    after: Outage


def result_place(result: Result) -> Place:
    """Return the place of a run, built anew from the topology that the result holds."""
    return build_place(TopologySpec.model_validate(result.scenario["topology"]), "bf16")


def read_policies(place: Place, name: str | None, otherwise: Sequence[Policy]) -> tuple[Policy, ...]:
    """Return the one policy called `name`, or, when there is no name, those of `otherwise` that the fabric knows.

    Raises
    ------
    InputError
        If there is no such policy.
    """
    if name is None:
        return tuple(policy for policy in otherwise if policy in place.fabric.sites[0].policies)
    for policy in POLICIES:
        if policy == name:
            return (policy,)
    raise InputError(f"policy: expected one of {', '.join(POLICIES)}, found {name!r}{nearest(name, POLICIES)}")


def quiet(part: str) -> None:
    """Tell nobody what is being done."""


def survey(
    place: Place,
    policies: Sequence[Policy] | None = None,
    *,
    losses: bool = True,
    tell: Callable[[str], None] = quiet,
) -> PlaceSurvey:
    """Return what follows from the fabric of a place, under `policies` or, when left out, those of `SURVEYED`.

    Parameters
    ----------
    place : Place
        The place.
    policies : sequence of str, optional
        How flows choose paths. Of a very large place only the last is used.
    losses : bool
        Whether the all-reduce and the table of losses of a very large place are computed, which takes long; those
        of others always are.
    tell : callable
        Called with the name of each part that is begun.

    Raises
    ------
    InputError
        If its kind of fabric does not know a policy.
    CatalogError
        If the catalog lacks a figure.
    """
    many = flow_parts(place.fabric) > MANY_PARTS
    asked = policies or read_policies(place, None, SURVEYED)
    if many:
        asked = asked[-1:]
    tell("cables and delays")
    cables = site_cables(place.fabric)
    latency = latency_matrix(place.fabric, cables)
    whole, domains = None, ()  # type: tuple[Outage | None, tuple[FailureDomain, ...]]
    if losses or not many:
        tell("all-reduce over the whole place")
        whole = outage(place_networks(place.fabric, asked), [])
        tell("losses of one part of each kind")
        domains = failure_domains(place.fabric, asked)
    return PlaceSurvey(place, cables, fibre_costs(place.fabric), latency, whole, domains)


def loss(place: Place, names: Sequence[str], policies: Sequence[Policy] | None = None) -> Loss:
    """Return what the loss of named parts does to a place, under `policies` or, when left out, all it knows.

    Raises
    ------
    InputError
        If there is no such part, or the kind of fabric does not know a policy.
    """
    networks = place_networks(place.fabric, policies or read_policies(place, None, POLICIES))
    return Loss(outage(networks, []), outage(networks, names))


def path(place: Place, ends: tuple[str, str], policy: Policy, names: Sequence[str] = ()) -> PathAnswer:
    """Return the way between two accelerators, with the parts of `names` lost.

    Raises
    ------
    InputError
        If an accelerator or part is not there, or no path is left.
    """
    a, b = (parse_accelerator(place.fabric, text) for text in ends)
    return find_path(flow_network(place.fabric, policy, parse_damage(place.fabric, names)), a, b)
