"""Whether what shares a cluster fits it, before anything is simulated."""

from __future__ import annotations

import math

from clustersim import catalog
from clustersim.operation.facts import JobFacts
from clustersim.operation.fleet import require_fit
from clustersim.operation.fleet_records import FleetFacts, ServerPool
from clustersim.study.step import StepStudy


def check_fleet(study: StepStudy) -> None:
    """Raise if a job, a service or planned work of the scenario's fleet does not fit the place beside the main job.

    Raises
    ------
    InputError
        With the key path of what does not fit.
    """
    operation, topology = study.scenario.operation, study.scenario.topology
    if operation.fleet is None:
        return
    pools = tuple(
        ServerPool(
            name=f"{name}/{number}",
            site=name,
            accelerator=catalog.entry("accelerators", item.accelerator).name,
            servers=item.count // site.servers.accelerators_per_server,
            accelerators_per_server=site.servers.accelerators_per_server,
            blocks=(),
            full_w=0.0,
            wait_w=0.0,
            idle_w=0.0,
        )
        for name, site in topology.site.items()
        for number, item in enumerate(site.fleet)
    )
    sites = operation.fleet.main_sites or tuple(topology.site)
    main_pools = [pool for pool in pools if pool.site in sites]
    servers = math.ceil(study.plan.accelerators / main_pools[0].accelerators_per_server)
    # no time and no byte of the job is looked at
    main = JobFacts(study.plan.accelerators, servers, 1.0, 0.0, 0.0)
    require_fit(operation, FleetFacts(pools, main, tuple(pool.name for pool in main_pools)))
