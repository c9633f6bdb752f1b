"""How a job comes back from what struck it: in full, in the job, or with fewer replicas."""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import simpy

from clustersim.operation.blows import Blow
from clustersim.operation.causes import Cause
from clustersim.operation.checkpoints import loss_of
from clustersim.operation.records import State
from clustersim.operation.slowness import Absence, Fallen, Straggler

if TYPE_CHECKING:
    from clustersim.operation.job import JobProcess

Process = Generator[Any, Any, "Blow | None"]
NO_SPARE = "no spare server"


@dataclass(frozen=True, eq=False)
class Suspension:
    """The job is to give its servers back."""

    cause: str


@dataclass(frozen=True, eq=False)
class Rejoin:
    """Replicas are there again, with the weights."""

    absence: Absence


@dataclass(frozen=True, eq=False)
class Swap:
    """A straggler is known and its spare at hand."""

    straggler: Straggler
    fallen: Fallen | None


Planned = Suspension | Rejoin | Swap


# ---- what strikes ---------------------------------------------------------------------------------------------------


def strike(job: JobProcess, cause: Cause, slots: tuple[int, ...]) -> None:
    """Let a failure of the servers in these places take effect on the job."""
    if cause.effect == "slow":
        straggler = Straggler(cause.name, cause.slow_fraction, slots)
        job.slow.stragglers.append(straggler)
        job.interrupt(Blow(cause.name, "speed"))
        job.env.process(_find_slow(job, cause, straggler))
    elif cause.effect == "silent":
        job.unseen += 1
        job.env.process(_find_silent(job, cause, slots))
    else:
        _fall(job, cause, slots, cause.detection_s)


def _fall(
    job: JobProcess, cause: Cause, slots: tuple[int, ...], detection_s: float, struck_s: float | None = None
) -> None:
    """Take failed servers out of the job and interrupt it, unless it trains without these replicas anyway."""
    until = job.env.now + cause.outage_s if cause.outage_s > 0.0 else 0.0
    blow = Blow(
        cause.name,
        detection_s=detection_s,
        replaces_server=cause.replaces_server,
        slots=slots,
        loss=loss_of(cause.domain, replaces_server=cause.replaces_server, apart=job.apart),
        outage_until_s=until,
        struck_s=struck_s,
    )
    fallen = None
    if cause.replaces_server and slots:
        fallen = Fallen(slots, tuple(job.cluster.take_out(job, slots)), cause.repair)
        job.slow.stragglers = [s for s in job.slow.stragglers if not s.slots or not set(s.slots) <= set(slots)]
    if job.recovery.mode == "elastic" and slots:
        hit = job.slow.replicas_of(slots)
        same = next((absence for absence in job.slow.absent if hit <= absence.replicas), None)
        absence = same or Absence(cause.name, hit)
        _leave(job, absence, blow, fallen)
        if same is not None:
            return
        job.slow.absent.append(absence)
    elif fallen is not None:
        job.fallen.append(fallen)
    job.interrupt(blow)


def _find_slow(job: JobProcess, cause: Cause, straggler: Straggler) -> Generator[Any, Any, None]:
    """Find a straggler, get a spare for it, and have the job swap it at the end of a step."""
    servers = job.cluster.servers_of(job, straggler.slots)
    yield job.env.timeout(cause.detection_s)
    if straggler not in job.slow.stragglers:
        return
    fallen = None
    if cause.replaces_server and straggler.slots:
        fallen = Fallen(straggler.slots, tuple(servers), cause.repair)
        spare = job.cluster.request(job, straggler.slots)
        if spare is not None:
            yield spare
    if straggler in job.slow.stragglers:
        job.planned.append(Swap(straggler, fallen))
        job.interrupt(Blow(cause.name, "planned"))


def _find_silent(job: JobProcess, cause: Cause, slots: tuple[int, ...]) -> Generator[Any, Any, None]:
    """Find silent corruption: what was saved since it began is worthless, whichever server it came from."""
    struck, servers = job.env.now, job.cluster.servers_of(job, slots)
    yield job.env.timeout(cause.detection_s)
    job.unseen -= 1
    if job.process.is_alive:
        # a server that has left the job in the meantime needs no replacement any more
        held = slots if job.cluster.servers_of(job, slots) == servers else ()
        _fall(job, cause, held, 0.0, struck)


# ---- how it comes back ----------------------------------------------------------------------------------------------


def recover(job: JobProcess, blow: Blow) -> Process:
    """Go from the blow to the first step after it; return the blow that cut this short, if one did."""
    if blow.kind == "suspend":
        job.roll_back(blow)
        return (yield from stay_queued(job, blow.cause))
    job.struck[blow.cause] = job.struck.get(blow.cause, 0) + 1
    if _droppable(job, blow):
        return (yield from _drop(job, blow))
    in_place = job.recovery.mode == "in_job" and blow.kind == "failure" and bool(blow.slots)
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
    until, awaited = blow.outage_until_s, job.awaited
    while True:
        for other in job.absorbed:
            until = max(until, other.outage_until_s)
            if other.struck_s is not None:
                job.roll_back(other)
        job.absorbed.clear()
        for fallen in job.fallen:
            _ask(job, fallen, awaited)
        job.fallen.clear()
        for absence in job.slow.absent:
            _ask_all(job, absence)
        if until > job.env.now and job.recovery.mode != "elastic":
            cut = yield from job.phase("stopped", f"{blow.cause}: outage", until - job.env.now)
        elif awaited:
            cut = yield from job.wait_for(awaited[0], "stopped", f"{blow.cause}: {NO_SPARE}")
            if cut is None:
                awaited.pop(0)
        elif not _enough(job, [absence for absence in job.slow.absent if not absence.present]):
            cut = yield from job.wait_for(job.arrival, "stopped", f"{blow.cause}: {NO_SPARE}")
        else:
            break
        if cut is not None:
            return cut
    for absence in [absence for absence in job.slow.absent if absence.present]:
        _join(job, absence)
    seconds = job.times.reconfigure if state == "reconfigure" else job.times.restart
    cut = yield from job.phase(state, blow.cause, seconds)
    if cut is None:
        cut = yield from job.phase("reload", blow.cause, job.reload_s)
    job.loaded = cut is None
    return cut


def _ask(job: JobProcess, fallen: Fallen, awaited: list[simpy.Event]) -> None:
    """Send failed servers to repair and ask for others."""
    job.cluster.repair(fallen.servers, fallen.repair)
    spare = job.cluster.request(job, fallen.slots)
    if spare is not None:
        awaited.append(spare)


# ---- fewer replicas -------------------------------------------------------------------------------------------------


def _enough(job: JobProcess, absent: list[Absence]) -> bool:
    """Whether the replicas that are not absent suffice to train on."""
    gone = frozenset[int]().union(*(absence.replicas for absence in absent))
    least = max(1, math.ceil(job.recovery.least_replicas * job.facts.replicas - 1e-9))
    return job.facts.replicas - len(gone) >= least


def _droppable(job: JobProcess, blow: Blow) -> bool:
    """Whether the job can train on without the replicas that fell."""
    return (
        job.recovery.mode == "elastic"
        and job.loaded
        and blow.kind == "failure"
        and bool(blow.slots)
        and blow.struck_s is None
        and _enough(job, job.slow.absent)
    )


def _drop(job: JobProcess, blow: Blow) -> Process:
    """Give up the step under way and train on without the replicas that fell."""
    whole = float(math.floor(job.step + 1e-9))
    job.log.cut_back(whole, blow.cause)
    job.step = min(job.step, whole)
    cut = yield from job.phase("detect", blow.cause, blow.detection_s)
    if cut is not None:
        return cut
    others = list(job.absorbed)
    job.absorbed.clear()
    for other in others:
        if not _droppable(job, other):
            return other
    for planned in [planned for planned in job.planned if isinstance(planned, Rejoin)]:
        _join(job, planned.absence)
    return (yield from job.phase("reconfigure", blow.cause, job.times.reconfigure))


def _leave(job: JobProcess, absence: Absence, blow: Blow, fallen: Fallen | None) -> None:
    """Begin to bring replicas back; what was begun before for the same ones is given up."""
    absence.round += 1
    absence.present = False
    absence.until_s = max(absence.until_s, blow.outage_until_s)
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
    _ask_all(job, absence)
    while absence.awaited:
        yield absence.awaited[0]
        if absence.round != attempt:
            return
        absence.awaited.pop(0)
    if absence.until_s > job.env.now:
        yield job.env.timeout(absence.until_s - job.env.now)
        if absence.round != attempt:
            return
    absence.present = True
    arrival, job.arrival = job.arrival, job.env.event()
    arrival.succeed()
    yield job.env.timeout(job.times.replica_restart + job.times.catch_up)
    if absence.round == attempt:
        job.planned.append(Rejoin(absence))
        job.interrupt(Blow(absence.cause, "planned"))


def _ask_all(job: JobProcess, absence: Absence) -> None:
    """Ask for the servers of absent replicas, once; they are there when none is awaited."""
    for fallen in absence.fallen:
        _ask(job, fallen, absence.awaited)
    absence.fallen.clear()
    if not absence.awaited and absence.until_s <= job.env.now:
        absence.present = True


def _join(job: JobProcess, absence: Absence) -> None:
    """Count replicas as part of the job again."""
    absence.round += 1
    job.slow.absent.remove(absence)
    job.planned = [p for p in job.planned if not isinstance(p, Rejoin) or p.absence is not absence]


# ---- what is planned ------------------------------------------------------------------------------------------------


def carry_out(job: JobProcess, planned: Planned) -> Process:
    """Do what was planned for the end of a step; return the blow that cut it short, if one did."""
    job.planned.remove(planned)
    if isinstance(planned, Rejoin):
        cause = f"{planned.absence.cause}: rejoin"
        _join(job, planned.absence)
        return (yield from job.phase("reconfigure", cause, job.times.reconfigure))
    if isinstance(planned, Suspension):
        cut = yield from _save_for_good(job, planned.cause)
        return cut if cut is not None else (yield from stay_queued(job, planned.cause))
    return (yield from _swap(job, planned))


def _swap(job: JobProcess, planned: Swap) -> Process:
    """Take a straggler out: save, then go on with the spare in its place; no work is lost."""
    if planned.straggler not in job.slow.stragglers:
        return None
    cause, full = planned.straggler.cause, job.recovery.mode == "full"
    if full:
        cut = yield from _save_for_good(job, cause)
    else:
        cut = yield from job.phase("checkpoint", cause, job.history.tiers[0].blocking_s)
    if cut is not None:
        job.planned.append(planned)
        return cut
    job.slow.stragglers.remove(planned.straggler)
    if planned.fallen is not None:
        job.cluster.retire(job, planned.fallen.servers, planned.fallen.repair)
    state: State = "restart" if full else "reconfigure"
    reload_s = job.times.storage.reload_s if full else job.history.soonest_reload_s("server")
    cut = yield from job.phase(state, cause, job.times.restart if full else job.times.reconfigure)
    return cut if cut is not None else (yield from job.phase("reload", cause, reload_s))


def _save_for_good(job: JobProcess, cause: str) -> Process:
    """Save to the storage and wait until the checkpoint is safe there."""
    storage = job.times.storage
    tier = (len(job.times.tiers) - 1,)
    return (yield from job.save(cause, storage.blocking_s + storage.write_s, tier, at_once=True))


def stay_queued(job: JobProcess, cause: str) -> Process:
    """Give the servers back and wait until the job is resumed; then start all ranks and load the weights."""
    for fallen in [*job.fallen, *(fallen for absence in job.slow.absent for fallen in absence.fallen)]:
        job.cluster.repair(fallen.servers, fallen.repair)
    for absence in job.slow.absent:
        absence.round += 1
    for kept in (job.fallen, job.awaited, job.planned, job.slow.absent, job.slow.stragglers):
        kept.clear()
    job.loaded = False
    job.cluster.release(job)
    job.state = "queued"
    job.suspended.succeed()
    job.suspended = job.env.event()
    while not job.resumed.triggered:
        blow = yield from job.wait_for(job.resumed, "queued", cause)
        if blow is not None and blow.kind == "stop":
            job.stopped_until_s = max(job.stopped_until_s, blow.stopped_until_s or 0.0)
    job.resumed = job.env.event()
    start = Blow(cause, "stop", stopped_until_s=job.stopped_until_s)
    cut = yield from _stop(job, start)
    return cut if cut is not None else (yield from _come_back(job, start, "restart"))


def findings_at_end(job: JobProcess, end_s: float) -> tuple[str, ...]:
    """Return what is worth saying about the job when its record is closed."""
    found = []
    last = job.log.rows[-1] if job.log.rows else None
    if last is not None and last.state == "stopped" and last.cause.endswith(NO_SPARE):
        found.append(
            f"the job stands still from {last.start_s:.0f} s to the end ({end_s - last.start_s:.0f} s): {last.cause}, "
            f"{job.cluster.in_repair} in repair, of which {job.cluster.never_back} will never come back"
        )
    elif job.cluster.never_back:
        found.append(f"{job.cluster.never_back} failed servers will never come back from repair")
    found += [
        f"checkpoint ({tier.name}): writing one takes {tier.write_s:.0f} s, more than the interval of "
        f"{tier.interval_s:.0f} s: the next one waits for it"
        for tier in job.times.tiers
        if tier.write_s > tier.interval_s
    ]
    if job.unseen:
        found.append(f"{job.unseen} silent corruptions were not found by the end: work since then counts as useful")
    return tuple(found)
