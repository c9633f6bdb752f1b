"""Work that a job loses where damping refuses it power, hall by hall."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from clustersim.power.damped import Floats
from clustersim.study.it_power import state_w
from clustersim.study.site.it_storage import hall_ceilings
from clustersim.study.site.power import SitePower, hall_accelerators, hall_it_w, idle_halls_w
from clustersim.study.staggering import stagger_of
from clustersim.study.step import StepStudy
from clustersim.study.unserved import lost_seconds, start_cut_j, unserved_share


def steady_unserved_share(study: StepStudy, steady: SitePower) -> float:
    """Return the share of the work that is refused power in the steady window. [-]

    Of what halls are refused, in one synchronous job that of the hall that loses most, for which all others wait; of
    independent groups the mean, each hall by its accelerators. What devices are refused loses work on top of it.
    """
    inside = device_unserved_share(study, steady)
    cut, asked = _by_hall(study, steady)
    if not cut.any():
        return inside
    idle = idle_halls_w(study) * steady.waveform.samples * steady.waveform.dt_s
    shares = [unserved_share(float(c), float(a), float(i)) for c, a, i in zip(cut, asked, idle, strict=True)]
    return 1.0 - (1.0 - inside) * (1.0 - _of_job(study, np.array(shares)))


def device_unserved_share(study: StepStudy, steady: SitePower) -> float:
    """Return the share of the work for which the accelerators' own ceiling refuses power in the steady window. [-]"""
    hall = steady.hall
    drawn = float(hall.watts.sum(axis=0).mean())
    idle = float(state_w(study, "stopped").sum())
    return unserved_share(hall.cut_share * drawn, (1.0 - hall.burned_share + hall.cut_share) * drawn, idle)


@dataclass(frozen=True)
class StartCost:
    """What a rising ceiling refuses at one start of the job."""

    lost_s: float
    """Training time that the job needs to make up for it. [s]"""
    cut_j: dict[str, float]
    """Energy refused to the halls of each site. [J]"""


def start_cost(study: StepStudy, steady: SitePower, longest_s: float) -> StartCost:
    """Return what a rising ceiling refuses at one start of the job; nothing without one.

    Closed form over the steady window (:func:`clustersim.study.unserved.start_cut_j`), so that a rise may last longer
    than the window of a restart; it ends with the next stop, after `longest_s` of training. Halls count as in
    :func:`steady_unserved_share`.
    """
    idle = idle_halls_w(study)
    accelerators = hall_accelerators(study)
    ceilings = hall_ceilings(study, accelerators, idle, np.zeros(accelerators.size))
    cut, lost = dict.fromkeys(study.place.topology.site, 0.0), np.zeros(accelerators.size)
    powers = hall_it_w(study, steady.hall.watts) if any(ceilings) else steady.hall.watts
    for row, (power, ceiling) in enumerate(zip(powers, ceilings, strict=True)):
        if ceiling is None:
            continue
        refused = start_cut_j(power, ceiling.initial_w, ceiling.rate_w_per_s, ceiling.limit_w, longest_s)
        cut[study.place.nodes[row][0]] += refused
        lost[row] = lost_seconds(refused, float(np.minimum(power, ceiling.limit_w).mean()), float(idle[row]))
    return StartCost(_of_job(study, lost), cut)


def _by_hall(study: StepStudy, steady: SitePower) -> tuple[Floats, Floats]:
    """Return energy refused and asked for in every hall. [J]"""
    cut, asked = np.zeros(len(study.place.nodes)), np.zeros(len(study.place.nodes))
    for site, reports in steady.it_storage.items():
        rows = [row for row, (name, _) in enumerate(study.place.nodes) if name == site]
        each = len(reports) // len(rows)
        for place, row in enumerate(rows):
            mine = reports[place * each : (place + 1) * each]
            if mine:
                cut[row], asked[row] = sum(r.cut_j for r in mine), mine[0].energy_in_j
    return cut, asked


def _of_job(study: StepStudy, values: Floats) -> float:
    stagger = stagger_of(study.scenario.damping)
    if stagger is not None and stagger.independent:
        return float(np.average(values, weights=hall_accelerators(study)))
    return float(values.max())
