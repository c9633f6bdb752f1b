"""What the job did over days, and the moments that power and plant look at closely."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from clustersim.operation.accounts import Accounts, nothing

TIMELINE_COLUMNS = ("t_start_s", "t_end_s", "state", "cause", "gpus", "first_step", "last_step", "speed", "held")
"""`speed`: progress relative to full speed while training; `held`: what waiting leaves of it, for
stragglers, copies in nearer tiers or other sites, beside missing replicas and caps. [-]"""

EVENT_S, EVENT_AT_S = 60.0, 20.0
"""Length of the window around an event, and where in it the event happens. [s]"""

State = Literal[
    "train",
    "checkpoint",
    "evaluation",
    "lost",
    "detect",
    "reconfigure",
    "restart",
    "reload",
    "stopped",
    "wait",
]
"""`reconfigure`: the ranks are there and build their collectives again; `wait`: for others at an outer step."""


@dataclass(frozen=True)
class Window:
    """A stretch of time that power and plant resolve in detail."""

    name: str
    cause: str
    t0_s: float
    t1_s: float
    event_s: float
    """Time at which the event happens (the state changes); `t0_s` for a steady window. [s]"""


@dataclass(frozen=True)
class Timeline:
    """Tidy table of what the job did; the rows tile ``[0, horizon_s]`` without gap or overlap."""

    table: pd.DataFrame
    """Columns :data:`TIMELINE_COLUMNS`."""
    horizon_s: float
    windows: tuple[Window, ...]
    interruptions: int
    goodput: float
    """Share of the horizon in which work was done that counted in the end. [-]"""
    first_load_s: float = 0.0
    """Time before the first step in which the ranks load the weights; the table begins after it. [s]"""
    lost_s: dict[str, float] = field(default_factory=dict)
    """Time that did not go into work that counts, by cause; with goodput x horizon it adds up to the horizon. [s]"""
    accounts: Accounts = field(default_factory=nothing)
    """The same by category and cause."""
    interruptions_by_cause: dict[str, int] = field(default_factory=dict)
    """`interruptions` by their cause, in order of the first of each."""
    findings: tuple[str, ...] = ()
    """What went wrong beyond the ordinary, such as a job that waits for a server that never comes."""
    useful_steps: float = 0.0
    """Steps done at the end that were not rolled back."""
