"""A load record from a measured trace, and how well its waveform stands for the trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clustersim.power.measured_load import MeasuredLoad, load_text, load_waveform
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_export import write_trace
from clustersim.power.trace_files import Columns, read_trace
from clustersim.power.trace_fit import fit_load
from clustersim.power.trace_period import JobWindow
from clustersim.study.trace_question import asked_window
from clustersim.study.trace_statistics import BANDS_HZ, percentiles, spectrum

__all__ = ["Fitted", "fit_file", "fit_trace", "load_text", "write_trace"]


@dataclass(frozen=True)
class Fitted:
    """The record, the waveform made of it over the length of the job, and both in figures."""

    load: MeasuredLoad
    job: JobWindow
    made: PowerTrace
    measured: dict[str, float]
    """Mean, percentiles [MW] and energy share of 0.1-20 Hz (Hann; where the record knows it) of the job."""
    reproduced: dict[str, float]
    """The same of the waveform."""


def _figures(trace: PowerTrace) -> dict[str, float]:
    band = spectrum(trace, ()).get(BANDS_HZ[0])
    share = {} if band is None else {"band_energy_share": band[1].energy}
    return {"mean_mw": float(trace.watts.mean()) * 1e-6, **percentiles(trace.watts), **share}


def fit_trace(
    trace: PowerTrace,
    from_s: float | None = None,
    to_s: float | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Fit a load record to the job of a trace, and make a waveform of it as long as the job.

    Raises
    ------
    InputError
        If the trace has one level only, nothing repeats, or the window has no samples.
    """
    tell("job window")
    job = asked_window(trace, from_s, to_s)
    tell("fit")
    load = fit_load(trace, job)
    part = trace.between(job.from_s, job.to_s - trace.dt_s)
    made = load_waveform(load, part.duration_s, part.dt_s, seed)
    return Fitted(load, job, made, _figures(part), _figures(made))


def fit_file(
    path: Path,
    columns: Columns,
    from_s: float | None = None,
    to_s: float | None = None,
    seed: int = 0,
    tell: Callable[[str], None] = lambda _: None,
) -> Fitted:
    """Read a trace and fit a load record to it; raises as :func:`fit_trace` and ``read_trace`` do."""
    tell("trace")
    return fit_trace(read_trace(path, columns), from_s, to_s, seed, tell)
