"""Effective training time of published runs: the job of a row, simulated over its period."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from clustersim import catalog
from clustersim.operation import simulate_operation
from clustersim.operation.spec import OperationSpec
from clustersim.study.tables.reliability_bands import SEED, interval, job_rates
from clustersim.study.tables.reliability_causes import causes_of, fleet_of
from clustersim.study.tables.reliability_cells import count_of, period_of
from clustersim.study.tables.reliability_counts import Prediction
from clustersim.study.tables.reliability_rows import KIND, ReliabilityRow
from clustersim.study.tables.row_fields import UnreadableError


def effective_time(row: ReliabilityRow, _: Sequence[ReliabilityRow]) -> Prediction:
    """Return the share of time that goes into work that counts, simulated with the default checkpoints and recovery.

    Three runs, at the median and at the ends of the band of the rate of failures: over weeks of a large job chance
    adds little to what fleets differ by.
    """
    if re.search(r"fault.toleran|FT-HSDP|elastic", row.component, re.IGNORECASE):
        raise UnreadableError("component: a job that trains on without the failed replica; replicas: not given")
    accelerators, bounded = count_of(row.n_gpus, "n_gpus")
    if accelerators is None or bounded:
        raise UnreadableError("n_gpus: not given" if accelerators is None else "n_gpus: only a bound")
    fleet, facts = fleet_of(row), row.facts(accelerators)
    total = sum(cause.rate_per_s for cause in causes_of(fleet, facts))
    rates = job_rates(fleet, facts, row.accelerator)
    scales = [float(scale) / total for scale in (rates.total(), *interval(rates.drawn()))]
    seconds, known = period_of(row.period), catalog.entry(KIND, "job").figure("horizon")
    horizon = known.value if seconds is None else min(seconds, known.high)
    spec = OperationSpec.model_validate({"horizon": f"{horizon:.0f} s", "failure_rates": fleet.variant})
    found = [
        simulate_operation(
            spec.model_copy(update={"failure_scale": scale}), facts, np.random.SeedSequence(SEED)
        ).goodput
        for scale in scales
    ]
    parameters, named = row.parameters()
    assumed = ["default checkpoints and restart", *([] if named else [f"{parameters / 1e9:g}e9 parameters"])]
    if seconds is None or seconds > horizon:
        assumed.append(f"{horizon / 86400.0:g} days simulated")
    return Prediction(found[0], min(found), max(found), f"simulation, {rates.entry}", tuple(assumed))
