"""What an ensemble repeats: one job, the jobs of one cluster, or the sites of one job."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.operation.compact import kept_of
from clustersim.operation.ensemble import WHOLE, Member, Record
from clustersim.operation.facts import ExternalEvent, JobFacts
from clustersim.operation.simulation import simulate_operation
from clustersim.operation.spec import OperationSpec


@dataclass(frozen=True)
class JobTask:
    """One synchronous job (:func:`clustersim.operation.simulate_operation`)."""

    spec: OperationSpec
    job: JobFacts
    seed: np.random.SeedSequence
    external: tuple[ExternalEvent, ...] = ()

    def once(self, member: Member) -> Record:
        """Return what the job did."""
        return {WHOLE: kept_of(simulate_operation(self.spec, self.job, member.seed, self.external))}
