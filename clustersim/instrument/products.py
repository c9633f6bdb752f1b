"""The efficiency curve of matrix products, from measured ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import scipy

from clustersim.errors import InputError
from clustersim.instrument.intervals import GROUPS, jackknife_half
from clustersim.instrument.recording import Array, Band
from clustersim.workload.costs import product_seconds
from clustersim.workload.hardware import Hardware

LEAST_SHAPES = 6
"""Fewer different shapes do not tell three constants."""


@dataclass(frozen=True)
class Products:
    """Measured products of one precision; arrays of shape (products,)."""

    rows: Array
    columns: Array
    depth: Array
    seconds: Array
    """Of one product. [s]"""

    def shapes(self) -> int:
        """Return how many different shapes there are."""
        return len({*zip(self.rows, self.columns, self.depth, strict=True)})


@dataclass(frozen=True)
class ProductFit:
    """Constants of :func:`clustersim.workload.costs.product_seconds` with intervals at 95 % confidence."""

    share: Band
    """Of the peak that large products reach. [-]"""
    half_depth: Band
    """Inner dimension at which a product is half as fast as a deep one. [-]"""
    fixed_s: Band
    products: int
    shapes: int
    mean_error: float
    """Mean of ``|predicted / measured - 1|`` on the shapes that were left out of the fit. [-]"""
    bias: float
    """Mean of ``predicted / measured - 1`` on them. [-]"""


def fit_products(hardware: Hardware, measured: Products) -> ProductFit:
    """Return the constants that fit measured products best; errors are those on shapes left out.

    Least squares of the logarithm of predicted over measured time. Shapes are left out in groups, one after the other:
    the spread of the constants is their error (jackknife), and what the others say of the group is the error of the
    curve.

    Parameters
    ----------
    hardware : Hardware
        One row: peak, memory bandwidth and bytes of an element at the precision of the products.
    measured : Products

    Raises
    ------
    InputError
        If there are too few shapes, or a shape or time is not positive.
    """
    table = np.stack([measured.rows, measured.columns, measured.depth, measured.seconds])
    if not (np.isfinite(table).all() and (table > 0.0).all()):
        raise InputError("products: expected sizes and times above zero")
    shapes = measured.shapes()
    if shapes < LEAST_SHAPES:
        raise InputError(f"products: expected at least {LEAST_SHAPES} different shapes, found {shapes}")
    order = {shape: at for at, shape in enumerate(sorted({*zip(*table[:3], strict=True)}))}
    count = min(GROUPS, shapes)
    groups = np.array([order[shape] % count for shape in zip(*table[:3], strict=True)])

    def predicted(logs: Array, chosen: Any) -> Array:
        share, half, fixed = np.exp(logs)
        one = replace(hardware, share=np.array([share]), half_depth=np.array([half]), fixed=np.array([fixed]))
        return np.asarray(product_seconds(one, *table[:3, chosen]))

    def off(logs: Array, chosen: Any) -> Array:
        return np.asarray(np.log(predicted(logs, chosen) / table[3, chosen]))

    def fit(chosen: Any, start: Array) -> Array:
        bounds = np.log([[1e-3, 0.1, 1e-8], [2.0, 1e5, 1e-2]])
        return np.asarray(scipy.optimize.least_squares(off, start, bounds=tuple(bounds), args=(chosen,)).x)

    every = np.ones(groups.size, dtype=bool)
    best = fit(every, np.log([0.7, 100.0, 5e-6]))
    left_out = np.array([fit(groups != at, best) for at in range(count)])
    half = jackknife_half(left_out)
    errors = np.concatenate([np.expm1(off(left_out[at], groups == at)) for at in range(count)])
    share, depth, fixed = (
        Band(value=float(np.exp(one)), low=float(np.exp(one - wide)), high=float(np.exp(one + wide)))
        for one, wide in zip(best, half, strict=True)
    )
    return ProductFit(share, depth, fixed, int(groups.size), shapes, float(np.abs(errors).mean()), float(errors.mean()))


def products_of(figures: Sequence[Any]) -> Products:
    """Return products from the figures of markers: ``m``, ``n``, ``k`` and ``seconds_each``.

    Raises
    ------
    InputError
        If one of these is missing.
    """
    names = ("m", "n", "k", "seconds_each")
    for one in figures:
        missing = [name for name in names if name not in one]
        if missing:
            raise InputError(f"products: expected the figures {', '.join(names)} of each, found none of {missing[0]}")
    table = np.array([[float(one[name]) for name in names] for one in figures]).reshape(-1, len(names))
    return Products(*table.T)
