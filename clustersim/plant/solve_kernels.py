"""Compiled solution of a few linear equations; numpy's takes seconds to compile, for its messages."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[np.float64]


@njit(cache=True, error_model="numpy")
def solve_here(a: Array, b: Array) -> bool:
    """Put the solution of ``a x = b`` into `b` by elimination with partial pivoting; false when `a` is singular.

    `a` is used up.
    """
    n = b.size
    for k in range(n):
        best = k
        for i in range(k + 1, n):
            if abs(a[i, k]) > abs(a[best, k]):
                best = i
        if not abs(a[best, k]) > 0.0:
            return False
        for j in range(k, n):
            a[k, j], a[best, j] = a[best, j], a[k, j]
        b[k], b[best] = b[best], b[k]
        for i in range(k + 1, n):
            share = a[i, k] / a[k, k]
            for j in range(k + 1, n):
                a[i, j] -= share * a[k, j]
            b[i] -= share * b[k]
    for k in range(n - 1, -1, -1):
        for j in range(k + 1, n):
            b[k] -= a[k, j] * b[j]
        b[k] /= a[k, k]
    return True
