"""Pareto fronts against the definition."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clustersim.errors import InputError
from clustersim.study.sensitivity.pareto import front_mask, pareto_front, read_aim

rows = st.lists(st.tuples(*[st.integers(0, 4)] * 3), min_size=1, max_size=20)


@settings(max_examples=60, deadline=None)
@given(rows)
def test_front_is_what_nobody_dominates(points):
    values = np.array(points, dtype=float)
    mask = front_mask(values, ["min", "max", "min"])
    costs = values * [1, -1, 1]
    for i, here in enumerate(costs):
        dominated = any((other <= here).all() and (other < here).any() for other in costs)
        assert mask[i] == (not dominated)


def test_rows_without_a_value_are_on_no_front():
    assert front_mask(np.array([[1.0, np.nan], [2.0, 2.0]]), ["min", "min"]).tolist() == [False, True]


def test_front_is_sorted_by_the_first_key():
    table = pd.DataFrame({"a": [3.0, 1.0, 2.0, 3.0], "b": [1.0, 3.0, 2.0, 3.0], "name": list("wxyz")})
    front = pareto_front(table, [read_aim("a:min"), read_aim("b:min")])
    assert front["name"].tolist() == ["x", "y", "w"]


@pytest.mark.parametrize("aims", [["a:min"], ["a:min", "a:max"], ["a:min", "name:min"], ["a:min", "bb:max"]])
def test_wrong_aims_are_refused(aims):
    table = pd.DataFrame({"a": [1.0], "b": [1.0], "name": ["x"]})
    with pytest.raises(InputError, match="pareto"):
        pareto_front(table, [read_aim(text) for text in aims])


def test_direction_must_be_said():
    with pytest.raises(InputError, match="KEY:min or KEY:max"):
        read_aim("capex_usd")
