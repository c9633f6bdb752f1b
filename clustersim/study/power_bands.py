"""How the bands of the catalog's levels show in the power of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from clustersim.limits.definitions import meter_means
from clustersim.power.device import BANDS
from clustersim.power.supplies import Bound
from clustersim.power.waveform import Binner, PowerTables
from clustersim.study.it_power import tables
from clustersim.study.places.place import place_power
from clustersim.study.shared import content_key, shared
from clustersim.study.site.it_storage import has_it_storage
from clustersim.study.site.power import hall_it_w
from clustersim.study.step import StepStudy
from clustersim.training.records import ACTIVITIES, StepTrace

Floats = NDArray[np.float64]
Correlation = Literal["independent", "full"]
STEP_DT_S = 1e-3
INSIDE = (*ACTIVITIES, "time_constant")
"""What moves the power that accelerators draw in a step."""
KEYS = ("mean", "peak", "trough", "swing")
WINDOW_S = 20.0
"""Length over which the step is repeated for the figures of the summary, so that bins fall on it in many ways. [s]"""
MW = 1e6


@dataclass(frozen=True)
class PowerBands:
    """Power of one step at the input of the supplies of all sites, network included, with the band of the levels."""

    times_s: Floats
    """Start of each bin; shape (samples,). [s]"""
    nominal_w: Floats
    """Bin means; shape (samples,). [W]"""
    low_w: Floats
    high_w: Floats
    figures: dict[str, tuple[float, float, float]]
    """Low, nominal and high of mean, peak, trough and swing of 100 ms means. [W]"""
    mean_change_w: dict[str, tuple[float, float]]
    """By level: what the low and the high end of its band change in the mean. [W]"""
    correlation: Correlation

    @property
    def widest(self) -> str:
        """The level whose band moves the mean most."""
        return max(self.mean_change_w, key=lambda name: max(abs(change) for change in self.mean_change_w[name]))


def power_bands(
    study: StepStudy, trace: StepTrace, correlation: Correlation = "independent", names: tuple[str, ...] = BANDS
) -> PowerBands:
    """Return the power of the step `trace` with its band.

    Parameters
    ----------
    study : StepStudy
        The step, its place and its damping in the devices.
    trace : StepTrace
        One jittered step; it follows itself.
    correlation : {"independent", "full"}
        See the notes.
    names : tuple of str
        The levels that are uncertain, of :data:`clustersim.power.device.BANDS`.

    Notes
    -----
    A level moves for all kinds of accelerators at once. `independent`: each level is moved to either end of its band
    while the others stay; what that changes, bin by bin and in each figure, is added in quadrature, falls and rises
    apart. `full`: all are at the end that lowers power, or all at the one that raises it (the time constant, which
    does neither, stays); power rises with every level, so that any draw of levels lies between. The durations of the
    step are those of the levels as stated, also under a power limit.
    """
    key = content_key(trace)
    drawn = _accelerator_w(study, trace, key)
    nominal = _it_w(study, trace, drawn)
    pairs = {}
    for name in names:
        low, high = _moved(study, {name: "low"}), _moved(study, {name: "high"})
        # what stands around the accelerators, and levels that no step has, leave what they draw as it is
        same = None if name in INSIDE else drawn
        pairs[name] = (_it_w(low, trace, same, key), _it_w(high, trace, same, key))
    here = _figures(nominal)
    if correlation == "full":
        moving = [name for name in names if name != "time_constant"]
        low_w = _it_w(_moved(study, {name: _end(name, "low") for name in moving}), trace, key=key)
        high_w = _it_w(_moved(study, {name: _end(name, "high") for name in moving}), trace, key=key)
        ends = _figures(low_w), here, _figures(high_w)
        figures = {key: (min(e[key] for e in ends), here[key], max(e[key] for e in ends)) for key in KEYS}
    else:
        waves = [(a - nominal, b - nominal) for a, b in pairs.values()]
        low_w, high_w = nominal - _below(waves), nominal + _above(waves)
        moved = [(_figures(a), _figures(b)) for a, b in pairs.values()]
        figures = {}
        for key in KEYS:
            changes = [(np.array(a[key] - here[key]), np.array(b[key] - here[key])) for a, b in moved]
            figures[key] = (here[key] - float(_below(changes)), here[key], here[key] + float(_above(changes)))
    return PowerBands(
        times_s=STEP_DT_S * np.arange(nominal.size, dtype=np.float64),
        nominal_w=nominal,
        low_w=low_w,
        high_w=high_w,
        figures=figures,
        mean_change_w={
            name: (float((a - nominal).mean()), float((b - nominal).mean())) for name, (a, b) in pairs.items()
        },
        correlation=correlation,
    )


def _end(name: str, end: Bound) -> Bound:
    """Return the end of a band that moves power to its `end`: efficient supplies draw less."""
    return end if name != "supply" else "high" if end == "low" else "low"


def _below(changes: list[tuple[Floats, Floats]]) -> Floats:
    """Return the falls among pairs of changes, in quadrature."""
    return np.sqrt(sum((np.minimum(np.minimum(a, b), 0.0) ** 2 for a, b in changes), np.zeros(())))


def _above(changes: list[tuple[Floats, Floats]]) -> Floats:
    """Return the rises among pairs of changes, in quadrature."""
    return np.sqrt(sum((np.maximum(np.maximum(a, b), 0.0) ** 2 for a, b in changes), np.zeros(())))


def _moved(study: StepStudy, bounds: dict[str, Bound]) -> StepStudy:
    """Return the study with some levels at an end of their band."""
    power = place_power(study.scenario.topology, study.scenario.job.precision, bounds)
    return replace(study, place=replace(study.place, power=power))


def _accelerator_w(study: StepStudy, trace: StepTrace, key: str | None = None) -> Floats:
    """Return the accelerators' power of every hall over a step that follows itself; bin means. [W]

    `key` is the digest of the step where it is known.
    """
    key = content_key(trace) if key is None else key
    table = tables(study)
    return shared("band", lambda: _binned(study, trace, table), key, table, len(study.place.nodes))


def _binned(study: StepStudy, trace: StepTrace, table: PowerTables) -> Floats:
    bins = math.ceil(trace.iteration_time_s / STEP_DT_S - 1e-9)
    binner = Binner(table, study.fleet, study.plan.pipeline, len(study.place.nodes), 2 * bins, STEP_DT_S)
    binner.add_step(trace, 0.0)
    binner.add_step(trace, bins * STEP_DT_S)
    watts, _ = binner.finish()
    return np.ascontiguousarray(watts[:, bins:])


def _it_w(study: StepStudy, trace: StepTrace, accelerator_w: Floats | None = None, key: str | None = None) -> Floats:
    """Return the IT power of all sites over the step, from what its accelerators draw if that is known. [W]"""
    drawn = _accelerator_w(study, trace, key) if accelerator_w is None else accelerator_w
    return np.asarray(hall_it_w(study, drawn).sum(axis=0) + sum(study.place.network_watts.values()))


def _figures(step_w: Floats) -> dict[str, float]:
    """Return mean, peak, trough and swing of 100 ms means of the step repeated. [W]"""
    times = math.ceil(WINDOW_S / (step_w.size * STEP_DT_S))
    power = meter_means(np.tile(step_w, times), STEP_DT_S)[0]
    peak, trough = float(power.max()), float(power.min())
    return {"mean": float(step_w.mean()), "peak": peak, "trough": trough, "swing": peak - trough}


def band_keys(study: StepStudy, trace: StepTrace, keys: dict[str, Any], reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys of the summary with the band of the IT power, and add to `reasons` why some have no value.

    The band is that of one step; it is laid around the figures of the steady window.

    Parameters
    ----------
    study : StepStudy
        The step.
    trace : StepTrace
        One jittered step.
    keys : dict
        The summary with `it_mean_mw`, `it_peak_mw`, `it_trough_mw` and `it_swing_mw`.
    reasons : dict
        Why keys have no value.
    """
    bands = power_bands(study, trace)
    found: dict[str, Any] = {}
    for name, (low, here, high) in bands.figures.items():
        value = keys[f"it_{name}_mw"]
        found[f"it_{name}_low_mw"] = max(value + (low - here) / MW, 0.0)
        found[f"it_{name}_high_mw"] = value + (high - here) / MW
        if has_it_storage(study) and name != "mean":
            for end in ("low", "high"):
                key = f"it_{name}_{end}_mw"
                found[key], reasons[key] = None, "storage in supplies or racks shapes it; the band is of the load below"
    return found | {"it_band_of": bands.widest}
