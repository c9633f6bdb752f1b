"""Coherent events of a job as windows of power: its start, its pauses, its evaluations, all halls starting again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustersim.operation import EVENT_AT_S, EVENT_S, Timeline, Window
from clustersim.power.waveform import Binner
from clustersim.study.horizon import QUIET
from clustersim.study.it_power import (
    EVENT_DT_S,
    LEAST_STEPS,
    STARTS,
    HallPower,
    Pool,
    crash_window,
    restart_window,
    state_w,
    tables,
)
from clustersim.study.site_power import SitePower, site_it_w, site_power, training_it_w
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace, forward_timing
from clustersim.training.simulate import simulate_step

States = tuple[tuple[str, float], ...]
"""States of the timeline, each with the time in the window at which it begins. [s]"""


def event_windows(study: StepStudy, pool: Pool, timeline: Timeline, steady: SitePower) -> tuple[SitePower, ...]:
    """Return the power of every event of the timeline that is looked at, in the timeline's order.

    Parameters
    ----------
    study, pool
        The step, and independent jittered runs of it.
    timeline : Timeline
        Says which events there are, and when.
    steady : SitePower
        The steady window; what storage had settled on before an event in training.
    """
    found = []
    for window in timeline.windows:
        build = BUILDERS.get(window.name)
        hall = None if build is None else build(study, pool, timeline, window)
        if hall is None:
            continue
        before = training_it_w(steady)
        if window.name in STARTS:
            before = site_it_w(study, state_w(study, _states_before(timeline, window)[0][0]))
        found.append(site_power(study, hall, before, pool.iteration_time_s))
    return tuple(found)


def evaluation_it_w(study: StepStudy, windows: tuple[SitePower, ...]) -> dict[str, float] | None:
    """Return the mean IT power of every site in the window's evaluation, its pause included; None without one. [W]"""
    asked = study.scenario.operation.evaluation
    power = next((found for found in windows if found.window == "evaluation"), None)
    if asked is None or power is None:
        return None
    begin, end = (round(t / EVENT_DT_S) for t in (EVENT_AT_S, min(EVENT_AT_S + asked.duration, EVENT_S)))
    return {site: float(power.waveform.power(f"{site}/it")[begin:end].mean()) for site in study.place.topology.site}


def _crash(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    table = timeline.table
    rows = table[(table["state"] == "detect") & ((table["t_start_s"] - window.event_s).abs() < 1e-6)]
    # no time passes where the job is stopped at once
    detection = float(rows.iloc[0]["t_end_s"] - rows.iloc[0]["t_start_s"]) if len(rows) else 0.0
    return crash_window(study, pool, window.event_s - EVENT_AT_S, window.cause, detection)


def _restart(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    before = _states_before(timeline, window)
    return restart_window(study, pool, window.event_s - EVENT_AT_S, window.cause, before)


def _job_start(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    # steps other than those of a restart
    others = Pool(pool.traces[1:] + pool.traces[:1])
    hall = restart_window(study, others, -EVENT_AT_S, window.cause, _states_before(timeline, window))
    return replace(hall, window=window.name)


def _checkpoint(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    begin, end = _row(timeline, window)
    return checkpoint_window(study, pool, window.event_s - EVENT_AT_S, window.cause, end - begin)


def _evaluation(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    asked = study.scenario.operation.evaluation
    pause = 0.0 if asked is None else asked.pause
    begin, end = _row(timeline, window)
    return evaluation_window(study, pool, window.event_s - EVENT_AT_S, window.cause, end - begin, pause)


def _storm(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower | None:
    spacing = study.scenario.operation.restart_spacing
    if spacing is None:
        return None
    return storm_window(
        study, pool, window.event_s - EVENT_AT_S, window.cause, _states_before(timeline, window), spacing
    )


BUILDERS: dict[str, Callable[[StepStudy, Pool, Timeline, Window], HallPower | None]] = {
    "crash": _crash,
    "restart": _restart,
    "job_start": _job_start,
    "checkpoint": _checkpoint,
    "evaluation": _evaluation,
    "restart_storm": _storm,
}


def _row(timeline: Timeline, window: Window) -> tuple[float, float]:
    """Return begin and end of the row of the timeline that begins with the event. [s]"""
    table = timeline.table
    row = table[(table["t_start_s"] - window.event_s).abs() < 1e-6].iloc[0]
    return float(row["t_start_s"]), float(row["t_end_s"])


def _states_before(timeline: Timeline, window: Window) -> States:
    """Return the states without training that lead to a start.

    Where the job still trained at the beginning of the window, the state after that is taken from there on. What leads
    to the first start is not in the table: the fleet idles, then the ranks load the weights.
    """
    if window.name == "job_start":
        load = EVENT_AT_S - timeline.first_load_s
        return (("restart", 0.0), ("reload", load)) if load > 0.0 else (("reload", 0.0),)
    table, begin = timeline.table, window.event_s - EVENT_AT_S
    inside = table[(table["t_end_s"] > begin) & (table["t_start_s"] < window.event_s - 1e-6)]
    inside = inside[inside["state"].isin(QUIET)]
    rows = [(str(state), float(t) - begin) for state, t in zip(inside["state"], inside["t_start_s"], strict=True)]
    return ((rows[0][0], 0.0), *rows[1:])


def checkpoint_window(study: StepStudy, pool: Pool, t0_s: float, cause: str, blocking_s: float) -> HallPower:
    """Return 60 s at 1 ms in which training stops for a checkpoint of `blocking_s` after a whole step.

    The ranks stall with their context; floors and fills of the device act as in any gap of a step.
    """
    steps = training(pool, _order(study, 3))
    parts = [stall(pool.traces[0], blocking_s)]
    after = "train" if blocking_s < EVENT_S - EVENT_AT_S else "checkpoint"
    return replace(_in_training(study, steps, parts, "checkpoint", t0_s, cause), after=after)


def evaluation_window(
    study: StepStudy, pool: Pool, t0_s: float, cause: str, duration_s: float, pause_s: float = 0.0
) -> HallPower:
    """Return 60 s at 1 ms in which training stops for an evaluation after a whole step.

    Without optimizer and backward passes, the ranks run batches of the step's forward passes one after the other.
    """
    parts = evaluation(pool, forward_passes(study), _order(study, 4), duration_s, pause_s)
    hall = _in_training(study, training(pool, _order(study, 5)), parts, "evaluation", t0_s, cause)
    return replace(hall, after="train" if duration_s < EVENT_S - EVENT_AT_S else "evaluation")


def storm_window(study: StepStudy, pool: Pool, t0_s: float, cause: str, before: States, spacing_s: float) -> HallPower:
    """Return a window at 1 ms in which all halls start to train again, each `spacing_s` after the one before it.

    The halls do not wait for one another, as if each had a job of its own; each repeats what it does when all start at
    the same instant, which is a spacing of zero. The window is longer than 60 s by the time between the first start and
    the last.
    """
    halls = len(study.place.nodes)
    late = [round(hall * spacing_s / EVENT_DT_S) for hall in range(halls)]
    at_once = restart_window(study, pool, t0_s, cause, before, EVENT_S + late[-1] * EVENT_DT_S)
    watts = at_once.watts
    rows = [np.concatenate((np.full(n, row[0]), row[: row.size - n])) for n, row in zip(late, watts, strict=True)]
    return replace(at_once, window="restart_storm", watts=np.stack(rows))


def training(pool: Pool, rng: np.random.Generator) -> Iterator[StepTrace]:
    """Yield the steps of the pool in random order, without end."""
    while True:
        yield from (pool.traces[index] for index in rng.permutation(len(pool.traces)))


def forward_passes(study: StepStudy, count: int = LEAST_STEPS) -> tuple[StepTrace, ...]:
    """Return independent runs of the step's forward passes alone, one batch of the training step each."""
    timing = forward_timing(study.timing)
    return tuple(
        simulate_step(timing, study.fleet, study.jitter, study.slow, int(study.keys[-1 - index]))
        for index in range(count)
    )


def evaluation(
    pool: Pool, passes: tuple[StepTrace, ...], rng: np.random.Generator, duration_s: float, pause_s: float = 0.0
) -> list[StepTrace]:
    """Return what the ranks do in an evaluation: a pause, then batches of forward passes; the last one is cut short."""
    parts = [stall(pool.traces[0], pause_s)] if pause_s > 0.0 else []
    left = duration_s - pause_s
    while left > 0.0:
        trace = passes[int(rng.integers(len(passes)))]
        parts.append(trace if trace.iteration_time_s <= left else cut(trace, left))
        left -= trace.iteration_time_s
    return parts


def stall(trace: StepTrace, seconds: float) -> StepTrace:
    """Return `seconds` in which the ranks wait: a step whose operations take no time and begin at its end."""
    return replace(
        _all_at(trace, np.full_like(trace.start_s, seconds), np.full_like(trace.end_s, seconds), seconds),
        breakdown={"bubble": seconds},
    )


def cut(trace: StepTrace, seconds: float) -> StepTrace:
    """Return a step without update, forward passes or a stall, that ends for all ranks after `seconds`."""
    return _all_at(trace, np.minimum(trace.start_s, seconds), np.minimum(trace.end_s, seconds), seconds)


def _all_at(trace: StepTrace, start_s: NDArray[np.float64], end_s: NDArray[np.float64], seconds: float) -> StepTrace:
    """Return a step with other operations that is over, for all ranks and without an update, after `seconds`."""
    return replace(
        trace,
        start_s=start_s,
        end_s=end_s,
        reduce_start_s=np.full_like(trace.reduce_start_s, seconds),
        reduce_end_s=np.full_like(trace.reduce_end_s, seconds),
        optimizer_start_s=seconds,
        optimizer_end_s=np.full_like(trace.optimizer_end_s, seconds),
        iteration_time_s=seconds,
    )


def play(binner: Binner, parts: Iterable[StepTrace], start_s: float, until_s: float = np.inf) -> list[float]:
    """Add one part after the other until `until_s` is passed; return their starts and the last end. [s]"""
    starts = [start_s]
    for part in parts:
        if starts[-1] >= until_s:
            break
        binner.add_step(part, starts[-1])
        starts.append(starts[-1] + part.iteration_time_s)
    return starts


def lead(steps: Iterator[StepTrace], until_s: float) -> tuple[list[StepTrace], float]:
    """Return steps that end at `until_s` and begin at or before 0, and when the first of them begins. [s]"""
    found = [next(steps)]
    begin = until_s - found[0].iteration_time_s
    while begin > 0.0:
        found.append(next(steps))
        begin -= found[-1].iteration_time_s
    return found, begin


def _in_training(
    study: StepStudy, steps: Iterator[StepTrace], parts: list[StepTrace], name: str, t0_s: float, cause: str
) -> HallPower:
    """Return the window in which `parts` stand between steps, from 20 s on."""
    first, begin = lead(steps, EVENT_AT_S)
    # what is drawn before the window is binned too, so that the devices have settled where it begins
    early = math.ceil(-begin / EVENT_DT_S)
    shift, halls = early * EVENT_DT_S, len(study.place.nodes)
    bins = early + round(EVENT_S / EVENT_DT_S)
    binner = Binner(tables(study), study.fleet, study.plan.pipeline, halls, bins, EVENT_DT_S)
    starts = play(binner, first, shift + begin)
    event = play(binner, parts, shift + EVENT_AT_S, shift + EVENT_S)
    starts += play(binner, steps, event[-1], shift + EVENT_S)
    drawn, burned, kept_off, *_ = binner.energy.sum(axis=0)
    return HallPower(
        window=name,
        cause=cause,
        t0_s=t0_s,
        dt_s=EVENT_DT_S,
        event_s=EVENT_AT_S,
        watts=binner.finish()[0][:, early:],
        steps_s=np.array([t - shift for t in starts if t >= shift]),
        burned_share=float(burned / drawn),
        cut_share=float(kept_off / drawn),
    )


def _order(study: StepStudy, draw: int) -> np.random.Generator:
    return np.random.default_rng([study.scenario.seed, 0x5EED, draw])
