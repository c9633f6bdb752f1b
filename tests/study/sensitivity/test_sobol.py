"""Sobol's indices against exact values and against SALib."""

import numpy as np
import pytest
from SALib.analyze import sobol as salib_sobol
from SALib.test_functions import Ishigami

from clustersim.errors import InputError
from clustersim.study.sensitivity.sobol import design, indices


def ishigami(unit):
    return Ishigami.evaluate((2.0 * unit - 1.0) * np.pi)


# a = 7, b = 0.1: Ishigami and Homma (1990)
FIRST = {"x1": 0.3139, "x2": 0.4424, "x3": 0.0}
TOTAL = {"x1": 0.5576, "x2": 0.4424, "x3": 0.2437}


def test_ishigami_function_has_its_exact_indices():
    plan = design(3, 4096, seed=1)
    table = indices(("x1", "x2", "x3"), plan, ishigami(plan.unit)).set_index("input")
    for name in FIRST:
        assert table.loc[name, "first_order"] == pytest.approx(FIRST[name], abs=0.01)
        assert table.loc[name, "total"] == pytest.approx(TOTAL[name], abs=0.01)
        assert table.loc[name, "total_low"] <= table.loc[name, "total"] <= table.loc[name, "total_high"]


def test_same_values_give_salibs_indices():
    plan = design(3, 1024, seed=2)
    values = ishigami(plan.unit)
    a, b, *mixed = values.reshape(5, 1024)
    # SALib interleaves: A_j, AB_j for each input, B_j
    interleaved = np.column_stack([a, *mixed, b]).ravel()
    problem = {"num_vars": 3, "names": ["x1", "x2", "x3"], "bounds": [[0, 1]] * 3}
    theirs = salib_sobol.analyze(problem, interleaved, calc_second_order=False, seed=1)
    ours = indices(("x1", "x2", "x3"), plan, values).set_index("input").loc[["x1", "x2", "x3"]]
    # both estimators of the variance differ by the samples they pool
    np.testing.assert_allclose(ours["first_order"], theirs["S1"], atol=2e-3)
    np.testing.assert_allclose(ours["total"], theirs["ST"], atol=2e-3)


def test_additive_model_shares_its_variance_without_interaction():
    plan = design(2, 2048, seed=3)
    table = indices(("a", "b"), plan, 1e6 + 3.0 * plan.unit[:, 0] + plan.unit[:, 1]).set_index("input")
    assert table.loc["a", "first_order"] == pytest.approx(0.9, abs=0.01)
    assert table.loc["b", "total"] == pytest.approx(0.1, abs=0.01)
    assert table["first_order"].sum() == pytest.approx(1.0, abs=0.01)


def test_failed_points_drop_their_sample_from_all_blocks():
    plan = design(2, 64, seed=4)
    values = plan.unit[:, 0] + plan.unit[:, 1]
    broken = values.copy()
    broken[64 + 5] = np.nan
    broken[5] = np.nan
    broken[130] = np.nan
    table = indices(("a", "b"), plan, broken)
    assert table.attrs["broken"] == 2
    assert table.attrs["samples"] == 32
    assert np.isfinite(table["total"]).all()


def test_answer_that_does_not_move_has_no_indices():
    plan = design(2, 8, seed=5)
    table = indices(("a", "b"), plan, np.full(32, 4.0))
    assert table["total"].isna().all()
    assert table.attrs["variance"] == 0.0


@pytest.mark.parametrize("samples", [0, 1, 3, 1000])
def test_samples_must_be_a_power_of_two(samples):
    with pytest.raises(InputError, match="power of two"):
        design(2, samples, seed=1)


def test_nothing_left_is_said():
    plan = design(1, 2, seed=1)
    with pytest.raises(InputError, match="found 0 of 2"):
        indices(("a",), plan, np.full(6, np.nan))
