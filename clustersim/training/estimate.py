"""The step without jitter, for the search over plans."""

from __future__ import annotations

import numpy as np

from clustersim.training.records import Fleet, JitterSpec, StepTiming, StepTrace
from clustersim.training.simulate import simulate_step

_EXACT = JitterSpec(operation_sigma=0.0, rank_sigma=0.0)


def estimate_iteration_s(timing: StepTiming) -> float:
    """Return the iteration time of `timing` without jitter [s]."""
    return estimate_step(timing).iteration_time_s


def estimate_step(timing: StepTiming) -> StepTrace:
    """Return one replica's step without jitter.

    All replicas are alike without jitter, so one replica is run through the schedule, with the slowest kind of
    accelerator in every stage. Uneven stages and the reduction that queues behind several chunks have no closed form
    that holds within a few per cent, and the compiled recurrence costs less than building its schedule.
    """
    members = np.ones((1, timing.operation_s.shape[0]))
    replica = Fleet(unit_class=np.zeros(1, np.int64), class_members=members, unit_node=np.zeros(1, np.int64))
    return simulate_step(timing, replica, _EXACT, np.ones((1, timing.schedule.stages)), key=0)
