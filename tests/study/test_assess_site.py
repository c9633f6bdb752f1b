"""A trace as the IT load of a site: the same plant and rules as a run, all of them judged."""

from dataclasses import replace

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.limits import rules_of
from clustersim.plant import SitePlantSpec
from clustersim.power.trace import PowerTrace
from clustersim.scenario import load_topology, shipped
from clustersim.study.measured.assess import Question, Setting, assess, place_of
from clustersim.study.measured.damping import OwnSiteBattery, TraceDamping
from clustersim.study.site.power import provisioned_w


@pytest.fixture(scope="module")
def memphis():
    return place_of(load_topology(shipped("topologies") / "colossus_memphis.yaml"))


@pytest.fixture(scope="module")
def simulated(small):
    """The IT power of a run's steady window, as a meter would have recorded it."""
    wave = small.waveforms["steady"]
    return PowerTrace("memphis_it", wave.t0_s, wave.dt_s, wave.power("memphis/it").copy())


@pytest.fixture(scope="module")
def small_place(scenario):
    return place_of(scenario().topology, "memphis")


def test_a_simulated_load_fed_back_as_a_trace_gives_the_same_site(small, simulated, small_place, small_study):
    """Meter, reactive power, frequency, voltage, battery: bit by bit those of the run."""
    asked = Question(packs=(), from_s=simulated.t0_s, to_s=simulated.t0_s + simulated.duration_s)
    site = assess(simulated, asked, setting=Setting(place=small_place)).plain.site
    wave = small.waveforms["steady"]
    assert np.array_equal(site.meter_w, wave.power("memphis"))
    assert np.array_equal(site.load.load_var, wave.reactive("memphis"))
    theirs = {r.mode: r for r in small.responses if r.window == "steady"}
    assert set(theirs) == {r.mode for r in site.responses}
    for mine in site.responses:
        for name in ("frequency_hz", "voltage_pu", "grid_w", "generator_w", "battery_w", "state_of_charge"):
            assert np.array_equal(getattr(mine, name), getattr(theirs[mine.mode], name)), (mine.mode, name)
    assert small_place.provisioned_w == provisioned_w(small_study[0])["memphis"]


def test_all_rules_are_judged_and_agree_with_the_run_on_its_steady_window(small, simulated, small_place, scenario):
    rules = rules_of(scenario().limits)
    found = assess(simulated, Question(packs=("standard",)), setting=Setting(place=small_place))
    assert found.verdict.not_judged == ()
    mine = {(row.rule, row.node): row for row in found.verdict.table.itertuples()}
    assert {rule for rule, _ in mine} == {rule.id for rule in rules}
    steady = [row for row in small.verdict.itertuples() if row.window == "steady"]
    assert len(steady) >= 3
    for row in steady:
        assert mine[row.rule, row.node].measured == pytest.approx(row.measured, rel=1e-6), row.rule


def test_the_site_battery_of_a_place_is_that_of_a_run(battery, simulated, scenario, small):
    """Same load, same battery: the meter of the run with smoothing, from the trace of the run without."""
    assert np.array_equal(battery.waveforms["steady"].power("memphis/it"), simulated.watts)
    place = place_of(scenario().topology)
    damping = TraceDamping((OwnSiteBattery(kind="site_battery", time_constant="30 s"),), battery=place.plant.battery)
    asked = Question(from_s=simulated.t0_s, to_s=simulated.t0_s + simulated.duration_s)
    damped = assess(simulated, asked, setting=Setting(damping, place)).damped
    site = damped.judged.site
    assert site.meter_w == pytest.approx(battery.waveforms["steady"].power("memphis"), rel=1e-12)
    theirs = next(r for r in battery.responses if (r.window, r.mode) == ("steady", "island"))
    mine = next(r for r in site.responses if r.mode == "island")
    assert mine.frequency_hz == pytest.approx(theirs.frequency_hz, abs=1e-9)
    rows = {row.node: row for row in damped.judged.verdict.table.itertuples() if row.rule == "equipment-rating"}
    assert rows["memphis: battery_power"].measured > 0.0


def square(seconds=700.0, dt=0.01, low=60e6, high=120e6):
    times = dt * np.arange(round(seconds / dt))
    return PowerTrace("square", 0.0, dt, np.where(times % 20.0 < 16.0, high, low))


def test_energy_of_the_site_adds_up(memphis):
    site = assess(square(), setting=Setting(place=memphis)).plain.site
    load = site.load
    assert load.load_w == pytest.approx(load.it_w + load.cooling.power_w + load.losses_w, rel=1e-12)
    own = site.own
    assert own.grid_w + own.generator_w + own.battery_w == pytest.approx(site.meter_w, rel=1e-9)
    assert 1.2 < site.pue < 1.5


def test_a_lead_of_idle_power_is_what_the_plant_has_settled_at(memphis):
    trace = square(200.0)
    idle = PowerTrace("late", 0.0, 0.01, np.concatenate([np.full(3000, 40e6), trace.watts]))
    site = assess(idle, Question(from_s=30.0, to_s=230.0), setting=Setting(place=memphis)).plain.site
    assert site.load.cooling.temperature_c[2999] == pytest.approx(site.load.cooling.temperature_c[0], abs=1e-9)
    island = next(r for r in site.responses if r.mode == "island")
    assert island.frequency_hz[:2900] == pytest.approx(60.0, abs=1e-6)
    assert island.frequency_hz[3000:3300].min() < 59.9


def test_scaled_to_a_mean(memphis):
    found = assess(square(), Question(mean_w=90e6), setting=Setting(place=memphis))
    assert found.statistics["mean_mw"] == pytest.approx(90.0)
    assert any("scaled to a mean of 90 MW" in note for note in found.notes)
    with pytest.raises(InputError, match="mean: gives the scale by itself"):
        assess(square(), Question(mean_w=90e6, units=2))
    with pytest.raises(InputError, match="mean: expected a power above zero, got 0 W"):
        assess(square(), Question(mean_w=0.0))


def test_coarse_samples_leave_what_is_fast_not_judged(memphis):
    coarse = PowerTrace("coarse", 0.0, 2.0, square(1200.0, dt=2.0).watts)
    rows = {row.rule: row for row in assess(coarse, setting=Setting(place=memphis)).verdict.table.itertuples()}
    for rule, told in (
        ("island-rocof", "needs samples every 0.5 s or finer, got 2 s"),
        ("flicker-pst", "needs samples every 10 ms or finer, got 2000 ms"),
        ("choukse-band-energy", "needs samples every 25 ms or finer, got 2000 ms"),
    ):
        assert rows[rule].passed is None
        assert rows[rule].reason.startswith("not judged: ")
        assert told in rows[rule].reason


def test_what_a_place_cannot_do():
    pair = load_topology(shipped("topologies") / "google_iowa_nebraska.yaml")
    with pytest.raises(InputError, match="has 3 sites; name one of"):
        place_of(pair)
    with pytest.raises(InputError, match="has no site 'omahaa'; did you mean 'omaha'"):
        place_of(pair, "omahaa")
    with pytest.raises(InputError, match="has no electrical"):
        place_of(pair.model_copy(update={"electrical": {}}))


def test_a_record_of_days_and_a_sensor_are_refused(memphis):
    long = PowerTrace("long", 0.0, 60.0, np.full(2000, 1e8))
    with pytest.raises(InputError, match="at most 24 h, the record has 33.33 h"):
        assess(long, setting=Setting(place=memphis))
    with pytest.raises(InputError, match="averaged: the plant answers the load itself"):
        assess(square(), Question(averaged_s=1.0), setting=Setting(place=memphis))


def test_a_place_of_converters_alone_is_not_tried_as_an_island(memphis):
    cells = {"type": "bloom_sofc", "count": 900, "governor": "fuel_cell", "dispatch_limit": "80 %"}
    plant = SitePlantSpec.model_validate(memphis.plant.model_dump(mode="json") | {"generators": cells})
    topology = memphis.topology.model_copy(update={"electrical": {"memphis": plant}})
    assert replace(memphis, topology=topology).modes == ("grid_parallel",)
