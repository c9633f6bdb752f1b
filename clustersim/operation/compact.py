"""What is kept of one simulated operation when hundreds are simulated: accounts without the timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from clustersim.operation.accounts import Accounts
from clustersim.operation.records import Timeline


@dataclass(frozen=True)
class Kept:
    """What one job, site or cluster did in one seed."""

    horizon_s: float
    accounts: Accounts
    """Where the horizon went."""
    interruptions: Mapping[str, int]
    """By cause."""
    steps: float
    """Training steps that count at the horizon."""
    trained_s: float
    """Time in training that counted, at whatever speed. [s]"""
    findings: tuple[str, ...] = ()

    @property
    def goodput(self) -> float:
        """Share of the horizon that went into work that counts. [-]"""
        return self.accounts.goodput

    @property
    def effective_time(self) -> float:
        """Share of the horizon in training that counted, however slow. [-]"""
        return self.trained_s / self.horizon_s

    @property
    def interrupted(self) -> int:
        """Interruptions by all causes."""
        return sum(self.interruptions.values())

    @property
    def interruption_rate_per_s(self) -> float:
        """Interruptions over the horizon, standstills included; its inverse is the mean time to failure. [1/s]"""
        return self.interrupted / self.horizon_s


def kept_of(timeline: Timeline) -> Kept:
    """Return what is kept of a timeline."""
    table = timeline.table
    spans = table["t_end_s"] - table["t_start_s"]
    return Kept(
        horizon_s=timeline.horizon_s,
        accounts=timeline.accounts,
        interruptions=dict(timeline.interruptions_by_cause),
        steps=timeline.useful_steps,
        trained_s=math.fsum(spans[table["state"] == "train"]),
        findings=timeline.findings,
    )
