"""Electromechanical modes of an interconnection: what a pulsating load does to them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import scipy
from numpy.typing import ArrayLike, NDArray

from clustersim import catalog
from clustersim.catalog import Entry
from clustersim.errors import InputError

Array = NDArray[np.float64]

SETTLED = 5.0
"""Time constants of a mode after which a start from rest is forgotten to 1 %. [-]"""


@dataclass(frozen=True)
class GridMode:
    """One mode of oscillation as a site sees it."""

    name: str
    frequency_hz: float
    """Undamped natural frequency. [Hz]"""
    damping: float
    """Damping ratio. [-]"""
    inertia_ws: float
    """Sum of H S of the machines that swing in it. [W s]"""
    nominal_hz: float
    participation: float = 1.0
    """Of the site's connection: square of its mode shape over the mean square, weighted by inertia. [-]"""
    low_hz: float | None = None
    high_hz: float | None = None
    """Band in which its frequency moves; none when it does not."""
    low_damping: float | None = None
    """Least damping ratio that is known of it. [-]"""

    def __post_init__(self) -> None:
        for what, value in (("frequency", self.frequency_hz), ("inertia", self.inertia_ws)):
            if not (math.isfinite(value) and value > 0.0):
                raise InputError(f"mode {self.name}: expected {what} above zero, found {value:g}")
        for value in (self.damping, self.damping if self.low_damping is None else self.low_damping):
            if not 0.0 < value < 1.0:
                raise InputError(
                    f"mode {self.name}: expected a damping ratio between 0 and 1, found {value:g}: a load at the "
                    "frequency of a mode without damping has no settled answer"
                )

    def worst_for(self, frequency_hz: float) -> GridMode:
        """Return the mode as near to a frequency as its band allows, with its least damping."""
        low, high = self.low_hz or self.frequency_hz, self.high_hz or self.frequency_hz
        nearest = min(max(frequency_hz, low), high)
        return replace(self, frequency_hz=nearest, damping=self.low_damping or self.damping)


def modes_of(system: str, inertia_scale: float = 1.0) -> tuple[GridMode, ...]:
    """Return the modes of an interconnection in the catalog (kind ``modes``), slowest first; none when it has none.

    Parameters
    ----------
    system : str
        Name or alias in catalog kind ``grids``: gives inertia, online capacity and nominal frequency.
    inertia_scale : float, optional
        Scales the inertia; frequency and damping stay those that were measured. [-]

    Raises
    ------
    CatalogError
        If the name is unknown.
    InputError
        If a mode has no damping.
    """
    grid = catalog.entry("grids", system)
    found = [_mode(catalog.entry("modes", name), grid, inertia_scale) for name in mode_entries(system)]
    return tuple(sorted(found, key=lambda mode: mode.frequency_hz))


def mode_entries(system: str) -> tuple[str, ...]:
    """Return the names of the catalog's modes of an interconnection.

    Raises
    ------
    CatalogError
        If the interconnection is unknown.
    """
    grid = catalog.entry("grids", system)
    names = {grid.name.casefold(), *(alias.casefold() for alias in grid.aliases)}
    return tuple(
        entry.name
        for entry in catalog.entries("modes").values()
        if names & {str(name).casefold() for name in entry.properties.get("systems", ())}
    )


def _mode(entry: Entry, grid: Entry, inertia_scale: float) -> GridMode:
    frequency, damping = entry.figure("frequency"), entry.figure("damping")
    return GridMode(
        entry.name,
        frequency.value,
        damping.value,
        inertia_scale * grid.si("inertia") * grid.si("online_capacity"),
        grid.si("frequency"),
        entry.si("participation"),
        frequency.low,
        frequency.high,
        damping.low,
    )


def mode_transfer(mode: GridMode, frequency_hz: ArrayLike) -> NDArray[np.complex128]:
    r"""Return the frequency deviation at the site per watt of its load. [Hz/W], shape of the input

    .. math:: G(s) = -\frac{f_0\,\varphi}{2\sum HS}\,\frac{s}{s^2 + 2\zeta\omega_n s + \omega_n^2}

    With participation 1 this is one machine on a spring, :math:`M\ddot\delta + D\dot\delta + K\delta = -\Delta P`; at
    resonance its magnitude is :math:`f_0\varphi/(4\zeta\omega_n\sum HS)`.

    Parameters
    ----------
    mode : GridMode
        The mode.
    frequency_hz : array_like
        Of the load. [Hz]

    Notes
    -----
    Kundur, Power System Stability and Control (1994), chapter 12.2: modal coordinates of the swing equations.
    """
    s = 2j * np.pi * np.asarray(frequency_hz, dtype=np.float64)
    natural = 2.0 * math.pi * mode.frequency_hz
    gain = mode.nominal_hz * mode.participation / (2.0 * mode.inertia_ws)
    return np.asarray(-gain * s / (s**2 + 2.0 * mode.damping * natural * s + natural**2), dtype=np.complex128)


def mode_waveform(mode: GridMode, load_w: ArrayLike, dt_s: float) -> Array:
    r"""Return the frequency deviation of a mode under a piecewise-constant load. [Hz], shape (n,)

    Exact: with the pole :math:`\lambda = \omega_n(-\zeta + j\sqrt{1-\zeta^2})` the state
    :math:`z_{k+1} = e^{\lambda\Delta t} z_k + (e^{\lambda\Delta t} - 1)/\lambda\, P_k` has the output
    :math:`2\,\mathrm{Re}(R z)`. Values are at the start of each bin, from rest; the mean of the load moves nothing.

    Parameters
    ----------
    mode : GridMode
        The mode.
    load_w : array_like, shape (n,)
        Mean power of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    """
    load = np.asarray(load_w, dtype=np.float64)
    natural = 2.0 * math.pi * mode.frequency_hz
    pole = natural * complex(-mode.damping, math.sqrt(1.0 - mode.damping**2))
    gain = mode.nominal_hz * mode.participation / (2.0 * mode.inertia_ws)
    residue = -gain * pole / (2j * pole.imag)
    step = np.exp(pole * dt_s)
    changes = (load - load.mean()).astype(np.complex128)
    state = scipy.signal.lfilter([0.0, (step - 1.0) / pole], [1.0, -step], changes)
    return np.asarray(2.0 * np.real(residue * state), dtype=np.float64)


def settled_from(decay_per_s: float, samples: int, dt_s: float) -> int:
    """Return the first sample by which a start from rest is forgotten, at most the middle of the record.

    A window cut out of a running job does not start at rest; after five time constants 1 % of the difference is left.

    Parameters
    ----------
    decay_per_s : float
        Damping ratio times angular frequency, the inverse of the time constant. [1/s]
    samples : int
        Samples of the record.
    dt_s : float
        Their spacing. [s]
    """
    return min(samples // 2, math.ceil(SETTLED / decay_per_s / dt_s))


def largest_excursion(mode: GridMode, load_w: ArrayLike, dt_s: float) -> float:
    """Return the largest deviation of a mode under a load, once the start from rest is forgotten. [Hz]

    Parameters are those of :func:`mode_waveform`.
    """
    moved = np.abs(mode_waveform(mode, load_w, dt_s))
    decay = mode.damping * 2.0 * math.pi * mode.frequency_hz
    return float(moved[settled_from(decay, moved.size, dt_s) :].max())
