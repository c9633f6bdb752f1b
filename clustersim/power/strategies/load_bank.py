"""Resistors beside a site."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from clustersim.power.spec_parts import MeterStrategy
from clustersim.units import Power, Ramp


class LoadBank(MeterStrategy):
    """Resistors that burn power to hold a site up: to a floor, and while the load falls faster than a rate.

    Sizes are of one site. They stand outdoors on the site's bus: what they burn passes the meter and neither heats the
    halls nor goes through the conversion stages to them.
    """

    element: ClassVar[str] = "clustersim.power.shaping:load_bank"
    kind: Literal["load_bank"]
    power: Power = Field(gt=0)
    """Most that it burns. [W]"""
    floor: Power = Field(default=0.0, ge=0)
    """The site is held at it. [W]"""
    ramp_down: Ramp | None = Field(default=None, gt=0)
    """The site falls no faster; any rate when absent. [W/s]"""

    def held_w(self, load_w: float) -> float:
        """Return a constant load with what the bank burns to hold its floor. [W]"""
        return load_w + min(max(self.floor - load_w, 0.0), self.power)
