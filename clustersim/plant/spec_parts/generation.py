"""On-site generators and other rotating machines."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, PositiveInt

from clustersim.spec import Spec
from clustersim.units import ApparentPower, Energy, Frequency, Mass, Power, Ramp, Ratio, Time

NoxControl = Literal["none", "water", "lean_premix", "catalyst"]


class PermitSpec(Spec):
    """What an air permit allows the units of a group in a year."""

    unit_hours: Time | None = Field(default=None, gt=0)
    """Running time of each unit. [s]"""
    nox: Mass | None = Field(default=None, gt=0)
    """Nitrogen oxides of all units together. [kg]"""
    co2: Mass | None = Field(default=None, gt=0)
    """Carbon dioxide of all units together. [kg]"""


class TripPoint(Spec):
    """One corner of a trip curve."""

    frequency: Frequency = Field(gt=0)
    """Below nominal: the unit trips when the frequency stays under it; above: when it stays over it. [Hz]"""
    time: Time = Field(ge=0)
    """How long. [s]"""


class GeneratorSpec(Spec):
    """One group of identical units on the site's bus: synchronous generators, or fuel cells behind converters."""

    type: str
    """Name in catalog kind `generators`: rating and inertia constant."""
    count: PositiveInt
    """Units of the group."""
    governor: str
    """Name in catalog kind `governors`, or `none` for constant mechanical power."""
    sharing: Literal["droop", "isochronous"] = "droop"
    """How the group shares the load of an island: by droop, or on load-sharing lines that bring the frequency back to
    nominal and raise all groups on them alike, per unit of their rating. One such group is the isochronous master."""
    secondary_control: bool = False
    """Whether the site's secondary control raises and lowers the group."""
    ramp: Ramp | None = Field(default=None, gt=0)
    """Fastest rise of one unit's fuel, valve or gate in an island; the catalog's `ramp` when absent. [W/s]"""
    damping: float = Field(default=0.0, ge=0)
    """Damping torque D of the machine, per unit of apparent power and speed. [-]"""
    minimum_load: Ratio | None = Field(default=None, ge=0, lt=1)
    """Share of the rating below which a unit does not run stably; that of the unit's class when absent. [-]"""
    trips: tuple[TripPoint, ...] = ()
    """Trip curve of a unit; a group that trips takes its inertia and power away."""
    dispatch_limit: Ratio = Field(gt=0, le=1)
    """Share of the rating up to which the units are dispatched; the rest is kept for load steps. [-]"""
    power_factor: Ratio | None = Field(default=None, gt=0, le=1)
    """Rated power over rated apparent power; the catalog's `synchronous_generator` when absent. [-]"""
    step_up: Ratio | None = Field(default=None, ge=0, le=1)
    """Reactance of the units' own transformers on their rated apparent power, for the fault level; 0 without any. When
    absent the catalog's where the grid is above the generators' voltage, else none. [-]"""
    grid_parallel_output: Power | None = Field(default=None, ge=0)
    """Constant output beside the grid, at most the load; when absent, what the mean load exceeds the grid by. [W]"""
    nox_control: NoxControl = "none"
    """What lowers nitrogen oxides: nothing, water or steam, lean-premix burners, or a catalyst behind them."""
    permit: PermitSpec | None = None
    """Limits of the air permit; none are checked when absent."""


class CondenserSpec(Spec):
    """Synchronous condensers, with or without a flywheel on the shaft: inertia without a prime mover."""

    type: str
    """Name in catalog kind `machines` with the figures `inertia`, `loss`, `reactance.transient` and
    `reactance.subtransient`."""
    count: PositiveInt
    """Machines of the site."""
    rating: ApparentPower = Field(gt=0)
    """Of one machine. [VA]"""
    inertia: Time | None = Field(default=None, gt=0)
    """Inertia constant H; the catalog's when absent. [s]"""


class FlywheelSpec(Spec):
    """Flywheels behind a converter: storage that answers frequency for seconds."""

    type: str
    """Name in catalog kind `machines` with the figures `response.latency`, `response.time_constant`, `loss` and
    `round_trip_efficiency`."""
    count: PositiveInt
    """Units of the site."""
    power: Power = Field(gt=0)
    """Of one unit. [W]"""
    energy: Energy = Field(gt=0)
    """Usable, of one unit. [J]"""
    droop: Ratio = Field(gt=0, le=1)
    """Relative frequency deviation beyond the dead band at which it gives its full power. [-]"""
    deadband: Frequency = Field(ge=0)
    """Frequency deviation that it does not answer. [Hz]"""
    state_of_charge: Ratio = Field(default=0.5, ge=0, le=1)
    """At the start of every window. [-]"""
