"""Gantt rows of the jobs beside the main one, and what a roll-back makes of them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

GangState = Literal["serve", "train", "lost", "checkpoint", "detect", "restart", "stopped", "queued"]


@dataclass(slots=True)
class GangRow:
    """One stretch of time of one job in one state."""

    job: int
    start_s: float
    end_s: float
    state: GangState
    cause: str
    size: tuple[tuple[int, int], ...]
    """Servers held, as (pool, servers)."""
    speed: float = 1.0
    rate: float = 1.0
    """Share of the time in which it does not pause for checkpoints. [-]"""

    @property
    def work_s(self) -> float:
        """Work done in it, as training time at full speed. [s]"""
        return (self.end_s - self.start_s) * self.speed * self.rate


def roll_back(rows: list[GangRow], lost_work_s: float, cause: str) -> list[GangRow]:
    """Return the rows of one job with the last `lost_work_s` of its training marked as lost to `cause`.

    Training lies at the end of `rows`; the row in which the lost part begins is cut in two. What rounding leaves of
    the loss beyond the training there is, is dropped.
    """
    found: list[GangRow] = []
    left = lost_work_s
    for index in range(len(rows) - 1, -1, -1):
        row = rows[index]
        if left <= 0.0 or row.state == "lost":
            return [*rows[: index + 1], *reversed(found)]
        if row.state != "train":
            found.append(row)
            continue
        cut = row.end_s - left / (row.speed * row.rate)
        if row.start_s < cut:
            kept = GangRow(row.job, row.start_s, cut, "train", row.cause, row.size, row.speed, row.rate)
            lost = GangRow(row.job, cut, row.end_s, "lost", cause, row.size, row.speed, row.rate)
            # a loss too small for the clock leaves no row
            return [*rows[:index], *(one for one in (kept, lost) if one.end_s > one.start_s), *reversed(found)]
        row.state, row.cause = "lost", cause
        left -= row.work_s
        found.append(row)
    return list(reversed(found))


def saved_of(done_s: float, base_s: float, interval_s: float) -> float:
    """Return the work [s] that is safe, of `done_s`, when training went on from `base_s`, safe then.

    A checkpoint is safe at every whole multiple of the interval since.

    Examples
    --------
    >>> saved_of(250.0, 30.0, 100.0)
    230.0
    """
    if math.isinf(interval_s):
        return base_s
    # a checkpoint short of its end by rounding is complete
    return min(done_s, base_s + math.floor((done_s - base_s) / interval_s + 1e-9) * interval_s)
