"""Lives of components: the laws of survival, memory and competing risks."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from clustersim.operation.lives import Life, life_of_mean, life_of_observed_rate

DAY = 86400.0
shapes = st.floats(0.3, 5.0)
FEW = settings(max_examples=40, deadline=None)
scales = st.floats(1e-3, 1e9)
ages = st.floats(0.0, 1e9)
BATHTUB = Life(scale_s=1000.0, shape=3.0, early_scale_s=4000.0, early_shape=0.4)
FAR = 1e-3
"""Chance that a Kolmogorov-Smirnov test of a true law fails on the fixed draws of a test."""


def uniform(draws, life, age):
    """Return what must be uniform: 1 - S(age + left) / S(age)."""
    return -np.expm1(life.cumulative_hazard(age) - life.cumulative_hazard(age + draws))


@pytest.mark.parametrize("life", [Life(50.0), Life(50.0, 0.7), Life(50.0, 2.5), Life(50.0, 1.0, 200.0, 0.5), BATHTUB])
@pytest.mark.parametrize("age", [0.0, 3.0, 400.0])
def test_what_is_left_follows_the_survival_given_the_age(life, age):
    draws = life.draw(np.random.default_rng(7), 4000, age)
    assert stats.kstest(uniform(draws, life, age), "uniform").pvalue > FAR


@FEW
@given(scales, ages, st.integers(0, 2**32))
def test_shape_one_has_no_memory(scale, age, seed):
    new, old = (Life(scale).draw(np.random.default_rng(seed), 3, a) for a in (0.0, age))
    assert (new == old).all()


@FEW
@given(scales, shapes, ages, st.integers(0, 2**32))
def test_a_draw_inverts_the_cumulative_hazard(scale, shape, age, seed):
    """H(age + left) - H(age) is the exponential variate that was drawn, without loss at an age of many scales."""
    age = min(age, 1e3 * scale)
    life = Life(scale, shape)
    left = life.draw(np.random.default_rng(seed), 2, age)
    variate = np.random.default_rng(seed).standard_exponential(2)
    used = float(life.cumulative_hazard(age))
    young = used < 1e-150 or age < 1e-100 * scale
    grown = life.cumulative_hazard(left) if young else used * np.expm1(shape * np.log1p(left / age))
    assert grown == pytest.approx(variate, rel=1e-9)


@FEW
@given(scales, st.floats(0.3, 0.99), st.floats(0.01, 1.0), st.floats(1.01, 50.0))
def test_infant_mortality_falls_and_wear_rises(scale, early, age, later):
    young, old = age * scale, later * age * scale
    infant, wear = Life(scale, early), Life(scale, 1.0 / early)
    assert infant.hazard(young) > infant.hazard(old)
    assert wear.hazard(young) < wear.hazard(old)
    assert Life(scale).hazard(young) == Life(scale).hazard(old) == pytest.approx(1.0 / scale)


def test_the_hazard_is_the_slope_of_the_cumulative_hazard():
    age = np.array([0.5, 30.0, 900.0])
    step = 1e-4 * age
    slope = (BATHTUB.cumulative_hazard(age + step) - BATHTUB.cumulative_hazard(age - step)) / (2.0 * step)
    assert BATHTUB.hazard(age) == pytest.approx(slope, rel=1e-6)
    assert BATHTUB.hazard(0.5) > BATHTUB.hazard(100.0) < BATHTUB.hazard(1500.0)
    assert Life(1.0, 0.5).hazard(0.0) == math.inf


@FEW
@given(st.floats(0.4, 4.0), st.floats(0.4, 4.0), st.floats(0.05, 20.0))
def test_the_mean_is_the_integral_of_the_survival(shape, early, ratio):
    life = Life(1.0, shape, ratio, early)
    # over y = ln t, the integrand is smooth
    integral, _ = integrate.quad(
        lambda y: math.exp(y) * float(life.survival(math.exp(y))), -30.0, 12.0, limit=400, points=[-3.0, 0.0, 3.0]
    )
    assert life.mean_s == pytest.approx(integral, rel=1e-6)


@FEW
@given(scales, shapes)
def test_means_in_closed_form(mean, shape):
    assert life_of_mean(mean, shape).mean_s == pytest.approx(mean, rel=1e-12)
    assert life_of_mean(mean).mean_s == mean
    assert Life(mean, 1.0, 3.0 * mean).mean_s == pytest.approx(0.75 * mean)
    # the quadrature of two risks, of which the second never strikes
    assert Life(mean, shape, 1e30 * mean, 0.9).mean_s == pytest.approx(Life(mean, shape).mean_s, rel=1e-9)


@FEW
@given(st.floats(1e-12, 1e-3), shapes, st.floats(0.0, 1e7), st.floats(1.0, 1e8))
def test_an_observed_rate_is_met_over_the_ages_it_was_observed(rate, shape, begin, span):
    hazard = life_of_observed_rate(rate, shape, begin, begin + span).cumulative_hazard([begin, begin + span])
    # a difference of two near values: its error is that of the larger one
    assert hazard[1] - hazard[0] == pytest.approx(rate * span, rel=1e-9, abs=1e-12 * hazard[1])


def test_draws_do_not_depend_on_the_number_of_risks_that_never_strike():
    assert (Life(math.inf).draw(np.random.default_rng(1), 3) == math.inf).all()
    assert Life(math.inf).mean_s == math.inf
    one, both = Life(10.0, 0.7), Life(10.0, 0.7, math.inf, 0.3)
    assert (one.draw(np.random.default_rng(1), 9) == both.draw(np.random.default_rng(1), 9)).all()


@pytest.mark.parametrize("wrong", [(0.0,), (-1.0,), (math.nan,), (1.0, 0.0), (1.0, math.inf), (1.0, 1.0, -2.0)])
def test_impossible_lives(wrong):
    with pytest.raises(ValueError, match="expected"):
        Life(*wrong)


@pytest.mark.parametrize("age", [-1.0, math.nan, math.inf])
def test_impossible_ages(age):
    with pytest.raises(ValueError, match="finite ages of 0 s or more"):
        Life(1.0).draw(np.random.default_rng(0), 2, age)
