"""One trace held against rules: its statistics, and the verdict with or without the plant of a site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import ValidationError

from clustersim.errors import InputError
from clustersim.limits import OF_POWER_ALONE, Evidence, LimitsSpec, Rule, Trace, Verdict, judge, rules_of
from clustersim.limits.spec import is_pack, pack_rules
from clustersim.plant import short_circuit_va
from clustersim.power.trace import PowerTrace
from clustersim.power.trace_period import JobWindow
from clustersim.scenario.files import read_yaml
from clustersim.scenario.pack_files import embedded_limits
from clustersim.study.measured.site import SiteAnswer
from clustersim.study.measured.statistics import PERCENTILE_KEYS, Shares, percentiles, spectrum, trace_statistics

NEEDS_PLANT = "needs plant: a power trace alone says nothing about it"
SPECTRAL = ("band_energy", "band_amplitude", "band_range")
Bands = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Judged:
    """A trace, what it is like, and what the rules say of it."""

    trace: PowerTrace
    """The whole record as it was judged."""
    statistics: dict[str, Any]
    """Of the job window (:func:`clustersim.study.measured.statistics.trace_statistics`)."""
    record_percentiles: dict[str, float]
    """Of the whole record. [MW]"""
    verdict: Verdict
    """Rows for windows ``job`` (band rules) and ``record`` (ramps and ranges)."""
    site: SiteAnswer | None = None
    """What the site does under the trace as its IT load; then rules look at the meter."""


def load_rules(packs: Sequence[str]) -> tuple[Rule, ...]:
    """Return the rules of packs, of pack files and of files in the form of a section `limits`; each rule once.

    Raises
    ------
    InputError
        If a pack or file is unknown or not valid.
    """
    found: dict[str, Rule] = {}
    for name in packs:
        path = Path(name)
        if path.suffix in (".yaml", ".yml"):
            found |= {item.id: item for item in _rules_in(path)}
        else:
            found |= {item.id: item for item in rules_of(LimitsSpec(packs=(name,)))}
    return tuple(found.values())


def _rules_in(path: Path) -> tuple[Rule, ...]:
    """Return the rules of a pack file, or of a file in the form of a section `limits`."""
    tree = read_yaml(path)
    section = {"packs": [], "rules": pack_rules(tree, str(path))} if is_pack(tree) else tree
    try:
        spec = LimitsSpec.model_validate(embedded_limits(path, section, "packs"))
    except ValidationError as error:
        first = error.errors()[0]
        raise InputError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None
    return rules_of(spec)


def judged(
    trace: PowerTrace, job: JobWindow, rules: Sequence[Rule], bands: Bands, site: SiteAnswer | None = None
) -> Judged:
    """Return statistics and verdict of a trace.

    Parameters
    ----------
    trace : PowerTrace
        The record.
    job : JobWindow
        Where the job is.
    rules : sequence of Rule
        What to hold it against.
    bands : sequence of (float, float)
        Bands whose shares are wanted beside the usual ones. [Hz]
    site : SiteAnswer, optional
        What the site does under it.
    """
    inside = _inside(trace, job)
    asked = [item.band for item in rules if item.band is not None]
    shares = spectrum(inside, [*bands, *asked])
    found = trace_statistics(inside, shares, bands)
    if site is None:
        verdict = _of_trace(rules, trace, inside, shares)
    else:
        meter = replace(trace, watts=site.meter_w, vars=None)
        part = _inside(meter, job)
        verdict = _of_site(rules, meter, part, spectrum(part, asked), site)
    whole = inside.samples == trace.samples
    of_record = {key: found[key] for key in PERCENTILE_KEYS} if whole else percentiles(trace.watts)
    return Judged(trace, found, of_record, verdict, site)


def _inside(trace: PowerTrace, job: JobWindow) -> PowerTrace:
    return trace.between(job.from_s, job.to_s - trace.dt_s)


def _of_trace(rules: Sequence[Rule], trace: PowerTrace, inside: PowerTrace, shares: Shares) -> Verdict:
    record = Trace(trace.name, "record", trace.dt_s, trace.watts, sensor_s=trace.sensor_s)
    job = _job(trace.name, inside, shares)
    parts = [judge([item], Evidence((job if item.measure in SPECTRAL else record,))).table for item in rules]
    table = _joined(parts)
    of_plant = {item.id for item in rules if item.measure not in OF_POWER_ALONE}
    table.loc[table["rule"].isin(of_plant), "reason"] = f"not judged: {NEEDS_PLANT}"
    return Verdict(table)


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True) if parts else judge([], Evidence()).table
    return table.astype({"passed": object})


def _of_site(rules: Sequence[Rule], meter: PowerTrace, inside: PowerTrace, shares: Shares, site: SiteAnswer) -> Verdict:
    name = site.place.site
    record = Trace(name, "record", meter.dt_s, meter.watts, sensor_s=meter.sensor_s)
    strength = short_circuit_va({name: site.place.plant})
    of_record = Evidence((record,), site.responses, site.ratings, short_circuit_va=strength)
    of_job = Evidence((_job(name, inside, shares),))
    parts = [judge([item], of_job if item.measure in SPECTRAL else of_record).table for item in rules]
    return Verdict(_joined(parts))


def _job(name: str, inside: PowerTrace, shares: Shares) -> Trace:
    hann = {band: both[1] for band, both in shares.items()}
    return Trace(name, "job", inside.dt_s, inside.watts, sensor_s=inside.sensor_s, shares=hann)
