"""Power of accelerators in the states of the timeline in which the job does not train."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from clustersim.errors import InputError
from clustersim.power.device import LEVELS, DevicePower
from clustersim.training.records import Fleet

STATE_LEVELS: dict[str, str] = {
    "detect": "wait",
    "restart": "idle",
    "stopped": "idle",
    "reload": "context",
    "checkpoint": "stall",
}
"""Level of :data:`clustersim.power.device.LEVELS` in each state. While a failure is detected the ranks spin in a
collective that moves nothing; between the end of the job and its next start no process holds a device; while weights
are loaded one does; a checkpoint that training waits for stalls it."""


def state_level_w(devices: tuple[DevicePower, ...], fleet: Fleet, state: str) -> NDArray[np.float64]:
    """Return the power of one stage of a unit in `state`, without damping. [W], shape (classes,)

    Raises
    ------
    InputError
        If the timeline has no such state without training.
    """
    if state not in STATE_LEVELS:
        raise InputError(f"state: expected one of {', '.join(STATE_LEVELS)}, found {state!r}")
    column = LEVELS.index(STATE_LEVELS[state])
    return np.asarray(fleet.class_members @ np.array([device.level_w[column] for device in devices]))
