"""The same job without damping: what damping costs in energy and throughput is measured against it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.power.rank_kernels import ENERGY, OTHER
from clustersim.power.sharing import DeviceSharing, device_sharing
from clustersim.power.smoothing import damps_devices
from clustersim.power.waveform import Binner, PowerTables
from clustersim.study.exchange_damping import changes_exchange
from clustersim.study.horizon import steady_load_w
from clustersim.study.it_power import EVENT_DT_S, Pool, tables
from clustersim.study.shared import shared
from clustersim.study.site.power import site_it_w
from clustersim.study.step import StepStudy, unlimited_program
from clustersim.training.simulate import balanced, simulate_step
from clustersim.training.timing import step_timing

STEPS = 16
"""Steps that are compared, the same random numbers with and without damping."""


@dataclass(frozen=True)
class Baseline:
    """Steady training without damping, and what damping in the devices and in the step adds."""

    iteration_time_s: float
    """Without damping. [s]"""
    damped_iteration_time_s: float
    meter_w: float
    """Mean at all meters without damping. [W]"""
    it_w: float
    device_share: float
    """Extra meter energy per step that the damping inside the devices costs. [-]"""


def undamped(study: StepStudy, pool: Pool) -> Baseline:
    """Return the same plan and seed with damping none, beside the same steps with the scenario's damping."""
    traces = pool.traces[:STEPS]
    plain = step_timing(unlimited_program(study), study.place.network)
    fleet = study.fleet
    if study.plan.balance:
        plain, fleet = balanced(plain, replace(fleet, unit_batches=None))
    quiet = replace(study, timing=plain, fleet=fleet)
    seconds, watts = _means(quiet, len(traces), damped=False)
    it, meter = site_means(study, watts)
    strategies = study.scenario.damping
    in_devices = damps_devices(strategies, study.place.power) or device_sharing(strategies) != DeviceSharing()
    if not in_devices and not changes_exchange(strategies):
        return Baseline(seconds, seconds, meter, it, 0.0)
    damped_s, damped_watts = _means(study, len(traces), damped=True)
    _, damped_meter = site_means(study, damped_watts)
    return Baseline(seconds, damped_s, meter, it, damped_meter * damped_s / (meter * seconds) - 1.0)


def _means(study: StepStudy, count: int, *, damped: bool) -> tuple[float, NDArray[np.float64]]:
    """Return the mean iteration time and the mean accelerator power of every hall, steps in a row. [s], [W]"""
    table = tables(study, damped=damped)
    of_step = (study.timing, study.fleet, study.jitter, study.slow, study.keys[:count])
    return shared("means", lambda: _binned(study, table, count), count, table, *of_step, len(study.place.nodes))


def _binned(study: StepStudy, table: PowerTables, count: int) -> tuple[float, NDArray[np.float64]]:
    halls = len(study.place.nodes)
    binner = Binner(table, study.fleet, study.plan.pipeline, halls, 1, EVENT_DT_S)
    seconds = 0.0
    for index in range(count):
        trace = simulate_step(study.timing, study.fleet, study.jitter, study.slow, int(study.keys[index]))
        binner.add_step(trace, seconds)
        seconds += trace.iteration_time_s
    # what another job uses is no cost of damping
    return seconds / count, (binner.energy[:, ENERGY] - binner.energy[:, OTHER]) / seconds


def site_means(study: StepStudy, hall_w: NDArray[np.float64]) -> tuple[float, float]:
    """Return IT power and meter power of all sites at constant accelerator power of the halls. [W], [W]"""
    it = site_it_w(study, hall_w)
    return sum(it.values()), sum(steady_load_w(study, site, watts) for site, watts in it.items())
