"""A measured power trace held against rules; no model of a cluster or plant is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import ValidationError

from clustersim.errors import InputError
from clustersim.limits import Evidence, LimitsSpec, Rule, Trace, Verdict, judge, rules_of
from clustersim.power.trace import PowerTrace, boxcar, scaled
from clustersim.power.trace_export import write_trace
from clustersim.power.trace_files import Columns, read_trace
from clustersim.power.trace_period import JobWindow, job_window
from clustersim.study.trace_statistics import PERCENTILE_KEYS, Shares, percentiles, spectrum, trace_statistics

NEEDS_PLANT = "needs plant: a power trace alone says nothing about it"
OF_PLANT = (
    "voltage_dip", "voltage_change", "flicker", "min_frequency", "max_frequency", "rocof", "rating",
)  # fmt: skip

SPECTRAL = ("band_energy", "band_amplitude")

__all__ = ["Assessment", "Columns", "Question", "assess", "assess_file", "load_rules", "write_trace"]


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


@dataclass(frozen=True)
class Assessment:
    """What was found."""

    trace: PowerTrace
    """The whole record as it was judged: scaled, averaged."""
    question: Question
    job: JobWindow
    statistics: dict[str, Any]
    """Of the job window (:func:`clustersim.study.trace_statistics.trace_statistics`)."""
    record_percentiles: dict[str, float]
    """Of the whole record. [MW]"""
    verdict: Verdict
    """Rows for windows ``job`` (band rules) and ``record`` (ramps and ranges)."""
    notes: tuple[str, ...]


def load_rules(packs: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of packs and of files in the form of a scenario's section `limits`; each rule once.

    Raises
    ------
    InputError
        If a pack or file is unknown or not valid.
    """
    found: dict[str, Rule] = {}
    for name in packs:
        path = Path(name)
        if path.suffix in (".yaml", ".yml"):
            try:
                spec = LimitsSpec.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
            except (OSError, yaml.YAMLError) as error:
                raise InputError(f"{path}: cannot be read: {error}") from None
            except ValidationError as error:
                first = error.errors()[0]
                raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
        else:
            spec = LimitsSpec(packs=(name,))
        found |= {item.id: item for item in rules_of(spec)}
    return tuple(found.values())


def asked_window(trace: PowerTrace, from_s: float | None, to_s: float | None) -> JobWindow:
    """Return the job window that is given, or the one that is found when neither end is."""
    if from_s is None and to_s is None:
        return job_window(trace)
    part = trace.between(from_s, to_s)
    return JobWindow(part.t0_s, part.t0_s + part.duration_s, "given")


def assess(
    trace: PowerTrace, question: Question | None = None, tell: Callable[[str], None] = lambda _: None
) -> Assessment:
    """Hold a trace against rules.

    Ramps and ranges are judged on the whole record, start and end of the job included; spectral shares on the job
    alone, since a record that holds idle time tells the share of the job's start. Rules on voltage, frequency or
    ratings are not judged.

    Parameters
    ----------
    trace : PowerTrace
        One load.
    question : Question, optional
        Rules, number of loads, job window.
    tell : callable, optional
        Is told what is being done.

    Raises
    ------
    InputError
        If a pack is unknown, or the question does not fit the trace.
    """
    asked = Question() if question is None else question
    rules = load_rules(asked.packs)
    notes = [] if trace.clock == "as recorded" else [f"clock: {trace.clock}"]
    if asked.averaged_s is not None:
        trace = boxcar(trace, asked.averaged_s)
        notes.append(f"shown as by a sensor that averages over {asked.averaged_s:g} s")
    tell("job window")
    job = asked_window(trace, asked.from_s, asked.to_s)
    trace = scaled(trace, asked.units, asked.coherence)
    inside = trace.between(job.from_s, job.to_s - trace.dt_s)
    notes += _notes(trace, inside, asked)
    tell("statistics")
    shares = spectrum(inside, [item.band for item in rules if item.band is not None])
    found = trace_statistics(inside, shares)
    tell("rules")
    verdict = _judged(rules, trace, inside, shares)
    whole = inside.samples == trace.samples
    of_record = {key: found[key] for key in PERCENTILE_KEYS} if whole else percentiles(trace.watts)
    return Assessment(trace, asked, job, found, of_record, verdict, tuple(notes))


def _notes(trace: PowerTrace, inside: PowerTrace, asked: Question) -> list[str]:
    notes = []
    if trace.sensor_s > 0.0:
        notes.append(
            f"the sensor averages over {trace.sensor_s:g} s: nothing is known of what is shorter, and ranges, "
            "ramps and peaks are lower bounds"
        )
    if asked.units > 1:
        notes.append(f"{asked.units} loads, pairwise correlation {asked.coherence:g}: means add up, fluctuations by it")
        if asked.coherence < 1.0 and inside.samples < trace.samples:
            notes.append("start and end of a job are common to all units: judge them with a coherence of 1")
    return notes


def _judged(rules: Sequence[Rule], trace: PowerTrace, inside: PowerTrace, shares: Shares) -> Verdict:
    record = Trace(trace.name, "record", trace.dt_s, trace.watts, sensor_s=trace.sensor_s)
    hann = {band: both[1] for band, both in shares.items()}
    job = Trace(trace.name, "job", inside.dt_s, inside.watts, sensor_s=inside.sensor_s, shares=hann)
    parts = [judge([item], Evidence((job if item.measure in SPECTRAL else record,))).table for item in rules]
    table = pd.concat(parts, ignore_index=True)
    of_plant = {item.id for item in rules if item.measure in OF_PLANT}
    table.loc[table["rule"].isin(of_plant), "reason"] = f"not judged: {NEEDS_PLANT}"
    return Verdict(table.astype({"passed": object}))


def assess_file(
    path: Path, columns: Columns, question: Question, tell: Callable[[str], None] = lambda _: None
) -> Assessment:
    """Read a trace and hold it against rules; raises as :func:`assess` and ``read_trace`` do."""
    tell("trace")
    load_rules(question.packs)
    return assess(read_trace(path, columns), question, tell)
