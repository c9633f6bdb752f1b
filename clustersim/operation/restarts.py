"""How long it takes from the end of detection until every rank is there: full and in-job restarts, collectives."""

from __future__ import annotations

import math

from clustersim import catalog
from clustersim.errors import CatalogError, nearest
from clustersim.operation.facts import Family

DEFAULT_LAW: dict[Family, str] = {"gpu": "restart-gpu", "tpu": "restart-tpu"}
DEFAULT_COLLECTIVES = "collectives-linear"
IN_JOB = "restart-in-job"
"""Processes start again where they are; nothing is scheduled and no container is made."""
KINDS = ("reliability", "recovery")
FAR = 2.0
"""A law used beyond so many times the largest job that it was fitted on is worth a word. [-]"""


def _law(name: str, needs: str) -> catalog.Entry:
    """Return the entry called `name`, which must be a law with the figure `needs`."""
    everything = {key: value for kind in KINDS for key, value in catalog.entries(kind).items()}
    if name not in everything:
        laws = [key for key, value in everything.items() if value.has(needs)]
        raise CatalogError(f"unknown law {name!r}{nearest(name, laws)}; use one of {', '.join(laws)}")
    if not everything[name].has(needs):
        laws = [key for key, value in everything.items() if value.has(needs)]
        raise CatalogError(f"catalog entry {name!r} has no {needs}; use one of {', '.join(laws)}")
    return everything[name]


def restart_time(law: str | None, family: Family, ranks: int, collectives: str | None = None) -> float:
    """Return the time [s] from the end of detection until every rank is ready to load the checkpoint.

    ``max(floor, base + per_rank * ranks)``: starting containers takes a constant time, building communicators and the
    rendezvous one that grows with the ranks. The coefficients are least squares fits to published cold restarts and
    start-up times (their rows are in the notes of the catalog entries ``restart-*``). Of ``restart-in-job`` it is a
    base and the time of :func:`collective_init_time`, by the law `collectives` where one is given.

    Raises
    ------
    CatalogError
        If the law is unknown, or is the in-job one and the job has no GPUs.

    Examples
    --------
    >>> round(restart_time("restart-gpu-meta", "gpu", 16384))
    200
    """
    name = law or DEFAULT_LAW[family]
    if name == IN_JOB:
        entry = _law(name, "base")
        if family != entry.properties["family"]:
            raise CatalogError(
                f"{name}: no time to build the collectives of a {family} job again is published; "
                "give operation.recovery.reconfigure_time or operation.restart_time"
            )
        return entry.si("base") + collective_init_time(collectives or entry.properties["collectives"], ranks)
    entry = _law(name, "per_rank")
    return max(entry.si("floor"), entry.si("base") + entry.si("per_rank") * ranks)


def collective_init_time(law: str | None, ranks: int) -> float:
    """Return the time [s] in which `ranks` ranks build their communicators again.

    ``max(floor, base + growth * (ranks / reference_ranks) ** exponent)``, through the two published times of one
    cluster (REL-0050 and REL-0052): a straight line by default, a power law as ``collectives-power``.

    Raises
    ------
    CatalogError
        If the law is unknown.

    Examples
    --------
    >>> round(collective_init_time(None, 22528))
    30
    """
    entry = _law(law or DEFAULT_COLLECTIVES, "growth")
    grown = entry.si("growth") * math.pow(ranks / entry.si("reference_ranks"), entry.si("exponent"))
    return max(entry.si("floor"), entry.si("base") + grown)


def far_from_its_rows(law: str | None, family: Family, ranks: int, collectives: str | None = None) -> str | None:
    """Return a sentence when a law is used far beyond the jobs that it was fitted on; None when it is not."""
    name = law or DEFAULT_LAW[family]
    ranges = catalog.entry("recovery", "fitted-ranks")
    if not ranges.has(name) or ranks <= FAR * ranges.si(name):
        return None
    seconds = (
        collective_init_time(name, ranks)
        if name.startswith("collectives-")
        else restart_time(name, family, ranks, collectives)
    )
    full = name.startswith("restart-") and name != IN_JOB
    advice = "; jobs of that size are run so that they recover without a full restart" if full else ""
    largest = f"jobs of at most {ranges.si(name):,.0f}"
    return f"{name}: {seconds:.0f} s at {ranks:,} ranks is extrapolated from {largest}{advice}"
