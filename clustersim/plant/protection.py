"""Inverse-time overcurrent protection under any current: the trip time, or how near it comes."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.errors import InputError
from clustersim.plant.protection_kernels import turn_disk
from clustersim.plant.spec_parts.supply import BreakerSpec


@dataclass(frozen=True)
class Curve:
    """One setting of an inverse-time relay; times contain the multiplier."""

    factor_s: float
    exponent: float
    added_s: float
    reset_s: float
    """0: it resets at once. [s]"""
    reset_exponent: float
    largest: float
    """Multiple of the pickup beyond which the time stays. [-]"""

    def trip_time_s(self, multiple: ArrayLike) -> NDArray[np.float64]:
        r"""Time to trip at a constant multiple of the pickup; infinite at 1 and below. [s]

        .. math:: t(M) = T \left(\frac{k}{M^\alpha - 1} + c\right)
        """
        m = np.minimum(np.asarray(multiple, dtype=np.float64), self.largest)
        with np.errstate(divide="ignore"):
            found = self.factor_s / (np.maximum(m, 1.0) ** self.exponent - 1.0) + self.added_s
        return np.asarray(np.where(m > 1.0, found, math.inf))


@dataclass(frozen=True)
class Travel:
    """How far the disk of a relay turns; 1 trips."""

    largest: float
    trip_s: float | None
    """From the beginning of the record, over as many repetitions as it takes; None: never. [s]"""

    @property
    def margin(self) -> float:
        """What is left to a trip. [-]"""
        return 1.0 - self.largest


def curve_of(breaker: BreakerSpec) -> Curve:
    """Return the setting of a breaker with the constants of its curve from catalog kind ``switchgear``.

    Raises
    ------
    CatalogError
        If the curve is unknown, or the name is that of something else.
    """
    f, times = entry("switchgear", breaker.curve), breaker.time_multiplier
    resets = f.has("reset_factor")
    return Curve(
        times * f.si("time_factor"),
        f.si("exponent"),
        times * f.si("time_constant"),
        times * f.si("reset_factor") if resets else 0.0,
        f.si("reset_exponent") if resets else 1.0,
        entry("switchgear", "relay").si("largest_multiple"),
    )


def disk_travel(curve: Curve, multiple: ArrayLike, dt_s: float, *, repeating: bool = False) -> Travel:
    r"""Integrate the disk of a relay over a current that is constant within each sample.

    .. math:: \dot\vartheta = 1 / t(M) \; (M > 1), \quad \dot\vartheta = -(1 - M^{\alpha_r}) / (T t_r) \; (M \le 1)

    with :math:`\vartheta \ge 0`; it trips at 1. It starts at rest.

    Parameters
    ----------
    curve : Curve
        Setting.
    multiple : array_like, shape (n,)
        rms current over pickup. [-]
    dt_s : float
        Width of a sample. [s]
    repeating : bool
        Whether the record goes on for ever: a swing whose mean drives the disk forward trips in the end.

    Raises
    ------
    InputError
        If a current is not finite or below 0.

    References
    ----------
    IEC 60255-151:2009, clause 4 and annex A (dependent-time characteristics and their reset).
    """
    m = np.ascontiguousarray(multiple, dtype=np.float64)
    if not np.isfinite(m).all() or (m < 0.0).any():
        raise InputError("protection: expected currents of at least 0, found one that is not")

    def turn(start: float) -> tuple[float, float, float, float]:
        found: tuple[float, float, float, float] = turn_disk(
            m, dt_s, start, curve.factor_s, curve.exponent, curve.added_s,
            curve.reset_s, curve.reset_exponent, curve.largest,
        )  # fmt: skip
        return found

    length = m.size * dt_s
    trip, most, _, end = turn(0.0)
    if trip >= 0.0 or not repeating or end == 0.0:
        return Travel(most, trip if trip >= 0.0 else None)
    trip, most, least, second = turn(end)
    gain = second - end
    if trip < 0.0 and (least <= 0.0 or gain <= 1e-12):
        return Travel(most, None)
    done = 1
    if trip < 0.0:
        # the disk never comes to rest again, so that every repetition adds the same
        skipped = max(0, math.floor((1.0 - most) / gain) - 1)
        done, start = 2 + skipped, second + skipped * gain
        trip, most, _, start = turn(start)
        while trip < 0.0:
            done += 1
            trip, most, _, start = turn(start)
    return Travel(most, done * length + trip)
