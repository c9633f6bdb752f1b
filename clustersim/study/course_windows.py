"""Windows in which a job goes on with some of its replicas: a drop, a return, collectives that are built again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from clustersim.operation import EVENT_AT_S, EVENT_S, Timeline, Window
from clustersim.power.waveform import IDLE, Binner
from clustersim.study.event_parts import evaluation, forward_passes, lead, training
from clustersim.study.it_power import EVENT_DT_S, STATES, HallPower, Pool, state_w, tables
from clustersim.study.paces import BUSY, FULL, paces
from clustersim.study.random_streams import Draw, window_draw
from clustersim.study.site.power import SitePower, site_it_w
from clustersim.study.slowed_power import SlowedPower
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace

Units = NDArray[np.int64]


@dataclass(frozen=True)
class Stretch:
    """A row of the timeline inside a window."""

    state: str
    begin_s: float
    end_s: float
    """In the window; the first may begin before it, the last end after it. [s]"""
    gpus: int
    """Accelerators that train, in a row of training."""


def stretches(timeline: Timeline, window: Window) -> list[Stretch]:
    """Return the rows of the timeline that the window around an event touches, and the training after them."""
    table, begin = timeline.table, window.event_s - EVENT_AT_S
    rows = table[table["t_end_s"] > begin]
    found = list[Stretch]()
    columns = (rows[name].tolist() for name in ("state", "t_start_s", "t_end_s", "gpus"))
    for state, start, end, gpus in zip(*columns, strict=True):
        found.append(Stretch(str(state), start - begin, end - begin, int(gpus)))
        # who is missing in a pause shows in the training after it
        if start - begin >= EVENT_S and state in BUSY:
            break
    return found


def goes_on(study: StepStudy, timeline: Timeline, window: Window) -> bool:
    """Whether the job in the window builds collectives again without a restart, or trains with replicas missing."""
    rows = [row for row in stretches(timeline, window) if row.begin_s < EVENT_S]
    whole = study.plan.accelerators
    return any(row.state == "reconfigure" or (row.state in BUSY and row.gpus < whole) for row in rows)


@dataclass(frozen=True)
class Members:
    """Which part of the plan does what a timeline says: all of it, or one of several sites."""

    gpus: int
    units: Units
    draw: int = Draw.COURSE


def members(study: StepStudy) -> Members:
    """Return the whole plan."""
    return Members(study.plan.accelerators, np.arange(study.fleet.unit_class.size))


def course_window(
    study: StepStudy, pool: Pool, timeline: Timeline, window: Window, who: Members | None = None
) -> HallPower:
    """Return 60 s at 1 ms in which the job does what its timeline says, row by row, with the event at 20 s.

    Training is made of whole steps of the units that are there. A unit that dies leaves the others spinning in their
    reduction until that is detected; then its replica's servers idle while the rest build their collectives again, and
    on. In a pause those are there who train after it. Replicas of one lock-step unit (experts spread over several
    replicas) are missing together; which ones are missing is drawn.
    """
    rows, who = stretches(timeline, window), who or members(study)
    player = _Player(study, pool, rows, who)
    player.run()
    shown = [index for index, row in enumerate(rows) if row.begin_s < EVENT_S]
    last = rows[shown[-1]]
    after = last.state
    if after in BUSY:
        begin = window.event_s - EVENT_AT_S
        table = timeline.table[timeline.table["t_end_s"] > begin].iloc[shown]
        pace = paces(table, who.gpus)[-1]
        after = "train" if pace == FULL else pace.name
    early, binner = player.early, player.binner
    drawn, burned, kept_off, *_ = binner.energy.sum(axis=0)
    return HallPower(
        window=window.name,
        cause=window.cause,
        t0_s=window.event_s - EVENT_AT_S,
        dt_s=EVENT_DT_S,
        event_s=EVENT_AT_S,
        watts=binner.finish()[0][:, early:],
        steps_s=np.array([t for t in player.starts if t >= 0.0]),
        burned_share=float(burned / drawn) if drawn else 0.0,
        cut_share=float(kept_off / drawn) if drawn else 0.0,
        after=after,
    )


def course_before_w(
    study: StepStudy, pool: Pool, timeline: Timeline, window: Window, steady: SitePower, gpus: int | None = None
) -> dict[str, float]:
    """Return the IT power of every site before such a window: that of the state or pace that it begins in. [W]"""
    table = timeline.table
    first = table[table["t_end_s"] > window.event_s - EVENT_AT_S].iloc[:1]
    state = str(first["state"].iloc[0])
    if state in STATES:
        return site_it_w(study, state_w(study, state))
    return SlowedPower(study, pool, steady).it_w(paces(first, study.plan.accelerators if gpus is None else gpus)[0])


@dataclass
class _Player:
    """Puts rows of a timeline into bins, one after the other; lives for the making of one window."""

    study: StepStudy
    pool: Pool
    rows: list[Stretch]
    who: Members
    starts: list[float] = field(default_factory=list)
    """Beginnings of steps in the window. [s]"""

    def __post_init__(self) -> None:
        self.rng = window_draw(self.study.scenario, self.who.draw)
        self.steps: Iterator[StepTrace] = training(self.pool, self.rng)
        units = self.who.units
        self.order = np.roll(units, -int(self.rng.integers(units.size)))
        """Units, those first that are missing first."""
        self.early = math.ceil(max(trace.iteration_time_s for trace in self.pool.traces) / EVENT_DT_S)
        """Bins before the window: a step, so that the devices have settled where it begins."""
        halls = len(self.study.place.nodes)
        bins = self.early + round(EVENT_S / EVENT_DT_S)
        self.binner = Binner(tables(self.study), self.study.fleet, self.study.plan.pipeline, halls, bins, EVENT_DT_S)
        self.now = -self.early * EVENT_DT_S

    def run(self) -> None:
        """Play all rows."""
        for index, row in enumerate(self.rows):
            if row.begin_s >= EVENT_S or self.now >= EVENT_S:
                return
            gone = self._gone(index)
            if row.state in BUSY:
                self._train(index, row, gone)
            elif row.state == "evaluation":
                self._evaluate(row, gone)
            elif row.state == "detect" and index > 0 and self.rows[index - 1].state in BUSY:
                self._die(index, row)
            else:
                self._pause(row, gone)

    def _gone(self, index: int) -> int:
        """Return how many units are missing in a row: in a pause, those of the training that follows."""
        after = next((row for row in self.rows[index:] if row.state in BUSY), None)
        if after is None:
            return 0
        each = self.who.gpus / self.order.size
        return min(self.order.size - 1, math.ceil((self.who.gpus - after.gpus) / each - 1e-9))

    def _train(self, index: int, row: Stretch, gone: int) -> None:
        there = np.sort(self.order[gone:])
        self._idle(self.order[:gone])
        dies = index + 1 < len(self.rows) and self.rows[index + 1].state == "detect"
        begin, steps, until = max(row.begin_s, self.now), self.steps, min(row.end_s, EVENT_S)
        if index == 0:
            # whole steps up to the end of the row; a unit that dies does so somewhere in the one after them
            end = until - (float(self.rng.uniform(0.0, self.pool.iteration_time_s)) if dies else 0.0)
            parts, begin = lead(steps, end)
            steps = iter(parts)
        for trace in steps:
            if begin >= until or (dies and begin + trace.iteration_time_s > row.end_s):
                break
            self.binner.add_step(trace, self._at(begin), units=there)
            self.starts.append(begin)
            begin += trace.iteration_time_s
        self.now = begin

    def _evaluate(self, row: Stretch, gone: int) -> None:
        """Run forward passes to the end of the row; in the pause before them the ranks are blocked."""
        asked = self.study.scenario.operation.evaluation
        begin, there = max(row.begin_s, self.now), np.sort(self.order[gone:])
        pause = 0.0 if asked is None else asked.pause
        if pause > 0.0:
            self.binner.set_state(STATES["wait"], self._at(begin), filled=True, units=there)
        parts = evaluation(self.pool, forward_passes(self.study), self.rng, max(row.end_s - begin - pause, 0.0))
        self.now = begin + pause
        for part in parts:
            if isinstance(part, StepTrace) and self.now < EVENT_S:
                self.binner.add_step(part, self._at(self.now), units=there)
                self.now += part.iteration_time_s

    def _die(self, index: int, row: Stretch) -> None:
        """Let the first unit that is there die at the beginning of a row; the others spin until the row's end."""
        trace = next(self.steps)
        held = max(row.end_s - self.now, trace.optimizer_start_s)
        gone = self._gone(index - 1)
        self.binner.add_step(
            trace,
            self._at(self.now),
            dead_unit=int(self.order[gone]),
            dead_s=row.begin_s - self.now,
            held_until_s=held,
            units=np.sort(self.order[gone:]),
        )
        self.now += held

    def _pause(self, row: Stretch, gone: int) -> None:
        begin = max(row.begin_s, self.now)
        self._idle(self.order[:gone])
        self.binner.set_state(STATES[row.state], self._at(begin), filled=True, units=np.sort(self.order[gone:]))
        self.now = begin

    def _idle(self, units: Units) -> None:
        if units.size:
            self.binner.set_state(IDLE, self._at(self.now), units=np.sort(units))

    def _at(self, window_s: float) -> float:
        """Return a time of the window on the clock of the bins. [s]"""
        return window_s + self.early * EVENT_DT_S
