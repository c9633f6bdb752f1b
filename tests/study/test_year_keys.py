"""Keys of a year of weather, and a horizon that begins in summer or in winter."""

from __future__ import annotations

import pytest

from clustersim.catalog import entry
from clustersim.report.text import summary_text
from clustersim.study.run import run
from clustersim.study.year_keys import OF_SERVED, OF_YEAR

WEATHER = {"topology.cooling.memphis.weather": "memphis_tn"}


@pytest.fixture(scope="module")
def year(scenario):
    """The small run with weather."""
    return run(scenario(**WEATHER))


def test_without_weather_the_keys_say_why(scenario):
    without = run(scenario(**{"topology.cooling.memphis.weather": None}))
    for key in OF_YEAR:
        assert without.summary[key] is None
        assert "cooling.memphis.weather" in without.reasons[key]


def test_weather_adds_a_year_and_leaves_the_horizon(small, year):
    for key in ("pue", "energy_mwh", "cooling_capacity_mw", "cooling_share_above_alarm", "mean_mw"):
        assert year.summary[key] == small.summary[key]
    s = year.summary
    assert 1.0 < s["pue_annual"] < s["pue"] < s["peak_hour_pue"] + 0.2
    assert s["pue_annual"] <= s["peak_hour_pue"]
    assert (s["wue_l_per_kwh"], s["water_m3_annual"]) == (0.0, 0.0)
    assert 0 <= s["hours_above_cooling_capacity"] <= 8760
    assert s["cooling_capacity_worst_hour_mw"] < s["cooling_capacity_mw"]
    assert "cooling, a year of weather" in summary_text(year)
    assert "catalog.weather.memphis_tn.mean.07" in set(year.assumed["key"])


def test_a_horizon_in_winter_takes_less_than_one_in_summer(scenario, small):
    start = "topology.cooling.memphis.start"
    winter, summer = (run(scenario(**WEATHER, **{start: day})) for day in ("01-15", "07-15 12:00"))
    assert winter.summary["energy_mwh"] < summer.summary["energy_mwh"]
    assert winter.summary["pue"] < summer.summary["pue"]
    assert winter.summary["pue_annual"] == summer.summary["pue_annual"]
    assert winter.summary["it_energy_mwh"] == small.summary["it_energy_mwh"]
    assert winter.summary["cooling_capacity_mw"] > summer.summary["cooling_capacity_mw"]


def test_towers_report_water(scenario):
    changes = {
        "topology.cooling.memphis": {
            "kind": "evaporative", "unit": "wet_tower", "count": 1, "liquid_share": "80 %",
            "supply_temperature": "28 degC", "design_rise": "10 degC", "alarm_temperature": "45 degC",
            "weather": "memphis_tn",
        }
    }  # fmt: skip
    s = run(scenario(**changes)).summary
    assert 1.2 < s["wue_l_per_kwh"] < 2.2
    fans = (1.0 - 0.8) * entry("facility", "cooling_auxiliaries").si("air_fan_share")
    it_kwh = s["cooling_heat_mw"] * (1.0 - fans) * 1e3 * 8760.0
    assert s["water_m3_annual"] == pytest.approx(s["wue_l_per_kwh"] * it_kwh / 1e3, rel=1e-6)


def test_a_plant_short_of_cooling_has_no_pue_of_a_year(scenario):
    """One chiller of 1.2 MW on the heat of two thousand accelerators: every hour is above the capacity."""
    small = {"topology.cooling.memphis.count": 1, "topology.cooling.memphis.unit": "chiller_fairwater"}
    s = run(scenario(**WEATHER, **small))
    for key in OF_SERVED:
        assert s.summary[key] is None
        assert "above what the cooling rejects" in s.reasons[key]
    assert s.summary["hours_above_cooling_capacity"] == 8760
    assert s.summary["cooling_units_spare"] is None
    assert s.summary["cooling_minutes_to_alarm_n1"] > 0.0
    text = summary_text(s)
    assert "no PUE" in text
    assert "none to spare" in text


def test_reserve_of_a_run(small, scenario):
    s, topology = small.summary, small.scenario["topology"]["cooling"]["memphis"]
    assert topology["count"] == 2
    assert s["cooling_units_spare"] in (0, 1)
    assert (s["cooling_minutes_to_alarm_n1"] is None) == (s["cooling_units_spare"] == 1)
    assert s["cooling_dip_ride_through"] == (s["cooling_minutes_to_alarm_dip"] is None)
    assert s["cooling_unit_starts"] is None
    assert "modulating" in small.reasons["cooling_unit_starts"]
    staged = run(scenario(**{"topology.cooling.memphis.staging": "on_off"})).summary
    assert staged["cooling_unit_starts"] >= 0
    assert "cooling, loss of units" in summary_text(small)
