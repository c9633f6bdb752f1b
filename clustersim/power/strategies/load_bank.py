"""Resistors beside a site."""

from __future__ import annotations

from pkgutil import resolve_name
from typing import ClassVar, Literal

import numpy as np
from pydantic import Field

from clustersim.power.spec_parts import MeterStrategy, SiteEquipment
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

    def equipment(self) -> tuple[SiteEquipment, ...]:
        """Return the resistors of one site."""
        return (SiteEquipment("load bank", "load_bank", 0.0, self.power),)

    def settling_s(self, change_w: float) -> float:
        """Return how long it lets the site down. [s]"""
        return 0.0 if self.ramp_down is None else change_w / self.ramp_down

    def fall_burn_j(self, from_w: float, to_w: float, longest_s: float) -> float:
        """Return what it burns while it lets a site down, beyond what holds its floor. [J]"""
        if self.ramp_down is None or to_w >= from_w or longest_s <= 0.0:
            return 0.0
        load = np.array([from_w, to_w])
        floor = sum(self.held_w(float(watts)) - float(watts) for watts in load) * longest_s
        burned = resolve_name(self.element)(self, None).apply(load, longest_s).report.burned_j
        return float(burned - floor)
