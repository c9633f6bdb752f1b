"""What slows a job while it trains: replicas that are missing, stragglers, caps from outside."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import simpy

from clustersim.operation.accounts import Category, Slowed
from clustersim.operation.causes import Domain

MISSING = "replicas missing"
"""End of the cause of what missing replicas take."""


@dataclass(frozen=True)
class Cap:
    """A limit from outside to the speed of the job."""

    cause: str
    fraction: float
    category: Category = "curtailed"


@dataclass(frozen=True, eq=False)
class Fallen:
    """Servers that failed, or whose domain is out, and for which nobody has asked for others yet."""

    slots: tuple[int, ...]
    """Their places in the job."""
    servers: tuple[int, ...]
    repair: str
    broken: bool = True
    """Whether they need repair; else they work again when their domain does."""
    domain: Domain = "server"
    """What fell."""
    until_s: float = 0.0
    """When it works again by itself. [s]"""


@dataclass(eq=False)
class Straggler:
    """Servers that slow the whole job until they are found and swapped."""

    cause: str
    fraction: float
    slots: tuple[int, ...]
    """Places in the job; none: it is not one of its servers."""
    replaced: bool = False
    """Whether other servers will take their places."""
    spare: simpy.Event | None = None
    """The request for them."""


@dataclass(eq=False)
class Absence:
    """Replicas that do not train."""

    cause: str
    replicas: frozenset[int]
    present: bool = False
    """Whether their servers are there."""
    round: int = 0
    """Counts the attempts to bring them back; an older one gives up."""
    fallen: list[Fallen] = field(default_factory=list)
    """Failed servers of theirs for which nobody has asked for others yet."""
    awaited: list[simpy.Event] = field(default_factory=list)
    """Requests for servers that are not filled yet."""


@dataclass
class Slowness:
    """All that slows the job now."""

    replicas: int
    servers: int
    caps: list[Cap] = field(default_factory=list)
    stragglers: list[Straggler] = field(default_factory=list)
    absent: list[Absence] = field(default_factory=list)
    outer: tuple[Slowed, ...] = ()
    """What the job waits for others at outer steps, spread over its training."""

    def replicas_of(self, slots: tuple[int, ...]) -> frozenset[int]:
        """Return the replicas that have servers in these places: replica r has an equal, contiguous block of them."""
        return frozenset(slot * self.replicas // self.servers for slot in slots)

    @property
    def missing(self) -> frozenset[int]:
        """Replicas that do not train."""
        return frozenset().union(*(absence.replicas for absence in self.absent))

    def factors(self) -> tuple[Slowed, ...]:
        """Return what slows the job, in the order in which the accounts book it; factors of one are left out."""
        return (*self.own_factors(), *self.outer)

    def own_factors(self) -> tuple[Slowed, ...]:
        """Return what slows the job by itself, without the waiting for others.

        Of several stragglers the slowest governs, as all ranks wait for it; of several caps the lowest.
        """
        found: list[Slowed] = []
        if self.absent:
            left = (self.replicas - len(self.missing)) / self.replicas
            found.append(("idle", f"{self.absent[0].cause}: {MISSING}", left))
        if self.stragglers:
            missing = self.missing
            here = [s for s in self.stragglers if not s.slots or not self.replicas_of(s.slots) <= missing]
            if here:
                worst = min(here, key=lambda straggler: straggler.fraction)
                found.append(("straggler", worst.cause, worst.fraction))
        if self.caps:
            lowest = min(self.caps, key=lambda cap: cap.fraction)
            found.append((lowest.category, lowest.cause, lowest.fraction))
        return tuple(found)

    @property
    def speed(self) -> float:
        """Progress relative to full speed."""
        return speed_of(self.factors())


def speed_of(factors: tuple[Slowed, ...]) -> float:
    """Return the progress relative to full speed under all of these."""
    return math.prod(factor for _, _, factor in factors)


def cause_of(factors: tuple[Slowed, ...]) -> str:
    """Return what slows the job most, apart from its own copies; "none" at full speed."""
    slowed = [one for one in factors if one[0] != "checkpoint"]
    return min(slowed, key=lambda one: one[2])[1] if slowed else "none"
