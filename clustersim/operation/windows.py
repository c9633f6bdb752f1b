"""The moments of a job that power and plant look at closely."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from typing import Protocol

from clustersim.operation.records import EVENT_AT_S, EVENT_S, State, Window

STEADY_S = 600.0
"""Length of the steady window (definition of the summary keys). [s]"""
DETECTED_S = 30.0
"""A crash whose detection ends within this time is the one looked at: its kill lies inside the window. [s]"""
STORM_S = 3600.0
"""Restarts within this time belong to one storm. [s]"""
FULL = ("train", "lost", "checkpoint")
"""States at full load."""
TRAINED = ("train", "lost")
AT_WORK = (*FULL, "evaluation", "wait")
"""States in which nothing has failed."""


class Stretch(Protocol):
    """What is asked of a row of the job's record."""

    start_s: float
    end_s: float
    state: State
    cause: str
    gpus: int

    @property
    def full(self) -> bool:
        """Whether nothing slows the training but its own copies."""


Rows = Sequence[Stretch]


def windows_of(rows: Rows, horizon_s: float, fewest_restarts: int = 2) -> tuple[Window, ...]:
    """Return the windows of a job: steady training, then one of each kind of event that it had.

    The rows tile ``[0, horizon_s]``. A window around an event is 60 s long, the event 20 s into it; that of a storm, at
    least `fewest_restarts` within an hour, reaches from the first to the last of them.
    """
    found = [_steady(rows)]
    crash = _crash(rows)
    if crash is not None:
        cause = rows[crash].cause
        found.append(_around("crash", cause, rows[crash].start_s, horizon_s))
        back = next((row.start_s for row in rows[crash:] if row.state in FULL), None)
        if back is not None:
            found.append(_around("restart", cause, back, horizon_s))
    if rows and rows[0].state in FULL:
        # the ranks load the weights before the record begins
        found.append(Window("job_start", "start", 0.0, min(horizon_s, EVENT_S - EVENT_AT_S), 0.0))
    for name in ("checkpoint", "evaluation"):
        pause = _pause(rows, name)
        if pause is not None:
            found.append(_around(name, pause.cause, pause.start_s, horizon_s))
    for name, index in _regrouped(rows).items():
        found.append(_around(name, rows[index].cause, rows[index].start_s, horizon_s))
    found.append(_storm(rows, horizon_s, fewest_restarts))
    return tuple(window for window in found if window is not None)


def _steady(rows: Rows) -> Window | None:
    # A job under a cap all the time has no stretch at full load: the longest capped one stands for it.
    run = _longest_run(rows, slowed=False) or _longest_run(rows, slowed=True)
    if run is None or run[1] <= run[0]:
        return None
    return Window("steady", "none", run[0], min(run[1], run[0] + STEADY_S), run[0])


def _longest_run(rows: Rows, *, slowed: bool) -> tuple[float, float] | None:
    """Return the first stretch of 600 s without interruption, or the longest when none is as long; None if none."""
    best: tuple[float, float] | None = None
    start: float | None = None
    for row in rows:
        if row.state not in AT_WORK or not (slowed or row.full):
            start = None
            continue
        start = row.start_s if start is None else start
        if best is None or row.end_s - start > best[1] - best[0]:
            best = (start, row.end_s)
        if best[1] - best[0] >= STEADY_S:
            break
    return best


def _crash(rows: Rows) -> int | None:
    """Return the row that begins with the fall from full load to look at; None when there is none.

    The first whose detection ends inside the window, and that the window's beginning does not cut; else the first.
    """
    falls = [
        index
        for index, (before, row) in enumerate(pairwise(rows), start=1)
        if before.state in FULL and row.state not in AT_WORK and not _planned(before, row)
    ]
    for index in falls:
        row = rows[index]
        seen = row.state != "detect" or row.end_s - row.start_s <= DETECTED_S
        if seen and row.start_s >= EVENT_AT_S:
            return index
    return falls[0] if falls else None


def _planned(before: Stretch, row: Stretch) -> bool:
    """Whether the job stops training of its own accord: replicas rejoin, or it has saved for what comes."""
    return row.state == "reconfigure" or (before.state == "checkpoint" and before.cause == row.cause)


def _regrouped(rows: Rows) -> dict[str, int]:
    """Return the first row of each kind of regrouping of the ranks: replicas drop out, rejoin, or neither.

    A regrouping reaches from where the job stops to train to where it trains again. It is a drop where fewer
    accelerators train after it, a rejoin where more do; a reconfiguration that is neither begins where its row does.
    """
    found: dict[str, int] = {}
    left: int | None = None
    begin = regroup = 0
    for index, row in enumerate(rows):
        if row.state in TRAINED:
            if regroup and left is not None:
                name = "elastic_drop" if row.gpus < left else "elastic_rejoin" if row.gpus > left else "reconfigure"
                found.setdefault(name, regroup if name == "reconfigure" else begin)
            left, begin, regroup = row.gpus, 0, 0
        elif row.state not in AT_WORK:
            begin = begin or index
            if row.state == "reconfigure":
                regroup = regroup or index
    return dict(sorted(found.items()))


def _pause(rows: Rows, state: str) -> Stretch | None:
    """Return the first checkpoint or evaluation in whose window the job trains else, or the first one; None if none."""
    found = [index for index, row in enumerate(rows) if row.state == state]
    for index in found:
        begin, around = rows[index].start_s, rows[max(0, index - 1) : index + 2 : 2]
        if (
            len(around) == 2
            and all(row.state in TRAINED for row in around)
            and around[0].start_s <= begin - EVENT_AT_S
            and around[1].end_s >= begin - EVENT_AT_S + EVENT_S
        ):
            return rows[index]
    return rows[found[0]] if found else None


def _storm(rows: Rows, horizon_s: float, fewest: int) -> Window | None:
    """Return the hour with most returns to full load, where there are at least `fewest` in an hour."""
    back = [row.start_s for before, row in pairwise(rows) if row.state in FULL and before.state not in AT_WORK]
    counts = [bisect_right(back, first + STORM_S) - index for index, first in enumerate(back)]
    if not counts or max(counts) < fewest:
        return None
    first = counts.index(max(counts))
    begin, last = back[first], back[first + counts[first] - 1]
    cause = f"restarts within an hour: {counts[first]}"
    t0 = max(0.0, begin - EVENT_AT_S)
    end = min(horizon_s, last - EVENT_AT_S + EVENT_S)
    return Window("restart_storm", cause, t0, end, begin)


def _around(name: str, cause: str, event_s: float, horizon_s: float) -> Window:
    t0 = max(0.0, event_s - EVENT_AT_S)
    t1 = min(horizon_s, event_s - EVENT_AT_S + EVENT_S)
    return Window(name, cause, t0, t1, event_s)
