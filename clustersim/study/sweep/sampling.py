"""Points that fill a space: Latin hypercube and Sobol sequence, both scrambled with a stated seed."""

from __future__ import annotations

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError

MOST_DIMENSIONS = 2000
MOST_SOBOL = 2**30
_INSIDE = 2.0**-40
"""Shares stay so far from 0 and 1, where a normal distribution has no value. [-]"""


def shares(kind: str, samples: int, dimensions: int, seed: int) -> NDArray[np.float64]:
    """Return points in the unit cube, shape (samples, dimensions), each strictly between 0 and 1.

    A Latin hypercube has one point in each of `samples` equal strata of every dimension (McKay, Beckman and Conover
    1979). Scrambled Sobol points (Owen's scrambling) are balanced where their number is a power of two.

    Parameters
    ----------
    kind : {"latin_hypercube", "sobol"}
        Design.
    samples, dimensions : int
        Points and axes.
    seed : int
        Of the scrambling; the same seed gives the same points.

    Raises
    ------
    InputError
        If there are more than 2,000 dimensions or 2**30 points.
    """
    if dimensions > MOST_DIMENSIONS or samples > MOST_SOBOL:
        raise InputError(f"samples: expected at most {MOST_DIMENSIONS} axes and 2**30 points")
    stream = np.random.default_rng(seed)
    if kind == "sobol":
        # the next power of two holds all of them, without scipy's warning; the first ones are the sequence
        drawn = scipy.stats.qmc.Sobol(dimensions, rng=stream).random_base2((samples - 1).bit_length())[:samples]
    else:
        drawn = scipy.stats.qmc.LatinHypercube(dimensions, rng=stream).random(samples)
    return inside(drawn)


def inside(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return shares strictly between 0 and 1."""
    return np.asarray(np.clip(drawn, _INSIDE, 1.0 - _INSIDE), dtype=np.float64)


def sampling_warnings(kind: str, samples: int | None) -> tuple[str, ...]:
    """Return what the user should know of a number of samples."""
    if kind == "sobol" and samples is not None and samples & (samples - 1):
        near = 2 ** round(np.log2(samples))
        return (f"samples: {samples} Sobol points are not balanced, as their number is no power of two; {near} are",)
    return ()
