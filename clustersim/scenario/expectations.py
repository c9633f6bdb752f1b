"""What is public about a scenario: figures that stand beside its answers and change none of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Self

from pydantic import Field, field_serializer, model_validator

from clustersim import units
from clustersim.catalog import ASSUMED_BAND, Confidence
from clustersim.errors import InputError, UnitError
from clustersim.spec import Spec
from clustersim.summary_keys import SummaryKey, summary_key
from clustersim.units import Time

_FIGURES = ("figure", "low", "high")


class Expectation(Spec):
    """One public figure, a band, or both, for one key of the summary.

    `figure`, `low` and `high` are text with a unit of the key's dimension, or plain numbers where the key has none;
    attributes hold SI floats.
    """

    key: str
    """Key of the summary."""
    figure: float | None = None
    """The public figure; left out where only a band is public."""
    low: float | None = None
    """Lower end of the band that the source gives; without both ends the band follows from `confidence`."""
    high: float | None = None
    """Upper end of that band."""
    source: str = Field(min_length=1)
    """Where the figure is from: who says it, where, when."""
    confidence: Confidence
    """How sure the figure is, as of the figures of the catalog; it gives the band where the source gives none."""
    claim: str = ""
    """Name of the public claim that the figure is from, where it has one."""
    note: str = ""
    """What else must be known to compare the figure with the answer."""
    horizon: Time = Field(default=0.0, ge=0)
    """The figure is of so long a time: a run over less is not judged by it. [s]"""
    used: bool = False
    """Whether the place, the catalog or the scenario was built from this figure, so that meeting it proves nothing."""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        """Convert the texts of the file to SI, by the dimension of the key."""
        if not isinstance(data, Mapping) or not isinstance(data.get("key"), str):
            return data
        try:
            key = summary_key(data["key"])
        except InputError as error:
            raise ValueError(f"key: {error}") from None
        if not key.quantity:
            raise ValueError(f"key: expected a key with a number, found {key.name!r}, which has a {key.unit}")
        return dict(data) | {name: _si(key, name, data[name]) for name in _FIGURES if data.get(name) is not None}

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        given = [value for value in (self.low, self.figure, self.high) if value is not None]
        if not given:
            raise ValueError(f"{self.key}: expected a figure, or one end of a band at least")
        if given != sorted(given):
            raise ValueError(f"{self.key}: expected low <= figure <= high, got {given}")
        return self

    @field_serializer(*_FIGURES)
    def _write(self, value: float | None) -> str | float | None:
        key = summary_key(self.key)
        return value if value is None or key.dimension is None else units.shortest(value, key.dimension)

    @property
    def band(self) -> tuple[float, float]:
        """Both ends of the band in SI.

        As the source gives it, open where it names one end alone; otherwise the width that the catalog gives figures of
        this confidence (:data:`~clustersim.catalog.ASSUMED_BAND`).
        """
        if self.figure is None or self.low is not None or self.high is not None:
            low, high = self.low, self.high
            return -math.inf if low is None else low, math.inf if high is None else high
        half = abs(self.figure) * ASSUMED_BAND[self.confidence]
        return self.figure - half, self.figure + half

    @property
    def band_given(self) -> bool:
        """Whether the source gives the band."""
        return self.low is not None or self.high is not None


def _si(key: SummaryKey, name: str, value: object) -> float:
    """Return a figure of a key in SI."""
    if key.dimension is not None:
        try:
            return units.parse(value, key.dimension)
        except UnitError as error:
            raise ValueError(f"{name}: {error}") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{name}: expected a number without a unit for {key.name}, got {value!r}")
    return float(value)
