"""What is asked of a measured trace, and what it is put into."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from clustersim.errors import InputError
from clustersim.power.measured_load import load_waveform, read_load
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_files import Columns
from clustersim.power.trace_period import JobWindow, job_window
from clustersim.study.measured.damping import Devices, TraceDamping, read_damping
from clustersim.study.measured.site import TracePlace

LEAST_S, LEAST_CYCLES, DRAWN_DT_S = 600.0, 20.0, 10e-3
"""Length of a waveform made of a load record, and its bins: what the flicker meter needs. [s], [-], [s]"""


@dataclass(frozen=True)
class Question:
    """What is asked of a trace."""

    packs: tuple[str, ...] = ("standard",)
    """Names of rule packs, or YAML files with a section as `limits` of a scenario."""
    units: int = 1
    """Number of loads like the one measured."""
    coherence: float = 1.0
    """Pairwise correlation of their fluctuations, 0 to 1."""
    from_s: float | None = None
    """Start and end of the job on the clock of the trace; looked for when both are absent. [s]"""
    to_s: float | None = None
    averaged_s: float | None = None
    """Show the trace as a sensor would that averages over this time. [s]"""
    mean_w: float | None = None
    """Scale the trace to this mean in the job, in place of a number of units. [W]"""
    bands: tuple[tuple[float, float], ...] = ()
    """Bands of frequency whose shares are told beside the usual ones. [Hz]"""


@dataclass(frozen=True)
class Drawn:
    """How a waveform is made of a load record."""

    duration_s: float | None = None
    """600 s or 20 cycles, whichever is longer, when absent. [s]"""
    seed: int = 0


@dataclass(frozen=True)
class Setting:
    """What a trace is put into beside the rules."""

    damping: TraceDamping | None = None
    place: TracePlace | None = None
    """The site whose IT load the trace is."""
    scale_w: tuple[float, float] | None = None
    """Power at the highest and the lowest reading of a min-max trace, before it is scaled. [W]"""


def asked_window(trace: PowerTrace, from_s: float | None, to_s: float | None) -> JobWindow:
    """Return the job window that is given, or the one that is found when neither end is."""
    if from_s is None and to_s is None:
        return job_window(trace)
    part = trace.between(from_s, to_s)
    return JobWindow(part.t0_s, part.t0_s + part.duration_s, "given")


def setting_of(
    columns: Columns,
    damping: Path | None = None,
    devices: Devices | None = None,
    place: TracePlace | None = None,
) -> Setting:
    """Return what a trace of these columns is put into; the damping is read from a file.

    Raises
    ------
    InputError
        As of :func:`clustersim.study.measured.damping.read_damping`.
    """
    min_max = columns.unit == "pu" and columns.base_w is not None
    scale = (columns.base_w, columns.zero_w) if min_max and columns.base_w is not None else None
    if damping is None:
        return Setting(None, place, scale)
    battery = None if place is None else place.plant.battery
    lowest = None if scale is None else scale[1]
    chain = TraceDamping(read_damping(damping), Devices() if devices is None else devices, battery, lowest)
    return Setting(chain, place, scale)


def drawn_trace(path: Path, columns: Columns, drawn: Drawn | None = None) -> PowerTrace:
    """Return a waveform of the load record in a file (:func:`clustersim.power.measured_load.load_waveform`).

    Raises
    ------
    InputError
        If the file is no load record, or columns or units are asked of it.
    """
    asked = Drawn() if drawn is None else drawn
    if columns != Columns(dt_s=columns.dt_s, between=columns.between, most_bins=columns.most_bins):
        raise InputError(f"{path}: a load record has its own power and units; leave out columns, unit, base and sensor")
    load = read_load(path)
    seconds = max(LEAST_S, LEAST_CYCLES * load.period) if asked.duration_s is None else asked.duration_s
    width = DRAWN_DT_S if columns.dt_s is None else columns.dt_s
    if not (0.0 < width <= seconds and seconds / width <= columns.most_bins):
        raise InputError(
            f"{path}: expected a duration of 1 to {columns.most_bins:,} bins, got {seconds:g} s of {width:g} s"
        )
    return load_waveform(load, seconds, width, asked.seed)
