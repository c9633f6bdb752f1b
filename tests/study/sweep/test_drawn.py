"""Values drawn from a range: each is the inverse of its distribution function."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from clustersim.study.sweep.drawn import Drawn, middle_of, one_at_a_time

SHARE = st.floats(0.001, 0.999)


def distribution(drawn):
    width = drawn.high - drawn.low
    return {
        "uniform": stats.uniform(drawn.low, width),
        "log_uniform": stats.loguniform(drawn.low, drawn.high),
        "normal": stats.norm(drawn.middle, width / (2.0 * stats.norm.ppf(0.95))),
        "band": stats.triang((drawn.middle - drawn.low) / width, drawn.low, width),
    }[drawn.kind]


@given(share=SHARE, low=st.floats(0.1, 10.0), width=st.floats(0.1, 100.0), mode=st.floats(0.0, 1.0))
@settings(max_examples=40, deadline=None)
def test_share_below_a_value_is_the_share_asked_for(share, low, width, mode):
    high = low + width
    for kind in ("uniform", "log_uniform", "normal", "band"):
        middle = min(low + mode * width, high) if kind == "band" else middle_of(kind, low, high)
        drawn = Drawn(kind, low, middle, high)
        assert distribution(drawn).cdf(drawn.at(share)) == pytest.approx(share, abs=1e-6)


@pytest.mark.parametrize("middle", [1.0, 2.0, 4.0])
def test_triangle_with_its_top_at_either_end_stays_inside(middle):
    drawn = Drawn("band", 1.0, middle, 4.0)
    values = [drawn.at(share) for share in np.linspace(1e-9, 1.0 - 1e-9, 101)]
    assert 1.0 <= min(values) <= max(values) <= 4.0
    assert values == sorted(values)
    assert np.mean(values) == pytest.approx((1.0 + middle + 4.0) / 3.0, rel=0.01)


def test_places_are_low_middle_and_high():
    drawn = Drawn("log_uniform", 1.0, middle_of("log_uniform", 1.0, 100.0), 100.0)
    assert [drawn.placed(place) for place in (-1, 0, 1)] == [1.0, 10.0, 100.0]
    assert drawn.at(0.5) == pytest.approx(math.sqrt(100.0))


def test_one_at_a_time_moves_one_axis_per_point():
    places = one_at_a_time(3)
    assert places.shape == (7, 3)
    assert not places[0].any()
    assert (np.abs(places[1:]).sum(axis=1) == 1).all()
    assert (places[1::2].sum(axis=0) == -1).all()
    assert (places[2::2].sum(axis=0) == 1).all()
