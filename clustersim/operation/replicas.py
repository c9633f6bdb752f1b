"""A job that trains on with fewer replicas: which are missing, how they come back."""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from clustersim.operation.blows import Blow
from clustersim.operation.phases import Process
from clustersim.operation.plans import Rejoin
from clustersim.operation.slowness import Absence, Fallen

if TYPE_CHECKING:
    from clustersim.operation.job import JobProcess


def enough(job: JobProcess, absent: list[Absence]) -> bool:
    """Whether the replicas that are not absent suffice to train on."""
    gone = frozenset[int]().union(*(absence.replicas for absence in absent))
    least = max(1, math.ceil(job.recovery.least_replicas * job.facts.replicas - 1e-9))
    return job.facts.replicas - len(gone) >= least


def droppable(job: JobProcess, blow: Blow) -> bool:
    """Whether the job can train on without the replicas that fell."""
    return (
        job.elastic
        and job.loaded
        and blow.kind == "failure"
        and bool(blow.slots)
        and blow.struck_s is None
        and enough(job, job.slow.absent)
    )


def drop(job: JobProcess, blow: Blow) -> Process:
    """Give up the step under way and train on without the replicas that fell."""
    whole = float(math.floor(job.step + 1e-9))
    job.log.roll_back(whole, blow.cause)
    job.step = min(job.step, whole)
    cut = yield from job.phase("detect", blow.cause, blow.detection_s)
    if cut is not None:
        return cut
    for other in list(job.absorbed):
        # those that are left when one of them ends the dropping are seen to in the recovery from it
        job.absorbed.remove(other)
        if not droppable(job, other):
            return other
    for planned in [planned for planned in job.planned if isinstance(planned, Rejoin)]:
        join(job, planned.absence)
    return (yield from job.phase("reconfigure", blow.cause, job.times.reconfigure))


def leave(job: JobProcess, absence: Absence, blow: Blow, fallen: Fallen | None) -> None:
    """Begin to bring replicas back; what was begun before for the same ones is given up."""
    absence.round += 1
    absence.present = False
    if fallen is not None:
        absence.fallen.append(fallen)
    job.planned = [p for p in job.planned if not isinstance(p, Rejoin) or p.absence is not absence]
    job.env.process(_bring_back(job, absence, blow.detection_s))


def _bring_back(job: JobProcess, absence: Absence, detection_s: float) -> Generator[Any, Any, None]:
    """Get servers for absent replicas, restart them beside the others and have them rejoin."""
    attempt = absence.round
    yield job.env.timeout(detection_s)
    if absence.round != attempt:
        return
    ask_all(job, absence)
    while absence.awaited:
        yield absence.awaited[0]
        if absence.round != attempt:
            return
        absence.awaited.pop(0)
    absence.present = True
    arrival, job.arrival = job.arrival, job.env.event()
    arrival.succeed()
    yield job.env.timeout(job.times.replica_restart + job.times.catch_up)
    if absence.round == attempt:
        job.planned.append(Rejoin(absence))
        job.interrupt(Blow(absence.cause, "planned"))


def ask_all(job: JobProcess, absence: Absence) -> None:
    """Ask for the servers of absent replicas, once; they are there when none is awaited."""
    for fallen in absence.fallen:
        spare = job.cluster.replace(job, fallen)
        if spare is not None:
            absence.awaited.append(spare)
    absence.fallen.clear()
    if not absence.awaited:
        absence.present = True


def join(job: JobProcess, absence: Absence) -> None:
    """Count replicas as part of the job again."""
    absence.round += 1
    job.slow.absent.remove(absence)
    job.planned = [p for p in job.planned if not isinstance(p, Rejoin) or p.absence is not absence]
