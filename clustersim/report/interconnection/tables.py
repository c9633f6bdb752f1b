"""The tables of the package, made once for page and files."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from clustersim.study.interconnection import energisation, load, spectrum
from clustersim.study.interconnection.load_model import load_model
from clustersim.study.interconnection.ride_through import dip_table
from clustersim.study.result import Result


@dataclass(frozen=True)
class Tables:
    """What a utility asks for, as tables; columns as of the functions that make them."""

    load_envelope: pd.DataFrame
    days: pd.DataFrame
    ramps: pd.DataFrame
    steps: pd.DataFrame
    snapshots: pd.DataFrame
    spectrum: pd.DataFrame
    spectrum_lines: pd.DataFrame
    spectrum_bands: pd.DataFrame
    ride_through: pd.DataFrame
    halls: pd.DataFrame
    energisation: pd.DataFrame
    load_model: pd.DataFrame

    def by_file(self) -> dict[str, pd.DataFrame]:
        """Return each table by the name of its file."""
        return {f"{name}.csv": table for name, table in vars(self).items()}


def tables(result: Result) -> Tables:
    """Return all tables of a run; nothing is simulated anew."""
    return Tables(
        load_envelope=load.envelope(result),
        days=load.days(result),
        ramps=load.ramps(result),
        steps=load.steps(result),
        snapshots=load.snapshots(result),
        spectrum=spectrum.spectrum(result),
        spectrum_lines=spectrum.lines(result),
        spectrum_bands=spectrum.bands(result),
        ride_through=dip_table(result),
        halls=energisation.halls(result),
        energisation=energisation.stages(result),
        load_model=load_model(result),
    )
