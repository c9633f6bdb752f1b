"""What a rule finds in the evidence: the windows of a site, each with its measurement."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from clustersim import catalog
from clustersim.limits import island, measures
from clustersim.limits.definitions import meter_means
from clustersim.limits.errors import NotJudgedError
from clustersim.limits.evidence import Evidence, Trace
from clustersim.limits.flicker import LONG_S, OBSERVATION_S, long_term_severity, short_term_severity
from clustersim.limits.spec import MEASURES, Rule, given
from clustersim.plant.records import PlantResponse
from clustersim.power.spectrum import band_shares

PERIODS_IN_RECORD = 10.0
"""A spectral share needs a record of this many periods of the lowest frequency. [-]"""
NO_VOLTAGE = "no voltage: give a grid-parallel plant response or a voltage record"
NO_GRID = "no response beside the grid: the plant was not run with one"
NO_ISLAND = "no island response: the plant was not run as an island"


class Found(NamedTuple):
    """A window and what was measured in it, in SI."""

    window: str
    value: float


def _resolved(trace: Trace, shortest_s: float) -> None:
    """Refuse what the sensor cannot show: the shortest time of a rule must hold two of its averages."""
    windows = catalog.entry("traces", "sensor").si("windows")
    if trace.sensor_s * windows > shortest_s * (1.0 + 1e-9):
        raise NotJudgedError(
            f"sensor averages over {trace.sensor_s:g} s; {shortest_s:g} s needs {shortest_s / windows:g} s or finer"
        )


def _sampled(trace: Trace, shortest_s: float) -> None:
    if trace.dt_s > shortest_s * (1.0 + 1e-9):
        raise NotJudgedError(f"needs samples every {shortest_s:g} s or finer, got {trace.dt_s:g} s")


def _ramp(rule: Rule, trace: Trace) -> float:
    power, dt = meter_means(trace.power_w, trace.dt_s)
    lag = given(rule.lag)
    _sampled(trace, lag)
    _resolved(trace, lag)
    # Any change within the time counts: the difference over exactly 60 s is zero for a swing that repeats every 20 s.
    return measures.sliding_range(with_surroundings(rule, trace, power, dt)[0], dt, lag) / lag


def with_surroundings(
    rule: Rule, trace: Trace, power_w: NDArray[np.float64], dt_s: float
) -> tuple[NDArray[np.float64], int]:
    """Return the power that a ramp is looked for in, and how many samples of it lie before the trace.

    Beyond a window around an event that is short beside the time of the rule the power is taken to be settled.
    """
    lag = given(rule.lag)
    if trace.steady or power_w.size * dt_s > 2.0 * lag:
        return power_w, 0
    count = round(lag / dt_s) + 1
    before = power_w[0] if trace.before_w is None else trace.before_w
    after = power_w[-1] if trace.settled_w is None else trace.settled_w
    return np.concatenate([np.full(count, before), power_w, np.full(count, after)]), count


def _range(rule: Rule, trace: Trace) -> float:
    power, dt = meter_means(trace.power_w, trace.dt_s)
    return _recurring_range(rule, trace, power, dt)


def _step(rule: Rule, trace: Trace) -> float:
    return _recurring_range(rule, trace, trace.power_w, trace.dt_s)


def _recurring_range(rule: Rule, trace: Trace, power: NDArray[np.float64], dt: float) -> float:
    """Return the largest range within the rule's window that recurs more often than the rule allows. [W]"""
    window = given(rule.window)
    _sampled(trace, window)
    _resolved(trace, window)
    if rule.allowed_per_hour is None:
        return measures.sliding_range(power, dt, window)
    if not trace.steady:
        raise NotJudgedError("a single event says nothing about repetition: a steady record is needed")
    skip = math.ceil(rule.allowed_per_hour * power.size * dt / 3600.0 - 1e-9)
    return measures.repeated_range(power, dt, window, skip)


def _long_and_fine(trace: Trace, low: float, high: float) -> None:
    """Refuse a record that a band cannot be read from."""
    if not trace.steady:
        raise NotJudgedError("a steady record is needed")
    length = trace.power_w.size * trace.dt_s
    if length < PERIODS_IN_RECORD / low:
        raise NotJudgedError(f"needs a record of {PERIODS_IN_RECORD / low:g} s, got {length:g} s")
    if 0.5 / trace.dt_s < high * (1.0 - 1e-9):
        raise NotJudgedError(f"needs samples every {500.0 / high:g} ms or finer, got {trace.dt_s * 1e3:g} ms")
    _resolved(trace, 1.0 / high)


def _band(rule: Rule, trace: Trace) -> float:
    low, high = given(rule.band)
    _long_and_fine(trace, low, high)
    shares = trace.shares.get((low, high))
    if shares is None:
        shares = band_shares(trace.power_w, trace.dt_s, low, high)
    return shares.energy if rule.measure == "band_energy" else shares.amplitude


def _band_range(rule: Rule, trace: Trace) -> float:
    low, high = given(rule.band)
    _long_and_fine(trace, low, high)
    return measures.band_range(trace.power_w, trace.dt_s, low, high)


OF_POWER: dict[str, Callable[[Rule, Trace], float]] = {
    "ramp": _ramp,
    "range": _range,
    "band_energy": _band,
    "band_amplitude": _band,
    "band_range": _band_range,
    "step_change": _step,
}
OF_VOLTAGE = ("voltage_dip", "voltage_change", "min_voltage", "max_voltage", "flicker", "flicker_long")


def of_voltage(rule: Rule, voltage_pu: NDArray[np.float64], dt_s: float) -> float:
    """Return what a rule measures of a voltage at the point of interconnection."""
    if rule.measure in _VOLTAGE:
        return _VOLTAGE[rule.measure](voltage_pu, dt_s, rule.lasting or 0.0)
    short = rule.measure == "flicker"
    needed = OBSERVATION_S if short else LONG_S
    if voltage_pu.size * dt_s < needed * (1.0 - 1e-9):
        raise NotJudgedError(
            f"{'flicker' if short else 'long-term flicker'} needs a voltage record of {needed:g} s, "
            f"got {voltage_pu.size * dt_s:g} s"
        )
    severity = short_term_severity if short else long_term_severity
    return severity(voltage_pu, dt_s, given(rule.lamp))


_VOLTAGE: dict[str, Callable[[NDArray[np.float64], float, float], float]] = {
    "voltage_dip": lambda voltage_pu, _dt, _lasting: measures.voltage_dip(voltage_pu),
    "voltage_change": measures.voltage_change,
    "min_voltage": lambda voltage_pu, dt, lasting: measures.lasting_extremes(voltage_pu, dt, lasting)[0],
    "max_voltage": lambda voltage_pu, dt, lasting: measures.lasting_extremes(voltage_pu, dt, lasting)[1],
}


def _of_island_voltage(rule: Rule, response: PlantResponse) -> float:
    if np.ptp(response.voltage_pu) == 0.0:
        raise NotJudgedError(island.NO_VOLTAGE)
    return of_voltage(rule, response.voltage_pu, response.dt_s)


def of_frequency(rule: Rule, response: PlantResponse) -> float:
    """Return what a rule measures of the frequency of a response, or of the recovery of its voltage."""
    island.meant_for(rule, response)
    if rule.measure == "min_frequency":
        return float(response.frequency_hz.min())
    if rule.measure == "max_frequency":
        return float(response.frequency_hz.max())
    if rule.measure == "rocof":
        window = given(rule.window)
        if response.dt_s > window * (1.0 + 1e-9):
            raise NotJudgedError(f"needs samples every {window:g} s or finer, got {response.dt_s:g} s")
        return measures.max_rocof(response.frequency_hz, response.dt_s, window)
    return island.MEASURES[rule.measure](rule, response)


def _in_mode(rule: Rule, response: PlantResponse, usual: str) -> bool:
    return (rule.mode or usual) in (response.mode, "any")


Candidates = Iterator[tuple[str, Callable[[], float]]]


def candidates(rule: Rule, site: str, evidence: Evidence) -> Candidates:
    """Yield the windows of a site that the rule may look at, each with the measurement still to be made."""
    if MEASURES[rule.measure].observed:
        return _observed(rule, site, evidence)
    if rule.measure in OF_POWER:
        return _of_traces(rule, site, evidence)
    return _of_voltages(rule, site, evidence) if rule.measure in OF_VOLTAGE else _of_plant(rule, site, evidence)


def _of_traces(rule: Rule, site: str, evidence: Evidence) -> Candidates:
    strength = evidence.short_circuit_va.get(site)
    if rule.measure == "step_change" and strength is None:
        return
    over = 1.0 if rule.measure != "step_change" or strength is None else strength
    for trace in evidence.traces:
        if trace.site == site:
            yield trace.window, lambda trace=trace: OF_POWER[rule.measure](rule, trace) / over  # type: ignore[misc]


def _of_voltages(rule: Rule, site: str, evidence: Evidence) -> Candidates:
    beside_grid = (rule.mode or "grid_parallel") in ("grid_parallel", "any")
    known = [t for t in evidence.traces if t.site == site and t.voltage_pu is not None and beside_grid]
    for trace in known:
        yield trace.window, lambda trace=trace: of_voltage(rule, trace.voltage_pu, trace.dt_s)  # type: ignore[misc]
    seen = {id(trace.voltage_pu) for trace in known}
    for response in evidence.responses:
        if response.site != site or id(response.voltage_pu) in seen or not _in_mode(rule, response, "grid_parallel"):
            continue
        if response.mode == "island":
            yield response.window, lambda response=response: _of_island_voltage(rule, response)  # type: ignore[misc]
        else:
            yield (
                response.window,
                lambda response=response: of_voltage(rule, response.voltage_pu, response.dt_s),  # type: ignore[misc]
            )


def _of_plant(rule: Rule, site: str, evidence: Evidence) -> Candidates:
    for response in evidence.responses:
        if response.site == site and _in_mode(rule, response, "island"):
            yield response.window, lambda response=response: of_frequency(rule, response)  # type: ignore[misc]


def _observed(rule: Rule, site: str, evidence: Evidence) -> Candidates:
    found = [item for item in evidence.observations if item.measure == rule.measure and item.site == site]
    if rule.curve:
        # What was found on the corners of this rule's curve; without a name it is taken to be of any curve.
        own = [item for item in found if rule.id in (item.rule, item.window)]
        found = own or [item for item in found if not item.rule]
    for seen in found:
        window = f"{seen.window}: {seen.detail}" if seen.detail else seen.window
        yield window, lambda seen=seen: seen.value  # type: ignore[misc]


def missing(rule: Rule, site: str, evidence: Evidence) -> str:
    """Return why a rule found no window at a site."""
    if MEASURES[rule.measure].observed:
        return f"nothing was found on {rule.measure}: the plant was not asked, or has none of it"
    if rule.measure == "step_change" and site not in evidence.short_circuit_va:
        return "no short-circuit power: the place has no grid, or a trace is judged alone"
    if rule.measure in OF_POWER:
        return "no power record"
    if rule.measure in OF_VOLTAGE:
        return NO_ISLAND if rule.mode == "island" else NO_VOLTAGE
    return NO_GRID if rule.mode == "grid_parallel" else NO_ISLAND
