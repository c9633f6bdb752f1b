"""The ``fabric:`` section of a topology file."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import DataRate, Ratio, Time


class Oversubscription(Spec):
    """Capacity down divided by capacity up, per tier below the top; 1 is non-blocking."""

    leaf: float = Field(default=1.0, ge=1.0)
    """At the leaf switches: host ports over uplinks."""
    spine: float = Field(default=1.0, ge=1.0)
    """At the spine switches of a three-tier tree: ports to leaves over ports to cores."""


class FabricOptics(Spec):
    """Catalog names (kind ``optics``) of the module at each end of each kind of link.

    A module faster than a port carries several links: a twin-port 800 Gbit/s module holds two links of 400 Gbit/s.
    """

    host: str
    """At the host end of a host link."""
    leaf: str | None = None
    """At the leaf end of a host link; the same module as `host` when left out."""
    leaf_spine: str
    """At both ends of a link between leaf and spine."""
    spine_core: str | None = None
    """At both ends of a link between spine and core; three tiers only."""


class WanLink(Spec):
    """Fibre between two sites."""

    a: str
    """Name of one site."""
    b: str
    """Name of the other site."""
    fibre_pairs: int = Field(gt=0)
    """Lit fibre pairs; a pair carries its capacity in each direction."""
    pair_capacity: Annotated[DataRate, Field(gt=0)]
    """Capacity of one fibre pair, each direction."""

    @model_validator(mode="after")
    def _two_sites(self) -> WanLink:
        if self.a == self.b:
            raise ValueError(f"a link joins two different sites, got {self.a!r} twice")
        return self


class WanSpec(Spec):
    """The long-haul links of a place of several sites."""

    route_factor: float = Field(ge=1.0)
    """Length of the fibre route over the great-circle distance."""
    delay_per_km: Annotated[Time, Field(gt=0)]
    """One-way delay of a kilometre of fibre."""
    transceiver: str
    """Catalog name (kind ``optics``) of the coherent module that lights the fibre."""
    links: tuple[WanLink, ...] = Field(min_length=1)
    """One entry per pair of sites that fibre joins."""


class FabricSpec(Spec):
    """A fat tree per site, all of the same kind, and the links that join the sites."""

    kind: Literal["fat_tree"]
    tiers: Literal[2, 3]
    """Tiers of switches: leaf and spine, or leaf, spine and core."""
    switch: str
    """Catalog name (kind ``switches``) of the switch of every tier."""
    port_rate: Annotated[DataRate, Field(gt=0)]
    """Line rate of one port, each direction."""
    radix: int = Field(ge=2)
    """Ports of a switch at `port_rate`."""
    oversubscription: Oversubscription = Oversubscription()
    goodput: Annotated[Ratio, Field(gt=0, le=1)]
    """Share of the line rate that a well-spread collective achieves."""
    optics: FabricOptics
    hop_latency: Annotated[Time, Field(ge=0)]
    """Delay of one switch, port to port, with its cable."""
    wan: WanSpec | None = None
    """The links between sites; needed with several sites, refused with one."""

    @model_validator(mode="after")
    def _consistent_tiers(self) -> FabricSpec:
        if self.tiers == 3 and self.optics.spine_core is None:
            raise ValueError("optics.spine_core: a three-tier tree needs the module between spine and core")
        if self.tiers == 2 and self.optics.spine_core is not None:
            raise ValueError("optics.spine_core: a two-tier tree has no core; remove the key")
        if self.tiers == 2 and self.oversubscription.spine != 1.0:
            raise ValueError("oversubscription.spine: the spine is the top of a two-tier tree; remove the key")
        return self
