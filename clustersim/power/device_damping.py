"""Damping that acts inside the accelerators: floors, fills of gaps, power limits."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import catalog
from clustersim.power.spec import DummyCompute, GpuSmoothing, PowerCap


@dataclass(frozen=True)
class DeviceDamping:
    """Damping that acts in the device; zeros, and a cap of 1, mean none."""

    floor_share: float = 0.0
    """Floor while the job runs, share of the rated power."""
    fill_share: float = 0.0
    """Level to which gaps are filled, share of the rated power."""
    detection_s: float = 0.0
    ramp_share_per_s: float = 0.0
    hysteresis_s: float = 0.0
    cap_share: float = 1.0
    """Power limit, share of the rated power."""


def device_damping(strategies: tuple[object, ...]) -> DeviceDamping:
    """Return what the strategies do inside the device, with the catalog's defaults filled in."""
    defaults = catalog.entry("device_power", "damping")
    floor = fill = detection = ramp = hysteresis = 0.0
    cap = power_cap(strategies)
    for strategy in strategies:
        if isinstance(strategy, DummyCompute):
            fill = strategy.floor
            detection = defaults.si("dummy.detection") if strategy.detection is None else strategy.detection
        elif isinstance(strategy, GpuSmoothing):
            floor = strategy.floor
            ramp = defaults.si("smoothing.ramp") if strategy.ramp is None else strategy.ramp
            hysteresis = defaults.si("smoothing.hysteresis") if strategy.hysteresis is None else strategy.hysteresis
    return DeviceDamping(floor, fill, detection, ramp, hysteresis, cap)


def power_cap(strategies: tuple[object, ...]) -> float:
    """Return the lowest power limit of the strategies as a share of the rated power; 1 without any."""
    return min((strategy.limit for strategy in strategies if isinstance(strategy, PowerCap)), default=1.0)


def damping_slowdown(strategies: tuple[object, ...]) -> float:
    """Share by which operations take longer because dummy kernels share the device. [-]"""
    if any(isinstance(strategy, DummyCompute) for strategy in strategies):
        return catalog.entry("device_power", "damping").si("dummy.slowdown")
    return 0.0
