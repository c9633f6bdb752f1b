"""Cooling of a site at a given outdoor air: capacity, electrical power, water and temperature, hour by hour."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.chillers import capacity_factor, carnot_cop
from clustersim.plant.cooling_units import cdu_limit_w, hall_share, rated_cop, running_w
from clustersim.plant.dry_coolers import dry_capacity, dry_cooler, dry_state
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.plant.towers import tower, tower_capacity, tower_state
from clustersim.plant.weather import Air

Floats = NDArray[np.float64]

_TURNS = 3
"""Rounds in which COP and condenser water of water-cooled chillers agree to a part in a million."""


@dataclass(frozen=True)
class Outdoors:
    """Cooling at outdoor air, one value per hour; quasi-steady: a loop settles in minutes."""

    heat_w: Floats
    capacity_w: Floats
    """Heat that the units reject at this air without the loop passing its alarm. [W]"""
    power_w: Floats
    """Compressors, fans and pumps. [W]"""
    water_l_per_s: Floats
    supply_c: Floats
    """Temperature to which the loop is cooled: the setpoint, or more where the air does not allow it. [degC]"""
    cop: Floats
    """Heat over power of the compressors while they carry all of it; infinite without compressors. [-]"""
    free_share: Floats
    """Heat that leaves without compressors. [-]"""

    @property
    def served_w(self) -> Floats:
        """Heat that is rejected. [W]"""
        return np.minimum(self.heat_w, self.capacity_w)


def cooling_outdoors(spec: SiteCoolingSpec, heat_w: ArrayLike, air: Air) -> Outdoors:
    """Return how a site's cooling works at outdoor air.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : array_like
        Heat of the halls, one value or one per hour. [W]
    air : Air
        Outdoor air, one value or one per hour.

    Returns
    -------
    Outdoors

    Raises
    ------
    CatalogError
        If a unit is not in the catalog, or lacks a figure.
    ValueError
        If a heat is negative.
    """
    shape = np.broadcast_shapes(np.shape(heat_w), air.dry_bulb_c.shape)
    heat = np.broadcast_to(np.asarray(heat_w, dtype=np.float64), shape)
    if bool((heat < 0.0).any()):
        raise ValueError("expected a heat of at least 0 W")
    air = Air(np.broadcast_to(air.dry_bulb_c, shape), np.broadcast_to(air.wet_bulb_c, shape), air.pressure_pa)
    if spec.units_running == 0:
        nothing = np.zeros(shape)
        return Outdoors(heat, nothing, nothing, nothing, nothing + spec.supply_temperature, nothing + 1.0, nothing)
    kinds = {"chillers": _air_cooled, "water_chillers": _water_cooled, "evaporative": _towers_alone, "dry": _dry}
    return kinds[spec.kind](spec, heat, air)


def _load(spec: SiteCoolingSpec, served: Floats, capacity: Floats) -> Floats:
    """Return the load of each unit that runs. [-]"""
    share = served / np.maximum(capacity, 1e-9)
    if spec.staging == "modulating":
        return np.asarray(share)
    running = np.ceil(share * spec.units_running * (1.0 - 1e-12))
    return np.asarray(share * spec.units_running / np.maximum(running, 1.0))


def _free_share(spec: SiteCoolingSpec, served: Floats, coldest_c: Floats) -> Floats:
    """Return the share of the heat that a coil or exchanger ahead of the chillers takes. [-]"""
    if not spec.economiser:
        return np.zeros_like(served)
    rise = spec.design_rise * np.minimum(served / running_w(spec), 1.0)
    back = spec.supply_temperature + rise
    return np.asarray(np.clip((back - coldest_c) / np.maximum(rise, 1e-6), 0.0, 1.0))


def _air_cooled(spec: SiteCoolingSpec, heat: Floats, air: Air) -> Outdoors:
    model = entry("cooling", "chiller_model")
    capacity = np.minimum(running_w(spec) * capacity_factor(air.dry_bulb_c), cdu_limit_w(spec))
    served = np.minimum(heat, capacity)
    cop = carnot_cop(
        rated_cop(spec),
        entry("cooling", "air_cooled_chiller").si("outdoor_temperature"),
        spec.supply_temperature,
        air.dry_bulb_c,
        _load(spec, served, capacity),
        model.si("condenser.approach"),
    )
    free = _free_share(spec, served, air.dry_bulb_c + model.si("economiser.approach"))
    power = served * ((1.0 - free) / cop + free * model.si("economiser.fan_share") + hall_share(spec))
    dry = np.zeros_like(heat)
    return Outdoors(heat, capacity, power, dry, dry + spec.supply_temperature, cop, free)


def _water_cooled(spec: SiteCoolingSpec, heat: Floats, air: Air) -> Outdoors:
    if spec.towers is None:
        raise ValueError("towers: expected with kind water_chillers, found none")
    model, unit = entry("cooling", "chiller_model"), entry("cooling", "water_cooled_chiller")
    cells = tower(spec.towers.unit, spec.towers.count, spec.cycles_of_concentration)
    cop0, approach = rated_cop(spec), unit.si("condenser.approach")
    hot = tower_capacity(cells, air, unit.si("condenser_water.highest"))
    capacity = np.minimum(np.minimum(running_w(spec), hot / (1.0 + 1.0 / cop0)), cdu_limit_w(spec))
    served = np.minimum(heat, capacity)
    load = _load(spec, served, capacity)
    target = np.maximum(air.wet_bulb_c + cells.approach_k, unit.si("condenser_water.lowest"))
    at_chiller = np.full(heat.shape, cop0)
    free = np.zeros_like(heat)
    # without compressors the condenser water is as cold as the free cooling of the loop needs
    for _ in range(_TURNS):
        out = tower_state(cells, served * (1.0 + (1.0 - free) / at_chiller), target, air)
        at_chiller = carnot_cop(cop0, cells.cold_c, spec.supply_temperature, out.cold_c, load, approach, cells.range_k)
        free = _free_share(spec, served, out.cold_c + model.si("economiser.approach"))
    # the condenser pumps move what reaches the towers: the heat and that of the compressors, as at the rating
    reaching = served * (1.0 + (1.0 - free) / at_chiller)
    moved = reaching * (entry("facility", "cooling_auxiliaries").si("tower_share") - cells.fan_share)
    power = served * ((1.0 - free) / at_chiller + hall_share(spec)) + out.fan_w + np.maximum(moved, 0.0)
    return Outdoors(
        heat, capacity, power, out.water_l_per_s, np.full(heat.shape, spec.supply_temperature), at_chiller, free
    )


def _towers_alone(spec: SiteCoolingSpec, heat: Floats, air: Air) -> Outdoors:
    cells = tower(spec.unit, spec.units_running, spec.cycles_of_concentration)
    exchanger = entry("cooling", "wet_tower").si("exchanger")
    # the loop warms by more than the tower water: its cold end decides
    limit = tower_capacity(cells, air, spec.alarm_temperature - exchanger - max(spec.design_rise - cells.range_k, 0.0))
    capacity = np.minimum(limit, cdu_limit_w(spec))
    served = np.minimum(heat, capacity)
    target = np.full(heat.shape, spec.supply_temperature - exchanger)
    out = tower_state(cells, served, target, air)
    moved = served * (entry("facility", "cooling_auxiliaries").si("tower_share") - cells.fan_share)
    power = served * hall_share(spec) + out.fan_w + np.maximum(moved, 0.0)
    endless = np.full(heat.shape, np.inf)
    return Outdoors(
        heat, capacity, power, out.water_l_per_s, out.cold_c + exchanger, endless, (served > 0.0).astype(np.float64)
    )


def _dry(spec: SiteCoolingSpec, heat: Floats, air: Air) -> Outdoors:
    coolers = dry_cooler(spec.unit, spec.units_running, spec.design_rise, spec.adiabatic)
    capacity = np.minimum(dry_capacity(coolers, air, spec.alarm_temperature), cdu_limit_w(spec))
    served = np.minimum(heat, capacity)
    out = dry_state(coolers, served, spec.supply_temperature, air)
    power = served * hall_share(spec) + out.fan_w
    endless = np.full(heat.shape, np.inf)
    return Outdoors(heat, capacity, power, out.water_l_per_s, out.cold_c, endless, (served > 0.0).astype(np.float64))
