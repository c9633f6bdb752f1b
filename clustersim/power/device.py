"""Power of an accelerator by activity, and of the server around it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.catalog.records import Entry
from clustersim.errors import InputError
from clustersim.power.spec import ServerSpec
from clustersim.power.supplies import Bound, SupplyCurve, supply_curve
from clustersim.training.records import ACTIVITIES

LEVELS: tuple[str, ...] = (*ACTIVITIES, "blocked", "stall", "context")
"""Levels of an accelerator, those of the activities first. `exchange` and `wait` are of kernels that spin, moving data
or waiting for it; `blocked` is an exchange that the host waits for, without a kernel; `stall` a checkpoint that
training waits for; `context` a process without work; `idle` no process."""
MATRIX = {"bf16": "matrix", "fp8": "matrix.fp8", "fp8_block": "matrix.fp8"}
"""Figures of the matrix level whose name is not ``matrix.`` and the precision."""

BANDS: tuple[str, ...] = (*LEVELS, "rest", "fans", "supply", "time_constant")
"""What `load_device_power` can take from an end of its band."""
LIMIT = "tdp.limit_default"
"""Default power limit of an accelerator where it is not the rated power of the data sheet."""


@dataclass(frozen=True)
class DevicePower:
    """Levels of one kind of accelerator. [W]"""

    name: str
    rated_w: float
    """Rated power of the accelerator (TDP). [W]"""
    level_w: NDArray[np.float64]
    """In the order of :data:`LEVELS`; shape (levels,)."""
    time_constant_s: float
    rest_w: float
    """Rest of the server per accelerator, DC side of the power supply. [W]"""
    supply: SupplyCurve
    supply_w: float
    """Rated output of the supplies that carry the server, per accelerator. [W]"""
    fan_share: float
    """Server fans as a share of the server's other power. [-]"""
    provisioned_w: float
    """Nameplate of the server per accelerator. [W]"""
    excess_w: float
    """Highest power for moments, its limit at the rated power (the peak-current limit, EDP). [W]"""
    excess_s: float
    """How long power may be above the limit. [s]"""
    overshoot_share: float
    """Part of the way from a lowered limit to its free level that a burst still reaches. [-]"""

    @property
    def idle_w(self) -> float:
        """Of an accelerator without work. [W]"""
        return self.level("idle")

    def level(self, name: str) -> float:
        """Return the level called `name`, one of :data:`LEVELS`. [W]"""
        return float(self.level_w[LEVELS.index(name)])

    def behind_supplies_w(self, accelerator_w: NDArray[np.float64] | float, count: float) -> NDArray[np.float64]:
        """Power at the output of the supplies of `count` accelerators that draw `accelerator_w` together. [W]

        ``(P + count rest) (1 + fans)``
        """
        return np.asarray((accelerator_w + count * self.rest_w) * (1.0 + self.fan_share))

    def server_w(self, accelerator_w: NDArray[np.float64] | float, count: float) -> NDArray[np.float64]:
        """Power at the input of the supplies of `count` accelerators that draw `accelerator_w` together. [W]"""
        return self.supply.input_w(self.behind_supplies_w(accelerator_w, count), count * self.supply_w)


def load_device_power(
    accelerator: str,
    servers: ServerSpec,
    variant: str | None = None,
    precision: str = "bf16",
    bounds: dict[str, Bound] | None = None,
) -> DevicePower:
    """Return the power of `accelerator`, or of the named `variant` of the catalog kind `device_power`.

    Parameters
    ----------
    accelerator : str
        Name or alias in the catalog.
    servers : ServerSpec
        What surrounds it.
    variant : str, optional
        Another entry of the kind `device_power`.
    precision : str
        Of the matrix products.
    bounds : dict of str to {"low", "high"}, optional
        Levels, or others of :data:`BANDS`, of which the end of the band is taken, not the value.

    Raises
    ------
    CatalogError
        If there is no such entry, or it has no figure of the precision.
    InputError
        If `bounds` names what has no band.
    """
    ends = bounds or {}
    unknown = sorted(set(ends) - set(BANDS))
    if unknown:
        raise InputError(f"bounds: expected some of {', '.join(BANDS)}, found {', '.join(unknown)}")
    chip = catalog.entry("accelerators", accelerator)
    entry = catalog.entry("device_power", variant or chip.name)
    common = catalog.entry("device_power", "servers")
    excess = catalog.entry("device_power", "excess")
    rated = rated_power_w(chip, entry)
    if entry.has("nameplate"):
        provisioned = entry.si("nameplate")
    else:
        provisioned = chip.si("server.nameplate") / chip.si("server.accelerators")
    names = [matrix_figure(precision), *LEVELS[1:]]
    shares = [_end(entry, name, ends.get(level)) for name, level in zip(names, LEVELS, strict=True)]
    carrying = entry.si("supplies.needed") if servers.supplies == "standby" else 1.0
    return DevicePower(
        name=chip.name,
        rated_w=rated,
        level_w=rated * np.array(shares),
        time_constant_s=_end(entry, "time_constant", ends.get("time_constant")),
        rest_w=_end(entry, "rest", ends.get("rest")) + servers.nic_extra,
        supply=supply_curve(entry.properties["supplies"], ends.get("supply", "value")),
        supply_w=entry.si("supplies.capacity") * carrying,
        # the pod and rack figures of a nameplate entry hold the cooling of the boards already
        fan_share=0.0 if entry.has("nameplate") else _end(common, f"fans.{servers.cooling}", ends.get("fans")),
        provisioned_w=provisioned,
        excess_w=rated * entry.si("excess.peak"),
        excess_s=excess.si("duration"),
        overshoot_share=excess.si("overshoot"),
    )


def rated_power_w(chip: Entry, entry: Entry) -> float:
    """Return the power of which the levels in `entry`, of kind `device_power`, are shares. [W]"""
    return entry.si("peak") if entry.has("peak") else chip.si(LIMIT if chip.has(LIMIT) else "tdp")


def matrix_figure(precision: str) -> str:
    """Return the name of the catalog's figure for matrix products at `precision`."""
    return MATRIX.get(precision, f"matrix.{precision}")


def _end(entry: Entry, name: str, bound: Bound | None) -> float:
    """Return the value of a figure, or an end of its band."""
    return float(getattr(entry.figure(name), bound or "value"))


def burst_peak_w(device: DevicePower, limit_w: float, burst_s: float, pause_s: float = np.inf) -> float:
    """Return the highest power in a burst of full load out of idle, under a power limit. [W]

    Parameters
    ----------
    device : DevicePower
        Gives the free level D, the highest of its levels, idle power, time constant tau and overshoot k.
    limit_w : float
        Power limit L. [W]
    burst_s : float
        Length of the burst. [s]
    pause_s : float
        Idle time between bursts that follow each other for long; one burst alone when infinite. [s]

    Notes
    -----
    The limit acts on a mean over more than the burst, so that the burst runs at ``L + k (D - L)``, or at D when that is
    below the limit; the electrical lag is that of the waveform:
    ``idle + (level - idle) (1 - exp(-t / tau)) / (1 - exp(-(t + pause) / tau))``.
    """
    free = float(device.level_w.max())
    level = free if free <= limit_w else limit_w + device.overshoot_share * (free - limit_w)
    tau = device.time_constant_s
    reached = np.expm1(-burst_s / tau) / np.expm1(-(burst_s + pause_s) / tau)
    return device.idle_w + (level - device.idle_w) * float(reached)
