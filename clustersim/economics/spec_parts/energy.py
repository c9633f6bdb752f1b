"""What the user says about energy by the hour, carbon and water; all of it may be left out."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer

from clustersim import units
from clustersim.economics.spec_parts.tariff import TariffOrName
from clustersim.spec import Spec


def quantity_or_name(dimension: str) -> BeforeValidator:
    """Check a quantity now; a catalog name is looked up when it is used."""

    def check(value: object) -> object:
        if isinstance(value, str) and value[:1].isdigit():
            units.parse(value, dimension)
        return value

    return BeforeValidator(check)


MassPrice = Annotated[
    float,
    BeforeValidator(partial(units.parse, dimension="price of mass")),
    PlainSerializer(partial(units.shortest, dimension="price of mass"), return_type=str),
]
FIRST_DAY = datetime.date(2025, 1, 1)


class EnergyContractSpec(Spec):
    """Contract with the utility, carbon and water."""

    tariff: TariffOrName | None = None
    """Tariff of the grid's energy: charges by hour, demand and month, or the catalog name of one (kind ``tariffs``);
    left out: `electricity_price` for every hour."""
    billing_start: datetime.date = FIRST_DAY
    """Day at whose local midnight the horizon begins; matters for tariffs with months or weekdays."""
    grid_carbon: Annotated[str, quantity_or_name("emission factor")] | None = None
    """Carbon dioxide of the grid's energy such as ``400 kg/MWh``, or a catalog name such as a state or an eGRID
    subregion; left out: the carbon of the grid is not told."""
    carbon_price: MassPrice = Field(default=0.0, ge=0)
    """Paid for carbon dioxide of grid and fuel, such as ``50 USD/t``."""
    water_price: Annotated[str, quantity_or_name("price of volume")] | None = None
    """Price such as ``1.0 USD/m3``, or a catalog name (kind ``water_prices``); left out: the catalog's default."""
