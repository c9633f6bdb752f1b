"""Which checkpoints a job has, where they are safe and since when."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Loss:
    """What a failure takes along, as far as copies of the state go."""

    servers: int = 0
    """Servers that fell."""
    processes: bool = True
    """Whether all processes of the job end, and their memory with them."""


class Tier(Protocol):
    """A place where checkpoints are kept."""

    @property
    def every(self) -> int:
        """Each so many checkpoints, one goes there."""

    @property
    def write_s(self) -> float:
        """Time from the snapshot until it is safe there. [s]"""

    @property
    def reload_s(self) -> float:
        """Time to load it from there. [s]"""

    def survives(self, loss: Loss) -> bool:
        """Return whether what is there outlives the loss."""


@dataclass(frozen=True)
class Storage:
    """Remote storage: it outlives the job."""

    write_s: float
    reload_s: float
    every: int = 1

    def survives(self, loss: Loss) -> bool:
        """Return True."""
        return loss.servers >= 0


@dataclass(frozen=True, slots=True)
class Saved:
    """One checkpoint."""

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


@dataclass
class History:
    """Checkpoints in order of time; what the job began with is always there."""

    tiers: Sequence[Tier]
    keep: int | None = None
    """Complete checkpoints that are kept; None: all."""
    saved: list[Saved] = field(default_factory=list)
    taken: int = 0
    lost_before_s: list[float] = field(default_factory=list)
    """Of each tier: copies that were taken up to this time are gone. [s]"""

    def __post_init__(self) -> None:
        """Nothing has been lost yet."""
        self.lost_before_s = [-math.inf] * len(self.tiers)

    @property
    def busy_until_s(self) -> float:
        """When the writer is free again. [s]"""
        if not self.saved:
            return 0.0
        return max((safe for safe in self.saved[-1].safe_s if math.isfinite(safe)), default=0.0)

    def save(self, now: float, step: float, row: int, *, at_once: bool = False) -> None:
        """Take a snapshot and hand it to the writer, or have it safe at once in every tier."""
        self.taken += 1
        safe = tuple(
            now if at_once else now + tier.write_s if self.taken % tier.every == 0 else math.inf for tier in self.tiers
        )
        self.saved.append(Saved(step, row, now, safe))
        # what is being written does not count, so that one more is held while the writer is busy
        if self.keep is not None and len(self.saved) > self.keep + 1:
            del self.saved[: len(self.saved) - self.keep - 1]

    def roll_back(self, now: float, loss: Loss, before_s: float = math.inf) -> Target | None:
        """Return the last checkpoint that the loss leaves and that was taken up to `before_s`; later ones are dropped.

        None where there is none but the beginning: step 0, loaded from the last tier.
        """
        for index, tier in enumerate(self.tiers):
            if not tier.survives(loss):
                self.lost_before_s[index] = now
        while self.saved:
            last = self.saved[-1]
            reloads = [
                tier.reload_s
                for tier, safe, gone in zip(self.tiers, last.safe_s, self.lost_before_s, strict=True)
                if safe <= now and last.taken_s > gone
            ]
            if reloads and last.taken_s <= before_s:
                return Target(last.step, last.row, min(reloads))
            self.saved.pop()
        return None

    @property
    def first_load_s(self) -> float:
        """Time to load the weights that the job begins with: they come from the last tier. [s]"""
        return self.tiers[-1].reload_s
