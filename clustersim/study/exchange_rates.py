"""What the exchanges of a job's plan get of the network, each alone and all at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.study.step import StepStudy
from clustersim.training.network import plan_classes, plan_rates

KINDS = {"expert": "experts", "pipeline": "pipeline", "data": "replicas", "wan": "sites"}
"""Traffic class -> between what it goes."""


@dataclass(frozen=True)
class ExchangeRate:
    """One exchange of a plan, as one accelerator sends it. A byte may leave the scale-up domain or not."""

    kind: str
    alone: float
    """While no other exchange runs. [B/s]"""
    together: float
    """While all exchanges of the plan run. [B/s]"""
    through_nic: float
    """Bytes through the network card per byte sent. [-]"""


def exchange_rates(study: StepStudy) -> tuple[ExchangeRate, ...]:
    """Return the max-min rates of the plan's exchanges; those that a plan does not have are left out."""
    arguments = (study.model, study.plan, study.place.network)
    table = plan_rates(*arguments)
    running = [item for item in plan_classes(*arguments) if item.usage and item.group > 1]
    everything = {item.name for item in running}
    found = (
        ExchangeRate(
            KINDS[item.name],
            table.rate(item.name, {item.name}),
            table.rate(item.name, everything),
            item.usage.get("nic", 0.0),
        )
        for item in running
    )
    return tuple(one for one in found if np.isfinite(one.alone))
