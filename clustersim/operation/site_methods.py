"""What a step and an outer step of each method cost, and the speed of the whole, without failures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from clustersim import catalog
from clustersim.errors import InputError, nearest
from clustersim.operation.site_facts import SitesFacts
from clustersim.operation.spec_parts.sites import ALONE_BETWEEN, SitesSpec
from clustersim.training.cross_site import Sync, exposed_s, pipeline_exposed_s

STREAMING = ("streaming_diloco", "decoupled_diloco")


@dataclass(frozen=True)
class SitePace:
    """How a site goes from one outer step to the next."""

    step_s: float
    """One step at the site's own speed. [s]"""
    steps: int
    """Steps from one outer step to the next."""


def exchange_of(spec: SitesSpec, facts: SitesFacts) -> Sync:
    """Return the exchange between sites that a method stands for, the catalog's figures where the user gives none.

    One step of synchronous training exchanges every gradient; DiLoCo every parameter each ``inner_steps``; the
    streaming methods a fragment each ``inner_steps / fragments``.
    """
    known = catalog.entry("networks", "cross_site_training")
    if spec.method not in ALONE_BETWEEN:
        return Sync("synchronous", spec.bits or known.si("gradient.bits"))
    period = float(spec.inner_steps or known.si("period"))
    if spec.method not in STREAMING:
        return Sync("diloco", spec.bits or known.si("outer.bits"), period)
    fragments = spec.fragments or max(1, round(facts.exchange.layers / known.si("fragment.layers")))
    if fragments > facts.exchange.layers:
        raise InputError(f"sites.fragments: expected at most one per layer, {facts.exchange.layers}, got {fragments}")
    delay = known.si("overlap.steps") if spec.overlap_steps is None else float(spec.overlap_steps)
    return Sync("streaming_diloco", spec.bits or known.si("outer.bits.fp4"), period, fragments, delay)


def speeds(spec: SitesSpec, facts: SitesFacts) -> tuple[float, ...]:
    """Return the speed of each site, in the order of the sites [-].

    Raises
    ------
    InputError
        If the user names a site that is not there.
    """
    for name in spec.speeds:
        if name not in facts.names:
            raise InputError(
                f"sites.speeds.{name}: expected a site of the place ({', '.join(facts.names)})"
                f"{nearest(name, facts.names)}"
            )
    return tuple(spec.speeds.get(name, 1.0) for name in facts.names)


def paces(spec: SitesSpec, facts: SitesFacts) -> tuple[SitePace, ...]:
    """Return the pace of each site between two outer steps, in the order of the sites.

    A site at speed s takes ``t_step / s`` for a step. Under the streaming methods each fragment is an outer step of its
    own, every ``H / P`` steps. Balanced, a site takes as many steps as fit into the time of the fastest one, at
    least one.
    """
    sync = exchange_of(spec, facts)
    between = max(1, round(sync.period / sync.fragments))
    steps_s = [site.job.step_time_s / speed for site, speed in zip(facts.sites, speeds(spec, facts), strict=True)]
    fastest = min(steps_s)
    return tuple(
        SitePace(step_s, max(1, round(between * fastest / step_s)) if spec.balanced else between) for step_s in steps_s
    )


def outer_exposed_s(spec: SitesSpec, facts: SitesFacts, bandwidth: float) -> float:
    """Return what every site waits for the exchange of one outer step, at a bandwidth per site [B/s], in seconds.

    Infinite without bandwidth. The wait is that of the slowest site's step (:mod:`clustersim.training.cross_site`).
    """
    if bandwidth <= 0.0:
        return math.inf
    sync = exchange_of(spec, facts)
    slowest = max(pace.step_s for pace in paces(spec, facts))
    job = replace(facts.exchange, step_s=slowest)
    return float(exposed_s(job, sync, bandwidth)) * sync.period / sync.fragments


def uneven_spread(spec: SitesSpec, facts: SitesFacts) -> float:
    """Return the spread of the time of a round over its mean: ``cv / sqrt(n)`` of n steps of that spread [-].

    Zero where the exchange has one step of overlap or more, which leave room for it.
    """
    if exchange_of(spec, facts).delay > 0.0:
        return 0.0
    own = zip(facts.sites, paces(spec, facts), strict=True)
    return max(site.job.step_time_cv / math.sqrt(pace.steps) for site, pace in own)


@lru_cache(maxsize=1024)
def expected_last_s(times_s: tuple[float, ...], spread: float) -> float:
    """Return the mean of the latest of normal times of means `times_s` and of that spread over their means [s].

    ``b - integral from a to b of the product of their distribution functions``, a and b six standard deviations out.

    Examples
    --------
    >>> round(expected_last_s((1.0, 1.0, 1.0), 0.1), 6), expected_last_s((1.0, 2.0), 0.0)
    (1.084628, 2.0)
    """
    if spread <= 0.0:
        return max(times_s)
    means = np.array(times_s)
    x = np.linspace((means * (1.0 - 6.0 * spread)).max(), means.max() * (1.0 + 6.0 * spread), 601)
    z = (x[:, None] / means - 1.0) / (spread * math.sqrt(2.0))
    below = 0.5 * (1.0 + np.array([[math.erf(value) for value in row] for row in z.tolist()]))
    return float(x[-1] - np.trapezoid(below.prod(axis=1), x))


def common_step_s(
    spec: SitesSpec,
    facts: SitesFacts,
    bandwidth: float,
    present: Sequence[str] | None = None,
    slowed: Mapping[str, float] | None = None,
) -> float:
    """Return a step that all sites take together, at a bandwidth per site [B/s], in seconds.

    ``max over sites of t_step / speed + what of the exchange is not hidden``: the slowest site governs; one site alone
    exchanges nothing. Sites that take over the part of missing ones (``rescale``) compute for as much longer.

    Parameters
    ----------
    spec, facts
        Method and sites.
    bandwidth : float
        Of a site, each direction. [B/s]
    present : sequence of str, optional
        Sites that take part; all unless given.
    slowed : mapping of str to float, optional
        Further factor on the speed of single sites. [-]

    Raises
    ------
    InputError
        If a pipeline across sites is asked for and the facts have none.
    """
    taking = facts.names if present is None else tuple(present)
    own = {name: pace.step_s for name, pace in zip(facts.names, paces(spec, facts), strict=True)}
    step_s = max(own[name] / (slowed or {}).get(name, 1.0) for name in taking)
    if spec.on_site_loss == "rescale":
        step_s *= tokens_per_step(facts) / tokens_per_step(facts, taking)
    if len(taking) < 2:
        return step_s
    if bandwidth <= 0.0:
        return math.inf
    if spec.method == "pipeline":
        if facts.pipeline is None:
            raise InputError("sites.method: a pipeline across sites needs a plan whose stages lie at several sites")
        return step_s + float(pipeline_exposed_s(facts.pipeline, step_s, bandwidth, facts.exchange.latency_s))
    job = replace(facts.exchange, step_s=step_s, sites=len(taking))
    return step_s + float(exposed_s(job, exchange_of(spec, facts), bandwidth))


def tokens_per_step(facts: SitesFacts, present: Sequence[str] | None = None) -> float:
    """Return the tokens of one step of the sites `present`, of all unless given."""
    return math.fsum(site.tokens_per_step for site in facts.sites if present is None or site.name in present)


def lockstep_tokens_per_s(
    spec: SitesSpec,
    facts: SitesFacts,
    bandwidth: float,
    present: Sequence[str] | None = None,
    slowed: Mapping[str, float] | None = None,
) -> float:
    """Return the tokens per time of sites in lock-step; arguments as for :func:`common_step_s`. [1/s]"""
    taking = facts.names if present is None else tuple(present)
    if not taking:
        return 0.0
    step_s = common_step_s(spec, facts, bandwidth, taking, slowed)
    return tokens_per_step(facts, None if spec.on_site_loss == "rescale" else taking) / step_s
