"""The loop between the job and its plant: what the plant does to the job changes what the plant meets."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

from clustersim import catalog
from clustersim.operation import ExternalEvent, Timeline
from clustersim.plant import steady_cooling, sustainable_it
from clustersim.study.event_windows import evaluation_it_w, event_windows
from clustersim.study.grid.answers import OF_GRID, Answer, Surroundings, answer, state_at
from clustersim.study.grid.schedule import Asked, schedule
from clustersim.study.horizon import histories
from clustersim.study.it_power import Pool
from clustersim.study.site.power import SitePower, training_it_w
from clustersim.study.slowed_power import SlowedPower
from clustersim.study.step import StepStudy

MOST_ROUNDS = 20
"""Rounds after which the loop stops and names the last new event."""
Operate = Callable[[tuple[ExternalEvent, ...]], Timeline]
OF_PLANT = "plant: "
"""Beginning of the causes that are alarms of the plant."""
GRID_CAUSES = (OF_GRID, OF_PLANT)
"""Beginnings of the causes that come from the supply of a site."""


@dataclass(frozen=True)
class ClosedLoop:
    """The job with everything that its supply did to it."""

    timeline: Timeline
    asked: bool = True
    """Whether the scenario asks for events or for a protection that may act on the job."""
    answers: tuple[Answer, ...] = ()
    externals: tuple[ExternalEvent, ...] = ()
    rounds: int = 1
    warnings: tuple[str, ...] = ()

    @property
    def goodput_lost(self) -> float:
        """Share of the horizon that events of the supply cost: standstill, restarts, work redone, lower speed. [-]"""
        lost = self.timeline.lost_s
        return math.fsum(s for cause, s in lost.items() if cause.startswith(GRID_CAUSES)) / self.timeline.horizon_s


def close_loop_with_plant(
    study: StepStudy, pool: Pool, steady: SitePower, first: Timeline, operate: Operate
) -> tuple[Surroundings, ClosedLoop]:
    """Return the loads that events of the grid meet, and the job with what they do to it.

    A scenario without events and without a protection that acts leaves the job as it is.
    """
    scenario = study.scenario
    surroundings = Surroundings(study, pool, steady)
    if scenario.plant.protection.cooling_alarm != "ignore" and scenario.operation.evaluation is not None:
        surroundings = replace(
            surroundings, evaluation_it_w=evaluation_it_w(study, event_windows(study, pool, first, steady))
        )
    asked = schedule(scenario)
    if not asked and scenario.plant.protection.cooling_alarm == "ignore":
        return surroundings, ClosedLoop(first, bool(scenario.plant.events))
    return surroundings, close_loop(operate, first, asked, surroundings)


def close_loop(
    operate: Operate, first: Timeline, asked: tuple[Asked, ...], surroundings: Surroundings, rounds: int = MOST_ROUNDS
) -> ClosedLoop:
    """Run operation and plant in turns until the plant has nothing new to say.

    Each round every event meets the job in the state that the last round left it in. An event's answer depends on that
    state alone, and what follows from it begins no earlier than the event; so each round is right at least up to the
    first event that the round before got wrong, and the loop ends.

    Parameters
    ----------
    operate : callable
        Runs the job under external events.
    first : Timeline
        The job without any.
    asked : tuple of Asked
        Events in order of time.
    surroundings : Surroundings
        The place and its loads.
    rounds : int, optional
        After so many the loop stops, and its warning names the last new event.
    """
    timeline, table, answers = first, tuple[ExternalEvent, ...](), tuple[Answer, ...]()
    known: dict[tuple[int, str], Answer] = {}
    for count in range(1, rounds + 1):
        answers = tuple(_met(surroundings, index, one, timeline, known) for index, one in enumerate(asked))
        found = tuple(event for one in answers for event in one.externals) + _protected(surroundings, timeline)
        if found == table:
            return ClosedLoop(timeline, True, answers, table, count, _late(answers))
        new = next((event for event in found if event not in table), found[-1] if found else table[-1])
        table, timeline = found, operate(found)
    said = (
        f"operation and plant did not agree in {rounds} rounds: the last new event is {new.cause!r} at "
        f"{new.t_start_s:g} s; what follows from it is not answered"
    )
    return ClosedLoop(timeline, True, answers, table, rounds, (said, *_late(answers)))


def _met(
    surroundings: Surroundings, index: int, asked: Asked, timeline: Timeline, known: dict[tuple[int, str], Answer]
) -> Answer:
    state = state_at(timeline, asked.at_s)
    if (index, state) not in known:
        known[index, state] = answer(surroundings, asked, state)
    return known[index, state]


def _protected(surroundings: Surroundings, timeline: Timeline) -> tuple[ExternalEvent, ...]:
    """Return what an alarm of the cooling does to the job, where the scenario asks for it.

    `throttle` holds the equipment at what the cooling carries from the alarm on, `stop` ends the job there.
    """
    study = surroundings.study
    asked = study.scenario.plant.protection.cooling_alarm
    if asked == "ignore":
        return ()
    found = []
    reaction_s = catalog.entry("cooling", "alarm").si("reaction")
    slowed = SlowedPower(study, surroundings.pool, surroundings.steady)
    training = training_it_w(surroundings.steady)
    for site, history in histories(study, timeline, training, surroundings.evaluation_it_w, slowed.it_w).items():
        # a stop at the very alarm would keep the loop just below it, and take away its own cause
        alarm = history.cooling.first_alarm_s + reaction_s
        if not alarm < timeline.horizon_s:
            continue
        cause, end = f"{OF_PLANT}cooling alarm at {site}", timeline.horizon_s + 1.0
        cooling = study.place.topology.cooling[site]
        capacity = steady_cooling(cooling, 0.0).capacity_w
        carried = sustainable_it(study.place.topology.electrical[site], cooling, capacity)
        speed = surroundings.speed.at_it(site, carried) if asked == "throttle" else None
        if speed is None:
            found.append(ExternalEvent(alarm, end, cause, "stop"))
        elif speed < 1.0:
            found.append(ExternalEvent(alarm, end, cause, "cap_fraction", speed))
    return tuple(found)


def _late(answers: tuple[Answer, ...]) -> tuple[str, ...]:
    return tuple(
        f"{one.asked.name} at {site}: the ramp is too slow for the notice, {part.said}"
        for one in answers
        for site, part in one.sites.items()
        if part.late_s > 0.0
    )
