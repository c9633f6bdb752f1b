"""Parts of the input records of power: the record of a measured load, and that each kind of damping is there once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import Power, Ratio, Time


class Strategy(Spec):
    """A way of damping; its field `kind` names it in a scenario."""

    kind: str
    """Which of the strategies it is."""
    outside: ClassVar[bool] = False
    """Whether it acts on the power of the halls, and leaves the accelerators and the step as they are."""


class OutsideStrategy(Strategy):
    """A way of damping that acts on the power of the halls, and leaves the accelerators and the step as they are."""

    outside: ClassVar[bool] = True


@dataclass(frozen=True)
class SiteEquipment:
    """What a way of damping puts beside one site, as its cost sees it."""

    name: str
    """What the cost table calls it."""
    price: str
    """Catalog price (kind ``prices``): figures ``price.energy`` and ``price.power``, or ``price`` of power alone."""
    energy_j: float
    """Capacity; 0 where it stores nothing. [J]"""
    power_w: float
    """Rating. [W]"""


class MeterStrategy(OutsideStrategy):
    """A way of damping between a site's equipment and its meter, in the order of the scenario's file.

    Its node in the electrical tree, its element in reports, and the store in them if it has one, have the name of its
    kind: so their energy, cycles and what they miss are counted. A strategy says by the methods below what else a run
    must know of it; what it leaves out is nothing.
    """

    element: ClassVar[str]
    """Where the function stands that makes its :class:`clustersim.power.damped.Element`, as ``module:function``.

    It gets the record and the load at which all had settled before [W], None where the mean of what it sees stands for
    that.
    """

    def held_w(self, load_w: float) -> float:
        """Return what a constant load becomes behind it. [W]"""
        return load_w

    def equipment(self) -> tuple[SiteEquipment, ...]:
        """Return what it puts beside one site, which costs as much again at every other."""
        return ()

    def settling_s(self, change_w: float) -> float:  # noqa: ARG002 (of those that have settled at once)
        """Return the time in which it lets the meter come to a load that changed by so much. [s]"""
        return 0.0

    def fall_burn_j(self, from_w: float, to_w: float, longest_s: float) -> float:  # noqa: ARG002 (most burn nothing)
        """Return what it burns while it lets a site down, beyond what it burns at the constant loads. [J]

        Parameters
        ----------
        from_w, to_w : float
            Load before, and once the job has stopped. [W]
        longest_s : float
            Time until the load comes back. [s]
        """
        return 0.0


class Dip(Spec):
    """A fall of power that recurs in every cycle."""

    start: Time = Field(ge=0)
    """From the start of the cycle to the middle of the fall; 0 for the dip that marks the cycle. [s]"""
    start_sd: Time = Field(default=0.0, ge=0)
    """Standard deviation over cycles. [s]"""
    length: Time = Field(gt=0)
    """From the middle of the fall to the middle of the rise. [s]"""
    length_sd: Time = Field(default=0.0, ge=0)
    """Standard deviation of the length over cycles. [s]"""
    level: Power = Field(ge=0)
    """Power at its bottom. [W]"""
    fall: Time = Field(default=0.0, ge=0)
    """Duration of the fall, a straight line. [s]"""
    rise: Time = Field(default=0.0, ge=0)
    """Duration of the rise, a straight line. [s]"""


class MeasuredLoad(Spec):
    """Levels, period, dips and jitter of one load."""

    kind: Literal["measured_load"]
    """Says that the file is the record of a load."""
    name: str
    """Name of the load."""
    source: str
    """Which trace, and which part of it."""
    high: Power = Field(gt=0)
    """Between the dips. [W]"""
    low: Power = Field(ge=0)
    """Median power in all dips. [W]"""
    idle: Power | None = Field(default=None, ge=0)
    """Outside the job, when the trace shows it. [W]"""
    period: Time = Field(gt=0)
    """Mean length of a cycle. [s]"""
    period_sd: Time = Field(default=0.0, ge=0)
    """Standard deviation from cycle to cycle. [s]"""
    cycles: int = Field(ge=1)
    """Whole cycles that were measured."""
    duty: Ratio = Field(gt=0, le=1)
    """Share of time above the middle between the levels."""
    dips: tuple[Dip, ...] = Field(min_length=1)
    noise: Power = Field(default=0.0, ge=0)
    """Robust standard deviation at the high level. [W]"""
    noise_time: Time = Field(default=0.0, ge=0)
    """Time after which the autocorrelation of that has fallen to 1/e. [s]"""
    sensor: Time = Field(default=0.0, ge=0)
    """Averaging time of the sensor; what is shorter is not in this record. [s]"""

    @model_validator(mode="after")
    def _is_in_order(self) -> MeasuredLoad:
        if not self.low < self.high:
            raise ValueError(f"low: expected below the high level of {self.high:g} W, got {self.low:g} W")
        for one, after in zip(self.dips, self.dips[1:], strict=False):
            if one.start + one.length > after.start:
                raise ValueError("dips: expected in order of their start, none within another")
        if self.dips[-1].start + self.dips[-1].length > self.period:
            raise ValueError("dips: expected to end within the period")
        for dip in self.dips:
            if max(dip.start_sd, dip.length_sd) > self.period:
                raise ValueError("dips: expected standard deviations of at most the period")
        if self.period_sd > self.period:
            raise ValueError("period_sd: expected at most the period")
        return self


def require_each_once(kinds: Sequence[str]) -> None:
    """Refuse damping in which a kind of record is there more than once.

    Raises
    ------
    ValueError
        If one is.
    """
    for kind in kinds:
        if kinds.count(kind) > 1:
            raise ValueError(f"damping: {kind} is given {kinds.count(kind)} times; give each strategy once")
