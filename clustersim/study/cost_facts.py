"""What the cost of a run depends on: counts, powers, energies, what damps, what failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from clustersim import catalog
from clustersim.economics.facts import Accelerators, Battery, CostFacts, DampingEquipment, Generators, MeterCourse
from clustersim.operation import Timeline
from clustersim.plant import battery_energy_j, dispatch_shares, generator_rating_w
from clustersim.power.spec import HybridStorage, MeterStrategy, PsuStorage, RackStorage
from clustersim.study.energy_hours import meter_records
from clustersim.study.findings import Findings
from clustersim.study.generation import GroupRun, generation
from clustersim.study.places.place import Place
from clustersim.study.site.findings import SiteFindings
from clustersim.study.wear import worn_batteries
from clustersim.units import YEAR_S

LITRES = 1e3
"""Of a cubic metre."""
OF_ACCELERATORS = ("gpu", "hbm")
"""Causes of an interruption that are an accelerator's or its memory's."""


def cost_facts(findings: SiteFindings, tokens_per_s: float, goodput: float) -> CostFacts:
    """Return what the cost of a run depends on.

    Parameters
    ----------
    findings : SiteFindings
        Energies and the place.
    tokens_per_s : float
        While the job trains; 0 without a job. [1/s]
    goodput : float
        Share of the horizon in which work was done that counted. [-]
    """
    place = findings.study.place
    kinds = _accelerators(place)
    horizon = findings.horizon_s
    runs = generation(findings)
    job = findings if isinstance(findings, Findings) else None
    return CostFacts(
        accelerators=kinds,
        network_usd=place.network_usd,
        provisioned_it_w=sum(findings.provisioned.values()),
        mean_it_w=findings.it_energy_j / horizon,
        horizon_s=horizon,
        grid_energy_j=findings.grid_energy_j,
        tokens_per_s=tokens_per_s,
        goodput=goodput,
        generators=tuple(_generators(findings, runs)),
        batteries=tuple(_batteries(findings)),
        fibre_m=sum(route.built_m for route in place.fabric.wan),
        damping_energy_j=max(0.0, findings.damping_energy_j),
        damping_equipment=tuple(_equipment(findings)),
        throughput_loss=0.0 if job is None else max(0.0, job.throughput_loss),
        spare_servers=0.0 if job is None else _spares(job),
        meters=_meters(findings),
        water_m3=sum(record.cooling.water_l for record in findings.history.values()) / LITRES,
        fuel_co2_kg=sum(run.burned.co2_kg for run in runs),
        failures=() if job is None else _failures(job.timeline, kinds),
    )


def _accelerators(place: Place) -> tuple[Accelerators, ...]:
    kinds: dict[str, list[float]] = {}
    for site in place.topology.site.values():
        for item in site.fleet:
            name = catalog.entry("accelerators", item.accelerator).name
            counts = kinds.setdefault(name, [0, 0])
            counts[0] += item.count
            counts[1] += item.count / site.servers.accelerators_per_server
    return tuple(Accelerators(name, int(count), round(servers)) for name, (count, servers) in kinds.items())


def _generators(findings: SiteFindings, runs: Sequence[GroupRun]) -> Iterator[Generators]:
    burned = {(run.site, run.units): run.burned.fuel_j for run in runs}
    generated = findings.generator_energy_j
    for site, plant in findings.study.place.topology.electrical.items():
        shares = dispatch_shares(*plant.generators)
        for units, share in zip(plant.generators, shares, strict=True):
            energy, fuel = share * generated[site], burned.get((site, units), 0.0)
            yield Generators(units.type, generator_rating_w(units), energy, fuel)


def _batteries(findings: SiteFindings) -> Iterator[Battery]:
    worn = worn_batteries(findings)
    for site, plant in findings.study.place.topology.electrical.items():
        if plant.battery is None:
            continue
        wear = worn.get(site)
        life = None if wear is None else wear.lives_years[0] * YEAR_S
        yield Battery(plant.battery.type, battery_energy_j(plant.battery), life, wear is not None)


def _equipment(findings: SiteFindings) -> Iterator[DampingEquipment]:
    """Yield what the scenario's damping adds to the site besides its battery; sizes of all units together."""
    place = findings.study.place
    count, sites = place.accelerators, len(findings.sites)
    for strategy in findings.study.scenario.damping:
        match strategy:
            case PsuStorage():
                each = strategy.energy_per_accelerator
                if each is None:
                    each = catalog.entry("batteries", "psu_capacitor").si("energy_per_accelerator")
                yield DampingEquipment("PSU storage", "psu_storage", count * each, 0.0)
            case RackStorage():
                energy, power = strategy.energy_per_accelerator, strategy.power_per_accelerator
                yield DampingEquipment("rack storage", "rack_storage", count * energy, count * power)
            case HybridStorage():
                rack = strategy.at == "rack"
                many = _racks(place) if rack else sites
                capacitor = many * strategy.capacitor_energy, many * strategy.capacitor_power
                cells = many * strategy.battery_energy, many * strategy.battery_power
                of_rack = ("rack_storage", "rack_storage") if rack else ("site_capacitor", "site_cells")
                yield DampingEquipment("hybrid storage capacitor", of_rack[0], *capacitor, rack)
                yield DampingEquipment("hybrid storage battery", of_rack[1], *cells, rack)
            case MeterStrategy():
                for one in strategy.equipment():
                    yield DampingEquipment(one.name, one.price, sites * one.energy_j, sites * one.power_w, False)
            case _:
                # the site's battery is a part of the place; all else is control
                continue


def _meters(findings: SiteFindings) -> tuple[MeterCourse, ...]:
    """Return the course of the power at each site's meter where a tariff needs it."""
    spec = findings.study.scenario.economics
    if spec.tariff is None or findings.uncarried is not None:
        return ()
    records = meter_records(findings, spec.billing_start).values()
    return tuple(
        MeterCourse(tuple(one.edges_s.tolist()), tuple(one.watts.tolist()), one.power_factor) for one in records
    )


def _spares(job: Findings) -> float:
    """Return the spare servers of the operation that are not among those that the plan leaves idle. [-]"""
    asked = job.study.scenario.operation.spare_servers
    sites = job.study.place.topology.site.values()
    servers = sum(site.accelerators / site.servers.accelerators_per_server for site in sites)
    idle = servers * (1.0 - job.study.plan.accelerators / job.study.accelerators)
    return max(0.0, (asked or 0) - idle)


def _racks(place: Place) -> float:
    return sum(
        site.accelerators / site.servers.accelerators_per_server / site.servers.servers_per_rack
        for site in place.topology.site.values()
    )


def _failures(timeline: Timeline, kinds: tuple[Accelerators, ...]) -> tuple[tuple[str, int], ...]:
    """Return the interruptions by type of accelerator: those of all types shared out by their numbers."""
    struck = sum(timeline.interruptions_by_cause.get(cause, 0) for cause in OF_ACCELERATORS)
    everything = sum(kind.count for kind in kinds)
    return tuple((kind.name, round(struck * kind.count / everything)) for kind in kinds)
