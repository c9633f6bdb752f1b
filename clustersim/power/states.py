"""Power of accelerators in the states of the timeline in which the job does not train."""

from __future__ import annotations

STATE_LEVELS: dict[str, str] = {
    "detect": "wait",
    "restart": "idle",
    "stopped": "idle",
    "reload": "context",
    "checkpoint": "stall",
    "reconfigure": "context",
    "wait": "blocked",
}
"""Level of :data:`clustersim.power.device.LEVELS` in each state. While a failure is detected the ranks spin in a
collective that moves nothing; between the end of the job and its next start no process holds a device; while weights
are loaded or collectives are built again one does, without a kernel; a checkpoint that training waits for stalls it.
A site that waits for others at an outer step waits in the host, as in an exchange that runs without a kernel."""
