"""Axes of a study: from what the file says to the values that are set, the numbers of formulas, and columns."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clustersim import catalog, units
from clustersim.errors import InputError
from clustersim.study.sweep.catalog_axes import figure_of, is_figure
from clustersim.study.sweep.drawn import Drawn, Kind, middle_of
from clustersim.study.sweep.records import Scalar
from clustersim.study.sweep.spec import AxisSpec, RangeSpec, StudySpec

_ROUNDING = 1e-9
"""Share of a step by which the last value may be beyond the end: ends are decimal, steps binary. [-]"""
RESERVED = ("seed", "feasible", "error", "point_id", "index", "wall_s", "status")
"""Columns that the store has beside those of the study."""


@dataclass(frozen=True)
class Setting:
    """One value of an axis."""

    value: Any
    """As it is set in the scenario."""
    si: Scalar | None
    """In formulas: SI where it has a unit."""
    shown: Scalar | None
    """In the column: in the axis's unit."""


@dataclass(frozen=True)
class Axis:
    """One axis; its values are a list, or follow from a number between 0 and 1."""

    key: str
    name: str
    """In formulas."""
    column: str
    """In the table: the name and, for quantities, the unit."""
    settings: tuple[Setting, ...]
    """Empty where the values are drawn."""
    spec: AxisSpec
    unit: str | None
    """Of the column; None for bare numbers and texts."""

    drawn: Drawn | None = None
    """Where the values are drawn."""

    def at(self, share: float) -> Setting:
        """Return the value at a share of the distribution, strictly between 0 and 1."""
        return self._set(self._range().at(share))

    def placed(self, place: int) -> Setting:
        """Return the low end of the range at place -1, its middle at 0, its high end at 1."""
        return self._set(self._range().placed(place))

    def _range(self) -> Drawn:
        if self.drawn is None:
            raise ValueError(f"{self.key}: the axis has a list of values")
        return self.drawn

    def _set(self, number: float) -> Setting:
        return _setting(_rounded(number, self.spec.whole), self.unit)


def axes_of(study: StudySpec, where: str) -> tuple[Axis, ...]:
    """Return the axes of a study in the order of the file.

    Raises
    ------
    InputError
        If the ends of an axis do not go together, or two axes have one name.
    """
    names = _names(study.axes)
    found = tuple(_axis(key, spec, names[key], f"{where}: axes.{key}") for key, spec in study.axes.items())
    taken: dict[str, str] = {}
    for axis in found:
        for name in dict.fromkeys((axis.name, axis.column)):
            other = taken.setdefault(name, axis.key)
            if other != axis.key:
                raise InputError(f"{where}: axes.{axis.key}: the name {name!r} is that of axes.{other}; give it a name")
            if name in RESERVED and axis.key != "seed":
                raise InputError(
                    f"{where}: axes.{axis.key}: the name {name!r} is that of another column; give it a name"
                )
    return found


def _names(axes: Mapping[str, AxisSpec]) -> dict[str, str]:
    """Return the name of each axis: its own, the last part of its key, or the whole key where two are alike."""
    last = {key: _word(key.split(".")[-1]) for key in axes}
    taken = [*last.values(), *RESERVED]
    return {
        key: axis.name or (last[key] if taken.count(last[key]) == 1 or key == "seed" else _word(key))
        for key, axis in axes.items()
    }


def _word(text: str) -> str:
    word = re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
    return word if word[:1].isalpha() else f"axis_{word}"


def _axis(key: str, spec: AxisSpec, name: str, where: str) -> Axis:
    drawn: Drawn | None = None
    if spec.kind == "values":
        unit = _common_unit(spec.values or ())
        labels: Sequence[str | None] = spec.labels or (None,) * len(spec.values or ())
        settings = tuple(_given(one, unit, label) for one, label in zip(spec.values or (), labels, strict=True))
    elif spec.kind == "band":
        return _of_band(key, spec, name, where)
    else:
        ends = getattr(spec, spec.kind)
        (low, unit), (high, other) = _split(ends.from_, where), _split(ends.to, where)
        _require(units_alike(unit, other), where, f"ends of one unit, found {ends.from_!r} and {ends.to!r}")
        _require("log" not in spec.kind or min(low, high) > 0.0, where, f"ends above 0, found {ends.from_!r}")
        if spec.sampled:
            _require(low < high, where, f"from below to, found {ends.from_!r} and {ends.to!r}")
            kind: Kind = spec.kind  # type: ignore[assignment]
            settings, drawn = (), Drawn(kind, low, middle_of(kind, low, high), high)
        else:
            numbers = _range(low, high, spec, unit, where)
            settings = tuple(_setting(_rounded(number, spec.whole), unit) for number in numbers)
    column = name if unit is None else _with_unit(name, unit)
    return Axis(key, name, column, settings, spec, unit, drawn)


def _of_band(key: str, spec: AxisSpec, name: str, where: str) -> Axis:
    """Return the axis of a figure over its own band."""
    _require(is_figure(key), where, "a figure of the catalog (catalog.KIND.ENTRY.FIGURE), which alone has a band")
    kind, entry, figure_name = figure_of(key)
    figure = catalog.entry(kind, entry).figure(figure_name)
    _require(figure.low < figure.high, where, f"a band, found the same low and high end, {figure.text}")
    bare = figure.unit == "1"
    factor = 1.0 if bare else _si(1.0, figure.unit)
    drawn = Drawn("band", figure.low / factor, figure.value / factor, figure.high / factor)
    unit = None if bare else figure.unit
    return Axis(key, name, name if unit is None else _with_unit(name, unit), (), spec, unit, drawn)


def _require(met: bool, where: str, wanted: str) -> None:
    if not met:
        raise InputError(f"{where}: expected {wanted}")


def units_alike(one: str | None, other: str | None) -> bool:
    """Return whether two ends have the same unit; a range over two units would have a value in neither."""
    return one == other


def _range(low: float, high: float, spec: AxisSpec, unit: str | None, where: str) -> list[float]:
    """Return the values of a range; the last is the end itself."""
    asked = spec.range or spec.log_range
    steps = asked.steps if asked is not None else None
    if steps is None:
        step, own = _split(spec.range.step if isinstance(spec.range, RangeSpec) else None, f"{where}.range.step")
        _require(units_alike(unit, own), where, f"a step in {unit or 'no unit'}, found it in {own or 'no unit'}")
        _require(step != 0.0 and (high - low) / step >= 0.0, where, "a step that leads from the first end to the other")
        count = math.floor((high - low) / step + _ROUNDING) + 1
        _require(count <= 100_000, where, f"at most 100,000 values, found {count}")
        # a decimal step is not exact in binary: what stands in the file is meant, 0.3 and not 0.30000000000000004
        return [float(f"{low + k * step:.12g}") for k in range(count)]
    if steps == 1:
        _require(low == high, where, "at least 2 steps between two ends")
        return [low]
    if spec.kind == "log_range":
        inner = [low * (high / low) ** (k / (steps - 1)) for k in range(1, steps - 1)]
    else:
        inner = [low + (high - low) * k / (steps - 1) for k in range(1, steps - 1)]
    return [low, *(float(f"{value:.12g}") for value in inner), high]


def _split(value: object, where: str) -> tuple[float, str | None]:
    """Return number and unit of an end."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise InputError(f"{where}: expected a number, or text with a unit, found {value!r}")
    if not isinstance(value, str):
        return float(value), None
    try:
        number, unit = units.split(value)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None
    _require(units.dimension_of(unit) is not None, where, f"a known unit, found {value!r}")
    return number, unit


def _rounded(number: float, whole: bool) -> int | float:
    return round(number) if whole or (number.is_integer() and abs(number) < 2**53) else number


def _setting(number: float, unit: str | None) -> Setting:
    """Return the setting of a number in a unit."""
    if unit is None:
        return Setting(number, number, number)
    return Setting(f"{number!r} {unit}", _si(number, unit), float(number))


def _si(number: float, unit: str) -> float:
    return number * units.TABLE[str(units.dimension_of(unit))][unit]


def _common_unit(values: Sequence[Any]) -> str | None:
    """Return the unit of a column of quantities: that of the first, where all are of its dimension."""
    found = [found_unit[1] for found_unit in map(units.number_and_unit, values) if found_unit is not None]
    if len(found) < len(values):
        return None
    table = units.TABLE[str(units.dimension_of(found[0]))]
    return found[0] if all(unit in table for unit in found) else None


def _given(value: Any, unit: str | None, label: str | None) -> Setting:
    """Return the setting of a value from a list; a section is shown as its label, or as JSON."""
    found = units.number_and_unit(value)
    if found is not None and unit is not None:
        si = _si(*found)
        shown = found[0] if found[1] == unit else si / _si(1.0, unit)
        return Setting(value, si, label or shown)
    if isinstance(value, dict | list):
        text = label or json.dumps(value, sort_keys=True)
        return Setting(value, text, text)
    return Setting(value, value, label or value)


_SUFFIX = {"%": "percent", "pu": "pu", "x": "x"}


def _with_unit(name: str, unit: str) -> str:
    suffix = _SUFFIX.get(unit) or _word(re.sub(r"/", " per ", re.sub(r"^1/", "per ", unit)))
    return name if name == suffix or name.endswith(f"_{suffix}") else f"{name}_{suffix}"
