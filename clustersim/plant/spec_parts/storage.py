"""Batteries on the bus of a site."""

from __future__ import annotations

from pydantic import Field, PositiveInt

from clustersim.spec import Spec
from clustersim.units import Energy, Frequency, Power, Ratio


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
