"""Stores of energy behind a low-pass: power supplies, racks, supercapacitor with battery, and the site battery."""

from __future__ import annotations

from dataclasses import dataclass
from math import expm1, pi, sqrt

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.power import storage, store_kernels
from clustersim.power.damped import Damped, Floats, Level, Report, Store, shape
from clustersim.power.spec import HybridStorage, PsuStorage, RackStorage


@dataclass(frozen=True)
class StoreElement:
    """A store that makes what is above it see a first-order low-pass of its load."""

    name: str
    level: Level
    power_w: float
    """Most that it gives or takes at its terminals; infinite when only the energy limits it. [W]"""
    energy_j: float
    """Usable energy. [J]"""
    time_constant_s: float
    """Of the low-pass. [s]"""
    round_trip: float = 1.0
    """Energy out over energy in, split evenly between the two ways. [-]"""
    state_of_charge: float = 0.5
    """At the start, and to which the controller returns, share of the energy. [-]"""
    recharge_s: float = np.inf
    """Time constant of that return; infinite: the charge is not controlled. [s]"""
    initial_w: float | None = None
    """Where the low-pass starts; the mean of the load when absent. [W]"""

    def __post_init__(self) -> None:
        """Check the figures.

        Raises
        ------
        ValueError
            If one of them is out of range.
        """
        if self.power_w < 0.0 or self.energy_j < 0.0 or self.time_constant_s <= 0.0 or self.recharge_s <= 0.0:
            raise ValueError(f"{self.name}: expected power and energy of 0 or more and time constants above 0 s")
        if not (0.0 < self.round_trip <= 1.0 and 0.0 <= self.state_of_charge <= 1.0):
            raise ValueError(f"{self.name}: expected a round trip within 0 to 1 and a state of charge from 0 to 1")

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the waveform behind the store, `power_w` taken as constant over each bin.

        Notes
        -----
        With x the load, y its low-pass and e the stored energy::

            tau y' = x - y,   s = clip((e - e0) / recharge, y - high, y - low),   u = x - y + s
            b = clip(u, -P, P) while 0 < e < E,   e' = -b / eta (giving) or -b eta (taking),   out = x - b

        with ``eta = sqrt(round trip)``, low and high the least and most of the load so far and of the low-pass's start.
        Exact within a bin but for s, the return of the charge: its mean over the bin, ``(e - e0) (1 - exp(-dt /
        recharge)) / dt``, is held over it. ``out = in + loss + change of e`` exactly.

        The return keeps within what the load has shown: y - s is within low to high, out is between x and y - s at
        every instant whatever power and energy allow, so that out is within low to high, and the swing behind the store
        is never above that of the load if the low-pass starts within it. Without this bound a charge that comes back
        makes out pass the load by about tau / recharge of every step, since what was given must be drawn above it. The
        price is that the charge does not come back while the load stays at its own extreme.
        """
        start = float(power_w.mean()) if self.initial_w is None else self.initial_w
        out, stored, totals = np.empty(power_w.size), np.empty(power_w.size), np.zeros(4)
        initial = self.state_of_charge * self.energy_j
        store_kernels.follow(
            np.ascontiguousarray(power_w, dtype=np.float64),
            dt_s,
            self.time_constant_s,
            self.power_w,
            self.energy_j,
            initial,
            initial,
            -expm1(-dt_s / self.recharge_s) / dt_s,
            sqrt(self.round_trip),
            start,
            out,
            stored,
            totals,
        )
        charged, discharged, loss, missed = totals.tolist()
        store = Store(self.name, self.energy_j, initial, stored, charged, discharged, loss)
        return _damped(self.name, self.level, power_w, out, dt_s, (store,), missed)


@dataclass(frozen=True)
class HybridElement:
    """A supercapacitor that follows the quick part of a load and a battery that follows the rest."""

    capacitor: StoreElement
    battery: StoreElement
    name: str = "hybrid_storage"

    @property
    def level(self) -> Level:
        """Where the battery acts."""
        return self.battery.level

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the waveform behind both.

        The capacitor leaves a low-pass of the load with ``tau = 1 / (2 pi f)``, f the split; the battery makes its own
        low-pass of that. The battery sees bin means, exact in energy.
        """
        first = self.capacitor.apply(power_w, dt_s)
        second = self.battery.apply(first.power_w, dt_s)
        stores = first.report.stores + second.report.stores
        missed = first.report.missed_j + second.report.missed_j
        return _damped(self.name, self.level, power_w, second.power_w, dt_s, stores, missed)


@dataclass(frozen=True)
class SiteBatteryElement:
    """The site battery under its sampled controller (:mod:`clustersim.power.storage`), with its delay and lag."""

    storage: storage.Storage
    initial_w: float | None = None
    name: str = "site_battery"
    level: Level = "site"

    def apply(self, power_w: Floats, dt_s: float) -> Damped:
        """Return the meter's waveform.

        What the battery missed is what its power and its band of charge kept it from; what its delay and lag leave on
        the meter is not in it.
        """
        trace = storage.smooth(power_w, dt_s, self.storage, self.initial_w)
        given = float(np.sum(trace.battery_w)) * dt_s
        through = trace.throughput_j
        store = Store(
            self.name,
            self.storage.energy_j,
            trace.initial_j,
            trace.stored_j,
            0.5 * (through - given),
            0.5 * (through + given),
            trace.loss_j,
        )
        out = power_w - trace.battery_w
        return _damped(self.name, self.level, power_w, out, dt_s, (store,), trace.short_j)


def psu_storage(spec: PsuStorage, accelerators: float, initial_w: float | None = None) -> StoreElement:
    """Return the capacitors in the supplies of servers with so many accelerators in all.

    Half full at the start; their power is not limited, their energy is. Figures: `batteries`, entry `psu_capacitor`.

    Raises
    ------
    InputError
        If the time constant is longer than the return of the charge.
    """
    entry = catalog.entry("batteries", "psu_capacitor")
    energy = spec.energy_per_accelerator
    tau = entry.si("response.time_constant") if spec.time_constant is None else spec.time_constant
    recharge = entry.si("recharge")
    if tau > recharge:
        raise InputError(
            f"damping: psu_storage.time_constant: expected at most {recharge:.4g} s, the time constant with which its "
            f"charge returns, found {tau:.4g} s"
        )
    return StoreElement(
        name=spec.kind,
        level="node",
        power_w=np.inf,
        energy_j=accelerators * (entry.si("energy_per_accelerator") if energy is None else energy),
        time_constant_s=tau,
        round_trip=entry.si("round_trip_efficiency"),
        recharge_s=recharge,
        initial_w=initial_w,
    )


def rack_storage(spec: RackStorage, accelerators: float, initial_w: float | None = None) -> StoreElement:
    """Return the storage of racks with so many accelerators in all.

    Raises
    ------
    CatalogError
        If there is no such type, or it has no efficiency.
    InputError
        If the charge is to return faster than the racks smooth.
    """
    entry = catalog.entry("batteries", spec.type)
    recharge = catalog.entry("device_power", "damping").si("battery.recharge")
    if spec.recharge is not None and spec.recharge < spec.time_constant:
        raise InputError(
            f"damping: rack_storage.recharge: expected at least the time constant, {spec.time_constant:.4g} s, found "
            f"{spec.recharge:.4g} s; a charge that returns faster undoes the smoothing"
        )
    return StoreElement(
        name=spec.kind,
        level="rack",
        power_w=accelerators * spec.power_per_accelerator,
        energy_j=accelerators * spec.energy_per_accelerator,
        time_constant_s=spec.time_constant,
        round_trip=entry.si("round_trip_efficiency"),
        state_of_charge=spec.state_of_charge,
        recharge_s=recharge if spec.recharge is None else spec.recharge,
        initial_w=initial_w,
    )


CELLS: dict[str, str] = {"rack": "rack_battery", "site": "megapack_2xl"}
"""Catalog entry that gives the efficiency of a hybrid's battery, by where it stands."""


def hybrid_storage(spec: HybridStorage, units: float = 1.0, initial_w: float | None = None) -> HybridElement:
    """Return so many hybrids side by side; efficiencies of the catalog's capacitor shelf and of :data:`CELLS`.

    Parameters
    ----------
    spec : HybridStorage
        Sizes of one.
    units : float, optional
        How many sites or racks there are behind the waveform.
    initial_w : float, optional
        Power at which both had settled before; the mean of what each sees when absent. [W]
    """
    recharge = catalog.entry("device_power", "damping").si("battery.recharge")
    shelf = catalog.entry("batteries", "lithium_capacitor_shelf").si("round_trip_efficiency")
    cells = catalog.entry("batteries", CELLS[spec.at]).si("round_trip_efficiency")
    tau = 1.0 / (2.0 * pi * spec.split)

    def part(name: str, power_w: float, energy_j: float, tau_s: float, round_trip: float) -> StoreElement:
        return StoreElement(
            f"hybrid_{name}",
            spec.at,
            units * power_w,
            units * energy_j,
            tau_s,
            round_trip,
            recharge_s=recharge,
            initial_w=initial_w,
        )

    return HybridElement(
        part("capacitor", spec.capacitor_power, spec.capacitor_energy, tau, shelf),
        part("battery", spec.battery_power, spec.battery_energy, spec.time_constant, cells),
    )


def low_pass(power_w: Floats, dt_s: float, tau_s: float, start_w: float | None = None) -> tuple[Floats, Floats]:
    """Return exact bin means of the first-order low-pass of a piecewise-constant load, and its values at bin ends.

    ``tau y' = x - y``, from `start_w`, the mean load when absent. [W], [W]
    """
    start = float(power_w.mean()) if start_w is None else start_w
    mean, last = np.empty(power_w.size), np.empty(power_w.size)
    store_kernels.low_pass(np.ascontiguousarray(power_w, dtype=np.float64), dt_s, tau_s, start, mean, last)
    return mean, last


def flattening_energy_j(power_w: Floats, dt_s: float) -> float:
    """Return the energy of a lossless store that would make the load flat: ``max - min of int (P - mean) dt``. [J]"""
    stored = np.concatenate(([0.0], np.cumsum(power_w - power_w.mean()))) * dt_s
    return float(stored.max() - stored.min())


def rainflow(stored_j: Floats) -> tuple[Floats, Floats]:
    """Return depths [J] and counts (1 or 0.5) of the cycles of a store, by ASTM E1049-85 section 5.4.4.

    The sum of depth x count is half the way that the stored energy went up and down: what rainflow adds to
    :attr:`Store.full_cycles` is how deep the cycles are.
    """
    depth, count = np.empty(stored_j.size + 1), np.empty(stored_j.size + 1)
    used = store_kernels.rainflow(np.ascontiguousarray(stored_j, dtype=np.float64), depth, count)
    return depth[:used], count[:used]


def _damped(
    name: str, level: Level, power_w: Floats, out: Floats, dt_s: float, stores: tuple[Store, ...], missed: float
) -> Damped:
    changes = sum(float(store.stored_j[-1]) - store.initial_j for store in stores)
    report = Report(
        name=name,
        level=level,
        energy_in_j=float(power_w.sum()) * dt_s,
        energy_out_j=float(out.sum()) * dt_s,
        burned_j=0.0,
        loss_j=sum(store.loss_j for store in stores),
        stored_change_j=changes,
        cut_j=0.0,
        missed_j=missed,
        before=shape(power_w, dt_s),
        after=shape(out, dt_s),
        stores=stores,
    )
    return Damped(out, report)
