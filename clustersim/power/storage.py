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
    recharge_s: float | None = None
    """Time constant with which the controller brings the charge to `target`; the catalog's when absent. [s]"""
    target: float | None = None
    """State of charge that it holds; that at the start when absent. [-]"""
    lowest: float = 0.0
    """States of charge between which it smooths. [-]"""
    highest: float = 1.0

    def __post_init__(self) -> None:
        """Check the charge.

        Raises
        ------
        ValueError
            If the states of charge are not in order.
        """
        target = self.charge if self.target is None else self.target
        for name, value in (("charge", self.charge), ("target", target)):
            if not 0.0 <= self.lowest <= value <= self.highest <= 1.0:
                raise ValueError(
                    f"expected a {name} between {100 * self.lowest:.4g} % and {100 * self.highest:.4g} %, the band in "
                    f"which the battery smooths; found {100 * value:.4g} %"
                )


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
    short_j: float
    """Asked for and not done, for want of power or charge. [J]"""


def site_storage(
    type_name: str,
    power_w: float,
    energy_j: float,
    charge: float,
    filter_s: float,
    *,
    target: float | None = None,
    lowest: float | None = None,
    highest: float | None = None,
    recharge_s: float | None = None,
) -> Storage:
    """Return a battery with the response and efficiency of the catalog's `type_name`.

    What is None has the catalog's figure (`device_power`, entry `damping`); the target is then the charge at the start.

    Raises
    ------
    CatalogError
        If there is no such battery.
    ValueError
        If charge or target lie outside the band.
    """
    entry = catalog.entry("batteries", type_name)
    control = catalog.entry("device_power", "damping")
    return Storage(
        power_w=power_w,
        energy_j=energy_j,
        round_trip=entry.si("round_trip_efficiency"),
        latency_s=entry.si("response.latency"),
        lag_s=entry.si("response.time_constant"),
        filter_s=filter_s,
        charge=charge,
        recharge_s=recharge_s,
        target=target,
        lowest=control.si("battery.lowest") if lowest is None else lowest,
        highest=control.si("battery.highest") if highest is None else highest,
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
    ``sqrt(round trip)``), ``charged = discharged + loss + change of stored energy`` exactly. The controller asks for
    ``(energy - target) / recharge`` besides, and stops at the ends of the band.
    """
    per_bin = max(1, round(dt_s / STEP_S))
    step = dt_s / per_bin
    fine = load_w if per_bin == 1 else np.repeat(load_w, per_bin)
    out, stored = np.empty_like(fine), np.empty_like(fine)
    start = storage.charge * storage.energy_j
    target = storage.charge if storage.target is None else storage.target
    recharge = storage.recharge_s or catalog.entry("device_power", "damping").si("battery.recharge")
    lost, short = kernels.battery_follow(
        fine,
        float(load_w.mean()) if initial_w is None else initial_w,
        step,
        storage.filter_s,
        round(storage.latency_s / step),
        storage.lag_s,
        storage.power_w,
        storage.lowest * storage.energy_j,
        storage.highest * storage.energy_j,
        start,
        target * storage.energy_j,
        1.0 / recharge,
        float(np.sqrt(storage.round_trip)),
        out,
        stored,
    )
    return StorageTrace(
        battery_w=out if per_bin == 1 else out.reshape(-1, per_bin).mean(axis=1),
        stored_j=stored[per_bin - 1 :: per_bin].copy(),
        initial_j=start,
        loss_j=float(lost),
        throughput_j=float(np.abs(out).sum() * step),
        short_j=float(short),
    )
