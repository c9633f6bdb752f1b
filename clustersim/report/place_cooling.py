"""Cooling of a place as data and text."""

from __future__ import annotations

import math
from typing import Any

from clustersim.report.words import columns, number, wrapped
from clustersim.study.places.cooling import SiteCooling, place_cooling
from clustersim.study.places.place import Place

PER_MW = 1e-6


def cooling_data(place: Place) -> dict[str, dict[str, Any]]:
    """Return cooling units, capacity and the year of every site, for JSON; empty where the file describes none."""
    return {site: _data(record) for site, record in place_cooling(place).items()}


def _data(record: SiteCooling) -> dict[str, Any]:
    spec, state, year, reserve = record.spec, record.state, record.year, record.reserve
    return {
        "kind": spec.kind,
        "unit": spec.unit,
        "count": spec.count,
        "standby": spec.standby,
        "heat_provisioned_mw": record.heat_w * PER_MW,
        "capacity_mw": state.capacity_w * PER_MW,
        "capacity_low_mw": state.capacity_low_w * PER_MW,
        "capacity_high_mw": state.capacity_high_w * PER_MW,
        "units_spare": reserve.spare,
        "minutes_to_alarm_n1": _minutes(reserve.one_lost.time_to_alarm_s),
        "dip_ride_through": math.isinf(reserve.dip.first_alarm_s),
        "minutes_to_alarm_dip": _minutes(reserve.dip.first_alarm_s),
        "weather": None if year is None else year.place,
        "design_dry_bulb_c": None if year is None else year.design_dry_bulb_c,
        "capacity_at_design_mw": None if year is None else year.design_capacity_w * PER_MW,
        "capacity_least_mw": None if year is None else year.least_capacity_w * PER_MW,
        "pue_annual": None if year is None else year.pue_annual,
        "peak_hour_pue": None if year is None else year.peak_hour_pue,
        "wue_l_per_kwh": None if year is None else year.wue_l_per_kwh,
        "water_m3_annual": None if year is None else year.water_m3,
        "hours_above_capacity": None if year is None else year.hours_above_capacity,
    }


def _minutes(seconds: float) -> float | None:
    """Return minutes; None for a time that never comes."""
    return None if math.isinf(seconds) else seconds / 60.0


def cooling_text(data: dict[str, dict[str, Any]]) -> list[str]:
    """Return the lines on the cooling of a place; none where its file describes none."""
    if not data:
        return []
    keys = {
        "heat_provisioned_mw": "provisioned heat [MW]",
        "capacity_mw": "capacity at rating [MW]",
        "design_dry_bulb_c": "design weather [degC]",
        "capacity_at_design_mw": "capacity at design weather [MW]",
        "capacity_least_mw": "capacity in the worst hour [MW]",
        "units_spare": "units that may fail",
        "minutes_to_alarm_n1": "alarm after one lost [min]",
        "minutes_to_alarm_dip": "alarm after a dip [min]",
        "hours_above_capacity": "hours of the year above capacity",
        "pue_annual": "PUE of the year",
        "peak_hour_pue": "PUE of the worst hour",
        "wue_l_per_kwh": "water [L/kWh of IT]",
        "water_m3_annual": "water of the year [m3]",
    }
    sites = list(data.values())
    rows = [("units", *(f"{number(site['count'])} {site['unit']}" for site in sites))]
    rows.append(("weather", *(_weather(site) for site in sites)))
    known = [(key, label) for key, label in keys.items() if any(site[key] is not None for site in sites)]
    rows += [(label, *(number(site[key]) for site in sites)) for key, label in known]
    lines = ["", "cooling, all year at the provisioned load", columns(("", *data), rows)]
    if any(site["hours_above_capacity"] and site["pue_annual"] is not None for site in sites):
        lines.append(wrapped("in hours above the capacity PUE counts the cooling of what is rejected"))
    if any(site["hours_above_capacity"] and site["pue_annual"] is None for site in sites):
        lines.append(
            wrapped("no PUE where the heat is above the capacity in most hours: what is not rejected costs nothing")
        )
    if any(not site["dip_ride_through"] for site in sites):
        lines.append(wrapped("after a dip: when the loop reaches its alarm if a voltage dip stops all units at once"))
    return lines


def _weather(site: dict[str, Any]) -> str:
    if site["weather"] is None:
        return "none given"
    return str(site["weather"])
