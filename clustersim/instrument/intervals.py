"""Intervals at 95 % confidence: of a mean, and of what was fitted with stretches of the record left out."""

from __future__ import annotations

import math

import numpy as np
import scipy

from clustersim.instrument.recording import Array

CONFIDENCE = 0.95
GROUPS = 10
"""Parts of a record that are left out one after the other."""


def groups_of(count: int) -> Array:
    """Return to which of :data:`GROUPS` stretches each of `count` readings belongs; shape (count,)."""
    return np.asarray(np.arange(count) * GROUPS // count)


def jackknife_half(left_out: Array) -> Array:
    """Return half the width of the interval of what was fitted, so that errors that hang together count once.

    ``t sqrt((g - 1) / g sum (x_i - mean x)^2)`` with Student's t of g - 1 degrees of freedom.

    Parameters
    ----------
    left_out : array, shape (groups, fitted)
        Fits, each with one group left out.
    """
    count = left_out.shape[0]
    spread = np.sqrt((count - 1) / count * ((left_out - left_out.mean(axis=0)) ** 2).sum(axis=0))
    return np.asarray(_student(count) * spread)


def mean_half(values: Array) -> float:
    """Return half the width of the interval of a mean of independent values."""
    return float(_student(values.size) * values.std(ddof=1) / math.sqrt(values.size))


def _student(count: int) -> float:
    return float(scipy.stats.t.ppf(0.5 + CONFIDENCE / 2, count - 1))
