"""A step that is far too large on purpose: Llama 3.1 405B on 196,608 H100 with 403 million tokens per step.

Nobody would train so (the batch is some twenty times what the model was trained with). It is a load test: 24,576
pairs of replica and stage (1,536 x 16), 32 micro-batches, 1.57 million operations, every one jittered.
"""

from __future__ import annotations

import math
import sys
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.power.device import load_device_power
from clustersim.power.device_damping import device_damping
from clustersim.power.smoothing import device_profile
from clustersim.power.spec import ServerSpec, SmoothingProfileSpec
from clustersim.power.waveform import Binner, PowerTables, power_tables
from clustersim.training.network import Network
from clustersim.training.records import Fleet, JitterSpec, StepTiming
from clustersim.training.simulate import rank_slowness, simulate_step
from clustersim.training.timing import step_timing
from clustersim.workload import PlanSpec, build_step_program, load_model

CHIP, MODEL, SEQUENCE = "H100-SXM", "llama3.1-405b", 8192
REPLICAS, BIN_S = 1536, 1e-3
SMOOTHING = SmoothingProfileSpec(kind="gpu_smoothing_profile", percent_tmp_floor="80 %", ramp_down_hysteresis="50 ms")  # type: ignore[arg-type]
"""A hysteresis so short that the floor moves within every step."""


@dataclass(frozen=True)
class LoadTest:
    """The load test, ready to run."""

    timing: StepTiming
    fleet: Fleet
    jitter: JitterSpec
    slow: NDArray[np.float64]
    tables: PowerTables

    @property
    def operations(self) -> int:
        """Operations of one step."""
        return int(self.fleet.unit_class.size * self.timing.schedule.stages * self.timing.schedule.per_stage)

    def waveform(self, duration_s: float, seed: int) -> NDArray[np.float64]:
        """Return `duration_s` of training at 1 ms, every step drawn anew. [W], shape (1, bins)"""
        binner = Binner(self.tables, self.fleet, self.timing.schedule.stages, 1, math.ceil(duration_s / BIN_S), BIN_S)
        start_s, key = 0.0, seed
        while start_s < duration_s:
            trace = simulate_step(self.timing, self.fleet, self.jitter, self.slow, key)
            binner.add_step(trace, start_s)
            start_s += trace.iteration_time_s
            key += 1
        return binner.finish()[0]

    def step(self, seed: int) -> float:
        """Simulate one step and its waveform at 1 ms; return the iteration time. [s]"""
        trace = simulate_step(self.timing, self.fleet, self.jitter, self.slow, seed)
        bins = math.ceil(trace.iteration_time_s / BIN_S)
        binner = Binner(self.tables, self.fleet, self.timing.schedule.stages, 1, bins, BIN_S)
        binner.add_step(trace, 0.0)
        binner.finish()
        return trace.iteration_time_s


def load_test(replicas: int = REPLICAS, damping: tuple[object, ...] = ()) -> LoadTest:
    """Return the load test with its replicas, or a slice of it with fewer, and with damping in the accelerators."""
    chip = catalog.entry("accelerators", CHIP)
    plan = PlanSpec(tensor=8, pipeline=16, data=replicas, micro_batches=32)
    rate = 0.95 * chip.si("nic.bandwidth")
    network = Network(
        resources={
            "scale_up": chip.si("scale_up.bandwidth"),
            "nic": rate,
            "leaf": rate,
            "spine": rate,
        },
        accelerators=(plan.accelerators,),
        scale_up_domain=8,
        leaf=64,
        pod=4096,
        wan_latency_s=0.0,
    )
    program = build_step_program(load_model(MODEL), plan, SEQUENCE, (CHIP,))
    timing = step_timing(program, network)
    fleet = Fleet(np.zeros(replicas, np.int64), np.array([[8.0]]), np.zeros(replicas, np.int64))
    spread = catalog.entry("device_power", "jitter")
    jitter = JitterSpec(spread.si("operation"), spread.si("rank"))
    device = load_device_power(CHIP, ServerSpec(cooling="liquid", accelerators_per_server=8, servers_per_rack=8))
    profile, holds = device_profile(damping, device)
    return LoadTest(
        timing=timing,
        fleet=fleet,
        jitter=jitter,
        slow=rank_slowness(fleet, 16, jitter, np.random.SeedSequence(1)),
        tables=power_tables(timing, fleet, (device,), device_damping(damping), (profile,), holds=holds),
    )


def seconds_per_operation(test: LoadTest) -> float:
    """Return the time that one operation of one step takes to simulate and to bin. [s]"""
    begin = time.perf_counter()
    test.step(1)
    return (time.perf_counter() - begin) / test.operations


if __name__ == "__main__":
    # a slice of the load test, for a process in which the kernels are not compiled (NUMBA_DISABLE_JIT=1)
    with np.errstate(over="ignore"):
        sys.stdout.write(f"{seconds_per_operation(load_test(replicas=2))}\n")
