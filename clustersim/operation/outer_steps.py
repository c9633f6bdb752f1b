"""Where sites that train alone meet: rounds that close when enough of them are there."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

import simpy

from clustersim.operation.blows import Blow
from clustersim.operation.facts import ExternalEvent
from clustersim.operation.job import JobProcess
from clustersim.operation.site_network import NetworkState

EXCHANGE = "exchange between sites"
Process = Generator[Any, Any, "Blow | None"]


@dataclass
class Meeting:
    """Rounds of outer steps: a site joins the open one; it closes at the quorum and its grace, or when all are there.

    A site that comes after its round has closed is late: it merges at once and joins the next one. With the quorum of
    all sites nobody is late, and each round waits for the last.
    """

    env: simpy.Environment
    names: Sequence[str]
    quorum: int
    grace_s: float
    exposed_s: Callable[[float], float]
    """What a site waits for the exchange of a round at a bandwidth. [s]"""
    network: NetworkState
    closed: int = 0
    """Rounds that have closed."""
    postponed: int = 0
    """Times that a site trained on past an outer step because the sites were parted."""
    late: int = 0
    """Times that a site came after its round."""
    last: str = ""
    """Who came last to the round that closed last."""
    merged_s: float = 0.0
    """When a round closed last. [s]"""
    present: list[str] = field(default_factory=list)
    out: set[str] = field(default_factory=set)
    """Sites that are dropped until they come again."""
    joined: dict[str, int] = field(init=False)
    """Rounds that each site has taken part in or has missed."""
    opened: simpy.Event = field(init=False)
    """Happens when the open round closes, or is given up."""

    def __post_init__(self) -> None:
        """Nobody has come yet."""
        self.joined = dict.fromkeys(self.names, 0)
        self.opened = self.env.event()

    @property
    def parted(self) -> bool:
        """Whether some sites cannot reach the others."""
        return self.network.bandwidth <= 0.0

    @property
    def awaited(self) -> str:
        """Sites that the open round waits for."""
        return ", ".join(name for name in self.names if name not in self.present and name not in self.out)

    def is_late(self, name: str) -> bool:
        """Whether the round that a site would join has closed without it."""
        return name in self.out or self.joined[name] < self.closed

    def catch_up(self, name: str) -> None:
        """Merge the work of a late site into what the others have."""
        self.out.discard(name)
        self.joined[name] = self.closed
        self.late += 1

    def enter(self, name: str) -> simpy.Event:
        """Join the open round; the event happens when it closes."""
        opened = self.opened
        self.present.append(name)
        self.joined[name] += 1
        self._look()
        if self.present and len(self.present) == self.quorum and self.grace_s > 0.0:
            self.env.process(self._after_grace(self.closed))
        return opened

    def leave(self, name: str) -> None:
        """Forget a site that was struck while it waited."""
        if name in self.present:
            self.present.remove(name)
            self.joined[name] -= 1

    def drop(self, name: str) -> None:
        """Go on without a site until it comes again."""
        self.leave(name)
        self.out.add(name)
        self._look()

    def give_up(self) -> None:
        """Send those that wait back to their training: the sites are parted."""
        for name in list(self.present):
            self.leave(name)
        self._next()

    def _look(self) -> None:
        """Close the round if nobody else is to be waited for."""
        here = len(self.present)
        whole = here == len(self.names) - len(self.out)
        if here and (whole or (here >= self.quorum and self.grace_s == 0.0)):
            self._close()

    def _after_grace(self, number: int) -> Generator[simpy.Event, Any, None]:
        yield self.env.timeout(self.grace_s)
        if self.closed == number and len(self.present) >= self.quorum:
            self._close()

    def _close(self) -> None:
        self.last, self.merged_s = self.present[-1], self.env.now
        self.closed += 1
        self.present.clear()
        self._next()

    def _next(self) -> None:
        before, self.opened = self.opened, self.env.event()
        before.succeed()


@dataclass
class SiteOuterStep:
    """The outer step of one site: what its job does every `period` steps."""

    name: str
    period: int
    meeting: Meeting
    done: int = 0
    """Outer steps that the site is past."""
    merged_step: float = 0.0
    """Step up to which its work is merged with that of the others."""

    def sync(self, job: JobProcess) -> Process:
        """Meet the others; return the blow that cut it short, if one did.

        What is trained again after a roll-back is not exchanged again. After the exchange the others hold the site's
        state too: it never goes back behind it.
        """
        number = round(job.step / self.period)
        if number <= self.done:
            return None
        meeting = self.meeting
        if meeting.parted:
            self.done = number
            meeting.postponed += 1
            return None
        blow: Blow | None = None
        if meeting.is_late(self.name):
            meeting.catch_up(self.name)
        else:
            round_before = meeting.closed
            blow = yield from self._wait(job, meeting.enter(self.name))
            if meeting.closed == round_before:
                # the round is still open: the site was struck, or the sites were parted meanwhile
                meeting.leave(self.name)
                if blow is None:
                    self.done = number
                    meeting.postponed += 1
                return blow
        self.done, self.merged_step = number, job.step
        job.history.save(job.env.now, job.step, len(job.log.rows), at_once=True)
        if blow is None:
            blow = yield from job.phase("wait", EXCHANGE, meeting.exposed_s(meeting.network.bandwidth))
        return blow

    def _wait(self, job: JobProcess, closed: simpy.Event) -> Process:
        """Wait until the round closes; the record names the site that came last."""
        before = len(job.log.rows)
        blow = yield from job.wait_for(closed, "wait", f"waits for {self.meeting.awaited or self.name}")
        if blow is None and len(job.log.rows) > before:
            job.log.rows[-1].cause = f"waits for {self.meeting.last}"
        return blow


def follow_network(
    env: simpy.Environment, meeting: Meeting, states: Sequence[NetworkState]
) -> Generator[simpy.Event, Any, None]:
    """Tell the meeting what the fibre is like."""
    for state in states:
        if state.t_start_s > env.now:
            yield env.timeout(state.t_start_s - env.now)
        meeting.network = state
        if meeting.parted:
            meeting.give_up()


def follow_loss(
    env: simpy.Environment, meeting: Meeting, name: str, event: ExternalEvent
) -> Generator[simpy.Event, Any, None]:
    """Have the meeting go on without a site that is stopped or lost, once that is noticed."""
    yield env.timeout(event.t_start_s + event.detection_s - env.now)
    if env.now < event.t_end_s:
        meeting.drop(name)
