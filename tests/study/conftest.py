"""A small place with everything in it, so that a whole run takes about a second."""

import pytest

from clustersim.scenario import load_scenario, shipped
from clustersim.study.it_power import step_pool
from clustersim.study.run import run
from clustersim.study.step import study_step

SMALL = {
    "name": "small",
    "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 2048}],
    "topology.electrical.memphis.grid.capacity": "4 MW",
    "topology.electrical.memphis.generators.count": 1,
    "topology.electrical.memphis.generators.grid_parallel_output": "1 MW",
    "topology.electrical.memphis.battery": {
        "type": "megapack_2xl",
        "count": 1,
        "power": "1 MW",
        "droop": "2 %",
        "deadband": "36 mHz",
    },
    "topology.electrical.memphis.conversion": [
        {"stage": "hv_transformer", "rating": "5 MW"},
        {"stage": "mv_transformer", "rating": "5 MW"},
    ],
    "topology.cooling.memphis.count": 2,
    "job.model": "llama3.1-70b",
    "job.sequence_length": 8192,
    "job.tokens_per_step_max": 8_000_000,
    "job.plan": {"tensor": 8, "pipeline": 4, "data": 64, "micro_batches": 8},
    "damping": [],
    "operation.horizon": "3 d",
}


@pytest.fixture(scope="session")
def scenario():
    """The small scenario, without damping unless it is given, with any field changed."""

    def make(**changes):
        changes = {key.replace("__", "."): value for key, value in changes.items()}
        return load_scenario(shipped("scenarios") / "colossus_200k.yaml", {**SMALL, **changes})

    return make


@pytest.fixture(scope="session")
def small(scenario, made_once):
    """The small scenario's result, without damping."""
    return made_once("small", lambda: run(scenario()))


BATTERY = {"kind": "site_battery", "time_constant": "30 s"}


@pytest.fixture(scope="session")
def battery(scenario, made_once):
    """The small scenario's result, with the meter smoothed by the battery."""
    return made_once("battery", lambda: run(scenario(damping=[BATTERY])))


@pytest.fixture(scope="session")
def small_study(scenario):
    """Step and pool of the small scenario."""
    study = study_step(scenario())
    return study, step_pool(study)


@pytest.fixture(scope="session")
def colossus(made_once):
    """The shipped run of 200,000 GPUs."""
    return made_once("colossus", lambda: run(load_scenario(shipped("scenarios") / "colossus_200k.yaml")))
