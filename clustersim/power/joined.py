"""Bins of steps that were binned apart, one behind the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from clustersim.power import bin_kernels

Floats = NDArray[np.float64]


def joined_means(steps: Mapping[int, Floats], order: Iterable[int], count: int, dt_s: float, lag_s: float) -> Floats:
    """Return the means of `count` bins of steps that follow one another, behind a lag. [W], shape (nodes, count)

    Parameters
    ----------
    steps : mapping of int to ndarray, shape (nodes, bins + 1, columns)
        Bins of the steps (:mod:`clustersim.power.bin_kernels`); the last one is the first of the step that follows.
    order : iterable of int
        Which steps follow one another; they fill `count` bins.
    count : int
        Number of bins.
    dt_s, lag_s : float
        Width of a bin and time constant of the lag. [s]

    Notes
    -----
    The steps go through one piece of memory that the processor's cache holds: the bins of a whole window would be
    written and read once for every step.
    """
    nodes, longest, columns = max((step.shape for step in steps.values()), key=lambda shape: shape[1])
    longest -= 1
    bins, mean = np.empty((nodes, longest, columns)), np.empty((nodes, longest))
    state, over = np.zeros((nodes, 3)), np.zeros((nodes, columns))
    means = np.empty((nodes, count))
    begin = 0
    for index in order:
        step = steps[index]
        length = min(step.shape[1] - 1, count - begin)
        bins[:, :length] = step[:, :length]
        bins[:, 0] += over
        bin_kernels.finish_bins(bins, length, dt_s, lag_s, state, mean)
        means[:, begin : begin + length] = mean[:, :length]
        over, begin = step[:, length], begin + length
        if begin == count:
            break
    return means
