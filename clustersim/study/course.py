"""Power over the whole horizon, at the meter and at every site: one row for every stretch in one state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clustersim.study.energy_hours import SiteLoad, site_load
from clustersim.study.horizon import is_training
from clustersim.study.site.findings import SiteFindings

COLUMNS = ("node", "t_start_s", "t_end_s", "state", "mean_mw", "low_mw", "high_mw")
MW = 1e6
Array = NDArray[np.float64]


def course_table(found: SiteFindings) -> pd.DataFrame:
    """Return the power of the meter and of every site over the horizon.

    A stretch has one mean; the sum of mean times length is the energy of the summary. While the job trains, `low_mw`
    and `high_mw` lie as far from it as the least and greatest sample of the steady window lie from the window's mean;
    in all other states power is steady, and what happens between two states is in the windows.

    Parameters
    ----------
    found : SiteFindings
        Records of a run.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; rows of the meter first, then site by site, each in the order of time.
    """
    loads = {site: site_load(found, site) for site in found.sites}
    parts = [_rows(found, "meter", _total(loads))]
    parts += [_rows(found, site, load) for site, load in loads.items()]
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]


def _total(loads: dict[str, SiteLoad]) -> SiteLoad:
    """Return all sites together; a stretch ends where it does at any of them."""
    edges = np.unique(np.concatenate([load.edges_s for load in loads.values()]))
    # ends that differ by rounding are one
    edges = edges[np.concatenate([[True], np.diff(edges) > 1e-6])]
    middles = 0.5 * (edges[1:] + edges[:-1])
    rows = {name: np.searchsorted(load.edges_s, middles) - 1 for name, load in loads.items()}
    watts = np.sum([load.watts[rows[name]] for name, load in loads.items()], axis=0)
    per_site = [[load.states[row] for row in rows[name]] for name, load in loads.items()]
    states = tuple(_state(found) for found in zip(*per_site, strict=True))
    return SiteLoad(states, edges, watts)


def _state(states: tuple[str, ...]) -> str:
    """Return the state of several sites: that of a site that trains before all others."""
    return next((state for state in states if is_training(state)), states[0])


def _rows(found: SiteFindings, node: str, load: SiteLoad) -> pd.DataFrame:
    wave = found.steady.waveform
    power = wave.power(node)
    mean = float(power.mean())
    trains = np.array([is_training(state) for state in load.states])
    columns: dict[str, Any] = {
        "node": node,
        "t_start_s": load.edges_s[:-1],
        "t_end_s": load.edges_s[1:],
        "state": list(load.states),
        "mean_mw": load.watts / MW,
        "low_mw": (load.watts + trains * (float(power.min()) - mean)) / MW,
        "high_mw": (load.watts + trains * (float(power.max()) - mean)) / MW,
    }
    return pd.DataFrame(columns)
