"""The repair shop: technicians, shifts and spare parts; every repair is booked when it is handed in."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.operation.shifts import Shifts
from clustersim.operation.spec_parts.repair import RepairSpec, RepairWorkSpec

Draw = Literal["constant", "exponential"]
KIND, PREFIX = "recovery", "repair-"
"""Where the catalog keeps the kinds of repair."""
NO_REPAIR = "none"
"""Kind of a failure after which nothing is repaired."""
EVERY_KIND = "default"
"""Name of the work that stands for every kind that has no work of its own."""


@dataclass(frozen=True)
class RepairWork:
    """One kind of repair: how long it takes, and the part that it needs."""

    time_s: float
    """Mean working time of one technician. [s]"""
    draw: Draw = "constant"
    stock: int | None = None
    """Parts held in stock; a new one is ordered whenever one is taken. None: always at hand."""
    lead_s: float = 0.0
    """Time from the order until the part is there. [s]"""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.time_s < 0.0 or self.lead_s < 0.0 or (self.stock is not None and self.stock < 0):
            raise ValueError("expected times and a stock that are not negative")


@dataclass(frozen=True)
class RepairFacts:
    """What happened in the shop so far."""

    repairs: int
    waited: int
    """Repairs that did not begin at once: no technician at work or free, or no part."""
    wait_s: float
    """Time from handing in to the start, summed over the repairs that have been booked with an end. [s]"""
    longest_wait_s: float
    part_waits: int
    """Repairs whose part was not in stock."""
    part_wait_s: float
    never: int
    """Repairs that are never done, as there is no technician."""


@dataclass
class RepairShop:
    """A crew that takes repairs in the order in which they are handed in.

    Exact queue with `technicians` servers (the workload recursion of J. Kiefer and J. Wolfowitz, Trans. AMS 78, 1955):
    as no repair is delayed by one that is handed in later, its start is known when it is handed in. A repair that waits
    for its part holds no technician: it is booked for the hour in which the part arrives, and later repairs use the
    time before as far as they fit. As long as no part is missing they start in the order of arrival.

    Parts: base stock `S` with lead time `L`, one order per demand. Demand `k` takes the part that demand ``k - S``
    ordered (G. J. Feeney and C. C. Sherbrooke, Management Science 12, 1966); it is there `L` after that demand.
    """

    technicians: int | None
    """None: one for every repair."""
    works: Mapping[str, RepairWork]
    """By kind of repair; :data:`EVERY_KIND` stands for every kind that is not named."""
    rng: np.random.Generator
    shifts: Shifts = field(default_factory=Shifts)
    facts: RepairFacts = field(default=RepairFacts(0, 0, 0.0, 0.0, 0, 0.0, 0))
    _free_from: list[float] = field(default_factory=list, repr=False)
    """Heap: for each technician the working time from which nothing is booked. [s]"""
    _gaps: list[tuple[float, float]] = field(default_factory=list, repr=False)
    """Working time before the bookings of repairs that wait for a part, in which a technician is free. [s]"""
    _open: list[tuple[float, float, float]] = field(default_factory=list, repr=False)
    """Heap of repairs that are not done: end [s], and working time at the start and at the end [s]."""
    _demands: dict[str, deque[float]] = field(default_factory=dict, repr=False)
    _worked: float = 0.0
    _now: float = 0.0

    def __post_init__(self) -> None:
        """Make the technicians' calendars."""
        if self.technicians is not None and self.technicians < 0:
            raise ValueError(f"expected technicians >= 0, got {self.technicians}")
        self._free_from = [0.0] * (self.technicians or 0)

    def name_of(self, kind: str) -> str:
        """Return under which name of `works` a kind of repair is done.

        Raises
        ------
        InputError
            If neither the kind nor :data:`EVERY_KIND` is known.
        """
        for name in (kind, EVERY_KIND):
            if name in self.works:
                return name
        raise InputError(
            f"repair: expected one of {', '.join(self.works)}, found kind {kind!r}{nearest(kind, self.works)}"
        )

    def submit(self, now_s: float, kind: str) -> float:
        """Hand in a repair at `now_s` and return when it is done [s]; infinite when there is no technician.

        Times of successive calls must not decrease. What needs no repair is done at once, whoever is there.
        """
        if now_s < self._now:
            raise ValueError(f"repairs are handed in in order of time: {now_s:g} s after {self._now:g} s")
        self._now = now_s
        self._forget(now_s)
        if kind == NO_REPAIR:
            return now_s
        name = self.name_of(kind)
        work = self.works[name]
        duration = work.time_s if work.draw == "constant" else float(self.rng.exponential(work.time_s))
        ready_s = max(now_s, self._part_at(now_s, name, work))
        if self.technicians == 0:
            self._count(now_s, math.inf, ready_s)
            return math.inf
        begin = self._book(self.shifts.work_until(ready_s), duration)
        start_s = max(ready_s, self.shifts.when_begun(begin))
        end_s = max(start_s, self.shifts.when_done(begin + duration))
        self._count(now_s, start_s, ready_s)
        self._worked += duration
        heapq.heappush(self._open, (end_s, begin, begin + duration))
        return end_s

    def busy_technicians(self, until_s: float) -> float:
        """Return the mean number of technicians at work in the working time up to `until_s`. [-]

        `until_s` is no earlier than the last repair was handed in.
        """
        until = self.shifts.work_until(until_s)
        later = math.fsum(max(0.0, end - max(begin, until)) for _, begin, end in self._open)
        return (self._worked - later) / until if until > 0.0 else 0.0

    def utilisation(self, until_s: float) -> float | None:
        """Return the share of the crew's working time up to `until_s` spent on repairs; None without a limit."""
        if self.technicians is None:
            return None
        return self.busy_technicians(until_s) / self.technicians if self.technicians else 0.0

    def _forget(self, now_s: float) -> None:
        """Drop what is over."""
        while self._open and self._open[0][0] <= now_s:
            heapq.heappop(self._open)
        today = self.shifts.work_until(now_s)
        self._gaps = [(max(begin, today), end) for begin, end in self._gaps if end > today]

    def _part_at(self, now_s: float, name: str, work: RepairWork) -> float:
        """Return when [s] the part for a demand at `now_s` is there, and order the next one."""
        if work.stock is None:
            return now_s
        demands = self._demands.setdefault(name, deque(maxlen=work.stock + 1))
        demands.append(now_s)
        return demands[0] + work.lead_s if len(demands) > work.stock else now_s

    def _book(self, ready: float, duration: float) -> float:
        """Book the earliest working time from `ready` on that a technician has free; return its begin."""
        if self.technicians is None:
            return ready
        begin = max(ready, self._free_from[0])
        fits = [(max(ready, gap[0]), gap) for gap in self._gaps if max(ready, gap[0]) + duration <= gap[1]]
        if fits and min(fits)[0] <= begin:
            begin, gap = min(fits)
            self._gaps.remove(gap)
            rest = [(gap[0], begin), (begin + duration, gap[1])]
        else:
            rest = [(max(self._free_from[0], self.shifts.work_until(self._now)), begin)]
            heapq.heapreplace(self._free_from, begin + duration)
        self._gaps += [(first, last) for first, last in rest if first < last]
        return begin

    def _count(self, now_s: float, start_s: float, ready_s: float) -> None:
        facts, wait = self.facts, start_s - now_s
        never = math.isinf(wait)
        self.facts = RepairFacts(
            repairs=facts.repairs + 1,
            waited=facts.waited + (wait > 0.0),
            wait_s=facts.wait_s + (0.0 if never else wait),
            longest_wait_s=max(facts.longest_wait_s, wait),
            part_waits=facts.part_waits + (ready_s > now_s),
            part_wait_s=facts.part_wait_s + ready_s - now_s,
            never=facts.never + never,
        )


def repair_shop(spec: RepairSpec | None, repair_time_s: float | None, rng: np.random.Generator) -> RepairShop:
    """Return the shop of a place.

    Without a `spec` everything is back after `repair_time_s` (left out: the catalog's), whoever repairs it. With one,
    times and lead times are those of the spec, and of the catalog's entries ``repair-*`` where it has none.

    Raises
    ------
    InputError
        If both are given, or the spec names a kind of repair that is not in the catalog.
    """
    if spec is not None and repair_time_s is not None:
        raise InputError(
            "operation.repair_time: expected none beside operation.repair, whose works have times of their own"
        )
    if spec is None:
        time_s = catalog.entry("reliability", "repair").si("time") if repair_time_s is None else repair_time_s
        return RepairShop(None, {EVERY_KIND: RepairWork(time_s)}, rng)
    known = {name.removeprefix(PREFIX): one for name, one in catalog.entries(KIND).items() if name.startswith(PREFIX)}
    for kind in spec.works:
        if kind not in known:
            raise InputError(
                f"operation.repair.works: expected one of {', '.join(known)}, found {kind!r}{nearest(kind, known)}"
            )
    works = {kind: _work(spec.works.get(kind, RepairWorkSpec()), spec.draw, entry) for kind, entry in known.items()}
    return RepairShop(
        spec.technicians, works, rng, Shifts(spec.shift, spec.days_per_week, spec.shift_start, spec.begins)
    )


def _work(spec: RepairWorkSpec, draw: Draw, entry: catalog.Entry) -> RepairWork:
    time_s = entry.si("time") if spec.time is None else spec.time
    if spec.parts is None:
        return RepairWork(time_s, spec.draw or draw)
    lead_s = entry.si("lead_time") if spec.lead_time is None else spec.lead_time
    return RepairWork(time_s, spec.draw or draw, spec.parts, lead_s)
