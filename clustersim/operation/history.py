"""Which checkpoints a job has, in which tier they are safe since when, and when the next one is due."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from clustersim.operation.checkpoints import Loss, Tier

STORAGE = "storage"
"""The tier that keeps its older checkpoints; the nearer ones hold the newest alone."""


@dataclass(frozen=True, slots=True)
class Saved:
    """One snapshot."""

    step: float
    row: int
    """First row of the record whose work it does not hold."""
    taken_s: float
    safe_s: tuple[float, ...]
    """When it is safe in each tier; infinite where it does not go. [s]"""


@dataclass(frozen=True)
class Target:
    """Where a roll-back leads."""

    step: float
    row: int
    reload_s: float
    """Time to load the state from there. [s]"""
    begins: bool = False
    """Whether no checkpoint is left and the job begins again."""


@dataclass
class History:
    """Snapshots in order of time, and the steps from one to the next in each tier."""

    tiers: Sequence[Tier]
    step_time_s: float
    keep: int | None = None
    """Complete checkpoints that the storage keeps; None: all."""
    saved: list[Saved] = field(default_factory=list)
    every: list[int] = field(default_factory=list)
    """Steps from one snapshot to the next in each tier."""
    last: list[float] = field(default_factory=list)
    """Step from which each tier counts."""
    written_s: list[float] = field(default_factory=list)
    """When each tier's writer is free. [s]"""
    _gone_s: list[float] = field(default_factory=list)
    """Of each tier: what was safe by then is lost. [s]"""

    def __post_init__(self) -> None:
        """Count from step 0; nothing is being written."""
        self.every = [max(1, round(tier.interval_s / self.step_time_s)) for tier in self.tiers]
        self.last, self.written_s = [0.0] * len(self.tiers), [0.0] * len(self.tiers)
        self._gone_s = [-math.inf] * len(self.tiers)

    def aim(self, now: float, step: float, speed: float) -> float:
        """Return the step at the end of which the next snapshot is taken.

        A tier whose writer is busy takes none: its next one is put off by whole steps.
        """
        soonest = math.inf
        for last, every, written in zip(self.last, self.every, self.written_s, strict=True):
            aim = max(last + every, float(math.ceil(step)))
            if written > now:
                wait = (written - now) * speed / self.step_time_s
                aim = max(aim, float(math.ceil(step + wait)), math.floor(step) + 1.0)
            soonest = min(soonest, aim)
        return soonest

    def due(self, now: float, step: float) -> tuple[int, ...]:
        """Return the tiers that take a snapshot now."""
        return tuple(
            index
            for index, (last, every, written) in enumerate(zip(self.last, self.every, self.written_s, strict=True))
            if last + every <= step and written <= now
        )

    def save(self, now: float, step: float, row: int, tiers: Sequence[int], *, at_once: bool = False) -> None:
        """Take a snapshot and hand it to the writers of these tiers; `at_once`: it is safe already."""
        safe = [math.inf] * len(self.tiers)
        for index in tiers:
            self.last[index] = step
            safe[index] = self.written_s[index] = now if at_once else now + self.tiers[index].write_s
        self.saved.append(Saved(step, row, now, tuple(safe)))
        self._forget(now)

    def mark(self, now: float, step: float, row: int) -> None:
        """Count the state of now as safe in every tier, without a snapshot of its own."""
        self.saved.append(Saved(step, row, now, (now,) * len(self.tiers)))
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the oldest checkpoints of the storage beyond those that are kept; one being written counts for none."""
        if self.keep is None:
            return
        complete = [index for index, one in enumerate(self.saved) if one.safe_s[-1] <= now]
        if len(complete) > self.keep:
            del self.saved[: complete[-self.keep]]

    def roll_back(self, now: float, loss: Loss, before_s: float = math.inf) -> Target:
        """Return to the newest snapshot that the loss leaves and that was taken up to `before_s`.

        Writes under way are lost, and so are later snapshots. Of equal copies the one that is loaded soonest counts.
        Where none is left the job begins again from step 0, with weights from the storage.
        """
        for index, tier in enumerate(self.tiers):
            if loss not in tier.survives:
                self._gone_s[index] = now
        self.written_s = [0.0] * len(self.tiers)
        newest = [True] * len(self.tiers)
        while self.saved:
            one = self.saved[-1]
            safe = [i for i, at in enumerate(one.safe_s) if at <= now and newest[i]]
            there = [i for i in safe if one.safe_s[i] > self._gone_s[i] or self.tiers[i].name == STORAGE]
            if there and one.taken_s <= before_s:
                # a tier counts on from its own last snapshot, or frequent roll-backs would put it off for ever
                self.last = [min(last, one.step) for last in self.last]
                return Target(one.step, one.row, min(self.tiers[i].reload_s for i in there))
            for i in safe:
                newest[i] = self.tiers[i].name == STORAGE
            self.saved.pop()
        self.last = [0.0] * len(self.tiers)
        return Target(0.0, 0, self.tiers[-1].reload_s, begins=True)

    def soonest_reload_s(self, loss: Loss) -> float:
        """Return the least time to load a state that was saved everywhere, after a loss. [s]"""
        return min(tier.reload_s for tier in self.tiers if loss in tier.survives)
