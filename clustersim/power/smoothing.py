"""GPU power smoothing with the vendor's own fields, exact for piecewise-constant power.

The fields are those of NVML's power-smoothing profile (docs.nvidia.com/deploy/nvml-api, group Power Smoothing); that
reference names them and their units but not the algorithm, which is read off figure 6 of arXiv 2508.14318.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power import smoothing_kernels as kernels
from clustersim.power.damped import Damped, Floats, Report, shape
from clustersim.power.device import DevicePower
from clustersim.power.device_damping import DeviceDamping, device_damping
from clustersim.power.spec import GpuSmoothing, SmoothingProfileSpec


@dataclass(frozen=True)
class SmoothingProfile:
    """One profile of a device, or of many that act together. Powers are absolute."""

    floor_w: float
    """``PERCENT_TMP_FLOOR`` x the device's power. [W]"""
    ceiling_w: float
    """What the device may draw at most, ``EDP`` limit. [W]"""
    ramp_up_w_per_s: float
    ramp_down_w_per_s: float
    hysteresis_s: float = 0.0
    """Time for which power must be below the floor before the floor comes down. [s]"""
    idle_w: float = 0.0
    """From which the floor rises at the start and to which it falls at the end. [W]"""
    secondary_floor_w: float = 0.0
    """``SECONDARY_POWER_FLOOR``: the floor never falls below it. [W]"""
    release_s: float | None = None
    """Time of the record at which the end of the job is known: until then a floor once reached is held. Without it
    the hysteresis alone decides. [s]"""
    level: Literal["rank"] = "rank"
    name: str = "gpu_smoothing_profile"

    def __post_init__(self) -> None:
        """Check that the profile can be held.

        Raises
        ------
        ValueError
            If the levels are not in order idle, floor, ceiling, or a rate is not positive.
        """
        if not 0.0 <= self.low_w <= self.floor_w <= self.ceiling_w:
            raise ValueError(
                f"expected idle and secondary floor <= floor <= ceiling, got {self.low_w:g}, {self.floor_w:g} and "
                f"{self.ceiling_w:g} W"
            )
        if min(self.ramp_up_w_per_s, self.ramp_down_w_per_s) <= 0.0 or self.hysteresis_s < 0.0:
            raise ValueError("expected rates above 0 W/s and a hysteresis of 0 s or more")

    @property
    def low_w(self) -> float:
        """Lowest position of the floor. [W]"""
        return max(self.idle_w, self.secondary_floor_w)

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the waveform behind the profile, `power_w` taken as constant over each bin."""
        return smooth(power_w, dt_s, self)


def smooth(power_w: Floats, dt_s: float, profile: SmoothingProfile) -> Damped:
    """Return the power of devices that act together behind their smoothing profile.

    Parameters
    ----------
    power_w : ndarray, shape (n,)
        Power asked for, constant over each bin. [W]
    dt_s : float
        Width of a bin. [s]
    profile : SmoothingProfile
        The profile of all of them together.

    Notes
    -----
    With x the power asked for and the floor f(t) within ``low ... floor``::

        f' = +up     while f < x, and below the profile's floor
        f' = -down   once x has been below f for the hysteresis
        f' = 0       else; also when f was at the profile's floor once and t < release
        P  = min(max(x, f), f + ceiling - floor)

    f is a straight line between events, so that energies and bin means are exact whatever the bin.
    """
    mean, totals = np.zeros(power_w.size), np.zeros(3)
    low, floor, band, up, down, hold, release = _numbers(profile)
    kernels.smooth_segments(
        dt_s * np.arange(power_w.size + 1, dtype=np.float64),
        np.ascontiguousarray(power_w, dtype=np.float64),
        dt_s,
        low,
        floor,
        band,
        up,
        down,
        hold,
        release,
        low,
        mean,
        totals,
    )
    return _damped(power_w, mean, dt_s, totals, profile)


def smooth_ranks(
    edges_s: list[Floats], power_w: list[Floats], dt_s: float, profiles: list[SmoothingProfile]
) -> tuple[Floats, float, float]:
    """Return summed bin means of ranks that change power at their own times, the energy burned and the energy cut.

    Parameters
    ----------
    edges_s : list of ndarray, shape (changes + 1,)
        By rank: when its power changes, from the common start to the common end. [s]
    power_w : list of ndarray, shape (changes,)
        By rank: the power asked for in between. [W]
    dt_s : float
        Width of the bins; the last partial one is dropped. [s]
    profiles : list of SmoothingProfile
        By rank; hysteresis and release are those of the first.

    Raises
    ------
    ValueError
        If the ranks do not start or end together, or the lengths do not match.
    """
    if len({len(edges_s), len(power_w), len(profiles)}) > 1 or not edges_s:
        raise ValueError("expected edges, powers and a profile for every rank")
    starts, ends = {float(e[0]) for e in edges_s}, {float(e[-1]) for e in edges_s}
    if len(starts) > 1 or len(ends) > 1:
        raise ValueError("expected all ranks to start together and end together")
    if any(e.size != p.size + 1 for e, p in zip(edges_s, power_w, strict=True)):
        raise ValueError("expected one edge more than there are powers")
    if len({(p.hysteresis_s, p.release_s) for p in profiles}) > 1:
        raise ValueError("expected one hysteresis and one release for all ranks")
    low, floor, band, up, down, hold, release = (
        np.array(column) for column in zip(*map(_numbers, profiles), strict=True)
    )
    bins = int((next(iter(ends)) - next(iter(starts))) / dt_s + 1e-9)
    mean, totals = np.zeros(bins), np.zeros(3)
    kernels.smooth_ranks(
        np.concatenate(([0], np.cumsum([p.size for p in power_w]))).astype(np.int64),
        np.concatenate(edges_s),
        np.concatenate(power_w),
        dt_s,
        low,
        floor,
        band,
        up,
        down,
        float(hold[0]),
        float(release[0]),
        mean,
        totals,
    )
    return mean, float(totals[0]), float(totals[1])


def energy_overhead(before: Floats, after: Floats, idle_over_peak: float) -> float:
    """Return by how much energy grows, from two waveforms on a scale from idle (0) to peak (1).

    ``(r + (1 - r) mean(after)) / (r + (1 - r) mean(before)) - 1`` with r the idle power over the peak. [-]
    """
    r = idle_over_peak
    return float((r + (1.0 - r) * after.mean()) / (r + (1.0 - r) * before.mean()) - 1.0)


def profile_of(spec: SmoothingProfileSpec, tmp_w: float, idle_w: float, devices: float = 1.0) -> SmoothingProfile:
    """Return the profile of `devices` of `tmp_w` each (the power of which the floor is a percentage).

    What the specification leaves out is the catalog's (entry `damping` of kind `device_power`).

    Raises
    ------
    ValueError
        If the floor, ceiling, idle and secondary floor cannot hold together.
    """
    figures = catalog.entry("device_power", "damping")
    rate = figures.si("smoothing.ramp") * tmp_w
    ceiling = figures.si("smoothing.ceiling") if spec.ceiling is None else spec.ceiling
    hold = figures.si("smoothing.hysteresis") if spec.ramp_down_hysteresis is None else spec.ramp_down_hysteresis
    return SmoothingProfile(
        floor_w=spec.percent_tmp_floor * tmp_w * devices,
        ceiling_w=ceiling * tmp_w * devices,
        ramp_up_w_per_s=(spec.ramp_up_rate or rate) * devices,
        ramp_down_w_per_s=(spec.ramp_down_rate or rate) * devices,
        hysteresis_s=hold,
        idle_w=idle_w * devices,
        secondary_floor_w=spec.secondary_power_floor * devices,
        release_s=spec.release,
    )


def device_profile(strategies: tuple[object, ...], device: DevicePower) -> tuple[SmoothingProfile | None, bool]:
    """Return the profile that the strategies ask for of one accelerator, and whether a job that runs holds its floor.

    `gpu_smoothing` gives shares of the rated power and holds; `gpu_smoothing_profile` has the vendor's fields and the
    hysteresis alone decides.

    Raises
    ------
    InputError
        If there are two, a time of release is given, or floor, ceiling and idle power cannot hold together.
    """
    found = [s for s in strategies if isinstance(s, (GpuSmoothing, SmoothingProfileSpec))]
    if not found:
        return None, False
    if len(found) > 1:
        raise InputError("damping: expected one power-smoothing profile, found two")
    spec = found[0]
    if isinstance(spec, SmoothingProfileSpec) and spec.release is not None:
        raise InputError(
            "damping: gpu_smoothing_profile: release is a time on a measured trace; in a scenario the hysteresis "
            "decides when a job has ended, or use gpu_smoothing, whose floor is held while the job runs"
        )
    try:
        if isinstance(spec, GpuSmoothing):
            return _plain_profile(spec, device), True
        return profile_of(spec, device.rated_w, device.idle_w), False
    except ValueError as error:
        raise InputError(f"damping: {spec.kind} on {device.name}: {error}") from None


def _plain_profile(spec: GpuSmoothing, device: DevicePower) -> SmoothingProfile:
    """Return the profile of a floor, ramp and hysteresis given as shares of the device's power."""
    figures = catalog.entry("device_power", "damping")
    ramp = (figures.si("smoothing.ramp") if spec.ramp is None else spec.ramp) * device.rated_w
    return SmoothingProfile(
        floor_w=spec.floor * device.rated_w,
        ceiling_w=figures.si("smoothing.ceiling") * device.rated_w,
        ramp_up_w_per_s=ramp,
        ramp_down_w_per_s=ramp,
        hysteresis_s=figures.si("smoothing.hysteresis") if spec.hysteresis is None else spec.hysteresis,
        idle_w=device.idle_w,
    )


def start_lost_s(strategies: tuple[object, ...], device: DevicePower) -> float:
    """Return the training time that the profile's ceiling costs at a start. [s]

    The ceiling begins its distance B to the floor above idle power and rises at the rate R, so that of a power x above
    idle ``(x - B)^2 / (2 R)`` is refused; work goes with power above idle, so that this takes ``(x - B)^2 / (2 R x)``.
    x is that of matrix products, the most that a step asks for.
    """
    profile, _ = device_profile(strategies, device)
    if profile is None:
        return 0.0
    asked = device.level("matrix") - profile.low_w
    refused = max(asked - (profile.ceiling_w - profile.floor_w), 0.0)
    return refused**2 / (2.0 * profile.ramp_up_w_per_s * asked) if asked > 0.0 else 0.0


def damps_devices(strategies: tuple[object, ...], devices: tuple[DevicePower, ...]) -> bool:
    """Whether any of the strategies changes the power of the accelerators themselves."""
    smoothed = any(device_profile(strategies, device)[0] is not None for device in devices)
    return smoothed or device_damping(strategies) != DeviceDamping()


def _numbers(p: SmoothingProfile) -> tuple[float, float, float, float, float, float, float]:
    release = -np.inf if p.release_s is None else p.release_s
    band = p.ceiling_w - p.floor_w
    return p.low_w, p.floor_w, band, p.ramp_up_w_per_s, p.ramp_down_w_per_s, p.hysteresis_s, release


def _damped(
    power_w: Floats, mean: Floats, dt_s: float, totals: NDArray[np.float64], profile: SmoothingProfile
) -> Damped:
    report = Report(
        name=profile.name,
        level=profile.level,
        energy_in_j=float(power_w.sum()) * dt_s,
        energy_out_j=float(mean.sum()) * dt_s,
        burned_j=float(totals[0]),
        loss_j=0.0,
        stored_change_j=0.0,
        cut_j=float(totals[1]),
        missed_j=0.0,
        before=shape(power_w, dt_s),
        after=shape(mean, dt_s),
        active_s=float(totals[2]),
    )
    return Damped(mean, report)
