"""Compiled first-order lag behind a target that is constant within each sample."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray


@njit(cache=True, error_model="numpy")
def follow(target: NDArray[np.float64], gain: float, start: float) -> NDArray[np.float64]:
    """Return the state at the end of every sample; `gain` is 1 - exp(-sample / lag)."""
    found = np.empty_like(target)
    state = start
    for i in range(target.size):
        state += gain * (target[i] - state)
        found[i] = state
    return found
