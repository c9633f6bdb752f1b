"""Spectrum of the steady load: the lines that stand out, and the shares of bands."""

from __future__ import annotations

import numpy as np
import pandas as pd
import scipy
from numpy.typing import NDArray

from clustersim.power.spectrum import band_shares
from clustersim.study.interconnection.load import MW, points
from clustersim.study.result import Result

LOW_HZ, HIGH_HZ = 0.01, 20.0
"""Ends of the spectrum that is handed over. [Hz]"""
BANDS_HZ = ((0.01, 0.1), (0.1, 0.25), (0.25, 1.0), (1.0, 2.5), (2.5, 20.0))
"""Bands of the table: a choice of this program. [Hz]"""
MOST_LINES = 12
Floats = NDArray[np.float64]


def spectrum(result: Result, point: str = "meter") -> pd.DataFrame:
    """Return the amplitude spectrum of the steady window at a point: mean removed, Hann, a sine has its own amplitude.

    Returns
    -------
    DataFrame
        Columns frequency_hz, amplitude_mw, from 0.01 Hz or the first line of the record to 20 Hz or half of its clock.
    """
    wave = result.waveforms["steady"]
    power = wave.power(point)
    window = np.hanning(power.size)
    amplitude = 2.0 * np.abs(np.fft.rfft((power - power.mean()) * window)) / window.sum() / MW
    frequency = np.fft.rfftfreq(power.size, wave.dt_s)
    inside = (frequency >= LOW_HZ - 1e-12) & (frequency <= HIGH_HZ + 1e-12)
    return pd.DataFrame({"frequency_hz": frequency[inside], "amplitude_mw": amplitude[inside]})


def lines(result: Result) -> pd.DataFrame:
    """Return the largest lines of every point: columns point, frequency_hz, amplitude_mw, share_of_mean."""
    wave = result.waveforms["steady"]
    rows = []
    for point in points(result):
        table = spectrum(result, point)
        values = table["amplitude_mw"].to_numpy()
        # lines are at least the width of the Hann window apart
        peaks, _ = scipy.signal.find_peaks(values, distance=4)
        largest = sorted(peaks.tolist(), key=lambda at: -values[at])[:MOST_LINES]
        mean = float(wave.power(point).mean()) / MW
        rows += [
            {
                "point": point,
                "frequency_hz": float(table["frequency_hz"].iloc[at]),
                "amplitude_mw": float(values[at]),
                "share_of_mean": float(values[at]) / mean,
            }
            for at in largest
        ]
    return pd.DataFrame(rows, columns=["point", "frequency_hz", "amplitude_mw", "share_of_mean"])


def bands(result: Result) -> pd.DataFrame:
    """Return the shares of bands in the swings: columns point, low_hz, high_hz, energy_share, amplitude_share."""
    wave = result.waveforms["steady"]
    rows = []
    for point in points(result):
        for low, high in BANDS_HZ:
            shares = band_shares(wave.power(point), wave.dt_s, low, high)
            rows.append(
                {
                    "point": point,
                    "low_hz": low,
                    "high_hz": high,
                    "energy_share": shares.energy,
                    "amplitude_share": shares.amplitude,
                }
            )
    return pd.DataFrame(rows)
