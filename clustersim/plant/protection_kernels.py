"""Compiled integration of the disk of an inverse-time overcurrent relay."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy")
def turn_disk(
    multiple: NDArray[np.float64], dt_s: float, start: float, factor_s: float, exponent: float, added_s: float,
    reset_s: float, reset_exponent: float, largest: float,
) -> tuple[float, float, float, float]:  # fmt: skip
    """Return time of the trip (-1 without), largest and smallest travel, and the travel at the end.

    `multiple` is current over pickup, constant within each sample. Travel 1 trips; beyond it the disk turns on, so
    that the largest travel tells by how much. `reset_s` of 0 resets at once; the times contain the multiplier.
    """
    travel = start
    most, least = start, start
    trip = -1.0
    for i in range(multiple.size):
        m = min(multiple[i], largest)
        if m > 1.0:
            step = dt_s / (factor_s / (m**exponent - 1.0) + added_s)
            if trip < 0.0 and travel + step >= 1.0:
                trip = (i + (1.0 - travel) / step) * dt_s
            travel += step
        elif reset_s <= 0.0:
            travel = 0.0
        elif travel > 0.0:
            travel = max(0.0, travel - dt_s * (1.0 - m**reset_exponent) / reset_s)
        most, least = max(most, travel), min(least, travel)
    return trip, most, least, travel
