"""What a place tells the room `operation` about a job: how many parts of each kind it depends on."""

from __future__ import annotations

import math
from collections.abc import Sequence

from clustersim import catalog
from clustersim.operation import JobFacts
from clustersim.plant.spec import ConversionStage
from clustersim.plant.stages import MAIN_SHARE
from clustersim.study.it_power import Pool
from clustersim.study.places.place import Place
from clustersim.study.step import StepStudy
from clustersim.workload import count_parameters
from clustersim.workload.footprint import OPTIMIZER_BYTES, WEIGHT_BYTES

CHECKPOINT_BYTES = round(WEIGHT_BYTES + OPTIMIZER_BYTES)
"""bf16 weight and fp32 master weight with two moments. [B per parameter]"""
FEED_KINDS = ("transformer", "ups")
"""Kinds of stage whose units are feeds; busways and what follows belong to racks."""


def job_facts(study: StepStudy, pool: Pool) -> JobFacts:
    """Return the job's sizes and the parts of the place that it depends on.

    Parameters
    ----------
    study : StepStudy
        The step with its plan and place.
    pool : Pool
        Independent runs of the step; mean and spread of the iteration time are theirs.

    Returns
    -------
    JobFacts
        Counts are those of the place (:func:`place_parts`) times the share of its accelerators that the plan uses,
        rounded. Without a count in the place's file a part has none: storage servers, feeds of a site whose every
        stage has a spare.
    """
    place, plan = study.place, study.plan
    share = plan.accelerators / study.accelerators
    parts = {name: round(share * count) for name, count in place_parts(place).items()}
    tpu = all(name.startswith("TPU") for name, _ in place.fleet_kinds)
    sites = place.topology.site
    racks = sum(_servers(place, name) / site.servers.servers_per_rack for name, site in sites.items())
    leaf = max(tree.endpoints_per_leaf / tree.site.server_accelerators for tree in place.fabric.sites)
    return JobFacts(
        gpus=plan.accelerators,
        servers=parts["servers"],
        step_time_s=pool.iteration_time_s,
        step_time_cv=pool.cv,
        checkpoint_bytes=CHECKPOINT_BYTES * count_parameters(study.model).total,
        family="tpu" if tpu else "gpu",
        # the published rates of TPU machines are of optical switches and cables of the pod, not of packet switches
        switches=0 if tpu else parts["switches"],
        links=0 if tpu else parts["links"],
        nics=parts["nics"],
        optics=parts["optics"],
        hbm_stacks=parts["hbm_stacks"],
        racks=math.ceil(share * racks),
        leaves=parts["leaves"],
        feeds=parts["feeds"],
        cooling_units=parts["cooling_units"],
        routes=parts["routes"],
        servers_per_rack=max(site.servers.servers_per_rack for site in sites.values()),
        servers_per_leaf=max(1, round(leaf)),
        servers_per_feed=max(1, round(parts["servers"] / parts["feeds"])) if parts["feeds"] else 1,
        # of replicas smaller than a server, those of a server fall together
        replicas=min(plan.data, parts["servers"]),
    )


def place_parts(place: Place) -> dict[str, float]:
    """Return how many parts of each kind the whole place has, by the names of :class:`JobFacts`.

    Network cards are one per accelerator, or one for all that share a port. Optical modules are those of the bill of
    materials at both ends of every link, copper assemblies left out, those of scale-up networks and between sites
    included. Stacks of memory are counted where the catalog has them for every kind of accelerator. Every hall has a
    cooling plant of its own: one chiller or tower of a plant may fail, and the others carry its heat.
    """
    trees = place.fabric.sites
    optics = sum(item.count for item in place.bill if _is_optic(item.item))
    return {
        "servers": sum(_servers(place, name) for name in place.topology.site),
        "switches": sum(tree.switches for tree in trees),
        "links": sum(tree.host_links for tree in trees),
        "nics": sum(math.ceil(tree.site.endpoints / tree.sharing) for tree in trees),
        "optics": optics,
        "hbm_stacks": _stacks(place),
        "leaves": sum(tree.count("leaf") for tree in trees),
        "feeds": sum(feeds_of(plant.conversion) for plant in place.topology.electrical.values()),
        "cooling_units": sum(place.topology.site[site].halls for site in place.topology.cooling),
        "routes": len(place.fabric.wan),
    }


def feeds_of(stages: Sequence[ConversionStage]) -> int:
    """Return the feeds of a site: units of the last transformer or UPS stage whose loss takes servers along.

    That is a stage without a spare unit that carries at least half of the load; 0 where there is none.
    """
    found = [
        stage.count
        for stage in stages
        if stage.redundancy == "N"
        and stage.share >= MAIN_SHARE
        and catalog.entry("facility", stage.stage).properties.get("kind") in FEED_KINDS
    ]
    return found[-1] if found else 0


def _servers(place: Place, site: str) -> float:
    found = place.topology.site[site]
    return found.accelerators / found.servers.accelerators_per_server


def _is_optic(item: str) -> bool:
    return item.startswith("optics ") or item.endswith("transceiver")


def _stacks(place: Place) -> int:
    fleet = [item for site in place.topology.site.values() for item in site.fleet]
    counted = [(catalog.entry("accelerators", item.accelerator), item.count) for item in fleet]
    if not all(entry.has("memory.stacks") for entry, _ in counted):
        return 0
    return sum(round(entry.si("memory.stacks")) * count for entry, count in counted)
