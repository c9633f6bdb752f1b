"""Temperature of a cooling loop over days, hour by hour."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from clustersim.plant.cooling_long import Floats, loop_pieces
from clustersim.plant.spec import SiteCoolingSpec
from clustersim.units import HOUR_S


@dataclass(frozen=True)
class LoopCourse:
    """A loop hour by hour from the start; the last hour may be short. All arrays have the same length."""

    start_s: Floats
    """Start of each hour. [s]"""
    heat_w: Floats
    """Mean over the hour. [W]"""
    capacity_w: Floats
    """Least of the hour. [W]"""
    supply_c: Floats
    """Highest of the hour. [degC]"""
    lowest_c: Floats
    """Lowest and highest temperature of the loop. [degC]"""
    highest_c: Floats


def loop_course(spec: SiteCoolingSpec, heat_w: ArrayLike, span_s: ArrayLike, initial_heat_w: float) -> LoopCourse:
    """Return the temperature of the loop of :func:`cooling_history` hour by hour.

    Parameters
    ----------
    spec : SiteCoolingSpec
        Cooling of the site.
    heat_w, span_s : array_like, shape (n,)
        Heat of each span and its length, above zero. [W], [s]
    initial_heat_w : float
        Heat at which the loop had settled before, at most the capacity. [W]

    Notes
    -----
    Between two edges of the pieces the temperature is an exponential or a straight line, which turns nowhere: the
    extremes of an hour are among the temperatures at its edges.
    """
    heat, span = np.ascontiguousarray(heat_w, dtype=np.float64), np.ascontiguousarray(span_s, dtype=np.float64)
    total = float(span.sum())
    starts = np.asarray(np.arange(math.ceil(total / HOUR_S - 1e-9)) * HOUR_S, dtype=np.float64)
    found = loop_pieces(spec, heat, span, initial_heat_w, starts)
    begins = np.cumsum(found.span_s) - found.span_s
    # an edge of a span may lie next to that of an hour, by rounding
    first = np.searchsorted(begins, starts - 1e-6)
    of_hour = np.diff(np.append(starts, total))
    low = np.minimum(found.temperature_c[:-1], found.temperature_c[1:])
    high = np.maximum(found.temperature_c[:-1], found.temperature_c[1:])
    return LoopCourse(
        start_s=starts,
        heat_w=np.add.reduceat(found.heat_w * found.span_s, first) / of_hour,
        capacity_w=np.minimum.reduceat(found.capacity_w, first),
        supply_c=np.maximum.reduceat(found.supply_c, first),
        lowest_c=np.minimum.reduceat(low, first),
        highest_c=np.maximum.reduceat(high, first),
    )
