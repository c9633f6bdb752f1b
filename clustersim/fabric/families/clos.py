"""Folded Clos networks: fat trees, rail-optimised, in several planes."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from clustersim.fabric.spec_parts import FabricBase, Oversubscription, TierSpec
from clustersim.units import DataRate


class ClosSpec(FabricBase):
    """Tiers of switches in a folded Clos network."""

    builder: ClassVar[str] = "clustersim.fabric.clos:checked_clos"
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
