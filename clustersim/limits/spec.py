"""What the user says about rules: which packs judge the result, other limits, rules of their own."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, field_validator

from clustersim import units
from clustersim.errors import UnitError
from clustersim.spec import Spec
from clustersim.units import Frequency, Time

Measure = Literal[
    "ramp",
    "range",
    "band_energy",
    "band_amplitude",
    "voltage_dip",
    "voltage_change",
    "flicker",
    "min_frequency",
    "max_frequency",
    "rocof",
    "rating",
]
"""What a rule looks at."""


class Rule(Spec):
    """One rule: a measure of the result and the limit that it must keep."""

    id: str
    """Name of the rule, unique in its pack."""
    measure: Measure
    """What is measured."""
    limit: str
    """Limit with its unit, such as ``20 MW/min``, ``10 MW``, ``20 %`` or ``0.8 pu``."""
    comparison: Literal["at_most", "at_least"] = "at_most"
    """Whether the measured value must stay at or below the limit, or at or above it."""
    lag: Time | None = Field(default=None, gt=0)
    """Of a ramp: the largest change within this time, divided by it, is held against the limit."""
    window: Time | None = Field(default=None, gt=0)
    """Of a range or RoCoF: length of the sliding window; of flicker: the observation time."""
    band: tuple[Frequency, Frequency] | None = None
    """Of a spectral share: lowest and highest frequency."""
    allowed_per_hour: float | None = Field(default=None, ge=0)
    """Of a range: excursions per hour that are not yet repetitive; left out: none."""
    lamp: Literal["120 V 60 Hz", "230 V 50 Hz"] | None = None
    """Of flicker: the reference lamp."""
    ratings: tuple[str, ...] = ()
    """Of a rating: names of the ratings judged, such as ``grid_capacity``; empty: all."""
    source: str = "user"
    """Where the rule comes from."""
    assumed: bool = False
    """Whether the limit is recalled or an estimate."""
    note: str = ""
    """What to know about the rule."""

    @field_validator("limit")
    @classmethod
    def _has_a_unit(cls, value: str) -> str:
        _, unit = units.split(value)
        if units.dimension_of(unit) is None:
            raise UnitError(f"unknown unit in {value!r}")
        return value

    @property
    def dimension(self) -> str:
        """Dimension of the limit, such as ``power``."""
        return units.dimension_of(units.split(self.limit)[1]) or ""

    @property
    def limit_si(self) -> float:
        """The limit in SI."""
        return units.parse(self.limit, self.dimension)


class LimitsSpec(Spec):
    """The rules that judge the result."""

    packs: tuple[str, ...] = ("standard",)
    """Catalog names of rule packs: ``standard``, ``ercot-lel``, ``southern``, ``dominion``, ``choukse-example``,
    ``island``, ``equipment``."""
    overrides: dict[str, str] = Field(default_factory=dict)
    """Other limits for rules of the packs, by rule id: ``{southern-ramp: 30 MW/min}``."""
    skip: tuple[str, ...] = ()
    """Ids of rules that are left out."""
    rules: tuple[Rule, ...] = ()
    """Further rules."""
