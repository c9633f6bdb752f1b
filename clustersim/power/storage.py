"""The site battery that smooths the meter."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.power import kernels

STEP_S = 1e-3
"""Integration step of the controller. [s]"""


@dataclass(frozen=True)
class Storage:
    """A battery as its controller sees it."""

    power_w: float
    energy_j: float
    round_trip: float
    """Energy out over energy in. [-]"""
    latency_s: float
    lag_s: float
    filter_s: float
    """Time constant of the low-pass that the meter follows. [s]"""
    charge: float
    """State of charge at the start. [-]"""


@dataclass(frozen=True)
class StorageTrace:
    """What the battery did; powers are bin means at its terminals, positive when it discharges."""

    battery_w: NDArray[np.float64]
    stored_j: NDArray[np.float64]
    """Stored energy at the end of each bin. [J]"""
    initial_j: float
    loss_j: float
    throughput_j: float
    """Energy that went through the terminals in either direction. [J]"""


def site_storage(type_name: str, power_w: float, energy_j: float, charge: float, filter_s: float) -> Storage:
    """Return a battery with the response and efficiency of the catalog's `type_name`.

    Raises
    ------
    CatalogError
        If there is no such battery.
    """
    entry = catalog.entry("batteries", type_name)
    return Storage(
        power_w=power_w,
        energy_j=energy_j,
        round_trip=entry.si("round_trip_efficiency"),
        latency_s=entry.si("response.latency"),
        lag_s=entry.si("response.time_constant"),
        filter_s=filter_s,
        charge=charge,
    )


def smooth(load_w: NDArray[np.float64], dt_s: float, storage: Storage, initial_w: float | None = None) -> StorageTrace:
    """Let the battery hold the meter on a low-pass of the load.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load, piecewise constant over bins. [W]
    dt_s : float
        Width of a bin, a multiple of 1 ms. [s]
    storage : Storage
        The battery.
    initial_w : float, optional
        Where the low-pass starts; the mean load when absent. [W]

    Notes
    -----
    ``meter = load - battery`` and, with the losses split evenly between charge and discharge (one-way efficiency
    ``sqrt(round trip)``), ``charged = discharged + loss + change of stored energy`` exactly. The controller also brings
    the charge back to its start over :data:`catalog` figure ``battery.recharge`` of kind `device_power`.
    """
    per_bin = max(1, round(dt_s / STEP_S))
    step = dt_s / per_bin
    fine = load_w if per_bin == 1 else np.repeat(load_w, per_bin)
    out, stored = np.empty_like(fine), np.empty_like(fine)
    start = storage.charge * storage.energy_j
    recharge = catalog.entry("device_power", "damping").si("battery.recharge")
    lost = kernels.battery_follow(
        fine,
        float(load_w.mean()) if initial_w is None else initial_w,
        step,
        storage.filter_s,
        round(storage.latency_s / step),
        storage.lag_s,
        storage.power_w,
        storage.energy_j,
        start,
        float(np.sqrt(storage.round_trip)),
        1.0 / recharge,
        out,
        stored,
    )
    return StorageTrace(
        battery_w=out if per_bin == 1 else out.reshape(-1, per_bin).mean(axis=1),
        stored_j=stored[per_bin - 1 :: per_bin].copy(),
        initial_j=start,
        loss_j=float(lost),
        throughput_j=float(np.abs(out).sum() * step),
    )
