"""What the ``fabric:`` section of a topology file consists of: optics, tiers, fibre, scale-up network, hall."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from clustersim.spec import Spec
from clustersim.units import DataRate, Length, Ratio, Time


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
    leaf_spine: str | None = None
    """At both ends of a link between leaf and spine."""
    spine_core: str | None = None
    """At both ends of a link between spine and core; three tiers only."""
    group: str | None = None
    """At both ends of a link between groups of a dragonfly."""


class TierSpec(Spec):
    """What is particular about the switches of one tier; what is left out follows from the fabric."""

    switch: str | None = None
    """Catalog name (kind ``switches``)."""
    down: int | None = Field(default=None, gt=0)
    """Ports towards the hosts."""
    up: int | None = Field(default=None, gt=0)
    """Ports away from the hosts."""
    hop_latency: Annotated[Time, Field(ge=0)] | None = None
    """Delay of a switch of this tier, port to port; with or without cables as that of the fabric."""


class Protection(Spec):
    """A second way for a link between sites, used when its fibre is cut."""

    fibre_pairs: int = Field(gt=0)
    """Pairs on the second way."""
    length: Annotated[Length, Field(gt=0)] | None = None
    """Length of the second way; as the first when left out."""


class WanLink(Spec):
    """Fibre between two sites."""

    a: str
    """Name of one site."""
    b: str
    """Name of the other site."""
    fibre_pairs: int = Field(gt=0)
    """Lit fibre pairs; a pair carries its capacity in each direction."""
    pair_capacity: Annotated[DataRate, Field(gt=0)] | None = None
    """Capacity of one fibre pair, each direction; or give `channels`."""
    channels: int | None = Field(default=None, gt=0)
    """Wavelengths lit on a pair, each with the rate of the transceiver."""
    length: Annotated[Length, Field(gt=0)] | None = None
    """Length of the fibre; the great circle times `route_factor` when left out."""
    protection: Protection | None = None

    @model_validator(mode="after")
    def _consistent(self) -> WanLink:
        if self.a == self.b:
            raise ValueError(f"a link joins two different sites, got {self.a!r} twice")
        if (self.pair_capacity is None) == (self.channels is None):
            raise ValueError("expected pair_capacity or channels, one of the two")
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


class TorusSpec(Spec):
    """Scale-up network of a pod: a three-dimensional torus of cubes, joined by optical circuit switches."""

    kind: Literal["torus"]
    """Which of the kinds of scale-up network it is."""
    pod: tuple[int, int, int]
    """Accelerators of a full pod along each dimension."""
    cube: tuple[int, int, int] = (4, 4, 4)
    """Accelerators of a cube, wired without optics."""
    link_rate: Annotated[DataRate, Field(gt=0)]
    """Of one link, each direction; an accelerator has two per dimension."""
    optical_switch: str
    """Catalog name (kind ``switches``) of the optical circuit switch."""
    optics: str
    """Catalog name (kind ``optics``) of the module at each end of a link between cubes."""

    @model_validator(mode="after")
    def _whole_cubes(self) -> TorusSpec:
        if min(self.cube) < 2 or any(p < c or p % c for p, c in zip(self.pod, self.cube, strict=True)):
            raise ValueError(f"a pod consists of whole cubes of at least 2 x 2 x 2, got {self.pod} of {self.cube}")
        return self


class SwitchedScaleUpSpec(Spec):
    """Scale-up network of a domain: every accelerator has links to every switch (NVLink)."""

    kind: Literal["switched"]
    """Which of the kinds of scale-up network it is."""
    switches: int = Field(gt=0)
    """Switch chips of a domain."""
    links: int = Field(gt=0)
    """Links of one accelerator, spread over the switches."""
    switch: str | None = None
    """Catalog name (kind ``switches``) of the switch chip; its ports are not checked when left out."""


ScaleUpSpec = Annotated[TorusSpec | SwitchedScaleUpSpec, Field(discriminator="kind")]


class LayoutSpec(Spec):
    """How the racks of a hall stand, for the lengths of cables."""

    racks_per_row: int = Field(gt=0)
    """Racks of a row before the next one begins."""
    rack_pitch: Annotated[Length, Field(gt=0)]
    """From one rack to the next in a row."""
    row_pitch: Annotated[Length, Field(gt=0)]
    """From one row to the next."""
    hall_gap: Annotated[Length, Field(ge=0)]
    """Between halls, along the rows."""
    drop: Annotated[Length, Field(ge=0)]
    """From the tray to the port, at each end."""
    slack: Annotated[Ratio, Field(ge=0)]
    """What is laid beyond the way along the trays, as a share of it."""


class FabricBase(Spec):
    """What every scale-out fabric has. Sites have one each, all of the same kind, and links join the sites."""

    kind: str
    """Which of the kinds of fabric it is."""
    builder: ClassVar[str]
    """Where the function stands that builds it, as ``module:function``: from this record and the
    :class:`clustersim.fabric.site.SiteEndpoints` of a site to a :class:`clustersim.fabric.site.SiteFabric`."""
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
