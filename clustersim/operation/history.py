"""Which checkpoints a job has, since when they are safe in which tier, and when the next one is due."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from clustersim.operation.checkpoints import Loss, Tier

ROUNDING = 1e-9
"""A step that is short of its end by less is complete. [-]"""


@dataclass(frozen=True, slots=True)
class Saved:
    """One copy of the state."""

    step: float
    taken_s: float
    safe_s: float
    """When it is safe. [s]"""
    reload_s: float
    """Time to load it. [s]"""


@dataclass(frozen=True)
class Target:
    """Where a roll-back leads."""

    step: float
    reload_s: float
    """Time to load the state from there. [s]"""
    begins: bool = False
    """Whether no copy is left and the job begins again."""


@dataclass
class NearTier:
    """A tier that holds the newest copy alone, made every so many steps while the job trains."""

    tier: Tier
    every: int
    """Steps from one copy to the next; a copy waits until the one before it is written."""
    last: float = 0.0
    """Step from which the next one counts."""
    copies: list[Saved] = field(default_factory=list)

    def count(self, step: float) -> int:
        """Return how many copies are made on the way to a step."""
        return max(0, math.floor((step - self.last) / self.every + ROUNDING))

    def train(self, start_s: float, now: float, begin: float, step: float) -> None:
        """Note the copies made on an even way from step `begin` at `start_s` to `step` at `now`.

        Of two in a row the first is safe when the second is made, so that the last two are all that can be asked for.
        """
        made = self.count(step)
        for one in range(max(1, made - 1), made + 1):
            at = min(step, self.last + one * self.every)
            taken = start_s + (now - start_s) * (at - begin) / (step - begin)
            self.copies.append(Saved(at, taken, taken + self.tier.write_s, self.tier.reload_s))
        self.last += made * self.every
        del self.copies[:-2]

    def newest(self, now: float) -> Saved | None:
        """Return the newest copy that is safe."""
        return next((one for one in reversed(self.copies) if one.safe_s <= now), None)


@dataclass
class History:
    """Copies in the storage in order of time, and the newest ones of the nearer tiers.

    Copies of the nearer tiers are many and alike: they have no events of their own, only the time that they take.
    """

    tiers: Sequence[Tier]
    """The nearest first, the storage last."""
    step_time_s: float
    keep: int | None = None
    """Complete checkpoints that the storage keeps; None: all."""
    saved: list[Saved] = field(default_factory=list)
    every: int = 1
    """Steps from one checkpoint to the next."""
    last: float = 0.0
    """Step from which the next one counts."""
    written_s: float = 0.0
    """When the storage's writer is free. [s]"""
    near: list[NearTier] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Count from step 0; nothing is being written."""
        self.every = max(1, round(self.tiers[-1].interval_s / self.step_time_s))
        self.near = [
            NearTier(
                tier, max(1, round(tier.interval_s / self.step_time_s), math.ceil(tier.write_s / self.step_time_s))
            )
            for tier in self.tiers[:-1]
        ]

    def aim(self, now: float, step: float, speed: float) -> float:
        """Return the step at the end of which the next checkpoint goes to the storage.

        While its writer is busy it takes none: the next one is put off by whole steps.
        """
        aim = max(self.last + self.every, float(math.ceil(step)))
        if self.written_s > now:
            wait = (self.written_s - now) * speed / self.step_time_s
            aim = max(aim, float(math.ceil(step + wait)), math.floor(step) + 1.0)
        return aim

    def due(self, now: float, step: float) -> bool:
        """Return whether the storage takes a checkpoint now."""
        return self.last + self.every <= step and self.written_s <= now

    def pause_s(self, step: float) -> float:
        """Return the time that copies in the nearer tiers take on the way to a step. [s]"""
        return math.fsum(near.count(step) * near.tier.blocking_s for near in self.near)

    def train(self, start_s: float, now: float, begin: float, step: float) -> None:
        """Note what the nearer tiers hold after the way from step `begin` at `start_s` to `step` at `now`."""
        if step > begin:
            for near in self.near:
                near.train(start_s, now, begin, step)

    def save(self, now: float, step: float, *, at_once: bool = False) -> None:
        """Take a snapshot and hand it to the storage's writer; `at_once`: it is safe already."""
        storage = self.tiers[-1]
        self.last = step
        self.written_s = now if at_once else now + storage.write_s
        self.saved.append(Saved(step, now, self.written_s, storage.reload_s))
        self._forget(now)

    def _forget(self, now: float) -> None:
        """Drop the oldest checkpoints of the storage beyond those that are kept; one being written counts for none."""
        if self.keep is None:
            return
        complete = [index for index, one in enumerate(self.saved) if one.safe_s <= now]
        if len(complete) > self.keep:
            del self.saved[: complete[-self.keep]]

    def roll_back(self, now: float, loss: Loss, before_s: float = math.inf) -> Target:
        """Return to the newest copy that the loss leaves and that was taken up to `before_s`.

        Writes under way are lost, and so are later copies. Of equal copies the one that is loaded soonest counts.
        Where none is left the job begins again from step 0, with weights from the storage.
        """
        self._forget(now)
        self.written_s = 0.0
        while self.saved and (self.saved[-1].safe_s > now or self.saved[-1].taken_s > before_s):
            self.saved.pop()
        left = self.saved[-1:]
        for near in self.near:
            if loss not in near.tier.survives:
                near.copies.clear()
            newest = near.newest(now)
            if newest is not None and newest.taken_s <= before_s:
                left.append(newest)
        best = max(left, key=lambda one: (one.step, -one.reload_s), default=None)
        step = 0.0 if best is None else best.step
        # a tier counts on from its own last copy, or frequent roll-backs would put it off for ever
        self.last = min(self.last, step)
        for near in self.near:
            near.last = min(near.last, step)
            near.copies = [one for one in near.copies if one.step <= step and one.safe_s <= now]
        if best is None:
            return Target(0.0, self.tiers[-1].reload_s, begins=True)
        return Target(best.step, best.reload_s)

    def soonest_reload_s(self, loss: Loss) -> float:
        """Return the least time to load a state that was saved everywhere, after a loss. [s]"""
        return min(tier.reload_s for tier in self.tiers if loss in tier.survives)
