"""A load record from a measured trace, and how well its waveform stands for the trace."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from clustersim import catalog
from clustersim.power.measured_load import MeasuredLoad, load_text, load_waveform
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_export import write_trace
from clustersim.power.trace_files import Columns, read_trace
from clustersim.power.trace_fit import fit_load
from clustersim.power.trace_period import JobWindow
from clustersim.study.measured.question import asked_window
from clustersim.study.measured.statistics import BANDS_HZ, percentiles, spectrum

INNER = ("p10_mw", "p25_mw", "p50_mw", "p75_mw", "p90_mw")
"""Percentiles that a waveform must have in common with its trace."""

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

    @property
    def warnings(self) -> tuple[str, ...]:
        """Why the record is not to be trusted, where it is not."""
        figures = catalog.entry("traces", "fit")
        said = []
        if self.load.cycles < figures.si("cycles"):
            said.append(f"only {self.load.cycles} cycles could be followed: no jitter, and the period is uncertain")
        off = self.reproduced["mean_mw"] / self.measured["mean_mw"] - 1.0
        if abs(off) > figures.si("mean_off"):
            said.append(f"the waveform's mean is {off:+.0%} off the trace's: the load is no two-level cycle")
        span = self.measured["p99_mw"] - self.measured["p1_mw"]
        apart = {key: self.reproduced[key] - self.measured[key] for key in INNER}
        worst = max(apart, key=lambda key: abs(apart[key]))
        if span > 0.0 and abs(apart[worst]) > figures.si("percentile_off") * span:
            said.append(
                f"percentile {worst[1:-3]} of the waveform is {apart[worst] / span:+.0%} of the range off: what lies "
                "between the dips has a shape that the record does not hold"
            )
        return tuple(said)


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
