"""On-site generators."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from clustersim.spec import Spec
from clustersim.units import Mass, Power, Ratio, Time

NoxControl = Literal["none", "water", "lean_premix", "catalyst"]


class PermitSpec(Spec):
    """What an air permit allows the units of a group in a year."""

    unit_hours: Time | None = Field(default=None, gt=0)
    """Running time of each unit. [s]"""
    nox: Mass | None = Field(default=None, gt=0)
    """Nitrogen oxides of all units together. [kg]"""
    co2: Mass | None = Field(default=None, gt=0)
    """Carbon dioxide of all units together. [kg]"""


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
    nox_control: NoxControl = "none"
    """What lowers nitrogen oxides: nothing, water or steam, lean-premix burners, or a catalyst behind them."""
    permit: PermitSpec | None = None
    """Limits of the air permit; none are checked when absent."""
