"""A place: its sites, fabric, electrical plant and cooling; the record of a topology file."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from clustersim.errors import InputError
from clustersim.fabric.spec import FabricSpec
from clustersim.plant.spec import SiteCoolingSpec, SitePlantSpec
from clustersim.power.spec import ServerSpec
from clustersim.spec import Spec


class Provenance(Spec):
    """Where a value of the file comes from."""

    source: str
    """Who says it, where, when; or what it was assumed from."""
    confidence: str = Field(pattern="^(measured|vendor_spec|reported|estimate|from_memory)$")
    """measured, vendor_spec, reported, estimate or from_memory; the last two are shown as assumed."""


class LocationSpec(Spec):
    """Geographic position in degrees."""

    lat: float = Field(ge=-90, le=90)
    """Latitude, north above 0. [degrees]"""
    lon: float = Field(ge=-180, le=180)
    """Longitude, east above 0. [degrees]"""
    disclosed: bool = True
    """False: nobody published where it stands, or it is a design; the position stands for none, and no map shows it."""


class FleetSpec(Spec):
    """Accelerators of one kind at a site."""

    accelerator: str
    """Name in the catalog kind `accelerators`."""
    count: int = Field(gt=0)
    """How many."""
    power: str | None = None
    """Name in the catalog kind `device_power`, when not the accelerator's own."""


class SiteSpec(Spec):
    """One site: where it is and what stands there."""

    location: LocationSpec
    halls: int = Field(default=1, ge=1)
    """Data halls; the accelerators are spread over them evenly."""
    buildings: int = Field(default=1, ge=1)
    """Buildings; the halls are spread over them evenly. More than one are nodes of the electrical tree."""
    fleet: tuple[FleetSpec, ...] = Field(min_length=1)
    servers: ServerSpec

    @model_validator(mode="after")
    def _whole_halls(self) -> Self:
        if self.halls % self.buildings:
            raise ValueError(f"buildings: expected a divisor of halls = {self.halls}, found {self.buildings}")
        return self

    @property
    def accelerators(self) -> int:
        """Accelerators of the site."""
        return sum(item.count for item in self.fleet)


class TopologySpec(Spec):
    """A place, as a topology file describes it."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    """Name of the place, as of its file."""
    title: str
    """What it is, in a line."""
    as_of: str
    """The date that the description holds for."""
    site: dict[str, SiteSpec] = Field(min_length=1)
    fabric: FabricSpec
    """The network between the servers of each site, and the links between sites."""
    electrical: dict[str, SitePlantSpec] = Field(default_factory=dict)
    """One record per site, or none at all: see :func:`require_plant`."""
    cooling: dict[str, SiteCoolingSpec] = Field(default_factory=dict)
    """As `electrical`."""
    left_out: tuple[str, ...] = ()
    """What stands at the place and is not in this file, one sentence each; shown with the counts."""
    provenance: dict[str, Provenance] = Field(default_factory=dict)
    """Key path of a value of this file -> its source."""

    @model_validator(mode="after")
    def _every_site_complete(self) -> Self:
        for section in ("electrical", "cooling"):
            named, sites = set(getattr(self, section)), set(self.site)
            if named and named != sites:
                odd = ", ".join(sorted(named ^ sites))
                raise ValueError(f"sections site and {section} must name the same sites; they differ in {odd}")
        return self


def require_plant(topology: TopologySpec) -> None:
    """Refuse a place whose file stops at the fabric.

    Raises
    ------
    InputError
        If a section that power, plant and limits read is absent.
    """
    absent = [section for section in ("electrical", "cooling") if not getattr(topology, section)]
    if absent:
        raise InputError(
            f"{absent[0]}: the topology file of {topology.name} has no {' and no '.join(absent)} section; "
            "`clustersim topology` and `clustersim step` work without"
        )
