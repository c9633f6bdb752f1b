"""On-site generators."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from clustersim.spec import Spec
from clustersim.units import Power, Ratio


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
