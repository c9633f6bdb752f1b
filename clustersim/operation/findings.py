"""What is worth a word about a run: input that makes the job starve, stall or save in vain."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from clustersim.operation.checkpoints import Loss, Tier
from clustersim.operation.spec_parts.repair import RepairSpec

TIER_KEYS = {
    "neighbour": "operation.checkpoint.tiers.neighbour",
    "local": "operation.checkpoint.tiers.local",
    "storage": "operation.checkpoint",
}
"""Where the user finds the tier."""
MOST = 0.5
"""A job that waits for more of the horizon than this is worth a word. [-]"""


def collect(*found: str | Iterable[str] | None) -> tuple[str, ...]:
    """Return what was found, in order, each sentence once."""
    flat: list[str] = []
    for one in found:
        flat.extend([one] if isinstance(one, str) else one or ())
    return tuple(dict.fromkeys(flat))


def no_crew(repair: RepairSpec | None, spare_servers: int | None, servers_lost: int) -> str | None:
    """Return a finding when nobody repairs and the spares are finite: the job starves once they are used up."""
    if repair is None or repair.technicians != 0 or spare_servers is None:
        return None
    left = spare_servers - servers_lost
    then = f"{left} spares are left at the horizon" if left >= 0 else "the job stands still from then on"
    return (
        f"operation.repair.technicians: expected at least 1 beside operation.spare_servers, found 0: {servers_lost} "
        f"servers failed and none came back to the {spare_servers} spares; {then}"
    )


def slow_writes(tiers: Sequence[Tier]) -> tuple[str, ...]:
    """Return a finding for each tier whose copy takes longer to write than its interval."""
    return tuple(
        f"{TIER_KEYS[tier.name]}.interval: expected more than the write time of {tier.write_s:.4g} s, found "
        f"{tier.interval_s:.4g} s: a copy is made every {tier.effective_interval_s:.4g} s instead"
        for tier in tiers
        if tier.write_s > tier.interval_s
    )


def short_intervals(tiers: Sequence[Tier], step_time_s: float) -> tuple[str, ...]:
    """Return a finding for each tier whose interval is shorter than a step: a copy is made after every step."""
    return tuple(
        f"{TIER_KEYS[tier.name]}.interval: expected at least one step of {step_time_s:.4g} s, found "
        f"{tier.interval_s:.4g} s: a copy is made after every step"
        for tier in tiers
        if tier.interval_s < step_time_s
    )


def no_progress(losses: Sequence[tuple[Loss, float]], recovery_s: float, tiers: Sequence[Tier]) -> str | None:
    """Return a finding when the mean time to failure is shorter than a recovery.

    Where failures are exponential, a stretch of `T` without one has the probability ``exp(-T / M)``, and the mean time
    until one recovery and one interval were got through is ``M (exp(T / M) - 1)``. Each failure is followed, in the
    mean, by ``exp(-(R + w) / M) / (exp(I / M) - 1)`` intervals `I` whose copy is safe before the next one, with the
    recovery `R` and the write time `w`: times ``I / M`` this is the share of time that is useful.

    Parameters
    ----------
    losses : sequence of (Loss, float)
        What is gone and how often. [1/s]
    recovery_s : float
        Time from the end of detection until the job trains again, reload included. [s]
    tiers : sequence of Tier
        Tiers of checkpoints.
    """
    rate = math.fsum(rate for _, rate in losses)
    if rate * recovery_s <= 1.0:
        return None
    nearest = min(tiers, key=lambda tier: tier.effective_interval_s + tier.write_s)
    interval = nearest.effective_interval_s
    exponent = rate * (recovery_s + interval + nearest.write_s)
    share = rate * interval / -math.expm1(-rate * interval) * math.exp(-exponent)
    mean = f"{math.expm1(exponent) / rate / 3600.0:.3g} h" if exponent < 700.0 else "longer than any horizon"
    return (
        f"operation: a recovery takes {recovery_s:.4g} s and a failure comes every {1.0 / rate:.4g} s: about "
        f"{100.0 * share:.2g} % of the time is useful; the mean time from a failure to the next copy is {mean}"
    )


def unused_spares(spare_servers: int | None, handed_out: int) -> str | None:
    """Return a finding when no spare was ever taken; `handed_out` are servers that took the place of others."""
    if not spare_servers or handed_out > 0:
        return None
    return f"operation.spare_servers: {spare_servers} spare servers were never used over the horizon"


def idle_crew(repair: RepairSpec | None, repair_time_s: float | None, spare_servers: int | None) -> str | None:
    """Return a finding when repairs are described but nothing waits for them: a spare is always at hand."""
    if spare_servers is not None or (repair is None and repair_time_s is None):
        return None
    key = "repair_time" if repair is None else "repair"
    return f"operation.{key} has no effect: operation.spare_servers is left out, so a spare is always at hand"


def stands_still(stopped: Iterable[tuple[str, float]], horizon_s: float) -> str | None:
    """Return a finding when the job waits for most of the horizon for domains or servers to come back.

    Parameters
    ----------
    stopped : iterable of (str, float)
        What it waits for, and for how long. [s]
    horizon_s : float
        Time simulated. [s]
    """
    seconds: dict[str, float] = {}
    for cause, length in stopped:
        seconds[cause] = seconds.get(cause, 0.0) + length
    total_s = math.fsum(seconds.values())
    if total_s <= MOST * horizon_s:
        return None
    worst = max(seconds, key=lambda cause: seconds[cause])
    return (
        f"operation: the job stands still for {100.0 * total_s / horizon_s:.1f} % of the horizon, most of it for "
        f"{worst} ({100.0 * seconds[worst] / horizon_s:.1f} %)"
    )


def starved(cause: str, since_s: float, end_s: float, in_repair: int, never_back: int) -> str:
    """Return the finding of a job that stands still to the end for want of a server, since a time. [s]"""
    return (
        f"operation.spare_servers: the job stands still from {since_s:.0f} s to the end, for "
        f"{(end_s - since_s) / 86400.0:.2f} d ({cause}): {in_repair} servers are in repair, "
        f"{never_back} of them for ever"
    )
