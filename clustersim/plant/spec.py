"""Input records of the plant: the sections `electrical` and `cooling` of a topology file, one record per site."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, field_serializer, field_validator, model_validator

from clustersim.plant.spec_parts.cooling import SiteCoolingSpec
from clustersim.plant.spec_parts.events import (
    Curtailment,
    FrequencyExcursion,
    FrequencyResponseSpec,
    GeneratorTrip,
    GridEvent,
    IslandFormation,
    LoadLoss,
    ProtectionSpec,
    RideThroughSpec,
    VoltageDip,
)
from clustersim.plant.spec_parts.generation import CondenserSpec, FlywheelSpec, GeneratorSpec, TripPoint
from clustersim.plant.spec_parts.network import shipped_networks
from clustersim.plant.spec_parts.storage import BatterySpec
from clustersim.plant.spec_parts.study import Mode, PlantModeSpec
from clustersim.plant.spec_parts.supply import ConversionStage, GridSpec, check_stages
from clustersim.plant.spec_parts.weather_file import WeatherRecord, read_epw
from clustersim.spec import Spec
from clustersim.units import Frequency, Temperature, Time

SwingForm = Literal["torque", "power"]

__all__ = [
    "BatterySpec",
    "CondenserSpec",
    "ConversionStage",
    "Curtailment",
    "FlywheelSpec",
    "FrequencyExcursion",
    "FrequencyResponseSpec",
    "GeneratorSpec",
    "GeneratorTrip",
    "GridEvent",
    "GridSpec",
    "IslandFormation",
    "LoadLoss",
    "Mode",
    "PlantModeSpec",
    "ProtectionSpec",
    "RideThroughSpec",
    "SiteCoolingSpec",
    "SitePlantSpec",
    "SwingForm",
    "TripPoint",
    "VoltageDip",
    "WeatherRecord",
    "read_epw",
    "shipped_networks",
]


class SitePlantSpec(Spec):
    """Electrical plant of one site: the record under a site's name in the section `electrical`."""

    frequency: Frequency = Field(gt=0)
    """Nominal frequency. [Hz]"""
    grid: GridSpec | None = None
    generators: tuple[GeneratorSpec, ...] = ()
    """Groups of identical units; one mapping in a file is one group."""
    battery: BatterySpec | None = None
    synchronous_condensers: CondenserSpec | None = None
    flywheels: FlywheelSpec | None = None
    secondary_control: Time | None = Field(default=None, gt=0)
    """Time in which secondary control of an island brings the frequency back; none when absent. [s]"""
    conversion: tuple[ConversionStage, ...] = ()
    """Stages in order from the meter to the equipment."""
    ambient: Temperature | None = Field(default=None, ge=-60, le=60)
    """Air around the transformers; the catalog's when absent. [degC]"""
    swing: SwingForm = "torque"
    """Form of the swing equation: `torque` (pm - pe, as ANDES) or `power` (pm/w - pe, as PSS/E and TOPS)."""

    @field_validator("generators", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        if value is None:
            return ()
        return (value,) if isinstance(value, dict | GeneratorSpec) else value

    @field_serializer("generators", mode="wrap")
    def _as_written(self, value: tuple[GeneratorSpec, ...], handler: Callable[[Any], Any]) -> Any:
        """One group is written as the mapping that it may be read from, so that key paths into it stay valid."""
        made = handler(value)
        return (made[0] if made else None) if len(made) < 2 else made

    @model_validator(mode="after")
    def _has_source(self) -> SitePlantSpec:
        if self.grid is None and not self.generators:
            raise ValueError("a site needs `grid`, `generators` or both")
        return self

    @model_validator(mode="after")
    def _stages_stand(self) -> SitePlantSpec:
        check_stages(self.conversion, None if self.grid is None else self.grid.voltage)
        return self
