"""What `operation` is told about the job, and what happens to it from outside."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

Family = Literal["gpu", "tpu"]
OF_A_SERVER = ("nics", "optics", "hbm_stacks", "links")
"""Parts that a server brings with it, beside its accelerators."""
COUNTS = (*OF_A_SERVER, "switches", "racks", "leaves", "feeds", "cooling_units", "routes", "storage_servers")


@dataclass(frozen=True)
class JobFacts:
    """The job as seen over days: sizes, counts and the duration of one step."""

    gpus: int
    """Accelerators of the job; also the number of ranks that a restart must start."""
    servers: int
    step_time_s: float
    """Mean duration of one training step. [s]"""
    step_time_cv: float
    """Standard deviation of the step time over its mean. [-]"""
    checkpoint_bytes: float
    """Weights and optimizer state together: 12 to 16 bytes per parameter with fp32 master and two moments. [B]"""
    family: Family = "gpu"
    switches: int = 0
    """Packet switches, or optical circuit switches of a TPU pod, that the job depends on."""
    links: int = 0
    """Access links, or ICI cables of a TPU pod, that the job depends on."""
    nics: int = 0
    optics: int = 0
    """Optical transceivers."""
    hbm_stacks: int = 0
    racks: int = 0
    leaves: int = 0
    """Switches to which servers are connected."""
    feeds: int = 0
    """Electrical feeds, each of which supplies servers of its own."""
    cooling_units: int = 0
    routes: int = 0
    """Fibre routes to other sites."""
    storage_servers: int = 0
    servers_per_rack: int = 1
    servers_per_leaf: int = 1
    servers_per_feed: int = 1
    replicas: int = 1
    """Data-parallel replicas: groups of servers that each hold the whole model; one replica is a block of servers."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.gpus < 1 or self.servers < 1 or self.step_time_s <= 0.0:
            raise ValueError("gpus, servers and step_time_s must be positive")
        if min(self.step_time_cv, self.checkpoint_bytes) < 0:
            raise ValueError("step_time_cv and checkpoint_bytes must not be negative")
        for name in COUNTS:
            if getattr(self, name) < 0:
                raise ValueError(f"{name}: expected 0 or more, got {getattr(self, name)}")
        for name in ("servers_per_rack", "servers_per_leaf", "servers_per_feed", "replicas"):
            if not getattr(self, name) >= 1:
                raise ValueError(f"{name}: expected 1 or more, got {getattr(self, name)}")
        if self.replicas > self.servers:
            raise ValueError(f"replicas: expected at most one per server ({self.servers}), got {self.replicas}")

    def with_servers(self, servers: int) -> JobFacts:
        """Return the facts of so many servers, with the parts that each of them holds in proportion."""
        share = servers / self.servers
        return replace(
            self, servers=servers, **{name: round(getattr(self, name) * share) for name in ("gpus", *OF_A_SERVER)}
        )


@dataclass(frozen=True)
class ExternalEvent:
    """Something that the site or the grid does to the job."""

    t_start_s: float
    t_end_s: float
    cause: str
    effect: Literal["stop", "drain", "cap_fraction", "site_lost"]
    """`stop`: the job falls at once; `drain`: it saves at the end of its step before it stops, as what is known before
    allows; `site_lost`: servers lose their power; what is left of the job notices it only after the detection."""
    fraction: float = 1.0
    """Of a cap: speed that is left, as a fraction of full speed; several caps at once: the lowest holds. [-]"""
    detection_s: float = 0.0
    """Of a lost site: time in which the ranks that have power still wait, zero where none has. [s]"""
    category: Literal["curtailed", "idle"] = "curtailed"
    """Where the accounts book it: `idle` for what nobody asked for from outside, such as maintenance."""

    def __post_init__(self) -> None:
        """Check order and range."""
        if not 0.0 <= self.t_start_s < self.t_end_s:
            raise ValueError(f"expected 0 <= t_start_s < t_end_s, got {self.t_start_s:g} and {self.t_end_s:g}")
        if not 0.0 < self.fraction <= 1.0:
            raise ValueError(f"expected a fraction in (0, 1], got {self.fraction:g}; use effect 'stop' for none")
        if self.detection_s < 0.0 or (self.detection_s > 0.0 and self.effect != "site_lost"):
            raise ValueError(f"expected a detection of 0 s or more, of a lost site only, got {self.detection_s:g} s")
