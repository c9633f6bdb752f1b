"""Units of a cooling plant that start, stop, fail, and come back after the supply was away."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.cooling import Loop, resolve, time_to_alarm
from clustersim.plant.cooling_kernels import integrate_loop_in_weather, stage
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.plant.spec_parts.cooling import COMPRESSORS
from clustersim.plant.weather import Air

_HALVINGS = 40
_BINS_PER_RUN = 10
"""Bins per shortest run of a unit in which its starts are counted. [-]"""
_SETTLED = 20.0
"""Time constants after which a loop has settled. [-]"""


@dataclass(frozen=True)
class Staging:
    """Units that run while as few as possible do."""

    running: NDArray[np.int64]
    """In each bin. [-]"""
    starts: int
    """Of units over the record. [-]"""


@dataclass(frozen=True)
class UnitLoss:
    """A cooling plant that has lost units at constant heat."""

    lost: int
    capacity_w: float
    """Of what is left, spares included. [W]"""
    shortfall_w: float
    time_to_alarm_s: float
    """From the temperature at which the whole plant had settled; infinite without a shortfall. [s]"""


@dataclass(frozen=True)
class RideThrough:
    """A loop whose units stop for the time of an outage and their restart; pumps run on."""

    without_cooling_s: float
    """Until the first unit is back. [s]"""
    time_to_alarm_s: float
    """From the settled loop, if the cooling stayed away. [s]"""
    longest_outage_s: float
    """Outage from which the units just come back before the alarm; 0 if a dip that trips them is too long. [s]"""
    first_alarm_s: float
    """In this outage; infinite if there is none. [s]"""
    peak_temperature_c: float
    """Of the loop. [degC]"""
    recovered_s: float
    """Time at which all units are back. [s]"""


def stage_units(
    heat_w: ArrayLike, dt_s: float, unit_w: float, count: int, minimum_run_s: float | None = None
) -> Staging:
    """Return how many units run when as few as possible do.

    A unit starts at once when those that run do not suffice. One stops when one fewer would do, and not before the last
    switch of any unit is the minimum run ago.

    Parameters
    ----------
    heat_w : array_like, shape (n,)
        Heat of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    unit_w : float
        Capacity of a unit. [W]
    count : int
        Units that can run.
    minimum_run_s : float, optional
        Time for which units stay as they are before one stops; the catalog's when absent. [s]

    Raises
    ------
    ValueError
        If there is no bin, a heat is negative, or a capacity, length or count is not above zero.
    """
    heat = np.ascontiguousarray(heat_w, dtype=np.float64)
    if heat.size == 0 or bool((heat < 0.0).any()):
        raise ValueError("expected at least one sample of heat, none below 0 W")
    if unit_w <= 0.0 or dt_s <= 0.0 or count < 1:
        raise ValueError(f"expected units above 0 W and bins above 0 s, got {count} of {unit_w:g} W and {dt_s:g} s")
    least = entry("cooling", "chiller_model").si("minimum_run") if minimum_run_s is None else minimum_run_s
    needed = np.minimum(np.ceil(heat / unit_w - 1e-12), count).astype(np.int64)
    running, starts = stage(needed, math.ceil(least / dt_s - 1e-9))
    return Staging(running, int(starts))


def unit_starts(spec: SiteCoolingSpec, heat_w: ArrayLike, span_s: ArrayLike) -> int | None:
    """Return how often units of a site with `staging: on_off` start over spans of constant heat.

    Capacity of a unit is that at the rating, or in the weather of the record's `start`. Heat is looked at in means over
    a tenth of the time for which units stay as they are: what is quicker, the loop does not hand on.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w, span_s : array_like, shape (n,)
        Heat of each span and its length. [W], [s]

    Returns
    -------
    int or None
        None where all units share the load.

    Raises
    ------
    CatalogError
        If the catalog has no such unit.
    """
    if spec.staging == "modulating":
        return None
    heat, span = np.asarray(heat_w, dtype=np.float64), np.asarray(span_s, dtype=np.float64)
    least = entry("cooling", "chiller_model").si("minimum_run")
    bins = max(1, math.ceil(float(span.sum()) * _BINS_PER_RUN / least))
    ends = np.append(0.0, np.cumsum(span))
    edges = np.linspace(0.0, ends[-1], bins + 1)
    joules = np.interp(edges, ends, np.append(0.0, np.cumsum(heat * span)))
    means = np.maximum(np.diff(joules), 0.0) / (edges[1] - edges[0])
    capacity = resolve(spec, float(means.mean())).capacity_w
    units = spec.units_running
    return stage_units(means, float(edges[1] - edges[0]), capacity / units, units).starts


def lose_units(spec: SiteCoolingSpec, heat_w: float, lost: int, outdoor: Air | None = None) -> UnitLoss:
    """Return what is left of a site's cooling after the loss of units, and how long the loop stays below its alarm.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site; its own `lost` units count on top.
    heat_w : float
        [W]
    lost : int
        Units that fail.
    outdoor : Air, optional
        Outdoor air; that at the record's `start`, or the rating of the units, when absent.

    Raises
    ------
    ValueError
        If more units are lost than there are.
    CatalogError
        If the catalog has no such unit.
    """
    if not 0 <= lost <= spec.count - spec.lost:
        raise ValueError(f"lost: expected 0 to {spec.count - spec.lost} units, found {lost}")
    left = spec.model_copy(update={"lost": spec.lost + lost})
    whole, rest = resolve(spec, heat_w, outdoor), resolve(left, heat_w, outdoor)
    start = whole.supply_c + min(heat_w, whole.capacity_w) / whole.conductance
    return UnitLoss(
        lost=lost,
        capacity_w=rest.capacity_w,
        shortfall_w=max(heat_w - rest.capacity_w, 0.0),
        time_to_alarm_s=time_to_alarm(left, heat_w, start, outdoor),
    )


def ride_through(spec: SiteCoolingSpec, heat_w: float, outage_s: float, outdoor: Air | None = None) -> RideThrough:
    r"""Return what the loop does when all units stop for an outage, restart, and come back one after another.

    Without cooling the loop warms by Q / C from its settled temperature; C holds the water of the loop and the tank.
    Compressors need their restart time after the voltage is back; fans of towers and dry coolers do not.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w : float
        Heat that goes on: servers ride through on their batteries. [W]
    outage_s : float
        From the loss of the units' supply to its return; a dip that trips them has 0. [s]
    outdoor : Air, optional
        Outdoor air; that at the record's `start`, or the rating of the units, when absent.

    Raises
    ------
    ValueError
        If heat or outage is negative.
    CatalogError
        If the catalog has no such unit.
    """
    if heat_w < 0.0 or outage_s < 0.0:
        raise ValueError(f"expected heat and outage of at least 0, got {heat_w:g} W and {outage_s:g} s")
    model, loop = entry("cooling", "chiller_model"), resolve(spec, heat_w, outdoor)
    restart = model.si("restart") if spec.kind in COMPRESSORS else 0.0
    start = loop.supply_c + min(heat_w, loop.capacity_w) / loop.conductance
    alone = loop.mass * max(spec.alarm_temperature - start, 0.0) / heat_w if heat_w > 0.0 else math.inf
    units, spacing = max(spec.units_running, 1), model.si("restart_spacing")
    first, peak = _course(spec, loop, heat_w, outage_s + restart, units, spacing)
    return RideThrough(
        without_cooling_s=outage_s + restart,
        time_to_alarm_s=alone,
        longest_outage_s=_longest(spec, loop, heat_w, alone, restart, units, spacing),
        first_alarm_s=first,
        peak_temperature_c=peak,
        recovered_s=outage_s + restart + spacing * (units - 1),
    )


def _course(
    spec: SiteCoolingSpec, loop: Loop, heat_w: float, away_s: float, units: int, spacing_s: float
) -> tuple[float, float]:
    """Return the time of the first alarm [s] and the highest temperature [degC] of a loop whose units are away."""
    start = loop.supply_c + min(heat_w, loop.capacity_w) / loop.conductance
    span = np.array([away_s, *[spacing_s] * (units - 1), _SETTLED * loop.mass / loop.conductance])
    capacity = loop.capacity_w * np.arange(units + 1) / units
    kept = span > 0.0
    span, capacity = span[kept], capacity[kept]
    heat, supply = np.full(span.size, heat_w), np.full(span.size, loop.supply_c)
    temperature, _, end = integrate_loop_in_weather(heat, span, supply, capacity, start, loop.conductance, loop.mass)
    edges = np.append(temperature, end)
    over = np.flatnonzero(edges > spec.alarm_temperature)
    if not over.size:
        return math.inf, float(edges.max())
    k = int(over[0])
    if k == 0:
        return 0.0, float(edges.max())
    # only above its capacity does a loop warm that far: there it warms at a constant rate
    rate = (heat_w - float(capacity[k - 1])) / loop.mass
    return float(span[:k].sum() - (edges[k] - spec.alarm_temperature) / rate), float(edges.max())


def _longest(
    spec: SiteCoolingSpec, loop: Loop, heat_w: float, alone_s: float, restart_s: float, units: int, spacing_s: float
) -> float:
    """Return the longest outage after which the units come back before the alarm. [s]"""
    if math.isinf(alone_s):
        return math.inf
    if _course(spec, loop, heat_w, restart_s, units, spacing_s)[0] < math.inf:
        return 0.0
    low, high = 0.0, max(alone_s - restart_s, 0.0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        if _course(spec, loop, heat_w, middle + restart_s, units, spacing_s)[0] < math.inf:
            high = middle
        else:
            low = middle
    return low
