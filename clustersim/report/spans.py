"""The part of a record that is looked at: moved, widened, narrowed, and as people write it."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim import units
from clustersim.errors import InputError

FEWEST = 8
"""Samples that a span holds at least."""
READABLE = (("d", 2.0), ("h", 3.0), ("s", 0.0))
"""Unit of an axis, and from how many of it on."""


@dataclass(frozen=True)
class Span:
    """From one time of a record to another. [s]"""

    begin_s: float
    end_s: float

    @property
    def length_s(self) -> float:
        """How long it is. [s]"""
        return self.end_s - self.begin_s

    @property
    def middle_s(self) -> float:
        """Its middle. [s]"""
        return 0.5 * (self.begin_s + self.end_s)

    def within(self, whole: Span, dt_s: float) -> Span:
        """Return it shifted, and cut or widened, so that it lies in `whole` and holds :data:`FEWEST` samples."""
        length = min(whole.length_s, max(self.length_s, FEWEST * dt_s))
        begin = self.begin_s if length == self.length_s else self.middle_s - 0.5 * length
        begin = min(max(begin, whole.begin_s), whole.end_s - length)
        return Span(begin, begin + length)

    def moved(self, share: float, whole: Span, dt_s: float) -> Span:
        """Return it moved by a share of its length, not beyond the ends."""
        by = share * self.length_s
        return Span(self.begin_s + by, self.end_s + by).within(whole, dt_s)

    def scaled(self, factor: float, whole: Span, dt_s: float) -> Span:
        """Return a span `factor` times as long about the same middle, not beyond the ends."""
        return self.of_length(factor * self.length_s, whole, dt_s)

    def of_length(self, length_s: float, whole: Span, dt_s: float) -> Span:
        """Return a span of a length about the same middle, not beyond the ends."""
        half = 0.5 * length_s
        return Span(self.middle_s - half, self.middle_s + half).within(whole, dt_s)

    def samples(self, t0_s: float, dt_s: float, count: int) -> tuple[int, int]:
        """Return the first sample that it holds, and the one after the last; two samples at least.

        Parameters
        ----------
        t0_s, dt_s : float
            Start and clock of the record. [s]
        count : int
            Samples of the record.
        """
        first = int((self.begin_s - t0_s) / dt_s + 1e-6)
        first = max(0, min(count - 2, first))
        last = max(first + 2, min(count, round((self.end_s - t0_s) / dt_s)))
        return first, last


def axis_unit(length_s: float) -> tuple[str, float]:
    """Return the unit in which times of a record read well, and how many seconds it has."""
    table = units.TABLE["time"]
    name = next(name for name, most in READABLE if length_s >= most * table[name])
    return name, table[name]


def time_text(seconds: float, whole: Span) -> str:
    """Return a time of a record as people write it and :func:`read_span` reads it: ``12.5 s``, ``3.25 d``."""
    name, size = axis_unit(whole.length_s)
    return f"{seconds / size:.12g} {name}"


def read_span(begin: str, end: str, whole: Span, dt_s: float) -> Span:
    """Return the span between two times that somebody wrote; the end of the record where one is left out.

    Raises
    ------
    InputError
        If one of them is no time or outside the record, or there is too little between them.
    """
    found = Span(_read("from", begin, whole, whole.begin_s), _read("to", end, whole, whole.end_s))
    least = min(FEWEST * dt_s, whole.length_s)
    if found.length_s < least * (1.0 - 1e-6):
        raise InputError(
            f"to: expected a time at least {least:.6g} s after {time_text(found.begin_s, whole)}, "
            f"found {time_text(found.end_s, whole)}"
        )
    return found


def _read(name: str, text: str, whole: Span, otherwise: float) -> float:
    if not text.strip():
        return otherwise
    try:
        seconds = units.parse(text, "time")
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    slack = 1e-9 * max(1.0, abs(whole.begin_s), abs(whole.end_s))
    if not whole.begin_s - slack <= seconds <= whole.end_s + slack:
        expected = f"{time_text(whole.begin_s, whole)} to {time_text(whole.end_s, whole)}"
        raise InputError(f"{name}: expected {expected}, found {text.strip()}")
    return min(max(seconds, whole.begin_s), whole.end_s)
