"""Steps put one behind the other, and Fourier sums, against doing it at length."""

import numpy as np
import pytest

from clustersim.power.bin_kernels import COLUMNS, finish_bins
from clustersim.power.fourier import ROW, fourier_sums
from clustersim.power.joined import joined_means

DT, LAG = 1e-3, 4e-3


@pytest.mark.parametrize("count", [23, 41])
def test_joined_steps_are_those_of_one_long_row(count):
    rng = np.random.default_rng(3)
    steps = {index: rng.normal(size=(2, length + 1, COLUMNS)) for index, length in {0: 7, 4: 1, 5: 12}.items()}
    order = [5, 0, 4, 4, 5, 0, 0]
    whole = np.zeros((2, 60, COLUMNS))
    begin = 0
    for index in order:
        length = steps[index].shape[1]
        whole[:, begin : begin + length] += steps[index]
        begin += length - 1
    expected = np.empty((2, count))
    finish_bins(whole, count, DT, LAG, np.zeros((2, 3)), expected)
    assert np.array_equal(joined_means(steps, order, count, DT, LAG), expected)


@pytest.mark.parametrize("size", [1, ROW, 3 * ROW + 5])
def test_fourier_sums_are_the_sums(size):
    values = np.random.default_rng(size).normal(size=size)
    turns = np.array([0.0, 1e-3, 0.123, 0.5])
    direct = [np.sum(values * np.exp(-2j * np.pi * each * np.arange(size))) for each in turns]
    assert fourier_sums(values, turns) == pytest.approx(direct, rel=1e-11, abs=1e-11)
