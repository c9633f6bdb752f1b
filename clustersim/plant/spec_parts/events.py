"""What the grid or the site does to its supply during a run, and how the loads of a site answer."""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from clustersim.spec import Spec
from clustersim.units import Frequency, Power, Ramp, Ratio, Time

CoolingAlarm = Literal["ignore", "throttle", "stop"]


class _GridEvent(Spec):
    """What all events have in common: when, and at which site."""

    at: Time | None = Field(default=None, ge=0)
    """Time from the start of the horizon."""
    every: Time | None = Field(default=None, gt=0)
    """Mean time between events that come at random (a Poisson process); give this or `at`."""
    site: str | None = None
    """Site that it happens to; left out: all sites at the same instant."""

    @model_validator(mode="after")
    def _when(self) -> Self:
        if (self.at is None) == (self.every is None):
            raise ValueError("expected one of at (a time in the horizon) and every (mean time between random events)")
        return self

    @property
    def lasts_s(self) -> float:
        """Time from the beginning of the event to the end of what the grid does. [s]"""
        return 0.0


class VoltageDip(_GridEvent):
    """The voltage at the point of interconnection falls, once or several times in a row."""

    kind: Literal["voltage_dip"]
    """Which of the kinds of event it is."""
    residual: Ratio = Field(ge=0, lt=1)
    """Voltage during the dip, of nominal."""
    duration: Time = Field(gt=0)
    """Of one dip."""
    count: PositiveInt = 1
    """Dips in a row, such as a line that is closed again onto its fault."""
    spacing: Time | None = Field(default=None, gt=0)
    """From the beginning of a dip to that of the next one."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.count > 1 and self.spacing is None:
            raise ValueError(f"spacing: expected the time between the {self.count} dips, found none")
        if self.spacing is not None and self.spacing <= self.duration:
            raise ValueError(
                f"spacing: expected more than the duration of {self.duration:g} s, so that the dips do not overlap, "
                f"found {self.spacing:g} s"
            )
        return self

    @property
    def lasts_s(self) -> float:
        """From the first to the end of the last dip. [s]"""
        return (self.count - 1) * (self.spacing or 0.0) + self.duration


class GeneratorTrip(_GridEvent):
    """On-site generators fall off at once."""

    kind: Literal["generator_trip"]
    """Which of the kinds of event it is."""
    generator: int = Field(default=0, ge=0)
    """Which record of the site's `generators`, counted from 0."""
    units: PositiveInt = 1
    """Units of it that trip together."""
    duration: Time = Field(gt=0)
    """Until they are back."""

    @property
    def lasts_s(self) -> float:
        """Until the units are back. [s]"""
        return self.duration


class LoadLoss(_GridEvent):
    """The site's load, or a share of it, is cut off at once, such as by a breaker of its own."""

    kind: Literal["load_loss"]
    """Which of the kinds of event it is."""
    share: Ratio = Field(default=1.0, gt=0, le=1)
    """Of the load."""
    duration: Time = Field(gt=0)
    """Until it may draw power again."""

    @property
    def lasts_s(self) -> float:
        """Until it may draw power again. [s]"""
        return self.duration


class Curtailment(_GridEvent):
    """The grid asks for less load for some time."""

    kind: Literal["curtailment"]
    """Which of the kinds of event it is."""
    cap: Power | None = Field(default=None, gt=0)
    """Most that the site may draw."""
    share: Ratio | None = Field(default=None, gt=0, lt=1)
    """The same as a share of what the site draws in the mean while the job trains; give one of the two."""
    duration: Time = Field(gt=0)
    """From the time at which the cap must be kept."""
    notice: Time = Field(default=0.0, ge=0)
    """From the request to that time."""
    ramp: Ramp | None = Field(default=None, gt=0)
    """Rate at which the site comes down and goes up again; left out: at once."""

    @model_validator(mode="after")
    def _one_cap(self) -> Self:
        if (self.cap is None) == (self.share is None):
            raise ValueError("expected one of cap and share")
        return self

    @property
    def lasts_s(self) -> float:
        """Until the cap ends. [s]"""
        return self.notice + self.duration


class IslandFormation(_GridEvent):
    """The grid is lost: the site is left to its generators and its battery."""

    kind: Literal["island_formation"]
    """Which of the kinds of event it is."""
    duration: Time = Field(gt=0)
    """Until the grid is back."""

    @property
    def lasts_s(self) -> float:
        """Until the grid is back. [s]"""
        return self.duration


class FrequencyPoint(Spec):
    """One corner of a course of frequency, straight lines between them."""

    after: Time = Field(ge=0)
    """From the beginning of the event."""
    frequency: Frequency = Field(gt=0)
    """Frequency of the interconnection at this corner."""


class FrequencyExcursion(_GridEvent):
    """The frequency of the interconnection leaves its nominal value: a step with recovery, or a given course."""

    kind: Literal["frequency_excursion"]
    """Which of the kinds of event it is."""
    deviation: Frequency | None = None
    """From nominal, below zero when it falls."""
    hold: Time = Field(default=0.0, ge=0)
    """Of a step: time at the full deviation."""
    recovery: Time | None = Field(default=None, gt=0)
    """Of a step: time of the straight return to nominal."""
    trajectory: tuple[FrequencyPoint, ...] = ()
    """In place of a step: the corners in order of time."""

    @model_validator(mode="after")
    def _one_course(self) -> Self:
        if (self.deviation is None) == (not self.trajectory):
            raise ValueError("expected one of deviation (a step, with recovery) and trajectory")
        if self.deviation is not None and (self.recovery is None or self.deviation == 0.0):
            raise ValueError("expected a deviation other than 0 Hz, and the time of its recovery")
        times = [point.after for point in self.trajectory]
        if times and (len(times) < 2 or any(b <= a for a, b in pairwise(times))):
            raise ValueError("trajectory: expected at least two corners, each later than the one before")
        return self

    @property
    def lasts_s(self) -> float:
        """Until the course ends. [s]"""
        if self.trajectory:
            return self.trajectory[-1].after
        return self.hold + (self.recovery or 0.0)


GridEvent = Annotated[
    VoltageDip | GeneratorTrip | LoadLoss | Curtailment | IslandFormation | FrequencyExcursion,
    Field(discriminator="kind"),
]


class RideThroughSpec(Spec):
    """How the loads of the sites behave in a voltage dip; names of catalog kind `ride_through`."""

    supplies: str = "server_supply"
    """Supplies of the servers: `server_supply` (their current limit and store), or an envelope such as `itic`."""
    ups: str = "ups_counter"
    """The UPS, where the site's conversion has one."""
    motors: str = "motor_drive"
    """Motors of the cooling."""
    cooling_on_ups: bool = False
    """Whether the UPS carries the cooling too."""
    backup: Time | None = Field(default=None, ge=0)
    """Time on battery after which generators behind the UPS carry its load; left out: there are none."""


class FrequencyResponseSpec(Spec):
    """Accelerators that draw less when the frequency falls."""

    threshold: Frequency = Field(gt=0)
    """Deviation below nominal from which on the cap comes down."""
    droop: Ratio = Field(gt=0, le=1)
    """Relative deviation beyond the threshold at which the whole load would be gone."""
    least: Ratio = Field(default=0.5, gt=0, lt=1)
    """Lowest share of its load to which the site comes down in this way."""


class ProtectionSpec(Spec):
    """What protects the site, and what a job does about it."""

    cooling_alarm: CoolingAlarm = "ignore"
    """When a loop of the cooling reaches its alarm: nothing, hold the load at what the cooling carries, or stop."""
    black_start: Time | None = Field(default=None, gt=0)
    """From a black island to generators that carry the servers again; left out: the catalog's."""
