"""Transients of frequency as ISO 8528-5 defines them, and time outside a band, measured on a plant response."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from clustersim.limits.errors import NotJudgedError
from clustersim.limits.spec import Rule, given
from clustersim.plant.records import PlantResponse

NOMINAL_HZ = (50.0, 60.0)
"""Nominal frequencies of public networks; the one nearest to where a response starts is its own. [Hz]"""
FAR = 0.2
"""Distance of a limit from the nominal frequency, over it, beyond which it is meant for another system. [-]"""
SETTLED_SHARE = 0.1
"""Last share of a window that stands for the settled state. [-]"""
NO_VOLTAGE = "the island's voltage was not simulated: its regulators are taken to hold it"
DRIFT = 0.1
"""Difference of its mean from that of the tenth before, over the half-width of the band, that counts as settled. [-]"""


def nominal_hz(response: PlantResponse) -> float:
    """Return the nominal frequency of a response. [Hz]"""
    usual = before_hz(response)
    return min(NOMINAL_HZ, key=lambda nominal: abs(nominal - usual))


def meant_for(rule: Rule, response: PlantResponse) -> None:
    """Refuse a limit on frequency that a site at its nominal frequency would break, or that lies far from it.

    Raises
    ------
    NotJudgedError
        If the rule is for systems of another nominal frequency.
    """
    nominal = nominal_hz(response)
    low, high = rule.band or (0.0, np.inf)
    if rule.measure in ("min_frequency", "max_frequency"):
        broken = nominal < rule.limit_si if rule.comparison == "at_least" else nominal > rule.limit_si
        other = broken or abs(rule.limit_si / nominal - 1.0) > FAR
    else:
        other = rule.measure == "time_outside" and not low <= nominal <= high
    if other:
        raise NotJudgedError(f"the rule is for another nominal frequency than the {nominal:g} Hz of the site")


def before_hz(response: PlantResponse) -> float:
    """Return the frequency that a transient starts from: the first sample; in lasting operation the median. [Hz]"""
    if response.window == "steady":
        return float(np.median(response.frequency_hz))
    return float(response.frequency_hz[0])


def transient_dip(rule: Rule, response: PlantResponse) -> float:  # noqa: ARG001 (one signature for all)
    """Return ``(f before - min f) / f nominal``. [-]"""
    return max(0.0, before_hz(response) - float(response.frequency_hz.min())) / nominal_hz(response)


def transient_rise(rule: Rule, response: PlantResponse) -> float:  # noqa: ARG001
    """Return ``(max f - f before) / f nominal``. [-]"""
    return max(0.0, float(response.frequency_hz.max()) - before_hz(response)) / nominal_hz(response)


def recovery_band_time(rule: Rule, response: PlantResponse) -> float:
    """Return the time from leaving the band around the frequency before to staying in that around the settled one. [s]

    The band is ``+- tolerance x f nominal``; the settled frequency is the mean of the last tenth of the window.

    Raises
    ------
    NotJudgedError
        If the window is of lasting operation, or the frequency has not settled at its end and the time so far keeps
        the limit.
    """
    return _recovery_s(rule, response, response.frequency_hz, given(rule.tolerance) * nominal_hz(response), "frequency")


def voltage_recovery_time(rule: Rule, response: PlantResponse) -> float:
    """Return the same time of the voltage, with a band of ``+- tolerance`` of nominal. [s]

    Raises
    ------
    NotJudgedError
        As for the frequency, or if the voltage of an island was not simulated.
    """
    if response.mode == "island" and np.ptp(response.voltage_pu) == 0.0:
        raise NotJudgedError(NO_VOLTAGE)
    return _recovery_s(rule, response, response.voltage_pu, given(rule.tolerance), "voltage")


def settled_at(values: NDArray[np.float64]) -> float:
    """Return the level on which a record settles: the mean of its last tenth."""
    return float(values[-max(1, round(SETTLED_SHARE * values.size)) :].mean())


def _recovery_s(rule: Rule, response: PlantResponse, values: NDArray[np.float64], width: float, what: str) -> float:
    if response.window == "steady":
        raise NotJudgedError("lasting operation has no single transient to recover from: an event is needed")
    left = np.flatnonzero(np.abs(values - values[0]) > width)
    if not left.size:
        return 0.0
    tail = max(1, round(SETTLED_SHARE * values.size))
    settled = settled_at(values)
    drift = abs(settled - float(values[-2 * tail : -tail].mean()))
    outside = np.flatnonzero(np.abs(values - settled) > width)
    end = int(outside[-1]) + 1 if outside.size else int(left[0])
    elapsed = max(0, end - int(left[0])) * response.dt_s
    if (end > values.size - tail or drift > DRIFT * width) and elapsed <= rule.limit_si:
        raise NotJudgedError(f"the {what} has not settled at the end of the window, {elapsed:g} s after it left")
    return elapsed


def time_outside(rule: Rule, response: PlantResponse) -> float:
    """Return the total time that the frequency spends outside the rule's band. [s]

    Raises
    ------
    NotJudgedError
        If it is outside at the end of the window and the time so far keeps the limit.
    """
    low, high = given(rule.band)
    outside = (response.frequency_hz < low) | (response.frequency_hz > high)
    total = float(np.count_nonzero(outside)) * response.dt_s
    if outside[-1] and total <= rule.limit_si:
        raise NotJudgedError(f"the frequency is still outside at the end of the window, after {total:g} s")
    return total


MEASURES: Mapping[str, Callable[[Rule, PlantResponse], float]] = {
    "transient_dip": transient_dip,
    "transient_rise": transient_rise,
    "recovery_band_time": recovery_band_time,
    "voltage_recovery_time": voltage_recovery_time,
    "time_outside": time_outside,
}
"""Measure of a rule -> how it is taken."""
