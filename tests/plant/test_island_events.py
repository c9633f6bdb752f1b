"""Generators that are left alone: a trip against the swing equation, protection, loads that follow the frequency."""

import math

import numpy as np
import pytest

from clustersim.catalog import entry
from clustersim.plant import (
    allowed_share,
    battery_for_w,
    generator_rating_w,
    kept_output_w,
    left_alone,
    online_beside_grid,
    simulate_plant,
    tripped_output_w,
    tripped_s,
    without_units,
)
from clustersim.plant.spec import BatterySpec, FrequencyResponseSpec, SitePlantSpec

BAND = (57.0, 61.8, 0.1)
PLANT = SitePlantSpec.model_validate(
    {
        "frequency": "60 Hz",
        "generators": {
            "type": "solar_titan_130_smt130",
            "count": 10,
            "governor": "GAST_openipsl",
            "dispatch_limit": "80 %",
        },
    }
)
UNIT_W = generator_rating_w(*PLANT.generators) / 10


def alone(load_w, lost, **more):
    left = without_units(PLANT, 0, lost)
    load = np.full(6000, load_w)
    return left_alone(left, "x", "trip", load, 1e-2, 20.0, load_w * (10 - lost) / 10, **more)


def test_a_trip_begins_at_the_rate_of_the_swing_equation():
    """The units that are left see what the lost ones carried: -dP f / (2 H S) with their own inertia."""
    load = 5.0 * UNIT_W
    found = alone(load, 2)
    frequency = found.response.frequency_hz
    assert np.abs(frequency[:2000] - 60.0).max() < 1e-6
    step = simulate_plant(
        without_units(PLANT, 0, 2), "x", "w", np.full(10, load), np.zeros(10), 1e-2, 0.0, "island", 0.8 * load
    )
    slope = (frequency[2003] - frequency[2000]) / 0.03
    assert slope == pytest.approx(step.initial_rocof_hz_per_s, rel=0.1)
    assert found.tripped_s == math.inf


def test_too_few_units_go_black():
    found = alone(7.0 * UNIT_W, 5)
    assert 20.0 < found.tripped_s < 30.0
    assert found.capacity_w < 7.0 * UNIT_W
    assert alone(7.0 * UNIT_W, 10).why == "no generator is online that could hold the frequency"
    assert alone(7.0 * UNIT_W, 10).tripped_s == 20.0


def test_a_load_that_follows_the_frequency_saves_an_island():
    follows = FrequencyResponseSpec.model_validate({"threshold": "0.2 Hz", "droop": "4 %", "least": "40 %"})
    found = alone(7.0 * UNIT_W, 5, follows=follows)
    assert found.tripped_s == math.inf
    share = found.load_w / (7.0 * UNIT_W)
    assert (share[:2000] == 1.0).all()
    # load and frequency agree: the load is the law's, a latency of 200 ms later
    law = allowed_share(follows, found.response.frequency_hz, 60.0)
    assert share[2020:] == pytest.approx(law[2000:-20], abs=2e-4)
    assert found.response.frequency_hz.min() > alone(7.0 * UNIT_W, 5).response.frequency_hz.min()


@pytest.mark.parametrize(("outside", "expected"), [(9, math.inf), (10, 1.10), (50, 1.10)])
def test_protection_waits_for_its_delay(outside, expected):
    frequency = np.full(1000, 60.0)
    frequency[100 : 100 + outside] = 56.9
    assert tripped_s(frequency, 1e-2, BAND) == pytest.approx(expected)


def test_shares_of_a_load_that_follows():
    spec = FrequencyResponseSpec.model_validate({"threshold": "0.1 Hz", "droop": "5 %", "least": "60 %"})
    found = allowed_share(spec, np.array([60.0, 59.9, 59.6, 50.0, 60.5]), 60.0)
    assert found.tolist() == pytest.approx([1.0, 1.0, 0.9, 0.6, 1.0])


def test_units_beside_the_grid():
    plant = PLANT.model_copy(
        update={
            "generators": (PLANT.generators[0].model_copy(update={"grid_parallel_output": 2.0 * UNIT_W}),),
            "grid": SitePlantSpec.model_validate(
                {
                    "frequency": "60 Hz",
                    "grid": {
                        "capacity": "500 MW",
                        "voltage": "161 kV",
                        "system": "eastern_interconnection",
                        "short_circuit": "5 GVA",
                        "x_over_r": 10,
                    },
                }
            ).grid,
        }
    )
    # 2.0 units of power at 80 % each are three units
    assert [units.count for units in online_beside_grid(plant, 20.0 * UNIT_W).generators] == [3]
    assert online_beside_grid(plant.model_copy(update={"generators": ()}), 1e6).generators == ()


def two_groups(**more):
    unit = PLANT.generators[0]
    other = unit.model_copy(update={"type": "solar_titan_250", "count": 4})
    return PLANT.model_copy(update={"generators": (unit, other), **more})


def test_groups_beside_the_grid_run_as_they_are_dispatched():
    """All to the same share of their limits, so that a unit that trips takes its own output away."""
    grid = SitePlantSpec.model_validate(
        {
            "frequency": "60 Hz",
            "grid": {
                "capacity": "100 MW", "voltage": "161 kV", "system": "eastern_interconnection",
                "short_circuit": "5 GVA", "x_over_r": 10,
            },
        }
    ).grid  # fmt: skip
    plant = two_groups(grid=grid)
    limits = [0.8 * generator_rating_w(units) for units in plant.generators]
    load = 100e6 + 0.5 * sum(limits)
    assert [units.count for units in online_beside_grid(plant, load).generators] == [5, 2]
    assert tripped_output_w(plant, load, 0, 1) == pytest.approx(limits[0] / 10)
    assert tripped_output_w(plant, load, 1, 1) == pytest.approx(limits[1] / 4)
    # units that stand still give nothing
    assert tripped_output_w(plant, load, 0, 9) == pytest.approx(0.5 * limits[0])
    assert tripped_output_w(plant, 50e6, 0, 1) == 0.0


def test_units_of_an_island_give_before_a_trip_what_they_are_dispatched_for():
    plant = two_groups()
    limits = [0.8 * generator_rating_w(units) for units in plant.generators]
    load = 0.9 * sum(limits)
    assert kept_output_w(plant, load, 1, 1) == pytest.approx(load - 0.9 * limits[1] / 4)
    assert kept_output_w(plant, load, 0, 10) == pytest.approx(0.9 * limits[1])


def test_a_battery_gives_its_power_or_what_its_charge_lasts_for():
    battery = {"type": "megapack_2xl", "count": 1, "power": "10 MW", "energy": "20 MWh", "droop": "2 %"}
    plant = PLANT.model_copy(update={"battery": BatterySpec.model_validate({**battery, "deadband": "0 Hz"})})
    efficiency = math.sqrt(entry("batteries", "megapack_2xl").si("round_trip_efficiency"))
    assert battery_for_w(plant, 600.0) == 10e6
    assert battery_for_w(plant, 600.0, 4e6) == 6e6
    assert battery_for_w(plant, 7200.0) == pytest.approx(5e6 * efficiency)
    assert battery_for_w(PLANT, 600.0) == 0.0


def test_what_an_event_leaves_is_answered_and_not_refused():
    """A battery above the units that are left, and fuel cells that have lost their grid: a finding of the run."""
    battery = {"type": "megapack_2xl", "count": 50, "power": "150 MW", "droop": "2 %", "deadband": "36 mHz"}
    plant = PLANT.model_copy(update={"battery": BatterySpec.model_validate(battery)})
    load = np.full(6000, 5.0 * UNIT_W)
    found = left_alone(without_units(plant, 0, 2), "x", "trip", load, 1e-2, 20.0, 4.0 * UNIT_W)
    assert found.tripped_s == math.inf
    cells = PLANT.generators[0].model_copy(update={"type": "bloom_sofc", "governor": "fuel_cell", "count": 100})
    found = left_alone(PLANT.model_copy(update={"generators": (cells,)}), "x", "island", load, 1e-2, 20.0, 20e6)
    assert (found.response, found.tripped_s) == (None, 20.0)
