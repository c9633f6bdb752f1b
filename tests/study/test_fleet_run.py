"""A run whose cluster is shared: what the others draw is in energy and power, and changes nothing of the job."""

from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import ExternalEvent
from clustersim.study.fleet_facts import fleet_facts
from clustersim.study.fleet_load import FLEET_KEYS, NO_FLEET, daily_w, others_w
from clustersim.study.it_power import state_w, steady_window, step_pool
from clustersim.study.job_operation import fleet_record
from clustersim.study.operation_facts import job_facts
from clustersim.study.result import Result
from clustersim.study.run import run
from clustersim.study.site.power import site_it_w, site_power
from clustersim.study.step import study_step

PLACE = {
    "topology.site.memphis.fleet": [{"accelerator": "H100-SXM", "count": 4096}],
    "topology.electrical.memphis.grid.capacity": "8 MW",
    "topology.electrical.memphis.conversion": [
        {"stage": "hv_transformer", "rating": "10 MW"},
        {"stage": "mv_transformer", "rating": "10 MW"},
    ],
    "topology.cooling.memphis.count": 4,
    "operation.horizon": "1 d",
}
FLEET = {
    "streams": [{"name": "research", "load": "30 %"}],
    "services": [{"name": "chat", "peak_servers": 100, "profile": [f"{50 + 2 * hour} %" for hour in range(24)]}],
}


@pytest.fixture(scope="module")
def alone(scenario):
    return run(scenario(**PLACE))


@pytest.fixture(scope="module")
def shared(scenario):
    return run(scenario(**PLACE, operation__fleet=FLEET))


def test_the_job_is_as_it_would_be_alone(alone, shared):
    pd.testing.assert_frame_equal(alone.timeline, shared.timeline)
    for key in ("goodput", "iteration_time_s", "provisioned_mw", "mttf_h", "tokens_per_s"):
        assert alone.summary[key] == shared.summary[key], key
    assert {alone.summary[key] for key in FLEET_KEYS} == {None}
    assert alone.reasons["others_mean_mw"] == NO_FLEET


def test_energy_grows_by_what_the_others_draw(alone, shared):
    more = shared.summary["it_energy_mwh"] - alone.summary["it_energy_mwh"]
    assert more == pytest.approx(24.0 * shared.summary["others_mean_mw"], rel=1e-6)
    assert more > 0.5
    assert shared.summary["energy_mwh"] - alone.summary["energy_mwh"] > more
    assert shared.summary["others_day_low_mw"] < shared.summary["others_mean_mw"] < shared.summary["others_day_high_mw"]
    assert 0.5 < shared.summary["fleet_utilisation"] <= 1.0


def test_every_node_is_the_sum_of_its_children(shared):
    wave = shared.waveforms["crash"]
    parts = [node for node, parent in zip(wave.nodes, wave.parents, strict=True) if parent == "memphis/it"]
    assert "memphis/others" in parts
    np.testing.assert_allclose(sum(wave.power(node) for node in parts), wave.power("memphis/it"), rtol=1e-12)
    assert float(wave.power("memphis/others").mean()) == pytest.approx(1e6 * shared.summary["others_mean_mw"])


def test_the_result_says_so_and_keeps_the_other_jobs(shared, tmp_path):
    assert any(text.startswith("operation.fleet: everything beside the job") for text in shared.warnings)
    assert shared.fleet["job"].str.startswith("chat").any()
    assert shared.fleet["job"].str.startswith("research").any()
    again = Result.load(shared.save(tmp_path / "one"))
    pd.testing.assert_frame_equal(again.fleet, shared.fleet)
    pd.testing.assert_frame_equal(again.accounts, shared.accounts)


@pytest.fixture(scope="module")
def study(scenario):
    found = study_step(scenario(**PLACE, operation__fleet=FLEET))
    return found, step_pool(found)


def test_servers_of_the_fleet_draw_what_the_place_says(study):
    """All servers idle, the main job's at work: together the site's IT power without the network."""
    found, pool = study
    window = steady_window(found, pool, 0.0)
    facts = fleet_facts(found, job_facts(found, pool), window)
    (pool_,) = facts.pools
    idle = site_it_w(found, state_w(found, "stopped"))["memphis"] - found.place.network_watts["memphis"]
    assert pool_.servers * pool_.idle_w == pytest.approx(idle, rel=1e-3)
    busy = float(site_power(found, window).waveform.power("memphis/it").mean()) - found.place.network_watts["memphis"]
    mine = facts.main.servers * pool_.full_w + (pool_.servers - facts.main.servers) * pool_.idle_w
    assert mine == pytest.approx(busy, rel=0.01)
    assert all(large % small == 0 for small, large in pairwise(pool_.blocks))


@pytest.mark.soak
def test_the_day_of_the_others_has_their_mean(study):
    record = fleet_record(*study)
    assert daily_w(record).mean() == pytest.approx(sum(others_w(record).values()), rel=1e-9)


@pytest.mark.soak
def test_what_stops_the_cluster_stops_the_others_too(study):
    found, pool = study
    dark = ExternalEvent(6 * 3600.0, 18 * 3600.0, "grid: load loss", "site_lost")
    stopped, usual = fleet_record(found, pool, (dark,)), fleet_record(found, pool)
    assert others_w(stopped)["memphis"] < 0.8 * others_w(usual)["memphis"]
    assert stopped.main.goodput < usual.main.goodput
