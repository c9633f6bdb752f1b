"""Cooling of a site over days: the loop in closed form, at the rating of the units or through the weather."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.plant.cooling import SMALL_SHARE, resolve
from clustersim.plant.cooling_kernels import integrate_loop, integrate_loop_in_weather
from clustersim.plant.cooling_outdoors import cooling_outdoors
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.plant.weather import WeatherYear, weather_year
from clustersim.units import HOUR_S

Floats = NDArray[np.float64]


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
    water_l: float = 0.0
    """Evaporation, drift and blowdown. [L]"""


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

    Notes
    -----
    Where the record has a `start`, supply temperature, capacity, COP, fans and water follow the weather hour by hour;
    COP and fans within an hour are those of its heat. Else the units work at their rating.

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
    found = loop_pieces(spec, heat, span, initial_heat_w)
    out = found.rejected_w * found.span_s
    mass = resolve(spec, 0.0).mass
    above = _above(spec.alarm_temperature, found.temperature_c, found.heat_w, found.span_s, found.capacity_w, mass)
    return CoolingHistory(
        energy_j=float(out @ found.power_per_heat),
        rejected_j=float(out.sum()),
        stored_j=mass * float(found.temperature_c[-1] - found.temperature_c[0]),
        first_alarm_s=_first(above, spec.alarm_temperature, found.temperature_c[:-1], found.span_s),
        above_alarm_s=float(above.sum()),
        peak_temperature_c=float(found.temperature_c.max()),
        water_l=float(out @ found.water_l_per_j),
    )


def _above(alarm: float, edges: Floats, heat: Floats, span: Floats, capacity_w: Floats, mass: float) -> Floats:
    """Return how long the loop is above its alarm in each span. [s]

    The alarm lies above the rise at full capacity: there the loop warms and cools at a constant rate.
    """
    rate = np.abs(heat - capacity_w) / mass
    over = np.maximum(edges - alarm, 0.0)
    crossing = (edges[:-1] >= alarm) != (edges[1:] >= alarm)
    above = np.where((edges[:-1] >= alarm) & ~crossing, span, 0.0)
    above[crossing] = np.maximum(over[:-1], over[1:])[crossing] / np.maximum(rate[crossing], 1e-30)
    return np.asarray(np.minimum(above, span))


def _first(above: Floats, alarm: float, edges: Floats, span: Floats) -> float:
    """Return the time of the first alarm; infinite if there is none. [s]"""
    hit = np.flatnonzero(above > 0.0)
    if not hit.size:
        return math.inf
    k = int(hit[0])
    return float(span[:k].sum() + (0.0 if edges[k] >= alarm else span[k] - above[k]))


@dataclass(frozen=True)
class Pieces:
    """Stretches of constant heat, supply temperature and capacity of a loop, and what it did in them."""

    span_s: Floats
    heat_w: Floats
    supply_c: Floats
    capacity_w: Floats
    temperature_c: Floats
    """At the start of each piece and at the end of the last; shape (n + 1,). [degC]"""
    rejected_w: Floats
    """Mean of each piece. [W]"""
    power_per_heat: Floats
    """Electrical power over rejected heat. [-]"""
    water_l_per_j: Floats


def loop_pieces(
    spec: SiteCoolingSpec, heat: Floats, span: Floats, initial_heat_w: float, cuts_s: Floats | None = None
) -> Pieces:
    """Return the loop of :func:`cooling_history` piece by piece; through the weather they are cut at whole hours.

    Parameters
    ----------
    spec, heat, span, initial_heat_w
        As of :func:`cooling_history`.
    cuts_s : ndarray, optional
        Further times from the start at which pieces are cut, in order. [s]
    """
    ends = np.cumsum(span)
    more = np.empty(0) if cuts_s is None else cuts_s[(cuts_s > 0.0) & (cuts_s < ends[-1])]
    if spec.start_hour is not None and spec.weather is not None:
        return _through_weather(spec, heat, ends, initial_heat_w, weather_year(spec.weather), spec.start_hour, more)
    edges = np.union1d(ends, more)
    pieces = np.diff(edges, prepend=0.0)
    mine = heat[np.minimum(np.searchsorted(ends, edges - 0.5 * pieces), heat.size - 1)]
    loop = resolve(spec, 0.0)
    start = min(initial_heat_w, loop.capacity_w) / loop.conductance
    rise, rejected, end = integrate_loop(mine, pieces, start, loop.conductance, loop.capacity_w, loop.mass)
    same = np.ones_like(pieces)
    return Pieces(
        span_s=pieces,
        heat_w=mine,
        supply_c=spec.supply_temperature * same,
        capacity_w=loop.capacity_w * same,
        temperature_c=spec.supply_temperature + np.append(rise, end),
        rejected_w=rejected,
        power_per_heat=loop.power_per_heat * same,
        water_l_per_j=loop.water_l_per_j * same,
    )


def _through_weather(
    spec: SiteCoolingSpec, heat: Floats, ends: Floats, initial_heat_w: float, year: WeatherYear, start_hour: float,
    more_s: Floats,
) -> Pieces:  # fmt: skip
    """Return the pieces with supply, capacity and power of each hour; they are cut at whole hours."""
    whole = np.arange(1.0, math.ceil(start_hour + ends[-1] / HOUR_S) + 1.0) - start_hour
    cuts = whole[(whole > 0.0) & (whole * HOUR_S < ends[-1])] * HOUR_S
    edges = np.union1d(np.union1d(ends, cuts), more_s)
    pieces = np.diff(edges, prepend=0.0)
    # of each piece: the span and the hour in which its middle lies
    middle = edges - 0.5 * pieces
    mine = heat[np.minimum(np.searchsorted(ends, middle), heat.size - 1)]
    loop = resolve(spec, initial_heat_w)
    full = loop.conductance * spec.design_rise
    state = cooling_outdoors(spec, np.maximum(mine, SMALL_SHARE * full), year.hour(start_hour + middle / HOUR_S))
    start = loop.supply_c + min(initial_heat_w, loop.capacity_w) / loop.conductance
    temperature, rejected, end = integrate_loop_in_weather(
        mine, pieces, state.supply_c, state.capacity_w, start, loop.conductance, loop.mass
    )
    served = np.maximum(state.served_w, 1.0)
    return Pieces(
        span_s=pieces,
        heat_w=mine,
        supply_c=np.broadcast_to(state.supply_c, pieces.shape),
        capacity_w=np.broadcast_to(state.capacity_w, pieces.shape),
        temperature_c=np.append(temperature, end),
        rejected_w=rejected,
        power_per_heat=state.power_w / served,
        water_l_per_j=state.water_l_per_s / served,
    )
