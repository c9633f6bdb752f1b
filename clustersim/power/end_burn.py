"""Dummy compute before the first step of a job and after its last, so that its power starts and ends in a ramp.

It is held against a measured pair of records; no key of a scenario asks for it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class EndBurn:
    """Dummy kernels at the ends of a job, in line with it: it starts and ends later by as much."""

    before_s: float
    """Before the first step. [s]"""
    after_s: float
    """After the last step. [s]"""
    duty_first: float
    """Share of the time in which kernels run at the start of the ramp up; it grows evenly. [-]"""
    duty_job: float
    """At the end of the ramp up and at the start of the ramp down. [-]"""
    duty_last: float = 0.0
    """At the end of the ramp down. [-]"""


@dataclass(frozen=True)
class EndBurned:
    """A record of a job with burns at its ends."""

    time_s: Floats
    power_w: Floats
    burn_s: float
    """By which the job ends later. [s]"""
    burn_j: float
    """Energy of the two burns, all that the devices draw in them. [J]"""


def duty_power(duty: Floats | float, context_w: float, full_w: float) -> Floats:
    """Return the mean power of devices whose dummy kernels run for the share `duty` of the time. [W]

    ``context + duty (full - context)``: linear, since kernels run at full speed or not at all.
    """
    return np.asarray(context_w + np.asarray(duty) * (full_w - context_w))


def with_end_burns(
    time_s: Floats,
    power_w: Floats,
    start_s: float,
    end_s: float,
    burn: EndBurn,
    *,
    context_w: float,
    full_w: float,
) -> EndBurned:
    """Return the record of a job as it would be with burns before its first step and after its last.

    Parameters
    ----------
    time_s, power_w : ndarray, shape (samples,)
        Record without burns, in time order. [s], [W]
    start_s, end_s : float
        Of the first step, and of the end of the last. [s]
    burn : EndBurn
        The burns. They are sampled at the record's median interval.
    context_w, full_w : float
        Power of the devices with a context and without kernels, and with kernels all of the time. [W]

    Raises
    ------
    InputError
        If the job does not lie within the record, a duty is no share, or the levels are not in order.
    """
    if not time_s[0] <= start_s < end_s <= time_s[-1]:
        raise InputError(
            f"start_s, end_s: expected a job within {time_s[0]:g} to {time_s[-1]:g} s, found {start_s:g} to {end_s:g} s"
        )
    for name in ("duty_first", "duty_job", "duty_last"):
        if not 0.0 <= getattr(burn, name) <= 1.0:
            raise InputError(f"burn.{name}: expected a share from 0 to 1, found {getattr(burn, name):g}")
    if not 0.0 <= context_w <= full_w:
        raise InputError(f"context_w, full_w: expected 0 <= context <= full, found {context_w:g} and {full_w:g} W")
    step = float(np.median(np.diff(time_s)))
    up_t, up_w = _ramp(burn.before_s, burn.duty_first, burn.duty_job, step, context_w, full_w)
    down_t, down_w = _ramp(burn.after_s, burn.duty_job, burn.duty_last, step, context_w, full_w)
    before, after = time_s < start_s, time_s > end_s
    job = ~before & ~after
    shifted = time_s + burn.before_s
    times = (
        time_s[before],
        start_s + up_t,
        shifted[job],
        end_s + burn.before_s + down_t,
        shifted[after] + burn.after_s,
    )
    watts = (power_w[before], up_w, power_w[job], down_w, power_w[after])
    spent = burn.before_s * up_w.mean() if up_w.size else 0.0
    spent += burn.after_s * down_w.mean() if down_w.size else 0.0
    return EndBurned(np.concatenate(times), np.concatenate(watts), burn.before_s + burn.after_s, float(spent))


def _ramp(
    length_s: float, first: float, last: float, step: float, context_w: float, full_w: float
) -> tuple[Floats, Floats]:
    """Return times from 0 and powers of a ramp, one sample in the middle of each interval. [s], [W]"""
    count = round(length_s / step)
    middle = (np.arange(count) + 0.5) / max(count, 1)
    return middle * length_s, duty_power(first + middle * (last - first), context_w, full_w)
