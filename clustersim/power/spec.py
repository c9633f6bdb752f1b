"""Input records of power: servers and damping."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from clustersim.spec import Spec
from clustersim.units import Power, Ratio, Time


class ServerSpec(Spec):
    """What surrounds the accelerators of one site."""

    cooling: Literal["liquid", "air"]
    """Decides the share of the server fans (catalog `device_power`, entry `servers`)."""
    accelerators_per_server: int = Field(ge=1)
    servers_per_rack: int = Field(ge=1)
    nic_extra: Power = Field(default=0.0, ge=0)
    """Power per accelerator of NICs beyond the node's usual ones. [W]"""


class DummyCompute(Spec):
    """Dummy compute fills gaps: while a rank waits or exchanges, kernels burn power up to a level."""

    kind: Literal["dummy_compute"]
    floor: Ratio = Field(gt=0, le=1)
    """Level to which the gap is filled, as a share of the accelerator's rated power."""
    detection: Time | None = Field(default=None, ge=0)
    """Time from the start of a gap until the fill starts; the catalog's when absent. [s]"""


class GpuSmoothing(Spec):
    """Power-smoothing profile of the device: a floor while a job runs, ramps at its start and end."""

    kind: Literal["gpu_smoothing"]
    floor: Ratio = Field(gt=0, le=1)
    """Power floor as a share of the rated power (vendor: percent TMP floor)."""
    ramp: Ratio | None = Field(default=None, gt=0)
    """Share of the rated power per second, up at the start of a job and down at its end; the catalog's when absent."""
    hysteresis: Time | None = Field(default=None, ge=0)
    """Time for which the floor is held after the load has gone; the catalog's when absent. [s]"""


class PowerCap(Spec):
    """Power limit of every accelerator: it lowers clocks, and kernels that would draw more take longer."""

    kind: Literal["power_cap"]
    limit: Ratio = Field(gt=0, le=1)
    """Share of the accelerator's rated power."""


class SiteBattery(Spec):
    """The site battery (section `electrical` of the topology) makes the meter follow a low-pass of the load."""

    kind: Literal["site_battery"]
    time_constant: Time = Field(gt=0)
    """Of the low-pass that the meter follows. [s]"""
    power: Power | None = Field(default=None, gt=0)
    """Share of the battery's power used for smoothing; all of it when absent. [W]"""


DampingStrategy = Annotated[DummyCompute | GpuSmoothing | PowerCap | SiteBattery, Field(discriminator="kind")]
