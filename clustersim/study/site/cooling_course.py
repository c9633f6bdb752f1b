"""Temperature of the cooling loops over the whole horizon, hour by hour."""

from __future__ import annotations

import pandas as pd

from clustersim.plant.cooling_course import loop_course
from clustersim.study.site.findings import SiteFindings

COLUMNS = ("site", "t_start_s", "heat_mw", "capacity_mw", "supply_c", "loop_lowest_c", "loop_highest_c")
MW = 1e6


def cooling_course(found: SiteFindings) -> pd.DataFrame:
    """Return heat, capacity and temperature of every site's cooling loop over the horizon.

    The loop is the one of :class:`~clustersim.study.horizon.SiteHistory`: left alone, whatever it reaches.

    Parameters
    ----------
    found : SiteFindings
        Records of a run.

    Returns
    -------
    DataFrame
        Columns :data:`COLUMNS`; site by site, each in the order of time: mean heat, least capacity, highest supply
        temperature, lowest and highest temperature of the loop within the hour.
    """
    parts = []
    for site, history in found.history.items():
        spans = history.spans or tuple(history.seconds.items())
        course = loop_course(
            found.study.place.topology.cooling[site],
            [history.heat_w[state] for state, _ in spans],
            [seconds for _, seconds in spans],
            history.heat_before_w,
        )
        parts.append(
            pd.DataFrame(
                {
                    "site": site,
                    "t_start_s": course.start_s,
                    "heat_mw": course.heat_w / MW,
                    "capacity_mw": course.capacity_w / MW,
                    "supply_c": course.supply_c,
                    "loop_lowest_c": course.lowest_c,
                    "loop_highest_c": course.highest_c,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)[list(COLUMNS)]
