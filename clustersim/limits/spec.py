"""What the user says about rules: which packs judge the result, other limits, rules of their own."""

from __future__ import annotations

from pydantic import Field

from clustersim.limits.spec_parts.pack_file import is_pack, pack_rules
from clustersim.limits.spec_parts.rule import MEASURES, OF_POWER_ALONE, Measure, MeasureKind, Rule, Status, given
from clustersim.spec import Spec

__all__ = [
    "MEASURES",
    "OF_POWER_ALONE",
    "LimitsSpec",
    "Measure",
    "MeasureKind",
    "Rule",
    "Status",
    "given",
    "is_pack",
    "pack_rules",
]


class LimitsSpec(Spec):
    """The rules that judge the result."""

    packs: tuple[str, ...] = ("standard",)
    """Names of shipped packs, such as ``standard``, ``ercot-lel``, ``southern``, ``spp``, ``island`` (all of them:
    ``clustersim catalog limits``), and paths of pack files from the scenario's folder."""
    overrides: dict[str, str] = Field(default_factory=dict)
    """Other limits for rules of the packs, by rule id: ``{southern-ramp: 30 MW/min}``."""
    skip: tuple[str, ...] = ()
    """Ids of rules that are left out."""
    rules: tuple[Rule, ...] = ()
    """Further rules."""
