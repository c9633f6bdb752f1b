"""Cooling through a year of weather: PUE and WUE by hour, water, hours above the capacity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant.cooling_outdoors import cooling_outdoors
from clustersim.plant.hall_heat import Drawn, agreed_heat
from clustersim.plant.losses import electrical_losses, equipment_reactive
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.plant.weather import Air, weather_year
from clustersim.units import HOUR_S, KWH_J

Floats = NDArray[np.float64]

MOST = 0.5
"""Share of the hours above the capacity beyond which a year has no PUE. [-]"""


@dataclass(frozen=True)
class CoolingYear:
    """A site at constant IT power through a year; arrays have one value per hour."""

    place: str
    source: str
    """`synthetic`, or the name of the weather file."""
    it_w: float
    heat_w: Floats
    """IT power, fans and losses inside the cooled rooms. [W]"""
    meter_w: Floats
    """IT, cooling and losses. [W]"""
    water_l_per_s: Floats
    capacity_w: Floats
    """Heat that the cooling rejects. [W]"""
    dry_bulb_c: Floats
    wet_bulb_c: Floats
    design_dry_bulb_c: float
    """Exceeded in 0.4 % of the hours. [degC]"""
    design_capacity_w: float
    """Heat that the cooling rejects at the design dry bulb and design wet bulb together. [W]"""

    @property
    def pue(self) -> Floats:
        """By hour. [-]"""
        return self.meter_w / self.it_w

    @property
    def pue_annual(self) -> float | None:
        """Energy of the year over that of IT; None where the plant is short of cooling. [-]"""
        return None if self.short else float(self.pue.mean())

    @property
    def peak_hour_pue(self) -> float | None:
        """Largest of the hours; None where the plant is short of cooling. [-]"""
        return None if self.short else float(self.pue.max())

    @property
    def short(self) -> bool:
        """Whether the heat is above the capacity in most hours: the cooling then draws the power of a part of it."""
        return self.hours_above_capacity > MOST * self.meter_w.size

    @property
    def water_m3(self) -> float | None:
        """Of the year; None where the plant is short of cooling. [m3]"""
        return None if self.short else float(self.water_l_per_s.sum()) * HOUR_S / 1e3

    @property
    def wue_l_per_kwh(self) -> float | None:
        """Water of the year over energy of IT; None where the plant is short of cooling. [L/kWh]"""
        return None if self.short else float(self.water_l_per_s.mean()) * KWH_J / self.it_w

    @property
    def hours_above_capacity(self) -> int:
        """Hours in which the heat is above what the cooling rejects."""
        return int((self.heat_w > self.capacity_w).sum())

    @property
    def least_capacity_w(self) -> float:
        """In the worst hour. [W]"""
        return float(self.capacity_w.min())


def cooling_year(spec: SiteCoolingSpec, plant: SitePlantSpec | None, it_w: float) -> CoolingYear:
    """Return a year at constant IT power: the loop settles within minutes, so that every hour is a steady state.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site, with `weather`.
    plant : SitePlantSpec, optional
        Its conversion stages give the losses; none when absent.
    it_w : float
        IT power. [W]

    Raises
    ------
    InputError
        If the record has no weather.
    CatalogError
        If the catalog lacks a name or figure.
    ValueError
        If the IT power is not above 0.
    """
    if spec.weather is None:
        raise InputError("weather: expected a place of the catalog or a weather file, found none")
    if it_w <= 0.0:
        raise ValueError(f"expected an IT power above 0 W, got {it_w:g} W")
    year = weather_year(spec.weather)
    heat = _heat(spec, plant, it_w, year.air)
    state = cooling_outdoors(spec, heat, year.air)
    load = it_w + state.power_w
    losses = (
        np.zeros_like(load)
        if plant is None
        else electrical_losses(plant, load, equipment_reactive(it_w, state.power_w))
    )
    level = 1.0 - entry("weather", "synthetic_year").si("exceedance")
    dry, wet = (float(np.quantile(t, level)) for t in (year.air.dry_bulb_c, year.air.wet_bulb_c))
    air = Air(np.asarray(dry), np.asarray(min(wet, dry)), year.air.pressure_pa)
    design = cooling_outdoors(spec, _heat(spec, plant, it_w, air), air)
    return CoolingYear(
        place=year.place,
        source=year.source,
        it_w=it_w,
        heat_w=np.broadcast_to(heat, state.heat_w.shape),
        meter_w=load + losses,
        water_l_per_s=state.water_l_per_s,
        capacity_w=state.capacity_w,
        dry_bulb_c=year.air.dry_bulb_c,
        wet_bulb_c=year.air.wet_bulb_c,
        design_dry_bulb_c=dry,
        design_capacity_w=float(design.capacity_w),
    )


def _heat(spec: SiteCoolingSpec, plant: SitePlantSpec | None, it_w: float, air: Air) -> Floats:
    """Return IT power, fans and losses inside under the cooling of each hour. [W]"""

    def drawn_at(heat: Floats) -> Drawn:
        state = cooling_outdoors(spec, heat, air)
        return Drawn(state.power_w, state.served_w, np.where(state.capacity_w >= heat, 1.0, 0.0))

    return agreed_heat(plant, spec, it_w, drawn_at)
