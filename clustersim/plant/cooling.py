"""Cooling of a site: capacity, electrical power, water, and the loop that warms when heat exceeds the capacity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import Entry, entry
from clustersim.plant.kernels import integrate_loop
from clustersim.plant.spec import SiteCoolingSpec


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
    sustainable_heat_w: float
    """Heat that can be kept up for ever: the smaller of heat and capacity. [W]"""
    pue_contribution: float
    """Cooling power over heat. [-]"""
    temperature_c: float
    """Settled loop temperature; infinite with a shortfall. [degC]"""
    time_to_alarm_s: float
    """From the settled state at full capacity to the alarm; infinite without a shortfall. [s]"""
    water_l_per_s: float
    """Evaporated water and blowdown. [L/s]"""


@dataclass(frozen=True)
class CoolingResponse:
    """Cooling over a window; arrays have one value per bin."""

    dt_s: float
    power_w: NDArray[np.float64]
    """Electrical power, mean of the bin. [W]"""
    rejected_w: NDArray[np.float64]
    """Heat rejected to the air, mean of the bin. [W]"""
    unserved_w: NDArray[np.float64]
    """Heat above the capacity, which the loop stores. [W]"""
    temperature_c: NDArray[np.float64]
    """Loop temperature at the start of the bin. [degC]"""
    water_l_per_s: NDArray[np.float64]
    stored_j: float
    """Heat stored in the loop over the window: heat in = rejected + stored. [J]"""
    alarm_s: float
    """Time from the start of the window at which the loop reaches its alarm temperature; infinite if not. [s]"""


@dataclass(frozen=True)
class CoolingHistory:
    """Cooling over a long time, such as the days of a job."""

    energy_j: float
    """Electrical energy. [J]"""
    rejected_j: float
    """Heat rejected to the air. [J]"""
    stored_j: float
    """Heat stored in the loop at the end against the start. [J]"""
    first_alarm_s: float
    """Time from the start at which the loop first reaches its alarm temperature; infinite if never. [s]"""
    above_alarm_s: float
    """Time above the alarm temperature. [s]"""
    peak_temperature_c: float
    """Highest loop temperature, of a loop that is left alone whatever it reaches. [degC]"""


@dataclass(frozen=True)
class _Loop:
    """Resolved figures of a cooling spec."""

    capacity_low_w: float
    capacity_w: float
    capacity_high_w: float
    power_per_heat: float
    water_l_per_j: float
    conductance: float
    mass: float


def _cop(spec: SiteCoolingSpec, unit: Entry) -> float:
    if spec.cop is not None:
        return spec.cop
    return unit.si("cop") if unit.has("cop") else entry("cooling", "air_cooled_chiller").si("cop")


def _resolve(spec: SiteCoolingSpec) -> _Loop:
    unit, extra = entry("cooling", spec.unit), entry("facility", "cooling_auxiliaries")
    heat = unit.figure("heat")
    per_heat = extra.si("pump_share") + (1.0 - spec.liquid_share) * extra.si("air_fan_share")
    water = 0.0
    if spec.kind == "chillers":
        per_heat += 1.0 / _cop(spec, unit)
    else:
        per_heat += extra.si("tower_share")
        water = entry("cooling", "water").si("evaporation") * (1.0 + extra.si("blowdown_share"))
    capacity = heat.value * spec.count
    conductance = capacity / spec.design_rise
    tau = entry("cooling", "loop").si("time_constant") if spec.loop_time_constant is None else spec.loop_time_constant
    return _Loop(
        capacity_low_w=heat.low * spec.count,
        capacity_w=capacity,
        capacity_high_w=heat.high * spec.count,
        power_per_heat=per_heat,
        water_l_per_j=water,
        conductance=conductance,
        mass=tau * conductance,
    )


def time_to_alarm(spec: SiteCoolingSpec, heat_w: float, start_c: float) -> float:
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

    Returns
    -------
    float
        0 when the loop starts above the alarm, infinite when the heat is within the capacity. [s]

    Raises
    ------
    CatalogError
        If the cooling unit is not in the catalog.
    """
    loop = _resolve(spec)
    alarm, rise = spec.alarm_temperature - spec.supply_temperature, start_c - spec.supply_temperature
    if rise >= alarm:
        return 0.0
    excess = heat_w - loop.capacity_w
    if excess <= 0.0:
        return math.inf
    full, settled = loop.capacity_w / loop.conductance, heat_w / loop.conductance
    warm = loop.mass / loop.conductance * math.log((settled - rise) / (settled - full)) if rise < full else 0.0
    return warm + loop.mass * (alarm - max(rise, full)) / excess


def steady_cooling(spec: SiteCoolingSpec, heat_w: float) -> CoolingState:
    """Cooling at constant heat: power, capacity with its band, shortfall, water.

    Power = rejected heat x (1/COP, or the towers' share, + pumps + fans for the heat that leaves servers in air);
    rejected heat = min(heat, capacity). Server fans belong to IT.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        IT power and the losses inside the halls: all of it becomes heat. [W]

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
    loop = _resolve(spec)
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
        sustainable_heat_w=served,
        pue_contribution=power / heat_w if heat_w > 0.0 else 0.0,
        temperature_c=math.inf if short > 0.0 else spec.supply_temperature + heat_w / loop.conductance,
        time_to_alarm_s=time_to_alarm(spec, heat_w, spec.supply_temperature + spec.design_rise),
        water_l_per_s=served * loop.water_l_per_j,
    )


def cooling_response(
    spec: SiteCoolingSpec, heat_w: ArrayLike, dt_s: float, initial_heat_w: float | None = None
) -> CoolingResponse:
    """Cooling over time: a loop of first order between the heat and the plant.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : array_like, shape (n,)
        Heat of each bin: IT power and the losses inside the halls. [W]
    dt_s : float
        Length of a bin. [s]
    initial_heat_w : float, optional
        Heat at which the loop had settled before; the mean of `heat_w` when absent, at most the capacity. [W]

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
    loop = _resolve(spec)
    before = float(heat.mean()) if initial_heat_w is None else initial_heat_w
    start = min(before, loop.capacity_w) / loop.conductance
    spans = np.full(heat.size, dt_s)
    rise, rejected, end = integrate_loop(heat, spans, start, loop.conductance, loop.capacity_w, loop.mass)
    return CoolingResponse(
        dt_s=dt_s,
        power_w=rejected * loop.power_per_heat,
        rejected_w=rejected,
        unserved_w=np.maximum(heat - loop.capacity_w, 0.0),
        temperature_c=spec.supply_temperature + rise,
        water_l_per_s=rejected * loop.water_l_per_j,
        stored_j=loop.mass * (end - start),
        alarm_s=_first_alarm(spec, heat, dt_s, np.append(rise, end)),
    )


def _first_alarm(spec: SiteCoolingSpec, heat: NDArray[np.float64], dt_s: float, rise: NDArray[np.float64]) -> float:
    """Time at which the rise, known at the bin edges, first meets the alarm; inside the bin in closed form."""
    at_alarm = np.flatnonzero(rise >= spec.alarm_temperature - spec.supply_temperature)
    if at_alarm.size == 0:
        return math.inf
    k = int(at_alarm[0])
    if k == 0:
        return 0.0
    return (k - 1) * dt_s + time_to_alarm(spec, float(heat[k - 1]), spec.supply_temperature + float(rise[k - 1]))


def cooling_history(
    spec: SiteCoolingSpec, heat_w: ArrayLike, span_s: ArrayLike, initial_heat_w: float
) -> CoolingHistory:
    """Cooling over spans of constant heat, however long: the loop of :func:`cooling_response` in closed form.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w, span_s : array_like, shape (n,)
        Heat of each span and its length, above zero. [W], [s]
    initial_heat_w : float
        Heat at which the loop had settled before, at most the capacity. [W]

    Returns
    -------
    CoolingHistory
        heat in = rejected + stored holds to rounding.

    Raises
    ------
    CatalogError
        If the cooling unit is not in the catalog.
    ValueError
        If a heat is negative, a span not above zero, or there is none.
    """
    heat, span = np.ascontiguousarray(heat_w, dtype=np.float64), np.ascontiguousarray(span_s, dtype=np.float64)
    if heat.size == 0 or heat.shape != span.shape or bool((heat < 0.0).any()) or bool((span <= 0.0).any()):
        raise ValueError("expected spans above 0 s, each with a heat of at least 0 W")
    loop = _resolve(spec)
    start = min(initial_heat_w, loop.capacity_w) / loop.conductance
    rise, rejected, end = integrate_loop(heat, span, start, loop.conductance, loop.capacity_w, loop.mass)
    edges = np.append(rise, end)
    alarm = spec.alarm_temperature - spec.supply_temperature
    # The alarm lies above the rise at full capacity: there the loop warms and cools at a constant rate.
    rate = np.abs(heat - loop.capacity_w) / loop.mass
    over = np.maximum(edges - alarm, 0.0)
    crossing = (edges[:-1] >= alarm) != (edges[1:] >= alarm)
    above = np.where((edges[:-1] >= alarm) & ~crossing, span, 0.0)
    above[crossing] = np.maximum(over[:-1], over[1:])[crossing] / rate[crossing]
    hit = np.flatnonzero(above > 0.0)
    first = math.inf
    if hit.size:
        k = int(hit[0])
        first = float(span[:k].sum() + (0.0 if edges[k] >= alarm else span[k] - above[k]))
    heat_out = float(rejected @ span)
    return CoolingHistory(
        energy_j=heat_out * loop.power_per_heat,
        rejected_j=heat_out,
        stored_j=loop.mass * (end - start),
        first_alarm_s=first,
        above_alarm_s=float(above.sum()),
        peak_temperature_c=spec.supply_temperature + float(edges.max()),
    )
