"""The answer of a site's plant to a window of load: beside the grid or as an island."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.bus import BusTrace, initial_rocof, run_bus
from clustersim.plant.dispatch import Dispatch, beside_grid, generator_rating_w, island, load_acceptance_w
from clustersim.plant.records import PlantResponse
from clustersim.plant.spec import GridSpec, Mode, SitePlantSpec
from clustersim.plant.voltage import grid_source, pcc_voltage

STEP_WINDOW_S = 0.1
"""A load step is what the load changes by within this time: short against every governor, longer than the fall of
rectifier current at a crash. [s]"""
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
    reserved_w: float = 0.0,
    neighbours_w: ArrayLike | None = None,
    inertia_scale: float = 1.0,
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
        of `load_w` and runs in on the mirror image of the first minute. [W]
    reserved_w : float, optional
        Power of the battery that other duties take, such as smoothing. [W]
    neighbours_w : array_like, shape (n,), optional
        Beside the grid: by how much other sites on the same interconnection draw more than before the window; they
        move the common frequency. [W]
    inertia_scale : float, optional
        Factor on the inertia of the interconnection and of every machine. [-]

    Returns
    -------
    PlantResponse
        Frequency, voltage and state of charge at the start of each bin, powers as bin means; grid + generators +
        battery = load in every bin. Limits of sources, voltage collapse and a frequency out of range are recorded in
        `warnings`.

    Raises
    ------
    InputError
        If the mode needs a grid or generators that the site lacks, or a figure is not in the catalog.
    ValueError
        If the arrays are empty, differ in length or hold a value that is not finite.
    """
    load, reactive = _checked(load_w, reactive_var)
    before = float(load.mean()) if initial_load_w is None else initial_load_w
    plan = (island if mode == "island" else beside_grid)(spec, site, before, reserved_w, inertia_scale)
    warm = WARM_UP_S if initial_load_w is None else 0.0
    on_bus = load if neighbours_w is None else load + np.asarray(neighbours_w, dtype=np.float64)
    trace = run_bus(plan.bus, on_bus - plan.generator_w, dt_s, warm)
    if trace.valid == 0:
        # Sources that cannot hold the load have no settled state: show the collapse from the start of the window.
        trace = run_bus(plan.bus, on_bus - plan.generator_w, dt_s)
    step = largest_step(on_bus, dt_s, initial_load_w)
    said = [*plan.warnings, *_bus_warnings(plan, trace, dt_s, t0_s)]
    if mode == "island":
        generator, grid = load - trace.battery_w, np.zeros_like(load)
        voltage = np.ones_like(load)
        said += _turbine_warnings(spec, trace, step, dt_s)
    else:
        generator = np.full_like(load, plan.generator_w)
        grid = load - generator - trace.battery_w
        assert spec.grid is not None  # noqa: S101 (beside_grid has checked)
        voltage, remarks = _grid_voltage(spec.grid, grid, reactive)
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
        battery_w=trace.battery_w,
        state_of_charge=trace.state_of_charge,
        initial_rocof_hz_per_s=initial_rocof(plan.bus, step),
        warnings=tuple(said),
    )


def largest_step(load_w: NDArray[np.float64], dt_s: float, initial_load_w: float | None = None) -> float:
    """Largest change of load within :data:`STEP_WINDOW_S`, with its sign; the load before the window counts if given.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    initial_load_w : float, optional
        Load before the window. [W]

    Returns
    -------
    float
        Positive when load is added; 0 for a constant load. [W]
    """
    lag = max(1, round(STEP_WINDOW_S / dt_s))
    series = load_w if initial_load_w is None else np.concatenate([np.full(lag, initial_load_w), load_w])
    if series.size < 2:
        return 0.0
    lag = min(lag, series.size - 1)
    change = series[lag:] - series[:-lag]
    return float(change[np.argmax(np.abs(change))])


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
        said.append(
            f"frequency left the modelled range at t = {t0_s + trace.valid * dt_s:.4g} s ({last:.4g} Hz); "
            "the last values are held from there"
        )
    if plan.bus.battery is not None:
        charge = trace.state_of_charge
        if plan.bus.battery.dispatch_w != 0.0 or float(np.ptp(charge)) > 0.0:
            said += ["the battery ran empty"] if float(charge.min()) <= 0.0 else []
            said += ["the battery was full"] if float(charge.max()) >= 1.0 else []
    return said


def _turbine_warnings(spec: SitePlantSpec, trace: BusTrace, step_w: float, dt_s: float) -> list[str]:
    """Return remarks where the turbines do more than their catalog entry says they can."""
    groups, said = spec.generators, []
    accepted = load_acceptance_w(*groups)
    names = " and ".join(f"{units.count} x {units.type}" for units in groups)
    if accepted is not None and abs(step_w) > accepted:
        what = "load step" if step_w > 0.0 else "load rejection"
        said.append(
            f"the {what} of {abs(step_w) / 1e6:.4g} MW exceeds the {accepted / 1e6:.4g} MW "
            f"({accepted / generator_rating_w(*groups):.0%}) that {names} accept at once"
        )
    found = [entry("generators", units.type) for units in groups]
    lag = max(1, round(1.0 / dt_s))
    rise = trace.mechanical_w[lag:] - trace.mechanical_w[:-lag]
    if not all(unit.has("ramp") for unit in found) or rise.size == 0:
        return said
    most = sum(unit.si("ramp") * units.count for unit, units in zip(found, groups, strict=True))
    if float(rise.max()) > most * lag * dt_s:
        said.append(
            f"the governor raises the turbines by {float(rise.max()) / 1e6 / (lag * dt_s):.4g} MW/s, above the "
            f"catalog's {most / 1e6:.4g} MW/s: the true dip is deeper"
        )
    return said


def _grid_voltage(
    grid: GridSpec, import_w: NDArray[np.float64], reactive_var: NDArray[np.float64]
) -> tuple[NDArray[np.float64], list[str]]:
    voltage, feasible = pcc_voltage(import_w, reactive_var, grid_source(grid))
    said, peak = [], float(import_w.max())
    if not feasible.all():
        said.append(
            f"no operating point (voltage collapse): the connection cannot carry {int((~feasible).sum())} of "
            f"{feasible.size} samples (largest {peak / 1e6:.4g} MW); the voltage of the nose is given for them"
        )
    if peak > grid.capacity:
        said.append(f"import peaks at {peak / 1e6:.4g} MW, above the agreed {grid.capacity / 1e6:.4g} MW")
    if float(import_w.min()) < 0.0:
        said.append(f"the constant on-site output pushes up to {-float(import_w.min()) / 1e6:.4g} MW into the grid")
    return voltage, said
