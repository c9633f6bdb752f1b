"""Fuels of generators: which one a class burns, and its higher over its lower heating value."""

from __future__ import annotations

from clustersim.catalog.records import Entry
from clustersim.catalog.store import entries, entry
from clustersim.errors import InputError

GAS = "natural_gas"
"""What a class burns that names no fuel."""


def fuel_burned(kind: str) -> str:
    """Return the fuel that a class of generators burns."""
    found = entries("fuel").get(kind)
    return GAS if found is None else str(found.properties.get("fuel", GAS))


def heating_values(kind: str) -> Entry:
    """Return the entry with ``hhv_over_lhv`` of what a class of generators burns: its own, else that of natural gas.

    Raises
    ------
    InputError
        If the class burns another fuel and has no such figure.
    """
    own = entries("fuel").get(kind)
    if own is not None and own.has("hhv_over_lhv"):
        return own
    fuel = fuel_burned(kind)
    if fuel != GAS:
        raise InputError(
            f"catalog fuel {kind}: hhv_over_lhv: expected the higher over the lower heating value of {fuel}, found none"
        )
    return entry("prices", GAS)
