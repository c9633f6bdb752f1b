"""Voltage at the point of interconnection behind a Thevenin impedance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.spec import GridSpec, SitePlantSpec


@dataclass(frozen=True)
class Source:
    """Ideal source of 1 pu behind an impedance."""

    base_va: float
    """Power base of the per-unit impedance. [VA]"""
    resistance_pu: float
    reactance_pu: float

    @classmethod
    def from_strength(cls, short_circuit_va: float, x_over_r: float) -> Source:
        """Return the source of a given short-circuit power: |Z| = 1 pu on that base."""
        resistance = 1.0 / math.hypot(1.0, x_over_r)
        return cls(short_circuit_va, resistance, x_over_r * resistance)


def grid_source(grid: GridSpec) -> Source:
    """Return the Thevenin source of a site's connection; what the spec leaves open comes from its catalog point.

    Raises
    ------
    CatalogError
        If the point is not in catalog kind ``grids``.
    """
    point = None if grid.point is None else entry("grids", grid.point)
    strength, ratio = grid.short_circuit, grid.x_over_r
    if point is not None:
        strength = point.si("short_circuit") if strength is None else strength
        ratio = point.si("x_over_r") if ratio is None else ratio
    assert strength is not None and ratio is not None  # noqa: S101, PT018 (the spec's validator has checked)
    return Source.from_strength(strength, ratio)


def short_circuit_va(plants: Mapping[str, SitePlantSpec]) -> dict[str, float]:
    """Return the short-circuit power at the point of interconnection of every site that has one. [VA]"""
    return {site: grid_source(plant.grid).base_va for site, plant in plants.items() if plant.grid is not None}


def pcc_voltage(
    active_w: ArrayLike, reactive_var: ArrayLike, source: Source
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    r"""Voltage of a constant-power load behind a Thevenin impedance, in closed form.

    .. math:: V^4 + V^2 (2(RP + XQ) - 1) + (P^2 + Q^2)(R^2 + X^2) = 0

    in per unit; the larger root is the operating point. Where the equation has no real root the impedance cannot
    carry the load (voltage collapse): the voltage of the nose, the real part of the root, is given and marked.

    Parameters
    ----------
    active_w, reactive_var : array_like
        Load at the point of interconnection, positive when taken from the grid. [W], [var]
    source : Source
        Impedance and its base.

    Returns
    -------
    voltage_pu : ndarray
        Voltage magnitude, shape of the inputs. [pu]
    feasible : ndarray of bool
        False where the load has no power-flow solution.

    Notes
    -----
    From :math:`V = 1 - (R + jX)(P - jQ)/V^*`; see Kundur, Power System Stability and Control (1994), chapter 14.
    """
    p, q = np.broadcast_arrays(
        np.asarray(active_w, dtype=np.float64) / source.base_va, np.asarray(reactive_var, np.float64) / source.base_va
    )
    r, x = source.resistance_pu, source.reactance_pu
    half = 0.5 - (r * p + x * q)
    inside = half**2 - (p**2 + q**2) * (r**2 + x**2)
    feasible = (inside >= 0.0) & (half > 0.0)
    squared = half + np.sqrt(np.maximum(inside, 0.0))
    return np.sqrt(np.maximum(squared, 0.0)), feasible
