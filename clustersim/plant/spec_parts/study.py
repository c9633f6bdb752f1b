"""Section `plant` of a scenario: how its sites are supplied."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clustersim.spec import Spec
from clustersim.units import Ratio

Mode = Literal["grid_parallel", "island"]


class PlantModeSpec(Spec):
    """Section `plant`: how the site is supplied."""

    mode: Mode = "grid_parallel"
    """`grid_parallel`, or `island`: the on-site generators and battery alone."""
    inertia_scale: Ratio = Field(default=1.0, gt=0)
    """Factor on the inertia of the interconnection and of every machine. [-]"""
