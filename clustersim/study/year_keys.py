"""Keys of the summary that are of a year of weather, at the mean load of the run."""

from __future__ import annotations

from typing import Any

import numpy as np

from clustersim.plant import CoolingYear, cooling_year
from clustersim.study.site.findings import SiteFindings
from clustersim.units import HOUR_S, KWH_J

OF_SERVED = ("pue_annual", "peak_hour_pue", "wue_l_per_kwh", "water_m3_annual")
"""Keys that compare the load with cooling that serves all of it."""
OF_YEAR = (*OF_SERVED, "hours_above_cooling_capacity", "cooling_capacity_worst_hour_mw")


def site_years(found: SiteFindings) -> dict[str, CoolingYear] | str:
    """Return the year of every site at its mean training heat, or why there is none."""
    topology = found.study.place.topology
    without = [site for site in found.sites if topology.cooling[site].weather is None]
    if without:
        return f"no weather is given: cooling.{without[0]}.weather names a place of the catalog or a weather file"
    return {
        site: cooling_year(topology.cooling[site], topology.electrical[site], found.mean_it_w[site])
        for site in found.sites
    }


def year_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return PUE, water and hours above the capacity of a year in which the sites draw their mean training power.

    Without storage and damping at the site. Sites are added hour by hour; an hour counts as above the capacity where
    any site is. In such an hour the cooling draws the power of the heat that it rejects; where most hours are such, PUE
    and water would look too good and have no value.
    """
    years = site_years(found)
    if isinstance(years, str):
        reasons |= dict.fromkeys(OF_YEAR, years)
        return dict.fromkeys(OF_YEAR)
    it_w = sum(year.it_w for year in years.values())
    pue = np.asarray(sum(year.meter_w for year in years.values())) / it_w
    capacity = np.asarray(sum(year.capacity_w for year in years.values()))
    above = np.any([year.heat_w > year.capacity_w for year in years.values()], axis=0)
    keys: dict[str, Any] = dict.fromkeys(OF_SERVED)
    short = [
        f"{site} in {year.hours_above_capacity} of {year.pue.size} hours" for site, year in years.items() if year.short
    ]
    if short:
        reasons |= dict.fromkeys(OF_SERVED, f"the heat is above what the cooling rejects: {', '.join(short)}")
    else:
        water = np.asarray(sum(year.water_l_per_s for year in years.values()))
        keys = {
            "pue_annual": float(pue.mean()),
            "peak_hour_pue": float(pue.max()),
            "wue_l_per_kwh": float(water.mean()) * KWH_J / it_w,
            "water_m3_annual": float(water.sum()) * HOUR_S / 1e3,
        }
    return keys | {
        "hours_above_cooling_capacity": int(above.sum()),
        "cooling_capacity_worst_hour_mw": float(capacity.min()) / 1e6,
    }
