"""Batteries on the bus of a site."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from clustersim.spec import Spec
from clustersim.units import Energy, Frequency, Power, Ratio, Time


class BatterySpec(Spec):
    """A battery whose inverters answer frequency by droop."""

    type: str
    """Name in catalog kind `batteries`: unit energy and power, latency, time constant, efficiency."""
    count: PositiveInt
    """Units of the site, each as its type says."""
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
    control: Literal["grid_following", "grid_forming"] = "grid_following"
    """`grid_following` measures the frequency at plant level, with its latency; `grid_forming` answers with the lag of
    its inner loop alone and can hold virtual inertia."""
    virtual_inertia: Time | None = Field(default=None, ge=0)
    """Inertia constant H of a grid-forming battery on its power; none when absent. [s]"""
    overload: Ratio = Field(default=1.0, ge=1)
    """Largest power of a grid-forming battery over its rated power, set by the current of its inverters. [-]"""
    discharge_only: bool = False
    """Whether the battery never charges to answer frequency."""
    restore_power: Power | None = Field(default=None, gt=0)
    """Largest power with which the charge slowly returns to `state_of_charge`; it stays where it is when absent. [W]"""

    @model_validator(mode="after")
    def _forms(self) -> BatterySpec:
        if self.control == "grid_following":
            for key in ("virtual_inertia", "overload"):
                if key in self.model_fields_set and getattr(self, key) not in (None, 1.0):
                    raise ValueError(f"{key} needs control: grid_forming, got grid_following")
        return self
