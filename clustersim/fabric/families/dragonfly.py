"""Dragonfly and dragonfly+."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field, model_validator

from clustersim.fabric.spec_parts import FabricBase


class DragonflySpec(FabricBase):
    """Groups of switches, every two groups joined directly.

    ``dragonfly``: the routers of a group are all joined to each other and all hold hosts. ``dragonfly_plus``: a group
    is a two-tier tree whose spines hold the links to other groups.
    """

    builder: ClassVar[str] = "clustersim.fabric.dragonfly:checked_dragonfly"
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
