"""Designs without a run: a plain place, its cost by the cost model, its speed by hand."""

import pandas as pd
import pytest

from clustersim.economics import Accelerators, CostFacts, EconomicsSpec, estimate_cost
from clustersim.study.compare import Design

SHARES = {"lost_work": 0.06, "restart": 0.04, "checkpoint": 0.0}


def made(
    name="a",
    *,
    count=1024,
    kind="H100-SXM",
    tokens_per_s=1e6,
    goodput=0.9,
    grid_mwh=100.0,
    fibre_m=0.0,
    mfu=0.4,
    economics=None,
    scenario=None,
    **summary,
):
    """A design whose summary and cost agree with each other."""
    facts = CostFacts(
        accelerators=(Accelerators(kind, count, count // 8),),
        network_usd=5e6,
        provisioned_it_w=2e6,
        mean_it_w=1.5e6,
        horizon_s=86400.0,
        grid_energy_j=grid_mwh * 3.6e9,
        tokens_per_s=tokens_per_s,
        goodput=goodput,
        fibre_m=fibre_m,
    )
    cost = estimate_cost(EconomicsSpec.model_validate(economics or {}), facts)
    lost = 1.0 - goodput
    keys = {
        "horizon_days": 1.0, "accelerators": count, "accelerators_used": count, "tokens_per_s": tokens_per_s,
        "mfu": mfu, "goodput": goodput, "iteration_time_s": 2.0, "compute_fraction": 0.7, "bubble_fraction": 0.1,
        "exposed_comm_fraction": 0.2, "wan_fraction": 0.05, "time_share_useful": goodput,
        "time_share_lost_work": 0.6 * lost, "time_share_restart": 0.4 * lost, "mean_mw": 2.0, "it_mean_mw": 1.5,
        "it_computing_mw": 1.7, "it_bubble_mw": 0.1, "swing_mw": 0.5, "capex_usd": cost.capex_usd,
        "tco_usd_per_h": cost.tco_usd_per_h, "usd_per_million_tokens": cost.usd_per_million_tokens, "pst": None,
    }  # fmt: skip
    verdict = pd.DataFrame(
        [("ramp", "site", 12.0, 20.0, "MW/min", 0.4, True, "crash", "somebody", "")],
        columns=["rule", "node", "measured", "limit", "unit", "margin", "passed", "window", "source", "reason"],
    )
    verdict["passed"] = verdict["passed"].astype(object)
    tree = {
        "name": name,
        "title": name.upper(),
        "job": {"model": "m"},
        "economics": economics or {},
        **(scenario or {}),
    }
    return Design(f"run-{name}", name, tree, keys | summary, verdict, cost.table, facts)


@pytest.fixture
def make():
    return made
