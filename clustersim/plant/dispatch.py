"""Who carries the load before a window: catalog figures and dispatch of a site's sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant import kernels as k
from clustersim.plant.bus import Battery, Bus, Governor
from clustersim.plant.losses import power_factor
from clustersim.plant.spec import BatterySpec, GeneratorSpec, GridSpec, Mode, SitePlantSpec

RESPONSE_STEP_HZ = 0.1
"""The primary response of an interconnection is stated per 0.1 Hz. [Hz]"""


@dataclass(frozen=True)
class Dispatch:
    """A bus in equilibrium, what the on-site sources give, and remarks on it."""

    bus: Bus
    generator_w: float
    """Constant on-site output beside the grid; zero in an island, where it is the unknown. [W]"""
    warnings: tuple[str, ...]


def _governors(groups: tuple[GeneratorSpec, ...], rating_w: float) -> Governor:
    """Return the governor of all groups lumped, on their rated active power."""
    kinds = {units.governor for units in groups}
    if len(kinds) > 1:
        raise InputError(f"generators: groups on one bus need one governor, got {', '.join(sorted(kinds))}")
    return _governor(groups[0], rating_w)


def _governor(spec: GeneratorSpec, rating_w: float) -> Governor:
    """Return the governor of all units lumped, on their rated active power."""
    if spec.governor == "none":
        return Governor(base_w=rating_w)
    found = entry("governors", spec.governor)
    if found.properties.get("model", "GAST") != "GAST":
        raise InputError(f"generators.governor: {spec.governor!r} is not of model GAST; give a GAST entry or 'none'")
    return Governor(
        code=k.GAST,
        base_w=rating_w,
        droop=found.si("R"),
        t1_s=found.si("T1"),
        t2_s=found.si("T2"),
        t3_s=found.si("T3"),
        ambient=found.si("AT"),
        kt=found.si("KT"),
        vmax=found.si("Vmax"),
        vmin=found.si("Vmin"),
    )


def battery_rating_w(spec: BatterySpec) -> float:
    """Rated power of all units together, in watts."""
    return spec.count * entry("batteries", spec.type).si("power.4h") if spec.power is None else spec.power


def battery_energy_j(spec: BatterySpec) -> float:
    """Capacity of all units together, in joules."""
    return spec.count * entry("batteries", spec.type).si("energy") if spec.energy is None else spec.energy


def _battery(
    spec: BatterySpec | None, frequency_hz: float, reserved_w: float, dispatch_w: float = 0.0
) -> Battery | None:
    """Return the battery with the power that is left of its rating; None when nothing is.

    The power asked for per hertz stays that of the whole rating: what is reserved only lowers the limit.
    """
    if spec is None:
        return None
    unit, rating = entry("batteries", spec.type), battery_rating_w(spec)
    power = rating - reserved_w
    if power <= 0.0:
        return None
    return Battery(
        power_w=power,
        energy_j=battery_energy_j(spec),
        droop=spec.droop * power / rating,
        deadband=spec.deadband / frequency_hz,
        # the whole plant's answer to frequency, measurement included; its inner loop alone is faster
        latency_s=unit.si("response.event"),
        time_constant_s=unit.si("response.time_constant"),
        one_way_efficiency=math.sqrt(unit.si("round_trip_efficiency")),
        state_of_charge=spec.state_of_charge,
        dispatch_w=min(max(dispatch_w, -power), power),
    )


def _inertia_ws(spec: GeneratorSpec, rating_w: float) -> float:
    """H S of machines with `rating_w` of rated active power; H counts on the apparent power."""
    factor = power_factor("synchronous_generator") if spec.power_factor is None else spec.power_factor
    return entry("generators", spec.type).si("inertia") * rating_w / factor


def generator_rating_w(*groups: GeneratorSpec) -> float:
    """Rated active power of all units of all groups together, in watts."""
    return math.fsum(units.count * entry("generators", units.type).si("rating") for units in groups)


def dispatch_limit_w(*groups: GeneratorSpec) -> float:
    """Power up to which the units of all groups are dispatched together, in watts."""
    return math.fsum(units.dispatch_limit * generator_rating_w(units) for units in groups)


def dispatch_shares(*groups: GeneratorSpec) -> tuple[float, ...]:
    """Share of each group in what they make together: all are loaded to the same share of their dispatch limits."""
    limits = [dispatch_limit_w(units) for units in groups]
    return tuple(limit / math.fsum(limits) for limit in limits)


def load_acceptance_w(*groups: GeneratorSpec) -> float | None:
    """Load step that the units of all groups together accept at once, in watts; None when one does not state it."""
    found = [entry("generators", units.type) for units in groups]
    if not all(unit.has("load_step") for unit in found):
        return None
    return math.fsum(unit.si("load_step") * generator_rating_w(u) for unit, u in zip(found, groups, strict=True))


def island_capacity_w(*groups: GeneratorSpec) -> float:
    """Load that the generators of an island can carry for ever, in watts: to their dispatch and temperature limits."""
    return math.fsum(
        min(dispatch_limit_w(units), _governor(units, generator_rating_w(units)).most_w) for units in groups
    )


def steady_generation_w(spec: SitePlantSpec, load_w: float, mode: Mode) -> float:
    """Power that the on-site generators make at a constant load of the site, in watts."""
    if not spec.generators:
        return 0.0
    if mode == "island":
        return min(load_w, island_capacity_w(*spec.generators))
    assert spec.grid is not None  # noqa: S101 (a run beside the grid has checked)
    return _grid_parallel_output(spec.grid, spec.generators, load_w)[0]


def island(
    spec: SitePlantSpec, site: str, load_w: float, reserved_w: float = 0.0, inertia_scale: float = 1.0
) -> Dispatch:
    """Return the island bus in equilibrium at `load_w`, all units online; `reserved_w` of the battery is spoken for.

    Turbines carry up to their dispatch limit, the battery the rest up to its power. What neither can carry is left
    open: the frequency will fall. `inertia_scale` multiplies the inertia of all machines.

    Raises
    ------
    InputError
        If the site has no generators: a bus without a synchronous machine is not modelled.
    """
    units = spec.generators
    if not units:
        raise InputError(f"electrical.{site}: an island needs generators; add `generators` or use mode grid_parallel")
    rating = generator_rating_w(*units)
    governor = _governors(units, rating)
    turbine = min(load_w, island_capacity_w(*units))
    battery = _battery(spec.battery, spec.frequency, reserved_w, load_w - turbine)
    held = 0.0 if battery is None else battery.dispatch_w
    bus = Bus(
        frequency_hz=spec.frequency,
        inertia_ws=inertia_scale * math.fsum(_inertia_ws(u, generator_rating_w(u)) for u in units),
        mechanical_w=turbine,
        governor=governor,
        battery=battery,
        form=spec.swing,
    )
    return Dispatch(bus, 0.0, _island_warnings(units, governor, load_w, turbine, held, battery))


def _island_warnings(
    units: tuple[GeneratorSpec, ...],
    governor: Governor,
    load_w: float,
    turbine: float,
    held: float,
    battery: Battery | None,
) -> tuple[str, ...]:
    said = []
    if governor.most_w < dispatch_limit_w(*units):
        said.append(
            f"{units[0].governor} limits the turbines to {governor.most_w / 1e6:.4g} MW by exhaust temperature, "
            f"below the dispatch limit of {dispatch_limit_w(*units) / 1e6:.4g} MW"
        )
    if load_w > turbine + held + 1.0:
        said.append(
            f"turbines at their dispatch limit ({turbine / 1e6:.4g} MW) and battery ({held / 1e6:.4g} MW) cannot "
            f"carry the load of {load_w / 1e6:.4g} MW before the window"
        )
    if battery is not None and held > 0.0:
        hours = battery.state_of_charge * battery.energy_j * battery.one_way_efficiency / held / 3600.0
        said.append(f"the battery carries {held / 1e6:.4g} MW of the steady load and is empty after {hours:.3g} h")
    return tuple(said)


def beside_grid(
    spec: SitePlantSpec, site: str, load_w: float, reserved_w: float = 0.0, inertia_scale: float = 1.0
) -> Dispatch:
    """Return the interconnection's bus in equilibrium at `load_w`, with the on-site machines that are online.

    The bus carries the site's net load only: the rest of the interconnection is balanced and does not appear.
    `reserved_w` of the battery's power is spoken for; `inertia_scale` multiplies the inertia of interconnection and
    machines.

    Raises
    ------
    InputError
        If the site has no grid, or its frequency is not the interconnection's.
    """
    if spec.grid is None:
        raise InputError(f"electrical.{site}: mode grid_parallel needs `grid`; add it or use mode island")
    system = entry("grids", spec.grid.system)
    if abs(system.si("frequency") - spec.frequency) > 1e-9:
        raise InputError(
            f"electrical.{site}.frequency: {spec.grid.system} runs at {system.si('frequency'):g} Hz, "
            f"got {spec.frequency:g} Hz"
        )
    capacity = system.si("online_capacity")
    inertia = system.si("inertia") * capacity
    output, said = _grid_parallel_output(spec.grid, spec.generators, load_w)
    for units, share in zip(spec.generators, dispatch_shares(*spec.generators), strict=True):
        one = entry("generators", units.type).si("rating")
        online = min(units.count, math.ceil(share * output / (units.dispatch_limit * one) - 1e-9))
        inertia += _inertia_ws(units, online * one)
    per_hz = system.si("primary_response") / RESPONSE_STEP_HZ
    governor = Governor(
        code=k.LAG, base_w=capacity, droop=capacity / (per_hz * spec.frequency), t1_s=system.si("response_time")
    )
    bus = Bus(
        frequency_hz=spec.frequency,
        inertia_ws=inertia_scale * inertia,
        mechanical_w=load_w - output,
        governor=governor,
        battery=_battery(spec.battery, spec.frequency, reserved_w),
        damping_w=system.si("load_damping") * capacity,
        form=spec.swing,
    )
    return Dispatch(bus, output, said)


def _grid_parallel_output(
    grid: GridSpec, groups: tuple[GeneratorSpec, ...], load_w: float
) -> tuple[float, tuple[str, ...]]:
    """Constant output of the on-site generators beside the grid in watts, and remarks.

    Nothing is exported: the output is at most the load before the window.
    """
    excess = max(load_w - grid.capacity, 0.0)
    wanted = math.fsum(
        share * excess
        if units.grid_parallel_output is None
        else min(units.grid_parallel_output, dispatch_limit_w(units))
        for units, share in zip(groups, dispatch_shares(*groups), strict=True)
    )
    output = min(wanted, dispatch_limit_w(*groups), load_w)
    if excess > output + 1.0:
        return output, (
            f"the load of {load_w / 1e6:.4g} MW before the window exceeds the grid's {grid.capacity / 1e6:.4g} MW and "
            f"{output / 1e6:.4g} MW of on-site generation",
        )
    return output, ()
