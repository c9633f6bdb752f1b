"""Section `plant` of a scenario: how its sites are supplied."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clustersim.plant.spec_parts.events import FrequencyResponseSpec, GridEvent, ProtectionSpec, RideThroughSpec
from clustersim.spec import Spec
from clustersim.units import Ratio

Mode = Literal["grid_parallel", "island"]


class PlantModeSpec(Spec):
    """Section `plant`: how the site is supplied."""

    mode: Mode = "grid_parallel"
    """`grid_parallel`, or `island`: the on-site generators and battery alone."""
    inertia_scale: Ratio = Field(default=1.0, gt=0)
    """Factor on the inertia of the interconnection and of every machine. [-]"""
    events: tuple[GridEvent, ...] = ()
    """What the grid or the site does to its supply during the run; none when empty."""
    ride_through: RideThroughSpec = RideThroughSpec()
    """How the loads behave in a voltage dip."""
    frequency_response: FrequencyResponseSpec | None = None
    """Accelerators that draw less when the frequency falls; left out: they do not."""
    protection: ProtectionSpec = ProtectionSpec()
    """What protects the site."""
