"""What a held floor of the accelerators draws after the job has stopped, until it has come down."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from clustersim.power.damped import Floats
from clustersim.power.profile_kernels import BAND, DOWN, FLOOR, HOLD, LOW, UP
from clustersim.power.smoothing_kernels import smooth_segments
from clustersim.study.it_power import state_levels, tables
from clustersim.study.step import StepStudy

Span = tuple[str, float]
"""State of the timeline and how long it lasts. [s]"""


def falls_w(study: StepStudy, spans: Sequence[Span], paused: Sequence[str]) -> dict[str, Floats]:
    """Return by state what falling floors add to the mean power of the accelerators of every hall. [W], shape (halls,)

    Parameters
    ----------
    study : StepStudy
        Its scenario says whether the accelerators have a smoothing profile; all zeros without one.
    spans : sequence of (str, float)
        States of the timeline in order, and their lengths. [s]
    paused : sequence of str
        States with one power of their own. A run of them that follows any other state begins at the profile's floor.

    Notes
    -----
    The floor f of the profile stays for its hysteresis and falls at its ramp to the power asked for or its own lowest
    position (:mod:`clustersim.power.smoothing`), exact from event to event and no longer than the pause: with enough
    time at constant power x, ``(F - x) hysteresis + (F - x)^2 / (2 ramp)`` joules. That training holds the floor at its
    top is taken for granted.
    """
    halls = len(study.place.nodes)
    extra_j = {state: np.zeros(halls) for state in paused}
    profile = tables(study).profile
    if not profile.size:
        return extra_j
    levels = {state: state_levels(study, state) for state in paused}
    kinds, classes, _ = profile.shape
    known: dict[tuple[Span, ...], Floats] = {}
    for stop in _stops(spans, paused):
        if stop not in known:
            burned = [[_burned_j(stop, levels, profile[k, c], k, c) for c in range(classes)] for k in range(kinds)]
            known[stop] = np.array(burned).sum(axis=0)
        for number, (state, _) in enumerate(stop):
            joules = known[stop][study.fleet.unit_class, number] * study.plan.pipeline
            np.add.at(extra_j[state], study.fleet.unit_node, joules)
    seconds = {state: sum(s for name, s in spans if name == state) for state in paused}
    return {state: joules / seconds[state] if seconds[state] else joules for state, joules in extra_j.items()}


def _stops(spans: Sequence[Span], paused: Sequence[str]) -> list[tuple[Span, ...]]:
    """Return the runs of paused states that follow another state."""
    found: list[tuple[Span, ...]] = []
    before = False
    for span in spans:
        if span[0] not in paused:
            found.append(())
            before = True
        elif before:
            found[-1] = (*found[-1], span)
    return [stop for stop in found if stop]


def _burned_j(stop: tuple[Span, ...], levels: dict[str, Floats], row: Floats, kind: int, group: int) -> list[float]:
    """Return the energy above the power asked for in each state of a stop, of one group of accelerators. [J]"""
    lengths = np.array([seconds for _, seconds in stop])
    edges = np.concatenate(([0.0], np.cumsum(lengths)))
    watts = np.array([levels[state][kind, group] for state, _ in stop])
    until = [0.0]
    for count in range(1, len(stop) + 1):
        totals = np.zeros(3)
        smooth_segments(
            edges[: count + 1], watts[:count], edges[count], row[LOW], row[FLOOR], row[BAND], row[UP], row[DOWN],
            row[HOLD], -np.inf, row[FLOOR], np.zeros(1), totals,
        )  # fmt: skip
        until.append(float(totals[0]))
    return np.diff(until).tolist()
