"""Generators that are left alone: a trip against the swing equation, protection, loads that follow the frequency."""

import math

import numpy as np
import pytest

from clustersim.plant import (
    allowed_share,
    generator_rating_w,
    left_alone,
    online_beside_grid,
    simulate_plant,
    tripped_s,
    without_units,
)
from clustersim.plant.spec import FrequencyResponseSpec, SitePlantSpec

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
