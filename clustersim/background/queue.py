"""The queue of requests: who waits for what, which process serves it, and what came of it."""

from __future__ import annotations

import atexit
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import wait

from clustersim.background.records import Request, State, Ticket
from clustersim.background.worker import BACKGROUND_NICE, Worker
from clustersim.cores import usable_cores
from clustersim.errors import InputError

MOST_WAITING = 8
"""Requests of one user that may wait at the same time."""
MOST_KEPT = 500
"""Tickets that are over and still remembered."""
TICK_S = 0.5
"""How long the queue sleeps where nothing happens. [s]"""
MOST_STARTS = 3
"""So often processes may end one after the other before one of them is ready."""
MOST_S = 4 * 3600.0
"""Time that one request may take. [s]"""
OWN = "server"
"""Who asks for what nobody waits for; it is served when nothing else is, at low priority."""
LONG_VERBS = frozenset({"sweep"})
"""Verbs that may take hours; one of them is served at a time, beside the others and at lower priority."""
LONG_NICE = 10
KILLED = "its process was killed (out of memory, or stopped from outside)"


class Queue:
    """Requests served by processes that stay warm; safe to use from several threads.

    Whoever asks the same while it is under way watches the same ticket. A request that nobody watches any more is
    cancelled: its process is killed and replaced.
    """

    def __init__(self, workers: int | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        """Say how many processes work at the same time; left out: the cores that there are, two at most."""
        self.count = workers or min(2, usable_cores())
        self._clock = clock
        self._lock = threading.Condition()
        self._tickets: OrderedDict[str, Ticket] = OrderedDict()
        self._watchers: dict[str, set[str]] = {}
        self._workers: list[Worker] = []
        self._starts = 0
        self._closed = False
        self._reader, self._writer = os.pipe()
        self._thread = threading.Thread(target=self._work, daemon=True, name="clustersim-queue")
        self._thread.start()
        atexit.register(self.close)

    def submit(self, request: Request, who: str) -> Ticket:
        """Ask for something; return its ticket, which is that of the same request where that is under way.

        Raises
        ------
        InputError
            If `who` has too many requests waiting.
        """
        with self._lock:
            known = self._tickets.get(request.digest)
            if known is None or known.state.over:
                mine = [one for one in self._of(who) if one.state is State.QUEUED]
                if who != OWN and len(mine) >= MOST_WAITING:
                    raise InputError(f"expected at most {MOST_WAITING} requests that wait, found {len(mine) + 1}")
                known = Ticket(request.digest, request, queued_s=self._clock())
                self._watchers[known.id] = set()
                self._tickets.pop(known.id, None)
                self._tickets[known.id] = known
                self._forget()
            self._watchers[known.id].add(who)
        self._wake()
        return known

    def warm(self) -> None:
        """Start the processes before anything is asked, so that the first request need not wait for them."""
        with self._lock:
            while len(self._staying(0)) < self.count:
                self._workers.append(Worker())
        self._wake()

    def ticket(self, ticket_id: str) -> Ticket | None:
        """Return a ticket as it stands now; None where it is not known any more."""
        with self._lock:
            found = self._tickets.get(ticket_id)
            if found is None or found.state is not State.QUEUED:
                return found
            order = [one.id for one in self._waiting()]
            return replace(found, ahead=order.index(ticket_id))

    def tickets(self, who: str) -> tuple[Ticket, ...]:
        """Return what somebody has asked for, the oldest first."""
        with self._lock:
            return tuple(self._of(who))

    def cancel(self, ticket_id: str, who: str) -> None:
        """Take somebody off a ticket; where nobody else watches it, it is cancelled."""
        with self._lock:
            found = self._tickets.get(ticket_id)
            watchers = self._watchers.get(ticket_id, set())
            watchers.discard(who)
            if found is None or found.state.over or watchers:
                return
            self._tickets[ticket_id] = replace(found, state=State.CANCELLED, ended_s=self._clock())
            for worker in [one for one in self._workers if one.serving == ticket_id]:
                self._workers.remove(worker)
                worker.kill()
        self._wake()

    def forget(self, who: str) -> None:
        """Take somebody off every ticket: what nobody else watches is cancelled."""
        for one in self.tickets(who):
            self.cancel(one.id, who)

    def close(self) -> None:
        """End the processes; nothing is served any more."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
        self._wake()
        self._thread.join(10.0)
        os.close(self._writer)

    def _of(self, who: str) -> list[Ticket]:
        return [one for one in self._tickets.values() if who in self._watchers.get(one.id, ())]

    def _forget(self) -> None:
        over = [key for key, one in self._tickets.items() if one.state.over]
        for key in over[: max(0, len(over) - MOST_KEPT)]:
            del self._tickets[key]
            self._watchers.pop(key, None)

    def _wake(self) -> None:
        os.write(self._writer, b".")

    def _waiting(self) -> list[Ticket]:
        """Return what waits, in the order in which it is served: what somebody waits for before the queue's own."""
        found = [one for one in self._tickets.values() if one.state is State.QUEUED]
        return sorted(found, key=self._is_own)

    def _is_own(self, ticket: Ticket) -> bool:
        return self._watchers.get(ticket.id) == {OWN}

    def _work(self) -> None:
        while True:
            with self._lock:
                if self._closed:
                    break
                self._end_overlong()
                self._hand_out()
                by_pipe = {worker.connection: worker for worker in self._workers}
            speaking = wait([*by_pipe, self._reader], TICK_S)
            if self._reader in speaking:
                os.read(self._reader, 4096)
            with self._lock:
                for pipe in speaking:
                    worker = by_pipe.get(pipe)  # type: ignore[call-overload]
                    if worker is not None and worker in self._workers:
                        self._heard(worker)
        for worker in self._workers:
            worker.kill()
        self._workers.clear()
        os.close(self._reader)

    def _staying(self, nice: int) -> list[Worker]:
        """Return the processes of a priority that can be given requests, now or when they are free."""
        return [one for one in self._workers if one.nice == nice and not one.leaves]

    def _hand_out(self) -> None:
        for ticket in self._waiting():
            own = self._is_own(ticket)
            if own and any(one.serving for one in self._workers):
                return
            # what takes long has a process of its own, so that it holds up nobody who waits for a page
            nice = BACKGROUND_NICE if own else LONG_NICE if ticket.request.verb in LONG_VERBS else 0
            alike = self._staying(nice)
            free = next((one for one in alike if one.ready and one.serving is None), None)
            if free is None:
                # one that prepares does so beside the others, which then have the cores for themselves
                if len(alike) < (1 if nice else self.count) and self._starts < MOST_STARTS:
                    self._workers.append(Worker(nice))
                elif self._starts >= MOST_STARTS:
                    self._end(ticket.id, State.FAILED, error="worker processes end before they are ready")
                continue
            if free.give(ticket.id, ticket.request.verb, ticket.request.arguments):
                self._tickets[ticket.id] = replace(
                    ticket, state=State.RUNNING, started_s=self._clock(), part="starting"
                )

    def _end_overlong(self) -> None:
        for worker in [one for one in self._workers if one.serving is not None]:
            ticket = self._tickets[str(worker.serving)]
            if ticket.elapsed_s(self._clock()) > MOST_S:
                self._workers.remove(worker)
                worker.kill()
                self._end(ticket.id, State.FAILED, error=f"it took more than {MOST_S / 3600:g} h", input_error=True)

    def _heard(self, worker: Worker) -> None:
        message = worker.received()
        if message is None:
            self._workers.remove(worker)
            worker.kill()
            if worker.serving is not None:
                self._end(worker.serving, State.FAILED, error=KILLED)
            elif not worker.ready:
                self._starts += 1
            return
        kind, content = message
        if kind == "ready":
            worker.ready, self._starts = True, 0
            return
        if kind == "leaves":
            worker.leaves = True
            return
        if worker.serving is None:
            return
        if kind == "part":
            self._told(worker.serving, content)
            return
        ticket, worker.serving = worker.serving, None
        if worker.leaves:
            self._workers.remove(worker)
            worker.kill()
        if kind == "done":
            self._end(ticket, State.DONE, answer=content)
        else:
            self._end(ticket, State.FAILED, error=content, input_error=kind == "wrong")

    def _told(self, ticket_id: str, content: str | tuple[str, float]) -> None:
        found = self._tickets[ticket_id]
        part, fraction = (content, None) if isinstance(content, str) else content
        self._tickets[ticket_id] = replace(found, part=part, fraction=fraction, parts_done=found.parts_done + 1)

    def _end(self, ticket_id: str, state: State, **found: object) -> None:
        ended = self._tickets[ticket_id]
        self._tickets[ticket_id] = replace(ended, state=state, ended_s=self._clock(), part="", **found)  # type: ignore[arg-type]
