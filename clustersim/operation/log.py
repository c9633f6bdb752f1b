"""The record that the job keeps of what it does, and its conversion to a `Timeline`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise

import pandas as pd

from clustersim.operation.records import EVENT_AT_S, EVENT_S, TIMELINE_COLUMNS, State, Timeline, Window

STEADY_S = 600.0
"""Length of the steady window (definition of the summary keys). [s]"""
DETECTED_S = 30.0
"""A crash whose detection ends within this time is the one looked at: its kill lies inside the window. [s]"""
FULL = ("train", "lost", "checkpoint")
"""States at full load."""


def _whole(step: float) -> int:
    """Return the steps that are complete; a step short of its end by rounding is complete."""
    return math.floor(step + 1e-6)


@dataclass(slots=True)
class Row:
    """One stretch of time in one state."""

    start_s: float
    end_s: float
    state: State
    cause: str
    gpus: int
    first_step: int
    last_step: int
    speed: float
    """Progress relative to full speed while training. [-]"""


@dataclass
class JobLog:
    """Rows in order of time; the last one is open until the next state or the horizon."""

    gpus: int
    rows: list[Row] = field(default_factory=list)

    def enter(self, now: float, state: State, cause: str, step: float, speed: float = 1.0) -> None:
        """Open a row in `state` at `now`."""
        first = _whole(step)
        busy = self.gpus if state != "stopped" else 0
        self.rows.append(Row(now, now, state, cause, busy, first, first, speed))

    def close(self, now: float, step: float) -> None:
        """End the open row at `now`, when `step` steps are done; a row without duration is forgotten."""
        row = self.rows[-1]
        row.end_s, row.last_step = now, _whole(step)
        if row.end_s == row.start_s:
            self.rows.pop()

    def roll_back(self, since_row: int) -> None:
        """Mark the training of the rows from `since_row` on as lost."""
        for row in self.rows[since_row:]:
            if row.state == "train":
                row.state = "lost"

    def timeline(self, horizon_s: float, interruptions: int) -> Timeline:
        """Return the finished record."""
        table = pd.DataFrame(
            [(r.start_s, r.end_s, r.state, r.cause, r.gpus, r.first_step, r.last_step) for r in self.rows],
            columns=list(TIMELINE_COLUMNS),
        )
        useful = math.fsum((r.end_s - r.start_s) * r.speed for r in self.rows if r.state == "train")
        return Timeline(table, horizon_s, self._windows(horizon_s), interruptions, useful / horizon_s)

    def _windows(self, horizon_s: float) -> tuple[Window, ...]:
        windows = []
        # A job under a cap all the time has no stretch at full load: the longest capped one stands for it.
        t0, t1 = self._longest_run(least_speed=1.0) or self._longest_run(least_speed=0.0) or (0.0, 0.0)
        if t1 > t0:
            windows.append(Window("steady", "none", t0, min(t1, t0 + STEADY_S), t0, self._state_at(t0)))
        crash = self._crash()
        if crash is None:
            return tuple(windows)
        cause = self.rows[crash].cause
        windows.append(self._around("crash", cause, self.rows[crash].start_s, horizon_s))
        back = next((row.start_s for row in self.rows[crash:] if row.state in FULL), None)
        if back is not None:
            windows.append(self._around("restart", cause, back, horizon_s))
        return tuple(windows)

    def _crash(self) -> int | None:
        """Return the row that begins with the fall from full load to look at; None when there is none.

        The first whose detection ends inside the window, and that the window's beginning does not cut; else the first.
        """
        falls = [
            index
            for index, (before, row) in enumerate(pairwise(self.rows), start=1)
            if before.state in FULL and row.state not in FULL
        ]
        for index in falls:
            row = self.rows[index]
            seen = row.state != "detect" or row.end_s - row.start_s <= DETECTED_S
            if seen and row.start_s >= EVENT_AT_S:
                return index
        return falls[0] if falls else None

    def _longest_run(self, least_speed: float) -> tuple[float, float] | None:
        """Return the first stretch of 600 s without interruption, or the longest when none is as long; None if none."""
        best: tuple[float, float] | None = None
        start: float | None = None
        for row in self.rows:
            if row.state not in FULL or row.speed < least_speed:
                start = None
                continue
            start = row.start_s if start is None else start
            if best is None or row.end_s - start > best[1] - best[0]:
                best = (start, row.end_s)
            if best[1] - best[0] >= STEADY_S:
                break
        return best

    def _around(self, name: str, cause: str, event_s: float, horizon_s: float) -> Window:
        t0 = max(0.0, event_s - EVENT_AT_S)
        t1 = min(horizon_s, event_s - EVENT_AT_S + EVENT_S)
        return Window(name, cause, t0, t1, event_s, self._state_at(t0))

    def _state_at(self, time_s: float) -> str:
        return next(row.state for row in self.rows if row.start_s <= time_s < row.end_s)


def shares(timeline: Timeline) -> dict[str, float]:
    """Return the share [-] of the horizon that each state took; the shares sum to one."""
    table = timeline.table
    duration = table["t_end_s"] - table["t_start_s"]
    return {str(state): math.fsum(part) / timeline.horizon_s for state, part in duration.groupby(table["state"])}
