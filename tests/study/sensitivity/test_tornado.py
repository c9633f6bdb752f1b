"""One input at a time."""

import numpy as np
import pytest

from clustersim.study.sensitivity.tornado import tornado_table


def test_power_law_has_its_exponent_as_elasticity():
    def answer(a, b):
        return a**2 / b

    ranges = {"a": (0.999, 1.0, 1.001), "b": (1.998, 2.0, 2.002), "c": (0.0, 1.0, 2.0)}
    ends = {
        ("a", "low"): answer(0.999, 2.0),
        ("a", "high"): answer(1.001, 2.0),
        ("b", "low"): answer(1.0, 1.998),
        ("b", "high"): answer(1.0, 2.002),
        ("c", "low"): answer(1.0, 2.0),
        ("c", "high"): answer(1.0, 2.0),
    }
    table = tornado_table(ranges, answer(1.0, 2.0), ends)
    assert table["input"].tolist() == ["a", "b", "c"]
    assert table["elasticity"].tolist() == pytest.approx([2.0, -1.0, 0.0], abs=1e-5)


def test_point_without_an_answer_has_no_swing_and_comes_last():
    table = tornado_table(
        {"a": ("1 MW", "2 MW", "3 MW"), "b": (0, 1, 2)},
        1.0,
        {("a", "low"): None, ("a", "high"): 2.0, ("b", "low"): 0.5, ("b", "high"): 1.5},
    )
    assert table["input"].tolist() == ["b", "a"]
    assert np.isnan(table.loc[1, "swing"])
    assert np.isnan(table.loc[1, "elasticity"])
