"""Life of the smoothing battery: the keys follow from the window's cycles."""

import pytest

from clustersim.plant.battery_wear import life_s

YEAR = 31557600.0


def test_life_lies_between_throughput_alone_and_the_calendar(battery):
    keys = battery.summary
    throughput = life_s("megapack_2xl", keys["battery_cycles_per_year"] / 10_000 / YEAR) / YEAR
    assert throughput * 0.99 < keys["battery_life_low_years"] < keys["battery_life_years"]
    assert keys["battery_life_years"] < keys["battery_life_high_years"] < 25.0
    assert keys["battery_life_low_years"] == pytest.approx(throughput, rel=0.1)
    assert 0.0 < keys["battery_round_trip_at_power"] < 1.0
    assert keys["battery_wear_usd_per_year"] > 0.0


def test_without_a_battery_the_reason_is_given(small):
    assert small.summary["battery_life_years"] is None
    assert small.reasons["battery_life_years"] == "no battery smooths the meter"
