"""The record of a study file: which scenario, which axes, how they combine, and what counts as good."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Literal, Self

from pydantic import ConfigDict, Field, field_validator, model_validator

from clustersim.spec import Spec

Number = int | float | str
"""A bare number, or text with a unit."""
DISCRETE = ("values", "range", "log_range")
SAMPLED = ("uniform", "log_uniform", "normal", "band")
SAMPLES_OF = ("latin_hypercube", "sobol", "saltelli")
"""Ways to combine axes that draw so many samples."""
DRAWN = (*SAMPLES_OF, "one_at_a_time")
"""Ways to combine axes that have a distribution."""


class _Between(Spec):
    """Two ends; both are bare numbers, or both texts with units of one dimension."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, allow_inf_nan=False)
    from_: Number = Field(alias="from")
    """First end: a bare number, or text with a unit."""
    to: Number
    """Other end, written as the first."""


class RangeSpec(_Between):
    """Values at equal distances, both ends included: so many steps, or a step."""

    steps: int | None = Field(default=None, ge=1, le=100_000)
    """Number of values."""
    step: Number | None = None
    """Distance; the last value is the last that is not beyond `to`."""

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.steps is None) == (self.step is None):
            raise ValueError("expected one of steps and step")
        return self


class LogRangeSpec(_Between):
    """Values at equal ratios, both ends included."""

    steps: int = Field(ge=1, le=100_000)
    """Number of values."""


def _numbers(value: Any) -> Iterator[float]:
    """Yield the bare numbers in a value of a file, however deep."""
    if isinstance(value, float):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _numbers(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _numbers(one)


class AxisSpec(Spec):
    """One field of the scenario and its values: a list, a range, or a distribution."""

    values: tuple[Any, ...] | None = Field(default=None, min_length=1, max_length=100_000)
    """As in a scenario file; also whole sections."""
    range: RangeSpec | None = None
    log_range: LogRangeSpec | None = None
    uniform: _Between | None = None
    log_uniform: _Between | None = None
    normal: _Between | None = None
    """The ends are the 5 % and 95 % quantiles."""
    band: Literal[True] | None = None
    """Of a figure of the catalog: a triangle from the low to the high end of its band, highest at its value."""
    name: str | None = Field(default=None, pattern=r"^[a-z][a-z0-9_]*$")
    """Column, and name in formulas; left out: the last part of the key, the whole key where two are alike."""
    labels: tuple[str, ...] | None = None
    """A word for each of `values`, for the column."""
    whole: bool = False
    """Whether values are rounded to whole numbers (of the unit)."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """Take a bare list as `values`."""
        return {"values": data} if isinstance(data, list) else data

    @field_validator("values")
    @classmethod
    def _finite(cls, values: tuple[Any, ...] | None) -> tuple[Any, ...] | None:
        """No field takes a number without end, and no JSON does."""
        endless = next((one for one in _numbers(values) if not math.isfinite(one)), None)
        if endless is not None:
            raise ValueError(f"expected finite numbers, found {endless}")
        return values

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        given = [kind for kind in (*DISCRETE, *SAMPLED) if getattr(self, kind) is not None]
        if len(given) != 1:
            raise ValueError(
                f"expected one of {', '.join((*DISCRETE, *SAMPLED))}, found {', '.join(given) or 'none of them'}"
            )
        if self.labels is not None and (self.values is None or len(self.labels) != len(self.values)):
            raise ValueError("labels: expected one for each of values")
        return self

    @property
    def kind(self) -> str:
        """Which of the kinds it is."""
        return next(kind for kind in (*DISCRETE, *SAMPLED) if getattr(self, kind) is not None)

    @property
    def sampled(self) -> bool:
        """Whether its values are drawn."""
        return self.kind in SAMPLED


class DeriveSpec(Spec):
    """A value that follows from others: a column, and where `set` is given also a field of the scenario."""

    value: str | int | float
    """Formula."""
    set: str | None = None
    """Key path of the scenario that takes the value before the run."""
    unit: str | None = None
    """Unit of the formula's value, put behind it in the scenario; left out: a bare number."""

    @model_validator(mode="before")
    @classmethod
    def _short(cls, data: Any) -> Any:
        """Take a bare formula as `value`."""
        return {"value": data} if isinstance(data, str | int | float) else data


class StudySpec(Spec):
    """A study file."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    """Name of the study; its store is `sweep-NAME`."""
    title: str
    """What it asks, in a line."""
    scenario: str
    """Name of a shipped scenario, or the path of a file from the study's folder."""
    set: dict[str, Any] = Field(default_factory=dict)
    """Key path -> value, for every point."""
    axes: dict[str, AxisSpec] = Field(min_length=1, max_length=2000)
    """Key path of the scenario, `scenario` itself, `topology`, or `catalog.KIND.ENTRY.FIGURE` -> its values."""
    zip: tuple[tuple[str, ...], ...] = ()
    """Groups of axes that move together."""
    combine: Literal["grid", "zip", "latin_hypercube", "sobol", "saltelli", "one_at_a_time"] = "grid"
    """How axes are put together; axes with a distribution need one of the last four.

    With a Latin hypercube or a Sobol sequence the other axes are crossed. `saltelli` draws the points of Sobol's
    indices, ``samples (axes + 2)``; `one_at_a_time` moves each axis to both ends of its range: ``2 axes + 1``."""
    samples: int | None = Field(default=None, ge=1, le=1_000_000)
    """Points of the Latin hypercube or of the Sobol sequence; base samples of `saltelli`, a power of two."""
    scramble_seed: int = Field(default=1, ge=0)
    """Of the Latin hypercube or of the Sobol sequence."""
    seeds: int | tuple[int, ...] | None = None
    """Replicates: so many seeds from the scenario's own on, or these."""
    derive: dict[str, DeriveSpec] = Field(default_factory=dict)
    """Name -> formula, in this order."""
    constraints: tuple[str, ...] = ()
    """Formulas of axes; a point that breaks one is left out."""
    require: tuple[str, ...] = ()
    """Formulas of axes and answers; `feasible` tells whether a point meets all."""
    evaluate: Literal["step", "steady", "run", "operate"] = "steady"
    """How much of a run is made for a point."""
    keys: tuple[str, ...] | None = None
    """Answers that are kept; left out: all. The table on the terminal begins with them."""

    @field_validator("constraints", "require", "keys", mode="before")
    @classmethod
    def _one(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("seeds")
    @classmethod
    def _some(cls, seeds: int | tuple[int, ...] | None) -> int | tuple[int, ...] | None:
        if isinstance(seeds, int) and not 1 <= seeds <= 100_000:
            raise ValueError("expected 1 to 100,000 seeds, or a list of them")
        if isinstance(seeds, tuple) and (not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0):
            raise ValueError("expected different seeds, none below 0")
        return seeds

    @field_validator("derive")
    @classmethod
    def _names(cls, derive: Mapping[str, DeriveSpec]) -> Mapping[str, DeriveSpec]:
        for name in derive:
            if not name.isidentifier():
                raise ValueError(f"{name}: expected a name of letters, digits and _")
        return derive

    @model_validator(mode="after")
    def _combined(self) -> Self:
        drawn = [key for key, axis in self.axes.items() if axis.sampled]
        sampling = self.combine in SAMPLES_OF
        if sampling and (not drawn or self.samples is None):
            raise ValueError(f"combine: {self.combine} needs samples, and an axis that is {', '.join(SAMPLED)}")
        if self.combine not in DRAWN and drawn:
            raise ValueError(f"axes.{drawn[0]}: a distribution needs combine: {', '.join(DRAWN)}")
        if not sampling and self.samples is not None:
            raise ValueError(f"samples: expected with combine: {', '.join(SAMPLES_OF)} only")
        if self.combine in ("saltelli", "one_at_a_time") and len(drawn) < len(self.axes):
            other = next(key for key in self.axes if key not in drawn)
            raise ValueError(
                f"axes.{other}: combine: {self.combine} needs a range for every axis: {', '.join(SAMPLED)}"
            )
        if self.combine == "zip" and self.zip:
            raise ValueError("zip: expected with combine: grid; combine: zip moves all axes together")
        return self
