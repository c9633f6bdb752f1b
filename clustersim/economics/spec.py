"""What the user says about money; whatever is left out comes from the catalog."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from clustersim import units
from clustersim.economics.spec_parts.energy import EnergyContractSpec, quantity_or_name
from clustersim.economics.spec_parts.price_file import read_prices
from clustersim.units import Money, Ratio, Time

__all__ = ["EconomicsSpec", "read_prices"]


def _price(dimension: str, unit: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Return reader and writer of a price; `unit` is the unit in which it is written."""
    return (
        BeforeValidator(partial(units.parse, dimension=dimension)),
        PlainSerializer(lambda value: units.text(value, unit), return_type=str),
    )


EnergyPriceOrName = Annotated[str, quantity_or_name("price of energy")]
RentOrName = Annotated[str, quantity_or_name("price of power per time")]
YearlyPriceOrName = Annotated[str, quantity_or_name("price of time")]
PowerPrice = Annotated[float, *_price("price of power", "MUSD/MW")]
PowerYearPrice = Annotated[float, *_price("price of power per time", "MUSD/MW/yr")]


class EconomicsSpec(EnergyContractSpec):
    """Prices and lives."""

    electricity_price: EnergyPriceOrName | None = None
    """Price such as ``60 USD/MWh``, or the name of a catalog price such as a state; left out: the catalog's default."""
    gas_price: EnergyPriceOrName | None = None
    """Price of fuel energy (HHV) such as ``3.5 USD/MMBtu``, or a catalog name; left out: Henry Hub."""
    diesel_price: EnergyPriceOrName | None = None
    """The same of what diesel sets burn; left out: the catalog's."""
    server_prices: dict[str, Money] = Field(default_factory=dict)
    """Price of one server by accelerator name; left out: the catalog's."""
    accelerator_prices: dict[str, Money] = Field(default_factory=dict)
    """Price of one accelerator with its share of the server, by name; `server_prices` go before it."""
    building_price: PowerPrice | None = None
    """Shell and MEP per provisioned IT power, such as ``11.8 MUSD/MW``."""
    operations_price: PowerYearPrice | None = None
    """Staff, upkeep and the rest per provisioned IT power and year, such as ``0.3 MUSD/MW/yr``; without energy."""
    accelerator_life: Time | None = Field(default=None, gt=0)
    """Years over which servers and network lose their value; left out: the catalog's."""
    building_life: Time | None = Field(default=None, gt=0)
    """Years for building, generators, batteries and fibre; left out: the catalog's."""
    capital_rate: Ratio | None = Field(default=None, ge=0)
    """Yearly cost of capital; 0 % is straight-line depreciation. Left out: the rate of `case`, else 0 %."""
    building_rate: Ratio | None = Field(default=None, ge=0)
    """The same for what outlives the accelerators; left out: `capital_rate`."""
    residual_value: Ratio = Field(default=0.0, ge=0, le=1)
    """Share of the price for which servers and network are sold at the end of their life."""
    case: str | None = None
    """A cost case of the catalog (kind ``cost_cases``), such as ``h100_neocloud``: prices, lives, rates and rent of it
    hold wherever this record says nothing; its price of an accelerator is all-in."""
    all_in: bool = False
    """`server_prices` hold network, storage and host nodes too: the bill of materials of the fabric is not added."""
    rent: RentOrName | None = None
    """Rent of the building per provisioned IT power and month, such as ``130 USD/kW/month``, or a catalog name such as
    ``colocation``: building, MEP and generators are the landlord's; `operations_price` stands in full. Left out: they
    are bought."""
    fibre: Literal["build", "lease"] = "build"
    """Fibre between sites: dug and owned, or dark fibre leased."""
    other_equipment: Money = 0.0
    """Storage servers, host nodes and the like that neither server nor network price holds."""
    software: YearlyPriceOrName | None = None
    """Licence per accelerator and year, such as ``4500 USD/yr``, or the catalog name ``software``; left out: none."""
    network_upkeep: Ratio = Field(default=0.0, ge=0)
    """Support contracts of the network in a year, share of its price."""
    taxes_and_insurance: Ratio = Field(default=0.0, ge=0)
    """In a year, share of all capital cost."""
    failed_parts: Literal["warranty", "bought"] = "warranty"
    """Whether accelerators that fail for good come with the price of the servers, or are bought."""
    years: Time | None = Field(default=None, gt=0)
    """Time that ``cash_flow`` and ``tco_years_usd`` cover, and for which the servers are kept there; left out: the
    accelerators' life."""
