"""What a shared cluster is made of, and what its jobs did over days."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from clustersim.operation.accounts import Accounts, Category, accounts_of
from clustersim.operation.facts import JobFacts
from clustersim.operation.records import Timeline

MAIN = "main"
"""Name of the scenario's own job among the jobs of the cluster."""
NOBODY = ""
"""Name under which time of servers that no job holds is accounted."""
GANTT_COLUMNS = ("job", "t_start_s", "t_end_s", "state", "cause", "pools", "servers", "gpus", "speed")
OCCUPANCY_COLUMNS = ("t_start_s", "t_end_s", "pool", "used", "free", "withheld", "repair", "maintenance")
POWER_COLUMNS = ("t_start_s", "t_end_s", "it_w", "budget_w")
BESIDE_COLUMNS = ("t_start_s", "t_end_s", "site", "it_w")


@dataclass(frozen=True)
class ServerPool:
    """Servers of one kind at one site, numbered so that neighbours share a rack, a leaf, a pod."""

    name: str
    site: str
    accelerator: str
    servers: int
    accelerators_per_server: int
    blocks: tuple[int, ...]
    """Servers of a rack, a leaf, a pod, ascending; each a whole multiple of the one before."""
    full_w: float
    """IT power of a server in training. [W]"""
    wait_w: float
    """IT power of a server whose job starts, waits or saves. [W]"""
    idle_w: float
    """IT power of a server without a job. [W]"""

    def __post_init__(self) -> None:
        """Check counts, nesting and the order of the powers."""
        if self.servers < 1 or self.accelerators_per_server < 1:
            raise ValueError(f"pool {self.name}: servers and accelerators_per_server must be positive")
        nested = all(large % small == 0 for small, large in zip(self.blocks, self.blocks[1:], strict=False))
        if not nested or any(size < 1 for size in self.blocks):
            raise ValueError(f"pool {self.name}: expected blocks that nest, got {self.blocks}")
        if not 0.0 <= self.idle_w <= self.wait_w <= self.full_w:
            raise ValueError(f"pool {self.name}: expected 0 <= idle_w <= wait_w <= full_w")

    def busy_w(self, share: float) -> float:
        """Return the power [W] of a server at `share` of the power that it has in training; never below idle."""
        return max(self.idle_w, share * self.full_w)


@dataclass(frozen=True)
class FleetFacts:
    """The cluster and the main job on it."""

    pools: tuple[ServerPool, ...]
    main: JobFacts
    main_pools: tuple[str, ...]
    """Pools whose servers the main job takes, the first ones first."""

    def __post_init__(self) -> None:
        """Check the names."""
        names = [pool.name for pool in self.pools]
        if len(set(names)) < len(names) or not set(self.main_pools) <= set(names) or not self.main_pools:
            raise ValueError(f"expected pools of different names that hold those of the main job, got {names}")

    @property
    def accelerators(self) -> int:
        """Accelerators of all pools."""
        return sum(pool.servers * pool.accelerators_per_server for pool in self.pools)


@dataclass(frozen=True)
class FleetJob:
    """What became of one job, or of one unit of a service."""

    name: str
    group: str
    """The job, the stream or the service that it belongs to."""
    kind: Literal["main", "job", "research", "service"]
    priority: int
    servers: int
    arrival_s: float
    start_s: float
    """Time at which it first got servers; infinite where it never did. [s]"""
    end_s: float
    """Time at which its work was done; infinite where it was not. [s]"""
    queued_s: float
    """Time that it wanted servers and had none. [s]"""
    preemptions: int
    failures: int
    work_s: float
    """Training time at full speed that it needs; infinite where it never ends. [s]"""
    done_s: float
    """Work that counts at its end or at the horizon. [s]"""


@dataclass(frozen=True)
class FleetRecord:
    """What a shared cluster did over the horizon."""

    horizon_s: float
    accelerators: int
    main: Timeline
    """The main job, as if it had the cluster alone, with the stops that the others and the plan bring it."""
    jobs: tuple[FleetJob, ...]
    """In order of arrival; the main job first."""
    table: pd.DataFrame
    """Gantt rows of every job but the main one, whose rows are in `main`: :data:`GANTT_COLUMNS`."""
    occupancy: pd.DataFrame
    """Step functions, one per pool: :data:`OCCUPANCY_COLUMNS`. `withheld`: free, but no power for a job that waits."""
    power: pd.DataFrame
    """Step function of the IT power: :data:`POWER_COLUMNS`."""
    beside: pd.DataFrame
    """Of it, by site: what all jobs but the main one draw above idle servers: :data:`BESIDE_COLUMNS`."""
    accounts: Mapping[tuple[str, Category, str], float]
    """Accelerator time by (group, category, cause); the sum is accelerators x horizon, exactly. [s]"""
    findings: tuple[str, ...]

    @property
    def utilisation(self) -> float:
        """Share of all accelerator time in which a job held the accelerator. [-]"""
        free = sum(seconds for (group, _, _), seconds in self.accounts.items() if group == NOBODY)
        return 1.0 - free / (self.accelerators * self.horizon_s)

    def group_accounts(self, group: str) -> Accounts:
        """Return the accelerator time of one job, stream or service as accounts of their own."""
        parts = [(key[1], key[2], seconds) for key, seconds in self.accounts.items() if key[0] == group]
        return accounts_of(parts, math.fsum(seconds for _, _, seconds in parts))
