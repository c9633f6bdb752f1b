"""Wait for input and host between the steps."""

import numpy as np
import pytest

from clustersim.study.step import study_step

STALL_S, SPREAD_S = 1.0, 0.1


def test_the_wait_of_every_step_is_drawn_anew_and_moves_all_ranks(scenario):
    study = study_step(scenario(job__data_stall=f"{STALL_S} s", job__data_stall_spread=f"{SPREAD_S} s"))
    fixed = study.timing.stall_s - STALL_S
    traces = [study.trace(index) for index in range(200)]
    waits = np.array([trace.timing.stall_s - fixed for trace in traces])
    assert waits.mean() == pytest.approx(STALL_S, abs=4 * SPREAD_S / np.sqrt(waits.size))
    assert waits.std() == pytest.approx(SPREAD_S, rel=0.2)
    assert all(trace.start_s.min() == pytest.approx(trace.timing.stall_s) for trace in traces[:5])
    lengths = np.array([trace.iteration_time_s for trace in traces])
    assert np.corrcoef(waits, lengths)[0, 1] > 0.99
    again = study_step(scenario(job__data_stall=f"{STALL_S} s", job__data_stall_spread=f"{SPREAD_S} s"))
    assert again.trace(7).iteration_time_s == lengths[7]


def test_no_step_waits_less_than_nothing(scenario):
    study = study_step(scenario(job__data_stall_spread="1 s"))
    assert min(study.trace(index).timing.stall_s for index in range(50)) == pytest.approx(study.timing.stall_s)
