"""The keys of a run's summary: unit, meaning and the page that says how each is found.

The table is data (``summary_keys.yaml``) and holds every key that a run may have; what is not in it is no summary key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

from clustersim import units
from clustersim.errors import InputError, nearest

_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
NO_QUANTITY = ("word", "yes/no")
"""Units of keys whose values are no quantities."""


@dataclass(frozen=True)
class SummaryKey:
    """What a key of the summary is."""

    name: str
    unit: str
    """Unit of the value in the summary; ``share`` (a part of one), ``1`` (a count), ``word`` or ``yes/no``."""
    meaning: str
    page: str
    """Page of the documentation, from the root of the repository."""
    identity: str | None = None
    """Arithmetic over other keys of the same summary that gives the value."""
    formula: str = ""
    """How the value is found, in words, where it is no arithmetic over other keys."""
    of: tuple[str, ...] = ()
    """Other keys that it follows from, besides those of the identity."""
    inputs: tuple[str, ...] = ()
    """Sections of the scenario that it depends on most directly."""
    catalog: tuple[str, ...] = ()
    """Kinds of the catalog whose figures enter."""

    @property
    def quantity(self) -> bool:
        """Whether values of the key are numbers."""
        return self.unit not in NO_QUANTITY

    @property
    def dimension(self) -> str | None:
        """Dimension in which text of the key is read (:data:`clustersim.units.TABLE`); None where it has no unit."""
        return "ratio" if self.unit == "share" else units.dimension_of(self.unit)

    @property
    def si_per_unit(self) -> float:
        """SI value of one unit of the summary."""
        return 1.0 if self.dimension is None or self.unit == "share" else units.TABLE[self.dimension][self.unit]


@cache
def summary_keys() -> Mapping[str, SummaryKey]:
    """Return every key of the summary by its name, in the order of the table."""
    text = resources.files("clustersim").joinpath("summary_keys.yaml").read_text(encoding="utf-8")
    pages = yaml.load(text, Loader=_Loader)  # noqa: S506 (a SafeLoader)
    return MappingProxyType(
        {name: _read(name, page, told) for page, keys in pages.items() for name, told in keys.items()}
    )


def unit_of(name: str) -> str:
    """Return the unit in which values of a key are written; ``-`` where there is none, or for no summary key."""
    known = summary_keys().get(name)
    return "-" if known is None or known.unit in (*NO_QUANTITY, "share", "1") else known.unit


def _read(name: str, page: str, told: dict[str, Any]) -> SummaryKey:
    return SummaryKey(
        name=name,
        unit=told["unit"],
        meaning=told["meaning"],
        page=page,
        identity=told.get("identity"),
        formula=told.get("formula", ""),
        of=tuple(told.get("from", ())),
        inputs=tuple(told.get("inputs", ())),
        catalog=tuple(told.get("catalog", ())),
    )


def summary_key(name: str) -> SummaryKey:
    """Return the key called `name`.

    Raises
    ------
    InputError
        If no run has such a key; the message names the nearest one.
    """
    try:
        return summary_keys()[name]
    except KeyError:
        raise InputError(f"expected a key of the summary, found {name!r}{nearest(name, summary_keys())}") from None
