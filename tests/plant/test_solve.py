"""The compiled elimination against numpy's."""

import numpy as np
import pytest

from clustersim.plant.solve_kernels import solve_here


@pytest.mark.parametrize("size", [1, 2, 7])
def test_it_solves_what_numpy_solves(size):
    rng = np.random.default_rng(size)
    for _ in range(20):
        a, b = rng.normal(size=(size, size)), rng.normal(size=size)
        found = b.copy()
        assert solve_here(a.copy(), found)
        assert found == pytest.approx(np.linalg.solve(a, b), rel=1e-9, abs=1e-9)


def test_rows_change_places():
    b = np.array([3.0, 5.0])
    assert solve_here(np.array([[0.0, 1.0], [1.0, 0.0]]), b)
    assert b.tolist() == [5.0, 3.0]


@pytest.mark.parametrize("a", [np.zeros((2, 2)), np.array([[1.0, 2.0], [2.0, 4.0]]), np.full((2, 2), np.nan)])
def test_a_singular_matrix_is_said(a):
    assert not solve_here(a, np.ones(2))
