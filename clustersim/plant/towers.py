"""Wet towers: what they reject, at which temperature, with which fans and water."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import entry
from clustersim.plant.psychrometrics import (
    LIQUID_CP,
    humidity_ratio,
    ratio_of_wet_bulb,
    saturated_enthalpy,
    saturation_pressure,
)
from clustersim.plant.weather import Air

Floats = NDArray[np.float64]

_HALVINGS = 28
_COLDEST_C, _HOTTEST_C, _GRID_K = -60.0, 70.0, 0.02


@dataclass(frozen=True)
class Rejection:
    """Heat rejection of all units together, one value per hour."""

    cold_c: Floats
    """Water that leaves. [degC]"""
    fan_w: Floats
    """Fans, by the cube of their speed. [W]"""
    water_l_per_s: Floats
    """Evaporation, drift and blowdown. [L/s]"""


@dataclass(frozen=True)
class Tower:
    """Cells of a wet tower, rated by wet bulb, approach and range."""

    heat_w: float
    count: int
    wet_bulb_c: float
    approach_k: float
    range_k: float
    liquid_to_gas: float
    exponent: float
    fan_share: float
    drift: float
    cycles: float

    @property
    def cold_c(self) -> float:
        """Water that leaves at rating. [degC]"""
        return self.wet_bulb_c + self.approach_k

    @property
    def water_kg_per_s(self) -> float:
        """Of one cell, constant. [kg/s]"""
        return self.heat_w / (LIQUID_CP * self.range_k)

    @property
    def air_kg_per_s(self) -> float:
        """Dry air of one cell at full fan speed. [kg/s]"""
        return self.water_kg_per_s / self.liquid_to_gas


def tower(unit: str, count: int, cycles: float | None) -> Tower:
    """Return the towers of a site from the catalog; `cycles` of concentration are the catalog's when None."""
    found, standard = entry("cooling", unit), entry("cooling", "wet_tower")

    def si(key: str) -> float:
        return (found if found.has(key) else standard).si(key)

    water = entry("cooling", "water").si("cycles_of_concentration") if cycles is None else cycles
    return Tower(
        heat_w=found.si("heat"),
        count=count,
        wet_bulb_c=si("rated.wet_bulb"),
        approach_k=si("rated.approach"),
        range_k=si("rated.range"),
        liquid_to_gas=si("liquid_to_gas"),
        exponent=si("transfer_exponent"),
        fan_share=si("fan_share"),
        drift=si("drift"),
        cycles=water,
    )


def _effectiveness(units: Floats, ratio: Floats) -> Floats:
    """Return the effectiveness of counterflow with `units` of transfer and capacity ratio; its limit at ratio 1."""
    away = np.where(np.abs(1.0 - ratio) < 1e-9, 1e-9, 1.0 - ratio)
    decay = np.exp(-units * away)
    return np.asarray((1.0 - decay) / (1.0 - ratio * decay))


def _slope(hot_c: Floats, cold_c: Floats, pressure_pa: float) -> Floats:
    """Return the mean saturation specific heat between two water temperatures. [J/(kg K)]"""
    apart = np.maximum(hot_c - cold_c, 0.05)
    return np.asarray(
        (saturated_enthalpy(cold_c + apart, pressure_pa) - saturated_enthalpy(cold_c, pressure_pa)) / apart
    )


def _rated_units(t: Tower, pressure_pa: float = 101325.0) -> float:
    """Return the number of transfer units at rating, so that one cell rejects its rated heat there. [-]"""
    hot = t.cold_c + t.range_k
    ratio = float(_slope(np.asarray(hot), np.asarray(t.cold_c), pressure_pa)) / (t.liquid_to_gas * LIQUID_CP)
    drive = float(saturated_enthalpy(hot, pressure_pa) - saturated_enthalpy(t.wet_bulb_c, pressure_pa))
    need = t.heat_w / (t.air_kg_per_s * drive)
    most = 1.0 if ratio <= 1.0 else 1.0 / ratio
    if not 0.0 < need < most:
        raise ValueError(f"no tower of these figures can reject its rated heat: effectiveness {need:.3f} of {most:.3f}")
    # (1 - e) / (1 - m e) = need solved for e
    return float(-np.log((1.0 - need) / (1.0 - ratio * need)) / (1.0 - ratio))


def _moved(t: Tower, units: float, slope: Floats, drive: Floats, speed: Floats) -> Floats:
    """Return the heat that one cell rejects at a fan speed and an enthalpy difference (Braun and others 1989). [W]"""
    flow = np.maximum(speed, 1e-6)
    effective = _effectiveness(units * flow ** (-t.exponent), slope * flow / (t.liquid_to_gas * LIQUID_CP))
    return np.asarray(effective * flow * t.air_kg_per_s * drive)


def _drive(hot_c: Floats, air: Air) -> Floats:
    """Return the enthalpy of saturated air at the hot water less that of the outdoor air, at least 0. [J/kg]"""
    return np.asarray(
        np.maximum(
            saturated_enthalpy(hot_c, air.pressure_pa) - saturated_enthalpy(air.wet_bulb_c, air.pressure_pa), 0.0
        )
    )


def tower_capacity(t: Tower, air: Air, hot_limit_c: float) -> Floats:
    """Return the heat that all cells reject at full fan speed with water of at most `hot_limit_c`, or at rating. [W]

    Parameters
    ----------
    t : Tower
        The cells.
    air : Air
        Outdoor air.
    hot_limit_c : float
        Hottest water that may enter. [degC]
    """
    units = _rated_units(t)
    hot = np.broadcast_to(np.asarray(hot_limit_c, dtype=np.float64), air.wet_bulb_c.shape)
    slope = _slope(hot, hot - t.range_k, air.pressure_pa)
    found = _moved(t, units, slope, _drive(hot, air), np.ones_like(hot))
    return np.asarray(t.count * np.minimum(found, t.heat_w))


def tower_state(t: Tower, heat_w: Floats, target_c: Floats, air: Air) -> Rejection:
    r"""Return what the towers do with a heat: the slowest fans that make water of `target_c`, or full speed.

    Effectiveness model of Braun, Klein and Mitchell (1989), which is Merkel's theory with a linear saturation line:

    .. math:: q = \epsilon \dot m_a (h_s(T_{w,in}) - h_{air}), \qquad
              \epsilon = \frac{1 - e^{-N(1-m)}}{1 - m e^{-N(1-m)}}, \qquad
              m = \frac{\dot m_a c_s}{\dot m_w c_w}, \qquad N = c (\dot m_w / \dot m_a)^{0.4}

    c is fitted on the rating point. Leaving air is saturated at the enthalpy :math:`h_{air} + q / \dot m_a`; its
    humidity gives the evaporation, so that cool air takes up part of the heat dry. Where full speed does not suffice,
    the water is warmer than `target_c`.

    Parameters
    ----------
    t : Tower
        The cells; all share the heat.
    heat_w : ndarray
        Of all cells. [W]
    target_c : ndarray
        Temperature to which the water is to be cooled. [degC]
    air : Air
        Outdoor air, same shape.

    Returns
    -------
    Rejection
    """
    heat, target = np.broadcast_arrays(np.asarray(heat_w, dtype=np.float64), target_c)
    each, units = heat / t.count, _rated_units(t)
    spread = t.range_k * each / t.heat_w
    slope, drive = _slope(target + spread, target, air.pressure_pa), _drive(target + spread, air)
    low, high = np.zeros_like(each), np.ones_like(each)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        enough = _moved(t, units, slope, drive, middle) >= each
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    short = _moved(t, units, slope, drive, np.ones_like(each)) < each
    speed = np.where(each > 0.0, high, 0.0)
    cold = np.array(target, dtype=np.float64)
    if bool(short.any()):
        wet = Air(air.dry_bulb_c[short], air.wet_bulb_c[short], air.pressure_pa)
        cold[short] = _floating(t, units, each[short], spread[short], target[short], wet)
    return Rejection(cold, t.count * t.heat_w * t.fan_share * speed**3, _water(t, each, speed, air))


def _floating(t: Tower, units: float, each: Floats, spread: Floats, target: Floats, air: Air) -> Floats:
    """Return the temperature of the water at full fan speed, where it is warmer than wanted. [degC]"""
    low, high = np.array(target, dtype=np.float64), np.full_like(each, 95.0)
    for _ in range(_HALVINGS):
        middle = 0.5 * (low + high)
        slope = _slope(middle + spread, middle, air.pressure_pa)
        enough = _moved(t, units, slope, _drive(middle + spread, air), np.ones_like(each)) >= each
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return high


def _water(t: Tower, each: Floats, speed: Floats, air: Air) -> Floats:
    """Return make-up water of all cells: evaporation, drift, and blowdown that keeps the concentration. [L/s]"""
    flow = np.maximum(speed, 1e-6) * t.air_kg_per_s
    entering = saturated_enthalpy(air.wet_bulb_c, air.pressure_pa)
    grid = np.arange(_COLDEST_C, _HOTTEST_C, _GRID_K)
    leaving = np.interp(entering + each / flow, saturated_enthalpy(grid, air.pressure_pa), grid)
    gained = humidity_ratio(saturation_pressure(leaving), air.pressure_pa) - ratio_of_wet_bulb(
        air.dry_bulb_c, air.wet_bulb_c, air.pressure_pa
    )
    evaporated = np.where(each > 0.0, np.maximum(gained, 0.0) * flow, 0.0)
    drift = np.where(each > 0.0, t.drift * t.water_kg_per_s, 0.0)
    blowdown = np.maximum(evaporated / (t.cycles - 1.0) - drift, 0.0)
    return np.asarray(t.count * (evaporated + drift + blowdown))
