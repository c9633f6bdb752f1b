from types import SimpleNamespace

import numpy as np
import pytest

from clustersim import catalog
from clustersim.training.network import Network
from clustersim.training.records import Fleet, JitterSpec, StepTiming
from clustersim.training.simulate import simulate_step
from clustersim.training.timing import step_timing
from clustersim.workload import PlanSpec, build_step_program, load_model

STILL = JitterSpec(operation_sigma=0.0, rank_sigma=0.0)


@pytest.fixture(scope="session")
def make_network():
    def make(accelerators, chip="H100-SXM", **changes):
        entry = catalog.entry("accelerators", chip)
        nic = 0.95 * entry.si("nic.bandwidth")
        sites = accelerators if isinstance(accelerators, tuple) else (accelerators,)
        resources = {"scale_up": 0.8 * entry.si("scale_up.bandwidth"), "nic": nic, "leaf": nic, "spine": nic}
        if len(sites) > 1:
            resources["wan"] = nic / 8
        keys = {
            "resources": resources,
            "accelerators": sites,
            "scale_up_domain": 8,
            "leaf": 64,
            "pod": 4096,
            "wan_latency_s": 1e-3 if len(sites) > 1 else 0.0,
        }
        return Network(**(keys | changes))

    return make


@pytest.fixture(scope="session")
def make_timing(make_network):
    def make(name, plan, sequence=4096, chips=("H100-SXM",), network=None):
        model = load_model(name)
        program = build_step_program(model, plan, sequence, tuple(chips))
        return step_timing(program, network or make_network(plan.accelerators))

    return make


@pytest.fixture(scope="session")
def fleet_of():
    def make(units, members=8.0, classes=1, devices=1):
        """Units of `members` accelerators; class c consists of kind c alone."""
        table = np.zeros((classes, devices))
        table[np.arange(classes), np.arange(classes) % devices] = members
        return Fleet(np.arange(units) % classes, table, np.zeros(units, np.int64))

    return make


@pytest.fixture(scope="session")
def still(fleet_of):
    """One step without jitter, all units and stages."""

    def run(timing, units=None, fleet=None):
        fleet = fleet or fleet_of(units or timing.program.plan.units)
        slow = np.ones((fleet.unit_class.size, timing.schedule.stages))
        return simulate_step(timing, fleet, STILL, slow, key=1)

    return run


@pytest.fixture(scope="session")
def synthetic():
    """Timing of a pipeline with given durations and nothing to reduce."""

    def make(stages, chunks, micro_batches, *kinds, message=0.0, hidden=0.0, schedule="1f1b"):
        """`kinds`: seconds of forward, backward and, in other schedules than 1F1B, of gradients of weights."""
        virtual = stages * (2 if schedule == "dualpipe" else chunks)
        plan = PlanSpec(pipeline=stages, virtual_stages=chunks, data=1, micro_batches=micro_batches, schedule=schedule)
        operation = np.stack([np.broadcast_to(kind, virtual) for kind in kinds])[None].astype(float)
        shares = np.zeros((*operation.shape, 4))
        shares[..., 0] = 1.0
        return StepTiming(
            # the plan and the durations are all that a step needs
            program=SimpleNamespace(plan=plan),
            operation_s=operation,
            shares=shares,
            hidden_s=np.full_like(operation, hidden),
            message_s=message,
            reduce_s=np.zeros(virtual),
            gather_s=np.zeros(stages),
            optimizer_s=np.zeros(stages),
            stall_s=0.0,
            wan_bytes=0.0,
            wan_s=0.0,
        )

    return make
