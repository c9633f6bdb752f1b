"""Rules of the scheduler, as pure functions: what is kept for who waits, who may overtake, who must leave."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from clustersim.operation.gang_jobs import Gang


@dataclass(frozen=True)
class Reservation:
    """What is kept for the first job that waits."""

    time_s: float
    """Time at which it can start if all that run end when they should. [s]"""
    spare: float
    """What is free at that time beside its own: servers, or W."""


def reservation(now: float, free: float, releases: Iterable[tuple[float, float]], wanted: float) -> Reservation:
    """Return when `wanted` servers (or watts) are free, and what is free beside them then.

    Parameters
    ----------
    now : float
        Time. [s]
    free : float
        What is free now.
    releases : iterable of (time, amount)
        When who runs now should end, and what that frees.
    wanted : float
        What the job needs.

    Examples
    --------
    >>> reservation(0.0, 2, [(10.0, 3), (20.0, 4)], 4)
    Reservation(time_s=10.0, spare=1)
    """
    time = now
    for end, amount in sorted(releases):
        if free >= wanted and end > time:
            break
        free, time = free + amount, max(now, end)
    return Reservation(time if free >= wanted else math.inf, max(0.0, free - wanted))


def may_overtake(now: float, run_s: float, wanted: float, kept: Reservation | None) -> bool:
    """Return whether a job that takes `wanted` for `run_s` leaves the reservation as it is (EASY backfill).

    A. W. Mu'alem and D. G. Feitelson, IEEE Trans. Parallel Distrib. Syst. 12, 529 (2001): it ends before the reserved
    time, or takes no more than what is spare then.
    """
    return kept is None or now + run_s <= kept.time_s or wanted <= kept.spare


def victims(running: Sequence[Gang], priority: int, wanted: float, worth: Mapping[int, float]) -> list[Gang] | None:
    """Return the jobs of lower priority that must leave so that `wanted` is freed; None where they cannot free it.

    The lowest priority first, of those the one that started last, as it has least to lose; then who is not needed
    after all stays, the highest priority first.

    Parameters
    ----------
    running : sequence of Gang
        Jobs that hold servers and are not about to leave.
    priority : int
        Priority of the job that wants to start.
    wanted : float
        Servers (or W) that it lacks.
    worth : mapping
        Job number -> what its leaving frees.
    """
    lower = [job for job in running if job.priority < priority and job.habits.preemptible and worth[job.number] > 0]
    chosen, freed = list[Gang](), 0.0
    for job in sorted(lower, key=lambda one: (one.priority, -one.start_s, -one.number)):
        if freed >= wanted:
            break
        chosen.append(job)
        freed += worth[job.number]
    if freed < wanted:
        return None
    for job in reversed(list(chosen)):
        if freed - worth[job.number] >= wanted:
            chosen.remove(job)
            freed -= worth[job.number]
    return chosen


def shed_order(running: Iterable[Gang]) -> list[Gang]:
    """Return who leaves first when the power budget shrinks: flexible services, then by priority, the latest first."""
    may = [job for job in running if job.habits.preemptible]
    return sorted(may, key=lambda job: (not job.habits.flexible, job.priority, -job.start_s, -job.number))
