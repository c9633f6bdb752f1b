"""The record that the job keeps of what it does, and its conversion to a `Timeline`."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pandas as pd

from clustersim.operation.records import TIMELINE_COLUMNS, State, Timeline
from clustersim.operation.windows import windows_of


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
    lost_to: str = ""
    """Of training that was rolled back: what it was lost to."""


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

    def roll_back(self, since_row: int, cause: str = "") -> None:
        """Mark the training of the rows from `since_row` on as lost to `cause`."""
        for row in self.rows[since_row:]:
            if row.state == "train":
                row.state, row.lost_to = "lost", cause

    def lost_s(self) -> dict[str, float]:
        """Return the time that did not go into work that counts, by what took it; of a cap, what it slowed down. [s]"""
        found: dict[str, float] = {}
        for row in self.rows:
            seconds, cause = row.end_s - row.start_s, row.lost_to or row.cause
            if row.state == "train":
                seconds *= 1.0 - row.speed
            if seconds > 0.0:
                found[cause] = found.get(cause, 0.0) + seconds
        return found

    def timeline(
        self, horizon_s: float, interruptions: int, first_load_s: float = 0.0, fewest_restarts: int = 2
    ) -> Timeline:
        """Return the finished record of a job whose ranks loaded the weights for `first_load_s` before time 0.

        So many restarts within an hour make a storm.
        """
        table = pd.DataFrame(
            [(r.start_s, r.end_s, r.state, r.cause, r.gpus, r.first_step, r.last_step) for r in self.rows],
            columns=list(TIMELINE_COLUMNS),
        )
        useful = math.fsum((r.end_s - r.start_s) * r.speed for r in self.rows if r.state == "train")
        return Timeline(
            table,
            horizon_s,
            windows_of(self.rows, horizon_s, fewest_restarts),
            interruptions,
            useful / horizon_s,
            first_load_s,
            self.lost_s(),
        )


def shares(timeline: Timeline) -> dict[str, float]:
    """Return the share [-] of the horizon that each state took; the shares sum to one."""
    table = timeline.table
    duration = table["t_end_s"] - table["t_start_s"]
    return {str(state): math.fsum(part) / timeline.horizon_s for state, part in duration.groupby(table["state"])}
