"""Input records of the plant: the sections `electrical` and `cooling` of a topology file, one record per site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from clustersim.plant.spec_parts.cooling import SiteCoolingSpec
from clustersim.plant.spec_parts.generation import GeneratorSpec
from clustersim.plant.spec_parts.storage import BatterySpec
from clustersim.plant.spec_parts.supply import ConversionStage, GridSpec
from clustersim.spec import Spec
from clustersim.units import Frequency

SwingForm = Literal["torque", "power"]

__all__ = [
    "BatterySpec",
    "ConversionStage",
    "GeneratorSpec",
    "GridSpec",
    "SiteCoolingSpec",
    "SitePlantSpec",
    "SwingForm",
]


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
