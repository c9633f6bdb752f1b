"""Traces to files: CSV, Parquet, COMTRADE; whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv, parquet

from clustersim.errors import InputError
from clustersim.power import comtrade
from clustersim.power.trace import PowerTrace
from clustersim.whole_file import write_whole


def write_trace(path: Path, trace: PowerTrace, form: comtrade.Form = "FLOAT32") -> tuple[Path, ...]:
    """Write a trace as ``.csv``, ``.parquet`` or COMTRADE (``.cfg`` with its ``.dat``), whole or not at all.

    Tables have columns ``time_s``, ``power_w`` and, where known, ``reactive_var``. Returns the files.

    Raises
    ------
    InputError
        If the ending is none of these, or the file cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".parquet", ".cfg"):
        raise InputError(f"{path}: expected .csv, .parquet or .cfg, found {kind or 'no ending'}")
    if kind == ".cfg":
        text, data = comtrade.encode(trace, form)
        files = (path.with_suffix(".dat"), path)
        write_whole(files[0], lambda working: Path(working).write_bytes(data))
        write_whole(files[1], lambda working: Path(working).write_bytes(text.encode("utf-8")))
        return files
    columns = {"time_s": trace.times_s(), "power_w": trace.watts}
    if trace.vars is not None:
        columns["reactive_var"] = trace.vars
    table = pa.table(columns)
    action = csv.write_csv if kind == ".csv" else parquet.write_table
    write_whole(path, lambda working: action(table, working))
    return (path,)


def write_columns(path: Path, columns: dict[str, NDArray[np.float64]]) -> Path:
    """Write columns of equal length as Parquet, whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    write_whole(path, lambda working: parquet.write_table(pa.table(columns), working))
    return path
