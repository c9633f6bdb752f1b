"""Fourier sums at any frequencies."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

ROW = 256
"""Samples in a row."""


def fourier_sums(values: NDArray[np.float64], turns: NDArray[np.float64]) -> NDArray[np.complex128]:
    """Return ``sum_k values_k exp(-2 pi i turns k)`` for every number of turns per sample.

    Samples stand in rows: the exponential of a sample is that of its row times that of its place in the row, so few
    exponentials are computed.
    """
    rows = -(-values.size // ROW)
    table = np.zeros(rows * ROW)
    table[: values.size] = values
    place = np.exp(-2j * np.pi * np.outer(np.arange(ROW), turns))
    row = np.exp(-2j * np.pi * np.outer(np.arange(rows) * ROW, turns))
    return np.asarray(np.einsum("ij,ij->j", row, table.reshape(rows, ROW) @ place))
