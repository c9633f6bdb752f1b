"""Flickermeter of IEC 61000-4-15, on the envelope of the rms voltage or on the instantaneous voltage.

The standard's meter takes the mains voltage itself: it squares it, which puts the envelope's square at low frequency
and a carrier at twice the mains frequency, and a low pass removes the carrier. A plant response knows the envelope
only; its square goes into the same filters. What the two differ in is in ``docs/models/flicker.md``.
"""

from __future__ import annotations

import math

import numpy as np
import scipy
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.errors import InputError

Array = NDArray[np.float64]
Sections = NDArray[np.float64]

OBSERVATION_S = 600.0
"""Observation time of the short-term severity, by definition of the standard. [s]"""
PARTS = 12
"""Short-term severities in one long-term severity, by definition of the standard."""
LONG_S = PARTS * OBSERVATION_S
"""Observation time of the long-term severity. [s]"""
RUN_IN_S = 30.0
"""Length of the mirrored start that lets the filters settle: nine time constants of the high pass. [s]"""
FILTER_DT_S = 1e-3
"""The filters run at this spacing or a finer one; coarser envelopes are held between samples. [s]"""
ENVELOPE_DT_S = 0.010
"""Coarsest envelope that is taken: half a period of 50 Hz, the shortest time that an rms value has. [s]"""
SAMPLES_PER_PERIOD = 20
"""Samples of the instantaneous voltage in a period of the mains, at least."""
PERCENTILES = (
    (0.0314, (0.1,)),
    (0.0525, (0.7, 1.0, 1.5)),
    (0.0657, (2.2, 3.0, 4.0)),
    (0.28, (6.0, 8.0, 10.0, 13.0, 17.0)),
    (0.08, (30.0, 50.0, 80.0)),
)
"""Weight and exceedance probabilities [%] whose levels are averaged, by definition of the standard."""
USUAL_LAMP = "120 V 60 Hz"


@catalog.catalog_cache
def _filters(lamp: str, dt_s: float) -> tuple[Sections, Sections, float]:
    """Return the filter up to the squarer, the one behind it, and the factor that makes Pinst = 1 at the reference.

    Eye and lamp: ``k w1 s (1 + s/w2) / ((s^2 + 2 lam s + w1^2)(1 + s/w3)(1 + s/w4))``, before it the high pass and the
    low pass of the demodulator; bilinear transform.
    """
    entry = catalog.entry("flicker", lamp)
    turn = 2.0 * math.pi
    lam, w1, w2, w3, w4 = (turn * entry.si(name) for name in ("damping", "f1", "f2", "f3", "f4"))
    poles = np.polymul([1.0, 2.0 * lam, w1**2], np.polymul([1.0 / w3, 1.0], [1.0 / w4, 1.0]))
    zeros = np.polymul([entry.si("gain") * w1, 0.0], [1.0 / w2, 1.0])
    rate = 1.0 / dt_s
    eye = scipy.signal.tf2sos(*scipy.signal.bilinear(zeros, poles, rate))
    high = scipy.signal.butter(1, entry.si("high_pass"), "highpass", fs=rate, output="sos")
    low = scipy.signal.butter(6, entry.si("low_pass"), fs=rate, output="sos")
    before = np.vstack([high, low, eye])
    memory = scipy.signal.tf2sos(*scipy.signal.bilinear([1.0], [entry.si("memory"), 1.0], rate))
    # The squared voltage of 1 + (d/2) sin is 1 + d sin: its response squared has mean |H d|^2 / 2, and the small
    # ripple at twice the frequency that the last low pass leaves belongs to the maximum that the standard sets to 1.
    frequency, change = entry.si("reference_frequency"), entry.si("reference_change")
    _, response = scipy.signal.sosfreqz(before, [frequency], fs=rate)
    _, ripple = scipy.signal.sosfreqz(memory, [2.0 * frequency], fs=rate)
    peak = (abs(response[0]) * change) ** 2 / 2.0 * (1.0 + abs(ripple[0]))
    return before, memory, float(1.0 / peak)


def _sensation(square: Array, dt_s: float, lamp: str) -> Array:
    """Return Pinst of the squared relative voltage, the filters started on its mirror image."""
    before, memory, factor = _filters(lamp, dt_s)
    run_in = min(square.size, round(RUN_IN_S / dt_s))
    padded = np.concatenate([square[:run_in][::-1], square])
    padded -= padded[:run_in].mean()
    sensed = scipy.signal.sosfilt(before, padded)
    np.square(sensed, out=sensed)
    return np.asarray(factor * scipy.signal.sosfilt(memory, sensed)[run_in:], dtype=np.float64)


def instantaneous_flicker(voltage_pu: Array, dt_s: float, lamp: str = USUAL_LAMP) -> tuple[Array, float]:
    """Return the instantaneous flicker sensation Pinst of an envelope, and its sample spacing [s].

    Parameters
    ----------
    voltage_pu : array, shape (samples,)
        rms voltage. [pu]; only its relative changes count
    dt_s : float
        Sample spacing, 10 ms or finer. [s]
    lamp : str
        ``"120 V 60 Hz"`` or ``"230 V 50 Hz"``.

    Returns
    -------
    array, shape (samples * held,)
        Pinst, 1 at the threshold of perception. [-]
    """
    held = max(1, round(dt_s / FILTER_DT_S))
    square = np.repeat((voltage_pu / voltage_pu.mean()) ** 2, held)
    return _sensation(square, dt_s / held, lamp), dt_s / held


def instantaneous_flicker_of_wave(voltage: Array, dt_s: float, lamp: str = USUAL_LAMP) -> Array:
    """Return the instantaneous flicker sensation Pinst of the instantaneous mains voltage.

    The record is related to its own rms value, in place of the regulator of 27.3 s that a meter has for an unknown
    supply.

    Parameters
    ----------
    voltage : array, shape (samples,)
        Point-on-wave voltage, in any unit.
    dt_s : float
        Sample spacing, 1 ms or finer: at least 20 samples in a period of 50 Hz. [s]
    lamp : str
        ``"120 V 60 Hz"`` or ``"230 V 50 Hz"``.

    Returns
    -------
    array, shape (samples,)
        Pinst, 1 at the threshold of perception. [-]

    Raises
    ------
    InputError
        If the samples are too coarse.
    """
    mains_hz = catalog.entry("flicker", lamp).si("mains")
    coarsest = 1.0 / (SAMPLES_PER_PERIOD * mains_hz)
    if dt_s > coarsest * (1.0 + 1e-9):
        raise InputError(
            f"flicker of the instantaneous voltage needs samples every {coarsest * 1e3:.3g} ms or finer, "
            f"got {dt_s * 1e3:g} ms"
        )
    square = np.square(voltage)
    return _sensation(square / square.mean(), dt_s, lamp)


def severity(sensation: Array) -> float:
    """Return Pst of ten minutes of Pinst.

    ``Pst = sqrt(0.0314 P0.1 + 0.0525 P1s + 0.0657 P3s + 0.28 P10s + 0.08 P50s)`` with ``Px`` the level of Pinst that is
    exceeded x % of the time and ``s`` an average of neighbouring levels (IEC 61000-4-15, IEEE 1453). The levels are the
    exact percentiles of all samples; the classifier of the standard, 64 classes or more, is an approximation to them.
    """
    levels = [percent for _, group in PERCENTILES for percent in group]
    at = (1.0 - np.array(levels) / 100.0) * (sensation.size - 1)
    below = np.floor(at).astype(np.int64)
    above = np.minimum(below + 1, sensation.size - 1)
    # only the samples at these ranks are put in order: that takes less than half as long as sorting all
    ordered = np.partition(sensation, np.unique([below, above]))
    found = ordered[below] + (at - below) * (ordered[above] - ordered[below])
    exceeded = dict(zip(levels, found.tolist(), strict=True))
    total = math.fsum(weight * float(np.mean([exceeded[p] for p in group])) for weight, group in PERCENTILES)
    return math.sqrt(max(0.0, total))


def _first(voltage: Array, dt_s: float, length_s: float, coarsest_s: float) -> Array:
    """Return the first `length_s` of a record.

    Raises
    ------
    InputError
        If the record is shorter, or coarser than `coarsest_s`.
    """
    if dt_s > coarsest_s * (1.0 + 1e-9):
        raise InputError(f"flicker needs samples every {coarsest_s * 1e3:g} ms or finer, got {dt_s * 1e3:g} ms")
    count = round(length_s / dt_s)
    if voltage.size < count:
        raise InputError(f"flicker needs a record of {length_s:g} s, got {voltage.size * dt_s:g} s")
    return voltage[:count]


def short_term_severity(voltage_pu: Array, dt_s: float, lamp: str = USUAL_LAMP) -> float:
    """Return Pst of the first 10 minutes of an envelope.

    Parameters
    ----------
    voltage_pu : array, shape (samples,)
        rms voltage. [pu]
    dt_s : float
        Sample spacing, 10 ms or finer. [s]
    lamp : str
        ``"120 V 60 Hz"`` or ``"230 V 50 Hz"``.

    Raises
    ------
    InputError
        If the record is shorter than 10 minutes or coarser than 10 ms.
    """
    inside = _first(voltage_pu, dt_s, OBSERVATION_S, ENVELOPE_DT_S)
    return severity(instantaneous_flicker(inside, dt_s, lamp)[0])


def short_term_severity_of_wave(voltage: Array, dt_s: float, lamp: str = USUAL_LAMP) -> float:
    """Return Pst of the first 10 minutes of an instantaneous voltage.

    Parameters and errors as of :func:`instantaneous_flicker_of_wave`; a record shorter than 10 minutes is refused.
    """
    inside = _first(voltage, dt_s, OBSERVATION_S, FILTER_DT_S)
    return severity(instantaneous_flicker_of_wave(inside, dt_s, lamp))


def short_term_severities(voltage_pu: Array, dt_s: float, lamp: str = USUAL_LAMP) -> Array:
    """Return Pst of every whole 10 minutes of an envelope, the filters running through.

    Parameters and errors as of :func:`short_term_severity`.

    Returns
    -------
    array, shape (whole observation times,)
    """
    _first(voltage_pu, dt_s, OBSERVATION_S, ENVELOPE_DT_S)
    sensation, spacing = instantaneous_flicker(voltage_pu, dt_s, lamp)
    count = round(OBSERVATION_S / spacing)
    whole = sensation[: sensation.size // count * count].reshape(-1, count)
    return np.array([severity(part) for part in whole])


def long_term_severity(voltage_pu: Array, dt_s: float, lamp: str = USUAL_LAMP) -> float:
    """Return the largest Plt of an envelope: ``Plt = (sum of twelve consecutive Pst^3 / 12)^(1/3)``.

    Parameters
    ----------
    voltage_pu : array, shape (samples,)
        rms voltage, two hours or longer. [pu]
    dt_s : float
        Sample spacing, 10 ms or finer. [s]
    lamp : str
        ``"120 V 60 Hz"`` or ``"230 V 50 Hz"``.

    Raises
    ------
    InputError
        If the record is shorter than two hours or coarser than 10 ms.
    """
    _first(voltage_pu, dt_s, LONG_S, ENVELOPE_DT_S)
    cubes = short_term_severities(voltage_pu, dt_s, lamp) ** 3
    means = np.convolve(cubes, np.full(PARTS, 1.0 / PARTS), mode="valid")
    return float(np.cbrt(means.max()))
