"""How a job comes back from what struck it, and how it does what it had planned."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from clustersim.operation import replicas
from clustersim.operation.blows import Blow
from clustersim.operation.phases import Process
from clustersim.operation.plans import Drain, Planned, Rejoin, Swap
from clustersim.operation.records import State

if TYPE_CHECKING:
    from clustersim.operation.job import JobProcess

NO_SPARE, OUTAGE = "no spare server", "outage"
"""What a job waits for that stands still by itself: last words of the cause of its rows."""


def recover(job: JobProcess, blow: Blow) -> Process:
    """Go from the blow to the first step after it; return the blow that cut this short, if one did."""
    job.struck[blow.cause] = job.struck.get(blow.cause, 0) + 1
    if replicas.droppable(job, blow):
        return (yield from replicas.drop(job, blow))
    in_place = job.recovery.mode == "in_job" and job.up and blow.kind == "failure" and bool(blow.slots)
    job.roll_back(blow)
    job.loaded = False
    if blow.kind == "stop":
        cut = yield from _stop(job, blow)
    else:
        cut = yield from job.phase("detect", blow.cause, blow.detection_s)
    if cut is not None:
        return cut
    return (yield from _come_back(job, blow, "reconfigure" if in_place else "restart"))


def _stop(job: JobProcess, blow: Blow) -> Process:
    """Notice that servers are gone, and stand still to the end of the stop and of those that begin meanwhile."""
    job.stopped_until_s = max(job.stopped_until_s, blow.stopped_until_s or 0.0)
    seconds = min(blow.detection_s, job.stopped_until_s - job.env.now)
    if seconds > 0.0:
        cut = yield from job.phase("detect", blow.cause, seconds)
        if cut is not None and cut.kind == "stop":
            return replace(cut, stopped_until_s=max(cut.stopped_until_s or 0.0, job.stopped_until_s))
        if cut is not None:
            return cut
    while job.stopped_until_s > job.env.now:
        seconds = job.stopped_until_s - job.env.now
        cut = yield from job.phase("stopped", blow.cause, seconds, booked=blow.category)
        if cut is not None and cut.kind != "stop":
            return cut
        if cut is not None:
            job.stopped_until_s = max(job.stopped_until_s, cut.stopped_until_s or 0.0)
    return None


def _come_back(job: JobProcess, blow: Blow, state: State) -> Process:
    """Wait for the servers, then start the ranks or build the collectives again, and load the weights."""
    awaited = job.awaited
    job.up = job.up and state == "reconfigure"
    while True:
        for other in job.absorbed:
            if other.struck_s is not None:
                job.roll_back(other)
        job.absorbed.clear()
        for fallen in job.fallen:
            spare = job.cluster.replace(job, fallen)
            if spare is not None:
                awaited.append(spare)
        job.fallen.clear()
        for absence in job.slow.absent:
            replicas.ask_all(job, absence)
        if job.outage_until_s > job.env.now:
            cut = yield from job.phase("stopped", f"{blow.cause}: {OUTAGE}", job.outage_until_s - job.env.now)
        elif awaited:
            cut = yield from job.wait_for(awaited[0], "stopped", f"{blow.cause}: {_lacking(job)}")
            if cut is None:
                awaited.pop(0)
        elif not replicas.enough(job, [absence for absence in job.slow.absent if not absence.present]):
            cut = yield from job.wait_for(job.arrival, "stopped", f"{blow.cause}: {_lacking(job)}")
        else:
            break
        if cut is not None:
            return cut
    for absence in [absence for absence in job.slow.absent if absence.present]:
        replicas.join(job, absence)
    if state == "restart":
        # this restart is also that of drains which are over
        over = [one for one in job.planned if isinstance(one, Drain) and one.until_s <= job.env.now]
        job.planned = [one for one in job.planned if one not in over]
    seconds = job.times.reconfigure if state == "reconfigure" else job.times.restart
    cut = yield from job.phase(state, blow.cause, seconds)
    if cut is None:
        job.up = True
        cut = yield from job.phase("reload", blow.cause, job.reload_s)
    job.loaded = cut is None
    return cut


def _lacking(job: JobProcess) -> str:
    """Return what a job waits for that lacks servers."""
    return OUTAGE if job.dark_until_s > job.env.now else NO_SPARE


def carry_out(job: JobProcess, planned: Planned) -> Process:
    """Do what was planned for the end of a step; return the blow that cut it short, if one did."""
    job.planned.remove(planned)
    if isinstance(planned, Rejoin):
        cause = f"{planned.absence.cause}: rejoin"
        replicas.join(job, planned.absence)
        return (yield from job.phase("reconfigure", cause, job.times.reconfigure))
    if isinstance(planned, Drain):
        return (yield from _drain(job, planned))
    return (yield from _swap(job, planned))


def _drain(job: JobProcess, planned: Drain) -> Process:
    """Save, stand still to the end of the last drain that is planned, and start again."""
    cut = yield from _save_for_good(job, planned.cause)
    if cut is not None:
        return cut
    job.loaded = False
    others = (one.until_s for one in job.planned if isinstance(one, Drain))
    stop = Blow(planned.cause, "stop", stopped_until_s=max((planned.until_s, *others)), category=planned.category)
    job.roll_back(stop)
    cut = yield from _stop(job, stop)
    return cut if cut is not None else (yield from _come_back(job, stop, "restart"))


def _swap(job: JobProcess, planned: Swap) -> Process:
    """Take a straggler out: save, then go on with the spare in its place; no work is lost."""
    if planned.straggler not in job.slow.stragglers:
        return None
    cause, full = planned.straggler.cause, job.recovery.mode != "in_job" and not job.elastic
    if full:
        cut = yield from _save_for_good(job, cause)
    else:
        cut = yield from job.phase("checkpoint", cause, job.history.tiers[0].blocking_s)
    if cut is not None:
        job.planned.append(planned)
        return cut
    job.slow.stragglers.remove(planned.straggler)
    state: State = "restart" if full else "reconfigure"
    reload_s = job.times.storage.reload_s if full else job.history.soonest_reload_s("server")
    cut = yield from job.phase(state, cause, job.times.restart if full else job.times.reconfigure)
    return cut if cut is not None else (yield from job.phase("reload", cause, reload_s))


def _save_for_good(job: JobProcess, cause: str) -> Process:
    """Save to the storage and wait until the checkpoint is safe there."""
    storage = job.times.storage
    return (yield from job.save(cause, storage.blocking_s + storage.write_s, at_once=True))
