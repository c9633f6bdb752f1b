"""What the user says about a build-out: power, halls and accelerators by date."""

from __future__ import annotations

import datetime
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustersim.economics.spec_parts.energy import quantity_or_name
from clustersim.spec import Spec
from clustersim.units import Power, Ratio

MOST_MONTHS = 240


class PowerStepSpec(Spec):
    """Power that is there from a day on, in place of what was there before."""

    date: datetime.date
    power: Power = Field(ge=0)


class AcceleratorStepSpec(Spec):
    """Accelerators that are installed from a day on, all together."""

    date: datetime.date
    count: int = Field(ge=0)
    """In total; never fewer than before."""
    power: Ratio = Field(default=1.0, gt=0)
    """Power of one of those that this step adds, against one of the scenario's."""


class HallStepSpec(Spec):
    """Accelerators for which halls and cooling are ready from a day on, all together."""

    date: datetime.date
    count: int = Field(ge=0)


class BuildOutSpec(Spec):
    """How a site grows, month by month."""

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_]+$")
    title: str = ""
    scenario: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]+$")
    """Scenario whose job runs here, by the name of a file beside this one or a shipped one: it gives power, tokens and
    cost of an accelerator."""
    start: datetime.date
    """First day of the first month."""
    months: int = Field(ge=1, le=MOST_MONTHS)
    grid: tuple[PowerStepSpec, ...] = ()
    """Power of the connection."""
    onsite: tuple[PowerStepSpec, ...] = ()
    """Rating of generators on site, mobile ones too."""
    onsite_use: Ratio = Field(default=1.0, gt=0, le=1)
    """Share of that rating that may be loaded."""
    accelerators: tuple[AcceleratorStepSpec, ...] = Field(min_length=1)
    halls: tuple[HallStepSpec, ...] = ()
    """Left out: halls are ready when the accelerators come."""
    basis: Literal["peak", "mean", "provisioned"] = "peak"
    """What an accelerator needs at the meter: its share of the site's peak while the job trains, of the mean (where a
    battery carries the swings), or of what nameplates ask for."""
    onsite_price: Annotated[str, quantity_or_name("price of energy")] | None = None
    """Price of energy made on site, all in, or a catalog name; left out: the catalog's ``onsite_power``."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.start.day != 1:
            raise ValueError(f"start: expected the first day of a month, found {self.start}")
        for name in ("grid", "onsite", "accelerators", "halls"):
            dates = [step.date for step in getattr(self, name)]
            if any(later <= earlier for earlier, later in pairwise(dates)):
                raise ValueError(f"{name}: expected dates that grow")
        for name in ("accelerators", "halls"):
            counts = [step.count for step in getattr(self, name)]
            if any(later < earlier for earlier, later in pairwise(counts)):
                raise ValueError(f"{name}: expected counts that do not fall: they are totals")
        return self
