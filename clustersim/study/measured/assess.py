"""A measured power trace held against rules: alone, behind damping, or as the load of a site."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clustersim import catalog
from clustersim.errors import InputError
from clustersim.limits import Verdict
from clustersim.power.damped import Element, Report
from clustersim.power.trace import PowerTrace, boxcar, coherent_gain, scaled_by
from clustersim.power.trace_export import write_columns, write_trace
from clustersim.power.trace_files import Columns, read_trace
from clustersim.power.trace_period import JobWindow
from clustersim.study.measured.damping import (
    Devices,
    at_site,
    below_site,
    damped_trace,
    elements,
    idle_shares_of_nodes,
    overhead_by_ratio,
    times,
)
from clustersim.study.measured.judging import Judged, judged, load_rules
from clustersim.study.measured.question import Drawn, Question, Setting, asked_window, drawn_trace, setting_of
from clustersim.study.measured.site import SiteAnswer, TracePlace, place_of, site_answer, site_columns
from clustersim.study.measured.statistics import spectrogram_of

__all__ = [
    "Assessment",
    "Columns",
    "Devices",
    "Drawn",
    "Question",
    "Setting",
    "assess",
    "assess_file",
    "load_rules",
    "place_of",
    "setting_of",
    "spectrogram_of",
    "write_site",
    "write_trace",
]


@dataclass(frozen=True)
class DampedTrace:
    """The trace behind damping, and what the damping did."""

    judged: Judged
    reports: tuple[Report, ...]
    """Account of each element over the whole record, in the order in which power passes them."""
    overhead: float
    """Energy burned and lost over the energy of the undamped record. [-]"""
    energy_change: float
    """Energy of the damped record over that of the undamped one, less 1: also what was cut or stays stored. [-]"""
    by_ratio: dict[float, float]
    """Energy overhead of a min-max trace by idle power over peak; empty for a trace in watts. [-]"""


@dataclass(frozen=True)
class Assessment:
    """What was found."""

    question: Question
    job: JobWindow
    plain: Judged
    """The record as it is: scaled, averaged."""
    damped: DampedTrace | None
    notes: tuple[str, ...]

    @property
    def judged(self) -> Judged:
        """The record behind damping, where there is damping."""
        return self.plain if self.damped is None else self.damped.judged

    @property
    def trace(self) -> PowerTrace:
        """The whole record as it was judged, undamped."""
        return self.plain.trace

    @property
    def statistics(self) -> dict[str, Any]:
        """Of the job window of that."""
        return self.plain.statistics

    @property
    def record_percentiles(self) -> dict[str, float]:
        """Of that whole record. [MW]"""
        return self.plain.record_percentiles

    @property
    def verdict(self) -> Verdict:
        """What the rules say of it."""
        return self.plain.verdict


def assess(
    trace: PowerTrace,
    question: Question | None = None,
    tell: Callable[[str], None] = lambda _: None,
    setting: Setting | None = None,
) -> Assessment:
    """Hold a trace against rules.

    Ramps and ranges are judged on the whole record, start and end of the job included; spectral shares on the job
    alone, since a record that holds idle time tells the share of the job's start. Without a place, rules on voltage,
    frequency or ratings are not judged; with one, all rules look at the meter of its site.

    Damping at ranks, nodes and racks acts on the trace before it is scaled, damping at the site on the scaled trace, or
    on the load of the place's site. The job window is that of the undamped trace.

    Parameters
    ----------
    trace : PowerTrace
        One load.
    question : Question, optional
        Rules, number of loads, job window.
    tell : callable, optional
        Is told what is being done.
    setting : Setting, optional
        Damping, and the place.

    Raises
    ------
    InputError
        If a pack is unknown, or the question does not fit the trace.
    """
    asked = Question() if question is None else question
    around = Setting() if setting is None else setting
    rules = load_rules(asked.packs)
    if around.place is not None and asked.averaged_s is not None:
        raise InputError("averaged: the plant answers the load itself, not what a sensor shows of it; leave out one")
    tell("job window")
    job = asked_window(_shown(trace, asked), asked.from_s, asked.to_s)
    units, gain = _scale(trace, job, asked)
    whole = scaled_by(trace, units, gain)
    shown = _shown(whole, asked)
    notes = _notes(trace, shown, job, asked)
    tell("statistics and rules")
    plain = judged(shown, job, rules, asked.bands, _answer(around.place, whole, job, ()))
    damped = None
    if around.damping is not None:
        tell("damping")
        chain = elements(around.damping, trace)
        unit, below = damped_trace(trace, below_site(chain))
        sum_of = scaled_by(unit, units, gain)
        answer = _answer(around.place, sum_of, job, at_site(chain))
        if answer is None:
            sum_of, above = damped_trace(sum_of, at_site(chain))
        else:
            above = answer.chain
        reports = (*(times(report, units, gain) for report in below.reports), *above.reports)
        spent = sum(report.burned_j + report.loss_j for report in reports)
        before_w = whole.watts if plain.site is None else plain.site.meter_w
        after_w = sum_of.watts if answer is None else answer.meter_w
        damped = DampedTrace(
            judged(_shown(sum_of, asked), job, rules, asked.bands, answer),
            reports,
            spent / (float(before_w.sum()) * trace.dt_s),
            float(after_w.sum() / before_w.sum()) - 1.0,
            _by_ratio(around, whole, sum_of, units) if gain == units and answer is None else {},
        )
    return Assessment(asked, job, plain, damped, tuple(notes))


def _shown(trace: PowerTrace, asked: Question) -> PowerTrace:
    return trace if asked.averaged_s is None else boxcar(trace, asked.averaged_s)


def _scale(trace: PowerTrace, job: JobWindow, asked: Question) -> tuple[float, float]:
    """Return by how much the mean grows and by how much the fluctuation."""
    if asked.mean_w is None:
        return float(asked.units), coherent_gain(asked.units, asked.coherence)
    if asked.units != 1 or asked.coherence != 1.0:
        raise InputError(
            "mean: gives the scale by itself, all loads alike; leave out the number of units and coherence"
        )
    mean = float(trace.between(job.from_s, job.to_s - trace.dt_s).watts.mean())
    if not (asked.mean_w > 0.0 and mean > 0.0):
        raise InputError(f"mean: expected a power above zero, got {asked.mean_w:g} W for a job of {mean:g} W")
    return asked.mean_w / mean, asked.mean_w / mean


def _answer(place: TracePlace | None, it: PowerTrace, job: JobWindow, chain: Sequence[Element]) -> SiteAnswer | None:
    return None if place is None else site_answer(place, it, job, chain)


def _by_ratio(around: Setting, before: PowerTrace, after: PowerTrace, units: float) -> dict[float, float]:
    if around.scale_w is None:
        return {}
    base, zero = around.scale_w
    ratios = sorted({0.0, zero / base, catalog.entry("traces", "idle_share").si("gpu"), *idle_shares_of_nodes()})
    return overhead_by_ratio(before.watts, after.watts, base * units, zero * units, ratios)


def _notes(trace: PowerTrace, shown: PowerTrace, job: JobWindow, asked: Question) -> list[str]:
    notes = [] if trace.clock == "as recorded" else [f"clock: {trace.clock}"]
    if asked.averaged_s is not None:
        notes.append(f"shown as by a sensor that averages over {asked.averaged_s:g} s")
    if shown.sensor_s > 0.0:
        notes.append(
            f"the sensor averages over {shown.sensor_s:g} s: nothing is known of what is shorter, and ranges, "
            "ramps and peaks are lower bounds"
        )
    if asked.units > 1:
        notes.append(f"{asked.units} loads, pairwise correlation {asked.coherence:g}: means add up, fluctuations by it")
        if asked.coherence < 1.0 and job.to_s - job.from_s < shown.duration_s - 0.5 * shown.dt_s:
            notes.append("start and end of a job are common to all units: judge them with a coherence of 1")
    if asked.mean_w is not None:
        notes.append(f"scaled to a mean of {asked.mean_w * 1e-6:.6g} MW in the job, all loads alike")
    return notes


def write_site(path: Path, found: Assessment) -> tuple[Path, ...]:
    """Write power, frequency and voltage of the site over time as Parquet, behind damping where there is damping.

    Returns the file, or none without a place.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    site = found.judged.site
    return () if site is None else (write_columns(path, site_columns(site)),)


def assess_file(
    path: Path,
    columns: Columns,
    question: Question,
    tell: Callable[[str], None] = lambda _: None,
    setting: Setting | None = None,
    drawn: Drawn | None = None,
) -> Assessment:
    """Read a trace, or make one of a load record, and hold it against rules.

    Raises
    ------
    InputError
        As of :func:`assess`, :func:`clustersim.power.trace_files.read_trace` and :func:`drawn_trace`.
    """
    tell("trace")
    load_rules(question.packs)
    trace = drawn_trace(path, columns, drawn) if path.suffix in (".yaml", ".yml") else read_trace(path, columns)
    return assess(trace, question, tell, setting)
