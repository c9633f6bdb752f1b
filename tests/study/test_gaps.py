"""Kernels for gaps that no step has: they never run and cost nothing."""

import numpy as np
import pytest

from clustersim.study.gaps import longest_gap_s, step_gaps_s
from clustersim.study.run import run
from clustersim.study.step import study_step


def test_gaps_and_operations_fill_the_step(small_study):
    study, _ = small_study
    trace = study.trace(0)
    units, stages = trace.start_s.shape[0], trace.timing.schedule.stages
    busy = (trace.end_s - trace.start_s).reshape(units, stages, -1).sum(axis=2)
    optimizer = (trace.optimizer_end_s - trace.optimizer_start_s)[None, :]
    whole = step_gaps_s(trace).sum(axis=2) + busy + optimizer
    np.testing.assert_allclose(whole, trace.iteration_time_s, rtol=1e-9)


@pytest.mark.parametrize("strategy", [
    {"kind": "dummy_compute", "floor": "80 %", "detection": "100 s"},
    {"kind": "micro_batch_interleave", "switch": "100 s"},
])  # fmt: skip
def test_kernels_that_never_run_cost_nothing(scenario, small, strategy):
    found = run(scenario(damping=[strategy]))
    for key in ("tokens_per_s", "iteration_time_s", "swing_mw"):
        assert found.summary[key] == pytest.approx(small.summary[key], rel=1e-9), key
    assert found.summary["throughput_loss"] == pytest.approx(0.0, abs=1e-12)
    assert any(strategy["kind"] in text and "no gap of the step is longer" in text for text in found.warnings)


def test_kernels_that_run_cost_their_share(scenario, small_study):
    plain, _ = small_study
    longest = longest_gap_s(plain.trace(0))
    quick = {"kind": "dummy_compute", "floor": "80 %"}
    below, above = (
        study_step(scenario(damping=[{**quick, "detection": f"{1e3 * factor * longest} ms"}])) for factor in (0.9, 1.2)
    )
    assert below.trace(0).iteration_time_s > above.trace(0).iteration_time_s
    assert above.trace(0).iteration_time_s == plain.trace(0).iteration_time_s
    assert not below.warnings
    assert len(above.warnings) == 1
