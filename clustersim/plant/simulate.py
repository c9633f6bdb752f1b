"""The answer of a site's plant to a window of load: beside the grid or as an island."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.errors import InputError
from clustersim.plant import bus_kernels as b
from clustersim.plant.bus import BusTrace, Event, initial_rocof, run_bus
from clustersim.plant.dispatch import (
    Dispatch,
    beside_grid,
    generator_rating_w,
    island,
    load_acceptance_w,
    machine_loss_w,
)
from clustersim.plant.fuel import minimum_load
from clustersim.plant.load_step import largest_step
from clustersim.plant.records import PlantEvent, PlantResponse
from clustersim.plant.spec import Mode, SitePlantSpec
from clustersim.plant.voltage import site_voltage

WARM_UP_S = 60.0
"""Run-in of a window without a load before it; governors settle in 10 s, the interconnection in a minute. [s]"""


def simulate_plant(
    spec: SitePlantSpec,
    site: str,
    window: str,
    load_w: ArrayLike,
    reactive_var: ArrayLike,
    dt_s: float,
    t0_s: float,
    mode: Mode,
    initial_load_w: float | None = None,
    *,
    runs_in: bool = False,
    event_s: float = math.inf,
    reserved_w: float = 0.0,
    neighbours_w: ArrayLike | None = None,
    inertia_scale: float = 1.0,
    events: tuple[PlantEvent, ...] = (),
    trial: bool = False,
) -> PlantResponse:
    """Answer of one site's plant to a window of load.

    Parameters
    ----------
    spec : SitePlantSpec
        Electrical plant of the site.
    site, window : str
        Names that the response carries.
    load_w, reactive_var : array_like, shape (n,)
        Active and reactive power of the site, mean of each bin; the load is piecewise constant. [W], [var]
    dt_s : float
        Length of a bin; integration steps are 1 ms or shorter. [s]
    t0_s : float
        Start of the window. [s]
    mode : {"grid_parallel", "island"}
        Beside the grid the on-site generators give constant power and only their inertia answers; in an island they
        hold the frequency, with the battery, and the voltage regulators are taken to hold 1 pu.
    initial_load_w : float, optional
        Load at which the plant is in equilibrium before the window. When absent, the plant is dispatched for the mean
        of `load_w`, and runs in for a minute on a load that leads up to the window. [W]
    runs_in : bool, optional
        Whether the plant runs in so although the load before is stated: the window begins in a load that varies about
        that. Without a stated load it always does.
    event_s : float, optional
        When something happens to the load in the window: what leads up to the window is sought in what stands before
        it. [s]
    reserved_w : float, optional
        Power of the battery that other duties take, such as smoothing. [W]
    neighbours_w : array_like, shape (n,), optional
        Beside the grid: by how much other sites on the same interconnection draw more than before the window; they
        move the common frequency. [W]
    inertia_scale : float, optional
        Factor on the inertia of the interconnection and of every machine. [-]
    events : tuple of PlantEvent, optional
        What happens to the plant in the window of an island: units or the battery are lost, a set point moves.
    trial : bool, optional
        Whether the island is only tried beside another mode: unstable governors are then told in `warnings`.

    Returns
    -------
    PlantResponse
        Frequency, voltage and state of charge at the start of each bin, powers as bin means; grid + generators +
        battery (and flywheels) = load + losses of condensers and flywheels in every bin. Limits of sources, voltage
        collapse and a frequency out of range are recorded in `warnings`.

    Raises
    ------
    InputError
        If the mode needs a grid or generators that the site lacks, or a figure is not in the catalog.
    ValueError
        If the arrays are empty, differ in length or hold a value that is not finite.
    """
    load, reactive = _checked(load_w, reactive_var)
    before = float(load.mean()) if initial_load_w is None else initial_load_w
    if mode == "island":
        plan = island(spec, site, before, reserved_w, inertia_scale, trial=trial)
    else:
        plan = beside_grid(spec, site, before, reserved_w, inertia_scale)
    warm = WARM_UP_S if runs_in or initial_load_w is None else 0.0
    on_bus = load if neighbours_w is None else load + np.asarray(neighbours_w, dtype=np.float64)
    lost = machine_loss_w(spec)
    net = on_bus + lost - plan.generator_w
    happens = _events(spec, site, mode, events, t0_s, load.size * dt_s)
    trace = run_bus(plan.bus, net, dt_s, warm, happens, event_s=event_s)
    if trace.valid == 0:
        # Sources that cannot hold the load have no settled state: show the collapse from the start of the window.
        trace = run_bus(plan.bus, net, dt_s, 0.0, happens)
    battery_w = trace.storage_w.sum(axis=0)
    step = largest_step(on_bus, dt_s, initial_load_w)
    said = [*plan.warnings, *_bus_warnings(plan, trace, dt_s, t0_s)]
    if mode == "island":
        generator, grid = load + lost - battery_w, np.zeros_like(load)
        voltage = np.ones_like(load)
        left = _left(plan, trace, happens, dt_s)
        said += _turbine_warnings(spec, trace, left, step)
        said += [f"{name} tripped at t = {t0_s + time:.4g} s by its trip curve" for name, time in trace.tripped.items()]
    else:
        generator = np.full_like(load, plan.generator_w)
        grid = load + lost - generator - battery_w
        voltage, remarks = _grid_voltage(spec, grid, reactive)
        said += remarks
    return PlantResponse(
        site=site,
        window=window,
        mode=mode,
        t0_s=t0_s,
        dt_s=dt_s,
        load_w=load,
        frequency_hz=trace.frequency_hz,
        voltage_pu=voltage,
        grid_w=grid,
        generator_w=generator,
        battery_w=battery_w,
        state_of_charge=np.zeros_like(load) if plan.battery is None else trace.charge[0],
        initial_rocof_hz_per_s=initial_rocof(plan.bus, step),
        warnings=tuple(said),
        group_w=_group_power(plan, trace, generator, left) if mode == "island" else (),
        machine_loss_w=lost,
    )


def _events(
    spec: SitePlantSpec, site: str, mode: Mode, events: tuple[PlantEvent, ...], t0_s: float, length_s: float
) -> tuple[Event, ...]:
    """Return the events as the bus takes them.

    Raises
    ------
    InputError
        If an event names a group or battery that the site lacks or lies outside of the window, or the site is not an
        island.
    """
    found = []
    left = [units.count for units in spec.generators]
    for event in sorted(events, key=lambda e: e.time_s):
        if mode != "island":
            raise InputError(f"electrical.{site}: events on machines need mode island, got {mode}")
        at = event.time_s - t0_s
        if not 0.0 <= at < length_s:
            raise InputError(
                f"electrical.{site}: {event.kind}: expected a time within the window from {t0_s:g} to "
                f"{t0_s + length_s:g} s, got {event.time_s:g} s"
            )
        if event.kind == "battery_trip":
            if spec.battery is None:
                raise InputError(f"electrical.{site}: battery_trip: the site has no battery")
            found.append(Event(at, b.STORE_TRIP, 0))
            continue
        if not 0 <= event.group < len(left):
            raise InputError(
                f"electrical.{site}: {event.kind}: expected a group from 0 to {len(left) - 1}, got {event.group}"
            )
        if event.kind == "set_point":
            rating = generator_rating_w(spec.generators[event.group])
            found.append(Event(at, b.SET, event.group, event.power_w / rating))
            continue
        if not 0 < event.units <= left[event.group]:
            raise InputError(
                f"electrical.{site}: unit_trip: expected 1 to {left[event.group]} units of group {event.group}, "
                f"got {event.units}"
            )
        share = (left[event.group] - event.units) / left[event.group]
        left[event.group] -= event.units
        found.append(Event(at, b.TRIP, event.group, share))
    return tuple(found)


def _left(plan: Dispatch, trace: BusTrace, events: tuple[Event, ...], dt_s: float) -> NDArray[np.float64]:
    """Share of each group that is on the bus at the start of each bin, shape (groups, n)."""
    left = np.ones_like(trace.mechanical_w)
    starts = np.arange(left.shape[1]) * dt_s
    for event in events:
        if event.kind == b.TRIP:
            left[event.which, starts >= event.time_s - 1e-9] *= event.value
    for g, group in enumerate(plan.bus.groups):
        left[g, starts >= trace.tripped.get(group.name, np.inf) - 1e-9] = 0.0
    return left


def _group_power(
    plan: Dispatch, trace: BusTrace, generator_w: NDArray[np.float64], left: NDArray[np.float64]
) -> tuple[NDArray[np.float64], ...]:
    """Electrical power of each group: mechanical, and by its share of the inertia what the rotors give. [W]"""
    inertia = left * np.array([[group.inertia_ws] for group in plan.bus.groups])
    following = np.concatenate([trace.mechanical_w[:, 1:], trace.mechanical_w[:, -1:]], axis=1)
    shaft = 0.5 * (trace.mechanical_w + following)
    rotors = generator_w - shaft.sum(axis=0)
    whole = np.maximum(inertia.sum(axis=0), 1e-300)
    return tuple(shaft + inertia / whole * rotors)


def _checked(load_w: ArrayLike, reactive_var: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    load, reactive = np.array(load_w, dtype=np.float64), np.asarray(reactive_var, dtype=np.float64)
    if load.ndim != 1 or load.size == 0 or load.shape != reactive.shape:
        raise ValueError(
            f"expected load and reactive power of one equal, non-zero length, got {load.shape}, {reactive.shape}"
        )
    if not (np.isfinite(load).all() and np.isfinite(reactive).all()):
        raise ValueError("expected finite load and reactive power")
    return load, reactive


def _bus_warnings(plan: Dispatch, trace: BusTrace, dt_s: float, t0_s: float) -> list[str]:
    said = []
    if trace.valid < trace.frequency_hz.size:
        last = float(trace.frequency_hz[-1])
        when = t0_s + trace.valid * dt_s
        what = f"frequency left the modelled range at t = {when:.4g} s ({last:.4g} Hz)"
        if last == 0.0:
            what = f"nothing turns on the bus from t = {when:.4g} s: the island is black"
        if trace.diverged is not None:
            what = f"the integration diverged at t = {when:.4g} s in the {trace.diverged}"
        said.append(f"{what}; the last values are held from there")
    if plan.battery is not None:
        charge = trace.charge[0]
        if plan.battery.dispatch_w != 0.0 or float(np.ptp(charge)) > 0.0:
            said += ["the battery ran empty"] if float(charge.min()) <= 0.0 else []
            said += ["the battery was full"] if float(charge.max()) >= 1.0 else []
    return said


def _turbine_warnings(spec: SitePlantSpec, trace: BusTrace, left: NDArray[np.float64], step_w: float) -> list[str]:
    """Return remarks where the units do more or less than their catalog entry says they can."""
    groups, said = spec.generators, []
    accepted = load_acceptance_w(*groups)
    names = " and ".join(f"{units.count} x {units.type}" for units in groups)
    if accepted is not None and abs(step_w) > accepted:
        what = "load step" if step_w > 0.0 else "load rejection"
        said.append(
            f"the {what} of {abs(step_w) / 1e6:.4g} MW exceeds the {accepted / 1e6:.4g} MW "
            f"({accepted / generator_rating_w(*groups):.0%}) that {names} accept at once"
        )
    for units, made, share in zip(groups, trace.mechanical_w, left, strict=True):
        # units that are gone are not below their least load
        online = share > 0.0
        lowest = float((made[online] / share[online]).min(initial=np.inf)) / generator_rating_w(units)
        if lowest < minimum_load(units):
            said.append(
                f"{units.count} x {units.type} fall to {lowest:.0%} of their rating, below the "
                f"{minimum_load(units):.0%} at which they are stable"
            )
    return said


def _grid_voltage(
    spec: SitePlantSpec, import_w: NDArray[np.float64], reactive_var: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    voltage, feasible = site_voltage(spec, import_w, reactive_var)
    said, peak = [], float(import_w.max())
    if not feasible.all():
        said.append(
            f"no operating point (voltage collapse): the connection cannot carry {int((~feasible).sum())} of "
            f"{feasible.size} samples (largest {peak / 1e6:.4g} MW); the voltage of the nose is given for them"
        )
    grid = spec.grid
    if grid is not None and peak > grid.capacity:
        said.append(f"import peaks at {peak / 1e6:.4g} MW, above the agreed {grid.capacity / 1e6:.4g} MW")
    if float(import_w.min()) < -1.0:
        said.append(f"the constant on-site output pushes up to {-float(import_w.min()) / 1e6:.4g} MW into the grid")
    return voltage, said
