"""From a scenario's topology to the fabric, the network that a job sees, and the fleet."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim import catalog
from clustersim.errors import CapacityError, InputError
from clustersim.fabric import (
    BillItem,
    Fabric,
    SiteEndpoints,
    accelerator_resources,
    bill_of_materials,
    bill_totals,
    build_fabric,
    wan_path,
)
from clustersim.power.device import DevicePower, load_device_power
from clustersim.power.spec import ServerSpec
from clustersim.power.supplies import Bound
from clustersim.scenario import TopologySpec
from clustersim.scenario.topology import FleetSpec
from clustersim.training.network import Network, units_per_site
from clustersim.training.records import Fleet
from clustersim.workload import PlanSpec
from clustersim.workload.hardware import Hardware, hardware_of
from clustersim.workload.spec import Precision


@dataclass(frozen=True)
class Place:
    """Everything about a topology that the rooms need."""

    topology: TopologySpec
    fabric: Fabric
    bill: tuple[BillItem, ...]
    network: Network
    hardware: Hardware
    """What the kinds of fleet items reach, one row per kind in order of first appearance."""
    power: tuple[DevicePower, ...]
    """Same order as the rows of `hardware`."""
    fleet_kinds: tuple[tuple[str, str | None], ...]
    """Accelerator and power variant of each kind."""

    @property
    def kinds(self) -> tuple[str, ...]:
        """Accelerator of each kind."""
        return tuple(name for name, _ in self.fleet_kinds)

    @property
    def accelerators(self) -> int:
        """Accelerators of all sites."""
        return sum(site.accelerators for site in self.topology.site.values())

    def kind_of(self, item: FleetSpec) -> int:
        """Index of a fleet item among `fleet_kinds`."""
        return self.fleet_kinds.index((catalog.entry("accelerators", item.accelerator).name, item.power))

    @property
    def nodes(self) -> tuple[tuple[str, int], ...]:
        """Site and hall of every hall of the place, in the order of the electrical nodes."""
        return tuple((name, hall) for name, site in self.topology.site.items() for hall in range(site.halls))

    @property
    def network_watts(self) -> dict[str, float]:
        """Typical power of switches and optics at each site; what lies between sites counts at the first. [W]"""
        return self._per_site("watts_typical")

    @property
    def network_watts_maximum(self) -> dict[str, float]:
        """The same at its maximum. [W]"""
        return self._per_site("watts_maximum")

    @property
    def network_usd(self) -> float:
        """Price of the bill of materials. [USD]"""
        return bill_totals(self.bill).usd

    def _per_site(self, figure: str) -> dict[str, float]:
        sites = list(self.topology.site)
        watts = dict.fromkeys(sites, 0.0)
        for item in self.bill:
            each = None if item.in_accelerators else getattr(item, figure)
            if each is not None:
                watts[item.place if item.place in watts else sites[0]] += each * item.count
        return watts


def build_place(topology: TopologySpec, precision: Precision, stack: str | None = None) -> Place:
    """Return the place of `topology` for a job at `precision` on a software stack of the catalog.

    Raises
    ------
    InputError
        If the catalog lacks a name, or the fabric cannot hold the accelerators.
    """
    kinds = _kinds(topology)
    if stack is not None:
        catalog.entry("stacks", stack)
        others = [
            item.accelerator
            for site in topology.site.values()
            for item in site.fleet
            if catalog.entry("accelerators", item.accelerator).properties.get("vendor") != "NVIDIA"
        ]
        if others:
            raise InputError(
                f"job.stack: {stack!r} was calibrated on GPUs; {others[0]} has the constants of its own software"
            )
    endpoints = []
    for name, site in topology.site.items():
        chips = [catalog.entry("accelerators", item.accelerator) for item in site.fleet]
        endpoints.append(
            SiteEndpoints(
                name=name,
                endpoints=site.accelerators,
                lat=site.location.lat,
                lon=site.location.lon,
                # the smallest domain and rate of a mixed site hold for all
                scale_up_domain=min(int(chip.si("scale_up.domain")) for chip in chips),
                scale_up_bandwidth=min(chip.si("scale_up.bandwidth") for chip in chips),
                nic_bandwidth=min(chip.si("nic.bandwidth") for chip in chips),
                server=site.servers.accelerators_per_server,
                halls=site.halls,
                servers_per_rack=site.servers.servers_per_rack,
            )
        )
    fabric = build_fabric(topology.fabric, endpoints)
    return Place(
        topology=topology,
        fabric=fabric,
        bill=tuple(bill_of_materials(fabric)),
        network=_network(topology, fabric),
        hardware=hardware_of(
            [name for name, _ in kinds], [precision] * len(kinds), [stack] * len(kinds), [None] * len(kinds)
        ),
        power=place_power(topology, precision),
        fleet_kinds=tuple(kinds),
    )


def place_power(
    topology: TopologySpec, precision: Precision, bounds: dict[str, Bound] | None = None
) -> tuple[DevicePower, ...]:
    """Return the power of each kind of accelerator of a topology.

    Parameters
    ----------
    topology : TopologySpec
        Its fleets and servers.
    precision : str
        Of the job's matrix products.
    bounds : dict of str to {"low", "high"}, optional
        Of which levels the end of the band is taken, for all kinds at once.
    """
    kinds = _kinds(topology)
    return tuple(
        load_device_power(name, servers, variant, precision, bounds) for (name, variant), servers in kinds.items()
    )


def _kinds(topology: TopologySpec) -> dict[tuple[str, str | None], ServerSpec]:
    """Return accelerator and power variant of each kind; a kind has the servers of the first site where it stands."""
    kinds: dict[tuple[str, str | None], ServerSpec] = {}
    for site in topology.site.values():
        for item in site.fleet:
            kinds.setdefault((catalog.entry("accelerators", item.accelerator).name, item.power), site.servers)
    return kinds


def _network(topology: TopologySpec, fabric: Fabric) -> Network:
    resources = accelerator_resources(fabric)
    # one set of blocks stands for all sites: that of the smallest domains and leaves
    least = min(fabric.sites, key=lambda tree: (tree.site.scale_up_domain, tree.endpoints_per_leaf))
    names = list(topology.site)
    hops = [
        sum(route.one_way_s for route in wan_path(fabric, a, b))
        for a, b in zip(names, names[1:] + names[:1], strict=True)
        if len(names) > 1
    ]
    return Network(
        resources=resources,
        accelerators=tuple(site.accelerators for site in topology.site.values()),
        scale_up_domain=least.site.scale_up_domain,
        leaf=least.endpoints_per_leaf,
        pod=least.endpoints_per_pod,
        wan_latency_s=max(hops, default=0.0),
    )


def build_fleet(place: Place, plan: PlanSpec) -> Fleet:
    """Return which accelerators the plan's lock-step units consist of, and from which hall they draw.

    Ranks are numbered site after site, fleet item after fleet item; a unit is a block of consecutive ranks.

    Raises
    ------
    CapacityError
        If the plan needs more accelerators than the place has.
    """
    if plan.accelerators > place.accelerators:
        raise CapacityError(
            f"job.plan: {plan.tensor} tensor x {plan.context} context x {plan.pipeline} pipeline x {plan.data} data = "
            f"{plan.accelerators:,} "
            f"accelerators, but {place.topology.name} has {place.accelerators:,}"
        )
    per_site = units_per_site(plan, place.network)
    if sum(per_site) < plan.units:
        raise CapacityError(
            f"job.plan: {plan.units} blocks of {plan.accelerators // plan.units} accelerators do not fit whole into "
            f"the sites of {place.topology.name} ({', '.join(f'{n:,}' for n in place.network.accelerators)})"
        )
    span = plan.span
    rows: dict[tuple[float, ...], int] = {}
    unit_class, unit_node = [], []
    node0 = 0
    for units, site in zip(per_site, place.topology.site.values(), strict=True):
        kinds = [place.kind_of(item) for item in site.fleet]
        ends = np.cumsum([item.count for item in site.fleet])
        for unit in range(units):
            low, high = unit * span, (unit + 1) * span
            members = np.zeros(len(place.fleet_kinds))
            for kind, end, item in zip(kinds, ends, site.fleet, strict=True):
                overlap = max(0, min(high, int(end)) - max(low, int(end) - item.count))
                members[kind] += overlap / plan.pipeline
            key = tuple(members)
            unit_class.append(rows.setdefault(key, len(rows)))
            unit_node.append(node0 + min(site.halls - 1, (low * site.halls) // max(site.accelerators, 1)))
        node0 += site.halls
    return Fleet(
        unit_class=np.array(unit_class, dtype=np.int64),
        class_members=np.array(list(rows)),
        unit_node=np.array(unit_node, dtype=np.int64),
    )
