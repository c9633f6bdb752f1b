"""The record that the job keeps of what it does, and its conversion to a `Timeline`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import pandas as pd

from clustersim.operation.accounts import Accounts, Category, Slowed, accounts_of, split
from clustersim.operation.records import TIMELINE_COLUMNS, State, Timeline
from clustersim.operation.slowness import MISSING
from clustersim.operation.windows import windows_of

BOOKED: dict[State, Category] = {
    "lost": "lost_work",
    "checkpoint": "checkpoint",
    "evaluation": "evaluation",
    "detect": "restart",
    "reconfigure": "restart",
    "restart": "restart",
    "reload": "restart",
    "stopped": "idle",
    "wait": "idle",
}
"""Category of the time in each state but `train`; a stop from outside names its own."""


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
    begin_step: float
    end_step: float
    """Steps done at its beginning and end, the last one in part."""
    speed: float
    """Progress relative to full speed while training. [-]"""
    slowed: tuple[Slowed, ...] = ()
    """Of training: what slows it, in the order in which the accounts book it."""
    booked: Category | None = None
    """Category of its time; None: that of the state."""
    lost_to: str = ""
    """Of training that was rolled back: what it was lost to."""

    @property
    def held(self) -> float:
        """Speed that waiting leaves, for stragglers, copies or other sites; without missing replicas and caps. [-]"""
        waits = (f for category, cause, f in self.slowed if category != "curtailed" and not cause.endswith(MISSING))
        return math.prod(waits, start=1.0)

    @property
    def full(self) -> bool:
        """Whether nothing slows the training but its own copies."""
        copies = math.prod((factor for category, _, factor in self.slowed if category == "checkpoint"), start=1.0)
        return self.speed >= copies


@dataclass
class JobLog:
    """Rows in order of time; the last one is open until the next state or the horizon."""

    gpus: int
    rows: list[Row] = field(default_factory=list)
    _undone: tuple[int, int] = field(default=(0, 0), init=False)
    """Rows from the first up to the second index hold no training that counts: a job that fails again and again before
    it saves is not searched from its end to its beginning each time."""

    def enter(
        self,
        now: float,
        state: State,
        cause: str,
        step: float,
        speed: float = 1.0,
        *,
        slowed: tuple[Slowed, ...] = (),
        booked: Category | None = None,
        gpus: int | None = None,
    ) -> None:
        """Open a row in `state` at `now`."""
        busy = 0 if state == "stopped" else self.gpus if gpus is None else gpus
        self.rows.append(Row(now, now, state, cause, busy, step, step, speed, slowed, booked))

    def close(self, now: float, step: float) -> None:
        """End the open row at `now`, when `step` steps are done; a row without duration is forgotten."""
        row = self.rows[-1]
        row.end_s, row.end_step = now, step
        if row.end_s == row.start_s:
            self.rows.pop()
            first, last = self._undone
            self._undone = first, min(last, len(self.rows))

    def roll_back(self, step: float, cause: str) -> None:
        """Mark what was trained beyond `step` as lost to `cause`.

        The row in which `step` was reached is divided there; a row trains at one speed.
        """
        first, last = self._undone
        index = len(self.rows)
        while index > 0:
            index = first if index == last else index
            if index == 0:
                break
            row = self.rows[index - 1]
            if row.state == "train":
                if row.end_step <= step or row.begin_step < step:
                    break
                row.state, row.lost_to = "lost", cause
            index -= 1
        if index > 0:
            index += self._divide(index - 1, step, cause)
        self._undone = index, len(self.rows)

    def _divide(self, index: int, step: float, cause: str) -> int:
        """Mark what a row of training did beyond `step` as lost; return -1 if nothing is left of the row, else 0."""
        row = self.rows[index]
        if row.end_step > step:
            share = (step - row.begin_step) / (row.end_step - row.begin_step)
            middle = row.start_s + share * (row.end_s - row.start_s)
            if middle < row.end_s:
                rest = replace(row, start_s=middle, begin_step=step, state="lost", lost_to=cause)
                self.rows.insert(index + 1, rest)
                row.end_s, row.end_step = middle, step
            if row.end_s == row.start_s:
                # so short a time that the clock does not tell its ends apart
                del self.rows[index]
                return -1
        return 0

    def entries(self) -> Iterator[tuple[Category, str, float]]:
        """Yield category, cause and seconds of all that the rows hold."""
        for row in self.rows:
            seconds = row.end_s - row.start_s
            if row.state == "train":
                yield from split(seconds, row.slowed)
            else:
                yield row.booked or BOOKED[row.state], row.lost_to or row.cause, seconds

    def timeline(
        self,
        horizon_s: float,
        interruptions: int,
        first_load_s: float = 0.0,
        fewest_restarts: int = 2,
        *,
        by_cause: dict[str, int] | None = None,
        findings: tuple[str, ...] = (),
    ) -> Timeline:
        """Return the finished record of a job whose ranks loaded the weights for `first_load_s` before time 0.

        So many restarts within an hour make a storm.
        """
        values = [
            (r.start_s, r.end_s, r.state, r.cause, r.gpus, _whole(r.begin_step), _whole(r.end_step), r.speed, r.held)
            for r in self.rows
        ]
        accounts = accounts_of(self.entries(), horizon_s)
        return Timeline(
            pd.DataFrame(values, columns=list(TIMELINE_COLUMNS)),
            horizon_s,
            windows_of(self.rows, horizon_s, fewest_restarts),
            interruptions,
            accounts.goodput,
            first_load_s,
            lost_by_cause(accounts),
            accounts,
            by_cause or {},
            findings,
            math.fsum(r.end_step - r.begin_step for r in self.rows if r.state == "train"),
        )


def lost_by_cause(accounts: Accounts) -> dict[str, float]:
    """Return the time that did not go into work that counts, by what took it. [s]"""
    found: dict[str, list[float]] = {}
    for (category, cause), seconds in accounts.seconds.items():
        if category != "useful":
            found.setdefault(cause, []).append(seconds)
    return {cause: math.fsum(parts) for cause, parts in found.items()}


def shares(timeline: Timeline) -> dict[str, float]:
    """Return the share [-] of the horizon that each state took; the shares sum to one."""
    table = timeline.table
    duration = table["t_end_s"] - table["t_start_s"]
    return {str(state): math.fsum(part) / timeline.horizon_s for state, part in duration.groupby(table["state"])}
