"""Which rates answer for the fleet of a row, and which of their causes a published name means."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clustersim import catalog
from clustersim.operation.causes import Cause, failure_causes
from clustersim.operation.facts import JobFacts
from clustersim.study.tables.reliability_rows import KIND, ReliabilityRow
from clustersim.study.tables.row_fields import UnreadableError


@dataclass(frozen=True)
class Fleet:
    """The set of failure rates that answers for a row."""

    variant: str | None
    """Of the catalog kind ``reliability``; None: the default of the family."""
    own: bool
    """Whether the rates were published for this very fleet: then no spread between fleets."""


def fleet_of(row: ReliabilityRow) -> Fleet:
    """Return the rates of the fleet that a row names, else the default of its accelerator's family.

    Where the catalog has measured failures of jobs beside those of nodes, a time between failures of a job that was
    measured follows from the former; one that is projected, or of a job larger than the fleet, from the latter.
    """
    words = "; ".join((row.source, row.cluster, row.component))
    for item in catalog.entry(KIND, "fleets").properties["variants"]:
        if re.search(item["pattern"], words):
            measured = "jobs" in item and _measured_job(row, item["largest"])
            return Fleet(item["jobs" if measured else "variant"], own=True)
    return Fleet(None, own=False)


def _measured_job(row: ReliabilityRow, fleet: str) -> bool:
    if not re.match("MTTF|MTBF|MTBI", row.metric) or re.search("project", f"{row.notes}; {row.component}", re.I):
        return False
    return row.accelerators() <= catalog.entry(KIND, "cluster_sizes").si(fleet)


def causes_of(fleet: Fleet, facts: JobFacts) -> tuple[Cause, ...]:
    """Return the causes of failure that interrupt a job in the fleet; what only slows it down is no interruption."""
    return tuple(cause for cause in failure_causes(fleet.variant, facts) if cause.effect != "slow")


def group_of_name(name: str) -> str | None:
    """Return the group of causes that a published name means; None where no pattern of the catalog fits."""
    groups = catalog.entry(KIND, "causes").properties["groups"]
    return next((item["group"] for item in groups if re.search(item["pattern"], name, re.IGNORECASE)), None)


def group_of_cause(cause: str) -> str:
    """Return the group that a cause of the model belongs to: its own name unless the catalog says otherwise."""
    model: Mapping[str, str] = catalog.entry(KIND, "causes").properties["model"]
    return model.get(cause, cause)


def members(group: str, causes: Sequence[Cause]) -> tuple[list[int], str]:
    """Return the positions of the causes of a group, and the group in which they are counted.

    A group that none of the causes belongs to is counted in the one that the catalog folds it into, and so on.

    Raises
    ------
    UnreadableError
        If no cause belongs to any of them.
    """
    found = _members(group, causes)
    if found is None:
        raise UnreadableError(f"component: no cause of the rates belongs to {group!r}")
    return found


def has_members(group: str, causes: Sequence[Cause]) -> bool:
    """Return whether any of the causes is counted for a group."""
    return _members(group, causes) is not None


def _members(group: str, causes: Sequence[Cause]) -> tuple[list[int], str] | None:
    folded: Mapping[str, str] = catalog.entry(KIND, "causes").properties["folded"]
    name: str | None = group
    while name is not None:
        found = [number for number, cause in enumerate(causes) if group_of_cause(cause.name) == name]
        if found:
            return found, name
        name = folded.get(name)
    return None


def kind_of_name(name: str) -> str | None:
    """Return the kind, ``hardware`` or ``gpu``, that a published name means as a whole; None for single causes."""
    found = catalog.entry(KIND, "causes").properties["kinds"]
    return next((item["kind"] for item in found if re.search(item["pattern"], name, re.IGNORECASE)), None)


def named(name: str, causes: Sequence[Cause]) -> list[int]:
    """Return the positions of the causes that a published name means: a kind, one group, or all where it names none."""
    kind, group = kind_of_name(name), group_of_name(name)
    if kind is not None:
        return of_kind(kind, causes)
    return list(range(len(causes))) if group is None else members(group, causes)[0]


def of_kind(kind: str, causes: Sequence[Cause]) -> list[int]:
    """Return the positions of the causes that count as ``hardware`` or ``gpu``."""
    groups = kinds(kind)
    return [number for number, cause in enumerate(causes) if group_of_cause(cause.name) in groups]


def kinds(what: str) -> frozenset[str]:
    """Return the groups that count as ``hardware`` or ``gpu``."""
    groups = catalog.entry(KIND, "causes").properties["groups"]
    return frozenset(item["group"] for item in groups if item[what])
