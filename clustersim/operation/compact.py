"""What is kept of one simulated operation when hundreds are simulated: accounts without the timeline."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from clustersim.operation.accounts import Accounts, accounts_of
from clustersim.operation.fleet_records import MAIN, NOBODY, FleetRecord
from clustersim.operation.records import Timeline
from clustersim.operation.site_records import SitesRecord
from clustersim.operation.spec_parts.sites import ALONE_BETWEEN

CLUSTER = "cluster"
"""Name of the record of all accelerators, with or without a job."""
SITES = "all sites"
"""Name of the record of all sites together."""


@dataclass(frozen=True)
class Kept:
    """What one job, group of jobs, site or cluster did in one seed."""

    horizon_s: float
    accounts: Accounts
    """Where its time went; of several jobs or sites that of their accelerators."""
    interruptions: Mapping[str, int]
    """By cause."""
    tokens: float | None = None
    """Trained, and not lost at the horizon; None of jobs whose step is not known."""
    trained_s: float | None = None
    """Time in training that counted, at whatever speed; None of several jobs. [s]"""
    findings: tuple[str, ...] = ()

    @property
    def goodput(self) -> float:
        """Share of the time that went into work that counts. [-]"""
        return self.accounts.goodput

    @property
    def effective_time(self) -> float | None:
        """Share of the horizon in training that counted, however slow. [-]"""
        return None if self.trained_s is None else self.trained_s / self.horizon_s

    @property
    def interrupted(self) -> int:
        """Interruptions by all causes."""
        return sum(self.interruptions.values())

    @property
    def interruption_rate_per_s(self) -> float:
        """Interruptions over the horizon, standstills included; its inverse is the mean time to failure. [1/s]"""
        return self.interrupted / self.horizon_s


def kept_of(timeline: Timeline, tokens: float | None = None) -> Kept:
    """Return what is kept of the timeline of one job that trained so many tokens."""
    table = timeline.table
    spans = table["t_end_s"] - table["t_start_s"]
    return Kept(
        horizon_s=timeline.horizon_s,
        accounts=timeline.accounts,
        interruptions=dict(timeline.interruptions_by_cause),
        tokens=tokens,
        trained_s=math.fsum(spans[table["state"] == "train"]),
        findings=timeline.findings,
    )


def kept_of_fleet(record: FleetRecord, tokens: float) -> dict[str, Kept]:
    """Return what is kept of a shared cluster: the main job, then all accelerators, then each group of jobs.

    Parameters
    ----------
    record : FleetRecord
        What all jobs did.
    tokens : float
        That the main job trained.
    """
    struck: dict[str, int] = {}
    for job in record.jobs:
        struck[job.group] = struck.get(job.group, 0) + job.failures
    groups = dict.fromkeys(group for group, _, _ in record.accounts if group not in (MAIN, NOBODY))
    counts = {group: {"failures": struck[group]} if struck.get(group) else {} for group in groups}
    failures = {MAIN: record.main.interruptions} | {group: struck.get(group, 0) for group in groups}
    everything = Kept(record.horizon_s, _accelerator_time(record), failures, findings=record.findings)
    of_groups = {group: Kept(record.horizon_s, record.group_accounts(group), counts[group]) for group in groups}
    return {MAIN: kept_of(record.main, tokens), CLUSTER: everything} | of_groups


def kept_of_sites(record: SitesRecord) -> dict[str, Kept]:
    """Return what is kept of a job over several sites: all accelerators together, then each site.

    Tokens of all sites are those of synchronous training that they are worth; of a site those that it trained. In
    lock-step an interruption strikes the one job once.
    """
    sites = {site.name: kept_of(site.timeline, site.tokens) for site in record.sites}
    struck: dict[str, int] = {}
    for kept in sites.values() if record.method in ALONE_BETWEEN else list(sites.values())[:1]:
        for cause, count in kept.interruptions.items():
            struck[cause] = struck.get(cause, 0) + count
    horizon_s = next(iter(sites.values())).horizon_s
    whole = Kept(horizon_s, record.accounts, struck, record.useful_tokens, findings=record.findings)
    return {SITES: whole} | sites


def _accelerator_time(record: FleetRecord) -> Accounts:
    """Return the accounts of all accelerators, with or without a job."""
    entries = [(category, cause, seconds) for (_, category, cause), seconds in record.accounts.items()]
    return accounts_of(entries, math.fsum(seconds for _, _, seconds in entries))
