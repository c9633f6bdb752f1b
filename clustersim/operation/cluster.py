"""The servers of a cluster: who holds them, which are spare, which fall together, how spares are handed out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import simpy
from numpy.typing import NDArray

from clustersim.operation.causes import Cause, Domain
from clustersim.operation.slowness import Fallen

FREE = -1
"""Owner of a server that no job holds."""
WHOLE = ("building", "route", "job")
"""Domains that take all of a job rather than servers of it; one of several buildings takes those in it."""
APART = ("server", "rack", "leaf")
"""Domains that spares without number stand outside of; a feed or a building takes such spares with it."""


class Tenant(Protocol):
    """A job, as the cluster sees it."""

    number: int

    def strike(self, cause: Cause, slots: tuple[int, ...]) -> None:
        """Take a failure of the servers in these places of the job; of none: of the job as a whole."""


class Shop(Protocol):
    """Where failed servers are repaired."""

    def submit(self, now_s: float, kind: str) -> float:
        """Take a server in and return when it works again [s], infinite for never."""


@dataclass
class Request:
    """Places of a job that wait for a server."""

    job: Tenant
    slots: deque[int]
    filled: simpy.Event
    since_s: float
    repair: str
    """Kind of repair of a server that still works in such a place, as stragglers do; it leaves when another comes."""
    until_s: float = 0.0
    """When the servers that were there work again by themselves. [s]"""


@dataclass(frozen=True)
class Blocks:
    """Servers that share a rack, a leaf or a feed: contiguous blocks of so many."""

    rack: int = 1
    leaf: int = 1
    feed: int = 1


@dataclass
class Cluster:
    """Servers as arrays; a struck one leaves for repair, a repaired one goes to who waits or to the spares.

    With `shop` None a spare is always at hand: an equal server stands in the failed one's place at once, unless what
    fell is larger than a leaf. Servers whose domain is out are dark: they work again at the end of the outage.
    """

    env: simpy.Environment
    servers: int
    blocks: Blocks = Blocks()
    shop: Shop | None = None
    owner: NDArray[np.int32] = field(init=False)
    slot: NDArray[np.int32] = field(init=False)
    """Place of a server in the job that holds it."""
    broken: NDArray[np.bool_] = field(init=False)
    """Whether a server has failed and is not repaired."""
    dark_until_s: NDArray[np.float64] = field(init=False)
    """When the domain of a server works again. [s]"""
    jobs: dict[int, Tenant] = field(default_factory=dict)
    waiting: list[Request] = field(default_factory=list)
    places: dict[int, NDArray[np.int32]] = field(default_factory=dict)
    """By job: which server is in each of its places, FREE for an empty one."""
    taken_in: int = 0
    """Servers that were handed in for repair."""
    in_repair: int = 0
    """Servers that are in repair, or wait for it."""
    never_back: int = 0
    """Of them: those whose repair never ends."""
    handed_out: int = 0
    """Servers that were given to jobs in place of others."""

    def __post_init__(self) -> None:
        """All servers work and are free."""
        self.owner = np.full(self.servers, FREE, np.int32)
        self.slot = np.full(self.servers, FREE, np.int32)
        self.broken = np.zeros(self.servers, bool)
        self.dark_until_s = np.zeros(self.servers)

    @property
    def in_service(self) -> NDArray[np.bool_]:
        """Whether each server works: bool[server]."""
        works: NDArray[np.bool_] = ~self.broken & (self.dark_until_s <= self.env.now)
        return works

    def free(self) -> NDArray[np.intp]:
        """Return the servers that work and that no job holds."""
        return np.flatnonzero(self.in_service & (self.owner == FREE))

    # ---- who holds what -------------------------------------------------------------------------------------------

    def assign(self, job: Tenant, servers: Iterable[int]) -> None:
        """Give a job its servers, in the order of its places."""
        taken = np.fromiter(servers, np.intp)
        if (self.owner[taken] != FREE).any() or not self.in_service[taken].all():
            raise ValueError(f"job {job.number}: some of the servers are not free")
        self.jobs[job.number] = job
        self.owner[taken], self.slot[taken] = job.number, np.arange(taken.size, dtype=np.int32)
        self.places[job.number] = taken.astype(np.int32)

    def servers_of(self, job: Tenant, slots: Iterable[int]) -> list[int]:
        """Return the servers in these places of a job; an empty place has none."""
        places = self.places.get(job.number)
        return [] if places is None else [int(places[slot]) for slot in slots if places[slot] != FREE]

    # ---- failures -------------------------------------------------------------------------------------------------

    def block(self, cause: Cause, index: int) -> range:
        """Return the servers that fall with component `index` of a cause."""
        if cause.domain == "server":
            server = index * self.servers // cause.count
            return range(server, server + 1)
        if cause.domain == "building":
            first = index * self.servers // cause.count
            return range(first, max(first + 1, (index + 1) * self.servers // cause.count))
        size = {"rack": self.blocks.rack, "leaf": self.blocks.leaf, "feed": self.blocks.feed}[cause.domain]
        first = index * math.ceil(self.servers / size) // cause.count * size
        return range(first, min(self.servers, first + size))

    def strike(self, cause: Cause, index: int) -> None:
        """Let component `index` of a cause fail: each job that holds servers of its block is struck once."""
        if cause.domain in WHOLE and (cause.domain != "building" or cause.count == 1):
            if cause.domain == "building":
                self._darken(range(self.servers), cause)
            for job in list(self.jobs.values()):
                job.strike(cause, ())
            return
        block = self.block(cause, index)
        if len(block) == 1:
            number = int(self.owner[block.start])
            struck = {number: [int(self.slot[block.start])]}
        else:
            struck = {}
            for server in block:
                struck.setdefault(int(self.owner[server]), []).append(int(self.slot[server]))
        works = self.in_service if FREE in struck else None
        idle = [] if works is None else [s for s in block if self.owner[s] == FREE and works[s]]
        self._darken(block, cause)
        for number, slots in struck.items():
            if number != FREE:
                self.jobs[number].strike(cause, tuple(slots))
        if cause.effect == "stop" and cause.replaces_server and self.shop is not None:
            self.broken[idle] = True
            for server in idle:
                self.env.process(self._mend_idle(server, cause))

    def _mend_idle(self, server: int, cause: Cause) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(cause.detection_s)
        self._send_to_repair(server, cause.repair)

    def _darken(self, block: range, cause: Cause) -> None:
        """Put servers out of service to the end of an outage, whoever holds them."""
        if cause.effect == "stop" and cause.outage_s > 0.0:
            until = self.env.now + cause.outage_s
            dark = self.dark_until_s[block.start : block.stop]
            np.maximum(dark, until, out=dark)
            self.env.process(self._light(until))

    def _light(self, until_s: float) -> Generator[simpy.Event, Any, None]:
        """Serve who waits at the end of an outage; what is dark for longer has an end of its own."""
        yield self.env.timeout(until_s - self.env.now)
        # the clock may stand a rounding before the end
        self.dark_until_s[self.dark_until_s == until_s] = self.env.now
        self._serve()

    def others_for(self, domain: Domain) -> bool:
        """Whether servers can take the places of those of a domain that is out, before it works again."""
        return domain in APART if self.shop is None else bool(self.free().size)

    def take_out(self, job: Tenant, slots: Iterable[int], *, broken: bool = True) -> list[int]:
        """Take the servers in these places from a job, empty ones left out; without a shop it keeps them."""
        if self.shop is None:
            return []
        places = list(slots)
        failed = self.servers_of(job, places)
        self.broken[failed] = broken
        self.owner[failed] = self.slot[failed] = FREE
        self.places[job.number][places] = FREE
        return failed

    def replace(self, job: Tenant, fallen: Fallen) -> simpy.Event | None:
        """Send failed servers to repair and ask for others in their places; None when they are there at once."""
        self.send_in(fallen)
        if self.shop is None and fallen.domain not in APART and fallen.until_s > self.env.now:
            return self.env.timeout(fallen.until_s - self.env.now)
        return self.request(job, fallen.slots, fallen.repair, fallen.until_s)

    def request(self, job: Tenant, slots: Iterable[int], repair: str, until_s: float = 0.0) -> simpy.Event | None:
        """Ask for servers in these places of a job; None when they are there at once."""
        places = deque(slots)
        if self.shop is None or not places:
            return None
        request = Request(job, places, self.env.event(), self.env.now, repair, until_s)
        self.waiting.append(request)
        self._serve()
        return None if request.filled.triggered else request.filled

    def cancel(self, filled: simpy.Event) -> None:
        """Forget the request that this event belongs to."""
        self.waiting = [request for request in self.waiting if request.filled is not filled]

    def send_in(self, fallen: Fallen) -> None:
        """Send failed servers, which no job holds any more, to repair; what is only dark needs none."""
        if fallen.broken:
            for server in fallen.servers:
                self._send_to_repair(server, fallen.repair)

    def _send_to_repair(self, server: int, kind: str) -> None:
        if self.shop is None:
            raise TypeError("a cluster without a repair shop has nothing to repair")
        self.taken_in += 1
        self.in_repair += 1
        until = self.shop.submit(self.env.now, kind)
        if math.isfinite(until):
            self.env.process(self._repaired(server, until))
        else:
            self.never_back += 1

    def _repaired(self, server: int, until: float) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(until - self.env.now)
        self.in_repair -= 1
        self.broken[server] = False
        self._serve()

    def _serve(self) -> None:
        """Hand the free servers to those that wait."""
        while (choice := self._next()) is not None:
            request, server = choice
            slot, places = request.slots.popleft(), self.places[request.job.number]
            before, places[slot] = int(places[slot]), server
            self.owner[server], self.slot[server] = request.job.number, slot
            self.handed_out += 1
            if before != FREE:
                self.broken[before] = True
                self.owner[before] = self.slot[before] = FREE
                self._send_to_repair(before, request.repair)
            if not request.slots:
                self.waiting.remove(request)
                request.filled.succeed()

    def _next(self) -> tuple[Request, int] | None:
        """Return who waits longest, with the first free server; until an outage ends, its block gets all or none."""
        if not self.waiting:
            return None
        free = self.free()
        for request in self.waiting:
            if free.size >= (len(request.slots) if request.until_s > self.env.now else 1):
                return request, int(free[0])
        return None
