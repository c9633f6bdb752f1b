"""How often a job fails, why, and how soon that is noticed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from clustersim import catalog
from clustersim.errors import CatalogError, nearest
from clustersim.operation.facts import Family, JobFacts

NONE = "none"
DEFAULT_RATES: dict[Family, str] = {"gpu": "meta-h100", "tpu": "tpu-v4"}


@dataclass(frozen=True)
class Cause:
    """One independent Poisson source of interruptions of the whole job."""

    name: str
    rate_per_s: float
    detection_s: float
    """Time from the fault until the job is torn down; the ranks wait in it. [s]"""
    replaces_server: bool
    """Whether a spare server must take the place of the failed one."""


def failure_causes(variant: str | None, facts: JobFacts, scale: float = 1.0) -> tuple[Cause, ...]:
    """Return the independent sources of failure of a job.

    The rate of a cause is ``scale * servers * rate.server * share``, shares normalised to one; a variant that states
    ``rate.link`` and ``rate.switch`` has one more source for all links and one for all switches. One failed server,
    link or switch interrupts the whole synchronous job.

    Parameters
    ----------
    variant : str or None
        Catalog name (kind ``reliability``), ``"none"`` for no failures, None for the family's default.
    facts : JobFacts
        Servers, links, switches and family of the job.
    scale : float
        Factor on every rate. [-]

    Returns
    -------
    tuple of Cause
        In the order of the catalog.

    Raises
    ------
    CatalogError
        If the variant is unknown or is not a set of failure rates.
    """
    if variant == NONE:
        return ()
    known = [NONE, *(key for key, value in catalog.entries("reliability").items() if value.has("rate.server"))]
    name = variant or DEFAULT_RATES[facts.family]
    aliases = {alias for key in known[1:] for alias in catalog.entry("reliability", key).aliases}
    if name not in known and name not in aliases:
        raise CatalogError(f"unknown failure rates {name!r}{nearest(name, known)}; use one of {', '.join(known)}")
    entry = catalog.entry("reliability", name)
    shares = {key.removeprefix("share."): f.value for key, f in entry.figures.items() if key.startswith("share.")}
    total = math.fsum(shares.values())
    server_rate = scale * facts.servers * entry.si("rate.server")
    rates = {cause: server_rate * share / total for cause, share in shares.items()}
    rates |= {
        part: scale * count * entry.si(f"rate.{part}")
        for part, count in (("link", facts.links), ("switch", facts.switches))
        if entry.has(f"rate.{part}")
    }
    detection = catalog.entry("reliability", "detection")
    return tuple(
        Cause(
            name=cause,
            rate_per_s=rate,
            detection_s=detection.si(entry.properties["detected_as"][cause]),
            replaces_server=cause in entry.properties["replaces_server"],
        )
        for cause, rate in rates.items()
        if rate > 0.0
    )
