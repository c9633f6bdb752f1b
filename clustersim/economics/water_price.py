"""What the water that the cooling evaporates and drains costs."""

from __future__ import annotations

from clustersim.economics.prices import Price, price_of

DEFAULT = "water_default"


def water_price(text: str | None) -> Price:
    """Return the price of water [USD/m3] that `text` states (``1.2 USD/m3``) or names; None: the catalog's default.

    Raises
    ------
    InputError
        If the name is unknown, or its figure is not a price of volume.
    """
    return price_of(text, DEFAULT, "price of volume", "water_prices")
