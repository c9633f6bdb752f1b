"""What an ensemble repeats: one job, the jobs of one cluster, or the sites of one job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.operation.compact import kept_of
from clustersim.operation.ensemble import WHOLE, Member, Record
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.rate_uncertainty import factors_of_member
from clustersim.operation.simulation import simulate_operation
from clustersim.operation.spec import OperationSpec


@dataclass(frozen=True)
class JobTask:
    """One synchronous job (:func:`clustersim.operation.simulate_operation`)."""

    spec: OperationSpec
    job: JobFacts
    seed: np.random.SeedSequence
    drawn_rates: bool = False
    """Whether every seed is a fleet of its own, its failure rates drawn from the spread between published fleets."""
    external: tuple[ExternalEvent, ...] = ()

    def once(self, member: Member) -> Record:
        """Return what the job did."""
        factors = rates_of(self.spec, self.job, member) if self.drawn_rates else None
        return {WHOLE: kept_of(simulate_operation(self.spec, self.job, member.seed, self.external, factors=factors))}


def rates_of(spec: OperationSpec, job: JobFacts, member: Member) -> dict[str, float]:
    """Return the factors on the rates of all causes in one seed; all seeds together cover the spread evenly.

    Raises
    ------
    InputError
        If no published fleets are like the job's.
    """
    fleets = spec.failures.fleets
    return factors_of_member(spec.failure_rates, job, member.of_rates, member.index, member.count, fleets=fleets)
