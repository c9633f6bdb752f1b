"""The cluster as the fleet of `operation` sees it: servers by site and kind, and what each draws."""

from __future__ import annotations

from clustersim import catalog
from clustersim.fabric.site import SiteFabric
from clustersim.operation.facts import JobFacts
from clustersim.operation.fleet_records import FleetFacts, ServerPool
from clustersim.study.it_power import HallPower
from clustersim.study.step import StepStudy


def fleet_facts(study: StepStudy, job: JobFacts, steady: HallPower) -> FleetFacts:
    """Return the servers of the place, one pool for each item of a site's fleet, and the main job on them.

    Parameters
    ----------
    study : StepStudy
        Its place says what there is.
    job : JobFacts
        The main job; it takes the pools in their order, as ranks are numbered.
    steady : HallPower
        The job's steady window: another job in training draws the same mean share of the accelerators' rated power.

    Notes
    -----
    A server that starts, waits or saves holds contexts without kernels. Powers are at the input of the supplies.
    """
    place = study.place
    members = study.fleet.class_members[study.fleet.unit_class].sum(axis=0) * study.plan.pipeline
    rated_w = sum(number * device.rated_w for number, device in zip(members, place.power, strict=True))
    share = float(steady.watts.sum(axis=0).mean()) / rated_w
    pools = []
    for name, site, tree in zip(place.topology.site, place.topology.site.values(), place.fabric.sites, strict=True):
        each = site.servers.accelerators_per_server
        for number, item in enumerate(site.fleet):
            device = place.power[place.kind_of(item)]
            idle, wait, full = (
                float(device.server_w(each * watts, each))
                for watts in (device.idle_w, device.level("context"), share * device.rated_w)
            )
            pools.append(
                ServerPool(
                    name=name if len(site.fleet) == 1 else f"{name}/{number + 1}",
                    site=name,
                    accelerator=catalog.entry("accelerators", item.accelerator).name,
                    servers=item.count // each,
                    accelerators_per_server=each,
                    blocks=_blocks(tree, site.servers.servers_per_rack),
                    full_w=max(full, wait),
                    wait_w=wait,
                    idle_w=idle,
                )
            )
    fleet = study.scenario.operation.fleet
    mine = None if fleet is None else fleet.main_sites
    return FleetFacts(tuple(pools), job, tuple(pool.name for pool in pools if mine is None or pool.site in mine))


def _blocks(tree: SiteFabric, rack: int) -> tuple[int, ...]:
    """Return the servers of a rack, a leaf and a pod; a larger block is rounded down to whole smaller ones."""
    found = [rack]
    for endpoints in (tree.endpoints_per_leaf, tree.endpoints_per_pod):
        servers = endpoints // tree.site.server_accelerators
        found.append(max(1, servers // found[-1]) * found[-1])
    return tuple(found)
