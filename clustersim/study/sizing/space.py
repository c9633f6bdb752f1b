"""Designs that the sizing compares: what there is of each kind of damping, its price, and the scenario that has it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from clustersim import catalog
from clustersim.economics.cost import annuity_factor
from clustersim.economics.prices import Price, chosen, figure, rate
from clustersim.errors import InputError, nearest
from clustersim.plant import generator_rating_w
from clustersim.plant.spec import BatterySpec, SitePlantSpec
from clustersim.power.spec import DampingStrategy, GpuSmoothing, LoadBank, PowerCap, RackStorage, SiteBattery
from clustersim.scenario import AnyScenario, LoadScenario
from clustersim.study.places.place import Place
from clustersim.study.site.power import provisioned_of

KINDS: dict[str, tuple[str, ...]] = {
    "rack_storage": ("rack_storage",),
    "site_battery": ("site_battery",),
    "load_bank": ("load_bank",),
    "gpu_smoothing": ("gpu_smoothing", "gpu_smoothing_profile"),
    "power_cap": ("power_cap",),
}
"""Elements that can be sized, and the strategies of a scenario that each stands for."""
CONDENSERS = "synchronous_condensers"
"""Key of a site's plant that holds them."""
ELEMENTS = (*KINDS, "synchronous_condenser")
AT_SITE = ("site_battery", "load_bank", "synchronous_condenser")
"""Those that a measured load can have."""
PER_DECADE = 40
"""Rungs of a ladder of sizes per decade (R40 of ISO 3): neighbours are 5.9 % apart."""
TIME_RUNGS = 10
"""The same of time constants (R10)."""
FLOORS, CAPS = (0.5, 0.7, 0.9), (0.9, 0.7, 0.5)
"""Levels of the accelerators' floor and limit that are tried first. [-]"""
LEVEL_NOTCH = 0.05
"""What a level is then refined to. [-]"""


@dataclass(frozen=True)
class Design:
    """How much there is of everything that is sized; zero: none. Sizes are of all sites together."""

    floor: float = 0.0
    """Floor of the accelerators' smoothing, share of their rated power. [-]"""
    cap: float = 1.0
    """Power limit of the accelerators, share of their rated power; 1: none. [-]"""
    rack_w: float = 0.0
    """Power of rack storage per accelerator. [W]"""
    rack_j: float = 0.0
    """Energy of rack storage per accelerator. [J]"""
    rack_tau_s: float = 0.0
    """Time constant of its low-pass. [s]"""
    battery_w: float = 0.0
    battery_j: float = 0.0
    battery_tau_s: float = 0.0
    bank_w: float = 0.0
    bank_w_per_s: float = 0.0
    """Fall of the load that the bank lets through. [W/s]"""
    condenser_va: float = 0.0

    @property
    def level(self) -> Design:
        """What acts in the accelerators alone: it changes the step, all else leaves it as it is."""
        return Design(floor=self.floor, cap=self.cap)

    @property
    def elements(self) -> tuple[str, ...]:
        """Names of what the design has."""
        there = {
            "rack_storage": self.rack_w > 0.0,
            "site_battery": self.battery_w > 0.0,
            "load_bank": self.bank_w > 0.0,
            "gpu_smoothing": self.floor > 0.0,
            "power_cap": self.cap < 1.0,
            "synchronous_condenser": self.condenser_va > 0.0,
        }
        return tuple(name for name, is_there in there.items() if is_there)

    def on(self, level: Design) -> Design:
        """Return the design with what acts in the accelerators taken from `level`."""
        return replace(self, floor=level.floor, cap=level.cap)


@dataclass(frozen=True)
class Item:
    """One line of the price of a design."""

    item: str
    quantity: float
    unit: str
    unit_usd: float
    usd: float
    usd_per_year: float
    source: str
    assumed: bool


@dataclass(frozen=True)
class Space:
    """What may be sized at a place, and how large it can be."""

    scenario: AnyScenario
    place: Place
    elements: tuple[str, ...]
    kept: tuple[DampingStrategy, ...]
    """Strategies of the scenario that stay as they are."""

    @property
    def sites(self) -> tuple[str, ...]:
        """Names of the sites that the scenario looks at."""
        return self.scenario.loaded_sites

    @cached_property
    def shares(self) -> dict[str, float]:
        """Part of every size at the site level that each site gets: by the IT power that it provides for. [-]"""
        provided = provisioned_of(self.place)
        total = sum(provided[site] for site in self.sites)
        return {site: provided[site] / total for site in self.sites}

    @cached_property
    def top_w(self) -> float:
        """Power above which no size at the site level goes: that which all sites provide for. [W]"""
        provided = provisioned_of(self.place)
        return sum(provided[site] for site in self.sites)

    @cached_property
    def feed_w(self) -> float:
        """Battery power of all sites that the grid and the generators of each can still feed. [W]"""
        feeds = []
        for site in self.sites:
            plant = self.scenario.topology.electrical[site]
            grid = 0.0 if plant.grid is None else plant.grid.capacity
            feeds.append((grid + generator_rating_w(*plant.generators)) / self.shares[site])
        return min(feeds)

    @cached_property
    def accelerators(self) -> int:
        """Accelerators of the sites."""
        return sum(self.scenario.topology.site[site].accelerators for site in self.sites)

    @cached_property
    def battery_type(self) -> str:
        """Catalog entry of the batteries: that of the first site that has one, else the default of kind `sizing`."""
        found = (self.scenario.topology.electrical[site].battery for site in self.sites)
        default = str(catalog.entry("sizing", "site_battery").properties["type"])
        return next((battery.type for battery in found if battery is not None), default)

    @cached_property
    def least_duration_s(self) -> float:
        """Energy over power of the battery with most power that is sold of its type. [s]"""
        unit = catalog.entry("batteries", self.battery_type)
        return unit.si("energy") / unit.si("power.2h" if unit.has("power.2h") else "power.4h")

    def rack_recharge_s(self, tau_s: float) -> float:
        """Return the time constant with which the charge of rack storage comes back. [s]

        Losses move the charge by their power times this time, so that one much longer than the low-pass wastes energy;
        one near it would undo the smoothing.
        """
        control = catalog.entry("sizing", "rack_storage")
        return max(control.si("recharge"), control.si("recharge_over_time_constant") * tau_s)

    def ladder(self, dimension: str) -> tuple[float, ...]:
        """Return the sizes of a dimension that are tried, ascending: preferred numbers within what makes sense."""
        low, high, per_decade = {
            "rack_w": (1.0, self.top_w / self.accelerators, PER_DECADE),
            "rack_j": (1.0, 1e3 * self.top_w / self.accelerators, PER_DECADE),
            "rack_tau_s": (0.1, 1e3, TIME_RUNGS),
            "battery_w": (1e-3 * self.top_w, self.feed_w, PER_DECADE),
            "battery_j": (1e-3 * self.top_w * 60.0, 2.0 * self.top_w * 86400.0, PER_DECADE),
            "battery_tau_s": (1.0, 1e4, TIME_RUNGS),
            "bank_w": (1e-3 * self.top_w, 2.0 * self.top_w, PER_DECADE),
            "bank_w_per_s": (1e-5 * self.top_w, self.top_w, TIME_RUNGS),
            "condenser_va": (1e-3 * self.top_w, 1e1 * self.top_w, PER_DECADE),
        }[dimension]
        first, last = math.floor(per_decade * math.log10(low)), math.ceil(per_decade * math.log10(high))
        rungs = tuple(preferred(rung, per_decade) for rung in range(first, last + 1))
        return tuple(size for size in rungs if size <= high) if dimension == "battery_w" else rungs

    def scenario_with(self, design: Design) -> AnyScenario:
        """Return the scenario with a design in place of what is sized."""
        topology = self.scenario.topology
        plants = {site: self._plant(site, design) for site in self.sites}
        electrical = {**topology.electrical, **plants}
        return self.scenario.model_copy(
            update={
                "topology": topology.model_copy(update={"electrical": electrical}),
                "damping": (*self.kept, *self._strategies(design)),
            }
        )

    def _plant(self, site: str, design: Design) -> SitePlantSpec:
        plant = self.scenario.topology.electrical[site]
        changed: dict[str, object] = {}
        if "site_battery" in self.elements:
            changed["battery"] = self._battery(site, design)
        if "synchronous_condenser" in self.elements:
            changed[CONDENSERS] = self._condenser(site, design)
        return plant.model_copy(update=changed)

    @property
    def condenser_type(self) -> str:
        """Catalog entry (kind `machines`) of the synchronous condensers."""
        return str(catalog.entry("sizing", "synchronous_condenser").properties["type"])

    def _condenser(self, site: str, design: Design) -> Any:
        """Return one machine of the site's share; the plant's own record reads it."""
        if design.condenser_va <= 0.0:
            return None
        rating = f"{design.condenser_va * self.shares[site]!r} VA"
        tree = {"type": self.condenser_type, "count": 1, "rating": rating}
        plant = self.scenario.topology.electrical[site].model_dump(mode="json")
        return getattr(SitePlantSpec.model_validate({**plant, CONDENSERS: tree}), CONDENSERS)

    def _battery(self, site: str, design: Design) -> BatterySpec | None:
        if design.battery_w <= 0.0:
            return None
        share = self.shares[site]
        energy = design.battery_j * share
        count = max(1, math.ceil(energy / catalog.entry("batteries", self.battery_type).si("energy")))
        there = self.scenario.topology.electrical[site].battery
        if there is None:
            control = catalog.entry("sizing", "site_battery")
            there = BatterySpec.model_validate(
                {
                    "type": self.battery_type,
                    "count": count,
                    "droop": control.figure("droop").text,
                    "deadband": control.figure("deadband").text,
                }
            )
        sizes = {"type": self.battery_type, "count": count, "power": design.battery_w * share, "energy": energy}
        return there.model_copy(update=sizes)

    def _strategies(self, design: Design) -> list[DampingStrategy]:
        share = max(self.shares.values())
        found: list[DampingStrategy] = []
        if design.floor > 0.0:
            found.append(GpuSmoothing.model_validate({"kind": "gpu_smoothing", "floor": f"{design.floor!r} x"}))
        if design.cap < 1.0:
            found.append(PowerCap.model_validate({"kind": "power_cap", "limit": f"{design.cap!r} x"}))
        if design.rack_w > 0.0:
            rack = {
                "kind": "rack_storage",
                "energy_per_accelerator": f"{design.rack_j!r} J",
                "power_per_accelerator": f"{design.rack_w!r} W",
                "time_constant": f"{design.rack_tau_s!r} s",
                "recharge": f"{self.rack_recharge_s(design.rack_tau_s)!r} s",
            }
            found.append(RackStorage.model_validate(rack))
        if design.battery_w > 0.0:
            battery = {"kind": "site_battery", "time_constant": f"{design.battery_tau_s!r} s"}
            found.append(SiteBattery.model_validate(battery))
        if design.bank_w > 0.0:
            # the record has one size for all sites: that of the largest
            bank = {
                "kind": "load_bank",
                "power": f"{design.bank_w * share!r} W",
                "ramp_down": f"{design.bank_w_per_s * share!r} W/s",
            }
            found.append(LoadBank.model_validate(bank))
        return found

    def idle_loss_w(self, design: Design) -> float:
        """Return what machines of a design draw all the time. [W]"""
        if design.condenser_va <= 0.0:
            return 0.0
        return design.condenser_va * catalog.entry("machines", self.condenser_type).si("loss")

    def bill(self, design: Design) -> tuple[Item, ...]:
        """Return what a design costs to build, item by item; the battery as in the cost of a run, by its energy."""
        spec = self.scenario.economics
        building = chosen(spec, "building_life", "life", "building")
        racks = chosen(spec, "accelerator_life", "life", "accelerator")
        lines: list[tuple[str, float, float, str, Price, Price]] = []
        if design.rack_w > 0.0:
            count = self.accelerators
            lines.append(("rack storage: energy", count * design.rack_j, 3.6e6, "kWh", _rack("price.energy"), racks))
            lines.append(("rack storage: power", count * design.rack_w, 1e3, "kW", _rack("price.power"), racks))
        if design.battery_w > 0.0:
            price = figure("batteries", self.battery_type, "price")
            lines.append((f"battery: {self.battery_type}", design.battery_j, 3.6e6, "kWh", price, building))
        if design.bank_w > 0.0:
            # one of the largest site's size at every site, as the scenario has it
            banks = design.bank_w * max(self.shares.values()) * len(self.sites)
            lines.append(("load bank", banks, 1e3, "kW", figure("prices", "load_bank", "price"), building))
        if design.condenser_va > 0.0:
            price = figure("machines", self.condenser_type, "capex")
            lines.append(("synchronous condenser", design.condenser_va, 1e6, "MVA", price, building))
        found = []
        for item, amount, unit, name, price, life in lines:
            usd = amount * price.value
            yearly = usd * annuity_factor(life.value, rate(spec, "capital_rate" if life is racks else "building_rate"))
            assumed = price.assumed or life.assumed
            found.append(Item(item, amount / unit, name, price.value * unit, usd, yearly, price.source, assumed))
        return tuple(found)


def _rack(key: str) -> Price:
    return figure("prices", "rack_storage", key)


def preferred(rung: int, per_decade: int) -> float:
    """Return the `rung`-th preferred number, ``10 ** (rung / per_decade)`` to three significant digits.

    Examples
    --------
    >>> [preferred(rung, 10) for rung in range(0, 11, 2)]
    [1.0, 1.58, 2.51, 3.98, 6.31, 10.0]
    """
    return float(f"{10.0 ** (rung / per_decade):.2e}")


def space_of(scenario: AnyScenario, place: Place, using: Sequence[str] | None) -> Space:
    """Return what may be sized: the elements `using`, or all that the scenario can have.

    Raises
    ------
    InputError
        If an element is unknown, a measured load cannot have it, or there is none.
    """
    possible = tuple(one for one in ELEMENTS if one in AT_SITE or not isinstance(scenario, LoadScenario))
    names = possible if using is None else tuple(dict.fromkeys(using))
    for name in names:
        if name not in ELEMENTS:
            raise InputError(
                f"--using: unknown element {name!r}{nearest(name, ELEMENTS)}; known: {', '.join(ELEMENTS)}"
            )
        if name not in possible:
            raise InputError(
                f"--using: {name} acts below the supplies' input, where nothing is known of a measured load; "
                f"expected some of {', '.join(possible)}"
            )
    if not names:
        raise InputError(f"--using: nothing to size; expected some of {', '.join(possible)}")
    sized = {kind for name in names for kind in KINDS.get(name, ())}
    kept = tuple(strategy for strategy in scenario.damping if strategy.kind not in sized)
    return Space(scenario, place, tuple(name for name in ELEMENTS if name in names), kept)


def levels(elements: Sequence[str]) -> tuple[Design, ...]:
    """Return what may act in the accelerators: nothing, then floors and caps by themselves."""
    floors = [Design(floor=f) for f in FLOORS] if "gpu_smoothing" in elements else []
    caps = [Design(cap=c) for c in CAPS] if "power_cap" in elements else []
    return (Design(), *floors, *caps)
