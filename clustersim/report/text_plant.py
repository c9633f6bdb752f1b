"""Words about generators, events of the grid and the battery's life, from a summary."""

from __future__ import annotations

from typing import Any

from clustersim.report.words import counted, number, percent


def generation_words(s: dict[str, Any]) -> str | None:
    """Return fuel, exhaust and reserve of on-site generation over the horizon, or None without any."""
    if s.get("fuel_mwh") is None:
        return None
    rate = s["generator_heat_rate_btu_per_kwh"]
    burned = f"{number(s['fuel_mwh'])} MWh of fuel" + (f" ({number(rate)} Btu/kWh)" if rate is not None else "")
    return (
        f"{burned}, {number(s['nox_t'])} t of NOx and {number(s['co2_t'])} t of CO2 over the horizon; "
        f"{number(s['generator_unit_hours'])} unit-hours, {number(s['spinning_reserve_mw'])} MW of spinning reserve"
    )


def event_words(s: dict[str, Any]) -> str | None:
    """Return what events of the grid did, or None without any."""
    if s.get("grid_events") is None:
        return None
    text = f"{counted(s['grid_events'], 'event')}, {percent(s['goodput_lost_grid'])} of the time lost to them"
    if s["load_lost_mw"]:
        text += f"; {number(s['load_lost_mw'])} MW fall off at most"
    if s["load_recovery_s"] is not None:
        text += f", 90 % again after {number(s['load_recovery_s'])} s"
    if s["ups_transfers"]:
        text += f"; UPS transfer {s['ups_transfers']} times"
    if s["ups_locked"]:
        text += f" and hold {number(s['load_locked_mw'])} MW off until reconnected by hand"
    return text


def battery_words(s: dict[str, Any]) -> str | None:
    """Return the life of the battery that smooths the meter, or None without one."""
    if s.get("battery_life_years") is None:
        return None
    low, high = s["battery_life_low_years"], s["battery_life_high_years"]
    return (
        f"lasts {number(s['battery_life_years'])} years ({number(low)} to {number(high)}), "
        f"cycling wears {number(s['battery_wear_usd_per_year'])} USD a year"
    )
