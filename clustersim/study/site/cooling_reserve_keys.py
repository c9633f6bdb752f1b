"""Keys of the summary on what the cooling has in reserve: lost units, dips that stop it, starts of its units."""

from __future__ import annotations

import math
from typing import Any

from clustersim.plant import CoolingReserve, cooling_reserve
from clustersim.study.site.findings import SiteFindings

SHORT = "the heat is above the capacity of all units"


def reserve_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the reserve of the cooling at the mean training heat, of the worst site.

    ``cooling_units_spare``: units that may fail before a loop drifts to its alarm. ``cooling_minutes_to_alarm_n1``:
    from the loss of one unit. ``cooling_dip_ride_through``: whether all loops stay below their alarm when a voltage dip
    stops all units; ``cooling_minutes_to_alarm_dip``: when the first does not. ``cooling_longest_outage_s``: outage of
    the units' supply after which they are just back in time. ``cooling_unit_starts``: over the horizon, where units are
    staged.
    """
    topology = found.study.place.topology
    reserves = [cooling_reserve(topology.cooling[site], found.cooling[site].heat_w) for site in found.sites]
    keys = _losses(reserves, reasons)
    first = min(one.dip.first_alarm_s for one in reserves)
    longest = min(one.dip.longest_outage_s for one in reserves)
    if math.isinf(first):
        reasons["cooling_minutes_to_alarm_dip"] = "the units are back before a loop reaches its alarm"
    if math.isinf(longest):
        reasons["cooling_longest_outage_s"] = "there is no heat to reject"
    return keys | {
        "cooling_dip_ride_through": math.isinf(first),
        "cooling_minutes_to_alarm_dip": None if math.isinf(first) else first / 60.0,
        "cooling_longest_outage_s": None if math.isinf(longest) else longest,
        "cooling_unit_starts": _starts(found, reasons),
    }


def _losses(reserves: list[CoolingReserve], reasons: dict[str, str]) -> dict[str, Any]:
    spares = [one.spare for one in reserves if one.spare is not None]
    spare = min(spares) if len(spares) == len(reserves) else None
    alarm = min(one.one_lost.time_to_alarm_s for one in reserves)
    if spare is None:
        reasons["cooling_units_spare"] = SHORT
    if math.isinf(alarm):
        reasons["cooling_minutes_to_alarm_n1"] = "the units that are left reject all heat"
    return {
        "cooling_units_spare": spare,
        "cooling_minutes_to_alarm_n1": None if math.isinf(alarm) else alarm / 60.0,
    }


def _starts(found: SiteFindings, reasons: dict[str, str]) -> int | None:
    starts = [past.unit_starts for past in found.history.values() if past.unit_starts is not None]
    if not starts:
        reasons["cooling_unit_starts"] = "all units share the load (staging: modulating)"
        return None
    return sum(starts)
