"""Burns at the ends of a job: the account of time and energy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.power.end_burn import EndBurn, duty_power, with_end_burns

DT = 0.1
TIME = np.arange(200) * DT
POWER = np.where((TIME >= 5.0) & (TIME <= 15.0), 300.0, 40.0)
shares = st.floats(0.0, 1.0)


@given(st.integers(0, 300), st.integers(0, 300), shares, shares, shares)
def test_the_burn_adds_its_time_and_its_energy(before, after, first, job, last):
    burn = EndBurn(before * DT, after * DT, first, job, last)
    found = with_end_burns(TIME, POWER, 5.0, 15.0, burn, context_w=60.0, full_w=400.0)
    assert found.burn_s == pytest.approx((before + after) * DT)
    assert found.time_s[-1] == pytest.approx(TIME[-1] + found.burn_s)
    assert (np.diff(found.time_s) > -1e-9).all()
    # the burns are sampled like the record, so that the sum of samples is the account
    assert found.power_w.sum() * DT == pytest.approx(POWER.sum() * DT + found.burn_j)
    mean = 0.5 * (before * (first + job) + after * (job + last)) * DT
    assert found.burn_j == pytest.approx((before + after) * DT * 60.0 + 340.0 * mean)


def test_no_burn_is_the_record():
    found = with_end_burns(TIME, POWER, 5.0, 15.0, EndBurn(0.0, 0.0, 0.2, 0.4), context_w=60.0, full_w=400.0)
    assert (found.time_s == TIME).all()
    assert (found.power_w == POWER).all()
    assert (found.burn_s, found.burn_j) == (0.0, 0.0)


def test_power_is_linear_in_the_duty():
    assert duty_power(np.array([0.0, 0.25, 1.0]), 60.0, 400.0).tolist() == [60.0, 145.0, 400.0]


@pytest.mark.parametrize(
    ("job", "burn", "levels", "words"),
    [
        ((5.0, 25.0), EndBurn(1.0, 1.0, 0.2, 0.4), (60.0, 400.0), "a job within 0 to 19.9 s, found 5 to 25 s"),
        ((5.0, 15.0), EndBurn(1.0, 1.0, 0.2, 1.4), (60.0, 400.0), "burn.duty_job: expected a share .* found 1.4"),
        ((5.0, 15.0), EndBurn(1.0, 1.0, 0.2, 0.4), (500.0, 400.0), "0 <= context <= full, found 500 and 400 W"),
    ],
)
def test_bad_input_is_named(job, burn, levels, words):
    with pytest.raises(InputError, match=words):
        with_end_burns(TIME, POWER, *job, burn, context_w=levels[0], full_w=levels[1])
