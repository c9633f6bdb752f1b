"""What is kept of a seed: the sums of the record, part by part; nothing is lost, and lock-step counts once."""

import math
from dataclasses import replace

import numpy as np
import pytest

from clustersim.operation import JobFacts, OperationSpec
from clustersim.operation.compact import CLUSTER, SITES, kept_of_fleet, kept_of_sites
from clustersim.operation.ensemble import simulate_seeds
from clustersim.operation.fleet import simulate_fleet
from clustersim.operation.fleet_records import MAIN, FleetFacts, ServerPool
from clustersim.operation.site_facts import SiteFacts, SitesFacts
from clustersim.operation.sites import simulate_sites
from clustersim.operation.tasks import FleetTask, SitesTask
from clustersim.training.cross_site import one_batch_job

JOB = JobFacts(gpus=512, servers=64, step_time_s=10.0, step_time_cv=0.0, checkpoint_bytes=1e11)
SEED = np.random.SeedSequence(4)
POOL = ServerPool("h", "here", "H100-SXM", 96, 8, (8, 16, 32), full_w=9e3, wait_w=3e3, idle_w=2e3)
CLUSTERED = FleetFacts((POOL,), JOB, ("h",))
SHARED = OperationSpec.model_validate(
    {
        "horizon": "2 d",
        "failure_scale": "40 x",
        "fleet": {"jobs": [{"name": "long", "servers": 16, "duration": "20 d"}, {"name": "short", "servers": 8,
                                                                               "duration": "6 h"}]},
    }
)  # fmt: skip
SITED = SitesFacts(
    tuple(SiteFacts(name, JOB, 1e6) for name in ("a", "b")), one_batch_job(10e9, 2, 10.0, 48, 1e-3), 10e9
)


def sited(**sites):
    return OperationSpec.model_validate({"horizon": "2 d", "failure_scale": "40 x", "sites": sites})


def test_a_cluster_is_the_sum_of_its_groups_and_of_nobody():
    record = simulate_fleet(SHARED, CLUSTERED, SEED)
    kept = kept_of_fleet(record, 7.0)
    assert list(kept) == [MAIN, CLUSTER, "long", "short"]
    assert kept[MAIN].accounts == record.main.accounts
    assert kept[MAIN].tokens == 7.0
    assert kept[CLUSTER].accounts.total_s == pytest.approx(96 * 8 * 2 * 86400.0)
    for one in kept.values():
        assert math.fsum(one.accounts.shares.values()) == 1.0
    short = kept["short"].accounts.seconds[("useful", "none")]
    assert short == pytest.approx(8 * 8 * 6 * 3600.0)
    assert kept[CLUSTER].interruptions[MAIN] == record.main.interruptions > 0


def test_sites_in_lockstep_are_interrupted_once_and_alone_each_by_itself():
    together = kept_of_sites(simulate_sites(sited(), SITED, SEED))
    assert list(together) == [SITES, "a", "b"]
    assert together[SITES].interruptions == together["a"].interruptions == together["b"].interruptions
    worth = {"token_efficiency": {"value": "90 %", "low": "80 %", "high": "95 %", "source": "stated"}}
    apart = kept_of_sites(simulate_sites(sited(method="diloco", inner_steps=50, **worth), SITED, SEED))
    assert apart[SITES].interrupted == apart["a"].interrupted + apart["b"].interrupted
    assert apart[SITES].tokens == pytest.approx(0.9 * (apart["a"].tokens + apart["b"].tokens))
    goodput = (apart["a"].goodput + apart["b"].goodput) / 2.0
    assert apart[SITES].goodput == pytest.approx(goodput, abs=1e-12)


@pytest.mark.parametrize("task", [FleetTask(SHARED, CLUSTERED, SEED, 1e6), SitesTask(sited(), SITED, SEED)])
def test_the_first_seed_of_many_is_the_scenario_s_own(task):
    found = simulate_seeds(task, 3, workers=1)
    first = {name: kept[0] for name, kept in found.parts.items()}
    own = (
        kept_of_fleet(record := simulate_fleet(SHARED, CLUSTERED, SEED), 1e6 * record.main.useful_steps)
        if isinstance(task, FleetTask)
        else kept_of_sites(simulate_sites(task.spec, SITED, SEED))
    )
    assert first == own
    for part in found.parts:
        assert math.fsum(found.mean_accounts(part).shares.values()) == 1.0
    other = simulate_seeds(replace(task, seed=np.random.SeedSequence(5)), 1, workers=1)
    assert other.parts[found.head][0] != first[found.head]
