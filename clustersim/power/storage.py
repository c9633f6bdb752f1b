"""The site battery that smooths the meter."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power.battery_kernels import battery_follow
from clustersim.power.run_in import before_window
from clustersim.power.spec import SiteBattery

STEP_S = 1e-3
"""Integration step of the controller. [s]"""
USUAL_STEPS, MOST_STEPS = 100_000_000, 1_000_000_000
"""Steps up to which they keep that length, and the most that are made: about 2 s and 20 s of one core. [-]"""
RUN_IN_LAGS = 10.0
"""Delays and lags that the controller runs in before a window, on a load that leads up to it. [-]"""
STEPS_PER_LAG = 10
"""Longer steps are a tenth of the battery's lag, or this one where that is shorter. [-]"""


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
    lead_s: float | None = None
    """Time constant to which the controller shortens the lag by leading it; the catalog's when absent. [s]"""

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


def asked_storage(
    spec: SiteBattery, type_name: str, power_w: float, energy_j: float, charge: float, where: str
) -> Storage:
    """Return a battery that smooths as a record of damping asks.

    Raises
    ------
    CatalogError
        If there is no such battery.
    InputError
        Beginning with `where`, if its charge at the start or its target lie outside the band in which it smooths.
    """
    try:
        return site_storage(
            type_name,
            power_w,
            energy_j,
            charge,
            spec.time_constant,
            target=spec.target,
            lowest=spec.lowest,
            highest=spec.highest,
            recharge_s=spec.recharge,
        )
    except ValueError as error:
        raise InputError(f"{where}: {error}") from None


def smooth(load_w: NDArray[np.float64], dt_s: float, storage: Storage, initial_w: float | None = None) -> StorageTrace:
    """Let the battery hold the meter on a low-pass of the load.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load, piecewise constant over bins. [W]
    dt_s : float
        Width of a bin. [s]
    storage : Storage
        The battery.
    initial_w : float, optional
        Where the low-pass starts; the mean load when absent. [W]

    Raises
    ------
    InputError
        As of :func:`steps_per_bin`.

    Notes
    -----
    ``meter = load - battery`` and, with the losses split evenly between charge and discharge (one-way efficiency
    ``sqrt(round trip)``), ``charged = discharged + loss + change of stored energy`` exactly. The controller asks for
    ``(energy - target) / recharge`` besides, and stops at the ends of the band. It knows the converter's lag and leads
    it: the power follows with the time constant ``lead_s``, as long as the lead asks for no more than the rated power.
    What the delay leaves cannot be led: after a change of the load the meter is off by what the load changed by within
    it. Delay and lag run in on a load that leads up to the window (:func:`.run_in.before_window`).
    """
    per_bin = steps_per_bin(load_w.size, dt_s, storage.lag_s)
    step = dt_s / per_bin
    out, stored = np.empty_like(load_w), np.empty_like(load_w)
    start = storage.charge * storage.energy_j
    target = storage.charge if storage.target is None else storage.target
    control = catalog.entry("device_power", "damping")
    recharge = storage.recharge_s or control.si("battery.recharge")
    span = max(1, math.ceil(RUN_IN_LAGS * (storage.latency_s + storage.lag_s) / dt_s - 1e-9))
    lost, through, short = battery_follow(
        np.concatenate((before_window(load_w, span, span), load_w)),
        span,
        per_bin,
        float(load_w.mean()) if initial_w is None else initial_w,
        step,
        storage.filter_s,
        round(storage.latency_s / step),
        storage.lag_s,
        control.si("battery.lead") if storage.lead_s is None else storage.lead_s,
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
        battery_w=out,
        stored_j=stored,
        initial_j=start,
        loss_j=float(lost),
        throughput_j=float(through),
        short_j=float(short),
    )


def steps_per_bin(bins: int, dt_s: float, lag_s: float) -> int:
    """Return in how many steps the controller goes through a bin.

    Of 1 ms each; in records of more than :data:`USUAL_STEPS` of a tenth of the lag, where that is longer.

    Raises
    ------
    InputError
        If they are still too many.
    """
    per_bin = max(1, round(dt_s / STEP_S))
    if bins * per_bin <= USUAL_STEPS:
        return per_bin
    step = max(STEP_S, lag_s / STEPS_PER_LAG)
    per_bin = max(1, math.ceil(dt_s / step * (1.0 - 1e-9)))
    if bins * per_bin > MOST_STEPS:
        raise InputError(
            f"site_battery: expected a record of at most {MOST_STEPS * step / 86400.0:.3g} days for a battery with a "
            f"lag of {lag_s * 1e3:.3g} ms, whose controller takes steps of {step * 1e3:.3g} ms; got "
            f"{bins * dt_s / 86400.0:.4g} days: cut the record, or leave out the battery"
        )
    return per_bin
