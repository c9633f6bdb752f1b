"""Products under power limits and locked clocks: how fast, at what power, and what a burst draws above a limit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

import numpy as np
import scipy

from clustersim.errors import InputError
from clustersim.instrument.intervals import mean_half
from clustersim.instrument.levels import LEAST_RUNS, Level, Readings, Window, levels
from clustersim.instrument.recording import Array, Band, Marker

Quantity = Literal["limit", "clock"]
QUANTITIES: tuple[Quantity, ...] = ("limit", "clock")
Key: TypeAlias = tuple[str, float, str, str, float]
"""Quantity set, its value (infinite: as found, of clocks), phase, activity, length of the burst."""
IN_FORCE: Mapping[Quantity, str] = {"limit": "limit_w", "clock": "locked_mhz"}
"""Figures of a marker that tell the setting."""
LEAST_HELD = 2
"""Settings below the free power from which on there is a curve."""
NEAR = 0.02
"""Products that draw their limit to within this share are held by it. [-]"""
NORMAL_95 = 1.96
"""Half of the 95 % interval of a normal distribution over its standard deviation."""


@dataclass(frozen=True)
class Point:
    """Products, and streams where they were done, under one setting."""

    quantity: Quantity
    value: float
    """[W] or [MHz]; infinite for a clock that was not locked."""
    watts: Band
    """Of products, for long. [W]"""
    speed: Band
    """Over that under the highest setting. [-]"""
    flop_per_second: float
    clock_mhz: float | None
    """Mean of what was read during the products. [MHz]"""
    stream: Band | None
    """Power of streams. [W]"""
    bytes_per_second: float | None
    """Of streams. [B/s]"""

    @property
    def flop_per_joule(self) -> float:
        """Of products. [FLOP/J]"""
        return self.flop_per_second / self.watts.value


@dataclass(frozen=True)
class Overshoot:
    """What bursts of one length draw under limits: ``P = L + k (D - L)``, or D where that is below L.

    Intervals are by Student's t of as many degrees of freedom as there are more limits than unknowns, so that few
    limits make wide ones: of a burst that came in few stretches of the record the own interval is rough.
    """

    burst_s: float
    share: Band
    """k, the part of the way from the limit to the free level. [-]"""
    free_w: Band | None
    """D; None where k could be nothing, and the bursts do not tell it. [W]"""
    bursts: Mapping[float, Level]
    """Mean power of bursts, by limit."""
    worst_w: float
    """Largest difference of a measured mean from the law. [W]"""

    def share_at(self, free_w: float) -> Band:
        """Return k where D is known from elsewhere, between 0 and 1: a line through nothing by least squares. [-]

        Raises
        ------
        InputError
            If no limit is below it.
        """
        below = {limit: one.watts for limit, one in self.bursts.items() if limit < free_w}
        if not below:
            raise InputError(f"overshoot: expected a limit below {free_w:.0f} W")
        way = np.array([free_w - limit for limit in below])
        past = np.array([one.value - limit for limit, one in below.items()])
        weight = _sigma(np.array([0.5 * (one.high - one.low) for one in below.values()]), free_w) ** -2
        told = float((weight * way**2).sum())
        share = float((weight * way * past).sum()) / told
        spare = way.size - 1
        off = float((weight * (past - share * way) ** 2).sum())
        half = _student(spare) * np.sqrt(max(1.0, off / spare if spare else 1.0) / told)
        value, low, high = np.clip([share, share - half, share + half], 0.0, 1.0)
        return Band(value=float(value), low=float(low), high=float(high))


def is_set(marker: Marker) -> bool:
    """Return whether a marker is of something done under a setting of the device."""
    return "setting" in marker.words


def setting_levels(
    markers: Sequence[Marker], readings: Readings, window: Window, label_of: Callable[[Marker], str]
) -> tuple[dict[Key, Level], dict[str, str]]:
    """Return the level of each phase under each setting, and of which bursts there is none and why.

    That of a burst is its mean from begin to end. `label_of` names what all other markers did.
    """
    keys = {_label(one): _key(one) for one in markers if is_set(one)}
    if not keys:
        return {}, {}
    found, lost = levels(
        markers, readings, window, lambda one: _label(one) if is_set(one) else f"other {label_of(one)}",
        whole=lambda label: label in keys and keys[label][2] == "burst",
    )  # fmt: skip
    bursts = {keys[label]: why for label, why in lost.items() if label in keys and keys[label][2] == "burst"}
    missing = {f"bursts of {1e3 * key[4]:g} ms": why for key, why in bursts.items()}
    return {keys[one.label]: one for one in found if one.label in keys}, missing


def _key(marker: Marker) -> Key:
    quantity: Quantity = "limit" if marker.words["setting"] == "limit" else "clock"
    value = marker.figures.get(IN_FORCE[quantity], np.inf)
    phase = marker.words.get("phase", "steady")
    # a pause is one, whatever the setting before it: nothing runs
    if marker.activity == "context":
        return (quantity, np.inf, phase, marker.activity, 0.0)
    return (quantity, float(value), phase, marker.activity, marker.figures.get("burst_s", 0.0))


def _label(marker: Marker) -> str:
    return " ".join(map(str, _key(marker)))


def points(
    quantity: Quantity, markers: Sequence[Marker], known: Mapping[Key, Level], clock_of: Callable[[Marker], float]
) -> tuple[Point, ...]:
    """Return the steady products under each setting, the lowest first.

    Speed is the mean over runs of products per time over the same under the highest setting; its interval that of the
    ratio of two means (Student's t, in quadrature).

    Parameters
    ----------
    quantity : {"limit", "clock"}
    markers : sequence of Marker
    known : mapping
        Of :func:`setting_levels`.
    clock_of : callable
        Mean clock during a marker; NaN where none was read. [MHz]

    Raises
    ------
    InputError
        If one was done fewer than three times, or its power is not told.
    """
    own = [one for one in markers if is_set(one) and _key(one)[0] == quantity and _key(one)[2] == "steady"]
    rates: dict[float, list[Marker]] = {}
    for one in own:
        if one.activity == "matrix" and "flop_per_second" in one.figures:
            rates.setdefault(_key(one)[1], []).append(one)
    if not rates:
        return ()
    speeds = {
        value: np.array([one.figures["flop_per_second"] for one in done]) for value, done in sorted(rates.items())
    }
    for value, each in speeds.items():
        if each.size < LEAST_RUNS:
            raise InputError(f"{_name(quantity, value)}: expected at least {LEAST_RUNS} runs, found {each.size}")
    top = speeds[max(speeds)]
    made = []
    for value, each in speeds.items():
        level = known.get((quantity, value, "steady", "matrix", 0.0))
        if level is None:
            raise InputError(f"{_name(quantity, value)}: no reading holds its products alone")
        stream = known.get((quantity, value, "steady", "memory", 0.0))
        moved = [one for one in own if one.activity == "memory" and _key(one)[1] == value]
        clocks = np.array([clock_of(one) for one in rates[value]])
        clocks = clocks[np.isfinite(clocks)]
        made.append(
            Point(
                quantity, value, level.watts, _ratio(each, top), float(each.mean()),
                float(clocks.mean()) if clocks.size else None,
                None if stream is None else stream.watts,
                float(np.mean([one.figures["bytes_per_second"] for one in moved])) if moved else None,
            )
        )  # fmt: skip
    return tuple(made)


def _name(quantity: Quantity, value: float) -> str:
    if np.isinf(value):
        return f"{quantity} as found"
    return f"{quantity} {value:g} {'W' if quantity == 'limit' else 'MHz'}"


def _ratio(each: Array, top: Array) -> Band:
    if each is top:
        return Band(value=1.0, low=1.0, high=1.0)
    value = float(each.mean() / top.mean())
    half = value * float(np.hypot(mean_half(each) / each.mean(), mean_half(top) / top.mean()))
    return Band(value=value, low=value - half, high=value + half)


def curve(measured: Sequence[Point], lowest: float, limit_w: float | None = None) -> tuple[Point, ...]:
    """Return the points that are a curve of speed against power, the unlimited one last.

    Settings that hold nothing back (as fast as without, within the interval) say nothing of it.

    Parameters
    ----------
    measured : sequence of Point
        The highest setting last.
    lowest : float
        Share of the free power down to which a curve must go: below its lowest point it is a line to nothing. [-]
    limit_w : float, optional
        Of the last point, where that is below the device's default. [W]

    Raises
    ------
    InputError
        If the last point is held by its limit, no two are below it or none far enough, or more power is not faster.
    """
    if not measured:
        raise InputError("expected products under several settings, found none")
    free = measured[-1].watts.value
    if limit_w is not None and free > (1.0 - NEAR) * limit_w:
        raise InputError(f"all was done under a lowered limit, the highest {limit_w:g} W: the free power is not known")
    held = sorted((one for one in measured[:-1] if one.speed.high < 1.0), key=lambda one: one.watts.value)
    if len(held) < LEAST_HELD or held[0].watts.value > lowest * free:
        told = ", ".join(f"{one.watts.value:.0f}" for one in held) or "none"
        raise InputError(
            f"expected at least {LEAST_HELD} settings that hold products back, one at {lowest:.0%} of the free "
            f"{free:.0f} W or below; found {told} W"
        )
    kept = (*held, measured[-1])
    for below, above in pairwise(kept):
        if not (below.speed.value < above.speed.value and below.watts.value < above.watts.value):
            raise InputError(
                f"more power is not faster: {below.watts.value:.0f} W at {below.speed.value:.1%}, "
                f"{above.watts.value:.0f} W at {above.speed.value:.1%}"
            )
    return kept


def overshoots(known: Mapping[Key, Level]) -> tuple[tuple[Overshoot, ...], dict[str, str]]:
    """Return the overshoot of each length of bursts, and why there is none of the others.

    Least squares of ``min(D, L + k (D - L))`` over the limits (``burst_peak_w`` of :mod:`clustersim.power.device` is
    this law), each mean weighted by its interval; the intervals of k and D follow from these, widened where the means
    are further from the law than their intervals say.
    """
    lengths = sorted({key[4] for key in known if key[0] == "limit" and key[2] == "burst"})
    found, missing = [], {}
    for length in lengths:
        bursts = {
            key[1]: level
            for key, level in sorted(known.items())
            if key[:1] + key[2:] == ("limit", "burst", "matrix", length)
        }
        try:
            found.append(_overshoot(length, bursts))
        except InputError as error:
            missing[f"overshoot of {1e3 * length:g} ms"] = str(error)
    return tuple(found), missing


def _overshoot(length: float, bursts: Mapping[float, Level]) -> Overshoot:
    limits = np.array(list(bursts))
    watts = np.array([one.watts.value for one in bursts.values()])
    half = np.array([0.5 * (one.watts.high - one.watts.low) for one in bursts.values()])
    top = float(watts.max())
    if np.count_nonzero(limits < top - half[int(watts.argmax())]) < 2:
        raise InputError(
            f"expected two limits below what bursts draw ({top:.0f} W), found {', '.join(map(_w, limits))}"
        )
    sigma = _sigma(half, top)

    def law(at: Array) -> Array:
        share, free = at
        return np.asarray(np.where(limits < free, limits + share * (free - limits), free))

    def off(at: Array) -> Array:
        return np.asarray((law(at) - watts) / sigma)

    fit = scipy.optimize.least_squares(off, (0.3, top), x_scale=(0.1, 10.0))
    spare = limits.size - 2
    wider = max(1.0, float(2.0 * fit.cost / spare)) if spare else 1.0
    # without an overshoot the free level has no part in the law, and the inverse is a pseudo-inverse
    slope = np.asarray(fit.jac)
    wide = _student(spare) * np.sqrt(np.diag(np.linalg.pinv(slope.T @ slope) * wider))
    share, free = (
        Band(value=float(one), low=float(one - by), high=float(one + by)) for one, by in zip(fit.x, wide, strict=True)
    )
    worst = float(np.abs(law(fit.x) - watts).max())
    return Overshoot(length, share, free if share.low > 0.0 else None, dict(bursts), worst)


def _student(spare: int) -> float:
    """Return half of the 95 % interval over the standard deviation; without a spare one, as with one."""
    return float(scipy.stats.t.ppf(0.975, max(spare, 1)))


def _sigma(half: Array, scale_w: float) -> Array:
    """Return standard deviations of means from half their intervals; none is better than a thousandth. [W]"""
    return np.asarray(np.maximum(half, 1e-3 * scale_w) / NORMAL_95)


def _w(value: float) -> str:
    return f"{value:g} W"
