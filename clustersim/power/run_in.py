"""What came before a window that is cut out of a load that goes on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LONGEST_SEARCH = 200_000
"""Bins of a record in which the moment is sought that looks like its start. [-]"""


def before_window(load_w: Floats, bins: int, alike: int) -> Floats:
    """Return a load that leads up to the start of a window without a seam.

    The moment j of the window whose following bins are most like its first ones (least sum of squares, the earliest of
    equals) stands for its start; what comes before it is what came before the window, over again where j is short. A
    constant load is led up to by itself, a periodic one by whole periods.

    Parameters
    ----------
    load_w : ndarray, shape (n,)
        Load of the window. [W]
    bins : int
        Length of what is wanted.
    alike : int
        Bins that are compared; at most half of the window.

    Returns
    -------
    ndarray, shape (bins,)
        It ends where the window begins. [W]
    """
    part = load_w[:LONGEST_SEARCH]
    length = min(max(alike, 1), part.size // 2)
    if length == 0:
        return np.full(bins, load_w[0])
    level = part - part.mean()
    first = level[:length]
    size = 1 << int(part.size + length).bit_length()
    products = np.fft.irfft(np.fft.rfft(level, size) * np.conj(np.fft.rfft(first, size)), size)
    squares = np.concatenate(([0.0], np.cumsum(level**2)))
    places = np.arange(1, part.size - length + 1)
    apart = squares[places + length] - squares[places] - 2.0 * products[places] + squares[length]
    # equal but for the rounding of the transform
    least = float(apart.min()) + 1e-9 * max(float(squares[length]), float(apart.max()))
    moment = int(places[np.argmax(apart <= least)])
    return np.asarray(load_w[np.arange(-bins, 0) % moment])
