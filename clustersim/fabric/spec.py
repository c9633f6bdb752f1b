"""The ``fabric:`` section of a topology file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, model_validator

from clustersim.fabric.spec_parts import (
    FabricOptics,
    LayoutSpec,
    Oversubscription,
    Protection,
    ScaleUpSpec,
    SwitchedScaleUpSpec,
    TierSpec,
    TorusSpec,
    WanLink,
    WanSpec,
)
from clustersim.spec import Spec
from clustersim.units import DataRate, Ratio, Time

__all__ = [
    "ClosSpec",
    "DragonflySpec",
    "FabricBase",
    "FabricOptics",
    "FabricSpec",
    "FatTreeSpec",
    "LayoutSpec",
    "MultiPlaneSpec",
    "Oversubscription",
    "Protection",
    "RailOptimisedSpec",
    "ScaleUpSpec",
    "SwitchedScaleUpSpec",
    "TierSpec",
    "TorusSpec",
    "WanLink",
    "WanSpec",
    "fabric_spec",
]


class FabricBase(Spec):
    """What every scale-out fabric has. Sites have one each, all of the same kind, and links join the sites."""

    switch: str
    """Catalog name (kind ``switches``) of the switches."""
    port_rate: Annotated[DataRate, Field(gt=0)]
    """Line rate of one port, each direction."""
    goodput: Annotated[Ratio, Field(gt=0, le=1)]
    """Share of the line rate that a well-spread collective achieves."""
    optics: FabricOptics
    hop_latency: Annotated[Time, Field(ge=0)]
    """Delay of one switch, port to port, without cables; with them where `hop_latency_with_cables` says so."""
    hop_latency_with_cables: bool = False
    """Whether `hop_latency` was measured over whole paths, so that the cables of the hall are in it already."""
    in_network_reduction: bool = False
    """Whether the switches add up an all-reduce as it passes (SHARP); InfiniBand switches only."""
    scale_up: ScaleUpSpec | None = None
    """The network inside a scale-up domain, where its parts are to be counted."""
    layout: LayoutSpec | None = None
    """The hall, where other than the catalog's."""
    wan: WanSpec | None = None
    """The links between sites; needed with several sites, refused with one."""


class ClosSpec(FabricBase):
    """Tiers of switches in a folded Clos network."""

    tiers: Literal[2, 3]
    """Tiers of switches: leaf and spine, or leaf, spine and core."""
    radix: int = Field(ge=2)
    """Ports of a switch at `port_rate`."""
    uplink_rate: Annotated[DataRate, Field(gt=0)] | None = None
    """Line rate of a link between switches, when other than `port_rate`."""
    oversubscription: Oversubscription = Oversubscription()
    leaf: TierSpec = TierSpec()
    spine: TierSpec = TierSpec()
    core: TierSpec = TierSpec()

    @property
    def rails_in_plane(self) -> int:
        """Leaf switches over which the accelerators of a server are spread; 1: a server has one leaf."""
        return 1

    @property
    def trees(self) -> int:
        """Separate trees."""
        return 1

    @property
    def split_ports(self) -> bool:
        """Whether every accelerator has a port in every plane."""
        return False

    @property
    def between_switches(self) -> float:
        """Line rate of a link between switches. [B/s]"""
        return self.port_rate if self.uplink_rate is None else self.uplink_rate

    @model_validator(mode="after")
    def _consistent_tiers(self) -> ClosSpec:
        if self.radix % 2:
            raise ValueError(f"radix: a switch has an even number of ports, got {self.radix}")
        if self.optics.leaf_spine is None:
            raise ValueError("optics.leaf_spine: a tree needs the module between leaf and spine")
        if self.optics.group is not None:
            raise ValueError("optics.group: a tree has no groups; remove the key")
        if self.tiers == 3 and self.optics.spine_core is None:
            raise ValueError("optics.spine_core: a three-tier tree needs the module between spine and core")
        if self.tiers == 2 and self.optics.spine_core is not None:
            raise ValueError("optics.spine_core: a two-tier tree has no core; remove the key")
        if self.tiers == 2 and (self.oversubscription.spine != 1.0 or self.spine.up is not None):
            raise ValueError("oversubscription.spine: the spine is the top of a two-tier tree; remove the key")
        if self.tiers == 2 and self.core != TierSpec():
            raise ValueError("core: a two-tier tree has no core; remove the key")
        if self.core.up is not None:
            raise ValueError("core.up: the core is the top of the tree; remove the key")
        return self


class FatTreeSpec(ClosSpec):
    """One tree; the accelerators of a server share a leaf."""

    kind: Literal["fat_tree"]


class RailOptimisedSpec(ClosSpec):
    """One tree; accelerator r of every server hangs on leaf r of its group."""

    kind: Literal["rail_optimised"]
    rails: int = Field(ge=2)
    """Rails: the network cards of a server."""

    @property
    def rails_in_plane(self) -> int:
        """Leaf switches over which the accelerators of a server are spread."""
        return self.rails


class MultiPlaneSpec(ClosSpec):
    """Several trees without links between them."""

    kind: Literal["multi_plane"]
    planes: int = Field(ge=2)
    """Trees."""
    split: Literal["rails", "ports"]
    """``rails``: network card r of each server is in plane r; ``ports``: each card has a port in every plane."""
    rails: int = Field(default=1, ge=1)
    """With ``split: ports``, leaves of a plane over which the accelerators of a server are spread."""

    @property
    def rails_in_plane(self) -> int:
        """Leaf switches of a plane over which the accelerators of a server are spread."""
        return self.rails

    @property
    def trees(self) -> int:
        """Separate trees."""
        return self.planes

    @property
    def split_ports(self) -> bool:
        """Whether every accelerator has a port in every plane."""
        return self.split == "ports"

    @model_validator(mode="after")
    def _one_rail_per_plane(self) -> MultiPlaneSpec:
        if self.split == "rails" and self.rails != 1:
            raise ValueError("rails: with split: rails the planes are the rails; remove the key")
        return self


class DragonflySpec(FabricBase):
    """Groups of switches, every two groups joined directly.

    ``dragonfly``: the routers of a group are all joined to each other and all hold hosts. ``dragonfly_plus``: a group
    is a two-tier tree whose spines hold the links to other groups.
    """

    kind: Literal["dragonfly", "dragonfly_plus"]
    hosts_per_leaf: int = Field(gt=0)
    """Ports to hosts of a router (dragonfly) or leaf."""
    leaves_per_group: int = Field(gt=0)
    """Routers (dragonfly) or leaves of a group."""
    spines_per_group: int = Field(default=0, ge=0)
    """Spines of a group; dragonfly_plus only."""
    global_ports: int = Field(gt=0)
    """Ports to other groups of a router (dragonfly) or spine."""
    groups: int | None = Field(default=None, gt=0)
    """Groups that the wiring is laid out for; as many as the site fills when left out."""
    radix: int = Field(ge=2)
    """Ports of a switch at `port_rate`."""

    @model_validator(mode="after")
    def _consistent_ports(self) -> DragonflySpec:
        plus = self.kind == "dragonfly_plus"
        if self.radix % 2:
            raise ValueError(f"radix: a switch has an even number of ports, got {self.radix}")
        if plus != (self.spines_per_group > 0):
            raise ValueError("spines_per_group: a dragonfly_plus has spines, a dragonfly none")
        inside = self.spines_per_group if plus else self.leaves_per_group - 1
        ports = {"leaf": self.hosts_per_leaf + inside + (0 if plus else self.global_ports)}
        if plus:
            ports["spine"] = self.leaves_per_group + self.global_ports
        for tier, wanted in ports.items():
            if wanted > self.radix:
                raise ValueError(f"radix: a {tier} switch needs {wanted} ports and has {self.radix}")
        if self.optics.group is None or self.optics.leaf_spine is None:
            raise ValueError("optics: a dragonfly needs leaf_spine (inside a group) and group (between groups)")
        return self


FabricSpec = Annotated[
    FatTreeSpec | RailOptimisedSpec | MultiPlaneSpec | DragonflySpec,
    Field(discriminator="kind"),
]
"""Any scale-out fabric; `kind` says which."""


def fabric_spec(data: object) -> FatTreeSpec | RailOptimisedSpec | MultiPlaneSpec | DragonflySpec:
    """Return the validated ``fabric:`` section of `data`.

    Raises
    ------
    pydantic.ValidationError
        If a key is unknown, missing or out of range.
    """
    return TypeAdapter(FabricSpec).validate_python(data)
