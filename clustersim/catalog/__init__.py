"""Sourced facts: every constant of the program is a figure with unit, band, source and confidence.

One YAML file per kind under ``catalog/data``; see :mod:`clustersim.catalog.records` for the record and
:mod:`clustersim.catalog.store` for look-up by name or alias.
"""

from clustersim.catalog.reads import Read
from clustersim.catalog.records import ASSUMED_BAND, Confidence, Entry, Figure, Source
from clustersim.catalog.store import (
    catalog_cache,
    catalog_digest,
    catalog_files,
    derived_from_catalog,
    entries,
    entry,
    kinds,
    overlays,
    recorded,
    recorded_digest,
    shipped_entries,
    sources,
    use_overlays,
)

__all__ = [
    "ASSUMED_BAND",
    "Confidence",
    "Entry",
    "Figure",
    "Read",
    "Source",
    "catalog_cache",
    "catalog_digest",
    "catalog_files",
    "derived_from_catalog",
    "entries",
    "entry",
    "kinds",
    "overlays",
    "recorded",
    "recorded_digest",
    "shipped_entries",
    "sources",
    "use_overlays",
]
