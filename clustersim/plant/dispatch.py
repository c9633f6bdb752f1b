"""Who carries the load before a window: catalog figures and dispatch of a site's sources."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant.bus import Battery, Bus, Group
from clustersim.plant.fuel import minimum_load, units_online
from clustersim.plant.governor_catalog import governor
from clustersim.plant.governors import Constant, Lag
from clustersim.plant.limited_governors import Converter
from clustersim.plant.losses import power_factor
from clustersim.plant.spec import BatterySpec, GeneratorSpec, GridSpec, Mode, SitePlantSpec
from clustersim.plant.stability import instability, require_slack, require_stable

RESPONSE_STEP_HZ = 0.1
"""The primary response of an interconnection is stated per 0.1 Hz. [Hz]"""


@dataclass(frozen=True)
class Dispatch:
    """A bus in equilibrium, what the on-site sources give, and remarks on it."""

    bus: Bus
    generator_w: float
    """Constant on-site output beside the grid; zero in an island, where it is the unknown. [W]"""
    battery: Battery | None
    """The site's battery; it is the bus's first storage. Flywheels follow."""
    warnings: tuple[str, ...]


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
    forming = spec.control == "grid_forming"
    limit = power * spec.overload
    return Battery(
        power_w=limit,
        energy_j=battery_energy_j(spec),
        droop=spec.droop * limit / rating,
        deadband=spec.deadband / frequency_hz,
        # Following, the whole plant's answer with its measurement; forming, the inner loop alone.
        latency_s=0.0 if forming else unit.si("response.event"),
        time_constant_s=unit.si("response.time_constant"),
        one_way_efficiency=math.sqrt(unit.si("round_trip_efficiency")),
        state_of_charge=spec.state_of_charge,
        dispatch_w=min(max(dispatch_w, 0.0 if spec.discharge_only else -power), power),
        virtual_ws=0.0 if spec.virtual_inertia is None else spec.virtual_inertia * rating,
        discharge_only=spec.discharge_only,
        target=spec.state_of_charge,
        restore_w=0.0 if spec.restore_power is None else min(spec.restore_power, power),
    )


def _inertia_ws(spec: GeneratorSpec, rating_w: float) -> float:
    """H S of machines with `rating_w` of rated active power; H counts on the apparent power."""
    return entry("generators", spec.type).si("inertia") * rating_w / _power_factor(spec)


def _power_factor(spec: GeneratorSpec) -> float:
    return power_factor("synchronous_generator") if spec.power_factor is None else spec.power_factor


def generator_rating_w(*groups: GeneratorSpec) -> float:
    """Rated active power of all units of all groups together, in watts."""
    return math.fsum(units.count * entry("generators", units.type).si("rating") for units in groups)


def dispatch_limit_w(*groups: GeneratorSpec) -> float:
    """Power up to which the units of all groups are dispatched together, in watts."""
    return math.fsum(units.dispatch_limit * generator_rating_w(units) for units in groups)


def load_acceptance_w(*groups: GeneratorSpec) -> float | None:
    """Load step that the units of all groups together accept at once, in watts; None when one does not state it."""
    found = [entry("generators", units.type) for units in groups]
    if not all(unit.has("load_step") for unit in found):
        return None
    return math.fsum(unit.si("load_step") * generator_rating_w(u) for unit, u in zip(found, groups, strict=True))


def group_capacity_w(units: GeneratorSpec) -> float:
    """Load that one group can carry for ever, in watts: to its dispatch limit and what its governor allows."""
    return min(dispatch_limit_w(units), governor(units.governor).most * generator_rating_w(units))


def dispatch_shares(*groups: GeneratorSpec) -> tuple[float, ...]:
    """Share of each group in what they make together: all are loaded to the same share of :func:`group_capacity_w`."""
    most = [group_capacity_w(units) for units in groups]
    return tuple(one / math.fsum(most) for one in most)


def island_capacity_w(*groups: GeneratorSpec) -> float:
    """Load that all generators of a site can carry for ever, in watts: to their dispatch and temperature limits."""
    return math.fsum(group_capacity_w(units) for units in groups)


def steady_generation_w(spec: SitePlantSpec, load_w: float, mode: Mode) -> float:
    """Power that the on-site generators make at a constant load of the site, in watts."""
    if not spec.generators:
        return 0.0
    if mode == "island":
        return min(load_w, island_capacity_w(*spec.generators))
    assert spec.grid is not None  # noqa: S101 (a run beside the grid has checked)
    return _grid_parallel_output(spec.grid, spec.generators, load_w)[0]


def require_feed(spec: SitePlantSpec, site: str) -> None:
    """Refuse a battery that could not be charged or discharged through the site's feeds.

    Raises
    ------
    InputError
        If its power is above grid capacity and generation together.
    """
    if spec.battery is None:
        return
    feed = generator_rating_w(*spec.generators) + (0.0 if spec.grid is None else spec.grid.capacity)
    if battery_rating_w(spec.battery) > feed * (1.0 + 1e-9):
        raise InputError(
            f"electrical.{site}.battery: expected a power within the {feed / 1e6:.4g} MW of grid and generators, "
            f"got {battery_rating_w(spec.battery) / 1e6:.4g} MW"
        )


def _group(spec: SitePlantSpec, site: str, number: int, mechanical_w: float, inertia_scale: float) -> Group:
    """Return a group of the island's units at a power before the window."""
    units = spec.generators[number]
    found, rating = entry("generators", units.type), generator_rating_w(units)
    limiter = governor(units.governor)
    if isinstance(limiter, Constant) and (units.sharing == "isochronous" or units.secondary_control):
        key = "sharing: isochronous" if units.sharing == "isochronous" else "secondary_control"
        raise InputError(f"electrical.{site}.generators.{number}: {key} needs a governor, got governor: none")
    ramp = units.ramp if units.ramp is not None else (found.si("ramp") if found.has("ramp") else math.inf)
    apparent = rating / _power_factor(units)
    return Group(
        name=f"generators.{number} ({units.type}, {units.governor})",
        base_w=rating,
        inertia_ws=inertia_scale * _inertia_ws(units, rating),
        mechanical_w=mechanical_w,
        governor=limiter,
        damping_w=units.damping * apparent,
        ramp_up=ramp * units.count / rating,
        # A published ramp is one of loading: fuel is shut faster. A converter ramps its source both ways.
        ramp_down=ramp * units.count / rating if isinstance(limiter, Converter) else math.inf,
        on_lines=float(units.sharing == "isochronous"),
        on_secondary=float(units.secondary_control),
        trips=tuple((point.frequency / spec.frequency - 1.0, point.time) for point in units.trips),
    )


def _shaft_inertia_ws(spec: SitePlantSpec) -> float:
    """H S of the synchronous condensers. [W s]"""
    machines = spec.synchronous_condensers
    if machines is None:
        return 0.0
    constant = entry("machines", machines.type).si("inertia") if machines.inertia is None else machines.inertia
    return constant * machines.count * machines.rating


def machine_loss_w(spec: SitePlantSpec) -> float:
    """Power that condensers and flywheels draw all the time, in watts."""
    lost = 0.0
    if spec.synchronous_condensers is not None:
        machines = spec.synchronous_condensers
        lost += entry("machines", machines.type).si("loss") * machines.count * machines.rating
    if spec.flywheels is not None:
        lost += entry("machines", spec.flywheels.type).si("loss") * spec.flywheels.count * spec.flywheels.power
    return lost


def _flywheels(spec: SitePlantSpec) -> tuple[Battery, ...]:
    """Return the flywheels behind a converter as storage."""
    wheels = spec.flywheels
    if wheels is None:
        return ()
    unit = entry("machines", wheels.type)
    return (
        Battery(
            power_w=wheels.count * wheels.power,
            energy_j=wheels.count * wheels.energy,
            droop=wheels.droop,
            deadband=wheels.deadband / spec.frequency,
            latency_s=unit.si("response.latency"),
            time_constant_s=unit.si("response.time_constant"),
            one_way_efficiency=math.sqrt(unit.si("round_trip_efficiency")),
            state_of_charge=wheels.state_of_charge,
        ),
    )


def turns(spec: SitePlantSpec) -> bool:
    """Return whether anything at a site has inertia, so that it can be an island at all."""
    units = any(entry("generators", group.type).si("inertia") > 0.0 for group in spec.generators)
    return bool(spec.generators) and (units or _shaft_inertia_ws(spec) > 0.0)


def island(
    spec: SitePlantSpec,
    site: str,
    load_w: float,
    reserved_w: float = 0.0,
    inertia_scale: float = 1.0,
    *,
    trial: bool = False,
) -> Dispatch:
    """Return the island bus in equilibrium at `load_w`, all units online; `reserved_w` of the battery is spoken for.

    Units carry up to their dispatch limit, the battery the rest up to its power. What neither can carry is left
    open: the frequency will fall. `inertia_scale` multiplies the inertia of all machines. An island that is only tried
    may have unstable governors: a warning says so, and its frequency swings up.

    Raises
    ------
    InputError
        If the site has no generators or nothing that turns, its battery is larger than its feed, or the governors'
        gains are unstable.
    """
    groups = spec.generators
    if not groups:
        raise InputError(f"electrical.{site}: an island needs generators; add `generators` or use mode grid_parallel")
    if not trial:
        require_feed(spec, site)
    carried = load_w + machine_loss_w(spec)
    turbine = min(carried, island_capacity_w(*groups))
    battery = _battery(spec.battery, spec.frequency, reserved_w, carried - turbine)
    sharing = entry("governors", "load_sharing")
    bus = Bus(
        frequency_hz=spec.frequency,
        groups=tuple(
            _group(spec, site, number, share * turbine, inertia_scale)
            for number, share in enumerate(dispatch_shares(*groups))
        ),
        storages=(() if battery is None else (battery,)) + _flywheels(spec),
        inertia_ws=inertia_scale * _shaft_inertia_ws(spec),
        form=spec.swing,
        lines_per_s=1.0 / (sharing.si("R") * sharing.si("reset")),
        secondary_per_s=0.0 if spec.secondary_control is None else 1.0 / (sharing.si("R") * spec.secondary_control),
    )
    require_slack(bus, site)
    said = _island_warnings(groups, carried, turbine, battery)
    if not trial:
        require_stable(bus, site)
    elif (found := instability(bus)) is not None:
        said += (f"as an island {found}",)
    return Dispatch(bus, 0.0, battery, said)


def _island_warnings(
    groups: tuple[GeneratorSpec, ...], load_w: float, turbine: float, battery: Battery | None
) -> tuple[str, ...]:
    said = []
    held = 0.0 if battery is None else battery.dispatch_w
    if not any(governor(units.governor).answers for units in groups) and battery is None:
        said.append("no governor answers the frequency: whatever the load changes by, it runs away")
    for units, part in zip(groups, dispatch_shares(*groups), strict=True):
        most = governor(units.governor).most * generator_rating_w(units)
        if most < dispatch_limit_w(units):
            said.append(
                f"{units.governor} limits the turbines to {most / 1e6:.4g} MW by exhaust temperature or valve, "
                f"below the dispatch limit of {dispatch_limit_w(units) / 1e6:.4g} MW"
            )
        least = minimum_load(units)
        share = part * turbine / generator_rating_w(units)
        if share < least:
            said.append(
                f"{units.count} x {units.type} run at {share:.0%} of their rating before the window, below the "
                f"{least:.0%} at which they are stable: fewer units should be online"
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
        If the site has no grid, its frequency is not the interconnection's, or its battery is larger than its feed.
    """
    if spec.grid is None:
        raise InputError(f"electrical.{site}: mode grid_parallel needs `grid`; add it or use mode island")
    require_feed(spec, site)
    system = entry("grids", spec.grid.system)
    if abs(system.si("frequency") - spec.frequency) > 1e-9:
        raise InputError(
            f"electrical.{site}.frequency: {spec.grid.system} runs at {system.si('frequency'):g} Hz, "
            f"got {spec.frequency:g} Hz"
        )
    capacity = system.si("online_capacity")
    carried = load_w + machine_loss_w(spec)
    output, said = _grid_parallel_output(spec.grid, spec.generators, carried)
    machines = _shaft_inertia_ws(spec)
    for units, share in zip(spec.generators, dispatch_shares(*spec.generators), strict=True):
        machines += _inertia_ws(
            units, units_online(units, share * output) * entry("generators", units.type).si("rating")
        )
    per_hz = system.si("primary_response") / RESPONSE_STEP_HZ
    interconnection = Group(
        name=spec.grid.system,
        base_w=capacity,
        inertia_ws=inertia_scale * system.si("inertia") * capacity,
        mechanical_w=carried - output,
        governor=Lag(droop=capacity / (per_hz * spec.frequency), time_s=system.si("response_time")),
    )
    battery = _battery(spec.battery, spec.frequency, reserved_w)
    bus = Bus(
        frequency_hz=spec.frequency,
        groups=(interconnection,),
        storages=(() if battery is None else (battery,)) + _flywheels(spec),
        inertia_ws=inertia_scale * machines,
        damping_w=system.si("load_damping") * capacity,
        form=spec.swing,
    )
    return Dispatch(bus, output, battery, said)


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
        else min(units.grid_parallel_output, group_capacity_w(units))
        for units, share in zip(groups, dispatch_shares(*groups), strict=True)
    )
    output = min(wanted, island_capacity_w(*groups), load_w)
    if excess > output + 1.0:
        return output, (
            f"the load of {load_w / 1e6:.4g} MW before the window exceeds the grid's {grid.capacity / 1e6:.4g} MW and "
            f"{output / 1e6:.4g} MW of on-site generation",
        )
    return output, ()
