"""Coherent events of a job as windows of power: its start, its pauses, its evaluations, all halls starting again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import numpy as np

from clustersim.errors import InputError
from clustersim.operation import EVENT_AT_S, EVENT_S, Timeline, Window
from clustersim.power.waveform import Binner
from clustersim.study.course_windows import course_before_w, course_window, goes_on
from clustersim.study.event_parts import Part, evaluation, forward_passes, lead, play, stall, training
from clustersim.study.horizon import QUIET
from clustersim.study.it_power import (
    EVENT_DT_S,
    STARTS,
    HallPower,
    Pool,
    crash_window,
    restart_window,
    state_w,
    tables,
)
from clustersim.study.random_streams import Draw, window_draw
from clustersim.study.site.power import SitePower, site_it_w, site_power, training_it_w
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace

LONGEST_S = 600.0
"""Longest window at 1 ms. [s]"""
States = tuple[tuple[str, float], ...]
"""States of the timeline, each with the time in the window at which it begins. [s]"""


def event_windows(
    study: StepStudy, pool: Pool, timeline: Timeline, steady: SitePower, names: tuple[str, ...] | None = None
) -> tuple[SitePower, ...]:
    """Return the power of every event of the timeline that is looked at, in the timeline's order.

    Parameters
    ----------
    study, pool
        The step, and independent jittered runs of it.
    timeline : Timeline
        Says which events there are, and when.
    steady : SitePower
        The steady window; what storage had settled on before an event in training.
    names : tuple of str, optional
        Windows that are looked at; all of them when absent.
    """
    found = []
    for window in timeline.windows:
        build = BUILDERS.get(window.name) if names is None or window.name in names else None
        hall = None if build is None else build(study, pool, timeline, window)
        if hall is None:
            continue
        before = training_it_w(steady)
        if window.name in COURSES and goes_on(study, timeline, window):
            before = course_before_w(study, pool, timeline, window, steady)
        elif window.name in STARTS:
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
    if goes_on(study, timeline, window):
        return course_window(study, pool, timeline, window)
    table = timeline.table
    rows = table[(table["state"] == "detect") & ((table["t_start_s"] - window.event_s).abs() < 1e-6)]
    # no time passes where the job is stopped at once
    detection = float(rows.iloc[0]["t_end_s"] - rows.iloc[0]["t_start_s"]) if len(rows) else 0.0
    return crash_window(study, pool, window.event_s - EVENT_AT_S, window.cause, detection)


def _restart(study: StepStudy, pool: Pool, timeline: Timeline, window: Window) -> HallPower:
    if goes_on(study, timeline, window):
        return course_window(study, pool, timeline, window)
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
    "elastic_drop": course_window,
    "elastic_rejoin": course_window,
    "reconfigure": course_window,
}
COURSES = ("crash", "restart", "elastic_drop", "elastic_rejoin", "reconfigure")
"""Windows in which a job may go on with some of its replicas."""


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

    The ranks stall with no kernel running; floors and fills of the device act as in any gap of a step.
    """
    steps = training(pool, window_draw(study.scenario, Draw.CHECKPOINT))
    parts = [stall(pool.traces[0], blocking_s, "stall")]
    after = "train" if blocking_s < EVENT_S - EVENT_AT_S else "checkpoint"
    return replace(_in_training(study, steps, parts, "checkpoint", t0_s, cause), after=after)


def evaluation_window(
    study: StepStudy, pool: Pool, t0_s: float, cause: str, duration_s: float, pause_s: float = 0.0
) -> HallPower:
    """Return 60 s at 1 ms in which training stops for an evaluation after a whole step.

    Without optimizer and backward passes, the ranks run batches of the step's forward passes one after the other.
    """
    parts = evaluation(pool, forward_passes(study), window_draw(study.scenario, Draw.EVALUATION), duration_s, pause_s)
    hall = _in_training(
        study, training(pool, window_draw(study.scenario, Draw.AROUND_EVALUATION)), parts, "evaluation", t0_s, cause
    )
    return replace(hall, after="train" if duration_s < EVENT_S - EVENT_AT_S else "evaluation")


def storm_window(study: StepStudy, pool: Pool, t0_s: float, cause: str, before: States, spacing_s: float) -> HallPower:
    """Return a window at 1 ms in which all halls start to train again, each `spacing_s` after the one before it.

    The halls do not wait for one another, as if each had a job of its own; each repeats what it does when all start at
    the same instant, which is a spacing of zero. The window is longer than 60 s by the time between the first start and
    the last.

    Raises
    ------
    InputError
        If it is longer than ten minutes.
    """
    halls = len(study.place.nodes)
    if EVENT_S + (halls - 1) * spacing_s > LONGEST_S:
        most = (LONGEST_S - EVENT_S) / (halls - 1)
        raise InputError(
            f"operation.restart_spacing: expected at most {most:g} s for {halls} halls, so that the last starts within "
            f"ten minutes, found {spacing_s:g} s"
        )
    late = [round(hall * spacing_s / EVENT_DT_S) for hall in range(halls)]
    at_once = restart_window(study, pool, t0_s, cause, before, EVENT_S + late[-1] * EVENT_DT_S)
    watts = at_once.watts
    rows = [np.concatenate((np.full(n, row[0]), row[: row.size - n])) for n, row in zip(late, watts, strict=True)]
    return replace(at_once, window="restart_storm", watts=np.stack(rows))


def _in_training(
    study: StepStudy,
    steps: Iterator[StepTrace],
    parts: Iterable[Part],
    name: str,
    t0_s: float,
    cause: str,
    length_s: float = EVENT_S,
) -> HallPower:
    """Return the window of 60 s, or `length_s`, in which `parts` stand between steps, from 20 s on."""
    first, begin = lead(steps, EVENT_AT_S)
    # what is drawn before the window is binned too, so that the devices have settled where it begins
    early = math.ceil(-begin / EVENT_DT_S)
    shift, halls = early * EVENT_DT_S, len(study.place.nodes)
    bins = early + round(length_s / EVENT_DT_S)
    binner = Binner(tables(study), study.fleet, study.plan.pipeline, halls, bins, EVENT_DT_S)
    starts = play(binner, first, shift + begin)
    event = play(binner, parts, shift + EVENT_AT_S, shift + length_s)
    starts += play(binner, steps, event[-1], shift + length_s)
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


def undisturbed_window(study: StepStudy, pool: Pool, name: str, t0_s: float, cause: str, length_s: float) -> HallPower:
    """Return `length_s` at 1 ms in which the job trains on; what happens to its supply happens outside of it."""
    return _in_training(
        study, training(pool, window_draw(study.scenario, Draw.UNDISTURBED)), (), name, t0_s, cause, length_s
    )
