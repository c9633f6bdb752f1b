"""The charge of a battery that smooths the meter, in the answers of the plant."""

import dataclasses

import numpy as np
import pytest

from clustersim import catalog
from clustersim.study.site.smoothing_charge import with_smoothing


def _taken(power_w, dt_s, one_way):
    """Energy that leaves the store for a power at its terminals, up to the start of each bin. [J]"""
    moved = np.where(power_w > 0.0, power_w / one_way, power_w * one_way) * dt_s
    return np.concatenate(([0.0], np.cumsum(moved)[:-1]))


def test_the_charge_is_what_smoothing_and_the_answer_to_frequency_leave(battery):
    one_way = np.sqrt(catalog.entry("batteries", "megapack_2xl").si("round_trip_efficiency"))
    energy = catalog.entry("batteries", "megapack_2xl").si("energy")
    assert battery.responses
    for one in battery.responses:
        smoothing = -battery.waveforms[one.window].power(f"{one.site}/battery")
        taken = _taken(smoothing, one.dt_s, one_way) + _taken(one.battery_w, one.dt_s, one_way)
        assert one.state_of_charge[0] == pytest.approx(0.5)
        assert np.ptp(one.state_of_charge) > 0.0
        # within a bin the power may change its sign
        np.testing.assert_allclose(
            one.state_of_charge, 0.5 - taken / energy, atol=0.02 * np.abs(smoothing).sum() * one.dt_s / energy
        )


def test_without_a_battery_that_smooths_the_answer_is_as_it_was(small):
    one = small.responses[0]
    assert with_smoothing(one, ()) is one


def test_where_smoothing_takes_the_whole_battery_the_charge_is_its_own(battery):
    one = battery.responses[0]
    alone = dataclasses.replace(one, state_of_charge=np.zeros_like(one.state_of_charge))
    assert with_smoothing(alone, ()) is alone
