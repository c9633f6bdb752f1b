"""Cells and converter: the published round trip, energy, limits; wear: exact cases of Miner's sum."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.catalog import entry
from clustersim.plant.battery_cells import cell_current, loss, pack_of, power_limits, round_trip
from clustersim.plant.battery_wear import cycle_damage, life_s

YEAR = 31557600.0


def test_the_published_round_trip_is_met_at_the_rating():
    assert round_trip(pack_of("megapack_2xl"), 1.0) == pytest.approx(0.91, abs=1e-9)


def test_efficiency_by_power_has_one_best_point():
    """The converter's idling loss rules at low power, copper and cells at high power."""
    found = [round_trip(pack_of("megapack_2xl"), p) for p in np.linspace(0.02, 1.0, 50)]
    best = int(np.argmax(found))
    assert 0 < best < 49
    assert np.all(np.diff(found[: best + 1]) > 0)
    assert np.all(np.diff(found[best:]) < 0)
    assert found[best] > 0.93
    assert found[0] < 0.8


@given(st.floats(-1.0, 1.0), st.floats(0.1, 0.95))
def test_power_balances_and_losses_are_losses(power, charge):
    pack = pack_of("megapack_2xl")
    current = float(cell_current(pack, power, charge))
    voltage = float(np.interp(charge, pack.charges, pack.voltages))
    terminal = (voltage - pack.resistance * current) * current
    converter = pack.no_load + pack.proportional * abs(power) + pack.quadratic * power**2
    assert terminal - converter == pytest.approx(power, abs=1e-9)
    assert float(loss(pack, power, charge)) == pytest.approx(pack.resistance * current**2 + converter, abs=1e-9)
    assert float(loss(pack, power, charge)) > 0.0


def test_limits_at_the_ends_of_charge():
    pack = pack_of("megapack_2xl")
    assert power_limits(pack, 0.5) == (1.0, 1.0)
    assert power_limits(pack, 0.0)[0] == 0.0
    assert power_limits(pack, 1.0)[1] == 0.0


@given(st.floats(0.01, 1.0), st.integers(1, 10_000))
def test_cycles_of_one_depth_by_hand(depth, cycles):
    found = cycle_damage("megapack_2xl", np.full(cycles, depth), np.ones(cycles))
    assert found == pytest.approx(cycles * depth**1.3 / 10_000, rel=1e-9)


def test_exponent_one_counts_throughput_alone():
    fine = cycle_damage("megapack_2xl", np.full(100, 0.01), np.ones(100), band="low")
    whole = cycle_damage("megapack_2xl", np.ones(1), np.ones(1), band="low")
    assert fine == pytest.approx(whole)
    assert cycle_damage("megapack_2xl", np.full(100, 0.01), np.ones(100), band="high") < fine


def test_life_without_cycles_is_the_calendar_life():
    assert life_s("megapack_2xl", 0.0) == pytest.approx(entry("batteries", "megapack_2xl").si("life"))
    assert life_s("megapack_2xl", 1.0 / (25 * YEAR)) == pytest.approx(12.5 * YEAR)
