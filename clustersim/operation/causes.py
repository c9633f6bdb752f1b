"""What can fail under a job, how often, how soon it is noticed and what it takes down: from catalog and facts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from clustersim import catalog
from clustersim.errors import CatalogError, nearest
from clustersim.operation.facts import Family, JobFacts
from clustersim.operation.lives import Life, life_of_mean, life_of_observed_rate
from clustersim.operation.spec_parts.failures import DomainOutageSpec, FailureSpec

NONE = "none"
DEFAULT_RATES: dict[Family, str] = {"gpu": "meta-h100", "tpu": "tpu-v4"}
Effect = Literal["stop", "slow", "silent"]
Domain = Literal["server", "rack", "leaf", "feed", "building", "route", "job"]


@dataclass(frozen=True)
class Cause:
    """One kind of failure of `count` equal, independent components."""

    name: str
    part: str
    """What breaks: gpu, hbm, nic, optic, link, switch, host, job and so on."""
    count: int
    """Components of that kind that the job depends on."""
    life: Life
    """Life of one of them."""
    detection_s: float
    """Time from the fault until it is noticed: the ranks wait in it where the effect is ``stop``. [s]"""
    replaces_server: bool
    """Whether a spare server must take the place of the failed one."""
    effect: Effect = "stop"
    """``stop``: the synchronous job falls; ``slow``: it trains on at `slow_fraction` until the fault is found;
    ``silent``: it trains on, and what it did since the fault is worthless."""
    domain: Domain = "server"
    """What falls together: one server, a contiguous block of servers, or nothing but the job's processes. A building is
    one of `count` equal parts of the place."""
    repair: str = "none"
    """Class of the repair work; ``none``: nothing to repair."""
    slow_fraction: float = 1.0
    """Of effect ``slow``: speed of the whole job that is left. [-]"""
    outage_s: float = 0.0
    """Time until a domain larger than a server works again. [s]"""
    age_s: float = 0.0
    """Age of the components when the job begins. [s]"""

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.count < 1 or min(self.detection_s, self.outage_s, self.age_s) < 0.0:
            raise ValueError(f"cause {self.name}: expected a count above 0 and no negative time")
        if self.effect not in get_args(Effect) or self.domain not in get_args(Domain):
            raise ValueError(f"cause {self.name}: unknown effect {self.effect!r} or domain {self.domain!r}")
        if self.outage_s > 0.0 and self.effect != "stop":
            raise ValueError(f"cause {self.name}: expected an outage with effect stop only")
        if not 0.0 < self.slow_fraction <= 1.0 or (self.slow_fraction < 1.0 and self.effect != "slow"):
            raise ValueError(f"cause {self.name}: expected a slow_fraction in (0, 1], below 1 with effect slow only")

    @property
    def rate_per_s(self) -> float:
        """Failures of all components per time in the long run, each one replaced when it fails. [1/s]"""
        return self.count / self.life.mean_s

    def mean_rate_per_s(self, horizon_s: float) -> float:
        """Return the expected first failures of the components over the horizon, per time. [1/s]

        ``count (H(age + horizon) - H(age)) / horizon``: equal to `rate_per_s` where the life is exponential.
        """
        if self.life.memoryless:
            return self.rate_per_s
        hazard = self.life.cumulative_hazard([self.age_s, self.age_s + horizon_s])
        return self.count * float(hazard[1] - hazard[0]) / horizon_s


def failure_causes(
    variant: str | None,
    facts: JobFacts,
    scale: float = 1.0,
    *,
    spec: FailureSpec | None = None,
    factors: Mapping[str, float] | None = None,
) -> tuple[Cause, ...]:
    """Return the independent causes of failure of a job.

    A cause of the catalog has either a rate per component of its own (``rate.<cause>``) or a share of the rate of a
    server (``rate.server * share / components per server``, shares normalised to one); the facts say how many
    components there are. A cause without components, or without a rate, is left out: twice the
    components fail twice as often, each kind by its own count.

    Parameters
    ----------
    variant : str or None
        Catalog name (kind ``reliability``), ``"none"`` for no failures, None for the family's default.
    facts : JobFacts
        Counts of components and family of the job.
    scale : float
        Factor on every rate of the variant. [-]
    spec : FailureSpec, optional
        Ages, early life and outages of domains; left out: exponential lives, no further outages.
    factors : mapping of cause to float, optional
        Further factor on the rate of single causes, as of :func:`clustersim.operation.rate_uncertainty.draw_factors`;
        a cause that is not named keeps its rate. [-]

    Returns
    -------
    tuple of Cause
        In the order of the catalog; outages of the spec's domains last, in its order.

    Raises
    ------
    CatalogError
        If the variant is unknown or is not a set of failure rates.
    """
    asked = spec or FailureSpec()
    outages = tuple(_outage(outage, facts) for outage in asked.domains if count_of(outage.domain, facts) > 0)
    if variant == NONE:
        return outages
    entry = rates_entry(variant, facts.family)
    rates = rates_per_component(entry)
    found = []
    for name, record in entry.properties["causes"].items():
        count = getattr(facts, record.get("counted", "servers"))
        rate = scale * (factors or {}).get(name, 1.0) * rates[name]
        if count > 0 and rate > 0.0:
            found.append(_cause(entry, name, count, rate, asked))
    return (*found, *outages)


def count_of(domain: Domain, facts: JobFacts) -> int:
    """Return how many domains of a kind the job stands in."""
    counts: dict[Domain, int] = {
        "server": facts.servers,
        "rack": facts.racks,
        "leaf": facts.leaves,
        "feed": facts.feeds,
        "building": 1,
        "route": facts.routes,
        "job": 1,
    }
    return counts[domain]


def rates_entry(variant: str | None, family: Family) -> catalog.Entry:
    """Return the catalog entry of a set of failure rates; None is the family's default.

    Raises
    ------
    CatalogError
        If the variant is unknown or is not a set of failure rates.
    """
    sets = {key: value for key, value in catalog.entries("reliability").items() if "causes" in value.properties}
    name = variant or DEFAULT_RATES[family]
    aliases = {alias for value in sets.values() for alias in value.aliases}
    if name not in sets and name not in aliases:
        known = [NONE, *sets]
        raise CatalogError(f"unknown failure rates {name!r}{nearest(name, known)}; use one of {', '.join(known)}")
    return catalog.entry("reliability", name)


def rates_per_component(entry: catalog.Entry) -> dict[str, float]:
    """Return the rate [1/s] of each cause per component, in the order of the catalog."""
    causes = entry.properties["causes"]
    total = math.fsum(entry.si(f"share.{name}") for name in causes if entry.has(f"share.{name}"))
    return {
        name: entry.si(f"rate.{name}")
        if entry.has(f"rate.{name}")
        else entry.si("rate.server") * entry.si(f"share.{name}") / total / record.get("per_server", 1)
        for name, record in causes.items()
    }


def _cause(entry: catalog.Entry, name: str, count: int, rate: float, spec: FailureSpec) -> Cause:
    """Return the cause of `count` components that fail at `rate` each."""
    record: Mapping[str, Any] = entry.properties["causes"][name]
    return Cause(
        name=name,
        part=record["part"],
        count=count,
        life=_life(record, rate, spec),
        detection_s=catalog.entry("reliability", "detection").si(record["detected_as"]),
        replaces_server=record.get("replaces_server", False),
        effect=record.get("effect", "stop"),
        domain=record.get("domain", "server"),
        repair=record.get("repair", "none"),
        slow_fraction=1.0 - entry.si(f"slowdown.{name}") if entry.has(f"slowdown.{name}") else 1.0,
        outage_s=entry.si(f"outage.{name}") if entry.has(f"outage.{name}") else 0.0,
        age_s=spec.age or 0.0,
    )


def _life(record: Mapping[str, Any], rate: float, spec: FailureSpec) -> Life:
    """Return the life of a component whose published rate is `rate`: exponential unless ages are asked for.

    A published rate is a mean over the ages that its fleet had. A life with a falling hazard has that mean over the
    catalog's span of observed ages; early mortality comes on top of it.
    """
    if spec.age is None or not record.get("ages", False):
        return life_of_mean(1.0 / rate)
    lives = catalog.entry("reliability", "lives")
    life = life_of_observed_rate(rate, lives.si("shape"), lives.si("observed_from"), lives.si("observed_to"))
    if not spec.early_life or not record.get("early", False):
        return life
    window = lives.si("early_window")
    excess = life_of_observed_rate((lives.si("early_ratio") - 1.0) * rate, lives.si("early_shape"), 0.0, window)
    return replace(life, early_scale_s=excess.scale_s, early_shape=excess.shape)


def _outage(spec: DomainOutageSpec, facts: JobFacts) -> Cause:
    """Return the outages of a kind of domain that the user asks for; a loss of power is seen as a lost accelerator."""
    return Cause(
        name=f"{spec.domain}_outage",
        part=spec.domain,
        count=count_of(spec.domain, facts),
        life=life_of_mean(spec.every),
        detection_s=catalog.entry("reliability", "detection").si("gpu_lost"),
        replaces_server=False,
        domain=spec.domain,
        outage_s=spec.outage,
    )
