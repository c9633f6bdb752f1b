"""What a rule looks at, and the record of one rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, NamedTuple, TypeVar

from pydantic import Field, field_validator, model_validator

from clustersim import catalog, units
from clustersim.catalog.records import Confidence
from clustersim.errors import InputError, UnitError, nearest
from clustersim.spec import Spec
from clustersim.units import Frequency, Ratio, Time

T = TypeVar("T")
Measure = Literal[
    "ramp",
    "range",
    "step_change",
    "band_energy",
    "band_amplitude",
    "band_range",
    "voltage_dip",
    "voltage_change",
    "min_voltage",
    "max_voltage",
    "flicker",
    "flicker_long",
    "min_frequency",
    "max_frequency",
    "rocof",
    "time_outside",
    "transient_dip",
    "transient_rise",
    "recovery_band_time",
    "voltage_recovery_time",
    "rating",
    "modal_deviation",
    "modal_deviation_worst",
    "resonance_margin",
    "torsional",
    "ride_through",
    "recovery_time",
    "load_lost",
    "reconnection_ramp",
]
"""What a rule looks at."""


Status = Literal["law", "proposal", "utility_practice", "standard", "guidance", "illustrative", "user"]
"""What binds one to a rule: it is in force, a proposal, what a utility asks, a technical standard, a recommendation,
an example; or the user's own."""


Found = Literal["power", "strength", "plant", "modes", "events"]
"""Where a measure is found: in the power at the meter alone; in it and the strength of the grid there; in what the
plant answers to a window; in the modes of the grid and of shafts; in what events of the grid do to the load."""


class MeasureKind(NamedTuple):
    """What a limit on a measure must look like."""

    dimension: str
    """Dimension of the limit (:data:`clustersim.units.TABLE`)."""
    needs: tuple[str, ...] = ()
    """Parameters without which the measure means nothing."""
    found_in: Found = "plant"
    takes: tuple[str, ...] = ()
    """Parameters that it may have besides; any other would do nothing and is refused."""
    at_least: bool = False
    """Whether a limit on it is a lower bound."""

    @property
    def observed(self) -> bool:
        """Whether it reaches the judge as an :class:`clustersim.limits.Observation`, found by another room."""
        return self.found_in in ("modes", "events")


_VOLTAGE = MeasureKind("ratio", takes=("mode",))
_VOLTAGE_BAND = MeasureKind("ratio", takes=("mode", "lasting"))
_FREQUENCY = MeasureKind("frequency", takes=("mode",))
MEASURES: Mapping[str, MeasureKind] = {
    "ramp": MeasureKind("ramp", ("lag",), "power"),
    "range": MeasureKind("power", ("window",), "power", takes=("allowed_per_hour",)),
    "step_change": MeasureKind("ratio", ("window",), "strength", takes=("allowed_per_hour",)),
    "band_energy": MeasureKind("ratio", ("band",), "power"),
    "band_amplitude": MeasureKind("ratio", ("band",), "power"),
    "band_range": MeasureKind("power", ("band",), "power"),
    "voltage_dip": _VOLTAGE,
    "voltage_change": _VOLTAGE_BAND,
    "min_voltage": _VOLTAGE_BAND._replace(at_least=True),
    "max_voltage": _VOLTAGE_BAND,
    "flicker": MeasureKind("ratio", ("lamp",), takes=("window", "mode")),
    "flicker_long": MeasureKind("ratio", ("lamp",), takes=("window", "mode")),
    "min_frequency": _FREQUENCY._replace(at_least=True),
    "max_frequency": _FREQUENCY,
    "rocof": MeasureKind("rocof", ("window",), takes=("mode",)),
    "time_outside": MeasureKind("time", ("band",), takes=("mode",)),
    "transient_dip": MeasureKind("ratio", takes=("mode",)),
    "transient_rise": MeasureKind("ratio", takes=("mode",)),
    "recovery_band_time": MeasureKind("time", ("tolerance",), takes=("mode",)),
    "voltage_recovery_time": MeasureKind("time", ("tolerance",), takes=("mode",)),
    "rating": MeasureKind("ratio", takes=("ratings",)),
    "modal_deviation": MeasureKind("frequency", found_in="modes"),
    "modal_deviation_worst": MeasureKind("frequency", found_in="modes"),
    "resonance_margin": MeasureKind("ratio", found_in="modes", at_least=True),
    "torsional": MeasureKind("ratio", found_in="modes"),
    "ride_through": MeasureKind("ratio", ("curve",), "events", at_least=True),
    "recovery_time": MeasureKind("time", found_in="events"),
    "load_lost": MeasureKind("power", found_in="events"),
    "reconnection_ramp": MeasureKind("ramp", found_in="events"),
}
"""Dimension and parameters of every measure."""
OF_POWER_ALONE = tuple(name for name, kind in MEASURES.items() if kind.found_in == "power")
"""Measures of the power at the meter alone, which a power trace tells and for which the plant need not be asked."""
PARAMETERS = ("lag", "window", "lasting", "band", "tolerance", "curve", "allowed_per_hour", "mode", "lamp", "ratings")
"""Keys of a rule that say how its measure is taken."""
RATINGS = (
    "grid_capacity", "feeds", "generator", "island_generation", "island_load_step", "battery_power", "cooling",
    "provisioned_it", "breaker", "interrupting", "hot_spot", "top_oil", "current", "ageing",
)  # fmt: skip
"""Kinds of ratings that a site has beside those of its conversion stages, which bear the stages' names."""
BY_DEFINITION = {"flicker": 600.0, "flicker_long": 7200.0}
"""Observation times that the standard of a measure fixes. [s]"""


def given(value: T | None) -> T:
    """Return a parameter of a rule that its measure needs.

    Raises
    ------
    InputError
        If there is none: the rule was not made from a checked record.
    """
    if value is None:
        raise InputError("a rule lacks a parameter that its measure needs")
    return value


class Rule(Spec):
    """One rule: a measure of the result and the limit that it must keep."""

    id: str
    """Name of the rule, unique in its pack."""
    measure: Measure
    """What is measured."""
    limit: str
    """Limit with its unit, such as ``20 MW/min``, ``10 MW``, ``20 %`` or ``0.8 pu``."""
    comparison: Literal["at_most", "at_least"] = "at_most"
    """Whether the measured value must stay at or below the limit, or at or above it: of a least voltage, a least
    frequency, a margin and a ride-through the latter."""
    lag: Time | None = Field(default=None, gt=0)
    """Of a ramp: the largest change within this time, divided by it, is held against the limit."""
    window: Time | None = Field(default=None, gt=0)
    """Of a range or RoCoF: length of the sliding window; of flicker: the observation time, which its standard
    fixes."""
    lasting: Time | None = Field(default=None, gt=0)
    """Of a least or largest voltage or its change: only what lasts longer than this counts; left out: all of it."""
    band: tuple[Frequency, Frequency] | None = None
    """Of a spectral share or a band's range: lowest and highest frequency; of a time outside: the band of frequency."""
    tolerance: Ratio | None = Field(default=None, gt=0)
    """Of a recovery: half-width of the band around the settled frequency or voltage, relative to the nominal one."""
    curve: tuple[tuple[Time, Ratio], ...] = ()
    """Of a ride-through: corners (duration, residual voltage) [s, pu]; the load must stay connected through a dip to
    that voltage lasting that long."""
    allowed_per_hour: float | None = Field(default=None, ge=0)
    """Of a range or a step: how many per hour are not yet repetitive; left out: none."""
    mode: Literal["island", "grid_parallel", "any"] | None = None
    """Of frequency and voltage: the mode of the plant; left out: frequency in an island, voltage beside the grid."""
    lamp: Literal["120 V 60 Hz", "230 V 50 Hz"] | None = None
    """Of flicker: the reference lamp."""
    ratings: tuple[str, ...] = ()
    """Of a rating: names of the ratings judged, such as ``grid_capacity``; empty: all."""
    formula: str = ""
    """One line of mathematics: what is measured."""
    source: str = "user"
    """Where the rule comes from."""
    where: str = ""
    """Where in the source."""
    status: Status = "user"
    """What binds one to it."""
    confidence: Confidence | None = None
    """How sure the limit is."""
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

    @field_validator("curve")
    @classmethod
    def _is_a_curve(cls, value: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        for duration, residual in value:
            if duration <= 0 or not 0 <= residual <= 2:
                raise ValueError(
                    f"expected a duration above 0 s and a voltage of 0 to 2 pu, got {duration}, {residual}"
                )
        return value

    @field_validator("ratings")
    @classmethod
    def _are_ratings(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        known = (*RATINGS, *catalog.entries("facility"))
        for name in value:
            if name not in known:
                raise ValueError(f"expected one of {', '.join(known)}, found {name!r}{nearest(name, known)}")
        return value

    @model_validator(mode="after")
    def _fits_its_measure(self) -> Rule:
        kind = MEASURES[self.measure]
        expected = kind.dimension
        missing = [name for name in kind.needs if not getattr(self, name)]
        if missing:
            raise ValueError(f"{self.id}: {self.measure} needs {', '.join(missing)}")
        if self.dimension != expected:
            allowed = ", ".join(units.TABLE[expected])
            raise ValueError(f"{self.id}: a limit on {self.measure} is a {expected} ({allowed}), got {self.limit!r}")
        self._means_what_it_says(kind)
        return self

    def _means_what_it_says(self, kind: MeasureKind) -> None:
        """Refuse what would turn a verdict round, make it empty, or do nothing."""
        idle = [
            key for key in PARAMETERS if getattr(self, key) not in (None, ()) and key not in kind.needs + kind.takes
        ]
        if idle:
            raise ValueError(f"{self.id}: {self.measure} does not use {', '.join(idle)}")
        if (self.comparison == "at_least") != kind.at_least:
            least = "at_least" if kind.at_least else "at_most"
            raise ValueError(f"{self.id}: a limit on {self.measure} is a bound `comparison: {least}`")
        if self.band is not None:
            low, high = self.band
            if not 0.0 <= low < high or (low == 0.0 and kind.dimension != "time"):
                raise ValueError(f"{self.id}: band: expected two frequencies above 0 Hz, the lower first")
        fixed = BY_DEFINITION.get(self.measure)
        if fixed is not None and self.window not in (None, fixed):
            raise ValueError(f"{self.id}: window: {self.measure} is observed over {fixed:g} s, got {self.window:g} s")

    @property
    def dimension(self) -> str:
        """Dimension of the limit, such as ``power``."""
        return units.dimension_of(units.split(self.limit)[1]) or ""

    @property
    def limit_si(self) -> float:
        """The limit in SI."""
        return units.parse(self.limit, self.dimension)
