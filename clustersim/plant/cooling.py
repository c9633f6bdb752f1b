"""Cooling of a site: capacity, electrical power, water, and the loop that warms when heat exceeds the capacity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.cooling_kernels import integrate_loop
from clustersim.plant.cooling_outdoors import cooling_outdoors
from clustersim.plant.cooling_units import cdu_limit_w, hall_share, rated_cop, running_w
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.plant.spec_parts.cooling import COMPRESSORS, WET
from clustersim.plant.weather import Air, weather_year

SMALL_SHARE = 1e-3
"""Heat over full capacity at which a loop without heat is looked at. [-]"""


@dataclass(frozen=True)
class CoolingState:
    """Cooling at a constant heat."""

    heat_w: float
    power_w: float
    """Electrical power of compressors, pumps and fans. [W]"""
    capacity_low_w: float
    capacity_w: float
    """Heat that all units together can reject; low and high follow the catalog's band of the unit. [W]"""
    capacity_high_w: float
    shortfall_w: float
    """Heat above `capacity_w`: it warms the loop. [W]"""
    temperature_c: float
    """Settled loop temperature; infinite with a shortfall. [degC]"""
    time_to_alarm_s: float
    """From the settled state at full capacity to the alarm; infinite without a shortfall. [s]"""
    water_l_per_s: float
    """Evaporated water and blowdown. [L/s]"""

    @property
    def rejected_w(self) -> float:
        """Heat that is taken away. [W]"""
        return self.heat_w - self.shortfall_w


@dataclass(frozen=True)
class CoolingResponse:
    """Cooling over a window; arrays have one value per bin."""

    dt_s: float
    power_w: NDArray[np.float64]
    """Electrical power, mean of the bin. [W]"""
    rejected_w: NDArray[np.float64]
    """Heat rejected to the air, mean of the bin. [W]"""
    temperature_c: NDArray[np.float64]
    """Loop temperature at the start of the bin. [degC]"""
    water_l_per_s: NDArray[np.float64]
    stored_j: float
    """Heat stored in the loop over the window: heat in = rejected + stored. [J]"""
    alarm_s: float
    """Time from the start of the window at which the loop reaches its alarm temperature; infinite if not. [s]"""


@dataclass(frozen=True)
class Loop:
    """Resolved figures of a cooling spec, at its rating or at outdoor air."""

    capacity_low_w: float
    capacity_w: float
    capacity_high_w: float
    power_per_heat: float
    water_l_per_j: float
    conductance: float
    mass: float
    supply_c: float


def resolve(spec: SiteCoolingSpec, heat_w: float, outdoor: Air | None = None) -> Loop:
    """Return the figures of a site's loop at a heat, on which COP and fans depend where there is weather.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        Mean heat. [W]
    outdoor : Air, optional
        Outdoor air, one value; that of the record's `weather` at its `start` when absent, and the rating of the units
        when there is no `start`.

    Raises
    ------
    CatalogError
        If a unit is not in the catalog.
    """
    air = air_at_start(spec) if outdoor is None else outdoor
    heat = entry("cooling", spec.unit).figure("heat")
    full = (spec.count - spec.standby) * heat.value
    rated, limit = running_w(spec), cdu_limit_w(spec)
    conductance = full / spec.design_rise
    tau = entry("cooling", "loop").si("time_constant") if spec.loop_time_constant is None else spec.loop_time_constant
    mass = tau * conductance
    if spec.buffer is not None:
        mass += spec.buffer / (spec.alarm_temperature - spec.supply_temperature)
    if air is None:
        capacity, per_heat, water, supply = min(rated, limit), *_rated(spec), spec.supply_temperature
    else:
        # of a loop without heat: what the first watts cost
        state = cooling_outdoors(spec, max(heat_w, SMALL_SHARE * full), air)
        served = max(float(state.served_w), 1.0)
        capacity, supply = float(state.capacity_w), float(state.supply_c)
        per_heat, water = float(state.power_w) / served, float(state.water_l_per_s) / served
    of_rated = capacity / rated if rated > 0.0 else 0.0
    low, high = of_rated * heat.low * spec.units_running, of_rated * heat.high * spec.units_running
    if air is None:
        low, high = min(heat.low * spec.units_running, limit), min(heat.high * spec.units_running, limit)
    return Loop(low, capacity, high, per_heat, water, conductance, mass, supply)


def air_at_start(spec: SiteCoolingSpec) -> Air | None:
    """Return the outdoor air at which a run begins, or None when the record gives no `start`.

    Raises
    ------
    CatalogError
        If the catalog does not have the place.
    """
    if spec.start_hour is None or spec.weather is None:
        return None
    return weather_year(spec.weather).hour(spec.start_hour)


def _rated(spec: SiteCoolingSpec) -> tuple[float, float]:
    """Return electrical power [W] and water [L/s] per watt of heat at the rating of the units."""
    extra, per_heat, water = entry("facility", "cooling_auxiliaries"), hall_share(spec), 0.0
    if spec.kind in COMPRESSORS:
        per_heat += 1.0 / rated_cop(spec)
    if spec.kind in WET:
        rejected = 1.0 + (1.0 / rated_cop(spec) if spec.kind in COMPRESSORS else 0.0)
        cycles = spec.cycles_of_concentration
        blowdown = extra.si("blowdown_share") if cycles is None else 1.0 / (cycles - 1.0)
        per_heat += rejected * extra.si("tower_share")
        water = rejected * entry("cooling", "water").si("evaporation") * (1.0 + blowdown)
    if spec.kind == "dry":
        unit = entry("cooling", spec.unit)
        per_heat += (unit if unit.has("fan_share") else entry("cooling", "dry_cooler")).si("fan_share")
        water = entry("cooling", "water").si("wue.dry_adiabatic") if spec.adiabatic else 0.0
    return per_heat, water


def time_to_alarm(spec: SiteCoolingSpec, heat_w: float, start_c: float, outdoor: Air | None = None) -> float:
    r"""Time until the loop reaches its alarm temperature under constant heat.

    With rise :math:`\theta` above the supply temperature, conductance G, thermal mass C, time constant
    :math:`\tau = C/G` and capacity K, the loop follows :math:`\theta_\infty + (\theta_0 - \theta_\infty)e^{-t/\tau}`,
    :math:`\theta_\infty = Q/G`, until it rejects K, and then rises by (Q - K)/C:

    .. math:: t = \tau \ln\frac{\theta_\infty - \theta_0}{\theta_\infty - K/G} + \frac{C(\theta_a - K/G)}{Q - K}

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        Heat into the loop. [W]
    start_c : float
        Loop temperature at the start. [degC]
    outdoor : Air, optional
        Outdoor air; as of :func:`resolve` when absent.

    Returns
    -------
    float
        0 when the loop starts above the alarm, infinite when the heat is within the capacity. [s]

    Raises
    ------
    CatalogError
        If the cooling unit is not in the catalog.
    """
    return _to_alarm(spec, resolve(spec, heat_w, outdoor), heat_w, start_c)


def _to_alarm(spec: SiteCoolingSpec, loop: Loop, heat_w: float, start_c: float) -> float:
    alarm, rise = spec.alarm_temperature - loop.supply_c, max(start_c - loop.supply_c, 0.0)
    if rise >= alarm:
        return 0.0
    excess = heat_w - loop.capacity_w
    if excess <= 0.0:
        return math.inf
    full, settled = min(loop.capacity_w / loop.conductance, alarm), heat_w / loop.conductance
    warm = loop.mass / loop.conductance * math.log((settled - rise) / (settled - full)) if rise < full else 0.0
    return warm + loop.mass * (alarm - max(rise, full)) / excess


def steady_cooling(spec: SiteCoolingSpec, heat_w: float, outdoor: Air | None = None) -> CoolingState:
    """Cooling at constant heat: power, capacity with its band, shortfall, water.

    Power = rejected heat x (1/COP, or the towers' share, + pumps + fans for the heat that leaves servers in air);
    rejected heat = min(heat, capacity). Server fans belong to IT.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        IT power, fans and losses inside the cooled rooms (:mod:`clustersim.plant.hall_heat`). [W]
    outdoor : Air, optional
        Outdoor air; as of :func:`resolve` when absent.

    Returns
    -------
    CoolingState

    Raises
    ------
    CatalogError
        If the cooling unit is not in the catalog.
    ValueError
        If the heat is negative.
    """
    if heat_w < 0.0:
        raise ValueError(f"expected heat >= 0 W, got {heat_w:g} W")
    loop = resolve(spec, heat_w, outdoor)
    served = min(heat_w, loop.capacity_w)
    short = heat_w - served
    power = served * loop.power_per_heat
    return CoolingState(
        heat_w=heat_w,
        power_w=power,
        capacity_low_w=loop.capacity_low_w,
        capacity_w=loop.capacity_w,
        capacity_high_w=loop.capacity_high_w,
        shortfall_w=short,
        temperature_c=math.inf if short > 0.0 else loop.supply_c + heat_w / loop.conductance,
        time_to_alarm_s=_to_alarm(spec, loop, heat_w, loop.supply_c + loop.capacity_w / loop.conductance),
        water_l_per_s=served * loop.water_l_per_j,
    )


def cooling_response(
    spec: SiteCoolingSpec,
    heat_w: ArrayLike,
    dt_s: float,
    initial_heat_w: float | None = None,
    outdoor: Air | None = None,
) -> CoolingResponse:
    """Cooling over time: a loop of first order between the heat and the plant.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : array_like, shape (n,)
        Heat of each bin: IT power, fans and losses inside the cooled rooms. [W]
    dt_s : float
        Length of a bin. [s]
    initial_heat_w : float, optional
        Heat at which the loop had settled before; the mean of `heat_w` when absent, at most the capacity. [W]
    outdoor : Air, optional
        Outdoor air, the same in all bins; as of :func:`resolve` when absent.

    Returns
    -------
    CoolingResponse
        heat in = rejected + stored holds to rounding: the loop is integrated in closed form.

    Raises
    ------
    CatalogError
        If the cooling unit is not in the catalog.
    ValueError
        If a heat is negative or there is no sample.
    """
    heat = np.ascontiguousarray(heat_w, dtype=np.float64)
    if heat.size == 0 or bool((heat < 0.0).any()):
        raise ValueError("expected at least one sample of heat, none below 0 W")
    loop = resolve(spec, float(heat.mean()), outdoor)
    before = float(heat.mean()) if initial_heat_w is None else initial_heat_w
    start = min(before, loop.capacity_w) / loop.conductance
    spans = np.full(heat.size, dt_s)
    rise, rejected, end = integrate_loop(heat, spans, start, loop.conductance, loop.capacity_w, loop.mass)
    return CoolingResponse(
        dt_s=dt_s,
        power_w=rejected * loop.power_per_heat,
        rejected_w=rejected,
        temperature_c=loop.supply_c + rise,
        water_l_per_s=rejected * loop.water_l_per_j,
        stored_j=loop.mass * (end - start),
        alarm_s=_first_alarm(spec, loop, heat, dt_s, np.append(rise, end)),
    )


def _first_alarm(
    spec: SiteCoolingSpec, loop: Loop, heat: NDArray[np.float64], dt_s: float, rise: NDArray[np.float64]
) -> float:
    """Time at which the rise, known at the bin edges, first meets the alarm; inside the bin in closed form."""
    at_alarm = np.flatnonzero(rise >= spec.alarm_temperature - loop.supply_c)
    if at_alarm.size == 0:
        return math.inf
    k = int(at_alarm[0])
    if k == 0:
        return 0.0
    return (k - 1) * dt_s + _to_alarm(spec, loop, float(heat[k - 1]), loop.supply_c + float(rise[k - 1]))
