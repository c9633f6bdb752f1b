"""Cooling of a site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from clustersim.spec import Spec
from clustersim.units import Ratio, Temperature, Time

CoolingKind = Literal["chillers", "evaporative"]


class SiteCoolingSpec(Spec):
    """Cooling of one site: the record under a site's name in the section `cooling`."""

    kind: CoolingKind
    """`chillers` (compressors at a COP) or `evaporative` (towers, no compressors, water evaporates)."""
    unit: str
    """Name in catalog kind `cooling` with the figure `heat` (and `cop`, for chillers)."""
    count: PositiveInt
    liquid_share: Ratio = Field(ge=0, le=1)
    """Share of the heat that leaves the servers in liquid; fans move the rest to a coil. [-]"""
    supply_temperature: Temperature
    """Temperature of the loop without load. [degC]"""
    design_rise: Temperature = Field(gt=0)
    """Rise of the loop above `supply_temperature` when it rejects its full capacity. [K]"""
    alarm_temperature: Temperature
    """Loop temperature at which equipment must shed load. [degC]"""
    loop_time_constant: Time | None = Field(default=None, gt=0)
    """Thermal mass over conductance of the loop; the catalog's when absent. [s]"""
    cop: float | None = Field(default=None, gt=0)
    """Heat over compressor power; the unit's or else `air_cooled_chiller`'s figure when absent. [-]"""

    @model_validator(mode="after")
    def _ordered(self) -> SiteCoolingSpec:
        design = self.supply_temperature + self.design_rise
        if self.alarm_temperature <= design:
            raise ValueError(
                f"alarm_temperature must be above supply_temperature + design_rise = {design:g} degC, "
                f"got {self.alarm_temperature:g} degC"
            )
        if self.kind == "evaporative" and self.cop is not None:
            raise ValueError("`cop` has no meaning for evaporative cooling: it has no compressors")
        return self
