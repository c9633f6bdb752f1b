"""What came before a window that is cut out of a load that goes on."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LONGEST_SEARCH = 200_000
"""Bins of a record in which the moment is sought that looks like its start. [-]"""
FADES = 8.0
"""Power with which what is compared fades: the first bins, where the load meets what leads up to it, count most. [-]"""
EQUAL = 1e-9
"""Moments are equally like the start when they differ by no more, over the mean. [-]"""


def before_window(load_w: Floats, bins: int, alike: int) -> Floats:
    """Return a load that leads up to the start of a window without a seam.

    The moment j of the window whose following bins are most like its first ones (the earliest of equals) stands for its
    start; what comes before it is what came before the window, over again where j is short. A constant load is led up
    to by itself, a periodic one by whole periods.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of the window, or of its beginning before an event: what an event does leads up to nothing. [W]
    bins : int
        Length of what is wanted.
    alike : int
        Bins that are compared; at most half of the load.

    Returns
    -------
    ndarray, shape (bins,)
        It ends where the window begins. [W]

    Notes
    -----
    Likeness is the sum of squares, in which later bins count less, over its mean at this and all earlier moments, as in
    the search for the period of a voice (YIN, de Cheveigne and Kawahara 2002, equation 8): any load is like itself a
    bin later, so that the sum alone finds a load that stands still at its first bin where periods are not quite alike.
    """
    part = load_w[:LONGEST_SEARCH]
    length = min(max(alike, 1), part.size // 2)
    if length == 0:
        return np.full(bins, load_w[0])
    level = part - part.mean()
    weight = (1.0 - np.arange(length) / length) ** FADES
    first = weight * level[:length]
    places = np.arange(1, part.size - length + 1)
    whole = float(first @ level[:length])
    apart = (_products(level**2, weight) - 2.0 * _products(level, first))[1:] + whole
    # nothing but the rounding of the transform
    none = 1e-9 * max(whole, float(apart.max()))
    apart = np.where(apart <= none, 0.0, apart)
    mean = np.cumsum(apart) / places
    unlike = np.divide(apart, mean, out=np.zeros_like(apart), where=mean > 0.0)
    moment = int(places[np.argmax(unlike <= float(unlike.min()) + EQUAL)])
    return np.asarray(load_w[np.arange(-bins, 0) % moment])


def _products(load: Floats, first: Floats) -> Floats:
    """Return the sums of products of `first` and as many bins of `load`, from each bin that has so many behind it."""
    # in blocks: `first` is often a thousandth of the load
    return np.asarray(scipy.signal.oaconvolve(load, first[::-1], mode="valid"))
