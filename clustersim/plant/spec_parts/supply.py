"""The utility connection of a site and the conversion stages between the meter and the equipment."""

from __future__ import annotations

from pydantic import Field, model_validator

from clustersim.errors import nearest
from clustersim.plant.spec_parts.network import NetworkSpec, shipped_networks
from clustersim.spec import Spec
from clustersim.units import ApparentPower, Power, Ratio, Voltage


class GridSpec(Spec):
    """The utility connection of a site."""

    capacity: Power = Field(gt=0)
    """Largest import that the connection agreement allows. [W]"""
    voltage: Voltage = Field(gt=0)
    """Nominal voltage at the point of interconnection. [V]"""
    system: str
    """Interconnection behind it: a name of catalog kind `grids` with inertia, online capacity and primary response."""
    point: str | None = None
    """Name in catalog kind `grids` that gives `short_circuit` and `x_over_r` where they are not stated here."""
    short_circuit: ApparentPower | None = Field(default=None, gt=0)
    """Three-phase short-circuit power at the point of interconnection. [VA]"""
    x_over_r: float | None = Field(default=None, gt=0)
    """Reactance over resistance of the source impedance. [-]"""
    nearest_generator: Power | None = Field(default=None, gt=0)
    """Rated power of the utility's generator nearest to the site, whose shaft is screened. [W]"""
    network: str | NetworkSpec | None = None
    """The grid about the site machine by machine: a shipped network's name, or the network itself."""
    network_bus: str | None = None
    """Bus of `network` at which the site draws its power; its mean is taken to be in the network's load there."""

    @model_validator(mode="after")
    def _has_bus(self) -> GridSpec:
        if (self.network is None) != (self.network_bus is None):
            raise ValueError("give `network` and `network_bus` together, or neither")
        if isinstance(self.network, str) and self.network not in shipped_networks():
            known = shipped_networks()
            raise ValueError(
                f"network: expected {', '.join(known)}, found {self.network!r}{nearest(self.network, known)}"
            )
        if isinstance(self.network, NetworkSpec) and self.network_bus not in self.network.buses:
            raise ValueError(
                f"network_bus: unknown bus {self.network_bus!r}{nearest(str(self.network_bus), self.network.buses)}"
            )
        return self

    @model_validator(mode="after")
    def _has_strength(self) -> GridSpec:
        if self.point is None and (self.short_circuit is None or self.x_over_r is None):
            raise ValueError("give `point` (a name of catalog kind grids), or both `short_circuit` and `x_over_r`")
        return self


class ConversionStage(Spec):
    """One conversion stage between the meter and the equipment: a transformer or a UPS."""

    stage: str
    """Name in catalog kind `facility` with the figures `loss.no_load` and `loss.load`."""
    rating: Power = Field(gt=0)
    """Rated power of all units of the stage together. [W]"""
    share: Ratio = Field(default=1.0, gt=0, le=1)
    """Share of the site's load that passes through the stage. [-]"""
