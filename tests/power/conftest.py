import numpy as np
import pytest

from clustersim.power.device import load_device_power
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.smoothing import device_profile
from clustersim.power.spec import (
    CompilerShaping,
    GpuSmoothing,
    MicroBatchInterleave,
    PytorchDamper,
    SecondaryWorkload,
    ServerSpec,
)
from clustersim.power.waveform import Binner, power_tables
from clustersim.training.network import Network
from clustersim.training.records import Fleet, JitterSpec
from clustersim.training.simulate import rank_slowness, simulate_step
from clustersim.training.timing import step_timing
from clustersim.workload import PlanSpec, build_step_program, load_model

CHIPS = ("H100-SXM", "A100-80G-SXM")
PLAN = PlanSpec(tensor=8, pipeline=4, virtual_stages=2, data=4, micro_batches=8)
FILLS = {
    "none": DeviceDamping(),
    "floor": DeviceDamping(),
    "fill": DeviceDamping(fill_share=0.8, detection_s=0.004),
    "both": DeviceDamping(fill_share=0.9, detection_s=0.002),
    "damper": device_damping((PytorchDamper(kind="pytorch_damper"),)),
    "secondary": device_damping((SecondaryWorkload(kind="secondary_workload", level="90 %"),)),
    "interleave": device_damping((MicroBatchInterleave(kind="micro_batch_interleave"),)),
    "shaped": device_damping((CompilerShaping(kind="compiler_shaping"),)),
}
FLOORS = {"floor": "60 %", "both": "40 %"}


@pytest.fixture(scope="session")
def servers():
    return ServerSpec(cooling="liquid", accelerators_per_server=8, servers_per_rack=4)


@pytest.fixture(scope="session")
def fleet():
    """Four units on two nodes; one of them is half A100."""
    return Fleet(np.array([0, 1, 0, 0]), np.array([[8.0, 0.0], [4.0, 4.0]]), np.array([0, 1, 0, 1]))


@pytest.fixture(scope="session")
def traces(fleet):
    """Two steps with different jitter."""
    network = Network({"scale_up": 360e9, "nic": 40e9, "leaf": 40e9, "spine": 40e9}, (128,), 8, 64, 4096, 0.0)
    program = build_step_program(load_model("llama3.1-8b"), PLAN, 4096, CHIPS)
    timing, jitter = step_timing(program, network), JitterSpec(operation_sigma=0.05, rank_sigma=0.02)
    slow = rank_slowness(fleet, PLAN.pipeline, jitter, np.random.SeedSequence(1))
    return tuple(simulate_step(timing, fleet, jitter, slow, key) for key in (1, 2))


@pytest.fixture(scope="session")
def devices(servers):
    return tuple(load_device_power(chip, servers) for chip in CHIPS)


@pytest.fixture(scope="session")
def tables_of(traces, fleet, devices):
    def make(name):
        asked = (GpuSmoothing(kind="gpu_smoothing", floor=FLOORS[name]),) if name in FLOORS else ()
        profiles = [device_profile(asked, device)[0] for device in devices]
        return power_tables(traces[0].timing, fleet, devices, FILLS[name], profiles)

    return make


@pytest.fixture(scope="session")
def binned(traces, fleet, tables_of):
    """Two steps one after the other from `t0_s`, then nothing; the Binner, the bin means and what is still due."""

    def run(name, dt_s=0.01, t0_s=0.0, bins=None, **keys):
        length = sum(trace.iteration_time_s for trace in traces)
        count = bins or int(np.ceil((t0_s + length) / dt_s)) + 5
        binner = Binner(tables_of(name), fleet, PLAN.pipeline, 2, count, dt_s, **keys)
        start = t0_s
        for trace in traces:
            binner.add_step(trace, start)
            start += trace.iteration_time_s
        binner.clear(start)
        return binner, *binner.finish()

    return run
