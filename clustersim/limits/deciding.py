"""Where in a record a rule is decided: the stretch of time whose measurement is held against the limit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from clustersim.limits import candidates, island, measures
from clustersim.limits.definitions import meter_means
from clustersim.limits.evidence import Trace
from clustersim.limits.flicker import LONG_S, OBSERVATION_S
from clustersim.limits.spec import Rule, given
from clustersim.plant.records import PlantResponse

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Deciding:
    """A stretch of a record and what is measured in it, all in SI."""

    value: float
    """What the rule measures in the record, as the judge does."""
    from_s: float
    until_s: float
    """From the beginning of the record; outside it where a ramp reaches into what comes before or after. [s]"""
    levels: tuple[float, ...] = ()
    """Of the record, between which it is measured: the lowest and the highest of a range, the least of a dip."""
    allowed: tuple[float, ...] = ()
    """Of the record, that would just keep the rule; none where the limit is no level."""


def deciding_power(rule: Rule, trace: Trace, short_circuit_va: float | None = None) -> Deciding:
    """Return where a rule on power is decided in a trace; a spectral share is one of the whole record.

    Parameters
    ----------
    rule : Rule
        Its measure is one of `candidates.OF_POWER`.
    trace : Trace
        Long and fine enough for the rule.
    short_circuit_va : float, optional
        At the point of interconnection, for `step_change`. [VA]

    Raises
    ------
    InputError, NotJudgedError
        If the trace cannot be judged by the rule.
    """
    over = given(short_circuit_va) if rule.measure == "step_change" else 1.0
    value = candidates.OF_POWER[rule.measure](rule, trace) / over
    power, dt = (trace.power_w, trace.dt_s) if rule.measure == "step_change" else meter_means(trace.power_w, trace.dt_s)
    if rule.measure in ("band_energy", "band_amplitude"):
        return Deciding(value, 0.0, trace.power_w.size * trace.dt_s)
    if rule.measure == "band_range":
        return _of_band(rule, trace, value)
    if rule.measure == "ramp":
        power, first = candidates.with_surroundings(rule, trace, power, dt)
        lag = given(rule.lag)
        return _of_range(power, dt, lag, value * lag, value, rule.limit_si * lag, -first * dt)
    return _of_range(power, dt, given(rule.window), value * over, value, rule.limit_si * over, 0.0)


def _of_range(
    values: Array, dt_s: float, window_s: float, found: float, value: float, allowed: float, start_s: float
) -> Deciding:
    """Return the window whose range is the one found; of several the first."""
    ranges = measures.window_ranges(values, dt_s, window_s)
    at = int(np.argmin(np.abs(ranges - found)))
    inside = values[at : at + values.size - ranges.size + 1]
    low, high = float(inside.min()), float(inside.max())
    until = start_s + (at + inside.size - 1) * dt_s
    return Deciding(value, start_s + at * dt_s, until, (low, high), (low + allowed,))


def _of_band(rule: Rule, trace: Trace, value: float) -> Deciding:
    low, high = given(rule.band)
    inside = measures.band_part(trace.power_w, trace.dt_s, low, high)
    skipped = (trace.power_w.size - inside.size) // 2
    ends = sorted((int(inside.argmin()) + skipped, int(inside.argmax()) + skipped))
    return Deciding(value, ends[0] * trace.dt_s, ends[1] * trace.dt_s)


def deciding_voltage(rule: Rule, voltage_pu: Array, dt_s: float) -> Deciding:
    """Return where a rule on voltage is decided; flicker is one of the whole time that its standard observes.

    Raises
    ------
    InputError, NotJudgedError
        If the record cannot be judged by the rule.
    """
    value = candidates.of_voltage(rule, voltage_pu, dt_s)
    if rule.measure in ("flicker", "flicker_long"):
        return Deciding(value, 0.0, OBSERVATION_S if rule.measure == "flicker" else LONG_S)
    lasting = 0.0 if rule.measure == "voltage_dip" else rule.lasting or 0.0
    usual = float(np.median(voltage_pu))
    low, high = measures.lasting_extremes(voltage_pu, dt_s, lasting)
    upwards = rule.measure == "max_voltage" or (rule.measure == "voltage_change" and high - usual > usual - low)
    at, span = measures.lasting_at(voltage_pu, dt_s, lasting, upwards)
    relative = rule.measure in ("voltage_dip", "voltage_change")
    limit = usual * (1.0 + rule.limit_si if upwards else 1.0 - rule.limit_si) if relative else rule.limit_si
    return Deciding(value, at * dt_s, (at + span) * dt_s, (high if upwards else low,), (limit,))


def deciding_frequency(rule: Rule, response: PlantResponse) -> Deciding:
    """Return where a rule on frequency, or on the recovery of the voltage, is decided in a response.

    Raises
    ------
    InputError, NotJudgedError
        If the response cannot be judged by the rule.
    """
    value = candidates.of_frequency(rule, response)
    frequency, dt = response.frequency_hz, response.dt_s
    if rule.measure in ("min_frequency", "max_frequency", "transient_dip", "transient_rise"):
        down = rule.measure in ("min_frequency", "transient_dip")
        at = int(frequency.argmin() if down else frequency.argmax())
        limit = rule.limit_si
        if rule.measure.startswith("transient"):
            change = limit * island.nominal_hz(response)
            limit = island.before_hz(response) + (-change if down else change)
        return Deciding(value, at * dt, at * dt, (float(frequency[at]),), (limit,))
    if rule.measure == "rocof":
        lag = max(1, round(given(rule.window) / dt))
        at = int(np.abs(frequency[lag:] - frequency[:-lag]).argmax())
        first, last = float(frequency[at]), float(frequency[at + lag])
        change = rule.limit_si * lag * dt
        allowed = first + (change if last > first else -change)
        return Deciding(value, at * dt, (at + lag) * dt, (min(first, last), max(first, last)), (allowed,))
    return _of_time(rule, response, value)


def _of_time(rule: Rule, response: PlantResponse, value: float) -> Deciding:
    """Return from when to when a record is outside a band."""
    values, dt = response.frequency_hz, response.dt_s
    if rule.measure == "time_outside":
        band = given(rule.band)
        outside = np.flatnonzero((values < band[0]) | (values > band[1]))
        return Deciding(value, *_ends(outside, dt), allowed=band)
    if rule.measure == "voltage_recovery_time":
        values, width = response.voltage_pu, given(rule.tolerance)
    else:
        width = given(rule.tolerance) * island.nominal_hz(response)
    settled = island.settled_at(values)
    left = np.flatnonzero(np.abs(values - values[0]) > width)
    begin = int(left[0]) * dt if left.size else 0.0
    return Deciding(value, begin, begin + value, allowed=(settled - width, settled + width))


def _ends(inside: NDArray[np.int64], dt_s: float) -> tuple[float, float]:
    return (float(inside[0]) * dt_s, float(inside[-1] + 1) * dt_s) if inside.size else (0.0, 0.0)
