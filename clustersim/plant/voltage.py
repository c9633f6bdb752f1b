"""Voltage at the point of interconnection behind a Thevenin impedance."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clustersim.catalog import entry
from clustersim.plant.spec import GridSpec, SitePlantSpec

Load = float | NDArray[np.float64]
"""Power in per unit."""
START_PU = 2.0
"""Above every voltage that a load or an export leaves. [pu]"""
ROUNDS, SETTLED_PU, RESIDUAL = 100, 1e-13, 1e-9
"""Of Newton's method: most rounds, change at which it ends [pu], and what a root may leave of the quartic."""


@dataclass(frozen=True)
class Source:
    """Ideal source of 1 pu behind an impedance."""

    base_va: float
    """Power base of the per-unit impedance. [VA]"""
    resistance_pu: float
    reactance_pu: float

    @classmethod
    def from_strength(cls, short_circuit_va: float, x_over_r: float) -> Source:
        """Return the source of a given short-circuit power: `|Z|` = 1 pu on that base."""
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


def condenser_va(spec: SitePlantSpec, reactance: str = "transient") -> float:
    """Return rating over reactance (`transient` or `subtransient`) of the synchronous condensers of a site. [VA]"""
    machines = spec.synchronous_condensers
    if machines is None:
        return 0.0
    return machines.count * machines.rating / entry("machines", machines.type).si(f"reactance.{reactance}")


def short_circuit_va(plants: Mapping[str, SitePlantSpec]) -> dict[str, float]:
    """Return the short-circuit power at the point of interconnection of every site that has one. [VA]

    That of the grid, and of the site's synchronous condensers behind their transient reactance.
    """
    found = {}
    for site, plant in plants.items():
        if plant.grid is not None:
            source = grid_source(plant.grid)
            grid = source.base_va / complex(source.resistance_pu, source.reactance_pu)
            found[site] = abs(grid - 1j * condenser_va(plant))
    return found


def voltage_behind(
    inlet_pu: float, active_pu: Load, reactive_pu: Load, r: float, x: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    r"""Voltage of a constant-power load behind a series impedance fed at a given voltage, in closed form.

    .. math:: V^4 + V^2 (2 (R P + X Q) - V_1^2) + (P^2 + Q^2) (R^2 + X^2) = 0

    in per unit; the larger root is the operating point. Where the equation has no real root the impedance cannot
    carry the load (voltage collapse): the voltage of the nose, the real part of the root, is given and marked.

    Parameters
    ----------
    inlet_pu : float
        Magnitude at the inlet. [pu]
    active_pu, reactive_pu : float or ndarray
        Leaving the impedance; of one shape. [pu]
    r, x : float
        On the same base. [pu]

    Returns
    -------
    voltage_pu : ndarray
        Magnitude at the outlet, shape of the load. [pu]
    feasible : ndarray of bool
        False where the load has no power-flow solution.

    Notes
    -----
    From :math:`V = V_1 - (R + jX)(P - jQ)/V^*`; see Kundur, Power System Stability and Control (1994), chapter 14.
    """
    half = 0.5 * inlet_pu**2 - (r * active_pu + x * reactive_pu)
    inside = half**2 - (active_pu**2 + reactive_pu**2) * (r**2 + x**2)
    feasible = np.asarray((inside >= 0.0) & (half > 0.0))
    squared = half + np.sqrt(np.maximum(inside, 0.0))
    return np.sqrt(np.maximum(squared, 0.0)), feasible


def pcc_voltage(
    active_w: ArrayLike, reactive_var: ArrayLike, source: Source
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Voltage of a constant-power load behind a Thevenin impedance: :func:`voltage_behind` at 1 pu.

    Parameters
    ----------
    active_w, reactive_var : array_like
        Load at the point of interconnection, positive when taken from the grid. [W], [var]
    source : Source
        Impedance and its base.

    Returns
    -------
    voltage_pu : ndarray
        Voltage magnitude, shape of the inputs; of the nose where the impedance cannot carry the load. [pu]
    feasible : ndarray of bool
        False where the load has no power-flow solution.
    """
    p, q = np.broadcast_arrays(
        np.asarray(active_w, dtype=np.float64) / source.base_va, np.asarray(reactive_var, np.float64) / source.base_va
    )
    return voltage_behind(1.0, p, q, source.resistance_pu, source.reactance_pu)


def supported_voltage(
    active_w: ArrayLike, reactive_var: ArrayLike, source: Source, support_va: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    r"""Voltage of a constant-power load behind a Thevenin impedance, with synchronous condensers beside it.

    .. math::

        Q_c = B V (E - V), \quad B = S / x'_d, \quad E = 1

    is what the condensers give: a voltage of 1 pu behind their transient reactance, in phase with the bus since their
    shafts carry no lasting power, with the excitation that leaves them without load at 1 pu. In the closed form of
    :func:`pcc_voltage` the load's Q then is :math:`Q - Q_c(V)`, a quartic in V; its largest root is found by Newton's
    method from above, where the quartic is convex.

    Parameters
    ----------
    active_w, reactive_var : array_like
        Load at the point of interconnection, that of the condensers not counted. [W], [var]
    source : Source
        Impedance of the grid and its base.
    support_va : float
        B: rating over reactance of the condensers (:func:`condenser_va`). [VA]

    Returns
    -------
    voltage_pu : ndarray
        Voltage magnitude, shape of the inputs; that of the nose where there is no operating point. [pu]
    feasible : ndarray of bool
        False where the load has no power-flow solution.

    Notes
    -----
    Holds for the first seconds of a change; the regulator of a condenser then does more. Its limit of current is not
    looked at: at 0.75 pu it gives its rating. See Kundur, Power System Stability and Control (1994), chapters 3 and 11.
    """
    p, q = np.broadcast_arrays(
        np.asarray(active_w, dtype=np.float64) / source.base_va, np.asarray(reactive_var, np.float64) / source.base_va
    )
    r, x, b = source.resistance_pu, source.reactance_pu, support_va / source.base_va
    squared = r**2 + x**2
    volts = np.full(p.shape, START_PU)
    open_ = np.ones(p.shape, dtype=np.bool_)
    for _ in range(ROUNDS):
        drawn, slope = q - b * volts * (1.0 - volts), b * (2.0 * volts - 1.0)
        value = volts**4 + volts**2 * (2.0 * (r * p + x * drawn) - 1.0) + (p**2 + drawn**2) * squared
        rise = (
            4.0 * volts**3
            + 2.0 * volts * (2.0 * (r * p + x * drawn) - 1.0)
            + 2.0 * (volts**2 * x + drawn * squared) * slope
        )
        open_ &= rise > 0.0
        change = np.where(open_, value / np.where(open_, rise, 1.0), 0.0)
        volts = np.maximum(volts - change, 0.0)
        if np.abs(change).max(initial=0.0) < SETTLED_PU:
            break
    return volts, np.abs(value) < RESIDUAL


def site_voltage(
    spec: SitePlantSpec, import_w: ArrayLike, reactive_var: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return the voltage at the meter of a site with a grid, and where there is an operating point.

    Parameters
    ----------
    spec : SitePlantSpec
        Its grid and synchronous condensers.
    import_w, reactive_var : array_like
        Taken at the meter; the reactive power of the condensers not counted. [W], [var]

    Raises
    ------
    ValueError
        If the site has no grid.
    """
    if spec.grid is None:
        raise ValueError("a site without a grid has no voltage at its meter")
    support, source = condenser_va(spec), grid_source(spec.grid)
    if support == 0.0:
        return pcc_voltage(import_w, reactive_var, source)
    return supported_voltage(import_w, reactive_var, source, support)
