"""What the user says about the rest of the cluster: other jobs, research, services, maintenance, power."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import Power, Ratio, Time, UtcOffset

Name = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$")]
HOURS = 24


class _Gang(Spec):
    """What every batch job says of how it starts, saves and leaves."""

    accelerator: str | None = None
    """Kind of accelerator (catalog) that it needs; left out: any."""
    priority: int = 0
    """A higher one goes first and may take the servers of a lower one."""
    preemptible: bool = True
    """Whether a job of higher priority, a maintenance window or a power budget may take its servers."""
    on_preemption: Literal["save", "kill"] = "save"
    """Whether it saves before it leaves, or loses its work since the last checkpoint."""
    checkpoint_interval: Time | None = Field(default=None, gt=0)
    """Training time between two checkpoints; left out: the catalog's."""
    checkpoint_pause: Time | None = Field(default=None, ge=0)
    """Pause of training for one checkpoint; left out: the catalog's."""
    save_time: Time | None = Field(default=None, ge=0)
    """Time to save before its servers are given away; left out: the catalog's."""
    restart_time: Time | None = Field(default=None, ge=0)
    """Time from getting servers to the first step; left out: the catalog's."""
    power: Ratio = Field(default=1.0, ge=0, le=1)
    """Power while it runs, as a share of an accelerator's in training."""
    across_sites: bool = False
    """Whether one gang may lie at several sites."""


class FleetJobSpec(_Gang):
    """One more job on the cluster."""

    name: Name
    """Name of the job; accounts of the fleet have its share of the time under it."""
    servers: int | None = Field(default=None, ge=1)
    """Servers of the gang; give one of servers and accelerators."""
    accelerators: int | None = Field(default=None, ge=1)
    """The same as accelerators, rounded up to whole servers."""
    duration: Time | None = Field(default=None, gt=0)
    """Work, as training time at full speed without any loss; left out with `steps`: it has work to the horizon."""
    steps: int | None = Field(default=None, ge=1)
    """The same as a number of steps."""
    step_time: Time | None = Field(default=None, gt=0)
    """Time of one step; with `steps`."""
    arrival: Time = Field(default=0.0, ge=0)
    """Time at which it enters the queue."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.servers is None) == (self.accelerators is None):
            raise ValueError(f"fleet.jobs.{self.name}: expected one of servers and accelerators")
        if (self.steps is None) != (self.step_time is None):
            raise ValueError(f"fleet.jobs.{self.name}: expected steps and step_time together")
        if self.steps is not None and self.duration is not None:
            raise ValueError(f"fleet.jobs.{self.name}: expected one of duration and steps")
        return self

    @property
    def work_s(self) -> float | None:
        """Training time at full speed that it needs; None where it never ends. [s]"""
        if self.steps is not None and self.step_time is not None:
            return self.steps * self.step_time
        return self.duration


class JobStreamSpec(_Gang):
    """Research jobs that arrive at random."""

    name: Name = "research"
    """Name of the stream; accounts of the fleet have the share of all its jobs under it."""
    law: str = "acme-seren"
    """Published trace (catalog kind ``job_streams``) whose sizes and durations the jobs have."""
    every: Time | None = Field(default=None, gt=0)
    """Mean time between two arrivals; give one of every and load."""
    load: Ratio | None = Field(default=None, gt=0)
    """The same as the work that arrives, as a share of what the accelerators of its kind could do."""
    least_accelerators: int = Field(default=1, ge=1)
    """Smaller jobs are bundled to gangs of so many, at equal work; whole servers at least."""
    largest_accelerators: int | None = Field(default=None, ge=1)
    """Larger jobs do not arrive; left out: as large as the largest place for them."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.every is None) == (self.load is None):
            raise ValueError(f"fleet.streams.{self.name}: expected one of every and load")
        if self.largest_accelerators is not None and self.largest_accelerators < self.least_accelerators:
            raise ValueError(
                f"fleet.streams.{self.name}.largest_accelerators: expected at least {self.least_accelerators}, "
                f"got {self.largest_accelerators}"
            )
        return self


class ServiceSpec(Spec):
    """Inference, or the rollouts of reinforcement learning: a load that follows the day."""

    name: Name
    """Name of the service; accounts of the fleet have its share of the time under it."""
    accelerator: str | None = None
    """Kind of accelerator (catalog) that it needs; left out: any."""
    peak_servers: int = Field(ge=1)
    """Servers that it wants in its busiest hour."""
    unit_servers: int = Field(default=1, ge=1)
    """It grows and shrinks by so many servers, each unit a gang."""
    least_servers: int = Field(default=0, ge=0)
    """Servers that it wants whatever the hour."""
    profile: str | tuple[Ratio, ...] = Field(default=(1.0,) * HOURS)
    """Share of `peak_servers` wanted in each of 24 local hours, or a name of the catalog (kind ``daily_profiles``)."""
    utc_offset: UtcOffset = 0.0
    """Local time less universal time; the simulation begins at midnight universal time."""
    priority: int = 50
    """As of jobs."""
    flexible: bool = False
    """Whether a power budget takes its servers first, whatever its priority; it also waits behind all jobs that wait,
    and makes none leave."""
    power: Ratio = Field(default=1.0, ge=0, le=1)
    """Power of a busy server, as a share of its accelerators' in training."""

    @model_validator(mode="after")
    def _day(self) -> Self:
        if isinstance(self.profile, tuple):
            if len(self.profile) != HOURS:
                raise ValueError(f"fleet.services.{self.name}.profile: expected 24 shares, got {len(self.profile)}")
            if not all(0.0 <= share <= 1.0 for share in self.profile):
                raise ValueError(f"fleet.services.{self.name}.profile: expected shares from 0 % to 100 %")
        if self.least_servers > self.peak_servers:
            raise ValueError(
                f"fleet.services.{self.name}.least_servers: expected at most peak_servers ({self.peak_servers}), "
                f"got {self.least_servers}"
            )
        return self


class MaintenanceSpec(Spec):
    """Planned work on servers, once or again and again."""

    name: Name = "maintenance"
    """Name of the work; what it takes from the jobs is booked under ``maintenance: NAME``."""
    start: Time = Field(ge=0)
    """Begin of the first window."""
    duration: Time = Field(gt=0)
    """Length of a window, or of the work on one batch of servers."""
    every: Time | None = Field(default=None, gt=0)
    """Time from the begin of one window to that of the next; left out: once."""
    servers: int | None = Field(default=None, ge=1)
    """Rolling work: so many servers at a time, one batch after the other; left out: the whole cluster at once."""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.every is not None and self.every <= self.duration:
            raise ValueError(
                f"fleet.maintenance.{self.name}.every: expected more than the duration of {self.duration:g} s, "
                f"got {self.every:g} s"
            )
        return self


class PowerBudgetSpec(Spec):
    """IT power that the cluster may draw."""

    limit: Power = Field(gt=0)
    """Largest IT power at any hour."""
    hourly: tuple[Ratio, ...] = (1.0,) * HOURS
    """Share of it that may be drawn in each of 24 local hours."""
    utc_offset: UtcOffset = 0.0
    """Local time less universal time."""

    @model_validator(mode="after")
    def _day(self) -> Self:
        if len(self.hourly) != HOURS or not all(0.0 < share <= 1.0 for share in self.hourly):
            raise ValueError("fleet.power_budget.hourly: expected 24 shares above 0 % and up to 100 %")
        return self


class FleetSpec(Spec):
    """What shares the cluster with the main job, which goes before all of it whatever their priorities."""

    main_sites: tuple[str, ...] | None = None
    """Sites of the topology on which the main job lies; left out: all of them."""
    jobs: tuple[FleetJobSpec, ...] = ()
    """Other jobs."""
    streams: tuple[JobStreamSpec, ...] = ()
    """Research jobs that arrive at random."""
    services: tuple[ServiceSpec, ...] = ()
    """Inference and rollouts."""
    maintenance: tuple[MaintenanceSpec, ...] = ()
    """Planned work on servers."""
    power_budget: PowerBudgetSpec | None = None
    """Left out: all servers may run at full power."""
    placement: Literal["pack", "spread"] = "pack"
    """Whether a gang takes as few leaf switches as it can, or as many."""
    backfill: bool = True
    """Whether a job may overtake one that waits, where that does not delay it (EASY backfill)."""
    backfill_depth: int = Field(default=100, ge=1)
    """Waiting jobs that are looked at, of those that ask for the same servers at the same priority."""
    preemption: bool = True
    """Whether a job may take the servers of one of lower priority."""

    @model_validator(mode="after")
    def _names(self) -> Self:
        others: tuple[FleetJobSpec | JobStreamSpec | ServiceSpec, ...] = (*self.jobs, *self.streams, *self.services)
        names = ["main", *(one.name for one in others)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"fleet: expected each name once and none called 'main', found {twice[0]!r} again")
        return self
