"""What a second job gets done in the gaps of the first, when both share the accelerators."""

from __future__ import annotations

import numpy as np

from clustersim.power.dummy import gap_filler
from clustersim.power.gap_kernels import INTERLEAVE
from clustersim.power.sharing import InterleaveGain, interleave_gain
from clustersim.study.gaps import step_gaps_s
from clustersim.study.step import StepStudy
from clustersim.training.records import StepTrace


def second_job(study: StepStudy, trace: StepTrace) -> InterleaveGain | None:
    """Return what a second job like the first gains in one step, as a mean over the accelerators; None without one.

    Gaps are the times between a stage's operations and the exchange after its last one. A job like the first makes as
    many tokens per second of its forward and backward passes as the first does. Whether both fit into memory is not
    checked.
    """
    filler = gap_filler(study.scenario.damping)
    if filler is None or filler.kind != INTERLEAVE:
        return None
    stages = trace.timing.schedule.stages
    units = trace.start_s.shape[0]
    start, end = (times.reshape(units, stages, -1) for times in (trace.start_s, trace.end_s))
    gaps = step_gaps_s(trace)
    weight = study.fleet.class_members.sum(axis=1)[study.fleet.unit_class]
    busy = float((weight @ (end - start).sum(axis=2)).sum() / (weight.sum() * stages))
    tokens_per_compute_s = study.tokens_per_step / busy
    found = [
        interleave_gain(gaps[u, s], trace.iteration_time_s, filler, tokens_per_compute_s)
        for u in range(units)
        for s in range(stages)
    ]
    shares = np.repeat(weight / (weight.sum() * stages), stages)
    return InterleaveGain(*(float(shares @ column) for column in np.array([tuple(vars(g).values()) for g in found]).T))
