"""The utility connection of a site and the conversion stages between the meter and the equipment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer, PositiveInt, model_validator

from clustersim import catalog, units
from clustersim.errors import nearest
from clustersim.plant.spec_parts.network import NetworkSpec, shipped_networks
from clustersim.spec import Spec
from clustersim.units import ApparentPower, Current, Power, Ratio, Voltage

Redundancy = Literal["N", "N+1", "N+2", "2N", "3N/2"]
"""Which units of a block may be lost with the rest still rated for the load: none, one, two, a half, a third."""


def spare_units(redundancy: Redundancy, block: int) -> int:
    """Return how many units of a block are spare.

    Raises
    ------
    ValueError
        If a block of that many units cannot have the redundancy.
    """
    if redundancy in ("2N", "3N/2"):
        parts = 2 if redundancy == "2N" else 3
        if block % parts:
            raise ValueError(f"redundancy {redundancy} needs a multiple of {parts} units, found {block}")
        return block // parts
    spare = {"N": 0, "N+1": 1, "N+2": 2}[redundancy]
    if block <= spare:
        raise ValueError(f"redundancy {redundancy} needs at least {spare + 1} units, found {block}")
    return spare


def _read_rating(value: object) -> float:
    """Return a rating in watts or volt-amperes as a float."""
    if isinstance(value, str) and value.rstrip().endswith("VA"):
        return units.parse(value, "apparent power")
    return units.parse(value, "power")


def _write_rating(value: float) -> str:
    return units.shortest(value, "power")


StageRating = Annotated[float, BeforeValidator(_read_rating), PlainSerializer(_write_rating, return_type=str)]
"""Rating as text in W or VA; which of the two it is taken as follows from the kind of the stage."""


class BreakerSpec(Spec):
    """Inverse-time overcurrent protection of one unit."""

    curve: str
    """Name in catalog kind `switchgear` with the figures `time_factor`, `exponent` and `time_constant`."""
    pickup: Ratio = Field(gt=0)
    """Current at which the curve starts, over the rated current of the unit. [-]"""
    time_multiplier: float = Field(gt=0)
    """Time multiplier setting (TMS) or time dial. [-]"""
    interrupting: Current | None = Field(default=None, gt=0)
    """Largest short-circuit current that it breaks. [A]"""


class FeedsSpec(Spec):
    """Identical lines from the utility to the site."""

    count: PositiveInt
    """Lines of equal capacity."""
    capacity: Power = Field(gt=0)
    """Of each. [W]"""
    redundancy: Redundancy = "N"
    """Which lines may be lost with the rest still rated for the load: none, one, two, a half, a third."""
    breaker: BreakerSpec | None = None

    @model_validator(mode="after")
    def _possible(self) -> FeedsSpec:
        spare_units(self.redundancy, self.count)
        return self


class GridSpec(Spec):
    """The utility connection of a site."""

    capacity: Power = Field(gt=0)
    """Largest import that the connection agreement allows. [W]"""
    voltage: Voltage = Field(gt=0)
    """Nominal voltage at the point of interconnection. [V]"""
    system: str
    """Interconnection behind it: a name of catalog kind `grids` with inertia, online capacity and primary response."""
    point: str | None = None
    """Name in catalog kind `grids` that gives `short_circuit` and `x_over_r` where they are not stated here."""
    short_circuit: ApparentPower | None = Field(default=None, gt=0)
    """Three-phase short-circuit power at the point of interconnection. [VA]"""
    x_over_r: float | None = Field(default=None, gt=0)
    """Reactance over resistance of the source impedance. [-]"""
    feeds: FeedsSpec | None = None
    """Lines that bring it; one of the whole capacity when absent."""
    nearest_generator: Power | None = Field(default=None, gt=0)
    """Rated power of the utility's generator nearest to the site, whose shaft is screened. [W]"""
    network: str | NetworkSpec | None = None
    """The grid about the site machine by machine: a shipped network's name, or the network itself."""
    network_bus: str | None = None
    """Bus of `network` at which the site draws its power; its mean is taken to be in the network's load there."""

    @model_validator(mode="after")
    def _has_bus(self) -> GridSpec:
        if (self.network is None) != (self.network_bus is None):
            raise ValueError("give `network` and `network_bus` together, or neither")
        if isinstance(self.network, str) and self.network not in shipped_networks():
            known = shipped_networks()
            raise ValueError(
                f"network: expected {', '.join(known)}, found {self.network!r}{nearest(self.network, known)}"
            )
        if isinstance(self.network, NetworkSpec) and self.network_bus not in self.network.buses:
            raise ValueError(
                f"network_bus: unknown bus {self.network_bus!r}{nearest(str(self.network_bus), self.network.buses)}"
            )
        return self

    @model_validator(mode="after")
    def _has_strength(self) -> GridSpec:
        if self.point is None and (self.short_circuit is None or self.x_over_r is None):
            raise ValueError("give `point` (a name of catalog kind grids), or both `short_circuit` and `x_over_r`")
        return self

    @model_validator(mode="after")
    def _feeds_suffice(self) -> GridSpec:
        if self.feeds is not None and self.feeds.count * self.feeds.capacity < self.capacity * (1.0 - 1e-9):
            raise ValueError(
                f"feeds: {self.feeds.count} x {self.feeds.capacity / 1e6:g} MW cannot carry the capacity of "
                f"{self.capacity / 1e6:g} MW"
            )
        return self


class ConversionStage(Spec):
    """One conversion stage between the meter and the equipment: transformers, UPS, busways, power supplies."""

    stage: str
    """Name in catalog kind `facility` with the property `kind` and the figures `loss.no_load` and `loss.load`."""
    rating: StageRating | None = Field(default=None, gt=0)
    """Rating of all units together; `unit` x `count` when absent. [W] or [VA]"""
    unit: StageRating | None = Field(default=None, gt=0)
    """Rating of one unit; `rating` / `count` when absent. [W] or [VA]"""
    count: PositiveInt = 1
    """Number of units; they share the load evenly."""
    redundancy: Redundancy = "N"
    """Which units of a block may be lost with the rest still rated for the load: none, one, two, a half, a third."""
    block: PositiveInt | None = None
    """Units of one redundancy group; all units are one group when absent."""
    parallel: PositiveInt = 1
    """Units that feed one common bus."""
    share: Ratio = Field(default=1.0, gt=0, le=1)
    """Share of the site's load that passes through the stage. [-]"""
    voltage: Voltage | None = Field(default=None, gt=0)
    """Line to line at the outlet; the catalog's, or that of the inlet, when absent. [V]"""
    reactance: Ratio | None = Field(default=None, ge=0, le=1)
    """In series, on the rating; the catalog's when absent. [-]"""
    resistance: Ratio | None = Field(default=None, ge=0, le=1)
    """In series, on the rating: also the load loss at rated current; the catalog's load loss when absent. [-]"""
    breaker: BreakerSpec | None = None
    """Of each unit."""
    thermal_class: str | None = None
    """Name in catalog kind `switchgear` with the thermal figures of a transformer; the catalog's when absent."""
    paper: Literal["kraft", "upgraded"] = "kraft"
    """Insulation of a transformer's windings: it sets the ageing law."""

    @model_validator(mode="after")
    def _rated(self) -> ConversionStage:
        if self.rating is None and self.unit is None:
            raise ValueError(f"{self.stage}: give `rating` (of all units), or `unit` and `count`")
        if self.rating is not None and self.unit is not None:
            whole = self.unit * self.count
            if abs(self.rating - whole) > 1e-9 * whole:
                raise ValueError(
                    f"{self.stage}: rating {self.rating / 1e6:g} MW is not unit x count = {whole / 1e6:g} MW; "
                    "give one of the two"
                )
        return self

    @model_validator(mode="after")
    def _possible(self) -> ConversionStage:
        if self.count % self.block_units:
            raise ValueError(f"{self.stage}: count {self.count} is not a multiple of block {self.block}")
        if self.count % self.parallel:
            raise ValueError(f"{self.stage}: count {self.count} is not a multiple of parallel {self.parallel}")
        try:
            spare_units(self.redundancy, self.block_units)
        except ValueError as error:
            raise ValueError(f"{self.stage}: {error}") from None
        return self

    @property
    def unit_rating(self) -> float:
        """Of one unit. [W] or [VA]"""
        if self.unit is not None:
            return self.unit
        assert self.rating is not None  # noqa: S101 (the validator has checked)
        return self.rating / self.count

    @property
    def whole_rating(self) -> float:
        """Of all units together. [W] or [VA]"""
        return self.unit_rating * self.count if self.rating is None else self.rating

    @property
    def block_units(self) -> int:
        """Units of one redundancy group."""
        return self.count if self.block is None else self.block


def check_stages(stages: Sequence[ConversionStage], source_voltage: float | None) -> None:
    """Refuse conversion stages that cannot stand in this order.

    Parameters
    ----------
    stages : sequence of ConversionStage
        From the meter down.
    source_voltage : float or None
        At the meter, when there is a grid. [V]

    Raises
    ------
    ValueError
        If a stage stands above one that belongs over it, a voltage rises towards the equipment, or more than the
        whole load passes through the UPS stages.
    """
    # a name that the catalog lacks is told where all names are checked
    by_name = {name: found for found in catalog.entries("facility").values() for name in (found.name, *found.aliases)}
    entries = [(stage, by_name[stage.stage]) for stage in stages if stage.stage in by_name]
    above, place, volts = "", 0, source_voltage
    for stage, found in entries:
        own = found.properties.get("order")
        if own is not None:
            if own < place:
                raise ValueError(f"conversion: {stage.stage} stands below {above}; stages go from the meter down")
            above, place = stage.stage, own
        if stage.voltage is not None:
            if volts is not None and stage.voltage > volts * (1.0 + 1e-9):
                raise ValueError(
                    f"conversion: the outlet of {stage.stage} at {stage.voltage:g} V is above its inlet at {volts:g} V"
                )
            volts = stage.voltage
    through = sum(stage.share for stage, found in entries if found.properties.get("kind") == "ups")
    if through > 1.0 + 1e-9:
        raise ValueError(f"conversion: {100.0 * through:g} % of the load behind UPS stages; expected at most 100 %")
