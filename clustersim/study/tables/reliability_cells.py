"""Cells of a table of reliability: numbers, ranges, bounds, periods and units as their sources write them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clustersim import units
from clustersim.study.tables.row_fields import BLANK, UnreadableError

Bound = Literal["lower", "upper"]

_NUMBER = r"[-+]?(?:\d[\d_,]*\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_SIGNS: Mapping[str, Bound] = {">": "lower", ">=": "lower", "<": "upper", "<=": "upper"}
_SIZED = {"k": 1e3, "K": 1e3, "M": 1e6, "": 1.0}

_ALIKE = str.maketrans({"\N{EN DASH}": "-", "\N{GREATER-THAN OR EQUAL TO}": ">", "\N{LESS-THAN OR EQUAL TO}": "<",
                        "\N{ALMOST EQUAL TO}": "~"})  # fmt: skip

_WORDS: Mapping[str, str] = {
    "sec": "s", "second": "s", "minute": "min", "min": "min", "hour": "h", "hr": "h", "day": "d", "week": "week",
    "month": "month", "mo": "month", "year": "yr", "s": "s", "h": "h", "d": "d", "ms": "ms", "us": "us", "w": "week",
}  # fmt: skip
"""Words for a time, without the plural, and the unit that each is."""

_TIMES = {**units.TABLE["time"], "week": 7 * 86400.0}


@dataclass(frozen=True)
class Value:
    """What was published: a number, a range, or a bound; in the unit of the row."""

    low: float
    high: float
    bound: Bound | None = None
    """Whether the number is a bound of what was measured."""

    @property
    def middle(self) -> float:
        """The number itself, or the middle of the range."""
        return 0.5 * (self.low + self.high)

    @property
    def is_point(self) -> bool:
        """Whether it is one number, and not a bound."""
        return self.bound is None and self.low == self.high

    def keeps(self, predicted: float) -> bool:
        """Whether a prediction lies within the bound or range."""
        if self.bound == "lower":
            return predicted >= self.low
        if self.bound == "upper":
            return predicted <= self.high
        return self.low <= predicted <= self.high


def _plain(text: str) -> float:
    return float(text.replace(",", "").replace("_", ""))


def value_of(text: str, unit: str) -> Value:
    """Return what a cell publishes: ``0.9``, ``5-20``, ``1MB-4GB``, ``>90%``, ``~3``.

    A bound is told by a sign before the number or by the words of the unit: ``fraction (lower bound)``. Per cent become
    fractions where the unit says fraction, and sizes become bytes where they carry their own unit.

    Raises
    ------
    UnreadableError
        If the cell is blank or holds no number.
    """
    cell = text.strip().translate(_ALIKE)
    if cell.lower() in BLANK:
        raise UnreadableError("value: not given")
    match = re.match(r"(>=|<=|>|<|~)?\s*(.*)$", cell)
    sign, rest = (match[1], match[2]) if match else (None, cell)
    parts = re.fullmatch(rf"({_NUMBER})\s*([%\w/]*?)(?:\s*(?:-|to)\s*({_NUMBER})\s*([%\w/]*))?(\+)?", rest)
    if parts is None:
        raise UnreadableError(f"value: expected a number, a range or a bound, found {text!r}")
    last_unit = parts[4] if parts[3] is not None else parts[2]
    low = _sized(_plain(parts[1]), parts[2] or last_unit, unit)
    high = low if parts[3] is None else _sized(_plain(parts[3]), last_unit, unit)
    said = re.search(r"\b(lower|upper) bound", unit)
    bound = _SIGNS.get(sign or "") or ("lower" if parts[5] else None)
    if bound is None and said:
        bound = "lower" if said[1] == "lower" else "upper"
    if not (math.isfinite(low) and math.isfinite(high) and low <= high):
        raise UnreadableError(f"value: expected a finite number or range, found {text!r}", wrong=True)
    return Value(low, high, bound)


def _sized(number: float, suffix: str, unit: str) -> float:
    """Return a number with its own suffix in the unit of the row."""
    if not suffix or suffix == "x":
        return number
    if suffix == "%":
        return number / 100.0 if unit.startswith("fraction") else number
    if suffix in units.TABLE["data"]:
        return number * units.TABLE["data"][suffix]
    raise UnreadableError(f"value: unknown unit {suffix!r}")


def count_of(text: str, column: str) -> tuple[float | None, bool]:
    """Return a count such as ``16384``, ``>1024``, ``~3K`` or None where blank, and whether it is a bound.

    Raises
    ------
    UnreadableError
        If the cell holds no count.
    """
    cell = text.strip().translate(_ALIKE)
    if cell.lower() in BLANK:
        return None, False
    match = re.match(rf"(>=|<=|>|<|~)?\s*({_NUMBER})\s*([kKM]?)\b", cell)
    if match is None:
        raise UnreadableError(f"{column}: no number in {text!r}")
    number = _plain(match[2]) * _SIZED[match[3]]
    if number < 1.0 or not math.isfinite(number):
        raise UnreadableError(f"{column}: expected 1 or more, found {text!r}", wrong=True)
    return number, (match[1] or "") in _SIGNS


def time_unit(text: str) -> float | None:
    """Return the seconds of a unit of time such as ``hours (upper bound)`` or ``min``; None if it is none."""
    word = re.match(r"[A-Za-z]+", text.strip())
    if word is None:
        return None
    name = word[0].lower()
    unit = _WORDS.get(name) or _WORDS.get(name.removesuffix("s"))
    return None if unit is None else _TIMES[unit]


def period_of(text: str) -> float | None:
    """Return a period such as ``54 days`` or ``~3.5 months`` in seconds, the middle of a range; None without one."""
    cell = text.strip().translate(_ALIKE)
    match = re.match(rf"~?\s*({_NUMBER})(?:\s*-\s*({_NUMBER}))?\s*-?\s*([A-Za-z]+)", cell)
    unit = None if match is None else time_unit(match[3])
    if match is None or unit is None:
        return None
    return 0.5 * (_plain(match[1]) + _plain(match[2] or match[1])) * unit


@dataclass(frozen=True)
class RateUnit:
    """Of what a rate is counted: ``scale`` per `part` and second."""

    part: Literal["server", "accelerator", "job"]
    scale: float
    """What one in the unit is in 1/s."""


def rate_unit(text: str) -> RateUnit | None:
    """Return the unit of a rate of failures; None where the text is none.

    Examples
    --------
    >>> rate_unit("failures per 1000 node-days").part
    'server'
    >>> rate_unit("per week").part
    'job'
    """
    words = text.lower()
    match = re.search(r"per\s+(?:(\d[\d,]*)\s+)?(\w+?)s?\s*(?:-|\s|per|and|\s)+(hour|day|week|month|year)s?\b", words)
    if match is not None and match[2] in ("node", "server", "machine", "host", "gpu", "accelerator", "chip", "tpu"):
        part: Literal["server", "accelerator"] = (
            "accelerator" if match[2] in ("gpu", "accelerator", "chip", "tpu") else "server"
        )
        many = _plain(match[1]) if match[1] else 1.0
        return RateUnit(part, 1.0 / (many * _TIMES[_WORDS[match[3]]]))
    plain = re.fullmatch(r"(?:\w+\s+)?(?:per|/)\s*(hour|day|week|month|year)s?", words.strip())
    return None if plain is None else RateUnit("job", 1.0 / _TIMES[_WORDS[plain[1]]])
