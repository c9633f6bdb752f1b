"""The meter of a site after the end of a window: what storage and load banks there still do until it has settled."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from clustersim.power.records import coarsen
from clustersim.power.spec import HybridStorage, MeterStrategy, SiteBattery
from clustersim.study.horizon import TRAIN
from clustersim.study.site.chain import damp_site
from clustersim.study.site.study import SiteStudy
from clustersim.study.site.supply import site_load
from clustersim.study.site.tree import SitePower, settled_level_w

LAGS = 5.0
"""Time constants after which a low-pass has settled, to 0.7 %. [-]"""
LONGEST_S = 600.0
"""Longest time that is looked at after a window. [s]"""
LAST_S = 1.0
"""End of a window that stands for the state that follows it. [s]"""
DT_S = 10e-3
"""Bins of a record that goes on after its window. [s]"""


def meter_until_settled(
    study: SiteStudy, power: SitePower, site: str, steady: SitePower
) -> tuple[NDArray[np.float64], float]:
    """Return the meter of a site in the window of an event and, where something there still acts, after it. [W], [s]

    The second is the width of its bins: the window's own, or :data:`DT_S` where the record goes on after it. After the
    window the IT power of the site is that of the steady window over again where the job trains, else that of the
    window's last second; cooling, losses, and what damps at the site go on from where the window left them. Without
    such damping the window alone is returned.

    Parameters
    ----------
    study : SiteStudy
        Its scenario says what there is.
    power : SitePower
        The window.
    site : str
        Name of the site.
    steady : SitePower
        The steady window.
    """
    wave = power.waveform
    meter = wave.power(site)
    merged = round(DT_S / wave.dt_s)
    before = power.before_it_w.get(site)
    if before is None or merged < 1 or not power.site_damping.get(site):
        return meter, wave.dt_s
    it = coarsen(wave.power(f"{site}/it"), merged)
    trained = steady.waveform.power(f"{site}/it")
    change = float(np.ptp([it.min(), it.max(), trained.mean()]))
    seconds = min(LONGEST_S, max(_settling_s(strategy, change) for strategy in study.scenario.damping))
    count = math.ceil(seconds / DT_S)
    if count == 0:
        return meter, wave.dt_s
    if power.hall.after == TRAIN:
        after = np.resize(np.repeat(trained, round(steady.waveform.dt_s / DT_S)), count)
    else:
        after = np.full(count, it[-round(LAST_S / DT_S) :].mean())
    topology = study.place.topology
    plant, cooled = topology.electrical[site], topology.cooling[site]
    load = site_load(plant, cooled, np.concatenate((it, after)), DT_S, before).load_w
    return damp_site(study, site, load, DT_S, settled_level_w(study, site, before)).meter_w, DT_S


def _settling_s(strategy: object, change_w: float) -> float:
    """Time in which an element lets the meter come to a load that changed by so much. [s]"""
    if isinstance(strategy, SiteBattery) or (isinstance(strategy, HybridStorage) and strategy.at == "site"):
        return LAGS * strategy.time_constant
    return strategy.settling_s(change_w) if isinstance(strategy, MeterStrategy) else 0.0
