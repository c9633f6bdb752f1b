"""The flat summary of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clustersim.economics import CostTable
from clustersim.errors import InputError
from clustersim.limits.flicker import short_term_severity
from clustersim.limits.measures import max_ramp, max_rocof, swing, voltage_dip
from clustersim.plant import PlantResponse
from clustersim.power.records import coarsen
from clustersim.power.smoothing import damps_devices
from clustersim.power.spectrum import band_shares, harmonics
from clustersim.study.findings import Findings
from clustersim.study.it_storage import has_it_storage
from clustersim.study.power_bands import band_keys
from clustersim.study.site_power import excess_peak_w
from clustersim.study.wear import damping_keys
from clustersim.workload import PlanSpec

MW, MWH = 1e6, 3.6e9
METER_DT_S = 0.1
"""Power keys are 100 ms means. [s]"""
BAND_HZ = (0.1, 20.0)
HARMONICS = 3
"""Harmonics of the iteration that have a key: amplitude at the meter, with what is nearer to it than to the next."""
DAY_S = 86400.0
SIGNIFICANT = 9
UNDAMPED = ("peak_mw", "trough_mw", "swing_mw", "max_ramp_up_mw_per_s", "max_ramp_down_mw_per_s")
AT_SITE = ("site_battery", "hybrid_storage", "load_bank")
"""Damping between a site's equipment and its meter; hybrid storage in racks counts as storage there."""
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
)
"""Keys without a value when an island cannot carry the job."""


def plan_keys(plan: PlanSpec) -> dict[str, Any]:
    """Return the cut of a plan as the summary and the table of plans name it."""
    return {
        "tensor": plan.tensor,
        "context": plan.context,
        "pipeline": plan.pipeline,
        "virtual_stages": plan.virtual_stages,
        "schedule": plan.schedule,
        "expert": plan.expert,
        "data": plan.data,
        "sharding": plan.sharding,
        "micro_batches": plan.micro_batches,
        "recompute": plan.recompute,
        "expert_overlap": plan.expert_overlap,
    }


def summarise(found: Findings, cost: CostTable) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the summary and, for every key without a value, the reason.

    Power keys are at the meters of all sites together, 100 ms means, in the steady window; ``it_`` keys at the input of
    the power supplies. Ramps are the largest ``|P(t + 1 s) - P(t)|`` over all windows. ``undamped_`` keys are of the
    load before what damps at the site.
    """
    reasons: dict[str, str] = {}
    keys: dict[str, Any] = {}
    keys |= _training(found)
    keys |= _operation(found)
    keys |= _power(found)
    keys |= band_keys(found.study, found.pool.traces[0], keys, reasons)
    for n in range(1, HARMONICS + 1):
        if keys[f"harmonic_{n}_mw"] is None:
            reasons[f"harmonic_{n}_mw"] = "the meter does not move, or not so quickly"
    keys |= _undamped(found, reasons)
    keys |= _energy(found, reasons)
    keys |= _plant(found, reasons)
    keys |= _cooling(found, reasons)
    keys |= {
        "capex_usd": cost.capex_usd,
        "tco_usd_per_h": cost.tco_usd_per_h,
        "energy_usd": cost.energy_usd,
        "usd_per_million_tokens": cost.usd_per_million_tokens,
        "rules_failed": found.verdict.rules_failed,
        "rules_not_judged": len(found.verdict.not_judged),
    }
    if cost.usd_per_million_tokens is None:
        reasons["usd_per_million_tokens"] = "no token was trained"
    if found.uncarried is not None:
        for key in NOT_CARRIED:
            keys[key], reasons[key] = None, found.uncarried
    return {key: _rounded(value) for key, value in keys.items()}, reasons


def _rounded(value: Any) -> Any:
    """Return a plain number with nine significant digits, so that files are stable and readable."""
    if isinstance(value, (bool, str)) or value is None:
        return value
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(f"{float(value):.{SIGNIFICANT}g}")


def _training(found: Findings) -> dict[str, Any]:
    study, pool = found.study, found.pool
    seconds = found.iteration_time_s
    parts = {
        name: float(np.mean([t.breakdown[name] / t.iteration_time_s for t in pool.traces]))
        for name in pool.traces[0].breakdown
    }
    plan = study.plan
    tokens = study.tokens_per_step
    budget = study.scenario.job.token_budget
    return {
        "accelerators": study.accelerators,
        "accelerators_used": plan.accelerators,
        **plan_keys(plan),
        "plans_compared": study.fitting,
        "tokens_per_step": tokens,
        "iteration_time_s": seconds,
        "iteration_time_cv": pool.cv,
        "iteration_frequency_hz": 1.0 / seconds,
        "mfu": study.mfu(seconds),
        "hfu": study.hfu(seconds),
        "tokens_per_s": tokens / seconds,
        "tokens_per_s_per_gpu": tokens / seconds / plan.accelerators,
        "memory_per_gpu_gb": float(study.program.memory_bytes.max()) / 1e9,
        "compute_fraction": parts["matrix"] + parts["memory"] + parts["host"],
        "bubble_fraction": parts["bubble"],
        "exposed_comm_fraction": parts["exchange"] + parts["data_exchange"],
        "wan_fraction": study.timing.wan_s / seconds,
        "steps_to_budget": budget / tokens,
        "days_to_budget": budget / (tokens / seconds * max(found.timeline.goodput, 1e-12)) / DAY_S,
    }


def _operation(found: Findings) -> dict[str, Any]:
    return {
        "horizon_days": found.timeline.horizon_s / DAY_S,
        "goodput": found.timeline.goodput,
        "interruptions": found.timeline.interruptions,
    }


def _means(power_w: NDArray[np.float64], dt_s: float) -> NDArray[np.float64]:
    return coarsen(power_w, max(1, round(METER_DT_S / dt_s)))


def _meter(found: Findings, node: str) -> NDArray[np.float64]:
    wave = found.steady.waveform
    return _means(wave.power(node), wave.dt_s)


def _ramps(means: list[NDArray[np.float64]]) -> tuple[float, float]:
    """Return the steepest rise and fall of windows of 100 ms means. [W/s]"""
    ramps = [max_ramp(power, METER_DT_S) for power in means]
    return max(ramp.up for ramp in ramps), max(ramp.down for ramp in ramps)


def _step_starts(found: Findings) -> NDArray[np.int64]:
    return np.unique(np.round(found.steady.hall.steps_s / METER_DT_S).astype(np.int64))


def _it(found: Findings) -> NDArray[np.float64]:
    return np.asarray(sum(_meter(found, f"{site}/it") for site in found.sites))


def _power(found: Findings) -> dict[str, Any]:
    meter, it = _meter(found, "meter"), _it(found)
    starts = _step_starts(found)
    up, down = _ramps([_means(p.waveform.power("meter"), p.waveform.dt_s) for p in (found.steady, *found.events)])
    wave = found.steady.waveform
    lines = harmonics(wave.power("meter"), wave.dt_s, found.pool.iteration_time_s, most=HARMONICS)
    shares = band_shares(found.steady.waveform.power("meter"), found.steady.waveform.dt_s, *BAND_HZ)
    full, bubble = found.computing_it_w
    return {
        "mean_mw": meter.mean() / MW,
        "peak_mw": meter.max() / MW,
        "trough_mw": meter.min() / MW,
        "swing_mw": swing(meter, starts) / MW,
        "it_mean_mw": it.mean() / MW,
        "it_peak_mw": it.max() / MW,
        "it_trough_mw": it.min() / MW,
        "it_swing_mw": swing(it, starts) / MW,
        "it_computing_mw": full / MW,
        "it_bubble_mw": bubble / MW,
        "it_excess_peak_mw": excess_peak_w(found.study) / MW,
        "provisioned_mw": sum(found.provisioned.values()) / MW,
        "max_ramp_up_mw_per_s": up / MW,
        "max_ramp_down_mw_per_s": down / MW,
        **{f"harmonic_{n}_mw": None for n in range(1, HARMONICS + 1)},
        **{f"harmonic_{line.order}_mw": line.near_w / MW for line in lines},
        "band_energy_share": shares.energy,
        "band_amplitude_share": shares.amplitude,
    }


def _undamped(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
    """Return the keys of the load before what acts at the site."""
    inside = _inside(found)
    if inside is not None:
        for key in UNDAMPED:
            reasons[f"undamped_{key}"] = f"only what acts at the site is separated; {inside} is in the load"
        return dict.fromkeys(f"undamped_{key}" for key in UNDAMPED)
    loads = []
    for power in (found.steady, *found.events):
        added = sum((power.waveform.power(node) for node in power.damping_nodes), np.zeros(power.waveform.samples))
        loads.append(_means(power.waveform.power("meter") - added, power.waveform.dt_s))
    up, down = _ramps(loads)
    values = (loads[0].max(), loads[0].min(), swing(loads[0], _step_starts(found)), up, down)
    return {f"undamped_{key}": value / MW for key, value in zip(UNDAMPED, values, strict=True)}


def _inside(found: Findings) -> str | None:
    """Name damping that the load before the site's own contains, or return None without any."""
    strategies = found.study.scenario.damping
    if damps_devices(strategies, found.study.place.power):
        return "the devices' damping"
    if has_it_storage(found.study):
        return "storage in supplies or racks"
    others = [s.kind for s in strategies if s.kind not in AT_SITE]
    return ", ".join(others) or None


def raised_by_damping(summary: dict[str, Any], kinds: Sequence[str]) -> str | None:
    """Return the warning that damping of these `kinds` made peak, swing or a ramp worse, or None when it did not."""
    said = []
    for key in UNDAMPED:
        plain, damped = summary[f"undamped_{key}"], summary[key]
        if key != "trough_mw" and plain is not None and damped > plain * (1.0 + 1e-6):
            unit = "MW/s" if key.endswith("per_s") else "MW"
            name = key.removesuffix("_mw_per_s").removesuffix("_mw").replace("_", " ")
            said.append(f"{name} from {plain:.4g} to {damped:.4g} {unit}")
    who = ", ".join(kind for kind in kinds if kind in AT_SITE).replace("_", " ")
    return f"the {who} raises {'; '.join(said)}" if said else None


def _energy(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
    return {
        "energy_mwh": found.meter_energy_j / MWH,
        "it_energy_mwh": found.it_energy_j / MWH,
        "generator_energy_mwh": sum(found.generator_energy_j.values()) / MWH,
        "damping_energy_mwh": found.damping_energy_j / MWH,
        "damping_energy_share": found.damping_share,
        "throughput_loss": found.throughput_loss,
        **damping_keys(found, reasons),
        "pue": found.meter_energy_j / found.it_energy_j,
    }


def _plant(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
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
        f"{prefix}max_rocof_hz_per_s": max(max_rocof(r.frequency_hz, r.dt_s, 0.5) for r in responses),
        f"{prefix}initial_rocof_hz_per_s": max((r.initial_rocof_hz_per_s for r in responses), key=abs),
    }


def _cooling(found: Findings, reasons: dict[str, str]) -> dict[str, Any]:
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
        "cooling_share_above_alarm": max(c.above_alarm_s for c in past) / found.timeline.horizon_s,
        "cooling_peak_temperature_c": peak if peak <= BOILING_C else None,
        "sustainable_it_mw": sum(s.capacity_w for s in states) / MW,
        "water_l_per_s": sum(s.water_l_per_s for s in states),
    }
