"""When and where the job saves its state."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import DataRate, Time

Interval = Literal["young_daly"] | Annotated[Time, Field(gt=0)]
Domain = Literal["server", "rack", "leaf", "feed", "building"]


class NeighbourSpec(Spec):
    """Copies in the memory of another server, beside the copy in the rank's own."""

    interval: Interval = "young_daly"
    """Training time between two copies; ``young_daly``: against the losses that this tier is there for."""
    blocking: Time | None = Field(default=None, ge=0)
    """Pause of training for one copy; left out: the catalog's in-memory snapshot."""
    bandwidth: DataRate | None = Field(default=None, gt=0)
    """Rate at which one rank sends its share to the neighbour and gets it back; left out: the catalog's."""
    apart: Domain = "server"
    """The two servers of a pair lie in two of these: ``rack`` survives the loss of a rack."""


class LocalSpec(Spec):
    """Copies on the NVMe drives of the server that the rank runs on."""

    interval: Interval = "young_daly"
    """Training time between two copies; ``young_daly``: against the losses that this tier is there for."""
    blocking: Time | None = Field(default=None, ge=0)
    """Pause of training for one copy; left out: the catalog's in-memory snapshot."""
    write_bandwidth: DataRate | None = Field(default=None, gt=0)
    """Rate at which the drives of one server take a copy; left out: the catalog's."""
    read_bandwidth: DataRate | None = Field(default=None, gt=0)
    """Rate at which they return it; left out: the catalog's."""


class TiersSpec(Spec):
    """Copies that are nearer than the storage; an empty record takes the catalog's figures."""

    neighbour: NeighbourSpec | None = None
    """Memory of another server."""
    local: LocalSpec | None = None
    """Drives of the server."""


class CheckpointSpec(Spec):
    """When the job saves its state, and to what."""

    interval: Interval = 600.0
    """Training time between two checkpoints, rounded to whole steps; ``young_daly`` = sqrt(2 x blocking x MTBF)."""
    asynchronous: bool = True
    """Whether training goes on while the checkpoint is written; else it waits for the whole write."""
    blocking: Time | None = Field(default=None, ge=0)
    """Pause of training for one asynchronous checkpoint; left out: the catalog's in-memory snapshot."""
    storage_bandwidth: DataRate | None = Field(default=None, gt=0)
    """Rate at which the storage takes and returns checkpoints; left out: the catalog's sustained rate."""
    storage: str | None = None
    """Storage of the catalog (kind ``recovery``) in place of a rate: ``tectonic``, ``jean-zay``, ``vast``, ``3fs``."""
    framework: str | None = None
    """Framework of the catalog (kind ``recovery``) that saves and loads slower than the storage allows: ``dcp`` or
    ``orbax``; left out: bytes over the storage's rate."""
    keep: int | None = Field(default=None, ge=1)
    """Complete checkpoints that the storage keeps, for corruption that is found late; left out: all."""
    tiers: TiersSpec = TiersSpec()
    """Nearer copies beside those on the storage; left out: none."""

    @model_validator(mode="after")
    def _one_storage(self) -> Self:
        if self.storage is not None and self.storage_bandwidth is not None:
            raise ValueError("checkpoint.storage: expected one of storage and storage_bandwidth, found both")
        return self
