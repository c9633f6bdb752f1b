"""What interrupts a job."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import simpy

from clustersim.operation.accounts import Category
from clustersim.operation.checkpoints import Loss

Kind = Literal["failure", "stop", "speed", "planned"]
"""`speed`: something that slows the job began or ended; `planned`: it has something to do at the end of its step."""


@dataclass(frozen=True)
class Blow:
    """What interrupts the job."""

    cause: str
    kind: Kind = "failure"
    detection_s: float = 0.0
    """Time until the failure is noticed. [s]"""
    replaces_server: bool = False
    slots: tuple[int, ...] = ()
    """Servers of the job that fell, by their place in it; none: the job as a whole."""
    loss: Loss = "process"
    """What is gone with it."""
    struck_s: float | None = None
    """Of silent corruption: when it began; what was saved since is worthless. [s]"""
    stopped_until_s: float | None = None
    """Of a stop from outside: when the job may run again. [s]"""
    category: Category = "curtailed"
    """Of a stop from outside: where the accounts book it."""


def blow_of(interrupt: simpy.Interrupt) -> Blow:
    """Return what the interrupt brings; anything but a blow is a fault of the program."""
    if not isinstance(interrupt.cause, Blow):
        raise TypeError(f"the job was interrupted with {interrupt.cause!r}")
    return interrupt.cause
