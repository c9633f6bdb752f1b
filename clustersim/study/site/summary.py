"""Keys of the summary that follow from the power between supplies and meter, of a job or of a measured load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim.economics import CostTable
from clustersim.economics.cost import tco_usd_per_w_year, usd_per_mw
from clustersim.errors import InputError
from clustersim.limits.definitions import BAND_HZ, METER_DT_S, meter_means
from clustersim.limits.flicker import short_term_severity
from clustersim.limits.measures import max_ramp, max_rocof, swing, voltage_dip
from clustersim.plant import PlantResponse
from clustersim.power.spec import Strategy
from clustersim.power.spectrum import band_shares, harmonics
from clustersim.study.energy_bill import energy_bill_keys
from clustersim.study.operation_keys import TIME_SHARES
from clustersim.study.site.cooling_reserve_keys import reserve_keys
from clustersim.study.site.findings import SiteFindings
from clustersim.study.year_keys import year_keys
from clustersim.units import MWH_J

MW = 1e6
HARMONICS = 3
"""Harmonics of the cycle that have a key: amplitude at the meter, with what is nearer to it than to the next."""
SIGNIFICANT = 9
UNDAMPED = ("peak_mw", "trough_mw", "swing_mw", "max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s")
RAISED = 1e-3
"""What damping raises by less is not told. [-]"""
BOILING_C = 100.0
"""Above this a loop temperature means nothing. [degC]"""
NOT_CARRIED = (
    "energy_mwh",
    "it_energy_mwh",
    "generator_energy_mwh",
    "damping_energy_mwh",
    "damping_energy_share",
    "pue",
    "energy_usd",
    "tco_usd_per_h",
    "usd_per_million_tokens",
    "tco_usd_per_gpu_hour",
    "tco_low_usd_per_gpu_hour",
    "tco_high_usd_per_gpu_hour",
    "tco_usd_per_mw_year",
    "tco_years_usd",
    "levelised_usd_per_gpu_hour",
    "damping_usd_per_year",
)
"""Keys without a value when an island cannot carry the job."""


def outcome_keys(found: SiteFindings, cost: CostTable, reasons: dict[str, str]) -> dict[str, Any]:
    """Return cost and the number of rules that are broken."""
    if cost.usd_per_million_tokens is None:
        reasons["usd_per_million_tokens"] = "no token was trained"
    low, high = cost.tco_band_usd_per_h
    return {
        "capex_usd": cost.capex_usd,
        "tco_usd_per_h": cost.tco_usd_per_h,
        "energy_usd": cost.energy_usd,
        "usd_per_million_tokens": cost.usd_per_million_tokens,
        "capex_usd_per_gpu": cost.capex_usd / cost.accelerators,
        "capex_usd_per_mw": usd_per_mw(cost),
        "tco_usd_per_gpu_hour": cost.usd_per_accelerator_hour,
        "tco_low_usd_per_gpu_hour": low / cost.accelerators,
        "tco_high_usd_per_gpu_hour": high / cost.accelerators,
        "tco_usd_per_mw_year": tco_usd_per_w_year(cost) * MW,
        "tco_years": cost.years,
        "tco_years_usd": cost.tco_years_usd,
        "levelised_usd_per_gpu_hour": cost.levelised_usd_per_h / cost.accelerators,
        "damping_usd_per_year": cost.damping_usd_per_year,
        "stranded_mw": cost.stranded_w / MW,
        "stranded_usd": cost.stranded_usd,
        "staff_on_site": cost.staff,
        "replaced_parts_usd": cost.replaced_parts_usd,
        **energy_bill_keys(found, cost, reasons),
        "rules_failed": found.verdict.rules_failed,
        "rules_not_judged": len(found.verdict.not_judged),
    }


def finished(
    found: SiteFindings, keys: dict[str, Any], reasons: dict[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return keys and reasons, without what an island that cannot carry the load has no value of; numbers rounded.

    Shares of the time stay as they are: rounded, they would not add up.
    """
    missing = dict.fromkeys(NOT_CARRIED, found.uncarried) if found.uncarried is not None else {}
    said = reasons | {key: reason for key, reason in missing.items() if reason is not None}
    return {
        key: None if key in missing else value if key in TIME_SHARES else _rounded(value) for key, value in keys.items()
    }, said


def _rounded(value: Any) -> Any:
    """Return a plain number with nine significant digits, so that files are stable and readable."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{float(value):.{SIGNIFICANT}g}")


def _means(power_w: NDArray[np.float64], dt_s: float) -> NDArray[np.float64]:
    return meter_means(power_w, dt_s)[0]


def _meter(found: SiteFindings, node: str) -> NDArray[np.float64]:
    wave = found.steady.waveform
    return _means(wave.power(node), wave.dt_s)


def _ramps(means: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the steepest rise and fall of windows of 100 ms means. [W/s]"""
    ramps = [max_ramp(power, METER_DT_S) for power in means]
    return max(ramp.up for ramp in ramps), max(ramp.down for ramp in ramps)


def _step_starts(found: SiteFindings) -> NDArray[np.int64]:
    return np.unique(np.round(found.steady.hall.steps_s / METER_DT_S).astype(np.int64))


def _it(found: SiteFindings) -> NDArray[np.float64]:
    return np.asarray(sum(_meter(found, f"{site}/it") for site in found.sites))


def power_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return mean, extremes, swing, ramps, harmonics and spectral shares at meter and supplies."""
    meter, it = _meter(found, "meter"), _it(found)
    starts = _step_starts(found)
    up, down = _ramps([_means(p.waveform.power("meter"), p.waveform.dt_s) for p in (found.steady, *found.events)])
    wave = found.steady.waveform
    lines = harmonics(wave.power("meter"), wave.dt_s, found.cycle_s, most=HARMONICS)
    waves = {f"harmonic_{n}_mw": None for n in range(1, HARMONICS + 1)} | {
        f"harmonic_{line.order}_mw": line.near_w / MW for line in lines
    }
    reasons |= {key: "the meter does not move, or not so quickly" for key, value in waves.items() if value is None}
    shares = band_shares(wave.power("meter"), wave.dt_s, *BAND_HZ)
    return {
        "mean_mw": meter.mean() / MW,
        "peak_mw": meter.max() / MW,
        "trough_mw": meter.min() / MW,
        "swing_mw": swing(meter, starts) / MW,
        "it_mean_mw": it.mean() / MW,
        "it_peak_mw": it.max() / MW,
        "it_trough_mw": it.min() / MW,
        "it_swing_mw": swing(it, starts) / MW,
        "provisioned_mw": sum(found.provisioned.values()) / MW,
        "max_ramp_up_mw_per_s": up / MW,
        "max_ramp_down_mw_per_s": down / MW,
        **waves,
        "band_energy_share": shares.energy,
        "band_amplitude_share": shares.amplitude,
    }


def undamped_keys(found: SiteFindings, inside: str | None, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys of the load without what damps outside the devices and the step.

    `inside` names damping in those, which is part of the load.
    """
    if inside is not None:
        for key in UNDAMPED:
            reasons[f"undamped_{key}"] = f"damping in the devices or the step is not separated: {inside} is in the load"
        return dict.fromkeys(f"undamped_{key}" for key in UNDAMPED)
    loads = [_means(power.undamped_w, power.waveform.dt_s) for power in (found.steady, *found.events)]
    up, down = _ramps(loads)
    values = (loads[0].max(), loads[0].min(), swing(loads[0], _step_starts(found)), up, down)
    return {f"undamped_{key}": value / MW for key, value in zip(UNDAMPED, values, strict=True)}


def raised_by_damping(summary: dict[str, Any], damping: Sequence[Strategy]) -> str | None:
    """Return the warning that these strategies made peak, swing or a ramp worse, or None when it did not."""
    said = []
    for key in UNDAMPED:
        plain, damped = summary[f"undamped_{key}"], summary[key]
        if key != "trough_mw" and plain is not None and damped > plain * (1.0 + RAISED):
            unit = "MW/s" if key.endswith("per_s") else "MW"
            name = key.removesuffix("_mw_per_s").removesuffix("_mw").replace("_", " ")
            said.append(f"{name} from {plain:.4g} to {damped:.4g} {unit}")
    who = ", ".join(strategy.kind for strategy in damping if strategy.outside).replace("_", " ")
    return f"the {who} raises {'; '.join(said)}" if said else None


def energy_keys(found: SiteFindings) -> dict[str, Any]:
    """Return energies over the horizon."""
    return {
        "energy_mwh": found.meter_energy_j / MWH_J,
        "it_energy_mwh": found.it_energy_j / MWH_J,
        "generator_energy_mwh": sum(found.generator_energy_j.values()) / MWH_J,
        "damping_energy_mwh": found.damping_energy_j / MWH_J,
        "damping_energy_share": found.damping_share,
        "pue": found.meter_energy_j / found.it_energy_j,
    }


def plant_response_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return frequency, voltage and sources of the sites."""
    own = found.own_responses
    keys = _frequency(own, "")
    if found.study.scenario.plant.mode == "grid_parallel":
        keys["max_voltage_dip_pu"] = max(voltage_dip(r.voltage_pu) for r in own)
        try:
            keys["pst"] = max(short_term_severity(r.voltage_pu, r.dt_s) for r in own if r.window == "steady")
        except InputError as error:
            keys["pst"], reasons["pst"] = None, str(error)
        keys["grid_import_mean_mw"] = sum(float(r.grid_w.mean()) for r in own if r.window == "steady") / MW
        keys["generator_mean_mw"] = sum(float(r.generator_w.mean()) for r in own if r.window == "steady") / MW
        if found.island_responses:
            keys |= _frequency(found.island_responses, "island_")
    else:
        for key in ("max_voltage_dip_pu", "pst"):
            keys[key] = None
            reasons[key] = "an island has no point of interconnection; its voltage regulators are taken to hold 1 pu"
    return keys


def _frequency(responses: tuple[PlantResponse, ...], prefix: str) -> dict[str, Any]:
    return {
        f"{prefix}min_frequency_hz": min(float(r.frequency_hz.min()) for r in responses),
        f"{prefix}max_frequency_hz": max(float(r.frequency_hz.max()) for r in responses),
        f"{prefix}max_rocof_hz_per_s": max(max_rocof(r.frequency_hz, r.dt_s) for r in responses),
        f"{prefix}initial_rocof_hz_per_s": max((r.initial_rocof_hz_per_s for r in responses), key=abs),
    }


def cooling_keys(found: SiteFindings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return what the cooling carries over the horizon."""
    states, past = found.cooling.values(), [record.cooling for record in found.history.values()]
    first, peak = min(c.first_alarm_s for c in past), max(c.peak_temperature_c for c in past)
    alarms = [state.time_to_alarm_s for state in states if np.isfinite(state.time_to_alarm_s)]
    if not alarms:
        reasons["cooling_minutes_to_alarm"] = "the cooling rejects all heat"
    if not np.isfinite(first):
        reasons["cooling_first_alarm_hours"] = "no loop reaches its alarm in this run"
    if peak > BOILING_C:
        reasons["cooling_peak_temperature_c"] = "a loop left alone would pass 100 degC: equipment would be off by then"
    return {
        "cooling_heat_mw": sum(s.heat_w for s in states) / MW,
        "cooling_capacity_mw": sum(s.capacity_w for s in states) / MW,
        "cooling_capacity_low_mw": sum(s.capacity_low_w for s in states) / MW,
        "cooling_capacity_high_mw": sum(s.capacity_high_w for s in states) / MW,
        "cooling_shortfall_mw": sum(s.shortfall_w for s in states) / MW,
        "cooling_minutes_to_alarm": min(alarms) / 60.0 if alarms else None,
        "cooling_first_alarm_hours": first / 3600.0 if np.isfinite(first) else None,
        "cooling_share_above_alarm": max(c.above_alarm_s for c in past) / found.horizon_s,
        "cooling_peak_temperature_c": peak if peak <= BOILING_C else None,
        "sustainable_it_mw": found.sustainable_it_w / MW,
        "water_l_per_s": sum(s.water_l_per_s for s in states),
        **reserve_keys(found, reasons),
        **year_keys(found, reasons),
    }
