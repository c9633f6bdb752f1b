"""Rules held against evidence: each measure in one small function, the worst window of each site in one row."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim import catalog, units
from clustersim.errors import InputError
from clustersim.limits import measures
from clustersim.limits.evidence import VERDICT_COLUMNS, Evidence, Trace, Verdict
from clustersim.limits.flicker import OBSERVATION_S, short_term_severity
from clustersim.limits.spec import MEASURES, Rule
from clustersim.plant.records import PlantResponse
from clustersim.power.records import coarsen
from clustersim.power.spectrum import band_shares

METER_DT_S = 0.1
"""Ramps and ranges are taken of means over this time (definition of the summary keys). [s]"""
PERIODS_IN_RECORD = 10.0
"""A spectral share needs a record of this many periods of the lowest frequency. [-]"""
NO_VOLTAGE = "no voltage: give a grid-parallel plant response or a voltage record"
NO_ISLAND = "no island response: the plant was not run as an island"


class _Found(NamedTuple):
    window: str
    value: float


class _NotJudgedError(Exception):
    """The evidence does not suffice for this window; the text says why."""


def _meter(trace: Trace) -> tuple[NDArray[np.float64], float]:
    """Return the power as means over 100 ms, or as it is where the samples are coarser or do not divide 100 ms."""
    factor = round(METER_DT_S / trace.dt_s)
    if factor <= 1 or not math.isclose(factor * trace.dt_s, METER_DT_S, rel_tol=1e-6):
        return trace.power_w, trace.dt_s
    return coarsen(trace.power_w, factor), METER_DT_S


def _resolved(trace: Trace, shortest_s: float) -> None:
    """Refuse what the sensor cannot show: the shortest time of a rule must hold two of its averages."""
    windows = catalog.entry("traces", "sensor").si("windows")
    if trace.sensor_s * windows > shortest_s * (1.0 + 1e-9):
        raise _NotJudgedError(
            f"sensor averages over {trace.sensor_s:g} s; {shortest_s:g} s needs {shortest_s / windows:g} s or finer"
        )


def _sampled(trace: Trace, shortest_s: float) -> None:
    if trace.dt_s > shortest_s * (1.0 + 1e-9):
        raise _NotJudgedError(f"needs samples every {shortest_s:g} s or finer, got {trace.dt_s:g} s")


def _ramp(rule: Rule, trace: Trace) -> float:
    power, dt = _meter(trace)
    lag = rule.lag or 1.0
    _sampled(trace, lag)
    _resolved(trace, lag)
    if not trace.steady and power.size * dt <= 2.0 * lag:
        # Beyond the window around an event the power is taken to be settled.
        count = round(lag / dt) + 1
        before = power[0] if trace.before_w is None else trace.before_w
        after = power[-1] if trace.settled_w is None else trace.settled_w
        power = np.concatenate([np.full(count, before), power, np.full(count, after)])
    # Any change within the time counts: the difference over exactly 60 s is zero for a swing that repeats every 20 s.
    return measures.sliding_range(power, dt, lag) / lag


def _range(rule: Rule, trace: Trace) -> float:
    power, dt = _meter(trace)
    window = rule.window or 1.0
    _sampled(trace, window)
    _resolved(trace, window)
    if rule.allowed_per_hour is None:
        return measures.sliding_range(power, dt, window)
    if not trace.steady:
        raise _NotJudgedError("a single event says nothing about repetition: a steady record is needed")
    skip = math.ceil(rule.allowed_per_hour * power.size * dt / 3600.0 - 1e-9)
    return measures.repeated_range(power, dt, window, skip)


def _band(rule: Rule, trace: Trace) -> float:
    low, high = rule.band or (0.1, 20.0)
    if not trace.steady:
        raise _NotJudgedError("a steady record is needed")
    length = trace.power_w.size * trace.dt_s
    if length < PERIODS_IN_RECORD / low:
        raise _NotJudgedError(f"needs a record of {PERIODS_IN_RECORD / low:g} s, got {length:g} s")
    if 0.5 / trace.dt_s < high * (1.0 - 1e-9):
        raise _NotJudgedError(f"needs samples every {500.0 / high:g} ms or finer, got {trace.dt_s * 1e3:g} ms")
    _resolved(trace, 1.0 / high)
    shares = trace.shares.get((low, high))
    if shares is None:
        shares = band_shares(trace.power_w, trace.dt_s, low, high)
    return shares.energy if rule.measure == "band_energy" else shares.amplitude


_OF_POWER: dict[str, Callable[[Rule, Trace], float]] = {
    "ramp": _ramp,
    "range": _range,
    "band_energy": _band,
    "band_amplitude": _band,
}


def _of_voltage(rule: Rule, voltage_pu: NDArray[np.float64], dt_s: float) -> float:
    if rule.measure == "voltage_dip":
        return measures.voltage_dip(voltage_pu)
    if rule.measure == "voltage_change":
        return measures.voltage_change(voltage_pu)
    if voltage_pu.size * dt_s < OBSERVATION_S * (1.0 - 1e-9):
        raise _NotJudgedError(
            f"flicker needs a voltage record of {OBSERVATION_S:g} s, got {voltage_pu.size * dt_s:g} s"
        )
    return short_term_severity(voltage_pu, dt_s, rule.lamp or "120 V 60 Hz")


def _of_frequency(rule: Rule, response: PlantResponse) -> float:
    if rule.measure == "min_frequency":
        return float(response.frequency_hz.min())
    if rule.measure == "max_frequency":
        return float(response.frequency_hz.max())
    window = rule.window or 0.5
    if response.dt_s > window * (1.0 + 1e-9):
        raise _NotJudgedError(f"needs samples every {window:g} s or finer, got {response.dt_s:g} s")
    return measures.max_rocof(response.frequency_hz, response.dt_s, window)


def _candidates(rule: Rule, site: str, evidence: Evidence) -> Iterator[tuple[str, Callable[[], float]]]:
    """Yield the windows of a site that the rule may look at, each with the measurement still to be made."""
    traces = [trace for trace in evidence.traces if trace.site == site]
    responses = [response for response in evidence.responses if response.site == site]
    if rule.measure in _OF_POWER:
        for trace in traces:
            yield trace.window, lambda trace=trace: _OF_POWER[rule.measure](rule, trace)  # type: ignore[misc]
    elif MEASURES[rule.measure].observed:
        for seen in evidence.observations:
            if seen.measure == rule.measure and seen.site == site:
                window = f"{seen.window}: {seen.detail}" if seen.detail else seen.window
                yield window, lambda seen=seen: seen.value  # type: ignore[misc]
    elif rule.measure in ("voltage_dip", "voltage_change", "flicker"):
        known = [(t.window, t.voltage_pu, t.dt_s) for t in traces if t.voltage_pu is not None]
        known += [(r.window, r.voltage_pu, r.dt_s) for r in responses if r.mode == "grid_parallel"]
        for window, voltage, dt in known:
            yield window, lambda voltage=voltage, dt=dt: _of_voltage(rule, voltage, dt)  # type: ignore[misc]
    else:
        for response in responses:
            if response.mode == "island":
                yield response.window, lambda response=response: _of_frequency(rule, response)  # type: ignore[misc]


def _missing(rule: Rule) -> str:
    if rule.measure in _OF_POWER:
        return "no power record"
    if MEASURES[rule.measure].observed:
        return f"nothing was found on {rule.measure}: the plant was not asked, or has none of it"
    return NO_VOLTAGE if rule.measure in ("voltage_dip", "voltage_change", "flicker") else NO_ISLAND


def _row(rule: Rule, node: str, found: _Found, limit_si: float, unit: str, source: str) -> dict[str, object]:
    factor = units.TABLE[units.dimension_of(unit) or ""][unit]
    margin = (limit_si - found.value) / abs(limit_si) if limit_si else math.copysign(math.inf, -found.value)
    margin = margin if rule.comparison == "at_most" else -margin
    passed = found.value <= limit_si if rule.comparison == "at_most" else found.value >= limit_si
    return {
        "rule": rule.id,
        "node": node,
        "measured": found.value / factor,
        "limit": limit_si / factor,
        "unit": unit,
        "margin": margin,
        "passed": bool(passed),
        "window": found.window,
        "source": source,
        "reason": rule.note,
    }


def _no_row(rule: Rule, node: str, reason: str) -> dict[str, object]:
    number, unit = units.split(rule.limit)
    return {
        "rule": rule.id, "node": node, "measured": math.nan, "limit": number, "unit": unit, "margin": math.nan,
        "passed": None, "window": "", "source": rule.source, "reason": f"not judged: {reason}",
    }  # fmt: skip


def _judge_site(rule: Rule, site: str, evidence: Evidence) -> dict[str, object]:
    found: list[_Found] = []
    reasons: list[str] = []
    for window, measure in _candidates(rule, site, evidence):
        try:
            found.append(_Found(window, measure()))
        except (_NotJudgedError, InputError) as error:
            reasons.append(f"{window}: {error}")
    if not found:
        return _no_row(rule, site, "; ".join(reasons) or _missing(rule))
    worst = (max if rule.comparison == "at_most" else min)(found, key=lambda item: item.value)
    return _row(rule, site, worst, rule.limit_si, units.split(rule.limit)[1], rule.source)


def _judge_ratings(rule: Rule, evidence: Evidence) -> Iterator[dict[str, object]]:
    looked_at = [rating for rating in evidence.ratings if not rule.ratings or rating.name in rule.ratings]
    for rating in looked_at:
        found = _Found("all", rating.loading_w)
        source = rating.source or rule.source
        row = _row(rule, f"{rating.node}: {rating.name}", found, rule.limit_si * rating.rating_w, "MW", source)
        yield row
    if not looked_at:
        yield _no_row(rule, "all", "no ratings given")


def judge(rules: Sequence[Rule], evidence: Evidence) -> Verdict:
    """Hold every rule against the evidence.

    The worst window of a site counts. A rule whose evidence is absent, too short or too coarse gets ``passed = None``
    and a reason that starts with "not judged".

    Parameters
    ----------
    rules : sequence of Rule
        Such as :func:`clustersim.limits.pack` or :func:`clustersim.limits.rules_of` returns.
    evidence : Evidence
        Traces at the meter, plant responses, ratings; each may be empty. A measured trace alone is enough.

    Returns
    -------
    Verdict
        Rows in the order of the rules, then of the sites.
    """
    rows: list[dict[str, object]] = []
    for rule in rules:
        if rule.measure == "rating":
            rows.extend(_judge_ratings(rule, evidence))
        else:
            sites: Iterable[str] = evidence.sites or ("all",)
            rows.extend(_judge_site(rule, site, evidence) for site in sites)
    table = pd.DataFrame(rows, columns=list(VERDICT_COLUMNS))
    return Verdict(table.astype({"passed": object}))
