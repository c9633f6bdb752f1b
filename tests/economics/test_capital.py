"""Annuities and discounting: identities and limits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.economics import annuity_factor, discount, present_value
from clustersim.economics.cash_flow import worth
from tests.drawn import examples

YEAR = 31557600.0
RATES = st.floats(0.0, 0.5)
YEARS = st.integers(1, 40)


@settings(max_examples=examples(40), deadline=None)
@given(RATES, YEARS, st.floats(0.0, 1.0))
def test_annuity_and_residual_pay_the_price_back(rate, years, residual):
    yearly = annuity_factor(years * YEAR, rate, residual)
    payments = [(float(k), yearly) for k in range(1, years + 1)] + [(float(years), residual)]
    assert present_value(payments, rate) == pytest.approx(1.0, rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.floats(0.5, 40.0), st.floats(0.0, 1.0))
def test_no_interest_is_a_straight_line(years, residual):
    assert annuity_factor(years * YEAR, 0.0, residual) == pytest.approx((1.0 - residual) / years)
    assert annuity_factor(years * YEAR, 1e-10, residual) == pytest.approx((1.0 - residual) / years, abs=1e-8)


@pytest.mark.parametrize("rate", [5e-324, 1e-320, 1e-300, 1e-20, 1e-17, 1e-16])
def test_interest_that_is_next_to_none_is_none(rate):
    """Also where its product with the years is no longer a number above 0."""
    for years in (0.5, 7.3, 40.0):
        for residual in (0.0, 0.4):
            assert annuity_factor(years * YEAR, rate, residual) == pytest.approx((1.0 - residual) / years, rel=1e-14)
            straight = residual + (1.0 - residual) * 0.75
            assert worth(years, 0.25 * years, rate, residual) == pytest.approx(straight, rel=1e-14)


def test_textbook_factors():
    # 8 % over 15 years: capital recovery factor 0.11683; present value of a dollar in ten years at 7 %: 0.50835
    assert annuity_factor(15 * YEAR, 0.08) == pytest.approx(0.11683, abs=1e-5)
    assert discount(10.0, 0.07) == pytest.approx(0.50835, abs=1e-5)


def test_what_keeps_its_price_costs_its_interest():
    assert annuity_factor(7 * YEAR, 0.06, 1.0) == pytest.approx(0.06)
