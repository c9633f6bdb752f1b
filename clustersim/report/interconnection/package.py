"""All files of the package, and the manifest that says what each column is."""

from __future__ import annotations

import json

import pandas as pd

import clustersim
from clustersim.catalog import recorded_digest
from clustersim.report.interconnection.page import interconnection_html
from clustersim.report.interconnection.tables import Tables, tables
from clustersim.report.interconnection.waveforms import DIGITS, wave_files, wave_table
from clustersim.study.result import Result

ABOUT = {
    "load_envelope.csv": "least, mean and greatest 100 ms mean of every minute of every window",
    "days.csv": "hours at work and stops of every day of the horizon",
    "ramps.csv": "largest rise and fall within several times",
    "steps.csv": "largest change between 100 ms means that follow each other",
    "snapshots.csv": "active and reactive power in the states of a power flow",
    "spectrum.csv": "amplitude spectrum of the meter in steady training",
    "spectrum_lines.csv": "lines that stand out",
    "spectrum_bands.csv": "shares of bands in the swings",
    "ride_through.csv": "what voltage dips do",
    "halls.csv": "how every hall comes on in a start",
    "energisation.csv": "load as halls are energised one after the other",
    "load_model.csv": "parameters of load models",
}
UNITS = {
    "mw": "MW", "mvar": "Mvar", "s": "s", "hz": "Hz", "pu": "pu", "share": "1", "factor": "1", "day": "1",
    "work": "h", "off": "h", "stops": "1",
}  # fmt: skip
"""Unit of a column by the last word of its name; other columns are text or counts."""


def package(result: Result) -> dict[str, str | bytes]:
    """Return the files of the package by their paths in it: page, tables, waveforms, manifest."""
    found = tables(result)
    files: dict[str, str | bytes] = {"index.html": interconnection_html(result, found)}
    files |= {name: table.to_csv(index=False, float_format=f"%.{DIGITS}g") for name, table in found.by_file().items()}
    for window in result.waveforms:
        files |= wave_files(result, window)
    return files | {"manifest.json": _manifest(result, found, files)}


def _manifest(result: Result, found: Tables, files: dict[str, str | bytes]) -> str:
    described: dict[str, object] = {}
    for name, table in found.by_file().items():
        described[name] = {"about": ABOUT[name], "rows": len(table), "columns": _units(table)}
    for window, wave in result.waveforms.items():
        units = _units(wave_table(result, window).head(1))
        for ending in ("csv", "parquet", "cfg", "dat"):
            described[f"waveforms/{window}.{ending}"] = {
                "about": f"window {window}, means over {wave.dt_s * 1e3:g} ms"
                + (", COMTRADE (IEEE C37.111-1999)" if ending in {"cfg", "dat"} else ""),
                "rows": wave.samples,
                "dt_s": wave.dt_s,
                "columns": units,
            }
    described["index.html"] = {"about": "the page"}
    assert set(described) == set(files), "every file is described"  # noqa: S101 (of this module alone)
    head = {
        "run_id": result.run_id,
        "scenario": result.name,
        "clustersim": clustersim.__version__,
        "catalog": recorded_digest(result.inputs),
        "seed": result.scenario["seed"],
    }
    return json.dumps(head | {"files": described}, indent=1) + "\n"


def _units(table: pd.DataFrame) -> dict[str, str]:
    return {str(name): UNITS.get(str(name).rsplit("_", 1)[-1], "") for name in table.columns}
