"""Tariffs of the catalog, written out with the source of every price."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from clustersim import catalog
from clustersim.catalog.records import Entry
from clustersim.catalog.store import sources
from clustersim.economics.spec_parts.tariff import TariffSpec
from clustersim.errors import InputError

KIND = "tariffs"
USER = "user"


@dataclass(frozen=True)
class Cited:
    """Where a price is from."""

    source: str = USER
    assumed: bool = False


@dataclass(frozen=True)
class Tariff:
    """A tariff with all its charges."""

    spec: TariffSpec
    """Without a name."""
    cited: dict[str, Cited] = field(default_factory=dict)
    """By the key of a price, such as ``energy.onpeak`` or ``demand.maximum``; the user's where it is not here."""

    def where_from(self, key: str) -> Cited:
        """Return where a price is from."""
        return self.cited.get(key, Cited())


def tariff_of(spec: TariffSpec) -> Tariff:
    """Return a tariff with all its charges; one that has a name takes them from the catalog.

    Raises
    ------
    InputError
        If there is no such tariff, or it needs a contract that `spec` does not give.
    """
    if spec.name is None:
        return Tariff(spec)
    entry = catalog.entry(KIND, spec.name)
    tree = _charges(entry) | {"past_demand": f"{spec.past_demand!r} W"}
    if spec.contract is not None:
        tree["contract"] = f"{spec.contract!r} W"
    try:
        whole = TariffSpec.model_validate(tree)
    except ValidationError as error:
        said = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise InputError(f"economics.tariff {spec.name}: {said}") from None
    return Tariff(whole, {key: _cited(entry, key) for key in entry.figures})


def _cited(entry: Entry, key: str) -> Cited:
    figure = entry.figure(key)
    known = sources(KIND)
    return Cited("; ".join(known[source].title for source in figure.source.split(", ")), figure.assumed)


def _charges(entry: Entry) -> dict[str, Any]:
    """Return the tree of a tariff: the structure is in the properties of its entry, every price in the figures."""
    said = entry.properties
    tree: dict[str, Any] = {"energy": [_energy(entry, body) for body in said["energy"]]}
    tree["demand"] = [_demand(entry, body) for body in said.get("demand", [])]
    for key in ("fixed", "rider", "export_credit"):
        if entry.has(key):
            tree[key] = entry.figure(key).text
    if "power_factor_law" in said:
        tree["power_factor"] = {"least": entry.figure("power_factor").text, "law": said["power_factor_law"]}
    return tree


def _energy(entry: Entry, body: dict[str, Any]) -> dict[str, Any]:
    key = f"energy.{body['name']}"
    blocks = [
        {"hours_use": width, "price": entry.figure(f"{key}.block_{number}").text}
        for number, width in enumerate(body.get("blocks", []), start=1)
    ]
    return {**body, "price": entry.figure(key).text, "blocks": blocks}


def _demand(entry: Entry, body: dict[str, Any]) -> dict[str, Any]:
    key = f"demand.{body['name']}"
    found = {**body, "price": entry.figure(key).text}
    for part, field_name in (("excess", "excess_price"), ("ratchet", "ratchet"), ("least_share", "least_share")):
        if entry.has(f"{key}.{part}"):
            found[field_name] = entry.figure(f"{key}.{part}").text
    return found
