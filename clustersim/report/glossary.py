"""The words that pages and reports use."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

import yaml

FILE = "glossary.yaml"


@cache
def glossary() -> Mapping[str, str]:
    """Return each word with its meaning, in alphabetical order."""
    text = resources.files("clustersim.report").joinpath(FILE).read_text(encoding="utf-8")
    found: dict[str, str] = yaml.safe_load(text)
    return MappingProxyType(dict(sorted(found.items(), key=lambda item: item[0].lower())))
