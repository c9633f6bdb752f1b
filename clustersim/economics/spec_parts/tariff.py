"""What the user says about the contract with the utility: energy by hour, demand, fixed charges."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, field_validator, model_validator

from clustersim import units
from clustersim.economics.spec_parts.price_file import HourlyPrices
from clustersim.spec import Spec
from clustersim.units import EnergyPrice, Money, Power, Ratio, Time

MONTHS = 12
DEMAND_INTERVALS_S = (900.0, 1800.0, 3600.0)

DemandPrice = Annotated[
    float,
    BeforeValidator(partial(units.parse, dimension="price of power")),
    PlainSerializer(partial(units.shortest, dimension="price of power"), return_type=str),
]
"""Price of one unit of billed demand in one billing month, such as ``17.25 USD/kW``. [USD/W]"""


class WhenSpec(Spec):
    """Hours of the year at the meter, in local standard time."""

    months: tuple[int, ...] | None = None
    """Months that it holds in, 1 to 12; left out: all."""
    days: Literal["all", "weekdays", "weekends"] = "all"
    """Holidays are not known: they count as what weekday they are."""
    hours: tuple[tuple[int, int], ...] | None = None
    """From a full hour up to another, such as ``[[13, 19]]``; left out: the whole day."""

    @model_validator(mode="after")
    def _in_range(self) -> Self:
        for month in self.months or ():
            if not 1 <= month <= MONTHS:
                raise ValueError(f"months: expected 1 to 12, found {month}")
        for begin, end in self.hours or ():
            if not 0 <= begin < end <= 24:
                raise ValueError(f"hours: expected [from, to] with 0 <= from < to <= 24, found [{begin}, {end}]")
        return self


ALWAYS = WhenSpec()


class BlockSpec(Spec):
    """The first part of a month's energy, in hours' use of a demand."""

    hours_use: Time = Field(gt=0)
    """Width of the block: this time at the demand that `EnergyChargeSpec.block_demand` names."""
    price: EnergyPrice
    """Of the energy of the block. [USD/J]"""


class EnergyChargeSpec(Spec):
    """Price of the energy of some hours; of several charges an hour gets the first whose hours hold it."""

    name: str = Field(min_length=1)
    """Name of the charge, of which the bill has a line."""
    price: EnergyPrice
    """Of the energy beyond the blocks."""
    when: WhenSpec = ALWAYS
    blocks: tuple[BlockSpec, ...] = ()
    block_demand: str | None = None
    """Demand charge whose measured demand is the width of the blocks; each is scaled by this charge's share of the
    month's energy."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.blocks) != (self.block_demand is not None):
            raise ValueError(f"energy {self.name}: expected blocks and block_demand, or neither")
        return self


class DemandChargeSpec(Spec):
    """Price of the month's demand within some hours."""

    name: str = Field(min_length=1)
    """Name of the charge, of which the bill has a line; blocks of energy refer to it."""
    price: DemandPrice = Field(ge=0)
    """Of the demand that is billed in a month. [USD/W]"""
    when: WhenSpec = ALWAYS
    """Hours in which demand is measured."""
    billed_months: tuple[int, ...] | None = None
    """Months that are billed; left out: those in which it is measured."""
    interval: Time = 1800.0
    """Demand is the mean over each 15, 30 or 60 min of the clock."""
    measure: Literal["maximum", "mean"] = "maximum"
    """`maximum` of the intervals, or their `mean`: what a peak of the system at an unknown one of them is expected to
    find."""
    ratchet: Ratio = Field(default=0.0, ge=0, le=1)
    """At least this share of the highest demand of the months before is billed."""
    ratchet_months: int = Field(default=11, ge=1, le=MONTHS)
    """How many months before count."""
    least_share: Ratio = Field(default=0.0, ge=0, le=1)
    """At least this share of the contract's demand is billed."""
    excess_price: DemandPrice = Field(default=0.0, ge=0)
    """On top, for demand above the contract's."""

    @field_validator("interval")
    @classmethod
    def _of_a_meter(cls, value: float) -> float:
        if value not in DEMAND_INTERVALS_S:
            raise ValueError(f"interval: expected 15 min, 30 min or 60 min, found {value / 60:g} min")
        return value


class PowerFactorSpec(Spec):
    """What a low power factor does to the demand."""

    least: Ratio = Field(gt=0, le=1)
    """Above it nothing is added."""
    law: Literal["difference", "ratio"] = "ratio"
    """Demand times ``1 + least - pf``, or times ``least / pf``."""


def _named(value: Any) -> Any:
    """Read a bare name as the tariff of that name."""
    return {"name": value} if isinstance(value, str) else value


class TariffSpec(Spec):
    """A tariff of the catalog by its `name`, or one that is written out."""

    name: str | None = None
    """Catalog name (kind ``tariffs``); the charges are then the catalog's."""
    contract: Power | None = Field(default=None, gt=0)
    """Demand agreed with the utility; needed where a charge has a `least_share`; left out: none is in excess."""
    past_demand: Power = Field(default=0.0, ge=0)
    """Highest demand of the months before the run, for ratchets."""
    energy: tuple[EnergyChargeSpec, ...] = ()
    hourly: HourlyPrices | tuple[EnergyPrice, ...] | None = None
    """Price of every hour, in place of `energy`: 24 prices of a day that repeats, or the name of a .csv file in the
    scenario's folder."""
    rider: EnergyPrice = 0.0
    """Added to the price of all energy: fuel adjustments and the like; may be negative."""
    demand: tuple[DemandChargeSpec, ...] = ()
    fixed: Money = Field(default=0.0, ge=0)
    """Per month."""
    power_factor: PowerFactorSpec | None = None
    export_credit: EnergyPrice = 0.0
    """Paid for energy that the site gives to the grid."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.name is not None:
            alone = {"name", "contract", "past_demand"}
            fields = type(self).model_fields
            own = [key for key in fields if key not in alone and getattr(self, key) != fields[key].default]
            if own:
                raise ValueError(f"tariff {self.name}: expected name, contract and past_demand alone, found {own[0]}")
            return self
        if bool(self.energy) == (self.hourly is not None):
            raise ValueError("tariff: expected name, energy or hourly")
        if isinstance(self.hourly, tuple) and len(self.hourly) != 24:
            raise ValueError(f"tariff.hourly: expected 24 prices, found {len(self.hourly)}")
        if self.energy and self.energy[-1].when != ALWAYS:
            raise ValueError("tariff.energy: the last charge is for all hours that are left: expected no `when`")
        self._check_names()
        return self

    def _check_names(self) -> None:
        demands = [charge.name for charge in self.demand]
        for names in (demands, [charge.name for charge in self.energy]):
            if len(set(names)) < len(names):
                raise ValueError(f"tariff: expected different names, found {', '.join(names)}")
        for charge in self.energy:
            if charge.block_demand is not None and charge.block_demand not in demands:
                raise ValueError(f"tariff.energy {charge.name}: block_demand: no demand charge {charge.block_demand!r}")
        for asked in self.demand:
            if asked.least_share > 0.0 and self.contract is None:
                raise ValueError(
                    f"tariff.demand {asked.name}: expected tariff.contract, the demand agreed with the utility"
                )


TariffOrName = Annotated[TariffSpec, BeforeValidator(_named)]
"""A tariff, or the bare name of one in the catalog."""
