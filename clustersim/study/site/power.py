"""From the accelerators of the halls to the meter of every site."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from clustersim.operation.windows import STEADY_S
from clustersim.power.supplies import together
from clustersim.study.it_power import STARTS, HallPower, state_w
from clustersim.study.places.place import Place
from clustersim.study.site.it_storage import behind_it_storage, hall_ceilings
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.tree import Below, SiteTree, add_site
from clustersim.study.site.tree import SitePower as SitePower
from clustersim.study.staggering import hall_shifts, shift_halls, stagger_of
from clustersim.study.step import StepStudy


def hall_it_w(study: StepStudy, accelerator_w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Power at the supplies' input of every hall, idle accelerators included. [W], shape (halls, samples)

    All servers of a hall load their supplies alike, by the hall's mean load.
    """
    fleet, place = study.fleet, study.place
    members = fleet.class_members[fleet.unit_class] * study.plan.pipeline
    halls = len(place.nodes)
    result = np.empty_like(accelerator_w)
    for hall in range(halls):
        busy = members[fleet.unit_node == hall].sum(axis=0)
        total = _hall_accelerators(study, hall)
        spare = np.maximum(total - busy, 0.0)
        counts = busy + spare
        share = counts / max(float(counts.sum()), 1.0)
        devices = [(device, number) for device, number in zip(place.power, counts, strict=True) if number > 0.0]
        idle = sum(number * device.idle_w for device, number in zip(place.power, spare, strict=True))
        rest = sum(number * device.rest_w for device, number in devices)
        fans = sum(part * device.fan_share for device, part in zip(place.power, share, strict=True))
        capacity = np.array([number * device.supply_w for device, number in devices])
        supplies = together([device.supply for device, _ in devices], capacity)
        # lines of input against output are lines of input against what the accelerators draw: one pass over the bins
        drawn = supplies.output * (capacity.sum() / (1.0 + fans)) - (idle + rest)
        result[hall] = np.interp(accelerator_w[hall], drawn, supplies.input * capacity.sum())
    return result


def _hall_accelerators(study: StepStudy, hall: int) -> NDArray[np.float64]:
    """Accelerators of each kind in a hall: the site's fleet, in order, cut evenly. [-], shape (devices,)"""
    site_name, number = study.place.nodes[hall]
    site = study.place.topology.site[site_name]
    low = number * site.accelerators / site.halls
    high = (number + 1) * site.accelerators / site.halls
    counts = np.zeros(len(study.place.power))
    begin = 0.0
    for item in site.fleet:
        kind = study.place.kind_of(item)
        counts[kind] += max(0.0, min(high, begin + item.count) - max(low, begin))
        begin += item.count
    return counts


def site_it_w(study: StepStudy, accelerator_w: NDArray[np.float64]) -> dict[str, float]:
    """Return the IT power of each site at constant accelerator power of the halls, shape (halls,). [W]

    With what others on the cluster draw in the mean (`StepStudy.others_w`).
    """
    halls = hall_it_w(study, accelerator_w[:, None])[:, 0]
    result = dict.fromkeys(study.place.topology.site, 0.0)
    for row, (site, _) in enumerate(study.place.nodes):
        result[site] += float(halls[row])
    others = study.others_w
    return {
        site: watts + study.place.network_watts[site] + others[site]
        if others
        else watts + study.place.network_watts[site]
        for site, watts in result.items()
    }


def provisioned_w(study: SiteStudy) -> dict[str, float]:
    """IT power that each site must provide for: nameplates of servers, network at its maximum. [W]"""
    return provisioned_of(study.place)


def provisioned_of(place: Place) -> dict[str, float]:
    """Return the same of a place without a job. [W]"""
    result = dict(place.network_watts_maximum)
    for name, site in place.topology.site.items():
        for item in site.fleet:
            kind = place.kind_of(item)
            result[name] += item.count * place.power[kind].provisioned_w
    return result


def hall_accelerators(study: StepStudy) -> NDArray[np.float64]:
    """Return the accelerators of every hall; shape (halls,)."""
    return np.array([_hall_accelerators(study, row).sum() for row in range(len(study.place.nodes))])


def excess_peak_w(study: StepStudy) -> float:
    """Return IT power if every accelerator of the plan were at its momentary peak at once, network included. [W]

    Peaks of different accelerators do not coincide; it is what supplies, busways and transformers see at the very most.
    """
    excess = np.array([device.excess_w for device in study.place.power])
    members = study.fleet.class_members[study.fleet.unit_class] * study.plan.pipeline
    halls = np.zeros(len(study.place.nodes))
    np.add.at(halls, study.fleet.unit_node, members @ excess)
    return float(hall_it_w(study, halls[:, None]).sum()) + sum(study.place.network_watts.values())


def idle_halls_w(study: StepStudy) -> NDArray[np.float64]:
    """Return what every hall draws at its supplies' input without any work. [W], shape (halls,)"""
    return hall_it_w(study, state_w(study, "stopped")[:, None])[:, 0]


def _late_s(study: StepStudy, hall: HallPower) -> NDArray[np.float64]:
    """Return how much later than the first each hall starts in a storm of restarts; zeros in other windows. [s]"""
    spacing = study.scenario.operation.restart_spacing if hall.window == "restart_storm" else None
    return np.asarray(np.arange(len(study.place.nodes)) * (spacing or 0.0), dtype=np.float64)


def _staggered(study: StepStudy, hall: HallPower, period_s: float | None) -> tuple[HallPower, NDArray[np.float64]]:
    """Return the window with its halls shifted against each other, and by how much. [s]"""
    if stagger_of(study.scenario.damping) is None:
        return hall, np.zeros(len(study.place.nodes))
    period = study.trace(0).iteration_time_s if period_s is None else period_s
    shifts = hall_shifts(study.scenario.damping, study.place, period, STEADY_S)
    # before an event in training the job trained in the same way; before a start there is one state
    repeats = hall.window not in STARTS and period <= hall.event_s
    watts = shift_halls(
        hall.watts,
        hall.dt_s,
        shifts,
        steady=hall.window == "steady",
        period_bins=max(1, round(period / hall.dt_s)) if repeats else 1,
    )
    return replace(hall, watts=watts), shifts


def site_power(
    study: StepStudy, hall: HallPower, before: dict[str, float] | None = None, period_s: float | None = None
) -> SitePower:
    """Return the power at every node of the place in one window.

    Parameters
    ----------
    study : StepStudy
        The step and its place.
    hall : HallPower
        Accelerators of the halls.
    before : dict of str to float, optional
        IT power of each site at which cooling and battery had settled before the window; the window's own mean when
        absent. [W]
    period_s : float, optional
        Iteration time by which staggered groups are shifted; that of the first step when absent. [s]

    Raises
    ------
    InputError
        If a ceiling of the scenario is below idle power, or its battery's charge outside the band.

    Notes
    -----
    A node's children add up to it: ``it = halls + network + others`` (the other jobs of a fleet, at their mean),
    ``site = it + cooling + losses`` and what damps there, load bank, hybrid storage and battery (negative while they
    give); ``meter = sites``.
    """
    place = study.place
    in_step = hall
    hall, shifts = _staggered(study, hall, period_s)
    plain_w = hall_it_w(study, hall.watts)
    in_step_w = hall_it_w(study, in_step.watts) if shifts.any() else plain_w
    accelerators = hall_accelerators(study)
    starts = hall.event_s + shifts + _late_s(study, hall) if hall.window in STARTS else None
    it_halls, accounts = behind_it_storage(
        study,
        plain_w,
        hall.dt_s,
        accelerators,
        None if before is None else _hall_levels(study, plain_w, before),
        hall_ceilings(study, accelerators, idle_halls_w(study), starts),
    )
    tree = SiteTree(hall.watts.shape[1])
    for site in place.topology.site:
        rows = [row for row, (name, _) in enumerate(place.nodes) if name == site]
        network = np.full(hall.watts.shape[1], place.network_watts[site])
        below: list[Below] = []
        buildings = place.topology.site[site].buildings
        for number, mine in enumerate(np.split(np.array(rows), buildings)):
            building = "it"
            if buildings > 1:
                building = f"building_{number + 1}"
                below.append((building, "it", it_halls[mine].sum(axis=0)))
            below += [(f"hall_{place.nodes[row][1] + 1}", building, it_halls[row]) for row in mine]
        below.append(("network", "it", network))
        rest = network
        if study.others_w:
            others = np.full(hall.watts.shape[1], study.others_w[site])
            below.append(("others", "it", others))
            rest = network + others
        it = it_halls[rows].sum(axis=0) + rest
        undamped = in_step_w[rows].sum(axis=0) + rest
        add_site(tree, study, site, it, hall.dt_s, None if before is None else before[site], below, undamped)
    kept = {
        site: tuple(report for row, (name, _) in enumerate(place.nodes) if name == site for report in accounts[row])
        for site in place.topology.site
    }
    return tree.power(hall, kept)


def _hall_levels(study: StepStudy, halls_w: NDArray[np.float64], before: dict[str, float]) -> NDArray[np.float64]:
    """Cut the IT power of each site before a window into halls, in proportion to their means in it. [W]"""
    means = halls_w.mean(axis=1)
    names = [name for name, _ in study.place.nodes]
    total = {site: sum(means[row] for row, name in enumerate(names) if name == site) for site in before}
    levels = [
        (before[name] - study.place.network_watts[name] - study.others_w.get(name, 0.0)) * mean / total[name]
        for name, mean in zip(names, means, strict=True)
    ]
    return np.array(levels)


def training_it_w(steady: SitePower) -> dict[str, float]:
    """Return the mean IT power of every site while it trains. [W]

    What storage in supplies and racks took up or gave within the window is given back or made up for later and does not
    count; what it lost does.
    """
    wave = steady.waveform
    seconds = wave.samples * wave.dt_s
    return {
        site: float(wave.power(f"{site}/it").mean()) - sum(r.stored_change_j for r in reports) / seconds
        for site, reports in steady.it_storage.items()
    }
