"""Heat of a run: fans and conversion stages inside in windows, horizon, findings, and the energy of the facility."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import Timeline
from clustersim.plant import equipment_reactive, settled_heat, steady_cooling, sustainable_it
from clustersim.plant.stages import stage_flows
from clustersim.study.horizon import histories
from clustersim.study.it_power import state_w
from clustersim.study.run import run
from clustersim.study.site.findings import SiteFindings
from clustersim.study.site.power import site_it_w
from clustersim.study.site.supply import losses_w, site_load
from clustersim.study.step import study_step

OUTDOORS = [{"stage": "hv_transformer", "rating": "5 MW"}, {"stage": "mv_transformer", "rating": "5 MW"}]
INSIDE = [*OUTDOORS, {"stage": "ups_double_conversion", "rating": "5 MW"}, {"stage": "busway", "rating": "5 MVA"}]
CONVERSION = "topology.electrical.memphis.conversion"
FANS = 0.2 * 0.08
"""Power of the fans of the halls over the heat: 8 % of what leaves in air. [-]"""


@pytest.fixture(scope="module")
def with_ups(scenario, made_once):
    """The small scenario with a UPS and busways on the way to all of its equipment."""
    return made_once("with_ups", lambda: run(scenario(**{CONVERSION: INSIDE})))


@pytest.fixture(scope="module")
def asked(scenario):
    """Plant and cooling of that scenario."""
    topology = scenario(**{CONVERSION: INSIDE}).topology
    return topology.electrical["memphis"], topology.cooling["memphis"]


def inside_w(plant, it_w, cooling_w):
    flows = stage_flows(plant, it_w + cooling_w, equipment_reactive(it_w, cooling_w))
    return sum(flow.loss_w for flow in flows if flow.stage.kind in ("ups", "bus"))


def test_every_window_releases_it_power_fans_and_the_losses_inside(with_ups, asked):
    for wave in with_ups.waveforms.values():
        it, cooling_w = wave.power("memphis/it"), wave.power("memphis/cooling")
        load = site_load(*asked, it, wave.dt_s, None if wave is with_ups.waveforms["steady"] else float(it[0]))
        inside = inside_w(asked[0], it, load.cooling.power_w) + FANS * load.cooling.rejected_w
        assert load.heat_w == pytest.approx(it + inside, rel=1e-9)
        if wave is with_ups.waveforms["steady"]:
            assert cooling_w == pytest.approx(load.cooling.power_w, rel=1e-5)
        parts = it + cooling_w + wave.power("memphis/losses")
        assert wave.power("memphis") == pytest.approx(parts, rel=1e-5)


def test_summary_and_ratings_see_the_heat(with_ups, small, asked):
    it = float(with_ups.waveforms["steady"].power("memphis/it").mean())
    found = with_ups.summary
    heat = settled_heat(*asked, it)
    assert heat > 1.03 * it
    assert found["cooling_heat_mw"] * 1e6 == pytest.approx(heat, rel=1e-5)
    rows = with_ups.verdict.set_index("node")
    assert float(rows.loc["memphis: cooling", "measured"]) == pytest.approx(heat / 1e6, rel=1e-5)
    carried = sustainable_it(*asked, steady_cooling(asked[1], heat).capacity_w)
    assert found["sustainable_it_mw"] * 1e6 == pytest.approx(carried, rel=1e-8)
    assert found["sustainable_it_mw"] < 0.98 * found["cooling_capacity_mw"]
    most = (1.0 - FANS) * small.summary["cooling_capacity_mw"]
    assert small.summary["sustainable_it_mw"] == pytest.approx(most, rel=1e-9)
    assert found["pue_annual"] is None or found["pue_annual"] > small.summary["pue_annual"]


def test_a_place_without_stages_inside_releases_it_power_and_its_fans(small):
    it = float(small.waveforms["steady"].power("memphis/it").mean())
    assert small.summary["cooling_shortfall_mw"] == 0.0
    assert small.summary["cooling_heat_mw"] * 1e6 == pytest.approx(it / (1.0 - FANS), rel=1e-8)


def test_a_place_cooled_in_liquid_alone_releases_its_it_power(scenario):
    """And what its meter takes is IT, cooling and losses."""
    found = run(scenario(**{"topology.cooling.memphis.liquid_share": "100 %"}))
    it = float(found.waveforms["steady"].power("memphis/it").mean())
    assert found.summary["cooling_heat_mw"] * 1e6 == pytest.approx(it, rel=1e-8)
    assert found.summary["sustainable_it_mw"] == found.summary["cooling_capacity_mw"]


@pytest.mark.parametrize("start", [None, "07-15 14:00"])
def test_energy_and_heat_of_the_horizon_balance(scenario, start):
    """Meter = IT + cooling + losses, heat = IT + fans + losses inside, at one power of the cooling in each state."""
    weather = {"topology.cooling.memphis.weather": "memphis_tn", "topology.cooling.memphis.start": start}
    study = study_step(scenario(**{CONVERSION: INSIDE}, **({} if start is None else weather)))
    plant, cooling = study.place.topology.electrical["memphis"], study.place.topology.cooling["memphis"]
    table = pd.DataFrame([("train", 0.0, 5e4), ("stopped", 5e4, 2e5)], columns=["state", "t_start_s", "t_end_s"])
    rest = site_it_w(study, state_w(study, "stopped"))["memphis"]
    found = histories(study, Timeline(table, 2e5, (), 2, 1.0), {"memphis": 3.0 * rest})["memphis"]
    it = {"train": 3.0 * rest, "stopped": rest}
    seconds = {"train": 5e4, "stopped": 1.5e5}
    settled = {state: steady_cooling(cooling, found.heat_w[state]) for state in it}
    scale = found.cooling.energy_j / sum(settled[state].power_w * seconds[state] for state in it)
    drawn = {state: scale * one.power_w for state, one in settled.items()}
    for state, watts in it.items():
        fans_w = FANS * settled[state].rejected_w
        made = watts + float(inside_w(plant, watts, drawn[state])) + fans_w
        assert found.heat_w[state] == pytest.approx(made, rel=1e-8)
    assert found.heat_apart_w < 1e-8 * max(found.heat_w.values())
    heat_j = sum(found.heat_w[state] * seconds[state] for state in it)
    assert found.cooling.rejected_j + found.cooling.stored_j == pytest.approx(heat_j, rel=1e-9)
    lost_j = sum(seconds[state] * losses_w(plant, it[state], drawn[state]) for state in it)
    assert found.it_j == pytest.approx(sum(it[state] * seconds[state] for state in it), rel=1e-12)
    assert found.load_j == pytest.approx(found.it_j + found.cooling.energy_j + lost_j, rel=1e-9)
    assert found.heat_before_w == pytest.approx(settled_heat(plant, cooling, rest), rel=1e-12)
    if start is not None:
        assert abs(scale - 1.0) > 1e-3, "the weather moves nothing here: the case tests nothing"


def test_a_run_tells_where_no_heat_agrees_with_its_losses(scenario):
    """Units that are switched on and off, in the weather, at a load at which the next one starts."""
    weather = {"weather": "memphis_tn", "start": "07-15 14:00", "staging": "on_off", "unit": "air_cooled_chiller"}
    study = study_step(
        scenario(**{CONVERSION: INSIDE}, **{f"topology.cooling.memphis.{key}": value for key, value in weather.items()})
    )
    plant, cooling = study.place.topology.electrical["memphis"], study.place.topology.cooling["memphis"]
    table = pd.DataFrame([("train", 0.0, 1800.0)], columns=["state", "t_start_s", "t_end_s"])
    unit_w = steady_cooling(cooling, 0.0).capacity_w / cooling.count
    low, high = 0.5 * unit_w, unit_w
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (low, middle) if settled_heat(plant, cooling, middle) > unit_w else (middle, high)
    found = [
        histories(study, Timeline(table, 1800.0, (), 2, 1.0), {"memphis": watts})["memphis"]
        for watts in np.linspace(0.998, 1.002, 9) * low
    ]
    apart = [one.heat_apart_w / one.heat_w["train"] for one in found]
    # the second of two units changes more than the last of many
    assert min(apart) < 1e-10
    assert 1e-4 < max(apart) < 5e-3
    told = [
        SiteFindings.site_warnings(SimpleNamespace(cooling={}, history={"memphis": one}, uncarried=None), "job", "cost")
        for one in found
    ]
    for part, said in zip(apart, told, strict=True):
        assert len(said) == (part > 1e-8)
        assert all("no heat of the cooled rooms agrees with its losses" in text for text in said)
