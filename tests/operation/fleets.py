"""Small clusters for the tests of the fleet."""

import numpy as np

from clustersim.operation.facts import JobFacts
from clustersim.operation.fleet import simulate_fleet
from clustersim.operation.fleet_records import FleetFacts, ServerPool
from clustersim.operation.spec import OperationSpec

FULL_W, WAIT_W, IDLE_W = 8000.0, 2500.0, 1500.0
AT_ONCE = {"restart_time": "0 s", "save_time": "0 s", "checkpoint_pause": "0 s"}
"""A job that loses no time to starting and saving."""


def pool(name, servers, accelerator="H800-SXM", blocks=(2, 4)):
    return ServerPool(name, name, accelerator, servers, 8, blocks, FULL_W, WAIT_W, IDLE_W)


def main_job(servers=1):
    return JobFacts(gpus=8 * servers, servers=servers, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e9)


def facts(*servers, main=1, blocks=(2, 4)):
    """A cluster of pools of so many servers, the main job's on top in the first."""
    sizes = (servers[0] + main, *servers[1:])
    pools = tuple(pool(f"p{k}", size, blocks=blocks) for k, size in enumerate(sizes))
    return FleetFacts(pools, main_job(main), ("p0",))


def run(fleet, cluster, horizon_s=10_000.0, seed=1, external=(), **operation):
    spec = OperationSpec.model_validate(
        {"horizon": f"{horizon_s!r} s", "failure_rates": "none", **operation, "fleet": fleet}
    )
    return simulate_fleet(spec, cluster, np.random.SeedSequence(seed), external)


def job(name, servers, duration_s, arrival_s=0.0, **more):
    return {
        "name": name,
        "servers": servers,
        "duration": f"{duration_s!r} s",
        "arrival": f"{arrival_s!r} s",
        **AT_ONCE,
        **more,
    }


def by_name(record):
    return {one.name: one for one in record.jobs}
