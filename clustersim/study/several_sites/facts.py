"""The sites of a job as `operation` sees them: the share of each, and the fibre between them."""

from __future__ import annotations

from dataclasses import replace

from clustersim.errors import InputError
from clustersim.operation.facts import COUNTS, JobFacts
from clustersim.operation.site_facts import RouteFacts, SiteFacts, SitesFacts
from clustersim.study.it_power import Pool
from clustersim.study.operation_facts import job_facts
from clustersim.study.several_sites.cross_site import BetweenSites, between_sites
from clustersim.study.several_sites.pipeline import pipeline_sites
from clustersim.study.step import StepStudy
from clustersim.training.network import units_per_site


def sites_facts(study: StepStudy, pool: Pool) -> SitesFacts:
    """Return the share of the job at every site that the plan uses, and what an exchange between them needs.

    A site has the part of the job's servers, switches and other parts that it has of its accelerators; its step is the
    job's less the exchange between sites that no compute hides. A route that is cut leaves the bandwidth over the paths
    that are left (:func:`~clustersim.study.several_sites.cross_site.fibre_cuts`), none where it parts the sites.

    Raises
    ------
    InputError
        If the plan uses one site alone.
    """
    between = between_sites(study, pool.iteration_time_s)
    if between is None:
        raise InputError(
            f"operation.sites: expected a job over several sites, found that its plan uses one of "
            f"{study.place.topology.name}"
        )
    whole = job_facts(study, pool)
    asked = study.scenario.operation.sites
    if asked is not None and asked.method == "pipeline":
        return _of_pipeline(study, whole, between, pool.iteration_time_s - between.exposed_s)
    units = units_per_site(study.plan, study.place.network)
    sites = tuple(
        SiteFacts(
            name,
            _share(whole, count / sum(units), pool.iteration_time_s - between.exposed_s),
            study.tokens_per_step * count / sum(units),
        )
        for name, count in zip(study.place.topology.site, units, strict=True)
        if count
    )
    return SitesFacts(sites, between.job, between.bandwidth, _routes(between), lockstep_s=pool.iteration_time_s)


def _of_pipeline(study: StepStudy, whole: JobFacts, between: BetweenSites, step_s: float) -> SitesFacts:
    found = pipeline_sites(study)
    sites = []
    for name, count in zip(study.place.topology.site, found.stages, strict=True):
        share = count / study.plan.pipeline
        part = _share(whole, share, step_s)
        saved = replace(part, checkpoint_bytes=whole.checkpoint_bytes * share)
        sites.append(SiteFacts(name, saved, study.tokens_per_step * share))
    exchange = replace(between.job, sites=len(sites), latency_s=found.latency_s)
    return SitesFacts(tuple(sites), exchange, found.bandwidth, found.routes, found.cut)


def _share(whole: JobFacts, share: float, step_s: float) -> JobFacts:
    counts = {name: round(getattr(whole, name) * share) for name in ("gpus", "servers", *COUNTS)}
    replicas = min(max(1, round(whole.replicas * share)), counts["servers"])
    return replace(whole, **counts | {"routes": 0, "replicas": replicas}, step_time_s=step_s)


def _routes(between: BetweenSites) -> tuple[RouteFacts, ...]:
    """Return the routes in order of their names."""
    whole = [cut for cut in between.cuts if cut.lost == 1.0]
    return tuple(
        RouteFacts(cut.a, cut.b, 0.0 if cut.parted else cut.bandwidth)
        for cut in sorted(whole, key=lambda cut: (cut.a, cut.b))
    )
