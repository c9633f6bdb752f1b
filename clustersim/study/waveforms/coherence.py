"""How far ranks move together: the pairwise correlation of their power, by band and by what two ranks share."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clustersim.power.waveform import Binner
from clustersim.study.it_power import EVENT_DT_S, tables
from clustersim.study.step import StepStudy

Floats = NDArray[np.float64]

BANDS_HZ = ((0.0, 1.0), (1.0, 10.0), (10.0, 100.0))
UNITS, LEAST_S = 24, 20.0
"""Units that are looked at, and for how long. [-], [s]"""


@dataclass(frozen=True)
class Coherence:
    """Mean correlation of the power of two ranks, 1 for ranks in lock-step."""

    name: str
    """What the two share: all, stage (the same stage, other replicas) or replica (other stages)."""
    overall: float
    """Of the whole fluctuation."""
    fundamental: float
    """At the iteration frequency."""
    bands: tuple[float, ...]
    """In the bands of :data:`BANDS_HZ`."""


def pair_correlation(power_w: Floats, keep: NDArray[np.bool_] | None = None) -> float:
    """Return the mean pairwise correlation of loads, weighted by their standard deviations.

    ``rho = (|sum X_i|^2 / sum |X_i|^2 - 1) / (N - 1)`` summed over frequencies, which for equal variances is the rho of
    ``Var(sum) = N s^2 + N (N - 1) rho s^2`` (:func:`clustersim.power.trace.coherent_gain`).

    Parameters
    ----------
    power_w : ndarray, shape (loads, samples)
        Power. [W]
    keep : ndarray of bool, shape (samples // 2 + 1,), optional
        Frequencies that count; all but 0 when absent.

    Returns
    -------
    float
        NaN where the loads do not move in these frequencies or there is only one.
    """
    spectrum = np.fft.rfft(power_w - power_w.mean(axis=1, keepdims=True), axis=1)
    chosen = spectrum[:, 1:] if keep is None else spectrum[:, keep]
    apart = float((np.abs(chosen) ** 2).sum())
    together = float((np.abs(chosen.sum(axis=0)) ** 2).sum())
    scale = float((power_w**2).sum()) * power_w.shape[1]
    if power_w.shape[0] < 2 or apart <= 1e-20 * scale:
        return float("nan")
    return float((together / apart - 1.0) / (power_w.shape[0] - 1.0))


def unit_waveforms(study: StepStudy, steps: int, units: NDArray[np.int64]) -> tuple[Floats, float]:
    """Return the power of every stage of some units over steps drawn anew, at 1 ms, and the mean iteration time [s].

    Shape (stages, units, samples), [W]. The first step is left out.
    """
    traces = [study.trace(index) for index in range(steps + 1)]
    seconds = np.array([trace.iteration_time_s for trace in traces])
    starts = np.concatenate([[0.0], np.cumsum(seconds)])
    bins = int(starts[-1] / EVENT_DT_S)
    skip = int(np.ceil(starts[1] / EVENT_DT_S))
    table, stages = tables(study), study.plan.pipeline
    # every unit is a node of its own
    fleet = study.fleet
    node = np.zeros(fleet.unit_class.size, dtype=np.int64)
    node[units] = np.arange(units.size)
    found = np.empty((stages, units.size, bins - skip))
    for stage in range(stages):
        share = np.zeros((fleet.unit_class.size, stages))
        share[units, stage] = 1.0
        alone = replace(fleet, unit_node=node)
        binner = Binner(table, alone, stages, units.size, bins, EVENT_DT_S, share)
        for trace, start in zip(traces, starts, strict=False):
            binner.add_step(trace, float(start), units=units)
        found[stage] = binner.finish()[0][:, skip:]
    return found, float(seconds[1:].mean())


def coherence(study: StepStudy, seconds: float = LEAST_S, most_units: int = UNITS) -> tuple[Coherence, ...]:
    """Return how the power of two ranks correlates: of any, of the same stage, and of the same replica.

    Ranks of one lock-step unit and stage move as one. Units are taken evenly over the fleet. What lowers the
    correlation is jitter (each unit draws its own) and the depth of the pipeline (stages begin and end at other
    times); the reduction, in which all wait for the last, brings them together again.
    """
    count = study.fleet.unit_class.size
    units = np.unique(np.linspace(0, count - 1, min(count, most_units)).round().astype(np.int64))
    steps = max(4, int(np.ceil(seconds / study.quiet().iteration_time_s)))
    power, iteration = unit_waveforms(study, steps, units)
    stages, _, samples = power.shape
    hz = np.fft.rfftfreq(samples, EVENT_DT_S)
    lines = np.abs(hz * iteration - 1.0) < 0.5
    keeps = [lines, *((hz > low) & (hz <= high) for low, high in BANDS_HZ)]

    def record(name: str, groups: list[Floats]) -> Coherence:
        values = np.array([[pair_correlation(g), *(pair_correlation(g, keep) for keep in keeps)] for g in groups])
        known = np.array(
            [column[np.isfinite(column)].mean() if np.isfinite(column).any() else np.nan for column in values.T]
        )
        return Coherence(name, float(known[0]), float(known[1]), tuple(float(v) for v in known[2:]))

    return (
        record("all", [power.reshape(-1, samples)]),
        record("stage", [power[stage] for stage in range(stages)]),
        record("replica", [power[:, unit] for unit in range(units.size)]),
    )
