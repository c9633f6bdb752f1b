"""A simulated and a measured waveform of a training job on one scale: percentiles, spectrum, period and dips."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.limits import band_table
from clustersim.limits.definitions import BAND_HZ
from clustersim.power.trace import PowerTrace, resampled
from clustersim.study.it_power import Pool, steady_window
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace

Array = NDArray[np.float64]

PERCENTILES = (10, 25, 50, 75, 90, 99)
DIP = 0.35
"""Below this share of the range a reading is in a dip; between the levels of exchange and of compute. [-]"""


@dataclass(frozen=True)
class Features:
    """What a waveform on the scale from 0, idle, to 1, its highest reading, is like."""

    percentiles: tuple[float, ...]
    """At :data:`PERCENTILES`."""
    energy_rectangular: float
    """Share of the energy of the swings in :data:`BAND_HZ`, rectangular window."""
    energy_hann: float
    period_s: float
    """Mean time between the starts of two long dips."""
    period_spread_s: float
    """Standard deviation of that time."""
    deep_s: float
    """Mean length of the long dips."""
    deep_level: float
    """Mean power in them."""
    short_s: float
    """Mean length of the short dips; 0 where there is none."""
    short_lowest: float
    """Mean of their lowest readings; NaN where there is none."""
    short_after_s: float
    """Mean time from the start of a long dip to the start of the next short one; NaN where there is none."""


@dataclass(frozen=True)
class Dip:
    """A stretch below :data:`DIP`."""

    start_s: float
    length_s: float
    mean: float
    lowest: float


def on_scale(power_w: Array, idle_w: float, idle_ratio: float) -> Array:
    """Return power on the scale of a min-max trace: ``(P - idle) / (idle / ratio - idle)``.

    Parameters
    ----------
    power_w : array
        Power at the servers' inputs. [W]
    idle_w : float
        The same when the job has ended. [W]
    idle_ratio : float
        Idle power of a server over its highest reading. [-]

    Raises
    ------
    InputError
        If the ratio is not between 0 and 1.
    """
    if not 0.0 < idle_ratio < 1.0:
        raise InputError(f"idle ratio: expected a number between 0 and 1, got {idle_ratio:g}")
    return np.asarray((power_w - idle_w) / (idle_w / idle_ratio - idle_w), dtype=np.float64)


def dips(level: Array, dt_s: float) -> tuple[Dip, ...]:
    """Return the stretches below :data:`DIP` that begin and end within the record."""
    below = level < DIP
    turns = np.flatnonzero(np.diff(below.astype(np.int8))) + 1
    if below[0]:
        turns = turns[1:]
    pairs = turns[: turns.size // 2 * 2].reshape(-1, 2)
    return tuple(
        Dip(float(a * dt_s), float((b - a) * dt_s), float(level[a:b].mean()), float(level[a:b].min())) for a, b in pairs
    )


def features(level: Array, dt_s: float) -> Features:
    """Return the features of a waveform on the scale of :func:`on_scale`.

    Dips that are at least half as long as the longest are long ones, one in every iteration; all others are short.

    Parameters
    ----------
    level : array, shape (samples,)
        Power on that scale. [-]
    dt_s : float
        Sample spacing. [s]

    Raises
    ------
    InputError
        If there are fewer than three long dips, so that no period can be told.
    """
    found = dips(level, dt_s)
    longest = max((dip.length_s for dip in found), default=0.0)
    deep = [dip for dip in found if dip.length_s >= 0.5 * longest]
    short = [dip for dip in found if dip.length_s < 0.5 * longest]
    if len(deep) < 3:
        raise InputError(f"waveform: expected at least 3 dips below {DIP:g} of the range, found {len(deep)}")
    starts = np.array([dip.start_s for dip in deep])
    periods = np.diff(starts)
    after = [dip.start_s - starts[starts < dip.start_s][-1] for dip in short if (starts < dip.start_s).any()]
    ((plain, hann),) = band_table(level, dt_s, [BAND_HZ])

    def mean(values: list[float]) -> float:
        return float(np.mean(values)) if values else float("nan")

    return Features(
        percentiles=tuple(float(value) for value in np.percentile(level, PERCENTILES)),
        energy_rectangular=plain.energy,
        energy_hann=hann.energy,
        period_s=float(periods.mean()),
        period_spread_s=float(periods.std()),
        deep_s=mean([dip.length_s for dip in deep]),
        deep_level=mean([dip.mean for dip in deep]),
        short_s=mean([dip.length_s for dip in short]) if short else 0.0,
        short_lowest=mean([dip.lowest for dip in short]),
        short_after_s=mean(after),
    )


def table(found: Features, published: Features) -> str:
    """Return both side by side, a line for each feature."""
    rows = [
        (f"percentile {p}", mine, theirs)
        for p, mine, theirs in zip(PERCENTILES, found.percentiles, published.percentiles, strict=True)
    ]
    rows += [
        (item.name.replace("_", " "), getattr(found, item.name), getattr(published, item.name))
        for item in fields(Features)
        if item.name != "percentiles"
    ]
    lines = [f"{'':20} {'simulated':>10} {'published':>10} {'difference':>10}"]
    lines += [f"{name:20} {mine:10.3f} {theirs:10.3f} {mine - theirs:+10.3f}" for name, mine, theirs in rows]
    return "\n".join(lines)


def server_level(study: StepStudy, pool: Pool, dt_s: float, idle_ratio: float) -> tuple[Array, Array]:
    """Return 600 s of the power of all servers on the scale of :func:`on_scale`, and the starts of its steps [s].

    Every rank of the study's pool of steps, at the input of the servers' supplies, exact means over `dt_s`.

    Raises
    ------
    InputError
        If the place has several kinds of accelerator, whose servers have no common scale.
    """
    if len(study.place.power) != 1:
        raise InputError("waveform: expected a place with one kind of accelerator")
    device = study.place.power[0]
    steady = steady_window(study, pool, 0.0)
    count = float(study.plan.accelerators)
    trace = PowerTrace("steady", 0.0, steady.dt_s, device.server_w(steady.watts.sum(axis=0), count))
    idle_w = float(device.server_w(device.idle_w * count, count))
    return on_scale(resampled(trace, dt_s).watts, idle_w, idle_ratio), steady.steps_s


@dataclass(frozen=True)
class Phase:
    """Part of a step, by what the stages of the pipeline do in it. Seconds after the start of the step."""

    name: str
    from_s: float
    to_s: float


def phases(trace: StepTrace) -> tuple[Phase, ...]:
    """Return the phases of a breadth-first step, one after the other; edges are medians over the replicas.

    Raises
    ------
    InputError
        If the step has another schedule, whose forwards and backwards take turns.
    """
    schedule = trace.timing.schedule
    forwards = int((schedule.kind[0] == 0).sum())
    if (schedule.kind[:, :forwards] != 0).any():
        raise InputError("job.plan.schedule: expected breadth_first, whose forwards all come before its backwards")
    shape = (-1, schedule.stages, schedule.per_stage)
    start, end = (np.median(array.reshape(shape), axis=0) for array in (trace.start_s, trace.end_s))
    edges = (
        ("host", 0.0),
        ("fill", float(start[:, 0].min())),
        ("forwards", float(start[:, 0].max())),
        ("turn", float(end[:, forwards - 1].min())),
        ("backwards", float(start[:, forwards].max())),
        ("drain", float(end[:, -1].min())),
        ("reduce gradients", float(end[:, -1].max())),
        ("optimizer", trace.optimizer_start_s),
        ("gather weights", float(trace.optimizer_end_s.max())),
    )
    ends = (*(at for _, at in edges[1:]), trace.iteration_time_s)
    return tuple(Phase(name, begin, until) for (name, begin), until in zip(edges, ends, strict=True))
