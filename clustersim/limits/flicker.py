"""Flickermeter of IEC 61000-4-15 on the envelope of the rms voltage."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from clustersim import catalog
from clustersim.errors import InputError

Array = NDArray[np.float64]
Sections = NDArray[np.float64]

OBSERVATION_S = 600.0
"""Observation time of the short-term severity, by definition of the standard. [s]"""
RUN_IN_S = 30.0
"""Length of the mirrored start that lets the filters settle: nine time constants of the high pass. [s]"""
FILTER_DT_S = 1e-3
"""The filters run at this spacing or a finer one; coarser records are held between samples. [s]"""
PERCENTILES = (
    (0.0314, (0.1,)),
    (0.0525, (0.7, 1.0, 1.5)),
    (0.0657, (2.2, 3.0, 4.0)),
    (0.28, (6.0, 8.0, 10.0, 13.0, 17.0)),
    (0.08, (30.0, 50.0, 80.0)),
)
"""Weight and exceedance probabilities [%] whose levels are averaged, by definition of the standard."""


@cache
def _filters(lamp: str, dt_s: float) -> tuple[Sections, Sections, float]:
    """Return the filter up to the squarer, the one behind it, and the factor that makes Pinst = 1 at the reference.

    Eye and lamp: ``k w1 s (1 + s/w2) / ((s^2 + 2 lam s + w1^2)(1 + s/w3)(1 + s/w4))``, before it the high pass and the
    low pass of the demodulator; bilinear transform.
    """
    entry = catalog.entry("rules", f"lamp {lamp}")
    turn = 2.0 * math.pi
    lam, w1, w2, w3, w4 = (turn * entry.si(name) for name in ("damping", "f1", "f2", "f3", "f4"))
    poles = np.polymul([1.0, 2.0 * lam, w1**2], np.polymul([1.0 / w3, 1.0], [1.0 / w4, 1.0]))
    zeros = np.polymul([entry.si("gain") * w1, 0.0], [1.0 / w2, 1.0])
    rate = 1.0 / dt_s
    eye = signal.tf2sos(*signal.bilinear(zeros, poles, rate))
    high = signal.butter(1, entry.si("high_pass"), "highpass", fs=rate, output="sos")
    low = signal.butter(6, entry.si("low_pass"), fs=rate, output="sos")
    before = np.vstack([high, low, eye])
    memory = signal.tf2sos(*signal.bilinear([1.0], [entry.si("memory"), 1.0], rate))
    # The squared voltage of 1 + (d/2) sin is 1 + d sin: its response squared has mean |H d|^2 / 2, and the small
    # ripple at twice the frequency that the last low pass leaves belongs to the maximum that the standard sets to 1.
    frequency, change = entry.si("reference_frequency"), entry.si("reference_change")
    _, response = signal.sosfreqz(before, [frequency], fs=rate)
    _, ripple = signal.sosfreqz(memory, [2.0 * frequency], fs=rate)
    peak = (abs(response[0]) * change) ** 2 / 2.0 * (1.0 + abs(ripple[0]))
    return before, memory, float(1.0 / peak)


def instantaneous_flicker(voltage_pu: Array, dt_s: float, lamp: str = "120 V 60 Hz") -> tuple[Array, float]:
    """Return the instantaneous flicker sensation Pinst and its sample spacing [s].

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
    spacing = dt_s / held
    before, memory, factor = _filters(lamp, spacing)
    relative = np.repeat(voltage_pu / voltage_pu.mean(), held)
    run_in = min(relative.size, round(RUN_IN_S / spacing))
    padded = np.concatenate([relative[:run_in][::-1], relative])
    square = padded**2
    sensed = signal.sosfilt(before, square - square[0])
    return np.asarray(factor * signal.sosfilt(memory, sensed**2)[run_in:], dtype=np.float64), spacing


def short_term_severity(voltage_pu: Array, dt_s: float, lamp: str = "120 V 60 Hz") -> float:
    """Return Pst of the first 10 minutes of a voltage record.

    ``Pst = sqrt(0.0314 P0.1 + 0.0525 P1s + 0.0657 P3s + 0.28 P10s + 0.08 P50s)`` with ``Px`` the level of Pinst that is
    exceeded x % of the time and ``s`` an average of neighbouring levels (IEC 61000-4-15, IEEE 1453).

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
    if dt_s > 0.010 * (1.0 + 1e-9):
        raise InputError(f"flicker needs samples every 10 ms or finer, got {dt_s * 1e3:g} ms")
    count = round(OBSERVATION_S / dt_s)
    if voltage_pu.size < count:
        raise InputError(f"flicker needs a record of {OBSERVATION_S:g} s, got {voltage_pu.size * dt_s:g} s")
    sensation, _ = instantaneous_flicker(voltage_pu[:count], dt_s, lamp)
    levels = [percent for _, group in PERCENTILES for percent in group]
    exceeded = dict(zip(levels, np.percentile(sensation, [100.0 - percent for percent in levels]), strict=True))
    total = math.fsum(weight * float(np.mean([exceeded[p] for p in group])) for weight, group in PERCENTILES)
    return math.sqrt(max(0.0, total))
