"""Input records of the plant: the sections `electrical` and `cooling` of a topology file, one record per site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from clustersim.spec import Spec
from clustersim.units import ApparentPower, Energy, Frequency, Power, Ratio, Temperature, Time, Voltage

SwingForm = Literal["torque", "power"]
CoolingKind = Literal["chillers", "evaporative"]


class GridSpec(Spec):
    """The utility connection of a site."""

    capacity: Power = Field(gt=0)
    """Largest import that the connection agreement allows. [W]"""
    voltage: Voltage = Field(gt=0)
    """Nominal voltage at the point of interconnection. [V]"""
    system: str
    """Interconnection behind it: a name of catalog kind `grids` with inertia, online capacity and primary response."""
    point: str | None = None
    """Name in catalog kind `grids` that gives `short_circuit` and `x_over_r` where they are not stated here."""
    short_circuit: ApparentPower | None = Field(default=None, gt=0)
    """Three-phase short-circuit power at the point of interconnection. [VA]"""
    x_over_r: float | None = Field(default=None, gt=0)
    """Reactance over resistance of the source impedance. [-]"""

    @model_validator(mode="after")
    def _has_strength(self) -> GridSpec:
        if self.point is None and (self.short_circuit is None or self.x_over_r is None):
            raise ValueError("give `point` (a name of catalog kind grids), or both `short_circuit` and `x_over_r`")
        return self


class GeneratorSpec(Spec):
    """Identical synchronous generators on the site's bus."""

    type: str
    """Name in catalog kind `generators`: rating and inertia constant."""
    count: PositiveInt
    governor: str
    """Name in catalog kind `governors` of model GAST, or `none` for constant mechanical power."""
    dispatch_limit: Ratio = Field(gt=0, le=1)
    """Share of the rating up to which the units are dispatched; the rest is kept for load steps. [-]"""
    power_factor: Ratio | None = Field(default=None, gt=0, le=1)
    """Rated power over rated apparent power; the catalog's `synchronous_generator` when absent. [-]"""
    grid_parallel_output: Power | None = Field(default=None, ge=0)
    """Constant output beside the grid, at most the load; when absent, what the mean load exceeds the grid by. [W]"""


class BatterySpec(Spec):
    """A battery whose inverters answer frequency by droop."""

    type: str
    """Name in catalog kind `batteries`: unit energy and power, latency, time constant, efficiency."""
    count: PositiveInt
    droop: Ratio = Field(gt=0, le=1)
    """Relative frequency deviation beyond the dead band at which the battery gives its full power. [-]"""
    deadband: Frequency = Field(ge=0)
    """Frequency deviation that the battery does not answer. [Hz]"""
    power: Power | None = Field(default=None, gt=0)
    """Power of all units together; count x the catalog's four-hour rating when absent. [W]"""
    energy: Energy | None = Field(default=None, gt=0)
    """Energy of all units together; count x the catalog's unit energy when absent. [J]"""
    state_of_charge: Ratio = Field(default=0.5, ge=0, le=1)
    """At the start of every window. [-]"""


class ConversionStage(Spec):
    """One conversion stage between the meter and the equipment: a transformer or a UPS."""

    stage: str
    """Name in catalog kind `facility` with the figures `loss.no_load` and `loss.load`."""
    rating: Power = Field(gt=0)
    """Rated power of all units of the stage together. [W]"""
    share: Ratio = Field(default=1.0, gt=0, le=1)
    """Share of the site's load that passes through the stage. [-]"""


class SitePlantSpec(Spec):
    """Electrical plant of one site: the record under a site's name in the section `electrical`."""

    frequency: Frequency = Field(gt=0)
    """Nominal frequency. [Hz]"""
    grid: GridSpec | None = None
    generators: GeneratorSpec | None = None
    battery: BatterySpec | None = None
    conversion: tuple[ConversionStage, ...] = ()
    """Stages in order from the meter to the equipment."""
    swing: SwingForm = "torque"
    """Form of the swing equation: `torque` (pm - pe, as ANDES) or `power` (pm/w - pe, as PSS/E and TOPS)."""

    @model_validator(mode="after")
    def _has_source(self) -> SitePlantSpec:
        if self.grid is None and self.generators is None:
            raise ValueError("a site needs `grid`, `generators` or both")
        return self


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
