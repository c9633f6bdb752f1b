"""Where a study's random numbers come from: the scenario's named streams, and the draws of steps of its windows."""

from __future__ import annotations

from enum import IntEnum

import numpy as np

from clustersim.scenario import Scenario

STREAMS = {"rank_speed": 0, "steps": 1, "operation": 2, "grid_events": 4}
"""Number of each random stream; a new one takes the next number, so that adding one shifts no other."""

WINDOWS = 0x5EED
"""Of the draws of steps, so that they share nothing with the streams."""


class Draw(IntEnum):
    """Which of a scenario's draws of steps a window uses; a new one takes the next number below that of the sites."""

    STEADY = 0
    """Steady training, and the close-up of one rack."""
    CRASH = 1
    RESTART = 2
    CHECKPOINT = 3
    EVALUATION = 4
    """Batches of the evaluation."""
    AROUND_EVALUATION = 5
    """Steps before and after it."""
    UNDISTURBED = 6
    COURSE = 7
    """Windows in which the job goes on with some of its replicas."""
    SITES = 100
    """Sites that train alone: the draw of the n-th has the number `SITES` + n; their phases use `SITES` itself."""


def random_stream(scenario: Scenario, name: str) -> np.random.SeedSequence:
    """Return the named random stream of a scenario."""
    return np.random.SeedSequence(scenario.seed, spawn_key=(STREAMS[name],))


def window_draw(scenario: Scenario, draw: int) -> np.random.Generator:
    """Return one of the scenario's draws of steps: a :class:`Draw`, or that of a site."""
    return np.random.default_rng([scenario.seed, WINDOWS, draw])
