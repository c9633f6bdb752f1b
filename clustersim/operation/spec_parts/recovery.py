"""What the user says about how a job survives a failure."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from clustersim.spec import Spec
from clustersim.units import Ratio, Time


class RecoverySpec(Spec):
    """How the job goes on after a failure."""

    mode: Literal["full", "in_job", "elastic"] = "full"
    """``full``: all ranks start again. ``in_job``: the processes stay, a spare takes the failed server's place and the
    collectives are built again. ``elastic``: the replicas with the failed servers are dropped, the others train on; the
    lost ones restart beside them and rejoin."""
    reconfigure_time: Time | None = Field(default=None, ge=0)
    """Time until the job runs again where its processes stay; left out: the catalog's laws, of ``in_job`` starting the
    processes anew where they are, of ``elastic`` building the collectives alone."""
    collective_law: str | None = None
    """Where the catalog's laws count: name of the time in which the collectives are built again, ``collectives-linear``
    or ``collectives-power``; left out: the straight line."""
    least_replicas: Ratio = Field(default=0.5, gt=0, le=1)
    """Of ``elastic``: least share of the replicas that trains on; below it all ranks start again. Assumed."""
    replica_restart_time: Time | None = Field(default=None, ge=0)
    """Of ``elastic``: time in which one replica starts again beside the others; left out: the restart law at its
    ranks."""
    catch_up_time: Time | None = Field(default=None, ge=0)
    """Of ``elastic``: time in which a replica that comes back takes the weights from the others; left out: that of
    loading the nearest checkpoint."""
