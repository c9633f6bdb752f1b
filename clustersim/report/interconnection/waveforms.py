"""The waveforms of a run at the points where a utility sees them, as tables and files."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from clustersim.plant.records import PlantResponse
from clustersim.report.interconnection.comtrade import Channel, comtrade
from clustersim.study.interconnection.load import MW, points
from clustersim.study.result import Result

UNITS = {"mw": "MW", "mvar": "Mvar", "pu": "pu", "hz": "Hz"}
DIGITS = 7
"""Significant digits of the CSV files."""


def wave_table(result: Result, window: str) -> pd.DataFrame:
    """Return a window at its own clock.

    Columns time_s, per point ``<point>_mw`` and ``<point>_mvar``, per site ``<site>_voltage_pu`` and
    ``<site>_frequency_hz``. Voltage and frequency are those that the load itself causes in the scenario's mode of
    supply.
    """
    wave = result.waveforms[window]
    columns: dict[str, object] = {"time_s": np.round(wave.dt_s * np.arange(wave.samples), 9)}
    for point in points(result):
        columns[f"{point}_mw"] = wave.power(point) / MW
        columns[f"{point}_mvar"] = wave.reactive(point) / MW
    for response in _responses(result, window):
        columns[f"{response.site}_voltage_pu"] = response.voltage_pu
        columns[f"{response.site}_frequency_hz"] = response.frequency_hz
    return pd.DataFrame(columns)


def _responses(result: Result, window: str) -> list[PlantResponse]:
    """Return the answers of the plants on the window's clock, in the scenario's mode."""
    wave, mode = result.waveforms[window], result.scenario["plant"]["mode"]
    return [
        found
        for found in result.responses
        if (found.window, found.mode) == (window, mode) and found.load_w.size == wave.samples
    ]


def wave_files(result: Result, window: str) -> dict[str, str | bytes]:
    """Return the files of a window by name: CSV, Parquet and COMTRADE (.cfg, .dat), all at its own clock."""
    table = wave_table(result, window)
    packed = io.BytesIO()
    table.to_parquet(packed, index=False, compression="zstd", use_dictionary=False)
    channels = [
        Channel(str(name), UNITS[str(name).rsplit("_", 1)[1]], values.to_numpy())
        for name, values in table.items()
        if name != "time_s"
    ]
    configuration, data = comtrade(result.name, channels, result.waveforms[window].dt_s, line_hz(result))
    stem = f"waveforms/{window}"
    return {
        f"{stem}.csv": table.to_csv(index=False, float_format=f"%.{DIGITS}g"),
        f"{stem}.parquet": packed.getvalue(),
        f"{stem}.cfg": configuration,
        f"{stem}.dat": data,
    }


def line_hz(result: Result) -> float:
    """Return the nominal frequency: that of the first response's beginning, to the next whole tenth. [Hz]"""
    return round(float(np.median(result.responses[0].frequency_hz)) / 10.0) * 10.0
