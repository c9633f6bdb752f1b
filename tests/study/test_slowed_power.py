"""Power of a job that trains below full speed, and its energy over the horizon."""

import numpy as np
import pandas as pd
import pytest

from clustersim.operation import Timeline
from clustersim.study.horizon import TRAIN, histories
from clustersim.study.it_power import state_w, steady_window
from clustersim.study.paces import FULL, GRAIN, Pace, paces
from clustersim.study.site.power import site_it_w, site_power, training_it_w
from clustersim.study.slowed_power import SlowedPower


@pytest.fixture(scope="module")
def slowed(small_study):
    study, pool = small_study
    return SlowedPower(study, pool, site_power(study, steady_window(study, pool, 0.0), period_s=pool.iteration_time_s))


def full_w(slowed):
    return training_it_w(slowed.steady)["memphis"]


def at(slowed, **changed):
    return slowed.it_w(Pace(**changed))["memphis"]


def test_full_speed_draws_the_training_power(slowed):
    assert at(slowed) == pytest.approx(full_w(slowed), rel=1e-12)


def test_servers_of_missing_replicas_idle(slowed):
    """Without any replica nothing is left but idle; in between it is a straight line, up to the curve of supplies."""
    idle = site_it_w(slowed.study, state_w(slowed.study, "stopped"))["memphis"]
    assert at(slowed, active=1e-12) == pytest.approx(idle, rel=1e-6)
    assert at(slowed, active=0.75) == pytest.approx(idle + 0.75 * (full_w(slowed) - idle), rel=2e-3)


def test_others_spin_while_they_wait_for_a_straggler(slowed):
    spin = site_it_w(slowed.study, state_w(slowed.study, "detect"))["memphis"]
    assert at(slowed, held=1e-12) == pytest.approx(spin, rel=1e-6)
    assert spin < at(slowed, held=0.5) < full_w(slowed)


def test_a_cap_takes_more_power_than_speed_and_ends_at_idle(slowed):
    """Exchange and waiting do not get slower; below the end of the curve the job rests for part of the time."""
    power, speed = slowed._curve
    watts = [at(slowed, cap=cap) for cap in (1.0, 0.9, 0.8, float(speed[0]))]
    assert watts == sorted(watts, reverse=True)
    idle = site_it_w(slowed.study, state_w(slowed.study, "stopped"))["memphis"]
    lowest = at(slowed, cap=float(speed[0]))
    assert at(slowed, cap=0.5 * float(speed[0])) == pytest.approx(0.5 * (lowest + idle), rel=2e-3)
    assert lowest < float(power[0]) * full_w(slowed) + idle


TABLE = pd.DataFrame(
    [
        ("train", 0.0, 4e4, 1.0, 2048, 1.0),
        ("lost", 4e4, 5e4, 0.75, 1536, 1.0),
        ("stopped", 5e4, 6e4, 0.0, 0, 1.0),
        ("train", 6e4, 8e4, 0.75 * 0.8, 1536, 0.8),
        ("train", 8e4, 1e5, 1.0, 2048, 1.0),
    ],
    columns=["state", "t_start_s", "t_end_s", "speed", "gpus", "held"],
)


def test_paces_of_rows():
    assert paces(TABLE.drop(columns=["speed"]), 2048) == [FULL] * 5
    found = paces(TABLE, 2048)
    assert (found[0], found[4]) == (FULL, FULL)
    assert found[1] == Pace(active=0.75)
    assert (found[3].active, found[3].held, found[3].cap) == pytest.approx((0.75, 0.8, 1.0), abs=GRAIN)


def test_energy_counts_every_pace(small_study, slowed):
    study, _ = small_study
    train = training_it_w(slowed.steady)
    timeline = Timeline(TABLE, 1e5, (), 1, 0.8)
    record = histories(study, timeline, train, None, slowed.it_w)["memphis"]
    idle = site_it_w(study, state_w(study, "stopped"))["memphis"]
    missing, behind = (slowed.it_w(pace)["memphis"] for pace in (paces(TABLE, 2048)[1], paces(TABLE, 2048)[3]))
    parts = [6e4 * train["memphis"], 1e4 * missing, 1e4 * idle, 2e4 * behind]
    assert record.it_j == pytest.approx(np.sum(parts), rel=1e-12)
    assert sum(record.training.values()) == 9e4
    assert record.seconds[TRAIN] == 6e4
    assert sum(record.seconds.values()) == 1e5
    full = histories(study, Timeline(TABLE.assign(speed=1.0), 1e5, (), 1, 0.9), train)["memphis"]
    assert record.load_j < full.load_j


def test_slow_rows_need_their_power(small_study, slowed):
    study, _ = small_study
    with pytest.raises(TypeError, match="slowed_it_w"):
        histories(study, Timeline(TABLE, 1e5, (), 1, 0.8), training_it_w(slowed.steady))
