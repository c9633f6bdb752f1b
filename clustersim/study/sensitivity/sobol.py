"""Variance-based sensitivity: the design of Saltelli et al. and Sobol's first-order and total indices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from clustersim.errors import InputError

Floats = NDArray[np.float64]
COLUMNS = (
    "input", "first_order", "first_order_low", "first_order_high", "total", "total_low", "total_high",
)  # fmt: skip
RESAMPLES = 999
"""Bootstrap resamples of the intervals."""


@dataclass(frozen=True)
class Design:
    """Points at which a model is evaluated for its indices, in the unit cube.

    Rows are in blocks of `samples`: the matrix A, the matrix B, then for each input i the matrix A with its column i
    taken from B; ``samples (inputs + 2)`` rows in all.
    """

    unit: Floats
    """Shape (samples (inputs + 2), inputs); each column uniform between 0 and 1."""
    samples: int
    inputs: int
    seed: int
    """Of the scrambling, and of the resamples of the intervals."""


def design(inputs: int, samples: int, seed: int) -> Design:
    """Return the points of a Sobol analysis.

    Parameters
    ----------
    inputs : int
        Number of inputs.
    samples : int
        Base samples, a power of two; the model is evaluated ``samples (inputs + 2)`` times.
    seed : int
        Of the scrambling; the intervals of :func:`indices` follow from it too.

    Raises
    ------
    InputError
        If there is no input, or `samples` is not a power of two of at least 2.

    Notes
    -----
    Saltelli et al., Computer Physics Communications 181 (2010) 259: A and B are the halves of one scrambled Sobol
    sequence of twice as many dimensions.
    """
    if inputs < 1:
        raise InputError("sobol: expected at least one input, found none")
    if samples < 2 or samples & (samples - 1):
        near = 1 << max(1, round(np.log2(max(samples, 2))))
        raise InputError(f"sobol: samples: expected a power of two, found {samples}; did you mean {near}?")
    unit = scipy.stats.qmc.Sobol(2 * inputs, scramble=True, bits=64, rng=seed).random(samples)
    a, b = unit[:, :inputs], unit[:, inputs:]
    blocks = [a, b]
    for column in range(inputs):
        mixed = a.copy()
        mixed[:, column] = b[:, column]
        blocks.append(mixed)
    return Design(np.concatenate(blocks), samples, inputs, seed)


def indices(names: tuple[str, ...], plan: Design, values: Floats, confidence: float = 0.95) -> pd.DataFrame:
    """Return Sobol's indices of one answer from its values at the points of a design.

    Parameters
    ----------
    names : tuple of str
        Inputs, in the order of the design's columns.
    plan : Design
        From :func:`design`.
    values : ndarray
        Shape (samples (inputs + 2),), in the order of `plan`. A sample with a value that is not finite is left out of
        all blocks, and of the others the first power of two is used, which the estimators want; ``attrs`` count them.
    confidence : float
        Of the bootstrap intervals.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`, one row per input, the largest total index first; null where the answer does not
        vary.
        ``attrs``: samples (used), broken (with a value that is not finite), variance.

    Raises
    ------
    InputError
        If fewer than two samples are left.

    Notes
    -----
    First order ``S_i = V(E(Y | X_i)) / V(Y)``, total ``T_i = E(V(Y | X_~i)) / V(Y)``; the estimators of Saltelli et al.
    (2010), table 2 (b and f), as `scipy.stats.sobol_indices` has them. Intervals: quantiles of a bootstrap over the
    base samples (Archer, Saltelli and Sobol 1997), its resamples drawn from the design's seed. The bootstrap takes
    samples for independent; those of a scrambled Sobol sequence are more even, so that the intervals are rather wide.
    """
    blocks = np.asarray(values, dtype=np.float64).reshape(plan.inputs + 2, plan.samples)
    whole = np.isfinite(blocks).all(axis=0)
    left = int(whole.sum())
    if left < 2:
        raise InputError(
            f"sobol: expected at least two samples whose points all have a value, found {left} of {plan.samples}"
        )
    kept = blocks[:, np.flatnonzero(whole)[: 1 << (left.bit_length() - 1)]]
    found = pd.DataFrame({"input": names, **dict.fromkeys(COLUMNS[1:], np.nan)})
    # the spread of rounding is no variance
    still = float(np.ptp(kept[:2])) <= 1e-12 * float(np.abs(kept[:2]).max())
    if not still:
        # the estimators are exact for any mean, but noisy when it is far from zero
        shifted = kept - kept[:2].mean()
        answer = _both(shifted)
        low, high = _interval(shifted, confidence, plan.seed)
        for place, name in enumerate(("first_order", "total")):
            found[name] = answer[place]
            found[f"{name}_low"], found[f"{name}_high"] = low[place], high[place]
        found = found.sort_values("total", ascending=False, kind="stable").reset_index(drop=True)
    found.attrs = {
        "samples": int(kept.shape[1]),
        "broken": plan.samples - left,
        "variance": 0.0 if still else float(np.var(kept[:2])),
    }
    return found


def _both(blocks: Floats) -> Floats:
    """Return first-order and total indices, shape (2, inputs, ...), of values in blocks (inputs + 2, ..., samples)."""
    a, b, mixed = blocks[0], blocks[1], blocks[2:]
    variance = np.concatenate([a, b], axis=-1).var(axis=-1)
    first = (b * (mixed - a)).mean(axis=-1) / variance
    total = 0.5 * ((a - mixed) ** 2).mean(axis=-1) / variance
    return np.stack([first, total])


def _interval(blocks: Floats, confidence: float, seed: int) -> tuple[Floats, Floats]:
    """Return low and high ends of the intervals of :func:`_both`; the same seed gives the same ones.

    `SobolResult.bootstrap` of scipy takes no seed, so that its ends would differ from call to call.
    """
    samples = blocks.shape[1]
    stream = np.random.default_rng(seed)
    drawn = np.stack([_both(blocks[:, stream.integers(0, samples, samples)]) for _ in range(RESAMPLES)])
    outside = 0.5 * (1.0 - confidence)
    low, high = np.quantile(drawn, [outside, 1.0 - outside], axis=0)
    return low, high
