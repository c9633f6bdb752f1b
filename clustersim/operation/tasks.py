"""What an ensemble repeats: one job, the jobs of one cluster, or the sites of one job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.operation.compact import kept_of, kept_of_fleet, kept_of_sites
from clustersim.operation.ensemble import Member, Record
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.fleet import simulate_fleet
from clustersim.operation.fleet_records import FleetFacts
from clustersim.operation.simulation import simulate_operation
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.sites import simulate_sites
from clustersim.operation.spec import OperationSpec

JOB = "job"
"""Name of a job that has its cluster alone."""


@dataclass(frozen=True)
class JobTask:
    """One synchronous job (:func:`clustersim.operation.simulate_operation`)."""

    spec: OperationSpec
    job: JobFacts
    seed: np.random.SeedSequence
    tokens_per_step: float = 0.0
    external: tuple[ExternalEvent, ...] = ()

    def once(self, member: Member) -> Record:
        """Return what the job did; where rates are drawn, with those of a fleet of its own."""
        timeline = simulate_operation(self.spec, self.job, member.seed, self.external, rate_stratum=member.stratum)
        return {JOB: kept_of(timeline, self.tokens_per_step * timeline.useful_steps)}


@dataclass(frozen=True)
class FleetTask:
    """Many jobs on one cluster (:func:`clustersim.operation.fleet.simulate_fleet`)."""

    spec: OperationSpec
    facts: FleetFacts
    seed: np.random.SeedSequence
    tokens_per_step: float = 0.0

    def once(self, member: Member) -> Record:
        """Return what the main job did, the whole cluster, and each group of the other jobs."""
        record = simulate_fleet(self.spec, self.facts, member.seed, rate_stratum=member.stratum)
        return kept_of_fleet(record, self.tokens_per_step * record.main.useful_steps)


@dataclass(frozen=True)
class SitesTask:
    """One job over several sites (:func:`clustersim.operation.sites.simulate_sites`)."""

    spec: OperationSpec
    facts: SitesFacts
    seed: np.random.SeedSequence

    def once(self, member: Member) -> Record:
        """Return what all sites did together, and each of them."""
        return kept_of_sites(simulate_sites(self.spec, self.facts, member.seed, rate_stratum=member.stratum))
