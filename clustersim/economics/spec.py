"""What the user says about money; whatever is left out comes from the catalog."""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from clustersim import units
from clustersim.economics.spec_parts.energy import EnergyContractSpec
from clustersim.economics.spec_parts.price_file import read_prices
from clustersim.units import Money, Ratio, Time

__all__ = ["YEAR_S", "EconomicsSpec", "read_prices"]


def _price(dimension: str, unit: str) -> tuple[BeforeValidator, PlainSerializer]:
    """Return reader and writer of a price; `unit` is the unit in which it is written."""
    return (
        BeforeValidator(lambda value: units.parse(value, dimension)),
        PlainSerializer(lambda value: units.text(value, unit), return_type=str),
    )


def _energy_price_or_name(value: object) -> object:
    """Check a price of energy now; a catalog name is looked up when the cost is estimated."""
    if isinstance(value, str) and value[:1].isdigit():
        units.parse(value, "price of energy")
    return value


EnergyPriceOrName = Annotated[str, BeforeValidator(_energy_price_or_name)]
PowerPrice = Annotated[float, *_price("price of power", "MUSD/MW")]
PowerYearPrice = Annotated[float, *_price("price of power per time", "MUSD/MW/yr")]
YEAR_S = units.TABLE["time"]["yr"]


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
    building_price: PowerPrice | None = None
    """Shell and MEP per provisioned IT power, such as ``11.8 MUSD/MW``."""
    operations_price: PowerYearPrice | None = None
    """Staff, upkeep and the rest per provisioned IT power and year, such as ``0.9 MUSD/MW/yr``."""
    accelerator_life: Time | None = Field(default=None, gt=0)
    """Years over which servers and network lose their value; left out: the catalog's."""
    building_life: Time | None = Field(default=None, gt=0)
    """Years for building, generators, batteries and fibre; left out: the catalog's."""
    capital_rate: Ratio = Field(default=0.0, ge=0)
    """Yearly cost of capital; 0 % is straight-line depreciation."""
