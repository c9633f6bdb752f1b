"""What the water that the cooling evaporates and drains costs."""

from __future__ import annotations

from clustersim import catalog, units
from clustersim.economics.prices import USER, Price, figure
from clustersim.errors import InputError

DEFAULT = "water_default"
DIMENSION = "price of volume"


def water_price(text: str | None) -> Price:
    """Return the price of water [USD/m3] that `text` states (``1.2 USD/m3``) or names; None: the catalog's default.

    Raises
    ------
    InputError
        If the name is unknown, or its figure is not a price of volume.
    """
    if text is not None and text[:1].isdigit():
        return Price(units.parse(text, DIMENSION), USER, False)
    name = text or DEFAULT
    found = catalog.entry("water_prices", name).figure("price")
    if found.unit not in units.TABLE[DIMENSION]:
        raise InputError(f"catalog water_prices {name!r}: expected a price of volume, found {found.unit}")
    return figure("water_prices", name, "price")
