"""Torsional screening: what a site's power does to the shafts of generators nearby."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.plant.voltage import Source
from clustersim.power.spectrum import welch

SEGMENT_S = 4.0
"""Length of Welch's segments: a line is then the energy within half a hertz of it. [s]"""
LOBE = 2
"""Lines on either side that hold the main lobe of Hann's window. [-]"""
KNOWN = 0.4
"""Highest frequency that samples tell, times their spacing; above it bin means have lost a quarter and more. [-]"""


@dataclass(frozen=True)
class TorsionalLine:
    """The strongest sustained variation in a band."""

    frequency_hz: float
    amplitude_w: float
    """Of the sine with the energy within half a hertz. [W]"""
    low_hz: float
    high_hz: float
    """Band that was judged: the asked one, as far as the samples tell. [Hz]"""


def shaft_band(machine_class: str | None) -> tuple[float, float] | None:
    """Return the band of torsional modes of a class of generators (catalog kind ``modes``). [Hz]

    Parameters
    ----------
    machine_class : str or None
        Property ``class`` of the generator; None for a machine of which only the rating is known.

    Returns
    -------
    tuple of (float, float), or None
        None for what has no shaft, such as a fuel cell.
    """
    for entry in catalog.entries("modes").values():
        if entry.properties.get("kind") != "shaft":
            continue
        if (machine_class is None and entry.name == "shaft_any") or machine_class in entry.properties["classes"]:
            figure = entry.figure("frequency")
            return figure.low, figure.high
    return None


def generator_share(rating_w: float, grid: Source | None) -> float:
    r"""Return the share of a quick variation that a generator takes. [-]

    In an island all of it; beside the grid by the subtransient reactances,
    :math:`X_{grid}/(X_{grid} + X''_{gen} + X_{step-up})`. For a generator at some distance this is an upper bound.

    Parameters
    ----------
    rating_w : float
        Rated power of the units that answer. [W]
    grid : Source or None
        Thevenin source of the connection; None in an island.
    """
    if grid is None:
        return 1.0
    screen = catalog.entry("modes", "torsional_screen")
    own = (screen.si("subtransient_reactance") + screen.si("step_up_reactance")) / rating_w
    others = grid.reactance_pu / grid.base_va
    return others / (others + own)


def torsional_line(load_w: ArrayLike, dt_s: float, low_hz: float, high_hz: float) -> TorsionalLine:
    """Return the strongest sustained variation of a load in a band.

    Welch's density over 4 s segments under Hann's window; the amplitude at a frequency is that of the sine with the
    energy of the five lines about it. What averaging over a bin takes, ``sin(pi f dt) / (pi f dt)``, is put back.

    Parameters
    ----------
    load_w : array_like, shape (n,)
        Mean power of each bin. [W]
    dt_s : float
        Length of a bin. [s]
    low_hz, high_hz : float
        The band; it is judged up to 0.4 / dt_s. [Hz]

    Raises
    ------
    InputError
        If the samples tell nothing of the band, or the record is shorter than a segment.
    """
    load = np.asarray(load_w, dtype=np.float64)
    top = min(high_hz, KNOWN / dt_s)
    if top <= low_hz:
        raise InputError(
            f"torsional: samples of {dt_s * 1e3:g} ms tell up to {KNOWN / dt_s:g} Hz, the band begins at {low_hz:g} Hz"
        )
    frequency, density = welch(load, dt_s, SEGMENT_S)
    spacing = float(frequency[1])
    outside = (frequency < low_hz - 1e-9) | (frequency > top + 1e-9)
    density = np.where(outside, 0.0, density / np.sinc(frequency * dt_s) ** 2)
    energy = np.convolve(density, np.ones(2 * LOBE + 1), mode="same") * spacing
    inside = np.flatnonzero(~outside)
    worst = int(inside[np.argmax(energy[inside])])
    first = max(0, worst - LOBE)
    peak = first + int(np.argmax(density[first : worst + LOBE + 1]))
    return TorsionalLine(float(frequency[peak]), float(np.sqrt(2.0 * energy[worst])), low_hz, top)
