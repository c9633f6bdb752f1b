"""What `operation` is told about the sites of a job and the fibre between them."""

from __future__ import annotations

from dataclasses import dataclass

from clustersim.operation.facts import JobFacts
from clustersim.training.cross_site import CrossSiteJob, PipelineCut


@dataclass(frozen=True)
class SiteFacts:
    """The share of the job that one site has."""

    name: str
    job: JobFacts
    """Its accelerators and servers; ``step_time_s`` is its step without any exchange between sites."""
    tokens_per_step: float
    """Of its share of the batch."""

    def __post_init__(self) -> None:
        """Check the range."""
        if not self.tokens_per_step > 0.0:
            raise ValueError(f"site {self.name}: expected tokens_per_step above 0, got {self.tokens_per_step:g}")


@dataclass(frozen=True)
class RouteFacts:
    """Fibre between two sites, and what the others are left with when it is cut."""

    a: str
    b: str
    bandwidth_without: float
    """Bandwidth of a site over the paths that are left; 0 where none joins all sites. [B/s]"""

    @property
    def name(self) -> str:
        """Both ends, as ``east-west``."""
        return f"{self.a}-{self.b}"


@dataclass(frozen=True)
class SitesFacts:
    """A job over several sites."""

    sites: tuple[SiteFacts, ...]
    exchange: CrossSiteJob
    """Parameters, layers, first forward and last backward, latency: what an exchange can hide behind."""
    bandwidth: float
    """Of a site, each direction, with all routes whole. [B/s]"""
    routes: tuple[RouteFacts, ...] = ()
    pipeline: PipelineCut | None = None
    """Of a pipeline across sites: what crosses."""
    lockstep_s: float | None = None
    """Step of all sites together in synchronous training at full speed, as a simulation of the step has it; None: that
    of the slowest site and what of `exchange` it does not hide. [s]"""

    def __post_init__(self) -> None:
        """Check that names are unique, ends exist and figures agree."""
        names = [site.name for site in self.sites]
        if len(names) < 2 or len(set(names)) != len(names):
            raise ValueError(f"expected two or more sites of different names, got {', '.join(names) or 'none'}")
        if self.exchange.sites != len(names):
            raise ValueError(f"expected an exchange among {len(names)} sites, got one among {self.exchange.sites}")
        if self.lockstep_s is not None and not self.lockstep_s > 0.0:
            raise ValueError(f"expected lockstep_s above 0, got {self.lockstep_s:g}")
        if self.bandwidth < 0.0 or any(route.bandwidth_without < 0.0 for route in self.routes):
            raise ValueError("bandwidths must not be negative")
        for route in self.routes:
            if unknown := {route.a, route.b} - set(names):
                raise ValueError(f"route {route.name}: no site {sorted(unknown)[0]!r}; there are {', '.join(names)}")

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the sites, in order."""
        return tuple(site.name for site in self.sites)


def parts_without(facts: SitesFacts, cut: frozenset[str]) -> tuple[tuple[str, ...], ...]:
    """Return the groups of sites that still reach each other when the routes of the names `cut` are gone.

    Groups and their members are in the order of the sites. A job without any route is one group: its fibre is not
    looked at.
    """
    if not facts.routes:
        return (facts.names,)
    group = {name: number for number, name in enumerate(facts.names)}
    for route in facts.routes:
        if route.name not in cut:
            kept, gone = sorted((group[route.a], group[route.b]))
            group = {name: kept if number == gone else number for name, number in group.items()}
    return tuple(tuple(name for name in facts.names if group[name] == number) for number in sorted(set(group.values())))


def bandwidth_without(facts: SitesFacts, cut: frozenset[str]) -> float:
    """Return the bandwidth of a site while the routes `cut` are gone; 0 where the sites are parted [B/s].

    Of several cuts at once the worst one counts, which is an upper bound on what is left.
    """
    if len(parts_without(facts, cut)) > 1:
        return 0.0
    left = [route.bandwidth_without for route in facts.routes if route.name in cut]
    return min([facts.bandwidth, *left])
