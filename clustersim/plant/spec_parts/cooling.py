"""Cooling of a site."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Literal

from pydantic import Field, PositiveInt, field_validator, model_validator

from clustersim.plant.spec_parts.weather_file import WeatherRecord
from clustersim.spec import Spec
from clustersim.units import Energy, Ratio, Temperature, Time

CoolingKind = Literal["chillers", "water_chillers", "evaporative", "dry"]
COMPRESSORS = ("chillers", "water_chillers")
WET = ("water_chillers", "evaporative")
_START = re.compile(r"^(\d\d-\d\d)(?: (\d\d:\d\d))?$")
_COMMON_YEAR = 2001


class TowerSpec(Spec):
    """Wet towers that cool the condensers of water-cooled chillers."""

    unit: str = "wet_tower"
    """Name in catalog kind `cooling`."""
    count: PositiveInt
    """Towers of the site."""


class CduSpec(Spec):
    """Coolant distribution units between the facility loop and the liquid loops of the racks."""

    unit: str = "cdu"
    """Name in catalog kind `cooling`, with the figure `heat`."""
    count: PositiveInt
    """Units installed, spares among them."""
    standby: int = Field(default=0, ge=0)
    """Of `count`: spares. [-]"""

    @model_validator(mode="after")
    def _some_run(self) -> CduSpec:
        if self.standby >= self.count:
            raise ValueError(f"standby: expected fewer than count = {self.count}, found {self.standby}")
        return self


class SiteCoolingSpec(Spec):
    """Cooling of one site: the record under a site's name in the section `cooling`."""

    kind: CoolingKind
    """`chillers` (air-cooled compressors at a COP), `water_chillers` (compressors and wet towers), `evaporative`
    (towers, no compressors, water evaporates) or `dry` (dry coolers or outside air, no compressors)."""
    unit: str
    """Name in catalog kind `cooling` with the figure `heat` (and `cop`, for chillers)."""
    count: PositiveInt
    """Units installed, spares and lost ones among them."""
    liquid_share: Ratio = Field(ge=0, le=1)
    """Share of the heat that leaves the servers in liquid; fans move the rest to a coil. [-]"""
    supply_temperature: Temperature = Field(ge=0, le=100)
    """Temperature of the loop without load. [degC]"""
    design_rise: Temperature = Field(gt=0)
    """Rise of the loop above `supply_temperature` when it rejects its full capacity. [K]"""
    alarm_temperature: Temperature = Field(le=100)
    """Loop temperature at which equipment must shed load. [degC]"""
    loop_time_constant: Time | None = Field(default=None, gt=0)
    """Thermal mass over conductance of the loop; the catalog's when absent. [s]"""
    cop: float | None = Field(default=None, gt=0)
    """Heat over compressor power at the unit's rated weather; the unit's or else `air_cooled_chiller`'s figure when
    absent. [-]"""
    standby: int = Field(default=0, ge=0)
    """Of `count`: spares, which run only in place of lost units. [-]"""
    lost: int = Field(default=0, ge=0)
    """Of `count`: out of service in this run. [-]"""
    staging: Literal["modulating", "on_off"] = "modulating"
    """Whether all units share the load, or as few run as carry it."""
    economiser: bool = False
    """Whether the loop is cooled without compressors as far as the weather allows."""
    adiabatic: bool = False
    """Whether the air of dry coolers is pre-cooled by evaporation when it must be."""
    cycles_of_concentration: float | None = Field(default=None, gt=1)
    """Of the towers' water; the catalog's when absent. [-]"""
    towers: TowerSpec | None = None
    """Towers of water-cooled chillers."""
    cdu: CduSpec | None = None
    """They limit the heat in liquid; no limit when absent."""
    buffer: Energy | None = Field(default=None, gt=0)
    """Cold that a tank gives between supply and alarm temperature. [J]"""
    weather: str | WeatherRecord | None = None
    """Name in catalog kind `weather`, or of a weather file."""
    start: str | None = None
    """Hour of the year at which a run begins, `MM-DD` or `MM-DD hh:mm`, standard time; without it a run's horizon does
    not see the weather."""

    @property
    def units_running(self) -> int:
        """Units that can run at once: all but the spares, or all but the lost ones where those are more."""
        return self.count - max(self.standby, self.lost)

    @property
    def start_hour(self) -> float | None:
        """Hours from the beginning of the year to the start of a run. [h]"""
        return None if self.start is None else _hour_of(self.start)

    @field_validator("start")
    @classmethod
    def _a_date(cls, start: str | None) -> str | None:
        if start is not None:
            _hour_of(start)
        return start

    @model_validator(mode="after")
    def _ordered(self) -> SiteCoolingSpec:
        design = self.supply_temperature + self.design_rise
        if self.alarm_temperature <= design:
            raise ValueError(
                f"alarm_temperature must be above supply_temperature + design_rise = {design:g} degC, "
                f"got {self.alarm_temperature:g} degC"
            )
        if self.lost >= self.count:
            raise ValueError(f"lost: expected fewer than count = {self.count}, found {self.lost}")
        if self.standby >= self.count:
            raise ValueError(f"standby: expected fewer than count = {self.count}, found {self.standby}")
        if self.start is not None and self.weather is None:
            raise ValueError("start: expected with `weather`: without it there is no year to start in")
        return self

    @model_validator(mode="after")
    def _has_meaning(self) -> SiteCoolingSpec:
        if self.kind not in COMPRESSORS:
            for key in ("cop", "economiser"):
                if getattr(self, key):
                    raise ValueError(f"`{key}` has no meaning for {self.kind} cooling: it has no compressors")
        if self.adiabatic and self.kind != "dry":
            raise ValueError(f"`adiabatic` has no meaning for {self.kind} cooling: it pre-cools the air of dry coolers")
        if self.cycles_of_concentration is not None and self.kind not in WET:
            raise ValueError(f"`cycles_of_concentration` has no meaning for {self.kind} cooling: it has no towers")
        if (self.towers is not None) != (self.kind == "water_chillers"):
            raise ValueError(f"towers: expected with kind water_chillers and only there, found kind {self.kind}")
        return self


def _hour_of(start: str) -> float:
    """Return the hours from the beginning of a year of 365 days. [h]"""
    found = _START.match(start)
    try:
        if found is None:
            raise ValueError
        text = f"{_COMMON_YEAR}-{found[1]} {found[2] or '00:00'}"
        moment = datetime.strptime(text, "%Y-%m-%d %H:%M")
    except ValueError:
        raise ValueError(f"expected MM-DD or MM-DD hh:mm such as '07-15 14:00', found {start!r}") from None
    return (moment - datetime(_COMMON_YEAR, 1, 1)).total_seconds() / 3600.0
