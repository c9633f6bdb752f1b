"""The strict record of a figure, and the entry that groups the figures of one thing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from clustersim import units
from clustersim.catalog.reads import told
from clustersim.errors import CatalogError, UnitError, nearest

Confidence = Literal["measured", "vendor_spec", "reported", "estimate", "from_memory"]

ASSUMED_BAND: Mapping[str, float] = {
    "measured": 0.03,
    "vendor_spec": 0.05,
    "reported": 0.15,
    "estimate": 0.30,
    "from_memory": 0.50,
}
"""Relative half-width of the band of a figure whose source gives no range, by confidence."""


ASSUMED_CONFIDENCE = ("estimate", "from_memory")
"""Confidences of what nobody has measured, specified or reported."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Record):
    """Where figures come from."""

    title: str
    url: str | None = None
    date: str | None = None


def _to_si(value: str | float) -> tuple[float, str]:
    """Return SI value and unit of a figure's text; a bare number is dimensionless (unit ``"1"``)."""
    if isinstance(value, str):
        number, unit = units.split(value)
    elif isinstance(value, int | float):
        number, unit = value, "1"
    else:
        raise UnitError(f"expected a number or a quantity such as '150 MW', got {value!r}")
    if not abs(number) < math.inf:
        raise UnitError(f"expected a finite number, got {value!r}")
    if unit == "1":
        return float(number), unit
    dimension = units.dimension_of(unit)
    if dimension is None:
        raise UnitError(f"unknown unit in {value!r}")
    return number * units.TABLE[dimension][unit], unit


class Figure(_Record):
    """One number with unit, band, source and confidence. `value`, `low` and `high` are SI floats."""

    value: float
    low: float
    high: float
    unit: str
    """Unit in which the source states the figure; ``"1"`` when dimensionless."""
    band: Literal["given", "assumed"]
    """Whether the source gives the range, or it follows from the confidence (:data:`ASSUMED_BAND`)."""
    source: str
    confidence: Confidence
    date: str | None = None
    note: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read(cls, data: Any) -> Any:
        """Convert the file's text to SI and add the assumed band."""
        if not isinstance(data, Mapping) or "band" in data:
            return data
        known = {"value", "low", "high", "source", "confidence", "date", "note"}
        for key in data:
            if key not in known:
                raise ValueError(f"unknown key {key!r} of a figure{nearest(str(key), known)}")
        missing = [key for key in ("value", "source", "confidence") if key not in data]
        if missing:
            raise ValueError(f"a figure needs {', '.join(missing)}")
        if not isinstance(data["confidence"], str) or data["confidence"] not in ASSUMED_BAND:
            raise ValueError(f"confidence: expected one of {', '.join(ASSUMED_BAND)}, found {data['confidence']!r}")
        value, unit = _to_si(data["value"])
        if ("low" in data) != ("high" in data):
            raise ValueError("give both low and high, or neither")
        if "low" in data:
            (low, low_unit), (high, high_unit) = _to_si(data["low"]), _to_si(data["high"])
            if {low_unit, high_unit} != {unit}:
                raise ValueError(f"low and high must be in {unit}, as the value")
            band = "given"
        else:
            half = abs(value) * ASSUMED_BAND[data["confidence"]]
            low, high, band = value - half, value + half, "assumed"
        rest = {k: data[k] for k in ("source", "confidence", "date", "note") if k in data}
        return {"value": value, "low": low, "high": high, "unit": unit, "band": band, **rest}

    @model_validator(mode="after")
    def _ordered(self) -> Figure:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"expected low <= value <= high, got {self.low:g}, {self.value:g}, {self.high:g}")
        return self

    @property
    def text(self) -> str:
        """The value in the unit of the source, such as ``"700 W"``."""
        return f"{self.value:g}" if self.unit == "1" else units.text(self.value, self.unit)

    @property
    def assumed(self) -> bool:
        """Whether the figure is an estimate or recalled, rather than measured, specified or reported."""
        return self.confidence in ASSUMED_CONFIDENCE


class Entry(_Record):
    """The figures and properties of one thing: an accelerator, a switch, a generator, a model."""

    name: str
    kind: str
    aliases: tuple[str, ...] = ()
    properties: dict[str, Any] = Field(default_factory=dict)
    """Facts that are not quantities: names, architecture integers, yes/no."""
    figures: dict[str, Figure] = Field(default_factory=dict)

    def figure(self, name: str) -> Figure:
        """Return the figure called `name`.

        Raises
        ------
        CatalogError
            If the entry has no such figure.
        """
        try:
            found = self.figures[name]
        except KeyError:
            raise CatalogError(
                f"catalog: {self.kind} {self.name!r} has no figure {name!r}{nearest(name, self.figures)}"
            ) from None
        told(self.kind, self.name, name)
        return found

    def si(self, name: str) -> float:
        """Return the SI value of the figure called `name`."""
        return self.figure(name).value

    @property
    def reference_only(self) -> bool:
        """Whether no run, search or table reads the entry: it stands for a reader, or beside what it supports."""
        return bool(self.properties.get("reference_only", False))

    def has(self, name: str) -> bool:
        """Whether the entry has a figure called `name`."""
        return name in self.figures
