"""What it is worth to give up load when energy is dear: the same job and seed with and without it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clustersim.errors import InputError
from clustersim.operation.site_events import EventsBySite
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.site_network import RouteOutage
from clustersim.operation.site_prices import Load, Saving, energy_cost, saving
from clustersim.operation.site_records import SiteRecord, SitesRecord
from clustersim.operation.sites import simulate_sites
from clustersim.operation.spec import OperationSpec
from clustersim.operation.spec_parts.sites import SitesSpec

AT_WORK = ("train", "lost", "evaluation")
"""States in which a site draws its training power, by its speed."""


@dataclass(frozen=True)
class CurtailmentValue:
    """Two runs, and what lies between them."""

    curtailed: SitesRecord
    full: SitesRecord
    """The same without curtailment."""
    saving: Saving
    """In useful tokens, at the best estimate of the token efficiency."""


def value_of_curtailment(
    spec: OperationSpec,
    facts: SitesFacts,
    seed: np.random.SeedSequence,
    loads: Mapping[str, Load],
    external: EventsBySite | None = None,
    outages: Sequence[RouteOutage] = (),
) -> CurtailmentValue:
    """Return what the curtailment of ``spec.sites`` saves and what it costs in tokens.

    Parameters
    ----------
    spec, facts, seed, external, outages
        As for :func:`~clustersim.operation.sites.simulate_sites`.
    loads : mapping of str to Load
        What each site with prices draws. [W]

    Raises
    ------
    InputError
        If the spec has no curtailment, or a site with prices has no load.
    """
    asked = spec.sites
    if asked is None or asked.curtailment is None:
        raise InputError("sites.curtailment: expected a rule, to tell what it is worth")
    if missing := [name for name in asked.prices if name not in loads]:
        raise InputError(f"expected the load of every site with prices; missing {', '.join(missing)}")
    without = spec.model_copy(update={"sites": asked.model_copy(update={"curtailment": None})})
    curtailed, full = (simulate_sites(one, facts, seed, external, outages) for one in (spec, without))
    cost, cost_without = (_cost(asked, record, loads) for record in (curtailed, full))
    return CurtailmentValue(curtailed, full, saving(cost, cost_without, curtailed.useful_tokens, full.useful_tokens))


def _cost(asked: SitesSpec, record: SitesRecord, loads: Mapping[str, Load]) -> tuple[float, float]:
    """Return energy [J] and cost [USD] of all sites with prices."""
    found = [
        energy_cost(asked.prices[site.name], asked.start, loads[site.name], _rows(site))
        for site in record.sites
        if site.name in asked.prices
    ]
    return math.fsum(energy for energy, _ in found), math.fsum(cost for _, cost in found)


def _rows(site: SiteRecord) -> list[tuple[float, float, float]]:
    table = site.timeline.table
    speed = np.where(table["state"].isin(AT_WORK), table["speed"], 0.0)
    begin, end = (table[name].to_numpy(np.float64) for name in ("t_start_s", "t_end_s"))
    return list(zip(begin.tolist(), end.tolist(), speed.tolist(), strict=True))
