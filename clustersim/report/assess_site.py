"""What a site does under an assessed trace, as text and JSON data."""

from __future__ import annotations

from typing import Any

import numpy as np

from clustersim import units
from clustersim.errors import InputError
from clustersim.limits import Rating, max_rocof, short_term_severity, voltage_dip
from clustersim.limits.definitions import ROCOF_S
from clustersim.plant import PlantResponse
from clustersim.study.measured.site import SiteAnswer

PER_MW = 1e-6


def site_data(found: SiteAnswer) -> dict[str, Any]:
    """Return power, cooling and the plant's answer, for JSON."""
    load, state = found.load, found.state
    alarm = load.cooling.alarm_s
    return {
        "place": found.place.topology.name,
        "site": found.place.site,
        "it_mean_mw": float(load.it_w.mean()) * PER_MW,
        "cooling_mean_mw": float(load.cooling.power_w.mean()) * PER_MW,
        "losses_mean_mw": float(load.losses_w.mean()) * PER_MW,
        "meter_mean_mw": float(found.meter_w.mean()) * PER_MW,
        "meter_peak_mw": float(found.meter_w.max()) * PER_MW,
        "meter_trough_mw": float(found.meter_w.min()) * PER_MW,
        "pue": found.pue,
        "provisioned_it_mw": found.place.provisioned_w * PER_MW,
        "cooling_capacity_mw": state.capacity_w * PER_MW,
        "cooling_shortfall_mw": state.shortfall_w * PER_MW,
        "cooling_highest_c": float(load.cooling.temperature_c.max()),
        "cooling_alarm_after_s": alarm if np.isfinite(alarm) else None,
        "responses": [_response_data(response) for response in found.responses],
        "ratings": [_rating_data(rating) for rating in found.ratings],
    }


def _rating_data(rating: Rating) -> dict[str, Any]:
    """Return a rating; power in megawatts, anything else in the unit that is named."""
    if rating.unit == "MW":
        return {"name": rating.name, "loading_mw": rating.loading_w * PER_MW, "rating_mw": rating.rating_w * PER_MW}
    factor = units.TABLE[units.dimension_of(rating.unit) or ""][rating.unit]
    return {
        "name": rating.name,
        "loading": rating.loading_w / factor,
        "rating": rating.rating_w / factor,
        "unit": rating.unit,
    }


def _response_data(response: PlantResponse) -> dict[str, Any]:
    beside = response.mode == "grid_parallel"
    severity, reason = None, None if beside else "an island has no point of interconnection"
    if beside:
        try:
            severity = short_term_severity(response.voltage_pu, response.dt_s)
        except InputError as error:
            reason = str(error)
    known = response.dt_s <= ROCOF_S < response.dt_s * response.frequency_hz.size
    return {
        "mode": response.mode,
        "min_frequency_hz": float(response.frequency_hz.min()),
        "max_frequency_hz": float(response.frequency_hz.max()),
        "max_rocof_hz_per_s": max_rocof(response.frequency_hz, response.dt_s) if known else None,
        "initial_rocof_hz_per_s": response.initial_rocof_hz_per_s,
        "voltage_dip_pu": voltage_dip(response.voltage_pu) if beside else None,
        "pst": severity,
        "pst_reason": reason,
        "grid_mean_mw": float(response.grid_w.mean()) * PER_MW,
        "grid_peak_mw": float(response.grid_w.max()) * PER_MW,
        "generator_mean_mw": float(response.generator_w.mean()) * PER_MW,
        "generator_peak_mw": float(response.generator_w.max()) * PER_MW,
        "battery_peak_mw": float(np.abs(response.battery_w).max()) * PER_MW,
        "warnings": list(response.warnings),
    }


def site_text(found: SiteAnswer) -> list[str]:
    """Return the lines on the site: power from the supplies to the meter, cooling, the plant's answer."""
    d = site_data(found)
    lines = [
        "",
        f"SITE {d['site']} of {d['place']} (means of the record, MW)",
        f"  IT {d['it_mean_mw']:.4g}, cooling {d['cooling_mean_mw']:.4g}, losses {d['losses_mean_mw']:.4g}; "
        f"meter {d['meter_mean_mw']:.4g}, {d['meter_trough_mw']:.4g} to {d['meter_peak_mw']:.4g}; "
        f"PUE {d['pue']:.3f}",
        f"  cooling rejects {d['cooling_capacity_mw']:.4g} MW"
        + (f", {d['cooling_shortfall_mw']:.4g} MW short at the mean of the job" if d["cooling_shortfall_mw"] else "")
        + f"; loop at most {d['cooling_highest_c']:.1f} degC"
        + ("" if d["cooling_alarm_after_s"] is None else f", alarm after {d['cooling_alarm_after_s']:.4g} s"),
    ]
    for r in d["responses"]:
        name = "beside the grid" if r["mode"] == "grid_parallel" else "as an island"
        rocof = "" if r["max_rocof_hz_per_s"] is None else f", RoCoF at most {r['max_rocof_hz_per_s']:.3g} Hz/s"
        lines.append(
            f"  {name}: {r['min_frequency_hz']:.4f} to {r['max_frequency_hz']:.4f} Hz{rocof}; "
            f"battery up to {r['battery_peak_mw']:.4g}"
        )
        if r["mode"] == "grid_parallel":
            pst = f"not told: {r['pst_reason']}" if r["pst"] is None else f"{r['pst']:.3g}"
            lines.append(
                f"    grid {r['grid_mean_mw']:.4g}, at most {r['grid_peak_mw']:.4g}; generators "
                f"{r['generator_mean_mw']:.4g}; voltage dip {r['voltage_dip_pu']:.2%}; Pst {pst}"
            )
        else:
            lines.append(f"    generators {r['generator_mean_mw']:.4g}, at most {r['generator_peak_mw']:.4g}")
        lines += [f"    {text}" for text in r["warnings"]]
    return lines
