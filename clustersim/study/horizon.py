"""Heat and power over the whole horizon: one power per state of the timeline, cooling integrated over all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from clustersim.operation import Timeline
from clustersim.plant import CoolingHistory, settled_heat, steady_cooling, unit_starts
from clustersim.study.floor_fall import falls_w
from clustersim.study.it_power import state_w
from clustersim.study.paces import BUSY, FULL, Pace, paces
from clustersim.study.site.cooled_states import cooled_states
from clustersim.study.site.power import site_it_w
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.supply import losses_w
from clustersim.study.step import StepStudy

QUIET = ("detect", "restart", "stopped", "reload", "reconfigure")
PAUSED = ("checkpoint", *QUIET, "wait")
"""States with one power of their own: the quiet ones, a checkpoint that training waits for, and a site that waits."""
TRAIN = "train"
"""Stands for all busy states at full speed in the records below; below it each :class:`Pace` is a state."""
EVALUATION = "evaluation"


@dataclass(frozen=True)
class SiteHistory:
    """Energies of one site over the horizon; power by state, before a battery."""

    seconds: dict[str, float]
    """Time in each state; training below full speed by the name of its :class:`~clustersim.study.paces.Pace`. [s]"""
    load_w: dict[str, float]
    """Load of the site in each state, with settled cooling. [W]"""
    it_j: float
    load_j: float
    """IT, cooling as integrated, and losses; before a battery. [J]"""
    cooling: CoolingHistory
    heat_w: dict[str, float]
    """Heat that the loop takes in each state. [W]"""
    heat_before_w: float
    """Heat at which the loop had settled before the horizon. [W]"""
    heat_apart_w: float = 0.0
    """Largest difference between a state's heat and what makes it; above rounding only where cooling units are switched
    on and off. [W]"""
    unit_starts: int | None = None
    """Of cooling units over the horizon; None where all share the load."""
    fall_j: float = 0.0
    """Of the load: what floors of the accelerators draw after stops, until they have come down. [J]"""
    spans: tuple[tuple[str, float], ...] = ()
    """State and duration [s] of each stretch of the horizon, in the order of time; empty: one state all the time."""

    @property
    def training(self) -> dict[str, float]:
        """Time in each state in which the job trains, at full speed and below it. [s]"""
        return {state: seconds for state, seconds in self.seconds.items() if is_training(state)}


def is_training(state: str) -> bool:
    """Whether a state of a history is training, at full speed or below it."""
    return state == TRAIN or state.startswith(f"{TRAIN} ")


def steady_load_w(study: SiteStudy, site: str, it_w: float) -> float:
    """Return the load of a site at constant IT power: with settled cooling and the losses on the way. [W]"""
    topology = study.place.topology
    plant, cooling = topology.electrical[site], topology.cooling[site]
    cooling_w = steady_cooling(cooling, settled_heat(plant, cooling, it_w)).power_w
    return it_w + cooling_w + losses_w(plant, it_w, cooling_w)


def histories(
    study: StepStudy,
    timeline: Timeline,
    training_it_w: dict[str, float],
    evaluation_it_w: dict[str, float] | None = None,
    slowed_it_w: Callable[[Pace], dict[str, float]] | None = None,
    gpus: int | None = None,
) -> dict[str, SiteHistory]:
    """Return every site's history.

    Parameters
    ----------
    study : StepStudy
        Gives the power in the states without training.
    timeline : Timeline
        What the job did, and for how long.
    training_it_w : dict of str to float
        Mean IT power of each site while the job trains. [W]
    evaluation_it_w : dict of str to float, optional
        The same while it evaluates; needed where the timeline has evaluations. [W]
    slowed_it_w : callable, optional
        Gives the same at a pace below full speed; needed where the timeline has such rows. [W]
    gpus : int, optional
        Accelerators of the timeline's job, where it is not the whole plan.

    Notes
    -----
    Losses grow with the square of the power and are taken state by state, at its mean IT power; what the swing within
    training adds is left out: half a percent of the losses at Memphis, 0.008 % of the load. Each state has its settled
    cooling power, scaled so that all add up to the cooling energy as integrated; what fans and stages inside the cooled
    rooms draw and lose then is heat of the loop, with the IT power. The cooling loop starts settled at
    idle power. What the floor of a smoothing profile draws after a stop is spread over the state in which it comes
    down.
    """
    spans, slow = _spans(timeline, study.plan.accelerators if gpus is None else gpus)
    slowed = {}
    if slow:
        if slowed_it_w is None:
            raise TypeError("a timeline with training below full speed needs slowed_it_w")
        slowed = {name: slowed_it_w(pace) for name, pace in slow.items()}
    states = (TRAIN, *PAUSED) if evaluation_it_w is None else (TRAIN, EVALUATION, *PAUSED)
    states = (*states, *slowed)
    seconds = {state: sum(s for name, s in spans if name == state) for state in states}
    quiet = {state: site_it_w(study, state_w(study, state)) for state in PAUSED}
    falls = falls_w(study, spans, PAUSED)
    raised = {state: site_it_w(study, state_w(study, state) + falls[state]) for state in PAUSED}
    found = {}
    for site in study.place.topology.site:
        it = {TRAIN: training_it_w[site]} | {state: quiet[state][site] for state in PAUSED}
        if evaluation_it_w is not None:
            it[EVALUATION] = evaluation_it_w[site]
        it |= {name: watts[site] for name, watts in slowed.items()}
        drawn = it | {state: raised[state][site] for state in PAUSED}
        length = np.array([s for _, s in spans])
        it_j = float(np.array([drawn[name] for name, _ in spans]) @ length)
        cooled = cooled_states(study, site, drawn, tuple(spans), it["stopped"])
        lost_j = sum(
            seconds[state] * losses_w(study.place.topology.electrical[site], drawn[state], cooled.power_w[state])
            for state in states
        )
        found[site] = SiteHistory(
            seconds=seconds,
            load_w={state: steady_load_w(study, site, watts) for state, watts in it.items()},
            it_j=it_j,
            load_j=it_j + cooled.history.energy_j + lost_j,
            cooling=cooled.history,
            heat_w=cooled.heat_w,
            heat_before_w=cooled.before_w,
            heat_apart_w=cooled.apart_w,
            unit_starts=unit_starts(
                study.place.topology.cooling[site], np.array([cooled.heat_w[name] for name, _ in spans]), length
            ),
            fall_j=sum(
                seconds[state] * (steady_load_w(study, site, drawn[state]) - steady_load_w(study, site, it[state]))
                for state in PAUSED
            ),
            spans=tuple(spans),
        )
    return found


def _spans(timeline: Timeline, gpus: int) -> tuple[list[tuple[str, float]], dict[str, Pace]]:
    """Return state and duration of all stretches in which the power does not change, and the paces among the states."""
    table = timeline.table
    durations = (table["t_end_s"] - table["t_start_s"]).tolist()
    rows, slow = list[tuple[str, float]](), dict[str, Pace]()
    for state, seconds, pace in zip(table["state"].tolist(), durations, paces(table, gpus), strict=True):
        if seconds <= 0:
            continue
        if state not in BUSY:
            rows.append((str(state), seconds))
        elif pace == FULL:
            rows.append((TRAIN, seconds))
        else:
            slow[pace.name] = pace
            rows.append((pace.name, seconds))
    return [(name, sum(s for _, s in part)) for name, part in groupby(rows, key=lambda row: row[0])], slow
