"""What a failure does to a job at the moment at which it strikes, and how long it stays unseen."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from clustersim.operation import replicas
from clustersim.operation.blows import Blow
from clustersim.operation.causes import Cause
from clustersim.operation.checkpoints import loss_of
from clustersim.operation.plans import Swap
from clustersim.operation.slowness import Absence, Fallen, Straggler

if TYPE_CHECKING:
    from clustersim.operation.job import JobProcess


def strike(job: JobProcess, cause: Cause, slots: tuple[int, ...]) -> None:
    """Let a failure of the servers in these places take effect on the job."""
    if cause.effect == "slow":
        straggler = Straggler(cause.name, cause.slow_fraction, slots, cause.replaces_server)
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
    """Take failed servers out of the job and interrupt it, unless it trains without these replicas anyway.

    Servers of a domain that is out leave the job as failed ones do. What the whole job depends on has no other.
    """
    out = cause.outage_s > 0.0
    until = job.env.now + cause.outage_s if out else 0.0
    if not slots:
        job.outage_until_s = max(job.outage_until_s, until)
    left = cause.replaces_server or (out and bool(slots) and job.cluster.others_for(cause.domain))
    blow = Blow(
        cause.name,
        detection_s=detection_s,
        replaces_server=cause.replaces_server,
        slots=slots,
        loss=loss_of(cause.domain, replaces_server=left, apart=job.apart),
        struck_s=struck_s,
    )
    fallen = None
    if slots and (cause.replaces_server or out):
        taken = job.cluster.take_out(job, slots, broken=cause.replaces_server)
        fallen = Fallen(slots, tuple(taken), cause.repair, cause.replaces_server, cause.domain, until)
        job.dark_until_s = max(job.dark_until_s, until)
        _cure(job, slots)
    if job.elastic and slots:
        hit = job.slow.replicas_of(slots)
        same = next((absence for absence in job.slow.absent if hit <= absence.replicas), None)
        absence = same or Absence(cause.name, hit)
        replicas.leave(job, absence, blow, fallen)
        if same is None:
            job.slow.absent.append(absence)
        elif struck_s is None:
            return
    elif fallen is not None:
        job.fallen.append(fallen)
        job.env.process(_send_for_another(job, fallen, detection_s))
    job.interrupt(blow)


def _send_for_another(job: JobProcess, fallen: Fallen, detection_s: float) -> Generator[Any, Any, None]:
    """Send failed servers to repair, and for others, once this is known, whatever the job stands still for."""
    yield job.env.timeout(detection_s)
    if fallen in job.fallen:
        job.fallen.remove(fallen)
        spare = job.cluster.replace(job, fallen)
        if spare is not None:
            job.awaited.append(spare)


def _cure(job: JobProcess, slots: tuple[int, ...]) -> None:
    """Forget the stragglers among servers that are replaced, and the spares that they asked for."""
    for straggler in [one for one in job.slow.stragglers if one.replaced and set(one.slots) & set(slots)]:
        job.slow.stragglers.remove(straggler)
        if straggler.spare is not None:
            job.cluster.cancel(straggler.spare)


def _find_slow(job: JobProcess, cause: Cause, straggler: Straggler) -> Generator[Any, Any, None]:
    """Find a straggler, get a spare for it, and have the job go over to it at the end of a step."""
    yield job.env.timeout(cause.detection_s)
    if straggler not in job.slow.stragglers:
        return
    if straggler.replaced:
        straggler.spare = job.cluster.request(job, straggler.slots, cause.repair)
        if straggler.spare is not None:
            yield straggler.spare
    if straggler in job.slow.stragglers:
        job.planned.append(Swap(straggler))
        job.interrupt(Blow(cause.name, "planned"))


def _find_silent(job: JobProcess, cause: Cause, slots: tuple[int, ...]) -> Generator[Any, Any, None]:
    """Find silent corruption: what was saved since it began is worthless, whichever server it came from."""
    struck, servers = job.env.now, job.cluster.servers_of(job, slots)
    yield job.env.timeout(cause.detection_s)
    job.unseen -= 1
    # a server that has left the job in the meantime needs no replacement any more
    held = slots if job.cluster.servers_of(job, slots) == servers else ()
    _fall(job, cause, held, 0.0, struck)
