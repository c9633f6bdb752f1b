"""What `economics` is told about the site and the run: plain counts, powers and energies."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError

from clustersim.errors import InputError, problem_text


@dataclass(frozen=True)
class Accelerators:
    """One type of accelerator on the site."""

    name: str
    """Catalog name (kind ``accelerators``)."""
    count: int
    servers: int


@dataclass(frozen=True)
class Generators:
    """One type of on-site generator."""

    name: str
    """Catalog name (kind ``generators``)."""
    rated_w: float
    """Rating of all units together. [W]"""
    energy_j: float = 0.0
    """Electrical energy that they made over the horizon. [J]"""
    fuel_j: float = 0.0
    """Lower heating value of the fuel that they burned over the horizon. [J]"""


@dataclass(frozen=True)
class Battery:
    """One type of storage."""

    name: str
    """Catalog name (kind ``batteries``)."""
    energy_j: float
    """Capacity of all units together. [J]"""
    life_s: float | None = None
    """Time after which calendar and cycles have worn it out; None where nothing is known of its cycles. [s]"""
    smooths: bool = False
    """Whether it is there for damping."""


@dataclass(frozen=True)
class DampingEquipment:
    """Equipment that damps the load, other than the sites' batteries."""

    name: str
    """What the cost table calls it."""
    price: str
    """Catalog price (kind ``prices``): figures ``price.energy`` and ``price.power``, or ``price`` of power alone."""
    energy_j: float
    """Capacity of all units together; 0 for a load bank. [J]"""
    power_w: float
    """Rating of all units together. [W]"""
    in_rack: bool = True
    """Whether it is replaced with the servers rather than with the building."""


@dataclass(frozen=True)
class MeterCourse:
    """Power bought at a site's meter, constant between edges; plain numbers, so that it can be kept in a file."""

    edges_s: tuple[float, ...]
    """From 0 to the end of the horizon. [s]"""
    watts: tuple[float, ...]
    """One less than the edges. [W]"""
    power_factor: float = 1.0


@dataclass(frozen=True)
class CostFacts:
    """Everything that the cost depends on besides prices."""

    accelerators: tuple[Accelerators, ...]
    network_usd: float
    """Switches, optics and cables, from the fabric's bill of materials. [USD]"""
    provisioned_it_w: float
    """IT power that building and MEP are made for. [W]"""
    mean_it_w: float
    """IT power drawn, mean over the horizon. [W]"""
    horizon_s: float
    grid_energy_j: float
    """Energy bought at the meter over the horizon. [J]"""
    tokens_per_s: float
    """While the job trains at full speed. [1/s]"""
    goodput: float
    """Share of the horizon in which work was done that counted. [-]"""
    generators: tuple[Generators, ...] = ()
    batteries: tuple[Battery, ...] = ()
    fibre_m: float = 0.0
    """Route length of fibre built between sites. [m]"""
    damping_energy_j: float = 0.0
    """Part of the energy that went into damping. [J]"""
    damping_equipment: tuple[DampingEquipment, ...] = ()
    throughput_loss: float = 0.0
    """Share of the work that damping refuses or slows. [-]"""
    spare_servers: float = 0.0
    """Held ready beyond the servers of `accelerators`; of the first kind. [-]"""
    meters: tuple[MeterCourse, ...] = ()
    """Every site's, where a tariff asks for the course of the power."""
    water_m3: float = 0.0
    """Evaporated and drained by the cooling over the horizon. [m^3]"""
    fuel_co2_kg: float = 0.0
    """Carbon dioxide of the fuel burned over the horizon. [kg]"""
    failures: tuple[tuple[str, int], ...] = ()
    """Interruptions over the horizon that a type of accelerator caused: catalog name and number."""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.horizon_s <= 0.0 or self.provisioned_it_w <= 0.0:
            raise ValueError("horizon_s and provisioned_it_w must be positive")
        if not 0.0 <= self.goodput <= 1.0:
            raise ValueError(f"expected goodput between 0 and 1, got {self.goodput:g}")


def facts_tree(facts: CostFacts) -> dict[str, Any]:
    """Return the facts as a plain tree, as a result keeps them; :func:`facts_of` reads it back exactly."""
    tree: dict[str, Any] = TypeAdapter(CostFacts).dump_python(facts, mode="json")
    return tree


def facts_of(tree: Mapping[str, Any]) -> CostFacts:
    """Return the facts in a plain tree.

    Raises
    ------
    InputError
        If the tree is not one of :func:`facts_tree`, such as one of another version.
    """
    try:
        return TypeAdapter(CostFacts).validate_python(dict(tree))
    except ValidationError as error:
        raise InputError(f"cost_facts of the result: {problem_text(error.errors()[0])}") from None
