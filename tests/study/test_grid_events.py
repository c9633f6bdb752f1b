"""Events of the grid and the closed loop with the job: what they cost, that it ends, what cannot be asked for."""

import math
from types import SimpleNamespace

import numpy as np
import pytest

from clustersim.errors import InputError
from clustersim.operation import EVENT_AT_S, ExternalEvent
from clustersim.scenario import load_scenario, shipped
from clustersim.study.capped_speed import CappedSpeed
from clustersim.study.closed_loop import _late, close_loop
from clustersim.study.grid.answers import Surroundings, answer, state_at
from clustersim.study.grid.outcomes import KEYS
from clustersim.study.grid.schedule import schedule
from clustersim.study.it_power import steady_window, step_pool
from clustersim.study.run import run
from clustersim.study.site.power import site_power
from clustersim.study.step import study_step

DIP = {"kind": "voltage_dip", "at": "1 d", "residual": "0.3 pu", "duration": "50 ms"}
ALL = [
    DIP,
    {"kind": "load_loss", "at": "30 h", "share": "50 %", "duration": "10 min"},
    {"kind": "generator_trip", "at": "40 h", "duration": "3 h"},
    {"kind": "curtailment", "at": "48 h", "share": "80 %", "duration": "1 h", "notice": "10 min"},
    {"kind": "island_formation", "at": "52 h", "duration": "2 h"},
    {"kind": "frequency_excursion", "at": "60 h", "deviation": "-0.5 Hz", "hold": "30 s", "recovery": "5 min"},
]
UPS = [
    {"stage": "hv_transformer", "rating": "5 MW"},
    {"stage": "mv_transformer", "rating": "5 MW"},
    {"stage": "ups_double_conversion", "rating": "3 MW"},
]


@pytest.fixture(scope="module")
def hit(scenario):
    """A run with one event of each kind."""
    return run(
        scenario(
            plant__events=ALL,
            plant__ride_through={"supplies": "itic"},
            plant__frequency_response={"threshold": "0.1 Hz", "droop": "5 %"},
            operation__failure_rates="none",
        )
    )


@pytest.fixture(scope="module")
def surroundings(small_study):
    study, pool = small_study
    return Surroundings(study, pool, site_power(study, steady_window(study, pool, 0.0), period_s=pool.iteration_time_s))


def test_without_events_nothing_changes(small):
    assert {key: small.summary[key] for key in KEYS} == dict.fromkeys(KEYS)
    assert all("plant.events" in small.reasons[key] for key in KEYS)
    assert not any("grid_event" in node for node in small.waveforms["steady"].nodes)


def test_every_event_has_its_window(hit):
    names = [name for name in hit.waveforms if name.endswith("_1")]
    assert names == [f"{event['kind']}_1" for event in ALL]
    for name in names:
        wave = hit.waveforms[name]
        assert (wave.samples, wave.dt_s) == (60_000, 1e-3)
    # a curtailment is looked at where its cap is due
    assert hit.waveforms["curtailment_1"].t0_s == pytest.approx(48 * 3600 + 600 - EVENT_AT_S)
    assert {r.window for r in hit.responses} >= set(names)


def test_children_add_up_in_every_window(hit):
    for wave in hit.waveforms.values():
        for node in ("meter", "memphis"):
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=0.0, atol=1e-3)
            assert wave.watts.shape == wave.vars.shape


def test_a_dip_takes_servers_and_the_job_with_them(hit):
    wave = hit.waveforms["voltage_dip_1"].power("memphis")
    at = round(EVENT_AT_S / 1e-3)
    before = wave[: at // 2].mean()
    # all is off 20 ms after it began, and comes back idle, without cooling before that has restarted
    assert wave[at + 60 : at + 2000].max() < 1e-6 * before
    assert 0.3 * before < wave[-1000:].mean() < 0.75 * before
    lost = hit.timeline[hit.timeline["cause"] == "grid: voltage dip"]
    assert set(lost["state"]) == {"stopped", "restart", "reload"}
    # restart delay, spread and boot by the catalog
    stopped = lost[lost["state"] == "stopped"].iloc[0]
    assert stopped["t_start_s"] == pytest.approx(86400.02)
    assert stopped["t_end_s"] == pytest.approx(86400.05 + 2.5 + 10.0 + 300.0)


def test_partly_lost_servers_are_noticed_first(hit):
    rows = hit.timeline[hit.timeline["cause"] == "grid: load loss"]
    assert rows["state"].tolist() == ["detect", "stopped", "restart", "reload"]
    assert (rows["t_end_s"] - rows["t_start_s"]).iloc[0] == pytest.approx(10.0)
    wave = hit.waveforms["load_loss_1"].power("memphis")
    at = round(EVENT_AT_S / 1e-3)
    assert wave[at + 1 : at + 1000].mean() < 0.55 * wave[: at // 2].mean()


def test_an_event_meets_the_job_before_it_and_not_what_it_does_itself(hit, surroundings):
    """A loss that acts at once would else find a job at rest: nothing to lose, and a window without a fall."""
    for kind in ("load_loss", "island_formation"):
        wave = hit.waveforms[f"{kind}_1"].power("memphis")
        before = wave[: round(EVENT_AT_S / 1e-3) // 2].mean()
        assert before == pytest.approx(hit.waveforms["steady"].power("memphis").mean(), rel=0.02)
    table = hit.timeline
    timeline = SimpleNamespace(table=table)
    begins = table.loc[table["cause"] == "grid: load loss", "t_start_s"].min()
    assert state_at(timeline, begins) in ("train", "lost")
    assert state_at(timeline, begins + 1e-3) == "detect"


def test_a_curtailment_is_kept_in_its_window_and_slows_the_job(hit, surroundings):
    wave = hit.waveforms["curtailment_1"].power("memphis")
    at = round(EVENT_AT_S / 1e-3)
    # equipment comes down at once, the cooling with the loop behind it
    it = hit.waveforms["curtailment_1"].power("memphis/it")
    wanted = np.interp(
        0.8 * hit.summary["mean_mw"] * 1e6, surroundings.speed.load_w("memphis"), surroundings.speed.it_w("memphis")
    )
    assert it[at:].mean() == pytest.approx(wanted, rel=0.01)
    assert it[at:].mean() / it[:at].mean() < wave[at:].mean() / wave[:at].mean() < 0.9
    rows = hit.timeline[hit.timeline["cause"] == "grid: curtailment"]
    assert rows["t_start_s"].min() == pytest.approx(48 * 3600 + 600)
    assert rows["t_end_s"].max() == pytest.approx(49 * 3600 + 600)
    # pauses for checkpoints apart, it trains all the time
    assert (rows["t_end_s"] - rows["t_start_s"]).sum() == pytest.approx(3600.0, abs=10.0)


@pytest.mark.parametrize(("minutes", "late_s"), [(20.0, 600.0), (5.0, 0.0)])
def test_a_ramp_too_slow_for_the_notice_is_told(scenario, surroundings, minutes, late_s):
    """A fifth of the load comes down within so many minutes, of which the notice gives ten."""
    ramp = f"{0.2 * surroundings.training_w('memphis') / 1e6 / minutes:.12f} MW/min"
    asked = schedule(scenario(plant__events=[{**ALL[3], "ramp": ramp}]))
    found = answer(surroundings, asked[0], "train")
    assert found.sites["memphis"].late_s == pytest.approx(late_s, rel=1e-6)
    said = (f"curtailment_1 at memphis: the ramp is too slow for the notice, {found.sites['memphis'].said}",)
    assert _late((found,)) == (said if late_s else ())
    assert found.sites["memphis"].said.endswith(", 600 s late") == bool(late_s)


def test_goodput_closes(hit):
    """Work that counts and what everything took away from it are the whole horizon."""
    table = hit.timeline
    table = table.assign(s=table["t_end_s"] - table["t_start_s"])
    assert table["s"].sum() == pytest.approx(3 * 86400.0)
    standing = table[table["cause"].str.startswith("grid: ") & (table["state"] != "train")]["s"].sum()
    lost = hit.summary["goodput_lost_grid"] * 3 * 86400.0
    redone = table[table["state"] == "lost"]["s"].sum()
    assert standing + redone < lost < standing + redone + 0.6 * 4 * 3600.0
    pauses = table[table["cause"] == "schedule"]["s"].sum() / (3 * 86400.0)
    assert hit.summary["goodput"] + hit.summary["goodput_lost_grid"] + pauses == pytest.approx(1.0, abs=1e-8)


def test_the_same_twice(scenario, hit):
    again = run(
        scenario(
            plant__events=ALL,
            plant__ride_through={"supplies": "itic"},
            plant__frequency_response={"threshold": "0.1 Hz", "droop": "5 %"},
            operation__failure_rates="none",
        )
    )
    assert again.summary == hit.summary
    assert again.timeline.equals(hit.timeline)
    assert again.events.equals(hit.events)


def test_events_do_not_move_the_failures(scenario):
    """A dip that everything rides through leaves the job to the second as it was."""
    quiet, dipped = (
        run(scenario(plant__events=events)) for events in ([], [{**DIP, "residual": "0.95 pu", "duration": "1 s"}])
    )
    assert dipped.timeline.equals(quiet.timeline)
    shared = set(quiet.summary) - set(KEYS) - {"rules_failed", "rules_not_judged"}
    for key in shared - {"max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s"}:
        if "undamped" not in key and "frequency" not in key and "rocof" not in key and "dip" not in key:
            assert dipped.summary[key] == quiet.summary[key], key
    assert dipped.summary["load_lost_mw"] == 0.0


@pytest.mark.parametrize(("name", "locked"), [("ups_counter", 1), ("ups_no_counter", 0)])
def test_three_dips_in_a_minute(scenario, name, locked):
    found = run(
        scenario(
            plant__events=[{**DIP, "count": 3, "spacing": "20 s"}],
            plant__ride_through={"ups": name, "supplies": "itic", "backup": "15 s"},
            topology__electrical__memphis__conversion=UPS,
        )
    )
    keys = found.summary
    assert (keys["ups_transfers"], keys["ups_locked"]) == (3, locked)
    assert keys["goodput_lost_grid"] == 0.0
    assert (keys["load_locked_mw"] > 0.7 * keys["mean_mw"]) == bool(locked)
    # the window is longer by the time between first and last dip
    wave = found.waveforms["voltage_dip_1"]
    assert wave.samples == 100_000
    assert (wave.power("meter")[-5000:].mean() < 0.3 * keys["mean_mw"] * 1e6) == bool(locked)


def test_a_curve_is_judged_on_the_load(scenario):
    rules = [
        {
            "id": f"curve-{name}",
            "measure": "ride_through",
            "limit": "90 %",
            "comparison": "at_least",
            "curve": [[duration, "0 pu"]],
        }
        for name, duration in (("short", "20 ms"), ("long", "150 ms"))
    ] + [{"id": "lost", "measure": "load_lost", "limit": "1 MW"}]
    table = run(
        scenario(plant__events=[DIP], plant__ride_through={"supplies": "itic"}, limits={"rules": rules})
    ).verdict.set_index("rule")
    # each curve is judged on its own dips: all hold through 20 ms, servers and drives drop in 150 ms
    assert table.loc["curve-short", "measured"] == pytest.approx(100.0)
    assert table.loc["curve-short", "passed"] is True
    assert table.loc["curve-long", "measured"] == pytest.approx(0.0, abs=1e-9)
    assert table.loc["curve-long", "passed"] is False
    assert table.loc["lost", "passed"] is False


@pytest.mark.parametrize("limit", [40, 50, 60, 70, 85])
def test_the_speed_under_a_load_is_that_of_the_whole_step_under_a_cap(scenario, surroundings, limit):
    capped = study_step(scenario(damping=[{"kind": "power_cap", "limit": f"{limit} %"}]))
    pool = step_pool(capped)
    load = site_power(capped, steady_window(capped, pool, 0.0)).waveform.power("memphis").mean()
    speed = CappedSpeed(surroundings.study, surroundings.pool, surroundings.steady).at_load("memphis", float(load))
    assert speed == pytest.approx(surroundings.pool.iteration_time_s / pool.iteration_time_s, rel=0.005)


def test_a_load_that_the_job_cannot_go_down_to(surroundings):
    curve = surroundings.speed.load_w("memphis")
    assert (np.diff(curve) >= 0.0).all()
    assert surroundings.speed.at_load("memphis", float(curve[0]) * 0.99) is None
    assert surroundings.speed.at_load("memphis", float(curve[-1]) * 1.01) == 1.0


def test_random_events_have_a_stream_of_their_own(scenario):
    rare = {"kind": "voltage_dip", "every": "6 h", "residual": "0.95 pu", "duration": "1 s"}
    found = schedule(scenario(plant__events=[rare, DIP]))
    times = [one.at_s for one in found if one.name == "voltage_dip_1"]
    assert times == [one.at_s for one in schedule(scenario(plant__events=[rare])) if one.name == "voltage_dip_1"]
    assert 4 < len(times) < 25
    assert sum(one.looked_at for one in found) == 2
    assert [one.at_s for one in found] == sorted(one.at_s for one in found)


# ---- the loop -------------------------------------------------------------------------------------------------------


class _Timeline:
    """As much of a timeline as the loop asks for."""

    def __init__(self, table, horizon_s):
        self.table, self.horizon_s, self.lost_s = table, horizon_s, {}


def test_the_loop_ends_after_one_round_with_nothing_to_say(surroundings):
    import pandas as pd

    table = pd.DataFrame({"t_start_s": [0.0], "t_end_s": [1e5], "state": ["train"]})
    found = close_loop(lambda _: pytest.fail("nothing is new"), _Timeline(table, 1e5), (), surroundings)
    assert (found.rounds, found.externals, found.warnings) == (1, (), ())


def test_a_loop_without_an_end_names_its_last_event(scenario, surroundings, monkeypatch):
    import pandas as pd

    asked = schedule(scenario(plant__events=[DIP]))
    table = pd.DataFrame({"t_start_s": [0.0], "t_end_s": [3e5], "state": ["train"]})
    count = iter(range(1, 100))

    def restless(*_):
        return (ExternalEvent(1000.0 * next(count), 3e5, "plant: restless", "stop"),)

    monkeypatch.setattr("clustersim.study.closed_loop._protected", restless)
    found = close_loop(lambda _: _Timeline(table, 3e5), _Timeline(table, 3e5), asked, surroundings)
    assert found.rounds == 20
    assert "did not agree in 20 rounds: the last new event is 'plant: restless' at 20000 s" in found.warnings[0]


@pytest.mark.parametrize("effect", ["throttle", pytest.param("stop", marks=pytest.mark.soak)])
def test_an_alarm_of_the_cooling_acts_where_it_is_asked_to(scenario, effect):
    changes = {
        "topology__cooling__memphis__unit": "chiller_fairwater",
        "topology__cooling__memphis__count": 1,
        "operation__failure_rates": "none",
    }
    ignored = run(scenario(**changes))
    assert ignored.summary["cooling_first_alarm_hours"] is not None
    acted = run(scenario(**changes, plant__protection={"cooling_alarm": effect}))
    alarm = ignored.summary["cooling_first_alarm_hours"] * 3600.0
    rows = acted.timeline[acted.timeline["cause"].str.startswith("plant: cooling alarm at memphis")]
    assert rows["t_start_s"].min() == pytest.approx(alarm + 1.0, abs=1e-3)
    assert acted.summary["goodput"] < ignored.summary["goodput"]
    assert acted.summary["goodput_lost_grid"] == pytest.approx(
        ignored.summary["goodput"] - acted.summary["goodput"], abs=0.01
    )


# ---- what cannot be asked for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([{**DIP, "at": "3 d"}], "plant.events.0: at: expected a time within the horizon of 259200 s, found 259200 s"),
        ([{**DIP, "site": "memfis"}], "plant.events.0: site: expected one of memphis, found 'memfis'"),
        ([DIP, {**DIP, "at": "86400.02 s"}], "plant.events.1: expected a voltage_dip that begins after events.0"),
        ([{**DIP, "duration": "-50 ms"}], "plant.events.0"),
        ([{**DIP, "residual": "1.2 pu"}], "plant.events.0"),
        ([{**DIP, "count": 3}], "spacing: expected the time between the 3 dips, found none"),
        ([{**DIP, "count": 3, "spacing": "40 ms"}], "so that the dips do not overlap"),
        ([{**DIP, "every": "1 d"}], "expected one of at (a time in the horizon) and every"),
        ([{"kind": "generator_trip", "at": "1 h", "duration": "1 h", "units": 2}], "units: expected at most the 1"),
        ([{"kind": "generator_trip", "at": "1 h", "duration": "1 h", "generator": 1}], "expected one of the 1 of"),
        ([{"kind": "curtailment", "at": "1 h", "duration": "1 h"}], "expected one of cap and share"),
        ([{"kind": "frequency_excursion", "at": "1 h"}], "expected one of deviation"),
        ([{"kind": "voltage_dib", "at": "1 h"}], "plant.events.0"),
    ],
)
def test_impossible_events_are_named(scenario, events, message):
    with pytest.raises(InputError) as caught:
        scenario(plant__events=events)
    assert message in str(caught.value)


def test_an_island_has_no_voltage_dip(scenario):
    with pytest.raises(InputError, match="expected generator_trip or load_loss in an island, found voltage_dip"):
        scenario(plant__events=[DIP], plant__mode="island")


def test_names_of_equipment_are_checked(scenario):
    with pytest.raises(InputError, match=r"plant.ride_through.ups: .*'ups_countr'"):
        scenario(plant__ride_through={"ups": "ups_countr"})


def test_the_shipped_scenario_shows_the_counter():
    path = shipped("scenarios") / "virginia_dips.yaml"
    assert len(schedule(load_scenario(path))) == 1
    event = load_scenario(path).plant.events[0]
    assert event.lasts_s == pytest.approx(82.055)
    assert math.isclose(event.residual, 0.3)
