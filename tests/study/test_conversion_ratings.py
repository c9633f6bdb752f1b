"""What the conversion stages carry and may carry, as rows for the rule of ratings."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from clustersim.limits import Evidence, judge, pack
from clustersim.plant import SitePlantSpec
from clustersim.plant.transformer_thermal import ageing_rate, steady_hot_spot, thermal_class
from clustersim.plant.weather import design_dry_bulb_c
from clustersim.study.site.conversion_ratings import SiteWindow, conversion_ratings, feed_ratings

MW = 1e6
GRID = {"capacity": "300 MW", "voltage": "161 kV", "system": "EI", "short_circuit": "5 GVA", "x_over_r": 10}
BREAKER = {"curve": "iec_very_inverse", "pickup": "110 %", "time_multiplier": 0.1, "interrupting": "40 kA"}
HV = {
    "stage": "hv_transformer",
    "unit": "100 MVA",
    "count": 4,
    "redundancy": "N+1",
    "voltage": "13.8 kV",
    "breaker": BREAKER,
}


def plant(*stages, **more):
    return SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": GRID, "conversion": stages, **more})


def window(watts, dt_s=0.01, name="steady", before_w=None):
    load = np.asarray(watts, dtype=np.float64)
    return SiteWindow(name, dt_s, load, load, load, np.zeros_like(load), before_w=before_w)


def imported(watts, dt_s=0.1, name="steady"):
    return SimpleNamespace(window=name, dt_s=dt_s, grid_w=np.asarray(watts))


def rows(spec, *windows):
    return {(r.node, r.name): r for r in conversion_ratings("here", spec, windows)}


def test_a_steady_load_has_the_steady_hot_spot_and_its_ageing():
    spec = plant(HV, ambient="35 degC")
    found = rows(spec, window(np.full(6000, 300 * MW)))
    power = found["here", "hv_transformer"]
    assert (power.loading_w, power.rating_w, power.unit) == (pytest.approx(300 * MW), pytest.approx(300 * MW), "MVA")
    hot = steady_hot_spot(thermal_class("onaf", 3.0), 0.75, 35.0)
    assert found["here/hv_transformer", "hot_spot"].loading_w == pytest.approx(hot)
    assert found["here/hv_transformer", "ageing"].loading_w == pytest.approx(float(ageing_rate(hot)))
    assert found["here/hv_transformer", "breaker"].loading_w == 0.0


def test_upgraded_paper_ages_slower():
    load = window(np.full(600, 380 * MW), 0.1)
    kraft, upgraded = (rows(plant({**HV, "paper": paper}), load) for paper in ("kraft", "upgraded"))
    key = ("here/hv_transformer", "ageing")
    assert upgraded[key].loading_w < kraft[key].loading_w


def test_an_overload_that_lasts_trips_the_breaker_and_a_short_one_does_not():
    """At 1.5 of the pickup: 0.1 x 13.5 / 0.5 = 2.7 s."""
    current = 1.5 * 1.1 * 400 * MW
    steady = window(np.full(6000, 200 * MW))
    over = {s: np.concatenate([np.full(round(100 * s), current), np.full(3000, 200 * MW)]) for s in (2.6, 2.8)}
    near = rows(plant(HV), steady, window(over[2.6], name="crash", before_w=200 * MW))["here/hv_transformer", "breaker"]
    past = rows(plant(HV), steady, window(over[2.8], name="crash", before_w=200 * MW))["here/hv_transformer", "breaker"]
    assert near.loading_w == pytest.approx(2.6 / 2.7, rel=1e-6)
    assert past.loading_w > 1.0
    assert "trips after 2.7 s of crash" in past.source
    verdict = judge(pack("equipment"), Evidence(ratings=(near, past))).table
    assert list(verdict["passed"]) == [True, False]
    assert list(verdict["unit"]) == ["x", "x"]


def test_a_swing_about_the_pickup_trips_in_the_end():
    """A swing of 1.5 and 0.9 of the pickup every two seconds: the disk gains more than it loses."""
    pickup = 1.1 * 400 * MW
    swing = np.tile(np.repeat([1.5 * pickup, 0.9 * pickup], 100), 3)
    found = rows(plant({**HV, "breaker": {**BREAKER, "time_multiplier": 1.0}}), window(swing))
    assert found["here/hv_transformer", "breaker"].loading_w > 1.0
    assert "trips after" in found["here/hv_transformer", "breaker"].source


def test_events_meet_a_transformer_that_is_warm_from_the_steady_window():
    spec = plant(HV)
    steady = window(np.full(600, 300 * MW), 0.1)
    event = window(np.full(600, 600 * MW), 0.1, "rise", 300 * MW)
    warm = rows(spec, steady, event)["here/hv_transformer", "hot_spot"].loading_w
    alone = rows(spec, steady)["here/hv_transformer", "hot_spot"].loading_w
    for_ever = rows(spec, window(np.full(600, 600 * MW), 0.1))["here/hv_transformer", "hot_spot"].loading_w
    assert alone < warm < alone + 0.2 * (for_ever - alone)


def test_feeds_and_what_breakers_interrupt():
    feeds = {"count": 3, "capacity": "150 MW", "redundancy": "N+1", "breaker": BREAKER}
    spec = SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": {**GRID, "feeds": feeds}})
    lines, breaker, short = feed_ratings("here", spec, [imported(np.full(600, 250 * MW))])
    assert (lines.loading_w, lines.rating_w) == (250 * MW, 300 * MW)
    assert breaker.loading_w == 0.0
    assert "never trips" in breaker.source
    assert (short.unit, short.rating_w) == ("kA", 40e3)
    assert short.loading_w == pytest.approx(5e9 / (3**0.5 * 161e3))
    assert feed_ratings("here", plant(), [imported(np.full(600, 250 * MW))]) == []


def test_a_feed_that_lasts_above_its_pickup_trips():
    """240 MW of 300 MW at a pickup of 40 %, twice that: 0.1 x 13.5 / 1 = 1.35 s."""
    feeds = {"count": 2, "capacity": "150 MW", "redundancy": "2N", "breaker": {**BREAKER, "pickup": "40 %"}}
    spec = SitePlantSpec.model_validate({"frequency": "60 Hz", "grid": {**GRID, "feeds": feeds}})
    event = imported(np.full(2000, 240 * MW), 0.001, "job_start")
    _, breaker, _ = feed_ratings("here", spec, [imported(np.full(600, 100 * MW)), event])
    assert breaker.node == "here/feeds"
    assert breaker.loading_w > 1.0
    assert "trips after 1.35 s of job_start" in breaker.source


def test_a_busway_breaker_breaks_what_its_inlet_feeds():
    """The bus behind a transformer of 3 MVA and 6 %: more current than behind the busway's own reactance."""
    mv = {"stage": "mv_transformer", "unit": "3 MVA", "count": 100, "voltage": "415 V", "breaker": BREAKER}
    bus = {"stage": "busway", "unit": "600 kVA", "count": 500, "breaker": BREAKER}
    found = rows(plant(HV, mv, bus), window(np.full(600, 200 * MW)))
    assert found["here/busway", "interrupting"].loading_w == found["here/mv_transformer", "interrupting"].loading_w
    assert (
        found["here/mv_transformer", "interrupting"].loading_w > found["here/hv_transformer", "interrupting"].loading_w
    )


def test_shares_and_ups_are_held_against_their_firm_power():
    spec = plant({"stage": "ups", "unit": "2 MW", "count": 10, "redundancy": "2N", "share": "5 %"})
    found = rows(spec, window(np.full(600, 210 * MW), 0.1))["here", "ups"]
    assert found.loading_w == pytest.approx(10.5 * MW)
    assert found.rating_w == pytest.approx(10 * MW)
    assert not judge(pack("equipment"), Evidence(ratings=(found,))).table["passed"].iloc[0]


def test_top_oil_and_current_of_normal_cyclic_loading():
    """A load of 1.4 for ever: top oil 52 x ((1 + 1.96 x 3) / 4)^0.8 over the air; 1.5 allowed, 1.3 for a large unit."""
    spec = plant({**HV, "redundancy": "N"})
    found = rows(spec, window(np.full(600, 1.4 * 400 * MW), 0.1))
    oil = 20.0 + 52.0 * (6.88 / 4.0) ** 0.8
    row = found["here/hv_transformer", "top_oil"]
    assert (row.loading_w, row.rating_w) == (pytest.approx(oil), 105.0)
    current = found["here/hv_transformer", "current"]
    assert (current.loading_w, current.rating_w) == (pytest.approx(1.4), 1.5)
    large = rows(plant({**HV, "unit": "101 MVA", "redundancy": "N"}), window(np.full(600, 404 * MW), 0.1))
    assert large["here/hv_transformer", "current"].rating_w == 1.3
    verdict = judge(pack("equipment"), Evidence(ratings=(row, current))).table
    assert list(verdict["passed"]) == [oil <= 105.0, True]


def test_the_design_day_heats_oil_and_hot_spot_and_not_the_ageing():
    load, key = window(np.full(600, 300 * MW), 0.1), "here/hv_transformer"
    cold, hot = (
        {(r.node, r.name): r.loading_w for r in conversion_ratings("here", plant(HV), (load,), weather)}
        for weather in (None, "memphis_tn")
    )
    more = design_dry_bulb_c("memphis_tn") - 20.0
    for name in ("top_oil", "hot_spot"):
        assert hot[key, name] - cold[key, name] == pytest.approx(more)
    for name in ("ageing", "current"):
        assert hot[key, name] == pytest.approx(cold[key, name])
