"""Tiers of checkpoints: their times, what survives what, and the interval that loses least."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.errors import CatalogError
from clustersim.operation import JobFacts, OperationSpec, failure_causes, simulate_operation
from clustersim.operation.checkpoints import (
    SURVIVES,
    Tier,
    daly_interval,
    exact_interval,
    loss_of,
    tiers_of,
    transfer_times,
    young_daly_interval,
)
from clustersim.operation.spec_parts.checkpoint import CheckpointSpec
from tests.operation.first_order import first_order_waste

JOB = JobFacts(gpus=16384, servers=2048, step_time_s=5.0, step_time_cv=0.0, checkpoint_bytes=5.6e12)
LOSSES = (("process", 3e-5), ("server", 2e-5), ("power", 1e-7), ("pair", 1e-7), ("site", 1e-9))


def tiers(spec, job=JOB, losses=LOSSES):
    return tiers_of(CheckpointSpec.model_validate(spec), job, losses, 30 * 86400.0)


@pytest.mark.parametrize("asynchronous", [True, False])
@pytest.mark.parametrize("interval", ["10 min", "young_daly"])
def test_storage_alone_is_bytes_over_bandwidth_bit_for_bit(asynchronous, interval):
    (only,) = tiers({"asynchronous": asynchronous, "interval": interval, "blocking": "3 s",
                     "storage_bandwidth": "70 GB/s"})  # fmt: skip
    transfer = 5.6e12 / 70e9
    blocking = 3.0 if asynchronous else transfer
    assert (only.name, only.blocking_s, only.reload_s) == ("storage", blocking, transfer)
    assert only.write_s == (transfer if asynchronous else 0.0)
    mtbf = 1.0 / math.fsum(rate for _, rate in LOSSES)
    assert only.interval_s == (600.0 if interval == "10 min" else math.sqrt(2.0 * blocking * mtbf))


def test_defaults_come_from_the_catalog():
    (only,) = tiers({})
    assert (only.interval_s, only.blocking_s, only.write_s) == (600.0, 0.04, 5.6e12 / 2e12)


def test_times_of_the_nearer_tiers():
    """Each rank sends its own share; each server writes its own share to its drives."""
    near = {"neighbour": {"interval": "1 min", "bandwidth": "10 GB/s"},
            "local": {"interval": "5 min", "blocking": "1 s",
                      "write_bandwidth": "20 GB/s", "read_bandwidth": "50 GB/s"}}  # fmt: skip
    memory, drives, storage = tiers({"tiers": near})
    assert [one.name for one in (memory, drives, storage)] == ["neighbour", "local", "storage"]
    assert memory.write_s == memory.reload_s == 5.6e12 / 16384 / 10e9
    assert (drives.write_s, drives.reload_s) == (5.6e12 / 2048 / 20e9, 5.6e12 / 2048 / 50e9)
    assert (memory.interval_s, memory.blocking_s, drives.interval_s, drives.blocking_s) == (60.0, 0.04, 300.0, 1.0)
    from_catalog = tiers({"tiers": {"local": {}}})[0]
    assert from_catalog.write_s == pytest.approx(5.6e12 / 2048 / 28e9)
    assert from_catalog.reload_s == pytest.approx(5.6e12 / 2048 / 52e9)


def test_each_tier_has_the_interval_of_the_losses_it_is_there_for():
    memory, drives, storage = tiers(
        {"interval": "young_daly", "blocking": "10 s", "tiers": {"neighbour": {}, "local": {}}}
    )
    assert memory.interval_s == pytest.approx(young_daly_interval(0.04, 1.0 / 5e-5))
    assert drives.interval_s == pytest.approx(young_daly_interval(0.04, 1.0 / 1e-7))
    assert storage.interval_s == pytest.approx(young_daly_interval(10.0, 1.0 / 1.01e-7))
    unused = tiers({"tiers": {"local": {}}}, losses=())[0]
    assert unused.interval_s == 30 * 86400.0


@pytest.mark.parametrize(
    ("domain", "replaced", "apart", "expected"),
    [
        ("job", False, "server", "process"),
        ("route", False, "server", "process"),
        ("server", False, "server", "process"),
        ("server", True, "server", "server"),
        ("rack", True, "server", "pair"),
        ("rack", True, "rack", "server"),
        ("rack", False, "rack", "process"),
        ("rack", False, "server", "power"),
        ("feed", False, "leaf", "power"),
        ("building", False, "feed", "power"),
        ("building", True, "feed", "pair"),
    ],
)
def test_what_is_gone_when_a_domain_fails(domain, replaced, apart, expected):
    assert loss_of(domain, replaces_server=replaced, apart=apart) == expected


def test_storage_survives_everything_and_memory_no_loss_of_power():
    losses = {loss for survived in SURVIVES.values() for loss in survived}
    assert set(SURVIVES["storage"]) == losses == {"process", "server", "power", "pair", "site"}
    assert not {"power", "pair", "site"} & set(SURVIVES["neighbour"])
    assert not {"server", "pair", "site"} & set(SURVIVES["local"])


@given(cost=st.floats(1e-6, 0.5), mtbf=st.floats(1.0, 1e6))
def test_the_exact_interval_is_the_minimum_and_daly_is_near_it(cost, mtbf):
    best = exact_interval(cost * mtbf, mtbf)

    def time_per_work(interval):
        return mtbf * math.expm1((interval + cost * mtbf) / mtbf) / interval

    assert time_per_work(best) <= min(time_per_work(0.99 * best), time_per_work(1.01 * best))
    assert daly_interval(cost * mtbf, mtbf) == pytest.approx(best, rel=0.006)
    assert young_daly_interval(cost * mtbf, mtbf) >= best


def test_intervals_in_the_limits():
    assert daly_interval(3000.0, 1000.0) == 1000.0  # from twice the time between failures on
    assert exact_interval(0.0, 1000.0) == 0.0
    for interval in (daly_interval, exact_interval):
        assert interval(1e-3, 1e6) == pytest.approx(young_daly_interval(1e-3, 1e6), rel=1e-4)


@given(cost=st.floats(0.1, 100.0), mtbf=st.floats(1e3, 1e6), other=st.floats(0.1, 10.0))
def test_young_daly_has_the_least_first_order_waste(cost, mtbf, other):
    best = young_daly_interval(cost, mtbf)
    losses = [("server", 1.0 / mtbf)]
    waste = [first_order_waste([Tier("storage", t, cost, 0.0, 0.0)], losses, 100.0) for t in (best, other * best)]
    assert waste[0] <= waste[1] * (1.0 + 1e-12)
    assert waste[0] == pytest.approx(100.0 / mtbf + math.sqrt(2.0 * cost / mtbf))


def test_a_nearer_tier_wastes_less_where_it_survives():
    far = tiers({"interval": "1 h", "storage_bandwidth": "50 GB/s"})
    both = tiers({"interval": "1 h", "storage_bandwidth": "50 GB/s", "tiers": {"neighbour": {}}})
    assert first_order_waste(both, LOSSES, 60.0) < first_order_waste(far, LOSSES, 60.0)
    only_pairs = [("pair", 1e-5)]
    pause = first_order_waste(both, [], 0.0) - first_order_waste(far, [], 0.0)
    found = first_order_waste(both, only_pairs, 60.0) - first_order_waste(far, only_pairs, 60.0)
    assert found == pytest.approx(pause)


def best_of_sweep(seed):
    """Return the optimum of a sweep over the Young/Daly interval and over Daly's, for the failures that happened.

    Five intervals `T` with the same failures (common random numbers). The waste is ``a + b / (T + C) + c (T + C)``
    to first order, so the curve through them is least at ``sqrt(b / c) - C``.
    """
    job = JobFacts(gpus=16384, servers=2048, step_time_s=1.0, step_time_cv=0.0, checkpoint_bytes=1e9)
    cost, horizon = 10.0, 12 * 86400.0
    expected = 1.0 / sum(cause.rate_per_s for cause in failure_causes(None, job, 4.0))
    tried = [round(factor * young_daly_interval(cost, expected)) for factor in (0.4, 0.7, 1.0, 1.4, 2.5)]
    wasted, failures = [], 0
    for interval in tried:
        saved = {"interval": f"{interval} s", "blocking": f"{cost} s"}
        spec = {"horizon": f"{horizon} s", "failure_scale": "4 x", "restart_time": "0 s", "checkpoint": saved}
        record = simulate_operation(OperationSpec.model_validate(spec), job, np.random.SeedSequence(seed))
        wasted.append(1.0 - record.goodput)
        failures = record.interruptions
    design = np.array([(1.0, 1.0 / (t + cost), t + cost) for t in tried])
    _, pauses, redone = np.linalg.lstsq(design, np.array(wasted), rcond=None)[0]
    best, mtbf = math.sqrt(pauses / redone) - cost, horizon / failures
    return best / young_daly_interval(cost, mtbf), best / daly_interval(cost, mtbf)


def test_the_sweep_finds_young_and_daly():
    over_young, over_daly = best_of_sweep(1)
    assert over_young == pytest.approx(1.0, abs=0.05)
    assert over_daly == pytest.approx(1.0, abs=0.05)


@pytest.mark.soak
def test_sweeps_find_young_and_daly_on_average():
    found = np.array([best_of_sweep(seed) for seed in range(12)])
    assert found.mean(axis=0)[0] == pytest.approx(1.0, abs=0.04)
    assert found.mean(axis=0)[1] == pytest.approx(1.0, abs=0.02)
    assert found.std(axis=0, ddof=1).max() < 0.04


def test_a_framework_is_slower_than_its_storage():
    save, load = transfer_times("dcp", 405e9 * 12, 2e12, 2e12, 8960)
    assert save == pytest.approx(595.0 + 62.0, rel=0.002)  # REL-0223 and REL-0234
    assert load == pytest.approx(169.5, rel=0.002)  # REL-0225
    assert transfer_times("orbax", 405e9 * 12, 2e12, 2e12, 512) == pytest.approx((173.0, 117.2), rel=0.002)
    assert transfer_times("orbax", 1e12, 1e9, 2e9, 512) == (1000.0, 500.0)
    assert transfer_times(None, 1e12, 1e9, 2e9, 512) == (1000.0, 500.0)
    with pytest.raises(CatalogError, match="unknown framework 'orbx'; did you mean 'orbax'"):
        transfer_times("orbx", 1.0, 1.0, 1.0, 1)
    with pytest.raises(CatalogError, match="unknown framework 'tier-local'"):
        transfer_times("tier-local", 1.0, 1.0, 1.0, 1)


def test_a_storage_by_name():
    (only,) = tiers({"storage": "jean-zay"}, JobFacts(384, 48, 100.0, 0.0, 2.3e12))
    assert only.write_s == pytest.approx(40.0)  # REL-0165
    (fast_reads,) = tiers({"storage": "3fs"})
    assert fast_reads.reload_s < fast_reads.write_s
    with pytest.raises(CatalogError, match="unknown storage 'jeanzay'; did you mean 'jean-zay'"):
        tiers({"storage": "jeanzay"})
    with pytest.raises(ValueError, match=r"checkpoint\.storage: expected one of storage and storage_bandwidth"):
        tiers({"storage": "vast", "storage_bandwidth": "1 GB/s"})


def test_spec_round_trip():
    spec = CheckpointSpec.model_validate(
        {"interval": "young_daly", "framework": "dcp", "tiers": {"neighbour": {"apart": "rack", "interval": "30 s"}}}
    )
    assert CheckpointSpec.model_validate(spec.model_dump(mode="json")) == spec
    with pytest.raises(ValueError, match="greater than 0"):
        CheckpointSpec.model_validate({"tiers": {"local": {"interval": "0 s"}}})
