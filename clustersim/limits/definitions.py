"""How power, swings and frequency are told: times and bands of the summary's keys, the same wherever they are shown."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clustersim.power.records import coarsen

METER_DT_S = 0.1
"""Extremes, ramps and swings of power are taken of means over this time. [s]"""
BAND_HZ = (0.1, 20.0)
"""Band of swings that rules of utilities look at; the example rule of arXiv 2508.14318, section III-A. [Hz]"""
ROCOF_S = 0.5
"""Time over which a rate of change of frequency is told. [s]"""


def meter_means(power_w: NDArray[np.float64], dt_s: float) -> tuple[NDArray[np.float64], float]:
    """Return means over :data:`METER_DT_S` and their clock, or the power as it is.

    As it is where it is shorter, or where its samples are coarser or do not divide that time. [W], [s]
    """
    factor = round(METER_DT_S / dt_s)
    if not 1 < factor <= power_w.size or not math.isclose(factor * dt_s, METER_DT_S, rel_tol=1e-6):
        return power_w, dt_s
    return coarsen(power_w, factor), METER_DT_S
