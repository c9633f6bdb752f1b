"""The largest step of a load."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

STEP_WINDOW_S = 0.1
"""A load step is what the load changes by within this time: short against every governor, longer than the fall of
rectifier current at a crash. [s]"""


def largest_step(load_w: NDArray[np.float64], dt_s: float, initial_load_w: float | None = None) -> float:
    """Largest change of load within :data:`STEP_WINDOW_S`, with its sign; the load before the window counts if given.

    A pulse that is over sooner counts whole: its height lies between two bins that are less than that time apart.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    initial_load_w : float, optional
        Load before the window. [W]

    Returns
    -------
    float
        Positive when load is added; 0 for a constant load. [W]
    """
    lag = max(1, round(STEP_WINDOW_S / dt_s))
    series = load_w if initial_load_w is None else np.concatenate([[initial_load_w], load_w])
    # of each bin and the `lag` before it
    size, past = lag + 1, lag // 2
    rise = float((series - scipy.ndimage.minimum_filter1d(series, size, mode="nearest", origin=past)).max())
    fall = float((scipy.ndimage.maximum_filter1d(series, size, mode="nearest", origin=past) - series).max())
    return rise if rise >= fall else -fall
