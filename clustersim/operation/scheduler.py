"""Who starts next, where, and who must leave for it: priority, EASY backfill, preemption, power.

`Queue` holds the jobs that wait; the engine acts on what :func:`decide` returns.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush

from clustersim.operation.fleet_records import ServerPool
from clustersim.operation.gang_jobs import Gang
from clustersim.operation.scheduling_rules import Reservation, may_overtake, reservation, victims

Rank = tuple[bool, int, float, int]
Kind = tuple[int, int, tuple[int, ...], bool, bool, bool]
"""Priority, servers, pools and habits that decide whether a job can start."""


class Queue:
    """Jobs that wait, by priority and then by arrival.

    Jobs that ask for the same (size, places, priority) are kept together, as what keeps one of them from starting keeps
    all of them.
    """

    def __init__(self) -> None:
        self._alike: dict[Kind, list[tuple[Rank, Gang]]] = {}
        self._length = 0

    def __iter__(self) -> Iterator[Gang]:
        return self.walk(lambda _: False, self._length)

    def __len__(self) -> int:
        return self._length

    def add(self, job: Gang) -> None:
        """Put a job in its place."""
        insort(self._alike.setdefault(_kind(job), []), (job.rank, job))
        self._length += 1

    def remove(self, job: Gang) -> None:
        """Take a job out."""
        rows = self._alike[_kind(job)]
        index = bisect_left(rows, job.rank, key=lambda row: row[0])
        if rows[index][1] is not job:
            raise RuntimeError(f"{job.name} does not wait")
        del rows[index]
        self._length -= 1

    def walk(self, hopeless: Callable[[Gang], bool], depth: int) -> Iterator[Gang]:
        """Yield the jobs in order; leave out all that are like one which is `hopeless`, and all but `depth` alike."""
        rows = {kind: list(rows[:depth]) for kind, rows in self._alike.items() if rows}
        heads = [(rows[kind][0][0], kind, 0) for kind in rows]
        heapify(heads)
        while heads:
            _, kind, index = heappop(heads)
            job = rows[kind][index][1]
            if hopeless(job):
                continue
            yield job
            if index + 1 < len(rows[kind]):
                heappush(heads, (rows[kind][index + 1][0], kind, index + 1))


def _kind(job: Gang) -> Kind:
    return (job.priority, job.servers, job.pools, job.habits.across, job.habits.flexible, job.habits.preemptible)


@dataclass
class View:
    """What :func:`decide` sees of the cluster, and what it keeps account of while it goes through the queue."""

    now: float
    pools: tuple[ServerPool, ...]
    free: list[int]
    """Servers that a job may get now, per pool; what is claimed by jobs that made others leave is taken off."""
    watts: float
    """Power that may be added now; what is claimed is taken off. [W]"""
    running: list[Gang]
    """Jobs that hold servers, leaving ones with them."""
    least_watts: float
    """Power that may be added for good to what runs now, at the smallest budget to come. [W]"""
    backfill: bool
    depth: int
    """Jobs that are looked at of those that ask for the same."""
    preemption: bool
    kept: dict[int, Reservation] = field(default_factory=dict)
    """Pool -> reservation of the first job that waits for its servers."""
    kept_watts: Reservation | None = None
    leaving_free: list[int] = field(default_factory=list)
    """Servers, per pool, that leaving jobs free and nobody has claimed."""
    leaving_watts: float = 0.0


@dataclass
class Decision:
    """What is to be done now."""

    starts: list[tuple[Gang, dict[int, int]]] = field(default_factory=list)
    leave: list[tuple[Gang, Gang]] = field(default_factory=list)
    """Who must leave, and for whom."""
    no_power: dict[int, int] = field(default_factory=dict)
    """Pool -> free servers for which a job waits that lacks nothing but power."""


def decide(queue: Queue, view: View) -> Decision:
    """Go through the queue once: start who can, reserve for the first who cannot, make lower priorities leave."""
    found = Decision()
    settled = [one.priority for one in view.running if one.status == "running" and one.habits.preemptible]
    lowest = min(settled, default=math.inf)

    def pushes(job: Gang) -> bool:
        return view.preemption and job.priority > lowest and not job.habits.flexible

    for job in queue.walk(lambda one: not pushes(one) and _is_hopeless(one, view), view.depth):
        wanted = _place_for(job, view)
        if wanted is not None and _power_for(job, wanted, view):
            _start(job, wanted, view, found)
            continue
        if wanted is not None:
            for pool, count in wanted.items():
                withheld = found.no_power.get(pool, 0) + count
                found.no_power[pool] = min(view.free[pool], withheld)
        if not (pushes(job) and _make_room(job, wanted, view, found)):
            _reserve(job, wanted, view)
    return found


def _is_hopeless(job: Gang, view: View) -> bool:
    """Return whether the job neither has room nor would be the first that waits for any of its pools."""
    if job.habits.across:
        return False
    return all(view.free[pool] < job.servers and pool in view.kept for pool in job.pools)


def _start(job: Gang, wanted: dict[int, int], view: View, found: Decision) -> None:
    found.starts.append((job, wanted))
    added = job.added_w(view.pools, wanted)
    view.watts -= added
    view.least_watts -= added if not job.habits.preemptible else 0.0
    for pool, count in wanted.items():
        view.free[pool] -= count
    _use_spare(job, wanted, added, view)


def _use_spare(job: Gang, wanted: dict[int, int], added: float, view: View) -> None:
    """Take off what a job that outlasts a reservation uses of what was spare beside it."""
    end = view.now + job.run_s()
    for pool, count in wanted.items():
        kept = view.kept.get(pool)
        if kept is not None and end > kept.time_s:
            view.kept[pool] = Reservation(kept.time_s, kept.spare - count)
    if view.kept_watts is not None and end > view.kept_watts.time_s:
        view.kept_watts = Reservation(view.kept_watts.time_s, view.kept_watts.spare - added)


def _place_for(job: Gang, view: View) -> dict[int, int] | None:
    """Return how many servers of which pool the job may have now: of the pools with room, the fullest."""
    run_s = job.run_s()

    def open_to(pool: int, count: int) -> bool:
        return may_overtake(view.now, run_s, count, view.kept.get(pool))

    room = [p for p in job.pools if view.free[p] >= job.servers and open_to(p, job.servers)]
    if room:
        return {min(room, key=lambda pool: (view.free[pool], pool)): job.servers}
    if not job.habits.across or sum(view.free[p] for p in job.pools) < job.servers:
        return None
    left, wanted = job.servers, dict[int, int]()
    for pool in sorted(job.pools, key=lambda one: (-view.free[one], one)):
        count = min(left, view.free[pool])
        if count > 0 and open_to(pool, count):
            wanted[pool] = count
            left -= count
    return wanted if left == 0 else None


def _power_for(job: Gang, wanted: dict[int, int], view: View) -> bool:
    added = job.added_w(view.pools, wanted)
    # nobody can shed a job that may not be preempted: it must fit the smallest budget to come
    enough = added <= view.watts and (job.habits.preemptible or added <= view.least_watts)
    return enough and may_overtake(view.now, job.run_s(), added, view.kept_watts)


def _make_room(job: Gang, wanted: dict[int, int] | None, view: View, found: Decision) -> bool:
    """Make jobs of lower priority leave, and claim what they free; False where that is not possible."""
    asked = {one.number for one, _ in found.leave}
    staying = [one for one in view.running if one.status == "running" and one.number not in asked]
    for pool in wanted or sorted(job.pools, key=lambda one: (-view.free[one], one)):
        if wanted is not None and len(wanted) > 1:
            return False
        out = _leavers(job, pool, staying, view)
        if out is not None:
            _claim(job, pool, out, view, found)
            return True
    return False


def _leavers(job: Gang, pool: int, staying: list[Gang], view: View) -> list[Gang] | None:
    """Return who must leave so that the job fits a pool, empty where enough are leaving already; None if it cannot."""
    added = job.added_w(view.pools, {pool: job.servers})
    if not may_overtake(view.now, job.run_s(), job.servers, view.kept.get(pool)):
        return None
    if not may_overtake(view.now, job.run_s(), added, view.kept_watts):
        return None
    if not job.habits.preemptible and added > view.least_watts:
        return None
    if job.servers <= view.free[pool] and added <= view.watts:
        return None
    lacking = job.servers - view.free[pool] - view.leaving_free[pool]
    worth = {one.number: float(one.size.get(pool, 0)) for one in staying}
    out = victims(staying, job.priority, lacking, worth)
    if out is None:
        return None
    gone = {one.number for one in out}
    freed_w = {one.number: one.added_w(view.pools, one.size) for one in staying}
    lacking_w = added - view.watts - view.leaving_watts - math.fsum(freed_w[number] for number in sorted(gone))
    more = victims([one for one in staying if one.number not in gone], job.priority, lacking_w, freed_w)
    return None if more is None else [*out, *more]


def _claim(job: Gang, pool: int, out: list[Gang], view: View, found: Decision) -> None:
    """Keep what `out` and earlier leavers free, and of what is free now what is still lacking, for `job`."""
    for one in out:
        found.leave.append((one, job))
        for at, count in one.size.items():
            view.leaving_free[at] += count
        view.leaving_watts += one.added_w(view.pools, one.size)
    from_leaving = min(job.servers, view.leaving_free[pool])
    view.leaving_free[pool] -= from_leaving
    view.free[pool] = max(0, view.free[pool] - (job.servers - from_leaving))
    added = job.added_w(view.pools, {pool: job.servers})
    from_watts = min(added, view.leaving_watts)
    view.leaving_watts -= from_watts
    view.watts -= added - from_watts
    _use_spare(job, {pool: job.servers}, added, view)


def _reserve(job: Gang, wanted: dict[int, int] | None, view: View) -> None:
    """Keep servers (or power) for the first job that waits for them; without backfill, all of them."""
    if wanted is not None:
        if view.kept_watts is None:
            added = job.added_w(view.pools, wanted)
            ends = [(one.due_s, one.added_w(view.pools, one.size)) for one in view.running]
            kept = reservation(view.now, view.watts, ends, added)
            view.kept_watts = kept if view.backfill else Reservation(view.now, 0.0)
        return
    open_pools = [pool for pool in job.pools if pool not in view.kept]
    if not open_pools:
        return
    if not view.backfill:
        view.kept |= dict.fromkeys(open_pools, Reservation(view.now, 0.0))
        return
    if job.habits.across:
        # a gang over several sites waits for their sum: none of them lets a job pass that would outlast it
        ends = [(one.due_s, float(sum(one.size.get(p, 0) for p in job.pools))) for one in view.running]
        kept = reservation(view.now, float(sum(view.free[p] for p in job.pools)), ends, job.servers)
        view.kept |= dict.fromkeys(open_pools, Reservation(kept.time_s, 0.0))
        return
    options = []
    for pool in open_pools:
        ends = [(one.due_s, float(one.size[pool])) for one in view.running if pool in one.size]
        kept = reservation(view.now, float(view.free[pool]), ends, job.servers)
        options.append((kept.time_s, pool, kept))
    time, pool, kept = min(options, key=lambda one: one[:2])
    if math.isfinite(time):
        view.kept[pool] = kept
