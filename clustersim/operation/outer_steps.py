"""Where sites that train alone meet: outer steps that are leapt over while nothing disturbs any site.

Undisturbed, the time that a site waits in each round is known and slows its training as a factor: no round is an
event, so that the work does not grow with the rounds. When a site falls, the others go on to the end of their round and
wait there until the round can close.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import simpy

from clustersim.operation.accounts import Slowed
from clustersim.operation.blows import Blow
from clustersim.operation.job import JobProcess
from clustersim.operation.site_methods import expected_last_s
from clustersim.operation.site_network import NetworkState

EXCHANGE = "exchange between sites"
Process = Generator[Any, Any, "Blow | None"]


@dataclass
class SiteOuterStep:
    """One site, as it takes part in the outer steps."""

    name: str
    period: int
    """Steps from one outer step to the next."""
    meeting: Meeting
    job: JobProcess = field(init=False)
    base: float = 0.0
    """Step at which the site met the others last, or began."""
    target: float = math.inf
    """Step at which it goes to wait for the others; infinite while rounds are leapt over."""
    active: bool = True
    """Whether it trains, as far as the others know."""
    present: bool = False
    """Whether it waits for the others."""
    out: bool = False
    """Whether the others go on without it."""
    merged_step: float = 0.0
    """Step up to which its work was merged when the sites were parted last."""

    @property
    def round_s(self) -> float:
        """Time of its steps from one outer step to the next, at the speed that it has by itself. [s]"""
        speed = math.prod(factor for _, _, factor in self.job.slow.own_factors())
        return self.period * self.job.facts.step_time_s / speed

    @property
    def rounds(self) -> int:
        """Whole rounds trained since it met the others last."""
        return max(0, math.floor((self.job.step_now - self.base) / self.period + 1e-9))

    def due(self, job: JobProcess) -> float:
        """Return the step at which the site goes to wait; that it trains again, or is about to stop, is news."""
        if self.active and job.planned:
            self.active = False
            self.meeting.changed(job)
        elif not self.active and not job.planned:
            self.active = True
            self.meeting.came_back(self)
        return self.target

    def told(self, job: JobProcess, blow: Blow) -> None:
        """Hear of a blow before it strikes the job; what is planned while the site waits comes after the wait."""
        if blow.kind == "planned" and self.present:
            return
        if blow.kind != "speed":
            self.active = self.present = False
        self.meeting.changed(job)

    def sync(self, job: JobProcess) -> Process:
        """Wait for the round to close and exchange; return the blow that cut it short, if one did."""
        meeting, closes, rows = self.meeting, self.meeting.closes, len(job.log.rows)
        self.present = True
        meeting.last = self.name
        meeting.look(job)
        blow = yield from job.wait_for(closes, "wait", f"waits for {meeting.awaited or self.name}")
        self.present = False
        if blow is not None:
            return blow
        if len(job.log.rows) > rows and not meeting.parted:
            job.log.rows[-1].cause = f"waits for {meeting.last}"
        return (yield from job.phase("wait", EXCHANGE, meeting.exchange_s))


@dataclass
class Meeting:
    """The sites, and the rounds in which they merge their work.

    A round closes when all are there that can come, or when the quorum is there and its grace is over. Below the quorum
    of all, a site that comes late merges at once and goes on: nobody waits as long as a quorum trains.
    """

    env: simpy.Environment
    quorum: int
    grace_s: float
    exposed_s: Callable[[float], float]
    """What a site waits for the exchange of a round at a bandwidth. [s]"""
    spread: float
    """Of the time of a round, as steps are uneven, over its mean. [-]"""
    network: NetworkState
    sites: list[SiteOuterStep] = field(default_factory=list)
    outer_steps: float = 0.0
    """Rounds that have closed."""
    postponed: float = 0.0
    """Outer steps that sites trained past because they were parted."""
    last: str = ""
    """Who came last to the round that closed last."""
    leaping: bool = True
    since_s: float = 0.0
    """Since when the present pace holds. [s]"""
    round_s: float = math.inf
    """Time of a round at that pace. [s]"""
    closes: simpy.Event = field(init=False)
    """Happens when the open round closes."""
    exchange_s: float = field(init=False)
    """What a site waits for the exchange of a round over the fibre that there is now. [s]"""

    def __post_init__(self) -> None:
        """No round has closed yet."""
        self.closes = self.env.event()
        self._use(self.network)

    def _use(self, network: NetworkState) -> None:
        self.network = network
        self.exchange_s = 0.0 if self.parted else self.exposed_s(network.bandwidth)

    # ---- what is known --------------------------------------------------------------------------------------------

    @property
    def parted(self) -> bool:
        """Whether some sites cannot reach the others."""
        return self.network.bandwidth <= 0.0

    @property
    def loose(self) -> bool:
        """Whether a round can close without some of the sites."""
        return self.quorum < len(self.sites)

    @property
    def awaited(self) -> str:
        """Sites that the open round waits for."""
        return ", ".join(site.name for site in self.sites if not (site.present or site.out))

    @property
    def _inside(self) -> list[SiteOuterStep]:
        return [site for site in self.sites if not site.out]

    @property
    def _needed(self) -> int:
        return min(self.quorum, len(self._inside))

    @property
    def _enough(self) -> bool:
        """Whether so many sites train that rounds close without a wait for one that fell."""
        return len([site for site in self._inside if site.active]) >= max(1, self._needed)

    # ---- what happens ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Set the pace, with all jobs there and none running yet."""
        self._pace(None, tell=False)

    def changed(self, by: JobProcess) -> None:
        """Take in that the site of a job fell or changed its speed."""
        self._count()
        if self.leaping and not (self.parted or self._enough):
            self._end_leap(by)
        elif self.leaping:
            self._pace(by)

    def came_back(self, site: SiteOuterStep) -> None:
        """Take in that a site trains again; it knows the pace when this returns."""
        self._count()
        if site.out:
            site.out, site.base = False, site.job.step
            site.target = site.job.step
            if self.leaping and not (self.parted or self.loose):
                # it joins the others at the end of their round, with its own just begun
                self._end_leap(site.job)
                site.target = site.job.step
                return
        if self.leaping:
            self._pace(site.job)
        elif self.loose and self._enough:
            self.last = site.name
            self._close(site.job)

    def drop(self, site: SiteOuterStep) -> None:
        """Go on without a site until it trains again."""
        self._count()
        site.out, site.present = True, False
        self.last = site.name
        self.look(site.job)

    def look(self, by: JobProcess) -> None:
        """Close the open round if nobody else is to be waited for."""
        inside = self._inside
        if not self.leaping and inside and all(site.present for site in inside):
            self._close(by)

    def connect(self, network: NetworkState) -> None:
        """Take in what the fibre is like now."""
        self._count()
        before = self.parted
        self._use(network)
        if self.parted and not before:
            for site in self.sites:
                site.merged_step = site.base + site.rounds * site.period
            self._close(None)
        elif before and not self.parted:
            for site in self.sites:
                site.base = site.job.step_now
            if not self._enough:
                self._end_leap(None)
                return
        if self.leaping:
            self._pace(None)

    # ---- leaping --------------------------------------------------------------------------------------------------

    def _pace(self, by: JobProcess | None, *, tell: bool = True) -> None:
        """Set what each site waits in a round, as factors on its speed; the job `by` is told otherwise."""
        training = sorted(site.round_s for site in self._inside if site.active)
        together = 0.0
        if training and not self.parted:
            met = training[self._needed - 1]
            in_time = max(met, min(training[-1], met + self.grace_s))
            together = in_time if self.loose else expected_last_s(tuple(training), self.spread)
        self.round_s = math.inf if self.parted or not training else together + self.exchange_s
        slowest = max(self._inside, key=lambda site: site.round_s if site.active else -1.0, default=None)
        for site in self.sites:
            site.target = math.inf
            others = "uneven steps" if slowest is None or site is slowest else slowest.name
            site.job.slow.outer = self._factors(site.round_s, together, f"waits for {others}")
            if tell:
                self._tell(site, by)

    def _factors(self, own_s: float, together_s: float, cause: str) -> tuple[Slowed, ...]:
        """Return what a site waits for others and for the exchange, as factors on its speed."""
        if self.parted:
            return ()
        whole, exchange = max(own_s, together_s), self.exchange_s
        found: list[Slowed] = [("idle", cause, own_s / whole)] if own_s < whole else []
        if exchange > 0.0:
            found.append(("idle", EXCHANGE, whole / (whole + exchange)))
        return tuple(found)

    def _end_leap(self, by: JobProcess | None) -> None:
        """Have each site go on at full speed to the end of its round: where all meet, that of the furthest one."""
        self.leaping = False
        # the round under way closes as an event
        self.outer_steps = float(math.floor(self.outer_steps + 1e-9))
        furthest = max((site.rounds for site in self._inside), default=0)
        for site in self.sites:
            rounds = site.rounds if self.loose else furthest
            site.target = math.inf if site.out else site.base + (rounds + 1) * site.period
            site.job.slow.outer = ()
            self._tell(site, by)

    def _close(self, by: JobProcess | None) -> None:
        """Close the open round; rounds are leapt over from here on."""
        if not self.parted:
            self.outer_steps += 1.0
        for site in self.sites:
            if site.present:
                site.base, site.present = site.job.step, False
        closes, self.closes = self.closes, self.env.event()
        closes.succeed()
        self.leaping, self.since_s = True, self.env.now
        self._pace(by)

    def _tell(self, site: SiteOuterStep, by: JobProcess | None) -> None:
        if site.job is not by and site.job.state == "train":
            site.job.process.interrupt(Blow("outer step", "speed"))

    def _count(self) -> None:
        """Count the rounds since the pace was set."""
        for_s = self.env.now - self.since_s
        if self.leaping and self.parted:
            self.postponed += math.fsum(for_s / site.round_s for site in self.sites if site.active)
        elif self.leaping:
            self.outer_steps += for_s / self.round_s
        self.since_s = self.env.now

    def finish(self) -> None:
        """Count the last rounds."""
        self._count()
