"""Long runs: every shipped scenario under two seeds beside its own and every damping; ten minutes of the load test."""

import math

import numpy as np
import pytest

from benchmarks.load_test import load_test
from clustersim.scenario import Scenario, load_any, load_scenario, shipped
from clustersim.study.run import run

pytestmark = pytest.mark.soak
SCENARIOS = [path for path in sorted(shipped("scenarios").glob("*.yaml")) if isinstance(load_any(path), Scenario)]
DAMPING = {
    "none": [],
    "dummy_compute": [{"kind": "dummy_compute", "floor": "70 %"}],
    "gpu_smoothing": [{"kind": "gpu_smoothing", "floor": "80 %"}],
}


@pytest.mark.parametrize("damping", DAMPING)
@pytest.mark.parametrize("seed", [0, 2])
@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_every_scenario(path, seed, damping):
    found = run(load_scenario(path, {"seed": seed, "damping": DAMPING[damping]}))
    for key, value in found.summary.items():
        assert (value is None) == (key in found.reasons), key
        assert value is None or isinstance(value, str) or math.isfinite(value), key
    for wave in found.waveforms.values():
        for node in set(wave.parents) - {None}:
            rows = [row for row, parent in enumerate(wave.parents) if parent == node]
            np.testing.assert_allclose(wave.watts[rows].sum(axis=0), wave.power(node), rtol=1e-9)


def test_ten_minutes_of_the_load_test():
    watts = load_test().waveform(600.0, seed=1)
    assert watts.shape == (1, 600_000)
    assert np.isfinite(watts).all()
    minutes = watts.reshape(10, -1).mean(axis=1)
    np.testing.assert_allclose(minutes[1:], minutes[1:].mean(), rtol=0.05)
